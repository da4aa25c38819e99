package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// TrendSchema names the form of a Trend.
const TrendSchema = "trend/v2"

// How much of the history a trend keeps, in days.
const (
	WindowDays  = 400 // by day
	RegionDays  = 100 // by region
	accountDays = 30  // by account, of those that protect most
	closedDays  = 90  // of alerts that closed
	causeBytes  = 200 // of why a day is a hole; its record has all of it
	mostClosed  = 3   // items of an alert that closed; the record has all of them
	mostListed  = 50  // items of an open alert; the record has all of them
)

// A Trend is the history as people look at it, bounded however long it is: a view,
// made of the records and tables of the days, and made again where it is damaged. A
// day without a complete record is a hole: it has no numbers, none are carried into it,
// and nothing is compared with it.
type Trend struct {
	Schema     string `json:"schema"`
	TimeZone   string `json:"time_zone"`
	AlertRules string `json:"alert_rules"` // as ParseRules reads them
	From       Date   `json:"from"`        // the first day of the history
	To         Date   `json:"to"`          // the last day that is known of
	Status     string `json:"status"`      // of the last day
	Chain      string `json:"chain,omitempty"`
	// The newest complete day, and what it says. Without one the rest is empty.
	CompleteDate *Date         `json:"complete_date,omitempty"`
	Accounts     Fleet         `json:"accounts"`
	Totals       []TypeTotal   `json:"totals"`
	Deltas       []Delta       `json:"deltas"` // over 1, 7, 30 and 90 days, where both ends are complete
	FreeQuota    *QuotaUse     `json:"free_quota,omitempty"`
	Crossings    []Crossing    `json:"crossings"`
	Alerts       []Alert       `json:"alerts"` // open after the last day
	Closed       []ClosedAlert `json:"closed"` // in the last 90 days, oldest first
	Gaps         []Gap         `json:"gaps"`   // of the days below, oldest first
	// Months are the last complete day of every month since the beginning, oldest first.
	Months []Month `json:"months"`
	// Regions are what each region had on the last hundred days of Days, summed over all
	// accounts, sorted by source type and region: a list of numbers each, one a day,
	// null where the day is a hole or the region was not there.
	Regions []Series `json:"regions"`
	// Largest are what each account had on those of the last thirty days on which it was
	// among the ten that protect most.
	Largest []Series `json:"largest"`
	// Days are the last 400, oldest first, without a break.
	Days []TrendDay `json:"days"`
	// Schemas is the SHA-256 of all schemas as they were written beside this.
	Schemas string `json:"schemas,omitempty"`
	// CSV is the SHA-256 of trend.csv as it was written beside this.
	CSV string `json:"csv_sha256,omitempty"`
	// SHA256 is that of the bytes before this member. Encode adds it, DecodeTrend checks it.
	SHA256 string `json:"sha256,omitempty"`
}

// A TrendDay is what the trend keeps of a calendar day.
type TrendDay struct {
	Date              Date        `json:"date"`
	Status            string      `json:"status"`
	Totals            []TypeTotal `json:"totals"` // one a source type; empty in a hole
	AccountsExpected  int         `json:"accounts_expected"`
	AccountsCollected int         `json:"accounts_collected"`
	// SourceTypes are those of a hole, as far as they are known: its own, or those of
	// the day before.
	SourceTypes []string   `json:"source_types,omitempty"`
	Opened      bool       `json:"opened,omitempty"`      // an alert opened on it
	CapturedAt  *time.Time `json:"captured_at,omitempty"` // when the last of its numbers were read; of the last hundred days
	Replaced    bool       `json:"replaced,omitempty"`    // it was captured again over what it had
	Cause       string     `json:"cause,omitempty"`       // of a hole, shortened
	DetectedAt  *time.Time `json:"detected_at,omitempty"` // of a hole
}

// A Series is what a region had of one source type, or an account of all: a number a day
// up to the last day of the trend.
type Series struct {
	SourceType             string  `json:"source_type,omitempty"`
	RegionID               string  `json:"region_id,omitempty"`
	AccountID              string  `json:"account_id,omitempty"`
	ProtectedDataBytes     Numbers `json:"protected_data_bytes"`
	ProtectedResourceCount Numbers `json:"protected_resource_count"`
}

