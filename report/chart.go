package report

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A series is one value a day; noValue stands for a day without one.
type series []int64

const noValue = -1

// Coordinates are integers, so that a page of thirty regions stays small. A day
// is dayWidth wide and its value stands in the middle of it, so that a hole is
// exactly as wide as the days it covers. The browser stretches the plot to the
// width it has; strokes keep theirs.
const (
	dayWidth    = 2
	chartHeight = 1000
	sparkHeight = 100
)

// most is the largest value, or 0 without any.
func (s series) most() int64 {
	var m int64
	for _, v := range s {
		m = max(m, v)
	}
	return m
}

// stretches calls f with each stretch of days for which in holds, by its first day
// and the one after its last.
func stretches(days int, in func(day int) bool, f func(from, to int)) {
	for from := 0; from < days; from++ {
		if !in(from) {
			continue
		}
		to := from + 1
		for to < days && in(to) {
			to++
		}
		f(from, to)
		from = to
	}
}

// A curve is a series as the data of SVG paths.
type curve struct {
	line []byte // through days that follow each other; it breaks at each hole
	area []byte // below the line, down to zero
	dots []byte // days alone between holes: strokes without length, which round caps show
}

// curve draws a series over 0 to top.
func (s series) curve(top float64, height int) curve {
	var c curve
	stretches(len(s), func(day int) bool { return s[day] != noValue }, func(from, to int) {
		ys := make([]int, to-from)
		for i, v := range s[from:to] {
			ys[i] = height - int(math.Round(float64(v)/top*float64(height)))
		}
		x := from*dayWidth + dayWidth/2
		if len(ys) == 1 {
			c.dots = append(moveTo(c.dots, x, ys[0]), "h0"...)
			return
		}
		steps := appendSteps(nil, ys)
		c.line = append(moveTo(c.line, x, ys[0]), steps...)
		c.area = strconv.AppendInt(append(moveTo(c.area, x, height), 'V'), int64(ys[0]), 10)
		c.area = strconv.AppendInt(append(append(c.area, steps...), 'V'), int64(height), 10)
		c.area = append(c.area, 'z')
	})
	return c
}

// appendSteps appends the way from the first height through the others, day by
// day; stretches of one slope take one step.
func appendSteps(b []byte, ys []int) []byte {
	command := byte(0)
	for i := 1; i < len(ys); {
		dy, n := ys[i]-ys[i-1], 1
		for i+n < len(ys) && ys[i+n]-ys[i+n-1] == dy {
			n++
		}
		i += n
		if dy == 0 {
			command = 'h'
			b = strconv.AppendInt(append(b, command), int64(n*dayWidth), 10)
			continue
		}
		if command != 'l' {
			command = 'l'
			b = append(b, command)
		} else {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, int64(n*dayWidth), 10)
		if dy > 0 { // a minus separates by itself
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, int64(n*dy), 10)
	}
	return b
}

func moveTo(b []byte, x, y int) []byte {
	b = strconv.AppendInt(append(b, 'M'), int64(x), 10)
	return strconv.AppendInt(append(b, ' '), int64(y), 10)
}

// bands covers the days for which in holds, from top to bottom of a chart.
func bands(days int, in func(day int) bool) []byte {
	var b []byte
	stretches(days, in, func(from, to int) { b = band(b, from, to) })
	return b
}

// band covers the days from one to before another.
func band(b []byte, from, to int) []byte {
	width := int64((to - from) * dayWidth)
	b = strconv.AppendInt(append(moveTo(b, from*dayWidth, 0), 'h'), width, 10)
	b = strconv.AppendInt(append(b, 'v'), chartHeight, 10)
	return append(strconv.AppendInt(append(b, "h-"...), width, 10), 'z')
}

// An axis runs from zero to its top, the last of its ticks.
type axis struct {
	top   float64 // in the unit of the series
	ticks []tick
}

// A tick is a labelled height, as a share of the axis.
type tick struct {
	at    float64
	label string
}

// A countUnit shortens the labels of counts that no fleet has.
type countUnit struct {
	size float64
	name string
}

