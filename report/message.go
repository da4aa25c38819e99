package report

import (
	"cmp"
	"slices"
	"strings"
)

// Limits of a message: people read it on a phone, and the strictest of the chats
// that it goes to takes 2,048 bytes.
const (
	messageLines  = 15
	messageBytes  = 2048
	messageEvents = 4  // that began, and as many that ended
	messageName   = 40 // bytes of a name from outside
)

// Keyword stands in every message: robots that are secured by a keyword take it by that.
const Keyword = "backup-statistics"

// Readers are who a message or a page is for.
type Readers struct {
	Language   string // English or Chinese
	Deployment string // its name, such as its function and bucket
	PageURL    string // where people open the page; may be empty
}

// News is what people have to be told by a day's record.
type News struct {
	Date   Date
	Opened []Alert
	Closed []ClosedAlert
	// Use is what an account uses of its free quota now, where that is known.
	Use func(account string) (Quota, bool)
}

// Message says in plain text what happened: first what, how much and where, as it is
// read on a lock screen; then an event a block, the heaviest first, each with what to do.
// It is empty where nothing happened.
func (r Readers) Message(n News) string {
	if len(n.Opened)+len(n.Closed) == 0 {
		return ""
	}
	opened, ended := eventsOf(n.Opened), endedOf(n.Closed)
	text := ""
	for events := messageEvents; events > 0; events-- {
		for lines := messageLines; lines > 4; lines -= 3 {
			if text = r.compose(n, opened, ended, events, lines); len(text) <= messageBytes && strings.Count(text, "\n") <= messageLines {
				return text
			}
		}
	}
	return text
}

// TestMessage is what tries a receiver.
func (r Readers) TestMessage(d Date) string {
	return wordsOf(r.Language).test + "\n" + r.signature(d) + "\n"
}

// Wrong is a message that a check could not do its work.
func (r Readers) Wrong(d Date, reason string) string {
	w := wordsOf(r.Language)
	return w.checkFailed + "\n" + r.signature(d) + "\n" + w.checkAdvice + "\n" + reason + "\n"
}

// signature says of what the message is, and of which day.
func (r Readers) signature(d Date) string {
	parts := []string{Keyword}
	if r.Deployment != "" {
		parts = append(parts, r.Deployment)
	}
	return strings.Join(append(parts, d.String()), " · ")
}

// compose takes so many events that began and as many that ended, and so many lines, or
// as many as an item an event needs.
func (r Readers) compose(n News, opened, ended []event, events, most int) string {
	w := wordsOf(r.Language)
	var lines []string
	if len(opened) > 0 {
		lines = append(lines, w.headline(opened[0]))
	} else {
		lines = append(lines, w.allClear(ended[0]))
	}
	lines = append(lines, r.signature(n.Date))
	shown := opened[:min(len(opened), events)]
	over := ended[:min(len(ended), events)]
	room := most - len(lines) - 1 - len(over) - 2*len(shown)
	if more := len(opened) + len(ended) - len(shown) - len(over); more > 0 {
		room--
	}
	for i, e := range shown {
		title := w.eventTitle(e)
		if e.opened != n.Date {
			title += w.comma + w.since(e.opened)
		}
		items := w.places(e, max(1, room/(len(shown)-i)), n.Use)
		room -= len(items)
		lines = append(append(append(lines, title+strings.TrimSpace(w.colon)), items...), w.advice[e.kind])
	}
	for _, e := range over {
		lines = append(lines, w.ending(e))
	}
	if more := len(opened) + len(ended) - len(shown) - len(over); more > 0 {
		lines = append(lines, w.moreEvents(int64(more)))
	}
	lines = append(lines, w.seePage(cmp.Or(r.PageURL, PageKey)))
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return line == "" }), "\n") + "\n"
}

// headline says what happened, how much of it, and where.
func (w *words) headline(e event) string {
	p := e.places[0]
	switch e.kind {
	case loss:
		return w.lost(p.lost(), p.Before, w.where(e))
	case dataDroppedPercent:
		return w.fell(formatBytes(p.lost()), formatBytes(p.Before), w.where(e))
	case dayMissing:
		return w.missing(e.opened, p.after(), p.Before)
	case totalMismatch:
		return w.mismatch(w.where(e))
	case quotaPercent:
		return w.quota(shortened(p.AccountID), p.level())
	case accountGone:
		return w.accountLeft(shortened(p.AccountID), p.Before)
	}
	return w.other(shortened(e.kind))
}

// where names the places that an event is of: regions, or else accounts.
func (w *words) where(e event) string {
	var names []string
	seen, byRegion := make(set), false
	for _, p := range e.places {
		name := cmp.Or(p.RegionID, p.AccountID)
		if name == "" || seen[name] {
			continue
		}
		if p.part() == 2 && byRegion {
			break
		}
		byRegion = p.part() == 1
		if seen[name] = true; len(seen) <= 3 {
			names = append(names, shortened(name))
		}
	}
	if len(names) == 0 {
		return ""
	}
	if more := len(seen) - len(names); more > 0 {
		names = append(names, w.andMore(int64(more)))
	}
	return w.brackets(strings.Join(names, w.comma))
}

