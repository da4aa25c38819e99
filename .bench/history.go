package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"backup-statistics/report"
)

// A history is a bucket as readers of its tables see it: tables, records and calendar,
// and no snapshots, which are none of theirs, and of a thousand accounts millions of files.
type history struct {
	days, accounts, regions int
	last                    report.Date
}

// status is that of a day: some are missing, and one is partial.
func (h history) status(d report.Date) string {
	switch h.last - d {
	case 40, 200, 201:
		return report.Missing
	case 120:
		return report.Partial
	}
	return report.Complete
}

// write writes a history into a folder.
func (h history) write(dir string) error {
	const atOnce = 8
	b := &bucket{dir: filepath.Join(dir, "backup-statistics"), calendars: make(map[int]*report.Calendar)}
	ids := members(h.accounts)
	for first := h.last - report.Date(h.days) + 1; first <= h.last; first += atOnce {
		days := make([]report.DayRecord, min(atOnce, h.last-first+1))
		failed := make([]error, len(days))
		var all sync.WaitGroup
		for i := range days {
			all.Go(func() { days[i], failed[i] = h.tables(b, first+report.Date(i), ids) })
		}
		all.Wait()
		if err := errors.Join(failed...); err != nil {
			return err
		}
		for _, r := range days {
			if b.before != nil {
				r.Chain = b.before.Chain
			}
			r.Chain = report.Chain(r.Chain, r.SnapshotDate, r.Objects)
			record, err := r.Encode()
			if err := b.put(report.DayKey(r.SnapshotDate), record, err); err != nil {
				return err
			}
			b.year(r.SnapshotDate).EnterRecord(r)
			b.before = &r
		}
	}
	newest, err := b.before.Encode()
	if err := b.put(report.LatestKey, newest, err); err != nil {
		return err
	}
	return b.putCalendars()
}

// tables writes a day's tables, and gives its record but for the chain.
func (h history) tables(b *bucket, d report.Date, ids []string) (report.DayRecord, error) {
	captured := time.Unix(int64(d)*24*60*60, 0).UTC().Add(time.Hour)
	r := report.DayRecord{
		Schema: report.DaySchema, SnapshotDate: d, TimeZone: zone, Status: h.status(d),
		Accounts: report.Accounts{Expected: len(ids), Failed: []report.Failure{}, NotActivated: []string{}, NotAttempted: []string{}},
		Totals:   []report.TypeTotal{}, Objects: []report.Object{}, Alerts: []report.Alert{}, SourceTypes: []string{sourceType},
	}
	switch r.Status {
	case report.Missing:
		r.Cause, r.DetectedAt = "unknown", &captured
		return r, nil
	case report.Partial:
		last := len(ids) - 1
		r.Accounts.NotAttempted, ids = ids[last:], ids[:last]
		r.Cause, r.DetectedAt = "1 account was not asked for", &captured
	}
	r.Accounts.Collected = len(ids)

	occasion := report.Occasion{Date: d, TimeZone: zone, Trigger: report.Timer}
	snapshots := make([]report.Snapshot, len(ids))
	for n, id := range ids {
		s := report.Statistics{Regions: make([]report.Region, h.regions)}
		for i := range s.Regions { // each grows, at its own pace
			count := int64(n%7+i+1) + int64(h.days-int(h.last-d))/int64(10*(i+1))
			amount := report.Amount{ProtectedDataBytes: count << 33, ProtectedResourceCount: count}
			s.Regions[i] = report.Region{RegionID: fmt.Sprintf("cn-region-%02d", i), Amount: amount}
		}
		s.Total, _ = report.Sum(s.Regions)
		snapshots[n] = report.NewSnapshot(occasion, id, sourceType, captured, s)
		// Not the snapshot itself, and yet a sum of its own.
		r.Objects = append(r.Objects, report.NewObject(snapshots[n].Key(), []byte(snapshots[n].Key()), 1))
	}
	for _, table := range []struct {
		key  string
		make func([]report.Snapshot) (report.Table, error)
	}{{report.RegionsKey(d), report.RegionsTable}, {report.TotalsKey(d), report.TotalsTable}} {
		made, err := table.make(snapshots)
		if err := b.put(table.key, made.Data(), err); err != nil {
			return r, err
		}
		r.Objects = append(r.Objects, made.Object(table.key))
	}
	slices.SortFunc(r.Objects, func(a, b report.Object) int { return strings.Compare(a.Key, b.Key) })
	var err error
	r.Totals, err = report.TotalsOf(snapshots)
	return r, err
}
