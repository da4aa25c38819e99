package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"
)

// A timeline is days without a break: those stored come as the lines they were
// stored in and are read one by one, since ten years of them are never needed.
type timeline struct {
	from  Date
	lines [][]byte
	days  []TrendDay // behind the lines
}

func (t timeline) to() Date { return t.from + Date(len(t.lines)+len(t.days)) - 1 }

// status is that of a day from t.from to t.to.
func (t timeline) status(d Date) string {
	i := int(d - t.from)
	if i >= len(t.lines) {
		return t.days[i-len(t.lines)].Status
	}
	_, rest, _ := bytes.Cut(t.lines[i], []byte(`,"status":"`)) // a date stands before it, and nothing else
	for _, status := range []string{Complete, Partial, Missing} {
		if bytes.HasPrefix(rest, []byte(status+`"`)) {
			return status
		}
	}
	return ""
}

// day reads a day from t.from to t.to.
func (t timeline) day(d Date) (day TrendDay, err error) {
	i := int(d - t.from)
	if i >= len(t.lines) {
		return t.days[i-len(t.lines)], nil
	}
	line, regions := cutRegions(t.lines[i])
	if err = json.Unmarshal(line, &day); err == nil {
		err = day.check(line)
		day.Regions = append(day.Regions, regions...)
	}
	if err != nil {
		return TrendDay{}, fmt.Errorf("stored day %s: %w", d, err)
	}
	return day, nil
}

// largest is LargestAccountBytes of a complete day. Thirty days are asked for it in
// each run, so a stored line is not decoded for that.
func (t timeline) largest(d Date) (int64, error) {
	i := int(d - t.from)
	if i >= len(t.lines) {
		return *t.days[i-len(t.lines)].LargestAccountBytes, nil
	}
	_, rest, _ := bytes.Cut(t.lines[i], []byte(`"largest_account_bytes":`))
	s := scanner{rest: rest}
	n := s.number("")
	if s.failed || !bytes.HasPrefix(s.rest, []byte(",")) && !bytes.HasPrefix(s.rest, []byte("}")) {
		return 0, fmt.Errorf("stored day %s: largest_account_bytes is missing: want an integer from 0", d)
	}
	return n, nil
}

// cutRegions takes the regions out of a line as we spell it: they are most of it,
// and encoding/json needs five times as long for them. It leaves a line that is
// spelt in any other way as it is. Since quotes are escaped in a text, what begins
// and ends with one is a name.
func cutRegions(line []byte) (rest []byte, regions []TypeRegion) {
	const begins = `"regions":[`
	head, list, _ := bytes.Cut(line, []byte(begins))
	s := scanner{rest: list}
	for more := bytes.HasPrefix(list, []byte("{")); more && !s.failed; {
		r := TypeRegion{
			SourceType: s.text(`{"source_type":"`),
			Region: Region{s.text(`,"region_id":"`), Amount{
				s.number(`,"protected_data_bytes":`), s.number(`,"protected_resource_count":`),
			}},
		}
		s.skip("}")
		regions = append(regions, r)
		if more = !bytes.HasPrefix(s.rest, []byte("]")); more {
			s.skip(",")
		}
	}
	if s.failed || len(regions) == 0 {
		return line, nil
	}
	return slices.Concat(head, []byte(begins), s.rest), regions
}

// A scanner reads what stands where it is expected, and fails for good otherwise.
type scanner struct {
	rest   []byte
	failed bool
}

func (s *scanner) skip(prefix string) {
	rest, there := bytes.CutPrefix(s.rest, []byte(prefix))
	s.rest, s.failed = rest, s.failed || !there
}

// text reads up to the closing quote a text without escapes.
func (s *scanner) text(prefix string) string {
	s.skip(prefix)
	text, rest, there := bytes.Cut(s.rest, []byte(`"`))
	for _, c := range text {
		s.failed = s.failed || c < ' ' || c == '\\'
	}
	s.rest, s.failed = rest, s.failed || !there || !utf8.Valid(text)
	return string(text)
}

// number reads an integer from 0 to 2^63-1 in its one spelling.
func (s *scanner) number(prefix string) (n int64) {
	s.skip(prefix)
	digits := s.rest[:len(s.rest)-len(bytes.TrimLeft(s.rest, "0123456789"))]
	for _, c := range digits {
		digit := int64(c - '0')
		if n > (math.MaxInt64-digit)/10 {
			s.failed = true
		}
		n = n*10 + digit
	}
	s.rest, s.failed = s.rest[len(digits):], s.failed || len(digits) == 0 || digits[0] == '0' && len(digits) > 1
	return n
}

// check finds what must not pass for empty or 0 because it is absent from the
// line that the day was decoded from.
func (d TrendDay) check(line []byte) error {
	again, _ := encodeLine(d) // an error leaves nothing, which differs
	switch {
	case d.Totals == nil || d.Regions == nil:
		return errors.New("totals or regions are missing: want lists, which may be empty")
	case d.Status == Complete && d.LargestAccountBytes == nil:
		return errors.New("largest_account_bytes is missing: want an integer from 0")
	case !bytes.Equal(bytes.TrimSuffix(again, []byte("\n")), line):
		return errors.New("it is not spelt as it is encoded: want it unchanged")
	}
	return nil
}

