package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"backup-statistics/handler/store"
	"backup-statistics/report"
)

// stateOf is what the documents of a bucket say of a day, to whoever reads them:
// the statuses of its record and in the trend ("none": it is not there), and
// whether latest.json is of that day.
func stateOf(t *testing.T, s Store, date string) (recorded, trend string, latest bool) {
	t.Helper()
	var r, l struct {
		Status       string
		SnapshotDate string `json:"snapshot_date"`
	}
	var h struct {
		Days []struct{ Date, Status string }
	}
	for key, to := range map[string]any{"days/" + date + ".json": &r, "latest.json": &l, report.TrendKey: &h} {
		if data, err := s.Get(t.Context(), key); err == nil {
			json.Unmarshal(data, to) //nolint:errcheck // a damaged document says nothing
		}
	}
	recorded, trend = "none", "none"
	if r.Status != "" {
		recorded = r.Status
	}
	for _, d := range h.Days {
		if d.Date == date {
			trend = d.Status
		}
	}
	return recorded, trend, l.SnapshotDate == date && l.Status == report.Complete
}

// agree wants the record, latest.json, the trend and the page to say the same of the
// newest day: what a rebuild makes of the same snapshots and records is what is there.
func agree(t *testing.T, w *world, date string) (odd []string) {
	t.Helper()
	recorded, trend, latest := stateOf(t, w.Store, date)
	if complete := recorded == report.Complete; latest != complete || (trend == report.Complete) != complete {
		odd = append(odd, fmt.Sprintf("the record says %s, the trend %s, and latest.json is of the day: %v", recorded, trend, latest))
	}
	if trend != "none" && trend != recorded {
		odd = append(odd, fmt.Sprintf("the record says %s and the trend %s", recorded, trend))
	}
	if latest {
		record, err := w.Store.Get(t.Context(), "days/"+date+".json")
		must(t, err)
		if copied, err := w.Store.Get(t.Context(), "latest.json"); err != nil || string(copied) != string(record) {
			odd = append(odd, fmt.Sprintf("latest.json is %s, want the day's record %s", copied, record))
		}
	}
	odd = append(odd, vouchedFor(t, w.Store, date)...)
	if keys := keys(t, w.Store); trend == "none" || !strings.Contains(keys, report.SnapshotsDir) {
		return odd // the day is not judged yet
	}
	again := *w.Handler
	again.Store, again.Notifier = without(t, w.Store), nil
	_, err := again.Handle(t.Context(), []byte(`{"action":"rebuild"}`))
	must(t, err)
	for _, key := range []string{"days/" + date + ".json", "latest.json", report.TrendKey, report.TrendCSVKey, report.PageKey} {
		got, _ := w.Store.Get(t.Context(), key)
		if want, err := again.Store.Get(t.Context(), key); err != nil && !latest && key == "latest.json" {
			continue
		} else if string(got) != string(want) {
			odd = append(odd, fmt.Sprintf("%s is\n%.2000s\nand a rebuild makes\n%.2000s", key, got, want))
		}
	}
	return odd
}

// vouchedFor holds what a complete day's record lists against what is stored.
func vouchedFor(t *testing.T, s Store, date string) (odd []string) {
	t.Helper()
	if recorded, _, _ := stateOf(t, s, date); recorded != report.Complete {
		return nil
	}
	for _, o := range record(t, s, date).Objects {
		data, err := s.Get(t.Context(), o.Key)
		if got := report.NewObject(o.Key, data, o.Rows); err != nil || got != o {
			odd = append(odd, fmt.Sprintf("the record lists %+v, and stored is %+v (%v)", o, got, err))
		}
	}
	return odd
}

const newcomer = "7777777777777777" // an account that joins

