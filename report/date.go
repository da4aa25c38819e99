package report

import (
	"fmt"
	"time"
)

// A Date is a calendar day without a zone: the day that a snapshot stands for.
// It counts days since 1970-01-01, so dates compare and subtract as numbers.
type Date int

// DateOf is the calendar day of an instant in a zone.
func DateOf(t time.Time, zone *time.Location) Date {
	y, m, d := t.In(zone).Date()
	return Date(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

// ParseDate reads a date in its one spelling, such as 2026-11-23.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, noDate(s)
	}
	return DateOf(t, time.UTC), nil
}

// A noDate is a text that is no date. It becomes words where somebody reads them: keys
// that are of no day are most of a record's.
type noDate string

func (s noDate) Error() string {
	return fmt.Sprintf("%.40q is no date: want YYYY-MM-DD, such as 2026-11-23", string(s))
}

// String spells the date, such as 2026-11-23. (By its layout that takes a hundredth of a
// cold run.)
func (d Date) String() string {
	year, month, day := time.Unix(int64(d)*24*60*60, 0).UTC().Date()
	if year < 0 || year > 9999 {
		return time.Unix(int64(d)*24*60*60, 0).UTC().Format(time.DateOnly)
	}
	digit := func(n int) byte { return byte('0' + n%10) }
	m := int(month)
	return string([]byte{
		digit(year / 1000), digit(year / 100), digit(year / 10), digit(year), '-', digit(m / 10), digit(m), '-', digit(day / 10), digit(day),
	})
}

// MarshalText spells the date in documents.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Date) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDate(string(text))
	return err
}

// Month is the day's month, counted since year 0.
func (d Date) Month() int {
	y, m, _ := time.Unix(int64(d)*24*60*60, 0).UTC().Date()
	return y*12 + int(m) - 1
}

// Year is the day's year.
func (d Date) Year() int { return d.Month() / 12 }

// NewYear is the first day of a year.
func NewYear(year int) Date { return DateOf(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), time.UTC) }
