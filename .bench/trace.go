package main

import (
	"context"
	"fmt"
	"time"

	"backup-statistics/handler/local"
)

// trace prints when the requests of two cold starts arrive, of a first day and of the
// next: what waits for what.
func trace(ctx context.Context, t *trust, function string) error {
	const trip = 20 * time.Millisecond
	s, err := newStage(t, function, trip, local.Config{Function: local.Function{Timeout: 30 * time.Second}})
	if err != nil {
		return err
	}
	defer s.close()
	s.Backup.Set(ownAccount, sourceType, local.History(ownAccount, int(today()))...)
	for _, day := range []struct {
		name  string
		event string
	}{{"first day", daily(today() - 1)}, {"later day", daily(today())}} {
		m, err := s.cold(ctx, day.event)
		if err != nil {
			return err
		}
		fmt.Printf("\n%s, round trip %v: first poll %v, snapshot stored %v, answer %v, CPU %v, %d connections\n", day.name, trip,
			m.poll.Round(time.Millisecond), m.stored.Round(time.Millisecond), m.answer.Round(time.Millisecond), m.cpu.Round(time.Millisecond), m.connections)
		requests := s.Log.Requests()
		for _, r := range requests {
			fmt.Printf("%8.1f ms  %-4s %-12s %d  %s\n", float64(r.Time.Sub(requests[0].Time))/1e6, r.Method, r.Service, r.Status, r.Name)
		}
	}
	return nil
}