// TestALaterFailureUndoesNoEarlierSuccess has a day that is complete, with one account
// without Cloud Backup. What fails on it afterwards is told and recorded, and is due
// from the next day on.
func TestALaterFailureUndoesNoEarlierSuccess(t *testing.T) {
	const first, day, next = "2026-11-22", "2026-11-23", "2026-11-24"
	denied := errors.New("GetBasicStatistics: NoPermission (403)")
	join := func(w *world, fails error) {
		s := &source{fails: fails, total: w.sources[0].total}
		w.sources = append(w.sources, s)
		w.Accounts = append(w.Accounts, Account{ID: newcomer, Source: s})
	}
	for _, tt := range []struct {
		name     string
		happens  func(w *world)
		event    string // of a second run of the day
		err      string // its error; empty: none
		accounts string // in the record afterwards: expected, collected, failed, not activated, not attempted
	}{
		{"nothing", func(*world) {}, ``, "", "2 1 [] [1234567890123457] []"},
		{"the account without Cloud Backup denies", func(w *world) { w.sources[1].fails = denied }, ``, "AccountsError", "2 1 [1234567890123457 ECS_FILE] [1234567890123457] []"},
		{"it denies, asked for alone", func(w *world) { w.sources[1].fails = denied }, `{"accounts":["1234567890123457"]}`, "SourceError", "2 1 [1234567890123457 ECS_FILE] [1234567890123457] []"},
		{"it has Cloud Backup now", func(w *world) { w.sources[1].fails = nil }, ``, "", "2 2 [] [] []"},
		{"a member joins that denies", func(w *world) { join(w, denied) }, ``, "AccountsError", "2 1 [7777777777777777 ECS_FILE] [1234567890123457] []"},
		{"a member joins that answers", func(w *world) { join(w, nil) }, ``, "", "3 2 [] [1234567890123457] []"},
		{"a member joins, and others are asked", func(w *world) { join(w, nil) }, `{"accounts":["1234567890123456"]}`, "", "2 1 [] [1234567890123457] []"},
		{"a source type comes that fails", func(w *world) {
			w.Config.SourceTypes = []string{"ECS_FILE", "OTHER"}
			for i, a := range w.Accounts {
				w.Accounts[i].Source = onlyECSFile{a.Source, denied}
			}
		}, `{"accounts":["1234567890123456"]}`, "AccountsError", "2 1 [1234567890123456 OTHER] [1234567890123457] []"},
		{"a source type comes, and others are asked", func(w *world) { w.Config.SourceTypes = []string{"ECS_FILE", "OTHER"} }, `{"source_types":["ECS_FILE"]}`, "", "2 1 [] [1234567890123457] []"},
		{"an overwrite fails", func(w *world) { w.fail(denied) }, `{"overwrite":true}`, "AccountsError", "2 1 [1234567890123457 ECS_FILE] [1234567890123457] []"},
		{"an overwrite succeeds for those that had a snapshot", func(w *world) { w.sources[1].fails = denied }, `{"overwrite":true}`, "AccountsError", "2 1 [1234567890123457 ECS_FILE] [1234567890123457] []"},
		{"the record is gone, and one denies", func(w *world) {
			w.sources[1].fails = denied
			w.Store = without(w.t, w.Store, "days/"+day)
		}, ``, "AccountsError", "2 1 [1234567890123457 ECS_FILE] [1234567890123457] []"},
		{"the record is damaged, and one denies", func(w *world) {
			w.sources[1].fails = denied
			must(w.t, w.Store.Put(w.t.Context(), "days/"+day+".json", []byte("{half")))
		}, ``, "AccountsError", "2 1 [1234567890123457 ECS_FILE] [1234567890123457] []"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 2)
			w.sources[1].fails = accountState{}
			for _, day := range []string{first, day} {
				_, err := w.run(day)
				must(t, err)
			}
			told := w.inbox.said()
			tt.happens(w)
			_, err := w.late(day, noon, tt.event)
			if got := ErrorType(err); err != nil && got != tt.err || (err != nil) != (tt.err != "") {
				t.Errorf("the run answers %s, want %q", fails(err), tt.err)
			}
			for _, then := range []string{"", "rebuild", "check"} { // none of which makes it another day
				if then != "" {
					_, err := w.late(day, noon, `{"action":"`+then+`"}`)
					must(t, err)
				}
				r := record(t, w.Store, day)
				var failed []string
				for _, f := range r.Accounts.Failed {
					failed = append(failed, f.AccountID+" "+f.SourceType)
				}
				got := fmt.Sprint(r.Accounts.Expected, r.Accounts.Collected, failed, r.Accounts.NotActivated, r.Accounts.NotAttempted)
				if r.Status != report.Complete || got != tt.accounts || r.Cause != "" || r.DetectedAt != nil {
					t.Errorf("record after %s: %s, %s; want complete, %s", then, r.Status, got, tt.accounts)
				}
				for _, odd := range agree(t, w, day) {
					t.Errorf("after %s: %s", then, odd)
				}
			}
			if got := w.inbox.said(); got != told {
				t.Errorf("people were told %q, want %q", got, told)
			}
			if tt.err == "" || strings.Contains(tt.event, "overwrite") {
				return
			}
			if _, err := w.run(next); ErrorType(err) != "AccountsError" { // now it is due
				t.Errorf("the next day's run answers %s, want an AccountsError", fails(err))
			}
			if r := record(t, w.Store, next); r.Status != report.Partial {
				t.Errorf("the next day is %s, want it to lack what failed", r.Status)
			}
		})
	}
}

// onlyECSFile fails for all source types but one.
type onlyECSFile struct {
	Source
	fails error
}

