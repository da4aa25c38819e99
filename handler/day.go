package handler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"backup-statistics/handler/store"
	"backup-statistics/report"
)

// A day is the snapshots of one day as an invocation knows them: those that are
// stored, most of them in memory since they were just written.
type day struct {
	*Handler
	date      report.Date
	documents *documents

	mu      sync.Mutex
	listed  map[report.Pair]bool   // is stored
	kept    map[report.Pair]*found // can be read
	damaged map[report.Pair]error  // can't, and will not be
	fresh   bool                   // no snapshot was there when this invocation looked
}

func (h *Handler) newDay(date report.Date, documents *documents) *day {
	return &day{
		Handler: h, date: date, documents: documents,
		listed: make(map[report.Pair]bool), kept: make(map[report.Pair]*found), damaged: make(map[report.Pair]error),
	}
}

// list finds the snapshots that are stored.
func (d *day) list(ctx context.Context) error {
	entries, err := d.Store.List(ctx, report.SnapshotsOf(d.date), 0)
	if err != nil {
		return &StoreError{err}
	}
	d.find(entries)
	return nil
}

// find takes in what a listing says of the day. What else lies there is left alone,
// and said.
func (d *day) find(entries []store.Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range entries {
		_, account, sourceType, err := report.ParseSnapshotKey(e.Key)
		if err != nil {
			d.documents.warn("%v: it is left alone", err)
			continue
		}
		d.listed[report.Pair{AccountID: account, SourceType: sourceType}] = true
	}
	d.fresh = len(d.listed) == 0
}

// has tells whether a snapshot is stored.
func (d *day) has(p report.Pair) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.listed[p]
}

func (d *day) key(p report.Pair) string { return report.SnapshotKey(d.date, p.AccountID, p.SourceType) }

func (d *day) add(f *found) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := report.Pair{AccountID: f.snapshot.AccountID, SourceType: f.snapshot.SourceType}
	d.listed[p], d.kept[p] = true, f
	delete(d.damaged, p)
}

// A found snapshot is one with what it is stored as.
type found struct {
	snapshot *report.Snapshot // without the service's answer, which is large
	object   report.Object
	md5      string // by which a listing knows it
}

// snapshots are those known to be good, in the order of their keys. The day goes on with
// this list: of thousands of accounts a second one is a part of the memory.
func (d *day) snapshots() []report.Snapshot {
	all := make([]report.Snapshot, 0, len(d.kept))
	for i, p := range report.SortPairs(d.kept) {
		all = append(all, *d.kept[p].snapshot)
		d.kept[p].snapshot = &all[i]
	}
	return all
}

// objects are what those snapshots are stored as.
func (d *day) objects() []report.Object {
	all := make([]report.Object, 0, len(d.kept))
	for _, f := range d.kept {
		all = append(all, f.object)
	}
	return all
}

// read reads a stored snapshot. One that is damaged, or lies in another's place, is an
// error that names its key; nobody overwrites it.
func (d *day) read(ctx context.Context, p report.Pair) (*found, error) {
	key := d.key(p)
	data, err := d.Store.Get(ctx, key)
	if err != nil {
		return nil, &StoreError{err}
	}
	s, err := report.DecodeSnapshot(data)
	if err == nil && s.Key() != key {
		err = fmt.Errorf("it is the snapshot of %s", s.Key())
	}
	if err != nil {
		return nil, &StoreError{damaged{fmt.Errorf("read %s: %w: it is left as it is; put it right, or replace it with {\"overwrite\":true} while it is still that day", key, err)}}
	}
	s.Response = nil // large, and derived documents have no use for it
	return &found{&s, report.NewObject(key, data, 1), md5Of(data)}, nil
}

// mayChange tells whether another run may replace what this one wrote or read: on a
// bucket that keeps versions, and by an overwrite.
func (d *day) mayChange(overwrite bool) bool {
	bucket, ok := d.Store.(interface{ KeepsVersions() bool })
	return overwrite || ok && bucket.KeepsVersions()
}

// changed looks at the snapshots again, and lets go of those that are not what this
// invocation knows.
func (d *day) changed(ctx context.Context) (again bool, err error) {
	entries, err := d.Store.List(ctx, report.SnapshotsOf(d.date), 0)
	if err != nil {
		return false, &StoreError{err}
	}
	d.find(entries)
	for _, e := range entries {
		_, account, sourceType, err := report.ParseSnapshotKey(e.Key)
		if err != nil {
			continue
		}
		p := report.Pair{AccountID: account, SourceType: sourceType}
		if e.MD5 == "" && d.kept[p] != nil { // the store does not tell
			data, err := d.Store.Get(ctx, e.Key)
			if err != nil {
				return false, &StoreError{err}
			}
			e.MD5 = md5Of(data)
		}
		if d.damaged[p] == nil && (d.kept[p] == nil || d.kept[p].md5 != e.MD5) {
			delete(d.kept, p)
			again = true
		}
	}
	return again, nil
}

