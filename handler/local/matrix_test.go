package local_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"backup-statistics/handler/local"
)

// The matrix: every request of a run meets every fault, once, twice and for ever,
// and a good run follows. What is wanted follows from a few tables here, which
// are written after the contract.

// A verdict is what becomes of a request that meets a fault.
type verdict byte

const (
	again    verdict = 'a' // it is made again: the run fails only where the fault lasts
	refused  verdict = 'r' // the run fails at once, since the same request would be refused again
	harmless verdict = 'h' // the run succeeds, even where the fault lasts
	foreign  verdict = '.' // there is no such fault
)

// What a request does.
type deed int

const (
	asks     deed = iota // Cloud Backup for an account's statistics
	calls                // STS for a role, or the directory for the members
	reads                // a document
	misses               // a document that is not there
	lists                // documents
	creates              // a snapshot, which is never replaced
	replaces             // a derived document
	tells                // people, through the webhook
)

var deeds = []string{"asks", "calls", "reads", "misses", "lists", "creates", "replaces", "tells"}

func (d deed) String() string { return deeds[d] }

// A trouble is a fault and the verdicts over what meets it, in the order of the
// deeds.
type trouble struct {
	fault    local.Fault
	verdicts string
}

const (
	shortly      = "1"    // a Retry-After that every run has time for
	pastDeadline = "3600" // and one that none has
)

// What a webhook was sent whole it has perhaps taken, and it is not sent again: as if
// it had refused.
var troubles = []trouble{
	{local.Fault{Kind: "throttle-400"}, "a a a a a a a r"}, // a webhook refuses with 400
	{local.Fault{Kind: "throttle-400", RetryAfter: shortly}, "a a a a a a a r"},
	{local.Fault{Kind: "throttle-429"}, "a a a a a a a a"},
	{local.Fault{Kind: "throttle-429", RetryAfter: shortly}, "a a a a a a a a"},
	{local.Fault{Kind: "throttle-429", RetryAfter: pastDeadline}, "r r r r r r r r"},
	{local.Fault{Kind: "throttle-503"}, "a a a a a a a a"},
	{local.Fault{Kind: "throttle-503", RetryAfter: shortly}, "a a a a a a a a"},
	{local.Fault{Kind: "error-500"}, "a a a a a a a a"},
	{local.Fault{Kind: "html-502"}, "a a a a a a a a"},
	{local.Fault{Kind: "empty-503"}, "a a a a a a a a"},
	{local.Fault{Kind: "empty-504"}, "a a a a a a a r"}, // said by a gateway that has handed it on
	{local.Fault{Kind: "other-5xx"}, "a a a a a a a a"},
	{local.Fault{Kind: "empty-408"}, "a a a a a a a a"},
	{local.Fault{Kind: "stranger-200"}, "a a a a a a a h"}, // a receiver of JSON says all in its status
	{local.Fault{Kind: "stranger-404"}, "a a a a a a a r"},
	{local.Fault{Kind: "no-http"}, "a a a a a a a r"},
	{local.Fault{Kind: "cut-error"}, "a a a a a a a r"},
	{local.Fault{Kind: "reset-before"}, "a a a a a a a r"},
	{local.Fault{Kind: "reset-after"}, "a a a a a a a r"},
	{local.Fault{Kind: "lost-reply"}, "a a a a a a a r"},
	{local.Fault{Kind: "hang-header"}, "a a a a a a a r"},
	{local.Fault{Kind: "hang-body"}, "a a a a a h h r"}, // the answer to a write says all in its header
	{local.Fault{Kind: "slow-drip", Pause: time.Second}, "a a a a a h h h"},
	{local.Fault{Kind: "truncated"}, "a a a a a h h r"},
	{local.Fault{Kind: "malformed"}, "a a a a a h h h"}, // a 404 without its code is anybody's
	{local.Fault{Kind: "wrong-length"}, "a a a a a h h h"},
	{local.Fault{Kind: "success-false"}, "a a . . . . . ."}, // which the others do not know: it lacks what they answer
	{local.Fault{Kind: "bad-crc"}, ". . a h h h a ."},       // what was created is looked at, and is the same
	{local.Fault{Kind: "no-crc"}, ". . h h h h h ."},
	{local.Fault{Kind: "expired-token"}, "r r r r r r r r"},
	{local.Fault{Kind: "clock-skew"}, "r r r r r r r r"},
	{local.Fault{Kind: "redirect-307"}, "a a a a a a a r"}, // none is followed; it is nobody's word
	{local.Fault{Kind: "close-idle"}, "h h h h h h h h"},
}

// barriers are the faults of connections, which keep a service from being asked
// at all. A certificate does not get better; what a webhook says is never final,
// since it costs no run.
var barriers = []trouble{
	{local.Fault{Kind: "connection-reset"}, "a a a a a a a a"},
	{local.Fault{Kind: "handshake-closed"}, "a a a a a a a a"},
	{local.Fault{Kind: "handshake-hangs"}, "a a a a a a a a"},
	{local.Fault{Kind: "certificate-untrusted"}, "r r r r r r r a"},
	{local.Fault{Kind: "certificate-of-another"}, "r r r r r r r a"},
	{local.Fault{Kind: "certificate-expired"}, "r r r r r r r a"},
	// No name server can be told to fail once, so this one lasts always.
	{local.Fault{Kind: "no-such-name"}, "a a a a a a a a"},
}

