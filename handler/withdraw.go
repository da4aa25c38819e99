package handler

import (
	"context"
	"slices"

	"backup-statistics/report"
)

// withdrawn is the cause that a day's record gives while the day is altered.
const withdrawn = "what the day had is being replaced; if that was cut short, the next run of the day, a check or a rebuild completes it again"

// withdraw takes back what vouches for the day, before anything of it is altered:
// a record that says complete, and latest.json where it is that day's. So who
// reads meanwhile, or after a run that was cut short, finds a day that is not
// complete yet, and never one that says so and differs. A day that nothing
// vouches for is left as it is.
func (d *day) withdraw(ctx context.Context) error {
	key := report.DayKey(d.date)
	if err := d.documents.load(ctx, key, report.LatestKey); err != nil {
		return err
	}
	r, newest := d.documents.record(key), d.documents.record(report.LatestKey)
	if newest != nil && newest.Status == report.Complete && newest.SnapshotDate == d.date {
		before, err := d.completeBefore(ctx)
		if err != nil {
			return err
		}
		if before == nil { // no other day can be the latest, and nothing here deletes
			none := newest.Withdraw(withdrawn, d.Now())
			before = &none
		}
		if err := d.documents.writeRecord(ctx, report.LatestKey, *before); err != nil {
			return err
		}
	}
	if r == nil || r.Status != report.Complete {
		return nil
	}
	return d.documents.writeRecord(ctx, key, r.Withdraw(withdrawn, d.Now())) // last: then latest.json is another day's
}

// completeBefore is the record of the last complete day before this one: most
// often yesterday's. After a month without any there is none.
func (d *day) completeBefore(ctx context.Context) (*report.DayRecord, error) {
	for date := d.date - 1; date >= d.date-lookBack; date-- {
		earlier := newDocuments(d.Store)
		if err := earlier.load(ctx, report.DayKey(date)); err != nil {
			return nil, err
		}
		if r := earlier.record(report.DayKey(date)); r != nil && r.Status == report.Complete {
			return r, nil
		}
	}
	return nil, nil
}

// vouched are tables of the day as whatever vouches for a complete day lists them.
// Where the day's record is gone, latest.json may be left.
func (d *day) vouched(keys ...string) (tables []report.Object) {
	r := d.vouching()
	if r == nil || r.Status != report.Complete {
		return nil
	}
	for _, o := range r.Objects {
		if slices.Contains(keys, o.Key) {
			tables = append(tables, o)
		}
	}
	return tables
}
