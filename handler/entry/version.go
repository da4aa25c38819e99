package entry

import (
	"cmp"
	"fmt"
	"runtime"

	"backup-statistics/report/zones"
)

// commit is that of the sources, as make package has it linked in.
var commit string

// Commit names the commit of the sources; "unknown" where whoever built the
// executable did not tell.
func Commit() string { return cmp.Or(commit, "unknown") }

// Version is a line that says what an executable is made of. No document has it: what
// is stored does not change with who stores it.
func Version() string {
	return fmt.Sprintf("backup-statistics %s, %s, time zones of IANA %s", Commit(), runtime.Version(), zones.Release())
}
