package handler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"backup-statistics/handler/fault"
	"backup-statistics/handler/store"
)

// A caused error knows its cause.
type caused fault.Cause

func (r caused) Error() string      { return "refused for its " + string(r) }
func (r caused) Fault() fault.Cause { return fault.Cause(r) }

// An untimely store is one whose requests are refused for their time.
type untimely struct{ store.Memory }

func (*untimely) Get(context.Context, string) ([]byte, error) { return nil, caused(fault.Clock) }
func (*untimely) List(context.Context, string, int) ([]store.Entry, error) {
	return nil, caused(fault.Clock)
}

// An error that is answered ends with what to do, once about each cause, and keeps its
// type and what it wraps.
func TestErrorsSayWhatToDo(t *testing.T) {
	clock, region := caused(fault.Clock), caused(fault.Region)
	do := func(c caused) string { return c.Error() + "; what to do: " + fault.Cause(c).Advice() }
	plain := errors.New("plain")
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&StoreError{clock}, "store: " + do(clock)},
		{&StoreError{fmt.Errorf("list: %w", clock)}, "store: list: " + do(clock)},
		{&SourceError{region}, "cloud backup: " + do(region)},
		{&SourceError{plain}, "cloud backup: plain"},
		{&StoreError{caused("")}, "store: refused for its "},
		{
			&AccountsError{[]error{&SourceError{clock}, &SourceError{clock}, &StoreError{region}, plain}},
			"4 failed; cloud backup: " + do(clock) + "; cloud backup: " + clock.Error() + "; store: " + do(region) + "; plain",
		},
		{&GapError{[]Gap{{"2026-11-23", "c"}}, clock}, "gap: no complete record of 2026-11-23: c; and that could not be recorded: " + do(clock)},
		{&GapError{[]Gap{{"2026-11-23", "c"}}, nil}, "gap: no complete record of 2026-11-23: c"},
		{&ConfigError{[]string{"p"}}, "config: p"},
		{&EventError{plain}, "event: plain"},
	} {
		got := advise(tt.err)
		if got.Error() != tt.want || ErrorType(got) != ErrorType(tt.err) {
			t.Errorf("%s %s, want %s %s", ErrorType(got), got, ErrorType(tt.err), tt.want)
		}
		for _, cause := range []error{clock, region, plain} {
			if errors.Is(got, cause) != errors.Is(tt.err, cause) {
				t.Errorf("%s: errors.Is(%v) is %v", got, cause, !errors.Is(tt.err, cause))
			}
		}
	}
	h := newHandler(t, &untimely{}, new(source))
	if _, err := h.Handle(t.Context(), []byte(`{}`)); err == nil || !strings.Contains(err.Error(), "; what to do: "+fault.Clock.Advice()) {
		t.Errorf("error = %v, want it to say what to do", err)
	}
}
