package report

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// snapshotOf is what an account protects of a source type: so many bytes in so
// many instances.
func snapshotOf(account, sourceType string, bytes, count int64) Snapshot {
	return Snapshot{AccountID: account, SourceType: sourceType, Amount: Amount{bytes, count}}
}

func TestDayStatus(t *testing.T) {
	a, b := snapshotOf("1", "ECS_FILE", 10, 1), snapshotOf("2", "ECS_FILE", 20, 2)
	lost := []Failure{{"2", "ECS_FILE", "SourceError", "throttled"}}
	for _, tt := range []struct {
		name                string
		day                 Day
		status              string
		expected, collected int
	}{
		{"every account has its snapshot", Day{Snapshots: []Snapshot{a, b}, Expected: 2}, Complete, 2, 2},
		{"an account failed", Day{Snapshots: []Snapshot{a}, Expected: 2, Failed: lost}, Partial, 2, 1},
		{"an account failed that nobody counted", Day{Snapshots: []Snapshot{a}, Failed: lost}, Partial, 2, 1},
		{"an account is not there, nobody knows why", Day{Snapshots: []Snapshot{a}, Expected: 2}, Partial, 2, 1},
		{"one source type of an account failed", Day{Snapshots: []Snapshot{a, b, snapshotOf("2", "OSS", 1, 1)}, Expected: 2, Failed: lost}, Partial, 2, 1},
		{"one source type of the only account failed", Day{Snapshots: []Snapshot{snapshotOf("2", "OSS", 1, 1)}, Expected: 1, Failed: lost}, Partial, 1, 0},
		{"all failed", Day{Expected: 1, Failed: lost}, Missing, 1, 0},
		{"nothing is known", Day{}, Missing, 0, 0},
		{"an account more than expected", Day{Snapshots: []Snapshot{a, b}, Expected: 1}, Complete, 2, 2},
		{"an account has not activated the service", Day{Snapshots: []Snapshot{a}, Expected: 2, NotActivated: []string{"2"}}, Complete, 2, 1},
		{"one source type failed of an account that has not activated another", Day{Snapshots: []Snapshot{a}, Expected: 2, Failed: lost, NotActivated: []string{"2"}}, Partial, 2, 1},
		{"no run asked for an account", Day{Snapshots: []Snapshot{a}, Expected: 2, NotAttempted: []string{"2"}}, Partial, 2, 1},
		{"a run ended before an account's second source type", Day{Snapshots: []Snapshot{a, b}, Expected: 2, NotAttempted: []string{"2"}}, Partial, 2, 1},
		{"accounts that nobody counted", Day{Snapshots: []Snapshot{a}, NotActivated: []string{"2"}, NotAttempted: []string{"3"}}, Partial, 3, 1},
		{"two source types are one account", Day{Snapshots: []Snapshot{a, snapshotOf("1", "OSS", 1, 1)}, Expected: 1}, Complete, 1, 1},
	} {
		r, err := NewDayRecord(tt.day)
		if err != nil || r.Status != tt.status || r.Accounts.Expected != tt.expected || r.Accounts.Collected != tt.collected {
			t.Errorf("%s: %s, %d of %d accounts, %v, want %s, %d of %d", tt.name,
				r.Status, r.Accounts.Collected, r.Accounts.Expected, err, tt.status, tt.collected, tt.expected)
		}
	}
}

// fullDay has everything that a record can hold, in disorder.
func fullDay(t testing.TB) Day {
	t.Helper()
	first, second := exampleSnapshot(t), exampleSnapshot(t)
	second.AccountID = "2234567890123456"
	third := exampleSnapshot(t)
	third.SourceType = "DISK"
	reported := date(t, "2026-11-24")
	return Day{
		Date: first.SnapshotDate, TimeZone: "Asia/Shanghai", Snapshots: []Snapshot{second, first, third}, Expected: 5,
		Objects: []Object{NewObject("totals/dt=2026-11-23/totals.jsonl", []byte("{}\n"), 1), NewObject("regions/dt=2026-11-23/regions.jsonl", nil, 0)},
		Failed: []Failure{
			{"4234567890123456", "ECS_FILE", "SourceError", `cloud backup: NoPermission "<role>"`},
			{"2234567890123456", "OSS", "SourceError", "cloud backup: throttled"},
			{"2234567890123456", "DISK", "SourceError", "cloud backup: throttled"},
		},
		NotActivated: []string{"3234567890123456"}, NotAttempted: []string{"5234567890123456", "5234567890123456"},
		Cause: "SourceError: throttled", Detected: timeOf(t, "2026-11-23T20:17:01.482+08:00"), Reported: &reported,
	}
}

