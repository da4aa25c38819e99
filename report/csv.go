package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const csvHeader = "date,status,source_type,protected_data_bytes,protected_resource_count,accounts_expected,accounts_collected\n"

// EncodeCSV gives days for spreadsheets: a row a calendar day and source type, never a
// total among its parts. A hole has no numbers. A row is one line, in UTF-8 and with
// LF, as spreadsheets and data frames read it without being told.
func EncodeCSV(days []TrendDay) []byte { return AppendCSV([]byte(csvHeader), days) }

// AppendCSV adds rows to a document.
func AppendCSV(b []byte, days []TrendDay) []byte {
	for _, day := range days {
		for _, row := range day.Rows() {
			b = append(b, day.Date.String()+","+row.Status+","...)
			b = append(appendCell(b, row.SourceType), ',')
			b = append(appendCount(b, row.ProtectedDataBytes), ',')
			b = append(appendCount(b, row.ProtectedResourceCount), ',')
			b = append(strconv.AppendInt(b, int64(row.AccountsExpected), 10), ',')
			b = append(strconv.AppendInt(b, int64(row.AccountsCollected), 10), '\n')
		}
	}
	return b
}

func appendCount(b []byte, n *int64) []byte {
	if n == nil {
		return b
	}
	return strconv.AppendInt(b, *n, 10)
}

// A CSVSum gives the SHA-256 by which a trend knows the document that was written beside
// it. One that has grown by some rows since it was summed is gone on with: of ten years a
// sum takes 5.6 million instructions on a processor that has none for SHA-256.
type CSVSum struct {
	hash   hash.Hash
	summed []byte
}

// Of is the sum of a document, in hex. It is not to be altered afterwards.
func (s *CSVSum) Of(data []byte) string {
	if s.hash == nil || !bytes.HasPrefix(data, s.summed) {
		s.hash, s.summed = sha256.New(), nil
	}
	s.hash.Write(data[len(s.summed):])
	s.summed = data
	return hex.EncodeToString(s.hash.Sum(nil))
}

// AgreesWithCSV tells whether a stored document says the same of days in a row. One of an
// earlier version says nothing.
func AgreesWithCSV(stored []byte, days []TrendDay) bool {
	return bytes.HasPrefix(stored, []byte(csvHeader)) && bytes.Contains(stored, append([]byte("\n"), AppendCSV(nil, days)...))
}

// EnterCSV is a stored document with other rows of days in a row, in their place. What is
// no row is left out.
func EnterCSV(stored []byte, days []TrendDay) []byte {
	rows, ours := bytes.CutPrefix(stored, []byte(csvHeader))
	if !ours {
		rows = nil
	}
	first, last, entered := days[0].Date, days[len(days)-1].Date, false
	b := []byte(csvHeader)
	for row := range bytes.Lines(rows) {
		date, _, _ := bytes.Cut(row, []byte(","))
		d, err := ParseDate(string(date))
		if err != nil || first <= d && d <= last || !bytes.HasSuffix(row, []byte("\n")) {
			continue
		}
		if d > last && !entered {
			b, entered = AppendCSV(b, days), true
		}
		b = append(b, row...)
	}
	if !entered {
		b = AppendCSV(b, days)
	}
	return b
}

// ReplaceCSV is a stored document with other rows from a day on: the days are all
// from there to the newest. Earlier rows stay as they are stored.
func ReplaceCSV(stored []byte, days []TrendDay) ([]byte, error) {
	if !bytes.HasPrefix(stored, []byte(csvHeader)) || !bytes.HasSuffix(stored, []byte("\n")) {
		return nil, errors.New("stored trend.csv: no header or no end: want it whole")
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
	grown := make([]byte, 0, end+128*len(days)) // of ten years it has 200 kB: they are moved once
	return AppendCSV(append(grown, stored[:end]...), days), nil
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
