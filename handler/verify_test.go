package handler

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"backup-statistics/report"
)

// chainOf works a day's chain out of the snapshots in a bucket, as the contract spells it.
func chainOf(t *testing.T, s Store, date string) string {
	t.Helper()
	sum := func(data string) string {
		h := sha256.Sum256([]byte(data))
		return hex.EncodeToString(h[:])
	}
	entries, err := s.List(t.Context(), report.SnapshotsDir, 0) // sorted by key
	must(t, err)
	chain, day, text := "", "", ""
	for _, e := range entries {
		if of := dates.FindString(e.Key); of > date {
			break
		} else if of != day {
			if day != "" {
				chain = sum(text)
			}
			day, text = of, chain+"\n"+of+"\n"
		}
		data, err := s.Get(t.Context(), e.Key)
		must(t, err)
		text += sum(string(data)) + " " + e.Key + "\n"
	}
	if day != "" {
		chain = sum(text)
	}
	return chain
}

// noted is a bucket of six days: the third is a gap, the fourth lacks an account.
func noted(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, 2)
	for _, day := range days(t, "2026-11-20", 6) {
		switch day {
		case "2026-11-22":
			continue
		case "2026-11-23":
			w.sources[1].fails = errDenied
		}
		w.run(day) //nolint:errcheck // one fails
		w.fail(nil)
	}
	w.wait("2026-11-25" + evening)
	return w
}

// rewrite puts a document in place of another.
func rewrite(t *testing.T, s Store, key string, change func(data []byte) []byte) {
	t.Helper()
	data, err := s.Get(t.Context(), key)
	must(t, err)
	changed := change(bytes.Clone(data))
	if bytes.Equal(changed, data) {
		t.Fatalf("%s is not changed", key)
	}
	must(t, s.Put(t.Context(), key, changed))
}

// older makes records what the version before the chain wrote.
func older(t *testing.T, s Store, dates ...string) {
	t.Helper()
	for _, date := range dates {
		rewrite(t, s, "days/"+date+".json", func([]byte) []byte {
			r := record(t, s, date)
			r.HistoryBegins, r.Previous, r.Chain, r.SourceTypes = nil, nil, "", nil
			data, err := r.Encode()
			must(t, err)
			return data
		})
	}
}

// TestTheChainIsTheContracts: what records, latest.json, answer and heartbeat show is
// worked out of the snapshots by nothing but the words of the contract.
func TestTheChainIsTheContracts(t *testing.T) {
	w := noted(t)
	pulses := new(pulses)
	w.Heart = pulses
	result, err := w.run("2026-11-26")
	must(t, err)
	for _, date := range days(t, "2026-11-20", 7) {
		if got, want := record(t, w.Store, date).Chain, chainOf(t, w.Store, date); got != want || want == "" {
			t.Errorf("the record of %s has the chain %s, want %s", date, got, want)
		}
	}
	want := chainOf(t, w.Store, "2026-11-26")
	data, err := w.Store.Get(t.Context(), report.LatestKey)
	must(t, err)
	if latest, err := report.DecodeDayRecord(data); err != nil || latest.Chain != want || result.Chain != want || len(pulses.sent) != 1 || pulses.sent[0].Chain != want {
		t.Errorf("latest.json has the chain %s, the answer %s, the heartbeat %+v; want %s", latest.Chain, result.Chain, pulses.sent, want)
	}
	// A gap has the chain of the day before it; a day that differs in one byte, another.
	if a, b := record(t, w.Store, "2026-11-21").Chain, record(t, w.Store, "2026-11-22").Chain; a != b {
		t.Errorf("a gap has the chain %s, want that of the day before, %s", b, a)
	}
}

