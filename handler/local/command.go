//go:build !function

package local

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	firstAccount = 1234567890123456 // the function's own; the members follow
	lastLines    = 12               // of the log, shown when the process was lost
)

// passedOn are the variables of the user's shell that the function gets too.
// All others would lead out of what is played here.
var passedOn = []string{
	"TIME_ZONE", "SOURCE_TYPES", "LOG_LEVEL", "FREE_QUOTA_BYTES",
	"ALERT_RULES", "WEBHOOK_URL", "WEBHOOK_SECRET", "WEBHOOK_KIND", "PAGE_URL", "HEARTBEAT_URL", "REPORT_LANGUAGE", "OSS_PREFIX",
}

// Main is the command "local"; args are what follows its name. It plays the
// services and Function Compute, starts this program as the function, sends it
// events, and shows what it answered and what is in the bucket then.
//
// An error with a method Usage that returns true is one of the arguments. What
// the function answered as an error is shown, and is an error of the command.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	path, err := os.Executable()
	if err != nil {
		return fmt.Errorf("local: find this program: %w", err)
	}
	c := &command{path: path, getenv: os.Getenv, now: time.Now(), opener: opener(runtime.GOOS), stdout: stdout, stderr: stderr}
	return c.run(ctx, args)
}

// A command is one call of Main with all that it depends on.
type command struct {
	path           string        // the executable that is the function
	env            []string      // further variables for it
	pause          time.Duration // before it is invoked again; 0: that of Runtime
	opener         []string      // of addresses
	getenv         func(string) string
	now            time.Time
	stdout, stderr io.Writer
}

func (c *command) run(ctx context.Context, args []string) error {
	o, err := c.parse(args)
	if errors.Is(err, flag.ErrHelp) {
		_, err := io.WriteString(c.stdout, help())
		return err
	}
	if err != nil {
		return err
	}
	s := &session{options: o, screen: newScreen(c), getenv: c.getenv, opener: c.opener, ended: make(map[string]int), idle: make(map[string]int)}
	s.bar = s.bar && !o.verbose // the log would run into it
	s.cloud, err = s.start(c)
	if err != nil {
		return fmt.Errorf("local: %w", err)
	}
	defer s.cloud.Close()
	s.print("%s", s.intention())
	err = s.play(ctx)
	s.endProgress()
	s.cloud.Close() // the log is whole now
	if ctx.Err() != nil {
		return fmt.Errorf("local: interrupted; what was written is in %s", o.dir)
	}
	if err != nil {
		return fmt.Errorf("local: %w", err)
	}
	return s.report()
}

// A session is one run of the command.
type session struct {
	options
	*screen
	getenv func(string) string
	opener []string
	cloud  *Cloud
	lines  []string // the last ones of the function's log

	attempts []Outcome      // of the last event
	ended    map[string]int // how the events ended, by the status of the answer
	retried  int            // events that took more than one attempt
	failed   []string       // events whose last attempt failed, by name
	failure  Outcome        // of the first of them
	idle     map[string]int // days on which a flag changed nothing, by the flag
	took     time.Duration
}

// start starts the services, with a process that is started by the first event.
func (s *session) start(c *command) (*Cloud, error) {
	config := Config{
		Dir: s.dir, Path: c.path, Line: s.line,
		Function: Function{Timeout: s.timeout, AccountID: account(0)},
		Env:      slices.Clone(c.env),
	}
	for i := 1; i < s.accounts; i++ {
		config.Members = append(config.Members, account(i))
	}
	for _, name := range passedOn {
		if value := s.getenv(name); value != "" {
			config.Env = append(config.Env, name+"="+value)
		}
	}
	cloud, err := Start(config)
	if err != nil {
		return nil, err
	}
	cloud.Runtime.Pause = c.pause
	for _, f := range s.faults {
		for service, faults := range cloud.Faults {
			if f.service == "" || f.service == service {
				faults.Add(f.Fault)
			}
		}
	}
	return cloud, nil
}

