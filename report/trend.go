package report

import "time"

// TrendSchema names the form of a Trend.
const TrendSchema = "trend/v1"

// A Trend is the history as people look at it: one entry a calendar day, from
// the first to the last that is known of, and what follows from them. A day
// without a complete record is a hole: it has no numbers, none are carried into
// it, and nothing is compared with it.
type Trend struct {
	Schema     string `json:"schema"`
	TimeZone   string `json:"time_zone"`
	AlertRules string `json:"alert_rules"` // as ParseRules reads them
	From       Date   `json:"from"`        // the first day
	To         Date   `json:"to"`          // the last day that is known of
	Status     string `json:"status"`      // of the last day
	// The newest complete day, and what it says. Without one the rest is empty.
	CompleteDate *Date       `json:"complete_date,omitempty"`
	Accounts     Fleet       `json:"accounts"`
	Totals       []TypeTotal `json:"totals"`
	Deltas       []Delta     `json:"deltas"` // over 1, 7, 30 and 90 days, where both ends are complete
	FreeQuota    *QuotaUse   `json:"free_quota,omitempty"`
	Alerts       []Alert     `json:"alerts"` // open after the last day
	Gaps         []Gap       `json:"gaps"`   // oldest first
	// Days are oldest first, without a break. The document has all of them, one a
	// line; a [History.Window] has the last ones only.
	Days []TrendDay `json:"days"`
}

// A TrendDay is what the trend keeps of a calendar day.
type TrendDay struct {
	Date    Date         `json:"date"`
	Status  string       `json:"status"`
	Totals  []TypeTotal  `json:"totals"`  // one a source type; empty in a hole
	Regions []TypeRegion `json:"regions"` // over all accounts, sorted by source type and region; empty in a hole
	// Appeared and Vanished compare the regions with those of the last complete day before.
	Appeared []string `json:"appeared,omitempty"`
	Vanished []string `json:"vanished,omitempty"`
	// LargestAccountBytes is what the account protects that protects most: the
	// free quota is each account's own. A hole has none.
	LargestAccountBytes *int64     `json:"largest_account_bytes,omitempty"`
	Cause               string     `json:"cause,omitempty"`       // of a hole
	DetectedAt          *time.Time `json:"detected_at,omitempty"` // of a hole
	// Opened and Closed are the alerts that this day changed; what is open after
	// it follows by [TrendDay.OpenAfter]. An alert that stays open for years stands
	// in two days, not in a thousand.
	Opened []Alert `json:"opened,omitempty"`
	Closed []Alert `json:"closed,omitempty"`
}

// A TypeRegion is what all accounts together protect of one source type in one
// region.
type TypeRegion struct {
	SourceType string `json:"source_type"`
	Region
}

// A Delta is the difference between the newest complete day and an earlier one.
type Delta struct {
	Days   int         `json:"days"`
	Since  Date        `json:"since"`
	Totals []TypeTotal `json:"totals"` // differences: negative where it fell
}

// A QuotaUse is the use of the free quota by the account that uses most of it.
type QuotaUse struct {
	AccountID string `json:"account_id"`
	Quota
	// ExpectedCrossing is the day on which the use reaches the quota, if it goes
	// on as it did over the last 30 complete days. It is left out with fewer than
	// 14 of them, without growth, beyond ten years, and once it is reached.
	ExpectedCrossing *Date `json:"expected_crossing,omitempty"`
}

// A Fleet is the accounts: those of the last day, and the largest ones of the
// newest complete day.
type Fleet struct {
	Expected     int            `json:"expected"` // on the last day, and so are the next three
	Collected    int            `json:"collected"`
	NotActivated int            `json:"not_activated"` // have no Cloud Backup
	NotAttempted int            `json:"not_attempted"` // no run has asked for them
	Largest      []AccountTotal `json:"largest"`       // the ten that protect most, on the newest complete day
	Missing      []Failure      `json:"missing"`       // why others lack on the last day; at most a hundred
}

// An AccountTotal is what one account protects of all source types.
type AccountTotal struct {
	AccountID string `json:"account_id"`
	Amount
}

// A Gap is a run of days without a complete record.
type Gap struct {
	From       Date       `json:"from"`
	To         Date       `json:"to"`
	Status     string     `json:"status"` // missing, or partial where some day of it is
	Cause      string     `json:"cause"`  // of its first day
	DetectedAt *time.Time `json:"detected_at,omitempty"`
}

// An Alert is what deserves a person: one a rule a day, listing all that it
// concerns. It stays open until what it tells of has ended.
type Alert struct {
	Rule   string      `json:"rule"`
	Opened Date        `json:"opened"`
	Items  []AlertItem `json:"items"` // empty for day_missing
}

// An AlertItem is one thing that an alert concerns: a total where it names
// neither a region nor an account.
type AlertItem struct {
	SourceType string `json:"source_type,omitempty"`
	AccountID  string `json:"account_id,omitempty"`
	RegionID   string `json:"region_id,omitempty"`
	// Before and After are instances (resources_dropped, region_gone), bytes
	// (data_dropped_percent, total_mismatch: the total, and the sum of the
	// regions) or percent (quota_percent: the threshold, and the use).
	Before int64 `json:"before"`
	After  int64 `json:"after"`
}