// Numbers are one a day, nil where there is none.
type Numbers []*int64

// UnmarshalJSON reads a list of integers and nulls. A trend has thousands, and to read
// each by reflection, into memory of its own, took a fifth of the time.
func (n *Numbers) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	if string(data) == "null" {
		*n = nil
		return nil
	}
	inner, isList := bytes.CutPrefix(data, []byte("["))
	if !isList {
		return fmt.Errorf("%.20q: want a list of integers", data)
	}
	inner = bytes.TrimSpace(bytes.TrimSuffix(inner, []byte("]")))
	if *n = (Numbers{}); len(inner) == 0 {
		return nil
	}
	values := make([]int64, 1+bytes.Count(inner, []byte(",")))
	*n = make(Numbers, 0, len(values))
	for text := range bytes.SplitSeq(inner, []byte(",")) {
		if text = bytes.TrimSpace(text); string(text) == "null" {
			*n = append(*n, nil)
			continue
		}
		value, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			return fmt.Errorf("list of integers: %w", err)
		}
		values[len(*n)] = value
		*n = append(*n, &values[len(*n)])
	}
	return nil
}

// A Month is what was protected on the last complete day of a month.
type Month struct {
	Date   Date        `json:"date"`
	Totals []TypeTotal `json:"totals"`
}

// A TypeRegion is what all accounts together protect of one source type in one
// region.
type TypeRegion struct {
	SourceType string `json:"source_type"`
	Region
}

// A Delta is the difference between the newest complete day and an earlier one.
type Delta struct {
	Days   int         `json:"days"`
	Since  Date        `json:"since"`
	Totals []TypeTotal `json:"totals"` // differences: negative where it fell
}

// A QuotaUse is the use of the free quota by the account that uses most of it.
type QuotaUse struct {
	AccountID string `json:"account_id"`
	Quota
}

// A Crossing is the day on which an account's use of the free quota reaches all of it, if
// it goes on as in the last thirty days. It is told of the accounts that use more than
// half, with numbers of 14 days, and within a year.
type Crossing struct {
	AccountID        string `json:"account_id"`
	ExpectedCrossing Date   `json:"expected_crossing"`
}

// A Fleet is the accounts: those of the last day, and the largest ones of the
// newest complete day.
type Fleet struct {
	Expected     int            `json:"expected"` // on the last day, and so are the next four
	Collected    int            `json:"collected"`
	NotActivated int            `json:"not_activated"` // have no Cloud Backup
	NotAttempted int            `json:"not_attempted"` // no run has asked for them
	Excluded     int            `json:"excluded"`      // are left out on purpose
	Largest      []AccountTotal `json:"largest"`       // the ten that protect most, on the newest complete day
	Missing      []Failure      `json:"missing"`       // why others lack on the last day; at most a hundred
	// Names are the accounts' own, as the last day's record has them.
	Names []AccountName `json:"names,omitempty"`
}

// An AccountTotal is what one account protects of all source types.
type AccountTotal struct {
	AccountID string `json:"account_id"`
	Amount
}

// A Gap is a run of days without a complete record.
type Gap struct {
	From       Date       `json:"from"`
	To         Date       `json:"to"`
	Status     string     `json:"status"` // missing, or partial where some day of it is
	Cause      string     `json:"cause"`  // of its first day
	DetectedAt *time.Time `json:"detected_at,omitempty"`
}

// Encode gives the trend's one spelling: a JSON document, a day a line, whose last
// member is the SHA-256 of what stands before it. So a reader notices whatever was
// altered, and the next run makes the document again.
func (t Trend) Encode() ([]byte, error) {
	days := t.Days
	t.Days, t.SHA256 = []TrendDay{}, ""
	head, err := encodeLine(t)
	if err != nil {
		return nil, fmt.Errorf("encode trend: %w", err)
	}
	begin, end, _ := bytes.Cut(head, []byte(`"days":[]`))
	l := newLines()
	l.Grow(len(head) + 256*len(days))
	l.Write(begin)
	l.WriteString(`"days":[`)
	for i, day := range days {
		if i > 0 {
			l.WriteByte(',')
		}
		l.WriteByte('\n')
		if err := l.add(day); err != nil {
			return nil, fmt.Errorf("encode trend: day %s: %w", day.Date, err)
		}
		l.Truncate(l.Len() - 1) // its own end of line
	}
	l.WriteString("\n]")
	l.Write(bytes.TrimSuffix(end, []byte("}\n")))
	l.WriteString(trendSum(l.Bytes()))
	return l.Bytes(), nil
}