func account(i int) string { return strconv.Itoa(firstAccount + i) }

// line keeps a line that the function printed, and shows it if that is wanted.
func (s *session) line(line string) {
	if s.verbose {
		fmt.Fprintln(s.err, line)
	}
	s.lines = append(s.lines, line)
	s.lines = s.lines[max(0, len(s.lines)-lastLines):]
}

// intention says in one line what is going to happen.
func (s *session) intention() string {
	what := "One timer event for " + s.name(0)
	switch {
	case s.event != nil:
		what = "One event, sent as the console sends it"
	case s.days > 1:
		what = fmt.Sprintf("%d timer events, %s to %s", s.days-len(s.gaps), s.name(s.days-1), s.name(0))
	}
	if s.accounts > 1 {
		what += fmt.Sprintf(", %d accounts", s.accounts)
	}
	return what + "; the cloud is played on this machine"
}

// play sends the events: the one that was given, or the timer's of each day,
// the oldest first.
func (s *session) play(ctx context.Context) (err error) {
	began := time.Now()
	defer func() { s.took = time.Since(began) }()
	if s.event != nil {
		s.protect(0)
		out, err := s.cloud.Runtime.Invoke(ctx, Invocation{Event: []byte(*s.event)})
		s.count("the event", []Outcome{out})
		s.noteIdle(0)
		return err
	}
	for ago := s.days - 1; ago >= 0; ago-- {
		s.drawProgress(s.name(ago), s.days-1-ago, s.days)
		if slices.Contains(s.gaps, ago) {
			s.noteGap(ago)
			continue
		}
		s.protect(ago)
		event, err := json.Marshal(map[string]string{
			"triggerTime": s.due(ago).UTC().Format(time.RFC3339), "triggerName": "daily", "payload": "",
		})
		if err != nil {
			return err
		}
		outcomes, err := s.cloud.Runtime.InvokeAsync(ctx, Invocation{Event: event})
		if err != nil {
			return err
		}
		s.count(s.name(ago), outcomes)
		s.noteIdle(ago)
	}
	return nil
}

// noteIdle takes down which flags changed nothing on a day: those that are about an
// account's numbers, where a run that succeeded did not take them.
func (s *session) noteIdle(ago int) {
	last := s.attempts[len(s.attempts)-1]
	var answer struct {
		Status   string
		Accounts []struct {
			Account string `json:"account_id"`
			Status  string
		}
	}
	if last.Failed || json.Unmarshal(last.Body, &answer) != nil {
		return
	}
	took := func(id string) bool {
		for _, account := range answer.Accounts {
			if account.Account == id {
				return account.Status != "exists"
			}
		}
		return answer.Accounts == nil && answer.Status == "written"
	}
	if s.drop >= ago && !took(account(0)) {
		s.idle["-drop"]++
	}
	for id := range s.protects {
		if !took(id) {
			s.idle["-protect "+id]++
		}
	}
}

// noteGap takes down that a day is there although it is left out.
func (s *session) noteGap(ago int) {
	prefix := strings.Trim(cmp.Or(s.getenv("OSS_PREFIX"), defaultPrefix), "/")
	if there, err := os.ReadDir(filepath.Join(s.dir, prefix, "snapshots", "dt="+s.name(ago))); err == nil && len(there) > 0 {
		s.idle["-gap"]++
	}
}

// protect makes Cloud Backup answer what the accounts protect on a day.
func (s *session) protect(ago int) {
	y, m, d := s.due(ago).Date()
	day := int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
	for i := range s.accounts {
		regions := History(account(i), day)
		if i == 0 && s.drop >= 0 {
			regions = Dropped(account(i), day, day+ago-s.drop)
		}
		if given, ok := s.protects[account(i)]; ok {
			regions = given
		}
		for sourceType := range strings.SplitSeq(cmp.Or(s.getenv("SOURCE_TYPES"), "ECS_FILE"), ",") {
			s.cloud.Backup.Set(account(i), strings.TrimSpace(sourceType), regions...)
		}
	}
}

