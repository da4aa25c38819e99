package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func encodedTrend(t testing.TB, trend Trend) []byte {
	t.Helper()
	data, err := trend.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestTrendGolden(t *testing.T) {
	for _, tt := range []struct{ name, days string }{
		{"trend-first-day.json", "2/a=1 1/a=2 1/b=1"},
		{"trend-first-hole.json", "?"},
		{"trend-story.json", "1/a=5 1/b=1 2/a=1 | 1/a=5 1/b=1 2/a=1 1/=1 | ? | 1/a=1 2! | 1/a=3 1/c=6 2/a=1 | 1/a=5 1/b=1 2/a=1 9/DB:a=0 | 1/a=5 1/b=1"},
	} {
		data := encodedTrend(t, story(t, "", tt.days).trend())
		golden(t, tt.name, data)
		back, err := DecodeTrend(data)
		if err != nil || !bytes.Equal(encodedTrend(t, back), data) {
			t.Errorf("%s: decoded and encoded again it is\n%s (error %v)", tt.name, encodedTrend(t, back), err)
		}
		if bytes.Contains(data, []byte(":null")) {
			t.Errorf("%s: a member is null", tt.name)
		}
	}
}

// Whatever is altered of a stored trend, it is refused: the next run makes it anew.
func TestDecodeTrendRefuses(t *testing.T) {
	good := encodedTrend(t, story(t, "", "1/a=5 2/a=1 | ? | 1/a=3 2/b=1").trend())
	for i := range good {
		for _, with := range []byte{good[i] ^ 1, ' '} {
			bad := bytes.Clone(good)
			if bad[i] = with; bytes.Equal(bad, good) {
				continue
			}
			if got, err := DecodeTrend(bad); err == nil || !reflect.DeepEqual(got, Trend{}) {
				t.Errorf("byte %d of %q is %q: trend %v, error %v; want it refused", i, good[max(0, i-20):i], with, got, err)
			}
		}
		for name, bad := range map[string][]byte{"a byte less": slices.Delete(bytes.Clone(good), i, i+1), "a byte more": slices.Insert(bytes.Clone(good), i, '1'), "cut": good[:i]} {
			if _, err := DecodeTrend(bad); err == nil {
				t.Errorf("%s at %d: no error", name, i)
			}
		}
	}
	sealed := func(from, to string) []byte {
		text := strings.Replace(string(good), from, to, 1)
		text = text[:strings.LastIndex(text, sumMember)]
		return append([]byte(text), trendSum([]byte(text))...)
	}
	for _, tt := range []struct {
		name, want string
		data       []byte
	}{
		{"an earlier version", `stored trend: schema "trend/v1", want "trend/v2"`, sealed("trend/v2", "trend/v1")},
		{"a schema that stands twice", `stored trend: schema "trend/v1", want "trend/v2"`, sealed(`"schema":"trend/v2"`, `"schema":"trend/v2","schema":"trend/v1"`)},
		{"a schema that its first member does not tell", `stored trend: schema "", want "trend/v2"`, sealed(`"schema":"trend/v2"`, `"of":["trend/v2",0]`)},
		{"no trend", "stored trend: it is not as it was written: its sum differs", []byte("{}")},
		{"nothing", "stored trend: it is not as it was written: its sum differs", nil},
		{"days that are not those up to the last", "stored trend: its days are not those up to 2026-11-26", sealed(`"to":"2026-11-25"`, `"to":"2026-11-26"`)},
		{"a day twice", "stored trend: its days are not those up to 2026-11-25", sealed(`"date":"2026-11-24","status":"missing"`, `"date":"2026-11-23","status":"missing"`)},
		{"days before the first", "stored trend: it has days before 2026-11-24, with which it begins", sealed(`"from":"2026-11-23"`, `"from":"2026-11-24"`)},
		{"a month after the last day", "stored trend: its months are not one after the other from 2026-11-23 to 2026-11-25", sealed(`"months":[{"date":"2026-11-25"`, `"months":[{"date":"2026-12-25"`)},
		{"a month twice", "stored trend: its months are not one after the other from 2026-11-23 to 2026-11-25", sealed(`"months":[`, `"months":[{"date":"2026-11-23","totals":[]},`)},
		{"no months", "stored trend: 2026-11-23 is complete, and its month is not among the months", sealed(`"months":[{"date":"2026-11-25"`, `"months":[],"of":[{"date":"2026-11-25"`)},
		{"series of another length", "stored trend: a list of numbers does not end with its days", sealed(`"protected_data_bytes":[53687091200,null,32212254720]`, `"protected_data_bytes":[53687091200,null]`)},
	} {
		if bytes.Equal(tt.data, good) {
			t.Errorf("%s: the case changes nothing", tt.name)
		}
		if _, err := DecodeTrend(tt.data); errorText(err) != tt.want {
			t.Errorf("%s: error = %v, want %s", tt.name, err, tt.want)
		}
	}
}

// What decodes can be shown, and is encoded to itself.
func FuzzDecodeTrend(f *testing.F) {
	for _, days := range []string{"a=1", "a=1 b=2 DB:a=1 | ? | a=1 9! | =0", "a=5 | a=3 | ? | a=5"} {
		trend := story(f, "", days).trend()
		data := encodedTrend(f, trend)
		f.Add(data[:bytes.LastIndex(data, []byte(sumMember))])
		trend.Alerts, trend.Closed = []Alert{{Rule: resourcesDropped}}, []ClosedAlert{{Alert: Alert{Rule: regionGone}}}
		data = encodedTrend(f, trend)
		for _, odd := range oddities(f, data) {
			f.Add(odd[:len(odd)-1]) // its sum stands in its place, and counts for nothing
		}
	}
	for _, small := range []string{ // they are mutated faster
		`{"days":[{"status":"","cause":""}]`, // its first member is no document
		`{"schema":"trend/v2","from":"2026-11-22","to":"2026-11-23","complete_date":"2026-11-23","months":[{"date":"2026-11-23","totals":[]}],"days":[{"date":"2026-11-23","status":"complete","totals":[{"source_type":"DB","protected_data_bytes":1,"protected_resource_count":1}]}]`,
	} {
		f.Add([]byte(small))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		trend, err := DecodeTrend(append(bytes.Clone(data), trendSum(data)...))
		if err != nil {
			return
		}
		again, err := trend.Encode()
		if err != nil {
			return // an instant that no document holds
		}
		if _, err := DecodeTrend(again); err != nil {
			t.Fatalf("%q decodes, and not what it is encoded to: %v", data, err)
		}
		if err := (Readers{}).Page(&bytes.Buffer{}, trend); err != nil {
			t.Fatalf("%q: no page: %v", data, err)
		}
	})
}

