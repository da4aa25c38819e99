package handler

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"backup-statistics/handler/store"
	"backup-statistics/report"
)

// fails is an error's type and text.
func fails(err error) string { return ErrorType(err) + ": " + fmt.Sprint(err) }

const (
	noRun     = "no run of that day left a record: it did not run, or it could not write"
	noRunThen = "no run of that day left a record" // said of an earlier day
)

// A locked store refuses what it is told to refuse.
type locked struct {
	store.Memory
	reads, writes bool
	reason        string // besides errDenied
}

func (l *locked) Get(ctx context.Context, key string) ([]byte, error) {
	if l.reads {
		return nil, fmt.Errorf("get %s: %s%w", key, l.reason, errDenied)
	}
	return l.Memory.Get(ctx, key)
}

func (l *locked) List(ctx context.Context, prefix string, limit int) ([]store.Entry, error) {
	if l.reads {
		return nil, fmt.Errorf("list %s: %s%w", prefix, l.reason, errDenied)
	}
	return l.Memory.List(ctx, prefix, limit)
}

func (l *locked) Put(ctx context.Context, key string, data []byte) error {
	if l.writes {
		return fmt.Errorf("put %s: %w", key, errDenied)
	}
	return l.Memory.Put(ctx, key, data)
}

func (l *locked) PutNew(ctx context.Context, key string, data []byte) error {
	if l.writes {
		return fmt.Errorf("put %s: %w", key, errDenied)
	}
	return l.Memory.PutNew(ctx, key, data)
}

// TestCheck lets a second day go wrong, or not, and looks at it in the evening, a
// second time as Function Compute does, and on the next evening.
func TestCheck(t *testing.T) {
	const first, day, next = "2026-11-23", "2026-11-24", "2026-11-25"
	denied := "account 1234567890123457, ECS_FILE: GetBasicStatistics: NoPermission (403)"
	for _, tt := range []struct {
		name   string
		play   func(w *world)
		err    string // of the check; empty: it succeeds
		status string
		cause  string
	}{
		{"a day that is complete", func(w *world) { w.run(day) }, "", report.Complete, ""},
		{"a day whose run never happened", func(w *world) {}, noRun, report.Missing, noRun},
		{
			"a day whose run failed", func(w *world) { w.fail(fmt.Errorf("Throttling (429)")); w.run(day) },
			"SourceError: cloud backup: account 1234567890123456, ECS_FILE: Throttling (429) (and 1 more account)", report.Missing,
			"SourceError: cloud backup: account 1234567890123456, ECS_FILE: Throttling (429) (and 1 more account)",
		},
		{
			"a day that is partial", func(w *world) {
				w.sources[1].fails = fmt.Errorf("GetBasicStatistics: NoPermission (403)")
				w.run(day)
			}, "SourceError: cloud backup: " + denied, report.Partial, "SourceError: cloud backup: " + denied,
		},
		{"a day that a retry completed", func(w *world) {
			w.fail(errDenied)
			w.run(day)
			w.fail(nil)
			w.timer(day, noon, "", 1)
		}, "", report.Complete, ""},
		{"a day whose record was deleted", func(w *world) {
			w.run(day)
			w.Store = without(w.t, w.Store, "days/"+day)
		}, "", report.Complete, ""},
		{
			"a day of which a run wrote no record and half of the snapshots", func(w *world) {
				w.run(day)
				w.Store = without(w.t, w.Store, "days/"+day, "report/", "snapshots/dt="+day+"/1234567890123457")
			}, "1 account was not attempted", report.Partial, "1 account was not attempted",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 2)
			_, err := w.run(first)
			must(t, err)
			tt.play(w)
			w.fail(nil)
			result, err := w.check(day)
			if tt.err == "" {
				if err != nil || result.Status != report.Complete || result.Action != ActionCheck || result.SnapshotDate.String() != day {
					t.Errorf("the check says %+v, %v; want that the day is complete", result, err)
				}
			} else if got, want := fails(err), "GapError: gap: no complete record of 2026-11-24: "+tt.err; got != want {
				t.Errorf("error %s, want %s", got, want)
			}
			r := record(t, w.Store, day)
			if r.Status != tt.status || r.Cause != tt.cause {
				t.Errorf("record %s, cause %q; want %s, %q", r.Status, r.Cause, tt.status, tt.cause)
			}
			told := ""
			if tt.err != "" {
				told = "2026-11-24 +day_missing/11-24"
				if len(r.Alerts) != 1 || r.ReportedOn == nil || r.ReportedOn.String() != day || r.DetectedAt == nil {
					t.Errorf("record %+v, want a gap that is open, and reported and noticed that day", r)
				}
			}

			before := dump(t, w.Store)
			_, again := w.timer(day, evening, `{"action":"check"}`, 1)
			if fmt.Sprint(again) != fmt.Sprint(err) || dump(t, w.Store) != before || w.inbox.said() != told {
				t.Errorf("a retry says %v and people were told %q; want %v, %q and no other documents", again, w.inbox.said(), err, told)
			}

			_, err = w.run(next)
			must(t, err)
			if _, err := w.check(next); err != nil {
				t.Errorf("the next check says %v, want nothing: the gap is reported", err)
			}
			if told != "" {
				told += " 2026-11-25 -day_missing/11-24"
			}
			if got := w.inbox.said(); got != told {
				t.Errorf("people were told %q, want %q", got, told)
			}
		})
	}
}