func TestDayRecord(t *testing.T) {
	r, err := NewDayRecord(fullDay(t))
	if err != nil {
		t.Fatal(err)
	}
	r.Alerts = []Alert{{"resources_dropped", date(t, "2026-11-23"), []AlertItem{{SourceType: "ECS_FILE", RegionID: "cn-hangzhou", Before: 5, After: 3}}}}
	data, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "day.golden", data)
	back, err := DecodeDayRecord(data)
	if err != nil || !reflect.DeepEqual(back, r) {
		t.Errorf("decoded: %+v, %v, want %+v", back, err, r)
	}

	day := fullDay(t)
	slices.Reverse(day.Snapshots)
	slices.Reverse(day.Objects)
	slices.Reverse(day.Failed)
	other, err := NewDayRecord(day)
	if other.Alerts = r.Alerts; err != nil || !reflect.DeepEqual(other, r) {
		t.Errorf("from another order: %+v, %v, want %+v", other, err, r)
	}
}

// Zero, missing and gone are three things.
func TestDayWithoutSnapshotsHasNoNumbers(t *testing.T) {
	zero, err := NewDayRecord(Day{Snapshots: []Snapshot{snapshotOf("1", "ECS_FILE", 0, 0)}, Expected: 1})
	if err != nil || !slices.Equal(zero.Totals, []TypeTotal{{"ECS_FILE", Amount{}}}) {
		t.Errorf("an account that protects nothing: totals %v, %v, want one of zeros", zero.Totals, err)
	}
	none, err := NewDayRecord(Day{Expected: 1})
	if err != nil {
		t.Fatal(err)
	}
	data, err := none.Encode()
	if err != nil || !bytes.Contains(data, []byte(`"totals":[]`)) || bytes.Contains(data, []byte("null")) {
		t.Errorf("a missing day is %s, %v, want an empty list of totals, and nothing null", data, err)
	}
}

// A record that is withdrawn vouches for nothing, keeps what only it knows, and is
// none of a day that lacks something.
func TestWithdraw(t *testing.T) {
	complete, err := NewDayRecord(Day{Snapshots: []Snapshot{snapshotOf("1", "ECS_FILE", 1, 1)}, Expected: 2, NotActivated: []string{"2"}, Objects: []Object{NewObject("a", nil, 1)}})
	if err != nil {
		t.Fatal(err)
	}
	complete.Alerts = []Alert{{Rule: "quota_percent", Items: []AlertItem{}}}
	r := complete.Withdraw("it is being replaced", timeOf(t, "2026-11-23T20:17:01.482+08:00"))
	got := fmt.Sprint(r.Status, len(r.Objects), len(r.Totals), r.Cause, r.DetectedAt.Format(time.RFC3339Nano), len(r.Alerts), r.Accounts)
	if want := fmt.Sprint(Partial, 0, 0, "it is being replaced", "2026-11-23T12:17:01Z", 1, complete.Accounts); got != want {
		t.Errorf("the record is %s, want %s", got, want)
	}
	partial, err := NewDayRecord(Day{Snapshots: []Snapshot{snapshotOf("1", "ECS_FILE", 1, 1)}, Expected: 2, Objects: []Object{NewObject("a", nil, 1)}})
	if err != nil || !r.Withdrawn() || complete.Withdrawn() || partial.Withdrawn() {
		t.Errorf("withdrawn: %v, a complete record: %v, one that lacks an account: %v (%v); want the first alone", r.Withdrawn(), complete.Withdrawn(), partial.Withdrawn(), err)
	}
	if len(complete.Objects) != 1 || complete.Status != Complete {
		t.Errorf("the record that was withdrawn is now %+v, want it as it was", complete)
	}
}

