package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// DaySchema names the form of a DayRecord.
const DaySchema = "day/v1"

// The status of a day. Zero, missing and gone are three things: a day without a
// snapshot is missing and has no numbers, whatever the accounts protect.
const (
	Complete = "complete" // every account that was expected has its snapshots
	Partial  = "partial"  // some do; their numbers are no total of the day
	Missing  = "missing"  // none does
)

// A DayRecord says whether a day is whole and lists what was written for it. It
// is written after everything that it lists, so that who waits for it may read
// them: it is the commit marker of a day.
type DayRecord struct {
	Schema       string      `json:"schema"`
	SnapshotDate Date        `json:"snapshot_date"`
	TimeZone     string      `json:"time_zone"`
	Status       string      `json:"status"`
	Accounts     Accounts    `json:"accounts"`
	Totals       []TypeTotal `json:"totals"`  // one a source type, over the accounts collected
	Objects      []Object    `json:"objects"` // sorted by key
	// Cause and DetectedAt tell why a day is not complete and when that was
	// noticed, as far as it is known. They cannot be derived from anything else.
	Cause      string     `json:"cause,omitempty"`
	DetectedAt *time.Time `json:"detected_at,omitempty"`
	Alerts     []Alert    `json:"alerts"` // open after this day
}

// Accounts counts the accounts of a day and names those without snapshots.
type Accounts struct {
	Expected  int       `json:"expected"`
	Collected int       `json:"collected"`
	Failed    []Failure `json:"failed"` // sorted by account and source type
}

// A Failure is why an account has no snapshot of a source type.
type Failure struct {
	AccountID  string `json:"account_id"`
	SourceType string `json:"source_type"`
	ErrorType  string `json:"error_type"`
	Message    string `json:"message"`
}

// A TypeTotal is what all accounts together protect of one source type.
type TypeTotal struct {
	SourceType string `json:"source_type"`
	Amount
}

// An Object is a document that a day's record vouches for.
type Object struct {
	Key    string `json:"key"` // below the prefix
	Bytes  int    `json:"bytes"`
	Rows   int    `json:"rows"`
	SHA256 string `json:"sha256"` // of the content, in hex
}

// NewObject describes a document of so many rows.
func NewObject(key string, data []byte, rows int) Object {
	sum := sha256.Sum256(data)
	return Object{Key: key, Bytes: len(data), Rows: rows, SHA256: hex.EncodeToString(sum[:])}
}

// A Day is what is known of a day before its record is made.
type Day struct {
	Date      Date
	TimeZone  string
	Snapshots []Snapshot
	Objects   []Object  // the snapshots and the tables
	Expected  int       // accounts; those collected and failed are counted at least
	Failed    []Failure // why others have none
	Cause     string
	Detected  time.Time // zero: unknown
}

// NewDayRecord derives a day's record. A day whose failures are known is never
// complete, and one without snapshots has no totals rather than zeros.
func NewDayRecord(d Day) (DayRecord, error) {
	r := DayRecord{
		Schema: DaySchema, SnapshotDate: d.Date, TimeZone: d.TimeZone, Status: Complete,
		Totals: []TypeTotal{}, Objects: []Object{}, Alerts: []Alert{},
	}
	failed := slices.SortedFunc(slices.Values(d.Failed), func(a, b Failure) int {
		return cmp.Or(cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.SourceType, b.SourceType))
	})
	r.Accounts = countAccounts(d, append([]Failure{}, failed...))
	r.Objects = append(r.Objects, slices.SortedFunc(slices.Values(d.Objects), func(a, b Object) int {
		return cmp.Compare(a.Key, b.Key)
	})...)
	totals, err := TotalsOf(d.Snapshots)
	if err != nil {
		return r, fmt.Errorf("record of %s: %w", d.Date, err)
	}
	r.Totals = append(r.Totals, totals...)
	switch {
	case len(d.Snapshots) == 0:
		r.Status = Missing
	case r.Accounts.Collected < r.Accounts.Expected:
		r.Status = Partial
	}
	if r.Status != Complete {
		r.Cause = d.Cause
		if !d.Detected.IsZero() {
			at := d.Detected.UTC().Truncate(time.Second)
			r.DetectedAt = &at
		}
	}
	return r, nil
}

func countAccounts(d Day, failed []Failure) Accounts {
	bad := make(map[string]bool)
	for _, f := range failed {
		bad[f.AccountID] = true
	}
	good := make(map[string]bool)
	for _, s := range d.Snapshots {
		if !bad[s.AccountID] {
			good[s.AccountID] = true
		}
	}
	return Accounts{Expected: max(d.Expected, len(good)+len(bad)), Collected: len(good), Failed: failed}
}

// TotalsOf adds the snapshots of a day up, by source type.
func TotalsOf(snapshots []Snapshot) ([]TypeTotal, error) {
	sums := make(map[string]Amount)
	for _, s := range snapshots {
		sum, fits := sums[s.SourceType].Plus(s.Amount)
		if !fits {
			return nil, fmt.Errorf("the sum of %s over all accounts exceeds 2^63-1", s.SourceType)
		}
		sums[s.SourceType] = sum
	}
	totals := make([]TypeTotal, 0, len(sums))
	for sourceType, sum := range sums {
		totals = append(totals, TypeTotal{sourceType, sum})
	}
	slices.SortFunc(totals, func(a, b TypeTotal) int { return cmp.Compare(a.SourceType, b.SourceType) })
	return totals, nil
}

// Encode gives the record's one spelling: a line of JSON.
func (r DayRecord) Encode() ([]byte, error) { return encodeLine(r) }

// DecodeDayRecord reads a stored record.
func DecodeDayRecord(data []byte) (r DayRecord, err error) {
	if err = checkSchema(data, DaySchema); err == nil {
		err = decodeStrict(data, &r)
	}
	if err == nil && r.Status != Complete && r.Status != Partial && r.Status != Missing {
		err = fmt.Errorf("status is %.40q: want complete, partial or missing", r.Status)
	}
	if err != nil {
		return DayRecord{}, fmt.Errorf("decode day record: %w", err)
	}
	return r, nil
}
