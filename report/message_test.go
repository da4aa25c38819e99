package report

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

var readers = Readers{Language: English, Deployment: "snapshot, acme-reports/backup/", PageURL: "https://reports.example.com/report/index.html"}

const (
	signed  = "backup-statistics · snapshot, acme-reports/backup/ · 2026-11-23\n"
	seePage = "Report: https://reports.example.com/report/index.html\n"
)

// What happened stands first, as it is read on a lock screen; one event is one block,
// the heaviest first.
func TestMessage(t *testing.T) {
	d := date(t, "2026-11-23")
	alert := func(rule string, items ...AlertItem) Alert { return Alert{rule, weightOf(rule), d, items} }
	lost := alert(resourcesDropped,
		AlertItem{SourceType: "ECS_FILE", Before: 70, After: is(30)},
		AlertItem{SourceType: "ECS_FILE", RegionID: "cn-hangzhou", Before: 40, After: is(30)},
		AlertItem{SourceType: "ECS_FILE", RegionID: "cn-shanghai", Before: 30},
		AlertItem{SourceType: "ECS_FILE", AccountID: "1234567890123456", Before: 60, After: is(30), Now: is(35)})
	fell := alert(dataDroppedPercent, AlertItem{SourceType: "ECS_FILE", Before: 5 << 40, After: is(3 << 40)})
	gone := alert(regionGone, AlertItem{SourceType: "ECS_FILE", RegionID: "cn-shanghai", Before: 30})
	quota := alert(quotaPercent, AlertItem{AccountID: "1", Threshold: 80, Before: 70, After: is(123)})
	use := func(account string) (Quota, bool) { return NewQuota(123*gib, 100*gib), account == "1" }
	const advice = "The backups of instances that left may already be gone. If nobody meant it, turn their backup on again in Cloud Backup.\n"
	for _, tt := range []struct {
		name string
		news News
		want string
	}{
		{"nothing", News{Date: d}, ""},
		{"a loss, with all that tells of it", News{Date: d, Opened: []Alert{lost, gone, fell}}, "Protection lost: 40 of 70 instances (cn-shanghai, cn-hangzhou)\n" + signed +
			"Protection lost:\n- In total: 70 → 30 instances, 5.0 TiB → 3.0 TiB (−40 %)\n- cn-shanghai: 30 instances → gone\n- cn-hangzhou: 40 → 30 instances\n- account 1234567890123456: 60 → 30 instances, now 35\n" + advice + seePage},
		{
			"a region that another's growth hides",
			News{Date: d, Opened: []Alert{alert(resourcesDropped, AlertItem{SourceType: "ECS_FILE", RegionID: "a", Before: 3, After: is(1)})}},
			"Protection lost: 2 of 3 instances (a)\n" + signed + "Protection lost:\n- a: 3 → 1 instance\n" + advice + seePage,
		},
		{
			"two source types",
			News{Date: d, Opened: []Alert{alert(resourcesDropped, AlertItem{SourceType: "DB", Before: 3, After: is(1)}, AlertItem{SourceType: "ECS_FILE", Before: 9, After: is(1)})}},
			"Protection lost: 8 of 9 instances\n" + signed + "Protection lost:\n- In total, ECS_FILE: 9 → 1 instance\n- In total, DB: 3 → 1 instance\n" + advice + seePage,
		},
		{"capacity alone", News{Date: d, Opened: []Alert{fell}}, "Capacity fell: by 2.0 TiB of 5.0 TiB\n" + signed +
			"The protected capacity fell:\n- In total: 5.0 TiB → 3.0 TiB (−40 %)\nNo instance left, but disks may no longer be backed up. Find out in Cloud Backup whether that was meant.\n" + seePage},
		{"the quota in words", News{Date: d, Opened: []Alert{quota}, Use: use}, "Free quota: 123 % used by account 1\n" + signed +
			"The free quota is used up:\n- account 1: 123 % used: 100 GiB are free, 23 GiB are billed\nWhat exceeds the free quota is billed. Check what is backed up, or expect the bill.\n" + seePage},
		{
			"a notice comes behind a loss, and what opened earlier says since when",
			News{Date: d + 1, Opened: []Alert{quota, alert(resourcesDropped, AlertItem{SourceType: "ECS_FILE", Before: 3, After: is(1)})}},
			"Protection lost: 2 of 3 instances\n" + strings.Replace(signed, "23\n", "24\n", 1) + "Protection lost, since 2026-11-23:\n- In total: 3 → 1 instance\n" + advice +
				"The free quota is used up, since 2026-11-23:\n- account 1: 123 % used\nWhat exceeds the free quota is billed. Check what is backed up, or expect the bill.\n" + seePage,
		},
		{"a missing day", News{Date: d, Opened: []Alert{alert(dayMissing, AlertItem{Before: 3, After: is(1)})}}, "Day missing: 2026-11-23, 1 of 3 accounts collected\n" + signed +
			"A day has no complete record:\n- 1 of 3 accounts collected\nA past day can't be fetched again. See the function's log, mend the cause and invoke it while the day lasts.\n" + seePage},
		{
			"numbers that do not add up",
			News{Date: d, Opened: []Alert{alert(totalMismatch, AlertItem{SourceType: "ECS_FILE", AccountID: "1", Before: 1000, After: is(999)}, AlertItem{SourceType: "ECS_FILE", AccountID: "2", Before: 7, After: is(7)})}},
			"Numbers in doubt: the regions do not add up (1, 2)\n" + signed + "The regions do not add up to the total:\n- account 1: the total says 1,000 B, the regions 999 B\n- account 2: the instances differ\n" +
				"The service disagrees with itself; both numbers are kept as it gave them. Ask Alibaba Cloud if it stays so.\n" + seePage,
		},
		{"an account that left", News{Date: d, Opened: []Alert{alert(accountGone, AlertItem{AccountID: "7", Before: 5})}}, "Account gone: 7 is no longer collected, with 5 instances\n" + signed +
			"An account is no longer collected:\n- account 7: 5 instances when it was collected last\nIt left the directory, or the settings leave it out. What it protects is not recorded any more.\n" + seePage},
		{"an all-clear", News{Date: d, Closed: []ClosedAlert{{lost, d, reasonReached, false}, {gone, d, reasonReached, false}}}, "All clear: Protection lost (cn-shanghai, cn-hangzhou), the old value is reached again\n" + signed +
			"Over: Protection lost (cn-shanghai, cn-hangzhou), since 2026-11-23: the old value is reached again\n" + seePage},
		{"what ended otherwise is no all-clear", News{Date: d, Closed: []ClosedAlert{{lost, d, reasonExpired, false}}}, "Closed: Protection lost (cn-shanghai, cn-hangzhou), it is too long ago to be news\n" + signed +
			"Over: Protection lost (cn-shanghai, cn-hangzhou), since 2026-11-23: it is too long ago to be news\n" + seePage},
		{"a rule that is not known here", News{Date: d, Opened: []Alert{alert("moon_phase", AlertItem{Before: 1, After: is(2)})}}, "Alert: moon_phase\n" + signed + "moon_phase:\n- In total: 1 → 2\n" + seePage},
		{
			"a name that would break or fill the line",
			News{Date: d, Opened: []Alert{alert(regionGone, AlertItem{RegionID: "a\n" + strings.Repeat("b", 50), Before: 1})}},
			"Protection lost: 1 of 1 instance (a\ufffd" + strings.Repeat("b", 36) + "…)\n" + signed + "Protection lost:\n- a\ufffd" + strings.Repeat("b", 36) + "…: 1 instance → gone\n" + advice + seePage,
		},
	} {
		if got := spaced(readers.Message(tt.news)); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
	if got, want := readers.TestMessage(d), "Test: alerts arrive here. Nothing happened.\n"+signed; got != want {
		t.Errorf("a test is\n%s\nwant\n%s", got, want)
	}
	if got, want := (Readers{}).Message(News{Date: d, Opened: []Alert{quota}}), "Report: report/index.html\n"; !strings.HasSuffix(got, want) || !strings.Contains(got, "\nbackup-statistics · 2026-11-23\n") {
		t.Errorf("without a name and an address it is\n%s\nwant the keyword, and %s", got, want)
	}
}

// stuffed is as much to tell as there can be, of names as long as they can be.
func stuffed(d Date) (all []Alert, closed []ClosedAlert) {
	var items []AlertItem
	for n := range 300 {
		items = append(items, AlertItem{SourceType: strings.Repeat("A", 64), AccountID: fmt.Sprint(n) + strings.Repeat("9", 60), RegionID: fmt.Sprint(n) + strings.Repeat("深\n", 500), Before: 1 << 58, After: is(1 << 57), Now: is(1 << 56)})
	}
	for i, rule := range []string{resourcesDropped, dataDroppedPercent, quotaPercent, regionGone, totalMismatch, accountGone, dayMissing, resourcesDropped, resourcesDropped} {
		a := Alert{rule, weightOf(rule), d + Date(i), items}
		all = append(all, a)
		closed = append(closed, ClosedAlert{a, d + 10, reasonCorrected, false})
	}
	return all, closed
}

// However much there is to tell, whatever regions are called, and in every language, a
// message is short, holds the keyword, and each item stays on its line.
func TestMessageIsShort(t *testing.T) {
	d := date(t, "2026-11-23")
	all, closed := stuffed(d)
	for _, language := range []string{English, Chinese} {
		r := Readers{language, strings.Repeat("深", 40), "https://reports.example.com/" + strings.Repeat("a", 100)}
		for _, n := range []int{0, 1, 2, 3, 5, 9} {
			for _, m := range []int{0, 1, 2, 4, 9} {
				if n+m == 0 {
					continue
				}
				got := r.Message(News{Date: d, Opened: all[:n], Closed: closed[:m]})
				if lines := strings.Count(got, "\n"); lines > messageLines || !utf8.ValidString(got) || len(got) > messageBytes || !strings.Contains(got, Keyword) || !strings.Contains(got, r.PageURL) {
					t.Errorf("%s: %d alerts and %d that ended take %d lines and %d bytes, want at most %d and %d, with keyword and address:\n%s", language, n, m, lines, len(got), messageLines, messageBytes, got)
				}
			}
		}
	}
	short := []Alert{all[0], all[2]}
	for i := range short {
		short[i].Items = make([]AlertItem, 20)
		for n := range short[i].Items {
			short[i].Items[n] = AlertItem{RegionID: fmt.Sprint("r", n), AccountID: fmt.Sprint("a", n), Before: 9, After: is(1)}
		}
	}
	got := readers.Message(News{Date: d, Opened: short})
	if a, b := strings.Count(got, "→ 1"), strings.Count(got, "% used"); a != 4 || b != 4 || !strings.Contains(got, ", and 16 more") {
		t.Errorf("two events show %d and %d items, want their share of 4 each, and how many more:\n%s", a, b, got)
	}
	if got := readers.Message(News{Date: d, Opened: all, Closed: closed}); !strings.Contains(got, "more event") {
		t.Errorf("got\n%s\nwant it to count the events that it leaves out", got)
	}
}

// A test, a loss and an all-clear differ in their first word, in every language.
func TestMessagesBeginDifferently(t *testing.T) {
	d := date(t, "2026-11-23")
	lost := Alert{resourcesDropped, Critical, d, []AlertItem{{SourceType: "ECS_FILE", Before: 3, After: is(1)}}}
	for _, language := range []string{English, Chinese} {
		r := Readers{Language: language}
		seen := make(map[string]bool)
		for _, text := range []string{
			r.TestMessage(d), r.Message(News{Date: d, Opened: []Alert{lost}}), r.Message(News{Date: d, Closed: []ClosedAlert{{lost, d, reasonReached, false}}}), r.Wrong(d, "no route"),
		} {
			word := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ':' || r == '：' })[0]
			if seen[word] || !strings.Contains(text, Keyword) {
				t.Errorf("%s: %q stands first twice, or the keyword is not there:\n%s", language, word, text)
			}
			seen[word] = true
		}
	}
}

