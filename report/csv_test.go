package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const csvStory = `date,status,source_type,protected_data_bytes,protected_resource_count,accounts_expected,accounts_collected
2026-11-23,complete,DB,10737418240,1,1,1
2026-11-23,complete,ECS_FILE,32212254720,3,1,1
2026-11-24,missing,DB,,,1,0
2026-11-24,missing,ECS_FILE,,,1,0
2026-11-25,partial,ECS_FILE,,,2,1
2026-11-26,complete,ECS_FILE,0,0,1,1
`

// A row a calendar day and source type, never a total among its parts; a hole has no
// numbers, and the source types of the day before where it knows none itself.
func TestEncodeCSV(t *testing.T) {
	if got := string(EncodeCSV(story(t, "", "a=1 b=2 DB:a=1 | ? | a=1 9! | =0").trend().Days)); got != csvStory {
		t.Errorf("got\n%s\nwant\n%s", got, csvStory)
	}
	if got, want := string(EncodeCSV(story(t, "", "-").trend().Days)), csvHeader+"2026-11-23,missing,,,,0,0\n"; got != want {
		t.Errorf("a history that begins with a hole is\n%s\nwant\n%s", got, want)
	}
}

func TestCSVCells(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"a formula", "=1+1", "'=1+1"},
		{"a sum", "+1", "'+1"},
		{"a difference", "-1", "'-1"},
		{"a function", "@SUM(A1)", "'@SUM(A1)"},
		{"a comma", "a,b", `"a,b"`},
		{"quotes", `a"b`, `"a""b"`},
		{"a formula with quotes", `=A1&"x"`, `"'=A1&""x"""`},
		{"the end of a row", "a\r\n2026-11-23,b", "\"a\ufffd\ufffd2026-11-23,b\""},
		{"a tab before a formula", "\t=1", "\ufffd=1"},
		{"other letters", "深圳", "深圳"},
	} {
		data := EncodeCSV([]TrendDay{{Status: Complete, Totals: []TypeTotal{{SourceType: tt.text}}}})
		row := strings.Split(string(data), "\n")[1]
		if want := "1970-01-01,complete," + tt.want + ",0,0,0,0"; row != want {
			t.Errorf("%s: row is %s, want %s", tt.name, row, want)
		}
		if _, err := csv.NewReader(bytes.NewReader(data)).ReadAll(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// A sum is that of the document, whatever was summed before.
func TestCSVSum(t *testing.T) {
	const grown = "a row\nanother\n"
	var sum CSVSum
	for _, document := range []string{"", "a row\n", grown, grown, "a row\nan other\n", "a row\n", "", grown} {
		if got, want := sum.Of([]byte(document)), fmt.Sprintf("%x", sha256.Sum256([]byte(document))); got != want {
			t.Errorf("sum of %q: %s, want %s", document, got, want)
		}
	}
}

func TestReplaceCSV(t *testing.T) {
	all := story(t, "", "a=1 b=2 DB:a=1 | ? | a=1 9! | =0 | b=1 a=1").trend().Days
	for from := range all {
		for to := range len(all) + 1 {
			stored := EncodeCSV(all[:to])
			got, err := ReplaceCSV(stored, all[from:])
			if whole := from <= to || to == 0; whole != (err == nil) || whole && !bytes.HasPrefix(EncodeCSV(all), got[:len(got)-len(AppendCSV(nil, all[from:]))]) {
				t.Errorf("days from %d behind %d stored ones: error %v, got\n%s", from, to, err, got)
			}
			if from <= to && !bytes.Equal(got, EncodeCSV(all)) {
				t.Errorf("days from %d behind %d stored ones are\n%s", from, to, got)
			}
		}
	}
	if got, err := ReplaceCSV([]byte(csvStory), nil); err != nil || string(got) != csvStory {
		t.Errorf("no days give %q, %v", got, err)
	}
}

// TestEnterCSV gives days their place between others, whatever is stored of them: nothing,
// what they are, or something else.
func TestEnterCSV(t *testing.T) {
	all := story(t, "", "a=1 b=2 DB:a=1 | ? | a=1 9! | =0 | b=1 a=1").trend().Days
	want := string(EncodeCSV(all))
	for from := range all {
		for to := from + 1; to <= len(all); to++ {
			altered := slices.Clone(all)
			for i := from; i < to; i++ {
				altered[i].AccountsExpected = 77
			}
			for what, stored := range map[string][]byte{
				"without them": AppendCSV(EncodeCSV(all[:from]), all[to:]), "with them": EncodeCSV(all), "with others": EncodeCSV(altered),
				"with what is no row": append(AppendCSV(append(EncodeCSV(all[:from]), "sum,,,,,\n"...), all[to:]), "2026-1"...),
			} {
				if AgreesWithCSV(stored, all[from:to]) != (what == "with them") {
					t.Errorf("days %d to %d: a document %s agrees with them: %v", from, to, what, what != "with them")
				}
				if got := string(EnterCSV(stored, all[from:to])); got != want {
					t.Errorf("days %d to %d in a document %s are\n%s\nwant\n%s", from, to, what, got, want)
				}
			}
		}
	}
	for _, stored := range []string{"", "date,status\n", csvHeader[:9]} {
		if got, want := string(EnterCSV([]byte(stored), all)), want; got != want {
			t.Errorf("days in %q are\n%s\nwant\n%s", stored, got, want)
		}
		if AgreesWithCSV([]byte(stored), all) {
			t.Errorf("%q agrees with days", stored)
		}
	}
}

func TestReplaceCSVLeavesTheStored(t *testing.T) {
	stored := []byte(csvStory)
	if _, err := ReplaceCSV(stored, []TrendDay{{Date: date(t, "2026-11-24"), Status: Partial}}); err != nil || string(stored) != csvStory {
		t.Errorf("error %v; the stored bytes became\n%s", err, stored)
	}
}

func TestReplaceCSVRefuses(t *testing.T) {
	day := []TrendDay{{Date: date(t, "2026-11-27"), Status: Missing}}
	for _, tt := range []struct{ name, data, want string }{
		{"nothing", "", "stored trend.csv: no header or no end: want it whole"},
		{"another header", "date,status\n", "stored trend.csv: no header or no end: want it whole"},
		{"the header of an earlier version", "date,status,source_type,region_id,protected_data_bytes,protected_resource_count\n", "stored trend.csv: no header or no end: want it whole"},
		{"half a row", csvStory[:len(csvStory)-1], "stored trend.csv: no header or no end: want it whole"},
		{"a row without a date", csvStory + "sum,,,,,\n", `stored trend.csv: a row begins with "sum" is no date: want YYYY-MM-DD, such as 2026-11-23`},
		{"the day before is absent", strings.Replace(csvStory, "2026-11-26", "2026-11-25", 1), "stored trend.csv: no row of 2026-11-26, the day before the new ones"},
	} {
		if got, err := ReplaceCSV([]byte(tt.data), day); errorText(err) != tt.want || got != nil {
			t.Errorf("%s: error = %v, got %q; want %s", tt.name, err, got, tt.want)
		}
	}
}

// Whatever source types are called, a spreadsheet gets a row for each number, with
// cells that are no formulas, and rows replaced are those that all days give.
// Whatever is stored, it is refused or kept whole before the new rows.
func FuzzReplaceCSV(f *testing.F) {
	f.Add([]byte(csvStory), "a", "=b", int64(7), uint8(1))
	f.Add([]byte(csvHeader+"1970-01-03,complete,,0,0,1,1\n"), "a,\"\r\n", "\x00\u2028\xff", int64(1<<63-1), uint8(3))
	f.Add([]byte(csvHeader+"1970-01-02"), "'", " @", int64(0), uint8(0))
	f.Fuzz(func(t *testing.T, stored []byte, a, b string, size int64, from uint8) {
		size = max(0, size)
		days := make([]TrendDay, 4)
		for i := range days {
			days[i] = TrendDay{Date: Date(i), Status: Complete, Totals: []TypeTotal{{a, Amount{size, 1}}, {b, Amount{1, size}}}}
		}
		days[1] = TrendDay{Date: 1, Status: Missing, SourceTypes: []string{a}}
		all := EncodeCSV(days)
		rows, err := csv.NewReader(bytes.NewReader(all)).ReadAll()
		if err != nil || len(rows) != 8 {
			t.Fatalf("%q: %d rows (error %v), want a header and 7", all, len(rows), err)
		}
		for _, row := range rows {
			if strings.HasPrefix(row[2], "=") || strings.HasPrefix(row[2], "+") || strings.HasPrefix(row[2], "-") || strings.HasPrefix(row[2], "@") {
				t.Fatalf("cell %q begins like a formula", row[2])
			}
		}
		cut := days[from%4:]
		if got, err := ReplaceCSV(all, cut); err != nil || !bytes.Equal(got, all) {
			t.Fatalf("days from %d replaced give %q (error %v), want %q", from%4, got, err, all)
		}
		if got, err := ReplaceCSV(stored, cut); err == nil {
			kept, ends := bytes.CutSuffix(got, AppendCSV(nil, cut))
			if !ends || !bytes.HasPrefix(stored, kept) || !bytes.HasPrefix(kept, []byte(csvHeader)) || !bytes.HasSuffix(kept, []byte("\n")) {
				t.Fatalf("%q with days from %d becomes %q", stored, from%4, got)
			}
		}
	})
}