func (tr trouble) verdict(d deed) verdict { return verdict(tr.verdicts[2*d]) }

func (tr trouble) String() string {
	switch tr.fault.RetryAfter {
	case "":
		return tr.fault.Kind
	case pastDeadline:
		return tr.fault.Kind + ", Retry-After past the deadline"
	}
	return tr.fault.Kind + ", Retry-After"
}

// always stands for a fault that lasts.
const always = -1

// A combination is one cell of the matrix.
type combination struct {
	setting  *setting
	position position
	trouble  trouble
	times    int
}

func (c combination) String() string {
	times := map[int]string{1: "once", 2: "twice", always: "for ever"}[c.times]
	return fmt.Sprintf("%s: %s %s: %s %s", c.setting.name, c.position.service, c.position.name, c.trouble, times)
}

func (c combination) verdict() verdict { return c.trouble.verdict(c.position.deed) }

// waits tells whether a request waits in vain until it is given up.
func (c combination) waits() bool {
	return c.verdict() == again && slices.Contains([]string{"hang-header", "hang-body", "slow-drip", "handshake-hangs"}, c.trouble.fault.Kind)
}

// timeout is what the function has: as it is deployed, but less where it would
// only wait.
func (c combination) timeout() time.Duration {
	switch {
	case c.waits() && c.times == always:
		return 24 * time.Second // with 5 s for the record, however busy the machine is
	case c.waits():
		return 30 * time.Second
	}
	return time.Minute
}

// sooner orders combinations by how long they take, the longest first.
func sooner(a, b combination) int {
	weight := func(c combination) (w int) {
		for i, long := range []bool{
			c.times == 2, c.verdict() == again, c.waits(), c.times == always && c.verdict() == again,
			c.times == always && strings.HasPrefix(c.trouble.fault.Kind, "throttle-429"),
		} {
			if long {
				w += 1 << i
			}
		}
		return w
	}
	return weight(b) - weight(a)
}

// The outcomes of a run, besides the types of errors.
const (
	success = "success"
	warning = "success with a warning"
)

func succeeded(outcome string) bool { return strings.HasPrefix(outcome, success) }

// outcomes are those that the contract allows.
func (c combination) outcomes() []string {
	p, v := c.position, c.verdict()
	switch {
	case v == harmless, v == again && c.times != always:
		return []string{success}
	case p.deed == tells:
		return []string{warning}
	case p.connection && p.service == local.ServiceOSS: // whichever request it was for
		outcomes := []string{"StoreError", "AccountsError"}
		if c.times != always { // or for none: net/http serves one by what is free sooner, and forgets what it dialled for it
			outcomes = append(outcomes, success)
		}
		return outcomes
	case p.service == local.ServiceOSS && (p.account == "" || !c.setting.fleet):
		return []string{"StoreError"}
	case c.setting.fleet:
		return []string{"AccountsError"}
	}
	return []string{"SourceError"}
}

// mostTries is how often a request is made at most; net/http makes a GET again on
// its own while connections that it kept turn out to be dead.
const (
	mostTries   = 6
	mostReplays = 2 * mostTries
)

// spoiled is how often the fault is met, at least and at most.
func (c combination) spoiled() (least, most int) {
	v := c.verdict()
	switch {
	case c.position.connection:
		return 1, 100
	case c.position.deed == reads && c.position.account != "" && c.times != 1: // once more for the tables
		return 1, 2 * (mostTries + mostReplays)
	case v == refused, v == harmless && c.times == 1:
		return 1, 1
	case c.times == always:
		return 1, mostTries + mostReplays
	case v == again:
		return c.times, c.times
	}
	return 1, c.times
}

// A finding is what became of a combination.
type finding struct {
	combination
	outcome  string
	says     string // the answer
	captured int    // snapshots that the run left
	record   string // the status of the day's record that it left; none
	next     string // the status that the next good run answered
	spoiled  int
	requests int // of the run, to all services
	took     time.Duration
}

// check holds a finding against the contract: how the run ends, and that only the
// snapshot is missing that could not be taken.
func (f finding) check(t *testing.T, undisturbed int) {
	if want := f.outcomes(); !slices.Contains(want, f.outcome) {
		t.Errorf("%s: %s, %s; want %s", f, f.outcome, f.says, strings.Join(want, " or "))
	}
	least, most := f.combination.spoiled()
	if f.spoiled < least || f.spoiled > most {
		t.Errorf("%s: met %d times, want %d to %d", f, f.spoiled, least, most)
	}
	if most += undisturbed + 2*mostTries; f.requests > most {
		t.Errorf("%s: %d requests, want at most %d", f, f.requests, most)
	}
	snapshots, records := f.leaves()
	if f.captured < snapshots {
		t.Errorf("%s: %d snapshots, want %d", f, f.captured, snapshots)
	}
	if !slices.Contains(records, f.record) {
		t.Errorf("%s: the day's record is %s, want %s", f, f.record, strings.Join(records, " or "))
	}
}

