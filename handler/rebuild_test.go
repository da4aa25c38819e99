package handler

import (
	"fmt"
	"strings"
	"testing"

	"backup-statistics/handler/store"
	"backup-statistics/report"
)

// play runs the daily timer of a list of days, and stores nothing on those that
// begin with "-".
func play(t *testing.T, h *Handler, days ...string) {
	t.Helper()
	for _, day := range days {
		if !strings.HasPrefix(day, "-") {
			wind(t, h, day+"T04:00:01Z")
			_, err := h.Handle(t.Context(), []byte(`{"triggerTime":"`+day+`T04:00:00Z"}`))
			must(t, err)
		}
	}
}

// copyOf is a store that holds some of another's documents.
func copyOf(t *testing.T, s Store, prefixes ...string) *store.Memory {
	t.Helper()
	kept := new(store.Memory)
	entries, err := s.List(t.Context(), "", 0)
	must(t, err)
	for _, e := range entries {
		for _, prefix := range prefixes {
			if strings.HasPrefix(e.Key, prefix) {
				data, err := s.Get(t.Context(), e.Key)
				must(t, err)
				must(t, kept.Put(t.Context(), e.Key, data))
			}
		}
	}
	return kept
}

func TestRebuildBringsEverythingDerivedBack(t *testing.T) {
	documents := new(store.Memory)
	h := newHandler(t, documents, new(source), new(source))
	play(t, h, "2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23")
	want := dump(t, documents)

	h.Store = copyOf(t, documents, "snapshots/")
	result, err := h.Handle(t.Context(), []byte(`{"action":"rebuild"}`))
	must(t, err)
	if got := dump(t, h.Store); got != want {
		t.Errorf("rebuilt\n%s\nwant\n%s", got, want)
	}
	if got := fmt.Sprintf("%+v", *result.Rebuilt); !strings.HasPrefix(got, "{From:2026-11-20 To:2026-11-23 Complete:4 Partial:0 Missing:0 Written:") {
		t.Errorf("answer %s, want four complete days", got)
	}
	again, err := h.Handle(t.Context(), []byte(`{"action":"rebuild"}`))
	must(t, err)
	if again.Rebuilt.Written != 0 {
		t.Errorf("a second rebuild wrote %d documents, want none", again.Rebuilt.Written)
	}
}

func TestRebuildKeepsWhatCannotBeDerived(t *testing.T) {
	documents := new(store.Memory)
	sick := &source{}
	h := newHandler(t, documents, new(source), sick)
	play(t, h, "2026-11-20")
	sick.fails = fmt.Errorf("denied")
	wind(t, h, "2026-11-21T04:00:01Z")
	h.Handle(t.Context(), []byte(`{"triggerTime":"2026-11-21T04:00:00Z"}`))
	sick.fails = nil
	play(t, h, "2026-11-23")
	partial := record(t, documents, "2026-11-21")

	h.Store = copyOf(t, documents, "snapshots/", "days/2026-11-21.json")
	_, err := h.Handle(t.Context(), []byte(`{"action":"rebuild"}`))
	must(t, err)
	if got := record(t, h.Store, "2026-11-21"); fmt.Sprint(got.Accounts, got.Cause) != fmt.Sprint(partial.Accounts, partial.Cause) || got.Status != report.Partial {
		t.Errorf("the partial day is now %+v, want %+v", got, partial)
	}
	gap := record(t, h.Store, "2026-11-22")
	if gap.Status != report.Missing || gap.Cause != "unknown" || gap.DetectedAt == nil || len(gap.Totals) > 0 {
		t.Errorf("the gap is %+v, want missing, cause unknown, no numbers", gap)
	}
}

func TestRebuildOfSomeDays(t *testing.T) {
	documents := new(store.Memory)
	h := newHandler(t, documents, new(source))
	play(t, h, "2026-11-20", "2026-11-21", "2026-11-22")
	latest, err := documents.Get(t.Context(), "latest.json")
	must(t, err)
	result, err := h.Handle(t.Context(), []byte(`{"action":"rebuild","from":"2026-11-01","to":"2026-11-21"}`))
	must(t, err)
	if got := *result.Rebuilt; got.From.String() != "2026-11-20" || got.To.String() != "2026-11-21" || got.Written != 0 {
		t.Errorf("rebuilt %+v, want the two days that there are, and nothing written", got)
	}
	if again, err := documents.Get(t.Context(), "latest.json"); err != nil || string(again) != string(latest) {
		t.Errorf("the latest is now %s (%v), want %s", again, err, latest)
	}
	if _, err := newHandler(t, new(store.Memory)).Handle(t.Context(), []byte(`{"action":"rebuild"}`)); ErrorType(err) != "EventError" {
		t.Errorf("of an empty bucket: %v; want an EventError that there is no day", err)
	}
}

func TestRebuildNeverOverwritesADamagedSnapshot(t *testing.T) {
	const key = "snapshots/dt=2026-11-21/1234567890123456-ECS_FILE.json"
	documents := new(store.Memory)
	h := newHandler(t, documents, new(source), new(source))
	play(t, h, "2026-11-20", "2026-11-21")
	must(t, documents.Put(t.Context(), key, []byte("{half")))
	_, err := h.Handle(t.Context(), []byte(`{"action":"rebuild"}`))
	must(t, err)
	r := record(t, documents, "2026-11-21")
	if r.Status != report.Partial || len(r.Accounts.Failed) != 1 || !strings.Contains(r.Accounts.Failed[0].Message, key) {
		t.Errorf("record %+v, want a partial day that names %s", r, key)
	}
	if data, err := documents.Get(t.Context(), key); err != nil || string(data) != "{half" {
		t.Errorf("the damaged snapshot is now %q, %v", data, err)
	}
}

// No snapshot says that an account has not activated Cloud Backup. Where a day's record is
// lost, the one before says so, and nobody hears that the account is gone.
func TestLostRecordOfADayWithAnAccountThatIsNotActivated(t *testing.T) {
	for _, tt := range []struct {
		name  string
		event func(w *world) error
	}{
		{"a rebuild", func(w *world) error { _, err := w.Handle(t.Context(), []byte(`{"action":"rebuild"}`)); return err }},
		{"the next day's check", func(w *world) error { _, err := w.check("2026-11-23"); return err }},
		{"the next day's run", func(w *world) error { _, err := w.run("2026-11-23"); return err }},
	} {
		w := newWorld(t, 3)
		w.sources[1].fails = accountState{}
		for _, day := range days(t, "2026-11-20", 3) {
			_, err := w.run(day)
			must(t, err)
		}
		w.wait("2026-11-23T00:00:00Z")
		want := string(mustGet(t, w.Store, "days/2026-11-22.json"))
		w.Store = without(t, w.Store, "days/2026-11-22", report.LatestKey, report.PageKey)
		err := tt.event(w)
		if tt.name != "the next day's check" { // which misses its own day
			must(t, err)
		}
		if got := string(mustGet(t, w.Store, "days/2026-11-22.json")); got != want {
			t.Errorf("after %s the record is\n%swant\n%s", tt.name, got, want)
		}
		if got := w.inbox.said(); strings.Contains(got, "account_gone") {
			t.Errorf("after %s people are told %s", tt.name, got)
		}
	}
}
