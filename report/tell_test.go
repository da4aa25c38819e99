package report

import (
	"bytes"
	"testing"
)

// told plays a history and spells what its last record has to tell.
func (p *played) told() string {
	opened, closed := p.last().Untold()
	text := spellAll(opened)
	for _, c := range closed {
		text += " -" + spell(c.Alert) + " (" + c.Reason + ")"
	}
	return text
}

// Told is what was taken, not what was written: it goes out until somebody takes it.
func TestUntold(t *testing.T) {
	const only = "data_dropped_percent=off,region_gone=off,day_missing=off,quota_percent=off"
	day := func(p *played, spelt string, delivered bool) {
		p.t.Helper()
		p.tells = delivered
		p.settle(date(p.t, "2026-11-23")+Date(len(p.links)), spelt)
	}
	again := func(p *played, spelt string, delivered bool) {
		p.t.Helper()
		p.tells = delivered
		p.settle(date(p.t, "2026-11-23")+Date(len(p.links))-1, spelt)
	}
	p := play(t, only)
	for _, step := range []struct {
		name  string
		day   func(p *played, spelt string, delivered bool)
		spelt string
		taken bool
		want  string // left to tell
	}{
		{"nothing happened", day, "a=5 b=5", false, ""},
		{"a drop that nobody takes", day, "a=2 b=5", false, "resources_dropped; /ECS_FILE: 10→7; /ECS_FILE:a 5→2"},
		{"is told the next day, with what came to it", day, "a=2 b=5", false, "resources_dropped; /ECS_FILE: 10→7; /ECS_FILE:a 5→2"},
		{"or by a check of the same day", again, "a=2 b=5", true, ""},
		{"once", day, "a=2 b=5", false, ""},
		{"an item ends", day, "a=3 b=7", false, " -resources_dropped; /ECS_FILE: 10→7→10 (reached_again)"},
		{"its end is told the next day", day, "a=3 b=7", false, " -resources_dropped; /ECS_FILE: 10→7→10 (reached_again)"},
		{"or after a day nobody ran", day, "-", true, ""},
		{"once, too", day, "a=3 b=7", false, ""},
		{"one that nobody heard of", day, "a=3 b=6", false, "resources_dropped; /ECS_FILE: 10→9; /ECS_FILE:b 7→6"},
		{"and that is over is both", day, "a=3 b=7", false, "resources_dropped; /ECS_FILE: 10→9→10; /ECS_FILE:b 7→6→7 -resources_dropped; /ECS_FILE: 10→9→10; /ECS_FILE:b 7→6→7 (reached_again)"},
		{"until it is taken", day, "a=3 b=7", true, ""},
		{"the same thing again is a new item", day, "a=3 b=6", false, "resources_dropped; /ECS_FILE: 10→9; /ECS_FILE:b 7→6"},
		{"which is told", again, "a=3 b=6", true, ""},
		{"a day is replaced, and does not say so any more", again, "a=3 b=7", false, " -resources_dropped; /ECS_FILE: 10→9; /ECS_FILE:b 7→6 (corrected)"},
		{"which is told, too", again, "a=3 b=7", true, ""},
		{"and replaced again, and does", again, "a=3 b=6", false, "resources_dropped; /ECS_FILE: 10→9; /ECS_FILE:b 7→6"},
		{"told", again, "a=3 b=6", true, ""},
		{"replaced and replaced again before anybody heard", again, "a=3 b=7", false, " -resources_dropped; /ECS_FILE: 10→9; /ECS_FILE:b 7→6 (corrected)"},
		{"is nothing to tell", again, "a=3 b=6", false, ""},
		{"its end was told", day, "a=3 b=7", true, ""},
		{"and was none", again, "a=3 b=6", false, "resources_dropped; /ECS_FILE: 10→9; /ECS_FILE:b 7→6"},
	} {
		if step.day(p, step.spelt, step.taken); p.told() != step.want {
			t.Errorf("%s: left to tell is %q, want %q", step.name, p.told(), step.want)
		}
	}
}

// A record that people were told of says so, and nothing else of it changes.
func TestTell(t *testing.T) {
	p := story(t, "", "a=5 b=5")
	p.tells = false
	p.settle(date(t, "2026-11-24"), "a=4 b=5")
	p.settle(date(t, "2026-11-25"), "a=5 b=4")
	r := p.last()
	before, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if opened, closed := r.Untold(); len(opened) == 0 || len(closed) == 0 {
		t.Fatalf("untold are %v, %v; want some", opened, closed)
	}
	told := r.Tell()
	if opened, closed := told.Untold(); len(opened)+len(closed) > 0 {
		t.Errorf("after it was told %v, %v are untold", opened, closed)
	}
	after, err := told.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(after, bytes.ReplaceAll(before, []byte(`"told":false`), []byte(`"told":true`))) {
		t.Errorf("the record became\n%s, from\n%s", after, before)
	}
	if again, err := r.Encode(); err != nil || !bytes.Equal(again, before) {
		t.Error("telling has changed the record that it was asked of")
	}
}

// Nobody waits for the end of what nobody is told of.
func TestUntoldWithoutAnybody(t *testing.T) {
	p := play(t, "")
	p.tells, p.Tells = false, false
	for i, day := range []string{"a=5", "a=4", "a=5", "a=5"} {
		p.settle(date(t, "2026-11-23")+Date(i), day)
	}
	if r := p.last(); len(r.Closed) > 0 {
		t.Errorf("closed are %v, want none of the day before", r.Closed)
	}
}

// What could not be told for a month is no news any more.
func TestUntoldForAMonth(t *testing.T) {
	p := story(t, "", "a=5 | a=4")
	p.tells = false
	for i, day := range append([]string{"a=5"}, make([]string, 30)...) {
		if day == "" {
			day = "a=5"
		}
		p.settle(date(t, "2026-11-25")+Date(i), day)
		if n := len(p.last().Closed); (n > 0) != (i < 30) {
			t.Errorf("after %d days %d are closed", i, n)
		}
	}
}

// A day that is settled again says why what it told of is over.
func TestCorrectedFor(t *testing.T) {
	for _, tt := range []struct{ name, rules, again, want string }{
		{"other numbers", "", "a=5", "1-resources_dropped(corrected) 1-data_dropped_percent(corrected)"},
		{"a rule that was switched off", "resources_dropped=off", "a=4", "1-resources_dropped(rule_off)"},
	} {
		p := story(t, "", "a=5 | a=4")
		rules, err := ParseRules(tt.rules)
		if err != nil {
			t.Fatal(err)
		}
		p.Rules = rules
		if got := changes([]DayRecord{{SnapshotDate: date(t, "2026-11-24"), Closed: p.settle(date(t, "2026-11-24"), tt.again).Record.Closed}}); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
