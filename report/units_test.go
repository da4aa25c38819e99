package report

import (
	"math"
	"strings"
	"testing"
)

// spaced shows what keeps a number and its unit on one line as a blank.
func spaced(s string) string { return strings.ReplaceAll(s, noBreak, " ") }

func TestFormatBytes(t *testing.T) {
	const kib, mib, tib, pib, eib = 1 << 10, 1 << 20, 1 << 40, 1 << 50, 1 << 60
	for _, tt := range []struct {
		name string
		n    int64
		want string
	}{
		{"zero has the unit that people expect", 0, "0 GiB"},
		{"bytes are whole", 1, "1 B"},
		{"the last of the bytes", 1023, "1,023 B"},
		{"the first KiB", kib, "1.0 KiB"},
		{"a fraction", 3 * mib / 2, "1.5 MiB"},
		{"the example of the API", 42949672960, "40.0 GiB"},
		{"more than half rounds up", 20*gib + gib/20 + 1, "20.1 GiB"},
		{"less than a half rounds down", 20*gib + gib/20, "20.0 GiB"},
		{"below the next unit", 1023 * gib, "1,023.0 GiB"},
		{"just below the next unit", 1024*gib - gib/10, "1,023.9 GiB"},
		{"what rounds up to the next unit takes it", 1024*gib - 1, "1.0 TiB"},
		{"TiB", 5 * tib / 2, "2.5 TiB"},
		{"PiB", 7 * pib, "7.0 PiB"},
		{"EiB", 3 * eib / 2, "1.5 EiB"},
		{"the largest", math.MaxInt64, "8.0 EiB"},
	} {
		if got := spaced(formatBytes(tt.n)); got != tt.want {
			t.Errorf("%s: formatBytes(%d) = %q, want %q", tt.name, tt.n, got, tt.want)
		}
	}
}

func TestFormatPlain(t *testing.T) {
	for _, tt := range []struct {
		name string
		n    int64
		want string
	}{
		{"whole GiB have no fraction", 100 * gib, "100 GiB"},
		{"a fraction", 100*gib + gib/2, "100.5 GiB"},
		{"the unit that formatBytes takes", 2000 * gib, "2 TiB"},
		{"a whole TiB", 3 << 40, "3 TiB"},
		{"little", 1, "1 B"},
		{"nothing", 0, "0 GiB"},
	} {
		if got := spaced(formatPlain(tt.n)); got != tt.want {
			t.Errorf("%s: formatPlain(%d) = %q, want %q", tt.name, tt.n, got, tt.want)
		}
	}
}

func TestFormatCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 123456: "123,456", math.MaxInt64: "9,223,372,036,854,775,807"} {
		if got := formatCount(n); got != want {
			t.Errorf("formatCount(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestFormatSigned(t *testing.T) {
	for _, tt := range []struct {
		name   string
		d      int64
		format func(int64) string
		want   string
	}{
		{"growth", 3, formatCount, "+3"},
		{"a drop has a real minus", -1234, formatCount, "−1,234"},
		{"no change has no sign", 0, formatBytes, "0"},
		{"bytes", -gib, formatBytes, "−1.0 GiB"},
		{"the number without an opposite", math.MinInt64, formatCount, "−9,223,372,036,854,775,807"},
	} {
		if got := spaced(formatSigned(tt.d, tt.format)); got != tt.want {
			t.Errorf("%s: formatSigned(%d) = %q, want %q", tt.name, tt.d, got, tt.want)
		}
	}
}

func TestFormatShare(t *testing.T) {
	for _, tt := range []struct {
		name    string
		d, from int64
		want    string
	}{
		{"a small share has a decimal", 12, 1000, "+1.2 %"},
		{"a large one has none", -350, 1000, "−35 %"},
		{"all of it", -1000, 1000, "−100 %"},
		{"a multiple is a factor", 11000, 1000, "×12"},
		{"from nothing there is none", 5, 0, ""},
		{"no change", 0, 1000, ""},
		{"what rounds to nothing", 1, 100000, ""},
	} {
		if got := spaced(formatShare(tt.d, tt.from)); got != tt.want {
			t.Errorf("%s: formatShare(%d, %d) = %q, want %q", tt.name, tt.d, tt.from, got, tt.want)
		}
	}
}

func TestAddClamped(t *testing.T) {
	for _, tt := range []struct{ a, b, want int64 }{
		{1, 2, 3},
		{-1, 1, 0},
		{math.MaxInt64, 1, math.MaxInt64},
		{math.MinInt64, -1, math.MinInt64},
		{math.MaxInt64, math.MinInt64, -1},
	} {
		if got := addClamped(tt.a, tt.b); got != tt.want {
			t.Errorf("addClamped(%d, %d) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
