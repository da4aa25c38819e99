package handler

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"backup-statistics/handler/store"
	"backup-statistics/report"
)

// An overfull store has a document that is too large to be ours, until it is written.
type overfull struct {
	*store.Memory
	mu  sync.Mutex
	key string
}

func (s *overfull) is(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return key == s.key
}

func (s *overfull) Get(ctx context.Context, key string) ([]byte, error) {
	if s.is(key) {
		return nil, fmt.Errorf("get %s: %w", key, store.ErrTooLarge)
	}
	return s.Memory.Get(ctx, key)
}

func (s *overfull) List(ctx context.Context, prefix string, limit int) ([]store.Entry, error) {
	entries, err := s.Memory.List(ctx, prefix, limit)
	for i := range entries {
		if s.is(entries[i].Key) {
			entries[i].Size, entries[i].MD5 = 65<<20, ""
		}
	}
	return entries, err
}

func (s *overfull) Put(ctx context.Context, key string, data []byte) error {
	if s.is(key) {
		s.mu.Lock()
		s.key = ""
		s.mu.Unlock()
	}
	return s.Memory.Put(ctx, key, data)
}

// lately is a bucket without the snapshots and tables that no run of 2026 reads.
func lately(t *testing.T, whole Store) *store.Memory {
	t.Helper()
	s := new(store.Memory)
	entries, err := whole.List(t.Context(), "", 0)
	must(t, err)
	for _, e := range entries {
		if on := dates.FindString(e.Key); on == "" || on > "2025-10" || strings.HasPrefix(e.Key, report.DaysDir) {
			must(t, s.Put(t.Context(), e.Key, mustGet(t, whole, e.Key)))
		}
	}
	return s
}

// TestDamagedViewsAreMadeAnew damages what is derived in a bucket of three calendar years:
// by a byte, anywhere; by half; by something too large. The next run says so, and leaves
// what it would have without that, which is what a rebuild leaves.
func TestDamagedViewsAreMadeAnew(t *testing.T) {
	const last = "2026-02-04"
	date, err := report.ParseDate(last)
	must(t, err)
	whole := aged(t, date, 430)
	run := func(s Store, day string) (*Result, error) {
		h := newHandler(t, s, new(source))
		wind(t, h, day+"T04:00:01Z")
		return h.Handle(t.Context(), []byte(`{"triggerTime":"`+day+`T04:00:00Z"}`))
	}
	_, err = run(whole, last)
	must(t, err)
	begun := lately(t, whole)
	undisturbed := without(t, begun)
	for _, s := range []Store{whole, undisturbed} {
		_, err := run(s, "2026-02-05")
		must(t, err)
	}
	want := dump(t, undisturbed)
	derived := dump(t, without(t, whole, report.SnapshotsDir))
	h := newHandler(t, whole)
	wind(t, h, "2026-02-05T04:00:01Z")
	result, err := h.Handle(t.Context(), []byte(`{"action":"rebuild"}`))
	must(t, err)
	if got := dump(t, without(t, whole, report.SnapshotsDir)); got != derived || result.Rebuilt.Written > 0 {
		t.Fatalf("undisturbed, a rebuild finds %d documents to mend: %s", result.Rebuilt.Written, differ(got, derived))
	}
	for _, key := range []string{report.TrendKey, report.TrendCSVKey, report.PageKey, report.CalendarKey(2024), report.CalendarKey(2025), report.CalendarKey(2026)} {
		if got := mustGet(t, undisturbed, key); string(got) != string(mustGet(t, whole, key)) {
			t.Fatalf("%s is not what it is where nothing was left out", key)
		}
	}
	try := func(how string, s Store, warned bool) {
		t.Helper()
		result, err := run(s, "2026-02-05")
		if err != nil {
			t.Errorf("%s: the next run fails: %v", how, err)
			return
		}
		if got := strings.Join(result.Warnings, "; "); warned && got == "" || strings.Contains(got, "time") {
			t.Errorf("%s: warnings %q, want one", how, got)
		}
		if got := dump(t, s); got != want {
			t.Errorf("%s: %s", how, differ(got, want))
		}
	}
	flip := func(at int, how byte) func(data []byte) []byte {
		return func(data []byte) []byte {
			data[at] ^= how
			return data
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	day := func(key string) string { return strings.ReplaceAll(key, "DAY", last) }
	for _, tt := range []struct {
		key  string
		read bool // by a run; else its sum is looked at at most, and it is written anew without a word
		lost []string
		some bool // of some bytes nobody can tell that they are wrong: only the first and the last are
	}{
		{report.TrendKey, true, nil, false},
		{report.TrendCSVKey, true, nil, false},
		{report.CalendarKey(2026), false, nil, false},
		{report.CalendarKey(2026), false, []string{report.TrendKey}, false},
		{report.CalendarKey(2025), true, []string{report.TrendKey}, false},
		{report.CalendarKey(2024), true, []string{report.TrendKey}, false},
		{report.CalendarKey(2024), true, []string{report.TrendCSVKey}, false},
		{report.CalendarKey(2025), true, []string{report.TrendKey, report.TrendCSVKey}, false},
		{report.PageKey, false, nil, false},
		{report.LatestKey, false, nil, false},
		{day("days/DAY.json"), true, nil, true},
		{day("regions/dt=DAY/regions.jsonl"), true, nil, false},
		{day("totals/dt=DAY/totals.jsonl"), true, nil, false},
		{"regions/dt=2026-02-05/regions.jsonl", false, nil, false},
		{"totals/dt=2026-02-05/totals.jsonl", false, nil, false},
		{"days/2026-02-05.json", true, nil, false},
	} {
		damage := func(how string, warned bool, change func(data []byte) []byte) {
			s := without(t, begun, tt.lost...)
			if _, err := s.Get(t.Context(), tt.key); err != nil { // of the day itself: a run wrote it, which was cut short
				must(t, s.Put(t.Context(), tt.key, []byte("something else\n")))
			}
			rewrite(t, s, tt.key, change)
			try(fmt.Sprintf("%s %s, without %v", tt.key, how, tt.lost), s, warned)
		}
		data, err := begun.Get(t.Context(), tt.key)
		if err != nil {
			data = []byte("something else\n")
		}
		at := []int{0, len(data) - 1}
		if i := bytes.Index(data, []byte("_bytes\":")); i > 0 { // a number
			at = append(at, i+len("_bytes\":"))
		}
		if at = append(at, random.IntN(len(data))); tt.some {
			at = []int{0, len(data) - 1}
		}
		for _, at := range at {
			damage(fmt.Sprintf("with %q in place of %q at %d of %d", data[at]^1, data[at], at, len(data)), tt.read, flip(at, 1))
		}
		damage("ends in the middle", tt.read, func(data []byte) []byte { return data[:len(data)/2+3] })
		damage("is empty", false, func([]byte) []byte { return nil })
		try(tt.key+" is too large", &overfull{Memory: without(t, begun, tt.lost...), key: tt.key}, tt.read)
	}
	for name := range report.Schemas() {
		s := without(t, begun)
		must(t, s.Put(t.Context(), report.SchemaKey(name), []byte("{}")))
		if _, err := run(s, "2026-02-05"); err != nil {
			t.Errorf("%s: the next run fails: %v", name, err)
		}
	}
}
