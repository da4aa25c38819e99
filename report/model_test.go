package report

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The model judges a history from the contract's words: it knows all days at once, looks
// back as far as it likes, and keeps no records. What it says is held against what days
// say that are settled one by one, each from the record of the one before.

// A modelDay is what the world did on a day, as far as it came to be known.
type modelDay struct {
	ran     bool
	numbers map[Pair]map[string][2]int64 // by region: bytes and instances; "" counts in the total only
	failed  map[Pair]bool
	unasked map[Pair]bool
	off     map[string]bool // accounts that have not activated Cloud Backup
	unknown bool            // there may be other accounts
	types   []string        // that are asked for
	rules   Rules
}

func (d *modelDay) status() string {
	switch {
	case len(d.numbers) == 0:
		return "missing"
	case d.unknown || len(d.failed)+len(d.unasked) > 0:
		return "partial"
	}
	return "complete"
}

// accounts are those that the day knows; all tells whether there are no others.
func (d *modelDay) accounts() (ids map[string]bool, all bool) {
	ids = maps.Clone(d.off)
	for pair := range d.numbers {
		ids[pair.AccountID] = true
	}
	for pair := range d.failed {
		ids[pair.AccountID] = true
	}
	for pair := range d.unasked {
		ids[pair.AccountID] = true
	}
	return ids, d.ran && !d.unknown
}

func (d *modelDay) asks(sourceType string) bool { return slices.Contains(d.types, sourceType) }

func (d *modelDay) total(p Pair) (sum [2]int64) {
	for _, n := range d.numbers[p] {
		sum[0], sum[1] = sum[0]+n[0], sum[1]+n[1]
	}
	return sum
}

// A modelItem is one thing that is wrong.
type modelItem struct {
	id            string // rule, account, type, region, threshold, and the day it opened
	rule          string
	place         AlertItem
	opened        int
	before, after int64
	gone          bool
	level         int64 // what it has come to
}

type modelEnd struct {
	*modelItem
	day    int
	reason string
}

// A model is the history, and what follows from it for each day.
type model struct {
	quota int64
	days  []*modelDay
	open  [][]*modelItem // after each day
	ended [][]modelEnd   // with each day
}

// last are the numbers that a pair had last before a day.
func (m *model) last(p Pair, day int) (regions map[string][2]int64, total [2]int64, there bool) {
	for e := day - 1; e >= 0; e-- {
		d := m.days[e]
		if n, captured := d.numbers[p]; captured {
			return n, d.total(p), true
		}
		if len(d.numbers) == 0 {
			continue // nobody knows anything of it
		}
		if ids, all := d.accounts(); d.off[p.AccountID] || all && !ids[p.AccountID] || !d.asks(p.SourceType) {
			break // it gave the service up, or left
		}
	}
	return nil, total, false
}

var modelTypes = []string{"DB", "ECS_FILE"}

// judge works out all days.
func (m *model) judge() {
	m.open, m.ended = nil, nil
	var open []*modelItem
	for day, d := range m.days {
		var next []*modelItem
		var ended []modelEnd
		j := m.compare(day)
		for _, i := range open {
			now := *i
			if reason := m.over(&now, j, open); reason != "" {
				ended = append(ended, modelEnd{&now, day, reason})
			} else {
				next = append(next, &now)
			}
		}
		for _, i := range m.begin(j, next) {
			place := i.place
			i.opened, i.level = day, i.after
			i.id = fmt.Sprint(i.rule, " ", place.AccountID, " ", place.SourceType, " ", place.RegionID, " ", place.Threshold, " ", day)
			if on := d.rules; strings.Contains(","+on.String()+",", ","+i.rule+"=off,") {
				continue
			}
			next = append(next, i)
		}
		m.open, m.ended, open = append(m.open, next), append(m.ended, ended), next
	}
}

// A comparison is a day beside each pair's last numbers.
type comparison struct {
	day       int
	d         *modelDay
	ids       map[string]bool
	all       bool
	old, now  map[Pair]map[string][2]int64
	oldT      map[Pair][2]int64
	nowT      map[Pair][2]int64
	left      map[Pair]bool
	manyThere bool
}

