package handler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"backup-statistics/report"
)

// TestExcludedAccounts leaves a member out on purpose: it is not asked, every record
// says so, no day lacks it, and people hear once that it is gone.
func TestExcludedAccounts(t *testing.T) {
	const member, other = "7000000000000000", "8000000000000000"
	w := newWorld(t, 1)
	sources := map[string]*source{}
	for _, id := range []string{member, other} {
		sources[id] = &source{total: w.sources[0].total}
	}
	w.Members = func(context.Context) ([]Account, error) {
		return []Account{{ID: member, Source: sources[member]}, {ID: other, Source: sources[other]}}, nil
	}
	exclude := func(ids string) { w.Config = config(t, "EXCLUDE_ACCOUNTS="+ids) }
	accounts := func(day string) string {
		r := record(t, w.Store, day)
		var captured []string
		for p := range r.Captured() {
			captured = append(captured, p.AccountID)
		}
		slices.Sort(captured)
		return fmt.Sprint(r.Status, " ", r.Accounts.Expected, " ", captured, " without ", r.Accounts.Excluded)
	}
	all := days(t, "2026-11-20", 12)
	for i, day := range all {
		want := "complete 2 [1234567890123456 7000000000000000] without [8000000000000000]"
		switch i {
		case 0:
			want = "complete 3 [1234567890123456 7000000000000000 8000000000000000] without []"
		case 1:
			exclude(other)
		case 11:
			exclude("")
			want = "complete 3 [1234567890123456 7000000000000000 8000000000000000] without []"
		}
		asked := sources[other].asked
		result, err := w.run(day)
		must(t, err)
		_, err = w.check(day)
		must(t, err)
		if got := accounts(day); got != want {
			t.Errorf("%s: the record says %s, want %s", day, got, want)
		}
		if excluded := i > 0 && i < 11; excluded && (sources[other].asked != asked || len(result.Accounts) != 2) {
			t.Errorf("%s: the excluded account was asked, or is in the answer: %+v", day, result.Accounts)
		}
		for _, a := range record(t, w.Store, day).Alerts {
			if a.Rule != "account_gone" || a.Weight != report.Notice {
				t.Errorf("%s: open is %+v, want a notice at most", day, a)
			}
		}
	}
	if got, want := w.inbox.said(), "2026-11-21 +account_gone/11-21 2026-11-28 -account_gone/11-21"; got != want {
		t.Errorf("people were told %s, want %s: that it is gone, once, and no more after a week", got, want)
	}
	before := dump(t, w.Store)
	_, err := w.Handle(t.Context(), []byte(`{"action":"rebuild"}`))
	must(t, err)
	if got := dump(t, w.Store); got != before {
		t.Errorf("a rebuild finds something to mend: %s", differ(got, before))
	}

	exclude(other)
	if _, err := w.run(all[11]); err != nil || accounts(all[11]) != "complete 3 [1234567890123456 7000000000000000 8000000000000000] without []" {
		t.Errorf("excluded on a day that has it: %v, %s; want it to stay there", err, accounts(all[11]))
	}
	if _, err := w.late(all[11], noon, `{"accounts":["`+other+`"]}`); ErrorType(err) != "EventError" {
		t.Errorf("asked for alone: %v, want an EventError", err)
	}
	data, err := w.Store.Get(t.Context(), report.TrendKey)
	must(t, err)
	if trend, err := report.DecodeTrend(data); err != nil || strings.Contains(string(data), `"status":"partial"`) || trend.Accounts.Expected != 3 {
		t.Errorf("the trend counts %+v (%v), want three accounts and no partial day", trend.Accounts, err)
	}
}

// An account that is excluded from the first day on is no news.
func TestExcludedFromTheFirstDayOn(t *testing.T) {
	w := newWorld(t, 1, "EXCLUDE_ACCOUNTS=8000000000000000")
	w.Members = func(context.Context) ([]Account, error) {
		return []Account{{ID: "8000000000000000", Source: unasked{}}}, nil
	}
	for _, day := range days(t, "2026-11-20", 2) {
		_, err := w.run(day)
		must(t, err)
		if r := record(t, w.Store, day); r.Status != report.Complete || fmt.Sprint(r.Accounts.Excluded) != "[8000000000000000]" || r.Accounts.Expected != 1 {
			t.Errorf("%s: record %s %+v, want a complete day that says who is left out", day, r.Status, r.Accounts)
		}
	}
	if got := w.inbox.said(); got != "" {
		t.Errorf("people were told %s, want nothing", got)
	}
}

type unasked struct{}

func (unasked) Statistics(context.Context, string) (report.Statistics, error) { panic("asked") }

// What the directory calls accounts is in the record of each day, stays where nobody can
// ask any more, and comes back into a record that was lost.
func TestAccountNames(t *testing.T) {
	const member, day = "2222222222222222", "2026-11-23"
	w := newWorld(t, 1)
	name, fails := "Team A <b>\u2028", error(nil)
	w.Members = func(context.Context) ([]Account, error) {
		return []Account{{ID: member, Name: name, Source: &source{total: w.sources[0].total}}}, fails
	}
	names := func() string {
		t.Helper()
		return fmt.Sprint(record(t, w.Store, day).Accounts.Names)
	}
	_, err := w.run(day)
	must(t, err)
	const want = "[{" + member + " Team A <b>\ufffd}]"
	if got := names(); got != want {
		t.Fatalf("names %s, want %s", got, want)
	}
	page, err := w.Store.Get(t.Context(), report.PageKey)
	must(t, err)
	if !strings.Contains(string(page), member+" Team A &lt;b&gt;") {
		t.Error("the page does not show the name, escaped")
	}
	before := dump(t, w.Store)
	for _, lost := range []string{"days/" + day + ".json latest.json report/trend.json report/index.html", "report/trend.json"} {
		w.Store = without(t, w.Store, strings.Fields(lost)...)
		_, err = w.Handle(t.Context(), []byte(`{"action":"rebuild"}`))
		must(t, err)
		if got := dump(t, w.Store); got != before {
			t.Errorf("without %s a rebuild finds %s", lost, differ(got, before))
		}
	}
	name, fails = "", errors.New("nobody may list the accounts")
	_, err = w.Handle(t.Context(), []byte(`{"action":"rebuild"}`))
	must(t, err)
	if got := names(); got != want {
		t.Errorf("where the directory refuses: names %s, want those that were known, %s", got, want)
	}
}
