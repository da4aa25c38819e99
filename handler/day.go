package handler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"backup-statistics/report"
)

// A day is what one invocation knows of a day in the store: the snapshots, most
// of them in memory since they were just written, and the documents derived from
// them. Everything is read once at most.
type day struct {
	*Handler
	date report.Date

	documents *documents

	mu      sync.Mutex
	keys    map[string]bool             // of the snapshots that are stored
	kept    map[string]*report.Snapshot // by key
	objects map[string]report.Object    // by key
	sums    map[string]string           // by key: the MD5 of each snapshot as it was written or read
	fresh   bool                        // no snapshot was there when this invocation looked
}

func (h *Handler) newDay(date report.Date, documents *documents) *day {
	return &day{
		Handler: h, date: date, documents: documents,
		keys: make(map[string]bool), kept: make(map[string]*report.Snapshot), objects: make(map[string]report.Object), sums: make(map[string]string),
	}
}

// list finds the snapshots that are stored. What else lies among them is left
// alone, and said.
func (d *day) list(ctx context.Context) (map[string]bool, error) {
	entries, err := d.Store.List(ctx, report.SnapshotsOf(d.date), 0)
	if err != nil {
		return nil, &StoreError{err}
	}
	found := make(map[string]bool, len(entries))
	for _, e := range entries {
		if _, _, _, err := report.ParseSnapshotKey(e.Key); err != nil {
			d.documents.warn("%v: it is left alone", err)
			continue
		}
		found[e.Key] = true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.Copy(d.keys, found)
	d.fresh = len(found) == 0
	return found, nil
}

func (d *day) add(s *report.Snapshot, o report.Object) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.keys[o.Key], d.kept[o.Key], d.objects[o.Key] = true, s, o
}

func (d *day) saw(key string, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sums[key] = md5Of(data)
}

// replaced finds the snapshots that are stored otherwise than this invocation knows
// them, and forgets those.
func (d *day) replaced(ctx context.Context) (map[string]bool, error) {
	entries, err := d.Store.List(ctx, report.SnapshotsOf(d.date), 0)
	if err != nil {
		return nil, &StoreError{err}
	}
	others := make(map[string]bool)
	for _, e := range entries {
		_, kept := d.kept[e.Key]
		if kept && e.MD5 == "" { // the store does not tell
			data, err := d.Store.Get(ctx, e.Key)
			if err != nil {
				return nil, &StoreError{err}
			}
			e.MD5 = md5Of(data)
		}
		if kept && e.MD5 != d.sums[e.Key] {
			others[e.Key] = true
			delete(d.kept, e.Key)
			delete(d.objects, e.Key)
		}
	}
	return others, nil
}

// snapshots are those known to be good, in the order of their keys.
func (d *day) snapshots() []report.Snapshot {
	all := make([]report.Snapshot, 0, len(d.kept))
	for _, key := range slices.Sorted(maps.Keys(d.kept)) {
		all = append(all, *d.kept[key])
	}
	return all
}

func (d *day) totals() []report.TypeTotal {
	totals, err := report.TotalsOf(d.snapshots())
	if err != nil {
		d.documents.warn("%v: totals are left out", err)
	}
	return totals
}

// readSnapshot reads a stored snapshot. One that is damaged, or lies in
// another's place, is an error that names its key; nobody overwrites it.
func (d *day) readSnapshot(ctx context.Context, key string) (*report.Snapshot, report.Object, error) {
	data, err := d.Store.Get(ctx, key)
	if err != nil {
		return nil, report.Object{}, &StoreError{err}
	}
	d.saw(key, data)
	s, err := report.DecodeSnapshot(data)
	if err == nil && s.Key() != key {
		err = fmt.Errorf("it is the snapshot of %s", s.Key())
	}
	if err != nil {
		return nil, report.Object{}, &StoreError{damaged{fmt.Errorf("read %s: %w: it is left as it is; put it right, or replace it with {\"overwrite\":true} while it is still that day", key, err)}}
	}
	s.Response = nil // large, and derived documents have no use for it
	return &s, report.NewObject(key, data, 1), nil
}

// A damaged error is about a document that was read, and will be the same when it
// is read again.
type damaged struct{ error }

// What a run knows of a day besides its snapshots: why some are not there.
type reasons struct {
	expected []job            // snapshots that make the day complete; nil: only the stored record can tell
	failed   map[string]error // by snapshot key
	off      map[string]bool  // accounts that have not activated Cloud Backup
	unknown  error            // why not all accounts are known
	cause    string           // of a gap that nothing else explains
}

