//go:build !function

package local

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"backup-statistics/report/zones"
)

const (
	defaultDir    = ".local/bucket"
	defaultZone   = "Asia/Shanghai"
	defaultPrefix = "backup-statistics"
	dateForm      = "2006-01-02"
	maxDays       = 3650
	maxAccounts   = 1000
)

// help is what -h prints.
func help() string {
	return `usage: backup-statistics local [flags]

Plays a run of the function on this machine, without a cloud account: Cloud Backup,
OSS, STS and the resource directory answer on loopback, and this program is started
as Function Compute would start it. Then it is sent the event of the daily timer.
Shows the answer and the bucket, which is a folder and stays.

flags:
  -days N         play N days that end today, the oldest first, with numbers that grow
  -date DAY       play that day instead of today; with -days, end there
  -event TEXT     send this event, as the console does, instead of the timer's
  -dir FOLDER     the bucket (default ` + defaultDir + `)
  -accounts N     so many accounts, the function's own and N-1 members (default 1)
  -gap DAY        leave that day out: a date, or how many days ago; may be repeated
  -drop DAYS      so many days ago, the largest region lost a third of its instances
  -protect WHAT   what an account protects, instead of numbers that grow; may be
                  repeated: ACCOUNT=REGION:BYTES:INSTANCES,… or ACCOUNT= for nothing
  -fault FAULT    spoil requests: KIND[@WHERE][xTIMES], see below; may be repeated
  -timeout TIME   the function's timeout (default 60s)
  -open           open the page in a browser
  -v              show the function's log
  -h              show this

faults: a KIND is one of
` + indent(wrap(strings.Join(FaultKinds(), ", "), width-2), "  ") + `
  WHERE is a service (` + strings.Join(services(), ", ") + `) or a part of a
  request, such as its action, key or account; without it, each service gets the fault.
  TIMES is how many requests are spoiled (default 1).

` + wrap("Of the environment the function gets "+strings.Join(passedOn, ", ")+"; nothing else.", width) + `

A day that has its snapshot keeps it: what is to look otherwise needs a folder of its own.

examples:
` + strings.Join(examples(), "\n") + `

exit code: 0 done, 1 the function answered an error, 2 wrong arguments.
`
}

// examples are of -h, each in a folder of its own where another would spoil it.
func examples() []string {
	return []string{
		`  backup-statistics local`,
		`  backup-statistics local -event '{"action":"snapshot","dry_run":true}'`,
		`  backup-statistics local -dir .local/fleet -days 90 -gap 12 -drop 5 -accounts 3`,
		`  backup-statistics local -dir .local/fault -fault ` + FaultKinds()[0] + `@GetBasicStatisticsx2 -v`,
		`  backup-statistics local -dir .local/own -protect 1234567890123456=cn-hangzhou:42949672960:5`,
		`  TIME_ZONE=UTC backup-statistics local -dir .local/leap -date 2024-02-29`,
	}
}

// A usageError says what is wrong with the arguments.
type usageError string

func (e usageError) Error() string { return "local: " + string(e) }

// Usage tells that the arguments are to be changed.
func (usageError) Usage() bool { return true }

func usagef(format string, args ...any) error { return usageError(fmt.Sprintf(format, args...)) }

// options are what the arguments ask for.
type options struct {
	days     int
	event    *string   // instead of timers
	now      time.Time // in the time zone of the days
	last     time.Time // likewise
	dir      string    // absolute
	accounts int
	faults   []aimedFault
	gaps     []int               // days before last
	drop     int                 // likewise; -1: none
	protects map[string][]Region // by account, instead of its history
	timeout  time.Duration
	verbose  bool
	open     bool // the page
}

// An aimedFault is for one service, or for any.
type aimedFault struct {
	service string
	Fault
}

// due is when the timer of a day comes: at 20:17, as the project's s.yaml has it, or
// now where it is not that late yet, since nobody answers an event of later.
func (o *options) due(ago int) time.Time {
	y, m, d := o.last.Date()
	if at := time.Date(y, m, d-ago, 20, 17, 0, 0, o.last.Location()); at.Before(o.now) {
		return at
	}
	return o.now
}

