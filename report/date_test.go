package report

import (
	"encoding/json"
	"testing"
	"time"

	"backup-statistics/report/zones"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := zones.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestDateOf(t *testing.T) {
	for _, tt := range []struct{ name, instant, zone, want string }{
		{"the evening in UTC is the next day in Shanghai", "2026-11-22T17:30:00Z", "Asia/Shanghai", "2026-11-23"},
		{"the last second before midnight", "2026-11-23T15:59:59Z", "Asia/Shanghai", "2026-11-23"},
		{"midnight begins a day", "2026-11-23T16:00:00Z", "Asia/Shanghai", "2026-11-24"},
		{"an offset in the event changes nothing", "2026-11-23T23:30:00+08:00", "UTC", "2026-11-23"},
		{"a leap day", "2028-02-28T16:00:00Z", "Asia/Shanghai", "2028-02-29"},
		{"the day after a leap day", "2028-02-29T16:00:00Z", "Asia/Shanghai", "2028-03-01"},
		{"no leap day in a year like 2100", "2100-02-28T16:00:00Z", "Asia/Shanghai", "2100-03-01"},
		{"the end of a year", "2026-12-31T16:00:00Z", "Asia/Shanghai", "2027-01-01"},
		{"the year has not ended west of Greenwich", "2027-01-01T04:59:59Z", "America/New_York", "2026-12-31"},
		{"the short day, before its missing hour", "2026-03-08T06:59:59Z", "America/New_York", "2026-03-08"},
		{"the short day ends an hour sooner", "2026-03-09T04:00:00Z", "America/New_York", "2026-03-09"},
		{"the long day, in its hour that comes twice", "2026-11-01T06:30:00Z", "America/New_York", "2026-11-01"},
		{"the long day ends an hour later", "2026-11-02T04:59:59Z", "America/New_York", "2026-11-01"},
		{"a day that begins at one", "2018-11-04T03:00:00Z", "America/Sao_Paulo", "2018-11-04"},
		{"half an hour more", "2026-11-23T18:30:00Z", "Asia/Kolkata", "2026-11-24"},
		{"the day that Samoa left out", "2011-12-30T10:00:00Z", "Pacific/Apia", "2011-12-31"},
		{"before 1970", "1969-12-31T15:59:59Z", "Asia/Shanghai", "1969-12-31"},
	} {
		instant, err := time.Parse(time.RFC3339, tt.instant)
		if err != nil {
			t.Fatal(err)
		}
		if got := DateOf(instant, zone(t, tt.zone)).String(); got != tt.want {
			t.Errorf("%s: DateOf(%s, %s) = %s, want %s", tt.name, tt.instant, tt.zone, got, tt.want)
		}
	}
}

// Whatever the zone does to its clocks, every hour of ten years lies on the
// calendar day that package time names, and days count up one by one.
func TestDateOfEveryHour(t *testing.T) {
	for _, name := range []string{"Asia/Shanghai", "UTC", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"} {
		z := zone(t, name)
		at := time.Date(2010, 1, 1, 0, 0, 0, 0, z)
		last := DateOf(at, z)
		for end := at.AddDate(10, 0, 0); at.Before(end); at = at.Add(time.Hour) {
			d := DateOf(at, z)
			if got, want := d.String(), at.Format(time.DateOnly); got != want {
				t.Fatalf("DateOf(%s) = %s, want %s", at, got, want)
			}
			if d != last && d != last+1 && name != "Pacific/Apia" { // which left a day out
				t.Fatalf("DateOf(%s) = %s after %s", at, d, last)
			}
			last = d
		}
	}
}

// Every day of four centuries reads back as itself, and follows the day before
// as it does in package time.
func TestDateThereAndBack(t *testing.T) {
	first := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 400*365 + 97 {
		d := DateOf(first, time.UTC) + Date(i)
		if got, want := d.String(), first.AddDate(0, 0, i).Format(time.DateOnly); got != want {
			t.Fatalf("day %d is %s, want %s", i, got, want)
		}
		if back, err := ParseDate(d.String()); back != d || err != nil {
			t.Fatalf("ParseDate(%s) = %d, %v, want %d", d, back, err, d)
		}
	}
}

func TestParseDateRefuses(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "", `"" is no date: want YYYY-MM-DD, such as 2026-11-23`},
		{"a day that no year has", "2026-02-30", `"2026-02-30" is no date: want YYYY-MM-DD, such as 2026-11-23`},
		{"a leap day in another year", "2027-02-29", `"2027-02-29" is no date: want YYYY-MM-DD, such as 2026-11-23`},
		{"a month without its zero", "2026-1-23", `"2026-1-23" is no date: want YYYY-MM-DD, such as 2026-11-23`},
		{"an instant", "2026-11-23T00:00:00Z", `"2026-11-23T00:00:00Z" is no date: want YYYY-MM-DD, such as 2026-11-23`},
		{"a blank behind it", "2026-11-23 ", `"2026-11-23 " is no date: want YYYY-MM-DD, such as 2026-11-23`},
		{"a year of five digits", "02026-11-23", `"02026-11-23" is no date: want YYYY-MM-DD, such as 2026-11-23`},
	} {
		if d, err := ParseDate(tt.text); d != 0 || err == nil || err.Error() != tt.want {
			t.Errorf("%s: ParseDate = %d, %v, want %s", tt.name, d, err, tt.want)
		}
	}
}

func TestDateInDocuments(t *testing.T) {
	var d Date
	if err := json.Unmarshal([]byte(`"2026-11-23"`), &d); err != nil {
		t.Fatal(err)
	}
	if data, err := json.Marshal(d); err != nil || string(data) != `"2026-11-23"` {
		t.Errorf("json.Marshal = %s, %v", data, err)
	}
	if err := json.Unmarshal([]byte(`"23.11.2026"`), &d); err == nil {
		t.Error("another spelling was read")
	}
}
