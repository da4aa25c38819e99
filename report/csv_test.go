package report

import (
	"bytes"
	"encoding/csv"
	"regexp"
	"strings"
	"testing"
)

const csvStory = `date,status,source_type,region_id,protected_data_bytes,protected_resource_count
2026-11-23,complete,DB,,10737418240,1
2026-11-23,complete,DB,a,10737418240,1
2026-11-23,complete,ECS_FILE,,32212254720,3
2026-11-23,complete,ECS_FILE,a,10737418240,1
2026-11-23,complete,ECS_FILE,b,21474836480,2
2026-11-24,missing,,,,
2026-11-25,partial,,,,
2026-11-26,complete,ECS_FILE,,0,0
`

func TestEncodeCSV(t *testing.T) {
	trend := trendOf(t, settings(t, ""), story(t, "a=1 b=2 DB:a=1 | ? | % a=1 | =0"))
	if got := string(EncodeCSV(trend.Days)); got != csvStory {
		t.Errorf("got\n%s\nwant\n%s", got, csvStory)
	}
}

func TestCSVCells(t *testing.T) {
	for _, tt := range []struct{ name, region, want string }{
		{"a formula", "=1+1", "'=1+1"},
		{"a sum", "+1", "'+1"},
		{"a difference", "-1", "'-1"},
		{"a function", "@SUM(A1)", "'@SUM(A1)"},
		{"a comma", "a,b", `"a,b"`},
		{"quotes", `a"b`, `"a""b"`},
		{"a formula with quotes", `=A1&"x"`, `"'=A1&""x"""`},
		{"the end of a row", "a\r\n2026-11-23,b", "\"a\ufffd\ufffd2026-11-23,b\""},
		{"a formula in full-width letters", "＝1＋1", "'＝1＋1"},
		{"a full-width sum", "＋1", "'＋1"},
		{"a full-width difference", "－1", "'－1"},
		{"a full-width function", "＠SUM(A1)", "'＠SUM(A1)"},
		{"a mark of direction before a formula", "\u200e=1", "'\u200e=1"},
		{"an override of direction before a sum", "\u202e+1", "'\u202e+1"},
		{"an isolate before a full-width formula", "\u2066\u200f＝1", "'\u2066\u200f＝1"},
		{"the end of an isolate and a blank before a function", "\u2069 @A", "'\u2069 @A"},
		{"a mark of direction before a name", "\u200fcn-a", "\u200fcn-a"},
		{"a blank", " ", " "},
		{"a broken character", "\xff", "\ufffd"},
		{"a tab before a formula", "\t=1", "\ufffd=1"},
		{"other letters", "深圳", "深圳"},
	} {
		day := TrendDay{Status: Complete, Totals: []TypeTotal{{SourceType: "ECS_FILE"}}, Regions: []TypeRegion{{"ECS_FILE", Region{RegionID: tt.region}}}}
		data := EncodeCSV([]TrendDay{day})
		row := strings.Split(string(data), "\n")[2]
		if want := "1970-01-01,complete,ECS_FILE," + tt.want + ",0,0"; row != want {
			t.Errorf("%s: row is %s, want %s", tt.name, row, want)
		}
		if _, err := csv.NewReader(bytes.NewReader(data)).ReadAll(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestReplaceCSV(t *testing.T) {
	all := trendOf(t, settings(t, ""), story(t, "a=1 b=2 DB:a=1 | ? | % a=1 | =0 | b=1 a=1")).Days
	for from := range all {
		for to := range len(all) + 1 {
			stored := EncodeCSV(all[:to])
			got, err := ReplaceCSV(stored, all[from:])
			if whole := from <= to && to > 0; whole != (err == nil) || whole && !bytes.Equal(got, EncodeCSV(all)) {
				t.Errorf("days from %d behind %d stored ones: error %v, got\n%s", from, to, err, got)
			}
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
		{"nothing", "", "stored trend.csv: no header, no rows or no end: want it whole"},
		{"a header alone", csvHeader, "stored trend.csv: no header, no rows or no end: want it whole"},
		{"another header", "date,status\n", "stored trend.csv: no header, no rows or no end: want it whole"},
		{"half a row", csvStory[:len(csvStory)-1], "stored trend.csv: no header, no rows or no end: want it whole"},
		{"a row without a date", csvStory + "sum,,,,,\n", `stored trend.csv: a row begins with "sum" is no date: want YYYY-MM-DD, such as 2026-11-23`},
		{"the day before is absent", strings.Replace(csvStory, "2026-11-26", "2026-11-25", 1), "stored trend.csv: no row of 2026-11-26, the day before the new ones"},
	} {
		if got, err := ReplaceCSV([]byte(tt.data), day); errorText(err) != tt.want || got != nil {
			t.Errorf("%s: error = %v, got %q; want %s", tt.name, err, got, tt.want)
		}
	}
}

// A formula, behind marks that do not show.
var formula = regexp.MustCompile(`^[\p{Cf}\s]*[=+@＝＋－＠-]`)

// Whatever regions are called, a spreadsheet gets a row for each number, with
// cells that are no formulas, and rows replaced are those that all days give.
// Whatever is stored, it is refused or kept whole before the new rows.
func FuzzReplaceCSV(f *testing.F) {
	f.Add([]byte(csvStory), "a", "=b", int64(7), uint8(1))
	f.Add([]byte(csvHeader+"1970-01-03,complete,,,0,0\n"), "a,\"\r\n", "\x00\u2028\xff", int64(1<<63-1), uint8(3))
	f.Add([]byte(csvHeader+"1970-01-02"), "'", " @", int64(0), uint8(0))
	f.Fuzz(func(t *testing.T, stored []byte, a, b string, size int64, from uint8) {
		size = max(0, size)
		regions := []TypeRegion{{"A", Region{a, Amount{size, 1}}}, {"A", Region{b, Amount{1, size}}}}
		days := make([]TrendDay, 4)
		for i := range days {
			days[i] = TrendDay{Date: Date(i), Status: Complete, Totals: []TypeTotal{{"A", Amount{size, size}}}, Regions: regions}
		}
		days[1] = TrendDay{Date: 1, Status: Missing}
		all := EncodeCSV(days)
		rows, err := csv.NewReader(bytes.NewReader(all)).ReadAll()
		if err != nil || len(rows) != 11 {
			t.Fatalf("%q: %d rows (error %v), want a header and 10", all, len(rows), err)
		}
		for _, row := range rows {
			if formula.MatchString(row[3]) {
				t.Fatalf("cell %q begins like a formula", row[3])
			}
		}
		cut := days[from%4:]
		if got, err := ReplaceCSV(all, cut); err != nil || !bytes.Equal(got, all) {
			t.Fatalf("days from %d replaced give %q (error %v), want %q", from%4, got, err, all)
		}
		if got, err := ReplaceCSV(stored, cut); err == nil {
			kept, ends := bytes.CutSuffix(got, appendCSV(nil, cut))
			if !ends || !bytes.HasPrefix(stored, kept) || !bytes.HasPrefix(kept, []byte(csvHeader)) || !bytes.HasSuffix(kept, []byte("\n")) {
				t.Fatalf("%q with days from %d becomes %q", stored, from%4, got)
			}
		}
	})
}
