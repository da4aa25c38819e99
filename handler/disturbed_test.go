package handler

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"backup-statistics/handler/store"
)

// A deaf store can't read some documents now.
type deaf struct {
	*store.Memory
	to string // begins their keys
}

var errDeaf = errors.New("no answer")

func (d deaf) Get(ctx context.Context, key string) ([]byte, error) {
	if strings.HasPrefix(key, d.to) {
		return nil, errDeaf
	}
	return d.Memory.Get(ctx, key)
}

// TestACompleteDayIsNotTakenBack lets something fail that a run needs to know of a
// day that was captured. That day is complete all the same.
func TestACompleteDayIsNotTakenBack(t *testing.T) {
	const day, event = "2026-11-22", `{"triggerTime":"2026-11-22T04:00:00Z"}`
	unreadable := func(h *Handler, documents *store.Memory) { h.Store = deaf{documents, "snapshots/dt=" + day} }
	for _, tt := range []struct {
		name, event string
		fail        func(*Handler, *store.Memory)
		errorType   string
	}{
		{"a snapshot can't be read when the day's run is repeated", event, unreadable, "AccountsError"},
		{"a snapshot can't be read when the day is rebuilt", `{"action":"rebuild"}`, unreadable, "StoreError"},
		{"the members can't be found out when the day's run is repeated", event, func(h *Handler, _ *store.Memory) {
			h.Accounts = h.Accounts[:1]
			h.Members = func(context.Context) ([]Account, error) { return nil, errDeaf }
		}, "AccountsError"},
	} {
		documents, told := new(store.Memory), new(inbox)
		h := newHandler(t, documents, new(source), new(source))
		play(t, h, "2026-11-21", day)
		want := dump(t, documents)
		h.Notifier = told
		tt.fail(h, documents)
		_, err := h.Handle(t.Context(), []byte(tt.event))
		if !errors.Is(err, errDeaf) || ErrorType(err) != tt.errorType {
			t.Errorf("%s: error %v, want a %s of %v", tt.name, err, tt.errorType, errDeaf)
		}
		if got := dump(t, documents); got != want {
			t.Errorf("%s: the bucket is\n%s\nwant it as it was\n%s", tt.name, got, want)
		}
		if len(told.notices) > 0 {
			t.Errorf("%s: people are told %+v, want nothing", tt.name, told.notices)
		}
	}
}

// TestAConnectionOpenedAheadIsNotKept: the freeze between two invocations may end
// it silently, and the request that took it would wait in vain.
func TestAConnectionOpenedAheadIsNotKept(t *testing.T) {
	states := make(chan http.ConnState, 8)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) { states <- state }
	server.Start()
	defer server.Close()
	web := NewWeb(1, 1)
	web.Open(t.Context(), server.URL, false)
	if state := <-states; state != http.StateNew {
		t.Fatalf("the connection is %v, want it new", state)
	}
	web.CloseIdleConnections()
	if state := <-states; state != http.StateClosed {
		t.Errorf("the connection is %v, want it closed", state)
	}
}
