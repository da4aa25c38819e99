//go:build !unix

package cpu

import "time"

// Used is the CPU that the process has had; 0 where that is not known.
func Used() time.Duration { return 0 }
