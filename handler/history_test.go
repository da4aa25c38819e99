package handler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"backup-statistics/handler/store"
	"backup-statistics/report"
)

// A world is a deployment that is played day by day: what its accounts protect,
// who fails, what time it is, and what people were told.
type world struct {
	*Handler
	t       *testing.T
	clock   time.Time
	sources []*source // one an account
	inbox   *inbox
}

func newWorld(t *testing.T, accounts int, settings ...string) *world {
	w := &world{t: t, inbox: new(inbox)}
	for range accounts {
		w.sources = append(w.sources, new(source))
	}
	w.Handler = newHandler(t, new(store.Memory))
	for i, s := range w.sources {
		w.Accounts = append(w.Accounts, Account{ID: fmt.Sprint(1234567890123456 + i), Source: s})
	}
	w.Config, w.Notifier = config(t, settings...), w.inbox
	w.Now = func() time.Time { return w.clock }
	w.protect(5, 2)
	return w
}

// protect says how many instances, of 1 GiB each, every account protects from now
// on in each region; 0 is a region without any.
func (w *world) protect(instances ...int64) {
	for _, s := range w.sources {
		s.total = func(int) report.Statistics { return protecting(instances...) }
	}
}

var places = []string{"cn-hangzhou", "cn-shanghai", "cn-shenzhen", "eu-central-1"}

func protecting(instances ...int64) report.Statistics {
	s := statistics(1)
	s.Regions, s.Total = nil, report.Amount{}
	for i, n := range instances {
		a := report.Amount{ProtectedDataBytes: n << 30, ProtectedResourceCount: n}
		s.Total, _ = s.Total.Plus(a)
		if n > 0 {
			s.Regions = append(s.Regions, report.Region{RegionID: places[i], Amount: a})
		}
	}
	return s
}

// fail makes all accounts fail from now on, or none.
func (w *world) fail(err error) {
	for _, s := range w.sources {
		s.fails = err
	}
}

// The snapshot is due at noon in Shanghai, the check late in the evening.
const (
	noon    = "T04:00:00Z"
	evening = "T15:17:00Z"
)

// timer delivers a timer's event of a day a second after it was due, and says how
// often it was delivered before.
func (w *world) timer(day, hour, payload string, retry int) (*Result, error) {
	w.t.Helper()
	w.wait(day + hour)
	w.Retry = retry
	return w.late(day, hour, payload)
}

// wait moves the clock to a second after an instant.
func (w *world) wait(instant string) {
	w.t.Helper()
	at, err := time.Parse(time.RFC3339, instant)
	must(w.t, err)
	w.clock = at.Add(time.Second)
}

// late delivers a timer's event of a day now.
func (w *world) late(day, hour, payload string) (*Result, error) {
	return w.Handle(w.t.Context(), fmt.Appendf(nil, `{"triggerTime":%q,"triggerName":"daily","payload":%q}`, day+hour, payload))
}

func (w *world) run(day string) (*Result, error) {
	w.t.Helper()
	return w.timer(day, noon, "", 0)
}

func (w *world) check(day string) (*Result, error) {
	w.t.Helper()
	return w.timer(day, evening, `{"action":"check"}`, 0)
}

// days are so many days from one on.
func days(t *testing.T, from string, n int) (days []string) {
	t.Helper()
	first, err := report.ParseDate(from)
	must(t, err)
	for i := range n {
		days = append(days, (first + report.Date(i)).String())
	}
	return days
}

// An inbox is a Notifier that keeps what people were told.
type inbox struct {
	mu      sync.Mutex
	fails   error
	notices []Notice
}

func (i *inbox) Notify(_ context.Context, n Notice) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.notices = append(i.notices, n)
	return i.fails
}

// said is what was told, in a line: the day, and the alerts that opened and
// closed, each with the day it opened on where that is another.
func (i *inbox) said() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var said []string
	for _, n := range i.notices {
		said = append(said, n.SnapshotDate.String())
		var changes []string
		for _, a := range n.Opened {
			changes = append(changes, "+"+name(a))
		}
		for _, c := range n.Closed {
			changes = append(changes, "-"+name(c.Alert))
		}
		slices.Sort(changes)
		said = append(said, slices.Compact(changes)...)
	}
	return strings.Join(said, " ")
}

// name is which alert one is.
func name(a report.Alert) string { return a.Rule + "/" + a.Opened.String()[5:] }

// known is what people who were told everything believe to be open, and what they
// must wonder about: an alert that opens twice, or closes without being open.
func (i *inbox) known() (open, odd []string) {
	for _, n := range i.notices {
		for _, item := range names(n.Opened) {
			if slices.Contains(open, item) {
				odd = append(odd, "+"+item)
			}
			open = append(open, item)
		}
		for _, c := range n.Closed {
			for _, item := range names([]report.Alert{c.Alert}) {
				at := slices.Index(open, item)
				if at < 0 {
					odd = append(odd, "-"+item)
					continue
				}
				open = slices.Delete(open, at, at+1)
			}
		}
	}
	slices.Sort(open)
	return open, odd
}

// names are the items of alerts, each with the alert that it belongs to.
func names(alerts []report.Alert) (all []string) {
	for _, a := range alerts {
		for _, i := range a.Items {
			all = append(all, fmt.Sprint(name(a), " ", i.AccountID, i.SourceType, i.RegionID, i.Threshold))
		}
	}
	slices.Sort(all)
	return all
}

