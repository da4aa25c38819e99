package handler

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"backup-statistics/handler/store"
	"backup-statistics/report"
)

// daysAtOnce bounds the days that are derived at once; each may hold many
// accounts.
const daysAtOnce = 8

// pageDays is how many days the page shows; the trend keeps all.
const pageDays = 400

// A settled day is one whose tables are written and whose record is ready to be,
// but for the alerts, which depend on the days before.
type settled struct {
	record    report.DayRecord
	facts     report.Facts
	stored    *report.DayRecord // as it was before
	documents *documents
}

// settle derives a day.
func (d *day) settle(ctx context.Context, why reasons) (settled, error) {
	record, err := d.derive(ctx, why)
	if err != nil {
		return settled{}, err
	}
	s := settled{record: record, stored: d.documents.record(report.DayKey(d.date)), documents: d.documents}
	if s.facts, err = report.NewFacts(record, d.snapshots()); err != nil {
		return s, &StoreError{err}
	}
	return s, nil
}

// A duty is what is due on a day: the snapshots of all accounts, or why not all are known.
type duty func() ([]job, error)

// A ledger is the history as the trend keeps it, which a day is entered into.
// However long it is, a run reads the same few documents of it.
type ledger struct {
	*Handler
	documents *documents
	history   report.History           // the zero value where there is none yet
	to        report.Date              // its last day
	empty     bool                     // there is no history yet
	damaged   bool                     // there should be one: it is to be made anew of all days
	fresh     bool                     // latest.json, if there is one, is of a day before
	afresh    bool                     // days are derived from their snapshots, whatever their records say
	listed    map[report.Date][]string // keys of all snapshots, where they were listed at once
	cause     string                   // of a gap that nothing explains
	trend     report.Trend             // what the history says after a day was entered; its days are the last ones
}

// openLedger reads what a run for a day needs to know of the days before.
func (h *Handler) openLedger(ctx context.Context, docs *documents, date report.Date) (*ledger, error) {
	l := &ledger{Handler: h, documents: docs, cause: "no run of that day left a record"}
	var captured, recorded []string
	var reads errgroup.Group
	reads.Go(func() error { return docs.load(ctx, report.TrendKey, report.TrendCSVKey, report.TotalsKey(date-1)) })
	reads.Go(func() (err error) { captured, err = h.firstKeys(ctx, docs, report.SnapshotsDir+"dt="); return err })
	reads.Go(func() (err error) { // the history begins with a day that failed, if it does
		recorded, err = h.firstKeys(ctx, docs, report.DaysDir)
		return err
	})
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	first := slices.Concat(captured, recorded)
	data := docs.get(report.TrendKey)
	history, err := report.OpenHistory(data)
	switch now := h.Now(); {
	case data == nil:
		l.empty = true
		l.damaged, err = h.valid(ctx, docs, first, func(d report.Date) bool { return d != date })
		return l, err
	case err == nil && history.Head().To > lastDate(now, h.Config.Zone):
		err = fmt.Errorf("it goes on to %v, and today is %v", history.Head().To, report.DateOf(now, h.Config.Zone))
	case err == nil && history.Head().From < firstDate(now.AddDate(-1, 0, 0), h.Config.Zone): // not each day, once it is that old
		err = fmt.Errorf("it begins on %v, more than ten years ago", history.Head().From)
	}
	if err != nil {
		docs.warn("%s: %v: it is made anew of all days", report.TrendKey, err)
		l.empty, l.damaged = true, true
		return l, nil
	}
	l.history, l.to = history, history.Head().To
	l.damaged, err = h.valid(ctx, docs, first, func(d report.Date) bool { return d < history.Head().From }) // an older day came back
	return l, err
}

// ourDate is the day that a key of a snapshot or a record is of. A history has the
// days of the last ten years that have begun; what lies elsewhere somebody mistyped.
func (h *Handler) ourDate(key string) (report.Date, error) {
	date, _, _, err := report.ParseSnapshotKey(key)
	if strings.HasPrefix(key, report.DaysDir) {
		date, err = report.ParseDayKey(key)
	}
	now := h.Now()
	if from, to := firstDate(now, h.Config.Zone), lastDate(now, h.Config.Zone); err == nil && (date < from || date > to) {
		err = fmt.Errorf("%s is of no day from %v to today", key, from)
	}
	return date, err
}

