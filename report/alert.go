package report

import (
	"math/bits"
	"slices"
)

// settledDays is how long a drop is news: by then the backups that it may have
// cost are past their retention.
const settledDays = 30

// A watch judges days in their order: it knows the last complete day and what
// is open after the last day.
type watch struct {
	rules Rules
	quota int64 // of one account, in bytes
	last  *figures
	open  []Alert
}

// figures are a complete day's facts by what they are of: an AlertItem without
// numbers.
type figures struct {
	Facts
	amounts    map[AlertItem]Amount
	mismatched map[AlertItem]bool
}

func newFigures(f Facts) *figures {
	amounts := make(map[AlertItem]Amount, len(f.Day.Totals)+len(f.Day.Regions)+len(f.Accounts))
	for _, t := range f.Day.Totals {
		amounts[AlertItem{SourceType: t.SourceType}] = t.Amount
	}
	for _, r := range f.Day.Regions {
		amounts[AlertItem{SourceType: r.SourceType, RegionID: r.RegionID}] = r.Amount
	}
	for _, a := range f.Accounts {
		amounts[AlertItem{AccountID: a.AccountID}] = a.Amount
	}
	mismatched := make(map[AlertItem]bool)
	for _, m := range f.Mismatches {
		mismatched[m.bare()] = true
	}
	return &figures{f, amounts, mismatched}
}

// of finds the amount of an item. What is gone has none, which counts as 0: not
// to be told of is worse than to be told of a source type that was given up.
func (f *figures) of(item AlertItem) (amount Amount, there bool) {
	amount, there = f.amounts[item.bare()]
	return amount, there
}

// bare is what an item is of, without its numbers.
func (i AlertItem) bare() AlertItem {
	i.Before, i.After = 0, 0
	return i
}

// judge says which alerts a day opens and closes. A nil figure is a hole: of a
// day without numbers nothing is known but that it is missing.
func (w *watch) judge(date Date, day *figures) (opened, closed []Alert) {
	kept := make([]Alert, 0, len(w.open))
	for _, a := range w.open {
		if w.ended(a, date, day) {
			closed = append(closed, a)
		} else {
			kept = append(kept, a)
		}
	}
	open := func(rule string, items []AlertItem) {
		if w.rules.active(rule) && len(items) > 0 {
			opened = append(opened, Alert{rule, date, sorted(items, AlertItem.precedes)})
		}
	}
	switch {
	case day != nil:
		if w.last != nil {
			open(resourcesDropped, w.droppedResources(day))
			open(dataDroppedPercent, w.droppedData(day))
			open(regionGone, w.goneRegions(day))
		}
		open(quotaPercent, w.crossedQuota(day, listed(kept, quotaPercent)))
		open(totalMismatch, unlisted(day.Mismatches, listed(kept, totalMismatch)))
	case w.rules.DayMissing && !slices.ContainsFunc(kept, func(a Alert) bool { return a.Rule == dayMissing }):
		opened = append(opened, Alert{dayMissing, date, []AlertItem{}})
	}
	return sorted(opened, Alert.precedes), closed
}

// ended tells whether what an open alert tells of has ended by this day.
func (w *watch) ended(a Alert, date Date, day *figures) bool {
	settles := a.Rule == resourcesDropped || a.Rule == dataDroppedPercent || a.Rule == regionGone
	switch {
	case !w.rules.active(a.Rule):
		return true
	case settles && date-a.Opened >= settledDays:
		return true
	case day == nil:
		return false
	}
	for _, item := range a.Items {
		if !w.mended(a.Rule, item, day) {
			return false
		}
	}
	return true
}

func (w *watch) mended(rule string, item AlertItem, day *figures) bool {
	amount, there := day.of(item)
	switch rule {
	case resourcesDropped:
		return amount.ProtectedResourceCount >= item.Before
	case regionGone:
		return there && amount.ProtectedResourceCount >= item.Before
	case dataDroppedPercent:
		return amount.ProtectedDataBytes >= item.Before
	case quotaPercent:
		return NewQuota(amount.ProtectedDataBytes, w.quota).Percent < w.rules.QuotaPercent
	case totalMismatch:
		return !day.mismatched[item.bare()]
	}
	return true
}