// differ names the first document in which two dumps differ.
func differ(got, want string) string {
	documents := func(dump string) map[string]string {
		m := make(map[string]string)
		for d := range strings.SplitSeq(dump, "-- ") {
			key, data, _ := strings.Cut(d, " --\n")
			m[key] = data
		}
		return m
	}
	g, w := documents(got), documents(want)
	var text []string
	for key, data := range w {
		if g[key] != data {
			at := 0 // where they part
			for at < min(len(g[key]), len(data)) && g[key][at] == data[at] {
				at++
			}
			at = max(0, at-200)
			text = append(text, fmt.Sprintf("%s is, from byte %d on\n%.1500s\nwant\n%.1500s", key, at, g[key][min(at, len(g[key])):], data[at:]))
		}
	}
	for key, data := range g {
		if _, there := w[key]; !there {
			text = append(text, fmt.Sprintf("%s is\n%.3000s\nwant none", key, data))
		}
	}
	slices.SortFunc(text, func(a, b string) int { return len(a) - len(b) })
	return strings.Join(text[:min(2, len(text))], "\n")
}

// without is a copy of a store that lacks what begins with one of the prefixes.
func without(t *testing.T, s Store, prefixes ...string) *store.Memory {
	t.Helper()
	kept := new(store.Memory)
	copyTo(t, kept, s, prefixes...)
	return kept
}

func copyTo(t testing.TB, to, from Store, but ...string) {
	t.Helper()
	entries, err := from.List(t.Context(), "", 0)
	must(t, err)
	for _, e := range entries {
		if !slices.ContainsFunc(but, func(p string) bool { return strings.HasPrefix(e.Key, p) }) {
			data, err := from.Get(t.Context(), e.Key)
			must(t, err)
			must(t, to.Put(t.Context(), e.Key, data))
		}
	}
}

// anything lets a day go well or badly: runs that succeed, fail, fail for some, or
// never happen; retries and duplicates; timers that come days late; days that are
// overwritten; and checks, or none.
func (w *world) anything(random *rand.Rand, all []string, today int) {
	maybe := func(percent int) bool { return random.IntN(100) < percent }
	w.wait(all[today] + noon)
	for i, s := range w.sources {
		if s.total == nil || maybe(40) {
			all := []int64{1 + random.Int64N(9), random.Int64N(30), random.Int64N(3), random.Int64N(2)}
			answer := protecting(all...)
			if maybe(15) {
				answer.Total.ProtectedDataBytes++
			}
			s.total = func(int) report.Statistics { return answer }
		}
		s.fails = nil
		if maybe(12) {
			s.fails = fmt.Errorf("account %d: %w", i, errLost)
		}
	}
	if maybe(15) {
		w.fail(errLost)
	}
	if !maybe(20) {
		w.run(all[today])
		for maybe(30) { // a retry, or a duplicate
			w.timer(all[today], noon, "", 1)
		}
	}
	if maybe(30) {
		w.fail(nil)
	}
	if maybe(10) {
		w.timer(all[today], noon, `{"overwrite":true}`, 0)
	}
	if maybe(15) {
		w.late(all[max(0, today-random.IntN(8))], noon, "")
	}
	if maybe(5) {
		w.late(all[max(0, today-random.IntN(8))], noon, `{"overwrite":true}`)
	}
	if maybe(60) {
		w.check(all[today])
		for maybe(30) {
			w.timer(all[today], evening, `{"action":"check"}`, 1)
		}
	}
}

// TestDailyRunsEqualARebuild plays random histories. What the daily runs leave is
// what a rebuild makes of the snapshots and of what the records alone know; and
// people who were told everything know what is open.
func TestDailyRunsEqualARebuild(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 4))
			w := newWorld(t, 1+random.IntN(3), "FREE_QUOTA_BYTES=21474836480")
			w.Store = recorded(&vouching{t: t})
			all := days(t, "2026-11-10", 42)
			begin := random.IntN(8) // a late timer may be of a day before
			for today := begin; today < 40; today++ {
				w.anything(random, all, today)
			}
			w.fail(nil)
			_, err := w.run(all[40])
			must(t, err)
			daily := w.Store
			want := dump(t, daily)

			w.Store = without(t, daily, "regions/", "totals/", "latest.json", "report/", "schema/")
			_, err = w.Handle(t.Context(), []byte(`{"action":"rebuild"}`))
			must(t, err)
			if got := dump(t, w.Store); got != want {
				t.Fatalf("rebuilt, %s", differ(got, want))
			}

			open, odd := w.inbox.known()
			if got := openNow(t, daily); len(odd) > 0 || !slices.Equal(got, open) {
				t.Errorf("open are %v, people believe %v and wonder about %v: they were told %s", got, open, odd, w.inbox.said())
			}

			w.Store = without(t, daily, "report/")
			_, err = w.run(all[41])
			must(t, err)
			got := dump(t, w.Store)
			w.Store = daily
			_, err = w.run(all[41])
			must(t, err)
			if want := dump(t, daily); got != want {
				t.Errorf("after the trend was deleted, %s", differ(got, want))
			}
		})
	}
}

// openNow is what the trend says to be open.
func openNow(t *testing.T, s Store) []string {
	t.Helper()
	data, err := s.Get(t.Context(), report.TrendKey)
	must(t, err)
	trend, err := report.DecodeTrend(data)
	must(t, err)
	return names(trend.Alerts)
}

var errDenied = errors.New("AccessDenied (403)")

