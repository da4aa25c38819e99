package handler

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"backup-statistics/handler/store"
)

// An event that must not be followed is refused before anybody is asked: nothing
// is read, collected or written for it.
func TestEventsOutOfBoundsAreRefused(t *testing.T) {
	const today = "2026-11-23T04:00:00Z"
	timer := func(at string) string { return fmt.Sprintf(`{"triggerTime":%q,"triggerName":"daily"}`, at) }
	for _, tt := range []struct{ name, age, event, says string }{
		{"five years ahead", "", timer("2031-11-23T04:00:00Z"), "triggerTime is 2031-11-23T04:00:00Z, "},
		{"the last year there is", "", timer("9999-12-31T23:59:59Z"), "triggerTime is 9999-12-31T23:59:59Z, "},
		{"tomorrow", "", timer("2026-11-24T04:00:00Z"), "triggerTime is 2026-11-24T04:00:00Z, and the clock says 2026-11-23T04:00:01Z: want it at most 5m0s ahead"},
		{"six minutes ahead", "", timer("2026-11-23T04:06:02Z"), "want it at most 5m0s ahead"},
		{"six minutes ahead in another zone", "", timer("2026-11-23T12:06:02+08:00"), "triggerTime is 2026-11-23T04:06:02Z, "},
		{"the first year there is", "876000h", timer("0000-01-01T00:00:00Z"), "triggerTime is 0000-01-01T00:00:00Z, "},
		{"the beginning of time", "876000h", timer("1970-01-02T04:00:00Z"), "want it within the last ten years"},
		{"eleven years ago", "876000h", timer("2015-11-22T04:00:00Z"), "want it within the last ten years"},
		{"yesterday", "12h", timer("2026-11-22T04:00:00Z"), "want it at most 12h0m0s ago, which MAX_EVENT_AGE allows"},
		{"more than half a day ago", "", timer("2026-11-22T16:00:00Z"), "MAX_EVENT_AGE"},
		{"older than the deployment says", "1h", timer("2026-11-23T02:59:59Z"), "want it at most 1h0m0s ago"},
		{"a check of tomorrow", "", `{"triggerTime":"2026-11-24T15:17:00Z","payload":"{\"action\":\"check\"}"}`, "want it at most 5m0s ahead"},
		{"a rebuild of long ago", "", `{"triggerTime":"2026-11-01T15:17:00Z","payload":"{\"action\":\"rebuild\"}"}`, "MAX_EVENT_AGE"},
		{"a source type that is not collected", "", `{"source_types":["ECS_FILES"]}`, "source_types names ECS_FILES, and this deployment collects ECS_FILE"},
		{"one of two that is not collected", "", `{"source_types":["ECS_FILE","OTHER"],"dry_run":true}`, "source_types names OTHER"},
		{"an account of nobody", "", `{"accounts":["1234567890123456","7"]}`, "accounts names 7, which is none of the 2 accounts"},
		{"more than any request has", "", `{"accounts":["` + strings.Repeat("7", 256<<10) + `"]}`, "262161 bytes: want at most 262144"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			documents := &counting{Store: new(store.Memory), calls: make(map[string]int)}
			s := new(source)
			h := newHandler(t, documents, s, s)
			h.Config = config(t, "MAX_EVENT_AGE="+tt.age)
			wind(t, h, "2026-11-23T04:00:01Z")
			result, err := h.Handle(t.Context(), []byte(tt.event))
			if event := (*EventError)(nil); !errors.As(err, &event) || result != nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("answer %v, %s; want an EventError that says %q", result, fails(err), tt.says)
			}
			if len(documents.calls) > 0 || s.asked > 0 {
				t.Errorf("%v requests and %d collections, want none", documents.calls, s.asked)
			}
		})
	}
	for _, tt := range []struct{ name, age, event, date string }{
		{"now", "", timer(today), "2026-11-23"},
		{"a clock that is five minutes behind", "", timer("2026-11-23T04:05:01Z"), "2026-11-23"},
		{"half a day ago", "", timer("2026-11-22T16:00:01Z"), "2026-11-23"},
		{"half a day ago, on the day before", "24h", timer("2026-11-22T15:59:59Z"), "2026-11-22"},
		{"nine years ago", "876000h", timer("2017-11-23T04:00:00Z"), "2017-11-23"},
		{"all accounts, named", "", `{"accounts":["1234567890123457","1234567890123456"],"source_types":["ECS_FILE"]}`, "2026-11-23"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHandler(t, new(store.Memory), new(source), new(source))
			h.Config = config(t, "MAX_EVENT_AGE="+tt.age)
			wind(t, h, "2026-11-23T04:00:01Z")
			result, err := h.Handle(t.Context(), []byte(tt.event))
			if err != nil || result.Status != Written || result.SnapshotDate.String() != tt.date {
				t.Errorf("answer %+v, %v; want %s to be written", result, err, tt.date)
			}
		})
	}
}

// Whatever instant an event names, what is filed is filed under a day of the last
// ten years that has begun.
func FuzzTriggerTime(f *testing.F) {
	for _, at := range []string{
		"2026-11-23T04:00:00Z", "2026-11-23T12:00:00+08:00", "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "1970-01-01T00:00:00Z",
		"2026-11-23T04:05:02Z", "2016-11-23T04:00:00Z", "2026-11-23T23:59:59+23:59", "2026-11-23T00:00:00-23:59", "2026-02-30T00:00:00Z",
	} {
		f.Add(at)
	}
	now := time.Date(2026, 11, 23, 4, 0, 1, 0, time.UTC)
	f.Fuzz(func(t *testing.T, at string) {
		documents := new(store.Memory)
		h := newHandler(t, documents, new(source))
		h.Now = func() time.Time { return now }
		event, err := json.Marshal(map[string]string{"triggerTime": at})
		must(t, err)
		result, err := h.Handle(t.Context(), event)
		if err != nil {
			if ErrorType(err) != "EventError" || keys(t, documents) != "" {
				t.Errorf("%q: %s, stored %s; want an EventError and nothing", at, fails(err), keys(t, documents))
			}
			return
		}
		due, err := time.Parse(time.RFC3339, at)
		if date := result.SnapshotDate.String(); err != nil || due.After(now.Add(5*time.Minute)) || date < "2016-11-23" || date > "2026-11-23" {
			t.Errorf("%q is filed under %s (%v)", at, date, err)
		}
	})
}