func TestCheckOfABucketThatRefusesWrites(t *testing.T) {
	documents := new(locked)
	w := newWorld(t, 1)
	w.Store = documents
	_, err := w.run("2026-11-23")
	must(t, err)
	documents.writes = true
	if _, err := w.check("2026-11-23"); err != nil {
		t.Errorf("of a complete day: %v, want no error: there is nothing to write", err)
	}
	_, err = w.run("2026-11-24")
	if got, want := fails(err), "StoreError: store: put snapshots/dt=2026-11-24/1234567890123456-ECS_FILE.json: AccessDenied (403)"; got != want {
		t.Errorf("error of the run %s, want %s", got, want)
	}
	_, err = w.check("2026-11-24")
	if got, want := fails(err), "GapError: gap: no complete record of 2026-11-24: "+noRun+"; and that could not be recorded: store: put days/2026-11-24.json: AccessDenied (403)"; got != want {
		t.Errorf("error of the check %s, want %s", got, want)
	}
	if got, want := w.inbox.said(), "2026-11-24 +day_missing/11-24"; got != want {
		t.Errorf("people were told %q, want %q", got, want)
	}
	documents.writes = false
	_, err = w.run("2026-11-25")
	must(t, err)
	if got := record(t, documents, "2026-11-24"); got.Status != report.Missing || got.Cause != noRunThen {
		t.Errorf("record %+v, want the gap", got)
	}
	// What could not be recorded may be told once more; that it is over is told once.
	if got, want := w.inbox.said(), "2026-11-24 +day_missing/11-24 2026-11-25 +day_missing/11-24 -day_missing/11-24"; got != want {
		t.Errorf("people were told %q, want %q", got, want)
	}
	_, err = w.check("2026-11-25")
	if got, want := fails(err), "GapError: gap: no complete record of 2026-11-24: "+noRunThen; got != want {
		t.Errorf("error of the next check %s, want %s: no check could write that it reported it", got, want)
	}
	if _, err = w.check("2026-11-26"); !strings.Contains(fmt.Sprint(err), "record of 2026-11-26: ") {
		t.Errorf("error of the check after it %v, want one of its own day alone", err)
	}
}

// A check has not done its work where what is derived from a complete day is lost
// and can't be written.
func TestCheckThatCannotWriteWhatIsLost(t *testing.T) {
	for _, lost := range []string{"totals/", "report/"} {
		w := newWorld(t, 1)
		_, err := w.run("2026-11-23")
		must(t, err)
		documents := &locked{writes: true}
		copyTo(t, &documents.Memory, without(t, w.Store, lost))
		w.Store = documents
		result, err := w.check("2026-11-23")
		if got, want := fails(err), "StoreError: store: put "+lost; result != nil || !strings.HasPrefix(got, want) {
			t.Errorf("the check says %+v, %s; want %s…", result, got, want)
		}
	}
}

