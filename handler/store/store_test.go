package store_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"backup-statistics/handler/store"
)

// A Store is what the package comment promises of each implementation.
type Store interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Put(ctx context.Context, key string, data []byte) error
	PutNew(ctx context.Context, key string, data []byte) error
	List(ctx context.Context, prefix string, limit int) ([]store.Entry, error)
}

var stores = []struct {
	name string
	open func(t *testing.T) Store
}{
	{"Memory", func(t *testing.T) Store { return new(store.Memory) }},
	{"Disk", func(t *testing.T) Store { return store.Disk{Dir: t.TempDir()} }},
	{"OSS", func(t *testing.T) Store { return openBucket(t).store(t, nil) }},
	{"OSS in a path", func(t *testing.T) Store {
		b := openBucket(t)
		return b.store(t, func(o *store.Options) { o.Endpoint = b.address })
	}},
	{"OSS in the cloud", cloud},
}

func TestStores(t *testing.T) {
	for _, impl := range stores {
		for _, clause := range contract {
			t.Run(impl.name+"/"+clause.name, func(t *testing.T) {
				t.Parallel()
				clause.check(t, impl.open(t))
			})
		}
	}
}

var contract = []struct {
	name  string
	check func(t *testing.T, s Store)
}{
	{"Get returns what Put wrote, byte for byte", func(t *testing.T, s Store) {
		every := make([]byte, 0, 3*256)
		for i := range cap(every) {
			every = append(every, byte(i))
		}
		for key, data := range map[string]string{
			"binary": string(every), "empty": "", "newlines": "\r\n\n\r", "not UTF-8": "\xff\xfe\x00",
			"large": strings.Repeat("0123456789abcdef", 1<<14), "a/b/c/d.json": "{}",
			"dt=2026-11-23/1+1 %2F&?#ü.json": "odd key", "a..b/.hidden/..c": "dots",
		} {
			must(t, s.Put(t.Context(), key, []byte(data)))
			if got := get(t, s, key); got != data {
				t.Errorf("%s: Get returns %d bytes that differ from the %d written", key, len(got), len(data))
			}
		}
	}},
	{"Put replaces", func(t *testing.T, s Store) {
		for _, data := range []string{"first", "", "third and longer"} {
			must(t, s.Put(t.Context(), "a/k", []byte(data)))
			if got := get(t, s, "a/k"); got != data {
				t.Errorf("Get = %q, want %q", got, data)
			}
		}
	}},
	{"PutNew writes where nothing is", func(t *testing.T, s Store) {
		for _, data := range []string{"", "content"} {
			must(t, s.PutNew(t.Context(), "k"+data, []byte(data)))
			if got := get(t, s, "k"+data); got != data {
				t.Errorf("Get = %q, want %q", got, data)
			}
		}
	}},
	{"PutNew keeps the first", func(t *testing.T, s Store) {
		must(t, s.PutNew(t.Context(), "a/k", []byte("first")))
		for _, other := range []string{"second", "", "first and more", "firsT"} {
			if err := s.PutNew(t.Context(), "a/k", []byte(other)); !errors.Is(err, fs.ErrExist) {
				t.Errorf("PutNew of %q: error = %v, want fs.ErrExist", other, err)
			}
		}
		if got := get(t, s, "a/k"); got != "first" {
			t.Errorf("Get = %q, want the first document", got)
		}
	}},
	{"PutNew of equal content is no error", func(t *testing.T, s Store) {
		for key, data := range map[string]string{"full": "content", "empty": ""} {
			must(t, s.PutNew(t.Context(), key, []byte(data)))
			must(t, s.PutNew(t.Context(), key, []byte(data)))
			must(t, s.Put(t.Context(), key, []byte(data)))
			must(t, s.PutNew(t.Context(), key, []byte(data)))
		}
	}},
	{"of many PutNew at once exactly one wins", func(t *testing.T, s Store) {
		const writers = 8
		errs := make([]error, writers)
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() { errs[i] = s.PutNew(t.Context(), "a/k", document(i)) })
		}
		all.Wait()
		winner := slices.Index(errs, nil)
		for i, err := range errs {
			if i != winner && !errors.Is(err, fs.ErrExist) {
				t.Errorf("writer %d: error = %v, want fs.ErrExist since writer %d won", i, err, winner)
			}
		}
		if winner < 0 {
			t.Fatal("no writer won")
		}
		if got := get(t, s, "a/k"); got != string(document(winner)) {
			t.Errorf("what is stored is not what writer %d wrote", winner)
		}
	}},
	{"a reader sees whole documents while they are replaced", func(t *testing.T, s Store) {
		must(t, s.Put(t.Context(), "k", document(0)))
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				if err := s.Put(t.Context(), "k", document(i)); err != nil {
					t.Error(err)
				}
			})
			all.Go(func() {
				data, err := s.Get(t.Context(), "k")
				if err != nil || len(data) == 0 || !bytes.Equal(data, document(int(data[0]))) {
					t.Errorf("Get = %d bytes, error %v, want one of the documents", len(data), err)
				}
			})
		}
		all.Wait()
	}},
	{"Get of a missing key", func(t *testing.T, s Store) {
		missing := func(keys ...string) {
			for _, key := range keys {
				if data, err := s.Get(t.Context(), key); !errors.Is(err, fs.ErrNotExist) || data != nil {
					t.Errorf("Get(%q) = %q, %v, want nothing and fs.ErrNotExist", key, data, err)
				}
			}
		}
		missing("a", "a/b", "a/b.json")
		must(t, s.Put(t.Context(), "a/b.json", []byte("{}")))
		missing("a", "a/b", "a/b.json.x", "a/b.jso", "a/b.json/x", "a/b.json/x/y", "A/b.json", strings.Repeat("n", 1000))
	}},
	{"List is sorted, and told apart by prefix", func(t *testing.T, s Store) {
		for i, key := range []string{"a/b", "b", "a-b", "ab/c", "ab/d/e", "a.b", "B", "ü/1", "dt=1/x+y z.json"} {
			must(t, s.Put(t.Context(), key, bytes.Repeat([]byte("x"), i)))
		}
		for _, tt := range []struct{ name, prefix, want string }{
			{"all", "", "B:6 a-b:2 a.b:5 a/b:0 ab/c:3 ab/d/e:4 b:1 dt=1/x+y z.json:8 ü/1:7"},
			{"a prefix inside a name", "a", "a-b:2 a.b:5 a/b:0 ab/c:3 ab/d/e:4"},
			{"a folder", "ab/", "ab/c:3 ab/d/e:4"},
			{"a prefix inside a name in a folder", "ab/d", "ab/d/e:4"},
			{"a folder in a folder", "ab/d/", "ab/d/e:4"},
			{"a key", "ab/c", "ab/c:3"},
			{"characters that an address escapes", "dt=1/x+y z", "dt=1/x+y z.json:8"},
			{"nothing", "c", ""},
			{"nothing in a folder", "ab/c/", ""},
			{"nothing in no folder", "c/d/e", ""},
			{"nothing in a folder deeper", "c/d/e/", ""},
			{"dots that begin no name", "a/..", ""},
		} {
			if got := list(t, s, tt.prefix, 0); got != tt.want {
				t.Errorf("%s: List(%q) = %s, want %s", tt.name, tt.prefix, got, tt.want)
			}
		}
	}},
	{"List of an empty store", func(t *testing.T, s Store) {
		for _, prefix := range []string{"", "a", "a/"} {
			if got := list(t, s, prefix, 0); got != "" {
				t.Errorf("List(%q) = %s, want none", prefix, got)
			}
		}
	}},
	{"List keeps to its limit, over pages", func(t *testing.T, s Store) {
		var all []string
		for i := range 3 * pageSize {
			key := fmt.Sprintf("p/%03d", i)
			must(t, s.Put(t.Context(), key, nil))
			all = append(all, key+":0")
		}
		must(t, s.Put(t.Context(), "q", nil))
		for _, limit := range []int{0, 1, pageSize - 1, pageSize, pageSize + 1, 3*pageSize - 1, 3 * pageSize, 1000} {
			want := all
			if limit > 0 {
				want = all[:min(limit, len(all))]
			}
			if got := list(t, s, "p/", limit); got != strings.Join(want, " ") {
				t.Errorf("List with limit %d = %s, want %s", limit, got, want)
			}
		}
	}},
	{"List knows the MD5 of the content, or none", func(t *testing.T, s Store) {
		for key, data := range map[string]string{"full": "content", "empty": ""} {
			must(t, s.Put(t.Context(), key, []byte(data)))
			entries, err := s.List(t.Context(), key, 0)
			must(t, err)
			sum := md5.Sum([]byte(data))
			if want := hex.EncodeToString(sum[:]); len(entries) != 1 || entries[0].MD5 != want && entries[0].MD5 != "" {
				t.Errorf("List(%q) = %+v, want MD5 %s, or none", key, entries, want)
			}
		}
	}},
	{"every error names the key", func(t *testing.T, s Store) {
		must(t, s.Put(t.Context(), "dt=1/taken", []byte("first")))
		_, missing := s.Get(t.Context(), "dt=1/missing")
		names(t, missing, "get", "dt=1/missing")
		names(t, s.PutNew(t.Context(), "dt=1/taken", []byte("second")), "put", "dt=1/taken")
	}},
	{"a bad key is refused by name", func(t *testing.T, s Store) {
		for _, key := range []string{
			"", ".", "..", "/", "/a", "a/", "a//b", "./a", "a/.", "a/./b", "../a", "a/..", "a/../b", `a\b`, "a\x00b", "a\nb",
			"a\x7fb", "a\u0085b", "a\xffb", strings.Repeat("k", 1024),
		} {
			_, err := s.Get(t.Context(), key)
			for op, err := range map[string]error{
				"get": err, "put": s.Put(t.Context(), key, nil), "put (new)": s.PutNew(t.Context(), key, nil),
			} {
				if !errors.Is(err, fs.ErrInvalid) || !strings.Contains(err.Error(), strings.Trim(fmt.Sprintf("%q", key), `"`)) {
					t.Errorf("%s %q: error = %v, want fs.ErrInvalid and the key", op, key, err)
				}
			}
		}
		for _, prefix := range []string{"/", "/a", "a//", "./", "../", "a/../b", `a\`, "a\n", "a\xff", strings.Repeat("k", 1024)} {
			if _, err := s.List(t.Context(), prefix, 0); !errors.Is(err, fs.ErrInvalid) || !strings.Contains(err.Error(), strings.Trim(fmt.Sprintf("%q", prefix), `"`)) {
				t.Errorf("list %q: error = %v, want fs.ErrInvalid and the prefix", prefix, err)
			}
		}
		if got := list(t, s, "", 0); got != "" {
			t.Errorf("the store holds %s, want nothing", got)
		}
	}},
	{"a dead context stops it", func(t *testing.T, s Store) {
		must(t, s.Put(t.Context(), "k", []byte("content")))
		ctx, stop := context.WithCancel(t.Context())
		stop()
		stopped(t, s, ctx, context.Canceled)
		ctx, stop = context.WithTimeout(t.Context(), 0)
		defer stop()
		stopped(t, s, ctx, context.DeadlineExceeded)
	}},
	{"a dead context tells why, but its reason is not the store's", func(t *testing.T, s Store) {
		must(t, s.Put(t.Context(), "k", []byte("content")))
		ctx, stop := context.WithCancelCause(t.Context())
		reason := fmt.Errorf("a neighbour: %w", fs.ErrExist)
		stop(reason)
		stopped(t, s, ctx, context.Canceled)
		err := s.PutNew(ctx, "k", []byte("content"))
		if !errors.Is(err, reason) || !strings.Contains(err.Error(), "a neighbour") || errors.Is(err, fs.ErrExist) {
			t.Errorf("error = %v, want the reason, and not fs.ErrExist", err)
		}
	}},
	{"what is stored is a copy", func(t *testing.T, s Store) {
		data := []byte("content")
		must(t, s.Put(t.Context(), "put", data))
		must(t, s.PutNew(t.Context(), "new", data))
		copy(data, "altered")
		for _, key := range []string{"put", "new"} {
			got, err := s.Get(t.Context(), key)
			must(t, err)
			copy(got, "altered")
			if got := get(t, s, key); got != "content" {
				t.Errorf("%s: Get = %q, want what was written", key, got)
			}
		}
	}},
}

