package report

import (
	"cmp"
	"slices"
	"strings"
)

// alerts lists what is open, in words that a person can act on.
func (p *page) alerts() {
	if len(p.Trend.Alerts) == 0 {
		p.write("<section class=\"calm\" aria-label=\"Alerts\"><h2>No open alerts</h2></section>\n")
		return
	}
	p.write("<section class=\"alerts\" aria-labelledby=\"alerts\"><h2 id=\"alerts\">%s</h2>\n<ol>\n", plural(int64(len(p.Trend.Alerts)), "open alert"))
	for _, a := range p.Trend.Alerts {
		title, advice := p.alertWords(a)
		p.write("<li class=\"alert\"><h3>%s</h3><p class=\"soft\">Open since %s</p>\n", title, on(a.Opened))
		if len(a.Items) > 0 {
			p.write("<ul>")
			for _, item := range a.Items[:min(len(a.Items), listedItems)] {
				p.write("<li>%s: %s</li>", p.place(item), itemWords(a.Rule, item))
			}
			if more := len(a.Items) - listedItems; more > 0 {
				p.write("<li>and %s more</li>", formatCount(int64(more)))
			}
			p.write("</ul>\n")
		}
		p.write("<p>%s</p></li>\n", advice)
	}
	p.write("</ol></section>\n")
}

// place says where an item is.
func (p *page) place(i AlertItem) string {
	where := ""
	add := func(s string) {
		if where != "" {
			where += ", "
		}
		where += s
	}
	if i.RegionID != "" {
		add(i.RegionID)
	}
	if i.AccountID != "" {
		add("account " + i.AccountID)
	}
	if where == "" {
		where = "In total"
	}
	if i.SourceType != "" && p.manyTypes {
		add(i.SourceType)
	}
	return where
}

// alertWords says what an alert is about and what to do. A rule that is not
// known here still shows.
func (p *page) alertWords(a Alert) (title, advice string) {
	switch a.Rule {
	case resourcesDropped:
		return "Fewer instances are protected than before",
			"The backups of those that left may already be gone. If nobody meant it, turn their backup on again in Cloud Backup."
	case dataDroppedPercent:
		return "The protected capacity fell", "Disks or whole instances are no longer backed up. Find out whether that was meant."
	case regionGone:
		return "A region is no longer protected", "No instance is backed up there any more. Find out whether that was meant."
	case quotaPercent:
		if q := p.FreeQuota; q != nil && q.LeftBytes == 0 { // by now; the alert may be old
			return "The free quota is used up", "What exceeds it is billed."
		}
		return "The free quota is nearly used up", "What exceeds it will be billed."
	case dayMissing:
		return "A day has no complete record", "While the day lasts, another run completes it; afterwards its numbers cannot be asked for. The cause stands under Gaps."
	case totalMismatch:
		return "The regions do not add up to the total", "The service disagrees with itself. Both numbers are kept as it gave them."
	}
	return a.Rule, "See the rule of this name in the settings."
}

// itemWords is before and after of an item.
func itemWords(rule string, i AlertItem) string {
	switch rule {
	case resourcesDropped, regionGone:
		return formatCount(i.Before) + " → " + plural(i.After, "instance")
	case dataDroppedPercent:
		return formatBytes(i.Before) + " → " + formatBytes(i.After) + bracket(formatShare(i.After-i.Before, i.Before))
	case quotaPercent:
		return formatCount(i.After) + noBreak + "% used when the alert opened, as it does at " + formatCount(i.Before) + noBreak + "%"
	case totalMismatch:
		total, sum := formatBytes(i.Before), formatBytes(i.After)
		if total == sum { // they differ by little: exactly, then
			total, sum = formatCount(i.Before), formatCount(i.After)+noBreak+"bytes"
		}
		return "the total says " + total + ", the regions " + sum
	}
	return formatCount(i.Before) + " → " + formatCount(i.After)
}