// completeBefore is the last complete day before a day.
func (t timeline) completeBefore(d Date) (Date, bool) {
	for d = min(d, t.to()+1) - 1; d >= t.from; d-- {
		if t.status(d) == Complete {
			return d, true
		}
	}
	return 0, false
}

// A History is a trend as it is stored, to be extended without reading all of
// it: what it says of the whole is read, the days stay as bytes. The zero value
// has no days.
type History struct {
	head  Trend    // without Days
	lines [][]byte // one a day
}

// The document is a head that ends like this, a day a line, and a foot.
const (
	trendHeadEnd = `"days":[`
	trendFoot    = "]}\n"
)

// Encode gives the trend's one spelling: a JSON document with one day a line.
func (t Trend) Encode() ([]byte, error) {
	h := History{head: t}
	var err error
	h.lines, err = encodeDays(t.Days)
	if err != nil {
		return nil, err
	}
	return h.Encode()
}

func encodeDays(days []TrendDay) ([][]byte, error) {
	lines := make([][]byte, 0, len(days))
	for _, day := range days {
		line, err := encodeLine(day)
		if err != nil {
			return nil, fmt.Errorf("encode trend: day %s: %w", day.Date, err)
		}
		lines = append(lines, bytes.TrimSuffix(line, []byte("\n")))
	}
	return lines, nil
}

// Encode gives the document, equal to what [Trend.Encode] makes of the whole.
func (h History) Encode() ([]byte, error) {
	head, err := encodeHead(h.head)
	if err != nil {
		return nil, fmt.Errorf("encode trend: %w", err)
	}
	size := len(head) + len("\n") + len(trendFoot)
	for _, line := range h.lines {
		size += len(line) + len(",\n")
	}
	data := append(make([]byte, 0, size), head...)
	for i, line := range h.lines {
		if i > 0 {
			data = append(data, ',')
		}
		data = append(append(data, '\n'), line...)
	}
	return append(append(data, '\n'), trendFoot...), nil
}

func encodeHead(t Trend) ([]byte, error) {
	t.Days = []TrendDay{}
	head, err := encodeLine(t)
	return bytes.TrimSuffix(head, []byte(trendFoot)), err
}

// OpenHistory reads a stored trend's head and finds its days. It refuses what is
// damaged or contradicts itself: such a trend is to be made anew of all days.
func OpenHistory(data []byte) (History, error) {
	h, err := openHistory(data)
	if err != nil {
		return History{}, fmt.Errorf("stored trend: %w", err)
	}
	return h, nil
}

func openHistory(data []byte) (h History, err error) {
	if err := checkSchema(firstLine(data), TrendSchema); err != nil {
		return h, err
	}
	head, rest, _ := bytes.Cut(data, []byte("\n"))
	body, whole := bytes.CutSuffix(rest, []byte("\n"+trendFoot))
	if !whole || !bytes.HasSuffix(head, []byte(trendHeadEnd)) {
		return h, errors.New("its lines are not a head, days and an end: want them whole")
	}
	if err := json.Unmarshal(slices.Concat(head, []byte(trendFoot)), &h.head); err != nil {
		return h, err
	}
	if again, err := encodeHead(h.head); err != nil || !bytes.Equal(again, head) {
		return h, errors.New("its head is not spelt as it is encoded: want it unchanged")
	}
	return h, h.index(body)
}

// firstLine closes the head alone, so that its schema can be read before anything
// else is judged.
func firstLine(data []byte) []byte {
	head, _, _ := bytes.Cut(data, []byte("\n"))
	return slices.Concat(head, []byte(trendFoot))
}

// index finds the lines of the days and holds each against its date.
func (h *History) index(body []byte) error {
	days := int(h.head.To-h.head.From) + 1
	if found := bytes.Count(body, []byte("\n")) + 1; days < 1 || found != days {
		return fmt.Errorf("%d days: want those from %s to %s", found, h.head.From, h.head.To)
	}
	h.lines = make([][]byte, 0, days)
	begins := make([]byte, 0, 64)
	for d := h.head.From; d <= h.head.To; d++ {
		line, rest, _ := bytes.Cut(body, []byte("\n"))
		body = rest
		line, comma := bytes.CutSuffix(line, []byte(","))
		begins = append(appendDate(append(begins[:0], `{"date":"`...), d), `","status":"`...)
		if comma != (d < h.head.To) || !bytes.HasPrefix(line, begins) || !bytes.HasSuffix(line, []byte("}")) {
			return fmt.Errorf("line %d is not that of %s: want a day a line", len(h.lines)+2, d)
		}
		h.lines = append(h.lines, line)
		if h.timeline().status(d) == "" {
			return fmt.Errorf("status of %s is none: want complete, partial or missing", d)
		}
	}
	t := h.timeline()
	last, err := t.day(h.head.To)
	if err == nil && last.Status != h.head.Status {
		err = fmt.Errorf("status is %q, and %q on the last day: want the same", h.head.Status, last.Status)
	}
	return err
}