func (o *options) name(ago int) string { return o.due(ago).Format(dateForm) }

// parse reads the arguments, and refuses what could not be played as asked.
func (c *command) parse(args []string) (options, error) {
	zone, err := zones.Load(cmp.Or(c.getenv("TIME_ZONE"), defaultZone))
	if err != nil {
		zone = time.UTC // the function itself says what is wrong with it
	}
	now := c.now.In(zone)
	o := options{days: 1, now: now, last: now, dir: defaultDir, accounts: 1, drop: -1, timeout: time.Minute, protects: make(map[string][]Region)}
	var gaps []string
	p := parser{flag.NewFlagSet("local", flag.ContinueOnError), make(map[string]bool)}
	p.BoolVar(&o.verbose, "v", false, "")
	p.BoolVar(&o.open, "open", false, "")
	p.number("days", 1, maxDays, 90, &o.days)
	p.number("accounts", 1, maxAccounts, 3, &o.accounts)
	p.number("drop", 0, maxDays, 5, &o.drop)
	p.add("event", "", func(s string) bool { o.event = &s; return true })
	p.add("gap", "", func(s string) bool { gaps = append(gaps, s); return true })
	p.add("dir", "a folder, such as -dir "+defaultDir, func(s string) bool { o.dir = s; return s != "" })
	p.add("date", "a day, today at the latest, such as -date 2026-11-23", func(s string) bool {
		o.last, err = time.ParseInLocation(dateForm, s, zone)
		return err == nil && !o.last.After(now)
	})
	p.add("timeout", "whole seconds up to 24h, such as -timeout 60s", func(s string) bool {
		o.timeout, err = time.ParseDuration(s)
		return err == nil && o.timeout >= time.Second && o.timeout <= 24*time.Hour && o.timeout%time.Second == 0
	})
	p.add("protect", wantedProtection, func(s string) bool {
		id, regions, ok := parseProtection(s)
		o.protects[id] = regions
		return ok
	})
	p.add("fault", wantedFault(), func(s string) bool {
		f, ok := parseFault(s)
		o.faults = append(o.faults, f)
		return ok
	})
	err = p.parse(args)
	for _, check := range []func() error{
		func() error { return o.contradiction(p.given) },
		func() error { return o.leaveOut(gaps) },
		o.folder,
	} {
		if err == nil {
			err = check()
		}
	}
	return o, err
}

// contradiction refuses flags that leave each other without effect.
func (o *options) contradiction(given map[string]bool) error {
	if o.event != nil {
		for _, name := range []string{"days", "date", "gap", "drop"} {
			if given[name] {
				return usagef("-event and -%s are both given: want one of them, since -%s is about the timer's events", name, name)
			}
		}
	}
	if o.drop >= o.days {
		return usagef("-drop is %d: want a day among the %d that are played, such as -days %d -drop %d", o.drop, o.days, o.drop+90, o.drop)
	}
	for id := range o.protects {
		switch n, err := strconv.Atoi(id); {
		case err != nil || n < firstAccount || n >= firstAccount+o.accounts:
			return usagef("-protect is of account %.40q, which is not played: want one from %s to %s, or more of them, such as -accounts 3", id, account(0), account(o.accounts-1))
		case n == firstAccount && o.drop >= 0:
			return usagef("-drop and -protect %s are both given: want one of them, since -drop is about the numbers of that account, which -protect fixes", id)
		}
	}
	return nil
}

// leaveOut finds the days that -gap names among those that are played.
func (o *options) leaveOut(gaps []string) error {
	for _, gap := range gaps {
		found := -1
		for ago := range o.days {
			if gap == strconv.Itoa(ago) || gap == o.name(ago) {
				found = ago
			}
		}
		if found < 0 {
			return usagef("-gap is %q: want a day from %s to %s, which are played, or how many days before the last, such as -days 90 -gap 12",
				gap, o.name(o.days-1), o.name(0))
		}
		o.gaps = append(o.gaps, found)
	}
	slices.Sort(o.gaps)
	o.gaps = slices.Compact(o.gaps)
	if len(o.gaps) == o.days {
		return usagef("-gap leaves no day to play: want more days, such as -days 90 -gap 12")
	}
	return nil
}

