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
	chartRegions = 60  // regions with a chart; the others are counted
	listedText   = 300 // runes of a cause or a message
)

// Page writes the report for people: one HTML document that needs no script, no
// font and no request, and tells in its first lines what is protected, whether
// that is known, and what deserves attention.
func Page(w io.Writer, t Trend) error {
	p := newPage(t)
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
	out       bytes.Buffer
	amounts   []Amount // one a day, over all source types; only where known says so
	known     []bool   // one a day: it is complete
	oldest    int      // the oldest complete day of Days, or -1
	newest    int      // the newest one
	total     Amount   // of the newest complete day
	manyTypes bool     // source types have to be told apart
}

func newPage(t Trend) *page {
	p := &page{Trend: t, oldest: -1, newest: -1, total: sumOf(t.Totals), manyTypes: len(t.Totals) > 1}
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

func measures() [2]measure {
	return [2]measure{
		{"capacity", "Protected capacity", func(a Amount) int64 { return a.ProtectedDataBytes }, formatBytes, byteAxis},
		{"instances", "Protected instances", func(a Amount) int64 { return a.ProtectedResourceCount }, formatCount, countAxis},
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
func span(from, to Date) markup {
	if from == to {
		return on(from)
	}
	return on(from) + " to " + on(to)
}

// instant is a time, to the minute.
func instant(t *time.Time) markup {
	if t == nil {
		return "unknown"
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
<html lang="en">
<head>
<meta charset="utf-8">
<title>Backup statistics %s: %s</title>
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
`, p.To, p.Status, markup(icon), markup(pageCSS))
}

// top says what the page is about and how fresh it is.
func (p *page) top() {
	sign := map[string]string{Complete: "✓", Partial: "◐", Missing: "✕"}[p.Status]
	p.write("<header>\n<div class=\"top\"><h1>Backup statistics</h1>"+
		"<p class=\"badge %s\"><span aria-hidden=\"true\">%s</span> %s: %s</p></div>\n", p.Status, sign, on(p.To), p.Status)
	p.lead()
	p.write("<dl class=\"facts\">")
	if p.CompleteDate != nil {
		p.write("<div><dt>Last complete day</dt><dd>%s</dd></div>", on(*p.CompleteDate))
	}
	if len(p.Days) > 0 {
		p.write("<div><dt>Days shown</dt><dd>%s</dd></div>", span(p.Days[0].Date, p.To))
	}
	p.write("<div><dt>Time zone of the days</dt><dd>%s</dd></div>", p.TimeZone)
	if p.Accounts.Expected > 1 {
		p.write("<div><dt>Accounts</dt><dd>%s of %s collected</dd></div>",
			formatCount(int64(p.Accounts.Collected)), formatCount(int64(p.Accounts.Expected)))
	}
	p.write("</dl>\n<p class=\"note\">Every daily run renews this page. If %s is not today or yesterday, the runs have stopped.</p>\n</header>\n", on(p.To))
}

// lead is the page in one sentence.
func (p *page) lead() {
	p.write(`<p class="lead">`)
	if p.CompleteDate == nil {
		p.write("No day has a complete record yet. The first one shows what is protected.</p>\n")
		return
	}
	if *p.CompleteDate != p.To {
		p.write(`<strong class="%s">%s has no complete record.</strong> The last known numbers are those of %s, when`, p.Status, on(p.To), on(*p.CompleteDate))
	} else {
		p.write("On %s", on(*p.CompleteDate))
	}
	p.write(" Cloud Backup protected <strong>%s</strong> with <strong>%s</strong> of disks", plural(p.total.ProtectedResourceCount, "ECS instance"), formatBytes(p.total.ProtectedDataBytes))
	if p.newest >= 0 {
		p.write(" in %s", plural(int64(countRegions(p.Days[p.newest].Regions)), "region"))
	}
	if p.Accounts.Expected > 1 && *p.CompleteDate == p.To {
		p.write(" of %s", plural(int64(p.Accounts.Expected), "account"))
	}
	p.write(".</p>\n")
}

// countRegions counts each region once, whatever its source types.
func countRegions(regions []TypeRegion) int {
	ids := make(map[string]bool)
	for _, r := range regions {
		ids[r.RegionID] = true
	}
	return len(ids)
}

// headline shows both numbers and how they changed.
func (p *page) headline() {
	if p.CompleteDate == nil {
		return
	}
	p.write("<div class=\"headline\">\n")
	for _, m := range measures() {
		number, unit, _ := strings.Cut(m.format(m.of(p.total)), noBreak)
		size := "big"
		if len(number) > 11 {
			size = "big long"
		}
		p.write("<section aria-label=\"%s\"><h2>%s</h2>\n<p class=\"%s\">%s<small> %s</small></p>\n<dl class=\"changes\">", m.title, m.title, size, number, unit)
		for _, days := range [...]int{1, 7, 30, 90} {
			p.write("<div><dt>%s</dt>%s</div>", plural(int64(days), "day"), p.change(m, days))
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
		return "<dd>" + arrow(sum, m.format) + markup(share) + "</dd>"
	}
	why := "no record then"
	if since := *p.CompleteDate - Date(days); since < p.From {
		why = "no history yet"
	}
	return markup(`<dd class="none"><span aria-hidden="true">—</span> <small>` + why + "</small></dd>")
}

// arrow is a change for the eye and in words.
func arrow(d int64, format func(int64) string) markup {
	switch {
	case d > 0:
		return markup(`<span class="n"><span aria-hidden="true">▲</span> <span class="sr">up </span>` + formatSigned(d, format) + "</span>")
	case d < 0:
		return markup(`<span class="n down"><span aria-hidden="true">▼</span> <span class="sr">down </span>` + formatSigned(d, format) + "</span>")
	}
	return `<span class="n">unchanged</span>`
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
	p.write(`<footer><div>
<section aria-label="What the numbers mean"><h2>What the numbers mean</h2>
<p>They count what the ECS File Backup Essential Edition of Alibaba Cloud's Cloud Backup protects, as its API GetBasicStatistics tells once a day.</p>
<p><strong>Capacity</strong> is that of the cloud disks attached to the backed-up instances. The bill is based on it. It is not the size of the backups. <strong>Instances</strong> are ECS instances that are backed up. Other editions are not counted.</p>
<p>1 GiB is 1,073,741,824 bytes. A day without a complete record has no numbers: the service knows no past, so they cannot be asked for later, and none are guessed.</p></section>
<section aria-label="Where the data is"><h2>Where the data is</h2>
<p>Beside this page: <a href="trend.json">trend.json</a>, all that it shows and more, and <a href="trend.csv">trend.csv</a>, the same for spreadsheets.</p>
<p>In the same bucket: <code>snapshots/</code> keeps the service's answers, a file a day, account and source type; <code>regions/</code> and <code>totals/</code> are tables for analysis; <code>days/</code> says which days are complete.</p></section>
</div></footer>
</body>
</html>
`)
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
