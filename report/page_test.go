package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// hostile is a name from outside that would break out of every context of a page.
const hostile = `<b>&"'</style><script>alert(1)</script>`

// A scene is a history made up for the page: what is not said does not happen.
// Days are counted back from the last, which is 0.
type scene struct {
	days     int
	regions  []string
	types    []string       // source types; ECS_FILE alone if empty
	accounts int            // 1 if 0
	bytes    int64          // of the largest region on the last day
	growth   float64        // by which everything grew over 90 days
	noise    bool           // numbers that no path can shorten
	holes    map[int]string // status of days that are not complete
	gone     map[string]int // regions that are there no more since a day
	added    map[string]int // regions that have been there since a day only
	drop     int            // day since which half of the first region is gone; 0: never
	failures int            // accounts that the last day lacks

	regionsOf map[TypeRegion][]*Amount // one a day
}

var cities = []string{
	"cn-hangzhou", "cn-shanghai", "cn-beijing", "cn-shenzhen", "cn-hongkong", "ap-southeast-1", "eu-central-1", "us-west-1", "cn-qingdao", "cn-zhangjiakou",
	"cn-huhehaote", "cn-wulanchabu", "cn-heyuan", "cn-guangzhou", "cn-chengdu", "ap-southeast-3", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ap-northeast-1",
	"ap-northeast-2", "us-east-1", "eu-west-1", "me-east-1", "me-central-1", "na-south-1", "cn-shanghai-finance-1", "cn-beijing-finance-1", "cn-shenzhen-finance-1", "cn-zhongwei",
}

// trend plays the scene; the last day is 2026-11-23, and alerts opened on it.
func (s scene) trend(t testing.TB, alerts ...string) Trend {
	t.Helper()
	last := date(t, "2026-11-23")
	s.regionsOf = make(map[TypeRegion][]*Amount)
	tr := Trend{Schema: TrendSchema, TimeZone: "Asia/Shanghai", From: last - Date(s.days) + 1, To: last, Alerts: []Alert{}}
	random := rand.New(rand.NewPCG(1, uint64(s.days)))
	for back := s.days - 1; back >= 0; back-- {
		at := midnight(last - Date(back)).Add(12*time.Hour + 17*time.Minute)
		day := TrendDay{Date: last - Date(back), Status: Complete, CapturedAt: &at}
		if status := s.holes[back]; status != "" {
			day.Status, day.CapturedAt = status, nil
			tr.addHole(day)
		} else {
			s.fill(&day, back, random)
			tr.CompleteDate, tr.Totals = &day.Date, day.Totals
		}
		tr.Days = append(tr.Days, day)
		tr.Status = day.Status
	}
	for place, amounts := range s.regionsOf {
		tr.addRegion(place, append(amounts, make([]*Amount, s.days-len(amounts))...))
	}
	slices.SortFunc(tr.Regions, Series.compare)
	tr.compare()
	s.addFleet(&tr)
	for _, rule := range alerts {
		tr.Alerts = append(tr.Alerts, Alert{Rule: rule, Opened: last})
	}
	return tr
}

func (s scene) fill(day *TrendDay, back int, random *rand.Rand) {
	types := s.types
	if len(types) == 0 {
		types = []string{"ECS_FILE"}
	}
	for i, sourceType := range types {
		var sum Amount
		for rank, region := range s.regions {
			if since, gone := s.gone[region]; gone && back <= since {
				continue
			}
			if since, added := s.added[region]; added && back > since {
				continue
			}
			share := float64(s.bytes) / math.Pow(float64(rank+1), 1.3) / float64(i+1)
			share *= 1 - s.growth*float64(back/3)/30
			if s.noise {
				share *= 0.5 + random.Float64()/2
			}
			if rank == 0 && s.drop > 0 && back <= s.drop {
				share /= 2
			}
			a := Amount{int64(share) >> 30 << 30, (int64(share) + 1<<35 - 1) >> 35}
			sum, _ = sum.Plus(a)
			place := TypeRegion{sourceType, Region{RegionID: region}}
			s.regionsOf[place] = append(s.regionsOf[place], make([]*Amount, s.days-1-back-len(s.regionsOf[place]))...)
			s.regionsOf[place] = append(s.regionsOf[place], &a)
		}
		day.Totals = append(day.Totals, TypeTotal{sourceType, sum})
	}
}

// addRegion adds what a region had on each day, as far as a trend keeps it.
func (tr *Trend) addRegion(place TypeRegion, amounts []*Amount) {
	s := Series{SourceType: place.SourceType, RegionID: place.RegionID}
	for _, a := range amounts[max(0, len(amounts)-RegionDays):] {
		var bytes, count *int64
		if a != nil {
			bytes, count = &a.ProtectedDataBytes, &a.ProtectedResourceCount
		}
		s.ProtectedDataBytes, s.ProtectedResourceCount = append(s.ProtectedDataBytes, bytes), append(s.ProtectedResourceCount, count)
	}
	tr.Regions = append(tr.Regions, s)
}

