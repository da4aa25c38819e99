package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"backup-statistics/handler/store"
	"backup-statistics/report"
)

// An event that must not be followed is refused before anybody is asked: nothing
// is read, collected or written for it.
func TestEventsOutOfBoundsAreRefused(t *testing.T) {
	const today = "2026-11-23T04:00:00Z"
	timer := func(at string) string { return fmt.Sprintf(`{"triggerTime":%q,"triggerName":"daily"}`, at) }
	for _, tt := range []struct{ name, age, event, says string }{
		{"five years ahead", "", timer("2031-11-23T04:00:00Z"), "triggerTime is 2031-11-23T04:00:00Z, "},
		{"the last year there is", "", timer("9999-12-31T23:59:59Z"), "triggerTime is 9999-12-31T23:59:59Z, "},
		{"tomorrow", "", timer("2026-11-24T04:00:00Z"), "triggerTime is 2026-11-24T04:00:00Z, and the clock says 2026-11-23T04:00:01Z: want it at most 5m0s ahead"},
		{"six minutes ahead", "", timer("2026-11-23T04:06:02Z"), "want it at most 5m0s ahead"},
		{"six minutes ahead in another zone", "", timer("2026-11-23T12:06:02+08:00"), "triggerTime is 2026-11-23T04:06:02Z, "},
		{"the first year there is", "876000h", timer("0000-01-01T00:00:00Z"), "triggerTime is 0000-01-01T00:00:00Z, "},
		{"the beginning of time", "876000h", timer("1970-01-02T04:00:00Z"), "want it within the last ten years"},
		{"eleven years ago", "876000h", timer("2015-11-22T04:00:00Z"), "want it within the last ten years"},
		{"yesterday", "12h", timer("2026-11-22T04:00:00Z"), "want it at most 12h0m0s ago, which MAX_EVENT_AGE allows"},
		{"more than half a day ago", "", timer("2026-11-22T16:00:00Z"), "MAX_EVENT_AGE"},
		{"older than the deployment says", "1h", timer("2026-11-23T02:59:59Z"), "want it at most 1h0m0s ago"},
		{"a check of tomorrow", "", `{"triggerTime":"2026-11-24T15:17:00Z","payload":"{\"action\":\"check\"}"}`, "want it at most 5m0s ahead"},
		{"a rebuild of long ago", "", `{"triggerTime":"2026-11-01T15:17:00Z","payload":"{\"action\":\"rebuild\"}"}`, "MAX_EVENT_AGE"},
		{"a source type that is not collected", "", `{"source_types":["ECS_FILES"]}`, "source_types names ECS_FILES, and this deployment collects ECS_FILE"},
		{"one of two that is not collected", "", `{"source_types":["ECS_FILE","OTHER"],"dry_run":true}`, "source_types names OTHER"},
		{"an account of nobody", "", `{"accounts":["1234567890123456","7"]}`, "accounts names 7, which is none of the 2 accounts"},
		{"more than any request has", "", `{"accounts":["` + strings.Repeat("7", 256<<10) + `"]}`, "262161 bytes: want at most 262144"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			documents := &counting{Store: new(store.Memory), calls: make(map[string]int)}
			s := new(source)
			h := newHandler(t, documents, s, s)
			h.Config = config(t, "MAX_EVENT_AGE="+tt.age)
			wind(t, h, "2026-11-23T04:00:01Z")
			result, err := h.Handle(t.Context(), []byte(tt.event))
			if event := (*EventError)(nil); !errors.As(err, &event) || result != nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("answer %v, %s; want an EventError that says %q", result, fails(err), tt.says)
			}
			if len(documents.calls) > 0 || s.asked > 0 {
				t.Errorf("%v requests and %d collections, want none", documents.calls, s.asked)
			}
		})
	}
	for _, tt := range []struct{ name, age, event, date string }{
		{"now", "", timer(today), "2026-11-23"},
		{"a clock that is five minutes behind", "", timer("2026-11-23T04:05:01Z"), "2026-11-23"},
		{"half a day ago", "", timer("2026-11-22T16:00:01Z"), "2026-11-23"},
		{"half a day ago, on the day before", "24h", timer("2026-11-22T15:59:59Z"), "2026-11-22"},
		{"nine years ago", "876000h", timer("2017-11-23T04:00:00Z"), "2017-11-23"},
		{"all accounts, named", "", `{"accounts":["1234567890123457","1234567890123456"],"source_types":["ECS_FILE"]}`, "2026-11-23"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHandler(t, new(store.Memory), new(source), new(source))
			h.Config = config(t, "MAX_EVENT_AGE="+tt.age)
			wind(t, h, "2026-11-23T04:00:01Z")
			result, err := h.Handle(t.Context(), []byte(tt.event))
			if err != nil || result.Status != Written || result.SnapshotDate.String() != tt.date {
				t.Errorf("answer %+v, %v; want %s to be written", result, err, tt.date)
			}
		})
	}
}

