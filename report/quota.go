package report

import (
	"math"
	"math/bits"
)

// A Quota is how much of the free quota an account uses, in bytes. It counts
// the capacity protected in all regions, as the bill does.
type Quota struct {
	QuotaBytes int64 `json:"quota_bytes"`
	UsedBytes  int64 `json:"used_bytes"`
	LeftBytes  int64 `json:"left_bytes"` // never below 0
	OverBytes  int64 `json:"over_bytes"` // what is billed; never below 0
	Percent    int64 `json:"percent"`    // of the quota that is used, rounded down
}

// NewQuota holds a use of at least 0 bytes against a quota of at least 1.
func NewQuota(used, quota int64) Quota {
	q := Quota{QuotaBytes: quota, UsedBytes: used, LeftBytes: max(0, quota-used), OverBytes: max(0, used-quota), Percent: math.MaxInt64}
	hi, lo := bits.Mul64(uint64(used), 100)
	if hi < uint64(quota) {
		percent, _ := bits.Div64(hi, lo, uint64(quota))
		q.Percent = int64(min(percent, math.MaxInt64))
	}
	return q
}
