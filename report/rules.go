package report

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The names of the alert rules, as settings and documents spell them.
const (
	resourcesDropped   = "resources_dropped"
	dataDroppedPercent = "data_dropped_percent"
	regionGone         = "region_gone"
	quotaPercent       = "quota_percent"
	dayMissing         = "day_missing"
	totalMismatch      = "total_mismatch"
	accountGone        = "account_gone"
)

// weightOf is how much an alert of a rule weighs.
func weightOf(rule string) string {
	switch rule {
	case resourcesDropped, regionGone:
		return Critical
	case quotaPercent, accountGone:
		return Notice
	}
	return Warning
}

// Rules say which alerts open, and from which threshold on ("at least"). A
// threshold of 0 turns its rule off.
type Rules struct {
	ResourcesDropped   int64 // instances fewer than on the last captured day
	DataDroppedPercent int64 // of the capacity of the last captured day, 1 to 100
	RegionGone         bool
	QuotaPercent       int64 // of the free quota; it may exceed 100
	DayMissing         bool
	TotalMismatch      bool
	AccountGone        bool
}

// DefaultRules are the rules of a deployment that sets none.
func DefaultRules() Rules {
	return Rules{ResourcesDropped: 1, DataDroppedPercent: 10, RegionGone: true, QuotaPercent: 80, DayMissing: true, TotalMismatch: true, AccountGone: true}
}

// A rule is one of Rules under its name: a threshold, or only on or off.
type rule struct {
	name      string
	threshold *int64
	most      int64 // the largest threshold
	on        *bool
}

func (r *Rules) all() []rule {
	return []rule{
		{name: resourcesDropped, threshold: &r.ResourcesDropped, most: math.MaxInt64},
		{name: dataDroppedPercent, threshold: &r.DataDroppedPercent, most: 100},
		{name: regionGone, on: &r.RegionGone},
		{name: quotaPercent, threshold: &r.QuotaPercent, most: math.MaxInt64},
		{name: dayMissing, on: &r.DayMissing},
		{name: totalMismatch, on: &r.TotalMismatch},
		{name: accountGone, on: &r.AccountGone},
	}
}

// ParseRules reads a comma-separated list such as resources_dropped=5,
// region_gone=off. What it does not name keeps its default. Its error names all
// problems at once.
func ParseRules(list string) (Rules, error) {
	rules := DefaultRules()
	seen := make(map[string]bool)
	var problems []string
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		name, value, _ := strings.Cut(item, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if err := rules.set(name, value); err != nil {
			problems = append(problems, err.Error())
		} else if seen[name] {
			problems = append(problems, fmt.Sprintf("%s stands twice: want it once, such as %s=%s", name, name, value))
		}
		seen[name] = true
	}
	if len(problems) > 0 {
		return Rules{}, errors.New(strings.Join(problems, "; "))
	}
	return rules, nil
}

func (r *Rules) set(name, value string) error {
	defaults := DefaultRules()
	var names []string
	for i, rule := range r.all() {
		if rule.name == name {
			return rule.set(value, defaults.all()[i])
		}
		names = append(names, rule.name)
	}
	return fmt.Errorf("%.40q is no rule: want %s, such as %s=1", name, strings.Join(names, ", "), resourcesDropped)
}

// set takes a value in its one spelling; "on" is what the rule is by default.
func (r rule) set(value string, fallback rule) error {
	if r.on != nil {
		if value != "on" && value != "off" {
			return fmt.Errorf("%s is %.40q: want on or off, such as %s=off", r.name, value, r.name)
		}
		*r.on = value == "on"
		return nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case value == "off":
		*r.threshold = 0
	case value == "on":
		*r.threshold = *fallback.threshold
	case err != nil || n < 1 || n > r.most || value != strconv.FormatInt(n, 10):
		return fmt.Errorf("%s is %.40q: want a whole number from 1 to %d, on or off, such as %s=%d",
			r.name, value, r.most, r.name, *fallback.threshold)
	default:
		*r.threshold = n
	}
	return nil
}

// String spells all rules as ParseRules reads them.
func (r Rules) String() string {
	var b strings.Builder
	for _, rule := range r.all() {
		value := "off"
		switch {
		case rule.on != nil && *rule.on:
			value = "on"
		case rule.on == nil && *rule.threshold > 0:
			value = strconv.FormatInt(*rule.threshold, 10)
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(rule.name + "=" + value)
	}
	return b.String()
}

// active tells whether a rule is on; one of a name that nobody knows is off.
func (r Rules) active(name string) bool {
	for _, rule := range r.all() {
		if rule.name == name {
			return rule.on != nil && *rule.on || rule.on == nil && *rule.threshold > 0
		}
	}
	return false
}
