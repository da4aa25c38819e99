package report

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const example = `{"schema":"snapshot/v1","snapshot_date":"2026-11-23","time_zone":"Asia/Shanghai",
 "account_id":"1234567890123456","source_type":"ECS_FILE","trigger":"timer",
 "scheduled_at":"2026-11-23T12:17:00Z","captured_at":"2026-11-23T12:17:01.482Z",
 "request_id":"EB526A5D-1FE2-51C1-B790-1732C1DBA969",
 "protected_data_bytes":42949672960,"protected_resource_count":5,
 "regions":[{"region_id":"cn-shenzhen","protected_data_bytes":42949672960,"protected_resource_count":5}],
 "regions_match_total":true,
 "response":` + exampleResponse + `}`

const exampleResponse = `{"RequestId":"EB526A5D-1FE2-51C1-B790-1732C1DBA969","Code":"200","Message":"successful","Success":true,"SourceType":"ECS_FILE","RegionStatistics":[{"RegionId":"cn-shenzhen","ProtectedDataSize":42949672960,"ProtectedResourceCount":5}],"GlobalStatistics":{"ProtectedDataSize":42949672960,"ProtectedResourceCount":5}}`

func timeOf(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// exampleSnapshot is what the example tells of, made as the function makes it:
// by a timer of another zone, and with a clock finer than a millisecond.
func exampleSnapshot(t testing.TB) Snapshot {
	t.Helper()
	return NewSnapshot(
		Occasion{date(t, "2026-11-23"), "Asia/Shanghai", Timer, timeOf(t, "2026-11-23T20:17:00+08:00")},
		"1234567890123456", "ECS_FILE", timeOf(t, "2026-11-23T20:17:01.482999999+08:00"),
		Statistics{
			RequestID: "EB526A5D-1FE2-51C1-B790-1732C1DBA969",
			Total:     Amount{42949672960, 5},
			Regions:   []Region{{"cn-shenzhen", Amount{42949672960, 5}}},
			Response:  json.RawMessage(exampleResponse),
		})
}

// bigSnapshot has what is easily spoilt: regions in disorder, numbers that no
// float holds, characters that HTML escapes, and no timer.
func bigSnapshot(t testing.TB) Snapshot {
	t.Helper()
	return NewSnapshot(
		Occasion{Date: date(t, "2028-02-29"), TimeZone: "UTC", Trigger: Manual},
		"acct9", "ECS_FILE", timeOf(t, "2028-02-29T23:59:59Z"),
		Statistics{
			RequestID: "<&> ",
			Total:     Amount{math.MaxInt64, 1<<53 + 1},
			Regions: []Region{
				{"cn-shenzhen", Amount{1, 0}},
				{"ap-southeast-1", Amount{math.MaxInt64 - 1<<53 - 2, 1 << 53}},
				{"cn-hangzhou", Amount{1<<53 + 1, 1}},
			},
			Response: json.RawMessage("{ \"Message\" : \"<&>\u2028\",\n \"New\": [1.50, 1e400] }"),
		})
}

func encode(t testing.TB, s Snapshot) []byte {
	t.Helper()
	data, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestEncodeSnapshot(t *testing.T) {
	data := encode(t, exampleSnapshot(t))
	golden(t, "snapshot.golden", data)
	var line bytes.Buffer
	if err := json.Compact(&line, []byte(example)); err != nil {
		t.Fatal(err)
	}
	if line.WriteByte('\n'); !bytes.Equal(data, line.Bytes()) {
		t.Errorf("Encode = %swant the example, %s", data, line.Bytes())
	}
	golden(t, "snapshot-big.golden", encode(t, bigSnapshot(t)))
}

func TestEncodeDecodeEncodeSnapshot(t *testing.T) {
	empty := exampleSnapshot(t)
	empty.Regions, empty.Amount = nil, Amount{}
	for _, s := range []Snapshot{exampleSnapshot(t), bigSnapshot(t), empty} {
		first := encode(t, s)
		back, err := DecodeSnapshot(first)
		if err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		if second := encode(t, back); !bytes.Equal(first, second) {
			t.Errorf("encoded, decoded and encoded is\n%swant\n%s", second, first)
		}
		if back.Amount != s.Amount || back.Key() != s.Key() {
			t.Errorf("decoded: %+v of %s, want %+v of %s", back.Amount, back.Key(), s.Amount, s.Key())
		}
	}
}

func TestEncodeLeavesTheSnapshotAlone(t *testing.T) {
	s := exampleSnapshot(t)
	at := timeOf(t, "2026-11-23T20:17:00+08:00")
	s.ScheduledAt, s.Regions = &at, []Region{{RegionID: "b"}, {RegionID: "a"}}
	encode(t, s)
	if s.Regions[0].RegionID != "b" || s.ScheduledAt.Format(time.RFC3339) != "2026-11-23T20:17:00+08:00" {
		t.Errorf("after Encode it is %+v", s)
	}
}

// One instant has one spelling, whatever the zone of the clock.
func TestEncodeWritesUTC(t *testing.T) {
	s := exampleSnapshot(t)
	want := encode(t, s)
	at := s.ScheduledAt.In(zone(t, "Asia/Kolkata"))
	s.ScheduledAt, s.CapturedAt = &at, s.CapturedAt.In(zone(t, "America/New_York"))
	if got := encode(t, s); !bytes.Equal(got, want) {
		t.Errorf("with clocks elsewhere Encode = %swant %s", got, want)
	}
}

func TestNewSnapshotLeavesItsArgumentsAlone(t *testing.T) {
	regions := []Region{{RegionID: "b"}, {RegionID: "a"}}
	s := NewSnapshot(Occasion{}, "1", "ECS_FILE", time.Now(), Statistics{Regions: regions})
	if s.Regions[0].RegionID != "a" || regions[0].RegionID != "b" {
		t.Errorf("regions are %v, and the argument %v", s.Regions, regions)
	}
}

func TestRegionsMatchTotal(t *testing.T) {
	for _, tt := range []struct {
		name    string
		total   Amount
		regions []Region
		want    bool
	}{
		{"nothing anywhere", Amount{}, nil, true},
		{"they add up", Amount{3, 2}, []Region{{"a", Amount{1, 1}}, {"b", Amount{2, 1}}}, true},
		{"a total without regions", Amount{3, 2}, nil, false},
		{"bytes differ", Amount{4, 2}, []Region{{"a", Amount{1, 1}}, {"b", Amount{2, 1}}}, false},
		{"instances differ", Amount{3, 1}, []Region{{"a", Amount{1, 1}}, {"b", Amount{2, 1}}}, false},
		{"up to the largest number", Amount{math.MaxInt64, 0}, []Region{{"a", Amount{math.MaxInt64 - 1, 0}}, {"b", Amount{1, 0}}}, true},
		{"beyond the largest number", Amount{math.MaxInt64, 0}, []Region{{"a", Amount{math.MaxInt64, 0}}, {"b", Amount{1, 0}}}, false},
		{"beyond it, and on", Amount{math.MinInt64 + 1, 0}, []Region{{"a", Amount{math.MaxInt64, 0}}, {"b", Amount{1, 0}}, {"c", Amount{1, 0}}}, false},
		{"apart by less than a float can tell", Amount{1<<53 + 1, 0}, []Region{{"a", Amount{1 << 53, 0}}}, false},
	} {
		s := NewSnapshot(Occasion{}, "1", "ECS_FILE", time.Time{}, Statistics{Total: tt.total, Regions: tt.regions})
		if s.RegionsMatchTotal != tt.want {
			t.Errorf("%s: regions_match_total is %v, want %v", tt.name, s.RegionsMatchTotal, tt.want)
		}
	}
}

// The first and the last instant that a snapshot can hold, and regions in disorder.
func TestDecodeSnapshotAtItsLimits(t *testing.T) {
	data := strings.NewReplacer(
		"2026-11-23T12:17:00Z", "1970-01-01T00:00:00Z", "2026-11-23T12:17:01.482Z", "9999-12-31T23:59:59.999Z",
		`"regions":[`, `"regions":[{"region_id":"d","protected_data_bytes":0,"protected_resource_count":0},{"region_id":"c","protected_data_bytes":0,"protected_resource_count":0},`,
	).Replace(example)
	s, err := DecodeSnapshot([]byte(data))
	if err != nil || s.ScheduledAt.Unix() != 0 || s.CapturedAt.Year() != 9999 {
		t.Errorf("captured at %v, due %v, error %v: want them as they stand there", s.CapturedAt, s.ScheduledAt, err)
	}
	if got := len(s.Regions); got != 3 || s.Regions[0].RegionID != "c" || s.Regions[1].RegionID != "cn-shenzhen" || s.Regions[2].RegionID != "d" {
		t.Errorf("regions are %v, want the three sorted by id", s.Regions)
	}
}

func TestEncodeRefusesWhatNoDocumentHolds(t *testing.T) {
	s := exampleSnapshot(t)
	s.CapturedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	if data, err := s.Encode(); data != nil || !strings.HasPrefix(errorText(err), "encode snapshot of 1234567890123456 ECS_FILE: ") {
		t.Errorf("Encode = %q, %v, want an error that names the snapshot", data, err)
	}
}

// Each case is the example with one thing replaced.
func TestDecodeSnapshotRefuses(t *testing.T) {
	const number = ": want an integer from 0 to 9223372036854775807"
	for _, tt := range []struct{ name, from, to, want string }{
		{"nothing", example, "", "nothing there: want a JSON object"},
		{"an array", example, "[]", "a list: want a JSON object"},
		{"null", example, "null", `schema "", want "snapshot/v1"`},
		{"half a document", `"regions"` + strings.SplitN(example, `"regions"`, 2)[1], "", "broken at byte 361: unexpected EOF"},
		{"two documents", example, example + "{}", `"{}" behind the object: want nothing there`},
		{"another schema", "snapshot/v1", "snapshot/v2", `schema "snapshot/v2", want "snapshot/v1"`},
		{"another document", "snapshot/v1", "day/v1", `schema "day/v1", want "snapshot/v1"`},
		{"no schema", `"schema":"snapshot/v1",`, ``, `schema "", want "snapshot/v1"`},
		{"an unknown field", `"trigger"`, `"colour":"red","trigger"`, `json: unknown field "colour"`},
		{"an unknown field of a region", `{"region_id"`, `{"zone":"a","region_id"`, `json: unknown field "regions[0].zone"`},
		{"a field in capitals", `"trigger"`, `"Trigger"`, `trigger is missing or null: want a value`},
		{"a field in capitals besides", `"trigger"`, `"PROTECTED_DATA_BYTES":7,"trigger"`, `json: unknown field "PROTECTED_DATA_BYTES"`},
		{"a field of a region in capitals besides", `{"region_id"`, `{"Region_ID":"x","region_id"`, `json: unknown field "regions[0].Region_ID"`},
		{"a name that stands twice", `"trigger"`, `"account_id":"1234567890123456","trigger"`, `"account_id" stands twice: want it once`},
		{"a name of a region that stands twice", `{"region_id"`, `{"region_id":"cn-shenzhen","region_id"`, `regions[0]: "region_id" stands twice: want it once`},
		{"invalid UTF-8", "successful", "\xff", "invalid UTF-8: want JSON in UTF-8"},

		{"no number of bytes", `"protected_data_bytes":42949672960,"protected_resource_count":5,` + "\n", `"protected_resource_count":5,`, "protected_data_bytes is missing or null: want a value"},
		{"no number of instances", `,"protected_resource_count":5,` + "\n", ",", "protected_resource_count is missing or null: want a value"},
		{"no number in a region", `,"protected_data_bytes":42949672960,"protected_resource_count":5}]`, `,"protected_resource_count":5}]`, "regions[0].protected_data_bytes is missing or null: want a value"},
		{"a number that is null", `"protected_data_bytes":42949672960`, `"protected_data_bytes":null`, "protected_data_bytes is missing or null: want a value"},
		{"a number of a region that is null", `5}]`, `null}]`, "regions[0].protected_resource_count is missing or null: want a value"},
		{"a negative number", `:42949672960`, `:-1`, "protected_data_bytes is -1" + number},
		{"a negative zero", `"protected_resource_count":5,`, `"protected_resource_count":-0,`, "protected_resource_count is -0" + number},
		{"a negative number in a region", `5}]`, `-5}]`, "regions[0].protected_resource_count is -5" + number},
		{"a fraction", `:42949672960`, `:1.5`, "protected_data_bytes is 1.5" + number},
		{"a whole fraction", `:42949672960`, `:42949672960.0`, "protected_data_bytes is 42949672960.0" + number},
		{"an exponent", `:42949672960`, `:1e3`, "protected_data_bytes is 1e3" + number},
		{"a number beyond the largest", `:42949672960`, `:9223372036854775808`, "protected_data_bytes is 9223372036854775808" + number},
		{"a number that is text", `:42949672960`, `:"42949672960"`, `protected_data_bytes is "42949672960"` + number},

		{"no regions", `"regions":[{"region_id":"cn-shenzhen","protected_data_bytes":42949672960,"protected_resource_count":5}],`, ``, "regions is missing or null: want a value"},
		{"regions that are null", `[{"region_id":"cn-shenzhen","protected_data_bytes":42949672960,"protected_resource_count":5}]`, `null`, "regions is missing or null: want a value"},
		{"a region that is null", `"regions":[`, `"regions":[null,`, `regions[0]: null: want a JSON object`},
		{"a region without id", `"region_id":"cn-shenzhen",`, ``, "regions[0].region_id is missing or null: want a value"},
		{"a region with an empty id", `"region_id":"cn-shenzhen",`, `"region_id":"",`, `region_id "" is empty or stands twice: want each region once`},
		{"a region that stands twice", `"regions":[`, `"regions":[{"region_id":"cn-shenzhen","protected_data_bytes":0,"protected_resource_count":0},`, `region_id "cn-shenzhen" is empty or stands twice: want each region once`},
		{"regions that do not match", `:true,` + "\n", `:false,`, "regions_match_total is false: want true, as the numbers say"},
		{"regions that only match a sum cut short", `:42949672960,"protected_resource_count":5,` + "\n" + ` "regions":[`, `:9223372036854775807,"protected_resource_count":5,"regions":[{"region_id":"a","protected_data_bytes":9223372036854775807,"protected_resource_count":0},`, "regions_match_total is true: want false, as the numbers say"},
		{"no word on whether regions match", `"regions_match_total":true,`, ``, "regions_match_total is missing or null: want a value"},

		{"no date", `"snapshot_date":"2026-11-23",`, ``, "snapshot_date is missing or null: want a value"},
		{"a date that is null", `"2026-11-23"`, `null`, "snapshot_date is missing or null: want a value"},
		{"no such date", `"2026-11-23"`, `"2026-11-31"`, `"2026-11-31" is no date: want YYYY-MM-DD, such as 2026-11-23`},
		{"an account id that is a number", `"1234567890123456"`, `1234567890123456`, "json: cannot unmarshal number into Go struct field Snapshot.account_id of type string"},
		{"an account id that leaves its folder", `"1234567890123456"`, `"../latest"`, `account_id: "../latest" is no account id: want letters and digits, such as 1234567890123456`},
		{"another source type", `"source_type":"ECS_FILE"`, `"source_type":"ecs"`, `source_type: "ecs" is no source type: want capital letters, digits and _, such as ECS_FILE`},
		{"another trigger", `"timer"`, `"cron"`, `trigger is "cron": want timer or manual`},
		{"no zone", `"Asia/Shanghai"`, `""`, "time_zone is empty: want an IANA name, such as Asia/Shanghai"},
		{"no request id", `"request_id":"EB526A5D-1FE2-51C1-B790-1732C1DBA969"`, `"request_id":""`, "request_id is empty: want the id of the service's answer"},
		{"no instant", `"captured_at":"2026-11-23T12:17:01.482Z",`, ``, "captured_at is missing or null: want a value"},
		{"an instant without zone", `12:17:01.482Z`, `12:17:01.482`, `parsing time "2026-11-23T12:17:01.482" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00"`},
		{"an instant before there were any", `2026-11-23T12:17:01.482Z`, `0001-01-01T00:00:00Z`, "captured_at is 0001-01-01T00:00:00Z: want an instant from 1970 to 9999 UTC"},
		{"an instant just before 1970", `2026-11-23T12:17:01.482Z`, `1970-01-01T00:59:59+01:00`, "captured_at is 1969-12-31T23:59:59Z: want an instant from 1970 to 9999 UTC"},
		{"a due time beyond all years", `2026-11-23T12:17:00Z`, `9999-12-31T23:59:59-01:00`, "scheduled_at is 10000-01-01T00:59:59Z: want an instant from 1970 to 9999 UTC"},
		{"a due time that is null", `"2026-11-23T12:17:00Z"`, `null`, "scheduled_at is missing or null: want a value"},
		{"no answer", `"response":` + exampleResponse, `"response":null`, "response is missing or null: want a value"},
		{"an answer that is no object", `"response":` + exampleResponse, `"response":[]`, "response is no JSON object: want the service's answer"},
	} {
		if !strings.Contains(example, tt.from) {
			t.Errorf("%s: the example has no %s", tt.name, tt.from)
			continue
		}
		data := strings.Replace(example, tt.from, tt.to, 1)
		s, err := DecodeSnapshot([]byte(data))
		if err == nil || err.Error() != "decode snapshot: "+tt.want {
			t.Errorf("%s: error = %v, want decode snapshot: %s", tt.name, err, tt.want)
		}
		if !reflect.DeepEqual(s, Snapshot{}) {
			t.Errorf("%s: besides the error there is %+v", tt.name, s)
		}
	}
}

// Whatever decodes is encoded to a line that says the same, decodes to the same
// and is encoded to itself.
func FuzzDecodeSnapshot(f *testing.F) {
	f.Add([]byte(example))
	f.Add(encode(f, exampleSnapshot(f)))
	f.Add(encode(f, bigSnapshot(f)))
	f.Add([]byte(strings.ReplaceAll(example, "timer", "manual")))
	f.Add([]byte(strings.ReplaceAll(example, "01.482Z", "01.482+23:59")))
	f.Add([]byte(strings.Replace(example, "protected", "PROTECTED", 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := DecodeSnapshot(data)
		if err != nil {
			return
		}
		first := encode(t, s)
		back, err := DecodeSnapshot(first)
		if err != nil {
			t.Fatalf("%q decodes, but not what it is encoded to, %s: %v", data, first, err)
		}
		if second := encode(t, back); !bytes.Equal(first, second) {
			t.Fatalf("%q is encoded to %s, and that to %s", data, first, second)
		}
		sameMeaning(t, data, first)
	})
}

// sameMeaning wants two documents to say the same to a reader that knows nothing
// of ours: equal fields with numbers in equal spelling, but for the zone that an
// instant is told in and the order of regions.
func sameMeaning(t *testing.T, a, b []byte) {
	t.Helper()
	if was, is := meaning(t, a), meaning(t, b); !reflect.DeepEqual(was, is) {
		t.Fatalf("%q says\n%v, and what it is encoded to\n%v", a, was, is)
	}
}

func meaning(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var object map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&object); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"scheduled_at", "captured_at", "detected_at"} {
		if text, ok := object[name].(string); ok {
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				t.Fatal(err)
			}
			object[name] = at.UTC().Format(time.RFC3339Nano)
		}
	}
	if regions, ok := object["regions"].([]any); ok {
		id := func(region any) string { return region.(map[string]any)["region_id"].(string) }
		slices.SortFunc(regions, func(a, b any) int { return strings.Compare(id(a), id(b)) })
	}
	return object
}
