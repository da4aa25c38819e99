package report

import (
	"cmp"
	"html"
	"slices"
	"strings"
)

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

// byLoss puts first what open alerts tell of, the heaviest first.
func (p *page) byLoss(all []*regionHistory) []*regionHistory {
	rank := make(map[TypeRegion]int)
	for _, e := range p.events {
		for _, at := range e.places {
			name := TypeRegion{at.SourceType, Region{RegionID: at.RegionID}}
			if _, there := rank[name]; !there && at.part() == 1 && e.weight != Notice {
				rank[name] = len(rank) - len(p.Trend.Regions)
			}
		}
	}
	of := func(h *regionHistory) int { return rank[TypeRegion{h.SourceType, Region{RegionID: h.RegionID}}] }
	slices.SortStableFunc(all, func(a, b *regionHistory) int { return cmp.Compare(of(a), of(b)) })
	return all
}

// regions are small multiples of those that matter most, and a table of the others.
func (p *page) regions() {
	if p.newest < 0 {
		return
	}
	all := p.byLoss(p.regionHistories())
	p.write("<section aria-labelledby=\"regions\"><h2 id=\"regions\">%s</h2>\n", p.w.regionsTitle)
	if len(all) == 0 {
		p.write("<p class=\"note\">%s</p></section>\n", p.w.noRegion)
		return
	}
	p.write("<p class=\"note\">%s</p>\n<ul class=\"regions\">\n", p.w.regionsNote)
	charted := min(len(all), chartRegions)
	for _, h := range all[:charted] {
		p.region(h)
	}
	p.write("</ul>\n")
	if rest := all[charted:]; len(rest) > 0 {
		p.write("<h3 class=\"more\">%s</h3>\n", p.w.otherRegions(int64(len(rest))))
		p.tableHead("wide", p.w.regionColumns...)
		for _, h := range rest[:min(len(rest), tableRegions)] {
			p.regionRow(h)
		}
		p.tableFoot()
		if more := len(rest) - tableRegions; more > 0 {
			p.write("<p class=\"note\">%s</p>\n", p.w.moreRegions(int64(more)))
		}
	}
	p.write("</section>\n")
}

func (p *page) regionName(h *regionHistory) string {
	if p.manyTypes() {
		return h.RegionID + " · " + h.SourceType
	}
	return h.RegionID
}

func (p *page) regionRow(h *regionHistory) {
	p.write("<tr><th scope=\"row\">%s</th>", p.regionName(h))
	if h.last != p.newest {
		p.write("<td class=\"num\">%s</td><td class=\"num\">—</td><td class=\"num soft\">%s</td></tr>\n", p.w.gone, p.w.lastSeenOn(on(p.Days[h.last].Date)))
		return
	}
	p.write("<td class=\"num\">%s</td><td class=\"num\">%s</td><td class=\"num\">%s</td></tr>\n",
		formatBytes(h.ProtectedDataBytes), formatCount(h.ProtectedResourceCount), p.regionChange(h))
}

func (p *page) region(h *regionHistory) {
	gone := h.last != p.newest
	class, value := "region", formatBytes(h.ProtectedDataBytes)
	if gone {
		class, value = "region gone", p.w.gone
	}
	p.write("<li class=\"%s\"><div><h3>%s</h3><p class=\"v n\">%s</p></div><div><p>%s</p>", class, p.regionName(h), value, p.regionNote(h, gone))
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
		p.write("<p class=\"note\">%s</p>\n", p.w.quotaOf(p.accountName(q.AccountID)))
	}
	p.gauge(q.Quota)
	p.write("<dl class=\"amounts\"><div><dt>%s</dt><dd>%s</dd></div>", p.w.quotaUsed, formatPlain(q.UsedBytes))
	if q.OverBytes > 0 {
		p.write("<div class=\"over\"><dt>%s</dt><dd class=\"down\">%s</dd></div>", p.w.quotaOver, formatPlain(q.OverBytes))
	} else {
		p.write("<div><dt>%s</dt><dd>%s</dd></div>", p.w.quotaLeft, formatPlain(q.LeftBytes))
	}
	p.write("<div><dt>%s</dt><dd>%s</dd></div><div><dt>%s</dt><dd>%s\u00a0%%</dd></div></dl>\n", p.w.quotaAll, formatPlain(q.QuotaBytes), p.w.quotaUse, formatCount(q.Percent))
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
	p.accounts()
	p.missingAccounts(f.Missing)
	p.write("</section>\n")
}

// accounts are those that lost something, and then the largest.
func (p *page) accounts() {
	if p.CompleteDate == nil {
		return
	}
	rows := p.changedAccounts()
	changed := make(set)
	for _, r := range rows {
		changed[r.id] = true
	}
	for _, a := range p.Accounts.Largest {
		if !changed[a.AccountID] {
			rows = append(rows, p.accountRow(a.AccountID))
		}
	}
	if len(rows) == 0 {
		return
	}
	title := p.w.largestOn
	if len(changed) > 0 {
		title = p.w.changedOn
	}
	p.write("<h3>%s</h3>\n", title(on(*p.CompleteDate)))
	p.tableHead("wide", p.w.accountColumns...)
	for _, r := range rows {
		p.write("<tr><th scope=\"row\">%s</th><td class=\"num\">%s</td><td class=\"num\">%s</td><td class=\"num\">%s</td></tr>\n", r.name, r.capacity, r.instances, r.change)
	}
	p.tableFoot()
}

