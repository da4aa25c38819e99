package handler

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"backup-statistics/handler/store"
	"backup-statistics/report"
)

// A versioned store takes its time for each request, so that the requests of runs
// that are under way at once are mixed; and where it keeps versions, as a bucket
// does, it takes no notice of "do not overwrite", and says so once it was written to.
type versioned struct {
	*store.Memory
	keeps  bool
	says   *atomic.Bool
	random *rand.Rand
	mu     *sync.Mutex
}

func (v versioned) KeepsVersions() bool { return v.says.Load() }

// wait takes a moment, now shorter and now longer.
func (v versioned) wait() {
	v.mu.Lock()
	pause := time.Duration(v.random.IntN(200)) * time.Microsecond
	v.mu.Unlock()
	time.Sleep(pause)
}

func (v versioned) Get(ctx context.Context, key string) ([]byte, error) {
	v.wait()
	return v.Memory.Get(ctx, key)
}

func (v versioned) List(ctx context.Context, prefix string, limit int) ([]store.Entry, error) {
	v.wait()
	return v.Memory.List(ctx, prefix, limit)
}

func (v versioned) Put(ctx context.Context, key string, data []byte) error {
	v.wait()
	v.says.Store(v.keeps)
	return v.Memory.Put(ctx, key, data)
}

func (v versioned) PutNew(ctx context.Context, key string, data []byte) error {
	v.wait()
	if !v.keeps {
		return v.Memory.PutNew(ctx, key, data)
	}
	v.says.Store(true)
	return v.Memory.Put(ctx, key, data)
}

// TestTheRecordVouchesForWhatIsThere lets two or three runs of a day be under way at
// once, each with numbers of its own, on a bucket that keeps versions; and overwrites
// on one that does not. When they are done, the record, latest.json, the trend and the
// page are of the snapshots that are stored.
func TestTheRecordVouchesForWhatIsThere(t *testing.T) {
	const before, day = "2026-11-22", "2026-11-23"
	for _, tt := range []struct {
		name   string
		keeps  bool
		events []string
	}{
		{"the timer's event twice", true, []string{"", ""}},
		{"the timer's event three times", true, []string{"", "", ""}},
		{"a run and an overwrite", true, []string{"", `{"overwrite":true}`}},
		{"two overwrites", true, []string{`{"overwrite":true}`, `{"overwrite":true}`}},
		{"two overwrites where no versions are kept", false, []string{`{"overwrite":true}`, `{"overwrite":true}`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range uint64(60) {
				random := rand.New(rand.NewPCG(seed, 10))
				kept := new(store.Memory)
				w := newWorld(t, 1+random.IntN(2))
				w.Store = kept
				_, err := w.run(before)
				must(t, err)
				w.wait(day + noon)
				all, mu := sync.WaitGroup{}, new(sync.Mutex)
				for i, request := range tt.events {
					h := *w.Handler
					h.Store, h.Notifier = versioned{kept, tt.keeps, new(atomic.Bool), random, mu}, nil
					h.Accounts = nil
					for j, a := range w.Accounts {
						bytes := int64(100*i + j + 1)
						s := &source{total: func(int) report.Statistics { return statistics(bytes) }}
						h.Accounts = append(h.Accounts, Account{ID: a.ID, Source: s})
					}
					all.Go(func() {
						if _, err := h.Handle(t.Context(), fmt.Appendf(nil, `{"triggerTime":%q,"payload":%q}`, day+noon, request)); err != nil {
							t.Errorf("seed %d: %v", seed, err)
						}
					})
				}
				all.Wait()
				if recorded, _, _ := stateOf(t, kept, day); recorded != report.Complete {
					t.Errorf("seed %d: the day is %s", seed, recorded)
				}
				if odd := agree(t, w, day); len(odd) > 0 {
					t.Errorf("seed %d: %s", seed, strings.Join(odd, "\n"))
				}
			}
		})
	}
}