func (o onlyECSFile) Statistics(ctx context.Context, sourceType string) (report.Statistics, error) {
	if sourceType != "ECS_FILE" {
		return report.Statistics{}, o.fails
	}
	return o.Source.Statistics(ctx, sourceType)
}

// A day's record names the zone that its snapshots were filed in, whatever the
// settings say today.
func TestAChangeOfTheZoneLeavesOldRecords(t *testing.T) {
	w := newWorld(t, 2)
	for _, day := range days(t, "2026-11-20", 3) {
		_, err := w.run(day)
		must(t, err)
	}
	w.fail(errDenied)
	w.run("2026-11-23")
	w.check("2026-11-23")
	w.fail(nil)
	recorded := func() (all string) {
		for _, day := range days(t, "2026-11-20", 4) {
			data, err := w.Store.Get(t.Context(), "days/"+day+".json")
			must(t, err)
			all += string(data)
		}
		return all
	}
	before := recorded()
	if n := strings.Count(before, `"time_zone":"Asia/Shanghai"`); n != 4 {
		t.Fatalf("%d records name Asia/Shanghai, want 4:\n%s", n, before)
	}
	w.Config = config(t, "TIME_ZONE=UTC")
	for _, event := range []string{`{"action":"rebuild"}`, `{"action":"rebuild","from":"2026-11-21","to":"2026-11-21"}`, `{"action":"check"}`, `{}`} {
		w.wait("2026-11-24T15:17:00Z")
		w.Handle(t.Context(), []byte(event)) //nolint:errcheck // what it leaves counts
		if after := recorded(); after != before {
			t.Errorf("after %s the records are\n%s\nwant\n%s", event, after, before)
		}
	}
	w.Store = without(t, w.Store, "days/", "latest.json", "report/")
	_, err := w.Handle(t.Context(), []byte(`{"action":"rebuild"}`))
	must(t, err)
	if r := record(t, w.Store, "2026-11-22"); r.TimeZone != "Asia/Shanghai" {
		t.Errorf("made anew of its snapshots a record names %s, want their zone", r.TimeZone)
	}
	if r := record(t, w.Store, "2026-11-24"); r.TimeZone != "UTC" {
		t.Errorf("the record of a day after the change names %s, want the new zone", r.TimeZone)
	}
}