// What can be known of a complete day follows from its snapshots.
func TestCompleteDayHasNoCause(t *testing.T) {
	day := fullDay(t)
	day.Failed, day.NotAttempted, day.Expected = nil, nil, 3
	r, err := NewDayRecord(day)
	if err != nil || r.Status != Complete || r.Cause != "" || r.DetectedAt != nil || r.ReportedOn != nil {
		t.Errorf("the record is %+v, %v, want a complete one without cause", r, err)
	}
}

// Records are compared with what they are decoded to, so they must not hold what
// JSON can't.
func TestRecordOfAnyBytes(t *testing.T) {
	r, err := NewDayRecord(Day{Cause: "reset\xff", Failed: []Failure{{AccountID: "1", Message: "\xc3: reset"}}, Expected: 1})
	if err != nil || r.Cause != "reset\ufffd" || r.Accounts.Failed[0].Message != "\ufffd: reset" {
		t.Errorf("the record is %+v, %v, want its texts in UTF-8", r, err)
	}
}

func TestRecordNamesAccountsInOrder(t *testing.T) {
	r, err := NewDayRecord(Day{NotActivated: []string{"3", "1", "2", "1"}, NotAttempted: []string{"9", "8"}})
	if err != nil || !slices.Equal(r.Accounts.NotActivated, []string{"1", "2", "3"}) || !slices.Equal(r.Accounts.NotAttempted, []string{"8", "9"}) {
		t.Errorf("accounts are %+v, %v, want each once, sorted", r.Accounts, err)
	}
}

func TestTotalsOf(t *testing.T) {
	for _, tt := range []struct {
		name      string
		snapshots []Snapshot
		want      []TypeTotal
		err       string
	}{
		{"nothing", nil, []TypeTotal{}, ""},
		{"two types", []Snapshot{snapshotOf("1", "OSS", 1, 2), snapshotOf("1", "ECS_FILE", 3, 4), snapshotOf("2", "OSS", 5, 6)}, []TypeTotal{{"ECS_FILE", Amount{3, 4}}, {"OSS", Amount{6, 8}}}, ""},
		{"beyond what a float holds", []Snapshot{snapshotOf("1", "OSS", 1<<53, 0), snapshotOf("2", "OSS", 1, 0)}, []TypeTotal{{"OSS", Amount{1<<53 + 1, 0}}}, ""},
		{"up to the largest number", []Snapshot{snapshotOf("1", "OSS", math.MaxInt64-1, 0), snapshotOf("2", "OSS", 1, 0)}, []TypeTotal{{"OSS", Amount{math.MaxInt64, 0}}}, ""},
		{"beyond the largest number of bytes", []Snapshot{snapshotOf("1", "OSS", math.MaxInt64, 0), snapshotOf("2", "OSS", 1, 0)}, nil, "the sum of OSS over all accounts exceeds 2^63-1"},
		{"beyond the largest number of instances", []Snapshot{snapshotOf("1", "OSS", 0, 1), snapshotOf("2", "OSS", 0, math.MaxInt64)}, nil, "the sum of OSS over all accounts exceeds 2^63-1"},
	} {
		got, err := TotalsOf(tt.snapshots)
		if !slices.Equal(got, tt.want) || errorText(err) != tt.err {
			t.Errorf("%s: TotalsOf = %v, %v, want %v, %q", tt.name, got, err, tt.want, tt.err)
		}
	}
	if _, err := NewDayRecord(Day{Date: date(t, "2026-11-23"), Snapshots: []Snapshot{snapshotOf("1", "OSS", math.MaxInt64, 0), snapshotOf("2", "OSS", 1, 0)}}); errorText(err) != "record of 2026-11-23: the sum of OSS over all accounts exceeds 2^63-1" {
		t.Errorf("NewDayRecord of too much: error = %v", err)
	}
}

func TestNewObject(t *testing.T) {
	want := Object{"k", 3, 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}
	if got := NewObject("k", []byte("abc"), 1); got != want {
		t.Errorf("NewObject = %+v, want %+v", got, want)
	}
}

