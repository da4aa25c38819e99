package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"backup-statistics/handler/local"
)

// cold prints medians of cold starts: the function on its first day and on a
// later one, the minimal function, and the plain program, which trusts one root
// alone.
func cold(ctx context.Context, t *trust, function, minimal, plain string, runs int) error {
	var w wanted
	for _, trip := range []time.Duration{0, 20 * time.Millisecond} {
		contestants := []struct {
			name, path string
			roots      string // "": all of the system's
			later      bool
			measures   []measure
		}{
			{name: "function, first day", path: function},
			{name: "function, later day", path: function, later: true},
			{name: "minimal, same SDKs", path: minimal},
			{name: "plain, no SDK, one root", path: plain, roots: t.alone},
		}
		for range runs {
			for i := range contestants {
				c := &contestants[i]
				m, err := once(ctx, t, c.path, c.roots, trip, c.later)
				if err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
				c.measures = append(c.measures, m)
			}
		}
		fmt.Printf("\ncold starts over TLS, %d roots, round trip %v, medians of %d\n", t.roots, trip, runs)
		fmt.Println("                          first poll   snapshot stored   answer      CPU       peak memory   requests   connections")
		for _, c := range contestants {
			of := func(value func(measure) int64) float64 { return float64(median(c.measures, value)) }
			fmt.Printf("%-24s %8.1f ms   %10.1f ms   %8.1f ms %6.1f ms   %7.1f MiB   %6.0f   %8.0f\n", c.name,
				of(func(m measure) int64 { return int64(m.poll) })/1e6, of(func(m measure) int64 { return int64(m.stored) })/1e6,
				of(func(m measure) int64 { return int64(m.answer) })/1e6, of(func(m measure) int64 { return int64(m.cpu) })/1e6,
				of(func(m measure) int64 { return m.peak })/(1<<20),
				of(func(m measure) int64 { return int64(m.requests) }), of(func(m measure) int64 { return int64(m.connections) }))
		}
		ratio := func(i, j int, value func(measure) int64) float64 {
			return float64(median(contestants[i].measures, value)) / float64(median(contestants[j].measures, value))
		}
		poll := func(m measure) int64 { return int64(m.poll) }
		stored := func(m measure) int64 { return int64(m.stored) }
		answer := func(m measure) int64 { return int64(m.answer) }
		w.atMost(fmt.Sprintf("first poll to the minimal function's, at %v", trip), ratio(1, 2, poll), 1.5, " times")
		if trip == 0 { // milliseconds of the machine's other work decide
			fmt.Printf("to the plain program's: snapshot stored %.2f times, answer of a later day %.2f times\n", ratio(1, 3, stored), ratio(1, 3, answer))
			continue
		}
		w.atMost(fmt.Sprintf("snapshot stored, first day, to the plain program's, at %v", trip), ratio(0, 3, stored), 1.03, " times")
		w.atMost(fmt.Sprintf("snapshot stored, later day, to the plain program's, at %v", trip), ratio(1, 3, stored), 1.03, " times")
		w.atMost(fmt.Sprintf("answer of a later day to the plain program's, at %v", trip), ratio(1, 3, answer), 2, " times")
	}
	return w.err()
}

// once is one cold start; that of a later day is in a bucket with a day in it.
func once(ctx context.Context, t *trust, path, roots string, trip time.Duration, later bool) (m measure, err error) {
	s, err := newStage(t, path, trip, local.Config{Function: local.Function{Timeout: 30 * time.Second}})
	if err != nil {
		return m, err
	}
	defer s.close()
	s.trust(roots)
	s.Backup.Set(ownAccount, sourceType, local.History(ownAccount, int(today()))...)
	if later {
		if _, err = s.cold(ctx, daily(today()-1)); err != nil {
			return m, err
		}
	}
	return s.cold(ctx, daily(today()))
}

func median(measures []measure, value func(measure) int64) int64 {
	var values []int64
	for _, m := range measures {
		values = append(values, value(m))
	}
	slices.Sort(values)
	return values[len(values)/2]
}
