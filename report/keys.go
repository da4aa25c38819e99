package report

import (
	"fmt"
	"strings"
)

// Keys of the documents that have one name; all keys are below the prefix.
const (
	LatestKey    = "latest.json"
	PageKey      = "report/index.html"
	TrendKey     = "report/trend.json"
	TrendCSVKey  = "report/trend.csv"
	SnapshotsDir = "snapshots/"
	DaysDir      = "days/"
	SchemaDir    = "schema/"
	CalendarDir  = "calendar/"
)

// CheckAccount refuses what cannot be an account id: it becomes part of a key.
func CheckAccount(id string) error {
	if !made(id, digits+lower+upper) {
		return fmt.Errorf("%.80q is no account id: want letters and digits, such as 1234567890123456", id)
	}
	return nil
}

// CheckSourceType refuses what cannot be a source type, by its form: the list of
// types is the service's, and it may grow.
func CheckSourceType(s string) error {
	if !made(s, digits+upper+"_") || !strings.Contains(upper, s[:1]) {
		return fmt.Errorf("%.80q is no source type: want capital letters, digits and _, such as ECS_FILE", s)
	}
	return nil
}

const (
	digits = "0123456789"
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// made tells whether a word of 1 to 64 bytes is made of these characters.
// (Patterns would be compiled at each cold start.)
func made(word, characters string) bool {
	return strings.Trim(word, characters) == "" && len(word) >= 1 && len(word) <= 64
}

// SnapshotsOf begins the keys of all snapshots of a day.
func SnapshotsOf(d Date) string { return SnapshotsDir + "dt=" + d.String() + "/" }

// SnapshotKey is where the snapshot of one account and source type is kept.
func SnapshotKey(d Date, account, sourceType string) string {
	return SnapshotsOf(d) + account + "-" + sourceType + ".json"
}

// ParseSnapshotKey is the inverse of SnapshotKey; it refuses every other key.
func ParseSnapshotKey(key string) (d Date, account, sourceType string, err error) {
	date, name, _ := strings.Cut(strings.TrimPrefix(key, SnapshotsDir+"dt="), "/")
	account, sourceType, _ = strings.Cut(strings.TrimSuffix(name, ".json"), "-")
	d, err = ParseDate(date)
	if err != nil || CheckAccount(account) != nil || CheckSourceType(sourceType) != nil ||
		SnapshotKey(d, account, sourceType) != key {
		return 0, "", "", otherKey{key, "a snapshot key", SnapshotKey(d, "1234567890123456", "ECS_FILE")}
	}
	return d, account, sourceType, nil
}

// An otherKey is one that is not what it was asked to be.
type otherKey struct{ key, asked, such string }

func (k otherKey) Error() string {
	return fmt.Sprintf("%.120q is not %s: want such as %s", k.key, k.asked, k.such)
}

// RegionsKey is where the day's table of regions is kept.
func RegionsKey(d Date) string { return "regions/dt=" + d.String() + "/regions.jsonl" }

// TotalsKey is where the day's table of totals is kept.
func TotalsKey(d Date) string { return "totals/dt=" + d.String() + "/totals.jsonl" }

// CalendarKey is where the calendar of a year is kept.
func CalendarKey(year int) string {
	return fmt.Sprintf("%syear=%04d/calendar.jsonl", CalendarDir, year)
}

// DayKey is where the day's record is kept.
func DayKey(d Date) string { return DaysDir + d.String() + ".json" }

// ParseDayKey is the inverse of DayKey; it refuses every other key.
func ParseDayKey(key string) (Date, error) {
	d, err := ParseDate(strings.TrimSuffix(strings.TrimPrefix(key, DaysDir), ".json"))
	if err != nil || DayKey(d) != key {
		return 0, otherKey{key, "the key of a day's record", DayKey(d)}
	}
	return d, nil
}
