package handler

import (
	"fmt"
	"strings"
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
	settings := report.TrendSettings{TimeZone: "Asia/Shanghai", QuotaBytes: 100 << 30, Rules: report.DefaultRules()}
	var facts []report.Facts
	for d := date - report.Date(n); d < date; d++ {
		snapshot := report.NewSnapshot(report.Occasion{Date: d, TimeZone: "Asia/Shanghai", Trigger: report.Timer}, account, "ECS_FILE",
			time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), statistics(1))
		record, err := report.NewDayRecord(report.Day{Date: d, TimeZone: "Asia/Shanghai", Snapshots: []report.Snapshot{snapshot}, Expected: 1})
		must(t, err)
		f, err := report.NewFacts(record, []report.Snapshot{snapshot})
		must(t, err)
		facts = append(facts, f)
		totals, err := report.TotalsTable([]report.Snapshot{snapshot})
		must(t, err)
		document, err := record.Encode()
		must(t, err)
		line, err := snapshot.Encode()
		must(t, err)
		must(t, s.Put(t.Context(), snapshot.Key(), line))
		must(t, s.Put(t.Context(), report.DayKey(d), document))
		must(t, s.Put(t.Context(), report.TotalsKey(d), totals.Data))
	}
	if n > 0 {
		trend, err := report.NewTrend(settings, facts)
		must(t, err)
		data, err := trend.Encode()
		must(t, err)
		must(t, s.Put(t.Context(), report.TrendKey, data))
		must(t, s.Put(t.Context(), report.TrendCSVKey, report.EncodeCSV(trend.Days)))
	}
	return s
}

// TestCostDoesNotGrow holds the requests of a day against the age of the bucket. A
// rebuild alone reads all days, each once.
func TestCostDoesNotGrow(t *testing.T) {
	date, err := report.ParseDate("2026-11-23")
	must(t, err)
	for _, days := range []int{0, 365, 3650} {
		documents := &counting{Store: aged(t, date, days)}
		// Of each day the snapshot and the record are read and two tables looked
		// up, and so are three and two documents of all days; the first record is
		// read once more, to tell whether it is one; aged days lack a
		// table and what their records say of it.
		rebuilt := fmt.Sprintf("map[Get:%d List:%d Put:%d]", 2*(days+1)+4, 5+2*(days+1)+2, 2*days)
		rebuilt = strings.Replace(rebuilt, " Put:0]", "]", 1)
		h := newHandler(t, documents, new(source))
		for _, tt := range []struct{ name, event, want string }{
			{"a run", event, "map[Get:4 List:4 Put:7 PutNew:1]"},
			{"its duplicate", event, "map[Get:5 List:8]"},
			{"a check", `{"triggerTime":"2026-11-23T15:17:00Z","payload":"{\"action\":\"check\"}"}`, "map[Get:6 List:8]"},
			{"a rebuild", `{"action":"rebuild"}`, rebuilt},
		} {
			if tt.name == "a rebuild" && days > 365 {
				continue // it takes seconds: see the benchmark
			}
			if tt.name == "a check" {
				wind(t, h, "2026-11-23T15:17:01Z")
			}
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
	for _, days := range []int{0, 365, 3650} {
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
