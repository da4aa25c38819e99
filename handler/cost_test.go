package handler

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"backup-statistics/handler/store"
	"backup-statistics/report"
)

// aged is a bucket with so many days before a date, as far as a daily run reads
// them, and with the schemas.
func aged(t testing.TB, date report.Date, n int) Store {
	t.Helper()
	s := new(store.Memory)
	for name, data := range report.Schemas() {
		must(t, s.Put(t.Context(), report.SchemaKey(name), data))
	}
	settings := report.Settings{TimeZone: "Asia/Shanghai", QuotaBytes: 100 << 30, Rules: report.DefaultRules()}
	put := func(key string, data []byte, err error) {
		must(t, err)
		must(t, s.Put(t.Context(), key, data))
	}
	var before *report.DayRecord
	var base report.Figures
	var trend report.Trend
	calendars := make(map[int]*report.Calendar)
	var days []report.TrendDay
	for d := date - report.Date(n); d < date; d++ {
		snapshot := report.NewSnapshot(report.Occasion{Date: d, TimeZone: "Asia/Shanghai", Trigger: report.Timer}, account, "ECS_FILE",
			time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), statistics(1))
		line, err := snapshot.Encode()
		put(snapshot.Key(), line, err)
		pair := report.Pair{AccountID: account, SourceType: "ECS_FILE"}
		link, err := report.Settle(report.Day{
			Date: d, Snapshots: []report.Snapshot{snapshot}, Objects: []report.Object{report.NewObject(snapshot.Key(), line, 1)},
			Listed: map[report.Pair]bool{pair: true}, Before: before, Base: base, Known: report.Known{Due: []report.Pair{pair}},
		}, settings)
		must(t, err)
		document, err := link.Record.Encode()
		put(report.DayKey(d), document, err)
		put(report.TotalsKey(d), link.Totals.Data(), nil)
		put(report.RegionsKey(d), link.Regions.Data(), nil)
		put(report.LatestKey, document, nil)
		trend.Enter(report.NewDayFacts(link.Record, link.Figures), settings)
		day, _ := trend.Day(d)
		days = append(days, day)
		if calendars[d.Year()] == nil {
			calendars[d.Year()] = &report.Calendar{Year: d.Year()}
		}
		calendars[d.Year()].Enter(day)
		before, base = &link.Record, link.Last(base)
	}
	for year, c := range calendars {
		data, err := c.Encode()
		put(report.CalendarKey(year), data, err)
	}
	if n > 0 {
		csv := report.EncodeCSV(days)
		trend.CSV, trend.Schemas = new(report.CSVSum).Of(csv), report.SchemasSum
		data, err := trend.Encode()
		put(report.TrendKey, data, err)
		put(report.TrendCSVKey, csv, nil)
	}
	return s
}