func TestTrendThatNoDocumentHolds(t *testing.T) {
	late := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	trend := story(t, "", "a=1 | ?").trend()
	trend.Days[1].DetectedAt = &late
	if data, err := trend.Encode(); data != nil || !strings.HasPrefix(errorText(err), "encode trend: day 2026-11-24: ") {
		t.Errorf("Encode = %q, %v, want an error that names the day", data, err)
	}
	trend.Days[1].DetectedAt, trend.Gaps[0].DetectedAt = nil, &late
	if data, err := trend.Encode(); data != nil || !strings.HasPrefix(errorText(err), "encode trend: json: ") {
		t.Errorf("Encode = %q, %v, want an error", data, err)
	}
}

// A trend is bounded: 400 days, 100 of them by region, thirty by account; the months go
// back to the beginning.
func TestTrendWindow(t *testing.T) {
	p := play(t, "")
	first := date(t, "2025-01-01")
	for i := range Date(430) {
		spelt := fmt.Sprintf("1/a=%d 2/b=1", i+1)
		if i < 100 {
			spelt += " 3/old=1"
		}
		if i == 30 || i == 429 { // the last of January, and the last day
			spelt = "?"
		}
		p.settle(first+i, spelt)
	}
	trend := p.trend()
	if trend.From != first || trend.To != first+429 || len(trend.Days) != 400 || trend.Days[0].Date != first+30 {
		t.Errorf("from %s to %s there are %d days from %s on, want the last 400", trend.From, trend.To, len(trend.Days), trend.Days[0].Date)
	}
	var months []string
	for _, m := range trend.Months {
		months = append(months, m.Date.String())
	}
	if got, want := fmt.Sprint(months), "[2025-01-30 2025-02-28 2025-03-31 2025-04-30 2025-05-31 2025-06-30 2025-07-31 2025-08-31 2025-09-30 2025-10-31 2025-11-30 2025-12-31 2026-01-31 2026-02-28 2026-03-05]"; got != want {
		t.Errorf("the months are %s, want %s", got, want)
	}
	if n := len(trend.Regions); n != 2 || trend.Regions[0].RegionID != "a" || trend.Regions[1].RegionID != "b" {
		t.Errorf("%d regions, want those of the last hundred days: a and b", n)
	}
	for _, s := range []struct {
		of   Series
		days int
	}{{trend.Regions[0], 100}, {trend.Largest[0], 30}} {
		bytes, count := s.of.ProtectedDataBytes, s.of.ProtectedResourceCount
		if len(bytes) != s.days || len(count) != s.days || bytes[s.days-1] != nil || count[s.days-1] != nil || *bytes[0] != int64(431-s.days)*tenGiB || *count[s.days-2] != 429 {
			t.Errorf("%+v has %d numbers, want %d, of a hole none", s.of, len(bytes), s.days)
		}
	}
}

