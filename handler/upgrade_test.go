package handler

import (
	"os"
	"slices"
	"strings"
	"testing"

	"backup-statistics/handler/store"
	"backup-statistics/report"
)

// beforeChain is a bucket as the version before the chain of days wrote it, without
// schemas and page: a complete day; a partial one, which a check reported on the next
// day; and a complete one with a drop, which is open, and people were told of it.
func beforeChain(t *testing.T) *store.Memory {
	t.Helper()
	data, err := os.ReadFile("testdata/before-chain.txtar")
	must(t, err)
	s := new(store.Memory)
	for document := range strings.SplitSeq(strings.TrimPrefix(string(data), "-- "), "\n-- ") {
		key, content, _ := strings.Cut(document, " --\n")
		must(t, s.Put(t.Context(), key, []byte(strings.TrimSuffix(content, "\n")+"\n")))
	}
	must(t, s.Put(t.Context(), report.SchemaKey("trend.v1.schema.json"), []byte("{}\n")))
	return s
}

// TestUpgrade lets this version go on with a bucket of the one before.
func TestUpgrade(t *testing.T) {
	const noChain = `it has no chain, since days/2026-11-22.json has none, as an earlier version wrote it: {"action":"rebuild"} makes them`
	w := newWorld(t, 2)
	w.Store = beforeChain(t)
	was := dump(t, without(t, w.Store, "report/", "latest.json"))
	w.protect(3, 2)
	result, err := w.run("2026-11-23")
	must(t, err)
	if got, want := strings.Join(result.Warnings, "; "), "days/2026-11-23.json: "+noChain; !strings.Contains(got, want) || !strings.Contains(got, "report/trend.json: stored trend: schema \"trend/v1\"") || len(result.Warnings) != 2 {
		t.Errorf("warnings %q, want that the trend is made anew, and %q", result.Warnings, want)
	}
	if r := record(t, w.Store, "2026-11-23"); result.Chain != "" || r.Chain != "" || r.Status != report.Complete || r.HistoryBegins == nil || r.HistoryBegins.String() != "2026-11-20" || r.Previous == nil || r.Previous.String() != "2026-11-22" {
		t.Errorf("answer %+v and record %+v, want a complete day without a chain, of a history that begins when it did", result, r)
	}
	if got := dump(t, without(t, w.Store, "report/", "latest.json", "calendar/", "schema/calendar", "schema/day", "schema/latest", "schema/re", "schema/snap", "schema/tot", "schema/trend.v2",
		"snapshots/dt=2026-11-23", "days/2026-11-23", "totals/dt=2026-11-23", "regions/dt=2026-11-23")); got != was {
		t.Errorf("what was there is no more as it was: %s", differ(got, was))
	}
	if got, want := statuses(t, w.Store), "20 complete 21 partial 22 complete 23 complete"; got != want {
		t.Errorf("the views have %s, want %s", got, want)
	}
	drop := []string{
		"data_dropped_percent/11-22 ECS_FILE0", "resources_dropped/11-22 1234567890123456ECS_FILE0", "resources_dropped/11-22 1234567890123457ECS_FILE0",
		"resources_dropped/11-22 ECS_FILE0", "resources_dropped/11-22 ECS_FILEcn-hangzhou0",
	}
	for i, item := range drop { // an earlier version did not tell source types of an account apart
		if strings.Contains(item, " 1234") {
			drop[i] = strings.Replace(item, "ECS_FILE", "", 1)
		}
	}
	if got := openNow(t, w.Store); !slices.Equal(got, drop) {
		t.Errorf("open are %v, want %v", got, drop)
	}
	if _, err := w.check("2026-11-23"); err != nil {
		t.Errorf("the check says %v, want nothing", err)
	}
	if got := w.inbox.said(); got != "" {
		t.Errorf("people were told %s, want nothing", got)
	}

	result, err = w.run("2026-11-24")
	must(t, err)
	if got, want := strings.Join(result.Warnings, "; "), "days/2026-11-24.json: "+strings.Replace(noChain, "11-22", "11-23", 1); got != want {
		t.Errorf("on the next day the warnings are %q, want %q", got, want)
	}
	was = facts(t, w.Store)
	result, err = w.Handle(t.Context(), []byte(`{"action":"rebuild"}`))
	must(t, err)
	for _, day := range days(t, "2026-11-20", 5) {
		if got, want := record(t, w.Store, day).Chain, chainOf(t, w.Store, day); got != want {
			t.Errorf("rebuilt, the record of %s has the chain %q, want %s", day, got, want)
		}
	}
	if want := chainOf(t, w.Store, "2026-11-24"); result.Chain != want || len(result.Warnings) > 0 {
		t.Errorf("the rebuild answers the chain %q, warnings %q; want %s", result.Chain, result.Warnings, want)
	}
	if got := facts(t, w.Store); got != was {
		t.Errorf("rebuilt, the views are others than the runs made: %s", differ(got, was))
	}
	if got := w.inbox.said(); got != "" {
		t.Errorf("people were told %s, want nothing", got)
	}

	w.protect(5, 2)
	result, err = w.run("2026-11-25")
	must(t, err)
	if want := chainOf(t, w.Store, "2026-11-25"); result.Chain != want || len(result.Warnings) > 0 {
		t.Errorf("after the rebuild a run answers the chain %q, warnings %q; want %s", result.Chain, result.Warnings, want)
	}
	if got, want := w.inbox.said(), "2026-11-25 -data_dropped_percent/11-22 -resources_dropped/11-22"; got != want {
		t.Errorf("people were told %s, want %s", got, want)
	}
}

