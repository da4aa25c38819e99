package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"backup-statistics/handler/store"
	"backup-statistics/report"
)

func record(t *testing.T, s Store, date string) report.DayRecord {
	t.Helper()
	data, err := s.Get(t.Context(), "days/"+date+".json")
	must(t, err)
	r, err := report.DecodeDayRecord(data)
	must(t, err)
	return r
}

func keys(t *testing.T, s Store) string {
	t.Helper()
	entries, err := s.List(t.Context(), "", 0)
	must(t, err)
	var keys []string
	for _, e := range entries {
		keys = append(keys, e.Key)
	}
	return strings.Join(keys, " ")
}

func TestFailedRunLeavesItsRecordAlone(t *testing.T) {
	documents, s := new(store.Memory), &source{fails: errors.New("GetBasicStatistics: NoPermission (403)")}
	h := newHandler(t, documents, s)
	_, err := h.Handle(t.Context(), []byte(event))
	if got, want := fmt.Sprint(ErrorType(err), " ", err), "SourceError cloud backup: account 1234567890123456, ECS_FILE: GetBasicStatistics: NoPermission (403)"; got != want {
		t.Errorf("error %s, want %s", got, want)
	}
	if got, want := keys(t, without(t, documents, "schema/")), "calendar/year=2026/calendar.jsonl days/2026-11-23.json report/index.html report/trend.csv report/trend.json"; got != want {
		t.Errorf("stored %s, want %s: the record, and what shows it", got, want)
	}
	golden(t, "missing.json", dump(t, without(t, documents, "schema/", "report/")))

	h.Now = func() time.Time { return time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC) }
	h.Handle(t.Context(), []byte(event))
	golden(t, "missing.json", dump(t, without(t, documents, "schema/", "report/"))) // noticed once: the first time is the one that counts

	s.fails = nil
	_, err = h.Handle(t.Context(), []byte(event))
	must(t, err)
	if got := record(t, documents, "2026-11-23"); got.Status != report.Complete || got.Cause != "" || got.DetectedAt != nil {
		t.Errorf("record after the retry: %+v, want a complete one without a cause", got)
	}
}

func TestOneFailureHidesNoOther(t *testing.T) {
	documents := new(store.Memory)
	sick := &source{fails: errors.New("denied")}
	h := newHandler(t, documents, new(source), sick, new(source))
	_, err := h.Handle(t.Context(), []byte(event))
	if got, want := fmt.Sprint(ErrorType(err), ": ", err), "AccountsError: 1 failed; cloud backup: account 1234567890123457, ECS_FILE: denied"; got != want {
		t.Errorf("error %s, want %s", got, want)
	}
	r := record(t, documents, "2026-11-23")
	if got, want := fmt.Sprintf("%s %+v", r.Status, r.Accounts), "partial {Expected:3 Collected:2 Failed:[{AccountID:1234567890123457 SourceType:ECS_FILE ErrorType:SourceError Message:cloud backup: account 1234567890123457, ECS_FILE: denied}] NotActivated:[] NotAttempted:[] Excluded:[] LastCaptured:[] Names:[]}"; got != want {
		t.Errorf("record %s, want %s", got, want)
	}
	if strings.Contains(keys(t, documents), "latest.json") {
		t.Error("a partial day became the latest")
	}
	sick.fails = nil
	result, err := h.Handle(t.Context(), []byte(event))
	must(t, err)
	if r := record(t, documents, "2026-11-23"); r.Status != report.Complete || len(r.Accounts.Failed) > 0 || result.Status != Written {
		t.Errorf("after the retry the record is %+v and the answer %q", r, result.Status)
	}
	for i, want := range []int{1, 2, 1} { // a retry asks only for what is missing
		if got := h.Accounts[i].Source.(*source).asked; got != want {
			t.Errorf("account %d was asked %d times, want %d", i, got, want)
		}
	}
}