// TestVerify alters a bucket, or not, and wants to hear of all that differs and of
// nothing else. Nothing is written.
func TestVerify(t *testing.T) {
	const snapshot = "snapshots/dt=2026-11-21/1234567890123456-ECS_FILE.json"
	flip := func(data []byte) []byte {
		data[len(data)/2] ^= 1
		return data
	}
	w := noted(t)
	undisturbed := w.Store
	chains := make(map[string]string)
	for _, date := range days(t, "2026-11-20", 6) {
		chains[date] = chainOf(t, w.Store, date)
	}
	last := chains["2026-11-25"]
	objectOf := func(s Store, key string) report.Object {
		data, err := s.Get(t.Context(), key)
		must(t, err)
		return report.NewObject(key, data, 1)
	}
	for _, tt := range []struct {
		name  string
		alter func(s Store) Store
		ask   string   // besides the action
		want  []string // of the error, in parts; none: it is verified
		days  int      // verified
		chain string   // answered
		warns string
	}{
		{"nothing", nil, ``, nil, 6, last, ""},
		{"nothing, with the chain", nil, `,"chain":"` + last + `"`, nil, 6, last, ""},
		{"nothing, with an earlier chain", nil, `,"to":"2026-11-23","chain":"` + chains["2026-11-23"] + `"`, nil, 4, chains["2026-11-23"], ""},
		{"nothing, from a day on", nil, `,"from":"2026-11-23","chain":"` + last + `"`, nil, 3, last, ""},
		{"nothing, from after a gap on", nil, `,"from":"2026-11-22"`, nil, 4, last, ""},
		{"nothing, with the chain of another day", nil, `,"chain":"` + chains["2026-11-24"] + `"`, []string{
			"2026-11-25: the chain is " + last + ", and " + chains["2026-11-24"] + " was noted",
		}, 0, "", ""},
		{"a byte of a snapshot", func(s Store) Store { rewrite(t, s, snapshot, flip); return s }, ``, []string{
			"2026-11-21: " + snapshot + " was altered: its SHA-256 is ", ", and " + objectOf(undisturbed, snapshot).SHA256 + " was recorded",
			"2026-11-21: the chain differs from this day on: it is ", ", and " + chains["2026-11-21"] + " was recorded",
		}, 0, "", ""},
		{"a byte of a snapshot before those that are looked at", func(s Store) Store { rewrite(t, s, snapshot, flip); return s }, `,"from":"2026-11-23"`, nil, 3, last, ""},
		{"a snapshot is missing", func(s Store) Store { return without(t, s, snapshot) }, ``, []string{
			"2026-11-21: " + snapshot + " is missing", "2026-11-21: the chain differs from this day on",
		}, 0, "", ""},
		{"all snapshots of a day are missing", func(s Store) Store { return without(t, s, "snapshots/dt=2026-11-21/") }, ``, []string{
			"2026-11-21: " + snapshot + " is missing", "2026-11-21: snapshots/dt=2026-11-21/1234567890123457-ECS_FILE.json is missing", "2026-11-21: the chain differs from this day on",
		}, 0, "", ""},
		{"a snapshot that nobody recorded", func(s Store) Store {
			must(t, s.Put(t.Context(), "snapshots/dt=2026-11-22/1234567890123456-ECS_FILE.json", []byte("{}")))
			return s
		}, ``, []string{
			"2026-11-22: snapshots/dt=2026-11-22/1234567890123456-ECS_FILE.json was never recorded", "2026-11-22: the chain differs from this day on",
		}, 0, "", ""},
		{"a snapshot and its record", func(s Store) Store {
			was := objectOf(s, snapshot)
			rewrite(t, s, snapshot, flip)
			rewrite(t, s, "days/2026-11-21.json", func(data []byte) []byte {
				return bytes.ReplaceAll(data, []byte(was.SHA256), []byte(objectOf(s, snapshot).SHA256))
			})
			return s
		}, ``, []string{"integrity: 2026-11-21: the chain differs from this day on"}, 0, "", ""},
		{"a snapshot, its record, and the chain in it", func(s Store) Store {
			was := objectOf(s, snapshot)
			rewrite(t, s, snapshot, flip)
			rewrite(t, s, "days/2026-11-21.json", func(data []byte) []byte {
				data = bytes.ReplaceAll(data, []byte(was.SHA256), []byte(objectOf(s, snapshot).SHA256))
				return bytes.ReplaceAll(data, []byte(chains["2026-11-21"]), []byte(chainOf(t, s, "2026-11-21")))
			})
			return s
		}, ``, []string{"integrity: 2026-11-22: the chain differs from this day on"}, 0, "", ""},
		{"all of it, by who may write the bucket", func(s Store) Store {
			rewrite(t, s, snapshot, func(data []byte) []byte {
				return bytes.ReplaceAll(data, []byte(`-000000000001"`), []byte(`-000000000002"`))
			})
			w.Store = s
			_, err := w.Handle(t.Context(), []byte(`{"action":"rebuild"}`))
			must(t, err)
			return s
		}, `,"chain":"` + last + `"`, []string{"integrity: 2026-11-25: the chain is ", ", and " + last + " was noted: something up to that day was altered"}, 0, "", ""},
		{"a record is gone", func(s Store) Store { return without(t, s, "days/2026-11-21") }, ``, []string{
			"2026-11-21: " + snapshot + " was never recorded", "2026-11-21: snapshots/dt=2026-11-21/1234567890123457-ECS_FILE.json was never recorded",
		}, 0, "", ""},
		{"the record of the day before is gone", func(s Store) Store { return without(t, s, "days/2026-11-23") }, `,"from":"2026-11-24"`, nil, 2, last, "2026-11-23 has no record: what is before 2026-11-24 is not proven"},
		{"the record of the day before is gone, with the chain", func(s Store) Store { return without(t, s, "days/2026-11-23") }, `,"from":"2026-11-24","chain":"` + last + `"`, []string{
			"event: chain can't be held against the days from 2026-11-24 on: 2026-11-23 has no record: want from not later than 2026-11-20",
		}, 0, "", ""},
		{"records of before the chain", func(s Store) Store { older(t, s, days(t, "2026-11-20", 6)...); return s }, ``, nil, 6, last, ""},
		{"records of before the chain, with the chain", func(s Store) Store { older(t, s, days(t, "2026-11-20", 6)...); return s }, `,"chain":"` + last + `"`, nil, 6, last, ""},
		{"records of before the chain, from a day on", func(s Store) Store { older(t, s, days(t, "2026-11-20", 6)...); return s }, `,"from":"2026-11-23"`, nil, 3, "", "days/2026-11-22.json has no chain, as an earlier version wrote it: what is before 2026-11-23 is not proven"},
		{"records of before the chain, and one altered", func(s Store) Store {
			older(t, s, days(t, "2026-11-20", 6)...)
			rewrite(t, s, snapshot, flip)
			return s
		}, ``, []string{"integrity: 2026-11-21: " + snapshot + " was altered"}, 0, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.Store = without(t, undisturbed)
			if tt.alter != nil {
				w.Store = tt.alter(w.Store)
			}
			before := dump(t, w.Store)
			counted := &counting{Store: w.Store, calls: make(map[string]int)}
			w.Store = counted
			result, err := w.Handle(t.Context(), []byte(`{"action":"verify"`+tt.ask+`}`))
			if dump(t, w.Store) != before || counted.calls["Put"]+counted.calls["PutNew"] > 0 {
				t.Errorf("it writes: %v", counted.order)
			}
			for _, part := range tt.want {
				if !strings.Contains(fmt.Sprint(err), part) {
					t.Errorf("error %v, want one with %s", err, part)
				}
			}
			if altered := new(IntegrityError); errors.As(err, &altered) {
				if n := strings.Count(strings.Join(tt.want, " "), ": snapshots/") + strings.Count(strings.Join(tt.want, " "), ": the chain "); n > 0 && (strings.HasPrefix(tt.want[0], "integrity: ") || len(altered.Found) == n) {
					return
				}
				t.Errorf("it finds %q, want no more than %q", altered.Found, tt.want)
				return
			}
			if len(tt.want) > 0 {
				if strings.HasPrefix(tt.want[0], "event: ") && ErrorType(err) == "EventError" {
					return
				}
				t.Fatalf("error %v of type %s, want an IntegrityError", err, ErrorType(err))
			}
			must(t, err)
			if v := result.Verified; result.Status != Verified || v == nil || v.Days != tt.days || result.Chain != tt.chain || result.Next != nil {
				t.Errorf("answer %+v %+v, want %d days and the chain %s", result, v, tt.days, tt.chain)
			}
			if got := strings.Join(result.Warnings, "; "); !strings.HasPrefix(got, tt.warns) || tt.warns == "" && got != "" {
				t.Errorf("warnings %q, want %q", got, tt.warns)
			}
		})
	}
}