// allClear is the first line where something is over and nothing began.
func (w *words) allClear(e event) string {
	what := w.eventTitle(e) + w.where(e) + w.comma + w.reason(e)
	switch e.reason {
	case reasonReached, reasonBelow, reasonBack, reasonComplete, reasonAddsUp:
		return w.resolved(what)
	}
	return w.over(what)
}

// ending is a line of what is over.
func (w *words) ending(e event) string {
	return w.overTitle + w.eventTitle(e) + w.where(e) + w.comma + w.since(e.opened) + w.colon + w.reason(e)
}

func (w *words) reason(e event) string {
	if words, known := w.reasons[e.reason]; known {
		return words
	}
	return e.reason
}

// eventTitle is what an event is about; one of a rule that is not known here still shows.
func (w *words) eventTitle(e event) string {
	title, known := w.title[e.kind]
	switch {
	case e.kind == quotaPercent && slices.ContainsFunc(e.places, func(p place) bool { return p.level() >= usedUp }):
		return w.usedUp
	case known:
		return title
	}
	return shortened(e.kind)
}

// places are at most so many lines; the last one counts what it leaves out.
func (w *words) places(e event, most int, use func(string) (Quota, bool)) (lines []string) {
	types := make(set)
	for _, p := range e.places {
		types[p.SourceType] = true
	}
	for _, p := range e.places[:min(len(e.places), most)] {
		lines = append(lines, "- "+w.place(e, p, len(types) > 1, use))
	}
	if more := len(e.places) - len(lines); more > 0 {
		lines[len(lines)-1] += w.comma + w.andMore(int64(more))
	}
	return lines
}

// place is where something happened, and what became of it.
func (w *words) place(e event, p place, withType bool, use func(string) (Quota, bool)) string {
	if e.kind == dayMissing {
		return w.change(p, use)
	}
	return w.placeName(p, withType) + w.colon + w.change(p, use)
}

func (w *words) placeName(p place, withType bool) string {
	var parts []string
	if p.RegionID != "" {
		parts = append(parts, shortened(p.RegionID))
	}
	if p.AccountID != "" {
		parts = append(parts, w.account(shortened(p.AccountID)))
	}
	if len(parts) == 0 {
		parts = append(parts, w.inTotal)
	}
	if withType && p.SourceType != "" {
		parts = append(parts, shortened(p.SourceType))
	}
	return strings.Join(parts, w.comma)
}

// change is what became of a place.
func (w *words) change(p place, use func(string) (Quota, bool)) string {
	switch p.rule {
	case resourcesDropped, regionGone:
		text := w.fromTo(p.AlertItem, formatCount, w.instances)
		if p.bytes != nil {
			text += w.comma + w.capacityChange(*p.bytes)
		}
		return text
	case dataDroppedPercent:
		return w.capacityChange(p.AlertItem)
	case quotaPercent:
		if use != nil {
			if q, known := use(p.AccountID); known {
				over := ""
				if q.OverBytes > 0 {
					over = formatPlain(q.OverBytes)
				}
				return w.usedBytes(q.Percent, formatPlain(q.LeftBytes), over, formatPlain(q.QuotaBytes))
			}
		}
		return w.used(p.level())
	case totalMismatch:
		total, sum := formatBytes(p.Before), formatBytes(p.after())
		switch {
		case p.Before == p.after():
			return w.instancesDiff
		case total == sum: // they differ by little: exactly, then
			total, sum = formatCount(p.Before)+noBreak+"B", formatCount(p.after())+noBreak+"B"
		}
		return w.disagree(total, sum)
	case accountGone:
		return w.wasCollected(w.instances(p.Before))
	case dayMissing:
		return w.collectedOf(p.after(), w.accounts(p.Before))
	}
	return w.fromTo(p.AlertItem, formatCount, formatCount)
}

func (w *words) capacityChange(i AlertItem) string {
	text := w.fromTo(i, formatBytes, formatBytes)
	share := formatShare(i.level()-i.Before, i.Before)
	if i.level() > 0 && share == minus+"100"+noBreak+"%" { // only a drop to nothing is one of all
		share = w.almost(share)
	}
	if share != "" {
		text += w.brackets(share)
	}
	return text
}

// fromTo is before and after of an item, and what it has come to since: the number alone,
// and with what it counts.
func (w *words) fromTo(i AlertItem, plain, format func(int64) string) string {
	switch {
	case i.After == nil && i.Now == nil:
		return format(i.Before) + " → " + w.gone
	case i.After == nil:
		return format(i.Before) + " → " + w.gone + w.comma + w.now(plain(*i.Now))
	}
	text := plain(i.Before) + " → " + format(*i.After)
	if i.Now != nil {
		text += w.comma + w.now(plain(*i.Now))
	}
	return text
}

// shortened keeps a name from outside from filling or breaking a line.
func shortened(s string) string {
	s = printable(s)
	if len(s) <= messageName {
		return s
	}
	return strings.ToValidUTF8(s[:messageName], "") + "…"
}