// firstKeys are the first keys of ours in a folder. Some that are none of ours may lie
// before them.
func (h *Handler) firstKeys(ctx context.Context, docs *documents, folder string) (keys []string, _ error) {
	for _, limit := range []int{10, 1000} {
		entries, err := h.Store.List(ctx, folder, limit)
		if err != nil {
			return nil, &StoreError{err}
		}
		if keys = h.ours(docs, entries); len(keys) > 0 || len(entries) < limit {
			break
		}
	}
	return keys, nil
}

// ours are the keys that are ours. Others are left alone, and the first of them is said.
func (h *Handler) ours(docs *documents, entries []store.Entry) (keys []string) {
	var odd error
	more := 0
	for _, e := range entries {
		switch _, err := h.ourDate(e.Key); {
		case err == nil:
			keys = append(keys, e.Key)
		case odd == nil:
			odd = err
		default:
			more++
		}
	}
	switch {
	case more > 0:
		docs.warn("%v: it is left alone (and so are %d more)", odd, more)
	case odd != nil:
		docs.warn("%v: it is left alone", odd)
	}
	return keys
}

// valid tells whether one of these documents, of a day that is asked for, is what its
// key says: an empty one, or one that somebody else left there, begins no history.
func (h *Handler) valid(ctx context.Context, docs *documents, keys []string, asked func(report.Date) bool) (bool, error) {
	for _, key := range keys {
		date, err := h.ourDate(key)
		if err != nil || !asked(date) {
			continue
		}
		data, err := h.Store.Get(ctx, key)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, &StoreError{err}
		}
		if err := is(key, data); err == nil {
			return true, nil
		}
		docs.warn("%s is none of ours: it is left alone", key)
	}
	return false, nil
}

// is tells whether a document is the snapshot or the record that its key says.
func is(key string, data []byte) error {
	if strings.HasPrefix(key, report.DaysDir) {
		r, err := report.DecodeDayRecord(data)
		if err == nil && report.DayKey(r.SnapshotDate) != key {
			err = fmt.Errorf("it is of %v", r.SnapshotDate)
		}
		return err
	}
	s, err := report.DecodeSnapshot(data)
	if err == nil && s.Key() != key {
		err = fmt.Errorf("it is %s", s.Key())
	}
	return err
}

// open is what was open before a day.
func (l *ledger) open(date report.Date) []report.Alert {
	if l.empty || l.damaged {
		return []report.Alert{}
	}
	open, err := l.history.OpenAfter(date - 1)
	if err != nil {
		l.documents.warn("%s: %v", report.TrendKey, err)
		return []report.Alert{}
	}
	return open
}

// enter takes a day into the history, together with the days between it and the
// last that the history knows, and writes what follows: the records with what is
// open after each day, latest.json, the trend and the page.
func (l *ledger) enter(ctx context.Context, s settled, expected duty) error {
	date := s.record.SnapshotDate
	if l.damaged {
		return l.renew(ctx, s, expected)
	}
	from, to := date, date
	if !l.empty {
		from, to = min(date, l.to+1), max(date, l.to)
	}
	days, err := l.settleDays(ctx, from, to, expected, map[report.Date]settled{date: s})
	if err != nil {
		return err
	}
	return l.fold(ctx, from, days, true)
}

// renew makes a history anew of all days. It is the exception, and may take
// longer than a run has; so the day itself is recorded first, and a history that
// could not be finished is a warning: the action rebuild has more time.
func (l *ledger) renew(ctx context.Context, s settled, expected duty) error {
	date := s.record.SnapshotDate
	if err := l.documents.load(ctx, report.DayKey(date-1), report.LatestKey); err != nil {
		return err
	}
	carried := s.stored
	if carried == nil {
		carried = l.documents.record(report.DayKey(date - 1))
	}
	if s.record.Alerts = []report.Alert{}; carried != nil {
		s.record.Alerts = carried.Alerts
	}
	newest := l.documents.record(report.LatestKey)
	if err := s.write(ctx); err != nil {
		return err
	}
	if newest == nil || newest.SnapshotDate <= date || newest.SnapshotDate > lastDate(l.Now(), l.Config.Zone) {
		if err := l.latest(ctx, s.record); err != nil {
			return err
		}
	}
	ctx, stop := reserve(ctx, l.Now())
	defer stop()
	found, err := l.Handler.history(ctx, l.documents)
	if err == nil {
		l.listed = found.snapshots
		from, to, _ := found.span(Request{})
		var days []settled
		days, err = l.settleDays(ctx, min(from, date), max(to, date), expected, map[report.Date]settled{date: s})
		if err == nil {
			l.history, l.empty, l.damaged = report.History{}, true, false
			err = l.fold(ctx, min(from, date), days, true)
		}
	}
	if err != nil && ctx.Err() != nil {
		l.documents.warn("the trend could not be made anew in this run's time: invoke {\"action\":\"rebuild\"} with a longer timeout (%v)", err)
		return nil
	}
	return err
}

