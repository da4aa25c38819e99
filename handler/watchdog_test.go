package handler

import (
	"fmt"
	"strings"
	"testing"

	"backup-statistics/handler/store"
	"backup-statistics/report"
)

// TestPartialDaysDoNotSlowTheWatchdog has a fleet of which one account fails for a
// month. The evening's check learns of each of those days what its record says, and
// that no snapshot came since: two requests, however many accounts there are.
func TestPartialDaysDoNotSlowTheWatchdog(t *testing.T) {
	const accounts, partial = 40, 31
	all := days(t, "2026-10-23", 1+partial)
	last := all[len(all)-1]
	var asked [2]int
	for i, fails := range []error{nil, errDenied} {
		documents := &counting{Store: new(store.Memory), calls: make(map[string]int)}
		w := newWorld(t, accounts)
		w.Store = documents
		for j, day := range all {
			if j > 0 {
				w.sources[accounts/2].fails = fails
			}
			if _, err := w.run(day); err != nil && fails == nil {
				t.Fatal(err)
			}
			documents.calls = make(map[string]int)
			_, err := w.check(day)
			if gap := j > 0 && fails != nil; (ErrorType(err) == "GapError") != gap || gap && !strings.Contains(err.Error(), "record of "+day+": ") {
				t.Fatalf("the check of %s says %v", day, err)
			}
		}
		documents.calls = make(map[string]int)
		w.timer(last, evening, `{"action":"check"}`, 1) //nolint:errcheck // it says the same
		for _, n := range documents.calls {
			asked[i] += n
		}
	}
	if most := asked[0] + 2*partial; asked[1] > most {
		t.Errorf("a check after %d partial days makes %d requests, and %d after as many complete ones: want at most %d", partial, asked[1], asked[0], most)
	}
}

// A snapshot that came to a partial day later, by whatever way, is seen all the same.
func TestAPartialDayThatWasCompletedIsSeen(t *testing.T) {
	const day, next = "2026-11-23", "2026-11-24"
	w := newWorld(t, 3)
	_, err := w.run("2026-11-22")
	must(t, err)
	w.sources[1].fails = errDenied
	w.run(day)
	w.check(day)
	w.fail(nil)
	other := newWorld(t, 3)
	_, err = other.run(day)
	must(t, err)
	key := "snapshots/dt=" + day + "/1234567890123457-ECS_FILE.json"
	must(t, w.Store.Put(t.Context(), key, mustGet(t, other.Store, key)))
	_, err = w.run(next)
	must(t, err)
	_, err = w.check(next)
	must(t, err)
	if r := record(t, w.Store, day); r.Status != report.Complete {
		t.Errorf("the day is %s, %+v; want complete", r.Status, r.Accounts)
	}
}

// TestWhichDayIsDue checks at all hours, by timers of this zone and of another. A day
// that has just begun is not due, since its run is to come; the day before is.
func TestWhichDayIsDue(t *testing.T) {
	for _, tt := range []struct {
		name, zone, check string
		run               string // when the last day's snapshot was due
		date              string // that the check is for
		warned            bool
	}{
		{"the evening, as s.yaml has it", "Asia/Shanghai", "2026-11-23T15:17:00Z", "2026-11-23T12:17:00Z", "2026-11-23", false},
		{"the timers of Shanghai, and days of Tokyo", "Asia/Tokyo", "2026-11-23T15:17:00Z", "2026-11-23T12:17:00Z", "2026-11-23", true},
		{"the timers of Shanghai, and days of Auckland", "Pacific/Auckland", "2026-11-23T15:17:00Z", "2026-11-23T10:17:00Z", "2026-11-23", true},
		{"the timers of Shanghai, and days of UTC", "UTC", "2026-11-23T15:17:00Z", "2026-11-23T12:17:00Z", "2026-11-23", false},
		{"the timers of Shanghai, and days of New York", "America/New_York", "2026-11-23T15:17:00Z", "2026-11-23T12:17:00Z", "2026-11-23", false},
		{"five hours and fifty-nine minutes", "Asia/Shanghai", "2026-11-23T21:59:59Z", "2026-11-23T12:17:00Z", "2026-11-23", true},
		{"six hours", "Asia/Shanghai", "2026-11-23T22:00:00Z", "2026-11-23T17:17:00Z", "2026-11-24", false},
		{"midnight", "Asia/Shanghai", "2026-11-23T16:00:00Z", "2026-11-23T12:17:00Z", "2026-11-23", true},
		{"a day that begins at one o'clock", "America/Santiago", "2026-09-06T09:30:00Z", "2026-09-06T03:59:00Z", "2026-09-05", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 1, "TIME_ZONE="+tt.zone)
			w.wait(tt.run)
			_, err := w.Handle(t.Context(), fmt.Appendf(nil, `{"triggerTime":%q}`, tt.run))
			must(t, err)
			w.wait(tt.check)
			result, err := w.Handle(t.Context(), fmt.Appendf(nil, `{"triggerTime":%q,"payload":"{\"action\":\"check\"}"}`, tt.check))
			if err != nil {
				t.Fatalf("the check says %s, want nothing: the day that is due is there", fails(err))
			}
			if got := result.SnapshotDate.String(); got != tt.date || (len(result.Warnings) > 0) != tt.warned {
				t.Errorf("the check is for %s and warns %q, want %s, and a warning: %v", got, result.Warnings, tt.date, tt.warned)
			}
		})
	}
}

// A check names each day that is due with its own cause, 31 days back and no more.
func TestGapsAreNamedWithTheirCauses(t *testing.T) {
	w := newWorld(t, 1)
	_, err := w.run("2026-11-18")
	must(t, err)
	w.fail(fmt.Errorf("Throttling (429)"))
	w.run("2026-11-20")
	w.fail(errDenied)
	w.run("2026-11-21")
	w.run("2026-11-22")
	_, err = w.check("2026-11-23")
	asked := "SourceError: cloud backup: account 1234567890123456, ECS_FILE: "
	want := "GapError: gap: no complete record of 2026-11-19: " + noRunThen + "; 2026-11-20: " + asked + "Throttling (429); " +
		"2026-11-21, 2026-11-22: " + asked + "AccessDenied (403); 2026-11-23: " + noRun
	if got := fails(err); got != want {
		t.Errorf("the check says\n%s, want\n%s", got, want)
	}

	w = newWorld(t, 1)
	_, err = w.run("2026-08-01")
	must(t, err)
	_, err = w.check("2026-11-23")
	if got, want := fails(err), "GapError: gap: no complete record of 32 days, the last of them 2026-11-14, "; !strings.HasPrefix(got, want) {
		t.Errorf("after months of silence the check says %s, want %s…: its own day and 31 before it", got, want)
	}
	if first := record(t, w.Store, "2026-10-22"); first.ReportedOn != nil {
		t.Errorf("%+v is reported, want it too old to be due", first)
	}
}
