package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func trendOf(t testing.TB, s TrendSettings, days []Facts) Trend {
	t.Helper()
	trend, err := NewTrend(s, days)
	if err != nil {
		t.Fatal(err)
	}
	return trend
}

func TestNewFacts(t *testing.T) {
	c := capture(t, date(t, "2026-11-23"), "2/b=1 2/a=2 1/a=3 1/DB:a=4 1/=5")
	largest := int64(12 * tenGiB)
	want := Facts{
		Day: TrendDay{
			Date: date(t, "2026-11-23"), Status: Complete, LargestAccountBytes: &largest,
			Totals:  []TypeTotal{{"DB", Amount{4 * tenGiB, 4}}, {"ECS_FILE", Amount{11 * tenGiB, 11}}},
			Regions: []TypeRegion{{"DB", Region{"a", Amount{4 * tenGiB, 4}}}, {"ECS_FILE", Region{"a", Amount{5 * tenGiB, 5}}}, {"ECS_FILE", Region{"b", Amount{tenGiB, 1}}}},
		},
		Fleet:      Accounts{Expected: 2, Collected: 2, Failed: []Failure{}, NotActivated: []string{}, NotAttempted: []string{}},
		Accounts:   []AccountTotal{{"1", Amount{12 * tenGiB, 12}}, {"2", Amount{3 * tenGiB, 3}}},
		Mismatches: []AlertItem{{SourceType: "ECS_FILE", AccountID: "1", Before: 8 * tenGiB, After: 3 * tenGiB}},
	}
	if !reflect.DeepEqual(c.facts, want) {
		t.Errorf("facts are\n%+v, want\n%+v", c.facts, want)
	}

	hole := capture(t, date(t, "2026-11-23"), "% 1/a=3").facts
	if d := hole.Day; d.Status != Partial || d.Cause != "SourceError: denied" || d.LargestAccountBytes != nil ||
		len(d.Totals)+len(d.Regions)+len(hole.Accounts)+len(hole.Mismatches) > 0 || d.Totals == nil || d.Regions == nil {
		t.Errorf("a partial day's facts are %+v, want its cause and no numbers", hole)
	}
}

func TestNewFactsOfNothingProtected(t *testing.T) {
	f := capture(t, 20000, "1/a=0 2/=0").facts
	if n := f.Day.LargestAccountBytes; n == nil || *n != 0 || len(f.Accounts) != 2 || len(f.Day.Regions) != 1 {
		t.Errorf("facts are %+v, want zeros of two accounts and a region", f)
	}
}

func TestNewFactsSorts(t *testing.T) {
	var places []string
	for i := range 26 {
		places = append(places, fmt.Sprintf("%d/%c=1 %d/DB:%c=1", 26-i, 'z'-rune(i), i, 'a'+rune(i)))
	}
	f := capture(t, 20000, strings.Join(places, " ")).facts
	byPlace := func(a, b TypeRegion) int {
		return strings.Compare(a.SourceType+" "+a.RegionID, b.SourceType+" "+b.RegionID)
	}
	byID := func(a, b AccountTotal) int { return strings.Compare(a.AccountID, b.AccountID) }
	if len(f.Day.Regions) != 52 || !slices.IsSortedFunc(f.Day.Regions, byPlace) || len(f.Accounts) != 27 || !slices.IsSortedFunc(f.Accounts, byID) {
		t.Errorf("regions are %v, accounts %v; want all of them sorted", f.Day.Regions, f.Accounts)
	}
}

func TestRegionsAppearOnce(t *testing.T) {
	days := trendOf(t, settings(t, ""), story(t, "a=1 DB:a=1 | b=1 DB:b=1 a=1 DB:c=1")).Days
	if got := fmt.Sprint(days[1].Appeared, days[1].Vanished); got != "[b c] []" {
		t.Errorf("appeared and vanished are %s, want [b c] []", got)
	}
}

