package report

import (
	"cmp"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"hash"
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

// A Table is a document of one row a line. It is made each time that it is asked for:
// those of thousands of accounts are as large as the rest of a run's memory. A table
// without rows is no document: engines stumble over empty files.
type Table struct {
	Bytes, Rows int
	SHA256, MD5 string // of the content, in hex
	lines       func(use func(line []byte)) error
}

// RegionsTable derives the day's table of regions, in the order of account,
// source type and region, whatever the order of the snapshots.
func RegionsTable(snapshots []Snapshot) (Table, error) {
	return newTable(snapshots, func(s Snapshot, row func(any)) {
		for _, r := range sortedRegions(s.Regions) {
			row(RegionRow{headOf(s), r.RegionID, r.Amount})
		}
	})
}

// TotalsTable derives the day's table of totals, in the order of account and
// source type, whatever the order of the snapshots.
func TotalsTable(snapshots []Snapshot) (Table, error) {
	return newTable(snapshots, func(s Snapshot, row func(any)) {
		row(TotalRow{headOf(s), s.Amount, len(s.Regions), s.RegionsMatchTotal})
	})
}

func newTable(snapshots []Snapshot, rows func(Snapshot, func(any))) (Table, error) {
	snapshots = SortSnapshots(snapshots)
	t := Table{lines: func(use func([]byte)) (failed error) {
		line := newLines()
		for _, s := range snapshots {
			rows(s, func(row any) {
				line.Reset()
				failed = cmp.Or(failed, line.add(row))
				use(line.Bytes())
			})
		}
		return failed
	}}
	sums := []hash.Hash{sha256.New(), md5.New()}
	err := t.lines(func(line []byte) {
		t.Bytes += len(line)
		t.Rows++
		for _, sum := range sums {
			sum.Write(line)
		}
	})
	t.SHA256, t.MD5 = hex.EncodeToString(sums[0].Sum(nil)), hex.EncodeToString(sums[1].Sum(nil))
	return t, err
}

// Data is the document.
func (t Table) Data() []byte {
	b := make([]byte, 0, t.Bytes)
	if t.Rows > 0 {
		t.lines(func(line []byte) { b = append(b, line...) }) //nolint:errcheck // it was made before
	}
	return b
}

// Object is what a record says of the document.
func (t Table) Object(key string) Object { return Object{key, t.Bytes, t.Rows, t.SHA256} }

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
