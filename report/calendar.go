package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// A CalendarRow is a line of the calendar: a calendar day and source type, holes too.
// A hole leaves the numbers out, and the source type where nobody knows one.
type CalendarRow struct {
	SchemaVersion          int    `json:"schema_version"`
	SnapshotDate           Date   `json:"snapshot_date"`
	Status                 string `json:"status"`
	SourceType             string `json:"source_type,omitempty"`
	ProtectedDataBytes     *int64 `json:"protected_data_bytes,omitempty"`
	ProtectedResourceCount *int64 `json:"protected_resource_count,omitempty"`
	AccountsExpected       int    `json:"accounts_expected"`
	AccountsCollected      int    `json:"accounts_collected"`
}

// Rows are the day's rows of the calendar.
func (d TrendDay) Rows() (rows []CalendarRow) {
	row := CalendarRow{
		SchemaVersion: TableVersion, SnapshotDate: d.Date, Status: d.Status,
		AccountsExpected: d.AccountsExpected, AccountsCollected: d.AccountsCollected,
	}
	if d.Status == Complete {
		for _, t := range d.Totals {
			row.SourceType, row.ProtectedDataBytes, row.ProtectedResourceCount = t.SourceType, &t.ProtectedDataBytes, &t.ProtectedResourceCount
			rows = append(rows, row)
		}
		return rows
	}
	for _, sourceType := range d.SourceTypes {
		row.SourceType = sourceType
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		rows = []CalendarRow{row}
	}
	return rows
}

// A Calendar is a year of days.
type Calendar struct {
	Year int
	Days []TrendDay // sorted; what a row does not say, they have not
}

// Enter takes a day in: one that it has already, or another.
func (c *Calendar) Enter(day TrendDay) {
	i, there := slices.BinarySearchFunc(c.Days, day.Date, func(d TrendDay, date Date) int { return int(d.Date - date) })
	if there {
		c.Days[i] = day
		return
	}
	c.Days = slices.Insert(c.Days, i, day)
}

// EnterRecord takes a day in as its record says it.
func (c *Calendar) EnterRecord(r DayRecord) {
	var before *TrendDay
	if i, _ := slices.BinarySearchFunc(c.Days, r.SnapshotDate, func(d TrendDay, date Date) int { return int(d.Date - date) }); i > 0 {
		before = &c.Days[i-1]
	}
	c.Enter(newTrendDay(r, before))
}

// Encode gives the calendar's one spelling: a row a line.
func (c Calendar) Encode() ([]byte, error) {
	l := newLines()
	for _, day := range c.Days {
		for _, row := range day.Rows() {
			if err := l.add(row); err != nil {
				return nil, fmt.Errorf("encode calendar of %d: %w", c.Year, err)
			}
		}
	}
	return l.Bytes(), nil
}

// DecodeCalendar reads a stored calendar. It refuses one that lacks a day between its
// first and its last, or that is not spelt as it is written.
func DecodeCalendar(year int, data []byte) (Calendar, error) {
	c := Calendar{Year: year}
	for line := range bytes.Lines(data) {
		var row CalendarRow
		err := checkFields("", line, reflect.TypeFor[CalendarRow]())
		if err == nil {
			err = json.Unmarshal(line, &row)
		}
		if err == nil {
			err = c.add(row)
		}
		if err != nil {
			return c, fmt.Errorf("calendar of %d: after %d days: %w", year, len(c.Days), err)
		}
	}
	if again, err := c.Encode(); err != nil || !bytes.Equal(again, data) || len(data) == 0 {
		return c, fmt.Errorf("calendar of %d: it is not spelt as it is written", year)
	}
	return c, nil
}

func (c *Calendar) add(row CalendarRow) error {
	last := len(c.Days) - 1
	switch {
	case row.SnapshotDate.Year() != c.Year:
		return errors.New("a row is of another year")
	case row.Status != Complete && row.Status != Partial && row.Status != Missing:
		return errors.New("a status is none")
	}
	if last < 0 || c.Days[last].Date != row.SnapshotDate {
		if last >= 0 && c.Days[last].Date+1 != row.SnapshotDate {
			return fmt.Errorf("%v comes after %v: want each day once, without a break", row.SnapshotDate, c.Days[last].Date)
		}
		c.Days = append(c.Days, TrendDay{
			Date: row.SnapshotDate, Status: row.Status, Totals: []TypeTotal{},
			AccountsExpected: row.AccountsExpected, AccountsCollected: row.AccountsCollected,
		})
		last++
	}
	day := &c.Days[last]
	switch {
	case row.Status == Complete && row.ProtectedDataBytes != nil && row.ProtectedResourceCount != nil:
		day.Totals = append(day.Totals, TypeTotal{row.SourceType, Amount{*row.ProtectedDataBytes, *row.ProtectedResourceCount}})
	case row.Status != Complete && row.SourceType != "":
		day.SourceTypes = append(day.SourceTypes, row.SourceType)
	}
	return nil
}

// Calendar is what the trend's window has of a year; whole tells whether that is all of
// the year that the history has.
func (t Trend) Calendar(year int) (c Calendar, whole bool) {
	c.Year = year
	for _, day := range t.Days {
		if day.Date.Year() == year {
			c.Days = append(c.Days, day)
		}
	}
	return c, len(c.Days) > 0 && c.Days[0].Date == max(t.From, NewYear(year))
}