// The error of a run tells of the accounts; that their day has no record is in the log.
func TestRecordThatIsNotWrittenIsInTheLog(t *testing.T) {
	var log strings.Builder
	h := newHandler(t, &locked{writes: true}, &source{fails: errors.New("denied")})
	h.Log = slog.New(slog.NewTextHandler(&log, nil))
	_, err := h.Handle(t.Context(), []byte(event))
	if ErrorType(err) != "SourceError" || !strings.Contains(log.String(), "days/2026-11-23.json: AccessDenied (403)") {
		t.Errorf("error %v and log %q, want a SourceError, and in the log why the record is not there", err, log.String())
	}
}

func TestNarrowedRun(t *testing.T) {
	documents := new(store.Memory)
	h := newHandler(t, documents, new(source), new(source))
	_, err := h.Handle(t.Context(), []byte(`{"accounts":["1234567890123457"]}`))
	must(t, err) // it succeeds when those succeed
	if r := record(t, documents, "2026-11-23"); r.Status != report.Partial || fmt.Sprint(r.Accounts.NotAttempted) != "[1234567890123456]" {
		t.Errorf("record %+v, want a partial day that names whom nobody asked", r)
	}
	h.Members = func(context.Context) ([]Account, error) { return nil, errors.New("ListAccounts: NoPermission (403)") }
	result, err := h.Handle(t.Context(), []byte(`{"accounts":["1234567890123456"]}`))
	must(t, err) // of the others nothing is asked
	if got, want := fmt.Sprint(result.Warnings), "[cloud backup: find the member accounts: ListAccounts: NoPermission (403)]"; got != want {
		t.Errorf("warnings %s, want %s", got, want)
	}
	if r := record(t, documents, "2026-11-23"); r.Status != report.Partial {
		t.Errorf("record %s %+v, want a partial day while the fleet is unknown", r.Status, r.Accounts)
	}
	h.Members = nil
	_, err = h.Handle(t.Context(), []byte(`{"accounts":["7"]}`))
	if got, want := fmt.Sprint(err), "event: accounts names 7, which is none of the 2 accounts of this deployment: want such as 1234567890123456"; got != want {
		t.Errorf("error %s, want %s", got, want)
	}
}

// An accountState is how cloudbackup tells that an account has no Cloud Backup.
type accountState struct{}

func (accountState) Error() string      { return "GetBasicStatistics: ServiceNotActivated (403)" }
func (accountState) NotActivated() bool { return true }

func TestNotActivatedIsAStateOfAnAccount(t *testing.T) {
	documents := new(store.Memory)
	result, err := newHandler(t, documents, new(source), &source{fails: accountState{}}).Handle(t.Context(), []byte(event))
	must(t, err)
	if got := result.Accounts[1]; got.Status != NotActivated || got.Key != "" || got.Amount != nil {
		t.Errorf("answer %+v, want not_activated and no numbers", got)
	}
	if r := record(t, documents, "2026-11-23"); r.Status != report.Complete || fmt.Sprint(r.Accounts) != "{2 1 [] [1234567890123457] [] [] [] []}" {
		t.Errorf("record %s %+v, want a complete day that names the account", r.Status, r.Accounts)
	}
	_, err = newHandler(t, new(store.Memory), &source{fails: accountState{}}).Handle(t.Context(), []byte(event))
	if ErrorType(err) != "SourceError" {
		t.Errorf("alone: error %v, want a SourceError: there is nothing to record", err)
	}
}

// An account may give Cloud Backup up on a day that has its snapshot already. An
// overwrite leaves that one where it is, and the record counts what is there.
func TestAccountThatWasActivatedThatDayIsCollected(t *testing.T) {
	documents := new(store.Memory)
	gone := new(source)
	h := newHandler(t, documents, new(source), gone)
	_, err := h.Handle(t.Context(), []byte(event))
	must(t, err)
	gone.fails = accountState{}
	result, err := h.Handle(t.Context(), []byte(`{"overwrite":true}`))
	must(t, err)
	if got := result.Accounts[1].Status; got != NotActivated {
		t.Errorf("answer %q, want %s", got, NotActivated)
	}
	if r := record(t, documents, "2026-11-23"); r.Status != report.Complete || fmt.Sprint(r.Accounts) != "{2 2 [] [] [] [] [] []}" || len(r.Objects) != 4 {
		t.Errorf("record %s %+v with %d objects, want a complete day of two snapshots and two tables", r.Status, r.Accounts, len(r.Objects))
	}
}