const sumMember = `,"sha256":"`

func trendSum(data []byte) string {
	sum := sha256.Sum256(data)
	return sumMember + hex.EncodeToString(sum[:]) + "\"}\n"
}

// DecodeTrend reads a stored trend. It refuses what is not byte for byte as it was
// written, and another version: such a trend is to be made again.
func DecodeTrend(data []byte) (t Trend, err error) {
	if err := checkSchema(firstMember(data), TrendSchema); err != nil {
		return t, fmt.Errorf("stored trend: %w", err)
	}
	at := bytes.LastIndex(data, []byte(sumMember))
	if at < 0 || string(data[at:]) != trendSum(data[:at]) {
		return t, errors.New("stored trend: it is not as it was written: its sum differs")
	}
	if err := json.Unmarshal(data, &t); err != nil {
		return Trend{}, fmt.Errorf("stored trend: %w", err)
	}
	if err := sameSchema(t.Schema, TrendSchema); err != nil { // it is not the first member, or not the only one
		return Trend{}, fmt.Errorf("stored trend: %w", err)
	}
	if err := t.check(); err != nil {
		return Trend{}, fmt.Errorf("stored trend: %w", err)
	}
	t.SHA256 = ""
	return t, nil
}

// check refuses what contradicts itself, which nobody can show: whoever wrote that knew
// how to sum it.
func (t *Trend) check() error {
	if len(t.Days) == 0 {
		return errors.New("it has no days")
	}
	months := make(map[int]bool)
	for i, m := range t.Months {
		if m.Date < t.From || m.Date > t.To || i > 0 && m.Date.Month() <= t.Months[i-1].Date.Month() {
			return fmt.Errorf("its months are not one after the other from %s to %s", t.From, t.To)
		}
		months[m.Date.Month()] = true
	}
	for i, day := range t.Days {
		switch {
		case day.Date != t.To-Date(len(t.Days)-1-i):
			return fmt.Errorf("its days are not those up to %s", t.To)
		case day.Date < t.From:
			return fmt.Errorf("it has days before %s, with which it begins", t.From)
		case day.Status == Complete && !months[day.Date.Month()]:
			return fmt.Errorf("%s is complete, and its month is not among the months", day.Date)
		}
	}
	for list, days := range map[*[]Series]int{&t.Regions: RegionDays, &t.Largest: accountDays} {
		for _, s := range *list {
			if days = min(days, len(t.Days)); len(s.ProtectedDataBytes) != days || len(s.ProtectedResourceCount) != days {
				return errors.New("a list of numbers does not end with its days")
			}
		}
	}
	return nil
}

// firstMember is the beginning of a document as a document, so that its schema can be
// read where the rest is damaged.
func firstMember(data []byte) []byte {
	first, _, _ := bytes.Cut(data, []byte(","))
	return append(bytes.Clone(first), '}')
}

// A DayFacts is what a trend takes in of a day.
type DayFacts struct {
	Record  DayRecord
	Read    time.Time      // when the last of the numbers were; of a complete day
	Regions []TypeRegion   // summed over all accounts; of a complete day
	Largest []AccountTotal // the ten accounts that protect most; of a complete day
}

// NewDayFacts takes a day's facts from its record and figures.
func NewDayFacts(r DayRecord, f Figures) DayFacts {
	facts := DayFacts{Record: r}
	if r.Status == Complete {
		facts.Regions, facts.Largest, facts.Read = f.regions(), largest(f.accounts()), f.readAt()
	}
	return facts
}

// largest are the ten accounts that protect most; of equals the smaller id comes
// first.
func largest(accounts []AccountTotal) []AccountTotal {
	bySize := sorted(accounts, func(a, b AccountTotal) bool {
		return a.ProtectedDataBytes > b.ProtectedDataBytes || a.ProtectedDataBytes == b.ProtectedDataBytes && a.AccountID < b.AccountID
	})
	return append([]AccountTotal{}, bySize[:min(10, len(bySize))]...)
}