// TestUpgradeBegins sends a bucket of the version before any other first event.
func TestUpgradeBegins(t *testing.T) {
	for _, tt := range []struct {
		name   string
		but    string // the bucket's last day is the one before this
		event  func(w *world) (*Result, error)
		status string
		told   string
		open   int
	}{
		{"with a check", "2026-11-23", func(w *world) (*Result, error) {
			_, err := w.check("2026-11-22") // the retry of one that reported the partial day
			if got, want := fails(err), "GapError: gap: no complete record of 2026-11-21: SourceError: cloud backup: account 1234567890123457, ECS_FILE: AccessDenied (403)"; got != want {
				return nil, err
			}
			return &Result{Status: "a gap"}, nil
		}, "a gap", "", 5},
		{"with a rebuild", "2026-11-23", func(w *world) (*Result, error) { return w.Handle(w.t.Context(), []byte(`{"action":"rebuild"}`)) }, "rebuilt", "", 5},
		{"with a duplicate", "2026-11-23", func(w *world) (*Result, error) { return w.run("2026-11-22") }, "exists", "", 5},
		{"with an overwrite", "2026-11-23", func(w *world) (*Result, error) {
			w.protect(5, 2)
			return w.timer("2026-11-22", evening, `{"overwrite":true}`, 0)
		}, "replaced", "2026-11-22 -data_dropped_percent/11-22 -resources_dropped/11-22", 0},
		{"with a verify", "2026-11-23", func(w *world) (*Result, error) { return w.Handle(w.t.Context(), []byte(`{"action":"verify"}`)) }, "verified", "", -1},
		// The record of a partial day does not say what the account had that it lacks.
		{"after the partial day", "2026-11-22", func(w *world) (*Result, error) {
			w.protect(4, 2)
			return w.run("2026-11-22")
		}, "written", "2026-11-22 +data_dropped_percent/11-22 +resources_dropped/11-22 -day_missing/11-21", 5},
		{"after the partial day, with a gap", "2026-11-22", func(w *world) (*Result, error) {
			w.protect(4, 2)
			return w.run("2026-11-23")
		}, "written", "2026-11-23 +data_dropped_percent/11-23 +resources_dropped/11-23 -day_missing/11-21", 5},
		{"after the partial day and a gap", "2026-11-22", func(w *world) (*Result, error) {
			must(w.t, w.Store.Put(w.t.Context(), "days/2026-11-22.json", []byte(`{"schema":"day/v1","snapshot_date":"2026-11-22","time_zone":"Asia/Shanghai","status":"missing","accounts":{"expected":0,"collected":0,"failed":[],"not_activated":[],"not_attempted":[]},"totals":[],"objects":[],"cause":"no run of that day left a record","detected_at":"2026-11-22T15:17:01Z","reported_on":"2026-11-22","alerts":[{"rule":"day_missing","opened":"2026-11-21","items":[]}]}`+"\n")))
			w.protect(4, 2)
			return w.run("2026-11-23")
		}, "written", "2026-11-23 +data_dropped_percent/11-23 +resources_dropped/11-23 -day_missing/11-21", 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 2)
			w.protect(3, 2)
			w.Store = beforeChain(t)
			if tt.but == "2026-11-22" {
				w.Store = without(t, w.Store, "days/2026-11-22", "snapshots/dt=2026-11-22", "totals/dt=2026-11-22", "regions/dt=2026-11-22", "report/")
				rewrite(t, w.Store, report.LatestKey, func([]byte) []byte {
					data, err := w.Store.Get(t.Context(), "days/2026-11-20.json")
					must(t, err)
					return data
				})
			}
			w.wait("2026-11-22" + evening)
			snapshots := dump(t, copyOf(t, w.Store, "snapshots/dt=2026-11-20", "snapshots/dt=2026-11-21"))
			before := dump(t, w.Store)
			result, err := tt.event(w)
			must(t, err)
			if result.Status != tt.status {
				t.Errorf("status %s, want %s", result.Status, tt.status)
			}
			if got := dump(t, copyOf(t, w.Store, "snapshots/dt=2026-11-20", "snapshots/dt=2026-11-21")); got != snapshots {
				t.Errorf("snapshots are others: %s", differ(got, snapshots))
			}
			if got := w.inbox.said(); got != tt.told {
				t.Errorf("people were told %q, want %q", got, tt.told)
			}
			if tt.open < 0 {
				if got := dump(t, w.Store); got != before {
					t.Errorf("it writes: %s", differ(got, before))
				}
				return
			}
			if got := openNow(t, w.Store); len(got) != tt.open {
				t.Errorf("open are %v, want %d", got, tt.open)
			}
			after := facts(t, w.Store)
			_, err = w.Handle(t.Context(), []byte(`{"action":"rebuild"}`))
			must(t, err)
			if got := facts(t, w.Store); got != after {
				t.Errorf("a rebuild finds something to mend: %s", differ(got, after))
			}
			if got := w.inbox.said(); got != tt.told {
				t.Errorf("rebuilt, people were told %q, want %q", got, tt.told)
			}
		})
	}
}

// facts is what a bucket says of the days, without what a rebuild alone knows of one of
// an earlier version: the chain, and since when accounts are missing.
func facts(t *testing.T, s Store) string {
	t.Helper()
	open := strings.ReplaceAll(strings.Join(openNow(t, s), "\n"), "ECS_FILE", "") // which an account's items had not
	return open + dump(t, copyOf(t, s, "calendar/", "regions/", "snapshots/", "totals/", report.TrendCSVKey))
}
