package report

import (
	"bytes"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// fullRecord has everything that a record can hold: an account that failed, one that was
// not asked, one without Cloud Backup and one that is left out, alerts, open and closed,
// with numbers of all kinds.
func fullRecord(t testing.TB) DayRecord {
	t.Helper()
	p := play(t, "")
	d := date(t, "2026-11-22")
	p.settle(d, "1/a=5 1/b=1 2/a=4 3/a=1 4/b=1 6/a=1 =1")
	p.settle(d+1, "1/a=3 2/a=4 3! 4~ 5?")
	r := p.settle(d+2, "1/a=4 2/a=4 3! 4~ 5?").Record
	reported := r.SnapshotDate + 1
	r.ReportedOn, r.Accounts.Excluded = &reported, []string{"9"}
	no := false
	r.Alerts[0].Items[0].Told = &no
	return r
}

func TestDayRecord(t *testing.T) {
	r := fullRecord(t)
	data, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "day.golden", data)
	back, err := DecodeDayRecord(data)
	if err != nil || !reflect.DeepEqual(back, r) {
		t.Errorf("decoded: %+v, %v, want %+v", back, err, r)
	}
}

// Zero, missing and gone are three things.
func TestDayWithoutSnapshotsHasNoNumbers(t *testing.T) {
	if zero := settled(t, Day{Snapshots: []Snapshot{snapshotOf("1", "ECS_FILE", 0, 0)}}); !slices.Equal(zero.Totals, []TypeTotal{{"ECS_FILE", Amount{}}}) {
		t.Errorf("an account that protects nothing: totals %v, want one of zeros", zero.Totals)
	}
	data, err := settled(t, Day{Known: Known{Due: pairs("1")}}).Encode()
	if err != nil || !bytes.Contains(data, []byte(`"totals":[]`)) || bytes.Contains(data, []byte("null")) {
		t.Errorf("a missing day is %s, %v, want an empty list of totals, and nothing null", data, err)
	}
}

// A record that is withdrawn vouches for nothing, keeps what only it knows, and is
// none of a day that lacks something.
func TestWithdraw(t *testing.T) {
	complete := fullRecord(t)
	complete.Status, complete.Cause, complete.DetectedAt = Complete, "", nil
	r := complete.Withdraw("it is being replaced", timeOf(t, "2026-11-23T20:17:01.482+08:00"))
	want := complete
	want.Status, want.Cause, want.Totals, want.Objects = Partial, "it is being replaced", []TypeTotal{}, []Object{}
	at := timeOf(t, "2026-11-23T12:17:01Z")
	want.DetectedAt = &at
	if !reflect.DeepEqual(r, want) {
		t.Errorf("the record is %+v, want %+v", r, want)
	}
	if partial := fullRecord(t); !r.Withdrawn() || complete.Withdrawn() || partial.Withdrawn() {
		t.Errorf("withdrawn: %v, a complete record: %v, one that lacks an account: %v; want the first alone", r.Withdrawn(), complete.Withdrawn(), partial.Withdrawn())
	}
	if len(complete.Objects) == 0 || complete.Status != Complete {
		t.Errorf("the record that was withdrawn is now %+v, want it as it was", complete)
	}
}

// Later days rest on a record once its day cannot come to anything else.
func TestStands(t *testing.T) {
	d := date(t, "2026-11-23")
	complete := settled(t, Day{Snapshots: []Snapshot{snapshotOf("1", "A", 1, 1)}})
	for _, tt := range []struct {
		name   string
		record DayRecord
		want   bool
	}{
		{"complete", complete, true},
		{"being replaced", complete.Withdraw("", timeOf(t, "2026-11-23T12:17:01Z")), false},
		{"missing so far", settled(t, Day{}), false},
		{"missing for ever", settled(t, Day{Known: Known{Over: true}}), true},
		{"as it was found before", settled(t, Day{Stored: &DayRecord{Status: Missing, Over: true}}), true},
		{"an earlier version reported it", settled(t, Day{Stored: &DayRecord{Status: Missing, ReportedOn: &d}}), true},
		{"an earlier version told of it", DayRecord{Status: Missing, Alerts: []Alert{{Rule: dayMissing}}}, true},
	} {
		if got := tt.record.Stands(); got != tt.want {
			t.Errorf("%s: it stands: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// What an earlier version left is read as it was meant, and what it told is not told
// again, in its own spelling or in today's.
func TestRecordsOfAnEarlierVersion(t *testing.T) {
	p := story(t, "data_dropped_percent=off", "1/a=8 2/a=5")
	d := date(t, "2026-11-24")
	stored, err := DecodeDayRecord([]byte(`{"schema":"day/v1","snapshot_date":"2026-11-24","time_zone":"Asia/Shanghai","status":"partial","accounts":{"expected":2,"collected":2,"failed":[],"not_activated":[],"not_attempted":[]},"totals":[],"objects":[],"alerts":[` +
		`{"rule":"day_missing","opened":"2026-11-22","items":[]},` +
		`{"rule":"quota_percent","opened":"2026-11-24","items":[{"account_id":"2","before":80,"after":85}]},` +
		`{"rule":"region_gone","opened":"2026-11-24","items":[{"source_type":"ECS_FILE","region_id":"b","before":0,"after":0}]},` +
		`{"rule":"resources_dropped","opened":"2026-11-24","items":[{"source_type":"ECS_FILE","before":13,"after":12},{"source_type":"ECS_FILE","region_id":"a","before":13,"after":12},{"account_id":"1","before":8,"after":7}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	p.tells = false
	p.links[d] = Link{Record: stored}
	opened, closed := p.settle(d, "1/a=7 2/a=5").Record.Untold()
	if got, want := spellAll(opened), ""; got != want {
		t.Errorf("told again is %q, want %q", got, want)
	}
	if got, want := changes([]DayRecord{{SnapshotDate: d, Closed: closed}}), "1-region_gone(corrected) 1-day_missing(complete) 1-quota_percent(corrected)"; got != want {
		t.Errorf("closed are %q, want %q", got, want)
	}
	p = play(t, "")
	p.links[d] = Link{Record: stored}
	if next, want := p.settle(d+1, "1/a=7 2/a=5").Record, "1-day_missing(complete) 1-quota_percent(below)"; changes([]DayRecord{next}) != want {
		t.Errorf("the day after closes %q, want %q", changes([]DayRecord{next}), want)
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
}

func TestNewObject(t *testing.T) {
	want := Object{"k", 3, 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}
	if got := NewObject("k", []byte("abc"), 1); got != want {
		t.Errorf("NewObject = %+v, want %+v", got, want)
	}
}

// Each case is a good record with one thing replaced.
func TestDecodeDayRecordRefuses(t *testing.T) {
	record := settled(t, Day{Date: date(t, "2026-11-23")})
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
	data, err := fullRecord(f).Encode()
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
