package handler

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"backup-statistics/report"
)

// verify reads the snapshots again, day by day, and holds them against the records and
// the chain. It writes nothing. Where the request names a chain, the last day must have
// it: whoever noted that value proves with it that nothing up to that day was altered.
func (h *Handler) verify(ctx context.Context, req Request) (*Result, error) {
	today := report.DateOf(req.At, h.Config.Zone)
	docs := newDocuments(h.Store)
	w := h.newWalk(docs, nil)
	first, from, to, err := w.span(ctx, req, today)
	if err != nil {
		return nil, err
	}
	res := &Result{Action: ActionVerify, SnapshotDate: to, TimeZone: h.Config.Zone.String(), Status: Verified, Verified: &VerifiedDays{From: from, To: to}}
	v := &verifier{walk: w}
	if err := v.begin(ctx, first, from); err != nil {
		return nil, err
	}
	if req.Chain != "" && !v.proves {
		return nil, &EventError{fmt.Errorf("chain can't be held against the days from %v on: %s: want from not later than %v, or a rebuild before", from, v.why, first)}
	}
	working, stop := reserve(ctx, h.Now())
	defer stop()
	days := w.snapshotsFrom(from, to)
	for d := from; d <= to; d++ {
		entries, err := days.of(working, d)
		if err == nil {
			day := h.newDay(d, docs)
			day.find(entries)
			err = v.look(working, day)
		}
		if err != nil && working.Err() != nil && d > from {
			res.Status, res.Next = Unfinished, &d
			break
		}
		if err != nil {
			return nil, err
		}
		res.Verified.Days++
	}
	res.Verified.Snapshots = v.snapshots
	if res.Next == nil { // it is the last day's
		res.Chain = v.chain
	}
	if req.Chain != "" && res.Next == nil && v.chain != req.Chain {
		v.found = append(v.found, fmt.Sprintf("%v: the chain is %s, and %s was noted: something up to that day was altered, or the day is another", to, cmpOr(v.chain, "none"), req.Chain))
	}
	if len(v.found) > 0 {
		return nil, &IntegrityError{v.found, v.first, res.Next}
	}
	res.Warnings = append(req.Warnings, docs.warnings...)
	return res, nil
}

func cmpOr(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// A verifier holds days against their records, in their order.
type verifier struct {
	*walk
	chain     string // up to the day before; empty: there is none, or nobody knows
	proves    bool   // the chain is known
	why       string // not
	snapshots int
	found     []string
	first     report.Date
}

// begin goes on from the chain of the day before, as its record has it.
func (v *verifier) begin(ctx context.Context, first, from report.Date) error {
	if v.proves = from <= first; v.proves {
		return nil
	}
	r, err := v.documents.record(ctx, report.DayKey(from-1))
	if err != nil {
		return err
	}
	switch {
	case r == nil:
		v.why = fmt.Sprintf("%v has no record", from-1)
	case r.Chain == "" && (r.HistoryBegins == nil || r.Previous != nil || len(r.Captured()) > 0):
		v.why = report.DayKey(from-1) + " has no chain, as an earlier version wrote it"
	default:
		v.chain, v.proves = r.Chain, true
		return nil
	}
	v.documents.warn("%s: what is before %v is not proven; a rebuild makes the chain", v.why, from)
	return nil
}

func (v *verifier) find(d report.Date, format string, args ...any) {
	v.found = append(v.found, d.String()+": "+fmt.Sprintf(format, args...))
}

// look reads the snapshots of a day, one by one, and keeps their sums alone.
func (v *verifier) look(ctx context.Context, d *day) error {
	r, err := v.documents.record(ctx, report.DayKey(d.date))
	v.documents.forget(report.DayKey(d.date))
	if err != nil {
		return err
	}
	recorded := make(map[report.Pair]report.Object)
	if r != nil {
		recorded = r.Captured()
	}
	pairs := report.SortPairs(d.listed)
	objects := make([]report.Object, len(pairs))
	var reads errgroup.Group
	reads.SetLimit(v.atOnce())
	for i, p := range pairs {
		reads.Go(func() error {
			data, err := v.Store.Get(ctx, d.key(p))
			if err != nil {
				return &StoreError{err}
			}
			objects[i] = report.NewObject(d.key(p), data, 1)
			return nil
		})
	}
	if err := reads.Wait(); err != nil {
		return err
	}
	v.snapshots += len(objects)
	for i, p := range pairs {
		was, there := recorded[p]
		delete(recorded, p)
		switch {
		case !there:
			v.find(d.date, "%s was never recorded", objects[i].Key)
		case was.SHA256 != objects[i].SHA256:
			v.find(d.date, "%s was altered: its SHA-256 is %s, and %s was recorded", objects[i].Key, objects[i].SHA256, was.SHA256)
		}
	}
	for _, p := range report.SortPairs(recorded) {
		v.find(d.date, "%s is missing", recorded[p].Key)
	}
	switch {
	case v.proves:
		v.chain = report.Chain(v.chain, d.date, objects)
	case r != nil && r.Chain != "": // from here on it can be followed
		v.chain, v.proves = r.Chain, true
	}
	if r != nil && r.Chain != "" && r.Chain != v.chain && v.first == 0 {
		v.first = d.date
		v.find(d.date, "the chain differs from this day on: it is %s, and %s was recorded", v.chain, r.Chain)
	}
	return nil
}