func TestNewFactsCapsSums(t *testing.T) {
	const most = 1<<63 - 1
	snapshots := []Snapshot{
		NewSnapshot(Occasion{}, "1", "DB", time.Time{}, Statistics{Total: Amount{most, 1}, Regions: []Region{{"a", Amount{most, 1}}, {"b", Amount{most, 0}}}}),
		NewSnapshot(Occasion{}, "1", "ECS_FILE", time.Time{}, Statistics{Total: Amount{most, 1}}),
	}
	record, err := NewDayRecord(Day{Snapshots: snapshots})
	if err != nil {
		t.Fatal(err)
	}
	f, err := NewFacts(record, snapshots)
	if want := []AccountTotal{{"1", Amount{most, 2}}}; err != nil || !slices.Equal(f.Accounts, want) || *f.Day.LargestAccountBytes != most {
		t.Errorf("accounts are %v, largest %d, error %v; want %v", f.Accounts, *f.Day.LargestAccountBytes, err, want)
	}
	want := []AlertItem{{"DB", "1", "", most, most}, {"ECS_FILE", "1", "", most, 0}}
	if !slices.Equal(f.Mismatches, want) {
		t.Errorf("mismatches are %v, want %v", f.Mismatches, want)
	}
}

func TestNewFactsRefuses(t *testing.T) {
	d := date(t, "2026-11-23")
	c := capture(t, d, "1/a=3 2/a=4")
	record, err := NewDayRecord(Day{Date: d, Snapshots: c.snapshots})
	if err != nil {
		t.Fatal(err)
	}
	next := capture(t, d+1, "1/a=3 2/a=4")
	for _, tt := range []struct {
		name      string
		snapshots []Snapshot
		want      string
	}{
		{"none of a complete day", nil, "facts of 2026-11-23: its snapshots do not add up to the totals of its record: want those that the record is of"},
		{"half of them", c.snapshots[:1], "facts of 2026-11-23: its snapshots do not add up to the totals of its record: want those that the record is of"},
		{"another day's", next.snapshots, "facts of 2026-11-23: a snapshot is of 2026-11-24: want those of the day"},
	} {
		if _, err := NewFacts(record, tt.snapshots); errorText(err) != tt.want {
			t.Errorf("%s: error = %v, want %s", tt.name, err, tt.want)
		}
	}
	if _, err := NewFacts(DayRecord{SnapshotDate: d, Status: Complete}, nil); err == nil {
		t.Error("a complete day of nothing: no error, want one: zeros would look like a loss")
	}
}

func TestParseTotals(t *testing.T) {
	table, err := TotalsTable(capture(t, date(t, "2026-11-23"), "2/a=2 1/a=3 1/DB:a=4").snapshots)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseTotals(table.Data)
	if want := []AccountTotal{{"1", Amount{7 * tenGiB, 7}}, {"2", Amount{2 * tenGiB, 2}}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("ParseTotals = %v, error %v; want %v", got, err, want)
	}
}

func TestParseTotalsRefuses(t *testing.T) {
	const row = `{"schema_version":1,"snapshot_date":"2026-11-23","captured_at":"2026-11-23T12:17:01Z","captured_unix":1795436221,"account_id":"1","source_type":"ECS_FILE","protected_data_bytes":1,"protected_resource_count":1,"region_count":1,"regions_match_total":true}` + "\n"
	for _, tt := range []struct{ name, data, want string }{
		{"nothing", "", "totals: the last line does not end: want the whole table"},
		{"half a line", row[:90], "totals: the last line does not end: want the whole table"},
		{"a row twice", row + row, "totals: line 2: 1 ECS_FILE stands twice: want each account and source type once"},
		{"another day", row + strings.NewReplacer("11-23", "11-24", `"1"`, `"2"`).Replace(row), "totals: line 2: snapshot_date is 2026-11-24, and 2026-11-23 on line 1: want one day"},
		{"another version", strings.Replace(row, ":1,", ":2,", 1), "totals: line 1: schema_version is 2: want 1"},
		{"a number missing", strings.Replace(row, `"protected_resource_count":1,`, "", 1), "totals: line 1: protected_resource_count is missing or null: want a value"},
		{"a number that is none", strings.Replace(row, `"protected_data_bytes":1`, `"protected_data_bytes":-1`, 1), "totals: line 1: protected_data_bytes is -1: want an integer from 0 to 9223372036854775807"},
		{"an unknown field", strings.Replace(row, `{`, `{"colour":1,`, 1), `totals: line 1: json: unknown field "colour"`},
		{"an empty line", row + "\n", "totals: line 2: nothing there: want a JSON object"},
	} {
		if got, err := ParseTotals([]byte(tt.data)); errorText(err) != tt.want || got != nil {
			t.Errorf("%s: ParseTotals = %v, error %v; want %s", tt.name, got, err, tt.want)
		}
	}
}

