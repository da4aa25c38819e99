package handler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"backup-statistics/report"
)

var now = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)

func TestParseEvent(t *testing.T) {
	const zero = "{Action:snapshot SourceTypes:[] Accounts:[] DryRun:false Overwrite:false From:<nil> To:<nil> Chain: Webhook:false Heartbeat:false "
	manual := zero + "Trigger:manual ScheduledAt:0001-01-01 00:00:00 +0000 UTC At:2026-11-25 09:00:00 +0000 UTC Warnings:[]}"
	timer := zero + "Trigger:timer ScheduledAt:2026-11-23 12:17:00 +0000 UTC At:2026-11-23 12:17:00 +0000 UTC Warnings:[]}"
	warned := func(text string) string {
		return strings.Replace(manual, "Warnings:[]", "Warnings:[the event is plain text, "+text+": taken as {}, all defaults]", 1)
	}
	for _, tt := range []struct{ name, event, want string }{
		{"nothing", "", manual},
		{"white space", " \n\t", manual},
		{"null", "null", manual},
		{"an empty object", "{}", manual},
		{"plain text", "hello", warned(`"hello"`)},
		{"a byte order mark alone", "\ufeff", manual},
		{"a byte order mark before a request", "\ufeff {\"dry_run\":true}", strings.Replace(manual, "DryRun:false", "DryRun:true", 1)},
		{"a byte order mark before a timer's event and in its payload", "\ufeff" + `{"triggerTime":"2026-11-23T12:17:00Z","payload":"\ufeff{\"overwrite\":true}"}`, strings.Replace(timer, "Overwrite:false", "Overwrite:true", 1)},
		{"text in another alphabet", "现在请", warned(`"现在请"`)},
		{"words that are part of names", "overwritten snapshots, unchecked", warned(`"overwritten snapshots, unchecked"`)},
		{"long text", strings.Repeat("é", 50), warned(`"` + strings.Repeat("é", 30) + `…"`)},
		{"text of sixty bytes", strings.Repeat("x", 60), warned(`"` + strings.Repeat("x", 60) + `"`)},
		{"text of sixty-one bytes", strings.Repeat("x", 61), warned(`"` + strings.Repeat("x", 60) + `…"`)},
		{"a timer without payload", `{"triggerTime":"2026-11-23T12:17:00Z","triggerName":"daily"}`, timer},
		{"a timer with an empty payload", `{"triggerTime":"2026-11-23T12:17:00Z","triggerName":"daily","payload":""}`, timer},
		{"a timer with a null payload", `{"triggerTime":"2026-11-23T12:17:00Z","triggerName":"daily","payload":null}`, timer},
		{"a timer with a field we do not know", `{"triggerTime":"2026-11-23T12:17:00Z","attempt":2}`, timer},
		{"a timer of the default action", `{"triggerTime":"2026-11-23T12:17:00Z","payload":"{\"action\":\"snapshot\"}"}`, timer},
		{"a payload that is an object", `{"triggerTime":"2026-11-23T12:17:00Z","payload":{"action":"snapshot"}}`, timer},
		{"an offset", `{"triggerTime":"2026-11-23T20:17:00+08:00"}`, strings.Replace(timer, "At:2026-11-23 12:17:00 +0000 UTC W", "At:2026-11-23 20:17:00 +0800 +0800 W", 1)},
		{"text as payload", `{"triggerTime":"2026-11-23T12:17:00Z","payload":"hi"}`, strings.Replace(timer, "Warnings:[]", `Warnings:[the event is plain text, "hi": taken as {}, all defaults]`, 1)},
		{"a whole request", `{"action":"snapshot","source_types":["B","A"],"accounts":["7"],"dry_run":true,"overwrite":true}`, strings.Replace(manual, "SourceTypes:[] Accounts:[] DryRun:false Overwrite:false", "SourceTypes:[A B] Accounts:[7] DryRun:true Overwrite:true", 1)},
		{"a rebuild of all days", `{"action":"rebuild"}`, strings.Replace(manual, "snapshot", "rebuild", 1)},
		{"a rebuild from a day on", `{"action":"rebuild","from":"2026-11-02"}`, strings.NewReplacer("snapshot", "rebuild", "From:<nil>", "From:2026-11-02").Replace(manual)},
		{"a rebuild up to a day", `{"action":"rebuild","to":"2026-11-02"}`, strings.NewReplacer("snapshot", "rebuild", "To:<nil>", "To:2026-11-02").Replace(manual)},
		{"a rebuild of one day", `{"action":"rebuild","from":"2026-11-02","to":"2026-11-02"}`, strings.NewReplacer("snapshot", "rebuild", "From:<nil>", "From:2026-11-02", "To:<nil>", "To:2026-11-02").Replace(manual)},
	} {
		r, err := ParseEvent([]byte(tt.event), now)
		if got := fmt.Sprintf("%+v", r); err != nil || got != tt.want {
			t.Errorf("%s: got %s, %v\nwant %s", tt.name, got, err, tt.want)
		}
	}
}

