package store

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

// A Memory keeps documents as long as the process lives. Its zero value is
// empty and ready.
type Memory struct {
	mu        sync.RWMutex
	documents map[string][]byte
}

// Get returns a copy of the document.
func (m *Memory) Get(ctx context.Context, key string) ([]byte, error) {
	if err := begin(ctx, "get", key); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	data, ok := m.documents[key]
	if !ok {
		return nil, fmt.Errorf("get %s: %w", key, fs.ErrNotExist)
	}
	return bytes.Clone(data), nil
}

// Put keeps a copy of data.
func (m *Memory) Put(ctx context.Context, key string, data []byte) error {
	if err := begin(ctx, "put", key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(key, data)
	return nil
}

// PutNew keeps a copy of data unless key is taken.
func (m *Memory) PutNew(ctx context.Context, key string, data []byte) error {
	if err := begin(ctx, "put", key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	stored, taken := m.documents[key]
	if taken && !bytes.Equal(stored, data) {
		return fmt.Errorf("put %s: %w", key, fs.ErrExist)
	}
	m.set(key, data)
	return nil
}

func (m *Memory) set(key string, data []byte) {
	if m.documents == nil {
		m.documents = make(map[string][]byte)
	}
	m.documents[key] = append([]byte{}, data...)
}

// List returns the keys below prefix.
func (m *Memory) List(ctx context.Context, prefix string, limit int) ([]Entry, error) {
	if err := beginList(ctx, prefix); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	var entries []Entry
	for key, data := range m.documents {
		if strings.HasPrefix(key, prefix) {
			sum := md5.Sum(data)
			entries = append(entries, Entry{key, int64(len(data)), hex.EncodeToString(sum[:])})
		}
	}
	slices.SortFunc(entries, byKey)
	return first(entries, limit), nil
}