// folder makes the bucket's folder, so that one that can't be is noticed now.
func (o *options) folder() (err error) {
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return usagef("-dir: %v", err)
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return usagef("-dir is no folder: %v: want one that can be made, such as -dir %s", err, defaultDir)
	}
	return nil
}

// A parser parses flags whose errors name the flag, what was found and what is
// wanted, with an example.
type parser struct {
	*flag.FlagSet
	given map[string]bool
}

// add defines a flag that take accepts or not.
func (p parser) add(name, want string, take func(string) bool) {
	p.Func(name, "", func(s string) error {
		p.given[name] = true
		if !take(s) {
			return usagef("-%s is %q: want %s", name, s, want)
		}
		return nil
	})
}

// number defines a flag for a number from low to high.
func (p parser) number(name string, low, high, example int, to *int) {
	p.add(name, fmt.Sprintf("a number from %d to %d, such as -%s %d", low, high, name, example), func(s string) bool {
		n, err := strconv.Atoi(s)
		*to = n
		return err == nil && n >= low && n <= high
	})
}

func (p parser) parse(args []string) error {
	p.SetOutput(io.Discard)
	err := p.Parse(args)
	switch {
	case err == nil && p.NArg() > 0:
		return usagef("%q is no flag: want flags alone, such as -days 90; -h lists them", p.Arg(0))
	case err == nil || errors.Is(err, flag.ErrHelp):
		return err
	}
	// The flag package gives the text of an error, not the error.
	text := err.Error()
	if _, ours, ok := strings.Cut(text, ": "+usageError("").Error()); ok {
		return usageError(ours)
	}
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: "); ok {
		return usagef("%s is no flag: want such as -days 90; -h lists them", name)
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: "); ok {
		return usagef("%s has no value: want such as -days 90; -h shows examples", name)
	}
	return usagef("%s: want such as -days 90; -h shows examples", text)
}

const wantedProtection = "ACCOUNT=REGION:BYTES:INSTANCES,… or ACCOUNT=, such as -protect 1234567890123456=cn-hangzhou:42949672960:5"

// parseProtection reads ACCOUNT=REGION:BYTES:INSTANCES,… or ACCOUNT= for no region.
func parseProtection(s string) (id string, regions []Region, ok bool) {
	id, list, ok := strings.Cut(s, "=")
	if id == "" || !ok || list == "" {
		return id, nil, id != "" && ok
	}
	for part := range strings.SplitSeq(list, ",") {
		fields := strings.Split(part, ":")
		if len(fields) != 3 || fields[0] == "" {
			return id, nil, false
		}
		size, badSize := strconv.ParseUint(fields[1], 10, 63)
		count, badCount := strconv.ParseUint(fields[2], 10, 63)
		if badSize != nil || badCount != nil {
			return id, nil, false
		}
		regions = append(regions, Region{ID: fields[0], Bytes: int64(size), Count: int64(count)})
	}
	return id, regions, true
}

// parseFault reads KIND[@WHERE][xTIMES].
func parseFault(s string) (f aimedFault, ok bool) {
	f.Times = 1
	if i := strings.LastIndexByte(s, 'x'); i > 0 {
		if n, err := strconv.Atoi(s[i+1:]); err == nil {
			s, f.Times = s[:i], n
		}
	}
	f.Kind, f.On, _ = strings.Cut(s, "@")
	kinds := FaultKinds()
	if slices.Contains(services(), f.On) {
		kinds = (&Faults{Service: protocolOf(f.On)}).Kinds()
		f.service, f.On = f.On, ""
	}
	return f, slices.Contains(kinds, f.Kind) && f.Times > 0
}

func wantedFault() string {
	return fmt.Sprintf("KIND[@WHERE][xTIMES], such as -fault %s@%sx2, with a KIND that the service has; -h lists them", FaultKinds()[0], ServiceBackup)
}

func services() []string {
	return []string{ServiceBackup, ServiceOSS, ServiceSTS, ServiceDirectory}
}
