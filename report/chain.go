package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Chain links a day to all days before it: the SHA-256, in lower-case hex, of the
// chain of the newest earlier day that has snapshots (empty where there is none), the
// day's date, and the sum and key of each of its snapshots, sorted by key, each on a
// line of its own. So one value, noted today, vouches for every byte up to that day. A
// day without snapshots has the chain of the day before it.
func Chain(before string, d Date, objects []Object) string {
	snapshots := snapshotsAmong(objects)
	if len(snapshots) == 0 {
		return before
	}
	var b strings.Builder
	b.WriteString(before + "\n" + d.String() + "\n")
	for _, o := range snapshots {
		b.WriteString(o.SHA256 + " " + o.Key + "\n")
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

// snapshotsAmong are the snapshots of a day's objects, sorted by key.
func snapshotsAmong(objects []Object) []Object {
	snapshots := slices.DeleteFunc(slices.Clone(objects), func(o Object) bool {
		return !strings.HasPrefix(o.Key, SnapshotsDir)
	})
	slices.SortFunc(snapshots, func(a, b Object) int { return cmp.Compare(a.Key, b.Key) })
	return snapshots
}

// CheckChain refuses what cannot be the chain of a day.
func CheckChain(s string) bool {
	sum, err := hex.DecodeString(s)
	return err == nil && len(sum) == sha256.Size && strings.ToLower(s) == s
}