func (tr *Trend) addHole(d TrendDay) {
	if n := len(tr.Gaps); n > 0 && tr.Gaps[n-1].To == d.Date-1 {
		tr.Gaps[n-1].To = d.Date
		return
	}
	noticed := midnight(d.Date).Add(15*time.Hour + 47*time.Minute)
	cause := "no run at all: the timer trigger is off"
	if d.Status == Partial {
		cause = "SourceError: get statistics of account 1000000000000007: Throttling.User (503)"
	}
	tr.Gaps = append(tr.Gaps, Gap{From: d.Date, To: d.Date, Status: d.Status, Cause: cause, DetectedAt: &noticed})
}

// compare adds the deltas.
func (tr *Trend) compare() {
	if tr.CompleteDate == nil {
		return
	}
	for _, days := range []int{1, 7, 30, 90} {
		i := int(*tr.CompleteDate) - days - int(tr.Days[0].Date)
		if i < 0 || tr.Days[i].Status != Complete {
			continue
		}
		d := Delta{Days: days, Since: tr.Days[i].Date}
		for j, now := range tr.Totals {
			then := tr.Days[i].Totals[j]
			d.Totals = append(d.Totals, TypeTotal{now.SourceType, Amount{
				now.ProtectedDataBytes - then.ProtectedDataBytes, now.ProtectedResourceCount - then.ProtectedResourceCount,
			}})
		}
		tr.Deltas = append(tr.Deltas, d)
	}
}

func (s scene) addFleet(tr *Trend) {
	var total Amount
	for _, t := range tr.Totals {
		total, _ = total.Plus(t.Amount)
	}
	accounts := max(1, s.accounts)
	tr.Accounts = Fleet{Expected: accounts, Collected: accounts - s.failures}
	for i := range min(10, accounts) {
		tr.Accounts.Largest = append(tr.Accounts.Largest, AccountTotal{strconv.Itoa(1000000000000001 + i), Amount{
			total.ProtectedDataBytes / int64(i+2), total.ProtectedResourceCount / int64(i+2),
		}})
	}
	for i := range min(100, s.failures) {
		tr.Accounts.Missing = append(tr.Accounts.Missing, Failure{
			strconv.Itoa(1000000000000900 + i), "ECS_FILE", "SourceError", "assume role acs:ram::" + strconv.Itoa(1000000000000900+i) + ":role/backup-reader: NoPermission (403): You are not authorized to do this action.",
		})
	}
	if tr.CompleteDate != nil {
		used := total.ProtectedDataBytes
		if accounts > 1 {
			used /= 2
		}
		tr.FreeQuota = &QuotaUse{AccountID: "1000000000000001", Quota: NewQuota(used, 100*gib)}
	}
}

func is(n int64) *int64 { return &n }

func with(tr Trend, change func(*Trend)) Trend {
	change(&tr)
	return tr
}

// smallScene is in the golden page: two weeks, two regions, a gap, and names
// that want to be more than text.
func smallScene(t testing.TB) Trend {
	s := scene{days: 14, regions: []string{"cn-shenzhen", hostile}, accounts: 2, bytes: 40 * gib, growth: 0.9, failures: 1, holes: map[int]string{6: Missing, 5: Partial, 3: Missing, 0: Partial}}
	return with(s.trend(t), func(tr *Trend) {
		tr.Accounts.Largest[1].AccountID = hostile
		tr.Accounts.Missing[0] = Failure{hostile, hostile, hostile, hostile}
		tr.Accounts.Names = []AccountName{{hostile, hostile}}
		tr.FreeQuota.AccountID = hostile
		tr.Gaps[0].Cause = hostile
		tr.TimeZone = hostile
		tr.Alerts = []Alert{
			{Rule: regionGone, Opened: tr.To - 1, Items: []AlertItem{{SourceType: hostile, RegionID: hostile, AccountID: hostile, Before: 3}}},
			{Rule: hostile, Opened: tr.To, Items: []AlertItem{{Before: 1, After: is(2)}}},
		}
	})
}

