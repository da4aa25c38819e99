package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Settings are what is made of a day besides its documents. They apply to the day that
// is settled and later ones.
type Settings struct {
	TimeZone   string // of a day without snapshots; others have the snapshots'
	QuotaBytes int64  // the free quota of one account, at least 1
	Rules      Rules
	Tells      bool // somebody is told of alerts
}

// A Day is all that a day's link of the chain follows from.
type Day struct {
	Date      Date
	Snapshots []Snapshot // those that could be read; without the service's answers
	Objects   []Object   // what they are stored as
	Listed    map[Pair]bool
	Stored    *DayRecord // the day's record as it is; nil: none
	Before    *DayRecord // that of the day before; nil: the history begins with this day
	Base      Figures    // each pair's last numbers before this day, where there are any
	Known     Known
}

// Known is what a run knows of a day besides what is stored.
type Known struct {
	Due          []Pair           // the snapshots that are due on the day; nil: the stored record can tell alone
	Excluded     []string         // accounts left out on purpose; nil: as stored
	Failed       map[Pair]Failure // why some are not there
	NotAttempted map[Pair]bool
	NotActivated map[string]bool   // accounts
	Unknown      *Failure          // why not all accounts are known
	Names        map[string]string // of accounts; as stored where they are not known
	Over         bool              // the day is over, or its check runs: what is missing now stays so
	Cause        string            // of a gap that nothing else explains
	ReportedOn   *Date             // the day whose check fails on it
	At           time.Time         // when all this was noticed
}

// A Link is a settled day: what is to be written of it, and what the next day is
// compared with.
type Link struct {
	Record          DayRecord
	Regions, Totals Table
	Figures         Figures // what was captured on the day
	Warnings        []string
}

// Settle makes a day's link. It is the one step by which the chain grows, in a daily
// run as in a rebuild: it needs the day's own snapshots, the record of the day before,
// and the last numbers of each account.
func Settle(d Day, s Settings) (Link, error) {
	l := Link{Figures: FiguresOf(d.Snapshots)}
	r := DayRecord{
		Schema: DaySchema, SnapshotDate: d.Date, TimeZone: d.timeZone(s), Status: Complete,
		Totals: []TypeTotal{}, Objects: []Object{}, Alerts: []Alert{},
	}
	r.Accounts = d.accounts()
	totals, err := TotalsOf(d.Snapshots)
	if err != nil {
		return l, fmt.Errorf("record of %v: %w", d.Date, err)
	}
	r.Totals = append(r.Totals, totals...)
	if err := l.tables(d, &r); err != nil {
		return l, err
	}
	switch {
	case len(d.Snapshots) == 0:
		r.Status = Missing
	case r.Accounts.lacking():
		r.Status = Partial
	}
	if r.Status != Complete {
		d.explain(&r)
		r.Over = d.Known.Over || d.Stored != nil && d.Stored.Over
	}
	r.SourceTypes = d.sourceTypes(r)
	r.Replaced = slices.ContainsFunc(d.Snapshots, func(s Snapshot) bool { return s.Replaces })
	l.Warnings = d.chain(&r)
	r.Accounts.LastCaptured = d.lastCaptured(r, l.Figures)
	d.alert(&r, l.Figures, s)
	r.Accounts.Names = d.names(r, l.Figures)
	l.Record = r
	return l, nil
}

// Last are the last numbers of each account after the link's day, given those before it:
// what the day captured, and of what it lacks, what was captured last.
func (l Link) Last(before Figures) Figures {
	if len(l.Figures) == 0 {
		return before
	}
	for _, c := range l.Record.Accounts.LastCaptured {
		pair := Pair{c.AccountID, c.SourceType}
		if f, there := before[pair]; there {
			l.Figures[pair] = f
		}
	}
	return l.Figures
}

// timeZone is the one in which the day is the snapshots' day, whatever is set now.
func (d Day) timeZone(s Settings) string {
	if len(d.Snapshots) > 0 {
		return d.Snapshots[0].TimeZone
	}
	if d.Stored != nil {
		return d.Stored.TimeZone
	}
	return s.TimeZone
}