// derive writes the day's tables, from all its snapshots, whichever run took
// them, and gives the record that vouches for them. A day without any snapshot
// gets its record alone.
func (d *day) derive(ctx context.Context, why reasons) (report.DayRecord, error) {
	var reads errgroup.Group
	reads.Go(func() error { return d.readRest(ctx, why.failed) })
	reads.Go(func() error { return d.documents.load(ctx, report.DayKey(d.date)) })
	if err := reads.Wait(); err != nil {
		return report.DayRecord{}, err
	}
	if d.fresh && d.documents.get(report.DayKey(d.date)) == nil { // then its tables are none either
		d.documents.absent(report.RegionsKey(d.date), report.TotalsKey(d.date))
	}
	if !d.fresh && len(d.keys) > 0 && d.documents.record(report.DayKey(d.date)) == nil {
		if err := d.documents.load(ctx, report.LatestKey); err != nil {
			return report.DayRecord{}, err
		}
	}
	objects, err := d.tables(ctx)
	if err != nil {
		return report.DayRecord{}, err
	}
	return d.record(why, objects)
}

// readRest reads the stored snapshots that no job of this run has in memory. A
// damaged one is that account's failure and hides no other. From a day of which
// one can't be read now nothing is derived: a complete day would seem to lack it.
func (d *day) readRest(ctx context.Context, failed map[string]error) error {
	var mu sync.Mutex
	var all errgroup.Group
	all.SetLimit(d.Config.Concurrency)
	var rest []string
	for key := range d.keys {
		if _, there := d.kept[key]; !there {
			rest = append(rest, key)
		}
	}
	for _, key := range rest {
		all.Go(func() error {
			_, err := guard(func() (any, error) {
				s, o, err := d.readSnapshot(ctx, key)
				if err == nil {
					d.add(s, o)
				}
				return nil, err
			})
			if err != nil && !errors.As(err, new(damaged)) {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed[key] = err // whatever else failed: it is what keeps the day from being whole
			} else {
				delete(failed, key) // the day has it, though this run could not renew it
			}
			return nil
		})
	}
	return all.Wait()
}

// tables writes the day's tables and says what the record shall vouch for. Where
// a day had regions and has none any more, an empty table stays: nothing here
// may delete, and it has no rows either.
func (d *day) tables(ctx context.Context) ([]report.Object, error) {
	snapshots := d.snapshots()
	objects := slices.Collect(maps.Values(d.objects))
	if len(snapshots) == 0 {
		return objects, nil
	}
	before := d.vouched(report.RegionsKey(d.date), report.TotalsKey(d.date))
	regions, err := report.RegionsTable(snapshots)
	if err != nil {
		return nil, &StoreError{fmt.Errorf("derive %s: %w", report.RegionsKey(d.date), err)}
	}
	totals, err := report.TotalsTable(snapshots)
	if err != nil {
		return nil, &StoreError{fmt.Errorf("derive %s: %w", report.TotalsKey(d.date), err)}
	}
	tables := []report.Object{
		report.NewObject(report.RegionsKey(d.date), regions.Data, regions.Rows),
		report.NewObject(report.TotalsKey(d.date), totals.Data, totals.Rows),
	}
	if slices.ContainsFunc(before, func(o report.Object) bool { return !slices.Contains(tables, o) }) {
		if err := d.withdraw(ctx); err != nil {
			return nil, err
		}
	}
	var writes errgroup.Group
	writes.Go(func() error { return d.documents.write(ctx, report.RegionsKey(d.date), regions.Data) })
	writes.Go(func() error { return d.documents.write(ctx, report.TotalsKey(d.date), totals.Data) })
	for _, o := range tables {
		if o.Rows > 0 {
			objects = append(objects, o)
		}
	}
	err = writes.Wait()
	d.documents.forget(report.RegionsKey(d.date), report.TotalsKey(d.date)) // of many accounts or days they fill the memory
	return objects, err
}

