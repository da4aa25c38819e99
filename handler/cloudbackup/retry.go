package cloudbackup

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	defaultAttempts = 6
	defaultPause    = 200 * time.Millisecond
	maxPause        = 5 * time.Second
	minAttempt      = time.Second
	maxAttempt      = 10 * time.Second
)

// A failure is an attempt that brought nothing.
type failure struct {
	err      error
	unsaid   bool          // the service did not get to say anything
	passing  bool          // another attempt may end better
	patient  bool          // it is attempted again as long as there is time
	waitsFor time.Duration // what Retry-After asks for; 0: nothing
}

// retry attempts until it succeeds, fails for good, has done so often enough, or
// ctx ends. Where there is a deadline, a patient call is not counted while the
// service throttles. Nothing else here tries again. The error tells the last thing
// that the service said and how often it was asked.
func (s *Service) retry(ctx context.Context, action string, attempt func(context.Context) *failure) error {
	most := cmp.Or(s.Attempts, defaultAttempts)
	pauses := backoff.ExponentialBackOff{
		InitialInterval: cmp.Or(s.Pause, defaultPause), RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: maxPause,
	}
	var last *failure
	for tries := 1; ; tries++ {
		if err := ctx.Err(); err != nil {
			return interrupted(action, last, tries-1, err)
		}
		failed := s.once(ctx, attempt)
		if failed == nil {
			return nil
		}
		if err := ctx.Err(); err != nil && failed.unsaid {
			return interrupted(action, last, tries, err)
		}
		last = failed
		pause := max(pauses.NextBackOff(), last.waitsFor)
		deadline, limited := ctx.Deadline()
		switch {
		case !last.passing && tries == 1:
			return last.err
		case !last.passing, tries >= most && !(last.patient && limited):
			return fmt.Errorf("%w (%s)", last.err, tried(tries))
		case limited && last.waitsFor >= time.Until(deadline):
			return fmt.Errorf("%w (%s; Retry-After asks for %v, past the deadline)", last.err, tried(tries), last.waitsFor)
		case limited && pause >= time.Until(deadline):
			return fmt.Errorf("%w (%s; the deadline leaves no time for another)", last.err, tried(tries))
		}
		wait(ctx, pause)
	}
}

// once limits an attempt, so that a service that hangs once or twice leaves time
// for another.
func (s *Service) once(ctx context.Context, attempt func(context.Context) *failure) *failure {
	limit := s.AttemptTimeout
	if limit == 0 {
		limit = maxAttempt
		if deadline, ok := ctx.Deadline(); ok {
			limit = min(maxAttempt, max(minAttempt, time.Until(deadline)/4))
		}
	}
	ctx, stop := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no whole answer within %v", limit.Round(100*time.Millisecond)))
	defer stop()
	return attempt(ctx)
}

func wait(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// interrupted is the error of a call that ctx ended. What the service said
// before is the better half of it.
func interrupted(action string, last *failure, tries int, ended error) error {
	switch {
	case last != nil:
		return fmt.Errorf("%w (%s; then %w)", last.err, tried(tries), ended)
	case tries > 0:
		return fmt.Errorf("%s: %w (%s)", action, ended, tried(tries))
	}
	return fmt.Errorf("%s: %w", action, ended)
}

func tried(tries int) string {
	if tries == 1 {
		return "tried once"
	}
	return fmt.Sprintf("tried %d times", tries)
}

// throttled tells whether the caller, or all callers together, ask too often.
func (r *Refusal) throttled() bool {
	return strings.Contains(r.Code, "Throttling") || r.Status == http.StatusTooManyRequests
}

// retryAfter reads the header of that name: seconds, or a date, which is measured
// against the service's own clock.
func (a answer) retryAfter() time.Duration {
	text := a.header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if now, err := http.ParseTime(a.header.Get("Date")); err == nil {
		return max(0, date.Sub(now))
	}
	return max(0, time.Until(date))
}