// Who asks again for nobody but that account must not make a complete day partial.
func TestNotActivatedIsAStateInANarrowedRunToo(t *testing.T) {
	documents := new(store.Memory)
	h := newHandler(t, documents, new(source), &source{fails: accountState{}})
	_, err := h.Handle(t.Context(), []byte(event))
	must(t, err)
	result, err := h.Handle(t.Context(), []byte(`{"accounts":["1234567890123457"]}`))
	must(t, err)
	if len(result.Accounts) != 1 || result.Accounts[0].Status != NotActivated {
		t.Errorf("answer %+v, want one account that is not_activated", result)
	}
	if r := record(t, documents, "2026-11-23"); r.Status != report.Complete || fmt.Sprint(r.Accounts) != "{2 1 [] [1234567890123457] [] [] [] []}" {
		t.Errorf("record %s %+v, want the complete day as it was", r.Status, r.Accounts)
	}
	_, err = newHandler(t, new(store.Memory), new(source), &source{fails: accountState{}}).Handle(t.Context(), []byte(`{"accounts":["1234567890123457"]}`))
	if ErrorType(err) != "SourceError" {
		t.Errorf("on a day without a snapshot: error %v, want a SourceError: there is nothing to record", err)
	}
}

// A record names not attempted accounts without their source types. Half of an
// account that is there must not pass for all of it.
func TestHalfOfTheSourceTypesIsNoCompleteDay(t *testing.T) {
	for _, next := range []string{`{"action":"check"}`, `{"action":"rebuild"}`} {
		documents := new(store.Memory)
		h := newHandler(t, documents, new(source), new(source))
		h.Config = config(t, "SOURCE_TYPES=ECS_FILE,OTHER")
		_, err := h.Handle(t.Context(), []byte(`{"source_types":["ECS_FILE"]}`))
		must(t, err)
		wind(t, h, "2026-11-23T15:17:01Z")
		h.Handle(t.Context(), []byte(next)) //nolint:errcheck // what it records counts
		if r := record(t, documents, "2026-11-23"); r.Status != report.Partial || fmt.Sprint(r.Accounts) != "{2 0 [] [] [1234567890123456 1234567890123457] [] [] []}" {
			t.Errorf("record after %s: %s %+v, want a partial day that names whom nobody asked for all", next, r.Status, r.Accounts)
		}
		_, err = h.Handle(t.Context(), []byte(event))
		must(t, err)
		if r := record(t, documents, "2026-11-23"); r.Status != report.Complete || r.Accounts.Collected != 2 {
			t.Errorf("record after the next run: %s %+v, want a complete day", r.Status, r.Accounts)
		}
	}
}

// What a run found out about the fleet is not lost to one that finds out nothing.
func TestUnknownMembersLeaveWhatIsKnownOfTheDay(t *testing.T) {
	documents := new(store.Memory)
	sick := errors.New("denied")
	h := newHandler(t, documents, new(source))
	h.Members = func(context.Context) ([]Account, error) {
		return []Account{{ID: "7", Source: &source{fails: sick}}, {ID: "8", Source: &source{fails: sick}}, {ID: "9", Source: new(source)}}, nil
	}
	_, err := h.Handle(t.Context(), []byte(event))
	if ErrorType(err) != "AccountsError" {
		t.Fatalf("error %v, want an AccountsError", err)
	}
	h.Members = func(context.Context) ([]Account, error) { return nil, errors.New("ListAccounts: NoPermission (403)") }
	for range 2 { // the second says the same, once
		_, err = h.Handle(t.Context(), []byte(event))
		if ErrorType(err) != "AccountsError" {
			t.Errorf("error %v, want an AccountsError", err)
		}
		r := record(t, documents, "2026-11-23")
		var failed []string
		for _, f := range r.Accounts.Failed {
			failed = append(failed, f.AccountID)
		}
		if r.Status != report.Partial || r.Accounts.Collected != 2 || !slices.Equal(failed, []string{"", "7", "8"}) {
			t.Errorf("record %s %+v, want a partial day that still names 7 and 8, and why the fleet is unknown", r.Status, r.Accounts)
		}
	}
}