// record derives the day's record. What it cannot derive it takes from this run,
// and where this run knows nothing from the record that is stored.
func (d *day) record(why reasons, objects []report.Object) (report.DayRecord, error) {
	stored := d.vouching()
	if stored == nil {
		stored = &report.DayRecord{TimeZone: d.Config.Zone.String()}
	}
	day := report.Day{
		Date: d.date, TimeZone: stored.TimeZone, Snapshots: d.snapshots(), Objects: objects, Detected: d.Now(), Proven: d.proves(stored),
	}
	if len(day.Snapshots) > 0 { // their zone is the day's, whatever the settings say now
		day.TimeZone = day.Snapshots[0].TimeZone
	}
	switch {
	case day.Proven: // who was expected is there, and nobody else was
		why.expected, why.unknown = nil, nil
	case why.unknown != nil && stored.Status != "": // who was expected then, nobody knows better now
		why.expected = nil
	}
	day.Cause, day.Reported = stored.Cause, stored.ReportedOn
	if stored.DetectedAt != nil {
		day.Detected = *stored.DetectedAt
	}
	d.recall(&day, why, stored.Accounts)
	for key, err := range why.failed {
		_, account, sourceType, keyErr := report.ParseSnapshotKey(key)
		switch {
		case keyErr != nil:
			return report.DayRecord{}, &StoreError{keyErr}
		case notAttempted(err):
			day.NotAttempted = append(day.NotAttempted, account)
		default:
			day.Failed = append(day.Failed, report.Failure{AccountID: account, SourceType: sourceType, ErrorType: ErrorType(err), Message: err.Error()})
		}
	}
	if why.unknown != nil {
		day.Failed = append(day.Failed, report.Failure{ErrorType: ErrorType(why.unknown), Message: why.unknown.Error()})
	}
	day.NotActivated = d.lacking(slices.AppendSeq(day.NotActivated, maps.Keys(why.off))) // others did so before, and their snapshots stay
	day.Cause = cmp.Or(causeOf(day.Failed, day.NotAttempted), day.Cause, why.cause, "unknown")
	day.Cause = d.Redactor.Text(day.Cause)
	for i, f := range day.Failed {
		day.Failed[i].Message = d.Redactor.Text(f.Message)
	}
	record, err := report.NewDayRecord(day)
	if err != nil {
		return record, &StoreError{err}
	}
	return record, nil
}

// vouching is the record of the day that is stored; where that is gone or damaged,
// latest.json may be its copy.
func (d *day) vouching() *report.DayRecord {
	if r := d.documents.record(report.DayKey(d.date)); r != nil {
		return r
	}
	if r := d.documents.record(report.LatestKey); r != nil && r.SnapshotDate == d.date {
		return r
	}
	return nil
}

// proves tells whether a record says that the day is complete, or was until an
// overwrite was cut short, and nothing of that is gone since.
func (d *day) proves(r *report.DayRecord) bool {
	if r.Withdrawn() { // it lists nothing
		accounts := make(map[string]bool)
		for _, s := range d.kept {
			accounts[s.AccountID] = true
		}
		return len(accounts) >= r.Accounts.Collected
	}
	return r.Status == report.Complete && !slices.ContainsFunc(r.Objects, func(o report.Object) bool {
		return strings.HasPrefix(o.Key, report.SnapshotsDir) && d.kept[o.Key] == nil
	})
}

// recall takes over from the stored record what this run does not know better:
// of the accounts that are expected, or of all where nobody can tell any more.
func (d *day) recall(day *report.Day, why reasons, stored report.Accounts) {
	failed := make(map[string]report.Failure)
	for _, f := range stored.Failed {
		failed[report.SnapshotKey(d.date, f.AccountID, f.SourceType)] = f
	}
	if why.expected == nil {
		day.Expected = stored.Expected
		day.NotActivated, day.NotAttempted = stored.NotActivated, d.lacking(stored.NotAttempted)
		for key, f := range failed {
			if f.AccountID == "" && why.unknown != nil { // it is said anew
				continue
			}
			if _, kept := d.kept[key]; !kept && why.failed[key] == nil {
				day.Failed = append(day.Failed, f)
			}
		}
		return
	}
	accounts := make(map[string]bool)
	for _, j := range why.expected {
		accounts[j.account.ID] = true
		key := report.SnapshotKey(d.date, j.account.ID, j.sourceType)
		f, before := failed[key]
		switch _, kept := d.kept[key]; {
		case kept || why.failed[key] != nil || why.off[j.account.ID]:
		case before:
			day.Failed = append(day.Failed, f)
		case slices.Contains(stored.NotActivated, j.account.ID):
			day.NotActivated = append(day.NotActivated, j.account.ID)
		default:
			day.NotAttempted = append(day.NotAttempted, j.account.ID)
		}
	}
	day.Expected = len(accounts)
}

// lacking are the accounts of a list of which a snapshot is not stored. A record
// does not say of which source type it was; so all that are due now have to be there.
func (d *day) lacking(accounts []string) []string {
	return slices.DeleteFunc(slices.Clone(accounts), func(id string) bool {
		return !slices.ContainsFunc(d.Config.SourceTypes, func(sourceType string) bool {
			return d.kept[report.SnapshotKey(d.date, id, sourceType)] == nil
		})
	})
}

// causeOf says in a line why a day is not complete.
func causeOf(failed []report.Failure, notAttempted []string) string {
	if len(failed) == 0 && len(notAttempted) == 0 {
		return ""
	}
	if len(failed) == 0 {
		return fmt.Sprintf("%d accounts were not attempted", len(notAttempted))
	}
	first := report.SortFailures(failed)[0]
	cause := first.ErrorType + ": " + first.Message
	if more := len(failed) + len(notAttempted) - 1; more > 0 {
		cause += fmt.Sprintf(" (and %d more)", more)
	}
	return cause
}
