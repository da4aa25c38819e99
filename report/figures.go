package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unique"
)

// A Pair is what a snapshot is of: an account and a source type.
type Pair struct{ AccountID, SourceType string }

func (p Pair) precedes(q Pair) bool {
	return p.AccountID < q.AccountID || p.AccountID == q.AccountID && p.SourceType < q.SourceType
}

// SortPairs is a sorted list of what a set holds.
func SortPairs[T any](set map[Pair]T) []Pair {
	return sorted(slices.Collect(maps.Keys(set)), Pair.precedes)
}

// A Figure is what was protected of a pair when it was captured.
type Figure struct {
	Date Date      // of the snapshot
	At   time.Time // when it was captured, to the second
	Amount
	Regions  []Region // sorted by id
	Mismatch bool     // the regions do not add up to the total
}

// in is the amount of a region; a region that is not there has none, as one of zeros.
func (f Figure) in(region string) (a Amount, there bool) {
	i, there := slices.BinarySearchFunc(f.Regions, region, func(r Region, id string) int { return cmp.Compare(r.RegionID, id) })
	if !there {
		return Amount{}, false
	}
	return f.Regions[i].Amount, true
}

// Figures are numbers of pairs, each pair's own last ones where they are what a day is
// compared with.
type Figures map[Pair]Figure

// FiguresOf takes the figures from snapshots.
func FiguresOf(snapshots []Snapshot) Figures {
	f := make(Figures, len(snapshots))
	for _, s := range snapshots {
		f[Pair{s.AccountID, s.SourceType}] = Figure{s.SnapshotDate, s.CapturedAt.UTC().Truncate(time.Second), s.Amount, s.Regions, !s.RegionsMatchTotal}
	}
	return f
}

// ReadTables takes the figures of a day from its tables, in the order in which they are
// written. It refuses what does not fit together: an account that is absent would look
// like a loss.
func ReadTables(d Date, regions, totals []byte) (Figures, error) {
	f := make(Figures)
	left := bytes.Count(regions, []byte("\n"))
	var last Pair
	for line := range bytes.Lines(totals) {
		row := TotalRow{Amount: unknown, RegionCount: -1}
		if err := readRow(line, &row, &row.rowHead, &row.Amount, d); err != nil {
			return nil, fmt.Errorf("totals of %v: %w", d, err)
		}
		pair := row.pair()
		if left -= row.RegionCount; row.RegionCount < 0 || left < 0 || !last.precedes(pair) {
			return nil, fmt.Errorf("totals of %v: account %s is out of order, or has more regions than there are", d, row.AccountID)
		}
		f[pair] = Figure{Date: d, At: row.CapturedAt, Amount: row.Amount, Mismatch: !row.RegionsMatchTotal, Regions: make([]Region, 0, row.RegionCount)}
		last = pair
	}
	if left != 0 {
		return nil, fmt.Errorf("regions of %v: there are %d more of them than the totals say", d, left)
	}
	for line := range bytes.Lines(regions) {
		row := RegionRow{Amount: unknown}
		if err := readRow(line, &row, &row.rowHead, &row.Amount, d); err != nil {
			return nil, fmt.Errorf("regions of %v: %w", d, err)
		}
		figure := f[row.pair()]
		n := len(figure.Regions)
		if n == cap(figure.Regions) || n > 0 && figure.Regions[n-1].RegionID >= row.RegionID {
			return nil, fmt.Errorf("regions of %v: account %s has other ones than the totals say, or out of order", d, row.AccountID)
		}
		figure.Regions = append(figure.Regions, Region{unique.Make(row.RegionID).Value(), row.Amount})
		f[row.pair()] = figure
	}
	return f, nil
}

// unknown is an amount that a row has to replace.
var unknown = Amount{-1, -1}

func readRow(line []byte, row any, head *rowHead, amount *Amount, d Date) error {
	if err := json.Unmarshal(line, row); err != nil {
		return err
	}
	switch {
	case head.SchemaVersion != TableVersion || head.SnapshotDate != d:
		return errors.New("a row is of another day or version")
	case amount.ProtectedDataBytes < 0 || amount.ProtectedResourceCount < 0:
		return errors.New("a row lacks a number, or has a negative one")
	}
	return nil
}

func (h rowHead) pair() Pair { return Pair{h.AccountID, h.SourceType} }

// On are the figures that were captured on a day.
func (f Figures) On(d Date) Figures {
	on := make(Figures)
	for pair, figure := range f {
		if figure.Date == d {
			on[pair] = figure
		}
	}
	return on
}

// Merge takes over the figures of pairs that f lacks.
func (f Figures) Merge(other Figures) {
	for pair, figure := range other {
		if _, there := f[pair]; !there {
			f[pair] = figure
		}
	}
}

// regions adds figures up by source type and region, sorted. A sum that does not fit
// stays at the largest number.
func (f Figures) regions() []TypeRegion {
	sums := make(map[TypeRegion]Amount)
	for pair, figure := range f {
		for _, r := range figure.Regions {
			place := TypeRegion{pair.SourceType, Region{RegionID: r.RegionID}}
			sums[place], _ = sums[place].Plus(r.Amount)
		}
	}
	regions := make([]TypeRegion, 0, len(sums))
	for place, sum := range sums {
		place.Amount = sum
		regions = append(regions, place)
	}
	return sorted(regions, func(a, b TypeRegion) bool {
		return a.SourceType < b.SourceType || a.SourceType == b.SourceType && a.RegionID < b.RegionID
	})
}

// readAt is when the last of them was captured.
func (f Figures) readAt() (last time.Time) {
	for _, figure := range f {
		if figure.At.After(last) {
			last = figure.At
		}
	}
	return last
}

// accounts adds figures up by account, of all source types, sorted by id.
func (f Figures) accounts() []AccountTotal {
	sums := make(map[string]Amount)
	for pair, figure := range f {
		sums[pair.AccountID], _ = sums[pair.AccountID].Plus(figure.Amount)
	}
	accounts := make([]AccountTotal, 0, len(sums))
	for id, sum := range sums {
		accounts = append(accounts, AccountTotal{id, sum})
	}
	return sorted(accounts, func(a, b AccountTotal) bool { return a.AccountID < b.AccountID })
}

// uses are how much of its free quota each account uses, in percent.
func (f Figures) uses(quota int64) map[string]int64 {
	uses := make(map[string]int64)
	for _, a := range f.accounts() {
		uses[a.AccountID] = NewQuota(a.ProtectedDataBytes, quota).Percent
	}
	return uses
}

// Use tells what an account uses of its free quota, if it has a figure.
func (f Figures) Use(quota int64) func(account string) (Quota, bool) {
	return func(account string) (Quota, bool) {
		used, there := int64(0), false
		for pair, figure := range f {
			if pair.AccountID == account {
				used, _ = plus(used, figure.ProtectedDataBytes)
				there = true
			}
		}
		return NewQuota(used, quota), there
	}
}

// Clone is a copy that can be changed by itself.
func (f Figures) Clone() Figures { return maps.Clone(f) }
