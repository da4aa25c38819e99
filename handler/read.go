package handler

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"backup-statistics/report"
)

// lookBack is how many days a check looks back, and how many a run follows a chain that
// is broken day by day.
const lookBack = 31

// A reader reads what is stored of the days before a day, and of those behind it. What it
// reads depends on the days that it is asked for, not on how long the history is.
type reader struct {
	*Handler
	documents *documents
	tabled
	end report.Date // the last day of the history; 0: not known yet
}

// tabled are the numbers of a day as its tables have them, which its record vouches for.
type tabled struct {
	regions, totals report.Object
	numbers         report.Figures // nil: of no day
}

// read reads what settling a day may need: a fixed set of documents, known from the
// dates alone. Until what goes ahead of them has ended, such as a run's first write, a
// connection is kept for that: it waits for none of them.
func (rd *reader) read(ctx context.Context, date report.Date, ahead context.Context) error {
	keys := []string{
		report.DayKey(date - 1), report.DayKey(date), report.TrendKey,
		report.TotalsKey(date - 1), report.RegionsKey(date - 1), report.TrendCSVKey,
	}
	if date < report.DateOf(rd.Now(), rd.Config.Zone) { // then the history may go beyond
		keys = append(keys, report.LatestKey, report.DayKey(date+1))
	}
	if rd.Spare != nil {
		rd.Spare(ahead)
	}
	lanes := make(chan struct{}, rd.atOnce())
	if cap(lanes) > 1 {
		lanes <- struct{}{}
		context.AfterFunc(ahead, func() { <-lanes })
	}
	var reads errgroup.Group
	for _, key := range keys {
		lanes <- struct{}{}
		reads.Go(func() error {
			defer func() { <-lanes }()
			return rd.documents.load(ctx, key)
		})
	}
	if err := reads.Wait(); err != nil {
		return err
	}
	before, err := rd.documents.record(ctx, report.DayKey(date-1))
	if err == nil && before != nil && len(before.Captured()) > 0 {
		_, _, err = rd.fromTables(ctx, *before) // which lets go of the tables while accounts are asked
	}
	return err
}

// soundBefore is the first day that has to be settled for the sake of a day: that day
// itself, where the one before has a record that stands, and the tables that go with it.
// A record does not stand while its day is being altered, and, of a day that lacks
// something, before somebody judged it to be over.
func (rd *reader) soundBefore(ctx context.Context, date report.Date) (report.Date, error) {
	first := report.Date(0)
	for d := date - 1; ; d-- {
		r, err := rd.documents.record(ctx, report.DayKey(d))
		if err != nil {
			return 0, err
		}
		if r != nil && r.Stands() {
			lacking, err := rd.lacksTables(ctx, r)
			if err != nil {
				return 0, err
			}
			if lacking == 0 {
				return d + 1, nil
			}
			d = lacking // it is settled again: of its snapshots
		}
		if first == 0 {
			if first, err = rd.firstDay(ctx, date); err != nil {
				return 0, err
			}
		}
		if d < first {
			return first, nil
		}
		if date-d == lookBack { // a long silence: somebody may know when it began
			if last, err := rd.lastKnown(ctx, d); err != nil {
				return 0, err
			} else if last > first {
				d = last + 1
			}
		}
	}
}

// lacksTables is the day that a record goes on from, where its tables are not what its
// record says: 0 where they are.
func (rd *reader) lacksTables(ctx context.Context, r *report.DayRecord) (report.Date, error) {
	if len(r.Captured()) == 0 && r.Previous != nil {
		var err error
		if r, err = rd.documents.record(ctx, report.DayKey(*r.Previous)); err != nil || r == nil {
			return 0, err
		}
	}
	if len(r.Captured()) == 0 {
		return 0, nil
	}
	numbers, odd, err := rd.fromTables(ctx, *r)
	if err != nil || numbers != nil {
		return 0, err
	}
	rd.documents.warn("%s is not what %s says: it is made anew", odd, report.DayKey(r.SnapshotDate))
	return r.SnapshotDate, nil
}

// fromTables are the numbers of a day from its tables, nil where one of them is not what
// the day's record says. The tables are let go of: those of thousands of accounts are
// several times as large.
func (rd *reader) fromTables(ctx context.Context, r report.DayRecord) (_ report.Figures, odd string, err error) {
	keys := []string{report.RegionsKey(r.SnapshotDate), report.TotalsKey(r.SnapshotDate)}
	var t tabled
	t.regions, _ = r.Object(keys[0])
	t.totals, _ = r.Object(keys[1])
	if rd.tabled.numbers != nil && rd.tabled.regions == t.regions && rd.tabled.totals == t.totals {
		return rd.tabled.numbers, "", nil
	}
	if err := rd.documents.load(ctx, keys...); err != nil {
		return nil, "", err
	}
	defer rd.documents.forget(keys...)
	for _, key := range keys {
		data := rd.documents.get(key)
		if o, listed := r.Object(key); listed && !o.Holds(data) || !listed && len(data) > 0 {
			return nil, key, nil
		}
	}
	if t.numbers, err = report.ReadTables(r.SnapshotDate, rd.documents.get(keys[0]), rd.documents.get(keys[1])); err != nil {
		return nil, keys[1], nil
	}
	rd.tabled = t
	return t.numbers, "", nil
}