func TestCheckOfABucketThatCannotBeRead(t *testing.T) {
	documents := new(locked)
	w := newWorld(t, 1)
	w.Store = documents
	_, err := w.run("2026-11-23")
	must(t, err)
	documents.reads = true
	for retry := range 3 {
		_, err := w.timer("2026-11-24", evening, `{"action":"check"}`, retry)
		if got := fails(err); !strings.HasPrefix(got, "StoreError: store: ") || !strings.HasSuffix(got, ": AccessDenied (403)") {
			t.Errorf("error %s, want a StoreError", got)
		}
	}
	if len(w.inbox.notices) != 1 {
		t.Fatalf("people were told %d times, want once", len(w.inbox.notices))
	}
	n := w.inbox.notices[0]
	if !strings.HasPrefix(n.Text, "Check failed: nobody knows whether the day is recorded\nbackup-statistics · acme-reports/backup-statistics/ · 2026-11-24\nThe bucket could not be read.") ||
		!strings.Contains(n.Text, "AccessDenied (403)") || n.SnapshotDate.String() != "2026-11-24" || n.Opened == nil || n.Closed == nil {
		t.Errorf("the notice is %+v, want one that says what could not be read", n)
	}
	documents.reason = strings.Repeat("denied ", 1000)
	w.check("2026-11-25")
	if n := w.inbox.notices[1]; len(n.Text) > 2048 {
		t.Errorf("the notice has %d bytes, want at most the 2048 that a chat takes", len(n.Text))
	}
	w.inbox.fails = errLost // whether it arrives or not, the check fails with its own error
	if _, err := w.check("2026-11-25"); ErrorType(err) != "StoreError" {
		t.Errorf("error %v, want a StoreError", err)
	}
}

