package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const tenGiB = 10 << 30

// A captured day is what a run leaves of a day that the trend is made of.
type captured struct {
	facts     Facts
	snapshots []Snapshot // none in a hole
}

// capture goes the way of a run: answers, snapshots, record, facts. A day is
// spelt as account/region=instances of 10 GiB each, with account 1 and the source
// type ECS_FILE unless it says DB:region; without a region it counts in the total
// only. "?" is a missing day, "%" a partial one.
func capture(t testing.TB, d Date, spelt string) captured {
	t.Helper()
	day := Day{Date: d, TimeZone: "Asia/Shanghai", Expected: 1}
	rest, partial := strings.CutPrefix(spelt, "%")
	if partial {
		day.Failed = []Failure{{AccountID: "9", SourceType: "ECS_FILE", ErrorType: "SourceError", Message: "denied"}}
		day.Cause = "SourceError: denied"
	}
	if spelt == "?" {
		rest, day.Cause, day.Detected = "", "SourceError: the service is down", time.Unix(int64(d)*86400+60, 0)
	}
	for place, s := range answers(t, rest) {
		account, sourceType, _ := strings.Cut(place, "/")
		day.Snapshots = append(day.Snapshots, NewSnapshot(Occasion{Date: d, TimeZone: "Asia/Shanghai", Trigger: Timer},
			account, sourceType, time.Unix(int64(d)*86400, 0), s))
	}
	record, err := NewDayRecord(day)
	if err != nil {
		t.Fatal(err)
	}
	facts, err := NewFacts(record, day.Snapshots)
	if err != nil {
		t.Fatal(err)
	}
	return captured{facts, day.Snapshots}
}

// answers are the statistics by account and source type.
func answers(t testing.TB, spelt string) map[string]Statistics {
	t.Helper()
	all := make(map[string]Statistics)
	for _, word := range strings.Fields(spelt) {
		place, number, _ := strings.Cut(word, "=")
		count, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			t.Fatalf("%q: %v", word, err)
		}
		account, region, there := strings.Cut(place, "/")
		if !there {
			account, region = "1", place
		}
		sourceType, name, there := strings.Cut(region, ":")
		if !there {
			sourceType, name = "ECS_FILE", region
		}
		s := all[account+"/"+sourceType]
		amount := Amount{count * tenGiB, count}
		s.Total, _ = s.Total.Plus(amount)
		if name != "" {
			s.Regions = append(s.Regions, Region{name, amount})
		}
		all[account+"/"+sourceType] = s
	}
	return all
}

// story is days in a row from 2026-11-23 on, spelt as capture reads them,
// separated by |; "x 3" behind a day repeats it.
func story(t testing.TB, spelt string) (days []Facts) {
	t.Helper()
	for _, day := range strings.Split(spelt, "|") {
		day, times, _ := strings.Cut(day, "x")
		n, _ := strconv.Atoi(strings.TrimSpace(times))
		for range max(1, n) {
			days = append(days, capture(t, date(t, "2026-11-23")+Date(len(days)), strings.TrimSpace(day)).facts)
		}
	}
	return days
}

func settings(t testing.TB, rules string) TrendSettings {
	t.Helper()
	r, err := ParseRules(rules)
	if err != nil {
		t.Fatal(err)
	}
	return TrendSettings{TimeZone: "Asia/Shanghai", QuotaBytes: 10 * tenGiB, Rules: r}
}

// changes spells what a trend opened and closed: 2+rule, 5-rule, by the number of
// the day.
func changes(days []TrendDay) string {
	var words []string
	for i, day := range days {
		for _, a := range day.Closed {
			words = append(words, fmt.Sprintf("%d-%s", i+1, a.Rule))
		}
		for _, a := range day.Opened {
			words = append(words, fmt.Sprintf("%d+%s", i+1, a.Rule))
		}
	}
	return strings.Join(words, " ")
}

