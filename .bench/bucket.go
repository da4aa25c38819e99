package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"backup-statistics/handler/local"
	"backup-statistics/report"
	"backup-statistics/report/zones"
)

const (
	zone       = "Asia/Shanghai" // the function's, unless it is told another
	sourceType = "ECS_FILE"
	ownAccount = "1234567890123456" // that of the function in the stand-ins
)

// began is when the bench began; its events are those of that day, since the history
// goes beyond an earlier one, and its run reads more.
var began = time.Now()

// today is the day of began, where the function is.
func today() report.Date {
	loc, err := zones.Load(zone)
	if err != nil {
		loc = time.FixedZone(zone, 8*60*60)
	}
	return report.DateOf(began, loc)
}

// daily is what the timer sends on a day.
func daily(d report.Date) string {
	at := began.AddDate(0, 0, int(d-today())).UTC()
	return fmt.Sprintf(`{"triggerTime":%q,"triggerName":"daily"}`, at.Format(time.RFC3339))
}

// members are so many accounts besides the function's own.
func members(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprintf("2%015d", i))
	}
	return ids
}

// spread is what an account protects in so many regions.
func spread(regions int) (all []local.Region) {
	for i := range regions {
		all = append(all, local.Region{ID: fmt.Sprintf("cn-region-%02d", i), Bytes: int64(i+1) << 30, Count: int64(i + 1)})
	}
	return all
}

// statistics is what the service answers of them.
func statistics(regions []local.Region) report.Statistics {
	type amount struct{ ProtectedDataSize, ProtectedResourceCount int64 }
	type region struct {
		RegionID string `json:"RegionId"`
		amount
	}
	var answer struct {
		RequestID        string `json:"RequestId"`
		Code, Message    string
		Success          bool
		SourceType       string
		RegionStatistics []region
		GlobalStatistics amount
	}
	answer.RequestID, answer.Code, answer.Message, answer.Success, answer.SourceType = "00000000-0000-0000-0000-000000000000", "200", "successful", true, sourceType
	s := report.Statistics{RequestID: answer.RequestID}
	for _, r := range regions {
		s.Regions = append(s.Regions, report.Region{RegionID: r.ID, Amount: report.Amount{ProtectedDataBytes: r.Bytes, ProtectedResourceCount: r.Count}})
		s.Total.ProtectedDataBytes += r.Bytes
		s.Total.ProtectedResourceCount += r.Count
		answer.RegionStatistics = append(answer.RegionStatistics, region{r.ID, amount{r.Bytes, r.Count}})
	}
	answer.GlobalStatistics = amount{s.Total.ProtectedDataBytes, s.Total.ProtectedResourceCount}
	s.Response, _ = json.Marshal(answer)
	return s
}

// alike lets all accounts protect the same in so many regions.
func alike(regions int) func(string) report.Statistics {
	s := statistics(spread(regions))
	return func(string) report.Statistics { return s }
}

// A bucket is a folder that is filled with days, as runs of them would have left it.
type bucket struct {
	dir       string
	settings  report.Settings
	before    *report.DayRecord
	base      report.Figures
	trend     report.Trend
	calendars map[int]*report.Calendar
	days      []report.TrendDay
}

func newBucket(dir string) (*bucket, error) {
	b := &bucket{
		dir: filepath.Join(dir, "backup-statistics"), calendars: make(map[int]*report.Calendar),
		settings: report.Settings{TimeZone: zone, QuotaBytes: 100 << 30, Rules: report.DefaultRules()},
	}
	for name, data := range report.Schemas() {
		if err := b.put(report.SchemaKey(name), data, nil); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (b *bucket) put(key string, data []byte, err error) error {
	if err != nil {
		return err
	}
	file := filepath.Join(b.dir, filepath.FromSlash(key))
	if err := os.WriteFile(file, data, 0o644); err == nil || !os.IsNotExist(err) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}

// add adds a day of accounts.
func (b *bucket) add(d report.Date, accounts []string, of func(account string) report.Statistics) error {
	day := report.Day{Date: d, Listed: make(map[report.Pair]bool), Before: b.before, Base: b.base}
	captured := time.Unix(int64(d)*24*60*60, 0).UTC().Add(time.Hour)
	for _, id := range accounts {
		snapshot := report.NewSnapshot(report.Occasion{Date: d, TimeZone: zone, Trigger: report.Timer}, id, sourceType, captured, of(id))
		line, err := snapshot.Encode()
		if err := b.put(snapshot.Key(), line, err); err != nil {
			return err
		}
		pair := report.Pair{AccountID: id, SourceType: sourceType}
		day.Snapshots = append(day.Snapshots, snapshot)
		day.Objects = append(day.Objects, report.NewObject(snapshot.Key(), line, 1))
		day.Listed[pair] = true
		day.Known.Due = append(day.Known.Due, pair)
	}
	link, err := report.Settle(day, b.settings)
	if err != nil {
		return err
	}
	record, err := link.Record.Encode()
	for key, data := range map[string][]byte{
		report.DayKey(d):    record,
		report.TotalsKey(d): link.Totals.Data(), report.RegionsKey(d): link.Regions.Data(),
	} {
		if err := b.put(key, data, err); err != nil {
			return err
		}
	}
	b.trend.Enter(report.NewDayFacts(link.Record, link.Figures), b.settings)
	entered, _ := b.trend.Day(d)
	b.days = append(b.days, entered)
	b.year(d).Enter(entered)
	b.before, b.base = &link.Record, link.Last(b.base)
	return nil
}

// finish adds what is not of one day alone.
func (b *bucket) finish() error {
	record, err := b.before.Encode()
	if err := b.put(report.LatestKey, record, err); err != nil {
		return err
	}
	if err := b.putCalendars(); err != nil {
		return err
	}
	csv := report.EncodeCSV(b.days)
	b.trend.CSV, b.trend.Schemas = new(report.CSVSum).Of(csv), report.SchemasSum
	data, err := b.trend.Encode()
	if err := b.put(report.TrendKey, data, err); err != nil {
		return err
	}
	var page strings.Builder
	err = report.Readers{}.Page(&page, b.trend)
	if err := b.put(report.PageKey, []byte(page.String()), err); err != nil {
		return err
	}
	return b.put(report.TrendCSVKey, csv, nil)
}

// year is the calendar that a day belongs to.
func (b *bucket) year(d report.Date) *report.Calendar {
	if b.calendars[d.Year()] == nil {
		b.calendars[d.Year()] = &report.Calendar{Year: d.Year()}
	}
	return b.calendars[d.Year()]
}

func (b *bucket) putCalendars() error {
	for year, c := range b.calendars {
		data, err := c.Encode()
		if err := b.put(report.CalendarKey(year), data, err); err != nil {
			return err
		}
	}
	return nil
}

// undo takes back what a run of a day wrote behind the others.
func (b *bucket) undo(d report.Date) error {
	for _, key := range []string{report.SnapshotsOf(d), report.DayKey(d), report.TotalsKey(d), report.RegionsKey(d)} {
		if err := os.RemoveAll(filepath.Join(b.dir, filepath.FromSlash(key))); err != nil {
			return err
		}
	}
	return b.finish()
}

// fill fills a folder with so many days before one, of one account.
func fill(dir string, before report.Date, days, regions int) (*bucket, error) {
	b, err := newBucket(dir)
	if err != nil {
		return nil, err
	}
	of := alike(regions)
	for d := before - report.Date(days); d < before; d++ {
		if err := b.add(d, []string{ownAccount}, of); err != nil {
			return nil, fmt.Errorf("fill a bucket with %v: %w", d, err)
		}
	}
	return b, b.finish()
}