// Every language has every phrase, for every kind of event and every reason.
func TestWordsAreComplete(t *testing.T) {
	en, zh := reflect.ValueOf(*english()), reflect.ValueOf(*chinese())
	for n := range en.NumField() {
		name, a, b := en.Type().Field(n).Name, en.Field(n), zh.Field(n)
		if a.IsZero() || b.IsZero() {
			t.Errorf("%s is empty in a language", name)
			continue
		}
		switch a.Kind() {
		case reflect.Map:
			keys := func(v reflect.Value) (keys []string) {
				for _, k := range v.MapKeys() {
					if v.MapIndex(k).String() != "" {
						keys = append(keys, k.String())
					}
				}
				slices.Sort(keys)
				return keys
			}
			if !slices.Equal(keys(a), keys(b)) {
				t.Errorf("%s has %v and %v, want the same", name, keys(a), keys(b))
			}
		case reflect.Slice:
			for i := range min(a.Len(), b.Len()) {
				if strings.HasSuffix(a.Index(i).String(), "#") != strings.HasSuffix(b.Index(i).String(), "#") {
					t.Errorf("%s[%d] is %s and %s: want numbers in both or in none", name, i, a.Index(i), b.Index(i))
				}
			}
			if a.Len() != b.Len() {
				t.Errorf("%s has %d and %d, want as many", name, a.Len(), b.Len())
			}
		}
	}
	w := english()
	for _, r := range (&Rules{}).all() {
		kind := r.name
		if kind == resourcesDropped || kind == regionGone {
			kind = loss
		}
		if w.title[kind] == "" || w.advice[kind] == "" {
			t.Errorf("%s has no title or no advice", kind)
		}
	}
	for _, reason := range []string{reasonReached, reasonExpired, reasonNotAsked, reasonRuleOff, reasonBelow, reasonUsedUp, reasonBack, reasonComplete, reasonAddsUp, reasonCorrected} {
		if w.reasons[reason] == "" {
			t.Errorf("%s has no words", reason)
		}
	}
}