var countUnits = [...]countUnit{{1e6, noBreak + "M"}, {1e9, noBreak + "G"}, {1e12, noBreak + "T"}, {1e15, noBreak + "P"}, {1e18, noBreak + "E"}}

// countAxis holds counts up to most, in whole steps.
func countAxis(most int64) axis {
	step := max(1, niceStep(float64(most)))
	unit := countUnit{1, ""}
	for _, u := range countUnits {
		if step >= u.size {
			unit = u
		}
	}
	return newAxis(float64(most), 1, step, func(v float64) string {
		if v == 0 {
			return "0"
		}
		return formatWhole(v/unit.size) + unit.name
	})
}

// byteAxis holds capacities up to most, in steps that are round in the largest
// unit that most fills.
func byteAxis(most int64) axis {
	unit := byteUnit{gib, "GiB"}
	if most > 0 {
		for _, u := range byteUnits {
			if most >= u.bytes {
				unit = u
			}
		}
	}
	step := niceStep(float64(most) / float64(unit.bytes))
	return newAxis(float64(most), float64(unit.bytes), step, func(v float64) string {
		switch {
		case v == 0:
			return "0"
		case step < 1:
			return strconv.FormatFloat(v, 'f', 1, 64) + noBreak + unit.name
		}
		return formatWhole(v) + noBreak + unit.name
	})
}

func newAxis(most, unit, step float64, label func(float64) string) axis {
	count := max(1, int(math.Ceil(most/unit/step)))
	a := axis{top: float64(count) * step * unit}
	for i := range count + 1 {
		a.ticks = append(a.ticks, tick{float64(i) / float64(count), label(float64(i) * step)})
	}
	return a
}

// niceStep is the smallest of 1, 2 and 5 times a power of ten that reaches most
// in at most five steps; 1 where there is nothing to reach.
func niceStep(most float64) float64 {
	if most <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(most/5)))
	for _, m := range [...]float64{1, 2, 5} {
		if most <= 5*m*power {
			return m * power
		}
	}
	return 10 * power
}

// A mark is a labelled day on the time axis.
type mark struct {
	day   int    // from the first of the chart
	label string // such as 23 Nov, or Nov for the first of a month
	year  string // below the label, where one begins
	minor bool   // left out where there is little room
}

// timeMarks labels days: some counted back from the last day, which is what
// people look for, and of longer times the first of each month.
func (w *words) timeMarks(from Date, days int) []mark {
	for _, step := range [...]int{1, 2, 7, 14} {
		if days <= 8*step {
			return w.dayMarks(from, days, step)
		}
	}
	return w.monthMarks(from, days)
}

func (w *words) dayMarks(from Date, days, step int) []mark {
	var marks []mark
	for day := (days - 1) % step; day < days; day += step {
		left := (days - 1 - day) / step
		marks = append(marks, mark{day: day, label: w.dayMonth(midnight(from + Date(day))), minor: left%2 == 1 && days > 4*step})
	}
	return marks
}

func (w *words) monthMarks(from Date, days int) []mark {
	var marks []mark
	for day := range days {
		t := midnight(from + Date(day))
		if t.Day() == 15 && days <= 130 {
			marks = append(marks, mark{day: day, label: "15"})
		}
		if t.Day() == 1 {
			marks = append(marks, mark{day: day, label: w.month(t), minor: days > 200 && t.Month()%3 != 1, year: yearBelow(t, day, days)})
		}
	}
	return marks
}

// yearMarks labels months by their years; first counts months.
func (w *words) yearMarks(first, months int) []mark {
	var marks []mark
	for month := range months {
		if (first+month)%12 == 0 {
			year := (first + month) / 12
			marks = append(marks, mark{day: month, label: strconv.Itoa(year), minor: months > 60 && year%2 == 1})
		}
	}
	if len(marks) == 0 { // all in one year
		marks = append(marks, mark{day: 0, label: strconv.Itoa(first / 12)})
	}
	return marks
}

// yearBelow is the year where a chart or a year begins; the former only with
// room enough for both.
func yearBelow(first time.Time, day, days int) string {
	monthBefore := int(first.Sub(first.AddDate(0, -1, 0)).Hours() / 24)
	last := first.AddDate(0, 0, days-1-day)
	begins := day < monthBefore && (first.Month() < time.October || last.Year() == first.Year())
	if first.Month() == time.January || begins {
		return first.Format("2006")
	}
	return ""
}

