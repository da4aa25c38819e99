package handler

import (
	"context"

	"backup-statistics/report"
)

// tell posts what a day's record has that nobody was told of, and marks it as told where
// that was taken. It never fails a run: what does not arrive is a warning, the page has
// it all the same, and the next run or check tries again.
func (s *settled) tell(ctx context.Context) {
	if s.quiet {
		return
	}
	opened, closed := s.record().Untold()
	for _, a := range opened {
		s.Log.Warn("alert opened", "rule", a.Rule, "date", a.Opened.String(), "items", len(a.Items))
	}
	for _, c := range closed {
		s.Log.Info("alert closed", "rule", c.Rule, "date", c.Opened.String(), "reason", c.Reason)
	}
	if s.Notifier == nil || len(opened)+len(closed) == 0 {
		return
	}
	ctx, stop := reserve(ctx, s.Now())
	defer stop()
	_, err := guard(func() (any, error) {
		return nil, s.Notifier.Notify(ctx, Notice{
			Text:         s.Config.readers().Message(report.News{Date: s.date, Opened: opened, Closed: closed, Use: s.link.Figures.Use(s.Config.FreeQuotaBytes)}),
			SnapshotDate: s.date, TimeZone: s.record().TimeZone,
			Opened: opened, Closed: append([]report.ClosedAlert{}, closed...),
		})
	})
	switch {
	case PerhapsDelivered(err): // to tell it again may tell it twice
		s.Log.Warn("alerts are perhaps delivered", "error", err)
		s.documents.warn("%d alerts that opened and %d that closed: %v", len(opened), len(closed), err)
	case err != nil:
		s.Log.Warn("alerts are not delivered", "error", err)
		s.documents.warn("%d alerts that opened and %d that closed could not be delivered, and go out with the next run: %v", len(opened), len(closed), err)
		return
	}
	s.link.Record = s.link.Record.Tell()
}

// beat tells somebody outside that the day is complete, and nothing of other days: who
// waits for it rings the bell where it does not come. It never fails a run.
func (h *Handler) beat(ctx context.Context, docs *documents, r *report.DayRecord) {
	if h.Heart == nil || r == nil || r.Status != report.Complete {
		return
	}
	ctx, stop := reserve(ctx, h.Now())
	defer stop()
	_, err := guard(func() (any, error) {
		return nil, h.Heart.Beat(ctx, Pulse{
			Date: r.SnapshotDate, Status: r.Status, Chain: r.Chain, Deployment: h.Config.readers().Deployment,
		})
	})
	if err != nil {
		h.Log.Warn("the heartbeat is not delivered", "error", err)
		docs.warn("the heartbeat is not delivered: %v", err)
	}
}

// cry tells people that the check itself could not do its work: the one case in
// which neither record nor page can say so. On a retry it was said before.
func (h *Handler) cry(ctx context.Context, date report.Date, err error) {
	if h.Notifier == nil || h.Retry > 0 {
		return
	}
	_, failed := guard(func() (any, error) {
		return nil, h.Notifier.Notify(ctx, Notice{
			Text:         h.Config.readers().Wrong(date, cut(h.Redactor.Text(err.Error()), 1000)), // chats limit what they take
			SnapshotDate: date, TimeZone: h.Config.Zone.String(), Opened: []report.Alert{}, Closed: []report.ClosedAlert{},
		})
	})
	if failed != nil {
		h.Log.Warn("an alert is not delivered", "error", failed)
	}
}