// appendDate spells a date without allocating, since every line has one.
func appendDate(b []byte, d Date) []byte {
	return time.Unix(int64(d)*24*60*60, 0).UTC().AppendFormat(b, time.DateOnly)
}

func (h History) timeline() timeline { return timeline{from: h.head.From, lines: h.lines} }

// Head is the trend without its days.
func (h History) Head() Trend { return h.head }

// Window is the trend with its last days only, at most n of them.
func (h History) Window(n int) (Trend, error) {
	window, t := h.head, h.timeline()
	window.Days = []TrendDay{}
	for d := max(t.from, t.to()-Date(n)+1); d <= t.to(); d++ {
		day, err := t.day(d)
		if err != nil {
			return Trend{}, err
		}
		window.Days = append(window.Days, day)
	}
	return window, nil
}

// CompleteBefore is the last complete day before a day: the one whose accounts
// [History.Replace] needs.
func (h History) CompleteBefore(d Date) (Date, bool) { return h.timeline().completeBefore(d) }

// OpenAfter is what was open after a day, from the day before the first on.
func (h History) OpenAfter(d Date) ([]Alert, error) {
	open, t := append([]Alert{}, h.head.Alerts...), h.timeline()
	for last := t.to(); last > d && last >= t.from; last-- {
		day, err := t.day(last)
		if err != nil {
			return nil, err
		}
		for _, a := range day.Opened {
			if !contains(open, a) {
				return nil, fmt.Errorf("stored trend: %s of %s was opened and neither closed nor open", a.Rule, a.Opened)
			}
		}
		open = day.openBefore(open)
	}
	return open, nil
}

// Replace is the history with other days from a day on: the facts are those of
// all days from there to the newest. The accounts are those of the last complete
// day before, if there is one: what may have dropped since then. Earlier days
// stay as they are stored, so the cost does not grow with them. The result is
// that of [NewTrend] over all days with the same settings.
func (h History) Replace(s TrendSettings, from Date, days []Facts, accounts []AccountTotal) (History, error) {
	result, err := h.replace(s, from, days, accounts)
	if err != nil {
		return History{}, fmt.Errorf("trend from %s: %w", from, err)
	}
	return result, nil
}

func (h History) replace(s TrendSettings, from Date, days []Facts, accounts []AccountTotal) (History, error) {
	if len(days) == 0 {
		return h, errors.New("no facts: want those of at least one day")
	}
	t, f, gaps := h.timeline(), newFold(s), h.head.Gaps
	first, newest := days[0].Day.Date, days[0].Day.Date
	for _, f := range days {
		first, newest = min(first, f.Day.Date), max(newest, f.Day.Date)
	}
	if len(t.lines) > 0 && newest < t.to() || first < from {
		return h, fmt.Errorf("facts from %s to %s: want those of all days to %s", first, newest, max(newest, t.to()))
	}
	if kept := min(from, t.to()+1); len(t.lines) > 0 && kept > t.from {
		open, err := h.OpenAfter(kept - 1)
		if err != nil {
			return h, err
		}
		t.lines = t.lines[:kept-t.from]
		last, err := t.lastComplete(accounts)
		if err != nil {
			return h, err
		}
		f.watch.open, f.watch.last = open, last
		if first > kept {
			days = append([]Facts{NoRecord(kept)}, days...)
		}
	} else {
		t, gaps = timeline{from: first}, nil
	}
	every, err := everyDay(days)
	if err != nil {
		return h, err
	}
	t.days = f.all(every)
	return summed(f, t, gaps, every[0].Day.Date)
}

func summed(f *fold, t timeline, gaps []Gap, began Date) (History, error) {
	head, err := f.trend(t, gaps, began)
	if err != nil {
		return History{}, err
	}
	head.Days = nil
	lines, err := encodeDays(t.days)
	return History{head, slices.Concat(t.lines, lines)}, err
}

// lastComplete is the last complete day with its accounts, which must be its own:
// those of another day would look like a drop.
func (t timeline) lastComplete(accounts []AccountTotal) (*figures, error) {
	d, ok := t.completeBefore(t.to() + 1)
	if !ok {
		return nil, nil
	}
	day, err := t.day(d)
	if err != nil {
		return nil, err
	}
	var total, sum Amount
	for _, t := range day.Totals {
		total, _ = total.Plus(t.Amount)
	}
	for _, a := range accounts {
		sum, _ = sum.Plus(a.Amount)
	}
	if len(accounts) == 0 || sum != total {
		return nil, fmt.Errorf("%d accounts do not add up to the totals of %s: want the accounts of that day", len(accounts), d)
	}
	return newFigures(Facts{Day: day, Accounts: accounts}), nil
}
