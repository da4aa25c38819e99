package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const calendarStory = `{"schema_version":1,"snapshot_date":"2026-11-23","status":"complete","source_type":"DB","protected_data_bytes":10737418240,"protected_resource_count":1,"accounts_expected":1,"accounts_collected":1}
{"schema_version":1,"snapshot_date":"2026-11-23","status":"complete","source_type":"ECS_FILE","protected_data_bytes":32212254720,"protected_resource_count":3,"accounts_expected":1,"accounts_collected":1}
{"schema_version":1,"snapshot_date":"2026-11-24","status":"missing","source_type":"DB","accounts_expected":1,"accounts_collected":0}
{"schema_version":1,"snapshot_date":"2026-11-24","status":"missing","source_type":"ECS_FILE","accounts_expected":1,"accounts_collected":0}
{"schema_version":1,"snapshot_date":"2026-11-25","status":"partial","source_type":"ECS_FILE","accounts_expected":2,"accounts_collected":1}
{"schema_version":1,"snapshot_date":"2026-11-26","status":"complete","source_type":"ECS_FILE","protected_data_bytes":0,"protected_resource_count":0,"accounts_expected":1,"accounts_collected":1}
`

// The row of the contract, to the byte; holes leave the numbers out.
func TestCalendar(t *testing.T) {
	p := story(t, "", "a=1 b=2 DB:a=1 | ? | a=1 9! | =0")
	trend := p.trend()
	c, whole := trend.Calendar(2026)
	data, err := c.Encode()
	if err != nil || !whole || string(data) != calendarStory {
		t.Errorf("whole: %v, error %v, got\n%s\nwant\n%s", whole, err, data, calendarStory)
	}
	golden(t, "calendar.golden", data)
	back, err := DecodeCalendar(2026, data)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := back.Encode(); err != nil || string(again) != calendarStory {
		t.Errorf("decoded and encoded again it is\n%s (error %v)", again, err)
	}
	c = Calendar{Year: 2026}
	for _, n := range []int{1, 0, 3, 2, 1} { // in any order, and again
		c.EnterRecord(p.records()[n])
	}
	if slices.ContainsFunc(c.Days, func(d TrendDay) bool { return d.Date == 0 }) || len(c.Days) != 4 {
		t.Errorf("the calendar has the days %v, want four", c.Days)
	}
}

func TestCalendarOfUnknownTypes(t *testing.T) {
	c, _ := story(t, "", "-").trend().Calendar(2026)
	data, err := c.Encode()
	if want := `{"schema_version":1,"snapshot_date":"2026-11-23","status":"missing","accounts_expected":0,"accounts_collected":0}` + "\n"; err != nil || string(data) != want {
		t.Errorf("got %s, error %v; want %s", data, err, want)
	}
	if back, err := DecodeCalendar(2026, data); err != nil || len(back.Days) != 1 || back.Days[0].SourceTypes != nil {
		t.Errorf("decoded it is %+v, error %v", back, err)
	}
}

// A calendar is of one year; the trend says whether its window has all of it.
func TestCalendarYears(t *testing.T) {
	p := play(t, "")
	for d := date(t, "2026-12-30"); d <= date(t, "2028-03-01"); d++ {
		p.settle(d, "a=1")
	}
	trend := p.trend() // from 2027-01-27 on
	for _, tt := range []struct {
		year, days int
		first      string
		whole      bool
	}{{2026, 0, "", false}, {2027, 339, "2027-01-27", false}, {2028, 61, "2028-01-01", true}, {2029, 0, "", false}} {
		c, whole := trend.Calendar(tt.year)
		first := ""
		if len(c.Days) > 0 {
			first = c.Days[0].Date.String()
		}
		if len(c.Days) != tt.days || first != tt.first || whole != tt.whole {
			t.Errorf("%d has %d days from %s, whole: %v; want %d from %s, %v", tt.year, len(c.Days), first, whole, tt.days, tt.first, tt.whole)
		}
	}
	for d := range Date(3) {
		delete(p.links, date(t, "2027-12-31")-d)
	}
	if key := CalendarKey(2027); key != "calendar/year=2027/calendar.jsonl" {
		t.Errorf("the key is %s", key)
	}
	if d := NewYear(2028); d.String() != "2028-01-01" || d.Year() != 2028 || (d-1).Year() != 2027 || d.Month() != 2028*12 || (d-1).Month() != 2028*12-1 {
		t.Errorf("2028 begins on %s, of year %d and month %d", d, d.Year(), d.Month())
	}
}