// pageSize is that of the stores under test which list in pages.
const pageSize = 5

// document is 64 KiB of one byte.
func document(b int) []byte { return bytes.Repeat([]byte{byte(b)}, 64<<10) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s Store, key string) string {
	t.Helper()
	data, err := s.Get(t.Context(), key)
	must(t, err)
	return string(data)
}

// list returns the keys with the sizes.
func list(t *testing.T, s Store, prefix string, limit int) string {
	t.Helper()
	entries, err := s.List(t.Context(), prefix, limit)
	must(t, err)
	var lines []string
	for _, e := range entries {
		lines = append(lines, fmt.Sprintf("%s:%d", e.Key, e.Size))
	}
	return strings.Join(lines, " ")
}

func names(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || strings.Count(err.Error(), part) != 1 {
			t.Errorf("error = %v, want %q in it, once", err, part)
		}
	}
}

// stopped checks that each method fails with want, and names what it was for.
func stopped(t *testing.T, s Store, ctx context.Context, want error) {
	t.Helper()
	_, got := s.Get(ctx, "k")
	_, listed := s.List(ctx, "dt=1/", 0)
	for _, tt := range []struct {
		err   error
		names string
	}{
		{got, "get k"}, {s.Put(ctx, "k", []byte("other")), "put k"}, {s.PutNew(ctx, "l", nil), "put l"}, {listed, "list dt=1/"},
	} {
		op, key, _ := strings.Cut(tt.names, " ")
		if !errors.Is(tt.err, want) || !strings.HasPrefix(tt.err.Error(), op+" ") || !strings.Contains(tt.err.Error(), key+":") {
			t.Errorf("%s: error = %v, want %v", tt.names, tt.err, want)
		}
	}
	if got := get(t, s, "k"); got != "content" {
		t.Errorf("Get = %q, want what was there", got)
	}
}
