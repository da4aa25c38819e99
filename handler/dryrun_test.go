package handler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"backup-statistics/handler/store"
)

// answered is an answer as a console shows it, or the error's type and text.
func answered(t *testing.T, result *Result, err error) string {
	t.Helper()
	if err != nil {
		return fails(err)
	}
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetIndent("", "  ")
	must(t, out.Encode(result))
	return b.String()
}

// TestDryRunAnswersWhatARealOneWould tries a run and then makes it. Both tell the same
// totals, change, quota and alerts; the first tells nobody else and leaves nothing
// behind. Where a real run would judge nothing neither says that there are no alerts.
func TestDryRunAnswersWhatARealOneWould(t *testing.T) {
	const day = "2026-11-23"
	for _, tt := range []struct {
		name    string
		play    func(w *world)
		request string // besides dry_run
		says    string // in the answers of both; a "-" before what is not
	}{
		{"nothing changed", func(w *world) { w.run("2026-11-22") }, ``, `"alerts": []`},
		{"more is protected", func(w *world) { w.run("2026-11-22"); w.protect(7, 2) }, ``, `"change"`},
		{"instances are lost", func(w *world) { w.run("2026-11-22"); w.protect(3, 2) }, ``, `"resources_dropped"`},
		{"a region is lost", func(w *world) { w.run("2026-11-22"); w.protect(5, 0) }, ``, `"region_gone"`},
		{"an alert is open, and stays", func(w *world) { w.run("2026-11-21"); w.protect(3, 2); w.run("2026-11-22") }, ``, `"opened": "2026-11-22"`},
		{"an alert is open, and closes", func(w *world) { w.run("2026-11-21"); w.protect(3, 2); w.run("2026-11-22"); w.protect(5, 2) }, ``, `"alerts": []`},
		{"the day before is a gap", func(w *world) { w.run("2026-11-21"); w.protect(3, 2) }, ``, `-"change"`},
		{"the quota is nearly used up", func(w *world) { w.run("2026-11-22"); w.protect(90, 2) }, ``, `"quota_percent"`},
		{"a narrowed run, which judges what it has", func(w *world) { w.run("2026-11-22"); w.protect(3, 2) }, `,"accounts":["1234567890123456"]`, `"resources_dropped"`},
		{"a narrowed run that completes the day", func(w *world) {
			w.run("2026-11-22")
			w.protect(3, 2)
			w.timer(day, noon, `{"accounts":["1234567890123457"]}`, 0)
		}, `,"accounts":["1234567890123456"]`, `"resources_dropped"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 2)
			tt.play(w)
			stored, told := dump(t, w.Store), w.inbox.said()
			result, err := w.timer(day, noon, `{"dry_run":true`+tt.request+`}`, 0)
			dry := answered(t, result, err)
			if got := dump(t, w.Store); got != stored || w.inbox.said() != told {
				t.Errorf("people were told %q, and %s", w.inbox.said(), differ(got, stored))
			}
			result, err = w.timer(day, noon, `{"dry_run":false`+tt.request+`}`, 0)
			real := answered(t, result, err)
			if want := strings.ReplaceAll(real, `"written"`, `"dry_run"`); dry != want {
				t.Errorf("the dry run answers\n%s\nand the real one\n%s", dry, real)
			}
			if says, not := strings.CutPrefix(tt.says, "-"); strings.Contains(dry, says) == not {
				t.Errorf("the answer is %s, want %s", dry, tt.says)
			}
		})
	}
}

// A dry run of a day that is captured already tells of the numbers of now.
func TestDryRunOfACapturedDay(t *testing.T) {
	w := newWorld(t, 2)
	for _, day := range []string{"2026-11-22", "2026-11-23"} {
		_, err := w.run(day)
		must(t, err)
	}
	w.protect(4, 2)
	stored := dump(t, w.Store)
	result, err := w.timer("2026-11-23", noon, `{"dry_run":true}`, 0)
	must(t, err)
	change := result.Change
	if got, want := fmt.Sprintf("%s %v %v", result.Status, result.Totals, names(result.Alerts)), "dry_run [{ECS_FILE {12884901888 12}}] [data_dropped_percent/11-23 ECS_FILE0 resources_dropped/11-23 1234567890123456ECS_FILE0 resources_dropped/11-23 1234567890123457ECS_FILE0 resources_dropped/11-23 ECS_FILE0 resources_dropped/11-23 ECS_FILEcn-hangzhou0]"; got != want ||
		change == nil || change.Totals[0].ProtectedResourceCount != -2 {
		t.Errorf("the dry run answers %s, change %v; want %s, two instances less than yesterday", got, change, want)
	}
	if got := dump(t, w.Store); got != stored {
		t.Errorf("the dry run leaves %s", differ(got, stored))
	}
}

// What the bucket can't tell is a warning: a dry run proves Cloud Backup.
func TestDryRunOfABucketThatCannotBeRead(t *testing.T) {
	w := newWorld(t, 1)
	w.Store = &locked{reads: true}
	result, err := w.timer("2026-11-23", noon, `{"dry_run":true}`, 0)
	must(t, err)
	if result.Totals[0].ProtectedResourceCount != 7 || len(result.Warnings) != 1 || result.Alerts != nil || result.Change != nil {
		t.Errorf("the answer is %s, want the totals, a warning, and nothing judged", answered(t, result, err))
	}
}

// TestAnswers keeps the answer of each kind. One that did not judge leaves alerts and
// change out, and none has a null.
func TestAnswers(t *testing.T) {
	const day = "2026-11-23"
	var all strings.Builder
	for _, tt := range []struct {
		name   string
		begun  []string // days that are captured
		event  string
		judged bool
	}{
		{"a dry run of a first day", nil, `{"dry_run":true}`, false},
		{"a run of a first day", nil, ``, true},
		{"a dry run", []string{"2026-11-22"}, `{"dry_run":true}`, true},
		{"a run", []string{"2026-11-22"}, ``, true},
		{"a narrowed run", []string{"2026-11-22"}, `{"accounts":["1234567890123456"]}`, true},
		{"a check", []string{"2026-11-22", day}, `{"action":"check"}`, true},
		{"a rebuild", []string{"2026-11-22", day}, `{"action":"rebuild"}`, true},
		{"a preflight", []string{"2026-11-22"}, `{"action":"preflight"}`, false},
	} {
		w := newWorld(t, 2)
		w.Store = recorded(new(store.Memory))
		for _, day := range tt.begun {
			w.protect(5, 2)
			_, err := w.run(day)
			must(t, err)
			w.protect(3, 2)
		}
		result, err := w.timer(day, evening, tt.event, 0)
		answer := answered(t, result, err)
		if strings.Contains(answer, `"alerts"`) != tt.judged || strings.Contains(answer, "null") || strings.Contains(answer, `"change"`) && !tt.judged {
			t.Errorf("%s answers %s, want alerts: %v, and no null", tt.name, answer, tt.judged)
		}
		fmt.Fprintf(&all, "-- %s --\n%s", tt.name, answer)
	}
	golden(t, "results.txtar", all.String())
}
