package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
)

// noRecord is the cause of a day that nothing is known of.
const noRecord = "no record"

// mostDays bounds a trend: a snapshot filed under a mistyped year must not fill
// the centuries between with holes.
const mostDays = 36525

// TrendSettings are what a trend depends on besides the days.
type TrendSettings struct {
	TimeZone   string
	QuotaBytes int64 // the free quota of one account, at least 1
	Rules      Rules
}

// Facts are what a day brings to a trend, whatever the other days are.
type Facts struct {
	Day        TrendDay       // without what follows from other days: Appeared, Vanished, Opened, Closed
	Fleet      Accounts       // counted, and named where they failed
	Accounts   []AccountTotal // sorted by id; empty in a hole
	Mismatches []AlertItem    // snapshots whose regions do not add up; empty in a hole
}

// NewFacts takes the facts from a day's record and, where it is complete, its
// snapshots. They must be those that the record is of: numbers of half a day
// would look like a loss.
func NewFacts(r DayRecord, snapshots []Snapshot) (Facts, error) {
	f := Facts{
		Day:      TrendDay{Date: r.SnapshotDate, Status: r.Status, Totals: []TypeTotal{}, Regions: []TypeRegion{}},
		Fleet:    r.Accounts,
		Accounts: []AccountTotal{}, Mismatches: []AlertItem{},
	}
	if r.Status != Complete {
		f.Day.Cause, f.Day.DetectedAt = r.Cause, r.DetectedAt
		return f, nil
	}
	totals, err := TotalsOf(snapshots)
	if err == nil && (len(totals) == 0 || !slices.Equal(totals, r.Totals)) {
		err = errors.New("its snapshots do not add up to the totals of its record: want those that the record is of")
	}
	for _, s := range snapshots {
		if s.SnapshotDate != r.SnapshotDate {
			err = fmt.Errorf("a snapshot is of %s: want those of the day", s.SnapshotDate)
		}
	}
	if err != nil {
		return f, fmt.Errorf("facts of %s: %w", r.SnapshotDate, err)
	}
	f.Day.Totals = totals
	f.addSnapshots(SortSnapshots(snapshots))
	return f, nil
}

// NoRecord is what is known of a day without a record.
func NoRecord(d Date) Facts {
	f, _ := NewFacts(DayRecord{SnapshotDate: d, Status: Missing, Cause: noRecord}, nil) // a hole can't fail
	return f
}

// addSnapshots sums the snapshots up by region and by account. A sum that does
// not fit stays at the largest number.
func (f *Facts) addSnapshots(snapshots []Snapshot) {
	regions := make(map[TypeRegion]Amount)
	accounts := make(map[string]Amount)
	for _, s := range snapshots {
		for _, r := range s.Regions {
			place := TypeRegion{s.SourceType, Region{RegionID: r.RegionID}}
			regions[place], _ = regions[place].Plus(r.Amount)
		}
		accounts[s.AccountID], _ = accounts[s.AccountID].Plus(s.Amount)
		if !s.RegionsMatchTotal {
			sum, _ := Sum(s.Regions)
			f.Mismatches = append(f.Mismatches, AlertItem{
				SourceType: s.SourceType, AccountID: s.AccountID,
				Before: s.ProtectedDataBytes, After: sum.ProtectedDataBytes,
			})
		}
	}
	for place, sum := range regions {
		place.Amount = sum
		f.Day.Regions = append(f.Day.Regions, place)
	}
	f.Day.Regions = sorted(f.Day.Regions, func(a, b TypeRegion) bool {
		return a.SourceType < b.SourceType || a.SourceType == b.SourceType && a.RegionID < b.RegionID
	})
	f.Accounts = sortedAccounts(accounts)
	largest := int64(0)
	for _, a := range f.Accounts {
		largest = max(largest, a.ProtectedDataBytes)
	}
	f.Day.LargestAccountBytes = &largest
}

func sortedAccounts(sums map[string]Amount) []AccountTotal {
	accounts := make([]AccountTotal, 0, len(sums))
	for id, sum := range sums {
		accounts = append(accounts, AccountTotal{id, sum})
	}
	return sorted(accounts, func(a, b AccountTotal) bool { return a.AccountID < b.AccountID })
}

// ParseTotals reads a day's table of totals back: what each account protects of
// all source types. It refuses a table that is damaged, since an account that is
// absent would look like a drop.
func ParseTotals(data []byte) ([]AccountTotal, error) {
	sums := make(map[string]Amount)
	seen := make(map[string]bool)
	var date Date
	if !bytes.HasSuffix(data, []byte("\n")) {
		return nil, errors.New("totals: the last line does not end: want the whole table")
	}
	for line := range bytes.Lines(data) {
		row, err := parseTotal(line)
		if len(seen) == 0 {
			date = row.SnapshotDate
		}
		key := row.AccountID + " " + row.SourceType
		switch {
		case err != nil:
		case row.SnapshotDate != date:
			err = fmt.Errorf("snapshot_date is %s, and %s on line 1: want one day", row.SnapshotDate, date)
		case seen[key]:
			err = fmt.Errorf("%s stands twice: want each account and source type once", key)
		}
		if err != nil {
			return nil, fmt.Errorf("totals: line %d: %w", len(seen)+1, err)
		}
		seen[key] = true
		sums[row.AccountID], _ = sums[row.AccountID].Plus(row.Amount)
	}
	return sortedAccounts(sums), nil
}

