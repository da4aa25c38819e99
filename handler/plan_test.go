package handler

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"backup-statistics/handler/store"
	"backup-statistics/report"
)

// A staged store holds writes back until nothing else goes on: what waits then is a
// round, which a run has under way at the same time.
type staged struct {
	store.Memory
	mu      sync.Mutex
	waiting map[string]write
	landed  map[string]chan struct{} // snapshots of accounts
}

func newStaged() *staged {
	return &staged{waiting: make(map[string]write), landed: make(map[string]chan struct{})}
}

// landing is closed when a snapshot of an account was stored.
func (s *staged) landing(account string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.landed[account] == nil {
		s.landed[account] = make(chan struct{})
	}
	return s.landed[account]
}

type write struct {
	data []byte
	turn chan struct{}
}

func (s *staged) Put(ctx context.Context, key string, data []byte) error {
	w := write{data, make(chan struct{})}
	s.mu.Lock()
	if _, twice := s.waiting[key]; twice {
		panic(key + " is written twice at the same time")
	}
	s.waiting[key] = w
	s.mu.Unlock()
	<-w.turn
	err := s.Memory.Put(ctx, key, data)
	if _, account, _, none := report.ParseSnapshotKey(key); none == nil {
		close(s.landing(account))
	}
	return err
}

func (s *staged) PutNew(ctx context.Context, key string, data []byte) error {
	if _, err := s.Memory.Get(ctx, key); err == nil {
		return s.Memory.PutNew(ctx, key, data) // that is for a snapshot to say which is there
	}
	return s.Put(ctx, key, data)
}

// round lets go of what waits, and gives it.
func (s *staged) round() map[string]write {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.waiting
	s.waiting = make(map[string]write)
	for _, one := range w {
		close(one.turn)
	}
	return w
}

// kind names what is written, for a list of rounds that can be read.
func kind(key string) string {
	if folder, _, in := strings.Cut(key, "/"); in && folder != "report" {
		return folder
	}
	return strings.NewReplacer("report/", "", ".json", "", "index.html", "page", "trend.csv", "csv").Replace(key)
}

// roundsOf plays an event, and looks at the bucket as a reader would who comes in the
// midst of each round: after any part of it is stored. It gives the rounds.
func roundsOf(t *testing.T, w *world, event func() error) (kinds []string, err error) {
	t.Helper()
	documents := newStaged()
	copyTo(t, &documents.Memory, w.Store)
	wrong := make(map[string]string) // before the event, as what is lost or damaged leaves it
	for key := range records(t, &documents.Memory) {
		if vouched(t.Context(), &documents.Memory, key) != nil {
			wrong[key] = string(mustGet(t, &documents.Memory, key))
		}
	}
	w.Store = documents
	done := false
	go func() {
		err = event()
		done = true
	}()
	for {
		synctest.Wait()
		before := without(t, &documents.Memory)
		round := documents.round()
		if len(round) == 0 {
			if !done {
				t.Fatal("nothing is written, and nothing goes on")
			}
			return kinds, err
		}
		lookInto(t, before, round, wrong)
		names := make(map[string]int)
		for key := range round {
			names[kind(key)]++
		}
		var all []string
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if n := names[name]; n > 1 {
				name = fmt.Sprint(n, " ", name)
			}
			all = append(all, name)
		}
		kinds = append(kinds, strings.Join(all, ", "))
	}
}

// records are the documents that vouch for others.
func records(t *testing.T, s Store) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, folder := range []string{report.DaysDir, report.LatestKey} {
		entries, err := s.List(t.Context(), folder, 0)
		must(t, err)
		for _, e := range entries {
			all[e.Key] = string(mustGet(t, s, e.Key))
		}
	}
	return all
}