// Enter takes a day into the trend: one that it has already, or a later one. Where the
// trend has no days, it begins with this one.
func (t *Trend) Enter(d DayFacts, s Settings) {
	r := d.Record
	begins := r.SnapshotDate
	if r.HistoryBegins != nil {
		begins = *r.HistoryBegins
	}
	if len(t.Days) == 0 {
		t.From, t.Months, t.Closed, t.Gaps = begins, cmpList(t.Months), cmpList(t.Closed), []Gap{}
		t.Regions, t.Largest, t.Alerts = cmpList(t.Regions), cmpList(t.Largest), []Alert{}
	}
	t.From = min(t.From, begins)
	t.month(r)
	t.reach(r.SnapshotDate)
	if t.index(r.SnapshotDate) < 0 { // older than the window: the months have it
		t.summary(s)
		return
	}
	for t.index(r.SnapshotDate) >= len(t.Days) { // what is between has no record
		t.grow(r.SnapshotDate)
	}
	i := t.index(r.SnapshotDate)
	var before *TrendDay
	if i > 0 {
		before = &t.Days[i-1]
	}
	t.Days[i] = newTrendDay(r, before)
	if !d.Read.IsZero() && len(t.Days)-i <= RegionDays {
		t.Days[i].CapturedAt = &d.Read
	}
	var regions, accounts []Series
	for _, region := range d.Regions {
		regions = append(regions, newSeries(Series{SourceType: region.SourceType, RegionID: region.RegionID}, region.Amount))
	}
	for _, account := range d.Largest {
		accounts = append(accounts, newSeries(Series{AccountID: account.AccountID}, account.Amount))
	}
	back := len(t.Days) - 1 - i
	t.Regions = setSeries(t.Regions, regions, min(len(t.Days), RegionDays), back)
	t.Largest = setSeries(t.Largest, accounts, min(len(t.Days), accountDays), back)
	t.setClosed(r)
	if r.SnapshotDate >= t.To {
		t.To = r.SnapshotDate
		t.Schema, t.TimeZone, t.AlertRules = TrendSchema, s.TimeZone, s.Rules.String()
		t.Status, t.Chain = r.Status, r.Chain
		t.Alerts = shortAlerts(r.Alerts)
		t.Accounts = newFleet(r.Accounts)
	}
	t.summary(s)
}

// Prime gives an empty trend days before its window, oldest first: it keeps the months,
// and of the day before the window which source types there are.
func (t *Trend) Prime(begins, window Date, days []TrendDay) {
	t.From, t.Regions, t.Closed = begins, []Series{}, []ClosedAlert{}
	for _, day := range days {
		if day.Date < window {
			t.month(DayRecord{SnapshotDate: day.Date, Status: day.Status, Totals: day.Totals})
			t.Days, t.To = []TrendDay{day}, day.Date
		}
	}
}

// Day is a day of the window.
func (t *Trend) Day(d Date) (day TrendDay, inside bool) { return t.at(d) }

// SameDay tells whether two days of a trend are equal.
func SameDay(a, b TrendDay) bool { return reflect.DeepEqual(a, b) }