// TestSimulatedWeeks lets something be broken for five days of a fortnight, with a
// check each evening.
func TestSimulatedWeeks(t *testing.T) {
	all := days(t, "2026-11-16", 14)
	for _, tt := range []struct {
		name    string
		broken  func(w *world, day string) // instead of the daily run
		checked bool
		cause   string // of each day
		told    string
		errors  int // of checks
	}{
		{"the trigger is disabled", func(*world, string) {}, true, noRun, "2026-11-20 +day_missing/11-20 2026-11-25 -day_missing/11-20", 5},
		{"the role is revoked", func(w *world, day string) {
			w.fail(errDenied)
			w.run(day)
			w.timer(day, noon, "", 1)
			w.fail(nil)
		}, true, "SourceError: cloud backup: account 1234567890123456, ECS_FILE: AccessDenied (403)", "2026-11-20 +day_missing/11-20 2026-11-25 -day_missing/11-20", 5},
		{"trigger and check are off", func(*world, string) {}, false, noRunThen, "2026-11-25 +day_missing/11-20 -day_missing/11-20", 0}, // nobody was there before to say it
		{"the role is revoked, and the check is off", func(w *world, day string) {
			w.fail(errDenied)
			w.run(day)
			w.fail(nil)
		}, false, "SourceError: cloud backup: account 1234567890123456, ECS_FILE: AccessDenied (403)", "2026-11-21 +day_missing/11-20 2026-11-25 -day_missing/11-20", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 1)
			failed := 0
			for i, day := range all {
				if broken := i >= 4 && i < 9; broken {
					tt.broken(w, day)
				} else {
					_, err := w.run(day)
					must(t, err)
				}
				if tt.checked {
					if _, err := w.check(day); err != nil {
						failed++
					}
				}
			}
			if got := w.inbox.said(); got != tt.told || failed != tt.errors {
				t.Errorf("people were told %q and %d checks failed, want %q and %d", got, failed, tt.told, tt.errors)
			}
			for i, day := range all {
				if r := record(t, w.Store, day); i >= 4 && i < 9 && (r.Status != report.Missing || r.Cause != tt.cause || r.DetectedAt == nil || len(r.Totals) > 0) {
					t.Errorf("record %+v, want a gap with the cause %q and no numbers", r, tt.cause)
				}
			}
			page, err := w.Store.Get(t.Context(), report.PageKey)
			must(t, err)
			if cause, _, _ := strings.Cut(tt.cause, ": "); !strings.Contains(string(page), cause) {
				t.Errorf("the page does not tell of %q", cause)
			}
		})
	}
}

// TestBucketRefusesWritesForADay has a run and a check that can't write, and are
// retried as Function Compute does.
func TestBucketRefusesWritesForADay(t *testing.T) {
	documents := new(locked)
	w := newWorld(t, 1)
	w.Store = documents
	all := days(t, "2026-11-20", 7)
	var failed []string
	for i, day := range all {
		documents.writes = i == 3
		for retry := range 3 {
			if _, err := w.timer(day, noon, "", retry); err == nil {
				break
			}
		}
		if _, err := w.check(day); err != nil {
			failed = append(failed, day[8:]+" "+ErrorType(err))
		}
	}
	if got, want := fmt.Sprint(failed), "[23 GapError 24 GapError]"; got != want { // the second since the first left no trace
		t.Errorf("failed checks: %s, want %s", got, want)
	}
	if got, want := w.inbox.said(), "2026-11-23 +day_missing/11-23 2026-11-24 +day_missing/11-23 -day_missing/11-23"; got != want {
		t.Errorf("people were told %q, want %q", got, want)
	}
	if got := openNow(t, documents); len(got) > 0 {
		t.Errorf("open are %v, want none", got)
	}
}