// tables derives the day's tables, and lists what the record vouches for.
func (l *Link) tables(d Day, r *DayRecord) (err error) {
	objects := slices.Clone(d.Objects)
	if l.Regions, err = RegionsTable(d.Snapshots); err != nil {
		return fmt.Errorf("derive %s: %w", RegionsKey(d.Date), err)
	}
	if l.Totals, err = TotalsTable(d.Snapshots); err != nil {
		return fmt.Errorf("derive %s: %w", TotalsKey(d.Date), err)
	}
	for key, t := range map[string]Table{RegionsKey(d.Date): l.Regions, TotalsKey(d.Date): l.Totals} {
		if t.Rows > 0 {
			objects = append(objects, t.Object(key))
		}
	}
	r.Objects = sorted(objects, func(a, b Object) bool { return a.Key < b.Key })
	return nil
}

// chain continues the chain of the day before.
func (d Day) chain(r *DayRecord) (warnings []string) {
	begins := d.Date
	before := ""
	known := true
	if b := d.Before; b != nil {
		begins = b.SnapshotDate
		if b.HistoryBegins != nil {
			begins = *b.HistoryBegins
		}
		r.Previous, before = b.Previous, b.Chain
		if len(b.Captured()) > 0 {
			previous := b.SnapshotDate // its own: a pointer into a record keeps all days before alive
			r.Previous = &previous
		}
		known = r.Previous == nil || before != ""
	}
	r.HistoryBegins = &begins
	if known {
		r.Chain = Chain(before, d.Date, r.Objects)
		return nil
	}
	return []string{fmt.Sprintf("%s: it has no chain, since %s has none, as an earlier version wrote it: {\"action\":\"rebuild\"} makes them", DayKey(d.Date), DayKey(*r.Previous))}
}

// sourceTypes are those that were asked for: as a run knows, or somebody recorded; else
// those that the day has something of, or the day before it.
func (d Day) sourceTypes(r DayRecord) []string {
	types := make(set)
	for _, p := range d.Known.Due {
		types[p.SourceType] = true
	}
	if d.Stored != nil && len(types) == 0 {
		types = setOf(d.Stored.SourceTypes)
	}
	for pair := range r.Captured() {
		types[pair.SourceType] = true
	}
	for _, f := range r.Accounts.Failed {
		if f.SourceType != "" {
			types[f.SourceType] = true
		}
	}
	if d.Before != nil && len(types) == 0 {
		return d.Before.SourceTypes
	}
	return slices.Sorted(maps.Keys(types))
}

// proven tells whether the day was complete before, and has all of that still: then what
// became due since, and could not be had, is told and recorded, and is no duty of this day
// any more.
func (d Day) proven() bool {
	switch {
	case d.Stored == nil:
		return false
	case d.Stored.Withdrawn(): // it lists nothing
		accounts := make(map[string]bool)
		for _, s := range d.Snapshots {
			accounts[s.AccountID] = true
		}
		return len(accounts) >= d.Stored.Accounts.Collected
	}
	kept := make(map[Pair]bool, len(d.Snapshots))
	for _, s := range d.Snapshots {
		kept[Pair{s.AccountID, s.SourceType}] = true
	}
	for pair := range d.Stored.Captured() {
		if !kept[pair] {
			return false
		}
	}
	return d.Stored.Status == Complete
}

