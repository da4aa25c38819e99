package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"backup-statistics/handler/local"
)

// instructions prints how many instructions cold starts of each program take until
// their answer, and what the least of that is to the second's, the plain program's.
// Milliseconds are those of the machine and of its other work; this repeats within some
// thousandths, but for the runs that open a connection more, since a request began in
// the instant before another's was free: a seventh.
func instructions(ctx context.Context, t *trust, programs []string, runs int) error {
	valgrind, err := exec.LookPath("valgrind")
	if err != nil {
		return fmt.Errorf("count instructions: %w: want the Debian package valgrind", err)
	}
	fmt.Printf("\ninstructions of a cold start over TLS, %d roots, of %d, in millions\n", t.roots, runs)
	fmt.Println("                                  first day       most   later day       most")
	least := make([][2]float64, len(programs))
	for i, program := range programs {
		fmt.Printf("%-30s", program)
		roots := ""
		if i == 1 {
			roots = t.alone
		}
		for day := range least[i] {
			if i == 1 && day == 1 {
				least[i][day] = least[i][0] // it knows no days
				continue
			}
			var counts []float64
			for range runs {
				n, err := counted(ctx, t, valgrind, program, programs[0], roots, day == 1)
				if err != nil {
					return fmt.Errorf("%s: %w", program, err)
				}
				counts = append(counts, float64(n)/1e6)
			}
			least[i][day] = slices.Min(counts)
			fmt.Printf("  %10.2f %10.2f", least[i][day], slices.Max(counts))
		}
		fmt.Println()
	}
	var w wanted
	for i, program := range programs {
		if i != 1 {
			fmt.Printf("%s to %s: first day %.4f times, later day %.4f times\n", program, programs[1], least[i][0]/least[1][0], least[i][1]/least[1][1])
		}
	}
	w.atMost("the function to the plain program, later day", least[0][1]/least[1][1], 2.4, " times")
	return w.err()
}

// counted is one cold start under callgrind. Where it is that of a later day, a process
// of the function took the day before, which is not counted.
func counted(ctx context.Context, t *trust, valgrind, program, function, roots string, later bool) (int64, error) {
	path, err := filepath.Abs(program)
	if err != nil {
		return 0, err
	}
	s, err := newStage(t, function, 0, local.Config{Function: local.Function{Timeout: 2 * time.Minute}})
	if err != nil {
		return 0, err
	}
	defer s.close()
	s.Backup.Set(ownAccount, sourceType, local.History(ownAccount, int(today()))...)
	if later {
		if _, err := s.cold(ctx, daily(today()-1)); err != nil {
			return 0, err
		}
		s.Runtime.Stop()
	}
	s.trust(roots)

	counts := filepath.Join(s.dir, "callgrind.out")
	process := s.Runtime.Process
	process.Path, process.Args = valgrind, []string{"--tool=callgrind", "--callgrind-out-file=" + counts, path}
	process.Env = append(process.Env, "GODEBUG=asyncpreemptoff=1") // its signals come when they come
	var valgrinds *os.Process
	ended := make(chan struct{})
	process.Started = func(p *os.Process) { valgrinds = p }
	process.Exit = func(*os.ProcessState) { close(ended) }
	out, err := s.Runtime.Invoke(ctx, local.Invocation{Event: []byte(daily(today()))})
	if err == nil && out.Failed {
		err = fmt.Errorf("%s: %s", out.ErrorType, out.ErrorMessage)
	}
	if err != nil {
		return 0, err
	}
	if err := valgrinds.Signal(syscall.SIGTERM); err != nil { // it writes its counts when the program ends
		return 0, err
	}
	select {
	case <-ended:
	case <-time.After(time.Minute):
		return 0, errors.New("valgrind does not end within a minute")
	}
	return total(counts)
}

// total reads the sum of all from a file of callgrind's.
func total(file string) (int64, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(data) {
		if text, found := strings.CutPrefix(string(line), "totals: "); found {
			return strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		}
	}
	return 0, fmt.Errorf("%s: no line begins with totals: want callgrind's counts", file)
}
