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
	// HistoryBegins is the first day that anything is known of. Records of before the
	// chain of days have neither this, nor source types, the previous day or a chain.
	HistoryBegins *Date `json:"history_begins,omitempty"`
	// SourceTypes are those that were asked for on the day, as far as anybody knows.
	SourceTypes []string `json:"source_types,omitempty"`
	// Replaced tells that some snapshot of the day was captured again over an earlier one.
	Replaced bool `json:"replaced,omitempty"`
	// Previous is the newest earlier day that has snapshots: the one whose numbers
	// and chain this day goes on from.
	Previous *Date  `json:"previous,omitempty"`
	Chain    string `json:"chain,omitempty"` // see [Chain]
	// Cause and DetectedAt tell why a day is not complete and when that was
	// noticed, as far as it is known; ReportedOn is the day whose check failed on
	// it first. They cannot be derived from anything else.
	Cause      string     `json:"cause,omitempty"`
	DetectedAt *time.Time `json:"detected_at,omitempty"`
	ReportedOn *Date      `json:"reported_on,omitempty"`
	// Over tells that the day was over when it was found not to be complete, so that
	// this is a loss and no delay.
	Over   bool    `json:"over,omitempty"`
	Alerts []Alert `json:"alerts"` // open after this day
	// Closed are the alerts that ended with this day, and those that ended earlier and
	// nobody was told of by then.
	Closed []ClosedAlert `json:"closed,omitempty"`
}

// Accounts counts the accounts of a day and names those without snapshots.
type Accounts struct {
	Expected  int       `json:"expected"`
	Collected int       `json:"collected"`
	Failed    []Failure `json:"failed"` // sorted by account and source type
	// NotActivated are the accounts that have not activated Cloud Backup: nothing
	// is protected there, and nothing is broken. They leave a day complete.
	NotActivated []string `json:"not_activated"`
	// NotAttempted are the accounts that no run has asked for.
	NotAttempted []string `json:"not_attempted"`
	// Excluded are the accounts that are left out on purpose.
	Excluded []string `json:"excluded,omitempty"`
	// LastCaptured says of what is missing here, and was captured before, when that
	// was: the next day that has it compares it with those numbers.
	LastCaptured []LastCapture `json:"last_captured,omitempty"` // sorted by account and source type
	// Names are those that the resource directory gives to the accounts that people read
	// of: the largest, and those that alerts or failures are of. Only a run that asks the
	// directory knows them.
	Names []AccountName `json:"names,omitempty"` // sorted by id
}

// An AccountName is what the resource directory calls an account.
type AccountName struct {
	AccountID string `json:"account_id"`
	Name      string `json:"name"`
}

// A LastCapture is the day of the last snapshot of an account and source type.
type LastCapture struct {
	AccountID    string `json:"account_id"`
	SourceType   string `json:"source_type"`
	SnapshotDate Date   `json:"snapshot_date"`
}

// lacking tells whether an account lacks something that was due. A failure of what
// became due only after the day was complete leaves the day complete.
func (a Accounts) lacking() bool { return a.Collected+len(a.NotActivated) < a.Expected }

// Stands tells whether later days may rest on the record: not while its day is being
// altered, and of a day that lacks something not before it was over.
func (r DayRecord) Stands() bool {
	if r.Status == Complete || r.Over {
		return true
	}
	judged := slices.ContainsFunc(r.Alerts, func(a Alert) bool { return a.Rule == dayMissing })
	return !r.Withdrawn() && (r.ReportedOn != nil || r.HistoryBegins == nil && judged) // as an earlier version says it
}

// Knows tells whether an account is among those of the day.
func (r DayRecord) Knows(account string) bool { return r.ids()[account] }

// ids are all accounts that the day knows to be among those to collect.
func (r DayRecord) ids() map[string]bool {
	ids := make(map[string]bool)
	for _, f := range r.Accounts.Failed {
		ids[f.AccountID] = true
	}
	for _, id := range slices.Concat(r.Accounts.NotActivated, r.Accounts.NotAttempted) {
		ids[id] = true
	}
	for pair := range r.Captured() {
		ids[pair.AccountID] = true
	}
	return ids
}

// fleet are the accounts of the day; known is false where there may be others.
func (r DayRecord) fleet() (ids map[string]bool, known bool) {
	ids = r.ids()
	known = !ids[""] && (r.Status != Missing || len(ids) > 0)
	delete(ids, "")
	return ids, known
}

// Captured are the pairs whose snapshots the record lists, with what it says of each.
func (r DayRecord) Captured() map[Pair]Object {
	captured := make(map[Pair]Object)
	for _, o := range r.Objects {
		if _, account, sourceType, err := ParseSnapshotKey(o.Key); err == nil {
			captured[Pair{account, sourceType}] = o
		}
	}
	return captured
}

// Object is what the record says of a document, if it lists it.
func (r DayRecord) Object(key string) (o Object, listed bool) {
	i := slices.IndexFunc(r.Objects, func(o Object) bool { return o.Key == key })
	if i < 0 {
		return Object{}, false
	}
	return r.Objects[i], true
}

// Holds tells whether data is what the object was when it was written.
func (o Object) Holds(data []byte) bool {
	return len(data) == o.Bytes && NewObject(o.Key, data, o.Rows) == o
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

// Withdraw is a complete day's record for the time in which the day is altered:
// partial, since it vouches for nothing. What only it knows it keeps.
func (r DayRecord) Withdraw(cause string, at time.Time) DayRecord {
	at = at.UTC().Truncate(time.Second)
	r.Status, r.Cause, r.DetectedAt = Partial, cause, &at
	r.Totals, r.Objects = []TypeTotal{}, []Object{}
	return r
}

// Withdrawn tells a record that was withdrawn from that of a day that lacks
// something: a day that has some of its snapshots lists them.
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

// DecodeDayRecord reads a stored record and refuses one that lacks a field, since what
// says nothing of the accounts must not pass for a day that is complete, and one that goes
// on from a later day: such a record is to be made again.
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
	// A day goes on from what is before it. One that says otherwise would hand that on.
	if r.HistoryBegins != nil && *r.HistoryBegins > r.SnapshotDate {
		return r, fmt.Errorf("history_begins is %s: want a day up to its own, %s", r.HistoryBegins, r.SnapshotDate)
	}
	if r.Previous != nil && *r.Previous >= r.SnapshotDate {
		return r, fmt.Errorf("previous is %s: want a day before its own, %s", r.Previous, r.SnapshotDate)
	}
	return r, nil
}