// accounts says who was due, who is there and why others are not. What the run does not
// know better it takes from the stored record.
func (d Day) accounts() Accounts {
	var stored Accounts
	if d.Stored != nil {
		stored = d.Stored.Accounts
	}
	kept := make(map[Pair]bool, len(d.Snapshots))
	for _, s := range d.Snapshots {
		kept[Pair{s.AccountID, s.SourceType}] = true
	}
	before := make(map[Pair]Failure)
	for _, f := range stored.Failed {
		before[Pair{f.AccountID, f.SourceType}] = f
	}
	due := d.Known.Due
	proven := d.proven()
	if d.Known.Unknown != nil && d.Stored != nil || proven { // who was expected then, nobody knows better now
		due = nil
	}
	failed := maps.Clone(d.Known.Failed)
	if failed == nil {
		failed = make(map[Pair]Failure)
	}
	off, unasked := set(maps.Clone(d.Known.NotActivated)), maps.Clone(d.Known.NotAttempted)
	if off == nil {
		off = make(set)
	}
	if unasked == nil {
		unasked = make(map[Pair]bool)
	}
	says := func(p Pair) bool { // this run says something of it
		_, there := failed[p]
		return there || kept[p] || unasked[p] || d.Known.NotActivated[p.AccountID]
	}
	if d.Stored == nil && d.Before != nil && d.Known.Over && len(kept) > 0 { // no snapshot says so: the day before does
		has := make(set)
		for p := range kept {
			has[p.AccountID] = true
		}
		stored.NotActivated = slices.DeleteFunc(slices.Clone(d.Before.Accounts.NotActivated), func(id string) bool { return has[id] })
	}
	wasOff, accounts := setOf(stored.NotActivated), make(set) // accounts is who is due
	for _, p := range due {
		accounts[p.AccountID] = true
		f, failedBefore := before[p]
		switch {
		case says(p):
		case failedBefore:
			failed[p] = f
		case wasOff[p.AccountID]:
			off[p.AccountID] = true
		default:
			unasked[p] = true
		}
	}
	whole := d.whole(kept)
	if due == nil {
		for p, f := range before {
			if !says(p) && (p.AccountID != "" || d.Known.Unknown == nil) {
				failed[p] = f
			}
		}
		for _, id := range stored.NotActivated {
			off[id] = true
		}
		for _, id := range stored.NotAttempted {
			if !whole[id] {
				unasked[Pair{AccountID: id}] = true
			}
		}
	}
	if d.Known.Unknown != nil && !proven {
		failed[Pair{}] = *d.Known.Unknown
	}
	expected := len(accounts)
	if due == nil {
		expected = stored.Expected
	}
	return d.count(kept, failed, unasked, off, whole, proven, expected, stored)
}

// whole are the accounts that have all that is due of them. Without knowing what is due,
// they are those that got something since the record was written, and have by now every
// source type: a record does not say of which one an account was not attempted.
func (d Day) whole(kept map[Pair]bool) set {
	whole, types := make(set), make(set)
	due, listed := d.Known.Due, map[Pair]Object(nil)
	if due == nil && d.Stored != nil {
		listed, types = d.Stored.Captured(), setOf(d.Stored.SourceTypes)
	}
	for p := range kept {
		if _, before := listed[p]; !before {
			whole[p.AccountID] = true
		}
		types[p.SourceType] = true
	}
	if due == nil {
		for id := range whole {
			for t := range types {
				due = append(due, Pair{id, t})
			}
		}
	}
	for _, p := range due {
		if !kept[p] {
			delete(whole, p.AccountID)
		}
	}
	return whole
}

// count counts an account as collected when nothing of it is missing.
func (d Day) count(kept map[Pair]bool, failed map[Pair]Failure, unasked map[Pair]bool, off, whole set, proven bool, expected int, stored Accounts) Accounts {
	lacking := make(map[string]bool)
	a := Accounts{Failed: []Failure{}, NotActivated: []string{}, NotAttempted: []string{}}
	for p, f := range failed {
		f.AccountID, f.SourceType, f.Message = p.AccountID, p.SourceType, readable(f.Message)
		a.Failed = append(a.Failed, f)
		if !proven {
			lacking[p.AccountID] = true
		}
	}
	a.Failed = SortFailures(a.Failed)
	for p := range unasked {
		if !proven {
			lacking[p.AccountID] = true
			a.NotAttempted = append(a.NotAttempted, p.AccountID)
		}
	}
	for id := range off {
		if !lacking[id] && !whole[id] { // others did so before, and their snapshots stay
			lacking[id] = true
			a.NotActivated = append(a.NotActivated, id)
		}
	}
	a.NotActivated, a.NotAttempted = names(a.NotActivated), names(a.NotAttempted)
	collected := make(map[string]bool)
	for p := range kept {
		if !lacking[p.AccountID] {
			collected[p.AccountID] = true
		}
	}
	a.Collected = len(collected)
	a.Expected = max(expected, len(collected)+len(lacking))
	a.Excluded = stored.Excluded
	if d.Known.Excluded != nil {
		a.Excluded = slices.DeleteFunc(names(d.Known.Excluded), func(id string) bool { return collected[id] }) // before it was excluded
	}
	return a
}

