package handler

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"backup-statistics/report"
)

// What an invocation can be asked for.
const (
	ActionSnapshot  = "snapshot"
	ActionCheck     = "check"
	ActionRebuild   = "rebuild"
	ActionPreflight = "preflight"
	ActionVerify    = "verify"
)

var actions = []string{ActionSnapshot, ActionCheck, ActionRebuild, ActionPreflight, ActionVerify}

// A Request is what a timer, or a person, asks for.
type Request struct {
	Action      string
	SourceTypes []string // empty: those of the configuration
	Accounts    []string // empty: all
	DryRun      bool
	Overwrite   bool
	From, To    *report.Date // of a rebuild or a verify; nil: from the first day, to the last
	Chain       string       // of a verify: that of its last day, as somebody noted it
	Webhook     bool         // of a preflight: send a message
	Heartbeat   bool         // of a preflight: send a heartbeat

	Trigger     string    // report.Timer or report.Manual
	ScheduledAt time.Time // when a timer was due; zero in a manual run
	At          time.Time // the instant whose day this run is for
	Warnings    []string
}

// Bounds of an event. What Cloud Backup says is true now and at no other time, so
// the only time ahead that is believed is a difference between two clocks; how far
// back, the deployment says, but never beyond the history.
const (
	mostEventBytes = 256 << 10
	mostAhead      = 5 * time.Minute
)

// ParseEvent reads an event: a timer's, whose payload is a request; a request
// itself; or nothing in particular, which asks for a snapshot now. Its error is
// an [*EventError]. Whatever a console sends by default must be worth a run, and
// an order that was garbled must not be replaced by another.
func ParseEvent(data []byte, now time.Time) (Request, error) {
	r := Request{Action: ActionSnapshot, Trigger: report.Manual, At: now}
	if err := r.parse(data); err != nil {
		return Request{}, &EventError{err}
	}
	return r, nil
}

// admit refuses a request that this deployment must not follow now: one for a day
// that is not there yet or is over, and one for more than the deployment collects.
// A request only narrows.
func (r Request) admit(c *Config, now time.Time) error {
	times := fmt.Sprintf("triggerTime is %s, and the clock says %s", r.At.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	switch {
	case r.At.After(now.Add(mostAhead)):
		return fmt.Errorf("%s: want it at most %v ahead: what Cloud Backup says is true now and at no other time", times, mostAhead)
	case report.DateOf(r.At, c.Zone) < firstDate(now, c.Zone):
		return fmt.Errorf("%s: want it within the last ten years", times)
	case r.At.Before(now.Add(-c.MaxEventAge)):
		return fmt.Errorf("%s: want it at most %v ago, which MAX_EVENT_AGE allows: a past day can't be collected", times, c.MaxEventAge)
	}
	for _, s := range r.SourceTypes {
		if !slices.Contains(c.SourceTypes, s) {
			return fmt.Errorf("source_types names %s, and this deployment collects %s: want some of these; more are for SOURCE_TYPES to name", s, strings.Join(c.SourceTypes, ", "))
		}
	}
	return nil
}

// firstDate is the first day that a history may have: ten years back. lastDate is
// its last: in another zone it may be tomorrow already, and zones are changed.
func firstDate(now time.Time, zone *time.Location) report.Date {
	return report.DateOf(now.In(zone).AddDate(-10, 0, 0), zone)
}

func lastDate(now time.Time, zone *time.Location) report.Date { return report.DateOf(now, zone) + 1 }

func (r *Request) parse(data []byte) error {
	if len(data) > mostEventBytes {
		return fmt.Errorf("%d bytes: want at most %d", len(data), mostEventBytes)
	}
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

// example is what to type.
const example = `want a JSON object, such as {"action":"snapshot"}; {} takes all defaults`

// open gives the object an event holds, or nil where it asks for all defaults. Some
// editors put a byte order mark before what they save, which says nothing.
func (r *Request) open(data []byte) (map[string]json.RawMessage, error) {
	text := bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(data), []byte("\ufeff")))
	switch {
	case len(text) == 0 || string(text) == "null":
		return nil, nil
	case text[0] == '{':
		object, err := report.ParseObject(text)
		if err != nil {
			return nil, fmt.Errorf("%w: %s", cmp.Or(oddity(string(text)), err), example)
		}
		return object, nil
	}
	if err := garbled(text); err != nil {
		return nil, fmt.Errorf("%w: %s", err, example)
	}
	r.Warnings = append(r.Warnings, fmt.Sprintf("the event is plain text, %q: taken as {}, all defaults", cut(string(text), 60)))
	return nil, nil
}

