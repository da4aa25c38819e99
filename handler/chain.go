package handler

import (
	"context"
	"fmt"
	"maps"

	"backup-statistics/report"
)

// A duty is what is due on a day: the snapshots of all accounts, or why not all are known.
type duty func() ([]report.Pair, error)

// A walk goes along the chain of days, forward, each settled from the one before. What
// it reads depends on the days it settles, not on how long the history is.
type walk struct {
	*reader
	views *views
	place
	duty  duty              // of days that have snapshots and no record; nil: those that they have are all
	cause string            // of a gap that nothing explains
	last  settled           // the last day that was settled
	asked *report.DayRecord // the day that the walk is for
	until report.Date       // the last day of the history, where it was looked for; 0: it was not
}

func (h *Handler) newWalk(docs *documents, duty duty) *walk {
	r := &reader{Handler: h, documents: docs}
	return &walk{reader: r, views: newViews(r), duty: duty, cause: "no run of that day left a record"}
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
		if err := w.complement(ctx, w.before); err != nil {
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

// pass writes a day that is not the last one of the walk, and goes on behind it. The
// views follow with the last.
func (w *walk) pass(ctx context.Context, s settled) error {
	s.quiet = true
	if err := s.write(ctx, nil); err != nil {
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
		if err := s.write(ctx, nil); err != nil {
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
	if err := s.write(ctx, views); err != nil {
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
	// The place to settle from again is kept where that may be needed, since of thousands
	// of accounts it is large. That the bucket keeps versions may be told by the answers to
	// this day's writes: then it is read again.
	var at *place
	var pending []report.DayFacts
	if d.mayChange(overwrite) {
		at, pending = &place{w.before, w.base}, w.views.pending
	}
	for {
		s, err := d.settle(ctx, w.place, known)
		if err != nil {
			return err
		}
		if err := w.finish(ctx, s); err != nil || !d.mayChange(overwrite) {
			return err
		}
		if again, err := d.changed(ctx); !again || err != nil {
			return err
		}
		if w.views.pending = pending; at != nil {
			w.place = *at
			continue
		}
		if err := w.begin(ctx, d.date); err != nil {
			return err
		}
		at = &place{w.before, w.base}
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

// judged adds to an answer what the walk found out: the chain of the day, what is open,
// and how the day differs from the one before.
func (w *walk) judged(res *Result) {
	if w.asked == nil {
		return
	}
	res.Chain, res.Alerts = w.asked.Chain, w.last.record().Alerts
	if t := w.views.trend; len(t.Days) > 0 {
		if t.To > w.last.date {
			res.Alerts = t.Alerts
		}
		for _, d := range t.Deltas {
			if t.CompleteDate != nil && *t.CompleteDate == w.asked.SnapshotDate && d.Days == 1 {
				res.Change = &Change{d.Since, d.Totals}
			}
		}
	}
}
