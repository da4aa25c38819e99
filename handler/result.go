package handler

import (
	"fmt"
	"slices"

	"backup-statistics/handler/fault"
	"backup-statistics/handler/redact"
	"backup-statistics/report"
)

// What became of a snapshot.
const (
	Written  = "written"
	Exists   = "exists"   // it was there before, and stays byte for byte
	Replaced = "replaced" // it was there before, and overwrite was asked for
	DryRun   = "dry_run"  // collected, and nothing written
	// NotActivated is an account that has not activated Cloud Backup.
	NotActivated = "not_activated"
	Verified     = "verified"   // of action verify: everything is as it was recorded
	Unfinished   = "unfinished" // of a rebuild or a verify: its time was over
)

// A Result is the answer to an invocation: one short JSON object, for people who
// read it in a console.
type Result struct {
	Action       string             `json:"action"`
	SnapshotDate report.Date        `json:"snapshot_date"`
	TimeZone     string             `json:"time_zone"`
	Status       string             `json:"status"`
	Accounts     []AccountResult    `json:"accounts,omitempty"`         // a hundred at most
	Omitted      int                `json:"accounts_omitted,omitempty"` // how many more there are, see the day's record
	Totals       []report.TypeTotal `json:"totals,omitempty"`           // over all accounts of the day
	Change       *Change            `json:"change,omitempty"`
	FreeQuota    *QuotaResult       `json:"free_quota,omitempty"`
	Chain        string             `json:"chain,omitempty"`               // of the day, see [report.Chain]
	Alerts       []report.Alert     `json:"alerts,omitzero"`               // that are open, each with a hundred items at most; nil: nobody judged
	ItemsOmitted int                `json:"alert_items_omitted,omitempty"` // how many more there are, see the day's record
	Rebuilt      *Rebuilt           `json:"rebuilt,omitempty"`             // of action rebuild
	Verified     *VerifiedDays      `json:"verified,omitempty"`            // of action verify
	Next         *report.Date       `json:"next,omitempty"`                // of what is unfinished: the date to send as from
	Checks       []Check            `json:"checks,omitempty"`              // of action preflight
	Warnings     []string           `json:"warnings,omitempty"`
}

// What a preflight found out about something.
const (
	CheckOK      = "ok"
	CheckFailed  = "failed"
	CheckUnknown = "unknown" // it could not be found out, and nothing depends on it
)

// A Check is one thing that a preflight looked at.
type Check struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Found  string `json:"found"`
	Do     string `json:"do,omitempty"` // what to do about it

	cause fault.Cause
}

// Rebuilt is what a rebuild found and did.
type Rebuilt struct {
	From     report.Date `json:"from"`
	To       report.Date `json:"to"`
	Complete int         `json:"complete"` // days
	Partial  int         `json:"partial"`
	Missing  int         `json:"missing"`
	Written  int         `json:"written"` // documents that were not there, or differed
}

// VerifiedDays is what a verify looked at.
type VerifiedDays struct {
	From      report.Date `json:"from"`
	To        report.Date `json:"to"`
	Days      int         `json:"days"`
	Snapshots int         `json:"snapshots"`
}

// An AccountResult is what became of one snapshot.
type AccountResult struct {
	AccountID  string `json:"account_id"`
	SourceType string `json:"source_type"`
	Status     string `json:"status"`
	Key        string `json:"key,omitempty"` // in the bucket, with the prefix
	*report.Amount
}

// hide takes secrets out of what is said in words.
func (r *Result) hide(secrets *redact.Redactor) {
	if len(r.Warnings) > 0 {
		r.Warnings = hideInTexts(secrets, r.Warnings)
	}
	for i, c := range r.Checks {
		c.Name, c.Found, c.Do = secrets.Text(c.Name), secrets.Text(c.Found), secrets.Text(c.Do)
		r.Checks[i] = c
	}
}

// shorten keeps an answer that says something of each of thousands of accounts
// one that can be read in a console.
func (r *Result) shorten() {
	const mostItems, mostWarnings = 100, 20
	r.Alerts = slices.Clone(r.Alerts) // the records have all, and whether people were told
	for i, a := range r.Alerts {
		r.ItemsOmitted += max(0, len(a.Items)-mostItems)
		items := slices.Clone(a.Items[:min(len(a.Items), mostItems)])
		for n := range items {
			items[n].Told = nil
		}
		r.Alerts[i].Items = items
	}
	if more := len(r.Warnings) - mostWarnings; more > 0 {
		r.Warnings = append(slices.Clone(r.Warnings[:mostWarnings]), fmt.Sprintf("and %d more warnings", more))
	}
}

// A Change is the difference to an earlier day, by source type. A day before
// without a complete record leaves nothing to compare with.
type Change struct {
	Since  report.Date        `json:"since"`
	Totals []report.TypeTotal `json:"totals"` // differences: negative where it fell
}

// A QuotaResult is the use of the free quota by the account that uses the most
// of it; the quota is each account's own.
type QuotaResult struct {
	AccountID string `json:"account_id"`
	report.Quota
}