// figures are the last numbers of each account after a day: those of the newest day that
// has snapshots, and of what that day lacks, those of its last snapshot.
func (rd *reader) figures(ctx context.Context, before *report.DayRecord) (report.Figures, error) {
	if before != nil && len(before.Captured()) == 0 && before.Previous != nil {
		r, err := rd.documents.record(ctx, report.DayKey(*before.Previous))
		if err != nil {
			return nil, err
		}
		if r == nil {
			rd.documents.warn("%s has no record: its numbers are not compared with", *before.Previous)
		}
		if r != nil && r.HistoryBegins == nil { // of an earlier version
			if err := rd.complementLacking(ctx, r); err != nil {
				return nil, err
			}
		}
		before = r
	}
	if before == nil {
		return report.Figures{}, nil
	}
	figures, err := rd.figuresOf(ctx, *before)
	if err != nil {
		return nil, err
	}
	return figures, rd.recall(ctx, *before, figures)
}

// figuresOf are the numbers of a day from its tables, as its record vouches for them;
// where they are gone or damaged, from its snapshots.
func (rd *reader) figuresOf(ctx context.Context, r report.DayRecord) (report.Figures, error) {
	if numbers, _, err := rd.fromTables(ctx, r); err != nil || numbers != nil {
		rd.tabled = tabled{} // whoever asks goes on from them
		return numbers, err
	}
	day := rd.newDay(r.SnapshotDate, rd.documents)
	for p := range r.Captured() {
		day.listed[p] = true
	}
	if err := day.readRest(ctx); err != nil {
		return nil, err
	}
	return report.FiguresOf(day.snapshots()), nil
}

// recall adds the numbers of accounts that a day lacks: of several from the tables of
// the day that had them last, of one from its snapshot.
func (rd *reader) recall(ctx context.Context, r report.DayRecord, figures report.Figures) error {
	last := make(map[report.Date][]report.Pair)
	for _, c := range r.Accounts.LastCaptured {
		last[c.SnapshotDate] = append(last[c.SnapshotDate], report.Pair{AccountID: c.AccountID, SourceType: c.SourceType})
	}
	for date, pairs := range last {
		then, err := rd.figuresOn(ctx, date, pairs)
		if err != nil {
			return err
		}
		for _, p := range pairs {
			if f, there := then[p]; there {
				figures[p] = f
			}
		}
	}
	return nil
}

func (rd *reader) figuresOn(ctx context.Context, date report.Date, pairs []report.Pair) (report.Figures, error) {
	if len(pairs) > 2 {
		r, err := rd.documents.record(ctx, report.DayKey(date))
		if err != nil {
			return nil, err
		}
		rd.documents.forget(report.DayKey(date))
		if r != nil {
			return rd.figuresOf(ctx, *r)
		}
	}
	day := rd.newDay(date, rd.documents)
	for _, p := range pairs {
		day.listed[p] = true
	}
	err := day.readRest(ctx)
	return report.FiguresOf(day.snapshots()), err
}

// complement finds out what a record of an earlier version does not say: when the
// history begins, which day has snapshots before it, and since when it lacks what.
func (rd *reader) complement(ctx context.Context, before *report.DayRecord) error {
	first, err := rd.firstDay(ctx, before.SnapshotDate)
	if err != nil {
		return err
	}
	before.HistoryBegins = &first
	if len(before.Captured()) > 0 {
		return rd.complementLacking(ctx, before)
	}
	for d := before.SnapshotDate - 1; d >= first; d-- {
		r, err := rd.documents.record(ctx, report.DayKey(d))
		if err != nil {
			return err
		}
		if r != nil && len(r.Captured()) > 0 {
			before.Previous = &d
			return nil
		}
		rd.documents.forget(report.DayKey(d))
	}
	return nil
}

// complementLacking finds out when that was captured last which a record of an earlier
// version lacks. It looks back as far as a check does.
func (rd *reader) complementLacking(ctx context.Context, r *report.DayRecord) error {
	lacking := make(map[report.Pair]bool)
	for _, f := range r.Accounts.Failed {
		lacking[report.Pair{AccountID: f.AccountID, SourceType: f.SourceType}] = true
	}
	for _, id := range r.Accounts.NotAttempted {
		for _, s := range rd.Config.SourceTypes {
			lacking[report.Pair{AccountID: id, SourceType: s}] = true
		}
	}
	captured := r.Captured()
	maps.DeleteFunc(lacking, func(p report.Pair, _ bool) bool { return p.AccountID == "" || captured[p].Key != "" })
	for d := r.SnapshotDate - 1; len(lacking) > 0 && d > r.SnapshotDate-lookBack; d-- {
		before, err := rd.documents.record(ctx, report.DayKey(d))
		if err != nil {
			return err
		}
		if before == nil {
			continue
		}
		captured := before.Captured()
		for p := range lacking {
			if _, there := captured[p]; there {
				r.Accounts.LastCaptured = append(r.Accounts.LastCaptured, report.LastCapture{AccountID: p.AccountID, SourceType: p.SourceType, SnapshotDate: d})
				delete(lacking, p)
			}
		}
	}
	return nil
}

