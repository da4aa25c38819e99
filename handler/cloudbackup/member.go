package cloudbackup

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/time/rate"

	"backup-statistics/report"
)

// RolesPerSecond is the pace at which roles are assumed. STS takes 100 calls a
// second from an account: a burst and a second's rate together stay below that.
const (
	RolesPerSecond = 80
	rolesBurst     = 15
)

// NewPace is the pace at which the roles of one invocation are assumed, all
// members together.
func NewPace() *rate.Limiter { return rate.NewLimiter(RolesPerSecond, rolesBurst) }

// A MemberAccount tells what another account protects, through a role there. It
// assumes the role when it is first asked, and once.
type MemberAccount struct {
	STS        *STS
	Pace       *rate.Limiter // shared by the members of an invocation
	RoleARN    string
	Session    string // names the function in the member's audit log
	ExternalID string
	Backup     Client // what to ask, but for the credential

	once   sync.Once
	client *Client
	err    error
}

// Statistics asks with the member's own credential. Its error names the role
// where that could not be assumed.
func (m *MemberAccount) Statistics(ctx context.Context, sourceType string) (report.Statistics, error) {
	m.once.Do(func() { m.err = m.assume(ctx) })
	if m.err != nil {
		return report.Statistics{}, m.err
	}
	return m.client.Statistics(ctx, sourceType)
}

func (m *MemberAccount) assume(ctx context.Context) error {
	if err := m.Pace.Wait(ctx); err != nil {
		return &unasked{fmt.Errorf("assume %s: no time was left for the pace of STS, %d a second: %w", m.RoleARN, RolesPerSecond, err)}
	}
	credential, err := m.STS.AssumeRole(ctx, m.RoleARN, m.Session, m.ExternalID)
	if err != nil {
		return fmt.Errorf("assume %s: %w", m.RoleARN, err)
	}
	client := m.Backup
	client.Credential = credential
	m.client = &client
	return nil
}

// An unasked account is one that no request was made for.
type unasked struct{ error }

// NotAttempted tells that there was no time for the account.
func (*unasked) NotAttempted() bool { return true }

func (u *unasked) Unwrap() error { return u.error }
