package report

import (
	"fmt"
	"testing"
)

// A loss in each of ten thousand accounts: the record is what it was, the trend stays
// bounded, and the message is one that the strictest chat takes.
func TestLossOfAFleet(t *testing.T) {
	const accounts = 10_000
	p := play(t, "")
	first := date(t, "2026-11-23")
	var link Link
	for day := range Date(2) {
		d := Day{Date: first + day, Base: p.base(first + day), Known: Known{Due: []Pair{}}}
		if day > 0 {
			d.Before = &link.Record
		}
		for n := range accounts {
			id := fmt.Sprint(1000000000000000 + n)
			a := Amount{ProtectedDataBytes: 40 * gib, ProtectedResourceCount: 5 - 2*int64(day)}
			s := NewSnapshot(Occasion{Date: d.Date, TimeZone: "UTC", Trigger: Timer}, id, "ECS_FILE", timeOf(t, "2026-11-23T12:00:00Z"), Statistics{
				RequestID: "r", Total: a, Regions: []Region{{"cn-hangzhou", a}}, Response: []byte("{}"),
			})
			d.Snapshots = append(d.Snapshots, s)
			d.Objects = append(d.Objects, NewObject(s.Key(), nil, 1))
			d.Known.Due = append(d.Known.Due, Pair{id, "ECS_FILE"})
		}
		next, err := Settle(d, p.Settings)
		if err != nil {
			t.Fatal(err)
		}
		link = next
		p.links[d.Date], p.kept[d.Date] = link, d.Snapshots
	}
	record, err := link.Record.Encode()
	if err != nil || len(record) > 5<<19 {
		t.Errorf("the record takes %d bytes (error %v), want at most 2.5 MiB", len(record), err)
	}
	if n := len(encodedTrend(t, p.trend())); n > 100_000 {
		t.Errorf("the trend of two days takes %d bytes, want at most 100,000", n)
	}
	opened, closed := link.Record.Untold()
	message := readers.Message(News{Date: link.Record.SnapshotDate, Opened: opened, Closed: closed, Use: link.Figures.Use(p.QuotaBytes)})
	if len(message) > messageBytes || len(opened[0].Items) != accounts+2 {
		t.Errorf("the message of %d items takes %d bytes:\n%s", len(opened[0].Items), len(message), message)
	}
}