// droppedResources are the totals, regions and accounts with fewer instances
// than on the last complete day. The only account there is says what the totals
// say.
func (w *watch) droppedResources(day *figures) (items []AlertItem) {
	many := len(day.Accounts) > 1 || len(w.last.Accounts) > 1
	for item, old := range w.last.amounts {
		now, _ := day.of(item)
		item.Before, item.After = old.ProtectedResourceCount, now.ProtectedResourceCount
		if (many || item.AccountID == "") && item.Before-item.After >= w.rules.ResourcesDropped {
			items = append(items, item)
		}
	}
	return items
}

func (w *watch) droppedData(day *figures) (items []AlertItem) {
	for _, old := range w.last.Day.Totals {
		item := AlertItem{SourceType: old.SourceType}
		now, _ := day.of(item)
		item.Before, item.After = old.ProtectedDataBytes, now.ProtectedDataBytes
		if fellBy(item.Before, item.After, w.rules.DataDroppedPercent) {
			items = append(items, item)
		}
	}
	return items
}

// fellBy tells whether a number fell by at least so many percent, exactly. From
// 0 nothing can fall.
func fellBy(before, after, percent int64) bool {
	if after >= before {
		return false
	}
	hi, lo := bits.Mul64(uint64(before-after), 100)
	leastHi, leastLo := bits.Mul64(uint64(before), uint64(percent))
	return hi > leastHi || hi == leastHi && lo >= leastLo
}

func (w *watch) goneRegions(day *figures) (items []AlertItem) {
	for _, old := range w.last.Day.Regions {
		item := AlertItem{SourceType: old.SourceType, RegionID: old.RegionID}
		if _, there := day.of(item); !there && old.Amount != (Amount{}) {
			item.Before = old.ProtectedResourceCount
			items = append(items, item)
		}
	}
	return items
}

func (w *watch) crossedQuota(day *figures, listed map[AlertItem]bool) (items []AlertItem) {
	for _, a := range day.Accounts {
		item := AlertItem{AccountID: a.AccountID}
		percent := NewQuota(a.ProtectedDataBytes, w.quota).Percent
		if percent >= w.rules.QuotaPercent && !listed[item] {
			item.Before, item.After = w.rules.QuotaPercent, percent
			items = append(items, item)
		}
	}
	return items
}

// listed is what the open alerts of a rule list already.
func listed(open []Alert, rule string) map[AlertItem]bool {
	seen := make(map[AlertItem]bool)
	for _, a := range open {
		if a.Rule == rule {
			for _, item := range a.Items {
				seen[item.bare()] = true
			}
		}
	}
	return seen
}

func unlisted(all []AlertItem, listed map[AlertItem]bool) (items []AlertItem) {
	for _, item := range all {
		if !listed[item.bare()] {
			items = append(items, item)
		}
	}
	return items
}

// OpenAfter is what is open after the day, given what was open before it.
func (d TrendDay) OpenAfter(before []Alert) []Alert {
	return exchange(before, d.Closed, d.Opened)
}

// openBefore is the way back: what was open before the day, given what is open
// after it.
func (d TrendDay) openBefore(after []Alert) []Alert {
	return exchange(after, d.Opened, d.Closed)
}

func exchange(alerts, less, more []Alert) []Alert {
	result := slices.Clone(more)
	for _, a := range alerts {
		if !contains(less, a) {
			result = append(result, a)
		}
	}
	return sorted(result, Alert.precedes)
}

// Changes compares what was open with what is open now: an alert is the one of
// its rule and day.
func Changes(before, after []Alert) (opened, closed []Alert) {
	for _, a := range after {
		if !contains(before, a) {
			opened = append(opened, a)
		}
	}
	for _, a := range before {
		if !contains(after, a) {
			closed = append(closed, a)
		}
	}
	return opened, closed
}

func contains(alerts []Alert, a Alert) bool {
	return slices.ContainsFunc(alerts, func(b Alert) bool { return a.Rule == b.Rule && a.Opened == b.Opened })
}

// precedes is the order of alerts: as they opened.
func (a Alert) precedes(b Alert) bool {
	return a.Opened < b.Opened || a.Opened == b.Opened && a.Rule < b.Rule
}

// precedes is the order of items: totals, then regions, then accounts.
func (i AlertItem) precedes(j AlertItem) bool {
	switch {
	case i.AccountID != j.AccountID:
		return i.AccountID < j.AccountID
	case i.SourceType != j.SourceType:
		return i.SourceType < j.SourceType
	}
	return i.RegionID < j.RegionID
}