// settleDays derives a span of days, some at once, but for those that are
// settled already. A day that no record is of is held against what is due now;
// where that is nil, the snapshots that it has are taken for all.
func (l *ledger) settleDays(ctx context.Context, from, to report.Date, expected duty, known map[report.Date]settled) ([]settled, error) {
	days := make([]settled, to-from+1)
	all, settling := errgroup.WithContext(ctx)
	all.SetLimit(daysAtOnce)
	var mu sync.Mutex
	for i := range days {
		if settling.Err() != nil { // the first that failed says why
			break
		}
		date := from + report.Date(i)
		if s, there := known[date]; there {
			days[i] = s
			continue
		}
		all.Go(func() error {
			s, err := guard(func() (settled, error) { return l.settleDay(settling, date, expected) })
			if err != nil {
				return fmt.Errorf("day %v: %w", date, err)
			}
			days[i] = s
			mu.Lock()
			defer mu.Unlock()
			l.documents.adopt(s.documents)
			return nil
		})
	}
	if err := cmp.Or(all.Wait(), context.Cause(ctx)); err != nil {
		return nil, asStoreError(err)
	}
	return days, nil
}

func (l *ledger) settleDay(ctx context.Context, date report.Date, expected duty) (settled, error) {
	d := l.newDay(date, newDocuments(l.Store))
	if l.listed != nil {
		for _, key := range l.listed[date] {
			d.keys[key] = true
		}
	} else if _, err := d.list(ctx); err != nil {
		return settled{}, err
	}
	if err := d.documents.load(ctx, report.DayKey(date)); err != nil {
		return settled{}, err
	}
	if s, ok := d.recorded(); ok && !l.afresh {
		return s, nil
	}
	why := reasons{failed: make(map[string]error), off: make(map[string]bool), cause: l.cause}
	if d.documents.record(report.DayKey(date)) == nil && len(d.keys) > 0 && expected != nil {
		why.expected, why.unknown = expected()
	}
	return d.settle(ctx, why)
}

// recorded is a day as its record has it, where that says what is missing and there is
// no snapshot that it does not know: then nothing more is to be learnt of the day, which
// may have thousands.
func (d *day) recorded() (settled, bool) {
	r := d.documents.record(report.DayKey(d.date))
	if r == nil || r.Status == report.Complete || r.Withdrawn() || r.SnapshotDate != d.date {
		return settled{}, false
	}
	known := 0
	for _, o := range r.Objects {
		if d.keys[o.Key] {
			known++
		} else if strings.HasPrefix(o.Key, report.SnapshotsDir) {
			return settled{}, false
		}
	}
	facts, err := report.NewFacts(*r, nil)
	return settled{record: *r, facts: facts, stored: r, documents: d.documents}, err == nil && known == len(d.keys)
}

// asStoreError keeps an error of a type that says who has to act.
func asStoreError(err error) error {
	var stored *StoreError
	if errors.As(err, &stored) {
		return &StoreError{fmt.Errorf("%w", trimmed{err, stored})}
	}
	return &StoreError{err}
}

// trimmed says "store" once in a chain of errors.
type trimmed struct {
	error
	stored *StoreError
}

func (t trimmed) Error() string {
	text, inner := t.error.Error(), t.stored.Error()
	return text[:len(text)-len(inner)] + t.stored.Err.Error()
}

func (t trimmed) Unwrap() error { return t.stored.Err }

