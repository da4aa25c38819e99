//go:build !function

package local

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// A Key is a credential that the stand-ins accept. It does not print its
// secret parts.
type Key struct {
	ID     string
	Secret string
	// Token is the security token that was issued with the key. A key that
	// lasts has none.
	Token string
	// Account is whose key it is.
	Account string
	// Expires is when the key ends; zero: never.
	Expires time.Time
}

// Format prints the id and the account, whatever the verb.
func (k Key) Format(w fmt.State, _ rune) {
	fmt.Fprintf(w, "key %s of account %s", k.ID, k.Account)
}

// expired tells whether the key has ended.
func (k Key) expired(now time.Time) bool {
	return !k.Expires.IsZero() && !now.Before(k.Expires)
}

// Keys are the credentials that exist. The zero value holds none. All methods
// may be called at once.
type Keys struct {
	mu   sync.RWMutex
	byID map[string]Key
}

// Add adds a key, or replaces the one of the same id.
func (k *Keys) Add(key Key) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byID == nil {
		k.byID = make(map[string]Key)
	}
	k.byID[key.ID] = key
}

// Remove removes a key; requests that it signed are refused from now on.
func (k *Keys) Remove(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.byID, id)
}

// Find returns the key of this id, expired or not. A nil Keys has none.
func (k *Keys) Find(id string) (Key, bool) {
	if k == nil {
		return Key{}, false
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	key, ok := k.byID[id]
	return key, ok
}

// Format prints how many there are, and none of them.
func (k *Keys) Format(w fmt.State, _ rune) {
	if k == nil {
		io.WriteString(w, "no keys")
		return
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	fmt.Fprintf(w, "%d keys", len(k.byID))
}