func TestUnknownMembersAreNoSilentHalfFleet(t *testing.T) {
	documents := new(store.Memory)
	h := newHandler(t, documents, new(source))
	h.Members = func(context.Context) ([]Account, error) { return nil, errors.New("ListAccounts: NoPermission (403)") }
	_, err := h.Handle(t.Context(), []byte(event))
	if got, want := fmt.Sprint(ErrorType(err), ": ", err), "AccountsError: 1 failed; cloud backup: find the member accounts: ListAccounts: NoPermission (403)"; got != want {
		t.Errorf("error %s, want %s", got, want)
	}
	r := record(t, documents, "2026-11-23")
	if got, want := fmt.Sprintf("%s %d of %d: %s", r.Status, r.Accounts.Collected, r.Accounts.Expected, r.Cause), "partial 1 of 2: SourceError: cloud backup: find the member accounts: ListAccounts: NoPermission (403)"; got != want {
		t.Errorf("record %s, want %s", got, want)
	}
	h.Members = func(context.Context) ([]Account, error) {
		return []Account{{ID: account, Source: new(source)}, {ID: "7", Source: new(source)}}, nil
	}
	result, err := h.Handle(t.Context(), []byte(event))
	must(t, err)
	if r := record(t, documents, "2026-11-23"); r.Status != report.Complete || r.Accounts.Expected != 2 || len(result.Accounts) != 2 {
		t.Errorf("record %s %+v, want a complete day of two accounts, the own one once", r.Status, r.Accounts)
	}
}

func TestNoTimeLeftIsNotAttempted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // however busy the machine is, no time passes but what is slept
		documents := new(store.Memory)
		slow := &source{}
		h := newHandler(t, documents, slow, new(source))
		h.Now = time.Now
		h.Config.Concurrency = 1
		time.Sleep(time.Until(time.Date(2026, 11, 22, 17, 30, 1, 0, time.UTC)))
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		slow.total = func(int) report.Statistics {
			time.Sleep(56 * time.Second) // the time that is kept for the record is left
			return statistics(1)
		}
		_, err := h.Handle(ctx, []byte(event))
		if ErrorType(err) != "AccountsError" || !strings.Contains(err.Error(), "account 1234567890123457, ECS_FILE: not attempted, no time was left") {
			t.Errorf("error %v, want an AccountsError that says who was not attempted", err)
		}
		if r := record(t, documents, "2026-11-23"); r.Status != report.Partial || fmt.Sprint(r.Accounts.NotAttempted) != "[1234567890123457]" {
			t.Errorf("record %s %+v, want a partial day that names whom nobody asked", r.Status, r.Accounts)
		}
	})
}

// A noTurn is how cloudbackup tells that the pace of STS left an account no time.
type noTurn struct{}

func (noTurn) Error() string      { return "no time was left for the pace of STS" }
func (noTurn) NotAttempted() bool { return true }

func TestNoTimeOfASourceIsNotAttempted(t *testing.T) {
	documents := new(store.Memory)
	_, err := newHandler(t, documents, new(source), &source{fails: noTurn{}}).Handle(t.Context(), []byte(event))
	if ErrorType(err) != "AccountsError" {
		t.Errorf("error %v, want an AccountsError", err)
	}
	if r := record(t, documents, "2026-11-23"); r.Status != report.Partial || fmt.Sprint(r.Accounts) != "{2 1 [] [] [1234567890123457] [] [] []}" {
		t.Errorf("record %s %+v, want a partial day that names whom nobody asked", r.Status, r.Accounts)
	}
}