// midnight begins a date in UTC, where every day has one.
func midnight(d Date) time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

// charts shows both numbers of each source type over time: the last days by day, and of
// a longer history all of it by month.
func (p *page) charts() {
	if p.newest < 0 {
		return
	}
	holes := 0
	for _, known := range p.known {
		if !known {
			holes++
		}
	}
	p.write("<section aria-labelledby=\"trend\"><h2 id=\"trend\">%s</h2>\n<p class=\"note\">%s%s%s",
		p.w.trend, p.span(p.Days[0].Date, p.To), p.w.comma, p.w.days(int64(len(p.Days))))
	if holes > 0 {
		p.write("%s <span class=\"key\"></span>%s", p.w.stop, p.w.holes(int64(holes)))
	}
	recent := min(len(p.Days), RegionDays)
	p.write("</p>\n<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs><path id=\"holes\" class=\"band\" d=\"%s\"/><path id=\"region-holes\" class=\"band\" d=\"%s\"/></defs></svg>\n",
		markup(bands(len(p.Days), p.isHole)), markup(bands(recent, func(day int) bool { return p.isHole(len(p.Days) - recent + day) })))
	for n, t := range p.types {
		for _, m := range p.measures() {
			p.chart(p.byDay(n, t, m))
		}
	}
	if p.From < p.Days[0].Date {
		p.byMonths()
	}
	p.write("</section>\n")
}

func (p *page) isHole(day int) bool { return !p.known[day] }

// A plot is what a chart shows.
type plot struct {
	id, title string
	heading   markup // h3, or h4 below one
	m         measure
	series    series
	marks     []mark
	on        func(step int) string // the date of a value
	holes     bool                  // the days' own, on this chart's time axis
	alerts    []alertMark
	limit     int64 // the free quota, or 0
	forecast  *forecast
}

// An alertMark is a day on which alerts opened, and what they are.
type alertMark struct {
	day   int
	title string
}

// A forecast is where a series reaches the free quota, if it goes on as it does.
type forecast struct {
	day  int // from the first of the chart
	date Date
}

// byDay is a measure of a source type over the days of the window.
func (p *page) byDay(n int, t typeDays, m measure) plot {
	s := make(series, len(p.Days))
	for day, a := range t.amounts {
		s[day] = noValue
		if a != nil {
			s[day] = m.of(*a)
		}
	}
	first := p.Days[0].Date
	pl := plot{
		id: m.id + strconv.Itoa(n), title: p.titleOf(t, m), heading: "h3", m: m, series: s, holes: true, alerts: p.alertMarks(),
		on: func(step int) string { return (first + Date(step)).String() },
	}
	if m.id == "capacity" && len(p.types) == 1 && p.Accounts.Expected <= 1 && p.FreeQuota != nil && s.most() >= p.FreeQuota.QuotaBytes/2 {
		pl.limit = p.FreeQuota.QuotaBytes
		for _, c := range p.Crossings {
			pl.forecast = &forecast{int(c.ExpectedCrossing - first), c.ExpectedCrossing}
		}
	}
	pl.marks = p.w.timeMarks(first, pl.steps())
	return pl
}

// steps is how many days or months the chart is wide: where a forecast follows, up to a
// third more than are known.
func (pl plot) steps() int {
	n := len(pl.series)
	if pl.forecast == nil {
		return n
	}
	return min(max(n, pl.forecast.day+1), n+max(7, n/3))
}

