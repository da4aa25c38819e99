package report

import (
	"maps"
	"math/bits"
	"slices"
	"strings"
)

// How long what ended by itself stays open: a drop until the backups that it may have
// cost are past their retention, a notice for a week.
const (
	dropDays   = 30
	noticeDays = 7
)

// How much an alert weighs. It orders them wherever they are shown.
const (
	Critical = "critical" // backups may be gone
	Warning  = "warning"
	Notice   = "notice" // never an alarm
)

// Why an item is over, from the place that decided it.
const (
	reasonReached   = "reached_again" // the old value is reached, or the region is back
	reasonExpired   = "expired"       // it is history
	reasonNotAsked  = "not_collected" // the account or source type is no longer collected
	reasonRuleOff   = "rule_off"
	reasonBelow     = "below"     // the use of the quota is below the threshold
	reasonUsedUp    = "used_up"   // the quota has been used up for a week
	reasonBack      = "back"      // the account is among those to collect
	reasonComplete  = "complete"  // a day has its record
	reasonAddsUp    = "adds_up"   // the regions add up to the total
	reasonCorrected = "corrected" // the day's numbers were replaced or derived anew, and do not say so any more
)

// An Alert is what deserves a person: one a rule a day, listing all that it concerns.
// It is open as long as one of its items is.
type Alert struct {
	Rule   string      `json:"rule"`
	Weight string      `json:"weight,omitempty"` // critical, warning or notice
	Opened Date        `json:"opened"`
	Items  []AlertItem `json:"items"`
}

// An AlertItem is one thing that an alert concerns: a total where it names neither a
// region nor an account.
type AlertItem struct {
	SourceType string `json:"source_type,omitempty"`
	AccountID  string `json:"account_id,omitempty"`
	RegionID   string `json:"region_id,omitempty"`
	// Threshold is in percent: of quota_percent, where 100 is a quota that is used up.
	Threshold int64 `json:"threshold,omitempty"`
	// Before and After are instances (resources_dropped, region_gone, account_gone),
	// bytes (data_dropped_percent, total_mismatch: the total, and the sum of the
	// regions), percent of the free quota (quota_percent) or accounts (day_missing: due,
	// and collected), when the item opened. What is gone has no After.
	Before int64  `json:"before"`
	After  *int64 `json:"after,omitempty"`
	// Now is what a drop, or the use of a quota, has come to since, where that is another
	// number.
	Now *int64 `json:"now,omitempty"`
	// Told tells whether people heard of it; records of before the chain of days do not say.
	Told *bool `json:"told,omitempty"`
}

// A ClosedAlert is what ended on a day, for one reason.
type ClosedAlert struct {
	Alert
	Closed Date   `json:"closed"`
	Reason string `json:"reason"`
	// Told tells whether people heard that it ended; whether they heard of it at all,
	// each item says.
	Told bool `json:"told"`
}

// bare is what an item is of, without its numbers.
func (i AlertItem) bare() AlertItem {
	return AlertItem{SourceType: i.SourceType, AccountID: i.AccountID, RegionID: i.RegionID, Threshold: i.Threshold}
}

// told tells whether people heard of an item. Of an earlier version's they did.
func (i AlertItem) told() bool { return i.Told == nil || *i.Told }

// level is the last known number of a drop.
func (i AlertItem) level() int64 {
	if i.Now != nil {
		return *i.Now
	}
	return i.after()
}

// after is the number of an item when it opened: of what is gone, 0.
func (i AlertItem) after() int64 {
	if i.After == nil {
		return 0
	}
	return *i.After
}

// An item is an AlertItem with the alert that it belongs to: what is judged, opened
// and closed one by one.
type item struct {
	rule   string
	opened Date
	AlertItem
}

// identity tells items apart: what they are of, and since when.
func (i item) identity() item {
	return item{i.rule, i.opened, i.bare()}
}

// older is the identity that an earlier version would have given an item: it counted all
// source types of an account as one.
func (i item) older() item {
	if i = i.identity(); i.rule == resourcesDropped && i.AccountID != "" {
		i.SourceType = ""
	}
	return i
}

// An ending is an item that is over.
type ending struct {
	item
	closed Date
	reason string
	told   bool
}

