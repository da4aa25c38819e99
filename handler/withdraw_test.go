package handler

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"backup-statistics/handler/store"
	"backup-statistics/report"
)

// A vouching store looks at the bucket after each write, as a reader does who
// trusts a complete record. It may die at one of the writes: nothing is read or
// written from then on.
type vouching struct {
	store.Memory
	t *testing.T

	mu     sync.Mutex
	writes int
	dieAt  int // which write, from 1; 0: none
	dead   bool
}

var errDead = errors.New("the process is dead")

func (v *vouching) alive() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.dead {
		return errDead
	}
	return nil
}

func (v *vouching) Get(ctx context.Context, key string) ([]byte, error) {
	if err := v.alive(); err != nil {
		return nil, err
	}
	return v.Memory.Get(ctx, key)
}

func (v *vouching) List(ctx context.Context, prefix string, limit int) ([]store.Entry, error) {
	if err := v.alive(); err != nil {
		return nil, err
	}
	return v.Memory.List(ctx, prefix, limit)
}

func (v *vouching) Put(ctx context.Context, key string, data []byte) error {
	return v.once(ctx, v.Memory.Put, key, data)
}

func (v *vouching) PutNew(ctx context.Context, key string, data []byte) error {
	return v.once(ctx, v.Memory.PutNew, key, data)
}

func (v *vouching) once(ctx context.Context, write func(context.Context, string, []byte) error, key string, data []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.writes++
	if v.dead = v.dead || v.writes == v.dieAt; v.dead {
		return errDead
	}
	err := write(ctx, key, data)
	if wrong := vouched(v.t.Context(), &v.Memory, "days/"+dates.FindString(key)+".json", report.LatestKey); wrong != nil {
		v.t.Errorf("after the write of %s: %v", key, wrong)
	}
	return err
}

// revive lets the store live, until the nth write from now on; 0: for ever.
func (v *vouching) revive(dieAt int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.dead, v.writes, v.dieAt = false, 0, dieAt
}

var dates = regexp.MustCompile(`\d{4}-\d\d-\d\d`)

// vouched says what a reader finds wrong who trusts these records where they say
// complete.
func vouched(ctx context.Context, s Store, records ...string) error {
	for _, key := range records {
		data, err := s.Get(ctx, key)
		if err != nil {
			continue
		}
		r, err := report.DecodeDayRecord(data)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		for _, o := range r.Objects {
			data, err := s.Get(ctx, o.Key)
			sum := sha256.Sum256(data)
			if r.Status == report.Complete && (err != nil || len(data) != o.Bytes || hex.EncodeToString(sum[:]) != o.SHA256) {
				return fmt.Errorf("%s says that %v is complete and lists %s, which differs (%d bytes, %v)", key, r.SnapshotDate, o.Key, len(data), err)
			}
		}
	}
	return nil
}

// latest is the day that latest.json is of.
func latest(t *testing.T, s Store) string {
	t.Helper()
	data, err := s.Get(t.Context(), report.LatestKey)
	must(t, err)
	r, err := report.DecodeDayRecord(data)
	must(t, err)
	return r.SnapshotDate.String() + " " + r.Status
}

