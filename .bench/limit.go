package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// period is that in which a share of a core is given out, as Linux does by itself.
const period = 100 * time.Millisecond

// limit gives the processes that the stage starts from now on a share of one core, and
// says how: by a control group of Linux, version 2 or 1, or where that is refused by
// stopping them most of the time.
func (s *stage) limit(share float64) (how string, release func()) {
	process := s.Runtime.Process
	started := process.Started
	quota := strconv.Itoa(int(time.Duration(share * float64(period)).Microseconds()))
	whole := strconv.Itoa(int(period.Microseconds()))
	for _, c := range []struct{ parent, file, text string }{
		{"/sys/fs/cgroup", "cpu.max", quota + " " + whole},
		{"/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", quota},
	} {
		group := filepath.Join(c.parent, fmt.Sprintf("bench-%d-%d", os.Getpid(), time.Now().UnixNano()))
		if os.Mkdir(group, 0o755) != nil {
			continue
		}
		_, err := os.Stat(filepath.Join(group, c.file))
		if err == nil {
			err = os.WriteFile(filepath.Join(group, c.file), []byte(c.text), 0o644)
		}
		if err != nil { // a plain folder, or a controller that is not handed down
			os.Remove(group)
			continue
		}
		process.Started = func(p *os.Process) {
			started(p)
			if err := os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(p.Pid)), 0o644); err != nil {
				p.Kill() //nolint:errcheck // it would run without a limit
			}
		}
		return c.file, func() {
			s.Runtime.Stop()
			os.Remove(group)
		}
	}
	process.Started = func(p *os.Process) {
		started(p)
		go func() {
			run := time.Duration(share * float64(period))
			for p.Signal(syscall.SIGCONT) == nil {
				time.Sleep(run)
				p.Signal(syscall.SIGSTOP) //nolint:errcheck // the next one tells
				time.Sleep(period - run)
			}
		}()
	}
	return "SIGSTOP and SIGCONT", s.Runtime.Stop
}