func bracket(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

// A regionHistory is a region of one source type over the days.
type regionHistory struct {
	TypeRegion        // as last seen
	bytes      series // one a day
	first      int    // day since which it has been there, or was there last
	last       int    // day when it was last there
	back       bool   // it was there before, and then was not
}

// regionHistories is sorted by size; regions that are gone come last, the most
// recently gone first.
func (p *page) regionHistories() []*regionHistory {
	type key struct{ sourceType, region string }
	byKey := make(map[key]*regionHistory)
	var all []*regionHistory
	before := -1 // the complete day before
	for day, d := range p.Days {
		if !p.known[day] {
			continue
		}
		for _, r := range d.Regions {
			h := byKey[key{r.SourceType, r.RegionID}]
			if h == nil {
				h = &regionHistory{bytes: slices.Repeat(series{noValue}, len(p.Days)), last: -2}
				byKey[key{r.SourceType, r.RegionID}] = h
				all = append(all, h)
			}
			if h.last != before || before < 0 {
				h.first, h.back = day, h.last >= 0
			}
			h.TypeRegion, h.last, h.bytes[day] = r, day, r.ProtectedDataBytes
		}
		before = day
	}
	slices.SortFunc(all, func(a, b *regionHistory) int {
		if a.last != b.last {
			return cmp.Compare(b.last, a.last)
		}
		return cmp.Or(cmp.Compare(b.ProtectedDataBytes, a.ProtectedDataBytes),
			cmp.Compare(b.ProtectedResourceCount, a.ProtectedResourceCount),
			cmp.Compare(a.RegionID, b.RegionID), cmp.Compare(a.SourceType, b.SourceType))
	})
	return all
}

// regions are small multiples.
func (p *page) regions() {
	if p.newest < 0 {
		return
	}
	all := p.regionHistories()
	p.write("<section aria-labelledby=\"regions\"><h2 id=\"regions\">Regions</h2>\n")
	if len(all) == 0 {
		p.write("<p class=\"note\">No region protects anything.</p></section>\n")
		return
	}
	p.write("<p class=\"note\">Protected capacity, largest first. Each chart has its own scale, from zero.</p>\n<ul class=\"regions\">\n")
	for _, h := range all[:min(len(all), chartRegions)] {
		p.region(h)
	}
	p.write("</ul>\n")
	if more := len(all) - chartRegions; more > 0 {
		p.write("<p class=\"note\">And %s more, smaller or gone: see trend.csv.</p>\n", formatCount(int64(more)))
	}
	p.write("</section>\n")
}

func (p *page) region(h *regionHistory) {
	gone := h.last != p.newest
	class, value := "region", formatBytes(h.ProtectedDataBytes)
	if gone {
		class, value = "region gone", "gone"
	}
	p.write("<li class=\"%s\"><div><h3>%s</h3><p class=\"v n\">%s</p></div><div><p>%s</p>", class, h.RegionID, value, p.regionNote(h, gone))
	if !gone {
		p.write("<p>%s</p>", p.regionChange(h))
	}
	p.write("</div>\n")
	p.spark(h.bytes, h.RegionID)
	p.write("</li>\n")
}

func (p *page) regionNote(h *regionHistory, gone bool) string {
	note := plural(h.ProtectedResourceCount, "instance")
	if gone {
		note = "last seen " + p.Days[h.last].Date.String() + ": " + formatBytes(h.ProtectedDataBytes) + ", " + note
	}
	if p.manyTypes {
		note = h.SourceType + " · " + note
	}
	return note
}

// regionChange is the change over 30 days, or why there is none.
func (p *page) regionChange(h *regionHistory) markup {
	then := p.newest - 30
	switch {
	case h.first > max(then, p.oldest) && h.back:
		return "back since " + on(p.Days[h.first].Date)
	case h.first > max(then, p.oldest):
		return "new since " + on(p.Days[h.first].Date)
	case then < 0 || !p.known[then]:
		return "— no record 30 days before"
	}
	d := h.ProtectedDataBytes - h.bytes[then]
	if d == 0 {
		return "unchanged in 30 days"
	}
	return arrow(d, formatBytes) + " in 30 days"
}

// quota is a gauge of the account that uses most.
func (p *page) quota() {
	q := p.FreeQuota
	if q == nil {
		return
	}
	p.write("<section aria-labelledby=\"quota\"><h2 id=\"quota\">Free quota</h2>\n")
	if p.Accounts.Expected > 1 {
		p.write("<p class=\"note\">Each account has its own. Shown is account %s, which uses most.</p>\n", q.AccountID)
	}
	p.gauge(q.Quota)
	p.write("<dl class=\"amounts\"><div><dt>Used</dt><dd>%s</dd></div>", formatGiB(q.UsedBytes))
	if q.OverBytes > 0 {
		p.write("<div class=\"over\"><dt>Over, and billed</dt><dd class=\"down\">%s</dd></div>", formatGiB(q.OverBytes))
	} else {
		p.write("<div><dt>Left</dt><dd>%s</dd></div>", formatGiB(q.LeftBytes))
	}
	p.write("<div><dt>Quota</dt><dd>%s</dd></div><div><dt>Use</dt><dd>%s\u00a0%%</dd></div></dl>\n", formatGiB(q.QuotaBytes), formatCount(q.Percent))
	p.write("<p class=\"say\">%s</p></section>\n", p.crossing())
}

// crossing says when the quota will be reached, or why nobody can tell.
func (p *page) crossing() markup {
	complete := 0
	for _, known := range p.known {
		if known {
			complete++
		}
	}
	switch q := p.FreeQuota; {
	case q.ExpectedCrossing != nil:
		return "If use goes on growing as over the last 30 complete days, the quota is reached on " + on(*q.ExpectedCrossing) + "."
	case q.OverBytes > 0:
		return "The quota is used up."
	case q.LeftBytes == 0:
		return "The quota is used up exactly. Whatever is added is billed."
	case complete < 14:
		return markup("When the quota will be reached can be told from the 14th complete day on. This is day " + formatCount(int64(complete)) + ".")
	}
	return "The use does not grow, or so slowly that the quota lasts for more than ten years."
}

// fleet is left out of a deployment with one account.
func (p *page) fleet() {
	f := p.Accounts
	if f.Expected <= 1 {
		return
	}
	p.write("<section aria-labelledby=\"accounts\"><h2 id=\"accounts\">Accounts</h2>\n<p class=\"say\">%s of %s collected on %s.",
		formatCount(int64(f.Collected)), plural(int64(f.Expected), "account"), on(p.To))
	if f.NotActivated > 0 {
		p.write(" Cloud Backup is not activated in %s: nothing is protected there.", plural(int64(f.NotActivated), "account"))
	}
	if f.NotAttempted > 0 {
		p.write(" No run has asked for %s.", plural(int64(f.NotAttempted), "account"))
	}
	p.write("</p>\n")
	if len(f.Largest) > 0 && p.CompleteDate != nil {
		p.write("<h3>Largest on %s</h3>\n", on(*p.CompleteDate))
		p.tableHead("", "Account", "Capacity#", "Share#", "Instances#")
		for _, a := range f.Largest {
			p.write("<tr><th scope=\"row\">%s</th><td class=\"num\">%s</td><td class=\"num\">%s</td><td class=\"num\">%s</td></tr>\n",
				a.AccountID, formatBytes(a.ProtectedDataBytes), portion(a.ProtectedDataBytes, p.total.ProtectedDataBytes), formatCount(a.ProtectedResourceCount))
		}
		p.tableFoot()
	}
	p.missingAccounts(f.Missing)
	p.write("</section>\n")
}

// portion is a part of a whole in percent.
func portion(part, whole int64) string {
	if whole <= 0 {
		return "—"
	}
	tenths := float64(part) / float64(whole) * 1000
	return formatTenths(int64(tenths+0.5)) + noBreak + "%"
}

func (p *page) missingAccounts(missing []Failure) {
	if len(missing) == 0 {
		return
	}
	p.write("<h3>Missing on %s</h3>\n", on(p.To))
	p.tableHead("long", "Account", "Source type", "Error", "Reason")
	for _, f := range missing[:min(len(missing), listedItems)] {
		p.write("<tr><th scope=\"row\">%s</th><td>%s</td><td>%s</td><td>%s</td></tr>\n", f.AccountID, f.SourceType, f.ErrorType, shorten(f.Message))
	}
	p.tableFoot()
	if more := len(missing) - listedItems; more > 0 {
		p.write("<p class=\"note\">And %s more: see the record of the day, %s.</p>\n", formatCount(int64(more)), DayKey(p.To))
	}
}

// gaps lists the newest first: they can still be acted upon.
func (p *page) gaps() {
	p.write("<section aria-labelledby=\"gaps\"><h2 id=\"gaps\">Gaps</h2>\n")
	if len(p.Trend.Gaps) == 0 {
		p.write("<p class=\"note\">None: every day has a complete record.</p></section>\n")
		return
	}
	p.write("<p class=\"note\">Days without a complete record. They stay empty: the service cannot tell about days that have passed.</p>\n")
	p.tableHead("long", "Days", "Length", "Status", "Noticed", "Cause")
	shown := 0
	for _, g := range slices.Backward(p.Trend.Gaps) {
		if shown++; shown > listedGaps {
			break
		}
		p.write("<tr><th scope=\"row\" class=\"n\">%s</th><td class=\"n\">%s</td><td class=\"%s\">%s</td><td class=\"at n\">%s</td><td>%s</td></tr>\n",
			span(g.From, g.To), plural(int64(g.To-g.From)+1, "day"), g.Status, g.Status, instant(g.DetectedAt), cmp.Or(shorten(g.Cause), "unknown"))
	}
	p.tableFoot()
	if more := len(p.Trend.Gaps) - listedGaps; more > 0 {
		p.write("<p class=\"note\">And %s earlier ones: see trend.json.</p>\n", formatCount(int64(more)))
	}
	p.write("</section>\n")
}

// lastDays is a table of the last 30 days.
func (p *page) lastDays() {
	if len(p.Days) == 0 {
		return
	}
	n, title := min(len(p.Days), tableDays), "First day"
	if n > 1 {
		title = "Last " + plural(int64(n), "day")
	}
	p.write("<section aria-labelledby=\"days\"><h2 id=\"days\">%s</h2>\n", title)
	p.tableHead("days", "Day", "Status", "Capacity#", "Change#", "Instances#", "Change#")
	for day := len(p.Days) - 1; day >= len(p.Days)-n; day-- {
		d := p.Days[day]
		year, date, _ := strings.Cut(d.Date.String(), "-")
		p.write("<tr><th scope=\"row\" class=\"n\"><span class=\"year\">%s-</span>%s</th><td class=\"%s\">%s</td>", year, date, d.Status, d.Status)
		for _, m := range measures() {
			value, change, class := "—", "—", "num soft"
			if p.known[day] {
				value = m.format(m.of(p.amounts[day]))
				if day > 0 && p.known[day-1] {
					d := m.of(p.amounts[day]) - m.of(p.amounts[day-1])
					if change = formatSigned(d, m.format); d < 0 {
						class = "num down"
					}
				}
			}
			p.write("<td class=\"num\">%s</td><td class=\"%s\">%s</td>", value, class, change)
		}
		p.write("</tr>\n")
	}
	p.tableFoot()
	p.write("</section>\n")
}

// tableHead begins a table in a box of its own, which scrolls where it is too
// narrow; a name that ends in # is a column of numbers.
func (p *page) tableHead(class string, names ...string) {
	p.write("<div class=\"box\" tabindex=\"0\" role=\"group\" aria-label=\"%s\"><table class=\"%s\"><thead><tr>", names[0], class)
	for _, name := range names {
		if number := len(name) - 1; name[number] == '#' {
			p.write("<th scope=\"col\" class=\"num\">%s</th>", name[:number])
		} else {
			p.write("<th scope=\"col\">%s</th>", name)
		}
	}
	p.write("</tr></thead><tbody>\n")
}

func (p *page) tableFoot() { p.write("</tbody></table></div>\n") }
