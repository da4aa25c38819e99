package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"backup-statistics/handler/local"
	"backup-statistics/report"
)

const (
	smallMemory = "128" // MB
	share       = 0.1   // of a core
	try         = time.Minute
	mostMemory  = 40 // MiB
)

// rebuild prints what it takes the smallest function to derive all of a long history
// again, and one day of a large fleet.
func rebuild(ctx context.Context, t *trust, function string) error {
	var w wanted
	for _, what := range []struct {
		name string
		lose []string // folders and documents, before the rebuild
	}{
		{"all of it as it should be", nil},
		{"records, tables and views gone", []string{"days", "totals", "regions", "calendar", report.TrendKey, report.TrendCSVKey, report.LatestKey, report.PageKey}},
	} {
		if err := rebuildAll(ctx, t, function, what.name, what.lose, &w); err != nil {
			return fmt.Errorf("rebuild, %s: %w", what.name, err)
		}
	}
	if err := rebuildDay(ctx, t, function, &w); err != nil {
		return fmt.Errorf("rebuild a day: %w", err)
	}
	return w.err()
}

func rebuildAll(ctx context.Context, t *trust, function, name string, lose []string, w *wanted) error {
	const days, regions, mostTries = 3650, 30, 60
	s, err := newStage(t, function, 0, local.Config{Function: local.Function{Timeout: try, Memory: smallMemory}})
	if err != nil {
		return err
	}
	defer s.close()
	if _, err := fill(s.dir, today(), days, regions); err != nil {
		return err
	}
	for _, lost := range lose {
		path := filepath.Join(s.dir, "backup-statistics", lost)
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("lose %s: %w", lost, err)
		}
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	how, release := s.limit(share)
	defer release()
	fmt.Printf("\nrebuild of %d days, %d regions, %s: %v a try, %g of a core (%s), %s MB\n", days, regions, name, try, share, how, smallMemory)
	fmt.Println("try        from      next    days       time        CPU   peak memory   requests   documents written")
	var peak int64
	var cpu time.Duration
	onward, ended := true, false
	for n, from := 1, today()-days; n <= mostTries && onward && !ended; n++ {
		event := `{"action":"rebuild"}`
		if n > 1 {
			event = fmt.Sprintf(`{"action":"rebuild","from":%q}`, from)
		}
		m, err := s.cold(ctx, event)
		if err != nil {
			w.is("try "+fmt.Sprint(n), false, err.Error())
			return nil
		}
		var answer struct {
			Status  string
			Next    *report.Date
			Rebuilt struct{ Written int }
		}
		if err := json.Unmarshal(m.body, &answer); err != nil {
			return err
		}
		next := today()
		if answer.Next != nil {
			next = *answer.Next
		}
		peak, cpu = max(peak, m.peak), cpu+m.cpu
		fmt.Printf("%3d  %v %v %6d %8.1f s %8.2f s %9.1f MiB %10d %10d\n", n, from, next, next-from,
			m.answer.Seconds(), m.cpu.Seconds(), float64(m.peak)/(1<<20), m.requests, answer.Rebuilt.Written)
		onward, ended, from = next > from, answer.Status != "unfinished", next
	}
	w.is("each try goes on where the last one stopped", onward, fmt.Sprint(onward))
	w.is("it ends", ended, fmt.Sprintf("%t, with %.1f s of CPU", ended, cpu.Seconds()))
	w.atMost("peak memory", float64(peak)/(1<<20), mostMemory, " MiB")
	return nil
}

// rebuildDay rebuilds the last day of a fleet in a bucket of three years. Of all days
// but the last ones the other accounts have a key, and nothing in it.
func rebuildDay(ctx context.Context, t *trust, function string, w *wanted) error {
	const days, whole, accounts, regions = 3 * 365, 3, 1000, 2
	others := members(accounts - 1)
	s, err := newStage(t, function, 0, local.Config{Function: local.Function{Timeout: 10 * try, Memory: smallMemory}})
	if err != nil {
		return err
	}
	defer s.close()
	b, err := newBucket(s.dir)
	if err != nil {
		return err
	}
	statistics := alike(regions)
	last := today() - 1
	for d := last - days + 1; d <= last; d++ {
		of := []string{ownAccount}
		if d > last-whole {
			of = append(of, others...)
		}
		if err := b.add(d, of, statistics); err != nil {
			return err
		}
		if d > last-whole {
			continue
		}
		for _, id := range others {
			if err := b.put(report.SnapshotKey(d, id, sourceType), nil, nil); err != nil {
				return err
			}
		}
	}
	if err := b.finish(); err != nil {
		return err
	}
	m, err := s.cold(ctx, fmt.Sprintf(`{"action":"rebuild","from":%q,"to":%q}`, last, last))
	fmt.Printf("\nrebuild of the last day of %d accounts, in a bucket of %d days and %d snapshots, %s MB\n", accounts, days, days*accounts, smallMemory)
	if err != nil {
		w.is("it ends", false, err.Error())
		return nil
	}
	fmt.Printf("%.1f s, %.2f s of CPU, %d requests: %s\n", m.answer.Seconds(), m.cpu.Seconds(), m.requests, m.body)
	w.atMost("lists", float64(m.lists), 12, "")
	w.atMost("peak memory", float64(m.peak)/(1<<20), mostMemory, " MiB")
	return nil
}