func (m *model) compare(day int) *comparison {
	d := m.days[day]
	j := &comparison{
		day: day, d: d, old: map[Pair]map[string][2]int64{}, now: map[Pair]map[string][2]int64{},
		oldT: map[Pair][2]int64{}, nowT: map[Pair][2]int64{}, left: map[Pair]bool{},
	}
	j.ids, j.all = d.accounts()
	accounts := map[string]bool{}
	for a := '1'; a <= '4'; a++ {
		for _, sourceType := range modelTypes {
			p := Pair{string(a), sourceType}
			regions, total, there := m.last(p, day)
			_, captured := d.numbers[p]
			there = there || captured && day > 0 && m.days[day-1].off[p.AccountID] // it had nothing
			if there {
				j.old[p], j.oldT[p] = regions, total
			}
			if captured {
				j.now[p], j.nowT[p] = d.numbers[p], d.total(p)
			} else if there && d.off[p.AccountID] && len(d.numbers) > 0 && d.asks(sourceType) {
				j.now[p], j.nowT[p] = nil, [2]int64{}
			} else if there && (j.all && !j.ids[p.AccountID] || len(d.numbers) > 0 && !d.asks(sourceType)) {
				j.left[p] = true
			}
			if captured || there {
				accounts[p.AccountID] = true
			}
		}
	}
	j.manyThere = len(accounts) > 1
	return j
}

