package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html"
	"io"
	"strings"
	"time"
)

//go:embed page.css
var pageCSS string

// Limits that keep a page readable and small, whatever the fleet does. The
// documents beside it have the rest.
const (
	tableDays    = 30  // days in the table of days
	listedItems  = 20  // accounts missing, items of an alert
	listedGaps   = 50  // the newest
	listedEnded  = 20  // the newest events that are over
	chartRegions = 60  // regions with a chart; the others are counted
	listedText   = 300 // runes of a cause or a message
)

// Page writes the report for people: one HTML document that needs no script, no
// font and no request, and tells in its first lines what is protected, whether
// that is known, and what deserves attention.
func (r Readers) Page(w io.Writer, t Trend) error {
	p := newPage(t, wordsOf(r.Language))
	p.head()
	p.top()
	p.write("<main>\n")
	p.headline()
	p.alerts()
	p.charts()
	p.regions()
	p.quota()
	p.fleet()
	p.gaps()
	p.lastDays()
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
	w         *words
	out       bytes.Buffer
	amounts   []Amount // one a day, over all source types; only where known says so
	known     []bool   // one a day: it is complete
	oldest    int      // the oldest complete day of Days, or -1
	newest    int      // the newest one
	total     Amount   // of the newest complete day
	manyTypes bool     // source types have to be told apart
}

func newPage(t Trend, w *words) *page {
	p := &page{Trend: t, w: w, oldest: -1, newest: -1, total: sumOf(t.Totals), manyTypes: len(t.Totals) > 1}
	for i, d := range t.Days {
		p.known = append(p.known, d.Status == Complete)
		p.amounts = append(p.amounts, sumOf(d.Totals))
		if d.Status == Complete {
			p.newest = i
			if p.oldest < 0 {
				p.oldest = i
			}
			p.manyTypes = p.manyTypes || len(d.Totals) > 1
		}
	}
	return p
}

func sumOf(totals []TypeTotal) (sum Amount) {
	for _, t := range totals {
		sum, _ = sum.Plus(t.Amount)
	}
	return sum
}

// A measure is one of the two numbers that everything counts.
type measure struct {
	id, title string
	of        func(Amount) int64
	format    func(int64) string
	axis      func(most int64) axis
}

func (p *page) measures() [2]measure {
	return [2]measure{
		{"capacity", p.w.capacity, func(a Amount) int64 { return a.ProtectedDataBytes }, formatBytes, byteAxis},
		{"instances", p.w.instancesTitle, func(a Amount) int64 { return a.ProtectedResourceCount }, formatCount, countAxis},
	}
}

// A markup is HTML already.
type markup string

// write is the one way into the document. It escapes every string it is given,
// so that no name from outside can be forgotten; what is HTML says so by its type.
func (p *page) write(format string, args ...any) {
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = html.EscapeString(s)
		}
	}
	fmt.Fprintf(&p.out, format, args...)
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

// instant is a time, to the minute.
func (p *page) instant(t *time.Time) markup {
	if t == nil {
		return markup(p.w.unknown)
	}
	return markup(t.UTC().Format("<time>2006-01-02 15:04Z</time>"))
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

// top says what the page is about and how fresh it is.
func (p *page) top() {
	sign := map[string]string{Complete: "✓", Partial: "◐", Missing: "✕"}[p.Status]
	p.write("<header>\n<div class=\"top\"><h1>%s</h1>"+
		"<p class=\"badge %s\"><span aria-hidden=\"true\">%s</span> %s%s%s</p></div>\n", p.w.heading, p.Status, sign, on(p.To), p.w.colon, p.w.status[p.Status])
	p.lead()
	p.write("<dl class=\"facts\">")
	fact := func(name string, value any) { p.write("<div><dt>%s</dt><dd>%s</dd></div>", name, value) }
	if p.CompleteDate != nil {
		fact(p.w.lastComplete, on(*p.CompleteDate))
	}
	if len(p.Days) > 0 {
		fact(p.w.daysShown, p.span(p.Days[0].Date, p.To))
	}
	fact(p.w.timeZone, p.TimeZone)
	if p.Accounts.Expected > 1 {
		fact(p.w.fleet, p.w.ofCollected(formatCount(int64(p.Accounts.Collected)), formatCount(int64(p.Accounts.Expected))))
	}
	p.write("</dl>\n<p class=\"note\">%s</p>\n</header>\n", p.w.renews(on(p.To)))
}

// lead is the page in one sentence.
func (p *page) lead() {
	p.write(`<p class="lead">`)
	if p.CompleteDate == nil {
		p.write("%s</p>\n", p.w.noneYet)
		return
	}
	says := p.w.lead
	if *p.CompleteDate != p.To {
		p.write(`<strong class="%s">%s</strong> `, p.Status, p.w.leadMissing(on(p.To)))
		says = p.w.leadLast
	}
	strong := func(s string) markup { return markup("<strong>" + html.EscapeString(s) + "</strong>") }
	regions, accounts := "", ""
	if p.newest >= 0 {
		regions = p.w.inRegions(int64(p.countRegions()))
	}
	if p.Accounts.Expected > 1 && *p.CompleteDate == p.To {
		accounts = p.w.ofAccounts(int64(p.Accounts.Expected))
	}
	p.write("%s</p>\n", says(on(*p.CompleteDate), strong(p.w.ecsInstances(p.total.ProtectedResourceCount)), strong(formatBytes(p.total.ProtectedDataBytes)), markup(regions), markup(accounts)))
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

// headline shows both numbers and how they changed.
func (p *page) headline() {
	if p.CompleteDate == nil {
		return
	}
	p.write("<div class=\"headline\">\n")
	for _, m := range p.measures() {
		number, unit, _ := strings.Cut(m.format(m.of(p.total)), noBreak)
		size := "big"
		if len(number) > 11 {
			size = "big long"
		}
		p.write("<section aria-label=\"%s\"><h2>%s</h2>\n<p class=\"%s\">%s<small> %s</small></p>\n<dl class=\"changes\">", m.title, m.title, size, number, unit)
		for _, days := range [...]int{1, 7, 30, 90} {
			p.write("<div><dt>%s</dt>%s</div>", p.w.days(int64(days)), p.change(m, days))
		}
		p.write("</dl>\n")
		if p.manyTypes {
			p.write(`<p class="types soft">`)
			for _, t := range p.Totals {
				p.write("<span class=\"n\">%s %s</span> ", t.SourceType, m.format(m.of(t.Amount)))
			}
			p.write("</p>\n")
		}
		p.write("</section>\n")
	}
	p.write("</div>\n")
}

// change is the change of a measure over some days, or why there is none.
func (p *page) change(m measure, days int) markup {
	for _, d := range p.Deltas {
		if d.Days != days {
			continue
		}
		var sum int64
		for _, t := range d.Totals {
			sum = addClamped(sum, m.of(t.Amount))
		}
		share := formatShare(sum, m.of(p.total)-sum)
		if share != "" {
			share = " <small>" + share + "</small>"
		}
		return "<dd>" + p.arrow(sum, m.format) + markup(share) + "</dd>"
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

// addClamped adds differences; a sum that does not fit stays at the largest.
func addClamped(a, b int64) int64 {
	switch sum := a + b; {
	case a > 0 && b > 0 && sum < 0:
		return 1<<63 - 1
	case a < 0 && b < 0 && sum >= 0:
		return -1 << 63
	default:
		return sum
	}
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