// byMonths is the whole history: what was protected on the last complete day of each
// month, and the same as a table.
func (p *page) byMonths() {
	first, last := p.Months[0].Date.Month(), p.To.Month()
	p.write("<h3 class=\"more\">%s</h3>\n<p class=\"note\">%s</p>\n", p.w.byMonth, p.w.monthsNote(p.span(p.From, p.To)))
	for n, t := range p.types {
		dates := make([]Date, last-first+1)
		amounts := make([]*Amount, len(dates))
		for _, month := range p.Months {
			for i := range month.Totals {
				if at := month.Date.Month() - first; month.Totals[i].SourceType == t.sourceType {
					dates[at], amounts[at] = month.Date, &month.Totals[i].Amount
				}
			}
		}
		for _, m := range p.measures() {
			s := make(series, len(amounts))
			for i, a := range amounts {
				s[i] = noValue
				if a != nil {
					s[i] = m.of(*a)
				}
			}
			p.chart(plot{
				id: "months-" + m.id + strconv.Itoa(n), title: p.titleOf(t, m), heading: "h4", m: m, series: s, marks: p.w.yearMarks(first, len(s)),
				on: func(step int) string { return dates[step].String() },
			})
		}
		p.write("<details><summary>%s</summary>\n", p.w.asTable)
		p.tableHead("", p.w.monthColumns...)
		for i := len(amounts) - 1; i >= 0; i-- {
			if amounts[i] != nil {
				p.put("<tr><th scope=\"row\">", string(on(dates[i])), "</th><td class=\"num\">", formatCount(amounts[i].ProtectedResourceCount),
					"</td><td class=\"num\">", formatBytes(amounts[i].ProtectedDataBytes), "</td></tr>\n")
			}
		}
		p.tableFoot()
		p.write("</details>\n")
	}
}

// alertMarks are the days on which alerts opened that are still known; marks that would
// touch each other are one.
func (p *page) alertMarks() []alertMark {
	titles := make(map[Date][]string)
	for _, e := range append(endedOf(p.Closed), p.events...) {
		title := p.w.eventTitle(e)
		if e.weight != Notice && !slices.Contains(titles[e.opened], title) {
			titles[e.opened] = append(titles[e.opened], title)
		}
	}
	var marks []alertMark
	for day, d := range p.Days {
		if len(titles[d.Date]) == 0 {
			continue
		}
		title := d.Date.String() + p.w.colon + strings.Join(titles[d.Date], p.w.comma)
		if n := len(marks); n > 0 && (day-marks[n-1].day)*markShare <= len(p.Days) {
			marks[n-1].title += "; " + title
			continue
		}
		marks = append(marks, alertMark{day, title})
	}
	return marks
}

// Heights of a chart in CSS pixels; page.css leaves room below for the labels.
const (
	plotHeight = 240
	markShare  = 20 // marks of alerts stand at least this part of the chart apart
)

func (p *page) chart(pl plot) {
	steps := pl.steps()
	a := pl.m.axis(max(pl.series.most(), pl.limit))
	c := pl.series.curve(a.top, chartHeight)
	holes := 0
	for _, v := range pl.series {
		if v == noValue {
			holes++
		}
	}
	p.write("<figure><figcaption><%s>%s</%s>", pl.heading, pl.title, pl.heading)
	if pl.limit > 0 {
		p.write("<p class=\"note\"><span class=\"limit-key\"></span>%s", p.w.limit(formatPlain(pl.limit)))
		if pl.forecast != nil {
			p.write("%s", p.w.limitReached(on(pl.forecast.date)))
		}
		p.write("</p>")
	}
	p.write("</figcaption>\n<svg class=\"chart\" role=\"group\" aria-labelledby=\"%s-title %s-text\"><title id=\"%s-title\">%s</title><desc id=\"%s-text\">%s</desc>\n",
		pl.id, pl.id, pl.id, pl.title, pl.id, p.describe(pl.series, pl.m.format, pl.on, holes))
	p.write(`<g class="y" aria-hidden="true">`)
	for _, t := range a.ticks {
		y := int(math.Round((1 - t.at) * plotHeight))
		p.write("<line x2=\"100%%\" y1=\"%d\" y2=\"%d\"/><text x=\"-10\" y=\"%d\">%s</text>", y, y, y+4, t.label)
	}
	p.write("</g>\n<g class=\"x\" aria-hidden=\"true\">")
	for _, k := range pl.marks {
		p.mark(k, steps)
	}
	p.write("</g>\n<svg class=\"plot\" aria-hidden=\"true\" width=\"100%%\" height=\"%d\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\">",
		plotHeight, steps*dayWidth, chartHeight)
	if pl.holes {
		p.write("<use href=\"#holes\"/><path class=\"rug\" d=\"%s\"/>", markup(p.rug()))
	}
	p.write("<path class=\"area\" d=\"%s\"/><path class=\"line\" d=\"%s\"/><path class=\"dots\" d=\"%s\"/>", markup(c.area), markup(c.line), markup(c.dots))
	p.limit(pl, a.top)
	p.hits(pl)
	p.write("</svg>\n")
	p.points(pl, a.top)
	p.write("</svg></figure>\n")
}