func parseTotal(line []byte) (row TotalRow, err error) {
	err = checkFields("", line, reflect.TypeFor[TotalRow]())
	if err == nil {
		err = json.Unmarshal(line, &row)
	}
	if err == nil && row.SchemaVersion != TableVersion {
		err = fmt.Errorf("schema_version is %d: want %d", row.SchemaVersion, TableVersion)
	}
	return row, err
}

// NewTrend makes a trend of all days there are, in any order. Days between them
// that are not given are holes.
func NewTrend(s TrendSettings, days []Facts) (Trend, error) {
	every, err := everyDay(days)
	if err != nil {
		return Trend{}, fmt.Errorf("trend: %w", err)
	}
	f := newFold(s)
	return f.trend(timeline{from: every[0].Day.Date, days: f.all(every)}, nil, every[0].Day.Date)
}

// everyDay is the days in their order, with holes for those between them that
// are not given.
func everyDay(days []Facts) ([]Facts, error) {
	if len(days) == 0 {
		return nil, errors.New("no days: want at least one")
	}
	days = sorted(days, func(a, b Facts) bool { return a.Day.Date < b.Day.Date })
	first, last := days[0].Day.Date, days[len(days)-1].Day.Date
	if last-first >= mostDays {
		return nil, fmt.Errorf("days from %s to %s: want at most %d", first, last, mostDays)
	}
	every := make([]Facts, 0, last-first+1)
	for _, f := range days {
		next := first + Date(len(every))
		if f.Day.Date < next {
			return nil, fmt.Errorf("%s stands twice: want each day once", f.Day.Date)
		}
		for ; next < f.Day.Date; next++ {
			every = append(every, NoRecord(next))
		}
		every = append(every, f)
	}
	return every, nil
}

// A fold goes over the days in their order and keeps what the next one is judged
// by, and what the summary of them all needs.
type fold struct {
	settings TrendSettings
	watch    watch
	fleet    Accounts // of the last day
}

func newFold(s TrendSettings) *fold {
	return &fold{settings: s, watch: watch{rules: s.Rules, quota: s.QuotaBytes, open: []Alert{}}}
}

func (f *fold) all(days []Facts) []TrendDay {
	folded := make([]TrendDay, 0, len(days))
	for _, day := range days {
		folded = append(folded, f.next(day))
	}
	return folded
}

func (f *fold) next(facts Facts) TrendDay {
	day := facts.Day
	var now *figures
	if day.Status == Complete {
		now = newFigures(facts)
		if f.watch.last != nil {
			before := f.watch.last.Day
			day.Appeared, day.Vanished = lacking(before, day), lacking(day, before)
		}
	}
	day.Opened, day.Closed = f.watch.judge(day.Date, now)
	f.watch.open = day.OpenAfter(f.watch.open)
	f.fleet = facts.Fleet
	if now != nil {
		f.watch.last = now
	}
	return day
}

// lacking are the regions that a day lacks and another one has.
func lacking(day, other TrendDay) (ids []string) {
	there := make(map[string]bool, len(day.Regions))
	for _, r := range day.Regions {
		there[r.RegionID] = true
	}
	for _, r := range other.Regions {
		if !there[r.RegionID] {
			there[r.RegionID] = true
			ids = append(ids, r.RegionID)
		}
	}
	slices.Sort(ids)
	return ids
}

// trend sums the days up after the last of them was folded. The gaps before the
// day that the fold began with are known.
func (f *fold) trend(t timeline, gaps []Gap, began Date) (Trend, error) {
	s := f.settings
	trend := Trend{
		Schema: TrendSchema, TimeZone: s.TimeZone, AlertRules: s.Rules.String(), From: t.from, To: t.to(), Status: t.status(t.to()),
		Accounts: newFleet(f.fleet), Totals: []TypeTotal{}, Deltas: []Delta{}, Alerts: f.watch.open, Days: t.days,
	}
	var err error
	if trend.Gaps, err = t.gaps(gaps, began); err != nil || f.watch.last == nil {
		return trend, err
	}
	last := f.watch.last
	newest := last.Day.Date
	trend.CompleteDate = &newest
	trend.Totals = last.Day.Totals
	trend.Accounts.Largest = largest(last.Accounts)
	if trend.Deltas, err = t.deltas(last.Day); err != nil || len(trend.Accounts.Largest) == 0 {
		return trend, err
	}
	trend.FreeQuota, err = t.quotaUse(trend.Accounts.Largest[0], s.QuotaBytes, newest)
	return trend, err
}