// TestNoReaderSeesACompleteDayThatIsNot ends runs that alter a complete day at each
// of their writes. At no moment does a complete record, or latest.json, list what
// differs; and whatever the day's next event is, it completes the day.
func TestNoReaderSeesACompleteDayThatIsNot(t *testing.T) {
	const before, day = "2026-11-22", "2026-11-23"
	run := func(w *world) error { _, err := w.run(day); return err }
	overwrite := func(w *world) error { _, err := w.timer(day, noon, `{"overwrite":true}`, 0); return err }
	check := func(w *world) error {
		_, err := w.check(day)
		if gap := new(GapError); errors.As(err, &gap) && gap.Err == nil && !slices.ContainsFunc(gap.Gaps, func(g Gap) bool { return g.Date == day }) {
			return nil // it finds that there are no days between those that were played
		}
		return err
	}
	rebuild := func(w *world) error { _, err := w.Handle(t.Context(), []byte(`{"action":"rebuild"}`)); return err }
	join := func(w *world) {
		w.Accounts = append(w.Accounts, Account{ID: "9999999999999999", Source: new(source)})
	}
	for _, tt := range []struct {
		name   string
		days   []string     // complete before
		change func(*world) // besides the numbers
		alter  func(*world) error
		latest string // while the day is altered
	}{
		{"the only day is overwritten", []string{day}, nil, overwrite, day + " partial"},
		{"the latest day is overwritten", []string{"2026-11-20", before, day}, nil, overwrite, before + " complete"},
		{"a day after a gap is overwritten", []string{"2026-11-18", day}, nil, overwrite, "2026-11-18 complete"},
		{"a day that lost all its regions is overwritten", []string{before, day}, func(w *world) { w.protect() }, overwrite, before + " complete"},
		{"an earlier day is overwritten", []string{before, day, "2026-11-24"}, nil, overwrite, "2026-11-24 complete"},
		{"an account joins", []string{before, day}, join, run, before + " complete"},
		{"an account joins, and all are overwritten", []string{before, day}, join, overwrite, before + " complete"},
		{"a source type is added", []string{before, day}, func(w *world) { w.Config.SourceTypes = []string{"ECS_FILE", "OSS"} }, run, before + " complete"},
		{"a rebuild finds one snapshot more", []string{before, day}, func(w *world) {
			other := newWorld(t, 1)
			other.Accounts[0].ID = "9999999999999999"
			run(other)
			const key = "snapshots/dt=" + day + "/9999999999999999-ECS_FILE.json"
			data, err := other.Store.Get(t.Context(), key)
			must(t, err)
			must(t, w.Store.Put(t.Context(), key, data))
			w.Accounts = append(w.Accounts, other.Accounts...)
		}, rebuild, before + " complete"},
	} {
		for name, next := range map[string]func(*world) error{"a run": run, "an overwrite": overwrite, "a check": check, "a rebuild": rebuild} {
			t.Run(tt.name+", then "+name, func(t *testing.T) {
				t.Parallel()
				withdrawn, begun := false, newWorld(t, 2)
				for _, day := range tt.days {
					_, err := begun.run(day)
					must(t, err)
				}
				for n, survived := 1, false; !survived && n < 50; n++ {
					documents := &vouching{t: t}
					copyTo(t, &documents.Memory, begun.Store)
					w := newWorld(t, 2)
					w.Store, w.clock = documents, begun.clock
					w.protect(6, 3)
					if tt.change != nil {
						tt.change(w)
					}
					documents.revive(n)
					survived = tt.alter(w) == nil
					documents.revive(0)
					if r := record(t, w.Store, day); r.Withdrawn() {
						withdrawn = true
						if r.Cause == "" || r.DetectedAt == nil || len(r.Objects) > 0 || len(r.Totals) > 0 || r.Accounts.Expected != 2 {
							t.Errorf("ended at write %d: record %+v, want one that says why, and keeps its accounts alone", n, r)
						}
						// The record and latest.json are written side by side: that one may be true again before the other.
						if got := latest(t, w.Store); got != tt.latest && got != day+" complete" {
							t.Errorf("ended at write %d: the latest is %s, want %s", n, got, tt.latest)
						}
					}
					if err := next(w); err != nil {
						t.Fatalf("ended at write %d: %v", n, err)
					}
					if replaced := len(different(t, begun.Store, w.Store, "snapshots/dt="+day)) > 0; replaced != record(t, w.Store, day).Replaced {
						t.Errorf("ended at write %d: snapshots were captured again: %v, and the record does not say the same", n, replaced)
					}
					if r := record(t, w.Store, day); r.Status != report.Complete || r.Cause != "" {
						t.Errorf("ended at write %d: record %s because of %q, want a complete day", n, r.Status, r.Cause)
					}
					if got, want := latest(t, w.Store), tt.days[len(tt.days)-1]+" complete"; got != want {
						t.Errorf("ended at write %d: the latest is %s, want %s", n, got, want)
					}
					got := dump(t, w.Store)
					must(t, rebuild(w))
					if want := dump(t, w.Store); got != want {
						t.Errorf("ended at write %d: a rebuild still finds something to mend: %s", n, differ(got, want))
					}
				}
				if !withdrawn {
					t.Error("no record was ever withdrawn")
				}
			})
		}
	}
}