// Whatever instant an event names, what is filed is filed under a day of the last
// ten years that has begun.
func FuzzTriggerTime(f *testing.F) {
	for _, at := range []string{
		"2026-11-23T04:00:00Z", "2026-11-23T12:00:00+08:00", "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "1970-01-01T00:00:00Z",
		"2026-11-23T04:05:02Z", "2016-11-23T04:00:00Z", "2026-11-23T23:59:59+23:59", "2026-11-23T00:00:00-23:59", "2026-02-30T00:00:00Z",
	} {
		f.Add(at)
	}
	now := time.Date(2026, 11, 23, 4, 0, 1, 0, time.UTC)
	f.Fuzz(func(t *testing.T, at string) {
		documents := new(store.Memory)
		h := newHandler(t, documents, new(source))
		h.Now = func() time.Time { return now }
		event, err := json.Marshal(map[string]string{"triggerTime": at})
		must(t, err)
		result, err := h.Handle(t.Context(), event)
		if err != nil {
			if ErrorType(err) != "EventError" || keys(t, documents) != "" {
				t.Errorf("%q: %s, stored %s; want an EventError and nothing", at, fails(err), keys(t, documents))
			}
			return
		}
		due, err := time.Parse(time.RFC3339, at)
		if date := result.SnapshotDate.String(); err != nil || due.After(now.Add(5*time.Minute)) || date < "2016-11-23" || date > "2026-11-23" {
			t.Errorf("%q is filed under %s (%v)", at, date, err)
		}
	})
}

// TestStrayKeysCostAWarning plants keys that nobody of ours wrote, or of days that no
// history can have. Whatever is done then ends as without them, at hardly more
// requests, and leaves them where they are; a rebuild, which looks at what there is,
// warns of them, but for snapshots of years to come, which nothing looks for.
func TestStrayKeysCostAWarning(t *testing.T) {
	const before, day = "2026-11-22", "2026-11-23"
	old := newWorld(t, 1)
	_, err := old.run(day)
	must(t, err)
	valid, err := old.Store.Get(t.Context(), "days/"+day+".json")
	must(t, err)
	valid1970 := strings.ReplaceAll(string(valid), day, "1970-01-02")
	valid2031 := strings.ReplaceAll(string(valid), day, "2031-11-23")
	const empty = ""
	many := make(map[string]string)
	for i := range 30 {
		many[fmt.Sprintf("days/1970-01-%02d.json", i+1)] = empty
		many[fmt.Sprintf("snapshots/dt=1970-01-%02d/1234567890123456-ECS_FILE.json", i+1)] = empty
	}
	strays := map[string]map[string]string{
		"an empty record of the beginning of time": {"days/1970-01-02.json": empty},
		"a record of the beginning of time":        {"days/1970-01-02.json": valid1970},
		"an empty record of seven years ago":       {"days/2019-01-02.json": empty},
		"a record of another day":                  {"days/2019-01-02.json": string(valid)},
		"an empty record that is to come":          {"days/9999-12-31.json": empty},
		"a record of five years ahead":             {"days/2031-11-23.json": valid2031},
		"a snapshot of the year 0":                 {"snapshots/dt=0000-01-01/1234567890123456-ECS_FILE.json": empty},
		"a snapshot of the year 10000":             {"snapshots/dt=10000-01-01/1234567890123456-ECS_FILE.json": empty},
		"a snapshot of the year 9999":              {"snapshots/dt=9999-12-31/1234567890123456-ECS_FILE.json": empty},
		"an empty snapshot of seven years ago":     {"snapshots/dt=2019-01-02/1234567890123456-ECS_FILE.json": empty},
		"a snapshot that was moved":                {"snapshots/dt=2019-01-02/1234567890123456-ECS_FILE.json": string(snapshotAt(t, old, day))},
		"what is no key of ours":                   {"days/notes.txt": "hello", "snapshots/dt=1/readme": "hello"},
		"many":                                     many,
	}
	for name, planted := range strays {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, lost := range []string{"nothing", "report/"} {
				for _, event := range []string{"", `{"action":"check"}`, `{"action":"rebuild"}`} {
					var left, answers [2]string
					var asked [2]int
					for i := range 2 {
						w := newWorld(t, 1)
						_, err := w.run(before)
						must(t, err)
						kept := without(t, w.Store, lost)
						if i == 1 {
							for key, data := range planted {
								must(t, kept.Put(t.Context(), key, []byte(data)))
							}
						}
						documents := &counting{Store: kept, calls: make(map[string]int)}
						w.Store = documents
						result, err := w.timer(day, evening, event, 0)
						for _, n := range documents.calls {
							asked[i] += n
						}
						unseen := name == "a snapshot of the year 9999"
						if i == 1 && result != nil && event == `{"action":"rebuild"}` && len(result.Warnings) == 0 && !unseen {
							t.Errorf("%s, lost %s: no warning", event, lost)
						}
						if result != nil {
							result.Warnings = nil
						}
						data, _ := json.Marshal(result) // of a struct without errors
						answers[i] = string(data) + fails(err)
						for key, data := range planted {
							if got, err := kept.Get(t.Context(), key); i == 1 && (err != nil || string(got) != data) {
								t.Errorf("%s, lost %s: %s is %q (%v), want it left alone", event, lost, key, got, err)
							}
						}
						var prefixes []string
						for key := range planted {
							prefixes = append(prefixes, key)
						}
						left[i] = dump(t, without(t, kept, prefixes...))
					}
					if answers[0] != answers[1] {
						t.Errorf("%s, lost %s: answer %s, want %s", event, lost, answers[1], answers[0])
					}
					if left[0] != left[1] {
						t.Errorf("%s, lost %s: %s", event, lost, differ(left[1], left[0]))
					}
					if most := asked[0] + 2*min(len(planted), 12) + 2; asked[1] > most {
						t.Errorf("%s, lost %s: %d requests, and %d without, want at most %d", event, lost, asked[1], asked[0], most)
					}
				}
			}
		})
	}
}

