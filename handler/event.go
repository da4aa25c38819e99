package handler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"backup-statistics/report"
)

// What an invocation can be asked for.
const (
	ActionSnapshot  = "snapshot"
	ActionCheck     = "check"
	ActionRebuild   = "rebuild"
	ActionPreflight = "preflight"
)

var actions = []string{ActionSnapshot, ActionCheck, ActionRebuild, ActionPreflight}

// A Request is what a timer, or a person, asks for.
type Request struct {
	Action      string
	SourceTypes []string // empty: those of the configuration
	Accounts    []string // empty: all
	DryRun      bool
	Overwrite   bool
	From, To    *report.Date // of a rebuild; nil: from the first day, to the last
	Webhook     bool         // of a preflight: send a message

	Trigger     string    // report.Timer or report.Manual
	ScheduledAt time.Time // when a timer was due; zero in a manual run
	At          time.Time // the instant whose day this run is for
	Warnings    []string
}

// ParseEvent reads an event: a timer's, whose payload is a request; a request
// itself; or nothing in particular, which asks for a snapshot now. Its error is
// an [*EventError]. Whatever a console sends by default must be worth a run, and
// a misspelt request must not.
func ParseEvent(data []byte, now time.Time) (Request, error) {
	r := Request{Action: ActionSnapshot, Trigger: report.Manual, At: now}
	if err := r.parse(data); err != nil {
		return Request{}, &EventError{err}
	}
	return r, nil
}

func (r *Request) parse(data []byte) error {
	object, err := r.open(data)
	if object == nil || err != nil {
		return err
	}
	_, due := object["triggerTime"]
	_, named := object["triggerName"]
	if !due && !named {
		return r.fill(object)
	}
	return r.timer(object)
}

// open gives the object an event holds, or nil where it asks for all defaults.
func (r *Request) open(data []byte) (map[string]json.RawMessage, error) {
	text := bytes.TrimSpace(data)
	switch {
	case len(text) == 0 || string(text) == "null":
		return nil, nil
	case text[0] == '[':
		return nil, fmt.Errorf("a list, %.40s: want an object, such as {\"action\":\"snapshot\"}; {} takes all defaults", text)
	case text[0] != '{':
		r.Warnings = append(r.Warnings, fmt.Sprintf("the event is plain text, %q: taken as {}, all defaults", cut(string(text), 60)))
		return nil, nil
	}
	object, err := report.ParseObject(text)
	if err != nil {
		return nil, fmt.Errorf("%w: want a JSON object, such as {\"action\":\"snapshot\"}; {} takes all defaults", err)
	}
	return object, nil
}

// timer reads the envelope of a timer trigger. Fields it does not know are
// Function Compute's to add; those of the payload are not.
func (r *Request) timer(event map[string]json.RawMessage) error {
	due := event["triggerTime"]
	var text string
	if len(due) > 0 && json.Unmarshal(due, &text) != nil {
		return fmt.Errorf("triggerTime is %.40s: want a time, such as \"2026-11-23T12:17:00Z\"", due)
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return fmt.Errorf("triggerTime is %q: want a time, such as \"2026-11-23T12:17:00Z\"", cut(text, 40))
	}
	r.Trigger, r.ScheduledAt, r.At = report.Timer, at.UTC(), at
	payload := []byte(event["payload"])
	if text = ""; json.Unmarshal(payload, &text) == nil {
		payload = []byte(text)
	}
	request, err := r.open(payload)
	if err == nil && request != nil {
		err = r.fill(request)
	}
	if err != nil {
		return fmt.Errorf("payload of the timer trigger: %w", err)
	}
	return nil
}

// fields are the fields of a request and how each is read.
var fields = map[string]func(r *Request, value json.RawMessage) error{
	"action":       func(r *Request, v json.RawMessage) error { return r.action(v) },
	"source_types": func(r *Request, v json.RawMessage) error { return words(v, &r.SourceTypes, report.CheckSourceType) },
	"accounts":     func(r *Request, v json.RawMessage) error { return words(v, &r.Accounts, report.CheckAccount) },
	"dry_run":      func(r *Request, v json.RawMessage) error { return boolean(v, &r.DryRun) },
	"overwrite":    func(r *Request, v json.RawMessage) error { return boolean(v, &r.Overwrite) },
	"from":         func(r *Request, v json.RawMessage) error { return date(v, &r.From) },
	"webhook":      func(r *Request, v json.RawMessage) error { return boolean(v, &r.Webhook) },
	"to":           func(r *Request, v json.RawMessage) error { return date(v, &r.To) },
}

func (r *Request) fill(object map[string]json.RawMessage) error {
	names := slices.Sorted(maps.Keys(fields))
	for _, name := range slices.Sorted(maps.Keys(object)) { // the same complaint each time
		read, known := fields[name]
		if !known {
			return fmt.Errorf("%q is no field of a request: want %s; {} takes all defaults", cut(name, 40), either(names))
		}
		if err := read(r, object[name]); err != nil {
			return fmt.Errorf("%s is %w; {} takes all defaults", name, err)
		}
	}
	return r.fits()
}

// fits refuses what an action would silently leave undone.
func (r *Request) fits() error {
	rebuild := r.Action == ActionRebuild
	switch {
	case !rebuild && (r.From != nil || r.To != nil):
		return fmt.Errorf("from and to are for action rebuild, and the action is %s: a past day can't be collected", r.Action)
	case r.Action != ActionPreflight && r.Webhook:
		return fmt.Errorf("webhook is for action preflight, and the action is %s", r.Action)
	case r.Action != ActionSnapshot && (r.DryRun || r.Overwrite || len(r.SourceTypes) > 0 || len(r.Accounts) > 0):
		return fmt.Errorf("source_types, accounts, dry_run and overwrite are for action snapshot, and the action is %s", r.Action)
	case r.From != nil && r.To != nil && *r.From > *r.To:
		return fmt.Errorf("from is %v, after to, %v: want the earlier day first", *r.From, *r.To)
	}
	return nil
}

func (r *Request) action(value json.RawMessage) error {
	action := ActionSnapshot
	if json.Unmarshal(value, &action) != nil || !slices.Contains(actions, action) {
		return fmt.Errorf("%.40s: want %s", value, either(actions))
	}
	r.Action = action
	return nil
}

func words(value json.RawMessage, to *[]string, check func(string) error) error {
	if json.Unmarshal(value, to) != nil {
		return fmt.Errorf("%.40s: want a list of strings, such as [\"…\"]", value)
	}
	for _, s := range *to {
		if err := check(s); err != nil {
			return fmt.Errorf("%.80s: %w", value, err)
		}
	}
	slices.Sort(*to)
	*to = slices.Compact(*to)
	return nil
}

func date(value json.RawMessage, to **report.Date) error {
	var text string
	if json.Unmarshal(value, &text) != nil {
		return fmt.Errorf("%.40s: want a date, such as \"2026-11-23\"", value)
	}
	d, err := report.ParseDate(text)
	if err != nil {
		return fmt.Errorf("%.40s: want a date, such as \"2026-11-23\"", value)
	}
	*to = &d
	return nil
}

func boolean(value json.RawMessage, to *bool) error {
	if json.Unmarshal(value, to) != nil {
		return fmt.Errorf("%.40s: want true or false", value)
	}
	return nil
}

// either lists words as a sentence does: a, b or c.
func either(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// cut shortens a text to at most n bytes, between characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
