package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sort"
	"time"
	"unique"
)

// SnapshotSchema names the form of a Snapshot.
const SnapshotSchema = "snapshot/v1"

// What triggered an invocation.
const (
	Timer  = "timer"
	Manual = "manual"
)

// A Snapshot is what one account protected of one source type on one day, with
// the service's answer that says so. It is written once and never derived: the
// API has no past. The order of the fields is the order in the document.
type Snapshot struct {
	Schema       string     `json:"schema"`
	SnapshotDate Date       `json:"snapshot_date"` // the day it was due, in TimeZone
	TimeZone     string     `json:"time_zone"`
	AccountID    string     `json:"account_id"`
	SourceType   string     `json:"source_type"`
	Trigger      string     `json:"trigger"`
	ScheduledAt  *time.Time `json:"scheduled_at,omitempty"` // nil in a manual run
	Replaces     bool       `json:"replaces,omitempty"`     // the day had one already, and somebody asked to overwrite it
	CapturedAt   time.Time  `json:"captured_at"`            // when the answer was read, in milliseconds
	RequestID    string     `json:"request_id"`
	Amount
	Regions           []Region        `json:"regions"` // sorted by id, never null
	RegionsMatchTotal bool            `json:"regions_match_total"`
	Response          json.RawMessage `json:"response"`
}

// Occasion is when and why a snapshot is taken.
type Occasion struct {
	Date        Date
	TimeZone    string
	Trigger     string
	ScheduledAt time.Time // zero in a manual run
}

// NewSnapshot makes the snapshot of what an account's statistics say.
func NewSnapshot(o Occasion, account, sourceType string, captured time.Time, s Statistics) Snapshot {
	snapshot := Snapshot{
		Schema: SnapshotSchema, SnapshotDate: o.Date, TimeZone: o.TimeZone,
		AccountID: account, SourceType: sourceType, Trigger: o.Trigger,
		CapturedAt: captured.UTC().Truncate(time.Millisecond), RequestID: s.RequestID,
		Amount: s.Total, Regions: shared(s.Regions), Response: s.Response,
	}
	if !o.ScheduledAt.IsZero() {
		at := o.ScheduledAt.UTC()
		snapshot.ScheduledAt = &at
	}
	sum, fits := Sum(snapshot.Regions)
	snapshot.RegionsMatchTotal = fits && sum == s.Total
	return snapshot
}

// Key is where the snapshot is kept.
func (s Snapshot) Key() string { return SnapshotKey(s.SnapshotDate, s.AccountID, s.SourceType) }

// Encode gives the snapshot's one spelling: a line of JSON. It leaves s alone.
func (s Snapshot) Encode() ([]byte, error) {
	s.Regions = sortedRegions(s.Regions)
	s.CapturedAt = s.CapturedAt.UTC()
	if s.ScheduledAt != nil {
		at := s.ScheduledAt.UTC()
		s.ScheduledAt = &at
	}
	data, err := encodeLine(s)
	if err != nil {
		return nil, fmt.Errorf("encode snapshot of %s %s: %w", s.AccountID, s.SourceType, err)
	}
	return data, nil
}

// DecodeSnapshot reads a stored snapshot and refuses one that is damaged: a
// number that is absent must not be read as zero.
func DecodeSnapshot(data []byte) (Snapshot, error) {
	s, err := decodeSnapshot(data)
	if err != nil {
		return Snapshot{}, fmt.Errorf("decode snapshot: %w", err)
	}
	s.Regions = shared(s.Regions)
	return s, nil
}

// shared are regions, sorted, as a run keeps them: thousands of accounts share one
// spelling of each.
func shared(regions []Region) []Region {
	regions = sortedRegions(regions)
	for i, r := range regions {
		regions[i].RegionID = unique.Make(r.RegionID).Value()
	}
	return regions
}

func decodeSnapshot(data []byte) (s Snapshot, err error) {
	if err := checkSchema(data, SnapshotSchema); err != nil {
		return s, err
	}
	if err := checkFields("", data, reflect.TypeFor[Snapshot]()); err != nil {
		return s, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, err
	}
	return s, s.check()
}

