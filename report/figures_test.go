package report

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The tables of a day say what its snapshots do.
func TestReadTables(t *testing.T) {
	d := date(t, "2026-11-23")
	for _, spelt := range []string{"1/a=3", "2/b=1 2/a=2 1/a=3 1/DB:a=4 1/=5 3/=0", "1/=0", "1/a=0 2/a=0 2/b=0"} {
		snapshots := play(t, "").captured(d, spelt).Snapshots
		regions, err := RegionsTable(snapshots)
		if err != nil {
			t.Fatal(err)
		}
		totals, err := TotalsTable(snapshots)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadTables(d, regions.Data(), totals.Data())
		if want := FiguresOf(snapshots); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the figures are\n%v (error %v), want\n%v", spelt, got, err, want)
		}
	}
}

func TestReadTablesRefuses(t *testing.T) {
	d := date(t, "2026-11-23")
	snapshots := play(t, "").captured(d, "1/a=3 1/b=2 2/a=4").Snapshots
	r, err := RegionsTable(snapshots)
	if err != nil {
		t.Fatal(err)
	}
	s, err := TotalsTable(snapshots)
	if err != nil {
		t.Fatal(err)
	}
	regions, totals := string(r.Data()), string(s.Data())
	line := func(table string, n int) string { return strings.SplitAfter(table, "\n")[n] }
	for _, tt := range []struct{ name, regions, totals string }{
		{"an account is not in the totals", regions, line(totals, 0)},
		{"a region is gone", line(regions, 0) + line(regions, 2), totals},
		{"no regions", "", totals},
		{"no totals", regions, ""},
		{"a region more", regions + line(regions, 2), totals},
		{"a region twice", line(regions, 0) + line(regions, 0) + line(regions, 2), totals},
		{"regions in disorder", line(regions, 1) + line(regions, 0) + line(regions, 2), totals},
		{"an account twice", regions, totals + line(totals, 1)},
		{"another day's regions", strings.Replace(regions, "2026-11-23", "2026-11-24", 1), totals},
		{"another day's totals", regions, strings.Replace(totals, "2026-11-23", "2026-11-24", 1)},
		{"another version", strings.Replace(regions, `"schema_version":1`, `"schema_version":2`, 1), totals},
		{"half a line", regions, totals[:len(totals)-20]},
		{"a number that is none", regions, strings.Replace(totals, `"protected_resource_count":5`, `"protected_resource_count":"5"`, 1)},
		{"a number that is absent", regions, strings.Replace(totals, `"protected_resource_count":5,`, "", 1)},
		{"a negative number", regions, strings.Replace(totals, `"protected_resource_count":5`, `"protected_resource_count":-5`, 1)},
		{"a count of regions that is negative", regions, strings.Replace(totals, `"region_count":2`, `"region_count":-1`, 1)},
		{"a count of regions beyond all memory", regions, strings.Replace(totals, `"region_count":2`, `"region_count":9000000000000000000`, 1)},
		{"a row of zeros", regions, strings.Replace(totals, line(totals, 1), "{}\n", 1)},
	} {
		if tt.regions == regions && tt.totals == totals {
			t.Errorf("%s: the case changes nothing", tt.name)
		}
		if got, err := ReadTables(d, []byte(tt.regions), []byte(tt.totals)); err == nil || got != nil {
			t.Errorf("%s: figures are %v, error %v; want none, and an error", tt.name, got, err)
		}
	}
}

