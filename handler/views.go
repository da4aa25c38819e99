package handler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"backup-statistics/report"
)

// views are what shows the history: trend, page, spreadsheet and calendar. They are
// read to save work and are no truth: what is missing, damaged, of an earlier version
// or behind is made of the records.
type views struct {
	*reader
	before    *report.DayFacts  // of the day before those that were settled; nil: there is none
	pending   []report.DayFacts // days that were settled, and are not in the trend yet
	opened    bool
	trend     report.Trend
	calendars map[int]*report.Calendar // years that reach back before the trend's window
	csv       []byte                   // as it was written beside the trend; nil: it is to be made
	sum       report.CSVSum
	cut       report.Calendar // that was being made of the records when the time was over
	changed   report.Date     // the oldest day that differs; 0: none
	years     map[int]bool    // of days that differ
	anew      bool            // nothing of the stored trend is used
	schemas   bool            // they are as they were written beside the trend
}

func newViews(r *reader) *views {
	return &views{reader: r, calendars: make(map[int]*report.Calendar), years: make(map[int]bool)}
}

// absorb takes the days that were settled into the trend; before them it is brought up
// to the day from where they go on.
func (v *views) absorb(ctx context.Context) error {
	if !v.opened {
		if err := v.open(ctx); err != nil {
			return err
		}
		v.opened = true
	}
	for len(v.pending) > 0 {
		if err := v.enter(ctx, v.pending[0]); err != nil {
			return err
		}
		v.pending = v.pending[1:]
	}
	if v.anew {
		return v.overtake(ctx)
	}
	return nil
}

// overtake takes in the days after those that were settled which have a record: the
// trend is made anew, and the walk is not for the last day.
func (v *views) overtake(ctx context.Context) error {
	for d := v.trend.To + 1; d <= report.DateOf(v.Now(), v.Config.Zone); d++ {
		r, err := v.documents.record(ctx, report.DayKey(d))
		if err != nil || r == nil {
			return err
		}
		figures := report.Figures{}
		if r.Status == report.Complete {
			if figures, err = v.figuresOf(ctx, *r); err != nil {
				return err
			}
		}
		if err := v.enter(ctx, report.NewDayFacts(*r, figures)); err != nil {
			return err
		}
		v.documents.forget(report.DayKey(d))
	}
	return nil
}

// open reads the trend and brings it up to the day before those that were settled.
func (v *views) open(ctx context.Context) error {
	if err := v.documents.load(ctx, report.TrendKey, report.TrendCSVKey); err != nil {
		return err
	}
	data := v.documents.get(report.TrendKey)
	trend, err := v.documents.trend(ctx)
	if err == nil && trend.To > lastDate(v.Now(), v.Config.Zone) {
		err = fmt.Errorf("it goes to %s, which is not there yet", trend.To)
	}
	if begins := v.begins(); err == nil && trend.From < begins {
		err = fmt.Errorf("it begins on %s, and the history on %s", trend.From, begins)
	}
	if err != nil {
		if data != nil {
			v.documents.warn("%s: %v: it is made anew", report.TrendKey, err)
		}
		v.anew = true
		if v.before == nil {
			return nil
		}
		return v.remake(ctx)
	}
	v.trend, v.schemas = trend, trend.Schemas == report.SchemasSum
	if csv := v.documents.get(report.TrendCSVKey); v.sum.Of(csv) == trend.CSV {
		v.csv = csv
	} else {
		if csv != nil {
			v.documents.warn("%s: it is not as it was written: it is made anew", report.TrendCSVKey)
		}
		if v.csv, err = v.recall(ctx); err != nil {
			return err
		}
	}
	if v.before == nil || trend.To > v.before.Record.SnapshotDate {
		return nil
	}
	return v.follow(ctx, trend.To)
}

// recall makes trend.csv again of the trend and of the calendars of years before its
// window; nil where that is not what the trend says it was.
func (v *views) recall(ctx context.Context) ([]byte, error) {
	var days []report.TrendDay
	window := v.trend.Days[0].Date
	for year := v.trend.From.Year(); v.trend.From < window && year <= (window-1).Year(); year++ {
		key := report.CalendarKey(year)
		if err := v.documents.load(ctx, key); err != nil {
			return nil, err
		}
		c, err := report.DecodeCalendar(year, v.documents.get(key))
		if err != nil {
			return nil, nil // who makes it anew says so
		}
		days = append(days, slices.DeleteFunc(c.Days, func(d report.TrendDay) bool { return d.Date >= window })...)
	}
	csv := report.EncodeCSV(append(days, v.trend.Days...))
	if v.sum.Of(csv) != v.trend.CSV {
		return nil, nil
	}
	return csv, nil
}

// begins is the first day of the history, as the days that were settled know it.
func (v *views) begins() report.Date {
	if len(v.pending) > 0 && v.pending[0].Record.HistoryBegins != nil {
		return *v.pending[0].Record.HistoryBegins
	}
	return 0
}

