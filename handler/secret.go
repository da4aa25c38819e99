package handler

import (
	"fmt"
	"io"

	"backup-statistics/handler/redact"
)

// A Secret does not print itself: sooner or later somebody logs what holds it.
type Secret string

// Format writes a stand-in for every verb.
func (Secret) Format(w fmt.State, _ rune) { io.WriteString(w, redact.Mark) }

// MarshalText gives a stand-in to JSON and to logs.
func (Secret) MarshalText() ([]byte, error) { return []byte(redact.Mark), nil }

// Reveal is the secret, for the one request that needs it.
func (s Secret) Reveal() string { return string(s) }