func TestCheckReportsAGapOnce(t *testing.T) {
	gap := func(dates, cause string) string {
		return "GapError: gap: no complete record of " + dates + ": " + cause
	}
	for _, tt := range []struct {
		name string
		play func(w *world) error // the last check
		want string
	}{
		{"the first day ever", func(w *world) error {
			_, err := w.check("2026-11-24")
			return err
		}, gap("2026-11-24", noRun)},
		{"days before the first snapshot", func(w *world) error {
			w.check("2026-11-24")
			w.check("2026-11-25")
			w.run("2026-11-26")
			_, err := w.check("2026-11-26")
			return err
		}, "Error: <nil>"},
		{"a run that failed before the first snapshot, and no check", func(w *world) error {
			w.fail(errDenied)
			w.run("2026-11-24")
			w.fail(nil)
			w.run("2026-11-25")
			_, err := w.check("2026-11-25")
			return err
		}, gap("2026-11-24", "SourceError: cloud backup: account 1234567890123456, ECS_FILE: AccessDenied (403)")},
		{"days without a run and without a check", func(w *world) error {
			w.run("2026-11-20")
			_, err := w.check("2026-11-23")
			return err
		}, gap("2026-11-21, 2026-11-22: "+noRunThen+"; 2026-11-23", noRun)},
		{"a day that a later run entered, and no check", func(w *world) error {
			w.run("2026-11-20")
			w.run("2026-11-23")
			_, err := w.check("2026-11-23")
			return err
		}, gap("2026-11-21, 2026-11-22", noRunThen)},
		{"the same on the next day", func(w *world) error {
			w.run("2026-11-20")
			w.run("2026-11-23")
			w.check("2026-11-23")
			w.run("2026-11-24")
			_, err := w.check("2026-11-24")
			return err
		}, "Error: <nil>"},
		{"a retry, which says the same", func(w *world) error {
			w.run("2026-11-20")
			w.run("2026-11-23")
			w.check("2026-11-23")
			_, err := w.timer("2026-11-23", evening, `{"action":"check"}`, 1)
			return err
		}, gap("2026-11-21, 2026-11-22", noRunThen)},
		{"a gap of a day that was reported, and another", func(w *world) error {
			w.run("2026-11-20")
			w.check("2026-11-21")
			_, err := w.check("2026-11-22")
			return err
		}, gap("2026-11-22", noRun)},
		{"a gap whose record is lost, before one that was reported", func(w *world) error {
			w.run("2026-11-20")
			w.check("2026-11-21")
			w.check("2026-11-22")
			w.run("2026-11-23")
			w.Store = without(w.t, w.Store, "days/2026-11-21")
			w.Handle(w.t.Context(), []byte(`{"action":"rebuild"}`))
			_, err := w.check("2026-11-23")
			return err
		}, gap("2026-11-21", "unknown")},
		{"more days than anybody reads", func(w *world) error {
			w.run("2026-11-01")
			_, err := w.check("2026-11-23")
			return err
		}, gap("22 days, the last of them 2026-11-14, 2026-11-15, 2026-11-16, 2026-11-17, 2026-11-18, 2026-11-19, 2026-11-20, 2026-11-21, 2026-11-22: "+noRunThen+"; 2026-11-23", noRun)},
		{"a gap that is older than a month", func(w *world) error {
			w.run("2026-11-01")
			for _, day := range days(w.t, "2026-11-03", 33) {
				w.run(day)
			}
			_, err := w.check("2026-12-05")
			return err
		}, "Error: <nil>"},
		{"a late snapshot, which nothing was derived from", func(w *world) error {
			w.run("2026-11-20")
			w.run("2026-11-22")
			other := newWorld(w.t, 1)
			other.run("2026-11-21")
			for _, key := range []string{"snapshots/dt=2026-11-21/1234567890123456-ECS_FILE.json"} {
				data, err := other.Store.Get(w.t.Context(), key)
				must(w.t, err)
				must(w.t, w.Store.Put(w.t.Context(), key, data))
			}
			_, err := w.check("2026-11-22")
			if got := record(w.t, w.Store, "2026-11-21").Status; got != report.Complete {
				w.t.Errorf("the late day is %s, want complete", got)
			}
			return err
		}, "Error: <nil>"},
		{"a check that comes after the next day's run", func(w *world) error {
			w.run("2026-11-20")
			w.run("2026-11-22")
			_, err := w.late("2026-11-21", evening, `{"action":"check"}`)
			return err
		}, gap("2026-11-21", noRunThen)},
		{"a check that comes after a later day's run failed, and another's did not", func(w *world) error {
			w.run("2026-11-20")
			w.fail(errDenied)
			w.run("2026-11-22")
			w.fail(nil)
			w.run("2026-11-23")
			_, err := w.late("2026-11-21", evening, `{"action":"check"}`)
			return err
		}, gap("2026-11-21", noRunThen)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := fails(tt.play(newWorld(t, 1))); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// A check that finds the trend lost, or damaged, says and leaves what it would have
// with the trend.
func TestCheckWithoutATrend(t *testing.T) {
	for _, tt := range []struct {
		name  string
		check func(w *world) error
	}{
		{"on its day", func(w *world) error { _, err := w.check("2026-11-24"); return err }},
		{"of a complete day", func(w *world) error { _, err := w.check("2026-11-23"); return err }},
		{"after a later day's run", func(w *world) error { _, err := w.late("2026-11-21", evening, `{"action":"check"}`); return err }},
	} {
		var said, left [3]string
		for i, lose := range []func(Store) Store{
			func(s Store) Store { return s },
			func(s Store) Store { return without(t, s, report.TrendKey) },
			func(s Store) Store {
				must(t, s.Put(t.Context(), report.TrendKey, []byte("damaged")))
				return s
			},
		} {
			w := newWorld(t, 2)
			w.run("2026-11-20")
			w.run("2026-11-22")
			w.run("2026-11-23")
			w.Store = lose(w.Store)
			said[i] = fails(tt.check(w)) + w.inbox.said()
			left[i] = dump(t, w.Store)
		}
		for i, how := range []string{1: "lost", 2: "damaged"} {
			if said[i] != said[0] || left[i] != left[0] {
				t.Errorf("%s, %s: it says %s, want %s; %s", tt.name, how, said[i], said[0], differ(left[i], left[0]))
			}
		}
	}
}

// A torn store can't read one document, or list one folder.
type torn struct {
	*store.Memory
	part string
}

func (s *torn) Get(ctx context.Context, key string) ([]byte, error) {
	if key == s.part {
		return nil, fmt.Errorf("get %s: %w", key, errDenied)
	}
	return s.Memory.Get(ctx, key)
}

func (s *torn) List(ctx context.Context, prefix string, limit int) ([]store.Entry, error) {
	if prefix == s.part {
		return nil, fmt.Errorf("list %s: %w", prefix, errDenied)
	}
	return s.Memory.List(ctx, prefix, limit)
}

// Whichever part of what a check reads can't be read, nobody knows whether the day
// is recorded, and people hear of it.
func TestCheckThatCannotReadAPart(t *testing.T) {
	w := newWorld(t, 1)
	w.run("2026-11-23")
	w.run("2026-11-24")
	whole := without(t, w.Store)
	for _, part := range []string{"report/trend.json", "snapshots/dt=2026-11-24/", "days/2026-11-24.json"} {
		w.inbox.notices = nil
		w.Store = &torn{without(t, whole), part}
		result, err := w.check("2026-11-24")
		if got := fails(err); !strings.HasPrefix(got, "StoreError: ") || !strings.Contains(got, part) || result != nil || len(w.inbox.notices) != 1 {
			t.Errorf("%s: the check says %+v, %s, and people were told %d times; want a StoreError that names it, and once", part, result, got, len(w.inbox.notices))
		}
	}
}

// Trouble with an earlier day does not keep a check from saying what it knows of
// its own.
func TestCheckThatCannotLookBack(t *testing.T) {
	const own = "GapError: gap: no complete record of 2026-11-23: " + noRun + "; and that could not be recorded: store: "
	const earlier = "days/2026-11-21.json"
	trend := []string{report.TrendKey}
	for _, tt := range []struct {
		name string
		runs []string
		lost []string
		part string // that can't be read or listed
		want string
	}{
		{"a gap that the trend knows", []string{"2026-11-20", "2026-11-22"}, nil, "snapshots/dt=2026-11-21/", own + "list snapshots/dt=2026-11-21/: AccessDenied (403)"},
		{"a gap that the trend knows, and its record", []string{"2026-11-20", "2026-11-22"}, nil, earlier, own + "get " + earlier + ": AccessDenied (403)"},
		{"a day that the trend does not know", []string{"2026-11-20"}, nil, "snapshots/dt=2026-11-21/", own + "list snapshots/dt=2026-11-21/: AccessDenied (403)"},
		{"a record, without a trend", []string{"2026-11-20", "2026-11-22"}, trend, earlier, own + "get " + earlier + ": AccessDenied (403)"},
		{"a record, without a trend, on a complete day", []string{"2026-11-20", "2026-11-22", "2026-11-23"}, trend, earlier, "StoreError: store: get " + earlier + ": AccessDenied (403)"},
		{"nothing", []string{"2026-11-20", "2026-11-22"}, nil, "nothing", "GapError: gap: no complete record of 2026-11-21: " + noRunThen + "; 2026-11-23: " + noRun},
	} {
		w := newWorld(t, 1)
		for _, day := range tt.runs {
			w.run(day)
		}
		w.Store = &torn{without(t, w.Store, tt.lost...), tt.part}
		if _, err := w.check("2026-11-23"); fails(err) != tt.want {
			t.Errorf("%s: error %s, want %s", tt.name, fails(err), tt.want)
		}
	}
}

// The members are asked for only where no record tells which accounts there are.
// A run may end before its record, with half of the snapshots, and no other run or
// check comes that day. Who looks next does not take the half for the whole.
func TestEarlierDayWithoutARecordIsHeldAgainstTheFleet(t *testing.T) {
	for _, tt := range []struct {
		name    string
		lost    string // snapshots
		members error
		status  string
		cause   string
	}{
		{"half is there", "snapshots/dt=2026-11-24/1234567890123457", nil, report.Partial, "1 account was not attempted"},
		{"all is there", "nothing", nil, report.Complete, ""},
		{"nobody knows the fleet", "nothing", errDenied, report.Partial, "SourceError: cloud backup: find the member accounts: AccessDenied (403)"},
	} {
		w := newWorld(t, 2)
		_, err := w.run("2026-11-23")
		must(t, err)
		before := without(t, w.Store, "schema/")
		_, err = w.run("2026-11-24")
		must(t, err)
		day := without(t, w.Store, "report/", "latest", "days/", "totals/", "regions/", tt.lost)
		copyTo(t, day, before, "snapshots/")
		w.Store = day
		if tt.members != nil {
			w.Members = func(context.Context) ([]Account, error) { return nil, tt.members }
		}
		_, err = w.check("2026-11-25")
		want := "2026-11-25: " + noRun
		if tt.cause != "" { // each day with its own cause
			want = "2026-11-24: " + tt.cause + "; " + want
		}
		if want = "GapError: gap: no complete record of " + want; fails(err) != want {
			t.Errorf("%s: error %s, want %s", tt.name, fails(err), want)
		}
		if r := record(t, w.Store, "2026-11-24"); r.Status != tt.status || r.Cause != tt.cause {
			t.Errorf("%s: record %s because of %q, want %s because of %q", tt.name, r.Status, r.Cause, tt.status, tt.cause)
		}
	}
}

func TestCheckOfAFleetThatNobodyKnows(t *testing.T) {
	w := newWorld(t, 1)
	w.Members = func(context.Context) ([]Account, error) { return nil, errDenied }
	w.run("2026-11-24")
	_, err := w.check("2026-11-24")
	const cause = "SourceError: cloud backup: find the member accounts: AccessDenied (403)"
	if got, want := fails(err), "GapError: gap: no complete record of 2026-11-24: "+cause; got != want {
		t.Errorf("error %s, want %s", got, want)
	}
	w.Store = without(t, w.Store, "days/", "report/")
	_, err = w.check("2026-11-24")
	if got, want := fails(err), "GapError: gap: no complete record of 2026-11-24: "+cause; got != want {
		t.Errorf("without a record: error %s, want %s", got, want)
	}
}