// A fleet with an account that never answers has no complete day in the window, and nobody
// else's numbers are shown as the whole: its trend has a page all the same, however long it
// is.
func TestTrendWithoutACompleteDay(t *testing.T) {
	for name, days := range map[string]struct{ first, then string }{
		"always partial":    {"1/a=1 9!", "1/a=1 9!"},
		"never anything":    {"?", "?"},
		"nobody ever ran":   {"-", "-"},
		"complete long ago": {"1/a=1", "1/a=1 9!"},
	} {
		p := play(t, "")
		first := date(t, "2025-01-01")
		for i := range Date(WindowDays + 40) {
			p.settle(first+i, map[bool]string{true: days.first, false: days.then}[i == 0])
		}
		trend := p.trend()
		if want := name == "complete long ago"; (len(trend.Months) > 0) != want || (trend.CompleteDate != nil) != want {
			t.Errorf("%s: the months are %v, and %v is complete", name, trend.Months, trend.CompleteDate)
		}
		if again, err := DecodeTrend(encodedTrend(t, trend)); err != nil || !reflect.DeepEqual(again, trend) {
			t.Errorf("%s: it does not decode to itself: %v", name, err)
		}
		var page strings.Builder
		if err := (Readers{}).Page(&page, trend); err != nil || strings.Contains(page.String(), "months-") || !strings.HasSuffix(page.String(), "</html>\n") {
			t.Errorf("%s: error %v, or months are drawn, or the page has no end", name, err)
		}
	}
}