// Each case is a good record with one thing replaced.
func TestDecodeDayRecordRefuses(t *testing.T) {
	record, err := NewDayRecord(Day{Date: date(t, "2026-11-23"), TimeZone: "UTC"})
	if err != nil {
		t.Fatal(err)
	}
	data, err := record.Encode()
	if err != nil {
		t.Fatal(err)
	}
	good := string(data)
	if _, err := DecodeDayRecord(data); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, from, to, want string }{
		{"nothing", good, "", "nothing there: want a JSON object"},
		{"half a document", `,"totals"` + strings.SplitN(good, `,"totals"`, 2)[1], "", "broken at byte 174: unexpected EOF"},
		{"another schema", "day/v1", "day/v2", `schema "day/v2", want "day/v1"`},
		{"an unknown field", `"status"`, `"colour":"red","status"`, `json: unknown field "colour"`},
		{"a field in capitals", `"status"`, `"Status"`, "status is missing or null: want a value"},
		{"a name that stands twice", `"status"`, `"status":"complete","status"`, `"status" stands twice: want it once`},
		{"another status", `"missing"`, `"whole"`, `status is "whole": want complete, partial or missing`},
		{"no date", `"snapshot_date":"2026-11-23",`, "", "snapshot_date is missing or null: want a value"},
		{"a zone that is a number", `"UTC"`, "8", "json: cannot unmarshal number into Go struct field DayRecord.time_zone of type string"},
		{"no totals", `"totals":[],`, "", "totals is missing or null: want a value"},
		{"totals that are null", `"totals":[]`, `"totals":null`, "totals is missing or null: want a value"},
		{"a second document", "\n", "\n{}", `"{}" behind the object: want nothing there`},
		{"accounts that are not counted", `"expected":0,`, ``, "accounts.expected is missing or null: want a value"},
		{"a count of accounts in capitals", `"expected"`, `"Expected"`, "accounts.expected is missing or null: want a value"},
		{"a negative count of accounts", `"collected":0`, `"collected":-1`, "accounts.collected is -1: want an integer from 0 to 9223372036854775807"},
		{"a total without its numbers", `"totals":[]`, `"totals":[{"source_type":"ECS_FILE"}]`, "totals[0].protected_data_bytes is missing or null: want a value"},
		{"a total that is null", `"totals":[]`, `"totals":[null]`, `totals[0]: null: want a JSON object`},
		{"a name that is null", `"not_activated":[]`, `"not_activated":[null]`, "accounts.not_activated[0] is null: want a value"},
		{"an alert with a field nobody knows", `"alerts":[]`, `"alerts":[{"rule":"day_missing","opened":"2026-11-23","items":[],"colour":1}]`, `json: unknown field "alerts[0].colour"`},
	} {
		if !strings.Contains(good, tt.from) {
			t.Errorf("%s: the record has no %s", tt.name, tt.from)
			continue
		}
		r, err := DecodeDayRecord([]byte(strings.Replace(good, tt.from, tt.to, 1)))
		if errorText(err) != "decode day record: "+tt.want || !reflect.DeepEqual(r, DayRecord{}) {
			t.Errorf("%s: %+v, error = %v, want decode day record: %s", tt.name, r, err, tt.want)
		}
	}
}

// A record that decodes says the same when it is encoded, to itself: no count is
// made of what is absent.
func FuzzDecodeDayRecord(f *testing.F) {
	record, err := NewDayRecord(fullDay(f))
	if err != nil {
		f.Fatal(err)
	}
	record.Alerts = []Alert{{Rule: resourcesDropped, Opened: 20000, Items: []AlertItem{{RegionID: "a", Before: 5, After: 3}}}}
	data, err := record.Encode()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		string(data), strings.ReplaceAll(string(data), `"expected":5`, `"expected":-0`), strings.ReplaceAll(string(data), "accounts", "Accounts"),
		strings.ReplaceAll(string(data), `"objects":[`, `"objects":[{},null,`), strings.ReplaceAll(string(data), ":01Z", ":01.5+08:00"),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := DecodeDayRecord(data)
		if err != nil {
			return
		}
		first, err := r.Encode()
		if err != nil {
			t.Fatalf("%q decodes and can't be encoded: %v", data, err)
		}
		sameMeaning(t, data, first)
		back, err := DecodeDayRecord(first)
		if err != nil {
			t.Fatalf("%q decodes, but not what it is encoded to, %s: %v", data, first, err)
		}
		if second, err := back.Encode(); err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%q is encoded to %s, and that to %s (error %v)", data, first, second, err)
		}
	})
}
