package handler

import (
	"context"
	"log/slog"
	"slices"
	"sync"
)

// rehearse is a handler that does all that h does and leaves nothing behind: what it
// writes it keeps to itself, and it tells nobody.
func (h *Handler) rehearse() *Handler {
	dry := *h
	dry.Store, dry.Log = &rehearsal{Store: h.Store, written: make(map[string][]byte)}, slog.New(slog.DiscardHandler)
	dry.Notifier, dry.Heart, dry.Spare = nil, nil, nil // there is no first write to spare a connection for
	return &dry
}

// A rehearsal is a store that keeps what is written to itself.
type rehearsal struct {
	Store
	mu      sync.Mutex
	written map[string][]byte
}

// Get returns what was written, or else what is stored.
func (s *rehearsal) Get(ctx context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	data, written := s.written[key]
	s.mu.Unlock()
	if written {
		return slices.Clone(data), nil
	}
	return s.Store.Get(ctx, key)
}

// Put writes nothing.
func (s *rehearsal) Put(_ context.Context, key string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written[key] = slices.Clone(data)
	return nil
}

// PutNew writes nothing.
func (s *rehearsal) PutNew(ctx context.Context, key string, data []byte) error {
	return s.Put(ctx, key, data)
}
