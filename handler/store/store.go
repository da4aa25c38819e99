// Package store keeps small named documents: in OSS, in a folder, or in memory.
// It owns how they get there and back whole, and how often a request that
// failed in passing is tried again. It never knows what a document means.
//
// The contract, which [Memory], [Disk] and [OSS] keep alike:
//
//   - A key is a slash-separated relative path in UTF-8 of up to 1023 bytes,
//     without empty, "." or ".." parts, backslashes and control characters.
//     Any other is refused with an error that wraps [fs.ErrInvalid].
//   - Get returns a document, byte for byte. Where there is none, its error
//     wraps [fs.ErrNotExist]; a folder is no document.
//   - Put writes a document or replaces it, whole or not at all: a reader sees
//     the old one or the new one. Who called does not change the bytes
//     afterwards: a try that was given up may be reading them still.
//   - PutNew writes likewise, but never replaces. Where the key is taken its
//     error wraps [fs.ErrExist], unless exactly this content is what is stored:
//     a write whose reply was lost did not fail.
//   - List returns the keys that begin with a prefix, sorted by bytes, and no
//     error for none. The prefix may end inside a name. A limit above 0 returns
//     that many of the first; without one the list is whole, or an error.
//   - Every error names the key. No error holds a secret.
//   - All methods may be called at once. They end early when ctx does, with an
//     error that wraps ctx's.
//   - What goes in and what comes out is a copy.
//
// A key should not be the folder of another ("a" beside "a/b"): OSS and Memory
// keep both, a file system can't.
package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An Entry is what a listing tells about one document.
type Entry struct {
	Key  string
	Size int64  // in bytes
	MD5  string // of the content, in lower-case hex; "" where the store does not know it
}

// ErrTooLarge is a document of more bytes than a store reads.
var ErrTooLarge = errors.New("too large")

const maxKeyBytes = 1023 // what OSS takes

// begin refuses a key that is none, and work for a caller who is gone.
func begin(ctx context.Context, op, key string) error {
	if err := checkKey(op, key); err != nil {
		return err
	}
	if end := endOf(ctx); end != nil {
		return fmt.Errorf("%s %s: %w", op, key, end)
	}
	return nil
}

// beginList is begin for a prefix.
func beginList(ctx context.Context, prefix string) error {
	if err := checkPrefix("list", prefix); err != nil {
		return err
	}
	if end := endOf(ctx); end != nil {
		return fmt.Errorf("list %s: %w", cmp.Or(prefix, `""`), end)
	}
	return nil
}

func checkKey(op, key string) error {
	if key != "." && fs.ValidPath(key) && len(key) <= maxKeyBytes && !strings.ContainsFunc(key, forbidden) {
		return nil
	}
	return fmt.Errorf("%s %q: %w: want a slash-separated relative path in UTF-8 of up to %d bytes, "+
		`without empty, "." or ".." parts, backslashes and control characters`, op, key, fs.ErrInvalid, maxKeyBytes)
}

// checkPrefix accepts whatever a key can begin with: nothing, folders, and the
// beginning of a name.
func checkPrefix(op, prefix string) error {
	folder, name, nested := cutLast(prefix)
	if nested {
		if err := checkKey(op, folder); err != nil {
			return fmt.Errorf("%w (in the prefix %q)", err, prefix)
		}
	}
	if len(prefix) > maxKeyBytes || !utf8.ValidString(name) || strings.ContainsFunc(name, forbidden) {
		return fmt.Errorf("%s %q: %w: want what a key of up to %d bytes in UTF-8 can begin with, "+
			"without backslashes and control characters", op, prefix, fs.ErrInvalid, maxKeyBytes)
	}
	return nil
}

// cutLast parts a key or prefix at its last slash.
func cutLast(key string) (folder, name string, nested bool) {
	i := strings.LastIndexByte(key, '/')
	if i < 0 {
		return "", key, false
	}
	return key[:i], key[i+1:], true
}

func forbidden(r rune) bool { return r == '\\' || unicode.IsControl(r) }

func byKey(a, b Entry) int { return cmp.Compare(a.Key, b.Key) }

// first returns the first limit entries, or all where limit is 0.
func first(entries []Entry, limit int) []Entry {
	if limit > 0 && limit < len(entries) {
		return entries[:limit]
	}
	return entries
}

// An ended error says that ctx ended, and why. What the reason wraps is not
// searched: where a failing call cancels its neighbours, its fs.ErrExist must
// not look like theirs.
type ended struct{ end, cause error }

// endOf returns nil until ctx ends.
func endOf(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return &ended{ctx.Err(), context.Cause(ctx)}
}

func (e *ended) Error() string {
	if errors.Is(e.cause, e.end) {
		return e.cause.Error()
	}
	return e.end.Error() + ": " + e.cause.Error()
}

// Is also finds the reason itself.
func (e *ended) Is(target error) bool {
	return reflect.TypeOf(target).Comparable() && target == e.cause
}

// Unwrap returns [context.Canceled] or [context.DeadlineExceeded].
func (e *ended) Unwrap() error { return e.end }
