package store

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"backup-statistics/handler/fault"
)

// TestTurns wants no more tries at once than there are turns, and the wait for
// one to be no part of a try's time.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := retrier{attempt: time.Second, pause: time.Second, tries: 2, turns: turns{near: make(chan struct{}, 2)}}
		var mu sync.Mutex
		under, most, tries := 0, 0, 0
		var all sync.WaitGroup
		for range 7 {
			all.Go(func() {
				err := r.run(t.Context(), "get", "a", func(ctx context.Context) *Error {
					mu.Lock()
					under, tries = under+1, tries+1
					most = max(most, under)
					failing := tries <= 3
					mu.Unlock()
					if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != time.Second {
						t.Errorf("a try has until %v, %v: want a second from now", deadline, ok)
					}
					time.Sleep(900 * time.Millisecond)
					mu.Lock()
					under--
					mu.Unlock()
					if failing {
						return &Error{Op: "get", Key: "a", Status: 503, again: fault.Always}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if most != 2 || tries != 10 {
			t.Errorf("%d tries, %d at once; want 10, since 3 failed once, and 2", tries, most)
		}
	})
}

// TestTurnThatNeverComes wants who waits for a turn to leave when the time is up.
func TestTurnThatNeverComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := retrier{pause: time.Second, tries: 2, turns: turns{near: make(chan struct{}, 1)}}
		r.turns.near <- struct{}{}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		err := r.run(ctx, "get", "a", func(context.Context) *Error {
			t.Error("tried without a turn")
			return nil
		})
		var failed *Error
		if !errors.As(err, &failed) || !errors.Is(err, context.DeadlineExceeded) || failed.Tries != 0 {
			t.Errorf("error %v, want one of no tries, at the end of the time", err)
		}
	})
}

// TestTurnsOfAStoreThatIsFar are more, as soon as it is known to be.
func TestTurnsOfAStoreThatIsFar(t *testing.T) {
	far := false
	own := turns{near: make(chan struct{}, 2), further: make(chan struct{}, 4), far: func() bool { return far }}
	entered := 0
	for _, far = range []bool{false, true} {
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
		for {
			leave, err := own.enter(ctx)
			if err != nil {
				break
			}
			defer leave()
			entered++
		}
		stop()
		if want := map[bool]int{false: 2, true: 6}[far]; entered != want {
			t.Errorf("far: %v: %d tries are under way, want %d", far, entered, want)
		}
	}
}