// Whatever tables hold, they are refused, or say what a reader that knows nothing of
// ours finds in them: rows that are written as ours are.
func FuzzReadTables(f *testing.F) {
	d := Date(20000)
	snapshots := play(f, "").captured(d, "2/a=2 1/a=3 1/DB:a=4 1/=1").Snapshots
	r, err := RegionsTable(snapshots)
	if err != nil {
		f.Fatal(err)
	}
	s, err := TotalsTable(snapshots)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(r.Data(), s.Data())
	f.Add([]byte{}, []byte{})
	f.Add(r.Data(), []byte(strings.ReplaceAll(string(s.Data()), `_count":1`, `_count":-0`)))
	f.Add([]byte(strings.ReplaceAll(string(r.Data()), `"region_id"`, `"Region_id"`)), s.Data())
	f.Fuzz(func(t *testing.T, regions, totals []byte) {
		figures, err := ReadTables(d, regions, totals)
		if err != nil {
			return
		}
		lines := 0
		for line := range strings.Lines(string(totals)) {
			var row TotalRow
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatalf("%q is read: %v", line, err)
			}
			figure, there := figures[Pair{row.AccountID, row.SourceType}]
			if lines += len(figure.Regions); !there || figure.Amount != row.Amount || figure.Date != d || figure.Mismatch == row.RegionsMatchTotal || len(figure.Regions) != row.RegionCount {
				t.Fatalf("%q is read as %v", line, figure)
			}
			if !slices.IsSortedFunc(figure.Regions, func(a, b Region) int { return strings.Compare(a.RegionID, b.RegionID) }) {
				t.Fatalf("%q: regions of account %q are not sorted", regions, row.AccountID)
			}
		}
		if n := len(slices.Collect(strings.Lines(string(totals)))); n != len(figures) || strings.Count(string(regions), "\n") != lines {
			t.Fatalf("%q and %q are read as %d accounts with %d regions", totals, regions, len(figures), lines)
		}
	})
}

func TestFiguresAddUp(t *testing.T) {
	const most = 1<<63 - 1
	f := FiguresOf(play(t, "").captured(date(t, "2026-11-23"), "2/b=1 2/a=2 1/a=3 1/DB:a=4").Snapshots)
	f[Pair{"3", "DB"}] = Figure{Amount: Amount{most, 1}, Regions: []Region{{"a", Amount{most, 1}}}}
	f[Pair{"3", "ECS_FILE"}] = Figure{Amount: Amount{most, most}}
	facts := NewDayFacts(DayRecord{Status: Complete}, f)
	wantRegions := []TypeRegion{{"DB", Region{"a", Amount{most, 5}}}, {"ECS_FILE", Region{"a", Amount{5 * tenGiB, 5}}}, {"ECS_FILE", Region{"b", Amount{tenGiB, 1}}}}
	wantAccounts := []AccountTotal{{"3", Amount{most, most}}, {"1", Amount{7 * tenGiB, 7}}, {"2", Amount{3 * tenGiB, 3}}}
	if !slices.Equal(facts.Regions, wantRegions) || !slices.Equal(facts.Largest, wantAccounts) {
		t.Errorf("regions are %v, the largest %v; want %v, %v", facts.Regions, facts.Largest, wantRegions, wantAccounts)
	}
	if hole := NewDayFacts(DayRecord{Status: Partial}, f); hole.Regions != nil || hole.Largest != nil {
		t.Errorf("a hole has regions %v and accounts %v, want none", hole.Regions, hole.Largest)
	}
}

// Of equals the smaller id comes first, and there are ten at most.
func TestLargest(t *testing.T) {
	f := make(Figures)
	for i := range 26 {
		f[Pair{fmt.Sprintf("a%02d", i), "A"}] = Figure{Amount: Amount{int64(i % 2), 1}}
	}
	got := ""
	for _, a := range NewDayFacts(DayRecord{Status: Complete}, f).Largest {
		got += a.AccountID
	}
	if want := "a01a03a05a07a09a11a13a15a17a19"; got != want {
		t.Errorf("the largest are %s, want %s", got, want)
	}
}

// What was captured last of each account follows from a link and what was before it.
func TestLastFigures(t *testing.T) {
	p := story(t, "", "1/a=1 2/a=2 3/a=3 | 1/a=4 2! | ?")
	d := date(t, "2026-11-23")
	first := p.links[d].Last(nil)
	second := p.links[d+1].Last(first)
	third := p.links[d+2].Last(second)
	for i, tt := range []struct {
		got  Figures
		want string
	}{{first, "1:1 2:2 3:3"}, {second, "1:4 2:2"}, {third, "1:4 2:2"}} {
		var words []string
		for _, pair := range SortPairs(tt.got) {
			words = append(words, fmt.Sprintf("%s:%d", pair.AccountID, tt.got[pair].ProtectedResourceCount))
		}
		if got := strings.Join(words, " "); got != tt.want {
			t.Errorf("after day %d the last numbers are %s, want %s", i+1, got, tt.want)
		}
	}
	if on := second.On(d + 1); len(on) != 1 || on[Pair{"1", "ECS_FILE"}].ProtectedResourceCount != 4 {
		t.Errorf("of the day itself are %v, want account 1 alone", on)
	}
}
