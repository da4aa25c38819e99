package handler

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"backup-statistics/handler/store"
	"backup-statistics/report"
)

// documents are derived documents as an invocation knows them to be stored: each
// is read once at most, and written where it differs.
type documents struct {
	Store

	reads    singleflight.Group // of those that are on their way
	mu       sync.Mutex
	known    map[string][]byte            // nil where there is none, or nothing that can be used
	large    map[string]bool              // is there, and not what is wanted: too large to be ours, or damaged
	sums     map[string]string            // MD5 of those that are stored and were let go of
	records  map[string]*report.DayRecord // those that were read, as long as they are known
	decoded  func() (report.Trend, error) // the trend as it was read
	said     map[string]bool              // keys that are none of ours
	written  int
	warnings []string
	names    map[string]string // of accounts, where they were asked for
}

func newDocuments(s Store) *documents {
	return &documents{Store: s, known: make(map[string][]byte), large: make(map[string]bool), sums: make(map[string]string), said: make(map[string]bool), records: make(map[string]*report.DayRecord)}
}

// load reads documents, side by side and each once.
func (d *documents) load(ctx context.Context, keys ...string) error {
	var reads errgroup.Group
	for _, key := range keys {
		if d.knows(key) {
			continue
		}
		reads.Go(func() error {
			_, err, _ := d.reads.Do(key, func() (any, error) {
				if d.knows(key) {
					return nil, nil
				}
				return nil, d.read(ctx, key)
			})
			return err
		})
	}
	return reads.Wait()
}

func (d *documents) knows(key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, known := d.known[key]
	return known
}

