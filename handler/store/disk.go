package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// A Disk keeps documents as files below the folder Dir, which it makes when
// the first document comes.
//
// It does not know the MD5 of what it lists, which would mean reading it all.
// Names that begin with ".tmp-" are its own: a process that is killed may leave
// such a file behind, which is never listed.
//
// Known limits: PutNew needs a file system with hard links; where the file
// system ignores case, so do the keys.
type Disk struct{ Dir string }

const temporary = ".tmp-" // begins the name of a file that is being written

// Get reads the file.
func (d Disk) Get(ctx context.Context, key string) ([]byte, error) {
	path, err := d.path(ctx, "get", key)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist),
		errors.Is(err, syscall.ENOTDIR),        // "a/b" beside the document "a"
		errors.Is(err, syscall.ENAMETOOLONG),   // nothing can be stored there
		err == nil && !info.Mode().IsRegular(): // a folder is no document
		return nil, fmt.Errorf("get %s: %w", key, fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("get %s: %w", key, err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", key, err)
	}
	return data, nil
}

// Put writes a file, or replaces it.
func (d Disk) Put(ctx context.Context, key string, data []byte) error {
	path, err := d.path(ctx, "put", key)
	if err != nil {
		return err
	}
	err = write(path, data, func(temp string) error {
		if isFolder(path) {
			return errFolder
		}
		return os.Rename(temp, path)
	})
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return nil
}

// PutNew writes a file unless there is one.
func (d Disk) PutNew(ctx context.Context, key string, data []byte) error {
	path, err := d.path(ctx, "put", key)
	if err != nil {
		return err
	}
	err = write(path, data, func(temp string) error {
		err := os.Link(temp, path) // unlike a rename, fails where a file is
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		if isFolder(path) {
			return errFolder
		}
		stored, failed := os.ReadFile(path)
		switch {
		case failed != nil:
			return failed
		case !bytes.Equal(stored, data):
			return fs.ErrExist
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return nil
}

var errFolder = errors.New("a folder has this name")

// List walks the folder that prefix names.
func (d Disk) List(ctx context.Context, prefix string, limit int) ([]Entry, error) {
	if err := beginList(ctx, prefix); err != nil {
		return nil, err
	}
	folder, _, _ := cutLast(prefix)
	root := filepath.Join(d.dir(), filepath.FromSlash(folder))
	var entries []Entry
	err := filepath.WalkDir(root, func(path string, file fs.DirEntry, err error) error {
		if end := endOf(ctx); end != nil {
			return end
		}
		if err != nil {
			return unlessGone(err)
		}
		name, err := filepath.Rel(d.dir(), path)
		key := filepath.ToSlash(name)
		switch {
		case err != nil:
			return err
		case file.IsDir() && path != root && !strings.HasPrefix(key+"/", prefix):
			return filepath.SkipDir
		case !isDocument(key, file) || !strings.HasPrefix(key, prefix):
			return nil
		}
		info, err := file.Info()
		if err != nil {
			return unlessGone(err)
		}
		entries = append(entries, Entry{Key: key, Size: info.Size()})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", cmp.Or(prefix, `""`), err)
	}
	slices.SortFunc(entries, byKey) // a walk sorts "a/b" before "a-b"
	return first(entries, limit), nil
}

func (d Disk) dir() string { return cmp.Or(d.Dir, ".") }

// unlessGone forgives a folder that is not there, or no longer.
func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG) {
		return nil
	}
	return err
}

func isDocument(key string, file fs.DirEntry) bool {
	return file.Type().IsRegular() && !isTemporary(key) && checkKey("", key) == nil
}

func isTemporary(key string) bool {
	_, name, _ := cutLast(key)
	return strings.HasPrefix(name, temporary)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// path returns where the document of a key is.
func (d Disk) path(ctx context.Context, op, key string) (string, error) {
	if err := begin(ctx, op, key); err != nil {
		return "", err
	}
	name, err := filepath.Localize(key)
	if err != nil || isTemporary(key) {
		return "", fmt.Errorf("%s %q: %w: want a name that this folder can hold, not %s…", op, key, fs.ErrInvalid, temporary)
	}
	return filepath.Join(d.dir(), name), nil
}

// write puts data, whole and on the disk, into a file beside path, lets land
// give that its name, and leaves nothing else behind.
func write(path string, data []byte, land func(temp string) error) error {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(folder, temporary+"*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // gone already after a rename
	_, err = file.Write(data)
	if err := errors.Join(err, file.Chmod(0o644), file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := land(file.Name()); err != nil {
		return err
	}
	return syncFolder(folder)
}

// syncFolder makes the name of a new file last.
func syncFolder(folder string) error {
	if runtime.GOOS == "windows" { // has no such call
		return nil
	}
	file, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