func TestAlerts(t *testing.T) {
	const capacityOff = "data_dropped_percent=off"
	for _, tt := range []struct{ name, rules, days, want string }{
		{"a first day", "", "a=5", ""},
		{"a first day that is missing", "", "? | a=5", "1+day_missing 2-day_missing"},
		{"growth", "", "a=3 | a=4 | a=4 b=1 | a=5 b=2", ""},

		{"a drop and its return", "", "a=5 | a=3 | a=3 | a=5", "2+data_dropped_percent 2+resources_dropped 4-data_dropped_percent 4-resources_dropped"},
		{"a drop that returns in part", "", "a=5 | a=3 | a=4", "2+data_dropped_percent 2+resources_dropped"},
		{"a drop for 31 days closes on the 30th after", capacityOff, "a=5 | a=3 x 31", "2+resources_dropped 32-resources_dropped"},
		{"a drop for 30 days is still open", capacityOff, "a=5 | a=3 x 30", "2+resources_dropped"},
		{"the limit passes on a hole too", capacityOff + ",day_missing=off", "a=5 | a=3 x 29 | ? x 3", "2+resources_dropped 32-resources_dropped"},
		{"a drop within a drop", capacityOff, "a=5 | a=4 | a=3 | a=4 | a=5", "2+resources_dropped 3+resources_dropped 4-resources_dropped 5-resources_dropped"},
		{"a drop behind a hole", capacityOff, "a=5 | ? | a=3 | a=5", "2+day_missing 3-day_missing 3+resources_dropped 4-resources_dropped"},
		{"a hole neither closes nor opens it", capacityOff + ",day_missing=off", "a=5 | a=3 | ? | a=5", "2+resources_dropped 4-resources_dropped"},
		{"a region drops while another grows", "", "a=3 b=3 | a=2 b=4", "2+resources_dropped"},
		{"an account drops while another grows", "", "1/a=3 2/a=3 | 1/a=2 2/a=4", "2+resources_dropped"},
		{"an account drops as another comes", "", "1/a=3 | 1/a=2 2/a=1", "2+resources_dropped"},
		{"an account is gone", capacityOff, "1/a=3 2/b=0 2/a=1 | 1/a=4", "2+resources_dropped"},
		{"a source type is gone", capacityOff, "a=3 DB:b=1 | a=3 | a=3 DB:b=1", "2+region_gone 2+resources_dropped 3-region_gone 3-resources_dropped"},
		{"below the threshold", capacityOff + ",resources_dropped=2", "a=5 | a=4", ""},
		{"at the threshold", capacityOff + ",resources_dropped=2", "a=5 | a=3", "2+resources_dropped"},
		{"step by step below the threshold", capacityOff + ",resources_dropped=2", "a=5 | a=4 | a=3 | a=2", ""},

		{"capacity falls by less", "resources_dropped=off,data_dropped_percent=21", "a=5 | a=4", ""},
		{"capacity falls by just that much", "resources_dropped=off,data_dropped_percent=20", "a=5 | a=4", "2+data_dropped_percent"},
		{"all capacity", "resources_dropped=off,data_dropped_percent=100", "a=5 | a=0 | a=1", "2+data_dropped_percent"},
		{"from nothing nothing falls", "data_dropped_percent=1", "a=0 | a=0", ""},

		{"a region vanishes and returns", "", "a=5 b=2 | a=5 | a=5 b=2", "2+data_dropped_percent 2+region_gone 2+resources_dropped " +
			"3-data_dropped_percent 3-region_gone 3-resources_dropped"},
		{"a region returns smaller", capacityOff + ",resources_dropped=off", "a=5 b=2 | a=5 | a=5 b=1 | b=1 a=5 | a=5 b=2", "2+region_gone 5-region_gone"},
		{"a region stays away", capacityOff + ",resources_dropped=off", "a=5 b=2 | a=5 x 31", "2+region_gone 32-region_gone"},
		{"a region without anything vanishes", "", "a=5 b=0 | a=5", ""},
		{"a region falls to nothing and is there", capacityOff, "a=5 b=2 | a=5 b=0", "2+resources_dropped"},
		{"a region of one account is another's too", capacityOff, "1/a=2 2/a=2 | 1/a=2 2/b=2", "2+resources_dropped"},

		{"a gap of one day", "", "a=5 | ? | a=5", "2+day_missing 3-day_missing"},
		{"a gap of ten days", "", "a=5 | ? x 10 | a=5", "2+day_missing 12-day_missing"},
		{"a gap of 40 days stays open", "", "a=5 | ? x 40", "2+day_missing"},
		{"two gaps", "", "a=5 | ? | a=5 | ? | a=5", "2+day_missing 3-day_missing 4+day_missing 5-day_missing"},
		{"a partial day is a hole", "", "1/a=5 9/a=1 | % 1/a=5 | 1/a=5 9/a=1", "2+day_missing 3-day_missing"},

		{"use of the quota crosses the threshold", "", "a=7 | a=8 | a=9 | a=11", "2+quota_percent"},
		{"use falls below it", capacityOff + ",resources_dropped=off", "a=8 | a=7 | a=8", "1+quota_percent 2-quota_percent 3+quota_percent"},
		{
			"an account that is listed is not told again", capacityOff + ",resources_dropped=off",
			"1/a=8 2/a=8 | 1/a=8 2/a=7 | 1/a=8 2/a=8 | 1/a=7 2/a=7", "1+quota_percent 4-quota_percent",
		},
		{"another account crosses", "", "1/a=8 2/a=7 | 1/a=8 2/a=8", "1+quota_percent 2+quota_percent"},
		{"the account is gone", capacityOff + ",resources_dropped=off,region_gone=off", "1/a=8 2/a=1 | 2/a=1", "1+quota_percent 2-quota_percent"},
		{"a quota is each account's own", "", "1/a=7 2/a=7", ""},
		{"a quota counts all source types", "", "a=4 DB:a=4", "1+quota_percent"},
		{"beyond the quota", "quota_percent=110", "a=10 | a=11", "2+quota_percent"},

		{"the regions do not add up", "", "a=5 =1 | a=5 =1 | a=6", "1+total_mismatch 3-total_mismatch"},
		{"another account's do not add up", "", "1/a=3 1/=1 2/a=3 | 1/a=3 1/=1 2/a=3 2/=1", "1+total_mismatch 2+total_mismatch"},
		{"one of two adds up again", "", "1/a=3 1/=1 2/a=3 | 1/a=3 1/=1 2/a=3 2/=1 | 1/a=4 2/a=3 2/=1", "1+total_mismatch 2+total_mismatch 3-total_mismatch"},
		{"their account is gone", capacityOff + ",resources_dropped=off", "1/a=3 2/a=3 2/=1 | 1/a=3", "1+total_mismatch 2-total_mismatch"},

		{
			"all rules are off", "resources_dropped=off,data_dropped_percent=off,region_gone=off,quota_percent=off,day_missing=off,total_mismatch=off",
			"a=5 b=8 =1 | ? | a=1", "",
		},
	} {
		trend, err := NewTrend(settings(t, tt.rules), story(t, tt.days))
		if err != nil {
			t.Fatal(err)
		}
		if got := changes(trend.Days); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAlertItems(t *testing.T) {
	day := date(t, "2026-11-24")
	for _, tt := range []struct {
		name, days string
		want       []Alert
	}{
		{"total, region and no account where there is one", "a=5 b=2 | a=4 b=2", []Alert{
			{"data_dropped_percent", day, []AlertItem{{SourceType: "ECS_FILE", Before: 7 * tenGiB, After: 6 * tenGiB}}},
			{"resources_dropped", day, []AlertItem{{SourceType: "ECS_FILE", Before: 7, After: 6}, {SourceType: "ECS_FILE", RegionID: "a", Before: 5, After: 4}}},
		}},
		{"accounts where there are several", "1/a=3 2/b=3 | 1/a=3 | 1/a=3", []Alert{
			{"data_dropped_percent", day, []AlertItem{{SourceType: "ECS_FILE", Before: 6 * tenGiB, After: 3 * tenGiB}}},
			{"region_gone", day, []AlertItem{{SourceType: "ECS_FILE", RegionID: "b", Before: 3}}},
			{"resources_dropped", day, []AlertItem{
				{SourceType: "ECS_FILE", Before: 6, After: 3}, {SourceType: "ECS_FILE", RegionID: "b", Before: 3}, {AccountID: "2", Before: 3},
			}},
		}},
		{"each source type", "a=3 DB:a=3 | a=2 DB:a=2", []Alert{
			{"data_dropped_percent", day, []AlertItem{{SourceType: "DB", Before: 3 * tenGiB, After: 2 * tenGiB}, {SourceType: "ECS_FILE", Before: 3 * tenGiB, After: 2 * tenGiB}}},
			{"resources_dropped", day, []AlertItem{
				{SourceType: "DB", Before: 3, After: 2},
				{SourceType: "DB", RegionID: "a", Before: 3, After: 2},
				{SourceType: "ECS_FILE", Before: 3, After: 2},
				{SourceType: "ECS_FILE", RegionID: "a", Before: 3, After: 2},
			}},
		}},
		{"the threshold and the use", "1/a=1 2/a=1 | 1/a=8 2/a=12", []Alert{
			{"quota_percent", day, []AlertItem{{AccountID: "1", Before: 80, After: 80}, {AccountID: "2", Before: 80, After: 120}}},
		}},
		{"the total and the sum", "a=5 | a=5 =1", []Alert{
			{"total_mismatch", day, []AlertItem{{SourceType: "ECS_FILE", AccountID: "1", Before: 6 * tenGiB, After: 5 * tenGiB}}},
		}},
		{"a missing day lists nothing", "a=5 | ?", []Alert{{"day_missing", day, []AlertItem{}}}},
	} {
		trend, err := NewTrend(settings(t, ""), story(t, tt.days))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(trend.Alerts), fmt.Sprint(tt.want); got != want {
			t.Errorf("%s: open are %s, want %s", tt.name, got, want)
		}
	}
}

// A region may hold capacity without instances: its old count is 0, so that to be
// there again is all it can do.
func TestRegionGoneWithoutInstances(t *testing.T) {
	days := story(t, "a=5 b=0 | a=5 | a=5 | a=5 b=0")
	days[0].Day.Regions[1].ProtectedDataBytes = 1
	trend, err := NewTrend(settings(t, ""), days)
	if got, want := changes(trend.Days), "2+region_gone 4-region_gone"; err != nil || got != want {
		t.Errorf("got %q (error %v), want %q", got, err, want)
	}
}

func TestGrowthOpensNothing(t *testing.T) {
	var days []Facts
	for i := range 400 {
		spelt := fmt.Sprintf("1/a=%d 1/b=%d 2/a=%d", 1+i/200, 1+i/133, 1+i/100)
		if i > 300 {
			spelt += " 2/c=1"
		}
		days = append(days, capture(t, date(t, "2027-01-01")+Date(i), spelt).facts)
	}
	trend, err := NewTrend(settings(t, ""), days)
	if got := changes(trend.Days); err != nil || got != "" || len(trend.Alerts) > 0 || len(trend.Gaps) > 0 {
		t.Errorf("alerts %q, open %v, gaps %v, error %v; want none", got, trend.Alerts, trend.Gaps, err)
	}
}

func TestFellBy(t *testing.T) {
	const most = 1<<63 - 1
	for _, tt := range []struct {
		name                   string
		before, after, percent int64
		want                   bool
	}{
		{"one percent of a hundred", 100, 99, 1, true},
		{"less than one percent", 101, 100, 1, false},
		{"a byte short of ten percent", 1000, 901, 10, false},
		{"ten percent", 1000, 900, 10, true},
		{"ten percent rounded up", 1001, 901, 10, false},
		{"all of the largest number", most, 0, 100, true},
		{"all but one", most, 1, 100, false},
		{"half of the largest number", most, most / 2, 50, true},
		{"a byte less than half of it", most, most/2 + 1, 50, false},
		{"nothing of nothing", 0, 0, 1, false},
		{"growth", 1, most, 1, false},
	} {
		if got := fellBy(tt.before, tt.after, tt.percent); got != tt.want {
			t.Errorf("%s: fellBy(%d, %d, %d) = %v, want %v", tt.name, tt.before, tt.after, tt.percent, got, tt.want)
		}
	}
}

func TestChanges(t *testing.T) {
	a := Alert{Rule: "resources_dropped", Opened: 1, Items: []AlertItem{{Before: 2}}}
	again := Alert{Rule: "resources_dropped", Opened: 1}
	b, c := Alert{Rule: "resources_dropped", Opened: 2}, Alert{Rule: "region_gone", Opened: 1}
	for _, tt := range []struct {
		name                          string
		before, after, opened, closed []Alert
	}{
		{"nothing", nil, nil, nil, nil},
		{"the same by rule and day", []Alert{a}, []Alert{again}, nil, nil},
		{"one opens", []Alert{a}, []Alert{a, b}, []Alert{b}, nil},
		{"one closes", []Alert{a, b}, []Alert{b}, nil, []Alert{a}},
		{"another day, another rule", []Alert{a}, []Alert{c, b}, []Alert{c, b}, []Alert{a}},
	} {
		opened, closed := Changes(tt.before, tt.after)
		if fmt.Sprint(opened, closed) != fmt.Sprint(tt.opened, tt.closed) {
			t.Errorf("%s: opened %v, closed %v; want %v, %v", tt.name, opened, closed, tt.opened, tt.closed)
		}
	}
}

// An alertSpan is an alert and the number of the day that closes it, or of days.
type alertSpan struct {
	Alert
	closed int
}

// spansOf is a second implementation of the alert rules: it looks at all days for
// each alert, forth for its end and back for what it is compared with.
func spansOf(days []Facts, r Rules, quota int64) (spans []alertSpan) {
	count := func(f Facts, i AlertItem) (n, bytes int64, there bool) {
		for _, t := range f.Day.Totals {
			if i.AccountID == "" && i.RegionID == "" && t.SourceType == i.SourceType {
				return t.ProtectedResourceCount, t.ProtectedDataBytes, true
			}
		}
		for _, t := range f.Day.Regions {
			if i.RegionID == t.RegionID && t.SourceType == i.SourceType {
				return t.ProtectedResourceCount, t.ProtectedDataBytes, true
			}
		}
		for _, a := range f.Accounts {
			if i.AccountID == a.AccountID {
				return a.ProtectedResourceCount, a.ProtectedDataBytes, true
			}
		}
		return 0, 0, false
	}
	listing := func(rule string, day int, i AlertItem) bool {
		return slices.ContainsFunc(spans, func(s alertSpan) bool {
			return s.Rule == rule && s.closed > day && slices.ContainsFunc(s.Items, func(j AlertItem) bool {
				return i.AccountID == j.AccountID && i.SourceType == j.SourceType
			})
		})
	}
	ends := func(a Alert, f Facts) bool {
		if strings.Contains(a.Rule, "dropped") || a.Rule == "region_gone" {
			if int(f.Day.Date) >= int(a.Opened)+30 {
				return true
			}
		}
		if f.Day.Status != "complete" {
			return false
		}
		open := 0
		for _, i := range a.Items {
			n, bytes, there := count(f, i)
			ok := true
			switch a.Rule {
			case "resources_dropped":
				ok = n >= i.Before
			case "region_gone":
				ok = n >= i.Before && there
			case "data_dropped_percent":
				ok = bytes >= i.Before
			case "quota_percent":
				ok = bytes*100/quota < r.QuotaPercent
			case "total_mismatch":
				ok = !slices.ContainsFunc(f.Mismatches, func(m AlertItem) bool { return m.AccountID == i.AccountID && m.SourceType == i.SourceType })
			}
			if !ok {
				open++
			}
		}
		return open == 0
	}
	for n, f := range days {
		items := make(map[string][]AlertItem)
		add := func(rule string, i AlertItem, before, after int64) {
			i.Before, i.After = before, after
			items[rule] = append(items[rule], i)
		}
		var old *Facts
		for back := n - 1; back >= 0 && old == nil; back-- {
			if days[back].Day.Status == "complete" {
				old = &days[back]
			}
		}
		if f.Day.Status != "complete" {
			if !slices.ContainsFunc(spans, func(s alertSpan) bool { return s.Rule == "day_missing" && s.closed > n }) {
				items["day_missing"] = []AlertItem{}
			}
			old = nil
		} else {
			for _, a := range f.Accounts {
				if p := a.ProtectedDataBytes * 100 / quota; p >= r.QuotaPercent && !listing("quota_percent", n, AlertItem{AccountID: a.AccountID}) {
					add("quota_percent", AlertItem{AccountID: a.AccountID}, r.QuotaPercent, p)
				}
			}
			for _, m := range f.Mismatches {
				if !listing("total_mismatch", n, m) {
					items["total_mismatch"] = append(items["total_mismatch"], m)
				}
			}
		}
		if old != nil {
			for _, x := range old.Day.Totals {
				i := AlertItem{SourceType: x.SourceType}
				now, bytes, _ := count(f, i)
				if now <= x.ProtectedResourceCount-r.ResourcesDropped {
					add("resources_dropped", i, x.ProtectedResourceCount, now)
				}
				if x.ProtectedDataBytes > 0 && bytes*100 <= x.ProtectedDataBytes*(100-r.DataDroppedPercent) {
					add("data_dropped_percent", i, x.ProtectedDataBytes, bytes)
				}
			}
			for _, x := range old.Day.Regions {
				i := AlertItem{SourceType: x.SourceType, RegionID: x.RegionID}
				now, _, there := count(f, i)
				if now <= x.ProtectedResourceCount-r.ResourcesDropped {
					add("resources_dropped", i, x.ProtectedResourceCount, now)
				}
				if !there && x.ProtectedResourceCount+x.ProtectedDataBytes > 0 {
					add("region_gone", i, x.ProtectedResourceCount, 0)
				}
			}
			for _, x := range old.Accounts {
				i := AlertItem{AccountID: x.AccountID}
				if now, _, _ := count(f, i); now <= x.ProtectedResourceCount-r.ResourcesDropped && len(old.Accounts)+len(f.Accounts) > 2 {
					add("resources_dropped", i, x.ProtectedResourceCount, now)
				}
			}
		}
		for _, rule := range slices.Sorted(maps.Keys(items)) {
			s := alertSpan{Alert{rule, f.Day.Date, items[rule]}, n + 1}
			for s.closed < len(days) && !ends(s.Alert, days[s.closed]) {
				s.closed++
			}
			spans = append(spans, s)
		}
	}
	return spans
}
