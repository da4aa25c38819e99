package handler

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"backup-statistics/report"
)

// lookBack is how many days a check looks back for gaps that no check has
// reported: a gap is reported once, on the day it is found, and not every day
// from then on, since a past day can never be fetched.
const lookBack = 31

// justBegun is how old a day is whose run may still be to come: a check then is for
// the day before. So is one whose timer stayed in another zone when TIME_ZONE changed.
const justBegun = 6 * time.Hour

// check is the watchdog. It takes the day into the history whatever state it is
// in, so that a gap has its record, its alert and its place on the page; and it
// fails where a due day has no complete record, so that whoever hears of failed
// invocations hears of it. It fails on a retry as well.
func (h *Handler) check(ctx context.Context, req Request) (*Result, error) {
	date := report.DateOf(req.At, h.Config.Zone)
	docs := newDocuments(h.Store)
	if report.DateOf(req.At.Add(-justBegun), h.Config.Zone) < date {
		docs.warn("in %v it is %s, and %v has just begun: the day that is checked is %v; where this comes each day, the timer is of another zone than TIME_ZONE", h.Config.Zone, req.At.In(h.Config.Zone).Format("15:04"), date, date-1)
		date--
	}
	looking, stop := reserve(ctx, h.Now()) // a bucket that hangs must not keep people from being told
	defer stop()
	expected := sync.OnceValues(func() ([]job, error) { // asked for only where a record is missing
		accounts, unknown := h.fleet(looking)
		return h.expected(accounts), unknown
	})
	l, today, err := h.look(looking, docs, date, expected)
	if err != nil {
		h.cry(ctx, date, err)
		return nil, err
	}
	if today.record.Status != report.Complete && today.record.ReportedOn == nil {
		today.record.ReportedOn = &date
	}
	gaps := &GapError{}
	days, from, err := l.unreported(ctx, today, expected)
	for _, s := range days {
		if r := s.record; r.Status != report.Complete && r.ReportedOn != nil && *r.ReportedOn == date {
			gaps.Gaps = append(gaps.Gaps, Gap{r.SnapshotDate.String(), r.Cause})
		}
	}
	if err == nil {
		err = l.fold(ctx, from, days, true)
	}
	if len(gaps.Gaps) > 0 {
		gaps.Err = err
		return nil, gaps
	}
	if err != nil {
		return nil, err
	}
	res := &Result{
		Action: ActionCheck, SnapshotDate: date, TimeZone: h.Config.Zone.String(), Status: today.record.Status,
		Totals: today.record.Totals, Alerts: open(&l.trend), Warnings: append(req.Warnings, docs.warnings...),
	}
	return res, nil
}

// look derives the day that the check is for. Without a record only the fleet of
// today can tell which accounts it should have.
func (h *Handler) look(ctx context.Context, docs *documents, date report.Date, expected duty) (*ledger, settled, error) {
	d := h.newDay(date, docs)
	var l *ledger
	var reads errgroup.Group
	reads.Go(func() (err error) { l, err = h.openLedger(ctx, docs, date); return err })
	reads.Go(func() error { _, err := d.list(ctx); return err })
	reads.Go(func() error { return docs.load(ctx, report.DayKey(date), report.DayKey(date-1)) })
	if err := reads.Wait(); err != nil {
		return nil, settled{}, err
	}
	why := reasons{
		failed: make(map[string]error), off: make(map[string]bool),
		cause: "no run of that day left a record: it did not run, or it could not write",
	}
	if docs.record(report.DayKey(date)) == nil && len(d.keys) > 0 {
		why.expected, why.unknown = expected()
	}
	today, err := d.settle(ctx, why)
	return l, today, err
}

// unreported settles the days that a check has to judge: those between the last
// that the history knows and today, earlier gaps that no check has reported yet, and
// yesterday where an overwrite was cut short after its check. All days from the
// first of them on are folded again.
func (l *ledger) unreported(ctx context.Context, today settled, expected duty) ([]settled, report.Date, error) {
	date := today.record.SnapshotDate
	known := map[report.Date]settled{date: today}
	from, to := date, date
	switch {
	case l.damaged:
		found, err := l.Handler.history(ctx, l.documents)
		if err != nil {
			return []settled{today}, from, err
		}
		l.listed = found.snapshots
		from, to, _ = found.span(Request{})
		from, to = min(from, date), max(to, date)
		l.history, l.empty, l.damaged = report.History{}, true, false
	case !l.empty:
		from, to = min(date, l.to+1), max(date, l.to)
		for _, d := range l.doubtful(date) {
			s, err := l.settleDay(ctx, d, expected)
			if err != nil {
				return []settled{today}, from, err
			}
			if s.record.ReportedOn == nil || *s.record.ReportedOn == date || s.record.Status == report.Complete {
				from, known[d] = min(from, d), s
			}
		}
	}
	days, err := l.settleDays(ctx, from, to, expected, known)
	if err != nil {
		return []settled{today}, from, err
	}
	for i, s := range days {
		if r := s.record; r.Status != report.Complete && r.ReportedOn == nil && r.SnapshotDate <= date && r.SnapshotDate >= date-lookBack {
			days[i].record.ReportedOn = &date
		}
	}
	return days, from, nil
}

// doubtful are the days before a check's that may have changed since the history
// took them in.
func (l *ledger) doubtful(date report.Date) (days []report.Date) {
	if r := l.documents.record(report.DayKey(date - 1)); r != nil && r.Withdrawn() {
		days = append(days, date-1)
	}
	for _, gap := range l.history.Head().Gaps {
		for d := max(gap.From, date-lookBack); d <= min(gap.To, date-1); d++ {
			if !slices.Contains(days, d) {
				days = append(days, d)
			}
		}
	}
	return days
}

// cry tells people that the check itself could not do its work: the one case in
// which neither record nor page can say so. On a retry it was said before.
func (h *Handler) cry(ctx context.Context, date report.Date, err error) {
	if h.Notifier == nil || h.Retry > 0 {
		return
	}
	_, failed := guard(func() (any, error) {
		return nil, h.Notifier.Notify(ctx, Notice{
			Text:         fmt.Sprintf("Cloud Backup statistics, %v\nThe check could not read the bucket, so nobody knows whether the day is recorded. Look at the function's role and the bucket, then invoke {\"action\":\"check\"}.\n%s\n", date, cut(h.Redactor.Text(err.Error()), 1000)), // chats limit what they take
			SnapshotDate: date, TimeZone: h.Config.Zone.String(), Opened: []report.Alert{}, Closed: []report.Alert{},
		})
	})
	if failed != nil {
		h.Log.Warn("an alert is not delivered", "error", failed)
	}
}