// fold judges the days from one on, tells people of what changed, and writes
// what follows. What was told is what the records carry; so a run that ends in
// between may tell it once more, but never not at all.
func (l *ledger) fold(ctx context.Context, from report.Date, days []settled, tell bool) error {
	next, err := l.replace(ctx, from, days)
	for range lookBack {
		before, ok := l.history.CompleteBefore(from)
		if err == nil || l.empty || !ok {
			break
		}
		// The history may contradict what is stored of its last day: an overwrite
		// that was cut short. Then that day is judged again as well.
		earlier, failed := l.settleDays(ctx, before, from-1, nil, nil)
		if failed != nil {
			return failed
		}
		from, days = before, append(earlier, days...)
		next, err = l.replace(ctx, from, days)
	}
	if err != nil {
		return err
	}
	told, news := l.told(days), l.to // days after that are new to the history
	if l.empty {
		news = next.Head().To
	}
	l.history, l.empty, l.to = next, false, next.Head().To
	if l.trend, err = next.Window(pageDays); err != nil {
		return &StoreError{err}
	}
	if tell {
		opened, closed := report.Changes(told, l.trend.Alerts)
		passed := l.passed(news, told, days)
		l.tell(ctx, slices.Concat(opened, passed), slices.Concat(closed, passed))
	}
	judged, err := l.history.Window(len(days))
	if err != nil {
		return &StoreError{err}
	}
	if err := l.writeRecords(ctx, days, judged.Days); err != nil {
		return err
	}
	return l.publish(ctx, judged.Days)
}

func (l *ledger) replace(ctx context.Context, from report.Date, days []settled) (report.History, error) {
	facts := make([]report.Facts, len(days))
	for i, s := range days {
		facts[i] = s.facts
	}
	accounts, err := l.accountsBefore(ctx, from)
	if err != nil {
		return report.History{}, err
	}
	next, err := l.history.Replace(l.settings(), from, facts, accounts)
	if err != nil {
		return next, &StoreError{fmt.Errorf("%w: to make it anew, invoke {\"action\":\"rebuild\"}", err)}
	}
	return next, nil
}

func (l *ledger) settings() report.TrendSettings {
	return report.TrendSettings{TimeZone: l.Config.Zone.String(), QuotaBytes: l.Config.FreeQuotaBytes, Rules: l.Config.AlertRules}
}

// accountsBefore are the accounts of the last complete day before: most often
// yesterday's table, which was read beside the rest.
func (l *ledger) accountsBefore(ctx context.Context, from report.Date) ([]report.AccountTotal, error) {
	if l.empty {
		return nil, nil
	}
	before, ok := l.history.CompleteBefore(from)
	if !ok {
		return nil, nil
	}
	if err := l.documents.load(ctx, report.TotalsKey(before)); err != nil {
		return nil, err
	}
	if accounts, err := report.ParseTotals(l.documents.get(report.TotalsKey(before))); err == nil {
		return accounts, nil
	}
	s, err := l.settleDay(ctx, before, nil) // the table is gone or damaged: from the snapshots
	return s.facts.Accounts, err
}

// told is what people know to be open: what the newest of the days carried
// before, else what the history did. The record of a run that failed knows of
// nothing that was told after it, until its day is in the history.
func (l *ledger) told(days []settled) []report.Alert {
	for _, s := range slices.Backward(days) {
		r := s.stored
		if r != nil && (r.Status == report.Complete || r.Withdrawn() || r.ReportedOn != nil || !l.empty && r.SnapshotDate <= l.to) {
			return r.Alerts
		}
	}
	if l.empty {
		return nil
	}
	return l.history.Head().Alerts
}

// passed are the alerts that opened and closed on days after one, of which nobody
// was told yet: what is open now does not show them.
func (l *ledger) passed(after report.Date, told []report.Alert, days []settled) (passed []report.Alert) {
	known := slices.Concat(told, l.trend.Alerts)
	for _, s := range days {
		if s.stored != nil {
			known = append(known, s.stored.Alerts...)
		}
	}
	for _, d := range l.trend.Days {
		if d.Date > after {
			opened, _ := report.Changes(known, d.Opened)
			passed = append(passed, opened...)
		}
	}
	return passed
}

// writeRecords writes the records of the last days, each with what is open after
// it, and the newest of the complete ones as the latest.
func (l *ledger) writeRecords(ctx context.Context, days []settled, judged []report.TrendDay) error {
	open, err := l.history.OpenAfter(judged[0].Date - 1)
	if err != nil {
		return &StoreError{err}
	}
	all, writing := errgroup.WithContext(ctx)
	all.SetLimit(daysAtOnce)
	var newest *report.DayRecord
	for i, s := range days {
		open = judged[i].OpenAfter(open)
		s.record.Alerts = open
		if s.record.Status == report.Complete {
			newest = &s.record
		}
		all.Go(func() error { return s.write(writing) })
	}
	if err := all.Wait(); err != nil || newest == nil {
		return err
	}
	return l.latest(ctx, *newest)
}

