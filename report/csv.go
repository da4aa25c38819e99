package report

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const csvHeader = "date,status,source_type,region_id,protected_data_bytes,protected_resource_count\n"

// EncodeCSV gives the trend's days for spreadsheets: for each source type a row
// without region, which is the total, and a row a region. A hole is one row with
// neither. A row is one line, in UTF-8 and with LF, as spreadsheets and data
// frames read it without being told.
func EncodeCSV(days []TrendDay) []byte { return appendCSV([]byte(csvHeader), days) }

// ReplaceCSV is a stored document with other rows from a day on: the days are all
// from there to the newest. Earlier rows stay as they are stored. The result is
// that of [EncodeCSV] over all days.
func ReplaceCSV(stored []byte, days []TrendDay) ([]byte, error) {
	if !bytes.HasPrefix(stored, []byte(csvHeader)) || !bytes.HasSuffix(stored, []byte("\n")) || len(stored) == len(csvHeader) {
		return nil, errors.New("stored trend.csv: no header, no rows or no end: want it whole")
	}
	if len(days) == 0 {
		return stored, nil
	}
	from, end := days[0].Date, len(stored)
	for end > len(csvHeader) {
		start := bytes.LastIndexByte(stored[:end-1], '\n') + 1
		date, _, _ := bytes.Cut(stored[start:end], []byte(","))
		d, err := ParseDate(string(date))
		switch {
		case err != nil:
			return nil, fmt.Errorf("stored trend.csv: a row begins with %w", err)
		case d < from-1:
			return nil, fmt.Errorf("stored trend.csv: no row of %s, the day before the new ones", from-1)
		}
		if d < from {
			break
		}
		end = start
	}
	return appendCSV(bytes.Clone(stored[:end]), days), nil
}

func appendCSV(b []byte, days []TrendDay) []byte {
	for _, day := range days {
		if day.Status != Complete {
			b = append(appendDate(b, day.Date), ","+day.Status+",,,,\n"...)
		}
		for _, total := range day.Totals {
			b = appendRow(b, day, total.SourceType, "", total.Amount)
			for _, r := range day.Regions {
				if r.SourceType == total.SourceType {
					b = appendRow(b, day, r.SourceType, r.RegionID, r.Amount)
				}
			}
		}
	}
	return b
}

func appendRow(b []byte, day TrendDay, sourceType, region string, a Amount) []byte {
	b = append(appendDate(b, day.Date), ","+day.Status+","...)
	b = append(appendCell(b, sourceType), ',')
	b = append(appendCell(b, region), ',')
	b = append(strconv.AppendInt(b, a.ProtectedDataBytes, 10), ',')
	return append(strconv.AppendInt(b, a.ProtectedResourceCount, 10), '\n')
}

// appendCell writes a text of the service's. A spreadsheet takes one that begins
// like a formula for a formula, in East Asia with full-width signs as well, and after
// marks that do not show, such as those of the direction of writing; so that gets an
// apostrophe. A control character would end the row or hide, so that is replaced.
func appendCell(b []byte, s string) []byte {
	s = printable(s)
	shown := strings.TrimLeftFunc(s, func(r rune) bool { return unicode.Is(unicode.Cf, r) || unicode.IsSpace(r) })
	if sign, size := utf8.DecodeRuneInString(shown); size > 0 && strings.ContainsRune("=+-@＝＋－＠", sign) {
		s = "'" + s
	}
	if !strings.ContainsAny(s, `",`) {
		return append(b, s...)
	}
	return append(b, `"`+strings.ReplaceAll(s, `"`, `""`)+`"`...)
}

// printable replaces control characters, line ends among them.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || 0x7f <= r && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return '\ufffd'
		}
		return r
	}, s)
}