// follow brings the trend from a day on up to another, which is known. The first of them
// is looked at again: a run may have ended between its record and the trend.
func (v *views) follow(ctx context.Context, from report.Date) error {
	last := v.before.Record.SnapshotDate
	for d := max(from, last-report.WindowDays+1); d < last; d++ {
		if (d-from)%daysAtOnce == 0 {
			if err := v.fetch(ctx, d, min(d+daysAtOnce, last)); err != nil {
				return err
			}
		}
		r, err := v.recorded(ctx, d)
		if err != nil {
			return err
		}
		figures := report.Figures{}
		if r.Status == report.Complete && d > last-report.RegionDays {
			if figures, err = v.figuresOf(ctx, r); err != nil {
				return err
			}
		}
		if err := v.enter(ctx, report.NewDayFacts(r, figures)); err != nil {
			return err
		}
	}
	return v.enter(ctx, *v.before)
}

// recorded is the record of a day, or what is known of one that has none.
func (v *views) recorded(ctx context.Context, d report.Date) (report.DayRecord, error) {
	r, err := v.documents.record(ctx, report.DayKey(d))
	v.documents.forget(report.DayKey(d))
	if err != nil || r == nil {
		return report.DayRecord{SnapshotDate: d, Status: report.Missing, Cause: "no record"}, err
	}
	return *r, nil
}

// daysAtOnce is how many records are read side by side.
const daysAtOnce = 16

func (v *views) fetch(ctx context.Context, from, to report.Date) error {
	var reads errgroup.Group
	reads.SetLimit(v.atOnce())
	for d := from; d < to; d++ {
		reads.Go(func() error { return v.documents.load(ctx, report.DayKey(d)) })
	}
	return reads.Wait()
}

// remake makes the trend anew: the years before its window from their calendars, the
// rest from the records.
func (v *views) remake(ctx context.Context) error {
	last, begins := v.before.Record.SnapshotDate, *v.before.Record.HistoryBegins
	from := max(begins, last-report.WindowDays+1)
	for year := begins.Year(); begins < from && year <= (from-1).Year(); year++ {
		c, err := v.calendar(ctx, year, begins, from)
		if err != nil {
			return err
		}
		v.trend.Prime(begins, from, c.Days)
	}
	return v.follow(ctx, from)
}

// calendar is a year of which the trend's window does not hold all: as it is stored where
// trend.csv says the same, since nobody can tell from one of them alone that a number is
// wrong; else, and from where it ends, made of the records.
func (v *views) calendar(ctx context.Context, year int, begins, end report.Date) (*report.Calendar, error) {
	if c := v.calendars[year]; c != nil {
		return c, nil
	}
	key := report.CalendarKey(year)
	if err := v.documents.load(ctx, key); err != nil {
		return nil, err
	}
	first, end := max(begins, report.NewYear(year)), min(end, report.NewYear(year+1))
	c, err := report.DecodeCalendar(year, v.documents.get(key))
	if err == nil && !report.AgreesWithCSV(v.known(), c.Days) {
		err = fmt.Errorf("it says other than %s", report.TrendCSVKey)
	}
	if err != nil && v.documents.get(key) != nil {
		v.documents.warn("%s: %v: it is made anew", key, err)
	}
	if err != nil || c.Days[0].Date != first {
		c = report.Calendar{Year: year}
	}
	if next := first + report.Date(len(c.Days)); next < end {
		if err := v.recount(ctx, &c, next, end); err != nil {
			v.cut = c
			return nil, err
		}
		kept, err := v.proven(c)
		if err == nil { // now: a run that ends here is gone on with
			err = v.documents.carry(ctx, plan{kept}, v.atOnce())
		}
		if err != nil {
			return nil, err
		}
	}
	v.calendars[year] = &c
	return &c, nil
}

// known is trend.csv as the trend proves it, or else as it is stored.
func (v *views) known() []byte {
	if v.csv != nil {
		return v.csv
	}
	return v.documents.get(report.TrendCSVKey)
}

// proven are the documents of a calendar that was made of the records: itself, and
// trend.csv, so that the next run takes its word for it.
func (v *views) proven(c report.Calendar) (map[string][]byte, error) {
	data, err := c.Encode()
	if err != nil {
		return nil, &StoreError{err}
	}
	return map[string][]byte{report.CalendarKey(c.Year): data, report.TrendCSVKey: report.EnterCSV(v.documents.get(report.TrendCSVKey), c.Days)}, nil
}

// recount adds days to a calendar as the records have them.
func (v *views) recount(ctx context.Context, c *report.Calendar, from, end report.Date) error {
	for d := from; d < end; d++ {
		if (d-from)%daysAtOnce == 0 {
			if err := v.fetch(ctx, d, min(d+daysAtOnce, end)); err != nil {
				return err
			}
		}
		r, err := v.recorded(ctx, d)
		if err != nil {
			return err
		}
		c.EnterRecord(r)
	}
	return nil
}

