package store

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const maxPause = 5 * time.Second

// A retrier repeats what failed in passing until it succeeds, ctx ends, or it
// has been tried often enough. It is the only place that does.
type retrier struct {
	attempt time.Duration // limits one try; 0: a share of what is left until ctx's deadline
	pause   time.Duration // after the first try; doubles, with jitter
	tries   int
	turns   turns
}

// Turns bound how many tries are under way at once. Each of them holds a value in one of
// the channels.
type turns struct {
	near    chan struct{} // nil: any number at once
	further chan struct{} // used as well where round trips are long
	far     func() bool   // tells whether they are; nil: they are not
}

// run returns the last failure, or nil. Where ctx ends the tries, the error
// tells both ctx's end and what the service said before.
func (r retrier) run(ctx context.Context, op, key string, try func(context.Context) *Error) error {
	var last *Error
	made := 0
	waits := &pauses{ExponentialBackOff: backoff.ExponentialBackOff{
		InitialInterval: r.pause, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: maxPause,
	}}
	_, err := backoff.Retry(ctx, func() (none struct{}, _ error) {
		leave, err := r.turns.enter(ctx)
		if err != nil {
			return none, err
		}
		made++
		failed := r.once(ctx, try)
		leave()
		switch {
		case failed == nil:
			return none, nil
		case ctx.Err() != nil && failed.Status < 300: // cut short: what last says is still the last of the service
			return none, context.Cause(ctx)
		}
		last = failed
		if made > last.again || !fits(ctx, last.retryAfter) {
			return none, backoff.Permanent(last)
		}
		waits.heed(last)
		return none, last
	}, backoff.WithBackOff(waits), backoff.WithMaxTries(uint(r.tries)), backoff.WithMaxElapsedTime(0))
	if err == nil {
		return nil
	}
	if last == nil {
		last = &Error{Op: op, Key: key}
	}
	if err != error(last) { // Retry stopped for ctx
		last.ended = endOf(ctx)
	}
	last.Tries = made
	return last
}

// enter waits for a turn, which is no part of the time of a try.
func (t turns) enter(ctx context.Context) (leave func(), _ error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if t.near == nil {
		return func() {}, nil
	}
	var further chan struct{}
	if t.far != nil && t.far() {
		further = t.further
	}
	select {
	case t.near <- struct{}{}:
		return func() { <-t.near }, nil
	case further <- struct{}{}:
		return func() { <-further }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// once bounds one try, so that a service that hangs once or twice leaves time
// for another. What lasts as long as ctx does needs no bound of its own.
func (r retrier) once(ctx context.Context, try func(context.Context) *Error) *Error {
	limit := cmp.Or(r.attempt, 10*time.Second)
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		if r.attempt == 0 {
			limit = min(limit, max(time.Second, left/4))
		}
		if limit >= left {
			return try(ctx)
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, late(limit))
	defer cancel()
	return try(ctx)
}

// A late answer is one that did not come within a time.
type late time.Duration

func (l late) Error() string {
	return fmt.Sprintf("no whole answer within %v", time.Duration(l).Round(time.Millisecond))
}

// fits tells whether a pause ends before ctx does.
func fits(ctx context.Context, pause time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || pause < time.Until(deadline)
}

// pauses grow from one to the next, and are longer where the service asks.
type pauses struct {
	backoff.ExponentialBackOff
	atLeast time.Duration
}

// heed makes room for a service that is overrun.
func (p *pauses) heed(e *Error) {
	p.atLeast = e.retryAfter
	if e.Status == 429 {
		p.ExponentialBackOff.NextBackOff() // "slower": a step is left out
	}
}

// NextBackOff returns how long to wait.
func (p *pauses) NextBackOff() time.Duration {
	return max(p.ExponentialBackOff.NextBackOff(), p.atLeast)
}