// checkSchema names the schema found before any field is judged by ours.
func checkSchema(data []byte, want string) error {
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil // what decodes the document says what is wrong
	}
	return sameSchema(head.Schema, want)
}

func sameSchema(found, want string) error {
	if found != want {
		return fmt.Errorf("schema %.40q, want %q", found, want)
	}
	return nil
}

func (s Snapshot) check() error {
	switch sum, fits := Sum(s.Regions); {
	case CheckAccount(s.AccountID) != nil:
		return fmt.Errorf("account_id: %w", CheckAccount(s.AccountID))
	case CheckSourceType(s.SourceType) != nil:
		return fmt.Errorf("source_type: %w", CheckSourceType(s.SourceType))
	case s.Trigger != Timer && s.Trigger != Manual:
		return fmt.Errorf("trigger is %.40q: want %s or %s", s.Trigger, Timer, Manual)
	case s.TimeZone == "":
		return errors.New("time_zone is empty: want an IANA name, such as Asia/Shanghai")
	case !since1970(s.CapturedAt):
		return fmt.Errorf("captured_at is %s: want an instant from 1970 to 9999 UTC", s.CapturedAt.UTC().Format(time.RFC3339))
	case s.ScheduledAt != nil && !since1970(*s.ScheduledAt):
		return fmt.Errorf("scheduled_at is %s: want an instant from 1970 to 9999 UTC", s.ScheduledAt.UTC().Format(time.RFC3339))
	case s.RequestID == "":
		return errors.New("request_id is empty: want the id of the service's answer")
	case s.RegionsMatchTotal != (fits && sum == s.Amount):
		return fmt.Errorf("regions_match_total is %v: want %v, as the numbers say", s.RegionsMatchTotal, !s.RegionsMatchTotal)
	case !bytes.HasPrefix(s.Response, []byte("{")):
		return errors.New("response is no JSON object: want the service's answer")
	}
	seen := make(map[string]bool, len(s.Regions))
	for _, r := range s.Regions {
		if r.RegionID == "" || seen[r.RegionID] {
			return fmt.Errorf("region_id %.40q is empty or stands twice: want each region once", r.RegionID)
		}
		seen[r.RegionID] = true
	}
	return nil
}

// since1970 tells whether an instant can be encoded: what lies before, or after
// the last year of four digits, comes from a clock or a hand that is wrong.
func since1970(t time.Time) bool {
	year := t.UTC().Year()
	return 1970 <= year && year <= 9999
}

// Sum adds regions up; fits is false where a sum exceeds int64.
func Sum(regions []Region) (sum Amount, fits bool) {
	fits = true
	for _, r := range regions {
		var ok bool
		if sum, ok = sum.Plus(r.Amount); !ok {
			fits = false
		}
	}
	return sum, fits
}

// Plus adds two amounts; fits is false where a sum exceeds int64. A sum that
// does not fit stays at the largest number rather than wrapping to a small one.
func (a Amount) Plus(b Amount) (sum Amount, fits bool) {
	bytes, ok1 := plus(a.ProtectedDataBytes, b.ProtectedDataBytes)
	count, ok2 := plus(a.ProtectedResourceCount, b.ProtectedResourceCount)
	return Amount{bytes, count}, ok1 && ok2
}

func plus(a, b int64) (int64, bool) {
	const most = 1<<63 - 1
	if a > most-b {
		return most, false
	}
	return a + b, true
}

func sortedRegions(regions []Region) []Region {
	return sorted(regions, func(a, b Region) bool { return a.RegionID < b.RegionID })
}

// sorted is a sorted copy, and an empty list for none: null is no list. One sort
// for all types is smaller in the binary than package slices, which has one a type.
func sorted[T any](list []T, less func(a, b T) bool) []T {
	list = append([]T{}, list...)
	sort.Slice(list, func(i, j int) bool { return less(list[i], list[j]) })
	return list
}
