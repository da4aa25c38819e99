package report

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMessage(t *testing.T) {
	d := date(t, "2026-11-23")
	many := []AlertItem{{SourceType: "ECS_FILE", Before: 40, After: 0}}
	for i := range 19 {
		many = append(many, AlertItem{SourceType: "ECS_FILE", RegionID: fmt.Sprintf("cn-%d", i), Before: 2, After: 1})
	}
	for _, tt := range []struct {
		name           string
		opened, closed []Alert
		want           string
	}{
		{"nothing", nil, nil, ""},
		{"a drop", []Alert{
			{dataDroppedPercent, d, []AlertItem{{SourceType: "ECS_FILE", Before: 5 << 40, After: 3 << 40}}},
			{resourcesDropped, d, []AlertItem{
				{SourceType: "ECS_FILE", Before: 1200, After: 1},
				{SourceType: "ECS_FILE", RegionID: "cn-shenzhen", Before: 1199, After: 0},
				{AccountID: "1234567890123456", Before: 1200, After: 1},
			}},
		}, nil, `Cloud Backup statistics, 2026-11-23
2026-11-23: Less capacity is protected. Check in Cloud Backup that no disk or instance was left out by mistake.
- ECS_FILE, all regions: 5.0 TiB → 3.0 TiB (−40 %)
2026-11-23: Fewer instances are backed up; backups of the others may be gone. Check in Cloud Backup that this was meant.
- ECS_FILE, all regions: 1,200 → 1 instance
- ECS_FILE, cn-shenzhen: 1,199 → 0 instances
- account 1234567890123456: 1,200 → 1 instance
`},
		{"a region that is gone", []Alert{{regionGone, d, []AlertItem{{SourceType: "ECS_FILE", RegionID: "cn-shenzhen", Before: 5}}}}, nil, `Cloud Backup statistics, 2026-11-23
2026-11-23: No longer among the regions; its backups may be gone. Check that region in Cloud Backup.
- ECS_FILE, cn-shenzhen: 5 instances → gone
`},
		{"the quota", []Alert{{quotaPercent, d, []AlertItem{{AccountID: "1", Before: 80, After: 120}}}}, nil, `Cloud Backup statistics, 2026-11-23
2026-11-23: The free quota is running out; what exceeds it is billed. Check what is backed up, or expect the bill.
- account 1: 120% of its free quota used (alert from 80%)
`},
		{"numbers that do not add up", []Alert{{totalMismatch, d, []AlertItem{
			{SourceType: "ECS_FILE", AccountID: "1", Before: 1000, After: 999}, {SourceType: "ECS_FILE", AccountID: "2", Before: 7, After: 7},
		}}}, nil, `Cloud Backup statistics, 2026-11-23
2026-11-23: The regions do not add up to the total. Distrust these numbers; ask Alibaba Cloud if it stays so.
- account 1, ECS_FILE: total 1,000 B, sum of the regions 999 B
- account 2, ECS_FILE: the instances differ
`},
		{"a missing day, told a day later", []Alert{{dayMissing, d - 1, []AlertItem{}}}, nil, `Cloud Backup statistics, 2026-11-23
2026-11-22: No complete record. A past day can't be fetched again: see the function's log, mend the cause and invoke it today.
`},
		{"closings with their reasons", nil, []Alert{{dayMissing, d - 1, nil}, {quotaPercent, d - 100, nil}}, `Cloud Backup statistics, 2026-11-23
Closed: day_missing of 2026-11-22, a day is complete again
Closed: quota_percent of 2026-08-15, the use is below the threshold again
`},
		{"a drop that returned, and one that is history", nil, []Alert{{resourcesDropped, d - 29, nil}, {regionGone, d - 30, nil}, {totalMismatch, d, nil}}, `Cloud Backup statistics, 2026-11-23
Closed: resources_dropped of 2026-10-25, the old value is reached again
Closed: region_gone of 2026-10-24, 30 days have passed
… and 1 more closed
`},
		{"a name that would break or fill the line", []Alert{{regionGone, d, []AlertItem{{RegionID: "a\n" + strings.Repeat("b", 50), Before: 1}}}}, nil, `Cloud Backup statistics, 2026-11-23
2026-11-23: No longer among the regions; its backups may be gone. Check that region in Cloud Backup.
- a` + "\ufffd" + strings.Repeat("b", 36) + `…: 1 instance → gone
`},
		{"more places than lines", []Alert{{resourcesDropped, d, many}}, nil, `Cloud Backup statistics, 2026-11-23
2026-11-23: Fewer instances are backed up; backups of the others may be gone. Check in Cloud Backup that this was meant.
- ECS_FILE, all regions: 40 → 0 instances
` + regionLines(11) + `- ECS_FILE, cn-11: 2 → 1 instance … and 7 more
`},
	} {
		if got := strings.ReplaceAll(Message(d, tt.opened, tt.closed), "\u00a0", " "); got != strings.ReplaceAll(tt.want, "−", "\u2212") {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

func regionLines(n int) (lines string) {
	for i := range n {
		lines += fmt.Sprintf("- ECS_FILE, cn-%d: 2 → 1 instance\n", i)
	}
	return lines
}

// However much there is to tell, and whatever regions are called, a message is
// short and each item stays on its line.
func TestMessageIsShort(t *testing.T) {
	d := date(t, "2026-11-23")
	var items []AlertItem
	for range 1000 {
		items = append(items, AlertItem{SourceType: strings.Repeat("A", 64), AccountID: strings.Repeat("9", 64), RegionID: strings.Repeat("深\n", 500), Before: 1 << 58, After: 1 << 57})
	}
	var all []Alert
	for i, rule := range []string{dataDroppedPercent, quotaPercent, regionGone, resourcesDropped, totalMismatch, resourcesDropped, resourcesDropped} {
		all = append(all, Alert{rule, d + Date(i), items})
	}
	for n := range len(all) + 1 {
		got := Message(d, all[:n], all)
		if lines := strings.Count(got, "\n"); lines > messageLines || !utf8.ValidString(got) {
			t.Errorf("%d alerts take %d lines, want at most %d of valid UTF-8:\n%s", n, lines, messageLines, got)
		}
		if len(got) > messageBytes {
			t.Errorf("%d alerts take %d bytes, want at most %d:\n%s", n, len(got), messageBytes, got)
		}
	}
	short := []Alert{{resourcesDropped, d, items}, {regionGone, d, items}}
	for i := range short {
		short[i].Items = make([]AlertItem, 20)
	}
	if got, want := strings.Count(Message(d, short, nil), "gone\n"), 5; got != want { // and a sixth that counts the rest
		t.Errorf("the second of two alerts shows %d whole lines, want its share of %d", got, want)
	}
	if got := Message(d, all, nil); !strings.Contains(got, "… and 2"+noBreak+"more alerts, in report/index.html") {
		t.Errorf("got\n%s\nwant it to count the alerts that it leaves out", got)
	}
}
