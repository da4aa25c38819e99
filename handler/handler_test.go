package handler

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"backup-statistics/handler/store"
	"backup-statistics/report"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	account = "1234567890123456"
	due     = "2026-11-22T17:30:00Z" // already the next day in Shanghai: a wrong zone fails
	event   = `{"triggerTime":"` + due + `","triggerName":"daily","payload":""}`
)

// A source answers with numbers that differ each time it is asked, so that a
// snapshot that is taken twice shows.
type source struct {
	mu    sync.Mutex
	asked int
	fails error
	total func(asked int) report.Statistics
}

func (s *source) Statistics(ctx context.Context, _ string) (report.Statistics, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.fails != nil {
		return report.Statistics{}, s.fails
	}
	if s.total != nil {
		return s.total(s.asked), nil
	}
	return statistics(int64(s.asked)), nil
}

func statistics(n int64) report.Statistics {
	return report.Statistics{
		RequestID: fmt.Sprintf("00000000-0000-0000-0000-%012d", n),
		Total:     report.Amount{ProtectedDataBytes: 40<<30 + n, ProtectedResourceCount: 5},
		Regions: []report.Region{
			{RegionID: "cn-shenzhen", Amount: report.Amount{ProtectedDataBytes: 30<<30 + n, ProtectedResourceCount: 3}},
			{RegionID: "cn-hangzhou", Amount: report.Amount{ProtectedDataBytes: 10 << 30, ProtectedResourceCount: 2}},
		},
		Response: json.RawMessage(`{"Success":true,"Added":"later & <kept>"}`),
	}
}

