package report

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
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
	// noticed, as far as it is known; ReportedOn is the day whose check failed on
	// it first. They cannot be derived from anything else.
	Cause      string     `json:"cause,omitempty"`
	DetectedAt *time.Time `json:"detected_at,omitempty"`
	ReportedOn *Date      `json:"reported_on,omitempty"`
	Alerts     []Alert    `json:"alerts"` // open after this day
}

// Accounts counts the accounts of a day and names those without snapshots.
type Accounts struct {
	Expected  int       `json:"expected"`
	Collected int       `json:"collected"`
	Failed    []Failure `json:"failed"` // sorted by account and source type; of a complete day what failed after it was
	// NotActivated are the accounts that have not activated Cloud Backup: nothing
	// is protected there, and nothing is broken. They leave a day complete.
	NotActivated []string `json:"not_activated"`
	// NotAttempted are the accounts that no run has asked for.
	NotAttempted []string `json:"not_attempted"`
}

// lacking tells whether a snapshot is missing that was due.
func (a Accounts) lacking() bool {
	return len(a.Failed) > 0 || a.Collected+len(a.NotActivated) < a.Expected
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
	// Proven is a day that was complete, and has all of that still: what failed since
	// is told, and is due from the next day on.
	Proven                     bool
	NotActivated, NotAttempted []string // account ids
	Cause                      string
	Detected                   time.Time // zero: unknown
	Reported                   *Date     // nil: by no check
}

// NewDayRecord derives a day's record. A day whose failures are known is not
// complete unless it was before, and one without snapshots has no totals rather than zeros.
func NewDayRecord(d Day) (DayRecord, error) {
	r := DayRecord{
		Schema: DaySchema, SnapshotDate: d.Date, TimeZone: d.TimeZone, Status: Complete,
		Totals: []TypeTotal{}, Objects: []Object{}, Alerts: []Alert{},
	}
	r.Accounts = countAccounts(d)
	r.Objects = sorted(d.Objects, func(a, b Object) bool { return a.Key < b.Key })
	totals, err := TotalsOf(d.Snapshots)
	if err != nil {
		return r, fmt.Errorf("record of %s: %w", d.Date, err)
	}
	r.Totals = append(r.Totals, totals...)
	switch {
	case len(d.Snapshots) == 0:
		r.Status = Missing
	case r.Accounts.lacking() && !d.Proven:
		r.Status = Partial
	}
	if r.Status != Complete {
		r.Cause, r.ReportedOn = readable(d.Cause), d.Reported
		if !d.Detected.IsZero() {
			at := d.Detected.UTC().Truncate(time.Second)
			r.DetectedAt = &at
		}
	}
	return r, nil
}

// Withdraw is a complete day's record for the time in which the day is altered:
// partial, since it vouches for nothing. What only it knows it keeps.
func (r DayRecord) Withdraw(cause string, at time.Time) DayRecord {
	at = at.UTC().Truncate(time.Second)
	r.Status, r.Cause, r.DetectedAt = Partial, cause, &at
	r.Totals, r.Objects = []TypeTotal{}, []Object{}
	return r
}

// Withdrawn tells a record that was withdrawn from that of a day that lacks
// something, which lists what it has.
func (r DayRecord) Withdrawn() bool { return r.Status == Partial && len(r.Objects) == 0 }

// SortFailures is a copy in the order of account and source type.
func SortFailures(failed []Failure) []Failure {
	return sorted(failed, func(a, b Failure) bool {
		if a.AccountID != b.AccountID {
			return a.AccountID < b.AccountID
		}
		return a.SourceType < b.SourceType
	})
}

// countAccounts counts an account as collected when nothing of it is missing.
func countAccounts(d Day) Accounts {
	lacking := make(map[string]bool)
	for _, id := range d.NotActivated {
		lacking[id] = true
	}
	if !d.Proven {
		for _, f := range d.Failed {
			lacking[f.AccountID] = true
		}
		for _, id := range d.NotAttempted {
			lacking[id] = true
		}
	}
	collected := make(map[string]bool)
	for _, s := range d.Snapshots {
		if !lacking[s.AccountID] {
			collected[s.AccountID] = true
		}
	}
	failed := SortFailures(d.Failed)
	for i := range failed {
		failed[i].Message = readable(failed[i].Message)
	}
	return Accounts{
		Expected: max(d.Expected, len(collected)+len(lacking)), Collected: len(collected), Failed: failed,
		NotActivated: names(d.NotActivated), NotAttempted: names(d.NotAttempted),
	}
}

// readable is a text that is the same after it was encoded and decoded: an error
// may hold any bytes, and a document is UTF-8.
func readable(text string) string { return strings.ToValidUTF8(text, "\ufffd") }

// names is a sorted copy without repetitions, and an empty list for none.
func names(list []string) []string {
	list = append([]string{}, list...)
	slices.Sort(list)
	return slices.Compact(list)
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
	return sorted(totals, func(a, b TypeTotal) bool { return a.SourceType < b.SourceType }), nil
}

// Encode gives the record's one spelling: a line of JSON.
func (r DayRecord) Encode() ([]byte, error) { return encodeLine(r) }

// DecodeDayRecord reads a stored record and refuses one that lacks a field: what
// says nothing of the accounts must not pass for a day that is complete.
func DecodeDayRecord(data []byte) (DayRecord, error) {
	r, err := decodeDayRecord(data)
	if err != nil {
		return DayRecord{}, fmt.Errorf("decode day record: %w", err)
	}
	return r, nil
}

func decodeDayRecord(data []byte) (r DayRecord, err error) {
	if err := checkSchema(data, DaySchema); err != nil {
		return r, err
	}
	if err := checkFields("", data, reflect.TypeFor[DayRecord]()); err != nil {
		return r, err
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, err
	}
	if r.Status != Complete && r.Status != Partial && r.Status != Missing {
		return r, fmt.Errorf("status is %.40q: want complete, partial or missing", r.Status)
	}
	return r, nil
}
