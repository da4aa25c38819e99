package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

const (
	minus   = "\u2212" // as wide as a plus, unlike the hyphen
	noBreak = "\u00a0" // between a number and its unit

	gib = int64(1) << 30
)

// A byteUnit is a power of 1024 with its name.
type byteUnit struct {
	bytes int64
	name  string
}

// byteUnits is ascending. The bill counts GiB, so powers of 1000 never appear.
var byteUnits = [...]byteUnit{
	{1, "B"}, {1 << 10, "KiB"}, {1 << 20, "MiB"}, {1 << 30, "GiB"}, {1 << 40, "TiB"}, {1 << 50, "PiB"}, {1 << 60, "EiB"},
}

// formatBytes spells a capacity of at least 0 with one decimal, such as 40.0 GiB.
// Zero is 0 GiB: it is a value, and the unit that people expect says so.
func formatBytes(n int64) string {
	if n == 0 {
		return "0" + noBreak + "GiB"
	}
	for i, u := range byteUnits {
		if i < len(byteUnits)-1 && (n/u.bytes >= 1024 || inTenths(n, u.bytes) >= 10*1024) {
			continue // the next unit, also for what rounds up to it
		}
		if u.bytes == 1 {
			return formatCount(n) + noBreak + u.name
		}
		return formatTenths(inTenths(n, u.bytes)) + noBreak + u.name
	}
	panic("unreachable: the last unit takes everything")
}

// formatPlain spells a capacity as formatBytes does, in the same unit, without a
// decimal that says nothing: sentences and quotas say 100 GiB.
func formatPlain(n int64) string { return strings.Replace(formatBytes(n), ".0"+noBreak, noBreak, 1) }

// inTenths is n in tenths of a unit, rounded half up. It must fit: n is less than
// 2^59 units.
func inTenths(n, unit int64) int64 {
	rest := uint64(n%unit)*10 + uint64(unit)/2 // below 2^64: a unit is at most 2^60
	return n/unit*10 + int64(rest/uint64(unit))
}

func formatTenths(tenths int64) string {
	return formatCount(tenths/10) + "." + strconv.FormatInt(tenths%10, 10)
}

// formatCount spells an integer of at least 0 with separators, such as 12,345.
func formatCount(n int64) string { return groupDigits(strconv.FormatInt(n, 10)) }

func groupDigits(s string) string {
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// formatWhole spells what may exceed an int64: the top of an axis does.
func formatWhole(v float64) string { return groupDigits(strconv.FormatFloat(v, 'f', 0, 64)) }

// formatSigned spells a difference with its sign; no difference has none.
func formatSigned(d int64, format func(int64) string) string {
	switch {
	case d > 0:
		return "+" + format(d)
	case d < 0:
		return minus + format(magnitude(d))
	}
	return "0"
}

// magnitude is the absolute value; the one that does not fit is clamped.
func magnitude(d int64) int64 {
	if d == math.MinInt64 {
		return math.MaxInt64
	}
	return max(d, -d)
}

// formatShare spells a difference in percent of what it started from. It is
// empty where that was nothing, or where the difference rounds to nothing.
func formatShare(d, from int64) string {
	if from <= 0 || d == 0 {
		return ""
	}
	percent := float64(d) / float64(from) * 100
	switch size := math.Abs(percent); {
	case size < 0.05:
		return ""
	case size >= 999.5: // a factor says more than a percentage of five digits
		return fmt.Sprintf("×%s", formatCount(int64(math.Round(percent/100+1))))
	case size >= 9.95:
		percent = math.Round(percent)
		return formatSigned(int64(percent), formatCount) + noBreak + "%"
	default:
		return formatSigned(int64(math.Round(percent*10)), formatTenths) + noBreak + "%"
	}
}

// plural counts a noun: 1 day, 2 days.
func plural(n int64, one string) string {
	if n == 1 {
		return formatCount(n) + noBreak + one
	}
	return formatCount(n) + noBreak + one + "s"
}

// addClamped adds differences; a sum that does not fit stays at the largest.
func addClamped(a, b int64) int64 {
	switch sum := a + b; {
	case a > 0 && b > 0 && sum < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && sum >= 0:
		return math.MinInt64
	default:
		return sum
	}
}
