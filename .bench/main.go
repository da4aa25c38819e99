// Command bench starts the packaged function cold, many times, as Function Compute
// does, and in turn with it the smallest function on the same SDKs; it prints
// medians. The services are the stand-ins on loopback, without TLS and without the
// time that a network takes.
//
//	bench FUNCTION MINIMAL [RUNS]
package main

import (
	"backup-statistics/handler/local"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"
)

type run struct {
	poll, answer, cpu time.Duration
	peak              int64 // kB
	requests          int
}

func main() {
	if err := bench(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("arguments %q: want FUNCTION MINIMAL [RUNS]", args)
	}
	n := 20
	if len(args) > 2 {
		var err error
		if n, err = strconv.Atoi(args[2]); err != nil || n < 1 {
			return fmt.Errorf("RUNS is %q: want a number from 1", args[2])
		}
	}
	runs := make([][]run, 2)
	for range n {
		for i, path := range args[:2] {
			r, err := once(path)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			runs[i] = append(runs[i], r)
		}
	}
	fmt.Printf("medians of %d cold starts        first poll   event to answer   CPU      peak memory   requests\n", n)
	for i, name := range []string{"function, a whole first run", "minimal, clients made only"} {
		fmt.Printf("%-30s %9.1f ms   %9.1f ms   %6.1f ms   %6.1f MiB   %5d\n", name,
			ms(runs[i], func(r run) time.Duration { return r.poll }), ms(runs[i], func(r run) time.Duration { return r.answer }),
			ms(runs[i], func(r run) time.Duration { return r.cpu }), float64(median(runs[i], func(r run) int64 { return r.peak }))/1024,
			runs[i][0].requests)
	}
	ratio := ms(runs[0], func(r run) time.Duration { return r.poll }) / ms(runs[1], func(r run) time.Duration { return r.poll })
	fmt.Printf("first poll: %.2f times that of the minimal function (wanted: at most 1.5)\n", ratio)
	return nil
}

// once is one cold start in a bucket that has its schemas and no history.
func once(path string) (r run, err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	cloud, err := local.Start(local.Config{Dir: dir, Path: path, Function: local.Function{Timeout: 30 * time.Second}})
	if err != nil {
		return r, err
	}
	cloud.Runtime.Process.Exit = func(state *os.ProcessState) {
		r.cpu = state.UserTime() + state.SystemTime()
		r.peak = state.SysUsage().(*syscall.Rusage).Maxrss
	}
	cloud.Backup.Set(cloud.Runtime.Function.AccountID, "ECS_FILE", local.History(cloud.Runtime.Function.AccountID, 20780)...)
	out, err := cloud.Runtime.Invoke(context.Background(), local.Invocation{Event: []byte(`{"triggerTime":"2026-11-23T12:17:00Z","triggerName":"daily"}`)})
	r.requests = len(cloud.Log.Requests())
	cloud.Close()
	if err == nil && out.Failed {
		err = fmt.Errorf("%s: %s", out.ErrorType, out.ErrorMessage)
	}
	r.poll, r.answer = out.Start, out.Duration
	return r, err
}

func ms(runs []run, of func(run) time.Duration) float64 {
	return float64(median(runs, func(r run) int64 { return int64(of(r)) })) / 1e6
}

func median(runs []run, of func(run) int64) int64 {
	var values []int64
	for _, r := range runs {
		values = append(values, of(r))
	}
	slices.Sort(values)
	return values[len(values)/2]
}
