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

// A duty is what is due on a day: the snapshots of all accounts, or why not all are known.
type duty func() ([]report.Pair, error)

// A walk goes along the chain of days, forward, each settled from the one before. What
// it reads depends on the days it settles, not on how long the history is.
type walk struct {
	*Handler
	documents *documents
	views     *views
	place
	duty  duty              // of days that have snapshots and no record; nil: those that they have are all
	cause string            // of a gap that nothing explains
	last  settled           // the last day that was settled
	asked *report.DayRecord // the day that the walk is for
	end   report.Date       // the last day of the history; 0: not known yet
	until report.Date       // the last day of the history, where it was looked for; 0: it was not
	tabled
}

// tabled are the numbers of a day as its tables have them, which its record vouches for.
type tabled struct {
	regions, totals report.Object
	numbers         report.Figures // nil: of no day
}

func (h *Handler) newWalk(docs *documents, duty duty) *walk {
	return &walk{
		Handler: h, documents: docs, views: h.newViews(docs), duty: duty,
		cause: "no run of that day left a record",
	}
}

// lanes are the connections to the bucket that reads may take. One is kept for the first
// write of a run, which waits for none of them.
type lanes chan struct{}

func (h *Handler) newLanes() lanes { return make(lanes, h.Config.Connections()) }

// read reads what settling a day may need: a fixed set of documents, known from the
// dates alone.
func (w *walk) read(ctx context.Context, date report.Date, l lanes) error {
	keys := []string{
		report.DayKey(date - 1), report.DayKey(date), report.TrendKey,
		report.TotalsKey(date - 1), report.RegionsKey(date - 1), report.TrendCSVKey,
	}
	if date < report.DateOf(w.Now(), w.Config.Zone) { // then the history may go beyond
		keys = append(keys, report.LatestKey, report.DayKey(date+1))
	}
	var reads errgroup.Group
	for _, key := range keys {
		l <- struct{}{}
		reads.Go(func() error {
			defer func() { <-l }()
			return w.documents.load(ctx, key)
		})
	}
	if err := reads.Wait(); err != nil {
		return err
	}
	before, err := w.documents.record(ctx, report.DayKey(date-1))
	if err == nil && before != nil && len(before.Captured()) > 0 {
		_, _, err = w.fromTables(ctx, *before) // which lets go of the tables while accounts are asked
	}
	return err
}