// A damaged error is about a document that was read, and will be the same when it
// is read again.
type damaged struct{ error }

// readRest reads the stored snapshots that are not in memory. A damaged one is that
// account's failure and hides no other. From a day of which one can't be read now
// nothing is derived: a complete day would seem to lack it.
func (d *day) readRest(ctx context.Context) error {
	var all errgroup.Group
	all.SetLimit(d.Config.Concurrency)
	rest := slices.DeleteFunc(report.SortPairs(d.listed), func(p report.Pair) bool { return d.kept[p] != nil })
	for _, p := range rest {
		all.Go(func() error {
			_, err := guard(func() (any, error) {
				f, err := d.read(ctx, p)
				if err == nil {
					d.add(f)
				}
				return nil, err
			})
			if err == nil || !errors.As(err, new(damaged)) {
				return err
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			d.damaged[p] = err
			return nil
		})
	}
	return all.Wait()
}

// A place is where the chain of days goes on: the record of the day before, nil where
// the history begins, and the last numbers of each account.
type place struct {
	before *report.DayRecord
	base   report.Figures
}

// after is the place behind a day that was settled in this one.
func (p place) after(s settled) place {
	return place{s.record(), s.link.Last(p.base)}
}

// settle makes the day's link of the chain.
func (d *day) settle(ctx context.Context, at place, known report.Known) (settled, error) {
	if err := d.readRest(ctx); err != nil {
		return settled{}, err
	}
	stored, err := d.vouching(ctx)
	if err != nil {
		return settled{}, err
	}
	if stored == nil && known.Names == nil && len(d.kept) > 0 {
		known.Names = d.memberNames(ctx)
	}
	failed := make(map[report.Pair]report.Failure)
	for p, f := range known.Failed {
		if d.kept[p] == nil { // else the day has it, though this run could not renew it
			failed[p] = f
		}
	}
	for p, err := range d.damaged { // whatever else failed: it is what keeps the day from being whole
		failed[p] = d.failure(err)
	}
	known.Failed, known.At, known.Cause = failed, d.Now(), d.Redactor.Text(known.Cause)
	link, err := report.Settle(report.Day{
		Date: d.date, Snapshots: d.snapshots(), Objects: d.objects(), Listed: d.listed,
		Stored: stored, Before: at.before, Base: at.base, Known: known,
	}, d.settings())
	if err != nil {
		return settled{}, &StoreError{err}
	}
	for _, w := range link.Warnings {
		d.documents.warn("%s", w)
	}
	return settled{day: d, link: link, stored: stored}, nil
}

// vouching is the day's record as it is stored; where that is gone or damaged, latest.json
// may be its copy.
func (d *day) vouching(ctx context.Context) (*report.DayRecord, error) {
	r, err := d.documents.record(ctx, report.DayKey(d.date))
	if err != nil || r != nil || d.fresh {
		return r, err
	}
	r, err = d.documents.record(ctx, report.LatestKey)
	if err != nil || r == nil || r.SnapshotDate != d.date {
		return nil, err
	}
	return r, nil
}

// A settled day is one whose link is made, and not yet written.
type settled struct {
	*day
	link   report.Link
	stored *report.DayRecord // as it was before
	quiet  bool              // nobody is told by this day
}

func (s settled) record() *report.DayRecord { return &s.link.Record }

// same tells whether the day's record is stored as it is now: then no later day follows
// otherwise than it did.
func (s settled) same() (bool, error) {
	data, err := s.link.Record.Encode()
	if err != nil {
		return false, &StoreError{err}
	}
	return string(data) == string(s.documents.get(report.DayKey(s.date))), nil
}

// namesOf are the accounts' names, as far as they have some.
func namesOf(accounts []Account) map[string]string {
	names := make(map[string]string)
	for _, a := range accounts {
		if a.Name != "" {
			names[a.ID] = a.Name
		}
	}
	return names
}

// memberNames asks for them where no run does, once an invocation: a record that was lost
// has them again. It fails nothing.
func (d *day) memberNames(ctx context.Context) map[string]string {
	if d.Members == nil {
		return nil
	}
	if d.documents.names == nil {
		ctx, stop := share(ctx, d.Now(), 10)
		defer stop()
		members, err := guard(func() ([]Account, error) { return d.Members(ctx) })
		if err != nil {
			d.Log.Warn("the accounts' names are not known", "error", d.Redactor.Text(err.Error()))
		}
		d.documents.names = namesOf(members)
	}
	return d.documents.names
}