// itemsOf takes alerts apart. Those of an earlier version are read as they would be
// written today.
func itemsOf(alerts []Alert) (items []item) {
	for _, a := range alerts {
		if a.Rule == dayMissing && len(a.Items) == 0 {
			a.Items = []AlertItem{{}}
		}
		for _, i := range a.Items {
			if a.Rule == quotaPercent && i.Threshold == 0 {
				i.Threshold = i.Before
			}
			items = append(items, item{a.Rule, a.Opened, i})
		}
	}
	return items
}

// alertsOf puts items together: one alert a rule a day, by weight.
func alertsOf(items []item) []Alert {
	type key struct {
		rule   string
		opened Date
	}
	alerts := []Alert{}
	at := make(map[key]int)
	for _, i := range items {
		k := key{i.rule, i.opened}
		if _, there := at[k]; !there {
			at[k] = len(alerts)
			alerts = append(alerts, Alert{Rule: i.rule, Weight: weightOf(i.rule), Opened: i.opened})
		}
		a := &alerts[at[k]]
		a.Items = append(a.Items, i.AlertItem)
	}
	for n := range alerts {
		alerts[n].Items = sorted(alerts[n].Items, AlertItem.precedes)
	}
	return sorted(alerts, Alert.precedes)
}

func endingsOf(closed []ClosedAlert) (endings []ending) {
	for _, c := range closed {
		for _, i := range itemsOf([]Alert{c.Alert}) {
			endings = append(endings, ending{i, c.Closed, c.Reason, c.Told})
		}
	}
	return endings
}

func closedOf(endings []ending) []ClosedAlert {
	type key struct {
		rule           string
		opened, closed Date
		reason         string
		told           bool
	}
	by := make(map[key][]item)
	for _, e := range endings {
		k := key{e.rule, e.opened, e.closed, e.reason, e.told}
		by[k] = append(by[k], e.item)
	}
	var closed []ClosedAlert
	for k, items := range by {
		closed = append(closed, ClosedAlert{alertsOf(items)[0], k.closed, k.reason, k.told})
	}
	if len(closed) == 0 {
		return nil // as it is decoded
	}
	return sorted(closed, ClosedAlert.precedes)
}

// weighs is the place of a weight: the heaviest first.
func weighs(weight string) int { return slices.Index([]string{Critical, Warning, Notice}, weight) }

// precedes is the order of alerts: by weight, then as they opened.
func (a Alert) precedes(b Alert) bool {
	switch x, y := weighs(a.Weight), weighs(b.Weight); {
	case x != y:
		return x < y
	case a.Opened != b.Opened:
		return a.Opened < b.Opened
	}
	return a.Rule < b.Rule
}

func (c ClosedAlert) precedes(d ClosedAlert) bool {
	switch {
	case c.Closed != d.Closed:
		return c.Closed < d.Closed
	case c.Alert.precedes(d.Alert) || d.Alert.precedes(c.Alert):
		return c.Alert.precedes(d.Alert)
	case c.Reason != d.Reason:
		return c.Reason < d.Reason
	}
	return c.Told && !d.Told
}

// precedes is the order of items: totals, then regions, then accounts.
func (i AlertItem) precedes(j AlertItem) bool {
	switch {
	case i.AccountID != j.AccountID:
		return i.AccountID < j.AccountID
	case i.SourceType != j.SourceType:
		return i.SourceType < j.SourceType
	case i.RegionID != j.RegionID:
		return i.RegionID < j.RegionID
	}
	return i.Threshold < j.Threshold
}

// alert judges the day and says in its record what is open after it, what ended, and
// whether people were told.
func (d Day) alert(r *DayRecord, now Figures, s Settings) {
	j := d.judge(*r, now, s)
	var stored DayRecord
	if d.Stored != nil {
		stored = *d.Stored
	}
	j.correct(stored)
	j.remember(stored)
	r.Alerts, r.Closed = alertsOf(j.open), closedOf(j.ended)
}

// A judgement is what a day does to the items that are open.
type judgement struct {
	Day
	settings  Settings
	status    string
	now, base Figures         // of the day, and before it: with zeros of who has not activated Cloud Backup
	common    []Pair          // with numbers on the day, and last ones: like is compared with like
	fleet     map[string]bool // accounts
	known     bool            // the fleet is all there is
	types     set             // that are asked for
	lacking   map[string]bool // accounts of which something is missing today
	many      bool            // accounts are told apart from the total
	left      map[Pair]bool   // no longer collected
	was       []item          // open before the day
	// The use of every account's free quota in percent: by its last numbers, today, and
	// as it would be with what is no longer collected.
	before, uses, usesWithLeft map[string]int64
	usedUp                     map[string]Date // accounts that were told to have used it up
	open                       []item
	ended                      []ending
}

