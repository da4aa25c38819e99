package report

import (
	"cmp"
	"slices"
	"strings"
)

// alerts lists what is open, in words that a person can act on.
func (p *page) alerts() {
	events := eventsOf(p.Trend.Alerts)
	if len(events) == 0 {
		p.write("<section class=\"calm\" aria-label=\"%s\"><h2>%s</h2></section>\n", p.w.alerts, p.w.noAlerts)
		return
	}
	p.write("<section class=\"alerts\" aria-labelledby=\"alerts\"><h2 id=\"alerts\">%s</h2>\n<ol>\n", p.w.openAlerts(int64(len(events))))
	for _, e := range events {
		p.write("<li class=\"alert %s\"><h3>%s</h3><p class=\"soft\">%s</p>\n<ul>", e.weight, p.w.eventTitle(e), p.w.openSince(on(e.opened)))
		for _, item := range e.places[:min(len(e.places), listedItems)] {
			p.write("<li>%s</li>", p.w.place(e, item, p.manyTypes, p.use))
		}
		if more := len(e.places) - listedItems; more > 0 {
			p.write("<li>%s</li>", p.w.andMore(int64(more)))
		}
		p.write("</ul>\n<p>%s</p></li>\n", p.w.advice[e.kind])
	}
	p.write("</ol></section>\n")
}

// use is what one of the largest accounts uses of its free quota.
func (p *page) use(account string) (Quota, bool) {
	for _, a := range p.Accounts.Largest {
		if a.AccountID == account && p.FreeQuota != nil {
			return NewQuota(a.ProtectedDataBytes, p.FreeQuota.QuotaBytes), true
		}
	}
	return Quota{}, false
}

