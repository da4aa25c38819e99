package report

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func encoded(t testing.TB, trend Trend) []byte {
	t.Helper()
	data, err := trend.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func opened(t testing.TB, trend Trend) History {
	t.Helper()
	h, err := OpenHistory(encoded(t, trend))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// A late day, a day that is replaced: what follows it is judged anew.
func TestReplaceJudgesAnew(t *testing.T) {
	for _, tt := range []struct {
		name, days string
		day        int // counted from 1
		becomes    string
		want       string
	}{
		{"a late day fills a hole", "a=5 | ? | a=5", 2, "a=5", ""},
		{"a late day finds the drop earlier", "a=5 | ? | a=3", 2, "a=3", "2+resources_dropped"},
		{"a late day finds a drop that was over", "a=5 | ? | a=5", 2, "a=3", "2+resources_dropped 3-resources_dropped"},
		{"a late day splits a gap", "a=5 | ? | ? | ? | a=5", 3, "a=5", "2+day_missing 3-day_missing 4+day_missing 5-day_missing"},
		{"an overwritten day has no drop", "a=5 | a=3 | a=3", 2, "a=5", "3+resources_dropped"},
		{"an overwritten day is the first", "a=5 | a=3 | a=3", 1, "a=3", ""},
		{"an overwritten day is the last", "a=5 | a=3 | a=3", 3, "a=5", "2+resources_dropped 3-resources_dropped"},
		{"a day is lost", "a=5 | a=5 | a=5", 2, "?", "2+day_missing 3-day_missing"},
		{"the first day is lost", "? | a=5 | ? | a=5", 2, "?", "1+day_missing 4-day_missing"},
		{"a day before the first", "a=5 | a=5", 0, "a=6", "2+resources_dropped"},
		{"a day after the last", "a=5 | a=3", 3, "a=5", "2+resources_dropped 3-resources_dropped"},
		{"some days after the last", "a=5 | a=3", 5, "a=5", "2+resources_dropped 3+day_missing 5-resources_dropped 5-day_missing"},
	} {
		s := settings(t, "data_dropped_percent=off")
		facts := story(t, tt.days)
		from := facts[0].Day.Date + Date(tt.day-1)
		b := &bucket{days: make(map[Date]captured)}
		for _, f := range facts {
			b.days[f.Day.Date] = captured{facts: f}
		}
		h := opened(t, trendOf(t, s, facts))
		b.days[from] = capture(t, from, tt.becomes)
		var accounts []AccountTotal
		if last, ok := h.CompleteBefore(from); ok {
			accounts = b.days[last].facts.Accounts
		}
		h, err := h.Replace(s, from, b.facts(from), accounts)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if head := h.Head(); len(head.Days) > 0 {
			t.Errorf("%s: the head has %d days, want none", tt.name, len(head.Days))
		}
		trend, err := h.Window(100)
		if got := changes(trend.Days); err != nil || got != tt.want {
			t.Errorf("%s: got %q (error %v), want %q", tt.name, got, err, tt.want)
		}
		if got, err := h.Encode(); err != nil || !bytes.Equal(got, encoded(t, trendOf(t, s, b.facts(0)))) {
			t.Errorf("%s: the trend is\n%s (error %v), want that of all days", tt.name, got, err)
		}
	}
}

// The newest complete day, and what the slope is taken from, may lie further back
// than any window.
func TestReplaceAfterALongGap(t *testing.T) {
	facts := story(t, "a=1 | a=2 x 20 | ? x 700 | ? | ?")
	for _, tail := range []string{"?", "% a=1", "a=1", "a=3"} {
		last := facts[len(facts)-1].Day.Date
		facts[len(facts)-1] = capture(t, last, tail).facts
		s := settings(t, "")
		h := opened(t, trendOf(t, s, facts[:len(facts)-2]))
		complete, ok := h.CompleteBefore(last - 1)
		if want := date(t, "2026-12-13"); !ok || complete != want {
			t.Fatalf("the last complete day is %s (%v), want %s", complete, ok, want)
		}
		h, err := h.Replace(s, last-1, facts[len(facts)-2:], facts[20].Accounts)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.Encode(); err != nil || !bytes.Equal(got, encoded(t, trendOf(t, s, facts))) {
			t.Errorf("%s: the trend differs from that of all days (error %v)", tail, err)
		}
	}
}

func TestReplaceKeepsEarlierDays(t *testing.T) {
	facts := story(t, "a=1 | a=2 | ? | a=3")
	s := settings(t, "")
	data := encoded(t, trendOf(t, s, facts))
	// Another hand wrote the first day's line; nobody reads it.
	data = bytes.Replace(data, []byte(`"regions":[`), []byte(`"regions": [`), 1)
	h, err := OpenHistory(data)
	if err != nil {
		t.Fatal(err)
	}
	if h, err = h.Replace(s, facts[3].Day.Date, facts[3:], facts[1].Accounts); err != nil {
		t.Fatal(err)
	}
	if got, err := h.Encode(); err != nil || !bytes.Equal(got, data) {
		t.Errorf("got\n%s (error %v), want\n%s", got, err, data)
	}
}

// Days may begin later than they did, when the first of them is no more.
func TestReplaceFromTheFirst(t *testing.T) {
	facts := story(t, "? | a=2 | ? | a=1 | a=3")
	s := settings(t, "")
	h, err := opened(t, trendOf(t, s, facts)).Replace(s, facts[0].Day.Date, facts[3:], nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := h.Encode(); err != nil || !bytes.Equal(got, encoded(t, trendOf(t, s, facts[3:]))) {
		t.Errorf("got\n%s (error %v), want that of the last two days", got, err)
	}
}

// With other rules history stays as it was told, and what is open under a rule
// that is off closes.
func TestReplaceWithOtherRules(t *testing.T) {
	facts := story(t, "a=9 | a=5 | a=5")
	h := opened(t, trendOf(t, settings(t, ""), facts[:2]))
	h, err := h.Replace(settings(t, "resources_dropped=off,quota_percent=50"), facts[2].Day.Date, facts[2:], facts[1].Accounts)
	if err != nil {
		t.Fatal(err)
	}
	window, err := h.Window(3)
	const want = "1+quota_percent 2-quota_percent 2+data_dropped_percent 2+resources_dropped 3-resources_dropped 3+quota_percent"
	if got := changes(window.Days); err != nil || got != want {
		t.Errorf("got %q (error %v), want %q", got, err, want)
	}
	if got := h.Head().AlertRules; !strings.HasPrefix(got, "resources_dropped=off,") {
		t.Errorf("alert rules are %s, want the new ones", got)
	}
}

// Damage in a stored day is found by whatever reads it: the last complete day, one
// that a delta or the quota's slope is taken from, the first day of a gap, one whose
// alerts are undone. What nothing reads is left alone.
func TestReplaceOfADamagedHistory(t *testing.T) {
	const (
		growing = "a=1 x 4 | ? | a=1 x 29"
		totals  = `"totals":[`
		use     = `"largest_account_bytes":10737418240`
	)
	for _, tt := range []struct {
		name, days string
		back       int // the damaged day, counted from the one that is new
		from, to   string
		replaced   int // days that are replaced, the new one among them
		want       string
	}{
		{"the last complete day", growing, 1, totals, totals + ",", 1, "stored day 2026-12-26: invalid character"},
		{"the last complete day, another number", growing, 1, `"protected_resource_count"`, `"protected_Resource_count"`, 1, "stored day 2026-12-26: it is not spelt"},
		{"the last complete day, before a gap", "a=1 x 3 | ?", 2, `"protected_resource_count"`, `"protected_Resource_count"`, 1, "stored day 2026-11-25: it is not spelt"},
		{"the day a week before", growing, 7, totals, `"appeared":[],` + totals, 1, "stored day 2026-12-20: it is not spelt"},
		{"the thirtieth day of the slope", growing, 29, use, `"cause":"x"`, 1, "stored day 2026-11-28: largest_account_bytes is missing"},
		{"the thirtieth day of the slope, a fraction", growing, 29, use, use + ".5", 1, "stored day 2026-11-28: largest_account_bytes is missing"},
		{"a day before the slope", growing, 31, use, `"cause":"x"`, 1, ""},
		{"a day whose alerts are undone", growing, 2, use, use + `,"opened":[{"rule":"region_gone","opened":"2026-12-25","items":[]}]`, 3, "stored trend: region_gone of 2026-12-25 was opened"},
		{"a day whose alerts are undone, broken", growing, 2, totals, totals + ",", 3, "stored day 2026-12-25: invalid character"},
		{"the first day of a gap", "a=1 | ? x 4", 4, `"cause":`, `"Cause":`, 2, "stored day 2026-11-24: it is not spelt"},
	} {
		facts := story(t, tt.days+" | a=1")
		stored, last := facts[:len(facts)-1], len(facts)-1
		lines := strings.Split(string(encoded(t, trendOf(t, settings(t, ""), stored))), "\n")
		line := &lines[1+last-tt.back]
		if !strings.Contains(*line, tt.from) {
			t.Fatalf("%s: %s is not in %s", tt.name, tt.from, *line)
		}
		*line = strings.Replace(*line, tt.from, tt.to, 1)
		h, err := OpenHistory([]byte(strings.Join(lines, "\n")))
		if tt.back == 1 && err != nil {
			h, err = opened(t, trendOf(t, settings(t, ""), stored)), nil // it was found at once
			h.lines[last-1] = []byte(strings.TrimSuffix(*line, ","))
		}
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		_, err = h.Replace(settings(t, ""), facts[last].Day.Date-Date(tt.replaced-1), facts[len(facts)-tt.replaced:], facts[0].Accounts)
		if got, want := errorText(err), "trend from "+(facts[last].Day.Date-Date(tt.replaced-1)).String()+": "+tt.want; tt.want == "" && err != nil || tt.want != "" && !strings.HasPrefix(got, want) {
			t.Errorf("%s: error = %v, want %s", tt.name, err, want)
		}
	}
}

func TestTrendThatNoDocumentHolds(t *testing.T) {
	trend := trendOf(t, settings(t, ""), story(t, "a=1 | ?"))
	late := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	trend.Days[1].DetectedAt = &late
	if data, err := trend.Encode(); data != nil || !strings.HasPrefix(errorText(err), "encode trend: day 2026-11-24: ") {
		t.Errorf("Encode = %q, %v, want an error that names the day", data, err)
	}
	trend.Days[1].DetectedAt, trend.Gaps[0].DetectedAt = nil, &late
	if data, err := trend.Encode(); data != nil || !strings.HasPrefix(errorText(err), "encode trend: json: ") {
		t.Errorf("Encode = %q, %v, want an error", data, err)
	}
	facts := story(t, "a=1 | ?")
	facts[1].Day.DetectedAt = &late
	h := opened(t, trendOf(t, settings(t, ""), facts[:1]))
	if _, err := h.Replace(settings(t, ""), facts[1].Day.Date, facts[1:], facts[0].Accounts); !strings.Contains(errorText(err), "encode trend: day 2026-11-24: ") {
		t.Errorf("Replace: error = %v, want one that names the day", err)
	}
}

// Regions spelt as we spell them are read by hand; any other spelling is left to
// encoding/json, which may refuse it.
func TestCutRegions(t *testing.T) {
	const (
		first  = `{"source_type":"A","region_id":"深圳 1","protected_data_bytes":0,"protected_resource_count":10}`
		second = `{"source_type":"B","region_id":"","protected_data_bytes":9223372036854775807,"protected_resource_count":1}`
		good   = `{"totals":[],"regions":[` + first + "," + second + `],"cause":"x"}`
	)
	rest, regions := cutRegions([]byte(good))
	want := []TypeRegion{{"A", Region{"深圳 1", Amount{0, 10}}}, {"B", Region{"", Amount{1<<63 - 1, 1}}}}
	if string(rest) != `{"totals":[],"regions":[],"cause":"x"}` || !slices.Equal(regions, want) {
		t.Errorf("regions are %v, and the rest is %s", regions, rest)
	}
	for _, tt := range []struct{ name, from, to string }{
		{"no regions", `[` + first + "," + second + "]", "[]"},
		{"a region that is null", second, "null"},
		{"a comma less", "},{", "}{"},
		{"a comma more", "}]", "},]"},
		{"a blank", "},{", "}, {"},
		{"an escape", "深圳", `\u6df1`},
		{"a control character", "深圳", "\x1f"},
		{"no UTF-8", "深圳", "\xff"},
		{"a text without end", `"深圳 1"`, `"`},
		{"another name", "region_id", "Region_id"},
		{"another order", `"source_type":"A","region_id":"深圳 1"`, `"region_id":"深圳 1","source_type":"A"`},
		{"no number", ":0,", ":,"},
		{"a number in a text", ":0,", `:"0",`},
		{"a zero in front", ":10}", ":010}"},
		{"a zero twice", ":0,", ":00,"},
		{"a negative number", ":10}", ":-10}"},
		{"a fraction", ":10}", ":10.0}"},
		{"one more than fits", "9223372036854775807", "9223372036854775808"},
		{"ten times as much", "9223372036854775807", "92233720368547758070"},
	} {
		line := strings.Replace(good, tt.from, tt.to, 1)
		if line == good {
			t.Errorf("%s: the case changes nothing", tt.name)
		}
		if rest, regions := cutRegions([]byte(line)); string(rest) != line || regions != nil {
			t.Errorf("%s: regions are %v, and the rest is %s; want all of it left", tt.name, regions, rest)
		}
	}
}

func TestReplaceRefuses(t *testing.T) {
	facts := story(t, "1/a=1 2/a=1 | ? | a=3 | a=3")
	s := settings(t, "")
	h := opened(t, trendOf(t, s, facts))
	zero := opened(t, trendOf(t, s, story(t, "a=0")))
	d := facts[0].Day.Date
	for _, tt := range []struct {
		name     string
		from     Date
		days     []Facts
		accounts []AccountTotal
		want     string
	}{
		{"no facts", d, nil, nil, "trend from 2026-11-23: no facts: want those of at least one day"},
		{"facts that end too soon", d + 2, facts[2:3], facts[0].Accounts, "trend from 2026-11-25: facts from 2026-11-25 to 2026-11-25: want those of all days to 2026-11-26"},
		{"facts that begin too soon", d + 3, facts[2:], facts[0].Accounts, "trend from 2026-11-26: facts from 2026-11-25 to 2026-11-26: want those of all days to 2026-11-26"},
		{"a day twice", d, append(facts[:4:4], facts[3]), nil, "trend from 2026-11-23: 2026-11-26 stands twice: want each day once"},
		{"no accounts", d + 2, facts[2:], nil, "trend from 2026-11-25: 0 accounts do not add up to the totals of 2026-11-23: want the accounts of that day"},
		{"another day's accounts", d + 2, facts[2:], facts[2].Accounts, "trend from 2026-11-25: 1 accounts do not add up to the totals of 2026-11-23: want the accounts of that day"},
		{"no accounts, and nothing protected", zero.head.To + 1, story(t, "a=0 | a=1")[1:], nil, "trend from 2026-11-24: 0 accounts do not add up to the totals of 2026-11-23: want the accounts of that day"},
	} {
		h := h
		if tt.name == "no accounts, and nothing protected" {
			h = zero
		}
		if _, err := h.Replace(s, tt.from, tt.days, tt.accounts); errorText(err) != tt.want {
			t.Errorf("%s: error = %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestOpenHistoryRefuses(t *testing.T) {
	good := string(encoded(t, trendOf(t, settings(t, ""), story(t, "a=1 | a=2 | ? | a=3"))))
	line := func(n int) string { return strings.SplitAfter(good, "\n")[n] }
	for _, tt := range []struct{ name, data, want string }{
		{"nothing", "", `stored trend: its lines are not a head, days and an end: want them whole`},
		{"another schema", strings.Replace(good, "trend/v1", "trend/v2", 1), `stored trend: schema "trend/v2", want "trend/v1"`},
		{"half of it", good[:len(good)/2], `stored trend: its lines are not a head, days and an end: want them whole`},
		{"no end", strings.TrimSuffix(good, "\n"), `stored trend: its lines are not a head, days and an end: want them whole`},
		{"an unknown field", strings.Replace(good, `"from"`, `"colour":1,"from"`, 1), `stored trend: its head is not spelt as it is encoded: want it unchanged`},
		{"a field that is absent", strings.Replace(good, `"gaps"`, `"alerts"`, 1), `stored trend: its head is not spelt as it is encoded: want it unchanged`},
		{"another spelling of the head", strings.Replace(good, `"from"`, `"From"`, 1), `stored trend: its head is not spelt as it is encoded: want it unchanged`},
		{"a head that is no JSON", strings.Replace(good, `"gaps":[`, `"gaps":[,`, 1), `stored trend: invalid character ',' looking for beginning of value`},
		{"a day gone", strings.Replace(good, line(2), "", 1), `stored trend: 3 days: want those from 2026-11-23 to 2026-11-26`},
		{"a day twice", strings.Replace(good, line(2), line(1), 1), `stored trend: line 3 is not that of 2026-11-24: want a day a line`},
		{"half a line", strings.Replace(good, line(2), line(2)[:40]+",\n", 1), `stored trend: line 3 is not that of 2026-11-24: want a day a line`},
		{"no comma", strings.Replace(good, line(2), strings.Replace(line(2), ",\n", "\n", 1), 1), `stored trend: line 3 is not that of 2026-11-24: want a day a line`},
		{"another first day", strings.Replace(good, `"from":"2026-11-23","to":"2026-11-26"`, `"from":"2026-11-24","to":"2026-11-27"`, 1), `stored trend: line 2 is not that of 2026-11-24: want a day a line`},
		{"a status that is none", strings.Replace(good, line(2), strings.Replace(line(2), "complete", "fine", 1), 1), `stored trend: status of 2026-11-24 is none: want complete, partial or missing`},
		{"another last status", strings.Replace(good, line(4), strings.Replace(line(4), "complete", "partial", 1), 1), `stored trend: status is "complete", and "partial" on the last day: want the same`},
		{
			"a last day without totals", strings.Replace(good, line(4), strings.Replace(line(4), `"totals":[{"source_type":"ECS_FILE","protected_data_bytes":32212254720,"protected_resource_count":3}],`, ``, 1), 1),
			`stored trend: stored day 2026-11-26: totals or regions are missing: want lists, which may be empty`,
		},
		{
			"a last day without its largest use", strings.Replace(good, line(4), strings.Replace(line(4), `,"largest_account_bytes":32212254720`, ``, 1), 1),
			`stored trend: stored day 2026-11-26: largest_account_bytes is missing: want an integer from 0`,
		},
	} {
		if tt.data == good {
			t.Errorf("%s: the case changes nothing", tt.name)
		}
		_, err := OpenHistory([]byte(tt.data))
		if got := errorText(err); !strings.HasPrefix(got, tt.want) || err == nil {
			t.Errorf("%s: error = %v, want %s", tt.name, err, tt.want)
		}
	}
	if _, err := OpenHistory([]byte(good)); err != nil {
		t.Errorf("the document itself: %v", err)
	}
}

// Damage in a day that is needed is found when it is read.
func TestDamagedDay(t *testing.T) {
	good := string(encoded(t, trendOf(t, settings(t, ""), story(t, "a=3 | a=2 | a=2"))))
	damaged := strings.Replace(good, `"opened":[`, `"appeared":[`, 1)
	lost := strings.Replace(good, `"alerts":[{"rule":"data_dropped_percent"`, `"alerts":[{"rule":"region_gone"`, 1)
	for _, tt := range []struct{ name, data, want string }{
		{"a line that is no day", damaged, "stored day 2026-11-24: json: cannot unmarshal"},
		{"an alert that is neither open nor closed", lost, "stored trend: data_dropped_percent of 2026-11-24 was opened and neither closed nor open"},
	} {
		h, err := OpenHistory([]byte(tt.data))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.OpenAfter(date(t, "2026-11-23")); !strings.HasPrefix(errorText(err), tt.want) {
			t.Errorf("%s: error = %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestWindowAndOpenAfter(t *testing.T) {
	trend := trendOf(t, settings(t, ""), story(t, "a=9 | a=3 | ? | a=2 | a=5")) // the first opens quota_percent
	h := opened(t, trend)
	for _, tt := range []struct {
		name    string
		n, want int
	}{{"none", 0, 0}, {"the last", 1, 1}, {"some", 3, 3}, {"all", 5, 5}, {"more than there are", 400, 5}} {
		window, err := h.Window(tt.n)
		if err != nil || len(window.Days) != tt.want || fmt.Sprint(window.Gaps) != fmt.Sprint(trend.Gaps) {
			t.Errorf("%s: %d days (error %v), want %d and the head", tt.name, len(window.Days), err, tt.want)
		}
		if want := encoded(t, Trend{Days: trend.Days[5-tt.want:]}); !bytes.Equal(encoded(t, Trend{Days: window.Days}), want) {
			t.Errorf("%s: days are %v, want the last %d", tt.name, window.Days, tt.want)
		}
	}
	open := []Alert{}
	for i := -3; i < len(trend.Days); i++ {
		if i >= 0 {
			open = trend.Days[i].OpenAfter(open)
		}
		got, err := h.OpenAfter(trend.From + Date(i))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(open) {
			t.Errorf("after day %d %v are open (error %v), want %v", i+1, got, err, open)
		}
	}
}

// Regions are read by hand: whatever they are called, they are those that
// encoding/json finds.
func FuzzStoredRegions(f *testing.F) {
	f.Add("cn-shenzhen", "", "timeout", int64(7), int64(0))
	f.Add(`"regions":[`, `"regions":[{"source_type":"ECS_FILE"}]`, `"largest_account_bytes":1`, int64(1<<63-1), int64(10))
	f.Add(`back\slash`, "深圳", "\t", int64(1), int64(2))
	f.Add("深圳\\", "\u2028\x00\xff", "}]", int64(0), int64(1))
	f.Fuzz(func(t *testing.T, a, b, cause string, size, count int64) {
		a, b, cause = strings.ToValidUTF8(a, ""), strings.ToValidUTF8(b, ""), strings.ToValidUTF8(cause, "") // as all that was decoded
		size, count = max(0, size), max(0, count)
		largest := size
		day := TrendDay{Date: 20000, Status: Complete, Totals: []TypeTotal{}, Cause: cause, LargestAccountBytes: &largest, Regions: []TypeRegion{
			{"ECS_FILE", Region{a, Amount{size, count}}}, {cause, Region{b, Amount{count, size}}},
		}}
		trend := Trend{Schema: TrendSchema, From: 20000, To: 20000, Status: Complete, Days: []TrendDay{day}}
		data := encoded(t, trend)
		want := plain(t, data)
		window, err := opened(t, trend).Window(1)
		if err != nil || !reflect.DeepEqual(window.Days, want.Days) {
			t.Errorf("days are %+v (error %v), want %+v", window.Days, err, want.Days)
		}
		use, err := timeline{from: 20000, lines: [][]byte{bytes.Split(data, []byte("\n"))[1]}}.largest(20000)
		if err != nil || use != largest {
			t.Errorf("largest = %d (error %v), want %d", use, err, largest)
		}
	})
}

// A stored trend that opens and whose days can be read is the one that
// encoding/json reads, and is encoded to itself; so no number is made of what a
// damaged day lacks. What is read past the decoder is the same as through it.
func FuzzOpenHistory(f *testing.F) {
	for _, days := range []string{"a=1", "a=1 b=2 DB:a=1 | ? | % a=1 | =0", "a=5 | a=3 | ? | a=5"} {
		trend := trendOf(f, settings(f, ""), story(f, days))
		head, lines, _ := strings.Cut(string(encoded(f, trend)), "\n")
		for _, change := range []struct{ from, to string }{
			{"", ""}, {`bytes":`, `bytes":0`}, {":1,", ":1.0,"}, {`"protected_data_bytes"`, `"protected_Data_bytes"`}, {`"regions"`, `"appeared":[],"regions"`},
		} {
			f.Add([]byte(head + "\n" + strings.Replace(lines, change.from, change.to, 1)))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := OpenHistory(data)
		if err != nil {
			return
		}
		if again, err := h.Encode(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%q opens, and is encoded to %q (error %v)", data, again, err)
		}
		h.OpenAfter(h.head.From - 1) // an error or not
		whole, err := h.Window(mostDays)
		if err != nil {
			return
		}
		if want := plain(t, data); !reflect.DeepEqual(whole, want) {
			t.Fatalf("%q is read as\n%+v, want\n%+v", data, whole, want)
		}
		if again := encoded(t, whole); !bytes.Equal(again, data) {
			t.Fatalf("%q is read, and encoded to %q", data, again)
		}
		for _, day := range whole.Days {
			if got := h.timeline().status(day.Date); got != day.Status {
				t.Fatalf("%q: status of %s is %q, want %q", data, day.Date, got, day.Status)
			}
			if day.Status != Complete {
				continue
			}
			if n, err := h.timeline().largest(day.Date); err != nil || n != *day.LargestAccountBytes {
				t.Fatalf("%q: largest of %s is %d (error %v), want %d", data, day.Date, n, err, *day.LargestAccountBytes)
			}
		}
	})
}

// One day of a trend of many, with the days that the page shows: what is parsed
// does not grow with it, only the bytes that are copied do.
func BenchmarkDailyTrend(b *testing.B) {
	for _, days := range []int{365, 3650} {
		b.Run(fmt.Sprintf("days=%d", days), func(b *testing.B) {
			s := settings(b, "")
			s.QuotaBytes = 1 << 50
			var facts []Facts
			for i := range days {
				var words []string
				for region := range 30 {
					words = append(words, fmt.Sprintf("%d/cn-region-%d=%d", region%3, region, 1000+i*3+region))
				}
				facts = append(facts, capture(b, date(b, "2016-11-23")+Date(i), strings.Join(words, " ")).facts)
			}
			stored := encoded(b, trendOf(b, s, facts[:days-1]))
			today, before := facts[days-1], facts[days-2].Accounts
			facts = nil
			b.SetBytes(int64(len(stored)))
			b.ReportAllocs()
			for b.Loop() {
				h, err := OpenHistory(stored)
				if err != nil {
					b.Fatal(err)
				}
				if h, err = h.Replace(s, today.Day.Date, []Facts{today}, before); err != nil {
					b.Fatal(err)
				}
				if _, err := h.Encode(); err != nil {
					b.Fatal(err)
				}
				if _, err := h.Window(400); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
