package handler

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"backup-statistics/report"
)

// withdrawn is the cause that a day's record gives while the day is altered.
const withdrawn = "what the day had is being replaced; if that was cut short, the next run of the day, a check or a rebuild completes it again"

// A vouch is what vouches for a day as complete before it is written, and what is the
// latest day without it.
type vouch struct {
	record *report.DayRecord // the day's own, if it says complete
	latest *report.DayRecord // latest.json, as far as it was read
	before *report.DayRecord // the last complete day before this one; read only where it is needed
}

// planTables says what comes before a day's record: the withdrawal of what vouches for
// documents that change, and those of the tables that are not stored as they are to be.
func planTables(s settled, v vouch, tables map[string][]byte) (p plan, err error) {
	if r := *s.record(); v.withdraws(r) {
		if p, err = v.withdraw(s); err != nil {
			return nil, err
		}
		if !v.alters(r) { // the record itself follows, and vouches for nothing
			p = slices.DeleteFunc(p, func(round map[string][]byte) bool { return round[report.LatestKey] == nil })
		}
	}
	return append(p, tables), nil
}

// planRecord says in which order a day's record is written, with latest.json where that is
// a copy of it, and what says the same of the whole history.
func planRecord(s settled, v vouch, views map[string][]byte) (p plan, _ error) {
	r := s.record()
	data, err := r.Encode()
	if err != nil {
		return nil, &StoreError{err}
	}
	own, schemas := map[string][]byte{report.DayKey(s.date): data}, make(map[string][]byte)
	if r.Status == report.Complete && (v.latest == nil || v.latest.SnapshotDate <= s.date || v.latest.SnapshotDate > s.lastDate()) {
		own[report.LatestKey] = data
	}
	shown := own
	for key := range views {
		if strings.HasPrefix(key, report.SchemaDir) { // the trend says that they are there
			shown = make(map[string][]byte)
		}
	}
	for key, data := range views {
		if strings.HasPrefix(key, report.SchemaDir) {
			schemas[key] = data
		} else {
			shown[key] = data
		}
	}
	maps.Copy(own, schemas)
	if p = append(p, own); len(schemas) > 0 {
		p = append(p, shown)
	}
	return p, nil
}

func (s settled) lastDate() report.Date { return lastDate(s.Now(), s.Config.Zone) }

// alters tells whether something that vouches for the day lists a table that changes.
func (v vouch) alters(r report.DayRecord) bool {
	for _, by := range []*report.DayRecord{v.record, v.latest} {
		if by == nil || by.Status != report.Complete || by.SnapshotDate != r.SnapshotDate {
			continue
		}
		for _, key := range []string{report.RegionsKey(r.SnapshotDate), report.TotalsKey(r.SnapshotDate)} {
			was, listed := by.Object(key)
			is, there := r.Object(key)
			if listed && (!there || was != is) {
				return true
			}
		}
	}
	return false
}

func (v vouch) isLatest(d report.Date) bool {
	return v.latest != nil && v.latest.Status == report.Complete && v.latest.SnapshotDate == d
}

// withdraw takes back what vouches for the day, before anything of it is altered: first
// latest.json where it is that day's, then the day's record. So who reads meanwhile, or
// after a run that was cut short, finds a day that is not complete yet, and never one
// that says so and differs.
func (v vouch) withdraw(s settled) (p plan, _ error) {
	if v.isLatest(s.date) {
		before := v.before
		if before == nil { // no other day can be the latest, and nothing here deletes
			none := v.latest.Withdraw(withdrawn, s.Now())
			before = &none
		}
		data, err := before.Encode()
		if err != nil {
			return nil, &StoreError{err}
		}
		p = append(p, map[string][]byte{report.LatestKey: data})
	}
	if v.record != nil {
		data, err := v.record.Withdraw(withdrawn, s.Now()).Encode()
		if err != nil {
			return nil, &StoreError{err}
		}
		p = append(p, map[string][]byte{report.DayKey(s.date): data})
	}
	return p, nil
}

