package handler

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"backup-statistics/report"
)

// daysAtOnce bounds the days that a rebuild reads at once; each may hold many
// accounts.
const daysAtOnce = 8

// rebuild derives everything again from the snapshots, day by day, and writes
// what is not there or differs. It captures nothing: a day without a snapshot
// stays a gap, with the cause that its record knows.
func (h *Handler) rebuild(ctx context.Context, req Request) (*Result, error) {
	found, err := h.history(ctx)
	if err != nil {
		return nil, err
	}
	today := report.DateOf(req.At, h.Config.Zone)
	res := &Result{Action: ActionRebuild, SnapshotDate: today, TimeZone: h.Config.Zone.String(), Status: "rebuilt", Warnings: req.Warnings}
	from, to, ok := found.span(req)
	if !ok {
		res.Warnings = append(res.Warnings, "there is no day to rebuild")
		return res, nil
	}
	res.SnapshotDate, res.Rebuilt = to, &Rebuilt{From: from, To: to}
	days, err := h.rebuildDays(ctx, found, from, to, res)
	if err != nil {
		return nil, err
	}
	return res, h.rebuildLatest(ctx, found, days, res)
}

// A history is which days there are, as the keys say.
type history struct {
	snapshots map[report.Date]map[string]bool // keys by day
	records   map[report.Date]bool
}

func (h *Handler) history(ctx context.Context) (history, error) {
	found := history{make(map[report.Date]map[string]bool), make(map[report.Date]bool)}
	entries, err := h.Store.List(ctx, report.SnapshotsDir, 0)
	if err != nil {
		return found, &StoreError{err}
	}
	for _, e := range entries {
		date, _, _, err := report.ParseSnapshotKey(e.Key)
		if err != nil {
			continue // the run of that day says so
		}
		if found.snapshots[date] == nil {
			found.snapshots[date] = make(map[string]bool)
		}
		found.snapshots[date][e.Key] = true
	}
	if entries, err = h.Store.List(ctx, report.DaysDir, 0); err != nil {
		return found, &StoreError{err}
	}
	for _, e := range entries {
		if date, err := report.ParseDayKey(e.Key); err == nil {
			found.records[date] = true
		}
	}
	return found, nil
}

// span is the days to rebuild: those asked for, inside of what there is.
func (f history) span(req Request) (from, to report.Date, ok bool) {
	days := slices.AppendSeq(slices.Collect(maps.Keys(f.snapshots)), maps.Keys(f.records))
	if len(days) == 0 {
		return 0, 0, false
	}
	from, to = slices.Min(days), slices.Max(days)
	if req.From != nil {
		from = max(from, *req.From)
	}
	if req.To != nil {
		to = min(to, *req.To)
	}
	return from, to, from <= to
}

// rebuildDays derives the tables and records of a span of days, some at once.
func (h *Handler) rebuildDays(ctx context.Context, found history, from, to report.Date, res *Result) ([]report.DayRecord, error) {
	records := make([]report.DayRecord, to-from+1)
	var mu sync.Mutex
	var done atomic.Int64
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(daysAtOnce)
	for i := range records {
		all.Go(func() error {
			_, err := guard(func() (any, error) {
				d := h.newDay(from + report.Date(i))
				maps.Copy(d.keys, found.snapshots[d.date])
				if !found.records[d.date] {
					d.documents[report.DayKey(d.date)] = nil
				}
				record, err := d.derive(ctx, reasons{failed: make(map[string]error), off: make(map[string]bool)})
				if err != nil {
					return nil, err
				}
				records[i] = record
				data, err := record.Encode()
				if err == nil {
					err = d.write(ctx, report.DayKey(d.date), data)
				}
				mu.Lock()
				defer mu.Unlock()
				res.Warnings = append(res.Warnings, d.warnings...)
				res.Rebuilt.Written += d.written
				return nil, err
			})
			if err == nil {
				done.Add(1)
			}
			return err
		})
	}
	if err := all.Wait(); err != nil {
		var stored *StoreError
		if errors.As(err, &stored) {
			err = stored.Err
		}
		return nil, &StoreError{fmt.Errorf("rebuild from %v to %v, after %d of %d days: %w", from, to, done.Load(), len(records), err)}
	}
	for _, r := range records {
		switch r.Status {
		case report.Complete:
			res.Rebuilt.Complete++
		case report.Partial:
			res.Rebuilt.Partial++
		default:
			res.Rebuilt.Missing++
		}
	}
	return records, nil
}

// rebuildLatest finds the newest complete day and makes its record the latest.
func (h *Handler) rebuildLatest(ctx context.Context, found history, rebuilt []report.DayRecord, res *Result) error {
	d := h.newDay(res.Rebuilt.To)
	for _, date := range slices.Backward(slices.Sorted(maps.Keys(found.records))) {
		if date <= res.Rebuilt.To {
			break
		}
		if err := d.load(ctx, report.DayKey(date)); err != nil {
			return err
		}
		if r := d.completeRecord(report.DayKey(date)); r != nil {
			return nil // a day beyond the span is newer, and the latest already
		}
	}
	for _, r := range slices.Backward(rebuilt) {
		if r.Status != report.Complete {
			continue
		}
		data, err := r.Encode()
		if err == nil {
			err = d.write(ctx, report.LatestKey, data)
		}
		res.Rebuilt.Written += d.written
		return err
	}
	return nil
}