// garbled says why a text is not one that somebody typed for want of something
// better, but an order that did not arrive as one.
func garbled(text []byte) error {
	if !utf8.Valid(text) {
		return fmt.Errorf("%.40q is no UTF-8", text)
	}
	first, _ := utf8.DecodeRune(text)
	switch shown := cut(string(text), 40); {
	case first == '[':
		return fmt.Errorf("a list, %s", shown)
	case first == '"' || json.Valid(text):
		return fmt.Errorf("%s, which is no object", shown)
	case first >= utf8.RuneSelf && unicode.Is(unicode.Ps, first): // a bracket of another keyboard
		return odd(string(text), 0, first)
	case bytes.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }):
		return fmt.Errorf("%q holds control characters", shown)
	}
	if name, asked := named(string(text)); name != "" {
		return fmt.Errorf("text, %q, that names %s: if that is asked for, type %s", cut(string(text), 60), name, asked)
	}
	return nil
}

// asks are the names that an event may hold, and what to type for each.
var asks = map[string]string{
	"source_types": `{"source_types":["ECS_FILE"]}`, "accounts": `{"accounts":["1234567890123456"]}`,
	"dry_run": `{"dry_run":true}`, "overwrite": `{"overwrite":true}`, "webhook": `{"action":"preflight","webhook":true}`, "heartbeat": `{"action":"preflight","heartbeat":true}`,
	"chain": `{"action":"verify","to":"2026-11-23","chain":"…"}`,
	"from":  `{"action":"rebuild","from":"2026-11-01"}`, "to": `{"action":"rebuild","to":"2026-11-23"}`,
}