// vouch reads what vouches for a day.
func (s settled) vouch(ctx context.Context) (v vouch, err error) {
	if s.fresh && s.stored == nil && s.date >= report.DateOf(s.Now(), s.Config.Zone) { // nothing can
		return v, nil
	}
	if v.latest, err = s.documents.record(ctx, report.LatestKey); err != nil {
		return v, err
	}
	if s.stored != nil && s.stored.Status == report.Complete {
		v.record = s.stored
	}
	return v, nil
}

// withdraws tells whether what vouches for the day is withdrawn before it is written.
func (v vouch) withdraws(r report.DayRecord) bool {
	return v.alters(r) || r.Status != report.Complete && (v.record != nil || v.isLatest(r.SnapshotDate))
}

// withdraw takes back what vouches for a day before a snapshot of it is replaced. A day
// that nothing vouches for is left as it is.
func (d *day) withdraw(ctx context.Context) error {
	stored, err := d.documents.record(ctx, report.DayKey(d.date))
	if err != nil {
		return err
	}
	s := settled{day: d, stored: stored}
	v, err := s.vouch(ctx)
	if err != nil {
		return err
	}
	if v.before, err = d.completeBefore(ctx); err != nil {
		return err
	}
	p, err := v.withdraw(s)
	if err != nil {
		return err
	}
	return d.documents.carry(ctx, p, d.atOnce())
}

// completeBefore is the record of the last complete day before a day: most often
// yesterday's. After a month without any there is none.
func (d *day) completeBefore(ctx context.Context) (*report.DayRecord, error) {
	for date := d.date - 1; date >= d.date-lookBack; date-- {
		r, err := d.documents.record(ctx, report.DayKey(date))
		if err != nil || r != nil && r.Status == report.Complete {
			return r, err
		}
	}
	return nil, nil
}

// write carries out a day's plan. Before its record is written people are told what it
// opened and closed, and the record says so.
func (s *settled) write(ctx context.Context, views map[string][]byte) error {
	v, err := s.vouch(ctx)
	if err != nil {
		return err
	}
	if v.withdraws(*s.record()) && v.isLatest(s.date) {
		if v.before, err = s.completeBefore(ctx); err != nil {
			return err
		}
	}
	if s.fresh && s.stored == nil { // then nothing else of the day is there, and what shows it is about to
		s.documents.absent(report.RegionsKey(s.date), report.TotalsKey(s.date), report.PageKey, report.CalendarKey(s.date.Year()))
		if v.latest == nil {
			s.documents.absent(report.LatestKey)
		}
	}
	if err := s.prepare(ctx, v); err != nil {
		return err
	}
	s.tell(ctx)
	p, err := planRecord(*s, v, views)
	if err != nil {
		return err
	}
	return s.documents.carry(ctx, p, s.atOnce())
}

// prepare carries out what comes before a day's record. Its tables are in memory no
// longer than that takes.
func (s settled) prepare(ctx context.Context, v vouch) error {
	tables, err := s.differing(ctx)
	if err != nil {
		return err
	}
	p, err := planTables(s, v, tables)
	if err != nil {
		return err
	}
	if err := s.documents.carry(ctx, p, s.atOnce()); err != nil {
		return err
	}
	for key, t := range s.tables() {
		s.documents.let(key, t)
	}
	return nil
}

// differing are those of a day's tables that are not stored as they are to be.
func (s settled) differing(ctx context.Context) (map[string][]byte, error) {
	differ := make(map[string][]byte)
	var mu sync.Mutex
	var looks errgroup.Group
	for key, t := range s.tables() {
		looks.Go(func() error {
			same, err := s.documents.stored(ctx, key, t)
			if err == nil && !same {
				mu.Lock()
				defer mu.Unlock()
				differ[key] = t.Data()
			}
			return err
		})
	}
	return differ, looks.Wait()
}

// tables are those that the day has, by key.
func (s settled) tables() map[string]report.Table {
	if len(s.record().Captured()) == 0 {
		return nil
	}
	return map[string]report.Table{report.RegionsKey(s.date): s.link.Regions, report.TotalsKey(s.date): s.link.Totals}
}