func config(t testing.TB, settings ...string) *Config {
	t.Helper()
	env := map[string]string{"OSS_BUCKET": "acme-reports", "FC_REGION": "cn-hangzhou", "MAX_EVENT_AGE": "876000h"} // histories are played
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		env[name] = value
	}
	cfg, err := LoadConfig(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func newHandler(t testing.TB, documents Store, sources ...Source) *Handler {
	t.Helper()
	h := &Handler{
		Config: config(t), Store: recorded(documents), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Now: func() time.Time { return time.Date(2026, 11, 22, 17, 30, 1, 482e6, time.UTC) },
	}
	for i, s := range sources {
		h.Accounts = append(h.Accounts, Account{ID: fmt.Sprint(1234567890123456 + i), Source: s})
	}
	return h
}

// recorded keeps what a handler writes in a folder of its own below DOCUMENTS,
// where the schemas are held against it; without that variable it does nothing.
func recorded(documents Store) Store {
	dir := os.Getenv("DOCUMENTS")
	if dir == "" {
		return documents
	}
	dir, err := os.MkdirTemp(dir, "handler-")
	if err != nil {
		panic(err)
	}
	return recording{documents, dir}
}

type recording struct {
	Store
	dir string
}

func (r recording) Put(ctx context.Context, key string, data []byte) error {
	if err := r.Store.Put(ctx, key, data); err != nil {
		return err
	}
	return r.copy(key, data)
}

func (r recording) PutNew(ctx context.Context, key string, data []byte) error {
	if err := r.Store.PutNew(ctx, key, data); err != nil {
		return err
	}
	return r.copy(key, data)
}

// copy waits for no disk, as a store in a folder does: of thousands of documents that
// takes minutes.
func (r recording) copy(key string, data []byte) error {
	name := filepath.Join(r.dir, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o644)
}

// wind sets a handler's clock.
func wind(t testing.TB, h *Handler, instant string) {
	t.Helper()
	at, err := time.Parse(time.RFC3339, instant)
	must(t, err)
	h.Now = func() time.Time { return at }
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// dump is the whole store, every key and document, sorted.
func dump(t *testing.T, s Store) string {
	t.Helper()
	entries, err := s.List(context.Background(), "", 0)
	must(t, err)
	var b strings.Builder
	for _, e := range entries {
		data, err := s.Get(context.Background(), e.Key)
		must(t, err)
		fmt.Fprintf(&b, "-- %s --\n%s", e.Key, data)
	}
	return b.String()
}

// outline is the store without what has golden files of its own: of the page and
// the schemas it has the keys.
func outline(t *testing.T, s Store) string {
	t.Helper()
	var b strings.Builder
	for document := range strings.SplitSeq(dump(t, s), "-- ") {
		key, _, _ := strings.Cut(document, " --")
		if strings.HasPrefix(key, "schema/") || key == "report/index.html" {
			document = key + " --\n"
		}
		if key != "" {
			b.WriteString("-- " + document)
		}
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		must(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	gotLines, wantLines := strings.SplitAfter(got, "\n"), strings.SplitAfter(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		line := func(lines []string) string { return strings.Join(lines[min(i, len(lines)):min(i+1, len(lines))], "") }
		if g, w := line(gotLines), line(wantLines); g != w {
			t.Errorf("%s differs from line %d on: got\n%swant\n%s", file, i+1, g, w)
			return
		}
	}
}

func TestHandle(t *testing.T) {
	documents := new(store.Memory)
	h := newHandler(t, documents, new(source))
	result, err := h.Handle(t.Context(), []byte(event))
	must(t, err)
	golden(t, "bucket.txtar", outline(t, documents))
	answer, err := json.MarshalIndent(result, "", "  ")
	must(t, err)
	golden(t, "result.json", string(answer)+"\n")

	again, err := h.Handle(t.Context(), []byte(event))
	must(t, err)
	if again.Status != Exists {
		t.Errorf("status of a second run = %q, want %q", again.Status, Exists)
	}
	golden(t, "bucket.txtar", outline(t, documents))

	replaced, err := h.Handle(t.Context(), []byte(`{"triggerTime":"`+due+`","payload":"{\"overwrite\":true}"}`))
	must(t, err)
	if got := replaced.Totals[0].ProtectedDataBytes; replaced.Status != Replaced || got != 40<<30+3 {
		t.Errorf("overwrite: status %q, %d bytes; want %q and the third answer", replaced.Status, got, Replaced)
	}
}

// A flaky store fails one write, before or after it has landed: a dropped
// request, or a lost reply.
type flaky struct {
	store.Memory
	mu     sync.Mutex
	failOn string // begins the key whose write fails, once
	lands  bool
}

var errLost = errors.New("the reply is lost")

func (f *flaky) PutNew(ctx context.Context, key string, data []byte) error {
	return f.once(f.Memory.PutNew, ctx, key, data)
}

func (f *flaky) Put(ctx context.Context, key string, data []byte) error {
	return f.once(f.Memory.Put, ctx, key, data)
}

func (f *flaky) once(write func(context.Context, string, []byte) error, ctx context.Context, key string, data []byte) error {
	f.mu.Lock()
	fails := f.failOn != "" && strings.HasPrefix(key, f.failOn)
	if fails {
		f.failOn = ""
	}
	f.mu.Unlock()
	switch {
	case !fails:
		return write(ctx, key, data)
	case f.lands:
		return errors.Join(write(ctx, key, data), errLost)
	}
	return errLost
}

func TestEveryWriteHeals(t *testing.T) {
	undisturbed := new(store.Memory)
	_, err := newHandler(t, undisturbed, new(source)).Handle(t.Context(), []byte(event))
	must(t, err)
	want := dump(t, undisturbed)
	for _, prefix := range []string{"snapshots/", "regions/", "totals/", "days/", "latest.json", "report/trend.json", "report/trend.csv", "report/index.html", "schema/"} {
		for _, lands := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s lands=%v", prefix, lands), func(t *testing.T) {
				documents := &flaky{failOn: prefix, lands: lands}
				s := &source{total: func(int) report.Statistics { return statistics(1) }}
				h := newHandler(t, documents, s)
				_, first := h.Handle(t.Context(), []byte(event))
				_, second := h.Handle(t.Context(), []byte(event))
				if !errors.Is(first, errLost) || ErrorType(first) != "StoreError" || second != nil {
					t.Errorf("errors %v, then %v; want a StoreError of %v, then none", first, second, errLost)
				}
				golden(t, "bucket.txtar", outline(t, documents))
				if got := dump(t, documents); got != want {
					t.Errorf("the bucket is\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}

// A counting store counts what a run costs.
type counting struct {
	Store
	mu    sync.Mutex
	calls map[string]int
	order []string
}

func (c *counting) count(call, key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[call]++
	c.order = append(c.order, call+" "+key)
}

func (c *counting) Get(ctx context.Context, key string) ([]byte, error) {
	c.count("Get", key)
	return c.Store.Get(ctx, key)
}

func (c *counting) Put(ctx context.Context, key string, data []byte) error {
	c.count("Put", key)
	return c.Store.Put(ctx, key, data)
}

func (c *counting) PutNew(ctx context.Context, key string, data []byte) error {
	c.count("PutNew", key)
	return c.Store.PutNew(ctx, key, data)
}

func (c *counting) List(ctx context.Context, prefix string, limit int) ([]store.Entry, error) {
	c.count("List", prefix)
	return c.Store.List(ctx, prefix, limit)
}

func TestCostOfARun(t *testing.T) {
	documents := &counting{Store: new(store.Memory)}
	h := newHandler(t, documents, new(source))
	overwrite := func(event string) string { return strings.Replace(event, `""`, `"{\"overwrite\":true}"`, 1) }
	second, late := strings.Replace(event, "11-22", "11-23", 1), strings.Replace(event, "2026-11-22", "2027-03-02", 1)
	for _, tt := range []struct{ run, at, event, want string }{
		// Read: the day's record and snapshots, and of the day before the record and two
		// tables; trend and csv; and, by lists, what begins the history. Eight schemas are
		// written, with them two tables, record and copy, and what shows them.
		{"first day", "2026-11-22T17:30:01Z", event, "map[Get:6 List:4 Put:16 PutNew:1]"},
		// It reads the snapshot back, and latest.json; it looks up what it does not read:
		// tables, page, calendar.
		{"its duplicate", "2026-11-22T17:30:02Z", event, "map[Get:8 List:7]"},
		{"second day", "2026-11-23T17:30:01Z", second, "map[Get:6 List:1 Put:8 PutNew:1]"},
		// It withdraws what vouches for the day, which takes two writes, replaces the snapshot, and looks at it again in the end.
		{"its overwrite", "2026-11-23T17:30:02Z", overwrite(second), "map[Get:7 List:6 Put:11]"},
		// It reads which day is the last one, and whether another is behind that.
		{"its overwrite, a day late", "2026-11-24T17:30:02Z", overwrite(second), "map[Get:8 List:6 Put:11]"},
		{"a hundred days later", "2027-03-02T17:30:01Z", late, "map[Get:109 List:101 Put:107 PutNew:1]"}, // each of 98 days of the hole once, and two calendars
	} {
		wind(t, h, tt.at)
		documents.calls, documents.order = make(map[string]int), nil
		_, err := h.Handle(t.Context(), []byte(tt.event))
		if got := fmt.Sprint(documents.calls); err != nil || got != tt.want {
			t.Errorf("%s cost %s (error %v), want %s", tt.run, got, err, tt.want)
		}
		writes := slices.DeleteFunc(slices.Clone(documents.order), func(s string) bool { return !strings.HasPrefix(s, "Put") })
		if len(writes) > 0 && !strings.Contains(tt.run, "overwrite") && !strings.HasPrefix(writes[0], "PutNew snapshots/") {
			t.Errorf("%s: the first write is %s, want the snapshot", tt.run, writes[0])
		}
	}
}
