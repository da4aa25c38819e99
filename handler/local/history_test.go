package local

import (
	"fmt"
	"slices"
	"testing"
)

// accounts and days to look at: from before the history begins to years later.
var historyAccounts = []string{"1234567890123456", "1234567890123457", "1000000000000001"}

func TestHistoryIsReasonable(t *testing.T) {
	const first, last = historyBegins - 400, historyBegins + 1500
	for _, account := range historyAccounts {
		previous := History(account, first)
		for day := first; day <= last; day++ {
			regions := History(account, day)
			if again := History(account, day); !slices.Equal(regions, again) {
				t.Fatalf("%s, day %d: %v, then %v", account, day, regions, again)
			}
			if len(regions) < 2 || len(regions)-len(previous) > 1 {
				t.Fatalf("%s, day %d: %d regions after %d", account, day, len(regions), len(previous))
			}
			total := int64(0)
			for i, r := range regions {
				total += r.Bytes
				if r.Bytes%gib != 0 || r.Bytes < gib || r.Count < 1 {
					t.Fatalf("%s, day %d: %+v, want whole GiB and instances", account, day, r)
				}
				if i < len(previous) && (r.ID != previous[i].ID || r.Bytes < previous[i].Bytes ||
					r.Bytes > previous[i].Bytes+gib || r.Count < previous[i].Count) {
					t.Fatalf("%s, day %d: %+v after %+v, want slow growth", account, day, r, previous[i])
				}
			}
			if total < 30*gib || total > 999*gib {
				t.Fatalf("%s, day %d: %d GiB, want tens to hundreds", account, day, total/gib)
			}
			previous = regions
		}
		if begin := History(account, first); len(previous) < len(begin)+3 || previous[0].Bytes < begin[0].Bytes+10*gib {
			t.Errorf("%s: from %v to %v, want more regions and more in them", account, begin, previous)
		}
	}
	if a, b := History(historyAccounts[0], last), History(historyAccounts[1], last); slices.Equal(a, b) {
		t.Error("two accounts have one history")
	}
}

func TestDroppedLosesInstancesOnce(t *testing.T) {
	const from = historyBegins + 300
	for _, account := range historyAccounts {
		for day := from - 30; day < from+400; day++ {
			regions, undisturbed := Dropped(account, day, from), History(account, day)
			lost := 0
			for i, r := range regions {
				if r.Count < undisturbed[i].Count {
					lost++
				}
				if r.Bytes < 0 || r.Bytes%gib != 0 || r.Count < 0 || r.Bytes > undisturbed[i].Bytes {
					t.Fatalf("%s, day %d: %+v", account, day, r)
				}
			}
			if want := map[bool]int{true: 1}[day >= from]; lost != want {
				t.Fatalf("%s, day %d: %d regions have lost instances, want %d", account, day-from, lost, want)
			}
		}
	}
}

func ExampleHistory() {
	for _, r := range History("1234567890123456", historyBegins+450) {
		fmt.Printf("%-15s %3d GiB %3d instances\n", r.ID, r.Bytes/gib, r.Count)
	}
	// Output:
	// cn-hangzhou      35 GiB   5 instances
	// cn-shanghai      46 GiB   5 instances
	// cn-shenzhen      17 GiB   2 instances
	// cn-beijing       12 GiB   3 instances
	// ap-southeast-1    8 GiB   3 instances
	// cn-hongkong       7 GiB   1 instances
	// eu-central-1      7 GiB   1 instances
}
