package report

import (
	"strings"
	"testing"
)

func date(t testing.TB, s string) Date {
	t.Helper()
	d, err := ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestKeys(t *testing.T) {
	d := date(t, "2026-11-23")
	for _, tt := range []struct{ got, want string }{
		{SnapshotKey(d, "1234567890123456", "ECS_FILE"), "snapshots/dt=2026-11-23/1234567890123456-ECS_FILE.json"},
		{SnapshotsOf(d), "snapshots/dt=2026-11-23/"},
		{RegionsKey(d), "regions/dt=2026-11-23/regions.jsonl"},
		{TotalsKey(d), "totals/dt=2026-11-23/totals.jsonl"},
		{DayKey(d), "days/2026-11-23.json"},
		{LatestKey, "latest.json"},
		{PageKey, "report/index.html"},
		{TrendKey, "report/trend.json"},
		{TrendCSVKey, "report/trend.csv"},
		{SchemaKey("day.v1.schema.json"), "schema/day.v1.schema.json"},
	} {
		if tt.got != tt.want {
			t.Errorf("key is %s, want %s", tt.got, tt.want)
		}
	}
}

func TestParseSnapshotKeyRefuses(t *testing.T) {
	const such = " is not a snapshot key: want such as snapshots/dt="
	for _, tt := range []struct{ name, key, want string }{
		{"nothing", "", `""` + such + "1970-01-01/1234567890123456-ECS_FILE.json"},
		{"another suffix", "snapshots/dt=2026-11-23/1-ECS_FILE.jsonl", `"snapshots/dt=2026-11-23/1-ECS_FILE.jsonl"` + such + "2026-11-23/1234567890123456-ECS_FILE.json"},
		{"no suffix", "snapshots/dt=2026-11-23/1-ECS_FILE", `"snapshots/dt=2026-11-23/1-ECS_FILE"` + such + "2026-11-23/1234567890123456-ECS_FILE.json"},
		{"a folder too many", "snapshots/dt=2026-11-23/x/1-ECS_FILE.json", `"snapshots/dt=2026-11-23/x/1-ECS_FILE.json"` + such + "2026-11-23/1234567890123456-ECS_FILE.json"},
		{"the folder of the day", "snapshots/dt=2026-11-23/", `"snapshots/dt=2026-11-23/"` + such + "2026-11-23/1234567890123456-ECS_FILE.json"},
		{"no such day", "snapshots/dt=2026-11-31/1-ECS_FILE.json", `"snapshots/dt=2026-11-31/1-ECS_FILE.json"` + such + "1970-01-01/1234567890123456-ECS_FILE.json"},
		{"no account", "snapshots/dt=2026-11-23/-ECS_FILE.json", `"snapshots/dt=2026-11-23/-ECS_FILE.json"` + such + "2026-11-23/1234567890123456-ECS_FILE.json"},
		{"a source type in small letters", "snapshots/dt=2026-11-23/1-ecs_file.json", `"snapshots/dt=2026-11-23/1-ecs_file.json"` + such + "2026-11-23/1234567890123456-ECS_FILE.json"},
		{"a hyphen too many", "snapshots/dt=2026-11-23/1-ECS-FILE.json", `"snapshots/dt=2026-11-23/1-ECS-FILE.json"` + such + "2026-11-23/1234567890123456-ECS_FILE.json"},
		{"the prefix twice", "snapshots/dt=snapshots/dt=2026-11-23/1-ECS_FILE.json", `"snapshots/dt=snapshots/dt=2026-11-23/1-ECS_FILE.json"` + such + "1970-01-01/1234567890123456-ECS_FILE.json"},
		{"another prefix", "regions/dt=2026-11-23/1-ECS_FILE.json", `"regions/dt=2026-11-23/1-ECS_FILE.json"` + such + "1970-01-01/1234567890123456-ECS_FILE.json"},
	} {
		if _, _, _, err := ParseSnapshotKey(tt.key); err == nil || err.Error() != tt.want {
			t.Errorf("%s: error = %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestParseDayKey(t *testing.T) {
	d := date(t, "2026-11-23")
	if got, err := ParseDayKey("days/2026-11-23.json"); got != d || err != nil {
		t.Errorf("ParseDayKey = %s, %v, want %s", got, err, d)
	}
	for _, key := range []string{"", "days/", "2026-11-23", "2026-11-23.json", "days/2026-11-23", "days/2026-11-23.jsonl", "days/2026-11-23.json.json", "days/x/2026-11-23.json", "days/2026-11-31.json"} {
		if _, err := ParseDayKey(key); err == nil || !strings.Contains(err.Error(), "is not the key of a day's record: want such as days/") {
			t.Errorf("ParseDayKey(%q): error = %v, want one that shows a key", key, err)
		}
	}
}

func TestCheckNamesInKeys(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"an account id", CheckAccount("1234567890123456"), ""},
		{"an account id that leaves its folder", CheckAccount("../1"), `"../1" is no account id: want letters and digits, such as 1234567890123456`},
		{"an account id with a hyphen", CheckAccount("1-2"), `"1-2" is no account id: want letters and digits, such as 1234567890123456`},
		{"an account id on two lines", CheckAccount("1\n"), `"1\n" is no account id: want letters and digits, such as 1234567890123456`},
		{"no account id", CheckAccount(""), `"" is no account id: want letters and digits, such as 1234567890123456`},
		{"an account id without end", CheckAccount(strings.Repeat("1", 65)), `"` + strings.Repeat("1", 65) + `" is no account id: want letters and digits, such as 1234567890123456`},
		{"a source type", CheckSourceType("ECS_FILE"), ""},
		{"a source type that is yet to come", CheckSourceType("OSS2"), ""},
		{"a source type in small letters", CheckSourceType("ecs_file"), `"ecs_file" is no source type: want capital letters, digits and _, such as ECS_FILE`},
		{"a source type that begins with a digit", CheckSourceType("2ECS"), `"2ECS" is no source type: want capital letters, digits and _, such as ECS_FILE`},
	} {
		got := ""
		if tt.err != nil {
			got = tt.err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: error = %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A key that is parsed is made again of its parts, and parts that may be in a
// key come back from it.
func FuzzParseSnapshotKey(f *testing.F) {
	f.Add("snapshots/dt=2026-11-23/1234567890123456-ECS_FILE.json", 20780, "1234567890123456", "ECS_FILE")
	f.Add("snapshots/dt=2026-11-23/1-ECS-FILE.json", 0, "../../days", "ecs_file")
	f.Add("days/2026-11-23.json", 0, "1", "A")
	f.Fuzz(func(t *testing.T, key string, day int, account, sourceType string) {
		if d, a, s, err := ParseSnapshotKey(key); err == nil && SnapshotKey(d, a, s) != key {
			t.Errorf("%q is parsed to %s %q %q, whose key is %q", key, d, a, s, SnapshotKey(d, a, s))
		}
		if d, err := ParseDate(key); err == nil && d.String() != key {
			t.Errorf("%q is read as the date %s", key, d)
		}
		if d, err := ParseDayKey(key); err == nil && DayKey(d) != key {
			t.Errorf("%q is parsed to %s, whose key is %q", key, d, DayKey(d))
		}
		const lastDay = 2932896 // 9999-12-31
		if d, err := ParseDayKey(DayKey(Date(day))); day >= 0 && day <= lastDay && (d != Date(day) || err != nil) {
			t.Errorf("ParseDayKey(%q) = %s, %v", DayKey(Date(day)), d, err)
		}
		if day < 0 || day > lastDay || CheckAccount(account) != nil || CheckSourceType(sourceType) != nil {
			return
		}
		key = SnapshotKey(Date(day), account, sourceType)
		if d, a, s, err := ParseSnapshotKey(key); d != Date(day) || a != account || s != sourceType || err != nil {
			t.Errorf("ParseSnapshotKey(%q) = %s %q %q, %v", key, d, a, s, err)
		}
	})
}