// limit draws the free quota, and how it is reached.
func (p *page) limit(pl plot, top float64) {
	if pl.limit == 0 {
		return
	}
	y := int(math.Round((1 - float64(pl.limit)/top) * chartHeight))
	p.write("<path class=\"limit\" d=\"M0 %dh%d\"/>", y, pl.steps()*dayWidth)
	last := len(pl.series) - 1
	for last >= 0 && pl.series[last] == noValue {
		last--
	}
	if f := pl.forecast; f != nil && last >= 0 && f.day > last {
		from := chartHeight - int(math.Round(float64(pl.series[last])/top*chartHeight))
		to := min(f.day, pl.steps()-1) // beyond the edge it goes on in the same direction
		p.write("<path class=\"forecast\" d=\"M%d %dL%d %d\"/>", last*dayWidth+dayWidth/2, from, to*dayWidth+dayWidth/2, from+(y-from)*(to-last)/(f.day-last))
	}
}

// hits are where a pointer finds the values: each stretch of equal ones has a title.
func (p *page) hits(pl plot) {
	p.write("<g class=\"hits\">")
	for from := 0; from < len(pl.series); {
		to := from + 1
		for to < len(pl.series) && pl.series[to] == pl.series[from] {
			to++
		}
		if v := pl.series[from]; v != noValue {
			p.put("<path d=\"")
			p.out.Write(band(p.out.AvailableBuffer(), from, to))
			p.put("\"><title>", p.stretch(pl, from, to-1), p.w.colon, pl.m.format(v), "</title></path>")
		}
		from = to
	}
	p.write("</g>")
}

// stretch is the dates of some steps.
func (p *page) stretch(pl plot, from, to int) string {
	if from == to {
		return pl.on(from)
	}
	return string(p.w.span(markup(pl.on(from)), markup(pl.on(to))))
}

// points can be reached by keyboard: the lowest, the highest and the last value, and
// where alerts opened.
func (p *page) points(pl plot, top float64) {
	steps := pl.steps()
	at := func(day int) string {
		return strconv.FormatFloat((float64(day)+0.5)/float64(steps)*100, 'f', 2, 64) + "%"
	}
	for _, k := range pl.alerts {
		p.point(at(k.day), "alert-mark", -12, k.day*2 > steps, k.title, markup("<text x=\""+at(k.day)+"\" y=\"-6\" class=\"sign\" aria-hidden=\"true\">▼</text>"))
	}
	var shown []int
	for _, day := range pl.series.ends() {
		if !slices.Contains(shown, day) {
			shown = append(shown, day)
			y := int(math.Round((1 - float64(pl.series[day])/top) * plotHeight))
			p.point(at(day), "value-mark", y, day*2 > steps, pl.on(day)+p.w.colon+pl.m.format(pl.series[day]),
				markup("<circle cx=\""+at(day)+"\" cy=\""+strconv.Itoa(y)+"\" r=\"5\"/>"))
		}
	}
}

// point is a place that tells its title when it is hovered over or has the focus, on the
// side where there is room.
func (p *page) point(x, class string, y int, right bool, title string, shape markup) {
	side := "start"
	if right {
		side = "end"
	}
	p.write("<g class=\"point %s\" tabindex=\"0\" role=\"img\" aria-label=\"%s\"><title>%s</title>%s<text class=\"tip\" x=\"%s\" y=\"%d\" text-anchor=\"%s\">%s</text></g>\n",
		class, title, title, shape, x, max(y-12, 12), side, title)
}