// ended lists what is over, the newest first.
func (p *page) ended() {
	events := endedOf(p.Closed)
	if len(events) == 0 {
		return
	}
	p.write("<section aria-labelledby=\"ended\"><h2 id=\"ended\">%s</h2>\n", p.w.ended)
	p.tableHead("long", p.w.endedColumns...)
	shown := 0
	for _, e := range slices.Backward(events) {
		if shown++; shown > listedEnded {
			break
		}
		p.write("<tr><th scope=\"row\" class=\"n\">%s</th><td>%s%s</td><td class=\"n\">%s</td><td>%s</td></tr>\n",
			on(e.closed), p.w.eventTitle(e), p.w.where(e), on(e.opened), p.w.reason(e))
	}
	p.tableFoot()
	if more := len(events) - listedEnded; more > 0 {
		p.write("<p class=\"note\">%s</p>\n", p.w.andMore(int64(more)))
	}
	p.write("</section>\n")
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
	var all []*regionHistory
	for _, r := range p.Trend.Regions {
		offset := p.firstOf(r)
		h := &regionHistory{bytes: slices.Repeat(series{noValue}, len(r.ProtectedDataBytes)), last: -2}
		before := -1 // the complete day before
		for i := range r.ProtectedDataBytes {
			day := offset + i
			if !p.known[day] {
				continue
			}
			if bytes, count := r.ProtectedDataBytes[i], r.ProtectedResourceCount[i]; bytes != nil && count != nil {
				if h.last != before || before < 0 {
					h.first, h.back = day, h.last >= 0
				}
				h.TypeRegion = TypeRegion{r.SourceType, Region{r.RegionID, Amount{*bytes, *count}}}
				h.last, h.bytes[i] = day, *bytes
			}
			before = day
		}
		if h.last >= 0 {
			all = append(all, h)
		}
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
	p.write("<section aria-labelledby=\"regions\"><h2 id=\"regions\">%s</h2>\n", p.w.regionsTitle)
	if len(all) == 0 {
		p.write("<p class=\"note\">%s</p></section>\n", p.w.noRegion)
		return
	}
	p.write("<p class=\"note\">%s</p>\n<ul class=\"regions\">\n", p.w.regionsNote)
	for _, h := range all[:min(len(all), chartRegions)] {
		p.region(h)
	}
	p.write("</ul>\n")
	if more := len(all) - chartRegions; more > 0 {
		p.write("<p class=\"note\">%s</p>\n", p.w.moreRegions(int64(more)))
	}
	p.write("</section>\n")
}

func (p *page) region(h *regionHistory) {
	gone := h.last != p.newest
	class, value := "region", formatBytes(h.ProtectedDataBytes)
	if gone {
		class, value = "region gone", p.w.gone
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
	note := p.w.instances(h.ProtectedResourceCount)
	if gone {
		note = p.w.lastSeen(p.Days[h.last].Date, formatBytes(h.ProtectedDataBytes), note)
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
	case h.first > max(then, p.oldestRegion()) && h.back:
		return p.w.backSince(on(p.Days[h.first].Date))
	case h.first > max(then, p.oldestRegion()):
		return p.w.newSince(on(p.Days[h.first].Date))
	case then < 0 || !p.known[then]:
		return markup("— " + p.w.noRecordBefore)
	}
	d := h.ProtectedDataBytes - h.bytes[then-(len(p.Days)-len(h.bytes))]
	if d == 0 {
		return markup(p.w.unchangedLong)
	}
	return p.w.inThirtyDays(p.arrow(d, formatBytes))
}

// oldestRegion is the oldest complete day that the regions' series reach back to.
func (p *page) oldestRegion() int {
	for day := max(0, len(p.Days)-RegionDays); day < len(p.Days); day++ {
		if p.known[day] {
			return day
		}
	}
	return -1
}

// quota is a gauge of the account that uses most.
func (p *page) quota() {
	q := p.FreeQuota
	if q == nil {
		return
	}
	p.write("<section aria-labelledby=\"quota\"><h2 id=\"quota\">%s</h2>\n", p.w.freeQuota)
	if p.Accounts.Expected > 1 {
		p.write("<p class=\"note\">%s</p>\n", p.w.quotaOf(q.AccountID))
	}
	p.gauge(q.Quota)
	p.write("<dl class=\"amounts\"><div><dt>%s</dt><dd>%s</dd></div>", p.w.quotaUsed, formatGiB(q.UsedBytes))
	if q.OverBytes > 0 {
		p.write("<div class=\"over\"><dt>%s</dt><dd class=\"down\">%s</dd></div>", p.w.quotaOver, formatGiB(q.OverBytes))
	} else {
		p.write("<div><dt>%s</dt><dd>%s</dd></div>", p.w.quotaLeft, formatGiB(q.LeftBytes))
	}
	p.write("<div><dt>%s</dt><dd>%s</dd></div><div><dt>%s</dt><dd>%s\u00a0%%</dd></div></dl>\n", p.w.quotaAll, formatGiB(q.QuotaBytes), p.w.quotaUse, formatCount(q.Percent))
	p.write("<p class=\"say\">%s</p></section>\n", p.crossing())
}

// crossing says when the quota will be reached, or why nobody can tell.
func (p *page) crossing() markup {
	complete := int64(0)
	for _, known := range p.known {
		if known {
			complete++
		}
	}
	q := p.FreeQuota
	for _, c := range p.Crossings {
		if c.AccountID == q.AccountID {
			return p.w.reachedOn(on(c.ExpectedCrossing))
		}
	}
	switch {
	case q.OverBytes > 0:
		return markup(p.w.quotaUsedUp)
	case q.LeftBytes == 0:
		return markup(p.w.quotaJustUsed)
	case complete < fewestDays:
		return markup(p.w.quotaTooSoon(complete))
	}
	return markup(p.w.quotaNoGrowth)
}

// fleet is left out of a deployment with one account.
func (p *page) fleet() {
	f := p.Accounts
	if f.Expected <= 1 {
		return
	}
	p.write("<section aria-labelledby=\"accounts\"><h2 id=\"accounts\">%s</h2>\n<p class=\"say\">%s",
		p.w.accountsTitle, p.w.accountsOn(formatCount(int64(f.Collected)), p.w.accounts(int64(f.Expected)), on(p.To)))
	for _, some := range []struct {
		n    int
		says func(int64) string
	}{{f.NotActivated, p.w.notActivated}, {f.NotAttempted, p.w.notAttempted}, {f.Excluded, p.w.excluded}} {
		if some.n > 0 {
			p.write(" %s", some.says(int64(some.n)))
		}
	}
	p.write("</p>\n")
	if len(f.Largest) > 0 && p.CompleteDate != nil {
		p.write("<h3>%s</h3>\n", p.w.largestOn(on(*p.CompleteDate)))
		p.tableHead("", p.w.largestColumns...)
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
	p.write("<h3>%s</h3>\n", p.w.missingOn(on(p.To)))
	p.tableHead("long", p.w.missingColumns...)
	for _, f := range missing[:min(len(missing), listedItems)] {
		p.write("<tr><th scope=\"row\">%s</th><td>%s</td><td>%s</td><td>%s</td></tr>\n", f.AccountID, f.SourceType, f.ErrorType, shorten(f.Message))
	}
	p.tableFoot()
	if more := len(missing) - listedItems; more > 0 {
		p.write("<p class=\"note\">%s</p>\n", p.w.moreMissing(int64(more), DayKey(p.To)))
	}
}

// gaps lists the newest first: they can still be acted upon.
func (p *page) gaps() {
	p.write("<section aria-labelledby=\"gaps\"><h2 id=\"gaps\">%s</h2>\n", p.w.gaps)
	if len(p.Trend.Gaps) == 0 {
		p.write("<p class=\"note\">%s</p></section>\n", p.w.noGaps)
		return
	}
	p.write("<p class=\"note\">%s</p>\n", p.w.gapsNote)
	p.tableHead("long", p.w.gapColumns...)
	shown := 0
	for _, g := range slices.Backward(p.Trend.Gaps) {
		if shown++; shown > listedGaps {
			break
		}
		p.write("<tr><th scope=\"row\" class=\"n\">%s</th><td class=\"n\">%s</td><td class=\"%s\">%s</td><td class=\"at n\">%s</td><td>%s</td></tr>\n",
			p.span(g.From, g.To), p.w.days(int64(g.To-g.From)+1), g.Status, p.w.status[g.Status], p.instant(g.DetectedAt), cmp.Or(shorten(g.Cause), p.w.unknown))
	}
	p.tableFoot()
	if more := len(p.Trend.Gaps) - listedGaps; more > 0 {
		p.write("<p class=\"note\">%s</p>\n", p.w.moreGaps(int64(more)))
	}
	p.write("</section>\n")
}

// lastDays is a table of the last 30 days.
func (p *page) lastDays() {
	if len(p.Days) == 0 {
		return
	}
	n, title := min(len(p.Days), tableDays), p.w.firstDay
	if n > 1 {
		title = p.w.lastDays(int64(n))
	}
	p.write("<section aria-labelledby=\"days\"><h2 id=\"days\">%s</h2>\n", title)
	p.tableHead("days", p.w.lastColumns...)
	for day := len(p.Days) - 1; day >= len(p.Days)-n; day-- {
		d := p.Days[day]
		year, date, _ := strings.Cut(d.Date.String(), "-")
		p.write("<tr><th scope=\"row\" class=\"n\"><span class=\"year\">%s-</span>%s</th><td class=\"%s\">%s</td>", year, date, d.Status, p.w.status[d.Status])
		for _, m := range p.measures() {
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
