package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"backup-statistics/handler/local"
)

// event is what the timer sends; nextDay is that of a day later.
const (
	event   = `{"triggerTime":"2026-11-22T12:17:00Z","triggerName":"daily"}`
	nextDay = `{"triggerTime":"2026-11-23T12:17:00Z","triggerName":"daily"}`
)

// cold prints medians of cold starts: the function on its first day and on a
// later one, the minimal function, and the plain program.
func cold(ctx context.Context, t *trust, function, minimal, plain string, runs int) error {
	for _, trip := range []time.Duration{0, 20 * time.Millisecond} {
		contestants := []struct {
			name, path string
			event      string
			measures   []measure
		}{
			{name: "function, first day", path: function, event: event},
			{name: "function, later day", path: function, event: nextDay},
			{name: "minimal, same SDKs", path: minimal, event: event},
			{name: "plain, no SDK", path: plain, event: event},
		}
		for range runs {
			for i := range contestants {
				c := &contestants[i]
				m, err := once(ctx, t, c.path, trip, c.event)
				if err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
				c.measures = append(c.measures, m)
			}
		}
		fmt.Printf("\ncold starts over TLS, %d roots, round trip %v, medians of %d\n", t.roots, trip, runs)
		fmt.Println("                      first poll   snapshot stored   answer      CPU       peak memory   requests   connections")
		for _, c := range contestants {
			of := func(value func(measure) int64) float64 { return float64(median(c.measures, value)) }
			fmt.Printf("%-20s %8.1f ms   %10.1f ms   %8.1f ms %6.1f ms   %7.1f MiB   %6.0f   %8.0f\n", c.name,
				of(func(m measure) int64 { return int64(m.poll) })/1e6, of(func(m measure) int64 { return int64(m.stored) })/1e6,
				of(func(m measure) int64 { return int64(m.answer) })/1e6, of(func(m measure) int64 { return int64(m.cpu) })/1e6,
				of(func(m measure) int64 { return m.peak })/(1<<20),
				of(func(m measure) int64 { return int64(m.requests) }), of(func(m measure) int64 { return int64(m.connections) }))
		}
		ratio := func(i, j int, value func(measure) int64) float64 {
			return float64(median(contestants[i].measures, value)) / float64(median(contestants[j].measures, value))
		}
		fmt.Printf("first poll: %.2f times the minimal function's (wanted: at most 1.5)\n", ratio(1, 2, func(m measure) int64 { return int64(m.poll) }))
		fmt.Printf("snapshot stored: %.2f times the plain program's (wanted: at most 1.25, at 20 ms)\n", ratio(1, 3, func(m measure) int64 { return int64(m.stored) }))
	}
	return nil
}

// once is one cold start; that of a later day is in a bucket with a day in it.
func once(ctx context.Context, t *trust, path string, trip time.Duration, last string) (m measure, err error) {
	s, err := newStage(t, path, trip, local.Config{Function: local.Function{Timeout: 30 * time.Second}})
	if err != nil {
		return m, err
	}
	defer s.close()
	account := s.Runtime.Function.AccountID
	for i, event := range []string{event, nextDay} {
		s.Backup.Set(account, "ECS_FILE", local.History(account, 20779+i)...)
		if m, err = s.cold(ctx, event); err != nil || event == last {
			break
		}
	}
	return m, err
}

func median(measures []measure, value func(measure) int64) int64 {
	var values []int64
	for _, m := range measures {
		values = append(values, value(m))
	}
	slices.Sort(values)
	return values[len(values)/2]
}
