//go:build unix

package cpu

import (
	"syscall"
	"time"
)

// Used is the CPU that the process has had; 0 where that is not known.
func Used() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
