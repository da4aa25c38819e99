//go:build !function

package local

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// CloudBackup plays Cloud Backup's GetBasicStatistics (2017-09-08).
//
// An account whose protection [CloudBackup.Set] never told has not activated
// the service, and a source type that it never told is refused as unknown: zero
// is only answered where zero was set.
type CloudBackup struct {
	Keys *Keys
	// Now is the service's clock; nil: the machine's.
	Now func() time.Time

	nonces nonces
	mu     sync.Mutex
	known  map[string]bool      // accounts that activated the service
	set    map[source][]Region  // what they protect
	raw    map[source]rawAnswer // what is answered instead
	shut   map[string]*refusal  // by account
}

// A Region is what an account protects in one region.
type Region struct {
	ID    string
	Bytes int64
	Count int64
}

// A source is what an answer of the service is about.
type source struct{ account, sourceType string }

// Set says what an account protects from now on, and ends a raw answer that was
// set for exactly this account and source type. The regions are answered in
// this order, the global numbers as their sum.
func (c *CloudBackup) Set(account, sourceType string, regions ...Region) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.set == nil {
		c.set, c.known = make(map[source][]Region), make(map[string]bool)
	}
	c.known[account] = true
	c.set[source{account, sourceType}] = slices.Clone(regions)
	delete(c.raw, source{account, sourceType})
}

// SetAnswer sets an answer that is given as it stands to every request of the
// account for the source type whose signature is good, before all else. An
// empty account or source type means any; the most exact answer is given, the
// account counting more. Status 0 ends it.
func (c *CloudBackup) SetAnswer(account, sourceType string, status int, body string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.raw == nil {
		c.raw = make(map[source]rawAnswer)
	}
	if c.raw[source{account, sourceType}] = (rawAnswer{status, body}); status == 0 {
		delete(c.raw, source{account, sourceType})
	}
}

// NotActivated makes the account one that has not activated Cloud Backup, until
// [CloudBackup.Allow].
func (c *CloudBackup) NotActivated(account string) {
	c.refuse(account, notActivated())
}

// Deny refuses the account's requests for want of permission, until
// [CloudBackup.Allow].
func (c *CloudBackup) Deny(account string) {
	c.refuse(account, noPermission())
}

// Allow takes back NotActivated and Deny.
func (c *CloudBackup) Allow(account string) {
	c.refuse(account, nil)
}

func (c *CloudBackup) refuse(account string, e *refusal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shut == nil {
		c.shut = make(map[string]*refusal)
	}
	c.shut[account] = e
}

func notActivated() *refusal {
	return &refusal{403, "ServiceNotActivated", "The Cloud Backup service is not activated."}
}

// ServeHTTP answers as hbr.<region>.aliyuncs.com does.
func (c *CloudBackup) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	acsAPI{"2017-09-08", "hbr", c.Keys, clock(c.Now), &c.nonces, c.answer}.serve(w, r)
}

func (c *CloudBackup) answer(call *acsCall) (any, *refusal) {
	if call.action != "GetBasicStatistics" {
		return nil, noSuchAction()
	}
	account, sourceType := call.key.Account, call.form.Get("SourceType")
	if sourceType == "" {
		return nil, &refusal{400, "MissingSourceType", "SourceType is mandatory for this action."}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range []source{{account, sourceType}, {account, ""}, {"", sourceType}, {"", ""}} {
		if raw, ok := c.raw[of]; ok {
			return raw, nil
		}
	}
	if refused := c.shut[account]; refused != nil {
		return nil, refused
	}
	regions, ok := c.set[source{account, sourceType}]
	switch {
	case ok:
		return newStatistics(call.id, sourceType, regions), nil
	case c.known[account]:
		return nil, &refusal{400, "InvalidSourceType", "The specified SourceType is invalid."}
	}
	return nil, notActivated()
}

// A statistics is the service's answer, in its fields and their order.
type statistics struct {
	RequestID        string `json:"RequestId"`
	Code             string
	Message          string
	Success          bool
	SourceType       string
	RegionStatistics []regionStatistics
	GlobalStatistics amount
}

type regionStatistics struct {
	RegionID string `json:"RegionId"`
	amount
}

type amount struct{ ProtectedDataSize, ProtectedResourceCount int64 }

func newStatistics(id, sourceType string, regions []Region) *statistics {
	s := &statistics{
		RequestID: id, Code: "200", Message: "successful", Success: true,
		SourceType: sourceType, RegionStatistics: []regionStatistics{},
	}
	for _, region := range regions {
		s.RegionStatistics = append(s.RegionStatistics, regionStatistics{region.ID, amount{region.Bytes, region.Count}})
		s.GlobalStatistics.ProtectedDataSize += region.Bytes
		s.GlobalStatistics.ProtectedResourceCount += region.Count
	}
	return s
}
