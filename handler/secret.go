package handler

import (
	"fmt"
	"io"
	"slices"

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

// Redactor takes the secrets of a deployment, and those of an invocation, out of what
// is told. What other settings tell openly is none.
func (c *Config) Redactor(invocation ...string) *redact.Redactor {
	secrets := append(invocation, c.MemberExternalID.Reveal(), c.WebhookSecret.Reveal())
	return redact.New(slices.Concat(secrets, redact.Address(c.WebhookURL.Reveal()), redact.Address(c.HeartbeatURL.Reveal())),
		append([]string{c.Bucket, c.Prefix, c.Region, c.OSSRegion, c.OSSEndpoint, c.BackupEndpoint, c.STSEndpoint, c.DirectoryEndpoint, c.MemberRoleName},
			slices.Concat(c.SourceTypes, c.MemberRoleARNs)...)...)
}