func snapshotAt(t *testing.T, w *world, day string) []byte {
	t.Helper()
	data, err := w.Store.Get(t.Context(), "snapshots/dt="+day+"/1234567890123456-ECS_FILE.json")
	must(t, err)
	return data
}

// A bucket that an earlier version let go on to 2031, or begin in 1970, comes back by
// itself: the next run makes what is derived anew, of the days that there are.
func TestAHistoryOutOfBoundsComesBack(t *testing.T) {
	for _, odd := range []string{"2031-11-23", "2012-11-23"} {
		w := newWorld(t, 1)
		var warnings []string
		for _, day := range []string{odd, "2026-11-22", "2026-11-23"} { // by clocks that were wrong
			result, err := w.run(day)
			must(t, err)
			warnings = append(warnings, result.Warnings...)
		}
		if odd > "2026" {
			must(t, w.Store.Put(t.Context(), "latest.json", mustGet(t, w.Store, "days/"+odd+".json")))
		}
		want := newWorld(t, 1)
		for _, day := range []string{"2026-11-22", "2026-11-23", "2026-11-24"} {
			_, err := want.run(day)
			must(t, err)
		}
		result, err := w.run("2026-11-24")
		must(t, err)
		if len(append(warnings, result.Warnings...)) == 0 {
			t.Errorf("%s: no warning", odd)
		}
		for _, key := range []string{"latest.json", "days/2026-11-24.json", report.TrendKey, report.TrendCSVKey, report.PageKey} {
			if got, want := string(mustGet(t, w.Store, key)), string(mustGet(t, want.Store, key)); got != want {
				t.Errorf("%s: %s is\n%.1500s\nwant\n%.1500s", odd, key, got, want)
			}
		}
	}
}

func mustGet(t *testing.T, s Store, key string) []byte {
	t.Helper()
	data, err := s.Get(t.Context(), key)
	must(t, err)
	return data
}

// A run, a check or a rebuild that is told to end does, whatever lies between the days.
func TestLoopsOverDaysLookAtTheirContext(t *testing.T) {
	for _, event := range []string{"", `{"action":"check"}`, `{"action":"rebuild"}`} {
		w := newWorld(t, 1)
		_, err := w.run("2017-11-23")
		must(t, err)
		other := newWorld(t, 1)
		_, err = other.run("2026-11-22")
		must(t, err)
		copyTo(t, w.Store, without(t, other.Store, "days/", "latest", "report/", "totals/", "regions/", "schema/"))
		w.wait("2026-11-23" + evening)
		ctx, stop := context.WithCancel(t.Context())
		documents := &ending{Store: w.Store, stop: stop, left: 40}
		w.Store = documents
		_, err = w.Handle(ctx, []byte(event))
		if err == nil || documents.after > 20 {
			t.Errorf("%s: %s after %d requests of somebody who is gone, want an error after a few", event, fails(err), documents.after)
		}
	}
}

// An ending store ends its caller's context after so many requests.
type ending struct {
	Store
	stop        func()
	mu          sync.Mutex
	left, after int
}

func (e *ending) ask(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.left--; e.left == 0 {
		e.stop()
	}
	if e.left < 0 {
		e.after++
	}
	return ctx.Err()
}

func (e *ending) Get(ctx context.Context, key string) ([]byte, error) {
	if err := e.ask(ctx); err != nil {
		return nil, err
	}
	return e.Store.Get(ctx, key)
}

func (e *ending) List(ctx context.Context, prefix string, limit int) ([]store.Entry, error) {
	if err := e.ask(ctx); err != nil {
		return nil, err
	}
	return e.Store.List(ctx, prefix, limit)
}