func (d Day) judge(r DayRecord, now Figures, s Settings) *judgement {
	j := &judgement{
		Day: d, settings: s, status: r.Status, now: maps.Clone(now), base: d.Base,
		lacking: make(map[string]bool), left: make(map[Pair]bool),
	}
	j.fleet, j.known = r.fleet()
	j.types = r.types()
	if d.Before != nil {
		j.was = itemsOf(d.Before.Alerts)
	}
	j.compare(r)
	j.quotaUses()
	for _, i := range j.was {
		if reason := j.over(&i); reason != "" {
			j.ended = append(j.ended, ending{item: i, closed: j.Date, reason: reason})
		} else {
			j.open = append(j.open, i)
		}
	}
	if len(now) > 0 {
		j.drops()
		j.quotas()
		j.mismatches()
	}
	j.goneAccounts()
	j.missingDay(r)
	return j
}

// compare tells what can be compared with what, and what left.
func (j *judgement) compare(r DayRecord) {
	off := setOf(r.Accounts.NotActivated)
	for _, f := range r.Accounts.Failed {
		j.lacking[f.AccountID] = true
	}
	for _, id := range r.Accounts.NotAttempted {
		j.lacking[id] = true
	}
	for pair := range j.base {
		switch _, there := j.now[pair]; {
		case there:
		case off[pair.AccountID] && j.types.has(pair.SourceType):
			if r.Status != Missing {
				j.now[pair] = Figure{Date: j.Date} // nothing is protected there, and that is known
			}
		case j.known && !j.fleet[pair.AccountID] || !j.types.has(pair.SourceType):
			j.left[pair] = true
		}
	}
	if j.Before != nil {
		wasOff, cloned := setOf(j.Before.Accounts.NotActivated), false
		for pair := range j.now {
			if _, there := j.base[pair]; !there && wasOff[pair.AccountID] {
				if !cloned {
					j.base, cloned = make(Figures), true
					j.base.Merge(j.Day.Base)
				}
				j.base[pair] = Figure{Date: j.Before.SnapshotDate}
			}
		}
	}
	for _, pair := range SortPairs(j.now) {
		if _, there := j.base[pair]; there {
			j.common = append(j.common, pair)
		}
	}
	accounts := make(set)
	for _, figures := range []Figures{j.now, j.base} {
		for pair := range figures {
			accounts[pair.AccountID] = true
		}
	}
	j.many = len(accounts) > 1
}

func (j *judgement) begin(rule string, i AlertItem) {
	if j.settings.Rules.active(rule) {
		j.open = append(j.open, item{rule, j.Date, i})
	}
}

// over follows an item that was open before the day: it tells why it is over, if it is,
// and the number that it has come to.
func (j *judgement) over(i *item) string {
	age := j.Date - i.opened
	switch {
	case !j.settings.Rules.active(i.rule):
		return reasonRuleOff
	case i.rule == resourcesDropped || i.rule == dataDroppedPercent || i.rule == regionGone:
		if age >= dropDays {
			return reasonExpired
		}
		return j.overDrop(i)
	case i.rule == quotaPercent:
		return j.overQuota(i)
	case i.rule == totalMismatch:
		switch figure, there := j.now[Pair{i.AccountID, i.SourceType}]; {
		case j.leaves(i.AlertItem):
			return reasonNotAsked
		case there && !figure.Mismatch:
			return reasonAddsUp
		}
	case i.rule == accountGone:
		if j.fleet[i.AccountID] {
			return reasonBack
		}
		if age >= noticeDays {
			return reasonExpired
		}
	case i.rule == dayMissing && j.status == Complete:
		return reasonComplete
	}
	return ""
}

// leaves tells whether what an item is of is no longer collected.
func (j *judgement) leaves(i AlertItem) bool {
	return i.AccountID != "" && j.known && !j.fleet[i.AccountID] || i.SourceType != "" && !j.types.has(i.SourceType)
}

