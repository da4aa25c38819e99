// Package zones has the time zones that the executable brings along, of one IANA
// release. An image's own files may be years old, and Go's are as old as the
// toolchain, while rules change some weeks before they apply: a snapshot would be
// filed under the wrong day. So nothing else is asked, neither the machine nor
// ZONEINFO, and the same names mean the same days everywhere.
package zones

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// data is a table of contents and, after an empty line, compiled zones (RFC 9636),
// one after the other; links share one. It is as it is made by make zones: its first
// line is "IANA 2026f, tzdata 2026.6", and each other one has a name, and where its
// zone begins after the empty line and ends. Only what is asked for is read.
//
//go:embed zones.bin
var data string

// Release names the IANA release of the zones, such as 2026f.
func Release() string {
	release, _, _ := strings.Cut(strings.TrimPrefix(data, "IANA "), ",")
	return release
}

// Load returns the zone of an IANA name, such as Asia/Shanghai, or of an older name
// that links to one.
func Load(name string) (*time.Location, error) {
	if name == "UTC" {
		return time.UTC, nil
	}
	contents, compiled, _ := strings.Cut(data, "\n\n")
	_, line, known := strings.Cut(contents, "\n"+name+" ")
	if !known || strings.ContainsAny(name, " \n") {
		return nil, fmt.Errorf("unknown time zone %.80q in IANA %s: want a name such as Asia/Shanghai or UTC", name, Release())
	}
	line, _, _ = strings.Cut(line, "\n")
	first, last, _ := strings.Cut(line, " ")
	from, err := strconv.Atoi(first)
	to, err2 := strconv.Atoi(last)
	if err != nil || err2 != nil || from < 0 || from > to || to > len(compiled) {
		return nil, fmt.Errorf("time zone %s: its place %q is damaged in this executable", name, line)
	}
	return time.LoadLocationFromTZData(name, []byte(compiled[from:to]))
}
