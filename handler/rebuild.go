package handler

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"backup-statistics/report"
)

// rebuild derives everything again from the snapshots, day by day, and writes
// what is not there or differs. It captures nothing: a day without a snapshot
// stays a gap, with the cause that its record knows. It tells nobody: what it
// finds was told when it happened.
func (h *Handler) rebuild(ctx context.Context, req Request) (*Result, error) {
	today := report.DateOf(req.At, h.Config.Zone)
	docs := newDocuments(h.Store)
	res := &Result{Action: ActionRebuild, SnapshotDate: today, TimeZone: h.Config.Zone.String(), Status: "rebuilt"}
	var found history
	var l *ledger
	var reads errgroup.Group
	reads.Go(func() (err error) { found, err = h.history(ctx, docs); return err })
	reads.Go(func() (err error) { l, err = h.openLedger(ctx, docs, today); return err })
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	from, to, ok := found.span(req)
	if !ok {
		return nil, &EventError{fmt.Errorf("there is no day to rebuild: %s", found)}
	}
	res.SnapshotDate, res.Rebuilt = to, &Rebuilt{From: from, To: to}
	l.listed, l.cause, l.afresh = found.snapshots, "unknown", true
	if first, last, _ := found.span(Request{}); l.empty || l.damaged || l.history.Head().From != first || l.to < from-1 {
		l.history, l.empty, l.damaged = report.History{}, true, false // the trend needs all days
		from, to = first, last
	} else {
		to = max(to, l.to) // what is open on later days follows from these
	}
	days, err := l.settleDays(ctx, from, to, nil, nil)
	if err != nil {
		return nil, asStoreError(fmt.Errorf("rebuild from %v to %v: %w", from, to, err))
	}
	if days = l.dueDays(days, today); len(days) > 0 {
		if err := l.fold(ctx, from, days, false); err != nil {
			return nil, err
		}
		res.Alerts = open(&l.trend)
	}
	res.Rebuilt.count(days, docs)
	res.Warnings = append(req.Warnings, docs.warnings...)
	return res, nil
}

// dueDays leaves today out as long as it may still be completed, unless the history
// has it: that it is missing is the check's to say.
func (l *ledger) dueDays(days []settled, today report.Date) []settled {
	last := days[len(days)-1].record
	known := !l.empty && last.SnapshotDate <= l.to
	if last.SnapshotDate >= today && !known && last.Status != report.Complete && last.ReportedOn == nil {
		return days[:len(days)-1]
	}
	return days
}

func (r *Rebuilt) count(days []settled, docs *documents) {
	for _, s := range days {
		if date := s.record.SnapshotDate; date >= r.From && date <= r.To {
			switch s.record.Status {
			case report.Complete:
				r.Complete++
			case report.Partial:
				r.Partial++
			default:
				r.Missing++
			}
		}
		docs.adopt(s.documents)
	}
	r.Written = docs.written
}

// A history is which days there are, as the keys say.
type history struct {
	days      []report.Date            // sorted; with a snapshot or a record
	snapshots map[report.Date][]string // keys
}

// history finds the days from the first on that has a valid document.
func (h *Handler) history(ctx context.Context, docs *documents) (history, error) {
	found := history{snapshots: make(map[report.Date][]string)}
	documents := make(map[report.Date][]string)
	for _, dir := range []string{report.DaysDir, report.SnapshotsDir} {
		entries, err := h.Store.List(ctx, dir, 0)
		if err != nil {
			return found, &StoreError{err}
		}
		for _, key := range h.ours(docs, entries) {
			date, _ := h.ourDate(key) // it is ours
			documents[date] = append(documents[date], key)
			if dir == report.SnapshotsDir {
				found.snapshots[date] = append(found.snapshots[date], key)
			}
		}
	}
	for _, date := range slices.Sorted(maps.Keys(documents)) {
		if len(found.days) == 0 {
			valid, err := h.valid(ctx, docs, documents[date], func(report.Date) bool { return true })
			if err != nil {
				return found, err
			}
			if !valid {
				continue
			}
		}
		found.days = append(found.days, date)
	}
	return found, nil
}

// String says which days there are.
func (f history) String() string {
	if len(f.days) == 0 {
		return "nothing is recorded yet"
	}
	return fmt.Sprintf("want from and to among %v to %v, which are recorded", f.days[0], f.days[len(f.days)-1])
}

// span is the days to rebuild: those asked for, inside of what there is.
func (f history) span(req Request) (from, to report.Date, ok bool) {
	if len(f.days) == 0 {
		return 0, 0, false
	}
	from, to = f.days[0], f.days[len(f.days)-1]
	if req.From != nil {
		from = max(from, *req.From)
	}
	if req.To != nil {
		to = min(to, *req.To)
	}
	return from, to, from <= to
}