// lookInto stores each part of a round, and wants nothing to vouch for what is not there.
func lookInto(t *testing.T, before Store, round map[string]write, wrong map[string]string) {
	t.Helper()
	var keys []string // that vouch, or are vouched for
	for key := range round {
		if !slices.Contains([]string{report.PageKey, report.TrendCSVKey}, key) && !strings.HasPrefix(key, report.SchemaDir) && !strings.HasPrefix(key, report.CalendarDir) {
			keys = append(keys, key)
		}
	}
	if len(keys) > 12 {
		t.Fatalf("%d documents at once are too many to look at: %v", len(keys), keys)
	}
	slices.Sort(keys)
	for part := range 1 << len(keys) {
		s := without(t, before)
		var stored []string
		for i, key := range keys {
			if part>>i&1 == 1 {
				must(t, s.Put(t.Context(), key, round[key].data))
				stored = append(stored, key)
			}
		}
		for key, data := range records(t, s) {
			if err := vouched(t.Context(), s, key); err != nil && wrong[key] != data {
				t.Errorf("when of a round of %v only %v is stored: %v", slices.Sorted(maps.Keys(round)), stored, err)
				return
			}
		}
		if data, err := s.Get(t.Context(), report.TrendKey); err == nil {
			trend, err := report.DecodeTrend(data)
			for name := range report.Schemas() {
				if _, there := s.Get(t.Context(), report.SchemaKey(name)); err == nil && trend.Schemas != "" && there != nil {
					t.Errorf("when of a round of %v only %v is stored, the trend says that %s is there", slices.Sorted(maps.Keys(round)), stored, name)
					return
				}
			}
		}
	}
}