// pairs are those with numbers on the day and before, of a place.
func (j *comparison) pairs(place AlertItem) (pairs []Pair) {
	for p := range j.now {
		_, there := j.old[p]
		if there && (place.AccountID == "" || place.AccountID == p.AccountID) && (place.SourceType == "" || place.SourceType == p.SourceType) {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

// number is what a place has, in all pairs: bytes are 0, instances 1.
func (j *comparison) number(place AlertItem, what int) (before, after int64, was, is bool) {
	for _, p := range j.pairs(place) {
		old, now := j.oldT[p], j.nowT[p]
		was, is = true, true
		if place.RegionID != "" {
			old, was = j.old[p][place.RegionID]
			now, is = j.now[p][place.RegionID]
			was, is = was || before > 0, is || after > 0
		}
		before, after = before+old[what], after+now[what]
	}
	return before, after, was, is
}

func measureOf(rule string) int {
	if rule == "data_dropped_percent" {
		return 0
	}
	return 1
}

// uses is the share of the quota that an account uses, before and now: what it lacks now
// counts with its last numbers.
func (m *model) uses(j *comparison, account string) (before, now, withLeft int64, was, is bool) {
	for _, sourceType := range modelTypes {
		p := Pair{account, sourceType}
		old, there := j.oldT[p]
		n, captured := j.nowT[p]
		if there && !j.left[p] {
			before, was = before+old[0], true
		}
		is = is || captured
		switch {
		case captured:
			now, withLeft = now+n[0], withLeft+n[0]
		case there:
			if withLeft += old[0]; !j.left[p] {
				now += old[0]
			}
		}
	}
	return before * 100 / m.quota, now * 100 / m.quota, withLeft * 100 / m.quota, was, is
}

// begin is what is wrong with a day that was not before.
func (m *model) begin(j *comparison, open []*modelItem) (items []*modelItem) {
	rules := j.d.rules
	listed := func(rule string, place AlertItem) bool {
		return slices.ContainsFunc(open, func(i *modelItem) bool { return i.rule == rule && i.place == place })
	}
	add := func(rule string, place AlertItem, before, after int64, gone bool) {
		items = append(items, &modelItem{rule: rule, place: place, before: before, after: after, gone: gone})
	}
	if len(j.d.numbers) > 0 {
		for _, sourceType := range modelTypes {
			places := []AlertItem{{SourceType: sourceType}, {SourceType: sourceType, RegionID: "a"}, {SourceType: sourceType, RegionID: "b"}}
			for a := '1'; a <= '4' && j.manyThere; a++ {
				places = append(places, AlertItem{SourceType: sourceType, AccountID: string(a)})
			}
			for _, place := range places {
				before, after, _, _ := j.number(place, 1)
				gone := false
				if place.RegionID != "" {
					was, is := m.region(j, place)
					if gone = was != [2]int64{} && !is; gone {
						add("region_gone", place, was[1], 0, true)
					}
					gone = !is
				}
				if before-after >= rules.ResourcesDropped {
					add("resources_dropped", place, before, after, gone)
				}
				if place.RegionID+place.AccountID == "" {
					if before, after, _, _ := j.number(place, 0); before > 0 && (before-after)*100 >= before*rules.DataDroppedPercent {
						add("data_dropped_percent", place, before, after, false)
					}
				}
			}
			for p := range j.d.numbers {
				total, sum := j.nowT[p], int64(0)
				mismatch := j.d.numbers[p][""] != [2]int64{}
				sum = total[0] - j.d.numbers[p][""][0]
				if place := (AlertItem{SourceType: sourceType, AccountID: p.AccountID}); p.SourceType == sourceType && mismatch && !listed("total_mismatch", place) {
					add("total_mismatch", place, total[0], sum, false)
				}
			}
		}
		for a := '1'; a <= '4'; a++ {
			before, now, _, was, is := m.uses(j, string(a))
			threshold := int64(0)
			for _, t := range []int64{rules.QuotaPercent, 100} {
				if t >= rules.QuotaPercent && is && now >= t && (!was || before < t) {
					threshold = t
				}
			}
			if place := (AlertItem{AccountID: string(a), Threshold: threshold}); threshold > 0 && !listed("quota_percent", place) {
				add("quota_percent", place, before, now, false)
			}
		}
	}
	for a := '1'; a <= '4'; a++ {
		count, captured := int64(0), false
		for _, sourceType := range modelTypes {
			total, there := j.oldT[Pair{string(a), sourceType}]
			count, captured = count+total[1], captured || there
		}
		gone := false
		if j.day > 0 && j.all && !j.ids[string(a)] {
			ids, all := m.days[j.day-1].accounts()
			gone = ids[string(a)] || !all && captured
		}
		if place := (AlertItem{AccountID: string(a)}); gone && !listed("account_gone", place) {
			add("account_gone", place, count, 0, true)
		}
	}
	if status := j.d.status(); status != "complete" && !slices.ContainsFunc(open, func(i *modelItem) bool { return i.rule == "day_missing" }) {
		collected := map[string]bool{}
		for p := range j.d.numbers {
			collected[p.AccountID] = true
		}
		for p := range j.d.failed {
			delete(collected, p.AccountID)
		}
		for p := range j.d.unasked {
			delete(collected, p.AccountID)
		}
		due := int64(len(j.ids))
		if j.d.unknown {
			due++ // at least one more
		}
		add("day_missing", AlertItem{}, due, int64(len(collected)), status == "missing")
	}
	return items
}

// region is what a region had in the pairs that are compared, and whether one has it now.
func (m *model) region(j *comparison, place AlertItem) (was [2]int64, is bool) {
	for _, p := range j.pairs(place) {
		n := j.old[p][place.RegionID]
		was[0], was[1] = was[0]+n[0], was[1]+n[1]
		_, there := j.now[p][place.RegionID]
		is = is || there
	}
	return was, is
}

// over says why an item is over, if it is, and moves its level.
func (m *model) over(i *modelItem, j *comparison, open []*modelItem) string {
	age := j.day - i.opened
	if strings.Contains(","+j.d.rules.String()+",", ","+i.rule+"=off,") {
		return "rule_off"
	}
	left := func(place AlertItem) bool {
		return place.AccountID != "" && j.all && !j.ids[place.AccountID] ||
			place.SourceType != "" && len(j.d.numbers) > 0 && !j.d.asks(place.SourceType)
	}
	switch i.rule {
	case "resources_dropped", "data_dropped_percent", "region_gone":
		switch {
		case age >= 30:
			return "expired"
		case left(i.place):
			return "not_collected"
		case i.rule == "region_gone":
			for _, p := range j.pairs(i.place) {
				if j.now[p][i.place.RegionID] != [2]int64{} && j.old[p][i.place.RegionID] == [2]int64{} {
					return "reached_again"
				}
			}
			return ""
		}
		before, after, _, _ := j.number(i.place, measureOf(i.rule))
		i.level += after - before
		reason := "reached_again"
		if i.place.AccountID+i.place.RegionID == "" && i.level < i.before {
			for _, other := range open { // what those who leave had lost nobody can win back
				if other.rule == i.rule && other.opened == i.opened && other.place.AccountID != "" && other.place.SourceType == i.place.SourceType && left(other.place) {
					i.level, reason = i.level+other.before-other.level, "not_collected"
				}
			}
		}
		i.level = max(0, i.level)
		if i.level >= i.before {
			return reason
		}
	case "quota_percent":
		_, now, withLeft, _, is := m.uses(j, i.place.AccountID)
		lacks := false
		for p := range j.d.failed {
			lacks = lacks || p.AccountID == i.place.AccountID
		}
		for p := range j.d.unasked {
			lacks = lacks || p.AccountID == i.place.AccountID
		}
		usedUp := i.opened
		for _, other := range open {
			if i.place.Threshold < 100 && other.rule == i.rule && other.place.AccountID == i.place.AccountID && other.place.Threshold >= 100 {
				usedUp = max(usedUp, other.opened)
			}
		}
		if i.level = i.after; is {
			i.level = now
		}
		switch {
		case left(i.place):
			return "not_collected"
		case !is:
		case now < i.place.Threshold && withLeft >= i.place.Threshold:
			return "not_collected"
		case now < i.place.Threshold && !lacks:
			return "below"
		case now >= 100 && j.day-usedUp >= 7:
			return "used_up"
		}
	case "total_mismatch":
		p := Pair{i.place.AccountID, i.place.SourceType}
		_, captured := j.now[p]
		switch {
		case left(i.place):
			return "not_collected"
		case captured && j.now[p][""] == [2]int64{}:
			return "adds_up"
		}
	case "account_gone":
		switch {
		case j.ids[i.place.AccountID]:
			return "back"
		case age >= 7:
			return "expired"
		}
	case "day_missing":
		if j.d.status() == "complete" {
			return "complete"
		}
	}
	return ""
}

// weighty is the order in which people read.
func weighty(a, b *modelItem) int {
	weight := map[string]int{
		"resources_dropped": 0, "region_gone": 0, "data_dropped_percent": 1, "day_missing": 1, "total_mismatch": 1, "quota_percent": 2, "account_gone": 2,
	}
	return cmp.Or(
		cmp.Compare(weight[a.rule], weight[b.rule]), cmp.Compare(a.opened, b.opened), cmp.Compare(a.rule, b.rule),
		cmp.Compare(a.place.AccountID, b.place.AccountID), cmp.Compare(a.place.SourceType, b.place.SourceType),
		cmp.Compare(a.place.RegionID, b.place.RegionID), cmp.Compare(a.place.Threshold, b.place.Threshold),
	)
}

func (i *modelItem) spell() string {
	s := fmt.Sprintf("%s %d→", i.id, i.before)
	if !i.gone {
		s += fmt.Sprint(i.after)
	}
	if i.level != i.after && i.rule != "total_mismatch" && i.rule != "day_missing" {
		s += fmt.Sprintf("→%d", i.level)
	}
	return s
}

// spellModel spells alerts in their order as the model does.
func spellModel(alerts []Alert, first Date) (words []string) {
	for _, a := range alerts {
		for _, i := range a.Items {
			s := fmt.Sprint(a.Rule, " ", i.AccountID, " ", i.SourceType, " ", i.RegionID, " ", i.Threshold, " ", int(a.Opened-first), " ", i.Before, "→")
			if i.After != nil {
				s += fmt.Sprint(*i.After)
			}
			if i.Now != nil {
				s += fmt.Sprintf("→%d", *i.Now)
			}
			words = append(words, s)
		}
	}
	return words
}

// A sequence is a random history: what the world does, what runs make of it, and what
// people hear.
type sequence struct {
	*rand.Rand
	t     *testing.T
	p     *played
	m     *model
	first Date
	// The world: who is there, and what they protect.
	accounts map[string]bool
	types    []string
	sizes    map[Pair]map[string][2]int64
	rules    Rules
	// What people know of each item: whether it is open.
	heard map[string]bool
	log   []string
}

func (s *sequence) drift() {
	for a := '1'; a <= '4'; a++ {
		if s.IntN(25) == 0 {
			s.accounts[string(a)] = !s.accounts[string(a)]
		}
		for _, sourceType := range modelTypes {
			p := Pair{string(a), sourceType}
			if s.sizes[p] == nil {
				s.sizes[p] = map[string][2]int64{"a": {5, 5}}
			}
			for _, region := range []string{"a", "b", ""} {
				switch n := s.IntN(30); {
				case n == 0:
					delete(s.sizes[p], region)
				case n < 4 && (region != "" || n == 1):
					s.sizes[p][region] = [2]int64{s.Int64N(8), s.Int64N(8)}
				case n == 4:
					s.sizes[p][region] = [2]int64{}
				case n < 8 && region == "":
					delete(s.sizes[p], region)
				}
			}
		}
	}
	s.accounts["1"] = true
	if s.IntN(20) == 0 {
		s.types = [][]string{{"ECS_FILE"}, {"DB"}, {"DB", "ECS_FILE"}}[s.IntN(3)]
	}
	if s.IntN(12) == 0 {
		var list []string
		for _, rule := range []string{"resources_dropped", "data_dropped_percent", "region_gone", "quota_percent", "day_missing", "total_mismatch", "account_gone"} {
			if s.IntN(10) == 0 {
				list = append(list, rule+"=off")
			}
		}
		if len(list) == 0 && s.IntN(2) == 0 {
			list = []string{fmt.Sprintf("resources_dropped=%d,data_dropped_percent=%d,quota_percent=%d", 1+s.IntN(3), 10+s.IntN(40), 50+s.IntN(70))}
		}
		var err error
		if s.rules, err = ParseRules(strings.Join(list, ",")); err != nil {
			s.t.Fatal(err)
		}
	}
}

// collect is a run on a day: it gets what is not there yet, or all of it anew.
func (s *sequence) collect(d *modelDay, overwrite bool) {
	if !d.ran {
		d.ran, d.types, d.unknown = true, slices.Clone(s.types), s.IntN(25) == 0
		d.numbers, d.failed, d.unasked, d.off = map[Pair]map[string][2]int64{}, map[Pair]bool{}, map[Pair]bool{}, map[string]bool{}
		down := s.IntN(15) == 0
		for _, id := range slices.Sorted(maps.Keys(s.accounts)) {
			off := s.IntN(20) == 0
			for _, sourceType := range d.types {
				p := Pair{id, sourceType}
				switch n := s.IntN(20); {
				case !s.accounts[id] || d.unknown && id != "1":
				case down || n == 0:
					d.failed[p] = true
				case n == 1:
					d.unasked[p] = true
				case off:
					d.off[id] = true
				default:
					d.numbers[p] = maps.Clone(s.sizes[p])
				}
			}
		}
	} else {
		d.unknown = false
		for _, p := range SortPairs(d.numbers) {
			if overwrite && s.IntN(2) == 0 {
				d.numbers[p] = maps.Clone(s.sizes[p])
			}
		}
		for _, list := range []map[Pair]bool{d.failed, d.unasked} {
			for _, p := range SortPairs(list) {
				if s.IntN(2) == 0 {
					delete(list, p)
					d.numbers[p] = maps.Clone(s.sizes[p])
				}
			}
		}
	}
	for p := range d.numbers { // what others had captured stays, and what fails of an account is not off
		delete(d.off, p.AccountID)
	}
	for id := range d.off {
		for _, sourceType := range d.types {
			if d.failed[Pair{id, sourceType}] || d.unasked[Pair{id, sourceType}] {
				delete(d.off, id)
			}
		}
	}
	for id := range s.accounts { // an account is due with all types
		some := d.off[id]
		for _, sourceType := range d.types {
			p := Pair{id, sourceType}
			some = some || d.failed[p] || d.unasked[p] || d.numbers[p] != nil
		}
		for _, sourceType := range d.types {
			if p := (Pair{id, sourceType}); some && !d.off[id] && !d.failed[p] && !d.unasked[p] && d.numbers[p] == nil {
				d.unasked[p] = true
			}
		}
	}
}

// known is what a run hands over.
func (s *sequence) settle(day int, collected bool) {
	s.t.Helper()
	d := s.m.days[day]
	d.rules = s.rules
	s.p.Rules = s.rules
	date := s.first + Date(day)
	in := Day{Date: date, Base: s.p.base(date), Known: Known{Over: true}}
	if link, there := s.p.links[date]; there {
		in.Stored = &link.Record
	}
	if link, there := s.p.links[date-1]; there {
		in.Before = &link.Record
	}
	at := time.Unix(int64(date)*86400, 0)
	for p, regions := range d.numbers {
		stats := Statistics{RequestID: "r", Response: []byte("{}")}
		for _, id := range slices.Sorted(maps.Keys(regions)) {
			amount := Amount{regions[id][0], regions[id][1]}
			stats.Total, _ = stats.Total.Plus(amount)
			if id != "" {
				stats.Regions = append(stats.Regions, Region{id, amount})
			}
		}
		in.Snapshots = append(in.Snapshots, NewSnapshot(Occasion{Date: date, TimeZone: "UTC", Trigger: Timer}, p.AccountID, p.SourceType, at, stats))
	}
	in.Snapshots = SortSnapshots(in.Snapshots)
	for _, snapshot := range in.Snapshots {
		data, err := snapshot.Encode()
		if err != nil {
			s.t.Fatal(err)
		}
		in.Objects = append(in.Objects, NewObject(snapshot.Key(), data, 1))
	}
	if collected && d.ran {
		in.Known.Excluded, in.Known.Failed, in.Known.NotAttempted, in.Known.NotActivated = []string{}, map[Pair]Failure{}, d.unasked, d.off
		in.Known.Due = []Pair{}
		ids, _ := d.accounts()
		for id := range ids {
			for _, sourceType := range d.types {
				in.Known.Due = append(in.Known.Due, Pair{id, sourceType})
			}
		}
		for p := range d.failed {
			in.Known.Failed[p] = Failure{ErrorType: "SourceError", Message: "denied"}
		}
		if d.unknown {
			in.Known.Unknown = &Failure{ErrorType: "SourceError", Message: "list the accounts: denied"}
		}
	}
	link, err := Settle(in, s.p.Settings)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.IntN(8) == 0 { // what is stored is what was settled
		data, err := link.Record.Encode()
		if err != nil {
			s.t.Fatal(err)
		}
		if link.Record, err = DecodeDayRecord(data); err != nil {
			s.t.Fatal(err)
		}
	}
	s.p.links[date], s.p.kept[date] = link, in.Snapshots
}

// check holds a day's record against the model.
func (s *sequence) check(day int) {
	s.t.Helper()
	r := s.p.links[s.first+Date(day)].Record
	if got, want := r.Status, s.m.days[day].status(); got != want {
		s.fail("day %d is %s, want %s", day, got, want)
	}
	open := slices.Clone(s.m.open[day])
	slices.SortFunc(open, weighty)
	var want []string
	for _, i := range open {
		want = append(want, i.spell())
	}
	if got := spellModel(r.Alerts, s.first); !slices.Equal(got, want) {
		s.fail("after day %d\n\t%s\nare open, want\n\t%s", day, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	var gotEnds, wantEnds []string
	for _, c := range r.Closed {
		if c.Closed != r.SnapshotDate || c.Opened == c.Closed { // what was corrected depends on what was told
			continue
		}
		for _, word := range spellModel([]Alert{c.Alert}, s.first) {
			gotEnds = append(gotEnds, word+" "+c.Reason)
		}
	}
	for _, e := range s.m.ended[day] {
		wantEnds = append(wantEnds, e.spell()+" "+e.reason)
	}
	slices.Sort(gotEnds)
	slices.Sort(wantEnds)
	for _, end := range wantEnds {
		if !slices.Contains(gotEnds, end) {
			s.fail("with day %d\n\t%s\nended, want\n\t%s", day, strings.Join(gotEnds, "\n\t"), strings.Join(wantEnds, "\n\t"))
		}
	}
	for _, end := range gotEnds {
		id, _, _ := strings.Cut(end, "→")
		id = id[:strings.LastIndexByte(id, ' ')]
		if !slices.Contains(wantEnds, end) && s.m.has(id) { // what there never was, as is known now, may have been told
			s.fail("with day %d %s ended, want\n\t%s", day, end, strings.Join(wantEnds, "\n\t"))
		}
	}
}

// has tells whether an item was open after some day.
func (m *model) has(id string) bool {
	return slices.ContainsFunc(m.open, func(items []*modelItem) bool {
		return slices.ContainsFunc(items, func(i *modelItem) bool { return i.id == id })
	})
}

func (s *sequence) fail(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("%s\n%s", fmt.Sprintf(format, args...), strings.Join(s.log, "\n"))
}

// tell is what happens after a run: what the newest record has to tell goes out, and is
// taken or not. People must hear what they do not know, and nothing twice.
func (s *sequence) tell() {
	s.t.Helper()
	day := len(s.m.days) - 1
	link := s.p.links[s.first+Date(day)]
	opened, closed := link.Record.Untold()
	items := make(map[string]*modelItem) // that were wrong at some time, with what they came to
	over := make(map[string]modelEnd)
	for n := range s.m.days {
		for _, e := range s.m.ended[n] {
			over[e.id] = e
		}
	}
	for _, i := range s.m.open[day] {
		items[i.id] = i
	}
	var begins []*modelItem
	ends := make(map[string]string) // the reason
	for id, i := range items {
		if open, known := s.heard[id]; !known || !open {
			begins = append(begins, i)
		}
	}
	for id, e := range over {
		open, known := s.heard[id]
		switch {
		case day-e.day >= 30:
		case !known:
			begins = append(begins, e.modelItem)
			ends[id] = e.reason
		case open:
			ends[id] = e.reason
		}
	}
	for id, open := range s.heard {
		if _, ended := over[id]; items[id] == nil && !ended && open {
			ends[id] = "corrected" // or another: nothing says so any more
		}
	}
	gotOpened := spellModel(opened, s.first)
	for id, e := range over { // what people heard the end of, and was found open again and over since
		if open, known := s.heard[id]; known && !open && slices.Contains(gotOpened, e.spell()) {
			begins = append(begins, e.modelItem)
			ends[id] = e.reason
		}
	}
	slices.SortFunc(begins, weighty)
	var want []string
	for _, i := range begins {
		want = append(want, i.spell())
	}
	if got := gotOpened; !slices.Equal(got, want) {
		s.fail("after day %d people are to hear of\n\t%s\nwant\n\t%s", day, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	got := make(map[string]string)
	for _, c := range closed {
		for _, word := range spellModel([]Alert{c.Alert}, s.first) {
			id := word[:strings.LastIndexByte(word[:strings.Index(word, "→")], ' ')]
			if _, twice := got[id]; twice {
				s.fail("after day %d people are to hear twice that %s is over", day, id)
			}
			got[id] = c.Reason
		}
	}
	for id, reason := range got {
		if w, there := ends[id]; !there || w != reason && w != "corrected" {
			s.fail("after day %d people are to hear that %s is over: %s; want %q", day, id, reason, w)
		}
	}
	for id, reason := range ends {
		opened, _ := strconv.Atoi(id[strings.LastIndexByte(id, ' ')+1:])
		if _, there := got[id]; !there && !(reason == "corrected" && day-opened >= 30) { // no news any more
			s.fail("after day %d nobody hears that %s is over: %s", day, id, reason)
		}
	}
	if s.IntN(3) == 0 {
		s.log = append(s.log, "nobody takes it")
		return
	}
	for _, i := range begins {
		s.heard[i.id] = true
	}
	s.note("people hear of %d items, and that %v are over", len(begins), ends)
	for id := range ends {
		s.heard[id] = false
	}
	link.Record = link.Record.Tell()
	s.p.links[s.first+Date(day)] = link
	if opened, closed := link.Record.Untold(); len(opened)+len(closed) > 0 {
		s.fail("after day %d was told %v, %v are left", day, opened, closed)
	}
}

// TestModel plays random histories. MODEL says how many, and from which seed on, such as
// 5000 or 1@1234.
func TestModel(t *testing.T) {
	count, from := 200, uint64(0)
	if spelt := os.Getenv("MODEL"); spelt != "" {
		n, seed, _ := strings.Cut(spelt, "@")
		var err error
		if count, err = strconv.Atoi(n); err != nil {
			t.Fatal(err)
		}
		from, _ = strconv.ParseUint(seed, 10, 64)
	}
	for seed := from; seed < from+uint64(count); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := &sequence{
				Rand: rand.New(rand.NewPCG(seed, 12)), t: t, p: play(t, ""), m: &model{quota: 20}, first: date(t, "2026-11-23"),
				accounts: map[string]bool{"1": true, "2": true, "3": seed%2 == 0}, types: []string{"ECS_FILE"}, sizes: map[Pair]map[string][2]int64{}, rules: DefaultRules(),
				heard: map[string]bool{},
			}
			s.p.QuotaBytes = s.m.quota
			s.play(40)
		})
	}
}

func (s *sequence) play(steps int) {
	for range steps {
		newest := len(s.m.days) - 1
		from, collected := newest, true
		switch n := s.IntN(20); {
		case newest < 0 || n < 13: // the next day
			s.drift()
			d := &modelDay{}
			s.m.days = append(s.m.days, d)
			if from = newest + 1; s.IntN(20) > 0 {
				s.collect(d, false)
			}
			s.note("day %d: %s", from, s.spell(d))
		case n < 15: // another run on the newest day, or its check
			s.collect(s.m.days[newest], false)
			s.note("day %d again: %s", newest, s.spell(s.m.days[newest]))
		case n == 15:
			s.drift()
			s.collect(s.m.days[newest], true)
			s.note("day %d overwritten: %s", newest, s.spell(s.m.days[newest]))
		case n < 18 && newest > 0: // a run for the day before comes late
			from = newest - 1
			s.collect(s.m.days[from], n == 16)
			s.note("day %d late: %s", from, s.spell(s.m.days[from]))
		default:
			from, collected = s.IntN(newest+1), false
			s.note("rebuild from day %d", from)
		}
		s.settle(from, collected)
		for day := from + 1; day < len(s.m.days); day++ {
			s.settle(day, false)
		}
		s.m.judge()
		for day := from; day < len(s.m.days); day++ {
			s.check(day)
		}
		s.tell()
	}
}

func (s *sequence) note(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf(format, args...))
}

func (s *sequence) spell(d *modelDay) string {
	if !d.ran {
		return "nobody ran"
	}
	words := []string{fmt.Sprint(d.types)}
	for _, p := range SortPairs(d.numbers) {
		words = append(words, fmt.Sprintf("%s/%s%v", p.AccountID, p.SourceType, d.numbers[p]))
	}
	for p := range d.failed {
		words = append(words, p.AccountID+"!"+p.SourceType)
	}
	for p := range d.unasked {
		words = append(words, p.AccountID+"?"+p.SourceType)
	}
	for id := range d.off {
		words = append(words, id+"~")
	}
	if d.unknown {
		words = append(words, "*")
	}
	if s.rules != DefaultRules() {
		words = append(words, s.rules.String())
	}
	return strings.Join(words, " ")
}