// named finds an action, or a field of a request or of a timer's event, that a
// text names, however it spells it: dryRun, DRY-RUN and dry run are dry_run.
func named(text string) (name, asked string) {
	known := make(map[string]string)
	for _, name := range slices.Concat(actions, slices.Collect(maps.Keys(fields)), []string{"triggerTime", "triggerName", "payload"}) {
		known[strings.ToLower(strings.ReplaceAll(name, "_", ""))] = name
	}
	words := strings.FieldsFunc(strings.ToLower(strings.Map(narrow, text)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, word := range words {
		name, there := known[word]
		if !there && i+1 < len(words) {
			name, there = known[word+words[i+1]]
		}
		switch {
		case !there:
		case slices.Contains(actions, name):
			return name, fmt.Sprintf(`{"action":%q}`, name)
		default:
			return name, cmp.Or(asks[name], `{"triggerTime":"2026-11-23T12:17:00Z","triggerName":"daily"}`)
		}
	}
	return "", ""
}

// oddity is the first character of what should be JSON that a keyboard or an
// editor made of another one; nil where there is none.
func oddity(text string) error {
	quoted, opened := false, 0
	for i, r := range text {
		switch {
		case r == '"' && (!quoted || !escaped(text[opened+1:i])):
			quoted, opened = !quoted, i
		case !quoted && r >= utf8.RuneSelf:
			return odd(text, i, r)
		}
	}
	if quoted { // it never ends: perhaps its end is odd
		for i, r := range text[opened:] {
			if counterpart(r) == `"` && r >= utf8.RuneSelf {
				return odd(text, opened+i, r)
			}
		}
	}
	return nil
}

// escaped tells whether a backslash before what follows a text is meant for it.
func escaped(text string) bool {
	return (len(text)-len(strings.TrimRight(text, `\`)))%2 == 1
}

func odd(text string, i int, r rune) error {
	typed := fmt.Sprintf("%q (%U)", r, r)
	if unicode.IsPrint(r) {
		typed = fmt.Sprintf("%c (%U)", r, r)
	}
	if other := counterpart(r); other != "" {
		return fmt.Errorf("%s at byte %d of %s: type %s there", typed, i+1, cut(text, 40), other)
	}
	return fmt.Errorf("%s at byte %d of %s", typed, i+1, cut(text, 40))
}

// counterpart is what JSON has for a character that keyboards and editors put in
// its place; the character itself where it is one of JSON's.
func counterpart(r rune) string {
	switch {
	case strings.ContainsRune("“”„‟«»‘’‚‛′″「」『』＂＇", r):
		return `"`
	case strings.ContainsRune("【〔〖", r):
		return "["
	case strings.ContainsRune("】〕〗", r):
		return "]"
	case r == '、':
		return ","
	case unicode.IsSpace(r):
		return "a blank"
	}
	if n := narrow(r); n < utf8.RuneSelf {
		return string(n)
	}
	return ""
}

// narrow makes a full-width character, as Chinese and Japanese keyboards have it,
// the usual one.
func narrow(r rune) rune {
	if r >= '！' && r <= '～' {
		return r - '！' + '!'
	}
	return r
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
	"heartbeat":    func(r *Request, v json.RawMessage) error { return boolean(v, &r.Heartbeat) },
	"webhook":      func(r *Request, v json.RawMessage) error { return boolean(v, &r.Webhook) },
	"chain":        func(r *Request, v json.RawMessage) error { return chain(v, &r.Chain) },
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
	past := r.Action == ActionRebuild || r.Action == ActionVerify
	switch {
	case !past && (r.From != nil || r.To != nil):
		return fmt.Errorf("from and to are for actions rebuild and verify, and the action is %s: a past day can't be collected", r.Action)
	case r.Action != ActionVerify && r.Chain != "":
		return fmt.Errorf("chain is for action verify, and the action is %s", r.Action)
	case r.Action != ActionPreflight && (r.Webhook || r.Heartbeat):
		return fmt.Errorf("webhook and heartbeat are for action preflight, and the action is %s", r.Action)
	case r.Action != ActionSnapshot && (r.DryRun || r.Overwrite || len(r.SourceTypes) > 0 || len(r.Accounts) > 0):
		return fmt.Errorf("source_types, accounts, dry_run and overwrite are for action snapshot, and the action is %s", r.Action)
	case r.From != nil && r.To != nil && *r.From > *r.To:
		return fmt.Errorf("from is %v, after to, %v: want the earlier day first", *r.From, *r.To)
	}
	return nil
}

func (r *Request) action(value json.RawMessage) error {
	action := ActionSnapshot
	if null(value) || json.Unmarshal(value, &action) != nil || !slices.Contains(actions, action) {
		return fmt.Errorf("%.40s: want %s", value, either(actions))
	}
	r.Action = action
	return nil
}

func words(value json.RawMessage, to *[]string, check func(string) error) error {
	if null(value) || json.Unmarshal(value, to) != nil || len(*to) == 0 {
		return fmt.Errorf("%.40s: want a list of strings, such as [\"…\"], or leave it out for all", value)
	}
	for _, s := range *to {
		if err := check(s); err != nil {
			return fmt.Errorf("%.80s: %w", value, err)
		}
	}
	slices.Sort(*to)
	for i, s := range *to {
		if i > 0 && (*to)[i-1] == s {
			return fmt.Errorf("a list in which %.80s stands twice: want each once", s)
		}
	}
	return nil
}

// null tells that a value is none: json.Unmarshal takes it for whatever was there.
func null(value json.RawMessage) bool { return string(bytes.TrimSpace(value)) == "null" }

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

func chain(value json.RawMessage, to *string) error {
	if json.Unmarshal(value, to) != nil || !report.CheckChain(*to) {
		return fmt.Errorf("%.80s: want the chain of a day, 64 hexadecimal digits in lower case", value)
	}
	return nil
}

func boolean(value json.RawMessage, to *bool) error {
	if null(value) || json.Unmarshal(value, to) != nil {
		return fmt.Errorf("%.40s: want true or false", value)
	}
	return nil
}
