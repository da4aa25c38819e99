package zones

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestChangedIn2026 holds what governments changed that year, which Go 1.26 and most
// images do not know: with older data the date of a snapshot is wrong for an hour a
// day, half of the year or for good.
func TestChangedIn2026(t *testing.T) {
	for _, tt := range []struct{ what, names, at, want string }{
		{"Morocco before it goes back to UTC", "Africa/Casablanca Africa/El_Aaiun", "2026-09-20T00:59:59Z", "2026-09-20T01:59:59+01:00"},
		{"Morocco at UTC", "Africa/Casablanca Africa/El_Aaiun", "2026-09-20T01:00:00Z", "2026-09-20T01:00:00Z"},
		{"Morocco in a later spring", "Africa/Casablanca Africa/El_Aaiun", "2027-06-01T23:30:00Z", "2027-06-01T23:30:00Z"},
		{"Alberta and the Northwest Territories stay on summer time", "America/Edmonton America/Inuvik America/Yellowknife Canada/Mountain", "2026-12-01T06:30:00Z", "2026-12-01T00:30:00-06:00"},
		{"British Columbia stays on summer time", "America/Vancouver Canada/Pacific", "2026-12-01T07:30:00Z", "2026-12-01T00:30:00-07:00"},
		{"Manitoba stays on summer time", "America/Winnipeg America/Rainy_River Canada/Central", "2026-12-01T05:30:00Z", "2026-12-01T00:30:00-05:00"},
		{"Cuba stays on summer time for a winter", "America/Havana Cuba", "2027-01-15T04:30:00Z", "2027-01-15T00:30:00-04:00"},
		{"Cuba in the winter after", "America/Havana Cuba", "2027-12-15T04:30:00Z", "2027-12-14T23:30:00-05:00"},
		{"Moldova changes with the European Union", "Europe/Chisinau Europe/Tiraspol", "2026-10-25T00:30:00Z", "2026-10-25T03:30:00+03:00"},

		{"China, where nothing changed", "Asia/Shanghai PRC Asia/Chongqing", "2026-11-23T16:00:00Z", "2026-11-24T00:00:00+08:00"},
		{"a rule that goes on for ever", "Europe/Berlin", "2126-07-01T22:30:00Z", "2126-07-02T00:30:00+02:00"},
	} {
		for name := range strings.FieldsSeq(tt.names) {
			zone, err := Load(name)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339, tt.at)
			if err != nil {
				t.Fatal(err)
			}
			if got := at.In(zone).Format(time.RFC3339); got != tt.want {
				t.Errorf("%s: %s is %s in %s, want %s", tt.what, tt.at, got, name, tt.want)
			}
		}
	}
}

// TestNames loads every name, and wants those that people still write though they
// are links to others, and the newest.
func TestNames(t *testing.T) {
	contents, _, _ := strings.Cut(data, "\n\n")
	names := strings.Split(contents, "\n")[1:]
	for i, line := range names {
		names[i], _, _ = strings.Cut(line, " ")
		if zone, err := Load(names[i]); err != nil || zone.String() != names[i] {
			t.Errorf("%q loads as %v, %v", names[i], zone, err)
		}
	}
	if len(names) < 590 {
		t.Errorf("there are %d names, want IANA's, some 600", len(names))
	}
	for _, name := range []string{
		"UTC", "GMT", "UCT", "Zulu", "Etc/GMT-14", "EST5EDT", "WET", "GB-Eire", "PRC", "ROC", "ROK", "W-SU", "NZ-CHAT", "US/Indiana-Starke",
		"America/Argentina/ComodRivadavia", "Asia/Calcutta", "Asia/Katmandu", "Asia/Rangoon", "Asia/Saigon", "Pacific/Truk", "Europe/Kiev", "Atlantic/Jan_Mayen",
		"Asia/Kolkata", "Europe/Kyiv", "America/Nuuk", "Pacific/Kanton", "America/Ciudad_Juarez", "America/Coyhaique",
	} {
		if zone, err := Load(name); err != nil || zone.String() != name {
			t.Errorf("%s loads as %v, %v", name, zone, err)
		}
	}
	if Release() < "2026f" || len(Release()) > 6 {
		t.Errorf("the release is %q, want 2026f or a newer one", Release())
	}
}

// TestMain sets up zones that are wrong, where Go looks first, and only once.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "zones")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		_, compiled, _ := strings.Cut(data, "\n\n")
		os.Mkdir(filepath.Join(dir, "Asia"), 0o755)
		for _, name := range []string{"Asia/Shanghai", "Mars"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(compiled[:130]), 0o644); err != nil { // that of Abidjan
				panic(err)
			}
		}
		os.Setenv("ZONEINFO", dir)
		return m.Run()
	}())
}

// TestNothingElseIsAsked wants the executable's own zones where ZONEINFO has others.
func TestNothingElseIsAsked(t *testing.T) {
	zone, err := Load("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	if _, east := time.Unix(1795436221, 0).In(zone).Zone(); east != 8*60*60 {
		t.Errorf("Asia/Shanghai is %d s east, want the executable's own", east)
	}
	if zone, err := Load("Mars"); err == nil {
		t.Errorf("Mars loads as %v", zone)
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, name := range []string{"", "Local", "local", "asia/shanghai", "Asia", "Asia/", "Shanghai", "Asia/Shanghai ", "Asia/Shanghai 1", "../Asia/Shanghai", "IANA", "Mars/Olympus", "Asia/Shanghai\nAsia/Singapore"} {
		if zone, err := Load(name); err == nil || !strings.Contains(err.Error(), "in IANA "+Release()) {
			t.Errorf("%q loads as %v, %v; want an error that names the release", name, zone, err)
		}
	}
}