// An accountLine is a row of the table of accounts.
type accountLine struct {
	id, name, capacity, instances string
	change                        markup
}

// changedAccounts are those that open alerts tell a loss of, by what they lost.
func (p *page) changedAccounts() (rows []accountLine) {
	seen := make(set)
	for _, e := range p.events {
		for _, at := range e.places {
			if e.weight == Notice || at.part() != 2 || seen[at.AccountID] || len(rows) == listedItems {
				continue
			}
			seen[at.AccountID] = true
			row := p.accountRow(at.AccountID)
			row.change = markup("<span class=\"n down\">" + html.EscapeString(p.w.change(at, p.use)) + "</span>")
			rows = append(rows, row)
		}
	}
	return rows
}

// accountRow says of an account what is known: of one that is none of the largest,
// nothing. Instances of several source types are not added up.
func (p *page) accountRow(id string) accountLine {
	row := accountLine{id: id, name: p.accountName(id), capacity: "—", instances: "—", change: "—"}
	for _, a := range p.Accounts.Largest {
		if a.AccountID == id {
			row.capacity = formatBytes(a.ProtectedDataBytes)
			if !p.manyTypes() {
				row.instances = formatCount(a.ProtectedResourceCount)
			}
		}
	}
	for _, s := range p.Trend.Largest {
		now := len(s.ProtectedDataBytes) - 1 - (len(p.Days) - 1 - p.newest)
		if s.AccountID != id || p.newest < 0 || now < 0 || s.ProtectedDataBytes[now] == nil {
			continue
		}
		then := slices.IndexFunc(s.ProtectedDataBytes, func(n *int64) bool { return n != nil })
		if then < now {
			row.change = p.w.changeSince(p.arrow(*s.ProtectedDataBytes[now]-*s.ProtectedDataBytes[then], formatBytes), on(p.Days[p.newest].Date-Date(now-then)))
		}
	}
	return row
}

func (p *page) missingAccounts(missing []Failure) {
	if len(missing) == 0 {
		return
	}
	p.write("<h3>%s</h3>\n", p.w.missingOn(on(p.To)))
	p.tableHead("long", p.w.missingColumns...)
	for _, f := range missing[:min(len(missing), listedItems)] {
		p.write("<tr><th scope=\"row\">%s</th><td>%s</td><td>%s</td><td>%s</td></tr>\n", p.accountName(f.AccountID), f.SourceType, f.ErrorType, shorten(f.Message))
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
		p.write("<tr><th scope=\"row\" class=\"n\">%s</th><td class=\"n\">%s</td><td class=\"%s\">%s</td><td class=\"at n\"><span>%s </span>%s</td><td>%s</td></tr>\n",
			p.span(g.From, g.To), p.w.days(int64(g.To-g.From)+1), g.Status, p.w.status[g.Status], p.w.noticed, p.instant(g.DetectedAt), cmp.Or(shorten(g.Cause), p.w.unknown))
	}
	p.tableFoot()
	if more := len(p.Trend.Gaps) - listedGaps; more > 0 {
		p.write("<p class=\"note\">%s</p>\n", p.w.moreGaps(int64(more)))
	}
	p.write("</section>\n")
}

// days are tables of all days of the window, a source type each; those before the last
// thirty are folded away.
func (p *page) days() {
	if len(p.Days) == 0 {
		return
	}
	n, title := min(len(p.Days), tableDays), p.w.firstDay
	if n > 1 {
		title = p.w.lastDays(int64(n))
	}
	p.write("<section aria-labelledby=\"days\"><h2 id=\"days\">%s</h2>\n", title)
	types := p.types
	if len(types) == 0 { // nothing was ever captured
		types = []typeDays{{amounts: make([]*Amount, len(p.Days))}}
	}
	for _, t := range types {
		if p.manyTypes() {
			p.write("<h3>%s</h3>\n", t.sourceType)
		}
		p.dayRows(t, len(p.Days)-n, len(p.Days))
		if earlier := len(p.Days) - n; earlier > 0 {
			p.write("<details><summary>%s</summary>\n", p.w.earlierDays(int64(earlier)))
			p.dayRows(t, 0, earlier)
			p.write("</details>\n")
		}
	}
	p.write("</section>\n")
}

// dayRows is a table of some days, the last first.
func (p *page) dayRows(t typeDays, from, to int) {
	p.tableHead("days", p.w.lastColumns...)
	measures := p.measures()
	for day := to - 1; day >= from; day-- {
		d := p.Days[day]
		year, date, _ := strings.Cut(d.Date.String(), "-")
		status, kind := p.w.status[d.Status], d.Status
		if d.Replaced {
			status, kind = status+p.w.comma+p.w.replaced, kind+" replaced"
		}
		p.put("<tr><th scope=\"row\"><span>", year, "-</span>", date, "</th><td class=\"", kind, "\">", status, "</td>")
		for _, m := range measures {
			value, change, class := "—", "—", ""
			if a := t.amounts[day]; a != nil {
				value = m.format(m.of(*a))
				if day > 0 && t.amounts[day-1] != nil {
					d := m.of(*a) - m.of(*t.amounts[day-1])
					if change = formatSigned(d, m.format); d < 0 {
						class = " class=\"down\""
					}
				}
			}
			p.put("<td>", value, "</td><td", class, ">", change, "</td>")
		}
		p.put("</tr>\n")
	}
	p.tableFoot()
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