// TestRounds holds what each story writes against "nothing vouches for what is not there
// yet, nor for what is being altered", and counts the round trips that a run waits for.
func TestRounds(t *testing.T) {
	const (
		before, day = "2026-11-22", "2026-11-23"
		snapshots   = "2 snapshots"
		snapshot    = "snapshots"
		tables      = "regions, totals"
		complete    = "calendar, csv, days, latest, page, trend"
		shown       = "calendar, csv, page, trend" // behind the record of a day that lacks something
	)
	run := func(w *world) error { _, err := w.run(day); return err }
	overwrite := func(w *world) error { _, err := w.timer(day, noon, `{"overwrite":true}`, 0); return err }
	check := func(w *world) error { _, err := w.check(day); return err }
	rebuild := func(w *world) error { _, err := w.Handle(w.t.Context(), []byte(`{"action":"rebuild"}`)); return err }
	join := func(w *world) {
		w.Accounts = append(w.Accounts, Account{ID: "9999999999999999", Source: new(source)})
	}
	failOne := func(w *world) { w.sources[1].fails = errDenied }
	damage := func(w *world) {
		must(w.t, w.Store.Put(w.t.Context(), "snapshots/dt="+day+"/1234567890123457-ECS_FILE.json", []byte("{half")))
	}
	lose := func(prefixes ...string) func(*world) {
		return func(w *world) { w.Store = without(w.t, w.Store, prefixes...) }
	}
	for _, tt := range []struct {
		name   string
		days   []string     // that had their runs
		change func(*world) // besides the numbers
		event  func(*world) error
		err    string // its type
		want   []string
	}{
		{"the first day ever", nil, nil, run, "", []string{snapshots, tables, "days, latest, 8 schema", "calendar, csv, page, trend"}},
		{"a day", []string{before}, nil, run, "", []string{snapshots, tables, complete}},
		{"a day that one account fails", []string{before}, failOne, run, "AccountsError", []string{snapshot, tables, "days", shown}},
		{"a day that all fail", []string{before}, func(w *world) { w.fail(errDenied) }, run, "AccountsError", []string{"days", shown}},
		{"a duplicate", []string{before, day}, nil, run, "", nil},
		{"a dry run", []string{before}, nil, func(w *world) error { _, err := w.timer(day, noon, `{"dry_run":true}`, 0); return err }, "", nil},
		{"a day after a gap of two", []string{"2026-11-20"}, nil, run, "", []string{snapshots, "days", "days", tables, complete}},
		{"a day after one whose record is lost", []string{"2026-11-21", before}, lose("days/" + before), run, "", []string{snapshots, "days", tables, complete}},
		{"a day after one whose tables are lost", []string{"2026-11-21", before}, lose("totals/dt="+before, "regions/dt="+before), run, "", []string{snapshots, tables, tables, complete}},
		{"an account joins", []string{before, day}, join, run, "", []string{snapshot, "latest", "days", tables, complete}},
		{"an account joins, and all are overwritten", []string{before, day}, join, overwrite, "", []string{"latest", "days", snapshot, snapshot, snapshot, tables, complete}},
		{"an overwrite", []string{before, day}, nil, overwrite, "", []string{"latest", "days", snapshot, snapshot, tables, complete}},
		{"an overwrite of the only day", []string{day}, nil, overwrite, "", []string{"latest", "days", snapshot, snapshot, tables, complete}},
		{"an overwrite of an earlier day", []string{before, day, "2026-11-24"}, nil, func(w *world) error {
			w.wait("2026-11-24" + evening)
			_, err := w.late(day, noon, `{"overwrite":true}`)
			return err
		}, "", []string{"days", snapshot, snapshot, tables, "days", complete}},
		{"an overwrite by what has no regions", []string{before, day}, func(w *world) { w.protect() }, overwrite, "", []string{"latest", "days", snapshot, snapshot, tables, complete}},
		{"a source type is added", []string{before, day}, func(w *world) { w.Config.SourceTypes = []string{"ECS_FILE", "OSS"} }, run, "", []string{snapshots, "latest", "days", tables, complete}},
		{"a snapshot is damaged, and the day is run again", []string{before, day}, damage, run, "AccountsError", []string{"latest", "days", tables, "days", shown}},
		{"a snapshot is damaged, and the day is rebuilt", []string{before, day}, damage, rebuild, "", []string{"latest", "days", tables, "days", shown}},
		{"a snapshot is damaged, and the next day is run", []string{before, day}, func(w *world) {
			damage(w)
			lose("totals/dt=" + day)(w)
		}, func(w *world) error { _, err := w.run("2026-11-24"); return err }, "", []string{snapshots, "latest", "days", tables, "days", tables, complete}},
		{"a check", []string{before, day}, nil, check, "", nil},
		{"a check of a gap", []string{before}, nil, check, "GapError", []string{"days", shown}},
		{"a check of a day whose record is lost", []string{before, day}, lose("days/" + day), check, "", []string{"days"}},
		{"a check of a day of which nothing is derived", []string{before, day}, lose("days/"+day, "totals/dt="+day, "regions/dt="+day, "report/", "latest"), check, "", []string{tables, "csv, days, latest, page, trend"}},
		{"a rebuild of what is whole", []string{before, day}, nil, rebuild, "", nil},
		{"a rebuild of snapshots alone", []string{before, day}, lose("days/", "totals/", "regions/", "report/", "latest", "schema/", "calendar/"), rebuild, "", []string{tables, "days, latest", tables, "days, latest, 8 schema", "calendar, csv, page, trend"}},
		{"a rebuild that finds one snapshot more", []string{before, day}, func(w *world) {
			other := newWorld(w.t, 1)
			other.Accounts[0].ID = "9999999999999999"
			other.run(day)
			copyTo(w.t, w.Store, other.Store, "days/", "totals/", "regions/", "report/", "latest", "schema/", "calendar/")
		}, rebuild, "", []string{"latest", "days", tables, complete}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 2, "MEMBER_ROLE_NAME=reader", "CONCURRENCY=20") // a round is not cut for want of connections
				for _, day := range tt.days {
					_, err := w.run(day)
					must(t, err)
				}
				w.protect(6, 3)
				if tt.change != nil {
					tt.change(w)
				}
				if strings.Contains(tt.name, "overwr") {
					inTurn(w)
				}
				w.wait(day + evening)
				got, err := roundsOf(t, w, func() error { return tt.event(w) })
				if err == nil && tt.err != "" || err != nil && ErrorType(err) != tt.err {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("it writes\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
				}
			})
		})
	}
}

// inTurn lets an account answer when the snapshot of the one before it is stored. What
// withdraws the day is done for the first of them, and those that wait for it would look
// as if they worked.
func inTurn(w *world) {
	for i, a := range w.Accounts {
		if i > 0 {
			w.Accounts[i].Source = later{a.Source, w, w.Accounts[i-1].ID}
		}
	}
}

type later struct {
	Source
	*world
	than string // an account
}

func (l later) Statistics(ctx context.Context, sourceType string) (report.Statistics, error) {
	<-l.Store.(*staged).landing(l.than)
	return l.Source.Statistics(ctx, sourceType)
}