// firstDay is the first day that the bucket has a valid document of ours of, up to a day.
// A document from before a history may begin, or of the future, is left alone, and so is
// one that is none.
func (rd *reader) firstDay(ctx context.Context, date report.Date) (report.Date, error) {
	days := make([]report.Date, 2)
	var reads errgroup.Group
	reads.Go(func() (err error) {
		days[0], err = rd.firstIn(ctx, report.SnapshotsDir+"dt=", date, func(key string) (report.Date, error) {
			d, _, _, err := report.ParseSnapshotKey(key)
			return d, err
		})
		return err
	})
	reads.Go(func() (err error) { // the history begins with a day that failed, if it does
		days[1], err = rd.firstIn(ctx, report.DaysDir, date, report.ParseDayKey)
		return err
	})
	err := reads.Wait()
	return slices.Min(days), err
}

// firstIn is the first day that a folder has a valid document of, or date.
func (rd *reader) firstIn(ctx context.Context, folder string, date report.Date, parse func(key string) (report.Date, error)) (report.Date, error) {
	oldest := firstDate(rd.Now(), rd.Config.Zone)
	for limit := 10; ; limit *= 10 {
		entries, err := rd.Store.List(ctx, folder, limit)
		if err != nil {
			return 0, &StoreError{err}
		}
		for _, e := range entries {
			d, err := parse(e.Key)
			if err == nil && d < oldest {
				err = fmt.Errorf("%s is of before a history may begin", e.Key)
			}
			if err == nil && d >= date {
				return date, nil
			}
			if err == nil {
				err = rd.valid(ctx, e.Key, d)
			}
			if err == nil {
				return d, nil
			}
			rd.documents.odd(e.Key, err)
		}
		if len(entries) < limit {
			return date, nil
		}
	}
}

// valid tells whether a document that would begin the history is one of ours.
func (rd *reader) valid(ctx context.Context, key string, d report.Date) error {
	if key != report.DayKey(d) {
		data, err := rd.Store.Get(ctx, key)
		if err != nil {
			return nil // it is there: what reads the day says what is wrong with it
		}
		s, err := report.DecodeSnapshot(data)
		if err == nil && s.Key() != key {
			err = fmt.Errorf("it is the snapshot of %s", s.Key())
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	}
	r, err := rd.documents.record(ctx, key)
	if err == nil && r == nil {
		return fmt.Errorf("%s is no record", key)
	}
	return nil
}

// lastKnown is the newest day, up to one, that latest.json or the trend knows of.
func (rd *reader) lastKnown(ctx context.Context, date report.Date) (last report.Date, err error) {
	newest, err := rd.documents.record(ctx, report.LatestKey)
	if err != nil {
		return 0, err
	}
	oldest := firstDate(rd.Now(), rd.Config.Zone)
	if newest != nil && newest.SnapshotDate <= date && newest.SnapshotDate >= oldest {
		last = newest.SnapshotDate
	}
	if t, err := rd.documents.trend(ctx); err == nil && t.To <= date && t.To >= oldest {
		last = max(last, t.To)
	}
	return last, nil
}

// lastRecorded is the newest day, up to one, that the bucket has a record of; the day
// before first where there is none.
func (rd *reader) lastRecorded(ctx context.Context, first, date report.Date) (report.Date, error) {
	entries, err := rd.Store.List(ctx, report.DaysDir, 0) // ten years are four requests
	if err != nil {
		return 0, &StoreError{err}
	}
	last := first - 1
	for _, e := range entries {
		switch d, err := report.ParseDayKey(e.Key); {
		case err != nil:
			rd.documents.odd(e.Key, err)
		case d > date:
			rd.documents.odd(e.Key, fmt.Errorf("%s is of a day that is not there yet", e.Key))
		default:
			last = max(last, d)
		}
	}
	return last, nil
}

// newest is the last day of the history: the day itself, unless the run is for an
// earlier one. It is found out once.
func (rd *reader) newest(ctx context.Context, date report.Date) (_ report.Date, err error) {
	if rd.end < date {
		rd.end, err = rd.findNewest(ctx, date)
	}
	return rd.end, err
}

func (rd *reader) findNewest(ctx context.Context, date report.Date) (report.Date, error) {
	today := report.DateOf(rd.Now(), rd.Config.Zone)
	if date >= today {
		return date, nil
	}
	t, err := rd.documents.trend(ctx)
	if err != nil {
		last, err := rd.lastRecorded(ctx, date, today)
		return max(date, last), err
	}
	next, err := rd.documents.record(ctx, report.DayKey(max(date, t.To)+1)) // of a run that came no further
	if err == nil && next != nil && next.SnapshotDate <= today {
		return next.SnapshotDate, nil
	}
	return min(today, max(date, t.To)), err
}