func newFleet(a Accounts) Fleet {
	return Fleet{
		Expected: a.Expected, Collected: a.Collected, NotActivated: len(a.NotActivated), NotAttempted: len(a.NotAttempted),
		Largest: []AccountTotal{}, Missing: append([]Failure{}, a.Failed[:min(100, len(a.Failed))]...),
	}
}

// largest are the ten accounts that protect most; of equals the smaller id comes
// first.
func largest(accounts []AccountTotal) []AccountTotal {
	bySize := sorted(accounts, func(a, b AccountTotal) bool {
		return a.ProtectedDataBytes > b.ProtectedDataBytes || a.ProtectedDataBytes == b.ProtectedDataBytes && a.AccountID < b.AccountID
	})
	return append([]AccountTotal{}, bySize[:min(10, len(bySize))]...)
}

// deltas compares the newest complete day with those 1, 7, 30 and 90 days before
// it, where they are complete. A source type that only one of the days has is
// left out: what was not asked for did not grow from 0.
func (t timeline) deltas(newest TrendDay) ([]Delta, error) {
	deltas := []Delta{}
	for _, days := range []int{1, 7, 30, 90} {
		since := newest.Date - Date(days)
		if since < t.from || t.status(since) != Complete {
			continue
		}
		then, err := t.day(since)
		if err != nil {
			return nil, err
		}
		if totals := differences(then.Totals, newest.Totals); len(totals) > 0 {
			deltas = append(deltas, Delta{days, since, totals})
		}
	}
	return deltas, nil
}

func differences(before, after []TypeTotal) (totals []TypeTotal) {
	for _, now := range after {
		for _, then := range before {
			if now.SourceType == then.SourceType {
				totals = append(totals, TypeTotal{now.SourceType, Amount{
					now.ProtectedDataBytes - then.ProtectedDataBytes,
					now.ProtectedResourceCount - then.ProtectedResourceCount,
				}})
			}
		}
	}
	return totals
}

// gaps lists the runs of days that are not complete. Those that are known and end
// before the first new day stay, and may go on; one beyond it is looked at again.
func (t timeline) gaps(known []Gap, began Date) ([]Gap, error) {
	gaps, start := []Gap{}, began
	for _, g := range known {
		if g.To >= began {
			start = min(start, g.From)
			break
		}
		gaps = append(gaps, g)
	}
	for d := start; d <= t.to(); d++ {
		status := t.status(d)
		switch last := len(gaps) - 1; {
		case status == Complete:
		case last >= 0 && gaps[last].To == d-1:
			gaps[last].To = d
			if status == Partial {
				gaps[last].Status = Partial
			}
		default:
			day, err := t.day(d)
			if err != nil {
				return nil, err
			}
			gaps = append(gaps, Gap{d, d, status, day.Cause, day.DetectedAt})
		}
	}
	return gaps, nil
}

// Limits of the expected crossing: how many complete days a slope takes at most
// and at least, and how far it is followed.
const (
	slopeDays    = 30
	fewestDays   = 14
	furthestDays = 3650
)

// quotaUse holds the largest account against its quota and expects the day of
// crossing from the largest use of the last complete days, whichever account's
// each of them is.
func (t timeline) quotaUse(a AccountTotal, quota int64, newest Date) (*QuotaUse, error) {
	use := &QuotaUse{AccountID: a.AccountID, Quota: NewQuota(a.ProtectedDataBytes, quota)}
	var points []point
	for d, ok := newest, true; ok && len(points) < slopeDays; d, ok = t.completeBefore(d) {
		bytes, err := t.largest(d)
		if err != nil {
			return nil, err
		}
		points = append(points, point{d, bytes})
	}
	if len(points) < fewestDays {
		return use, nil
	}
	days := math.Ceil(float64(use.LeftBytes) / slope(points)) // infinite without growth
	if 0 < days && days <= furthestDays {
		crossing := newest + Date(days)
		use.ExpectedCrossing = &crossing
	}
	return use, nil
}

// A point is the largest use on a complete day.
type point struct {
	date  Date
	bytes int64
}

// slope is the growth of the largest use in bytes a calendar day: the median over
// all pairs of days (Theil and Sen), which a few odd days do not bend.
func slope(newestFirst []point) float64 {
	var slopes []float64
	for i, b := range newestFirst {
		for _, a := range newestFirst[i+1:] {
			slopes = append(slopes, float64(b.bytes-a.bytes)/float64(b.date-a.date))
		}
	}
	slopes = sorted(slopes, func(a, b float64) bool { return a < b })
	middle := len(slopes) / 2
	if len(slopes)%2 == 0 {
		return (slopes[middle-1] + slopes[middle]) / 2
	}
	return slopes[middle]
}
