package report

import (
	"bytes"
	"cmp"
	"sort"
	"time"
)

// TableVersion is the schema_version of a table row.
const TableVersion = 1

// A RegionRow is a line of the table of regions: what one account protected of
// one source type in one region on one day. Instants are whole seconds, since
// not every engine reads fractions.
type RegionRow struct {
	rowHead
	RegionID string `json:"region_id"`
	Amount
}

// A TotalRow is a line of the table of totals: what one account protected of one
// source type in all regions on one day, as the service says.
type TotalRow struct {
	rowHead
	Amount
	RegionCount       int  `json:"region_count"`
	RegionsMatchTotal bool `json:"regions_match_total"`
}

type rowHead struct {
	SchemaVersion int       `json:"schema_version"`
	SnapshotDate  Date      `json:"snapshot_date"`
	CapturedAt    time.Time `json:"captured_at"`
	CapturedUnix  int64     `json:"captured_unix"` // the same instant in seconds since 1970, free of any zone
	AccountID     string    `json:"account_id"`
	SourceType    string    `json:"source_type"`
}

func headOf(s Snapshot) rowHead {
	at := s.CapturedAt.UTC().Truncate(time.Second)
	return rowHead{TableVersion, s.SnapshotDate, at, at.Unix(), s.AccountID, s.SourceType}
}

// A Table is a document of one row a line. A table without rows is no document:
// engines stumble over empty files.
type Table struct {
	Data []byte
	Rows int
}

// RegionsTable derives the day's table of regions, in the order of account,
// source type and region, whatever the order of the snapshots.
func RegionsTable(snapshots []Snapshot) (Table, error) {
	rows := 0
	for _, s := range snapshots {
		rows += len(s.Regions)
	}
	return table(snapshots, rows, func(s Snapshot, row func(any)) {
		for _, r := range sortedRegions(s.Regions) {
			row(RegionRow{headOf(s), r.RegionID, r.Amount})
		}
	})
}

// TotalsTable derives the day's table of totals, in the order of account and
// source type, whatever the order of the snapshots.
func TotalsTable(snapshots []Snapshot) (Table, error) {
	return table(snapshots, len(snapshots), func(s Snapshot, row func(any)) {
		row(TotalRow{headOf(s), s.Amount, len(s.Regions), s.RegionsMatchTotal})
	})
}

// table makes room for as many rows as there will be, each a little longer than
// the first: those of thousands of accounts are a large part of a run's memory.
func table(snapshots []Snapshot, count int, rows func(Snapshot, func(any))) (Table, error) {
	const longer = 16
	var b bytes.Buffer
	var t Table
	var failed error
	for _, s := range SortSnapshots(snapshots) {
		rows(s, func(row any) {
			line, err := encodeLine(row)
			failed = cmp.Or(failed, err)
			if t.Rows == 0 {
				b.Grow(count * (len(line) + longer))
			}
			b.Write(line)
			t.Rows++
		})
	}
	t.Data = b.Bytes()
	return t, failed
}

// SortSnapshots brings snapshots in the order of account and source type: a copy,
// or the list itself where it is in order.
func SortSnapshots(snapshots []Snapshot) []Snapshot {
	less := func(a, b Snapshot) bool {
		if a.AccountID != b.AccountID {
			return a.AccountID < b.AccountID
		}
		return a.SourceType < b.SourceType
	}
	if sort.SliceIsSorted(snapshots, func(i, j int) bool { return less(snapshots[i], snapshots[j]) }) {
		return snapshots
	}
	return sorted(snapshots, less)
}
