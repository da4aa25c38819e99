package report

import (
	"math"
	"strconv"
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
	stretches(days, in, func(from, to int) {
		width := int64((to - from) * dayWidth)
		b = strconv.AppendInt(append(moveTo(b, from*dayWidth, 0), 'h'), width, 10)
		b = strconv.AppendInt(append(b, 'v'), chartHeight, 10)
		b = append(strconv.AppendInt(append(b, "h-"...), width, 10), 'z')
	})
	return b
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

// countAxis holds counts up to most, in whole steps.
func countAxis(most int64) axis {
	step := max(1, niceStep(float64(most)))
	return newAxis(float64(most), 1, step, func(v float64) string {
		switch {
		case v == 0 || step < 1e6:
			return formatWhole(v)
		case step < 1e9:
			return formatWhole(v/1e6) + noBreak + "M"
		}
		return strconv.FormatFloat(v, 'g', 3, 64)
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

// charts shows both numbers over time.
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
	for _, m := range p.measures() {
		p.chart(m, holes)
	}
	p.values()
	p.write("</section>\n")
}

func (p *page) isHole(day int) bool { return !p.known[day] }

// seriesOf is a measure over the days; holes have noValue.
func (p *page) seriesOf(m measure) series {
	s := make(series, len(p.Days))
	for day := range s {
		s[day] = noValue
		if p.known[day] {
			s[day] = m.of(p.amounts[day])
		}
	}
	return s
}

// Heights of a chart in CSS pixels; page.css leaves room below for the labels.
const plotHeight = 240

func (p *page) chart(m measure, holes int) {
	s := p.seriesOf(m)
	a := m.axis(s.most())
	c := s.curve(a.top, chartHeight)
	p.write("<figure><figcaption><h3>%s</h3></figcaption>\n", m.title)
	p.write("<svg class=\"chart\" role=\"img\" aria-labelledby=\"%s-title %s-text\"><title id=\"%s-title\">%s</title><desc id=\"%s-text\">%s</desc>\n",
		m.id, m.id, m.id, m.title, m.id, p.describe(s, m.format, holes))
	p.write(`<g class="y">`)
	for _, t := range a.ticks {
		y := int(math.Round((1 - t.at) * plotHeight))
		p.write("<line x2=\"100%%\" y1=\"%d\" y2=\"%d\"/><text x=\"-10\" y=\"%d\">%s</text>", y, y, y+4, t.label)
	}
	p.write("</g>\n<g class=\"x\">")
	for _, k := range p.w.timeMarks(p.Days[0].Date, len(s)) {
		p.mark(k, len(s))
	}
	p.write("</g>\n<svg class=\"plot\" width=\"100%%\" height=\"%d\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\"><use href=\"#holes\"/>",
		plotHeight, len(s)*dayWidth, chartHeight)
	p.write("<path class=\"rug\" d=\"%s\"/><path class=\"area\" d=\"%s\"/><path class=\"line\" d=\"%s\"/><path class=\"dots\" d=\"%s\"/></svg>",
		markup(p.rug()), markup(c.area), markup(c.line), markup(c.dots))
	p.write("</svg></figure>\n")
}

// rug marks holes on the time axis, where even one day in four hundred shows.
func (p *page) rug() []byte {
	var b []byte
	stretches(len(p.Days), p.isHole, func(from, to int) {
		b = strconv.AppendInt(append(moveTo(b, from*dayWidth, chartHeight), 'h'), int64((to-from)*dayWidth), 10)
	})
	return b
}

func (p *page) mark(k mark, days int) {
	x := strconv.FormatFloat((float64(k.day)+0.5)/float64(days)*100, 'f', 2, 64)
	class := ""
	if k.minor {
		class = "minor"
	}
	p.write("<g class=\"%s\"><line x1=\"%s%%\" x2=\"%s%%\" y1=\"%d\" y2=\"%d\"/><text x=\"%s%%\" y=\"%d\">%s</text></g>",
		class, x, x, plotHeight, plotHeight+6, x, plotHeight+21, k.label)
	if k.year != "" {
		p.write("<text x=\"%s%%\" y=\"%d\">%s</text>", x, plotHeight+38, k.year)
	}
}

// describe is a chart in words.
func (p *page) describe(s series, format func(int64) string, holes int) string {
	offset := len(p.Days) - len(s) // a series may be of the last days only
	low, high, first, last := -1, -1, -1, -1
	for day, v := range s {
		if v == noValue {
			continue
		}
		if first < 0 {
			first = day
		}
		if low < 0 || v < s[low] {
			low = day
		}
		if high < 0 || v > s[high] {
			high = day
		}
		last = day
	}
	if first < 0 {
		return p.w.noValue
	}
	says := func(day int) string { return p.w.valueOn(format(s[day]), p.Days[offset+day].Date) }
	text := p.w.describe(says(first), says(last), says(low), says(high))
	if holes > 0 {
		text += p.w.withoutValue(int64(holes))
	}
	return text + p.w.stop
}

// spark is a small chart of a region on its own scale.
func (p *page) spark(s series, name string) {
	c := s.curve(float64(max(1, s.most())), sparkHeight)
	p.write("<svg class=\"spark\" role=\"img\" aria-label=\"%s%s%s\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\">",
		name, p.w.colon, p.describe(s, formatBytes, 0), len(s)*dayWidth, sparkHeight)
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
		p.w.gauge(formatGiB(q.UsedBytes), formatGiB(q.QuotaBytes), formatCount(q.Percent)), percent(min(q.UsedBytes, q.QuotaBytes)))
	if q.OverBytes > 0 {
		p.write("<rect class=\"over\" x=\"%s\" width=\"%s\" height=\"20\" y=\"8\"/>", percent(q.QuotaBytes), percent(q.OverBytes))
	}
	p.write("<line class=\"limit\" x1=\"%s\" x2=\"%s\" y1=\"2\" y2=\"34\"/></svg>\n", percent(q.QuotaBytes), percent(q.QuotaBytes))
}

// values is the text of both charts: a row a day, or of longer times a row a month.
func (p *page) values() {
	byMonth := len(p.Days) > 92
	if byMonth {
		p.write("<details><summary>%s</summary>\n", p.w.byMonth)
		p.tableHead("", p.w.monthColumns...)
	} else {
		p.write("<details><summary>%s</summary>\n", p.w.byDay)
		p.tableHead("", p.w.dayColumns...)
	}
	for from := 0; from < len(p.Days); {
		to := from + 1
		for byMonth && to < len(p.Days) && midnight(p.Days[to].Date).Month() == midnight(p.Days[from].Date).Month() {
			to++
		}
		p.valuesOf(from, to, byMonth)
		from = to
	}
	p.tableFoot()
	p.write("</details>\n")
}

// valuesOf is a row of some days: their last values that are known.
func (p *page) valuesOf(from, to int, byMonth bool) {
	last, holes := -1, 0
	for day := from; day < to; day++ {
		if p.known[day] {
			last = day
		} else {
			holes++
		}
	}
	day, capacity, instances := markup("—"), "—", "—"
	if last >= 0 {
		day, capacity = on(p.Days[last].Date), formatBytes(p.amounts[last].ProtectedDataBytes)
		instances = formatCount(p.amounts[last].ProtectedResourceCount)
	}
	if byMonth {
		p.write("<tr><th scope=\"row\">%s</th><td>%s</td><td class=\"num\">%s</td><td class=\"num\">%s</td><td class=\"num\">%d</td></tr>\n",
			midnight(p.Days[from].Date).Format("2006-01"), day, capacity, instances, holes)
		return
	}
	p.write("<tr><th scope=\"row\">%s</th><td class=\"num\">%s</td><td class=\"num\">%s</td></tr>\n", on(p.Days[from].Date), capacity, instances)
}