// TestPlantedHistories plays days by what is protected in two regions: 5+2; a hole
// is ?, and a day whose regions do not add up ends in ~. Each run is delivered
// twice, and each check as well.
func TestPlantedHistories(t *testing.T) {
	for _, tt := range []struct {
		name, rules string
		days        string
		after       func(w *world, all []string) // the days
		told        string
	}{
		{"nothing happens", "", "5+2 5+2 6+2 6+3", nil, ""},
		{"a drop and its return", "data_dropped_percent=off", "5+2 5+2 3+2 3+2 5+2 5+2", nil, "2026-11-03 +resources_dropped/11-03 2026-11-05 -resources_dropped/11-03"},
		{"a drop of capacity as well", "", "5+2 5+2 3+2 5+2", nil, "2026-11-03 +data_dropped_percent/11-03 +resources_dropped/11-03 2026-11-04 -data_dropped_percent/11-03 -resources_dropped/11-03"},
		{"a drop in two steps", "data_dropped_percent=off", "5+2 4+2 3+2 4+2 5+2", nil, "2026-11-02 +resources_dropped/11-02 2026-11-03 +resources_dropped/11-03 2026-11-04 -resources_dropped/11-03 2026-11-05 -resources_dropped/11-02"},
		{"a region is gone and back", "data_dropped_percent=off", "5+2 5+0 5+0 5+2", nil, "2026-11-02 +region_gone/11-02 +resources_dropped/11-02 2026-11-04 -region_gone/11-02 -resources_dropped/11-02"},
		{"a region moves", "resources_dropped=off,data_dropped_percent=off", "5+2 7+0 7+0", nil, "2026-11-02 +region_gone/11-02"},
		{"a drop that stays", "data_dropped_percent=off", "5+2 3+2" + strings.Repeat(" 3+2", 30), nil, "2026-11-02 +resources_dropped/11-02 2026-12-02 -resources_dropped/11-02"},
		{"a drop that stays, and a gap when it is history", "data_dropped_percent=off", "5+2 3+2" + strings.Repeat(" 3+2", 28) + " ? ? 3+2", nil, "2026-11-02 +resources_dropped/11-02 2026-12-01 +day_missing/12-01 2026-12-02 -resources_dropped/11-02 2026-12-03 -day_missing/12-01"},
		{"the quota is crossed and left", "resources_dropped=off,data_dropped_percent=off", "70+2 78+2 90+2 79+0 78+0 90+0", nil, "2026-11-02 +quota_percent/11-02 2026-11-04 +region_gone/11-04 -quota_percent/11-02 2026-11-06 +quota_percent/11-06"},
		{"regions that do not add up", "", "5+2 5+2~ 5+2~ 5+2 5+2~ 5+2", nil, "2026-11-02 +total_mismatch/11-02 2026-11-04 -total_mismatch/11-02 2026-11-05 +total_mismatch/11-05 2026-11-06 -total_mismatch/11-05"},
		{"a gap", "", "5+2 ? ? 5+2 5+2", nil, "2026-11-02 +day_missing/11-02 2026-11-04 -day_missing/11-02"},
		{"a drop in a gap", "data_dropped_percent=off", "5+2 ? 3+2 5+2", nil, "2026-11-02 +day_missing/11-02 2026-11-03 +resources_dropped/11-03 -day_missing/11-02 2026-11-04 -resources_dropped/11-03"},
		{"two gaps", "", "5+2 ? 5+2 ? 5+2", nil, "2026-11-02 +day_missing/11-02 2026-11-03 -day_missing/11-02 2026-11-04 +day_missing/11-04 2026-11-05 -day_missing/11-04"},
		{"rules that are off", "resources_dropped=off,data_dropped_percent=off,region_gone=off,day_missing=off,quota_percent=off,total_mismatch=off", "99+2 ? 1+0~ 5+2", nil, ""},
		{"a timer that comes after midnight", "", "5+2 ?", func(w *world, all []string) {
			w.wait("2026-11-02T16:20:00Z")
			w.late(all[1], noon, "")
			w.plant("2026-11-03", "5+2")
		}, "2026-11-02 +day_missing/11-02 2026-11-02 -day_missing/11-02"},
		{"a timer that comes days late", "", "5+2 ? 5+2 5+2", func(w *world, all []string) {
			w.late(all[1], noon, "")
		}, "2026-11-02 +day_missing/11-02 2026-11-03 -day_missing/11-02"},
		{"a day that is overwritten with what is right", "data_dropped_percent=off", "5+2 5+2 3+2", func(w *world, all []string) {
			w.protect(5, 2)
			w.timer(all[2], evening, `{"overwrite":true}`, 0)
		}, "2026-11-03 +resources_dropped/11-03 2026-11-03 -resources_dropped/11-03"},
		{"a day that is overwritten with a loss", "data_dropped_percent=off", "5+2 5+2 5+2", func(w *world, all []string) {
			w.protect(3, 2)
			w.timer(all[2], evening, `{"overwrite":true}`, 0)
			w.protect(5, 2)
			w.run("2026-11-04")
		}, "2026-11-03 +resources_dropped/11-03 2026-11-04 -resources_dropped/11-03"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 1, "ALERT_RULES="+tt.rules)
			words := strings.Fields(tt.days)
			all := days(t, "2026-11-01", len(words))
			for i, word := range words {
				w.plant(all[i], word)
			}
			if tt.after != nil {
				tt.after(w, all)
			}
			if got := w.inbox.said(); got != tt.told {
				t.Errorf("people were told\n%s\nwant\n%s", got, tt.told)
			}
			open, odd := w.inbox.known()
			if got := openNow(t, w.Store); len(odd) > 0 || !slices.Equal(got, open) {
				t.Errorf("open are %v, people believe %v and wonder about %v", got, open, odd)
			}
		})
	}
}

// plant plays a day as it is spelt, and delivers every event twice.
func (w *world) plant(day, word string) {
	w.t.Helper()
	if word != "?" {
		var a, b int64
		_, err := fmt.Sscanf(word, "%d+%d", &a, &b)
		must(w.t, err)
		answer := protecting(a, b)
		if strings.HasSuffix(word, "~") {
			answer.Total.ProtectedDataBytes++
		}
		w.sources[0].total = func(int) report.Statistics { return answer }
		for retry := range 2 {
			_, err := w.timer(day, noon, "", retry)
			must(w.t, err)
		}
	}
	for retry := range 2 {
		w.timer(day, evening, `{"action":"check"}`, retry)
	}
}

// Growth, with a new region now and then, is no news.
func TestQuietYearTellsNothing(t *testing.T) {
	w := newWorld(t, 1, "FREE_QUOTA_BYTES=1099511627776")
	for i, day := range days(t, "2025-11-01", 400) {
		grown := int64(i)
		w.protect(5+grown, 2+grown/7, max(0, grown-100)/9, max(0, grown-300)/30)
		result, err := w.run(day)
		must(t, err)
		if len(result.Alerts)+len(result.Warnings) > 0 {
			t.Fatalf("%s: alerts %v, warnings %v; want none", day, result.Alerts, result.Warnings)
		}
		if i%10 == 0 {
			_, err := w.check(day)
			must(t, err)
		}
	}
	if got := w.inbox.said(); got != "" {
		t.Errorf("people were told %s, want nothing", got)
	}
}

// events of a play: a run or a check of a day.
var drama = []string{
	"run 2026-11-21 3+2", "check 2026-11-21", "run 2026-11-22 3+2", "check 2026-11-22", "check 2026-11-23", // there is no run that day
	"run 2026-11-24 5+2", "check 2026-11-24", "run 2026-11-25 5+2", "check 2026-11-25", "run 2026-11-26 5+2",
}