// TestEveryEventInEveryStateOfADay sends each event to a day in each state it can be
// found in. After a run, a check or a rebuild all documents say the same of the day;
// what is refused, or only tries, alters nothing; and a day that was complete is
// complete afterwards.
func TestEveryEventInEveryStateOfADay(t *testing.T) {
	const before, day = "2026-11-22", "2026-11-23"
	denied := errors.New("GetBasicStatistics: NoPermission (403)")
	key := "snapshots/dt=" + day + "/1234567890123456-ECS_FILE.json"
	put := func(w *world, key, data string) { must(w.t, w.Store.Put(w.t.Context(), key, []byte(data))) }
	states := []struct {
		name string
		play func(w *world)
	}{
		{"nothing was there before", func(w *world) { w.Store = new(store.Memory) }},
		{"no run yet", func(*world) {}},
		{"a run that failed", func(w *world) { w.fail(denied); w.run(day); w.fail(nil) }},
		{"a gap that was reported", func(w *world) { w.check(day) }},
		{"a run that failed for one", func(w *world) { w.sources[1].fails = denied; w.run(day); w.fail(nil) }},
		{"a partial day that was reported", func(w *world) { w.sources[1].fails = denied; w.run(day); w.fail(nil); w.check(day) }},
		{"a narrowed run", func(w *world) { w.timer(day, noon, `{"accounts":["1234567890123456"]}`, 0) }},
		{"complete", func(w *world) { w.run(day) }},
		{"complete and checked", func(w *world) { w.run(day); w.check(day) }},
		{"complete without one that has no Cloud Backup", func(w *world) { w.sources[1].fails = accountState{}; w.run(day) }},
		{"complete, with a failure since", func(w *world) {
			w.sources[1].fails = accountState{}
			w.run(day)
			w.sources[1].fails = denied
			w.late(day, noon, "")
		}},
		{"complete, and the source types are others since", func(w *world) {
			w.run(day)
			w.Config = config(w.t, "SOURCE_TYPES=ECS_FILE,OTHER")
		}},
		{"complete, and an account left since", func(w *world) { w.run(day); w.Accounts = w.Accounts[:1] }},
		{"an overwrite that was cut short", func(w *world) {
			w.run(day)
			documents := new(flaky)
			copyTo(w.t, &documents.Memory, w.Store)
			documents.failOn, w.Store = "snapshots/", documents
			w.late(day, noon, `{"overwrite":true}`)
		}},
		{"an overwrite that was cut short after the snapshot", func(w *world) {
			w.run(day)
			documents := new(flaky)
			copyTo(w.t, &documents.Memory, w.Store)
			documents.failOn, w.Store = "totals/", documents
			w.late(day, noon, `{"overwrite":true}`)
		}},
		{"the record is gone", func(w *world) { w.run(day); w.Store = without(w.t, w.Store, "days/"+day) }},
		{"the record is damaged", func(w *world) { w.run(day); put(w, "days/"+day+".json", "{half") }},
		{"the record is empty", func(w *world) { w.run(day); put(w, "days/"+day+".json", "") }},
		{"latest.json is gone", func(w *world) { w.run(day); w.Store = without(w.t, w.Store, "latest.json") }},
		{"latest.json is damaged", func(w *world) { w.run(day); put(w, "latest.json", "{half") }},
		{"the trend is gone", func(w *world) { w.run(day); w.Store = without(w.t, w.Store, "report/") }},
		{"the trend is damaged", func(w *world) { w.run(day); put(w, report.TrendKey, "{half") }},
		{"all that is derived is gone", func(w *world) {
			w.run(day)
			w.Store = without(w.t, w.Store, "days/", "latest.json", "report/", "totals/", "regions/")
		}},
		{"a snapshot is damaged", func(w *world) { w.run(day); put(w, key, "{half") }},
	}
	events := []struct {
		name, event string
		works       bool // it is followed, and leaves the day's documents in order
		play        func(w *world)
	}{
		{"a run", ``, true, nil},
		{"a run that one account fails", ``, true, func(w *world) { w.sources[1].fails = denied }},
		{"a run that all fail", ``, true, func(w *world) { w.fail(denied) }},
		{"a run of accounts that nobody can find out", ``, true, func(w *world) {
			w.Members = func(context.Context) ([]Account, error) { return nil, denied }
		}},
		{"a narrowed run", `{"accounts":["1234567890123456"]}`, true, nil},
		{"a narrowed run that fails", `{"accounts":["1234567890123456"]}`, true, func(w *world) { w.fail(denied) }},
		{"a run of one source type", `{"source_types":["ECS_FILE"]}`, true, nil},
		{"an overwrite", `{"overwrite":true}`, true, nil},
		{"an overwrite of one account", `{"overwrite":true,"accounts":["1234567890123456"]}`, true, nil},
		{"an overwrite that one account fails", `{"overwrite":true}`, true, func(w *world) { w.sources[1].fails = denied }},
		{"an overwrite that all fail", `{"overwrite":true}`, true, func(w *world) { w.fail(denied) }},
		{"a check", `{"action":"check"}`, true, nil},
		{"a rebuild", `{"action":"rebuild"}`, true, nil},
		{"a rebuild of the day", `{"action":"rebuild","from":"` + day + `","to":"` + day + `"}`, true, nil},
		{"a dry run", `{"dry_run":true}`, false, nil},
		{"a dry run of one account", `{"dry_run":true,"accounts":["1234567890123456"]}`, false, nil},
		{"a dry run that fails", `{"dry_run":true}`, false, func(w *world) { w.fail(denied) }},
		{"a preflight", `{"action":"preflight"}`, false, nil},
		{"a source type of nobody", `{"source_types":["ECS_FILES"]}`, false, nil},
		{"an account of nobody", `{"accounts":["1"]}`, false, nil},
		{"an order that was garbled", `dry_run: true`, false, nil},
		{"broken JSON", `{"overwrite":`, false, nil},
	}
	for _, state := range states {
		t.Run(state.name, func(t *testing.T) {
			begun := newWorld(t, 2)
			_, err := begun.run(before)
			must(t, err)
			begun.wait(day + noon)
			state.play(begun)
			failing := begun.sources[1].fails
			was, _, _ := stateOf(t, begun.Store, day)
			for _, event := range events {
				w := newWorld(t, 2)
				w.Store, w.Config, w.Accounts = without(t, begun.Store), begun.Config, w.Accounts[:len(begun.Accounts)]
				w.sources[1].fails = failing
				w.wait(day + evening)
				if event.play != nil {
					event.play(w)
				}
				stored := dump(t, w.Store)
				_, err := w.late(day, evening, event.event)
				if !event.works {
					if got := dump(t, w.Store); got != stored {
						t.Errorf("%s (%s) alters the bucket: %s", event.name, fails(err), differ(got, stored))
					}
					continue
				}
				for _, odd := range agree(t, w, day) {
					t.Errorf("after %s (%s) %s", event.name, fails(err), odd)
				}
				lost := slices.Contains([]string{"a snapshot is damaged"}, state.name)
				if now, _, _ := stateOf(t, w.Store, day); was == report.Complete && now != report.Complete && !lost {
					t.Errorf("after %s (%s) the day is %s, and was complete", event.name, fails(err), now)
				}
			}
		})
	}
}
