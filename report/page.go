package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html"
	"io"
	"strings"
	"time"

	"backup-statistics/report/zones"
)

//go:embed page.css
var pageCSS string

// Limits that keep a page readable and small, whatever the fleet does. The
// documents beside it have the rest.
const (
	tableDays    = 30  // days in the table of days; the earlier ones are folded away
	peakDays     = 30  // days that the newest is held against
	listedItems  = 20  // accounts missing, items of an alert
	shownItems   = 4   // of those, before the others are folded away
	listedGaps   = 50  // the newest
	listedEnded  = 20  // the newest events that are over
	chartRegions = 10  // regions with a chart; the others are rows of a table
	tableRegions = 190 // the others are counted
	listedText   = 300 // runes of a cause or a message
)

// Page writes the report for people: one HTML document that needs no script, no
// font and no request. Its first screen says the worst thing that is true: what is
// protected, whether it is less than it was, since when, and what to do.
func (r Readers) Page(w io.Writer, t Trend) error {
	p := newPage(t, wordsOf(r.Language))
	p.head()
	p.top()
	p.write("<main>\n")
	p.alarms()
	p.numbers()
	p.notices()
	p.charts()
	p.regions()
	p.quota()
	p.fleet()
	p.gaps()
	p.days()
	p.ended()
	p.write("</main>\n")
	p.foot()
	if _, err := w.Write(p.out.Bytes()); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// A page is being written.
type page struct {
	Trend
	w      *words
	zone   *time.Location // nil: one that is not known, so times are in UTC
	events []event        // open, the heaviest first
	out    bytes.Buffer
	types  []typeDays // sorted; they are never added up, since they may count the same instances
	known  []bool     // one a day: it is complete
	newest int        // the newest complete day of Days, or -1
}

// A typeDays is what a source type had over the days of the window.
type typeDays struct {
	sourceType string
	now        Amount    // on the newest complete day
	amounts    []*Amount // one a day; nil where no number is known
}

func newPage(t Trend, w *words) *page {
	p := &page{Trend: t, w: w, events: eventsOf(t.Alerts), newest: -1}
	if zone, err := zones.Load(t.TimeZone); err == nil {
		p.zone = zone
	}
	for i, d := range t.Days {
		p.known = append(p.known, d.Status == Complete)
		if d.Status == Complete {
			p.newest = i
		}
	}
	for _, total := range t.Totals {
		p.types = append(p.types, p.typeDays(total))
	}
	return p
}

func (p *page) typeDays(now TypeTotal) typeDays {
	t := typeDays{now.SourceType, now.Amount, make([]*Amount, len(p.Days))}
	for i, d := range p.Days {
		for n := range d.Totals {
			if p.known[i] && d.Totals[n].SourceType == now.SourceType {
				t.amounts[i] = &d.Totals[n].Amount
			}
		}
	}
	return t
}

// manyTypes tells whether source types have to be told apart.
func (p *page) manyTypes() bool { return len(p.types) > 1 }

// highest is the most instances, or bytes, that a source type had on one of some days up
// to the newest complete one, and the last day that had them.
func (p *page) highest(t typeDays, m measure, days int) (most int64, on int) {
	most, on = -1, -1
	for i := max(0, p.newest-days); i <= p.newest; i++ {
		if a := t.amounts[i]; a != nil && m.of(*a) >= most {
			most, on = m.of(*a), i
		}
	}
	return most, on
}

// A measure is one of the two numbers that everything counts.
type measure struct {
	id, title string
	of        func(Amount) int64
	format    func(int64) string
	axis      func(most int64) axis
}

func (p *page) measures() [2]measure {
	return [2]measure{p.instances(), {"capacity", p.w.capacity, func(a Amount) int64 { return a.ProtectedDataBytes }, formatBytes, byteAxis}}
}

func (p *page) instances() measure {
	return measure{"instances", p.w.instancesTitle, func(a Amount) int64 { return a.ProtectedResourceCount }, formatCount, countAxis}
}

// A markup is HTML already.
type markup string

// write is the way into the document. It escapes every string it is given,
// so that no name from outside can be forgotten; what is HTML says so by its type.
func (p *page) write(format string, args ...any) {
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = html.EscapeString(s)
		}
	}
	fmt.Fprintf(&p.out, format, args...)
}

// put writes what is HTML already and our own: of the days of a year there are thousands
// of numbers, which need no look at each.
func (p *page) put(parts ...string) {
	for _, part := range parts {
		p.out.WriteString(part)
	}
}

// on is a date that does not break at its hyphens.
func on(d Date) markup { return markup("<time>" + d.String() + "</time>") }

// span is one date or two.
func (p *page) span(from, to Date) markup {
	if from == to {
		return on(from)
	}
	return p.w.span(on(from), on(to))
}

// instant is a time in the page's zone, to the minute.
func (p *page) instant(t *time.Time) markup {
	switch {
	case t == nil:
		return markup(p.w.unknown)
	case p.zone == nil:
		return markup(t.UTC().Format("<time>2006-01-02 15:04Z</time>"))
	}
	return markup(t.In(p.zone).Format("<time>2006-01-02 15:04</time>"))
}