// A table that is read has a row a line, each as a reader that knows nothing of
// ours takes it, and the accounts are their sums: none is lost and none made up.
func FuzzParseTotals(f *testing.F) {
	table, err := TotalsTable(capture(f, 20000, "2/a=2 1/a=3 1/DB:a=4").snapshots)
	if err != nil {
		f.Fatal(err)
	}
	first, _, _ := bytes.Cut(table.Data, []byte("\n"))
	for _, seed := range []string{
		string(table.Data), string(table.Data) + "\n", string(first), "\n", "{}\n", string(first) + "\r\n",
		strings.ReplaceAll(string(table.Data), `"region_count":1`, `"region_count":-0`),
		strings.ReplaceAll(string(table.Data), `bytes":10737418240`, `bytes":9223372036854775807`),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		accounts, err := ParseTotals(data)
		if err != nil {
			return
		}
		sums := make(map[string]*big.Int)
		for line := range strings.SplitSeq(strings.TrimSuffix(string(data), "\n"), "\n") {
			var row TotalRow
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatalf("%q is accepted: %v", line, err)
			}
			again, err := encodeLine(row)
			if err != nil {
				t.Fatal(err)
			}
			sameMeaning(t, []byte(line), again)
			if sums[row.AccountID] == nil {
				sums[row.AccountID] = new(big.Int)
			}
			sums[row.AccountID].Add(sums[row.AccountID], big.NewInt(row.ProtectedDataBytes))
		}
		if len(accounts) != len(sums) {
			t.Fatalf("%q: %d accounts, want %d", data, len(accounts), len(sums))
		}
		for _, a := range accounts {
			want := sums[a.AccountID]
			if most := big.NewInt(math.MaxInt64); want != nil && want.Cmp(most) > 0 {
				want = most
			}
			if want == nil || want.Cmp(big.NewInt(a.ProtectedDataBytes)) != 0 {
				t.Fatalf("%q: account %q has %d bytes, want %v", data, a.AccountID, a.ProtectedDataBytes, want)
			}
		}
	})
}

func TestTrendGolden(t *testing.T) {
	for _, tt := range []struct{ name, days string }{
		{"trend-first-day.json", "2/a=1 1/a=2 1/b=1"},
		{"trend-first-hole.json", "?"},
		{"trend-story.json", "1/a=5 1/b=1 2/a=1 | 1/a=5 1/b=1 2/a=1 1/=1 | ? | % 1/a=1 | 1/a=3 1/c=6 2/a=1 | 1/a=5 1/b=1 2/a=1 9/DB:a=0"},
	} {
		data := encoded(t, trendOf(t, settings(t, ""), story(t, tt.days)))
		golden(t, tt.name, data)
		if again := encoded(t, plain(t, data)); !bytes.Equal(again, data) {
			t.Errorf("%s: decoded and encoded again it is\n%s", tt.name, again)
		}
	}
}

