package report

import (
	"strings"
	"testing"
)

func TestParseRules(t *testing.T) {
	const defaults = "resources_dropped=1,data_dropped_percent=10,region_gone=on,quota_percent=80,day_missing=on,total_mismatch=on,account_gone=on"
	for _, tt := range []struct{ name, list, want string }{
		{"nothing set takes the defaults", "", defaults},
		{"a threshold", "resources_dropped=5", strings.Replace(defaults, "dropped=1", "dropped=5", 1)},
		{"a threshold that is off", "quota_percent=off", strings.Replace(defaults, "80", "off", 1)},
		{"a threshold that is on has its default", "quota_percent=on", defaults},
		{"a quota may be exceeded", "quota_percent=250", strings.Replace(defaults, "80", "250", 1)},
		{"all capacity may be asked for", "data_dropped_percent=100", strings.Replace(defaults, "=10", "=100", 1)},
		{"a switch that is off", "region_gone=off", strings.Replace(defaults, "gone=on", "gone=off", 1)},
		{"a switch that is on", "day_missing=on", defaults},
		{"blanks and empty items", " day_missing = off ,, total_mismatch=off,", strings.NewReplacer("missing=on", "missing=off", "mismatch=on", "mismatch=off").Replace(defaults)},
		{"its own spelling", defaults, defaults},
	} {
		got, err := ParseRules(tt.list)
		if err != nil || got.String() != tt.want {
			t.Errorf("%s: ParseRules(%q) = %s (error %v), want %s", tt.name, tt.list, got, err, tt.want)
		}
	}
	if got, _ := ParseRules(""); got != DefaultRules() {
		t.Errorf("ParseRules of nothing = %+v, want the defaults", got)
	}
}

func TestParseRulesRefuses(t *testing.T) {
	const names = "resources_dropped, data_dropped_percent, region_gone, quota_percent, day_missing, total_mismatch, account_gone"
	const resources = ": want a whole number from 1 to 9223372036854775807, on or off, such as resources_dropped=1"
	for _, tt := range []struct{ name, list, want string }{
		{"an unknown rule", "colour=red", `"colour" is no rule: want ` + names + `, such as resources_dropped=1`},
		{"a threshold of 0", "resources_dropped=0", `resources_dropped is "0"` + resources},
		{"a negative threshold", "resources_dropped=-1", `resources_dropped is "-1"` + resources},
		{"a fraction", "resources_dropped=1.5", `resources_dropped is "1.5"` + resources},
		{"another spelling", "resources_dropped=+1", `resources_dropped is "+1"` + resources},
		{"a number beyond int64", "resources_dropped=9223372036854775808", `resources_dropped is "9223372036854775808"` + resources},
		{"no value", "resources_dropped", `resources_dropped is ""` + resources},
		{"more than all", "data_dropped_percent=101", `data_dropped_percent is "101": want a whole number from 1 to 100, on or off, such as data_dropped_percent=10`},
		{"a threshold for a switch", "region_gone=5", `region_gone is "5": want on or off, such as region_gone=off`},
		{"a rule twice", "day_missing=on,day_missing=off", `day_missing stands twice: want it once, such as day_missing=off`},
		{"all problems at once", "a=1,total_mismatch=,b=2", `"a" is no rule: want ` + names + `, such as resources_dropped=1; ` +
			`total_mismatch is "": want on or off, such as total_mismatch=off; "b" is no rule: want ` + names + `, such as resources_dropped=1`},
	} {
		if got, err := ParseRules(tt.list); errorText(err) != tt.want || got != (Rules{}) {
			t.Errorf("%s: ParseRules(%q) = %+v, error %v; want no rules, %s", tt.name, tt.list, got, err, tt.want)
		}
	}
}

// Rules that are read are spelt as one list, which is read as the same rules.
func FuzzParseRules(f *testing.F) {
	for _, seed := range []string{"", "resources_dropped=5, region_gone=off", "quota_percent=9223372036854775807,day_missing=off", "total_mismatch", "data_dropped_percent=101", "a=1,a=2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		rules, err := ParseRules(list)
		if err != nil {
			if rules != (Rules{}) {
				t.Errorf("%q: besides the error there is %+v", list, rules)
			}
			return
		}
		if again, err := ParseRules(rules.String()); err != nil || again != rules {
			t.Errorf("%q is read as %+v, and its spelling %q as %+v (error %v)", list, rules, rules.String(), again, err)
		}
		if rules.ResourcesDropped < 0 || rules.QuotaPercent < 0 || rules.DataDroppedPercent < 0 || rules.DataDroppedPercent > 100 {
			t.Errorf("%q is read as %+v: want thresholds from 0, a percentage up to 100", list, rules)
		}
	})
}
