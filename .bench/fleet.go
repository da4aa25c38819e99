package main

import (
	"context"
	"fmt"
	"time"

	"backup-statistics/handler/cloudbackup"
	"backup-statistics/handler/local"
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
	for _, size := range sizes {
		m, again, err := collect(ctx, t, function, size)
		if err != nil {
			return fmt.Errorf("%d accounts: %w", size, err)
		}
		requests := 3 * time.Duration(size) * fleetTrip / fleetConcurrency
		pacing := time.Duration(size) * time.Second / cloudbackup.RolesPerSecond
		fmt.Printf("%8d %9.1f s %8.1f s %10d %13d %8.1f s %9.1f MiB %15.1f s %9.1f MiB\n", size,
			m.answer.Seconds(), (requests*3/2 + pacing).Seconds(), m.requests, m.connections, m.cpu.Seconds(), float64(m.peak)/(1<<20),
			again.answer.Seconds(), float64(again.peak)/(1<<20))
	}
	fmt.Println("wanted: at most 1.5 times 3 requests for each account, and the pace of STS; under 64 MiB")
	return nil
}

// collect measures the first run of a day, and another that finds all of it there.
func collect(ctx context.Context, t *trust, function string, accounts int) (first, again measure, err error) {
	var members []string
	for i := range accounts - 1 {
		members = append(members, fmt.Sprintf("2%015d", i))
	}
	s, err := newStage(t, function, fleetTrip, local.Config{
		Function: local.Function{Timeout: 10 * time.Minute}, Members: members,
		Env: []string{fmt.Sprintf("CONCURRENCY=%d", fleetConcurrency)},
	})
	if err != nil {
		return first, again, err
	}
	defer s.close()
	for _, id := range append(members, s.Runtime.Function.AccountID) {
		s.Backup.Set(id, "ECS_FILE", local.History(id, 20779)...)
	}
	if first, err = s.cold(ctx, event); err == nil {
		again, err = s.cold(ctx, event)
	}
	return first, again, err
}