// variants are the pages that are worth looking at.
func variants(t testing.TB) map[string]Trend {
	crossing := date(t, "2027-02-14")
	everyOther := make(map[int]string)
	for back := range 400 {
		if back%2 == 1 {
			everyOther[back] = Missing
		}
	}
	all := firstScreens(t)
	maps.Copy(all, map[string]Trend{
		"empty":        {Schema: TrendSchema, TimeZone: "Asia/Shanghai", Status: Missing},
		"never":        scene{days: 3, holes: map[int]string{0: Missing, 1: Missing, 2: Partial}}.trend(t, dayMissing),
		"first-day":    scene{days: 1, regions: cities[:1], bytes: 40 * gib}.trend(t),
		"second-day":   scene{days: 2, regions: cities[:2], bytes: 40 * gib, growth: 0.5}.trend(t),
		"two-weeks":    smallScene(t),
		"zero":         scene{days: 14, holes: map[int]string{5: Missing}}.trend(t),
		"zero-regions": scene{days: 30, regions: cities[:2]}.trend(t),
		"quarter": with(scene{days: 90, regions: cities[:6], bytes: 48 * gib, growth: 0.6}.trend(t), func(tr *Trend) {
			tr.Crossings = []Crossing{{tr.FreeQuota.AccountID, crossing}}
			tr.FreeQuota.Quota = NewQuota(80*gib, 100*gib)
		}),
		"drop":          dropScene(t),
		"today-missing": scene{days: 40, regions: cities[:3], bytes: 1500 * gib, growth: 0.3, holes: map[int]string{0: Missing, 1: Missing}}.trend(t, dayMissing),
		"today-partial": scene{days: 60, regions: cities[:3], bytes: 1500 * gib, growth: 0.3, accounts: 12, failures: 2, holes: map[int]string{0: Partial}}.trend(t, dayMissing),
		"over-quota":    scene{days: 90, regions: cities[:3], bytes: 5000 * gib, growth: 0.5}.trend(t),
		"fleet":         scene{days: 400, regions: cities[:12], accounts: 1000, failures: 100, bytes: 300 << 40, growth: 0.15, noise: true, holes: map[int]string{0: Partial, 200: Missing}}.trend(t, dayMissing),
		"year":          scene{days: 400, regions: cities, bytes: 900 * gib, growth: 0.2, drop: 50, holes: map[int]string{20: Missing, 120: Missing, 121: Missing, 122: Partial, 300: Missing}, gone: map[string]int{cities[7]: 80, cities[20]: 3}, added: map[string]int{cities[4]: 100, cities[9]: 12}}.trend(t),
		"two-types":     scene{days: 35, regions: cities[:2], types: []string{"ECS_FILE", "ECS_DISK_IMAGE"}, bytes: 60 * gib, growth: 0.5}.trend(t),
		"largest":       largestScene(t),
		"noise":         scene{days: 400, regions: cities, bytes: 900 << 40, noise: true}.trend(t),
		"every-other":   scene{days: 400, regions: cities, bytes: 900 * gib, noise: true, holes: everyOther}.trend(t),
	})
	return all
}

// firstScreens are histories, settled as runs do, whose first screen has to say within
// five seconds what is protected, whether it is worse, since when, and what to do.
func firstScreens(t testing.TB) map[string]Trend {
	screens.Do(func() { screens.trends = playScreens(t) })
	return maps.Clone(screens.trends)
}

var screens struct {
	sync.Once
	trends map[string]Trend
}

func playScreens(t testing.TB) map[string]Trend {
	var regions, fewer []string
	for n := range 60 {
		place := fmt.Sprintf("%s-%d", cities[n%len(cities)], n/len(cities)+1)
		regions = append(regions, fmt.Sprintf("%s=%d", place, 80-n))
		if n != 40 {
			fewer = append(fewer, fmt.Sprintf("%s=%d", place, 80-n-n%7/6*12))
		}
	}
	var accounts, less []string
	for n := range 500 {
		id := 1000000000000001 + n
		accounts = append(accounts, fmt.Sprintf("%d/cn-hangzhou=%d", id, 1+n%9))
		less = append(less, fmt.Sprintf("%d/cn-hangzhou=%d", id, 1+n%9-n%9/8*n/300*6))
	}
	years := ""
	for n := range 61 {
		years += fmt.Sprintf("cn-hangzhou=%d cn-shanghai=%d x %d |", 2+n/8, 1+n/20, 30)
	}
	const seventy = "cn-hangzhou=50 cn-shanghai=10 cn-beijing=10"
	all := map[string]string{
		"screen-calm":         "cn-hangzhou=3 cn-shanghai=2 x 50 | cn-hangzhou=4 cn-shanghai=2 x 40 | cn-hangzhou=5 cn-shanghai=2 x 30",
		"screen-loss":         seventy + "x 88 | cn-hangzhou=20 cn-beijing=10 x 3",
		"screen-all-lost":     seventy + "x 60 | =0",
		"screen-gap-today":    seventy + "x 40 | ?",
		"screen-loss-and-gap": seventy + "x 40 | cn-hangzhou=20 cn-beijing=10 | ?",
		"screen-first":        "cn-hangzhou=4 cn-shanghai=1",
		"screen-never-any":    "=0 x 14",
		"screen-regions-60":   strings.Join(regions, " ") + "x 20 |" + strings.Join(fewer, " ") + "x 2",
		"screen-accounts-500": strings.Join(accounts, " ") + "x 20 |" + strings.Join(less, " "),
		"screen-five-years":   strings.TrimSuffix(years, "|"),
	}
	trends := make(map[string]Trend)
	for name, spelt := range all {
		trends[name] = story(t, "", spelt).trend()
	}
	return trends
}

// dropScene has every alert open.
func dropScene(t testing.TB) Trend {
	s := scene{days: 90, regions: cities[:4], bytes: 700 * gib, growth: 0.5, drop: 6, holes: map[int]string{30: Missing, 31: Missing}, gone: map[string]int{cities[3]: 6}}
	return with(s.trend(t), func(tr *Trend) {
		d := tr.To - 6
		tr.Alerts = []Alert{
			{Rule: resourcesDropped, Opened: d, Items: []AlertItem{{SourceType: "ECS_FILE", Before: 42, After: is(29)}, {SourceType: "ECS_FILE", RegionID: cities[0], Before: 21, After: is(10)}}},
			{Rule: dataDroppedPercent, Opened: d, Items: []AlertItem{{SourceType: "ECS_FILE", Before: 1450 * gib, After: is(1017 * gib)}}},
			{Rule: regionGone, Opened: d, Items: []AlertItem{{SourceType: "ECS_FILE", RegionID: cities[3], Before: 3}}},
			{Rule: quotaPercent, Opened: d - 80, Items: []AlertItem{{AccountID: "1000000000000001", Threshold: 80, Before: 70, After: is(1017)}}},
			{Rule: dayMissing, Opened: tr.To, Items: []AlertItem{{Before: 1}}},
			{Rule: totalMismatch, Opened: tr.To, Items: []AlertItem{{SourceType: "ECS_FILE", AccountID: "1000000000000001", Before: 1017 * gib, After: is(1017*gib - 1)}}},
		}
	})
}

