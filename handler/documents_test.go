package handler

import (
	"context"
	"testing"

	"backup-statistics/handler/store"
)

// A nameless store does not know the MD5 of what it keeps, as a bucket that
// encrypts with a key of its own may not.
type nameless struct{ Store }

func (s nameless) List(ctx context.Context, prefix string, limit int) ([]store.Entry, error) {
	entries, err := s.Store.List(ctx, prefix, limit)
	for i := range entries {
		entries[i].MD5 = ""
	}
	return entries, err
}

// TestWhatDiffersIsWritten wants a document to be written where another is stored
// or none, and only there.
func TestWhatDiffersIsWritten(t *testing.T) {
	for _, tt := range []struct {
		name   string
		stored map[string]string
		data   string
		writes int
	}{
		{"it is stored", map[string]string{"a.json": "one"}, "one", 0},
		{"another of this length is stored", map[string]string{"a.json": "two"}, "one", 1},
		{"a longer one is stored", map[string]string{"a.json": "longer"}, "one", 1},
		{"none is stored", nil, "one", 1},
		{"one whose key begins alike is stored", map[string]string{"a.json.bak": "one"}, "one", 1},
		{"none is stored, and it is empty", nil, "", 0},
		{"an empty one is stored, and it is not", map[string]string{"a.json": ""}, "one", 1},
		{"one is stored, and it is empty", map[string]string{"a.json": "one"}, "", 1},
	} {
		for name, wrap := range map[string]func(Store) Store{
			"with MD5":    func(s Store) Store { return s },
			"without MD5": func(s Store) Store { return nameless{s} },
		} {
			t.Run(tt.name+", "+name, func(t *testing.T) {
				memory := new(store.Memory)
				for key, data := range tt.stored {
					must(t, memory.Put(t.Context(), key, []byte(data)))
				}
				counted := &counting{Store: memory, calls: make(map[string]int)}
				docs := newDocuments(wrap(counted))
				for range 2 { // what was written is known to be stored
					must(t, docs.write(t.Context(), "a.json", []byte(tt.data)))
				}
				if counted.calls["Put"] != tt.writes {
					t.Errorf("written %d times, want %d", counted.calls["Put"], tt.writes)
				}
				if tt.data != "" {
					stored, err := memory.Get(t.Context(), "a.json")
					if must(t, err); string(stored) != tt.data {
						t.Errorf("stored %q, want %q", stored, tt.data)
					}
				}
			})
		}
	}
}
