package handler

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"backup-statistics/report"
)

// settlingTime is how long a day has to have lasted before it is due: a check in its
// first hours, as timers of another zone make it, is one of the day before.
const settlingTime = 6 * time.Hour

// dueDay is the newest day that a check at an instant is for.
func dueDay(at time.Time, zone *time.Location) (report.Date, []string) {
	date := report.DateOf(at, zone)
	if report.DateOf(at.Add(-settlingTime), zone) == date {
		return date, nil
	}
	return date - 1, []string{fmt.Sprintf("%s has just begun in %s, so that this is the check of %s: if TIME_ZONE was changed, change the timers as well", date, zone, date-1)}
}

// check is the watchdog. It settles the day whatever state it is in, so that a gap has
// its record, its alert and its place on the page; and it fails where a due day has no
// complete record, so that whoever hears of failed invocations hears of it: once a gap,
// on the day that it is found, since a past day can never be fetched, and on a retry of
// that check.
func (h *Handler) check(ctx context.Context, req Request) (*Result, error) {
	date, warnings := dueDay(req.At, h.Config.Zone)
	docs := newDocuments(h.Store)
	looking, stop := reserve(ctx, h.Now()) // a bucket that hangs must not keep people from being told
	defer stop()
	w := h.newWalk(docs, sync.OnceValues(func() ([]report.Pair, error) { // asked for only where a record is missing
		accounts, unknown := h.fleet(looking)
		return h.expected(accounts), unknown
	}))
	d := h.newDay(date, docs)
	if err := w.look(looking, d); err != nil {
		h.cry(ctx, date, err)
		return nil, err
	}
	gaps := &GapError{}
	doubtful, err := w.doubtful(looking, date, gaps)
	if err == nil {
		err = w.reachFrom(looking, doubtful, date, gaps)
	}
	today, failed := w.settleListed(looking, d, report.Known{
		Over: true, ReportedOn: &date, Excluded: h.Config.ExcludeAccounts,
		Cause: "no run of that day left a record: it did not run, or it could not write",
	})
	if failed == nil { // that the day is missing is known, whatever the days before it are
		gaps.add(*today.record(), date)
	}
	if err == nil {
		err = failed
	}
	if err == nil {
		err = w.finish(ctx, today)
	}
	if len(gaps.Gaps) > 0 {
		gaps.Err = err
		return nil, gaps
	}
	if err != nil {
		return nil, err
	}
	h.beat(ctx, docs, w.asked)
	res := &Result{
		Action: ActionCheck, SnapshotDate: date, TimeZone: h.Config.Zone.String(), Status: today.record().Status,
		Totals: today.record().Totals,
	}
	w.judged(res)
	res.Warnings = slices.Concat(req.Warnings, warnings, docs.warnings)
	return res, nil
}

// look reads what the check of a day begins with.
func (w *walk) look(ctx context.Context, d *day) error {
	listing, end := context.WithCancel(ctx)
	listed := make(chan error, 1)
	go func() {
		defer end()
		listed <- d.list(ctx)
	}()
	err := w.read(ctx, d.date, listing)
	if failed := <-listed; err == nil {
		err = failed
	}
	return err
}

// doubtful is the first of the days before a check's that has to be settled again: one
// that changed since its record was written, or that no check has reported yet. What the
// day's check reported before, its retry reports as well. It takes two requests for each
// day that lacks something, and none for others: which those are, the trend says.
func (w *walk) doubtful(ctx context.Context, date report.Date, gaps *GapError) (report.Date, error) {
	trend, damaged := w.documents.trend(ctx)
	for d := date - lookBack; d < date; d++ {
		if day, inside := trend.Day(d); damaged == nil && d <= trend.To && (!inside || day.Status == report.Complete) {
			continue
		}
		if ctx.Err() != nil {
			return date, &StoreError{context.Cause(ctx)}
		}
		r, err := w.documents.record(ctx, report.DayKey(d))
		if err != nil {
			return date, err
		}
		switch {
		case r == nil && (damaged != nil || d > trend.To) || r != nil && r.Status == report.Complete:
			continue
		case r == nil || r.ReportedOn == nil || !r.Stands():
			return d, nil
		}
		gaps.add(*r, date)
		gap := w.newDay(d, w.documents)
		if err := gap.list(ctx); err != nil {
			return date, err
		}
		if !gap.recordedIn(*r) {
			return d, nil
		}
	}
	return date, nil
}

// recordedIn tells whether a record lists all snapshots that are stored.
func (d *day) recordedIn(r report.DayRecord) bool {
	captured := r.Captured()
	for p := range d.listed {
		if _, there := captured[p]; !there {
			return false
		}
	}
	return true
}

// reachFrom settles the days from the first doubtful one, and says which of them the
// check reports.
func (w *walk) reachFrom(ctx context.Context, from, date report.Date, gaps *GapError) error {
	sound, err := w.soundBefore(ctx, date)
	if err != nil {
		return err
	}
	if from, err = w.soundBefore(ctx, min(from, sound)); err != nil {
		return err
	}
	if err := w.begin(ctx, from); err != nil {
		return err
	}
	for ; from < date; from++ {
		d := w.newDay(from, w.documents)
		if err := d.list(ctx); err != nil {
			return err
		}
		known := report.Known{Over: true, Cause: w.cause}
		if from >= date-lookBack { // what is older nobody can do anything about
			known.ReportedOn = &date
		}
		s, err := w.settleListed(ctx, d, known)
		if err != nil {
			return err
		}
		gaps.add(*s.record(), date)
		if err := w.pass(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// add takes in a day that a check reports.
func (e *GapError) add(r report.DayRecord, date report.Date) {
	day := r.SnapshotDate.String()
	e.Gaps = slices.DeleteFunc(e.Gaps, func(g Gap) bool { return g.Date == day })
	if r.Status != report.Complete && r.ReportedOn != nil && *r.ReportedOn == date {
		e.Gaps = append(e.Gaps, Gap{day, r.Cause})
	}
	slices.SortFunc(e.Gaps, func(a, b Gap) int { return strings.Compare(a.Date, b.Date) })
}