func largestScene(t testing.TB) Trend {
	tr := scene{days: 3, regions: cities[:1], bytes: gib}.trend(t)
	most := Amount{math.MaxInt64, math.MaxInt64}
	for i := range tr.Days {
		tr.Days[i].Totals[0].Amount = most
		tr.Regions[0].ProtectedDataBytes[i], tr.Regions[0].ProtectedResourceCount[i] = &most.ProtectedDataBytes, &most.ProtectedResourceCount
	}
	tr.Totals = tr.Days[2].Totals
	tr.FreeQuota.Quota = NewQuota(math.MaxInt64, 100*gib)
	return tr
}

func pageOf(t testing.TB, tr Trend) string { return pageIn(t, English, tr) }

func pageIn(t testing.TB, language string, tr Trend) string {
	t.Helper()
	var b bytes.Buffer
	if err := (Readers{Language: language}).Page(&b, tr); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestPageVariants leaves the pages in the folder PAGES, for a browser to check.
func TestPageVariants(t *testing.T) {
	dir := os.Getenv("PAGES")
	if dir == "" {
		t.Skip("PAGES is not set: want a folder for the pages")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, tr := range variants(t) {
		languages := []string{English}
		if strings.HasPrefix(name, "screen-") || len(tr.Alerts)+len(tr.Accounts.Missing)+len(tr.Gaps) > 0 { // the others have the same words
			languages = append(languages, Chinese)
		}
		for _, language := range languages {
			if err := os.WriteFile(filepath.Join(dir, name+"."+language+".html"), []byte(pageIn(t, language, tr)), 0o644); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestPageGolden(t *testing.T) {
	golden(t, "page.html", []byte(pageOf(t, smallScene(t))))
}

// A parsed page is its elements and its words.
type parsed struct {
	elements map[string]int
	ids      []string
	refs     []string // what attributes and styles point at
	text     string   // visible or not, blanks folded
}

// parse reads a page as strictly as XML is read: every element closes.
func parse(t *testing.T, page string) parsed {
	t.Helper()
	got := parsed{elements: make(map[string]int)}
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta", "link"}, xml.HTMLEntity
	var text strings.Builder
	var inside []string
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("the page does not parse: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			got.elements[token.Name.Local]++
			inside = append(inside, token.Name.Local)
			for _, a := range token.Attr {
				switch a.Name.Local {
				case "id":
					got.ids = append(got.ids, a.Value)
				case "href", "src", "action", "srcset", "data", "poster":
					got.refs = append(got.refs, a.Value)
				case "aria-labelledby":
					for id := range strings.FieldsSeq(a.Value) {
						got.refs = append(got.refs, "#"+id)
					}
				}
				if strings.HasPrefix(a.Name.Local, "on") {
					t.Errorf("<%s %s=%q>: want no handlers", token.Name.Local, a.Name.Local, a.Value)
				}
			}
		case xml.EndElement:
			inside = inside[:len(inside)-1]
			if !slices.Contains([]string{"span", "time", "strong", "a", "code"}, token.Name.Local) {
				text.WriteByte(' ')
			}
		case xml.CharData:
			if !slices.Contains(inside, "style") {
				text.Write(token)
			}
		}
	}
	got.text = strings.Join(strings.Fields(text.String()), " ")
	return got
}

// Every page parses, points only at itself and its neighbours, and is small.
func TestPageStandsAlone(t *testing.T) {
	for name, tr := range variants(t) {
		page := pageOf(t, tr)
		if len(page) >= 300_000 {
			t.Errorf("%s: %d bytes, want fewer than 300,000", name, len(page))
		}
		got := parse(t, page)
		for _, tag := range []string{"script", "b", "img", "iframe", "object", "base", "form"} {
			if got.elements[tag] > 0 {
				t.Errorf("%s: <%s> in the page", name, tag)
			}
		}
		for _, tag := range []string{"title", "h1", "main", "html", "style"} {
			if got.elements[tag] < 1 {
				t.Errorf("%s: no <%s> in the page", name, tag)
			}
		}
		for _, ref := range got.refs {
			id, inner := strings.CutPrefix(ref, "#")
			switch {
			case inner && slices.Contains(got.ids, id), ref == "trend.json", ref == "trend.csv", strings.HasPrefix(ref, "data:"):
			default:
				t.Errorf("%s: the page points at %q", name, ref)
			}
		}
		slices.Sort(got.ids)
		if n := len(got.ids); len(slices.Compact(got.ids)) != n {
			t.Errorf("%s: an id stands twice", name)
		}
		if m := regexp.MustCompile(`url\(|@import|NaN|Inf\b|%!|[-−]9,?223`).FindString(page); m != "" {
			t.Errorf("%s: %q in the page", name, m)
		}
	}
}

func TestPageEscapes(t *testing.T) {
	page := pageOf(t, smallScene(t))
	if strings.Contains(page, "<b>") || strings.Contains(page, "<script") {
		t.Error("a name from outside is markup in the page")
	}
	if got := strings.Count(parse(t, page).text, hostile); got < 12 {
		t.Errorf("the name from outside stands %d times in the text, want it in each of its 12 places", got)
	}
}

// near is what stands where the beginning of the words does.
func near(text, words string) string {
	i := strings.Index(text, words[:min(len(words), 10)])
	return text[max(i, 0):min(max(i, 0)+len(words)+80, len(text))]
}

func TestPageSays(t *testing.T) {
	all := variants(t)
	crossing := func(tr Trend, used int64, day *Date) Trend {
		return with(tr, func(tr *Trend) {
			tr.FreeQuota, tr.Crossings = &QuotaUse{AccountID: "1000000000000001", Quota: NewQuota(used, 100*gib)}, nil
			if day != nil {
				tr.Crossings = []Crossing{{tr.FreeQuota.AccountID, *day}}
			}
		})
	}
	soon := date(t, "2027-02-14")
	for _, tt := range []struct {
		name  string
		trend Trend
		want  string
	}{
		{"nothing is known yet", all["empty"], "No day has a complete record yet."},
		{"a good day in a sentence", all["first-day"], "Record of 2026-11-23: complete 2 ECS instances are protected by the Essential Edition. Cloud Backup's ECS File Backup Essential Edition alone, no other edition: 40.0 GiB of disks, 1 region. Read on 2026-11-23 20:17, Asia/Shanghai."},
		{"calm: no less than it was", all["screen-calm"], "7 ECS instances are protected by the Essential Edition, no fewer than on any of the 30 days before."},
		{"a loss: how much, since when, where", all["screen-loss"], "30 ECS instances are protected by the Essential Edition, 40 fewer than on 18 February: cn-hangzhou 50 → 20, cn-shanghai 10 → 0."},
		{"a loss: what to do", all["screen-loss"], "If nobody meant it, turn their backup on again in Cloud Backup."},
		{"all is lost", all["screen-all-lost"], "No ECS instance is protected by the Essential Edition, 70 fewer than on 21 January: cn-hangzhou 50 → 0, cn-beijing 10 → 0, cn-shanghai 10 → 0."},
		{"nobody knows", all["screen-gap-today"], "What is protected now is not known: the record of 2 January is missing. On 1 January 70 ECS instances were protected by the Essential Edition, no fewer than on any of the 30 days before."},
		{"nobody knows: what to do", all["screen-gap-today"], "mend the cause and invoke it while the day lasts."},
		{"a loss is worse than a gap", all["screen-loss-and-gap"], "On 2 January 30 ECS instances were protected by the Essential Edition, 40 fewer than on 1 January: cn-hangzhou 50 → 20, cn-shanghai 10 → 0. What is protected now is not known: the record of 3 January is missing."},
		{"a loss that others hide", story(t, "", "a=10 b=10 x 9 | a=10 b=4 c=9").trend(), "23 ECS instances are protected by the Essential Edition, but some lost their protection on 2 December: b 10 → 4."},
		{"a loss on a partial day", story(t, "", "1/a=10 2/a=10 x 9 | 1/a=3 2!").trend(), "On 1 December 20 ECS instances were protected by the Essential Edition, but some lost their protection on 2 December: a 10 → 3."},
		{"a loss of accounts without regions", story(t, "", "1/=10 2/=10 x 9 | 1/=3 2/=10").trend(), "13 ECS instances are protected by the Essential Edition, 7 fewer than on 1 December: account 1 10 → 3."},
		{"a loss of the total alone", story(t, "", "=10 x 9 | =3").trend(), "3 ECS instances are protected by the Essential Edition, 7 fewer than on 1 December. Cloud"},
		{"many places", all["screen-regions-60"], "and 6 more. Cloud"},
		{"fewer, and no alert", story(t, "resources_dropped=5,data_dropped_percent=off", "a=10 x 9 | a=8").trend(), "8 ECS instances are protected by the Essential Edition, 2 fewer than on 1 December. Cloud"},
		{"fewer, and less", story(t, "resources_dropped=5", "a=10 x 9 | a=8").trend(), "8 ECS instances are protected by the Essential Edition, 2 fewer than on 1 December; their capacity fell on 2 December: 100.0 GiB → 80.0 GiB (−20 %)."},
		{"an old loss is told against the day before it", story(t, "", "a=10 x 40 | a=2 x 29").trend(), "2 ECS instances are protected by the Essential Edition, 8 fewer than on 1 January: a 10 → 2."},
		{"each source type by itself", all["two-types"], "ECS_DISK_IMAGE: 2 ECS instances are protected by the Essential Edition"},
		{"a year that is another", story(t, "", "a=10 x 37 | a=4 x 10").trend(), "6 fewer than on 29 December 2026: a 10 → 4."},
		{"the highest of the month", all["screen-loss"], "Highest of the last 30 days: 70 on 2027-02-18, since then ▼ down −40"},
		{"the highest is now", all["screen-calm"], "The highest of the last 30 days"},
		{"zero is a value", all["zero"], "No ECS instance is protected by the Essential Edition, nor was any on a day before."},
		{"why it may be zero", all["screen-never-any"], "Zero is right where other editions or kinds of backup are used"},
		{"a missing day comes first", all["today-missing"], "What is protected now is not known: the record of 23 November is missing. On 21 November 79 ECS instances were protected"},
		{"the status in a word", all["today-missing"], "2026-11-23: missing"},
		{"a partial day", all["today-partial"], "2026-11-23: partial"},
		{"accounts of a fleet", all["today-partial"], "10 of 12 accounts collected on 2026-11-23."},
		{"accounts that have nothing to collect", with(all["fleet"], func(tr *Trend) { tr.Accounts.NotActivated = 12 }), "Cloud Backup is not activated in 12 accounts: nothing is protected there."},
		{"accounts that nobody asked for", with(all["fleet"], func(tr *Trend) { tr.Accounts.NotAttempted = 1 }), "No run has asked for 1 account."},
		{"who is missing, and why", all["today-partial"], "1000000000000900 ECS_FILE SourceError assume role"},
		{"more are missing than are listed", all["fleet"], "And 80 more: see the record of the day, days/2026-11-23.json."},
		{"the time zone", all["year"], "Read on 2026-11-23 20:17, Asia/Shanghai."},
		{"no alerts", all["year"], "No open alerts"},
		{"the number of alerts", all["drop"], "3 open alerts Protection lost"},
		{"a notice is no alert", all["drop"], "1 notice The free quota is used up"},
		{"instances dropped", all["drop"], "In total: 42 → 29 instances, 1.4 TiB → 1,017.0 GiB (−30 %) cn-hangzhou: 21 → 10 instances cn-shenzhen: 3 instances → gone"},
		{"since when", all["drop"], "Protection lost since 2026-11-17"},
		{"capacity alone", with(all["zero"], func(tr *Trend) {
			tr.Alerts = []Alert{{Rule: dataDroppedPercent, Opened: tr.To, Items: []AlertItem{{SourceType: "ECS_FILE", Before: 3 * gib, After: is(1), Now: is(2 * gib)}}}}
		}), "The protected capacity fell since 2026-11-23 In total: 3.0 GiB → 1 B, now 2.0 GiB (−33 %)"},
		{"almost all of it", with(all["zero"], func(tr *Trend) {
			tr.Alerts = []Alert{{Rule: dataDroppedPercent, Opened: tr.To, Items: []AlertItem{{SourceType: "ECS_FILE", Before: 3 * gib, After: is(1)}}}}
		}), "In total: 3.0 GiB → 1 B (almost −100 %)"},
		{"an account that left", with(all["zero"], func(tr *Trend) {
			tr.Alerts = []Alert{{Rule: accountGone, Opened: tr.To, Items: []AlertItem{{AccountID: "7", Before: 3}}}}
		}), "An account is no longer collected since 2026-11-23 account 7: 3 instances when it was collected last"},
		{"what ended, and why", with(all["zero"], func(tr *Trend) {
			lost := Alert{Rule: resourcesDropped, Opened: tr.To - 3, Items: []AlertItem{{SourceType: "ECS_FILE", Before: 3, After: is(1)}, {SourceType: "ECS_FILE", RegionID: "a", Before: 3, After: is(1)}}}
			tr.Closed = []ClosedAlert{{lost, tr.To - 2, reasonReached, true}, {lost, tr.To, reasonExpired, true}}
		}), "Why it is over 2026-11-23 Protection lost (a) 2026-11-20 it is too long ago to be news 2026-11-21 Protection lost (a) 2026-11-20 the old value is reached again"},
		{"the quota's alert", all["drop"], "The free quota is used up since 2026-08-29 account 1000000000000001: 400 % used: 100 GiB are free, 300.5 GiB are billed"},
		{"the quota, nearly used up", with(all["quarter"], func(tr *Trend) {
			tr.Alerts = []Alert{{Rule: quotaPercent, Opened: tr.To, Items: []AlertItem{{AccountID: "1000000000000001", Threshold: 80, Before: 70, After: is(85), Now: is(80)}}}}
		}), "The free quota is running out since 2026-11-23 account 1000000000000001: "},
		{"the quota of an account that is none of the largest", with(all["quarter"], func(tr *Trend) {
			tr.Alerts = []Alert{{Rule: quotaPercent, Opened: tr.To, Items: []AlertItem{{AccountID: "7", Threshold: 80, Before: 70, After: is(85), Now: is(81)}}}}
		}), "account 7: 81 % used"},
		{"a missing day's alert", all["drop"], "A day has no complete record since 2026-11-23 0 of 1 account collected"},
		{"a mismatch that rounding would hide", all["drop"], "the total says 1,091,995,435,008 B, the regions 1,091,995,435,007 B"},
		{"an unknown rule still shows", with(all["zero"], func(tr *Trend) { tr.Alerts = []Alert{{Rule: "moon_phase", Opened: tr.To}} }), "1 open alert moon_phase"},
		{"growth", all["quarter"], "7 days ▲ up +3.0 GiB +3.3 %"},
		{"nothing to compare with", all["second-day"], "7 days — no history yet"},
		{"the first day is history", with(scene{days: 8}.trend(t), func(tr *Trend) { tr.Deltas = nil }), "7 days — no record then 30 days — no history yet"},
		{"the whole history by month", all["screen-five-years"], "The whole history by month 2026-11-23 to 2031-11-26, the last complete day of each month"},
		{"a month in its table", all["screen-five-years"], "Capacity 2031-11-26 13 130.0 GiB 2031-10-31 13 130.0 GiB 2031-09-30 12 120.0 GiB"},
		{"a value at a point", all["screen-loss"], "2026-11-23 to 2027-02-18: 70"},
		{"an alert in the chart", all["screen-loss"], "2027-02-19: Protection lost"},
		{"the quota in the chart", all["quarter"], "Free quota: 100 GiB, reached on 2027-02-14 if use goes on growing"},
		{"a region that lost comes first", all["screen-regions-60"], "from zero. cn-huhehaote-2 gone"},
		{"regions without a chart", all["screen-regions-60"], "50 more regions"},
		{"accounts that lost come first", all["screen-accounts-500"], "Account Capacity Instances Change 1000000000000306 — — 9 → 3 instances"},
		{"what the directory calls an account", with(all["screen-accounts-500"], func(tr *Trend) {
			tr.Accounts.Names = []AccountName{{"1000000000000306", "team-a"}}
		}), "account 1000000000000306 team-a: 9 → 3 instances"},
		{"the growth of an account", story(t, "", "1/a=1 2/a=1 x 9 | 1/a=3 2/a=1").trend(), "1 30.0 GiB 3 ▲ up +20.0 GiB since 2026-11-23"},
		{"a hole at the other end", with(all["quarter"], func(tr *Trend) { tr.Deltas = nil }), "7 days — no record then"},
		{"holes in the legend", all["year"], "400 days. 5 days without a complete record"},
		{"gaps, newest first", all["year"], "2026-11-03 1 day missing noticed 2026-11-03 23:47 no run at all: the timer trigger is off 2026-07-24 to 2026-07-26 3 days"},
		{"no gaps", all["quarter"], "None: every day has a complete record."},
		{"a region gone is named last", all["year"], "us-west-1 gone — last seen 2026-09-03"},
		{"a new region", all["year"], "new since 2026-11-11"},
		{"a day that was overwritten", with(all["first-day"], func(tr *Trend) { tr.Days[0].Replaced = true }), "2026-11-23 complete, replaced 2"},
		{"source types where there are two", all["two-types"], "cn-shanghai · ECS_DISK_IMAGE"},
		{"a chart in words", all["first-day"], "Protected capacity From 40.0 GiB on 2026-11-23 to 40.0 GiB on 2026-11-23"},
		{"quota left", crossing(all["quarter"], 80*gib, nil), "Used 80 GiB Left 20 GiB Quota 100 GiB Use 80 %"},
		{"quota over", crossing(all["quarter"], 120*gib, nil), "Used 120 GiB Over, and billed 20 GiB Quota 100 GiB Use 120 %"},
		{"a byte below the quota", crossing(all["quarter"], 100*gib-1, nil), "Left 1 B Quota 100 GiB Use 99 %"},
		{"a byte over the quota", crossing(all["quarter"], 100*gib+1, nil), "Over, and billed 1 B"},
		{"exactly the quota", crossing(all["quarter"], 100*gib, nil), "Left 0 GiB Quota 100 GiB Use 100 % The quota is used up exactly."},
		{"when it is reached", crossing(all["quarter"], 80*gib, &soon), "the quota is reached on 2027-02-14."},
		{"too soon to tell", all["second-day"], "can be told from the 14th complete day on. This is day 2."},
		{"no growth", crossing(all["quarter"], 80*gib, nil), "does not grow steadily, or so slowly"},
		{"what the capacity is not", all["first-day"], "It is not the size of the backups."},
	} {
		if text := strings.ReplaceAll(parse(t, pageOf(t, tt.trend)).text, noBreak, " "); !strings.Contains(text, tt.want) {
			t.Errorf("%s: want %q in the page; there is %q", tt.name, tt.want, near(text, tt.want))
		}
	}
}

func TestPageDoesNotSay(t *testing.T) {
	all := variants(t)
	for _, tt := range []struct {
		name  string
		trend Trend
		not   string
	}{
		{"one account is no fleet", all["year"], "Largest"},
		{"one account needs no name", all["quarter"], "1000000000000001"},
		{"one source type needs no name", all["year"], "ECS_FILE"},
		{"no holes, no legend", all["quarter"], "no value is known"},
		{"used up is not about to be", all["over-quota"], "is reached on"},
	} {
		if text := parse(t, pageOf(t, tt.trend)).text; strings.Contains(text, tt.not) {
			t.Errorf("%s: %q in the page", tt.name, tt.not)
		}
	}
}

// The last days have a value and a change, and holes have neither.
func TestPageDays(t *testing.T) {
	tr := scene{days: 40, regions: cities[:1], bytes: 40 * gib, growth: 0.5, holes: map[int]string{2: Missing}}.trend(t)
	text := strings.ReplaceAll(parse(t, pageOf(t, tr)).text, noBreak, " ")
	_, text, _ = strings.Cut(text, "Last 30 days")
	for _, want := range []string{
		"2026-11-22 complete 2 — 40.0 GiB —", // the day before is a hole
		"2026-11-21 missing — — — —",
		"2026-11-18 complete 2 0 39.0 GiB +1.0 GiB",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in the table; there is %q", want, near(text, want))
		}
	}
	if n := strings.Count(text, "complete ") + strings.Count(text, "missing "); n < 30 {
		t.Errorf("%d days in the table, want 30", n)
	}
}

// regionDays is a trend of so many days on which each region has as many GiB as
// the function says; none where it says a negative number.
func regionDays(t *testing.T, days int, gibOf map[string]func(day int) int) Trend {
	tr := scene{days: days}.trend(t)
	for _, name := range slices.Sorted(maps.Keys(gibOf)) {
		amounts := make([]*Amount, days)
		for day := range amounts {
			if n := gibOf[name](day); n >= 0 {
				amounts[day] = &Amount{int64(n) * gib, 1}
			}
		}
		tr.addRegion(TypeRegion{"ECS_FILE", Region{RegionID: name}}, amounts)
	}
	return tr
}

// Regions stand by size, those that are gone behind, the last gone first; their
// change is that over exactly 30 days.
func TestPageRegions(t *testing.T) {
	unless := func(n int, gone func(day int) bool) func(int) int {
		return func(day int) int {
			if gone(day) {
				return -1
			}
			return n
		}
	}
	tr := regionDays(t, 40, map[string]func(int) int{
		"a-gone-early": unless(1000, func(day int) bool { return day > 10 }),
		"b-gone-late":  unless(1000, func(day int) bool { return day > 20 }),
		"c-grows":      func(day int) int { return day },
		"d-large":      func(int) int { return 500 },
		"e-new":        unless(300, func(day int) bool { return day < 15 }),
		"f-back":       unless(200, func(day int) bool { return day == 30 }),
		"g-old-new":    unless(100, func(day int) bool { return day < 5 }),
	})
	_, text, _ := strings.Cut(spaced(parse(t, pageOf(t, tr)).text), "from zero. ")
	want := "d-large 500.0 GiB 1 instance unchanged in 30 days " +
		"e-new 300.0 GiB 1 instance new since 2026-10-30 " +
		"f-back 200.0 GiB 1 instance back since 2026-11-15 " +
		"g-old-new 100.0 GiB 1 instance unchanged in 30 days " +
		"c-grows 39.0 GiB 1 instance ▲ up +30.0 GiB in 30 days " +
		"b-gone-late gone last seen 2026-11-04: 1,000.0 GiB, 1 instance " +
		"a-gone-early gone last seen 2026-10-25: 1,000.0 GiB, 1 instance "
	if !strings.HasPrefix(text, want) {
		t.Errorf("the regions are %q\nwant %q", text[:len(want)], want)
	}
}

// A region is not new because the history begins with it, or with a hole.
func TestPageOldRegions(t *testing.T) {
	tr := regionDays(t, 10, map[string]func(int) int{"a": func(day int) int { return 5 }})
	tr.Days[0] = TrendDay{Date: tr.Days[0].Date, Status: Missing}
	if text := spaced(parse(t, pageOf(t, tr)).text); !strings.Contains(text, "a 5.0 GiB 1 instance — no record 30 days before") {
		t.Errorf("want no news of the region; there is %q", near(text, "a 5.0 GiB 1 instance"))
	}
}

func TestPageCrossing(t *testing.T) {
	for days, want := range map[int]string{1: "This is day 1.", 13: "This is day 13.", 14: "does not grow steadily"} {
		if text := spaced(parse(t, pageOf(t, scene{days: days, regions: cities[:1], bytes: gib}.trend(t))).text); !strings.Contains(text, want) {
			t.Errorf("%d complete days: want %q in the page", days, want)
		}
	}
}

func TestShorten(t *testing.T) {
	long := strings.Repeat("é", listedText)
	if got := shorten(long); got != long {
		t.Errorf("%d runes became %q", listedText, got)
	}
	if got, want := shorten(long+"xy"), long+"…"; got != want {
		t.Errorf("more runes became %q, want %q", got, want)
	}
}

func TestPageTellsOfFailingWriter(t *testing.T) {
	lost := errors.New("lost")
	r, w := io.Pipe()
	r.CloseWithError(lost)
	if err := (Readers{}).Page(w, smallScene(t)); !errors.Is(err, lost) {
		t.Errorf("error = %v, want one that wraps %v", err, lost)
	}
}

func BenchmarkPage(b *testing.B) {
	tr := variants(b)["year"]
	b.ReportAllocs()
	for b.Loop() {
		if err := (Readers{}).Page(io.Discard, tr); err != nil {
			b.Fatal(err)
		}
	}
}