// ends are the days of the lowest, the highest and the last value.
func (s series) ends() []int {
	low, high, last := -1, -1, -1
	for day, v := range s {
		if v == noValue {
			continue
		}
		if low < 0 || v < s[low] {
			low = day
		}
		if high < 0 || v > s[high] {
			high = day
		}
		last = day
	}
	if last < 0 {
		return nil
	}
	return []int{low, high, last}
}

// rug marks holes on the time axis, where even one day in four hundred shows.
func (p *page) rug() []byte {
	var b []byte
	stretches(len(p.Days), p.isHole, func(from, to int) {
		b = strconv.AppendInt(append(moveTo(b, from*dayWidth, chartHeight), 'h'), int64((to-from)*dayWidth), 10)
	})
	return b
}

func (p *page) mark(k mark, steps int) {
	x := strconv.FormatFloat((float64(k.day)+0.5)/float64(steps)*100, 'f', 2, 64)
	class := ""
	if k.minor {
		class = " class=\"minor\""
	}
	p.write("<g%s><line x1=\"%s%%\" x2=\"%s%%\" y1=\"%d\" y2=\"%d\"/><text x=\"%s%%\" y=\"%d\">%s</text></g>",
		markup(class), x, x, plotHeight, plotHeight+6, x, plotHeight+21, k.label)
	if k.year != "" {
		p.write("<text x=\"%s%%\" y=\"%d\">%s</text>", x, plotHeight+38, k.year)
	}
}

// describe is a chart in words.
func (p *page) describe(s series, format func(int64) string, on func(step int) string, holes int) string {
	ends := s.ends()
	if ends == nil {
		return p.w.noValue
	}
	first := slices.IndexFunc(s, func(v int64) bool { return v != noValue })
	says := func(day int) string { return p.w.valueOn(format(s[day]), on(day)) }
	text := p.w.describe(says(first), says(ends[2]), says(ends[0]), says(ends[1]))
	if holes > 0 {
		text += p.w.withoutValue(int64(holes))
	}
	return text + p.w.stop
}

// spark is a small chart of a region on its own scale.
func (p *page) spark(s series, name string) {
	c := s.curve(float64(max(1, s.most())), sparkHeight)
	p.write("<svg class=\"spark\" role=\"img\" aria-label=\"%s%s%s\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\">",
		name, p.w.colon, p.describe(s, formatBytes, func(day int) string { return p.Days[len(p.Days)-len(s)+day].Date.String() }, 0), len(s)*dayWidth, sparkHeight)
	p.write("<use href=\"#region-holes\" transform=\"scale(1 .1)\"/><path class=\"base\" d=\"M0 %dh%d\"/><path class=\"line\" d=\"%s\"/>", sparkHeight, len(s)*dayWidth, markup(c.line))
	if len(c.dots) > 0 {
		p.write("<path class=\"dots\" d=\"%s\"/>", markup(c.dots))
	}
	p.write("</svg>\n")
}

// gauge is the use of a quota; beyond it the scale follows the use.
func (p *page) gauge(q Quota) {
	whole := float64(max(q.UsedBytes, q.QuotaBytes, 1))
	percent := func(n int64) string { return strconv.FormatFloat(float64(n)/whole*100, 'f', 2, 64) + "%" }
	p.write("<svg class=\"gauge\" role=\"img\" aria-labelledby=\"gauge\"><title id=\"gauge\">%s</title>"+
		"<rect class=\"track\" width=\"100%%\" height=\"20\" y=\"8\"/><rect class=\"used\" width=\"%s\" height=\"20\" y=\"8\"/>",
		p.w.gauge(formatPlain(q.UsedBytes), formatPlain(q.QuotaBytes), formatCount(q.Percent)), percent(min(q.UsedBytes, q.QuotaBytes)))
	if q.OverBytes > 0 {
		p.write("<rect class=\"over\" x=\"%s\" width=\"%s\" height=\"20\" y=\"8\"/>", percent(q.QuotaBytes), percent(q.OverBytes))
	}
	p.write("<line class=\"limit\" x1=\"%s\" x2=\"%s\" y1=\"2\" y2=\"34\"/></svg>\n", percent(q.QuotaBytes), percent(q.QuotaBytes))
}
