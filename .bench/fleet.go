package main

import (
	"context"
	"fmt"
	"time"

	"backup-statistics/handler/cloudbackup"
	"backup-statistics/handler/local"
	"backup-statistics/report"
)

// fleetTrip is the round trip of each request of a fleet.
const (
	fleetTrip        = 20 * time.Millisecond
	fleetConcurrency = 32
)

// fleet prints what it takes to collect many accounts into one bucket.
func fleet(ctx context.Context, t *trust, function string, sizes []int) error {
	fmt.Printf("\nfleets over TLS, round trip %v, concurrency %d\n", fleetTrip, fleetConcurrency)
	fmt.Println("accounts        time     wanted   requests   connections        CPU   peak memory   run again: time   peak memory")
	var w wanted
	var met []func()
	for _, size := range sizes {
		m, again, err := collect(ctx, t, function, size)
		if err != nil {
			return fmt.Errorf("%d accounts: %w", size, err)
		}
		requests := 3 * time.Duration(size) * fleetTrip / fleetConcurrency
		pacing := time.Duration(size) * time.Second / cloudbackup.RolesPerSecond
		most := (requests*3/2 + pacing).Seconds()
		fmt.Printf("%8d %9.1f s %8.1f s %10d %13d %8.1f s %9.1f MiB %15.1f s %9.1f MiB\n", size,
			m.answer.Seconds(), most, m.requests, m.connections, m.cpu.Seconds(), float64(m.peak)/(1<<20),
			again.answer.Seconds(), float64(again.peak)/(1<<20))
		met = append(met, func() {
			w.atMost(fmt.Sprintf("time of %d accounts, 1.5 times 3 requests of each and the pace of STS", size), m.answer.Seconds(), most, " s")
			w.atMost(fmt.Sprintf("peak memory of %d accounts", size), float64(m.peak)/(1<<20), 64, " MiB")
			w.atMost(fmt.Sprintf("peak memory of %d accounts again", size), float64(again.peak)/(1<<20), 64, " MiB")
		})
	}
	for _, hold := range met {
		hold()
	}
	return w.err()
}

// collect measures the first run of a day that has another before it, and a run that
// finds all of it there.
func collect(ctx context.Context, t *trust, function string, accounts int) (first, again measure, err error) {
	others := members(accounts - 1)
	s, err := newStage(t, function, fleetTrip, local.Config{
		Function: local.Function{Timeout: 10 * time.Minute}, Members: others,
		Env: []string{fmt.Sprintf("CONCURRENCY=%d", fleetConcurrency)},
	})
	if err != nil {
		return first, again, err
	}
	defer s.close()
	all := append(others, ownAccount)
	b, err := newBucket(s.dir)
	if err != nil {
		return first, again, err
	}
	yesterday := today() - 1
	err = b.add(yesterday, all, func(id string) report.Statistics { return statistics(local.History(id, int(yesterday))) })
	if err == nil {
		err = b.finish()
	}
	if err != nil {
		return first, again, err
	}
	for _, id := range all {
		s.Backup.Set(id, sourceType, local.History(id, int(today()))...)
	}
	if first, err = s.cold(ctx, daily(today())); err == nil {
		again, err = s.cold(ctx, daily(today()))
	}
	return first, again, err
}