// reach settles and writes all days before one that have to be, so that the day can be
// settled: most often none.
func (w *walk) reach(ctx context.Context, date report.Date) error {
	from, err := w.soundBefore(ctx, date)
	if err != nil {
		return err
	}
	if err := w.begin(ctx, from); err != nil {
		return err
	}
	for ; from < date; from++ {
		s, err := w.settle(ctx, from)
		if err != nil {
			return err
		}
		if err := w.pass(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// begin puts the walk before a day whose day before is sound, or is none.
func (w *walk) begin(ctx context.Context, date report.Date) (err error) {
	if w.before, err = w.documents.record(ctx, report.DayKey(date-1)); err != nil {
		return err
	}
	if w.before != nil && w.before.HistoryBegins == nil { // of an earlier version
		if err := w.complement(ctx); err != nil {
			return err
		}
	}
	if w.base, err = w.figures(ctx, w.before); err != nil || w.before == nil {
		return err
	}
	w.documents.forget(report.DayKey(date - 1)) // of thousands of accounts it is large
	facts := report.NewDayFacts(*w.before, w.base.On(date-1))
	facts.Record.Objects = nil
	w.views.before = &facts
	return nil
}

// complement finds out what a record of an earlier version does not say: when the
// history begins, which day has snapshots before it, and since when it lacks what.
func (w *walk) complement(ctx context.Context) error {
	first, err := w.firstDay(ctx, w.before.SnapshotDate)
	if err != nil {
		return err
	}
	w.before.HistoryBegins = &first
	if len(w.before.Captured()) > 0 {
		return w.complementLacking(ctx, w.before)
	}
	for d := w.before.SnapshotDate - 1; d >= first; d-- {
		r, err := w.documents.record(ctx, report.DayKey(d))
		if err != nil {
			return err
		}
		if r != nil && len(r.Captured()) > 0 {
			w.before.Previous = &d
			return nil
		}
		w.documents.forget(report.DayKey(d))
	}
	return nil
}

// complementLacking finds out when that was captured last which a record of an earlier
// version lacks. It looks back as far as a check does.
func (w *walk) complementLacking(ctx context.Context, r *report.DayRecord) error {
	lacking := make(map[report.Pair]bool)
	for _, f := range r.Accounts.Failed {
		lacking[report.Pair{AccountID: f.AccountID, SourceType: f.SourceType}] = true
	}
	for _, id := range r.Accounts.NotAttempted {
		for _, s := range w.Config.SourceTypes {
			lacking[report.Pair{AccountID: id, SourceType: s}] = true
		}
	}
	captured := r.Captured()
	maps.DeleteFunc(lacking, func(p report.Pair, _ bool) bool { return p.AccountID == "" || captured[p].Key != "" })
	for d := r.SnapshotDate - 1; len(lacking) > 0 && d > r.SnapshotDate-lookBack; d-- {
		before, err := w.documents.record(ctx, report.DayKey(d))
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

// soundBefore is the first day that has to be settled for the sake of a day: that day
// itself, where the one before has a record that stands, and the tables that go with it.
// A record does not stand while its day is being altered, and, of a day that lacks
// something, before somebody judged it to be over.
func (w *walk) soundBefore(ctx context.Context, date report.Date) (report.Date, error) {
	first := report.Date(0)
	for d := date - 1; ; d-- {
		r, err := w.documents.record(ctx, report.DayKey(d))
		if err != nil {
			return 0, err
		}
		if r != nil && r.Stands() {
			lacking, err := w.lacksTables(ctx, r)
			if err != nil {
				return 0, err
			}
			if lacking == 0 {
				return d + 1, nil
			}
			d = lacking // it is settled again: of its snapshots
		}
		if first == 0 {
			if first, err = w.firstDay(ctx, date); err != nil {
				return 0, err
			}
		}
		if d < first {
			return first, nil
		}
		if date-d == lookBack { // a long silence: somebody may know when it began
			if last, err := w.lastKnown(ctx, d); err != nil {
				return 0, err
			} else if last > first {
				d = last + 1
			}
		}
	}
}

// lacksTables is the day that a record goes on from, where its tables are not what its
// record says: 0 where they are.
func (w *walk) lacksTables(ctx context.Context, r *report.DayRecord) (report.Date, error) {
	if len(r.Captured()) == 0 && r.Previous != nil {
		var err error
		if r, err = w.documents.record(ctx, report.DayKey(*r.Previous)); err != nil || r == nil {
			return 0, err
		}
	}
	if len(r.Captured()) == 0 {
		return 0, nil
	}
	numbers, odd, err := w.fromTables(ctx, *r)
	if err != nil || numbers != nil {
		return 0, err
	}
	w.documents.warn("%s is not what %s says: it is made anew", odd, report.DayKey(r.SnapshotDate))
	return r.SnapshotDate, nil
}

// fromTables are the numbers of a day from its tables, nil where one of them is not what
// the day's record says. The tables are let go of: those of thousands of accounts are
// several times as large.
func (w *walk) fromTables(ctx context.Context, r report.DayRecord) (_ report.Figures, odd string, err error) {
	keys := []string{report.RegionsKey(r.SnapshotDate), report.TotalsKey(r.SnapshotDate)}
	var t tabled
	t.regions, _ = r.Object(keys[0])
	t.totals, _ = r.Object(keys[1])
	if w.tabled.numbers != nil && w.tabled.regions == t.regions && w.tabled.totals == t.totals {
		return w.tabled.numbers, "", nil
	}
	if err := w.documents.load(ctx, keys...); err != nil {
		return nil, "", err
	}
	defer w.documents.forget(keys...)
	for _, key := range keys {
		data := w.documents.get(key)
		if o, listed := r.Object(key); listed && !o.Holds(data) || !listed && len(data) > 0 {
			return nil, key, nil
		}
	}
	if t.numbers, err = report.ReadTables(r.SnapshotDate, w.documents.get(keys[0]), w.documents.get(keys[1])); err != nil {
		return nil, keys[1], nil
	}
	w.tabled = t
	return t.numbers, "", nil
}

// firstDay is the first day that the bucket has a valid document of ours of, up to a day.
// A document from before a history may begin, or of the future, is left alone, and so is
// one that is none.
func (w *walk) firstDay(ctx context.Context, date report.Date) (report.Date, error) {
	days := make([]report.Date, 2)
	var reads errgroup.Group
	reads.Go(func() (err error) {
		days[0], err = w.firstIn(ctx, report.SnapshotsDir+"dt=", date, func(key string) (report.Date, error) {
			d, _, _, err := report.ParseSnapshotKey(key)
			return d, err
		})
		return err
	})
	reads.Go(func() (err error) { // the history begins with a day that failed, if it does
		days[1], err = w.firstIn(ctx, report.DaysDir, date, report.ParseDayKey)
		return err
	})
	err := reads.Wait()
	return slices.Min(days), err
}

// firstIn is the first day that a folder has a valid document of, or date.
func (w *walk) firstIn(ctx context.Context, folder string, date report.Date, parse func(key string) (report.Date, error)) (report.Date, error) {
	oldest := firstDate(w.Now(), w.Config.Zone)
	for limit := 10; ; limit *= 10 {
		entries, err := w.Store.List(ctx, folder, limit)
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
				err = w.valid(ctx, e.Key, d)
			}
			if err == nil {
				return d, nil
			}
			w.views.odd(e.Key, err)
		}
		if len(entries) < limit {
			return date, nil
		}
	}
}

// valid tells whether a document that would begin the history is one of ours.
func (w *walk) valid(ctx context.Context, key string, d report.Date) error {
	if key != report.DayKey(d) {
		data, err := w.Store.Get(ctx, key)
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
	r, err := w.documents.record(ctx, key)
	if err == nil && r == nil {
		return fmt.Errorf("%s is no record", key)
	}
	return nil
}

// lastKnown is the newest day, up to one, that latest.json or the trend knows of.
func (w *walk) lastKnown(ctx context.Context, date report.Date) (last report.Date, err error) {
	newest, err := w.documents.record(ctx, report.LatestKey)
	if err != nil {
		return 0, err
	}
	oldest := firstDate(w.Now(), w.Config.Zone)
	if newest != nil && newest.SnapshotDate <= date && newest.SnapshotDate >= oldest {
		last = newest.SnapshotDate
	}
	if t, err := w.documents.trend(ctx); err == nil && t.To <= date && t.To >= oldest {
		last = max(last, t.To)
	}
	return last, nil
}

// figures are the last numbers of each account after a day: those of the newest day that
// has snapshots, and of what that day lacks, those of its last snapshot.
func (w *walk) figures(ctx context.Context, before *report.DayRecord) (report.Figures, error) {
	if before != nil && len(before.Captured()) == 0 && before.Previous != nil {
		r, err := w.documents.record(ctx, report.DayKey(*before.Previous))
		if err != nil {
			return nil, err
		}
		if r == nil {
			w.documents.warn("%s has no record: its numbers are not compared with", *before.Previous)
		}
		if r != nil && r.HistoryBegins == nil { // of an earlier version
			if err := w.complementLacking(ctx, r); err != nil {
				return nil, err
			}
		}
		before = r
	}
	if before == nil {
		return report.Figures{}, nil
	}
	figures, err := w.figuresOf(ctx, *before)
	if err != nil {
		return nil, err
	}
	return figures, w.recall(ctx, *before, figures)
}

// figuresOf are the numbers of a day from its tables, as its record vouches for them;
// where they are gone or damaged, from its snapshots.
func (w *walk) figuresOf(ctx context.Context, r report.DayRecord) (report.Figures, error) {
	if numbers, _, err := w.fromTables(ctx, r); err != nil || numbers != nil {
		w.tabled = tabled{} // whoever asks goes on from them
		return numbers, err
	}
	day := w.newDay(r.SnapshotDate, w.documents)
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
func (w *walk) recall(ctx context.Context, r report.DayRecord, figures report.Figures) error {
	last := make(map[report.Date][]report.Pair)
	for _, c := range r.Accounts.LastCaptured {
		last[c.SnapshotDate] = append(last[c.SnapshotDate], report.Pair{AccountID: c.AccountID, SourceType: c.SourceType})
	}
	for date, pairs := range last {
		then, err := w.figuresOn(ctx, date, pairs)
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

func (w *walk) figuresOn(ctx context.Context, date report.Date, pairs []report.Pair) (report.Figures, error) {
	if len(pairs) > 2 {
		r, err := w.documents.record(ctx, report.DayKey(date))
		if err != nil {
			return nil, err
		}
		w.documents.forget(report.DayKey(date))
		if r != nil {
			return w.figuresOf(ctx, *r)
		}
	}
	day := w.newDay(date, w.documents)
	for _, p := range pairs {
		day.listed[p] = true
	}
	err := day.readRest(ctx)
	return report.FiguresOf(day.snapshots()), err
}

// settle settles a day that this invocation did not collect. It is over, and what it
// lacks stays missing.
func (w *walk) settle(ctx context.Context, date report.Date) (settled, error) {
	d := w.newDay(date, w.documents)
	if err := d.list(ctx); err != nil {
		return settled{}, err
	}
	return w.settleListed(ctx, d, report.Known{Over: true, Cause: w.cause})
}

// settleListed settles a day whose snapshots are found. Where nobody recorded it, it is
// held against what is due now.
func (w *walk) settleListed(ctx context.Context, d *day, known report.Known) (settled, error) {
	stored, err := w.documents.record(ctx, report.DayKey(d.date))
	if err != nil {
		return settled{}, err
	}
	if stored == nil && len(d.listed) > 0 && w.duty != nil {
		due, unknown := w.duty()
		known.Due = due
		known.Unknown = w.unknown(unknown)
	}
	s, err := d.settle(ctx, w.place, known)
	if err != nil {
		return s, asStoreError(fmt.Errorf("day %v: %w", d.date, err))
	}
	return s, nil
}

// unknown is why not all accounts are known, nil where they are.
func (h *Handler) unknown(err error) *report.Failure {
	if err == nil {
		return nil
	}
	f := h.failure(err)
	return &f
}

// pass writes a day that is not the last one of the walk, and goes on behind it. The
// views follow with the last.
func (w *walk) pass(ctx context.Context, s settled) error {
	s.quiet = true
	if err := w.write(ctx, &s, nil); err != nil {
		return err
	}
	w.behind(s)
	w.documents.forget(report.DayKey(s.date), report.RegionsKey(s.date), report.TotalsKey(s.date))
	return nil
}

// behind goes on behind a day.
func (w *walk) behind(s settled) {
	w.views.pending = append(w.views.pending, report.NewDayFacts(*s.record(), s.link.Figures))
	w.place, w.last = w.place.after(s), s
}

// finish writes the last day of a walk: what it vouches for, then its record, with the
// views beside it. People are told in between, so that the record says whether they were.
// Where days after it are recorded, they follow from it, and are settled again as long as
// that changes them.
func (w *walk) finish(ctx context.Context, s settled) error {
	w.asked = s.record()
	if w.until == 0 {
		var err error
		if w.until, err = w.newest(ctx, s.date); err != nil {
			return err
		}
	}
	for s.date < w.until {
		same, err := s.same()
		if err != nil {
			return err
		}
		if same {
			s.quiet = true // who is told, the last day says
			break
		}
		if err := w.pass(ctx, s); err != nil {
			return err
		}
		if s, err = w.settleAgain(ctx, s.date+1); err != nil {
			return err
		}
	}
	w.behind(s)
	return w.publish(ctx, s)
}

// publish writes a day with the views beside its record. Views that can't be made keep
// no record from being written; those that can't be made in time are gone on with by the
// next run, from where this one came to.
func (w *walk) publish(ctx context.Context, s settled) error {
	if s.record().Status != report.Complete { // a run that failed may have little time left: the record says why
		if err := w.write(ctx, &s, nil); err != nil {
			return err
		}
		s.quiet, s.stored = true, s.record()
	}
	making, stop := reserve(ctx, w.Now())
	defer stop()
	views, failed := w.show(making)
	if failed != nil && making.Err() != nil { // what was made is kept, whatever took too long
		late := failed
		if views, failed = w.views.unfinished(); failed == nil && isSchemas(late) {
			failed = late // one request: no next run gets further with it
		} else {
			w.documents.warn("trend and page could not be made anew in this run's time: the next run goes on, or invoke {\"action\":\"rebuild\"} with a longer timeout (%v)", late)
		}
	}
	if err := w.write(ctx, &s, views); err != nil {
		return err
	}
	w.last = s
	return failed
}

// show makes the views of all that was settled, and the schemas that are to be written.
func (w *walk) show(ctx context.Context) (map[string][]byte, error) {
	if err := w.views.absorb(ctx); err != nil {
		return nil, err
	}
	schemas, err := w.views.missingSchemas(ctx)
	if err != nil {
		return nil, err
	}
	views, err := w.views.encode(ctx)
	maps.Copy(schemas, views)
	return schemas, err
}

// settleUntilSeen settles and writes a day until its record vouches for what is in the
// bucket. Where the bucket keeps versions, nothing keeps two runs of a day from both
// writing a snapshot: the later write is the one that is there, and neither run knows.
// So it is looked at again after the record.
func (w *walk) settleUntilSeen(ctx context.Context, d *day, known report.Known, overwrite bool) error {
	var err error
	if w.until, err = w.newest(ctx, d.date); err != nil {
		return err
	}
	known.Over = known.Over || d.date < w.until // later days are recorded: nobody completes it any more
	settle := func() error {
		s, err := d.settle(ctx, w.place, known)
		if err != nil {
			return err
		}
		return w.finish(ctx, s)
	}
	if !d.mayChange(overwrite) {
		return settle()
	}
	for at, pending := w.place, w.views.pending; ; w.place, w.views.pending = at, pending {
		if err := settle(); err != nil {
			return err
		}
		if again, err := d.changed(ctx); !again || err != nil {
			return err
		}
	}
}

// settleAgain settles a day that the history goes beyond, as over or not as it was.
func (w *walk) settleAgain(ctx context.Context, date report.Date) (settled, error) {
	r, err := w.documents.record(ctx, report.DayKey(date))
	if err != nil {
		return settled{}, err
	}
	d := w.newDay(date, w.documents)
	if err := d.list(ctx); err != nil {
		return settled{}, err
	}
	return w.settleListed(ctx, d, report.Known{Over: r == nil || r.Stands(), Cause: w.cause})
}

// newest is the last day of the history: the day itself, unless the run is for an
// earlier one. It is found out once.
func (w *walk) newest(ctx context.Context, date report.Date) (_ report.Date, err error) {
	if w.end < date {
		w.end, err = w.findNewest(ctx, date)
	}
	return w.end, err
}

func (w *walk) findNewest(ctx context.Context, date report.Date) (report.Date, error) {
	today := report.DateOf(w.Now(), w.Config.Zone)
	if date >= today {
		return date, nil
	}
	t, err := w.documents.trend(ctx)
	if err != nil {
		last, err := w.lastRecorded(ctx, date, today)
		return max(date, last), err
	}
	next, err := w.documents.record(ctx, report.DayKey(max(date, t.To)+1)) // of a run that came no further
	if err == nil && next != nil && next.SnapshotDate <= today {
		return next.SnapshotDate, nil
	}
	return min(today, max(date, t.To)), err
}