func TestDamagedSnapshotIsNamedAndLeftAlone(t *testing.T) {
	const key = "snapshots/dt=2026-11-23/1234567890123456-ECS_FILE.json"
	documents := new(store.Memory)
	h := newHandler(t, documents, new(source), new(source))
	must(t, documents.Put(t.Context(), key, []byte("{half")))
	_, err := h.Handle(t.Context(), []byte(event))
	if ErrorType(err) != "AccountsError" || !strings.Contains(err.Error(), "store: read "+key+": decode snapshot: ") {
		t.Errorf("error %v, want an AccountsError that names %s", err, key)
	}
	if data, err := documents.Get(t.Context(), key); err != nil || string(data) != "{half" {
		t.Errorf("the damaged snapshot is now %q, %v", data, err)
	}
	if r := record(t, documents, "2026-11-23"); r.Status != report.Partial || r.Accounts.Failed[0].ErrorType != "StoreError" {
		t.Errorf("record %+v, want partial", r)
	}
	_, err = h.Handle(t.Context(), []byte(`{"overwrite":true}`))
	must(t, err)
	if r := record(t, documents, "2026-11-23"); r.Status != report.Complete {
		t.Errorf("record %+v, want a complete day after the repair", r)
	}
}

func TestSnapshotInAnothersPlace(t *testing.T) {
	documents := new(store.Memory)
	h := newHandler(t, documents, new(source))
	_, err := h.Handle(t.Context(), []byte(event))
	must(t, err)
	data, err := documents.Get(t.Context(), "snapshots/dt=2026-11-23/1234567890123456-ECS_FILE.json")
	must(t, err)
	must(t, documents.Put(t.Context(), "snapshots/dt=2026-11-24/1234567890123456-ECS_FILE.json", data))
	wind(t, h, "2026-11-23T17:30:01Z")
	_, err = h.Handle(t.Context(), []byte(strings.Replace(event, "11-22", "11-23", 1)))
	if err == nil || !strings.Contains(err.Error(), "it is the snapshot of snapshots/dt=2026-11-23/") {
		t.Errorf("error %v, want one that says whose snapshot lies there", err)
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	documents := new(store.Memory)
	result, err := newHandler(t, documents, new(source)).Handle(t.Context(), []byte(`{"dry_run":true}`))
	must(t, err)
	if result.Status != DryRun || result.Totals[0].ProtectedResourceCount != 5 || keys(t, documents) != "" {
		t.Errorf("answer %+v, stored %q; want what is protected, and nothing stored", result, keys(t, documents))
	}
}

// A lister that may not list: the day is still captured.
type noList struct{ store.Memory }

func (*noList) List(context.Context, string, int) ([]store.Entry, error) {
	return nil, errors.New("list: AccessDenied (403)")
}

func TestDayIsCapturedThoughNothingCanBeListed(t *testing.T) {
	documents := new(noList)
	h := newHandler(t, documents, new(source))
	for range 2 {
		_, err := h.Handle(t.Context(), []byte(event))
		if got, want := fmt.Sprint(ErrorType(err), " ", err), "StoreError store: list: AccessDenied (403)"; got != want {
			t.Errorf("error %s, want %s", got, want)
		}
	}
	if got, want := keys(t, &documents.Memory), "snapshots/dt=2026-11-23/1234567890123456-ECS_FILE.json"; got != want {
		t.Errorf("stored %q, want the snapshot alone", got)
	}
}

// A store whose list hangs: the day is captured all the same.
type hangingList struct{ store.Memory }

func (*hangingList) List(ctx context.Context, _ string, _ int) ([]store.Entry, error) {
	<-ctx.Done()
	return nil, fmt.Errorf("list: %w", ctx.Err())
}

func TestDayIsCapturedThoughTheListHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		documents := new(hangingList)
		h := newHandler(t, documents, new(source))
		h.Now = time.Now
		time.Sleep(time.Until(time.Date(2026, 11, 22, 17, 30, 1, 0, time.UTC)))
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		_, err := h.Handle(ctx, []byte(event))
		if ErrorType(err) != "StoreError" || ctx.Err() != nil {
			t.Errorf("error %v, context %v; want a StoreError before the end", err, ctx.Err())
		}
		if got, want := keys(t, &documents.Memory), "snapshots/dt=2026-11-23/1234567890123456-ECS_FILE.json"; got != want {
			t.Errorf("stored %q, want the snapshot alone", got)
		}
	})
}

