package handler

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"backup-statistics/report"
)

// documents are derived documents as an invocation knows them to be stored: each
// is read once at most, and written where it differs.
type documents struct {
	Store

	mu       sync.Mutex
	known    map[string][]byte // nil where there is none
	written  int
	warnings []string
}

func newDocuments(s Store) *documents { return &documents{Store: s, known: make(map[string][]byte)} }

// load reads documents, side by side and each once.
func (d *documents) load(ctx context.Context, keys ...string) error {
	var reads errgroup.Group
	for _, key := range keys {
		d.mu.Lock()
		_, known := d.known[key]
		d.mu.Unlock()
		if known {
			continue
		}
		reads.Go(func() error {
			data, err := d.Store.Get(ctx, key)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return &StoreError{err}
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			d.known[key] = data
			return nil
		})
	}
	return reads.Wait()
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
	}
}

// holds tells whether a document is stored as data. Of one that was not read, a
// listing tells: the tables of thousands of accounts are as large as the rest of a
// run's memory.
func (d *documents) holds(ctx context.Context, key string, data []byte) (bool, error) {
	d.mu.Lock()
	stored, known := d.known[key]
	d.mu.Unlock()
	if known {
		return bytes.Equal(stored, data), nil // an empty table and none are equal: neither has rows
	}
	entries, err := d.Store.List(ctx, key, 1)
	if err != nil {
		return false, &StoreError{err}
	}
	switch {
	case len(entries) == 0 || entries[0].Key != key:
		return len(data) == 0, nil
	case entries[0].Size != int64(len(data)):
		return false, nil
	case entries[0].MD5 == md5Of(data):
		return true, nil
	}
	// As long as this one: it differs, or the store does not tell its MD5.
	if err := d.load(ctx, key); err != nil {
		return false, err
	}
	return bytes.Equal(d.get(key), data), nil
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
	d.known[key] = data
	d.written++
	return nil
}

// writeRecord writes a day's record.
func (d *documents) writeRecord(ctx context.Context, key string, r report.DayRecord) error {
	data, err := r.Encode()
	if err != nil {
		return &StoreError{err}
	}
	return d.write(ctx, key, data)
}

// adopt takes over what others counted and warned of.
func (d *documents) adopt(other *documents) {
	other.mu.Lock()
	defer other.mu.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.written += other.written
	d.warnings = append(d.warnings, other.warnings...)
	other.written, other.warnings = 0, nil
}

func (d *documents) warn(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if text := fmt.Sprintf(format, args...); !slices.Contains(d.warnings, text) { // a document is looked at more than once
		d.warnings = append(d.warnings, text)
	}
}

// record is a day's record that was loaded, nil where there is none. A damaged
// one is as good as none: it is derived again.
func (d *documents) record(key string) *report.DayRecord {
	data := d.get(key)
	if data == nil {
		return nil
	}
	r, err := report.DecodeDayRecord(data)
	if err != nil {
		d.warn("%s: %v: it is written anew", key, err)
		return nil
	}
	return &r
}

// md5Of is the sum by which a listing tells a document's content.
func md5Of(data []byte) string {
	sum := md5.Sum(data)
	return hex.EncodeToString(sum[:])
}
