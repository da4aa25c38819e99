package report

import (
	"html"
	"slices"
	"strings"
)

const (
	mostPlaces   = 3  // named in the first sentence; the alert below has the others
	mostUnbroken = 24 // bytes of a name that a phone has room for on one line
)

// verdict is the first thing that is read: for each source type what is protected and
// whether it is less than it was; or that nobody knows. What is worst comes first.
func (p *page) verdict() {
	if p.CompleteDate == nil {
		p.write("<p class=\"lead\">%s</p>\n", p.w.noneYet)
		p.todo(len(p.Days) > 0)
		return
	}
	gap := *p.CompleteDate != p.To
	lost := slices.ContainsFunc(p.events, func(e event) bool { return e.kind == loss })
	unknown := func() {
		if gap {
			p.write("<p class=\"lead warn\"><strong>%s</strong></p>\n", p.w.unknownNow(p.date(p.To), p.w.status[p.Status]))
		}
	}
	if !lost {
		unknown()
	}
	for _, t := range p.types {
		p.protects(t, gap)
	}
	if lost {
		unknown()
	}
	p.scope()
	p.todo(gap)
}

// date is a day as people say it, with its year where that is another than the page's.
func (p *page) date(d Date) string {
	t, now := midnight(d), midnight(p.To)
	return p.w.date(t, t.Year() != now.Year())
}

// protects is the sentence of a source type.
func (p *page) protects(t typeDays, gap bool) {
	m, day := p.instances(), ""
	if gap {
		day = p.date(*p.CompleteDate)
	}
	number, class := p.w.protected(day, t.now.ProtectedResourceCount), "lead"
	var tail markup
	since, losses := p.losses(t.sourceType)
	most, peak := p.highest(t, m, max(peakDays, int(p.To-since)+1))
	falls := p.fall(t.sourceType)
	fewer := most - t.now.ProtectedResourceCount
	if fewer > 0 {
		number += p.w.fewer(fewer, p.date(p.Days[peak].Date))
	}
	switch {
	case losses != nil && fewer > 0:
		class, tail = "lead bad", p.lostPlaces(losses)
	case losses != nil:
		class, tail = "lead bad", markup(p.w.lostBut(p.date(since)))+p.lostPlaces(losses)
	case falls != nil:
		class, tail = "lead warn", markup(p.w.fellBut(p.date(falls.opened), p.w.capacityChange(falls.places[0].AlertItem)))
	case fewer > 0:
	case p.newest <= p.first(t): // there is nothing to compare with
	case p.allZero(t):
		number += p.w.neverAny
	default:
		number += p.w.notFewer(int64(min(peakDays, p.newest-p.first(t))))
	}
	if gap && losses == nil {
		class = "lead past"
	}
	if p.manyTypes() {
		number = shortened(t.sourceType) + p.w.colon + number
	}
	p.write("<p class=\"%s\"><strong>%s</strong>%s%s</p>\n", class, number, tail, p.w.stop)
}

// first is the first day of the window with a number of a source type.
func (p *page) first(t typeDays) int {
	return slices.IndexFunc(t.amounts, func(a *Amount) bool { return a != nil })
}

// allZero tells whether a source type never protected anything, as far as is known.
func (p *page) allZero(t typeDays) bool {
	for _, a := range t.amounts {
		if a != nil && *a != (Amount{}) {
			return false
		}
	}
	for _, month := range p.Months {
		for _, total := range month.Totals {
			if total.SourceType == t.sourceType && total.Amount != (Amount{}) {
				return false
			}
		}
	}
	return true
}

// losses are the places of a source type that lost instances, by what they lost, and the
// day since which they are told of: regions, or else accounts.
func (p *page) losses(sourceType string) (since Date, places []place) {
	part := 2
	for _, e := range p.events {
		for _, at := range e.places {
			if e.kind != loss || at.SourceType != sourceType || at.rule == dataDroppedPercent {
				continue
			}
			if places == nil || e.opened < since {
				since = e.opened
			}
			places = append(places, at)
			if at.part() == 1 {
				part = 1
			}
		}
	}
	seen := make(set)
	slices.SortStableFunc(places, func(a, b place) int { return int(min(1, max(-1, b.lost()-a.lost()))) })
	kept := places[:0:0]
	for _, at := range places {
		name := at.RegionID + " " + at.AccountID
		if at.part() == part && !seen[name] {
			kept, seen[name] = append(kept, at), true
		}
	}
	if len(kept) == 0 {
		return since, places
	}
	return since, kept
}

// lostPlaces names them with what they had and have.
func (p *page) lostPlaces(places []place) markup {
	var names []string
	for _, at := range places {
		if at.part() == 0 {
			continue
		}
		name := shortened(at.RegionID)
		if at.part() == 2 {
			name = p.w.account(shortened(p.accountName(at.AccountID)))
		}
		text := html.EscapeString(name) + noBreak + formatCount(at.Before) + noBreak + "→" + noBreak + formatCount(at.level())
		if len(name) <= mostUnbroken {
			text = "<span class=\"n\">" + text + "</span>"
		}
		names = append(names, text)
	}
	if len(names) == 0 {
		return ""
	}
	if more := len(names) - mostPlaces; more > 0 {
		names = append(names[:mostPlaces], p.w.andMore(int64(more)))
	}
	return markup(p.w.colon + strings.Join(names, p.w.comma))
}