// read reads one document. One that is too large to be ours is as good as none: it is
// derived again.
func (d *documents) read(ctx context.Context, key string) error {
	data, err := d.Store.Get(ctx, key)
	large := errors.Is(err, store.ErrTooLarge)
	if err != nil && !large && !errors.Is(err, fs.ErrNotExist) {
		return &StoreError{err}
	}
	if large {
		data = nil
		d.warn("%v: it is written anew", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known[key], d.large[key] = data, large
	return nil
}

// get is a document that was loaded or written, nil where there is none.
func (d *documents) get(key string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.known[key]
}

// absent takes it as known that there are no such documents, or that whatever
// is there is to be written over.
func (d *documents) absent(keys ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, key := range keys {
		if _, known := d.known[key]; !known {
			d.known[key] = nil
		}
	}
}

// forget drops documents from memory.
func (d *documents) forget(keys ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, key := range keys {
		delete(d.known, key)
		delete(d.records, key)
		delete(d.sums, key)
	}
}

// holds tells whether a document is stored as data.
func (d *documents) holds(ctx context.Context, key string, data []byte) (bool, error) {
	d.mu.Lock()
	stored, known := d.known[key]
	large := d.large[key]
	d.mu.Unlock()
	if known {
		return bytes.Equal(stored, data) && !large, nil // an empty table and none are equal: neither has rows
	}
	return d.listed(ctx, key, len(data), func() string { return md5Of(data) })
}

// listed tells of a document that was not read whether it is stored with that size and
// sum, as a listing has them: the tables of thousands of accounts are as large as the rest
// of a run's memory.
func (d *documents) listed(ctx context.Context, key string, size int, sum func() string) (bool, error) {
	entries, err := d.Store.List(ctx, key, 1)
	if err != nil {
		return false, &StoreError{err}
	}
	switch {
	case len(entries) == 0 || entries[0].Key != key:
		return size == 0, nil
	case entries[0].Size != int64(size):
		return false, nil
	case entries[0].MD5 != "":
		return entries[0].MD5 == sum(), nil
	}
	// As long as this one, and the store does not tell its MD5.
	if err := d.load(ctx, key); err != nil {
		return false, err
	}
	return md5Of(d.get(key)) == sum(), nil
}

// stored tells whether a table is stored. One that is not will be written, whatever is
// there.
func (d *documents) stored(ctx context.Context, key string, t report.Table) (bool, error) {
	d.mu.Lock()
	data, known := d.known[key]
	sum, large := d.sums[key], d.large[key]
	d.mu.Unlock()
	same := sum == t.MD5
	switch {
	case known:
		same = len(data) == t.Bytes && md5Of(data) == t.MD5 && !large
	case sum == "":
		var err error
		if same, err = d.listed(ctx, key, t.Bytes, func() string { return t.MD5 }); err != nil {
			return false, err
		}
	}
	if !same {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.known[key], d.large[key] = nil, true
	}
	return same, nil
}

// let goes of a table that is stored, but for its sum.
func (d *documents) let(key string, t report.Table) {
	d.forget(key)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sums[key] = t.MD5
}

// write stores a document unless its equal is stored already.
func (d *documents) write(ctx context.Context, key string, data []byte) error {
	if same, err := d.holds(ctx, key, data); same || err != nil {
		return err
	}
	if err := d.Store.Put(ctx, key, data); err != nil {
		return &StoreError{err}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known[key], d.large[key] = data, false
	delete(d.records, key)
	delete(d.sums, key)
	d.written++
	return nil
}

func (d *documents) warn(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if text := fmt.Sprintf(format, args...); !slices.Contains(d.warnings, text) { // a document is looked at more than once
		d.warnings = append(d.warnings, text)
	}
}

// record reads a day's record, nil where there is none. A damaged one is as good as
// none: it is derived again.
func (d *documents) record(ctx context.Context, key string) (*report.DayRecord, error) {
	if err := d.load(ctx, key); err != nil {
		return nil, err
	}
	d.mu.Lock()
	known := d.records[key]
	d.mu.Unlock()
	if known != nil {
		r := *known // whoever asks may go on from it
		return &r, nil
	}
	data := d.get(key)
	if data == nil {
		return nil, nil
	}
	r, err := report.DecodeDayRecord(data)
	if err == nil && key != report.LatestKey && report.DayKey(r.SnapshotDate) != key {
		err = fmt.Errorf("it is the record of %s", r.SnapshotDate)
	}
	if err != nil {
		d.warn("%s: %v: it is written anew", key, err)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.known[key], d.large[key] = nil, true
		return nil, nil
	}
	kept := r
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records[key] = &kept
	return &r, nil
}

// trend reads the stored trend, as it was before the run, once. It is to be looked at,
// but for the views, which go on from it.
func (d *documents) trend(ctx context.Context) (report.Trend, error) {
	if err := d.load(ctx, report.TrendKey); err != nil {
		return report.Trend{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.decoded == nil {
		t, err := report.DecodeTrend(d.known[report.TrendKey])
		d.decoded = func() (report.Trend, error) { return t, err }
	}
	return d.decoded()
}

// md5Of is the sum by which a listing tells a document's content.
func md5Of(data []byte) string {
	sum := md5.Sum(data)
	return hex.EncodeToString(sum[:])
}

// A plan is what is written of a day: rounds of documents, by key. The documents of a
// round are written side by side, and a round begins when all before it is stored. So
// its order is what keeps a reader from being lied to: nothing vouches for what is not
// there yet, nor for what is being altered.
type plan []map[string][]byte

// carry writes the rounds of a plan. Of several errors it gives that of a record.
func (d *documents) carry(ctx context.Context, p plan, atOnce int) error {
	for _, round := range p {
		keys := slices.SortedFunc(maps.Keys(round), first)
		errs := make([]error, len(keys))
		var writes errgroup.Group
		writes.SetLimit(atOnce)
		for i, key := range keys {
			writes.Go(func() error {
				errs[i] = d.write(ctx, key, round[key])
				return nil
			})
		}
		writes.Wait() //nolint:errcheck // each write has its own
		if err := cmp.Or(errs...); err != nil {
			return err
		}
	}
	return nil
}

// first lets the records go before the views where not all can be written at once.
func first(a, b string) int { return order(a) - order(b) }

func order(key string) int {
	if _, err := report.ParseDayKey(key); err == nil || key == report.LatestKey {
		return 0
	}
	return 1
}

// odd warns once of a document that is none of ours.
func (d *documents) odd(key string, err error) {
	d.mu.Lock()
	said := d.said[key]
	d.said[key] = true
	d.mu.Unlock()
	if !said {
		d.warn("%v: it is left alone", err)
	}
}