func TestPanicOfASourceIsAnError(t *testing.T) {
	s := &source{total: func(int) report.Statistics { panic("boom") }}
	_, err := newHandler(t, new(store.Memory), s).Handle(t.Context(), []byte(event))
	if ErrorType(err) != "SourceError" || !strings.Contains(err.Error(), "panic: boom") {
		t.Errorf("error %v, want a SourceError that tells of the panic", err)
	}
}

func TestWarnings(t *testing.T) {
	documents := new(store.Memory)
	must(t, documents.Put(t.Context(), "snapshots/dt=2026-11-23/notes.txt", []byte("hello")))
	s := &source{total: func(int) report.Statistics {
		s := statistics(1)
		s.Total.ProtectedResourceCount = 6
		return s
	}}
	result, err := newHandler(t, documents, s).Handle(t.Context(), []byte("now please"))
	must(t, err)
	got := strings.Join(result.Warnings, "\n")
	for _, want := range []string{`plain text, "now please"`, `"snapshots/dt=2026-11-23/notes.txt" is not a snapshot key`, "the regions do not add up to the total"} {
		if !strings.Contains(got, want) {
			t.Errorf("warnings %s, want one with %s", got, want)
		}
	}
}

// What is said of each account is said of some in an answer, and of all in the record.
func TestAnswerOfThousandsIsShort(t *testing.T) {
	const accounts = 1000
	sources := make([]Source, accounts)
	for i := range sources {
		sources[i] = &source{total: func(int) report.Statistics {
			s := statistics(1)
			s.Regions = s.Regions[:1] // which do not add up
			return s
		}}
	}
	documents := new(store.Memory)
	h := newHandler(t, documents, sources...)
	h.Config = config(t, "FREE_QUOTA_BYTES=1")
	result, err := h.Handle(t.Context(), []byte(event))
	must(t, err)
	answer, err := json.Marshal(result)
	must(t, err)
	if len(answer) > 64<<10 || len(result.Accounts) != 100 || result.Omitted != accounts-100 {
		t.Errorf("an answer of %d bytes with %d accounts and %d omitted, want a short one with 100", len(answer), len(result.Accounts), result.Omitted)
	}
	if got, want := result.Warnings[len(result.Warnings)-1], fmt.Sprintf("and %d more warnings", accounts-20); got != want {
		t.Errorf("the last of %d warnings is %q, want %q", len(result.Warnings), got, want)
	}
	shown, all := 0, 0
	for _, a := range result.Alerts {
		shown += len(a.Items)
	}
	for _, a := range record(t, documents, "2026-11-23").Alerts {
		all += len(a.Items)
	}
	if all < accounts || shown != 100*len(result.Alerts) || shown+result.ItemsOmitted != all {
		t.Errorf("alerts with %d items and %d omitted, want 100 of each, and in the record all %d", shown, result.ItemsOmitted, all)
	}
}

func TestChangeNeedsTheDayBefore(t *testing.T) {
	documents := new(store.Memory)
	h := newHandler(t, documents, new(source))
	for _, tt := range []struct{ day, want string }{
		{"2026-11-22", "none"}, {"2026-11-23", "[{ECS_FILE {1 0}}]"}, {"2026-11-25", "none"},
	} {
		wind(t, h, tt.day+"T04:00:01Z")
		result, err := h.Handle(t.Context(), []byte(`{"triggerTime":"`+tt.day+`T04:00:00Z"}`))
		must(t, err)
		got := "none"
		if result.Change != nil {
			got = fmt.Sprint(result.Change.Totals)
		}
		if got != tt.want {
			t.Errorf("change on %s is %s, want %s", tt.day, got, tt.want)
		}
	}
}