// A hole tells which source types it has rows of, as far as anybody knows.
func TestTrendDays(t *testing.T) {
	var got []string
	for _, d := range story(t, "", "a=1 DB:d=1 | ? | - | a=1 9! | - | ? | a=1 | a=0").trend().Days {
		got = append(got, fmt.Sprintf("%s %s %d/%d %v %s opened %v", d.Date, d.Status, d.AccountsCollected, d.AccountsExpected, d.types(), d.Cause, d.Opened))
	}
	want := []string{
		"2026-11-23 complete 1/1 [DB ECS_FILE]  opened false",
		"2026-11-24 missing 0/1 [DB ECS_FILE] SourceError: the service is down opened true",
		"2026-11-25 missing 0/0 [DB ECS_FILE] nobody ran opened false",
		"2026-11-26 partial 1/2 [ECS_FILE] SourceError: denied opened false",
		"2026-11-27 missing 0/0 [ECS_FILE] nobody ran opened false",
		"2026-11-28 missing 0/2 [ECS_FILE] SourceError: the service is down (and 1 more account) opened false",
		"2026-11-29 complete 1/1 [ECS_FILE]  opened true",
		"2026-11-30 complete 1/1 [ECS_FILE]  opened true",
	}
	if !slices.Equal(got, want) {
		t.Errorf("days are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTrendGaps(t *testing.T) {
	for _, tt := range []struct{ name, days, want string }{
		{"none", "a=1 | a=1", "[]"},
		{"one day", "a=1 | ? | a=1", "[2026-11-24..2026-11-24 missing SourceError: the service is down]"},
		{"ten days", "a=1 | ? x 10 | a=1", "[2026-11-24..2026-12-03 missing SourceError: the service is down]"},
		{"a partial day within", "a=1 | ? | a=1 9! | ? | a=1", "[2026-11-24..2026-11-26 partial SourceError: the service is down]"},
		{"two of them, the first and the last day", "a=1 9! | a=1 | ?", "[2026-11-23..2026-11-23 partial SourceError: denied 2026-11-25..2026-11-25 missing SourceError: the service is down]"},
	} {
		var got []string
		for _, g := range story(t, "", tt.days).trend().Gaps {
			got = append(got, fmt.Sprintf("%s..%s %s %s", g.From, g.To, g.Status, g.Cause))
		}
		if fmt.Sprint(got) != tt.want {
			t.Errorf("%s: gaps are %v, want %s", tt.name, got, tt.want)
		}
	}
}

// A day that is entered again leaves its month to a later one.
func TestTrendMonths(t *testing.T) {
	p := story(t, "", "a=1 | a=2 | ? x 8 | a=3")
	trend := p.trend()
	months := func() string { return fmt.Sprint(trend.Months) }
	want := "[{2026-11-24 [{ECS_FILE {21474836480 2}}]} {2026-12-03 [{ECS_FILE {32212254720 3}}]}]"
	first := p.links[date(t, "2026-11-23")]
	trend.Enter(NewDayFacts(first.Record, first.Figures), p.Settings)
	if got := months(); got != want {
		t.Errorf("the months are %s, want %s", got, want)
	}
	second := p.links[date(t, "2026-11-24")].Record
	trend.Enter(DayFacts{Record: second.Withdraw("replaced", time.Now())}, p.Settings)
	if got, want := months(), strings.Replace(want, "2026-11-24 [{ECS_FILE {21474836480 2}}]", "2026-11-23 [{ECS_FILE {10737418240 1}}]", 1); got != want {
		t.Errorf("with a day that is complete no more the months are %s, want %s", got, want)
	}
}

// A hole of an earlier version has the source types of what it collected, or of the day
// before.
func TestTrendDaysOfAnEarlierVersion(t *testing.T) {
	var trend Trend
	for i, r := range []DayRecord{
		{Status: Complete, Totals: []TypeTotal{{SourceType: "A"}, {SourceType: "B"}}}, {Status: Missing}, {Status: Partial, Totals: []TypeTotal{{SourceType: "A"}}}, {Status: Missing},
	} {
		r.SnapshotDate = 20000 + Date(i)
		trend.Enter(DayFacts{Record: r}, Settings{QuotaBytes: 1})
	}
	for i, want := range []string{"[A B]", "[A B]", "[A]", "[A]"} {
		if got := fmt.Sprint(trend.Days[i].types()); got != want {
			t.Errorf("day %d has the source types %s, want %s", i+1, got, want)
		}
	}
}

// Days that nobody entered have no record.
func TestTrendFillsABreak(t *testing.T) {
	p := story(t, "", "a=1 | a=2 | a=3 | a=4")
	delete(p.links, date(t, "2026-11-24"))
	delete(p.links, date(t, "2026-11-25"))
	trend := p.trend()
	if got := fmt.Sprint(trend.Gaps, len(trend.Days), len(trend.Regions[0].ProtectedDataBytes)); got != "[{2026-11-24 2026-11-25 missing unknown <nil>}] 4 4" {
		t.Errorf("gaps, days and numbers are %s, want a gap of two days within four", got)
	}
}

func TestTrendCause(t *testing.T) {
	for _, tt := range []struct{ cause, want string }{
		{strings.Repeat("é", 100), strings.Repeat("é", 100)},
		{strings.Repeat("é", 101), strings.Repeat("é", 100) + "…"},
		{"a" + strings.Repeat("é", 100), "a" + strings.Repeat("é", 99) + "…"},
	} {
		var trend Trend
		trend.Enter(DayFacts{Record: DayRecord{Status: Missing, Cause: tt.cause}}, Settings{QuotaBytes: 1})
		if got := trend.Days[0].Cause; got != tt.want {
			t.Errorf("%d bytes became %q", len(tt.cause), got)
		}
	}
}

func TestDeltas(t *testing.T) {
	grow := func(n int, holes ...int) *played {
		p := play(t, "")
		for i := range n {
			spelt := fmt.Sprintf("a=%d", i+1)
			if slices.Contains(holes, i) {
				spelt = "?"
			}
			p.settle(date(t, "2028-02-28")+Date(i), spelt) // a leap year
		}
		return p
	}
	for _, tt := range []struct {
		name string
		days *played
		want string
	}{
		{"a first day", grow(1), "[]"},
		{"a leap day", grow(3), "[1 since 2028-02-29: [{ECS_FILE {10737418240 1}}]]"},
		{"a week", grow(8), "[1 since 2028-03-05: [{ECS_FILE {10737418240 1}}] 7 since 2028-02-28: [{ECS_FILE {75161927680 7}}]]"},
		{"all of them", grow(91, 89), "[7 since 2028-05-21: [{ECS_FILE {75161927680 7}}] " +
			"30 since 2028-04-28: [{ECS_FILE {322122547200 30}}] 90 since 2028-02-28: [{ECS_FILE {966367641600 90}}]]"},
		{"a hole at the other end", grow(8, 0), "[1 since 2028-03-05: [{ECS_FILE {10737418240 1}}]]"},
		{"from the newest complete day", grow(4, 3), "[1 since 2028-02-29: [{ECS_FILE {10737418240 1}}]]"},
		{"a fall", story(t, "", "a=3 | a=1"), "[1 since 2026-11-23: [{ECS_FILE {-21474836480 -2}}]]"},
		{"a source type that is new", story(t, "", "a=3 | a=3 DB:a=1"), "[1 since 2026-11-23: [{ECS_FILE {0 0}}]]"},
		{"no source type in common", story(t, "", "DB:a=3 | a=3"), "[]"},
	} {
		var got []string
		for _, d := range tt.days.trend().Deltas {
			got = append(got, fmt.Sprintf("%d since %s: %v", d.Days, d.Since, d.Totals))
		}
		if fmt.Sprint(got) != tt.want {
			t.Errorf("%s: deltas are %v, want %s", tt.name, got, tt.want)
		}
	}
}

func TestFreeQuota(t *testing.T) {
	const quota = 107374182400
	for _, tt := range []struct {
		name       string
		use        int64
		left, over int64
		percent    int64
	}{
		{"a byte below", quota - 1, 1, 0, 99},
		{"just all of it", quota, 0, 0, 100},
		{"a byte above", quota + 1, 0, 1, 100},
		{"the bill's example below it", 80 * gib, 20 * gib, 0, 80},
		{"the bill's example above it", 120 * gib, 0, 20 * gib, 120},
		{"nothing", 0, quota, 0, 0},
	} {
		trend := uses(quota, tt.use)
		want := QuotaUse{"1", Quota{quota, tt.use, tt.left, tt.over, tt.percent}}
		if trend.FreeQuota == nil || *trend.FreeQuota != want {
			t.Errorf("%s: %+v, want %+v", tt.name, trend.FreeQuota, want)
		}
	}
}

// uses is the trend of days in a row on which the largest account uses so much; a
// negative use is a hole.
func uses(quota int64, all ...int64) (trend Trend) {
	for i, n := range all {
		facts := DayFacts{Record: DayRecord{SnapshotDate: 20000 + Date(i), Status: Missing, Totals: []TypeTotal{}}}
		if n >= 0 {
			facts.Record.Status, facts.Largest = Complete, []AccountTotal{{"1", Amount{n, 1}}, {"2", Amount{0, 1}}}
		}
		trend.Enter(facts, Settings{QuotaBytes: quota})
	}
	return trend
}

func TestExpectedCrossing(t *testing.T) {
	const mib = int64(1 << 20)
	grow := func(n int, from, by int64) (all []int64) {
		for i := range n {
			all = append(all, from+int64(i)*by)
		}
		return all
	}
	saw := func(n int, period, high int64) (all []int64) {
		for i := range int64(n) {
			all = append(all, high-(period-1-i%period)*gib)
		}
		return all
	}
	for _, tt := range []struct {
		name string
		uses []int64
		want string // after so many days from the newest complete one
	}{
		{"a GiB a day: 21 GiB are left", grow(30, 50*gib, gib), "21"},
		{"a remainder needs one day more", grow(30, 50*gib-1, gib), "22"},
		{"14 days are enough", grow(14, 50*gib, gib), "37"},
		{"13 days are not", grow(13, 50*gib, gib), "none"},
		{"holes do not count as days", append(grow(13, 50*gib, gib), -1, -1), "none"},
		{"the last thirty days count, not those before", append(grow(60, 0, 0), grow(30, 30*gib, gib)...), "41"},
		{"a hole takes its days of growth", append(append(grow(10, 50*gib, gib), -1, -1, -1), grow(10, 63*gib, gib)...), "28"},
		{"the newest day is a hole", append(grow(30, 50*gib, gib), -1), "21"},
		{"a day that is off does not bend it", append(grow(27, 50*gib, gib), 79*gib, 95*gib, 79*gib), "21"},
		{"no growth", grow(30, 70*gib, 0), "none"},
		{"shrinking", grow(30, 90*gib, -gib), "none"},
		{"reached", grow(30, 71*gib, gib), "none"},
		{"the day before", grow(30, 70*gib, gib), "1"},
		{"half of the quota is not used", grow(30, 21*gib, gib), "none"},
		{"half of the quota is just used", grow(30, 22*gib, gib), "49"},
		{"a year", grow(30, 100*gib-394*100*mib, 100*mib), "365"},
		{"beyond a year", grow(30, 100*gib-395*100*mib, 100*mib), "none"},
		{"a single step", append(grow(15, 60*gib, 0), grow(15, 80*gib, 0)...), "none"},
		{"a step on the second day", append(grow(1, 0, 0), grow(29, 80*gib, 0)...), "none"},
		{"steps that go on", append(append(append(append(append(grow(5, 60*gib, 0), grow(5, 65*gib, 0)...), grow(5, 70*gib, 0)...), grow(5, 75*gib, 0)...), grow(5, 80*gib, 0)...), grow(5, 85*gib, 0)...), "15"},
		{"a sawtooth of a week", saw(30, 7, 90*gib), "none"},
		{"a sawtooth of 15 days", saw(30, 15, 90*gib), "none"},
		{"a sawtooth of 20 days", saw(30, 20, 90*gib), "none"},
	} {
		trend := uses(100*gib, tt.uses...)
		got := "none"
		for _, c := range trend.Crossings {
			got = fmt.Sprint(int(c.ExpectedCrossing - *trend.CompleteDate))
		}
		if got != tt.want || len(trend.Crossings) > 1 {
			t.Errorf("%s: crossing after %s days, want %s", tt.name, got, tt.want)
		}
	}
}

// Each account's crossing is told of its own numbers.
func TestCrossingOfEachAccount(t *testing.T) {
	var trend Trend
	for i := range int64(30) {
		trend.Enter(DayFacts{Record: DayRecord{SnapshotDate: 20000 + Date(i), Status: Complete}, Largest: []AccountTotal{
			{"3", Amount{150 * gib, 1}}, {"2", Amount{(60 + i) * gib, 1}}, {"1", Amount{(40 + i) * gib, 1}}, {"4", Amount{i * gib, 1}},
		}}, Settings{QuotaBytes: 100 * gib})
	}
	if got, want := fmt.Sprint(trend.Crossings), fmt.Sprint([]Crossing{{"1", 20029 + 31}, {"2", 20029 + 11}}); got != want {
		t.Errorf("crossings are %s, want %s", got, want)
	}
	if trend.FreeQuota.AccountID != "3" {
		t.Errorf("most is used by %s, want 3", trend.FreeQuota.AccountID)
	}
}

func TestSlope(t *testing.T) {
	for _, tt := range []struct {
		name   string
		points []point
		want   float64
	}{
		{"the middle of three pairs", []point{{0, 0}, {1, 1}, {2, 9}}, 4.5},
		{"between the middle two of six", []point{{0, 0}, {1, 1}, {2, 4}, {3, 12}}, 3.5},
		{"over a gap", []point{{0, 0}, {10, 5}}, 0.5},
	} {
		if got := slope(tt.points); got != tt.want {
			t.Errorf("%s: slope = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestFleet(t *testing.T) {
	p := story(t, "", "1/a=1 2/a=3 3/a=2")
	failed := Accounts{Expected: 120, Collected: 1, NotActivated: []string{"1"}, NotAttempted: []string{"2", "3"}, Excluded: []string{"7", "8", "9"}}
	for i := range 119 {
		failed.Failed = append(failed.Failed, Failure{AccountID: fmt.Sprint(i)})
	}
	trend := p.trend()
	trend.Enter(DayFacts{Record: DayRecord{SnapshotDate: trend.To + 1, Status: Partial, Accounts: failed}}, p.Settings)
	f := trend.Accounts
	got := ""
	for _, a := range f.Largest {
		got += a.AccountID
	}
	if got != "231" || f.Expected != 120 || f.Collected != 1 || f.NotActivated != 1 || f.NotAttempted != 2 || f.Excluded != 3 || len(f.Missing) != 100 {
		t.Errorf("the fleet is %+v, largest %s; want that of the last day, with the largest of the complete one", f, got)
	}
}

// What closed stays for 90 days, the newest first where it is too much; open alerts list
// some of their items.
func TestTrendAlerts(t *testing.T) {
	var trend Trend
	s := Settings{QuotaBytes: 1}
	many := make([]AlertItem, mostListed+5)
	yes := true
	for n := range many {
		many[n] = AlertItem{AccountID: fmt.Sprintf("%03d", n), Told: &yes}
	}
	alert := Alert{Rule: resourcesDropped, Weight: Critical, Opened: 20000, Items: many}
	enter := func(d Date, closed ...ClosedAlert) {
		trend.Enter(DayFacts{Record: DayRecord{SnapshotDate: d, Status: Complete, Alerts: []Alert{alert}, Closed: closed}}, s)
	}
	small := Alert{Rule: regionGone, Weight: Critical, Opened: 20000, Items: many[:1]}
	enter(20000, ClosedAlert{small, 20000, reasonReached, false}, ClosedAlert{small, 19990, reasonReached, false})
	if len(trend.Alerts[0].Items) != mostListed || trend.Alerts[0].Items[0].Told != nil || len(trend.Closed) != 1 || !trend.Closed[0].Told || trend.Closed[0].Items[0].Told != nil {
		t.Errorf("open are %d items, closed %v; want %d, and what closed on the day, without who was told", len(trend.Alerts[0].Items), trend.Closed, mostListed)
	}
	for d := Date(20001); d <= 20089; d++ {
		enter(d)
	}
	if len(trend.Closed) != 1 {
		t.Errorf("after 89 days %d are closed, want 1", len(trend.Closed))
	}
	if enter(20090); len(trend.Closed) != 0 {
		t.Errorf("after 90 days %d are closed, want none", len(trend.Closed))
	}
	if enter(20000, ClosedAlert{small, 20000, reasonReached, false}); len(trend.Closed) != 0 {
		t.Errorf("a day of 90 days ago brings %v, want nothing", trend.Closed)
	}
	enter(20091, ClosedAlert{alert, 20091, reasonExpired, false})
	enter(20092, ClosedAlert{small, 20092, reasonReached, true})
	if len(trend.Closed) != 2 || len(trend.Closed[0].Items) != mostClosed || len(trend.Closed[1].Items) != len(small.Items) {
		t.Errorf("closed are %+v, want both, with %d items at most", trend.Closed, mostClosed)
	}
}

// A world makes days up that follow from the days before, with what befalls accounts:
// growth, drops, regions that come and go, numbers that do not add up, holes.
type world struct {
	*rand.Rand
	sizes map[string]int64
}

func (w world) day() string {
	switch w.IntN(25) {
	case 0:
		return "?"
	case 1:
		return "-"
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
		size, there := w.sizes[place]
		switch {
		case !there || place == "3/" && size != 1:
		case w.IntN(50) == 0:
			words = append(words, place[:1]+[]string{"!", "?", "~"}[w.IntN(3)])
		default:
			words = append(words, fmt.Sprintf("%s=%d", place, size))
		}
	}
	if len(words) == 0 {
		words = []string{"1/a=0"}
	}
	return strings.Join(words, " ")
}

// However a trend came to be, day after day and with days that changed since, or of all
// days at once: it is the same, and so are the calendar and the table beside it.
func TestEnteredEqualsMadeAnew(t *testing.T) {
	for seed := range uint64(3) {
		w := world{rand.New(rand.NewPCG(seed, 7)), make(map[string]int64)}
		p := play(t, "quota_percent=30,resources_dropped=2,data_dropped_percent=20")
		first := date(t, "2027-12-01")
		var trend Trend
		table := []byte(csvHeader)
		calendars := make(map[int]Calendar)
		enter := func(d Date) {
			link := p.links[d]
			trend.Enter(NewDayFacts(link.Record, link.Figures), p.Settings)
			day, _ := trend.Day(d)
			c := calendars[d.Year()]
			c.Year = d.Year()
			c.Enter(day)
			calendars[d.Year()] = c
			var err error
			if table, err = ReplaceCSV(table, trend.Days[d-trend.Days[0].Date:]); err != nil {
				t.Fatal(err)
			}
			if d%7 > 0 {
				return
			}
			if trend, err = DecodeTrend(encodedTrend(t, trend)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range Date(450) {
			p.settle(first+i, w.day())
			enter(first + i)
			if w.IntN(20) == 0 { // a day comes late, and all after it are settled again
				from := first + i - min(i, Date(w.IntN(5)))
				p.settle(from, w.day())
				for d := from; d <= first+i; d++ {
					if d > from {
						p.again(d)
					}
					enter(d)
				}
			}
			if i%75 != 0 && i < 448 {
				continue
			}
			anew := p.trend()
			if got, want := encodedTrend(t, trend), encodedTrend(t, anew); !bytes.Equal(got, want) {
				t.Fatalf("seed %d: after day %d the trend is\n%s, want\n%s", seed, i, got, want)
			}
			if !bytes.HasSuffix(table, AppendCSV(nil, anew.Days)) {
				t.Fatalf("seed %d: after day %d the table is\n%s, want it to end with\n%s", seed, i, table, AppendCSV(nil, anew.Days))
			}
		}
		var all []TrendDay
		for _, year := range slices.Sorted(maps.Keys(calendars)) {
			all = append(all, calendars[year].Days...)
		}
		if want := EncodeCSV(all); !bytes.Equal(table, want) {
			t.Errorf("seed %d: the table is\n%s, want\n%s", seed, table, want)
		}
		for year, c := range calendars {
			of, whole := trend.Calendar(year)
			data, err := c.Encode()
			want, err2 := of.Encode()
			if err != nil || err2 != nil || whole != (year > 2028) || !bytes.HasSuffix(data, want) {
				t.Errorf("seed %d: the calendar of %d is\n%s, want (whole: %v) it to end with\n%s", seed, year, data, whole, want)
			}
			if back, err := DecodeCalendar(year, data); err != nil || !slices.EqualFunc(back.Days, c.Days, func(a, b TrendDay) bool { return reflect.DeepEqual(a.Rows(), b.Rows()) }) {
				t.Errorf("seed %d: the calendar of %d decodes to %v, %v", seed, year, back, err)
			}
		}
	}
}

// again settles a day as a rebuild does, of what is kept.
func (p *played) again(d Date) {
	day := p.captured(d, "-")
	day.Snapshots, day.Known = p.kept[d], Known{Over: true}
	for _, o := range p.links[d].Record.Objects {
		if strings.HasPrefix(o.Key, SnapshotsDir) {
			day.Objects = append(day.Objects, o)
		}
	}
	link, err := Settle(day, p.Settings)
	if err != nil {
		p.t.Fatal(err)
	}
	if p.tells {
		link.Record = link.Record.Tell()
	}
	p.links[d] = link
}

// A trend that begins within the history has the months of the days before.
func TestPrime(t *testing.T) {
	p := play(t, "")
	first := date(t, "2026-01-01")
	for i := range Date(500) {
		spelt := fmt.Sprintf("1/a=%d", i%30)
		if i%90 == 0 || i == 99 {
			spelt = "-"
		}
		p.settle(first+i, spelt)
	}
	whole := p.trend()
	var trend Trend
	window := first + 100
	var days []TrendDay
	var before *TrendDay
	for d := first; d < window+3; d++ {
		day := newTrendDay(p.links[d].Record, before)
		days, before = append(days, day), &day
	}
	trend.Prime(first, window, days)
	for _, d := range slices.Sorted(maps.Keys(p.links)) {
		if d >= window {
			trend.Enter(NewDayFacts(p.links[d].Record, p.links[d].Figures), p.Settings)
		}
	}
	if got, want := encodedTrend(t, trend), encodedTrend(t, whole); !bytes.Equal(got, want) {
		t.Errorf("the trend is\n%s, want\n%s", got, want)
	}
}

// A trend of a fleet that never rests stays small, however long it is.
func TestTrendIsBounded(t *testing.T) {
	var trend Trend
	s := Settings{TimeZone: "Asia/Shanghai", QuotaBytes: gib, Rules: DefaultRules()}
	for i := range Date(3650) {
		facts := DayFacts{Record: DayRecord{SnapshotDate: 20000 + i, Status: Complete, Totals: []TypeTotal{{"ECS_FILE", Amount{1 << 50, 1 << 20}}}}}
		if i >= 3000 {
			for n := range 30 {
				facts.Regions = append(facts.Regions, TypeRegion{"ECS_FILE", Region{fmt.Sprintf("cn-region-%02d", n), Amount{1<<50 + int64(i), 1 << 20}}})
			}
			for n := range 10 {
				facts.Largest = append(facts.Largest, AccountTotal{fmt.Sprintf("%d", 1000000000000000+int(i)*10+n), Amount{1<<50 - int64(n), 1}})
			}
		}
		if i >= 3550 {
			var items []AlertItem
			for n := range 1000 {
				items = append(items, AlertItem{SourceType: "ECS_FILE", AccountID: fmt.Sprintf("%d", 1000000000000000+n), Before: 1 << 50, After: new(int64)})
			}
			for _, rule := range []string{resourcesDropped, regionGone, dataDroppedPercent, quotaPercent} {
				alert := Alert{rule, Critical, 20000 + i, items}
				facts.Record.Alerts = append(facts.Record.Alerts, alert)
				facts.Record.Closed = append(facts.Record.Closed, ClosedAlert{alert, 20000 + i, reasonReached, true})
			}
		}
		trend.Enter(facts, s)
	}
	if n := len(encodedTrend(t, trend)); n > 520_000 { // a fifth of it is other accounts among the largest each day
		t.Errorf("the trend takes %d bytes, want at most 520,000", n)
	}
}

// plain decodes a stored trend as any reader does.
func plain(t *testing.T, data []byte) (document map[string]any) {
	t.Helper()
	if err := json.Unmarshal(data, &document); err != nil {
		t.Fatal(err)
	}
	return document
}

// The sum that ends a trend is that of what stands before it.
func TestTrendSum(t *testing.T) {
	data := encodedTrend(t, story(t, "", "a=1").trend())
	before, _, _ := strings.Cut(string(data), `,"sha256":"`)
	if got, want := plain(t, data)["sha256"], fmt.Sprintf("%x", sha256.Sum256([]byte(before))); got != want {
		t.Errorf("sha256 is %v, want %s", got, want)
	}
}

// Numbers are read as encoding/json reads them, and what are none are refused.
func TestNumbers(t *testing.T) {
	for _, text := range []string{`[]`, `[1]`, ` [ 1 , null,-3,9223372036854775807 ] `, `[null]`, `[-9223372036854775808,0]`, `null`} {
		var got Numbers
		var want []*int64
		if err := errors.Join(json.Unmarshal([]byte(text), &got), json.Unmarshal([]byte(text), &want)); err != nil || !reflect.DeepEqual([]*int64(got), want) {
			t.Errorf("%s is read as %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{`[1.5]`, `[1e3]`, `["1"]`, `[[1]]`, `[9223372036854775808]`, `[true]`, `{}`, `7`, `"[]"`} {
		var got Numbers
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s is read as %v, want it refused", text, got)
		}
	}
}
