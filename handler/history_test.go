package handler

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
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
		for sign, alerts := range map[string][]report.Alert{"+": n.Opened, "-": n.Closed} {
			for _, a := range alerts {
				said = append(said, sign+name(a))
			}
		}
		slices.Sort(said[len(said)-len(n.Opened)-len(n.Closed):])
	}
	return strings.Join(said, " ")
}

// name is which alert one is.
func name(a report.Alert) string { return a.Rule + "/" + a.Opened.String()[5:] }

// known is what people who were told everything believe to be open, and what they
// must wonder about: an alert that opens twice, or closes without being open.
func (i *inbox) known() (open, odd []string) {
	for _, n := range i.notices {
		for _, a := range n.Opened {
			if slices.Contains(open, name(a)) {
				odd = append(odd, "+"+name(a))
			}
			open = append(open, name(a))
		}
		for _, a := range n.Closed {
			at := slices.Index(open, name(a))
			if at < 0 {
				odd = append(odd, "-"+name(a))
				continue
			}
			open = slices.Delete(open, at, at+1)
		}
	}
	slices.Sort(open)
	return open, odd
}

func names(alerts []report.Alert) []string {
	var all []string
	for _, a := range alerts {
		all = append(all, name(a))
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
			text = append(text, fmt.Sprintf("%s is\n%.3000s\nwant\n%.3000s", key, g[key], data))
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
	entries, err := s.List(t.Context(), "", 0)
	must(t, err)
	for _, e := range entries {
		if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(e.Key, p) }) {
			data, err := s.Get(t.Context(), e.Key)
			must(t, err)
			must(t, kept.Put(t.Context(), e.Key, data))
		}
	}
	return kept
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

			told := len(w.inbox.notices)
			w.Store = without(t, daily, "report/")
			_, err = w.run(all[41])
			must(t, err)
			got := dump(t, w.Store)
			w.Store, w.inbox = daily, &inbox{}
			w.Notifier = w.inbox
			_, err = w.run(all[41])
			must(t, err)
			if want := dump(t, daily); got != want {
				t.Errorf("after the trend was deleted, %s", differ(got, want))
			}
			_ = told
		})
	}
}

// openNow is what the trend says to be open.
func openNow(t *testing.T, s Store) []string {
	t.Helper()
	data, err := s.Get(t.Context(), report.TrendKey)
	must(t, err)
	h, err := report.OpenHistory(data)
	must(t, err)
	return names(h.Head().Alerts)
}

var errDenied = errors.New("AccessDenied (403)")