func TestLatestIsTheNewestDay(t *testing.T) {
	documents := new(store.Memory)
	h := newHandler(t, documents, new(source))
	for _, tt := range []struct{ day, want string }{{"2026-11-22", "2026-11-22"}, {"2026-11-24", "2026-11-24"}, {"2026-11-23", "2026-11-24"}} {
		wind(t, h, "2026-11-24T04:00:01Z")
		_, err := h.Handle(t.Context(), []byte(`{"triggerTime":"`+tt.day+`T04:00:00Z"}`))
		must(t, err)
		data, err := documents.Get(t.Context(), "latest.json")
		must(t, err)
		if r, err := report.DecodeDayRecord(data); err != nil || r.SnapshotDate.String() != tt.want {
			t.Errorf("after %s the latest is %v, %v; want %s", tt.day, r.SnapshotDate, err, tt.want)
		}
	}
}

// An overwriting store takes no notice of "do not overwrite", as a bucket with
// versioning does.
type overwriting struct{ store.Memory }

func (o *overwriting) PutNew(ctx context.Context, key string, data []byte) error {
	return o.Put(ctx, key, data)
}

// A noReplace store fails the test that writes a snapshot in a way that could
// replace one: of two runs at the same moment the second would win.
type noReplace struct {
	Store
	t *testing.T
}

func (n noReplace) Put(ctx context.Context, key string, data []byte) error {
	if strings.HasPrefix(key, report.SnapshotsDir) {
		n.t.Errorf("put %s: want one that never replaces", key)
	}
	return n.Store.Put(ctx, key, data)
}

// TestOneSnapshotADay plays random sequences of duplicate, retried, delayed,
// concurrent and manual runs in several zones, over month and year ends, a leap
// day and the days on which clocks change. Whatever happens, each day keeps the
// first snapshot it got.
func TestOneSnapshotADay(t *testing.T) {
	for seed := range uint64(24) {
		random := rand.New(rand.NewPCG(seed, 1))
		zone := []string{"Asia/Shanghai", "UTC", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"}[random.IntN(5)]
		start := []string{"2026-11-28", "2026-12-29", "2028-02-26", "2026-03-06", "2026-10-30", "2026-04-03"}[random.IntN(6)]
		first, err := time.Parse(time.DateOnly, start)
		must(t, err)
		var documents Store = new(store.Memory)
		concurrent := 1 + random.IntN(3)
		if seed%3 == 0 { // there only repeats one after another are safe
			documents, concurrent = new(overwriting), 1
		}
		h := newHandler(t, noReplace{documents, t}, new(source))
		h.Config = config(t, "TIME_ZONE="+zone)
		kept := make(map[string]string)
		for range 15 {
			at := first.Add(time.Duration(random.IntN(6*24*60)) * time.Minute)
			clock := at.Add(time.Duration(random.IntN(300)) * time.Minute) // delayed, perhaps into the next day
			h.Now = func() time.Time { return clock }
			data, dueAt := fmt.Sprintf(`{"triggerTime":%q,"triggerName":"daily"}`, at.Format(time.RFC3339)), at
			if random.IntN(4) == 0 {
				data, dueAt = "", clock
			}
			var runs sync.WaitGroup
			for range concurrent {
				runs.Go(func() {
					if _, err := h.Handle(t.Context(), []byte(data)); err != nil {
						t.Errorf("seed %d: %v", seed, err)
					}
				})
			}
			runs.Wait()
			key := "snapshots/dt=" + dueAt.In(h.Config.Zone).Format(time.DateOnly) + "/1234567890123456-ECS_FILE.json"
			document, err := documents.Get(t.Context(), key)
			must(t, err)
			if was, there := kept[key]; there && was != string(document) {
				t.Fatalf("seed %d: %s was\n%s\nand is\n%s", seed, key, was, document)
			}
			kept[key] = string(document)
		}
		entries, err := documents.List(t.Context(), "snapshots/", 0)
		must(t, err)
		if len(entries) != len(kept) {
			t.Errorf("seed %d: %d snapshots, want %d: %s", seed, len(entries), len(kept), keys(t, documents))
		}
	}
}