// icon is a data: URI, since a browser would ask for /favicon.ico otherwise.
const icon = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E" +
	"%3Crect width='16' height='16' rx='4' fill='%230b62c4'/%3E" +
	"%3Cpath d='M3 11l3-3 3 2 4-6' fill='none' stroke='%23fff' stroke-width='2' stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E"

// head also forbids every request: should a name ever get past write, there is
// nothing that it could load or run.
func (p *page) head() {
	p.write(`<!DOCTYPE html>
<html lang="%s">
<head>
<meta charset="utf-8">
<title>%s %s%s%s</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="%s">
<style>
%s</style>
</head>
<body>
`, p.w.tag, p.w.name, p.To, p.w.colon, p.w.status[p.Status], markup(icon), markup(pageCSS))
}

// top says of which day the record is, and then the worst thing that is true.
func (p *page) top() {
	sign := map[string]string{Complete: "✓", Partial: "◐", Missing: "✕"}[p.Status]
	p.write("<header>\n<div class=\"top\"><h1>%s</h1>"+
		"<p class=\"badge %s\"><span aria-hidden=\"true\">%s</span> %s</p></div>\n", p.w.heading, p.Status, sign, p.w.recordIs(on(p.To), p.w.status[p.Status]))
	p.verdict()
	p.write("</header>\n")
}

// numbers shows both numbers of each source type, and how they changed.
func (p *page) numbers() {
	if p.CompleteDate == nil {
		return
	}
	for _, t := range p.types {
		p.write("<div class=\"headline\">\n")
		if p.manyTypes() {
			p.write("<h2 class=\"type\">%s</h2>\n", t.sourceType)
		}
		for _, m := range p.measures() {
			number, unit, _ := strings.Cut(m.format(m.of(t.now)), noBreak)
			size := "big"
			if len(number) > 11 {
				size = "big long"
			}
			p.write("<section aria-label=\"%s\"><h2>%s</h2>\n<p class=\"%s\">%s<small> %s</small></p>\n<dl class=\"changes\">",
				p.titleOf(t, m), m.title, size, number, unit)
			for _, days := range [...]int{1, 7, 30, 90} {
				p.write("<div><dt>%s</dt>%s</div>", p.w.days(int64(days)), p.change(t, m, days))
			}
			p.write("</dl>\n%s</section>\n", p.peak(t, m))
		}
		p.write("</div>\n")
	}
	p.write("<p class=\"note\">%s</p>\n", p.w.renews(on(p.To)))
}

// titleOf names a measure, and the source type where there are several.
func (p *page) titleOf(t typeDays, m measure) string {
	if p.manyTypes() {
		return m.title + p.w.comma + t.sourceType
	}
	return m.title
}

// peak is the highest number of the last 30 days, where there are as many to compare.
func (p *page) peak(t typeDays, m measure) markup {
	most, day := p.highest(t, m, peakDays)
	if day < 0 || p.newest == 0 {
		return ""
	}
	now := m.of(t.now)
	if now == most {
		return markup("<p class=\"peak soft\">" + html.EscapeString(p.w.highestNow) + "</p>\n")
	}
	return "<p class=\"peak soft\">" + p.w.highestWas(m.format(most), on(p.Days[day].Date), p.arrow(now-most, m.format)) + "</p>\n"
}

// change is the change of a measure over some days, or why there is none.
func (p *page) change(t typeDays, m measure, days int) markup {
	for _, d := range p.Deltas {
		for _, total := range d.Totals {
			if d.Days != days || total.SourceType != t.sourceType {
				continue
			}
			by := m.of(total.Amount)
			share := formatShare(by, m.of(t.now)-by)
			if share != "" {
				share = " <small>" + share + "</small>"
			}
			return "<dd>" + p.arrow(by, m.format) + markup(share) + "</dd>"
		}
	}
	why := p.w.noRecordThen
	if since := *p.CompleteDate - Date(days); since < p.From {
		why = p.w.noHistoryYet
	}
	return markup(`<dd class="none"><span aria-hidden="true">—</span> <small>` + why + "</small></dd>")
}

// arrow is a change for the eye and in words.
func (p *page) arrow(d int64, format func(int64) string) markup {
	sign, word, class := "▲", p.w.up, "n"
	switch {
	case d == 0:
		return markup(`<span class="n">` + p.w.unchanged + "</span>")
	case d < 0:
		sign, word, class = "▼", p.w.down, "n down"
	}
	return markup(`<span class="` + class + `"><span aria-hidden="true">` + sign + `</span> <span class="sr">` + word + " </span>" + formatSigned(d, format) + "</span>")
}

// foot says what the numbers are, and where to find them.
func (p *page) foot() {
	p.write("<footer><div>\n%s</div></footer>\n</body>\n</html>\n", p.w.foot)
}

// shorten keeps text from outside from filling the page.
func shorten(s string) string {
	n := 0
	for i := range s {
		if n++; n > listedText {
			return s[:i] + "…"
		}
	}
	return s
}