// What is written in one language holds nothing of the other: names, units and keys
// besides.
func TestLanguagesDoNotMix(t *testing.T) {
	d := date(t, "2026-11-23")
	names := []string{
		"GetBasicStatistics", "backup-statistics", "report/index.html", "trend.json", "trend.csv", "ECS_FILE", "ECS", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "API", "Bucket", "days/", "snapshots/", "regions/", "totals/", "calendar/", "check", "action", ".json", "Asia/Shanghai", "Cloud Backup",
	}
	check := func(name, text string, foreign func(rune) bool) {
		for _, known := range names {
			text = strings.ReplaceAll(text, known, "")
		}
		for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !foreign(r) }) {
			if len(word) > 1 {
				t.Errorf("%s: %q is of the other language", name, word)
			}
		}
	}
	latin := func(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }
	han := func(r rune) bool {
		return unicode.Is(unicode.Han, r) || '\u3000' <= r && r <= '\u303f' || '\uff00' <= r && r <= '\uffef'
	}
	var all []Alert
	var closed []ClosedAlert
	for _, rule := range (&Rules{}).all() {
		a := Alert{rule.name, weightOf(rule.name), d, []AlertItem{{Before: 5 << 30, After: is(1 << 30), Now: is(2)}, {RegionID: "1", Before: 7}, {AccountID: "2", Before: 9, After: is(9)}}}
		all = append(all, a)
		for reason := range english().reasons {
			closed = append(closed, ClosedAlert{a, d, reason, false})
		}
	}
	use := func(account string) (Quota, bool) { return NewQuota(123*gib, 100*gib), account == "2" }
	for language, foreign := range map[string]func(rune) bool{English: han, Chinese: latin} {
		r := Readers{Language: language}
		for n := range all {
			check(language, r.Message(News{Date: d, Opened: all[n : n+1], Use: use}), foreign)
		}
		for n := range closed {
			check(language, r.Message(News{Date: d, Closed: closed[n : n+1]}), foreign)
		}
		check(language, r.Message(News{Date: d, Opened: all, Closed: closed}), foreign)
		check(language, r.TestMessage(d)+r.Wrong(d, ""), foreign)
		for name, trend := range variants(t) {
			trend.Alerts, trend.Closed = append(trend.Alerts[:0:0], all...), closed
			trend.Gaps, trend.Accounts.Missing = slices.Clone(trend.Gaps), slices.Clone(trend.Accounts.Missing)
			for n := range trend.Gaps { // texts from outside
				trend.Gaps[n].Cause = ""
			}
			for n := range trend.Accounts.Missing {
				trend.Accounts.Missing[n] = Failure{}
			}
			text := parse(t, pageIn(t, language, trend)).text
			for _, city := range append(slices.Clone(cities), hostile, "ECS_DISK_IMAGE", "-finance-1") {
				text = strings.ReplaceAll(text, city, "")
			}
			check(language+" "+name, text, foreign)
		}
	}
}
