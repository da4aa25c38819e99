package report

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"testing"
)

func TestTables(t *testing.T) {
	second := bigSnapshot(t)
	second.AccountID, second.SourceType = "1234567890123456", "OSS"
	first := exampleSnapshot(t)
	none := NewSnapshot(Occasion{Date: first.SnapshotDate}, "0000000000000001", "ECS_FILE", first.CapturedAt, Statistics{})
	snapshots := []Snapshot{bigSnapshot(t), second, first, none}
	slices.Reverse(second.Regions)

	regions, err := RegionsTable(snapshots)
	if err != nil {
		t.Fatal(err)
	}
	totals, err := TotalsTable(snapshots)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "regions.golden", regions.Data())
	golden(t, "totals.golden", totals.Data())
	if regions.Rows != 1+3+3 || totals.Rows != 4 {
		t.Errorf("there are %d rows of regions and %d of totals, want 7 and 4", regions.Rows, totals.Rows)
	}
	for _, table := range []Table{regions, totals} {
		if n := bytes.Count(table.Data(), []byte("\n")); n != table.Rows || bytes.Contains(table.Data(), []byte("\n\n")) || bytes.Contains(table.Data(), []byte("null")) {
			t.Errorf("%d rows are on %d lines, or a line is blank, or a value is null:\n%s", table.Rows, n, table.Data())
		}
	}
	if snapshots[0].AccountID != "acct9" || snapshots[1].Regions[0].RegionID != "cn-shenzhen" {
		t.Error("a table has sorted its argument")
	}

	slices.Reverse(snapshots)
	again, err := RegionsTable(snapshots)
	if err != nil || !bytes.Equal(again.Data(), regions.Data()) {
		t.Errorf("from another order: %v\n%swant\n%s", err, again.Data(), regions.Data())
	}
}

// The row of the contract, to the byte.
func TestRowOfTheExample(t *testing.T) {
	const want = `{"schema_version":1,"snapshot_date":"2026-11-23","captured_at":"2026-11-23T12:17:01Z","captured_unix":1795436221,"account_id":"1234567890123456","source_type":"ECS_FILE","region_id":"cn-shenzhen","protected_data_bytes":42949672960,"protected_resource_count":5}` + "\n"
	table, err := RegionsTable([]Snapshot{exampleSnapshot(t)})
	if err != nil || string(table.Data()) != want || table.Rows != 1 {
		t.Errorf("RegionsTable = %s(%d rows), %v, want %s", table.Data(), table.Rows, err, want)
	}
}

func TestTableOfNothing(t *testing.T) {
	for name, snapshots := range map[string][]Snapshot{"no snapshot": nil, "a snapshot without regions": {{}}} {
		if table, err := RegionsTable(snapshots); len(table.Data()) > 0 || table.Rows != 0 || err != nil {
			t.Errorf("%s: RegionsTable = %q, %d rows, %v, want no document", name, table.Data(), table.Rows, err)
		}
	}
}

// A row says what the snapshot says, up to the last digit.
func TestRowsKeepEveryDigit(t *testing.T) {
	table, err := TotalsTable([]Snapshot{bigSnapshot(t)})
	if err != nil {
		t.Fatal(err)
	}
	var row TotalRow
	if err := json.Unmarshal(table.Data(), &row); err != nil {
		t.Fatal(err)
	}
	if row.ProtectedDataBytes != math.MaxInt64 || row.ProtectedResourceCount != 1<<53+1 || row.RegionCount != 3 || row.RegionsMatchTotal != bigSnapshot(t).RegionsMatchTotal {
		t.Errorf("the row is %+v", row)
	}
}