// A weary store takes its time to read a snapshot.
type weary struct{ Store }

func (s weary) Get(ctx context.Context, key string) ([]byte, error) {
	if strings.HasPrefix(key, report.SnapshotsDir) {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("get %s: %w", key, context.Cause(ctx))
		case <-time.After(time.Second):
		}
	}
	return s.Store.Get(ctx, key)
}

// TestVerifyGoesOn ends a verify before all days are looked at. What its parts find is
// what one that has the time finds.
func TestVerifyGoesOn(t *testing.T) {
	for _, altered := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 1)
			all := days(t, "2026-11-01", 20)
			for _, day := range all {
				_, err := w.run(day)
				must(t, err)
			}
			if altered {
				for _, day := range []string{"2026-11-02", "2026-11-09", "2026-11-19"} {
					rewrite(t, w.Store, "snapshots/dt="+day+"/1234567890123456-ECS_FILE.json", func(data []byte) []byte { data[99] ^= 1; return data })
				}
			}
			w.Store = weary{w.Store}
			time.Sleep(time.Until(time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)))
			w.Now = time.Now
			ask := func(event string, timeout time.Duration) (*Result, error) {
				ctx, stop := context.WithTimeout(t.Context(), timeout)
				defer stop()
				result, err := w.Handle(ctx, []byte(event))
				if ctx.Err() != nil {
					t.Errorf("%s has not ended in time: %v", event, ctx.Err())
				}
				return result, err
			}
			told := func(result *Result, err error) (found []string, next *report.Date, days int) {
				if differs := new(IntegrityError); errors.As(err, &differs) {
					for _, f := range differs.Found {
						if !strings.Contains(f, "the chain differs from this day on") { // a later part goes on from what is recorded
							found = append(found, f)
						}
					}
					if text := err.Error(); differs.Next != nil && !strings.HasSuffix(text, fmt.Sprintf("; looked at up to %v, to go on send from %v", *differs.Next-1, *differs.Next)) {
						t.Errorf("error %s, want it to say where to go on", text)
					}
					return found, differs.Next, 0
				}
				must(t, err)
				if (result.Status == Unfinished) != (result.Next != nil) || result.Next != nil && result.Chain != "" {
					t.Errorf("answer %+v, want a next day and no chain where it is not finished", result)
				}
				return nil, result.Next, result.Verified.Days
			}
			want, next, n := told(ask(`{"action":"verify"}`, time.Hour))
			if next != nil || !altered && n != 20 || altered && len(want) != 3 {
				t.Fatalf("with an hour it finds %q in %d days, next %v", want, n, next)
			}
			got, event := []string(nil), `{"action":"verify"}`
			looked, parts := 0, 0
			for {
				found, next, n := told(ask(event, 12*time.Second))
				got, looked, parts = append(got, found...), looked+n, parts+1
				if next == nil {
					break
				}
				if next.String() <= all[0] || parts > 10 {
					t.Fatalf("part %d: next is %v", parts, next)
				}
				event = fmt.Sprintf(`{"action":"verify","from":"%v"}`, *next)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) || !altered && looked != 20 || parts < 2 {
				t.Errorf("%d parts find %q in %d days, want %q", parts, got, looked, want)
			}
		})
	}
}