// leaves says what is in the bucket after the disturbed run: how many snapshots
// at least, and what the day's record may say.
func (f finding) leaves() (snapshots int, records []string) {
	all, p := f.setting.snapshots(), f.position
	switch {
	case f.setting.repeats: // nothing is worse than it was
		return all, []string{"complete"}
	case succeeded(f.outcome):
		return all, []string{"complete"}
	case p.service == local.ServiceOSS && p.connection:
		return 0, []string{"none", "missing", "partial", "complete"}
	case p.service == local.ServiceDirectory: // who is to be collected, besides the own account
		return 1, []string{"partial"}
	case p.connection && p.deed == asks:
		return 0, []string{"partial", "missing"}
	case p.deed == creates && f.setting.fleet: // the record is written where there is time left
		return all - 1, []string{"partial", "none"}
	case p.deed == creates:
		return 0, []string{"missing", "none"}
	case p.account != "" && f.setting.fleet:
		return all - 1, []string{"partial"}
	case p.account != "":
		return 0, []string{"missing"}
	}
	return all, []string{"none", "complete"}
}

// testMatrix plays the matrix: all of it where MATRIX names a file, into which it
// writes what it found. Otherwise every request of a fleet's run meets every
// fault, in turn once, twice and for ever, and in the other settings those requests
// do that may end otherwise there.
func testMatrix(t *testing.T, b binary) {
	for _, kind := range local.FaultKinds() {
		if !slices.ContainsFunc(troubles, func(tr trouble) bool { return tr.fault.Kind == kind }) {
			t.Errorf("fault %s is not in the matrix", kind)
		}
	}
	var mu sync.Mutex
	var findings []finding
	omitted := 0
	began := time.Now()
	tests := make(map[string]func(*testing.T))
	for i := range settings {
		tests[settings[i].name] = func(t *testing.T) {
			found, left := playSetting(t, b, &settings[i])
			mu.Lock()
			defer mu.Unlock()
			findings, omitted = append(findings, found...), omitted+left
		}
	}
	together(t, tests)
	text := fmt.Sprintf("%d combinations in %v, %d left out\n%s", len(findings), time.Since(began).Round(time.Second), omitted, summary(findings))
	if name := os.Getenv("MATRIX"); name != "" {
		must(t, os.WriteFile(name, []byte(text), 0o644))
	}
	t.Log(text)
	checkTable(t, findings, omitted == 0)
}

// playSetting plays the combinations of a setting, and counts those that it leaves
// out.
func playSetting(t *testing.T, b binary, at *setting) (findings []finding, omitted int) {
	all := combinations(at, startTrial(t, b, at).positions())
	selected := all
	if os.Getenv("MATRIX") == "" {
		selected = slices.DeleteFunc(slices.Clone(all), combination.omitted)
	}
	slices.SortStableFunc(selected, sooner)
	var mu sync.Mutex
	next := func() (c combination, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		if len(selected) == 0 {
			return c, false
		}
		c, selected = selected[0], selected[1:]
		return c, true
	}
	omitted = len(all) - len(selected)
	tests := make(map[string]func(*testing.T))
	trials := at.trials
	if racing() { // they are ten times as slow, and less is selected
		trials = 1 + trials/5
	}
	for i := range trials {
		tests[fmt.Sprintf("process %d", i+1)] = func(t *testing.T) {
			r := startTrial(t, b, at)
			for c, ok := next(); ok; c, ok = next() {
				f := r.disturb(c)
				f.check(t, len(r.requests))
				mu.Lock()
				findings = append(findings, f)
				mu.Unlock()
			}
		}
	}
	together(t, tests)
	return findings, omitted
}

// combinations are all cells of the matrix of a setting.
func combinations(at *setting, positions []position) (all []combination) {
	for i, p := range positions {
		p.index = i
		faults := troubles
		if p.connection {
			faults = barriers
		}
		for _, tr := range faults {
			for _, times := range []int{1, 2, always} {
				if tr.verdict(p.deed) != foreign && (times == always || tr.fault.Kind != "no-such-name") {
					all = append(all, combination{at, p, tr, times})
				}
			}
		}
	}
	return all
}

// omitted tells whether a short test leaves the combination out.
func (c combination) omitted() bool {
	index := slices.IndexFunc(troubles, func(tr trouble) bool { return tr.fault == c.trouble.fault })
	turn := (c.position.index + index) % 3
	switch {
	case c.position.connection:
		return c.times != always
	case racing() && (c.position.index+index/3)%4 != 0:
		return true
	case c.setting != &settings[0] && c.position.account == "":
		return true
	}
	return c.times != []int{1, 2, always}[turn]
}