// enter takes a day in.
func (v *views) enter(ctx context.Context, facts report.DayFacts) error {
	d := facts.Record.SnapshotDate
	before, _ := v.trend.Day(d)
	v.trend.Enter(facts, v.settings())
	after, inside := v.trend.Day(d)
	if inside && report.SameDay(before, after) {
		return nil
	}
	if v.changed == 0 || d < v.changed {
		v.changed = d
	}
	v.years[d.Year()] = true
	if inside && v.calendars[d.Year()] == nil {
		return nil
	}
	c, err := v.calendar(ctx, d.Year(), v.trend.From, d)
	if err != nil {
		return err
	}
	c.EnterRecord(facts.Record)
	return nil
}

// encode gives the views' documents, by key.
func (v *views) encode(ctx context.Context) (map[string][]byte, error) {
	documents := make(map[string][]byte)
	csv := v.replaced()
	years := map[int]bool{v.trend.To.Year(): true} // it may have been deleted
	maps.Copy(years, v.years)
	var days []report.TrendDay
	for year := v.trend.From.Year(); year <= v.trend.To.Year(); year++ {
		if csv != nil && !years[year] {
			continue
		}
		c, err := v.year(ctx, year)
		if err != nil {
			return nil, err
		}
		data, err := c.Encode()
		if err != nil {
			return nil, &StoreError{err}
		}
		documents[report.CalendarKey(year)] = data
		days = append(days, c.Days...)
	}
	if csv == nil {
		csv = report.EncodeCSV(days)
	}
	v.trend.CSV, v.trend.Schemas = v.sum.Of(csv), report.SchemasSum
	trend, err := v.trend.Encode()
	if err != nil {
		return nil, &StoreError{err}
	}
	var page bytes.Buffer
	if err := v.Config.readers().Page(&page, v.trend); err != nil {
		return nil, &StoreError{err}
	}
	documents[report.TrendCSVKey], documents[report.TrendKey], documents[report.PageKey] = csv, trend, page.Bytes()
	return documents, nil
}

// unfinished is what a run made whose time was over: a trend, though it may end before
// the last day, and a calendar, so that the next run goes on from there. Nothing of the
// other views is known to go with them.
func (v *views) unfinished() (documents map[string][]byte, err error) {
	documents = make(map[string][]byte)
	if len(v.cut.Days) > 0 {
		if documents, err = v.proven(v.cut); err != nil {
			return nil, err
		}
	}
	if len(v.trend.Days) == 0 || v.trend.Schema == "" {
		return documents, nil
	}
	v.trend.CSV, v.trend.Schemas = "", ""
	if documents[report.TrendKey], err = v.trend.Encode(); err != nil {
		return nil, &StoreError{err}
	}
	return documents, nil
}

// year is the calendar of a year: what the trend's window holds of it, and what is
// stored of the days before.
func (v *views) year(ctx context.Context, year int) (report.Calendar, error) {
	inside, whole := v.trend.Calendar(year)
	if whole && v.calendars[year] == nil {
		return inside, nil
	}
	end := report.NewYear(year + 1)
	if len(inside.Days) > 0 {
		end = inside.Days[0].Date
	}
	c, err := v.calendar(ctx, year, v.trend.From, end)
	if err != nil {
		return report.Calendar{}, err
	}
	for _, day := range inside.Days {
		c.Enter(day)
	}
	return *c, nil
}

// replaced is the stored trend.csv with other rows from the oldest day that differs on,
// nil where it has to be made of all years.
func (v *views) replaced() []byte {
	if v.csv == nil || v.changed == 0 {
		return v.csv
	}
	days := v.trend.Days
	i := slices.IndexFunc(days, func(d report.TrendDay) bool { return d.Date == v.changed })
	if i < 0 {
		return nil
	}
	data, err := report.ReplaceCSV(v.csv, days[i:])
	if err != nil {
		return nil
	}
	return data
}

// missingSchemas are those that are not there or differ, by key: a listing tells, at the
// price of one request, where the trend does not.
func (v *views) missingSchemas(ctx context.Context) (map[string][]byte, error) {
	missing := make(map[string][]byte)
	if v.schemas {
		return missing, nil
	}
	entries, err := v.Store.List(ctx, report.SchemaDir, 0)
	if err != nil {
		return nil, &StoreError{schemasError{err}}
	}
	stored := make(map[string]string)
	for _, e := range entries {
		stored[e.Key] = e.MD5
	}
	for name, data := range report.Schemas() {
		key := report.SchemaDir + name
		if sum, there := stored[key]; !there || sum != md5Of(data) {
			missing[key] = data
			v.documents.absent(key) // it is known to differ
		}
	}
	return missing, nil
}

// schemasError is a list of the schemas that could not be had.
type schemasError struct{ error }

func (e schemasError) Unwrap() error { return e.error }

func isSchemas(err error) bool {
	var e schemasError
	return errors.As(err, &e)
}
