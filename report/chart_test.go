package report

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// A day is 2 wide, its value stands in its middle, and heights count down from
// the top of 100.
func TestCurve(t *testing.T) {
	const no = noValue
	for _, tt := range []struct {
		name             string
		values           series
		line, area, dots string
	}{
		{"one day is a dot", series{40}, "", "", "M1 60h0"},
		{"two days are a line", series{0, 10}, "M1 100l2-10", "M1 100V100l2-10V100z", ""},
		{"down is positive", series{10, 0}, "M1 90l2 10", "M1 100V90l2 10V100z", ""},
		{"flat days take one step", series{5, 5, 5}, "M1 95h4", "M1 100V95h4V100z", ""},
		{"a slope takes one step", series{0, 10, 20, 20, 0}, "M1 100l4-20h2l2 20", "M1 100V100l4-20h2l2 20V100z", ""},
		{"slopes follow each other without a letter", series{0, 10, 30}, "M1 100l2-10 2-20", "M1 100V100l2-10 2-20V100z", ""},
		{"a hole breaks the line", series{10, 10, no, 20, 20}, "M1 90h2M7 80h2", "M1 100V90h2V100zM7 100V80h2V100z", ""},
		{"a day between holes is a dot", series{10, 10, no, 30, no}, "M1 90h2", "M1 100V90h2V100z", "M7 70h0"},
		{"zeros are a line on the ground, not a hole", series{0, 0, 0}, "M1 100h4", "M1 100V100h4V100z", ""},
		{"holes alone are nothing", series{no, no}, "", "", ""},
		{"no days", nil, "", "", ""},
	} {
		c := tt.values.curve(100, 100)
		if string(c.line) != tt.line || string(c.area) != tt.area || string(c.dots) != tt.dots {
			t.Errorf("%s: line %q, area %q, dots %q\nwant line %q, area %q, dots %q", tt.name, c.line, c.area, c.dots, tt.line, tt.area, tt.dots)
		}
	}
}

func TestBands(t *testing.T) {
	holes := []bool{true, false, true, true, false, true}
	got := string(bands(len(holes), func(day int) bool { return holes[day] }))
	if want := "M0 0h2v1000h-2zM4 0h4v1000h-4zM10 0h2v1000h-2z"; got != want {
		t.Errorf("bands = %q, want %q", got, want)
	}
}

func labels(a axis) string {
	var all []string
	for _, t := range a.ticks {
		all = append(all, t.label)
	}
	return spaced(strings.Join(all, ", "))
}

func TestAxes(t *testing.T) {
	for _, tt := range []struct {
		name string
		axis axis
		want string
	}{
		{"nothing", byteAxis(0), "0, 1 GiB"},
		{"one GiB", byteAxis(gib), "0, 0.2 GiB, 0.4 GiB, 0.6 GiB, 0.8 GiB, 1.0 GiB"},
		{"some GiB", byteAxis(40 * gib), "0, 10 GiB, 20 GiB, 30 GiB, 40 GiB"},
		{"a byte more", byteAxis(50*gib + 1), "0, 20 GiB, 40 GiB, 60 GiB"},
		{"many GiB", byteAxis(1000 * gib), "0, 200 GiB, 400 GiB, 600 GiB, 800 GiB, 1,000 GiB"},
		{"a TiB and more", byteAxis(1300 * gib), "0, 0.5 TiB, 1.0 TiB, 1.5 TiB"},
		{"a few bytes", byteAxis(7), "0, 2 B, 4 B, 6 B, 8 B"},
		{"the most bytes", byteAxis(math.MaxInt64), "0, 2 EiB, 4 EiB, 6 EiB, 8 EiB"},
		{"no instance", countAxis(0), "0, 1"},
		{"instances are whole", countAxis(2), "0, 1, 2"},
		{"some instances", countAxis(47), "0, 10, 20, 30, 40, 50"},
		{"thousands", countAxis(20456), "0, 5,000, 10,000, 15,000, 20,000, 25,000"},
		{"millions", countAxis(3_000_000), "0, 1 M, 2 M, 3 M"},
		{"the most instances", countAxis(math.MaxInt64), "0, 2 E, 4 E, 6 E, 8 E, 10 E"},
	} {
		if got := labels(tt.axis); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// Whatever the largest value, it fits, it fills more than half of the axis, and
// the labels are few and differ.
func TestAxesHoldEverything(t *testing.T) {
	for most := int64(1); most > 0 && most < math.MaxInt64/3; most = most*3/2 + 1 {
		for _, a := range []axis{byteAxis(most), countAxis(most)} {
			seen := make(map[string]bool)
			for _, tick := range a.ticks {
				seen[tick.label] = true
			}
			if a.top < float64(most) || a.top > 2*float64(most) || len(a.ticks) > 6 || len(seen) != len(a.ticks) {
				t.Errorf("%d: top %g, labels %s: want them to hold it", most, a.top, labels(a))
			}
		}
	}
}

func TestTimeMarks(t *testing.T) {
	for _, tt := range []struct {
		name string
		from string
		days int
		want string // * marks what a phone leaves out
	}{
		{"one day", "2026-11-23", 1, "0 23 Nov"},
		{"the last day always has a label", "2026-11-17", 7, "0 17 Nov, 1 18 Nov*, 2 19 Nov, 3 20 Nov*, 4 21 Nov, 5 22 Nov*, 6 23 Nov"},
		{"two weeks", "2026-11-10", 14, "1 11 Nov, 3 13 Nov*, 5 15 Nov, 7 17 Nov*, 9 19 Nov, 11 21 Nov*, 13 23 Nov"},
		{"half a year", "2026-06-01", 176, "0 Jun 2026, 30 Jul, 61 Aug, 92 Sep, 122 Oct, 153 Nov"},
		{"over the year's end", "2025-10-20", 400, "12 Nov*, 42 Dec*, 73 Jan 2026, 104 Feb*, 132 Mar*, 163 Apr, 193 May*, 224 Jun*, 254 Jul, 285 Aug*, 316 Sep*, 346 Oct, 377 Nov*"},
		{"a leap year", "2028-02-15", 130, "0 15, 15 Mar 2028, 29 15, 46 Apr, 60 15, 76 May, 90 15, 107 Jun, 121 15"},
	} {
		var got []string
		for _, m := range english().timeMarks(date(t, tt.from), tt.days) {
			s := fmt.Sprint(m.day, " ", m.label)
			if m.year != "" {
				s += " " + m.year
			}
			if m.minor {
				s += "*"
			}
			got = append(got, s)
		}
		if all := strings.Join(got, ", "); all != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.name, all, tt.want)
		}
	}
}