// What people were told stays told when a day is altered, though the record that
// says so was withdrawn, and though the trend may not know of that day yet.
func TestOverwriteThatIsCutShortTellsNothingAgain(t *testing.T) {
	const day, want = "2026-11-23", "2026-11-23 +resources_dropped/11-23"
	for _, lost := range []string{"", "report/trend.json"} { // the write that ended the day's first run
		for n, survived := 1, false; !survived && n < 50; n++ {
			documents := &vouching{t: t}
			w := newWorld(t, 1, "ALERT_RULES=data_dropped_percent=off")
			w.Store = documents
			for _, day := range []string{"2026-11-21", "2026-11-22"} {
				_, err := w.run(day)
				must(t, err)
			}
			w.protect(3, 2)
			broken := &refusing{vouching: documents, prefix: lost}
			w.Store = broken
			w.run(day)
			w.Store = documents
			if got := w.inbox.said(); got != want {
				t.Fatalf("people were told %s, want %s", got, want)
			}
			documents.revive(n)
			_, err := w.timer(day, noon, `{"overwrite":true}`, 0)
			survived = err == nil
			documents.revive(0)
			_, err = w.run(day)
			must(t, err)
			if got := w.inbox.said(); got != want {
				t.Errorf("first run without %q, overwrite ended at write %d: people were told %s, want %s", lost, n, got, want)
			}
		}
	}
}

// A refusing store does not take what begins with a prefix.
type refusing struct {
	*vouching
	prefix string
}

func (r *refusing) Put(ctx context.Context, key string, data []byte) error {
	if r.prefix != "" && strings.HasPrefix(key, r.prefix) {
		return errDenied
	}
	return r.vouching.Put(ctx, key, data)
}

// A rebuild, or a later run, may find that a snapshot of a complete day is damaged:
// that day is not complete any more, and no latest.
func TestDamagedDayIsNotTheLatest(t *testing.T) {
	for name, next := range map[string]func(w *world) error{
		"a rebuild": func(w *world) error { _, err := w.Handle(t.Context(), []byte(`{"action":"rebuild"}`)); return err },
		"a run without the tables": func(w *world) error {
			w.Store = without(t, w.Store, "totals/", "regions/")
			_, err := w.run("2026-11-24")
			return err
		},
	} {
		w := newWorld(t, 2)
		for _, day := range []string{"2026-11-22", "2026-11-23"} {
			_, err := w.run(day)
			must(t, err)
		}
		must(t, w.Store.Put(t.Context(), "snapshots/dt=2026-11-23/1234567890123457-ECS_FILE.json", []byte("{half")))
		must(t, next(w))
		if err := vouched(t.Context(), w.Store, "days/2026-11-22.json", "days/2026-11-23.json", report.LatestKey); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Where the day's record was deleted, latest.json still vouches for the day.
func TestLatestIsTrueWithoutTheDaysRecord(t *testing.T) {
	w := newWorld(t, 2)
	for _, day := range []string{"2026-11-22", "2026-11-23"} {
		_, err := w.run(day)
		must(t, err)
	}
	documents := &vouching{t: t}
	copyTo(t, &documents.Memory, w.Store, "days/2026-11-23")
	w.Store = documents
	w.Accounts = append(w.Accounts, Account{ID: "9999999999999999", Source: new(source)})
	_, err := w.run("2026-11-23")
	must(t, err)
	if got, want := latest(t, w.Store), "2026-11-23 complete"; got != want {
		t.Errorf("the latest is %s, want %s", got, want)
	}
}

// An overwrite may find nobody but the function's own account. The others were
// known when the day was complete, and their snapshots are there.
func TestOverwriteWhileTheFleetIsUnknown(t *testing.T) {
	w := newWorld(t, 2)
	_, err := w.run("2026-11-23")
	must(t, err)
	documents := &vouching{t: t}
	copyTo(t, &documents.Memory, w.Store)
	w.Store, w.Accounts = documents, w.Accounts[:1]
	w.Members = func(context.Context) ([]Account, error) { return nil, errDenied }
	w.protect(6, 3)
	_, err = w.timer("2026-11-23", noon, `{"overwrite":true}`, 0)
	if ErrorType(err) != "AccountsError" {
		t.Errorf("error %v, want an AccountsError", err)
	}
	if r := record(t, w.Store, "2026-11-23"); r.Status != report.Complete || r.Accounts.Collected != 2 || r.Totals[0].ProtectedResourceCount != 9+7 {
		t.Errorf("record %s %+v %+v, want a complete day of the new and the old numbers", r.Status, r.Accounts, r.Totals)
	}
}

// different are the documents below a prefix that another store has otherwise.
func different(t *testing.T, before, after Store, prefix string) (keys []string) {
	t.Helper()
	entries, err := before.List(t.Context(), prefix, 0)
	must(t, err)
	for _, e := range entries {
		was, err := before.Get(t.Context(), e.Key)
		must(t, err)
		is, err := after.Get(t.Context(), e.Key)
		must(t, err)
		if string(was) != string(is) {
			keys = append(keys, e.Key)
		}
	}
	return keys
}