func TestParseEventRefuses(t *testing.T) {
	const want, all = "want snapshot, check, rebuild, preflight or verify", "; {} takes all defaults"
	const object = `: want a JSON object, such as {"action":"snapshot"}` + all
	for _, tt := range []struct{ name, event, want string }{
		{"a list", `[1]`, `event: a list, [1]` + object},
		{"a number", "5", `event: 5, which is no object` + object},
		{"text in quotes", `"hello"`, `event: "hello", which is no object` + object},
		{"text that begins with a quote", `"hello`, `event: "hello, which is no object` + object},
		{"a flag", `true`, `event: true, which is no object` + object},
		{"an action alone", "check", `event: text, "check", that names check: if that is asked for, type {"action":"check"}` + object},
		{"an action in other letters", " ＣＨＥＣＫ!", `event: text, "ＣＨＥＣＫ!", that names check: if that is asked for, type {"action":"check"}` + object},
		{"a flag without braces", "dry_run: true", `event: text, "dry_run: true", that names dry_run: if that is asked for, type {"dry_run":true}` + object},
		{"a flag in words", "a dry run, please", `event: text, "a dry run, please", that names dry_run: if that is asked for, type {"dry_run":true}` + object},
		{"a flag as an option", "--dry-run", `event: text, "--dry-run", that names dry_run: if that is asked for, type {"dry_run":true}` + object},
		{"a list without braces", "sourceTypes=ECS_FILE", `event: text, "sourceTypes=ECS_FILE", that names source_types: if that is asked for, type {"source_types":["ECS_FILE"]}` + object},
		{"accounts without braces", "accounts: 7", `event: text, "accounts: 7", that names accounts: if that is asked for, type {"accounts":["1234567890123456"]}` + object},
		{"a timer without braces", "triggerTime: 2026", `event: text, "triggerTime: 2026", that names triggerTime: if that is asked for, type {"triggerTime":"2026-11-23T12:17:00Z","triggerName":"daily"}` + object},
		{"an order in a shell's quotes", `'{"dry_run":true}'`, `event: text, "'{\"dry_run\":true}'", that names dry_run: if that is asked for, type {"dry_run":true}` + object},
		{"full-width brackets", `｛"x":true｝`, `event: ｛ (U+FF5B) at byte 1 of ｛"x":true｝: type { there` + object},
		{"other brackets", `【"x"】`, `event: 【 (U+3010) at byte 1 of 【"x"】: type [ there` + object},
		{"typographic quotes", `{“dry_run”:true}`, `event: “ (U+201C) at byte 2 of {“dry_run”:true}: type " there` + object},
		{"typographic quotes on one side", `{"dry_run”:true}`, `event: ” (U+201D) at byte 10 of {"dry_run”:true}: type " there` + object},
		{"a full-width colon", `{"dry_run"：true}`, `event: ： (U+FF1A) at byte 11 of {"dry_run"：true}: type : there` + object},
		{"a blank that is none", "{\u00a0\"dry_run\":true}", `event: '\u00a0' (U+00A0) at byte 2 of {` + "\u00a0" + `"dry_run":true}: type a blank there` + object},
		{"a letter that JSON has no place for", `{é}`, `event: é (U+00E9) at byte 2 of {é}` + object},
		{"UTF-16", "\xff\xfe{\x00}\x00", `event: "\xff\xfe{\x00}\x00" is no UTF-8` + object},
		{"UTF-16 without its mark", "\x00{\x00}", `event: "\x00{\x00}" holds control characters` + object},
		{"more bytes than any request has", strings.Repeat(" ", 256<<10) + "x", `event: 262145 bytes: want at most 262144`},
		{"a payload that is a word", `{"triggerTime":"2026-11-23T12:17:00Z","payload":"check"}`, `event: payload of the timer trigger: text, "check", that names check: if that is asked for, type {"action":"check"}` + object},
		{"a payload that is a number", `{"triggerTime":"2026-11-23T12:17:00Z","payload":5}`, `event: payload of the timer trigger: 5, which is no object` + object},
		{"broken JSON", `{"action":`, `event: broken at byte 10: unexpected EOF: want a JSON object, such as {"action":"snapshot"}` + all},
		{"a word too many", `{} {}`, `event: "{}" behind the object: want nothing there: want a JSON object, such as {"action":"snapshot"}` + all},
		{"a field twice", `{"dry_run":true,"dry_run":false}`, `event: "dry_run" stands twice: want it once: want a JSON object, such as {"action":"snapshot"}` + all},
		{"an unknown field", `{"colour":"red"}`, `event: "colour" is no field of a request: want accounts, action, chain, dry_run, from, heartbeat, overwrite, source_types, to or webhook` + all},
		{"a field in another case", `{"Action":"snapshot"}`, `event: "Action" is no field of a request: want accounts, action, chain, dry_run, from, heartbeat, overwrite, source_types, to or webhook` + all},
		{"an unknown action", `{"action":"snap"}`, `event: action is "snap": ` + want + all},
		{"an action that is no string", `{"action":7}`, `event: action is 7: ` + want + all},
		{"a flag that is no flag", `{"dry_run":"yes"}`, `event: dry_run is "yes": want true or false` + all},
		{"a source type by its form", `{"source_types":["ecs file"]}`, `event: source_types is ["ecs file"]: "ecs file" is no source type: want capital letters, digits and _, such as ECS_FILE` + all},
		{"source types that are no list", `{"source_types":"ECS_FILE"}`, `event: source_types is "ECS_FILE": want a list of strings, such as ["…"], or leave it out for all` + all},
		{"an account by its form", `{"accounts":["../x"]}`, `event: accounts is ["../x"]: "../x" is no account id: want letters and digits, such as 1234567890123456` + all},
		{"a past day of a snapshot", `{"from":"2026-11-01"}`, `event: from and to are for actions rebuild and verify, and the action is snapshot: a past day can't be collected`},
		{"a flag that is null", `{"dry_run":null}`, `event: dry_run is null: want true or false; {} takes all defaults`},
		{"an action that is null", `{"action":null}`, `event: action is null: ` + want + all},
		{"accounts that are null", `{"accounts":null}`, `event: accounts is null: want a list of strings, such as ["…"], or leave it out for all; {} takes all defaults`},
		{"no account", `{"accounts":[]}`, `event: accounts is []: want a list of strings, such as ["…"], or leave it out for all; {} takes all defaults`},
		{"an account twice", `{"accounts":["7","8","7"]}`, `event: accounts is a list in which 7 stands twice: want each once; {} takes all defaults`},
		{"a message of a snapshot", `{"webhook":true}`, `event: webhook and heartbeat are for action preflight, and the action is snapshot`},
		{"a rebuild that overwrites", `{"action":"rebuild","overwrite":true}`, `event: source_types, accounts, dry_run and overwrite are for action snapshot, and the action is rebuild`},
		{"a rebuild backwards", `{"action":"rebuild","from":"2026-11-02","to":"2026-11-01"}`, `event: from is 2026-11-02, after to, 2026-11-01: want the earlier day first`},
		{"a rebuild that tries", `{"action":"rebuild","dry_run":true}`, `event: source_types, accounts, dry_run and overwrite are for action snapshot, and the action is rebuild`},
		{"a check of some accounts", `{"action":"check","accounts":["7"]}`, `event: source_types, accounts, dry_run and overwrite are for action snapshot, and the action is check`},
		{"a preflight of some source types", `{"action":"preflight","source_types":["A"]}`, `event: source_types, accounts, dry_run and overwrite are for action snapshot, and the action is preflight`},
		{"a last day of a check", `{"action":"check","to":"2026-11-01"}`, `event: from and to are for actions rebuild and verify, and the action is check: a past day can't be collected`},
		{"a date that is a number", `{"action":"rebuild","to":20261101}`, `event: to is 20261101: want a date, such as "2026-11-23"` + all},
		{"a date that is none", `{"action":"rebuild","from":"2026-02-30"}`, `event: from is "2026-02-30": want a date, such as "2026-11-23"` + all},
		{"a timer without a time", `{"triggerName":"daily"}`, `event: triggerTime is "": want a time, such as "2026-11-23T12:17:00Z"`},
		{"a timer with an empty time", `{"triggerTime":""}`, `event: triggerTime is "": want a time, such as "2026-11-23T12:17:00Z"`},
		{"a time that is none", `{"triggerTime":"yesterday"}`, `event: triggerTime is "yesterday": want a time, such as "2026-11-23T12:17:00Z"`},
		{"a time that is a number", `{"triggerTime":1795436221}`, `event: triggerTime is 1795436221: want a time, such as "2026-11-23T12:17:00Z"`},
		{"a time that is a digit", `{"triggerTime":5}`, `event: triggerTime is 5: want a time, such as "2026-11-23T12:17:00Z"`},
		{"a time that is long", `{"triggerTime":"` + strings.Repeat("x", 41) + `"}`, `event: triggerTime is "` + strings.Repeat("x", 40) + `…": want a time, such as "2026-11-23T12:17:00Z"`},
		{"a field with a long name", `{"` + strings.Repeat("x", 41) + `":1}`, `event: "` + strings.Repeat("x", 40) + `…" is no field of a request: want accounts, action, chain, dry_run, from, heartbeat, overwrite, source_types, to or webhook` + all},
		{"a payload with an unknown field", `{"triggerTime":"2026-11-23T12:17:00Z","payload":"{\"source\":\"timer\"}"}`, `event: payload of the timer trigger: "source" is no field of a request: want accounts, action, chain, dry_run, from, heartbeat, overwrite, source_types, to or webhook` + all},
		{"a payload that is broken", `{"triggerTime":"2026-11-23T12:17:00Z","payload":"{"}`, `event: payload of the timer trigger: broken at byte 1: unexpected EOF: want a JSON object, such as {"action":"snapshot"}` + all},
	} {
		_, err := ParseEvent([]byte(tt.event), now)
		var event *EventError
		if !errors.As(err, &event) || err.Error() != tt.want {
			t.Errorf("%s: got  %v\nwant %s", tt.name, err, tt.want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		most       int
		want       string
	}{
		{"shorter", "ab", 3, "ab"},
		{"as long", "ab", 2, "ab"},
		{"longer", "abc", 2, "ab…"},
		{"a character across the end", "aéb", 2, "a…"},
		{"a long character across the end", "a深圳", 6, "a深…"},
		{"no character at all", "\x80\x80\x80", 2, "…"},
	} {
		if got := cut(tt.text, tt.most); got != tt.want {
			t.Errorf("%s: cut(%q, %d) = %q, want %q", tt.name, tt.text, tt.most, got, tt.want)
		}
	}
}

// What an event is taken for is what a reader finds in it who knows nothing of
// ours: nothing is replaced, narrowed or rebuilt that it does not ask for.
func FuzzParseEvent(f *testing.F) {
	for _, seed := range []string{
		"", "null", "{}", "hello", event, `{"action":"snapshot","dry_run":true}`, `[`, `{"triggerTime":"2026-11-23T20:17:00+08:00","payload":"{}"}`,
		`{"action":"rebuild","from":"2026-11-01","to":"2026-11-23"}`, `{"overwrite":true,"accounts":["2","1","2"],"source_types":null}`,
		`{"triggerTime":"2026-11-23T12:17:00Z","payload":"{\"action\":\"check\"}"}`, `{"triggerTime":"2026-11-23T12:17:00Z","payload":{"overwrite":true}}`,
		`{"action":"preflight","webhook":true}`, `{"triggerName":"x","payload":"text"}`,
		"\ufeff{\"dry_run\":true}", "check", "dry_run: true", "please DRY-RUN", `"hello"`, "5", `｛"dry_run":true｝`, `{“dry_run”:true}`, `{"dry_run”:true}`,
		"\xff\xfe{\x00}\x00", `{"triggerTime":"2026-11-23T12:17:00Z","payload":"\ufeff{\"overwrite\":true}"}`, `{"triggerTime":"2026-11-23T12:17:00Z","payload":"check"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseEvent(data, now)
		if err != nil {
			if event := (*EventError)(nil); !errors.As(err, &event) || !reflect.DeepEqual(r, Request{}) {
				t.Errorf("error %T and %+v, want an *EventError and nothing", err, r)
			}
			return
		}
		want := Request{Action: ActionSnapshot, Trigger: report.Manual, At: now}
		plain(t, data)
		asked := object(t, data)
		due, isTimer := asked["triggerTime"].(string)
		if isTimer {
			if want.At, err = time.Parse(time.RFC3339, due); err != nil {
				t.Fatalf("%q is taken for a timer of %s: %v", data, r.ScheduledAt, err)
			}
			want.Trigger, want.ScheduledAt = report.Timer, want.At.UTC()
			payload, _ := json.Marshal(asked["payload"])
			if text, ok := asked["payload"].(string); ok {
				payload = []byte(text)
			}
			plain(t, payload)
			asked = object(t, payload)
		}
		if asked["action"] != nil {
			want.Action = asked["action"].(string)
		}
		want.DryRun, want.Overwrite, want.Webhook, want.Heartbeat = asked["dry_run"] == true, asked["overwrite"] == true, asked["webhook"] == true, asked["heartbeat"] == true
		want.SourceTypes, want.Accounts = set(asked["source_types"]), set(asked["accounts"])
		want.From, want.To = asDate(asked["from"]), asDate(asked["to"])
		spell := func(r Request) string {
			return fmt.Sprintf("%s %s %v %v dry %v overwrite %v webhook %v, from %v to %v, at %v, due %v", r.Action, r.Trigger, r.SourceTypes, r.Accounts,
				r.DryRun, r.Overwrite, r.Webhook, spelt(r.From), spelt(r.To), r.At, r.ScheduledAt)
		}
		if got, want := spell(r), spell(want); got != want {
			t.Errorf("%q is taken for\n%s, want\n%s", data, got, want)
		}
	})
}

var knownNames = regexp.MustCompile(`(?i)(^|[^\pL\pN])(snapshot|check|rebuild|preflight|source_types|accounts|dry_?run|overwrite|from|to|webhook|trigger_?time|payload)($|[^\pL\pN])`)

// plain wants a text that is accepted and no object to be nothing but text.
func plain(t *testing.T, text []byte) {
	t.Helper()
	text = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(text), []byte("\ufeff")))
	if len(text) == 0 || text[0] == '{' || string(text) == "null" {
		return
	}
	if !utf8.Valid(text) || json.Valid(text) || knownNames.Match(text) || strings.ContainsRune(`["｛［【`, []rune(string(text))[0]) {
		t.Fatalf("%q is taken for plain text that names nothing", text)
	}
}

// object is the JSON object that a text is; nil where it is none.
func object(t *testing.T, text []byte) (object map[string]any) {
	t.Helper()
	if text = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(text), []byte("\ufeff"))); len(text) > 0 && text[0] == '{' {
		if err := json.Unmarshal(text, &object); err != nil {
			t.Fatalf("%q is accepted: %v", text, err)
		}
	}
	return object
}

// set is a list of strings, each once and sorted.
func set(list any) []string {
	var words []string
	if list, ok := list.([]any); ok {
		for _, word := range list {
			words = append(words, word.(string))
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// asDate is the date that a text spells; nil where there is none.
func asDate(text any) *report.Date {
	s, _ := text.(string)
	d, err := report.ParseDate(s)
	if err != nil {
		return nil
	}
	return &d
}

func spelt(d *report.Date) any {
	if d == nil {
		return "no day"
	}
	return *d
}