// explain says why the day is not complete. What nobody can derive is kept.
func (d Day) explain(r *DayRecord) {
	stored := d.Stored
	if stored == nil {
		stored = new(DayRecord)
	}
	kept := stored.Cause
	if stored.Withdrawn() {
		kept = ""
	}
	r.Cause = readable(cmp.Or(causeOf(r.Accounts), kept, d.Known.Cause, "unknown"))
	r.DetectedAt = stored.DetectedAt
	if r.DetectedAt == nil && !d.Known.At.IsZero() {
		at := d.Known.At.UTC().Truncate(time.Second)
		r.DetectedAt = &at
	}
	if r.ReportedOn = stored.ReportedOn; r.ReportedOn == nil {
		r.ReportedOn = d.Known.ReportedOn
	}
}

// causeOf says in a line why a day is not complete.
func causeOf(a Accounts) string {
	if len(a.Failed) == 0 && len(a.NotAttempted) == 0 {
		return ""
	}
	if len(a.Failed) == 0 {
		return counted(len(a.NotAttempted), "account was", "accounts were") + " not attempted"
	}
	first := a.Failed[0]
	cause := first.ErrorType + ": " + first.Message
	others := make(map[string]bool)
	for _, f := range a.Failed {
		others[f.AccountID] = true
	}
	for _, id := range a.NotAttempted {
		others[id] = true
	}
	if delete(others, first.AccountID); len(others) > 0 {
		cause += " (and " + counted(len(others), "more account", "more accounts") + ")"
	}
	return cause
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// lastCaptured says of the pairs that are missing on a day that has others when they
// were captured last. A day without any snapshot says nothing: who follows it goes on
// from the day before it.
func (d Day) lastCaptured(r DayRecord, now Figures) (last []LastCapture) {
	if len(now) == 0 {
		return nil
	}
	ids, known := r.fleet()
	off, types := setOf(r.Accounts.NotActivated), r.types()
	for _, pair := range SortPairs(d.Base) {
		if _, there := now[pair]; !there && (ids[pair.AccountID] || !known) && !off[pair.AccountID] && types.has(pair.SourceType) {
			last = append(last, LastCapture{pair.AccountID, pair.SourceType, d.Base[pair].Date})
		}
	}
	return last
}

// How many names a record keeps, and how long they are, in bytes.
const (
	mostNames = 200
	nameBytes = 64
)

// names are those of the accounts that people read of: the largest, and those that
// something is said of.
func (d Day) names(r DayRecord, now Figures) (names []AccountName) {
	known := make(map[string]string)
	if d.Stored != nil {
		for _, n := range d.Stored.Accounts.Names {
			known[n.AccountID] = n.Name
		}
	}
	maps.Copy(known, d.Known.Names)
	if len(known) == 0 {
		return nil
	}
	var ids []string
	for _, a := range largest(now.accounts()) {
		ids = append(ids, a.AccountID)
	}
	for _, i := range itemsOf(r.Alerts) {
		ids = append(ids, i.AccountID)
	}
	for _, f := range r.Accounts.Failed {
		ids = append(ids, f.AccountID)
	}
	for _, id := range ids {
		if name := cutText(printable(known[id]), nameBytes); name != "" && len(names) < mostNames {
			names = append(names, AccountName{id, name})
			delete(known, id)
		}
	}
	return sorted(names, func(a, b AccountName) bool { return a.AccountID < b.AccountID })
}

// A set of names.
type set map[string]bool

func setOf(names []string) set {
	s := make(set, len(names))
	for _, name := range names {
		s[name] = true
	}
	return s
}

// types are the source types that are asked for; nil: nobody can tell, as of a day
// without snapshots.
func (r DayRecord) types() set {
	if r.Status == Missing {
		return nil
	}
	return setOf(r.SourceTypes)
}

// has is true of every name where nobody can tell.
func (s set) has(name string) bool { return s == nil || s[name] }
