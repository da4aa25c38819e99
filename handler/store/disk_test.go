package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"backup-statistics/handler/store"
)

func TestDiskLeavesNothingElseBehind(t *testing.T) {
	d := store.Disk{Dir: t.TempDir()}
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			_ = d.PutNew(t.Context(), "a/new", document(i))
			_ = d.Put(t.Context(), "a/put", document(i))
		})
	}
	all.Wait()
	must(t, d.Put(t.Context(), "a/b/c", nil))
	_ = d.Put(t.Context(), "a/b", []byte("fails"))
	_ = d.PutNew(t.Context(), "a/b", []byte("fails"))
	var files []string
	must(t, filepath.WalkDir(d.Dir, func(path string, file fs.DirEntry, err error) error {
		if err == nil && !file.IsDir() {
			files = append(files, filepath.ToSlash(strings.TrimPrefix(path, d.Dir)))
		}
		return err
	}))
	if got, want := strings.Join(files, " "), "/a/b/c /a/new /a/put"; got != want {
		t.Errorf("the folder holds %s, want %s", got, want)
	}
}

func TestDiskListsDocumentsOnly(t *testing.T) {
	d := store.Disk{Dir: t.TempDir()}
	must(t, d.Put(t.Context(), "a/k", []byte("content")))
	must(t, os.MkdirAll(filepath.Join(d.Dir, "a", "empty", "folder"), 0o755))
	must(t, os.WriteFile(filepath.Join(d.Dir, "a", ".tmp-1234"), []byte("half a docu"), 0o600))
	must(t, os.WriteFile(filepath.Join(d.Dir, "a", "no\nkey"), nil, 0o600))
	if got, want := list(t, d, "", 0), "a/k:7"; got != want {
		t.Errorf("List = %s, want %s", got, want)
	}
	if err := d.Put(t.Context(), "a/.tmp-1234", nil); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("Put over a file that is being written: error = %v, want fs.ErrInvalid", err)
	}
}

// A folder can't be a document as well: that is an error, and no wrong answer.
func TestDiskFolderInTheWay(t *testing.T) {
	d := store.Disk{Dir: t.TempDir()}
	must(t, d.Put(t.Context(), "a/k", []byte("content")))
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"Put of a folder", d.Put(t.Context(), "a", nil), "put a: a folder has this name"},
		{"PutNew of a folder", d.PutNew(t.Context(), "a", nil), "put a: a folder has this name"},
		{"Put below a document", d.Put(t.Context(), "a/k/l", nil), "put a/k/l: "},
		{"PutNew below a document", d.PutNew(t.Context(), "a/k/l", nil), "put a/k/l: "},
		{"a name no file system takes", d.PutNew(t.Context(), strings.Repeat("n", 1000), nil), "put nnn"},
	} {
		if !strings.HasPrefix(text(tt.err), tt.want) || errors.Is(tt.err, fs.ErrExist) || errors.Is(tt.err, fs.ErrNotExist) {
			t.Errorf("%s: error = %v, want %s and neither fs.ErrExist nor fs.ErrNotExist", tt.name, tt.err, tt.want)
		}
	}
	if got := get(t, d, "a/k"); got != "content" {
		t.Errorf("Get = %q, want what was there", got)
	}
}

func TestDiskMakesItsFolder(t *testing.T) {
	d := store.Disk{Dir: filepath.Join(t.TempDir(), "not", "yet")}
	if got := list(t, d, "", 0); got != "" {
		t.Errorf("List = %s, want none", got)
	}
	must(t, d.PutNew(t.Context(), "k", []byte("content")))
	if got := get(t, d, "k"); got != "content" {
		t.Errorf("Get = %q, want what was written", got)
	}
}

func TestDiskWithoutFolderIsHere(t *testing.T) {
	t.Chdir(t.TempDir())
	must(t, store.Disk{}.Put(t.Context(), "a/k", []byte("content")))
	if got, want := list(t, store.Disk{}, "", 0), "a/k:7"; got != want {
		t.Errorf("List = %s, want %s", got, want)
	}
	if _, err := os.Stat(filepath.Join("a", "k")); err != nil {
		t.Error(err)
	}
}