func TestDecodeCalendarRefuses(t *testing.T) {
	line := func(n int) string { return strings.SplitAfter(calendarStory, "\n")[n] }
	for _, tt := range []struct{ name, data, want string }{
		{"nothing", "", "calendar of 2026: it is not spelt as it is written"},
		{"half a line", calendarStory[:300], "calendar of 2026: after 1 days: broken at byte 102: unexpected EOF"},
		{"no end", strings.TrimSuffix(calendarStory, "\n"), "calendar of 2026: it is not spelt as it is written"},
		{"a day gone", strings.Replace(calendarStory, line(4), "", 1), "calendar of 2026: after 2 days: 2026-11-26 comes after 2026-11-24: want each day once, without a break"},
		{"a day in disorder", calendarStory + line(4), "calendar of 2026: after 4 days: 2026-11-25 comes after 2026-11-26: want each day once, without a break"},
		{"another year", strings.ReplaceAll(calendarStory, "2026-11", "2027-11"), "calendar of 2026: after 0 days: a row is of another year"},
		{"another version", strings.Replace(calendarStory, `"schema_version":1`, `"schema_version":2`, 1), "calendar of 2026: it is not spelt as it is written"},
		{"an unknown field", strings.Replace(calendarStory, `"status"`, `"colour":1,"status"`, 1), `calendar of 2026: after 0 days: json: unknown field "colour"`},
		{"another spelling", strings.Replace(calendarStory, `"status":"complete"`, `"status": "complete"`, 1), "calendar of 2026: it is not spelt as it is written"},
		{"a complete day without a number", strings.Replace(calendarStory, `"protected_resource_count":1,`, "", 1), "calendar of 2026: it is not spelt as it is written"},
		{"a hole with numbers", strings.Replace(calendarStory, `"missing","source_type":"DB",`, `"missing","source_type":"DB","protected_data_bytes":1,`, 1), "calendar of 2026: it is not spelt as it is written"},
		{"a negative number", strings.Replace(calendarStory, `"accounts_expected":1`, `"accounts_expected":-1`, 1), "calendar of 2026: after 0 days: accounts_expected is -1: want an integer from 0 to 9223372036854775807"},
		{"rows of a day that disagree", strings.Replace(calendarStory, `"accounts_expected":1`, `"accounts_expected":2`, 1), "calendar of 2026: it is not spelt as it is written"},
		{"a status that is none", strings.ReplaceAll(calendarStory, `"missing"`, `"fine"`), "calendar of 2026: after 1 days: a status is none"},
	} {
		if tt.data == calendarStory {
			t.Errorf("%s: the case changes nothing", tt.name)
		}
		if c, err := DecodeCalendar(2026, []byte(tt.data)); errorText(err) != tt.want {
			t.Errorf("%s: %v, error = %v, want %s", tt.name, c, err, tt.want)
		}
	}
}

// A calendar that decodes is encoded to itself.
func FuzzDecodeCalendar(f *testing.F) {
	f.Add([]byte(calendarStory))
	f.Add([]byte(strings.ReplaceAll(calendarStory, `"accounts_expected":1`, `"accounts_expected":01`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := DecodeCalendar(2026, data)
		if err != nil {
			return
		}
		if again, err := c.Encode(); err != nil || string(again) != string(data) {
			t.Fatalf("%q decodes, and is encoded to %q (error %v)", data, again, err)
		}
		for i, d := range c.Days {
			if d.Date != c.Days[0].Date+Date(i) || fmt.Sprint(d.Date.Year()) != "2026" {
				t.Fatalf("%q has the days %v", data, c.Days)
			}
		}
	})
}