// TestCostDoesNotGrow holds the requests of a day against the age of the bucket: they
// are the same from the second day on. A rebuild of everything alone reads all days, each
// once.
func TestCostDoesNotGrow(t *testing.T) {
	date, err := report.ParseDate("2026-11-23")
	must(t, err)
	for _, days := range []int{0, 1, 40, 365, 3650} {
		begins := 0 // a first day looks where the history begins: it lists snapshots and records
		if days == 0 {
			begins = 2
		}
		months := map[int]int{0: 1, 1: 2, 40: 2, 365: 13}[days] // or days, where they are few
		cost := func(get, list, put, putNew int) string {
			counts := map[string]int{"Get": get, "List": list, "Put": put, "PutNew": putNew}
			maps.DeleteFunc(counts, func(_ string, n int) bool { return n == 0 })
			return fmt.Sprint(counts)
		}
		documents := &counting{Store: aged(t, date, days)}
		h := newHandler(t, documents, new(source))
		for _, tt := range []struct{ name, at, event, want string }{
			// It reads the record of the day and of the day before, two tables of that day,
			// trend and csv, and lists the day's snapshots. It writes record and copy, two
			// tables, trend, csv, calendar and page. A first day lists the schemas as well,
			// since no trend says that they are there.
			{"a run", due, event, cost(6, 1+begins+begins/2, 8, 1)},
			// The snapshot is read back, and latest.json, since the day may be altered; tables,
			// calendar and page are looked up.
			{"its duplicate", due, event, cost(8, 5+begins, 0, 0)},
			{"a check", "2026-11-23T15:17:00Z", `{"triggerTime":"2026-11-23T15:17:00Z","payload":"{\"action\":\"check\"}"}`, cost(8, 5+begins+begins, 0, 0)},
			{"a rebuild of the day", "2026-11-23T15:17:00Z", `{"action":"rebuild","from":"2026-11-23"}`, cost(10, 8, 0, 0)},
			{"a verify of the day", "2026-11-23T15:17:00Z", `{"action":"verify","from":"2026-11-23"}`, cost(5, 4, 0, 0)},
			// Of each day the snapshot and the record are read, and two tables looked up;
			// snapshots are listed by month.
			{"a rebuild", "2026-11-23T15:17:00Z", `{"action":"rebuild"}`, cost(2*(days+1)+5, 2*(days+1)+5+months, 0, 0)},
		} {
			if tt.name == "a rebuild" && days > 365 || strings.HasSuffix(tt.name, "of the day") && days < 2 {
				continue // that takes seconds: see the benchmark; and this is the former
			}
			wind(t, h, tt.at)
			documents.calls = make(map[string]int)
			result, err := h.Handle(t.Context(), []byte(tt.event))
			must(t, err)
			if got := fmt.Sprint(documents.calls); got != tt.want || len(result.Warnings) > 0 {
				t.Errorf("with %d days %s costs %s, want %s; warnings %v", days, tt.name, got, tt.want, result.Warnings)
			}
		}
	}
}

// A day costs about as much with ten years behind it as with one, though it writes
// the whole trend; what a rebuild costs grows with the days, and no faster.
func BenchmarkYears(b *testing.B) {
	date, err := report.ParseDate("2026-11-23")
	must(b, err)
	for _, days := range []int{1, 365, 3650} {
		begun := aged(b, date, days)
		for _, tt := range []struct{ name, event string }{{"run", event}, {"rebuild", `{"action":"rebuild"}`}} {
			b.Run(fmt.Sprintf("%s/%d", tt.name, days), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					b.StopTimer()
					documents := new(store.Memory)
					copyTo(b, documents, begun)
					h := newHandler(b, documents, new(source))
					b.StartTimer()
					_, err := h.Handle(b.Context(), []byte(tt.event))
					must(b, err)
				}
			})
		}
	}
}

// A weighing store counts the keys that it lists.
type weighing struct {
	Store
	mu   sync.Mutex
	keys int
}

func (w *weighing) List(ctx context.Context, prefix string, limit int) ([]store.Entry, error) {
	entries, err := w.Store.List(ctx, prefix, limit)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keys += len(entries)
	return entries, err
}

// TestNoMonthOfALargeFleetIsListed: it has hundreds of thousands of keys, which take as
// many requests as there are thousands, and more memory than there is.
func TestNoMonthOfALargeFleetIsListed(t *testing.T) {
	const accounts = 200
	var sources []Source
	for range accounts {
		sources = append(sources, new(source))
	}
	documents := new(store.Memory)
	h := newHandler(t, documents, sources...)
	play(t, h, "2026-11-22", "2026-11-23")
	for _, day := range days(t, "2026-11-24", 5) { // their content is not read
		for i := range accounts {
			must(t, documents.Put(t.Context(), fmt.Sprintf("snapshots/dt=%s/%d-ECS_FILE.json", day, 1234567890123456+i), nil))
		}
	}
	for _, event := range []string{
		`{"action":"verify","from":"2026-11-28"}`,
		`{"action":"rebuild","from":"2026-11-23","to":"2026-11-23"}`,
		`{"triggerTime":"2026-11-23T04:00:00Z"}`,
	} {
		weighed := &weighing{Store: documents}
		h.Store = weighed
		wind(t, h, "2026-11-28T04:00:00Z")
		_, err := h.Handle(t.Context(), []byte(event))
		if most := accounts + 50; weighed.keys > most {
			t.Errorf("%s lists %d keys (%v), want at most those of a day, %d", event, weighed.keys, err, most)
		}
	}
}
