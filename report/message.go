package report

import (
	"fmt"
	"strings"
)

// Limits of a message: people read it on a phone, and the strictest of the chats
// that it goes to takes 2,048 bytes.
const (
	messageLines  = 15
	messageBytes  = 2048
	messageOpened = 5  // alerts
	messageClosed = 2  // alerts
	messageName   = 40 // bytes of a name from outside
)

// Message says in plain text what opened and closed by a day: what, where, before
// and after, and what to do. It is empty where nothing did.
func Message(day Date, opened, closed []Alert) string {
	if len(opened)+len(closed) == 0 {
		return ""
	}
	text := compose(day, opened, closed, messageLines)
	for lines := messageLines - 1; lines > 0 && len(text) > messageBytes; lines-- {
		text = compose(day, opened, closed, lines)
	}
	return text
}

// compose takes so many lines, or as many as an item an alert needs.
func compose(day Date, opened, closed []Alert, most int) string {
	lines := []string{"Cloud Backup statistics, " + day.String()}
	ended := closings(day, closed)
	shown := opened[:min(len(opened), messageOpened)]
	room := most - len(lines) - len(ended) - len(shown)
	if len(shown) < len(opened) {
		room--
	}
	for i, a := range shown {
		lines = append(lines, a.Opened.String()+": "+advice(a.Rule))
		items := itemLines(a, max(1, room/(len(shown)-i)))
		room -= len(items)
		lines = append(lines, items...)
	}
	if more := len(opened) - len(shown); more > 0 {
		lines = append(lines, fmt.Sprintf("… and %s, in %s", plural(int64(more), "more alert"), PageKey))
	}
	return strings.Join(append(lines, ended...), "\n") + "\n"
}

// advice is what an alert means and what to do.
func advice(rule string) string {
	switch rule {
	case resourcesDropped:
		return "Fewer instances are backed up; backups of the others may be gone. Check in Cloud Backup that this was meant."
	case dataDroppedPercent:
		return "Less capacity is protected. Check in Cloud Backup that no disk or instance was left out by mistake."
	case regionGone:
		return "No longer among the regions; its backups may be gone. Check that region in Cloud Backup."
	case quotaPercent:
		return "The free quota is running out; what exceeds it is billed. Check what is backed up, or expect the bill."
	case dayMissing:
		return "No complete record. A past day can't be fetched again: see the function's log, mend the cause and invoke it today."
	case totalMismatch:
		return "The regions do not add up to the total. Distrust these numbers; ask Alibaba Cloud if it stays so."
	}
	return rule
}

// itemLines are at most so many lines; the last one counts what it leaves out.
func itemLines(a Alert, most int) (lines []string) {
	for _, item := range a.Items[:min(len(a.Items), most)] {
		lines = append(lines, "- "+where(item)+": "+change(a.Rule, item))
	}
	if more := len(a.Items) - len(lines); more > 0 {
		lines[len(lines)-1] += fmt.Sprintf(" … and %s more", formatCount(int64(more)))
	}
	return lines
}

func where(i AlertItem) string {
	var parts []string
	if i.AccountID != "" {
		parts = append(parts, "account "+shortened(i.AccountID))
	}
	if i.SourceType != "" {
		parts = append(parts, shortened(i.SourceType))
	}
	if i.RegionID != "" {
		parts = append(parts, shortened(i.RegionID))
	} else if i.AccountID == "" {
		parts = append(parts, "all regions")
	}
	return strings.Join(parts, ", ")
}

func change(rule string, i AlertItem) string {
	switch rule {
	case regionGone:
		return plural(i.Before, "instance") + " → gone"
	case dataDroppedPercent:
		return fmt.Sprintf("%s → %s (%s)", formatBytes(i.Before), formatBytes(i.After), formatShare(i.After-i.Before, i.Before))
	case quotaPercent:
		return fmt.Sprintf("%s%% of its free quota used (alert from %s%%)", formatCount(i.After), formatCount(i.Before))
	case totalMismatch:
		if i.Before == i.After {
			return "the instances differ"
		}
		return fmt.Sprintf("total %s B, sum of the regions %s B", formatCount(i.Before), formatCount(i.After))
	}
	return fmt.Sprintf("%s → %s", formatCount(i.Before), plural(i.After, "instance"))
}

// closings are a line an alert that closed, with the reason as far as the day
// tells it.
func closings(day Date, closed []Alert) (lines []string) {
	for _, a := range closed[:min(len(closed), messageClosed)] {
		lines = append(lines, fmt.Sprintf("Closed: %s of %s, %s", a.Rule, a.Opened, reason(day, a)))
	}
	if more := len(closed) - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("… and %s more closed", formatCount(int64(more))))
	}
	return lines
}

func reason(day Date, a Alert) string {
	switch {
	case a.Rule == dayMissing:
		return "a day is complete again"
	case a.Rule == quotaPercent:
		return "the use is below the threshold again"
	case a.Rule == totalMismatch:
		return "the regions add up again"
	case day-a.Opened >= settledDays:
		return fmt.Sprintf("%d days have passed", settledDays)
	}
	return "the old value is reached again"
}

// shortened keeps a name from outside from filling or breaking a line.
func shortened(s string) string {
	s = printable(s)
	if len(s) <= messageName {
		return s
	}
	return strings.ToValidUTF8(s[:messageName], "") + "…"
}
