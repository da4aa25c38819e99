package handler

import (
	"fmt"
	"io"
)

// A Secret does not print itself: sooner or later somebody logs what holds it.
type Secret string

const redacted = "[redacted]"

// Format writes a stand-in for every verb.
func (Secret) Format(w fmt.State, _ rune) { io.WriteString(w, redacted) }

// MarshalText gives a stand-in to JSON and to logs.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Reveal is the secret, for the one request that needs it.
func (s Secret) Reveal() string { return string(s) }