// act plays the drama on a copy of a bucket whose one write is lost at an event,
// and repeats each event that fails, or not. It tells which documents each event
// wrote.
func act(t *testing.T, begun Store, event int, key string, lands, retried bool) (w *world, wrote []string) {
	t.Helper()
	w = newWorld(t, 1, "ALERT_RULES=data_dropped_percent=off")
	documents := &flaky{lands: lands}
	copyTo(t, documents, begun)
	counted := &counting{Store: documents, calls: make(map[string]int)}
	w.Store = counted
	for i, line := range drama {
		if i == event {
			documents.failOn = key
		}
		counted.order = nil
		words := strings.Fields(line)
		hour, payload := evening, `{"action":"check"}`
		if words[0] == "run" {
			hour, payload = noon, ""
			var a, b int64
			_, err := fmt.Sscanf(words[2], "%d+%d", &a, &b)
			must(t, err)
			w.protect(a, b)
		}
		if _, err := w.timer(words[1], hour, payload, 0); err != nil && retried {
			w.timer(words[1], hour, payload, 1)
		}
		for _, call := range counted.order {
			if kind, key, _ := strings.Cut(call, " "); kind == "Put" || kind == "PutNew" {
				wrote = append(wrote, fmt.Sprint(i, " ", key))
			}
		}
	}
	return w, wrote
}

// TestNoCrashSilencesAnAlert loses each write once. When the event is repeated the
// bucket is what it is without the crash; when it is not, the next events make
// the best of it. In any case everything is told at least once.
func TestNoCrashSilencesAnAlert(t *testing.T) {
	begin := newWorld(t, 1, "ALERT_RULES=data_dropped_percent=off")
	_, err := begin.run("2026-11-20")
	must(t, err)
	calm, writes := act(t, begin.Store, -1, "", false, true)
	want, bucket := calm.inbox.said(), dump(t, calm.Store)
	if want != "2026-11-21 +resources_dropped/11-21 2026-11-23 +day_missing/11-23 2026-11-24 -day_missing/11-23 -resources_dropped/11-21" {
		t.Fatalf("without a crash people were told %s", want)
	}
	for _, at := range writes {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			var event int
			var key string
			_, err := fmt.Sscan(at, &event, &key)
			must(t, err)
			for _, lands := range []bool{false, true} {
				w, _ := act(t, begin.Store, event, key, lands, true)
				if got := dump(t, w.Store); got != bucket {
					t.Errorf("lands=%v, repeated: %s", lands, differ(got, bucket))
				}
				if got := w.inbox.ever(); got != calm.inbox.ever() {
					t.Errorf("lands=%v, repeated: people were told %s, want %s", lands, w.inbox.said(), want)
				}
			}
			w, _ := act(t, begin.Store, event, key, false, false)
			told := w.inbox.ever()
			for _, rule := range []string{"+resources_dropped", "-resources_dropped", "+day_missing", "-day_missing"} {
				if !strings.Contains(told, rule) {
					t.Errorf("not repeated: people were told %s, want %s among it", w.inbox.said(), rule)
				}
			}
			if open := openNow(t, w.Store); len(open) > 0 && event < len(drama)-1 {
				t.Errorf("not repeated: open are %v, want none", open)
			}
		})
	}
}

// ever is each alert that was told to open and to close, once.
func (i *inbox) ever() string {
	var told []string
	for _, n := range i.notices {
		for _, a := range n.Opened {
			told = append(told, "+"+name(a))
		}
		for _, a := range n.Closed {
			told = append(told, "-"+name(a.Alert))
		}
	}
	slices.Sort(told)
	return strings.Join(slices.Compact(told), " ")
}

// An overwrite may end before anything was derived anew. What the history knows of
// that day then contradicts its table, and the next day's run finds out; or the
// day's record is still withdrawn, and the next day's check does.
func TestNextRunHealsAnOverwriteThatWasCutShort(t *testing.T) {
	all := days(t, "2026-11-20", 5)
	for _, key := range []string{"regions/", "totals/", "days/", "latest.json", "report/trend.json", "report/trend.csv", "report/index.html"} {
		t.Run(key, func(t *testing.T) {
			documents := new(flaky)
			w := newWorld(t, 2)
			w.Store = documents
			for _, day := range all[:3] {
				_, err := w.run(day)
				must(t, err)
			}
			w.protect(4, 4)
			documents.failOn = key
			if _, err := w.timer(all[2], evening, `{"overwrite":true}`, 0); err == nil {
				t.Fatal("no write failed")
			}
			_, err := w.run(all[3])
			must(t, err)
			_, err = w.check(all[3])
			must(t, err)
			_, err = w.run(all[4])
			must(t, err)
			got := dump(t, w.Store)
			_, err = w.Handle(t.Context(), []byte(`{"action":"rebuild"}`))
			must(t, err)
			if want := dump(t, w.Store); got != want {
				t.Errorf("a rebuild still finds something to mend: %s", differ(got, want))
			}
		})
	}
}

