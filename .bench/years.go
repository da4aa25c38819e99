package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"backup-statistics/handler/local"
)

// years prints what a daily run takes in buckets of so many days: medians of runs of
// the same day, each cold.
func years(ctx context.Context, t *trust, function string, runs int) error {
	const regions = 30
	ages := []int{1, 400, 3650}
	of := make(map[int][]measure)
	buckets := make(map[int]*aged)
	for _, days := range ages {
		a, err := newAged(t, function, days, regions)
		if err != nil {
			return fmt.Errorf("%d days: %w", days, err)
		}
		defer a.close()
		buckets[days] = a
	}
	for range runs { // in turn, in any order: how fast a machine is changes within seconds, and a run hangs on the one before
		for days, bucket := range buckets {
			m, err := bucket.run(ctx)
			if err != nil {
				return fmt.Errorf("%d days: %w", days, err)
			}
			of[days] = append(of[days], m)
		}
	}
	fmt.Printf("\na cold daily run over TLS, one account, %d regions, of %d, each day in turn: medians\n", regions, runs)
	fmt.Println("days before       read    written   of which trend.csv      requests        CPU   peak memory")
	read := func(m measure) int64 { return m.read.all }
	written := func(m measure) int64 { return m.written.all }
	readRest := func(m measure) int64 { return m.read.all - m.read.csv }
	writtenRest := func(m measure) int64 { return m.written.all - m.written.csv }
	requests := func(m measure) int64 { return int64(m.requests) }
	cpu := func(m measure) int64 { return int64(m.cpu) }
	peak := func(m measure) int64 { return m.peak }
	for _, days := range ages {
		kb := func(value func(measure) int64) float64 { return float64(median(of[days], value)) / 1e3 }
		fmt.Printf("%11d %7.1f kB %7.1f kB %7.1f + %7.1f kB %10d %7.1f ms %9.1f MiB\n", days, kb(read), kb(written),
			kb(func(m measure) int64 { return m.read.csv }), kb(func(m measure) int64 { return m.written.csv }),
			median(of[days], requests), float64(median(of[days], cpu))/1e6, float64(median(of[days], peak))/(1<<20))
	}
	var w wanted
	ratio := func(name string, one, other int, value func(measure) int64, most float64) {
		w.atMost(fmt.Sprintf("%s, day %d to day %d", name, one+1, other+1), float64(median(of[one], value))/float64(median(of[other], value)), most, " times")
	}
	w.atMost("read with 400 days", float64(median(of[400], read))/1e6, 0.5, " MB")
	w.atMost("written with 400 days", float64(median(of[400], written))/1e6, 0.5, " MB")
	ratio("read but for trend.csv", 3650, 400, readRest, 1.1)
	ratio("written but for trend.csv", 3650, 400, writtenRest, 1.1)
	ratio("requests", 3650, 400, requests, 1.1)
	beside := func(one, other int, most float64) { // a machine's speed changes within minutes, and both have the same
		ratios := make([]float64, runs)
		for i := range ratios {
			ratios[i] = float64(of[one][i].cpu) / float64(of[other][i].cpu)
		}
		slices.Sort(ratios)
		w.atMost(fmt.Sprintf("CPU, day %d to day %d, run beside run", one+1, other+1), ratios[len(ratios)/2], most, " times")
	}
	beside(3650, 400, 1.1)
	ratio("peak memory", 3650, 400, peak, 1.1)
	beside(400, 1, 1.5)
	ratio("peak memory", 400, 1, peak, 1.5)
	return w.err()
}

// An aged stage has a bucket with so many days before that of its runs.
type aged struct {
	*stage
	bucket *bucket
}

func newAged(t *trust, function string, days, regions int) (*aged, error) {
	s, err := newStage(t, function, 0, local.Config{Function: local.Function{Timeout: time.Minute}})
	if err != nil {
		return nil, err
	}
	b, err := fill(s.dir, today(), days, regions)
	if err != nil {
		s.close()
		return nil, err
	}
	s.Backup.Set(ownAccount, sourceType, spread(regions)...)
	return &aged{s, b}, nil
}

// run is a cold daily run, of which nothing is left.
func (a *aged) run(ctx context.Context) (measure, error) {
	m, err := a.cold(ctx, daily(today()))
	if err != nil {
		return m, err
	}
	return m, a.bucket.undo(today())
}
