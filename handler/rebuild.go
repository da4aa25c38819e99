package handler

import (
	"context"
	"fmt"

	"backup-statistics/handler/store"
	"backup-statistics/report"
)

// rebuild derives everything again from the snapshots, day by day, and writes what is
// not there or differs. It captures nothing: a day without a snapshot stays a gap, with
// the cause that its record knows. It is the step of a daily run, over and over; so it
// ends in time wherever it is, and says from where to go on.
func (h *Handler) rebuild(ctx context.Context, req Request) (*Result, error) {
	today := report.DateOf(req.At, h.Config.Zone)
	docs := newDocuments(h.Store)
	w := h.newWalk(docs, nil)
	w.cause = "unknown"
	first, from, to, err := w.span(ctx, req, today)
	if err != nil {
		return nil, err
	}
	if from > first { // a day goes on from the one before
		if from, err = w.soundBefore(ctx, from); err != nil {
			return nil, asStoreError(fmt.Errorf("rebuild from %v: %w", from, err))
		}
	}
	res := &Result{Action: ActionRebuild, SnapshotDate: to, TimeZone: h.Config.Zone.String(), Status: "rebuilt", Rebuilt: &Rebuilt{From: from, To: to}}
	if err := w.begin(ctx, from); err != nil {
		return nil, asStoreError(fmt.Errorf("rebuild from %v: %w", from, err))
	}
	working, stop := reserve(ctx, h.Now())
	defer stop()
	next, err := w.rebuildDays(ctx, working, from, to, today, res.Rebuilt)
	if err != nil {
		return nil, asStoreError(fmt.Errorf("rebuild from %v to %v: %w", from, to, err))
	}
	if next <= to {
		res.Status, res.Next = Unfinished, &next
	}
	w.judged(res)
	res.Rebuilt.Written = docs.written
	res.Warnings = append(req.Warnings, docs.warnings...)
	return res, nil
}

// viewsEvery is after how many days a rebuild that goes on writes the views: what it did
// so far must not be lost with it, nor fill its memory.
const viewsEvery = 100

// rebuildDays goes from day to day, and gives the first that it did not come to. The
// last one is finished as in a daily run, so that later days follow from it.
func (w *walk) rebuildDays(whole, ctx context.Context, from, to, today report.Date, r *Rebuilt) (next report.Date, err error) {
	days := w.snapshotsFrom(from, to)
	for d := from; d <= to; d++ {
		entries, err := days.of(ctx, d)
		if err == nil {
			err = w.rebuildDay(ctx, d, d == to, today, entries, r)
		}
		if err != nil && ctx.Err() != nil && whole.Err() == nil && d > from {
			return d, w.finishAt(whole) // the views of what was settled, in what is left of the time
		}
		if err != nil {
			return d, err
		}
		if (d-from+1)%viewsEvery == 0 && d < to {
			if err := w.views.absorb(ctx); err != nil && ctx.Err() == nil {
				return d, err
			}
		}
	}
	return to + 1, nil
}

func (w *walk) rebuildDay(ctx context.Context, date report.Date, last bool, today report.Date, entries []store.Entry, r *Rebuilt) error {
	stored, err := w.documents.record(ctx, report.DayKey(date))
	if err != nil {
		return err
	}
	d := w.newDay(date, w.documents)
	d.find(entries)
	s, err := w.settleListed(ctx, d, report.Known{Over: date < today || stored != nil && stored.Over, Cause: w.cause})
	if err != nil {
		return err
	}
	if date == today && stored == nil && s.record().Status != report.Complete && len(d.listed) == 0 {
		return w.finishAt(ctx) // today may still be captured: that it is missing is the check's to say
	}
	r.count(*s.record())
	if last {
		return w.finish(ctx, s)
	}
	return w.pass(ctx, s)
}

// finishAt publishes what the walk has come to.
func (w *walk) finishAt(ctx context.Context) error {
	if w.last.day == nil {
		return nil
	}
	return w.publish(ctx, w.last)
}

func (r *Rebuilt) count(day report.DayRecord) {
	switch day.Status {
	case report.Complete:
		r.Complete++
	case report.Partial:
		r.Partial++
	default:
		r.Missing++
	}
}

// span is the days to go through: those asked for, inside of what there is from the first
// day of the history on.
func (w *walk) span(ctx context.Context, req Request, today report.Date) (first, from, to report.Date, err error) {
	if first, err = w.firstDay(ctx, today+1); err != nil {
		return 0, 0, 0, err
	}
	from, to = first, today
	if req.To != nil {
		to = min(to, *req.To)
	}
	if req.From != nil {
		from = max(from, *req.From)
	}
	if to == today {
		if to, err = w.lastDay(ctx, first, today); err != nil {
			return 0, 0, 0, err
		}
	}
	if first > today || from > to {
		return 0, 0, 0, &EventError{fmt.Errorf("there is no day to %s: want from and to inside of the history, or neither", req.Action)}
	}
	return first, from, to, nil
}

// lastDay is the newest day, up to one, that the bucket has a record of, or a snapshot
// behind that.
func (w *walk) lastDay(ctx context.Context, first, date report.Date) (report.Date, error) {
	last, err := w.lastRecorded(ctx, first, date)
	if err != nil {
		return 0, err
	}
	for d := date; d > last && d > date-lookBack; d-- { // of days whose run wrote no record
		entries, err := w.Store.List(ctx, report.SnapshotsOf(d), 1)
		if err != nil {
			return 0, &StoreError{err}
		}
		if len(entries) > 0 {
			last = d
		}
	}
	for d := date - lookBack; d > last; {
		month := d.String()[:len("2006-01")]
		entries, err := w.Store.List(ctx, report.SnapshotsDir+"dt="+month, 0)
		if err != nil {
			return 0, &StoreError{err}
		}
		for _, e := range entries {
			if found, _, _, err := report.ParseSnapshotKey(e.Key); err == nil && found <= date {
				last = max(last, found)
			}
		}
		for d > last && d.String()[:len("2006-01")] == month {
			d--
		}
	}
	return last, nil
}

// A listing gives the snapshots of day after day: of small fleets a month at once.
type listing struct {
	*reader
	from, to report.Date
	month    string
	keys     map[report.Date][]store.Entry // of the month; nil: it has too many
}

func (rd *reader) snapshotsFrom(from, to report.Date) *listing {
	return &listing{reader: rd, from: from, to: to}
}

// manyKeys is from how many keys on a month is listed day by day.
const manyKeys = 4000

func (l *listing) of(ctx context.Context, d report.Date) ([]store.Entry, error) {
	if month := d.String()[:len("2006-01")]; month != l.month && l.to-l.from > 2 {
		entries, err := l.Store.List(ctx, report.SnapshotsDir+"dt="+month, manyKeys)
		if err != nil {
			return nil, &StoreError{err}
		}
		l.month, l.keys = month, nil
		if len(entries) < manyKeys {
			l.keys = make(map[report.Date][]store.Entry)
		}
		for _, e := range entries {
			if l.keys == nil {
				break
			}
			date, _, _, err := report.ParseSnapshotKey(e.Key)
			if err != nil {
				l.documents.odd(e.Key, err)
				continue
			}
			l.keys[date] = append(l.keys[date], e)
		}
	}
	if l.keys != nil {
		return l.keys[d], nil
	}
	entries, err := l.Store.List(ctx, report.SnapshotsOf(d), 0)
	if err != nil {
		return nil, &StoreError{err}
	}
	return entries, nil
}