// Today's snapshot may be found damaged after the day was complete.
func TestRebuildOfADayThatIsDamagedToday(t *testing.T) {
	w := newWorld(t, 2)
	for _, day := range days(t, "2026-11-20", 3) {
		_, err := w.run(day)
		must(t, err)
	}
	must(t, w.Store.Put(t.Context(), "snapshots/dt=2026-11-22/1234567890123457-ECS_FILE.json", []byte("{half")))
	_, err := w.Handle(t.Context(), []byte(`{"action":"rebuild"}`))
	must(t, err)
	if r := record(t, w.Store, "2026-11-22"); r.Status != report.Partial {
		t.Errorf("record %+v, want partial", r)
	}
	_, err = w.check("2026-11-22")
	if ErrorType(err) != "GapError" {
		t.Errorf("check: %v, want a GapError", err)
	}
}

// A record that goes on from a later day is damaged like any other: the next run says so
// once, and leaves what it would have without that.
func TestRecordThatGoesOnFromALaterDay(t *testing.T) {
	for _, tt := range []struct{ from, to string }{
		{`"history_begins":"2026-11-18"`, `"history_begins":"2026-11-23"`},
		{`"history_begins":"2026-11-18"`, `"history_begins":"2099-12-31"`},
		{`"previous":"2026-11-19"`, `"previous":"2026-11-20"`},
	} {
		whole := new(store.Memory)
		play(t, newHandler(t, whole, new(source)), days(t, "2026-11-18", 3)...)
		damaged, key := copyOf(t, whole, ""), "days/2026-11-20.json"
		text := strings.Replace(string(mustGet(t, whole, key)), tt.from, tt.to, 1)
		if text == string(mustGet(t, whole, key)) {
			t.Fatalf("the record has no %s: %s", tt.from, text)
		}
		must(t, damaged.Put(t.Context(), key, []byte(text)))
		for _, day := range days(t, "2026-11-21", 3) {
			play(t, newHandler(t, whole, new(source)), day)
			h := newHandler(t, damaged, new(source))
			wind(t, h, day+"T04:00:01Z")
			result, err := h.Handle(t.Context(), []byte(`{"triggerTime":"`+day+`T04:00:00Z"}`))
			must(t, err)
			if warned := len(result.Warnings) > 0; warned != (day == "2026-11-21") {
				t.Errorf("%s: on %s the warnings are %q, want one on the first day", tt.to, day, result.Warnings)
			}
			if got, want := dump(t, damaged), dump(t, whole); got != want {
				t.Errorf("%s: on %s %s", tt.to, day, differ(got, want))
			}
		}
	}
}

// The trend is derived: without it, or with a damaged one, the next run makes it
// anew, and tells nothing again. What else lies in the folders hides no day. When the
// history begins its records say: a run does not look for it, a rebuild does.
func TestTrendThatIsLostComesBack(t *testing.T) {
	for _, tt := range []struct {
		name   string
		lose   func(t *testing.T, s Store) Store
		days   string // the first ones of the history, after the next run
		begins string // the history, after a rebuild; empty: nothing differs
	}{
		{"nothing is lost", func(t *testing.T, s Store) Store { return s }, "", ""},
		{"the trend", func(t *testing.T, s Store) Store { return without(t, s, report.TrendKey) }, "", ""},
		{"the table of the trend", func(t *testing.T, s Store) Store { return without(t, s, report.TrendCSVKey) }, "", ""},
		{"the calendar", func(t *testing.T, s Store) Store { return without(t, s, report.CalendarKey(2026)) }, "", ""},
		{"the page", func(t *testing.T, s Store) Store { return without(t, s, report.PageKey) }, "", ""},
		{"all that people look at", func(t *testing.T, s Store) Store {
			return without(t, s, "report/", "calendar/", report.LatestKey, "schema/")
		}, "", ""},
		{"the trend, and the oldest days for good", func(t *testing.T, s Store) Store {
			return without(t, s, report.TrendKey, "days/2026-11-18", "days/2026-11-19", "snapshots/dt=2026-11-19", "regions/dt=2026-11-19", "totals/dt=2026-11-19")
		}, "18 missing 19 missing", "2026-11-20"},
		{"nothing, and an older day came back", func(t *testing.T, s Store) Store {
			other := newWorld(t, 2)
			other.run("2026-11-16")
			copyTo(t, s, other.Store, "days/", "regions/", "totals/", "latest.json", "report/", "calendar/", "schema/")
			return s
		}, "", "2026-11-16"},
		{"half of the trend", func(t *testing.T, s Store) Store {
			data, err := s.Get(t.Context(), report.TrendKey)
			must(t, err)
			must(t, s.Put(t.Context(), report.TrendKey, data[:len(data)/2]))
			return s
		}, "", ""},
		{"the trend, in a bucket with other things", func(t *testing.T, s Store) Store {
			for _, key := range []string{"snapshots/README.txt", "snapshots/dt=2026-11-01/notes.txt", "snapshots/dt=/x", "days/.keep", "days/2026.json"} {
				must(t, s.Put(t.Context(), key, []byte("hello")))
			}
			return without(t, s, report.TrendKey)
		}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 2)
			w.fail(errDenied)
			w.run("2026-11-18") // the first day has a record alone
			w.fail(nil)
			for _, day := range days(t, "2026-11-19", 5) {
				if day == "2026-11-22" {
					w.protect(3, 2)
				}
				_, err := w.run(day)
				must(t, err)
			}
			w.Store = tt.lose(t, w.Store)
			w.inbox.notices = nil
			_, err := w.run("2026-11-24")
			must(t, err)
			if got := w.inbox.said(); got != "" {
				t.Errorf("people were told %s, want nothing", got)
			}
			got := dump(t, w.Store)
			if got, want := statuses(t, w.Store), cmp.Or(tt.days, "18 missing 19 complete")+" 20 complete 21 complete 22 complete 23 complete 24 complete"; got != want {
				t.Errorf("after the next run the days are %s, want %s", got, want)
			}
			w.Store = without(t, w.Store, "report/", "calendar/")
			_, err = w.Handle(t.Context(), []byte(`{"action":"rebuild"}`))
			must(t, err)
			want := dump(t, w.Store)
			if tt.begins == "" && got != want {
				t.Errorf("after the next run, %s", differ(got, want))
			}
			if r := record(t, w.Store, "2026-11-24"); r.HistoryBegins == nil || r.HistoryBegins.String() != cmp.Or(tt.begins, "2026-11-18") {
				t.Errorf("rebuilt, the history begins on %v, want %s", r.HistoryBegins, cmp.Or(tt.begins, "2026-11-18"))
			}
			if got := slices.DeleteFunc(openNow(t, w.Store), func(item string) bool { return strings.HasPrefix(item, "day_missing/11-17") }); !slices.Equal(got, []string{
				"data_dropped_percent/11-22 ECS_FILE0", "resources_dropped/11-22 1234567890123456ECS_FILE0", "resources_dropped/11-22 1234567890123457ECS_FILE0",
				"resources_dropped/11-22 ECS_FILE0", "resources_dropped/11-22 ECS_FILEcn-hangzhou0",
			}) {
				t.Errorf("open are %v, want the drop of the total, of a region and of each account", got)
			}
			_, err = w.run("2026-11-24") // and so it stays
			must(t, err)
			if again := dump(t, w.Store); again != want {
				t.Errorf("rebuilt, and run again, %s", differ(again, want))
			}
		})
	}
}