// overDrop follows a drop: by how much each account that is compared rose or fell since
// its last numbers. So who joined fills nobody's hole, and who left leaves none.
func (j *judgement) overDrop(i *item) string {
	if j.leaves(i.AlertItem) {
		return reasonNotAsked
	}
	if i.rule == regionGone {
		for _, pair := range j.common {
			now, _ := j.now[pair].in(i.RegionID)
			before, _ := j.base[pair].in(i.RegionID)
			if pair.SourceType == i.SourceType && now != (Amount{}) && before == (Amount{}) {
				return reasonReached
			}
		}
		return ""
	}
	level := i.level()
	for _, pair := range j.concerned(i.AlertItem) {
		level = addClamped(level, i.measure(j.now[pair])-i.measure(j.base[pair]))
	}
	reason := reasonReached
	if i.AccountID == "" && level < i.Before {
		if credit := j.credit(i); credit > 0 {
			level, reason = addClamped(level, credit), reasonNotAsked
		}
	}
	level = max(0, level)
	if i.Now = nil; i.After == nil || level != *i.After {
		if i.After != nil || level != 0 {
			i.Now = &level
		}
	}
	if level >= i.Before {
		return reason
	}
	return ""
}

// concerned are the pairs that a drop's number counts, of those that are compared.
func (j *judgement) concerned(i AlertItem) (pairs []Pair) {
	among := j.common
	if i.AccountID != "" {
		from, _ := slices.BinarySearchFunc(among, i.AccountID, func(p Pair, id string) int { return strings.Compare(p.AccountID, id) })
		among = among[from:]
	}
	for _, pair := range among {
		if i.AccountID != "" && i.AccountID != pair.AccountID {
			break
		}
		if i.SourceType == "" || i.SourceType == pair.SourceType {
			pairs = append(pairs, pair)
		}
	}
	return pairs
}

// measure is the number of a figure that a drop is of.
func (i item) measure(f Figure) int64 {
	a := f.Amount
	if i.RegionID != "" {
		a, _ = f.in(i.RegionID)
	}
	if i.rule == dataDroppedPercent {
		return a.ProtectedDataBytes
	}
	return a.ProtectedResourceCount
}

// credit is what accounts that leave today had lost of a total: nobody can win it back.
func (j *judgement) credit(total *item) (credit int64) {
	if total.RegionID != "" {
		return 0
	}
	for _, i := range j.was {
		if i.rule == total.rule && i.opened == total.opened && i.AccountID != "" &&
			(i.SourceType == "" || i.SourceType == total.SourceType) && j.leaves(i.AlertItem) {
			credit = addClamped(credit, i.Before-i.level())
		}
	}
	return credit
}

// sum adds up what the pairs that are compared have of one source type, in all regions
// or in one.
func (j *judgement) sum(f Figures, sourceType, region string) (sum Amount, there bool) {
	for _, pair := range j.common {
		if pair.SourceType != sourceType {
			continue
		}
		a, in := f[pair].Amount, true
		if region != "" {
			a, in = f[pair].in(region)
		}
		there = there || in
		sum, _ = sum.Plus(a)
	}
	return sum, there
}