// fall is an open event of a source type whose capacity fell, and no instance left.
func (p *page) fall(sourceType string) *event {
	for n, e := range p.events {
		if e.kind == dataDroppedPercent && e.places[0].SourceType == sourceType {
			return &p.events[n]
		}
	}
	return nil
}

// scope says what the sentence is about: the edition, how much, where, and when it was
// read.
func (p *page) scope() {
	amount, regions, accounts := "", "", ""
	if len(p.types) == 1 {
		amount = p.w.disks(formatBytes(p.types[0].now.ProtectedDataBytes))
	}
	if p.newest >= 0 {
		regions = p.w.regions(int64(p.countRegions()))
	}
	if p.Accounts.Expected > 1 {
		accounts = p.w.accounts(int64(p.Accounts.Expected))
	}
	p.write("<p class=\"scope\">%s", p.w.scope(amount, regions, accounts))
	if p.newest >= 0 && p.Days[p.newest].CapturedAt != nil {
		p.write("%s", p.w.readAt(p.instant(p.Days[p.newest].CapturedAt), markup(html.EscapeString(p.TimeZone))))
	}
	p.write("</p>\n")
}

// countRegions counts the regions of the newest complete day, each once, whatever its
// source types.
func (p *page) countRegions() int {
	ids := make(map[string]bool)
	for _, r := range p.Trend.Regions {
		if day := p.newest - p.firstOf(r); day >= 0 && r.ProtectedDataBytes[day] != nil {
			ids[r.RegionID] = true
		}
	}
	return len(ids)
}

// firstOf is the day of the window that a region's series begins with.
func (p *page) firstOf(r Series) int { return len(p.Days) - len(r.ProtectedDataBytes) }

// todo says what to do where no alert below does.
func (p *page) todo(gap bool) {
	told := slices.ContainsFunc(p.events, func(e event) bool { return e.kind == dayMissing })
	if gap && !told {
		p.write("<p class=\"todo\">%s</p>\n", p.w.advice[dayMissing])
	}
	if p.CompleteDate != nil && !slices.ContainsFunc(p.types, func(t typeDays) bool { return !p.allZero(t) }) {
		p.write("<p class=\"todo\">%s</p>\n", p.w.whyZero)
	}
}

// alarms lists what is open and no mere notice, before any number.
func (p *page) alarms() {
	events, _ := p.byWeight()
	if len(events) > 0 {
		p.alerts("alerts", p.w.openAlerts(int64(len(events))), events)
	}
}

// notices lists the rest, or says that there is nothing at all.
func (p *page) notices() {
	alarms, events := p.byWeight()
	switch {
	case len(events) > 0:
		p.alerts("notices", p.w.openNotices(int64(len(events))), events)
	case len(alarms) == 0:
		p.write("<section class=\"calm\" aria-label=\"%s\"><h2>%s</h2></section>\n", p.w.alerts, p.w.noAlerts)
	}
}

func (p *page) byWeight() (alarms, notices []event) {
	for _, e := range p.events {
		if e.weight == Notice {
			notices = append(notices, e)
		} else {
			alarms = append(alarms, e)
		}
	}
	return alarms, notices
}

// alerts lists events in words that a person can act on.
func (p *page) alerts(id, title string, events []event) {
	p.write("<section class=\"alerts\" aria-labelledby=\"%s\"><h2 id=\"%s\">%s</h2>\n<ol>\n", id, id, title)
	for _, e := range events {
		p.write("<li class=\"alert %s\"><h3>%s <span class=\"soft\">%s</span></h3>\n<ul>", e.weight, p.w.eventTitle(e), p.w.openSince(on(e.opened)))
		shown, folded := e.places, []place(nil)
		if len(shown) > shownItems+1 {
			shown, folded = e.places[:shownItems], e.places[shownItems:min(len(e.places), listedItems)]
		}
		p.places(e, shown)
		p.write("</ul>\n<p>%s</p>", p.w.advice[e.kind])
		if len(folded) > 0 {
			p.write("<details><summary>%s</summary><ul>", p.w.andMore(int64(len(e.places)-shownItems)))
			p.places(e, folded)
			if more := len(e.places) - listedItems; more > 0 {
				p.write("<li>%s</li>", p.w.andMore(int64(more)))
			}
			p.write("</ul></details>")
		}
		p.write("</li>\n")
	}
	p.write("</ol></section>\n")
}

func (p *page) places(e event, places []place) {
	for _, item := range places {
		id := item.AccountID
		item.AccountID = p.accountName(id)
		p.write("<li>%s</li>", p.w.place(e, item, p.manyTypes(), func(string) (Quota, bool) { return p.use(id) }))
	}
}

// accountName is an account's id with its name, where that is known.
func (p *page) accountName(id string) string {
	i, known := slices.BinarySearchFunc(p.Accounts.Names, id, func(n AccountName, id string) int { return strings.Compare(n.AccountID, id) })
	if !known {
		return id
	}
	return id + " " + p.Accounts.Names[i].Name
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