// statuses are the days that trend.csv has, with what it says of each.
func statuses(t *testing.T, s Store) string {
	t.Helper()
	csv, err := s.Get(t.Context(), report.TrendCSVKey)
	must(t, err)
	var days []string
	for line := range strings.Lines(string(csv)) {
		if columns := strings.Split(line, ","); columns[0] != "date" {
			days = append(days, columns[0][len("2026-11-"):]+" "+columns[1])
		}
	}
	return strings.Join(days, " ")
}

// A late store takes its time with records, and has no answer to some requests.
type late struct {
	*store.Memory
	pause time.Duration // of a record
	hangs string        // begins what is listed or written, and not answered; empty: nothing
}

// after is the pause, or the end of ctx where that comes first. It has no timer beside
// that of ctx: under the race detector, thousands of them in a bubble of synctest ended in
// a crash of the runtime (Go 1.26.8), whether they were stopped or not.
func (l *late) after(ctx context.Context, pause time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= pause {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	time.Sleep(pause)
	return nil
}

func (l *late) Get(ctx context.Context, key string) ([]byte, error) {
	if strings.HasPrefix(key, report.DaysDir) {
		if err := l.after(ctx, l.pause); err != nil {
			return nil, fmt.Errorf("get %s: %w", key, err)
		}
	}
	return l.Memory.Get(ctx, key)
}

func (l *late) Put(ctx context.Context, key string, data []byte) error {
	if l.hangs != "" && strings.HasPrefix(key, l.hangs) {
		return fmt.Errorf("put %s: %w", key, l.after(ctx, time.Hour))
	}
	return l.Memory.Put(ctx, key, data)
}

func (l *late) List(ctx context.Context, prefix string, limit int) ([]store.Entry, error) {
	if l.hangs != "" && strings.HasPrefix(prefix, l.hangs) {
		return nil, fmt.Errorf("list %s: %w", prefix, l.after(ctx, time.Hour))
	}
	return l.Memory.List(ctx, prefix, limit)
}

// A run that has no time to make a lost trend anew records its day, warns, and leaves a
// trend that the next one goes on with.
func TestTrendThatIsNotMadeAnewInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, "ALERT_RULES=data_dropped_percent=off")
		all := days(t, "2026-10-20", 36)
		for _, day := range all[:34] {
			_, err := w.run(day)
			must(t, err)
			w.protect(3, 2)
		}
		documents := &late{without(t, w.Store, report.TrendKey), 5 * time.Second, ""}
		w.Store, w.Now = documents, time.Now
		time.Sleep(time.Until(time.Date(2026, 11, 23, 4, 0, 1, 0, time.UTC)))
		run := func(event string) *Result {
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			result, err := w.Handle(ctx, []byte(event))
			must(t, err)
			return result
		}
		w.protect(5, 2)
		to, runs := report.Date(0), 0
		for range 9 {
			runs++
			result := run(`{"triggerTime":"2026-11-23T04:00:00Z"}`)
			if r := record(t, documents, "2026-11-23"); r.Status != report.Complete || len(r.Alerts) > 0 {
				t.Fatalf("record %+v, want a complete day, and that the drop of 21 October is over", r)
			}
			data, err := documents.Get(t.Context(), report.TrendKey)
			must(t, err)
			trend, err := report.DecodeTrend(data)
			must(t, err)
			if got := strings.Join(result.Warnings, "; "); trend.To.String() != "2026-11-23" && !strings.Contains(got, `invoke {"action":"rebuild"} with a longer timeout`) {
				t.Errorf("the trend goes to %v, warnings %q; want one that says what to do", trend.To, got)
			}
			if trend.To <= to {
				t.Fatalf("the trend goes to %v, as after the run before: want it to go on", trend.To)
			}
			if to = trend.To; to.String() == "2026-11-23" {
				break
			}
		}
		if runs < 2 || to.String() != "2026-11-23" {
			t.Errorf("after %d runs the trend goes to %v; want that it takes several", runs, to)
		}
		got := dump(t, documents)
		documents.pause = 0
		run(`{"action":"rebuild"}`)
		if want := dump(t, documents); got != want {
			t.Errorf("made in several runs, %s", differ(got, want))
		}
	})
}

