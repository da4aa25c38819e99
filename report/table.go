package report

import (
	"bytes"
	"cmp"
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
	return table(snapshots, func(s Snapshot, row func(any)) {
		for _, r := range sortedRegions(s.Regions) {
			row(RegionRow{headOf(s), r.RegionID, r.Amount})
		}
	})
}

// TotalsTable derives the day's table of totals, in the order of account and
// source type, whatever the order of the snapshots.
func TotalsTable(snapshots []Snapshot) (Table, error) {
	return table(snapshots, func(s Snapshot, row func(any)) {
		row(TotalRow{headOf(s), s.Amount, len(s.Regions), s.RegionsMatchTotal})
	})
}

func table(snapshots []Snapshot, rows func(Snapshot, func(any))) (Table, error) {
	var b bytes.Buffer
	var t Table
	var failed error
	for _, s := range SortSnapshots(snapshots) {
		rows(s, func(row any) {
			line, err := encodeLine(row)
			failed = cmp.Or(failed, err)
			b.Write(line)
			t.Rows++
		})
	}
	t.Data = b.Bytes()
	return t, failed
}

// SortSnapshots is a copy in the order of account and source type.
func SortSnapshots(snapshots []Snapshot) []Snapshot {
	return sorted(snapshots, func(a, b Snapshot) bool {
		if a.AccountID != b.AccountID {
			return a.AccountID < b.AccountID
		}
		return a.SourceType < b.SourceType
	})
}
