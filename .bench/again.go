package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// again prints how long the same days take when they are played twice into one folder:
// the second time all of it is there.
func again(ctx context.Context, program string, days int) error {
	const runs = 5
	var took [2][]time.Duration
	for range runs {
		dir, err := os.MkdirTemp("", "bench")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		for i := range took {
			start := time.Now()
			out, err := exec.CommandContext(ctx, program, "local", "-days", strconv.Itoa(days), "-dir", filepath.Join(dir, "bucket")).CombinedOutput()
			if err != nil {
				return fmt.Errorf("%s local: %w: %s", program, err, out)
			}
			took[i] = append(took[i], time.Since(start))
		}
	}
	fmt.Printf("\n%d days played on one machine, and again into the same folder, medians of %d\n", days, runs)
	for i := range took {
		slices.Sort(took[i])
	}
	first, second := took[0][runs/2], took[1][runs/2]
	fmt.Printf("first %.2f s, second %.2f s\n", first.Seconds(), second.Seconds())
	var w wanted
	w.atMost("the second to the first", second.Seconds()/first.Seconds(), 1, " times")
	return w.err()
}