// TestViewsThatAreNotMadeInTime ends the time of a run behind the trend: while it makes
// the calendars of years before the trend's window anew, while it stores one of them, or
// while it looks for the schemas. Each run records the day and leaves a trend that has it;
// and the next ones leave what is left where nothing was lost and nothing is late.
func TestViewsThatAreNotMadeInTime(t *testing.T) {
	date, err := report.ParseDate("2026-02-05")
	must(t, err)
	begun := lately(t, aged(t, date, 1130)) // from the beginning of 2023 on
	years := []string{report.TrendCSVKey, report.CalendarKey(2023), report.CalendarKey(2024)}
	for _, tt := range []struct {
		name  string
		lost  []string
		pause time.Duration
		hangs string // in the first run
		err   string // of the first run
		runs  int    // as many at least, or 1
	}{
		{"nothing is lost", nil, 0, "", "", 1},
		{"trend.csv is lost, which follows from the trend and the calendars", years[:1], 5 * time.Second, "", "", 1},
		{"calendars are lost, and records come late", years, 220 * time.Millisecond, "", "", 2},
		{"calendars are lost, and records come so late that no run makes a year", years, time.Second, "", "", 5},
		{"all views are lost, and records come late", []string{"report/", "calendar/"}, 300 * time.Millisecond, "", "", 3},
		{"calendars are lost, and one can't be stored", years, 0, report.CalendarKey(2024), "", 2},
		{"the schemas can't be listed", []string{report.SchemaDir, report.TrendKey}, 0, report.SchemaDir, "StoreError: store: list schema/: context deadline exceeded", 2},
		{"calendars are lost, and the schemas can't be listed", append([]string{report.TrendKey}, years...), 0, report.SchemaDir, "StoreError: store: list schema/: context deadline exceeded", 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(time.Date(2026, 2, 5, 4, 0, 1, 0, time.UTC)))
			h := newHandler(t, nil, new(source))
			h.Now = time.Now
			run := func(s Store) (*Result, error) {
				h.Store = s
				ctx, stop := context.WithTimeout(t.Context(), time.Minute)
				defer stop()
				return h.Handle(ctx, []byte(`{"triggerTime":"2026-02-05T04:00:00Z"}`))
			}
			undisturbed := without(t, begun)
			_, err := run(undisturbed)
			must(t, err)
			want := dump(t, undisturbed)
			h.Accounts[0].Source = new(source)
			documents := &late{without(t, begun, tt.lost...), tt.pause, tt.hangs}
			runs := 0
			for got := ""; got != want && runs < 20; got = dump(t, documents) {
				runs++
				result, err := run(documents)
				switch {
				case runs == 1 && tt.err != "":
					if got := fails(err); got != tt.err {
						t.Errorf("%s: the first run says %s, want %s", tt.name, got, tt.err)
					}
				case err != nil:
					t.Fatalf("%s: run %d: %v", tt.name, runs, err)
				case runs < tt.runs && !strings.Contains(strings.Join(result.Warnings, "; "), `invoke {"action":"rebuild"} with a longer timeout`):
					t.Errorf("%s: run %d has the warnings %q, want one that says what to do", tt.name, runs, result.Warnings)
				}
				if r := record(t, documents, date.String()); r.Status != report.Complete {
					t.Errorf("%s: after run %d the record says %s, want complete", tt.name, runs, r.Status)
				}
				if !slices.Contains(tt.lost, "report/") { // else the calendars come first
					trend, err := report.DecodeTrend(mustGet(t, documents, report.TrendKey))
					if err != nil || trend.To != date {
						t.Errorf("%s: after run %d the trend goes to %v (%v), want %v", tt.name, runs, trend.To, err, date)
					}
				}
				documents.hangs = ""
			}
			if got := dump(t, documents); got != want || runs < tt.runs || runs > 1 && tt.runs == 1 {
				t.Errorf("%s: after %d runs, want %d: %s", tt.name, runs, tt.runs, differ(got, want))
			}
		})
	}
}

// What a run told before it was cut short is in the records, and its retry does
// not tell it again, not even what is over.
func TestRetryTellsNothingTwice(t *testing.T) {
	documents := new(flaky)
	w := newWorld(t, 1)
	w.Store = documents
	w.run("2026-11-20")
	documents.failOn = report.TrendKey
	if _, err := w.run("2026-11-23"); !errors.Is(err, errLost) { // the days between had neither run nor check
		t.Errorf("error %v, want %v", err, errLost)
	}
	_, err := w.timer("2026-11-23", noon, "", 1)
	must(t, err)
	if got, want := w.inbox.said(), "2026-11-23 +day_missing/11-21 -day_missing/11-21"; got != want {
		t.Errorf("people were told %s, want %s", got, want)
	}
}

func TestRebuildTellsWhatNoRecordHad(t *testing.T) {
	documents := new(flaky)
	w := newWorld(t, 1)
	w.Store = documents
	w.run("2026-11-20")
	w.protect(3, 2)
	documents.failOn = "totals/"
	w.run("2026-11-21")
	for range 2 {
		_, err := w.Handle(t.Context(), []byte(`{"action":"rebuild"}`))
		must(t, err)
		if got, want := w.inbox.said(), "2026-11-21 +data_dropped_percent/11-21 +resources_dropped/11-21"; got != want {
			t.Errorf("people were told %q, want %q, once", got, want)
		}
	}
}