// drops are the totals, regions and accounts that protect less than they last did. The
// only account there is says what the totals say.
func (j *judgement) drops() {
	rules := j.settings.Rules
	fewer := func(i AlertItem, before, after Amount, there bool) {
		i.Before = before.ProtectedResourceCount
		if there {
			i.After = &after.ProtectedResourceCount
		}
		if i.Before-after.ProtectedResourceCount >= rules.ResourcesDropped {
			j.begin(resourcesDropped, i)
		}
	}
	types, regions := make(map[string]bool), make(map[TypeRegion]bool)
	for _, pair := range j.common {
		types[pair.SourceType] = true
		for _, r := range j.base[pair].Regions {
			regions[TypeRegion{pair.SourceType, Region{RegionID: r.RegionID}}] = true
		}
		if j.many {
			fewer(AlertItem{AccountID: pair.AccountID, SourceType: pair.SourceType}, j.base[pair].Amount, j.now[pair].Amount, true)
		}
	}
	for sourceType := range types {
		before, _ := j.sum(j.base, sourceType, "")
		after, _ := j.sum(j.now, sourceType, "")
		i := AlertItem{SourceType: sourceType}
		fewer(i, before, after, true)
		i.Before, i.After = before.ProtectedDataBytes, &after.ProtectedDataBytes
		if rules.DataDroppedPercent > 0 && fellBy(i.Before, *i.After, rules.DataDroppedPercent) {
			j.begin(dataDroppedPercent, i)
		}
	}
	for place := range regions {
		before, _ := j.sum(j.base, place.SourceType, place.RegionID)
		after, there := j.sum(j.now, place.SourceType, place.RegionID)
		i := AlertItem{SourceType: place.SourceType, RegionID: place.RegionID}
		fewer(i, before, after, there)
		if !there && before != (Amount{}) {
			i.Before, i.After = before.ProtectedResourceCount, nil
			j.begin(regionGone, i)
		}
	}
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

// usedUp is the threshold of a quota that is used up.
const usedUp = 100

// quotaUses adds each account's use up. What is missing today of an account that has
// something counts with its last numbers.
func (j *judgement) quotaUses() {
	before, now, withLeft := make(Figures), make(Figures), make(Figures)
	there := make(map[string]bool)
	for pair, figure := range j.now {
		now[pair], withLeft[pair], there[pair.AccountID] = figure, figure, true
	}
	for pair, figure := range j.base {
		if !j.left[pair] {
			before[pair] = figure
		}
		if _, known := j.now[pair]; known || !there[pair.AccountID] {
			continue
		}
		if withLeft[pair] = figure; !j.left[pair] {
			now[pair] = figure
		}
	}
	quota := j.settings.QuotaBytes
	j.before, j.uses, j.usesWithLeft = before.uses(quota), now.uses(quota), withLeft.uses(quota)
}

// quotas are the accounts whose use rose to the threshold, or, beyond it, to all of the
// quota.
func (j *judgement) quotas() {
	listed := j.listed(quotaPercent)
	thresholds := []int64{j.settings.Rules.QuotaPercent, max(usedUp, j.settings.Rules.QuotaPercent)}
	for id, percent := range j.uses {
		rose := int64(0)
		for _, threshold := range thresholds {
			if last, based := j.before[id]; percent >= threshold && (!based || last < threshold) {
				rose = threshold
			}
		}
		if i := (AlertItem{AccountID: id, Threshold: rose, Before: j.before[id], After: &percent}); rose > 0 && !listed[i.bare()] {
			j.begin(quotaPercent, i)
		}
	}
}

// listed is what the open alerts of a rule list already.
func (j *judgement) listed(rule string) map[AlertItem]bool {
	listed := make(map[AlertItem]bool)
	for _, i := range j.open {
		if i.rule == rule {
			listed[i.bare()] = true
		}
	}
	return listed
}

func (j *judgement) overQuota(i *item) string {
	percent, there := j.uses[i.AccountID]
	if i.Now = nil; there && percent != i.after() {
		i.Now = &percent
	}
	switch {
	case j.leaves(i.AlertItem):
		return reasonNotAsked
	case !there:
	case percent < i.Threshold && j.usesWithLeft[i.AccountID] >= i.Threshold:
		return reasonNotAsked
	case percent < i.Threshold && !j.lacking[i.AccountID]:
		return reasonBelow
	case percent >= usedUp && j.Date-j.usedUpSince(i) >= noticeDays:
		return reasonUsedUp
	}
	return ""
}

// usedUpSince is the day since which an account's quota is known to be used up: that on
// which it was told, or else that of the item.
func (j *judgement) usedUpSince(i *item) Date {
	if i.Threshold >= usedUp {
		return i.opened
	}
	if j.usedUp == nil {
		j.usedUp = make(map[string]Date)
		for _, other := range j.was {
			if other.rule == quotaPercent && other.Threshold >= usedUp {
				j.usedUp[other.AccountID] = max(j.usedUp[other.AccountID], other.opened)
			}
		}
	}
	return max(i.opened, j.usedUp[i.AccountID])
}

// mismatches are the snapshots whose regions do not add up to the total, unless that
// was told.
func (j *judgement) mismatches() {
	listed := j.listed(totalMismatch)
	for pair, figure := range j.now {
		i := AlertItem{SourceType: pair.SourceType, AccountID: pair.AccountID, Before: figure.ProtectedDataBytes}
		if !figure.Mismatch || listed[i.bare()] {
			continue
		}
		sum, _ := Sum(figure.Regions)
		i.After = &sum.ProtectedDataBytes
		j.begin(totalMismatch, i)
	}
}

// goneAccounts are no longer among those to collect, and were on the day before; where
// that is not known, they had been captured.
func (j *judgement) goneAccounts() {
	if !j.known || j.Before == nil {
		return
	}
	had := make(map[string]int64)
	was, known := j.Before.fleet()
	for pair, figure := range j.base {
		had[pair.AccountID], _ = plus(had[pair.AccountID], figure.ProtectedResourceCount)
		was[pair.AccountID] = was[pair.AccountID] || !known
	}
	listed := j.listed(accountGone)
	for id, there := range was {
		if i := (AlertItem{AccountID: id, Before: had[id]}); there && !j.fleet[id] && !listed[i.bare()] {
			j.begin(accountGone, i)
		}
	}
}

// missingDay opens once for a run of days without a complete record.
func (j *judgement) missingDay(r DayRecord) {
	if r.Status == Complete || !r.Over || slices.ContainsFunc(j.open, func(o item) bool { return o.rule == dayMissing }) {
		return
	}
	i := AlertItem{Before: int64(r.Accounts.Expected)}
	if collected := int64(r.Accounts.Collected); r.Status == Partial {
		i.After = &collected
	}
	j.begin(dayMissing, i)
}

// correct closes what the day's record told of before, and does not say any more: its
// numbers were replaced, or derived with other settings.
func (j *judgement) correct(stored DayRecord) {
	if j.settings.Tells && j.Before != nil { // what nobody could be told of goes on from the day before
		for _, e := range endingsOf(j.Before.Closed) {
			if !e.told && j.Date-e.closed < dropDays {
				j.ended = append(j.ended, e)
			}
		}
	}
	said := make(map[item]bool)
	say := func(i item) { said[i.identity()], said[i.older()] = true, true }
	if j.Before != nil {
		for _, e := range endingsOf(j.Before.Closed) {
			say(e.item)
		}
	}
	for _, i := range j.open {
		say(i)
	}
	for _, e := range j.ended {
		say(e.item)
	}
	for _, i := range itemsOf(stored.Alerts) {
		if i.told() && !said[i.identity()] {
			reason := reasonCorrected
			switch {
			case !j.settings.Rules.active(i.rule):
				reason = reasonRuleOff
			case i.rule == dayMissing && j.status == Complete:
				reason = reasonComplete
			}
			j.ended = append(j.ended, ending{item: i, closed: j.Date, reason: reason})
		}
	}
	for _, e := range endingsOf(stored.Closed) {
		told := e.told && e.closed == j.Date && (e.opened == j.Date || e.reason == reasonCorrected)
		if (told || !e.told && j.Date-e.closed < dropDays) && e.item.told() && !said[e.identity()] {
			j.ended = append(j.ended, e)
		}
	}
}

// remember takes over from the stored record which of all this people were told. What
// nobody could be told of the end of goes on from the day before.
func (j *judgement) remember(stored DayRecord) {
	// An earlier version told people of what ended, and did not say so.
	earlier := stored.Schema != "" && stored.HistoryBegins == nil
	opened, ended := make(map[item]bool), make(map[item]bool) // as the record says: whether people heard of it
	over := make(map[item]bool)                               // and that it ended
	for _, i := range itemsOf(stored.Alerts) {
		opened[i.identity()] = i.told()
	}
	for _, e := range endingsOf(stored.Closed) {
		id := e.identity()
		ended[id], over[id] = ended[id] || e.item.told(), over[id] || e.told
	}
	// heard asks the record first, where it says something; an item that the day did not
	// open comes from the day before with what is known of it there.
	heard := func(i item, first, second map[item]bool) bool {
		for _, said := range []map[item]bool{first, second} {
			if told, there := said[i.identity()]; there {
				return told
			}
		}
		return opened[i.older()] || i.opened < j.Date && i.told()
	}
	for n, i := range j.open {
		told := heard(i, opened, ended)
		if _, was := opened[i.identity()]; !was && over[i.identity()] { // people believe that it ended
			told = false
		}
		j.open[n].Told = &told
	}
	for n, e := range j.ended {
		told := heard(e.item, ended, opened)
		_, was := opened[e.identity()]
		_, wasOlder := opened[e.item.older()]
		j.ended[n].Told, j.ended[n].told = &told, e.told || over[e.identity()] || earlier && !was && !wasOlder
	}
}