func (s settled) write(ctx context.Context) error {
	return s.documents.writeRecord(ctx, report.DayKey(s.record.SnapshotDate), s.record)
}

// latest makes a complete day's record the latest, unless a newer one is.
func (l *ledger) latest(ctx context.Context, record report.DayRecord) error {
	if newest := l.trend.CompleteDate; newest != nil && *newest > record.SnapshotDate {
		return nil
	}
	if l.fresh {
		l.documents.absent(report.LatestKey)
	}
	return l.documents.writeRecord(ctx, report.LatestKey, record)
}

// publish writes what people and spreadsheets read, and the schemas where they
// differ, side by side.
func (l *ledger) publish(ctx context.Context, changed []report.TrendDay) error {
	trend, err := l.history.Encode()
	if err != nil {
		return &StoreError{err}
	}
	table, err := l.csv(changed)
	if err != nil {
		return &StoreError{err}
	}
	var page bytes.Buffer
	if err := report.Page(&page, l.trend); err != nil {
		return &StoreError{err}
	}
	writes, ctx := errgroup.WithContext(ctx)
	for key, data := range map[string][]byte{report.TrendKey: trend, report.TrendCSVKey: table, report.PageKey: page.Bytes()} {
		writes.Go(func() error { return l.documents.write(ctx, key, data) })
	}
	writes.Go(func() error { return l.schemas(ctx) })
	return writes.Wait()
}

// csv replaces the rows of the days that changed; a document that does not fit
// is made anew.
func (l *ledger) csv(changed []report.TrendDay) ([]byte, error) {
	if len(changed) < lookBack { // a run that ended between the two documents left older rows behind
		window, err := l.history.Window(lookBack)
		if err != nil {
			return nil, err
		}
		changed = window.Days
	}
	if stored := l.documents.get(report.TrendCSVKey); stored != nil && changed[0].Date > l.history.Head().From {
		if data, err := report.ReplaceCSV(stored, changed); err == nil {
			return data, nil
		}
	}
	all, err := l.history.Window(int(l.to-l.history.Head().From) + 1)
	return report.EncodeCSV(all.Days), err
}

// schemas writes those that are not there or differ: a listing tells, at the
// price of one request.
func (l *ledger) schemas(ctx context.Context) error {
	entries, err := l.Store.List(ctx, report.SchemaDir, 0)
	if err != nil {
		return &StoreError{err}
	}
	stored := make(map[string]string)
	for _, e := range entries {
		stored[e.Key] = e.MD5
	}
	var writes errgroup.Group
	for name, data := range report.Schemas() {
		key := report.SchemaDir + name
		if sum, there := stored[key]; !there {
			l.documents.absent(key)
		} else if sum == md5Of(data) {
			continue
		}
		writes.Go(func() error { return l.documents.write(ctx, key, data) })
	}
	return writes.Wait()
}

// tell posts what opened and closed to people. It never fails a run: a message
// that does not arrive is a warning, and the page has it all the same.
func (l *ledger) tell(ctx context.Context, opened, closed []report.Alert) {
	for _, a := range opened {
		l.Log.Warn("alert opened", "rule", a.Rule, "date", a.Opened.String(), "items", len(a.Items))
	}
	for _, a := range closed {
		l.Log.Info("alert closed", "rule", a.Rule, "date", a.Opened.String())
	}
	if l.Notifier == nil || len(opened)+len(closed) == 0 {
		return
	}
	ctx, stop := reserve(ctx, l.Now())
	defer stop()
	_, err := guard(func() (any, error) {
		return nil, l.Notifier.Notify(ctx, Notice{
			Text: report.Message(l.trend.To, opened, closed), SnapshotDate: l.trend.To, TimeZone: l.trend.TimeZone,
			Opened: append([]report.Alert{}, opened...), Closed: append([]report.Alert{}, closed...),
		})
	})
	switch {
	case PerhapsDelivered(err):
		l.Log.Warn("alerts are perhaps delivered", "error", err)
		l.documents.warn("%d alerts that opened and %d that closed: %v", len(opened), len(closed), err)
	case err != nil:
		l.Log.Warn("alerts are not delivered", "error", err)
		l.documents.warn("%d alerts that opened and %d that closed could not be delivered: %v", len(opened), len(closed), err)
	}
}