func TestTrendDays(t *testing.T) {
	days := story(t, "a=1 b=2 | ? | b=2 c=0 DB:d=1 | % a=1 | a=1")
	days = slices.Delete(days, 1, 2)
	slices.Reverse(days) // whatever the order they come in
	trend := trendOf(t, settings(t, ""), days)
	var got []string
	for _, d := range trend.Days {
		got = append(got, fmt.Sprintf("%s %s appeared %v vanished %v %s", d.Date, d.Status, d.Appeared, d.Vanished, d.Cause))
	}
	want := []string{
		"2026-11-23 complete appeared [] vanished [] ",
		"2026-11-24 missing appeared [] vanished [] no record",
		"2026-11-25 complete appeared [c d] vanished [a] ",
		"2026-11-26 partial appeared [] vanished [] SourceError: denied",
		"2026-11-27 complete appeared [a] vanished [b c d] ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("days are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestNewTrendRefuses(t *testing.T) {
	d := date(t, "2026-11-23")
	for _, tt := range []struct {
		name string
		days []Facts
		want string
	}{
		{"no days", nil, "trend: no days: want at least one"},
		{"a day twice", []Facts{NoRecord(d), NoRecord(d + 1), NoRecord(d)}, "trend: 2026-11-23 stands twice: want each day once"},
		{"a day more than a hundred years", []Facts{NoRecord(d), NoRecord(d + 36525)}, "trend: days from 2026-11-23 to 2126-11-24: want at most 36525"},
		{"a mistyped year", []Facts{NoRecord(date(t, "1026-11-23")), NoRecord(d)}, "trend: days from 1026-11-23 to 2026-11-23: want at most 36525"},
	} {
		if _, err := NewTrend(settings(t, ""), tt.days); errorText(err) != tt.want {
			t.Errorf("%s: error = %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestTrendGaps(t *testing.T) {
	for _, tt := range []struct{ name, days, want string }{
		{"none", "a=1 | a=1", "[]"},
		{"one day", "a=1 | ? | a=1", "[2026-11-24..2026-11-24 missing SourceError: the service is down]"},
		{"ten days", "a=1 | ? x 10 | a=1", "[2026-11-24..2026-12-03 missing SourceError: the service is down]"},
		{"a partial day within", "a=1 | ? | % a=1 | ? | a=1", "[2026-11-24..2026-11-26 partial SourceError: the service is down]"},
		{"two of them, the first and the last day", "% a=1 | a=1 | ?", "[2026-11-23..2026-11-23 partial SourceError: denied 2026-11-25..2026-11-25 missing SourceError: the service is down]"},
	} {
		var got []string
		for _, g := range trendOf(t, settings(t, ""), story(t, tt.days)).Gaps {
			got = append(got, fmt.Sprintf("%s..%s %s %s", g.From, g.To, g.Status, g.Cause))
		}
		if fmt.Sprint(got) != tt.want {
			t.Errorf("%s: gaps are %v, want %s", tt.name, got, tt.want)
		}
	}
}

func TestDeltas(t *testing.T) {
	first := date(t, "2028-02-28") // a leap year
	grow := func(n int) (days []Facts) {
		for i := range n {
			days = append(days, capture(t, first+Date(i), fmt.Sprintf("a=%d", i+1)).facts)
		}
		return days
	}
	without := func(days []Facts, gone ...int) []Facts {
		for _, i := range gone {
			days[i] = NoRecord(days[i].Day.Date)
		}
		return days
	}
	for _, tt := range []struct {
		name string
		days []Facts
		want string
	}{
		{"a first day", grow(1), "[]"},
		{"a leap day", grow(3), "[1 since 2028-02-29: [{ECS_FILE {10737418240 1}}]]"},
		{"a week", grow(8), "[1 since 2028-03-05: [{ECS_FILE {10737418240 1}}] 7 since 2028-02-28: [{ECS_FILE {75161927680 7}}]]"},
		{"all of them", without(grow(91), 89), "[7 since 2028-05-21: [{ECS_FILE {75161927680 7}}] " +
			"30 since 2028-04-28: [{ECS_FILE {322122547200 30}}] 90 since 2028-02-28: [{ECS_FILE {966367641600 90}}]]"},
		{"a hole at the other end", without(grow(8), 0), "[1 since 2028-03-05: [{ECS_FILE {10737418240 1}}]]"},
		{"from the newest complete day", without(grow(4), 3), "[1 since 2028-02-29: [{ECS_FILE {10737418240 1}}]]"},
		{"a fall", story(t, "a=3 | a=1"), "[1 since 2026-11-23: [{ECS_FILE {-21474836480 -2}}]]"},
		{"a source type that is new", story(t, "a=3 | a=3 DB:a=1"), "[1 since 2026-11-23: [{ECS_FILE {0 0}}]]"},
		{"no source type in common", story(t, "DB:a=3 | a=3"), "[]"},
		{
			"the year's end",
			[]Facts{capture(t, date(t, "2026-12-31"), "a=1").facts, capture(t, date(t, "2027-01-01"), "a=2").facts},
			"[1 since 2026-12-31: [{ECS_FILE {10737418240 1}}]]",
		},
	} {
		var got []string
		for _, d := range trendOf(t, settings(t, ""), tt.days).Deltas {
			got = append(got, fmt.Sprintf("%d since %s: %v", d.Days, d.Since, d.Totals))
		}
		if fmt.Sprint(got) != tt.want {
			t.Errorf("%s: deltas are %v, want %s", tt.name, got, tt.want)
		}
	}
}

// uses are complete days in a row on which the largest account uses so much; a
// negative use is a hole.
func uses(t testing.TB, all ...int64) (days []Facts) {
	t.Helper()
	for i, n := range all {
		d := date(t, "2026-11-23") + Date(i)
		if n < 0 {
			days = append(days, NoRecord(d))
			continue
		}
		f := capture(t, d, "1/a=1 2/a=0").facts
		f.Accounts[0].ProtectedDataBytes, *f.Day.LargestAccountBytes = n, n
		days = append(days, f)
	}
	return days
}

func TestFreeQuota(t *testing.T) {
	const gib, quota = 1 << 30, 107374182400
	for _, tt := range []struct {
		name              string
		use               int64
		left, over        int64
		percent           int64
		alertAt100, at101 bool
	}{
		{"a byte below", quota - 1, 1, 0, 99, false, false},
		{"just all of it", quota, 0, 0, 100, true, false},
		{"a byte above", quota + 1, 0, 1, 100, true, false},
		{"the bill's example below it", 80 * gib, 20 * gib, 0, 80, false, false},
		{"the bill's example above it", 120 * gib, 0, 20 * gib, 120, true, true},
		{"nothing", 0, quota, 0, 0, false, false},
	} {
		s := settings(t, "quota_percent=100")
		s.QuotaBytes = quota
		trend := trendOf(t, s, uses(t, tt.use))
		want := QuotaUse{AccountID: "1", Quota: Quota{quota, tt.use, tt.left, tt.over, tt.percent}}
		if *trend.FreeQuota != want || len(trend.Alerts) > 0 != tt.alertAt100 {
			t.Errorf("%s: %+v, alerts %v; want %+v, alert %v", tt.name, *trend.FreeQuota, trend.Alerts, want, tt.alertAt100)
		}
		s.Rules.QuotaPercent = 101
		if trend := trendOf(t, s, uses(t, tt.use)); len(trend.Alerts) > 0 != tt.at101 {
			t.Errorf("%s: at 101 percent alerts %v, want %v", tt.name, trend.Alerts, tt.at101)
		}
	}
}

func TestExpectedCrossing(t *testing.T) {
	const gib, mib = int64(1 << 30), int64(1 << 20)
	grow := func(n int, from, by int64) (all []int64) {
		for i := range n {
			all = append(all, from+int64(i)*by)
		}
		return all
	}
	for _, tt := range []struct {
		name string
		uses []int64
		want string // after so many days from the newest complete one
	}{
		{"a GiB a day: 51 GiB are left", grow(30, 20*gib, gib), "51"},
		{"a remainder needs one day more", grow(30, 20*gib-1, gib), "52"},
		{"14 days are enough", grow(14, 20*gib, gib), "67"},
		{"13 days are not", grow(13, 20*gib, gib), "none"},
		{"holes do not count as days", append(grow(13, 20*gib, gib), -1, -1), "none"},
		{"the last 30 days count, not those before", append(grow(60, 0, 0), grow(30, 10*gib, 2*gib)...), "16"},
		{"a hole takes its days of growth", append(append(grow(10, 0, gib), -1, -1, -1), grow(10, 13*gib, gib)...), "78"},
		{"the newest day is a hole", append(grow(30, 20*gib, gib), -1), "51"},
		{"a day that is off does not bend it", append(grow(29, 20*gib, gib), 49*gib, 90*gib, 51*gib), "49"},
		{"the mean of the two slopes in the middle", append(grow(8, 0, gib), grow(8, 8*gib, 2*gib)...), "55"},
		{"no growth", grow(30, 20*gib, 0), "none"},
		{"shrinking", grow(30, 90*gib, -gib), "none"},
		{"reached", grow(30, 71*gib, gib), "none"},
		{"the day before", grow(30, 70*gib, gib), "1"},
		{"ten years", grow(30, 100*gib-3679*mib, mib), "3650"},
		{"beyond ten years", grow(30, 100*gib-3680*mib, mib), "none"},
	} {
		trend := trendOf(t, settings(t, "data_dropped_percent=off"), uses(t, tt.uses...))
		got := "none"
		if c := trend.FreeQuota.ExpectedCrossing; c != nil {
			got = fmt.Sprint(int(*c - *trend.CompleteDate))
		}
		if got != tt.want {
			t.Errorf("%s: crossing after %s days, want %s", tt.name, got, tt.want)
		}
	}
}

func TestSlope(t *testing.T) {
	for _, tt := range []struct {
		name   string
		points []point // newest first
		want   float64
	}{
		{"the middle of three pairs", []point{{2, 9}, {1, 1}, {0, 0}}, 4.5},
		{"between the middle two of six", []point{{3, 12}, {2, 4}, {1, 1}, {0, 0}}, 3.5},
		{"over a gap", []point{{10, 5}, {0, 0}}, 0.5},
	} {
		if got := slope(tt.points); got != tt.want {
			t.Errorf("%s: slope = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestFleet(t *testing.T) {
	var spelt []string
	for i := range 26 {
		spelt = append(spelt, fmt.Sprintf("a%02d/a=%d", 26-i, i%2))
	}
	days := story(t, strings.Join(spelt, " ")+" | % a=1")
	days[1].Fleet = Accounts{Expected: 120, Collected: 1}
	for i := range 119 {
		days[1].Fleet.Failed = append(days[1].Fleet.Failed, Failure{AccountID: fmt.Sprint(i)})
	}
	trend := trendOf(t, settings(t, ""), days)
	got := ""
	for _, a := range trend.Accounts.Largest {
		got += a.AccountID
	}
	if f := trend.Accounts; got != "a01a03a05a07a09a11a13a15a17a19" || f.Expected != 120 || f.Collected != 1 || len(f.Missing) != 100 {
		t.Errorf("largest %s, expected %d, collected %d, missing %d; want ten by size, 120, 1, 100", got, f.Expected, f.Collected, len(f.Missing))
	}
	if trend.FreeQuota.AccountID != "a01" {
		t.Errorf("the account that uses most is %s, want the smallest id of those: a01", trend.FreeQuota.AccountID)
	}
}

// plain decodes a stored trend as any reader does.
func plain(t *testing.T, data []byte) (trend Trend) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&trend); err != nil {
		t.Fatal(err)
	}
	return trend
}

// A world makes up a captured day that follows from the days before it, with
// what befalls accounts: growth, drops, regions that come and go, numbers that do
// not add up, holes.
type world struct {
	*rand.Rand
	sizes map[string]int64
}

func (w world) day(t *testing.T, d Date) captured {
	switch n := w.IntN(20); {
	case n == 0:
		return capture(t, d, "?")
	case n == 1:
		return capture(t, d, "% 1/a=1")
	}
	var words []string
	for _, place := range []string{"1/a", "1/b", "1/DB:a", "2/a", "2/c", "3/a", "3/"} {
		switch n := w.IntN(60); {
		case n == 0:
			w.sizes[place] = 0
		case n == 1:
			delete(w.sizes, place)
		case n == 2 || n == 3:
			w.sizes[place] = w.Int64N(4)
		case n < 8:
			w.sizes[place]++
		case n == 8:
			w.sizes[place] = max(0, w.sizes[place]-1)
		}
		if size, there := w.sizes[place]; there && (place != "3/" || size == 1) {
			words = append(words, fmt.Sprintf("%s=%d", place, size))
		}
	}
	if len(words) == 0 {
		words = []string{"1/a=0"}
	}
	return capture(t, d, strings.Join(words, " "))
}

// A bucket keeps what a run would read: the days that there are, and the derived
// documents.
type bucket struct {
	days       map[Date]captured
	trend, csv []byte
}

func (b *bucket) facts(from Date) (facts []Facts) {
	for d, c := range b.days {
		if d >= from {
			facts = append(facts, c.facts)
		}
	}
	return facts
}

// put stores a day and extends the documents as a run does, from stored bytes.
func (b *bucket) put(t *testing.T, s TrendSettings, d Date, c captured) {
	t.Helper()
	b.days[d] = c
	var h History
	var err error
	if b.trend != nil {
		if h, err = OpenHistory(b.trend); err != nil {
			t.Fatal(err)
		}
	}
	var accounts []AccountTotal
	if last, ok := h.CompleteBefore(d); ok {
		table, err := TotalsTable(b.days[last].snapshots)
		if err != nil {
			t.Fatal(err)
		}
		if accounts, err = ParseTotals(table.Data); err != nil {
			t.Fatal(err)
		}
	}
	began := h.Head().To + 1
	if h, err = h.Replace(s, d, b.facts(d), accounts); err != nil {
		t.Fatal(err)
	}
	if b.trend == nil {
		began = d
	}
	window, err := h.Window(int(h.Head().To-min(d, began)) + 1)
	if err != nil {
		t.Fatal(err)
	}
	if b.csv == nil {
		b.csv = EncodeCSV(window.Days)
	} else if b.csv, err = ReplaceCSV(b.csv, window.Days); err != nil {
		t.Fatal(err)
	}
	if b.trend, err = h.Encode(); err != nil {
		t.Fatal(err)
	}
}

// Whatever the order in which days come, are late or change, the documents that
// each run extends are those made of all days at once.
func TestExtendedEqualsRebuilt(t *testing.T) {
	s := settings(t, "quota_percent=30,resources_dropped=2,data_dropped_percent=20")
	for seed := range uint64(6) {
		w := world{rand.New(rand.NewPCG(seed, 7)), make(map[string]int64)}
		b := &bucket{days: make(map[Date]captured)}
		first := date(t, "2027-12-01")
		for i, d := range w.order(150) {
			d += first
			b.put(t, s, d, w.day(t, d))
			if i%5 == 0 { // the day again: nothing new
				again := bytes.Clone(b.trend)
				b.put(t, s, d, b.days[d])
				if !bytes.Equal(again, b.trend) {
					t.Fatalf("seed %d: %s again gives another trend", seed, d)
				}
			}
			if i%10 > 0 && i < 140 {
				continue
			}
			whole := trendOf(t, s, b.facts(0))
			want, err := whole.Encode()
			if err != nil || !bytes.Equal(b.trend, want) {
				t.Fatalf("seed %d: after %s the trend is\n%s, want (error %v)\n%s", seed, d, b.trend, err, want)
			}
			if want := EncodeCSV(whole.Days); !bytes.Equal(b.csv, want) {
				t.Fatalf("seed %d: after %s the table is\n%s, want\n%s", seed, d, b.csv, want)
			}
		}
		checkAgainstSpans(t, s, b.facts(0), plain(t, b.trend))
	}
}

// order is days as they come: most in their order, some late, some again, some
// never.
func (w world) order(n int) (days []Date) {
	type arrival struct{ day, at int }
	var arrivals []arrival
	for day := range n {
		switch k := w.IntN(30); {
		case k == 0:
			continue
		case k < 3:
			arrivals = append(arrivals, arrival{day, day + w.IntN(45)})
		case k < 5:
			arrivals = append(arrivals, arrival{day, day}, arrival{day, day + w.IntN(20)})
		default:
			arrivals = append(arrivals, arrival{day, day})
		}
	}
	slices.SortStableFunc(arrivals, func(a, b arrival) int { return a.at - b.at })
	for _, a := range arrivals {
		days = append(days, Date(a.day))
	}
	return days
}

// checkAgainstSpans holds alerts, gaps and days against the second implementation.
func checkAgainstSpans(t *testing.T, s TrendSettings, facts []Facts, trend Trend) {
	t.Helper()
	slices.SortFunc(facts, func(a, b Facts) int { return int(a.Day.Date - b.Day.Date) })
	var days []Facts
	for d := facts[0].Day.Date; len(facts) > 0; d++ {
		f := Facts{Day: TrendDay{Date: d, Status: "missing"}}
		if facts[0].Day.Date == d {
			f, facts = facts[0], facts[1:]
		}
		days = append(days, f)
	}
	spans := spansOf(days, s.Rules, s.QuotaBytes)
	closings := 0
	open := []Alert{}
	for i, day := range trend.Days {
		var opened, closed []string
		for _, s := range spans {
			if s.Opened == day.Date {
				opened = append(opened, sortedItems(s.Alert))
			}
			if s.closed == i {
				closed = append(closed, sortedItems(s.Alert))
				closings++
			}
		}
		for _, a := range day.Opened {
			opened = drop(t, opened, sortedItems(a), "opened on "+day.Date.String())
		}
		for _, a := range day.Closed {
			closed = drop(t, closed, sortedItems(a), "closed on "+day.Date.String())
		}
		if len(opened)+len(closed) > 0 {
			t.Errorf("on %s %v did not open, %v did not close", day.Date, opened, closed)
		}
		open = day.OpenAfter(open)
	}
	if fmt.Sprint(open) != fmt.Sprint(trend.Alerts) || len(open) != len(spans)-closings {
		t.Errorf("open are %v, want %v, %d of them", trend.Alerts, open, len(spans)-closings)
	}
	holes := 0
	for _, g := range trend.Gaps {
		for d := g.From; d <= g.To; d++ {
			if days[d-trend.From].Day.Status == "complete" {
				t.Errorf("%s is in a gap and complete", d)
			}
			holes++
		}
		if g.To < trend.To && days[g.To-trend.From+1].Day.Status != "complete" {
			t.Errorf("the gap to %s goes on", g.To)
		}
	}
	for _, day := range days {
		if day.Day.Status != "complete" {
			holes--
		}
	}
	if holes != 0 {
		t.Errorf("gaps have %d days more than there are holes", holes)
	}
	if len(spans) < 40 || closings < 20 {
		t.Errorf("only %d alerts, %d closed: want a history that tests something", len(spans), closings)
	}
}

func sortedItems(a Alert) string {
	var items []string
	for _, i := range a.Items {
		items = append(items, fmt.Sprintf("%+v", i))
	}
	slices.Sort(items)
	return fmt.Sprint(a.Rule, a.Opened, items)
}

func drop(t *testing.T, all []string, s, what string) []string {
	t.Helper()
	i := slices.Index(all, s)
	if i < 0 {
		t.Errorf("%s: %s, want %v", what, s, all)
		return all
	}
	return slices.Delete(all, i, i+1)
}
