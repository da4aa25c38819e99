//go:build !function

package local

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
)

const (
	// historyBegins is 1 September 2025, in days since 1 January 1970.
	historyBegins = 20332
	// firstRegions have instances from the beginning; then one more region
	// comes every regionDays.
	firstRegions = 2
	regionDays   = 84

	gib = 1 << 30
)

// History tells what an account protects on a day, counted from 1 January 1970.
// It is made up, and the same whenever it is asked: a few regions of tens of GiB
// each, which grow by a GiB in some weeks, and a new region now and then. Nothing
// ever shrinks.
func History(account string, day int) []Region {
	begins := historyBegins + lot(regionDays/4, account)()
	var regions []Region
	for i, id := range []string{
		"cn-hangzhou", "cn-shanghai", "cn-shenzhen", "cn-beijing", "ap-southeast-1", "cn-hongkong",
		"eu-central-1", "cn-zhangjiakou", "us-west-1", "ap-northeast-1", "cn-chengdu", "us-east-1",
	} {
		age := day - begins - max(0, i-firstRegions+1)*regionDays
		base := 16 + lot(17, account, id)()
		if i >= firstRegions {
			base /= 4
			if age < 0 {
				break
			}
		}
		size := base + growth(account, id, age)
		perInstance := 4 + 2*lot(4, account, id, "instance")() // GiB
		regions = append(regions, Region{ID: id, Bytes: int64(size) * gib, Count: int64(1 + size/perInstance)})
	}
	return regions
}

// growth is what a region gained until it is age days old, in GiB: one in one of
// four weeks, each region on its own day of the week.
func growth(account, region string, age int) int {
	draw := lot(4, account, region, "growth")
	gained := 0
	for range (age + lot(7, account, region, "weekday")()) / 7 {
		if draw() == 0 {
			gained++
		}
	}
	return gained
}

// Dropped is History in which the largest region loses a third of its instances
// on the day from, and never gets them back.
func Dropped(account string, day, from int) []Region {
	regions := History(account, day)
	if day < from {
		return regions
	}
	largest := 0
	before := History(account, from)
	for i, r := range before {
		if r.Bytes > before[largest].Bytes {
			largest = i
		}
	}
	r := before[largest]
	lost := max(1, r.Count/3)
	regions[largest].Count -= lost
	regions[largest].Bytes -= r.Bytes / gib * lost / r.Count * gib
	return regions
}

// lot returns a function that draws numbers from 0 to n-1 by lot: the same ones
// whenever it is for the same.
func lot(n int, forWhat ...any) func() int {
	h := fnv.New64a()
	fmt.Fprintln(h, forWhat...)
	source := rand.NewPCG(h.Sum64(), 0)
	return func() int { return int(source.Uint64() % uint64(n)) }
}