// cmpList is an empty list for none.
func cmpList[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// index is a day's place: below 0 before the window, len(t.Days) of the next day.
func (t *Trend) index(d Date) int {
	if len(t.Days) == 0 {
		return 0
	}
	return int(d - t.Days[0].Date)
}

// grow adds a day to the window, up to one that is entered.
func (t *Trend) grow(to Date) {
	next := TrendDay{Date: to, Status: Missing, Totals: []TypeTotal{}, Cause: "unknown"}
	if n := len(t.Days); n > 0 {
		next.Date, next.SourceTypes = t.Days[n-1].Date+1, t.Days[n-1].types()
	}
	t.Days = append(t.Days, next)
	t.Days = t.Days[max(0, len(t.Days)-WindowDays):]
	if old := len(t.Days) - RegionDays - 1; old >= 0 {
		t.Days[old].CapturedAt = nil // it is in the tables, which nobody reads of so many days
	}
	growSeries(t.Regions, RegionDays)
	growSeries(t.Largest, accountDays)
}

// reach lets the window begin earlier, as long as it is not full: a day came back that is
// older than the history was.
func (t *Trend) reach(d Date) {
	if len(t.Days) == 0 {
		return
	}
	for d < t.Days[0].Date && len(t.Days) < WindowDays {
		day := TrendDay{Date: t.Days[0].Date - 1, Status: Missing, Totals: []TypeTotal{}, Cause: "unknown"}
		t.Days = slices.Insert(t.Days, 0, day)
		reachSeries(t.Regions, min(len(t.Days), RegionDays))
		reachSeries(t.Largest, min(len(t.Days), accountDays))
	}
}

func reachSeries(all []Series, days int) {
	for n := range all {
		if s := &all[n]; len(s.ProtectedDataBytes) < days {
			s.ProtectedDataBytes = slices.Insert(s.ProtectedDataBytes, 0, nil)
			s.ProtectedResourceCount = slices.Insert(s.ProtectedResourceCount, 0, nil)
		}
	}
}

func growSeries(list []Series, days int) {
	grown := func(numbers []*int64) []*int64 { return append(numbers, nil)[max(0, len(numbers)+1-days):] }
	for n := range list {
		list[n].ProtectedDataBytes, list[n].ProtectedResourceCount = grown(list[n].ProtectedDataBytes), grown(list[n].ProtectedResourceCount)
	}
}

// newTrendDay is what a trend keeps of a day; before is the day before it, if it is known.
func newTrendDay(r DayRecord, before *TrendDay) TrendDay {
	day := TrendDay{
		Date: r.SnapshotDate, Status: r.Status, Totals: []TypeTotal{},
		AccountsExpected: r.Accounts.Expected, AccountsCollected: r.Accounts.Collected,
	}
	for _, a := range r.Alerts {
		day.Opened = day.Opened || a.Opened == r.SnapshotDate
	}
	for _, c := range r.Closed {
		day.Opened = day.Opened || c.Opened == r.SnapshotDate
	}
	if r.Status == Complete {
		day.Totals, day.Replaced = r.Totals, r.Replaced
		return day
	}
	day.Cause, day.DetectedAt = cutText(r.Cause, causeBytes), r.DetectedAt
	day.SourceTypes = r.SourceTypes
	if r.HistoryBegins == nil { // an earlier version does not say
		for _, total := range r.Totals {
			day.SourceTypes = append(day.SourceTypes, total.SourceType)
		}
	}
	if len(day.SourceTypes) == 0 && before != nil {
		day.SourceTypes = before.types()
	}
	return day
}

// types are the source types that a day has rows of.
func (d TrendDay) types() []string {
	if d.Status != Complete {
		return d.SourceTypes
	}
	types := []string{}
	for _, total := range d.Totals {
		types = append(types, total.SourceType)
	}
	return types
}

// cutText is a text of at most n bytes, whole characters of it.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// newSeries is a series of one day.
func newSeries(s Series, a Amount) Series {
	s.ProtectedDataBytes, s.ProtectedResourceCount = []*int64{&a.ProtectedDataBytes}, []*int64{&a.ProtectedResourceCount}
	return s
}

// setSeries sets the numbers of a day, so many days back, in series of a length, and lets
// go of those that no day has any more.
func setSeries(list, day []Series, length, back int) []Series {
	at := length - 1 - back
	if at < 0 {
		return list
	}
	for n := range list {
		list[n].ProtectedDataBytes[at], list[n].ProtectedResourceCount[at] = nil, nil
	}
	for _, one := range day {
		n, there := slices.BinarySearchFunc(list, one, Series.compare)
		if !there {
			list = slices.Insert(list, n, one)
			list[n].ProtectedDataBytes, list[n].ProtectedResourceCount = make([]*int64, length), make([]*int64, length)
		}
		list[n].ProtectedDataBytes[at], list[n].ProtectedResourceCount[at] = one.ProtectedDataBytes[0], one.ProtectedResourceCount[0]
	}
	return slices.DeleteFunc(list, func(s Series) bool {
		return !slices.ContainsFunc(s.ProtectedDataBytes, func(n *int64) bool { return n != nil })
	})
}

func (s Series) compare(r Series) int {
	return cmp.Or(cmp.Compare(s.SourceType, r.SourceType), cmp.Compare(s.RegionID, r.RegionID), cmp.Compare(s.AccountID, r.AccountID))
}

// month keeps the last complete day of each month.
func (t *Trend) month(r DayRecord) {
	i, there := slices.BinarySearchFunc(t.Months, r.SnapshotDate, func(m Month, d Date) int { return cmp.Compare(m.Date.Month(), d.Month()) })
	switch {
	case there && t.Months[i].Date > r.SnapshotDate:
	case r.Status == Complete && there:
		t.Months[i] = Month{r.SnapshotDate, r.Totals}
	case r.Status == Complete:
		t.Months = slices.Insert(t.Months, i, Month{r.SnapshotDate, r.Totals})
	case there && t.Months[i].Date == r.SnapshotDate: // it was the last one, and is complete no more
		t.Months = slices.Delete(t.Months, i, i+1)
		for _, day := range slices.Backward(t.Days) {
			if day.Date < r.SnapshotDate && day.Date.Month() == r.SnapshotDate.Month() && day.Status == Complete {
				t.Months = slices.Insert(t.Months, i, Month{day.Date, day.Totals})
				break
			}
		}
	}
}

// setClosed keeps what closed on a day in place of what the trend had of that day. What
// people were told of is the record's to know.
func (t *Trend) setClosed(r DayRecord) {
	t.Closed = slices.DeleteFunc(t.Closed, func(c ClosedAlert) bool { return c.Closed == r.SnapshotDate })
	var ended []ending
	for _, e := range endingsOf(r.Closed) {
		if e.closed == r.SnapshotDate {
			e.told, e.Told = true, nil
			ended = append(ended, e)
		}
	}
	t.Closed = sorted(append(t.Closed, closedOf(ended)...), ClosedAlert.precedes)
	oldest := max(t.To, r.SnapshotDate) - closedDays
	t.Closed = slices.DeleteFunc(t.Closed, func(c ClosedAlert) bool { return c.Closed <= oldest })
	for n := range t.Closed { // each by itself: what one loses must not hang on the others
		t.Closed[n].Items = shortItems(t.Closed[n].Items, mostClosed)
	}
}

func shortAlerts(alerts []Alert) []Alert {
	short := append([]Alert{}, alerts...)
	for n := range short {
		short[n].Items = shortItems(short[n].Items, mostListed)
	}
	return short
}

// shortItems are the first items, without what only the records need.
func shortItems(items []AlertItem, most int) []AlertItem {
	items = slices.Clone(items[:min(len(items), most)])
	for n := range items {
		items[n].Told = nil
	}
	return items
}

// summary sums the days up.
func (t *Trend) summary(s Settings) {
	t.Gaps = t.gaps()
	t.CompleteDate, t.Totals, t.Deltas, t.FreeQuota, t.Crossings = nil, []TypeTotal{}, []Delta{}, nil, []Crossing{}
	t.Accounts.Largest = []AccountTotal{}
	i := len(t.Days) - 1
	for i >= 0 && t.Days[i].Status != Complete {
		i--
	}
	if i < 0 {
		if len(t.Months) > 0 { // older than the window
			m := t.Months[len(t.Months)-1]
			t.CompleteDate, t.Totals = &m.Date, m.Totals
		}
		return
	}
	newest := t.Days[i]
	t.CompleteDate, t.Totals = &newest.Date, newest.Totals
	t.Deltas = t.deltas(newest)
	t.accounts(newest.Date, s.QuotaBytes)
}

// accounts says what the largest accounts had on the newest complete day, and how they
// use their quota, unless that was too long ago.
func (t *Trend) accounts(newest Date, quota int64) {
	var all []AccountTotal
	for _, s := range t.Largest {
		if i := len(s.ProtectedDataBytes) - 1 - int(t.To-newest); i >= 0 && s.ProtectedDataBytes[i] != nil {
			all = append(all, AccountTotal{s.AccountID, Amount{*s.ProtectedDataBytes[i], *s.ProtectedResourceCount[i]}})
			if day, crosses := s.crossing(quota, *s.ProtectedDataBytes[i]); crosses {
				t.Crossings = append(t.Crossings, Crossing{s.AccountID, newest + Date(day)})
			}
		}
	}
	if t.Accounts.Largest = largest(all); len(all) > 0 {
		most := t.Accounts.Largest[0]
		t.FreeQuota = &QuotaUse{most.AccountID, NewQuota(most.ProtectedDataBytes, quota)}
	}
}

// at is a day of the window.
func (t *Trend) at(d Date) (TrendDay, bool) {
	i := t.index(d)
	if i < 0 || i >= len(t.Days) {
		return TrendDay{}, false
	}
	return t.Days[i], true
}

func newFleet(a Accounts) Fleet {
	return Fleet{
		Expected: a.Expected, Collected: a.Collected, NotActivated: len(a.NotActivated), NotAttempted: len(a.NotAttempted), Excluded: len(a.Excluded),
		Largest: []AccountTotal{}, Missing: append([]Failure{}, a.Failed[:min(100, len(a.Failed))]...), Names: a.Names,
	}
}

// deltas compares the newest complete day with those 1, 7, 30 and 90 days before
// it, where they are complete. A source type that only one of the days has is
// left out: what was not asked for did not grow from 0.
func (t *Trend) deltas(newest TrendDay) []Delta {
	deltas := []Delta{}
	for _, days := range []int{1, 7, 30, 90} {
		since := newest.Date - Date(days)
		then, there := t.at(since)
		if !there || then.Status != Complete {
			continue
		}
		if totals := differences(then.Totals, newest.Totals); len(totals) > 0 {
			deltas = append(deltas, Delta{days, since, totals})
		}
	}
	return deltas
}

func differences(before, after []TypeTotal) (totals []TypeTotal) {
	for _, now := range after {
		for _, then := range before {
			if now.SourceType == then.SourceType {
				totals = append(totals, TypeTotal{now.SourceType, Amount{
					now.ProtectedDataBytes - then.ProtectedDataBytes,
					now.ProtectedResourceCount - then.ProtectedResourceCount,
				}})
			}
		}
	}
	return totals
}

// gaps lists the runs of days that are not complete.
func (t *Trend) gaps() []Gap {
	gaps := []Gap{}
	for _, day := range t.Days {
		switch last := len(gaps) - 1; {
		case day.Status == Complete:
		case last >= 0 && gaps[last].To == day.Date-1:
			gaps[last].To = day.Date
			if day.Status == Partial {
				gaps[last].Status = Partial
			}
		default:
			gaps = append(gaps, Gap{day.Date, day.Date, day.Status, day.Cause, day.DetectedAt})
		}
	}
	return gaps
}

// Limits of the expected crossing: how many numbers it takes at least, and how far a
// growth is followed, in days.
const (
	fewestDays   = 14
	furthestDays = 365
)

// crossing is in how many days an account will have used its quota up. There is none
// without growth that both halves of the time show and that lasts: a single step is none, nor is
// what rises and falls again.
func (s Series) crossing(quota, used int64) (days int, crosses bool) {
	var points []point
	for i, n := range s.ProtectedDataBytes {
		if n != nil {
			points = append(points, point{i, *n})
		}
	}
	if used >= quota || used <= quota/2 || len(points) < fewestDays {
		return 0, false
	}
	first, second := points[:len(points)/2], points[len(points)/2:]
	if slope(first) <= 0 || slope(second) <= 0 || used <= highest(first) {
		return 0, false
	}
	left := math.Ceil(float64(quota-used) / slope(points))
	return int(left), left <= furthestDays
}

// A point is what was used on a day.
type point struct {
	day   int
	bytes int64
}

func highest(points []point) (most int64) {
	for _, p := range points {
		most = max(most, p.bytes)
	}
	return most
}

// slope is the growth in bytes a day: the median over all pairs of days (Theil and Sen),
// which a few odd days do not bend.
func slope(points []point) float64 {
	var slopes []float64
	for i, a := range points {
		for _, b := range points[i+1:] {
			slopes = append(slopes, float64(b.bytes-a.bytes)/float64(b.day-a.day))
		}
	}
	slices.Sort(slopes)
	middle := len(slopes) / 2
	if len(slopes)%2 == 0 {
		return (slopes[middle-1] + slopes[middle]) / 2
	}
	return slopes[middle]
}