// count takes down how an event ended.
func (s *session) count(name string, attempts []Outcome) {
	s.attempts = attempts
	if len(attempts) > 1 {
		s.retried++
	}
	last := attempts[len(attempts)-1]
	if last.Failed {
		if s.failed == nil {
			s.failure = last
		}
		s.failed = append(s.failed, name)
		return
	}
	var answer struct{ Status string }
	if err := json.Unmarshal(last.Body, &answer); err != nil || answer.Status == "" {
		answer.Status = "answered"
	}
	s.ended[answer.Status]++
}

// report shows how it ended and what is in the bucket.
func (s *session) report() error {
	if s.days > 1 {
		s.print("%s", s.summary())
	}
	if len(s.faults) > 0 {
		s.print("%s", s.spoiled())
	}
	s.showIdle()
	last := s.attempts[len(s.attempts)-1]
	if s.days == 1 {
		for i, out := range s.attempts[:len(s.attempts)-1] {
			if !out.same(last) {
				s.showError(fmt.Sprintf("Attempt %d", i+1), out)
			}
		}
	}
	if s.failed != nil && !s.failure.same(last) {
		s.showError("First error, "+s.failed[0], s.failure)
	}
	if last.Failed {
		s.showError("Error", last)
	} else {
		s.showAnswer("Answer", last.Body)
	}
	if last.TimedOut || last.Exited {
		s.showLines("Last lines of the log", s.lines)
	}
	if err := s.showBucket("Bucket", s.dir); err != nil {
		return fmt.Errorf("local: show the bucket: %w", err)
	}
	if err := s.showPage(); err != nil {
		return err
	}
	switch n := len(s.failed); n {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("local: the function answered an error for %s", s.failed[0])
	default:
		return fmt.Errorf("local: the function answered an error for %d of %d days, the first %s", n, s.days-len(s.gaps), s.failed[0])
	}
}

// same tells whether two attempts failed alike, so that one of them says it all.
func (o Outcome) same(as Outcome) bool {
	return o.Failed && as.Failed && o.ErrorType == as.ErrorType && o.ErrorMessage == as.ErrorMessage
}

// showIdle says which flags changed nothing, and why.
func (s *session) showIdle() {
	for _, flag := range slices.Sorted(maps.Keys(s.idle)) {
		text := fmt.Sprintf("%s changed nothing on %s: the snapshots are there already, and stay; want an empty folder, such as -dir .local/other",
			flag, plural(s.idle[flag], "day"))
		if s.event != nil {
			text = flag + " changed nothing: this event takes no numbers of that account, or has them already"
		}
		s.print("%s", wrap("note: "+text, width))
	}
}

// summary is one line on many days.
func (s *session) summary() string {
	counts := map[string]int{"failed": len(s.failed), "left out": len(s.gaps), "retried": s.retried}
	words := []string{"written", "exists", "failed"}
	for _, word := range []string{"replaced", "dry_run", "answered", "left out", "retried"} {
		if s.ended[word]+counts[word] > 0 {
			words = append(words, word)
		}
	}
	for i, word := range words {
		words[i] = fmt.Sprintf("%d %s", s.ended[word]+counts[word], word)
	}
	return fmt.Sprintf("%d days: %s; %.1f s", s.days, strings.Join(words, ", "), s.took.Seconds())
}

// spoiled tells what came of -fault, since a fault that meets no request, or
// that the function gets over, leaves no other trace.
func (s *session) spoiled() string {
	n := 0
	for _, faults := range s.cloud.Faults {
		n += faults.Spoiled()
	}
	if n == 0 {
		return "no request was spoiled: -fault named none that was made"
	}
	return plural(n, "request") + " spoiled"
}
