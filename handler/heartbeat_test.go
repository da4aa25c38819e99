package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var pulse = Pulse{Date: 20780, Status: "complete", Chain: strings.Repeat("0a", 32), Deployment: "acme-reports/backup-statistics/"}

// beating is a heartbeat to a receiver under any host.
func beating(t *testing.T, url string, h http.HandlerFunc) *Heartbeat {
	t.Helper()
	w := receive(t, url, h)
	return &Heartbeat{URL: w.URL, Web: w.Web, FirstPause: time.Millisecond}
}

func TestHeartbeat(t *testing.T) {
	const hook = "https://hc-ping.com/" + hookToken
	answers := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, text)
		}
	}
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		calls  int
		want   string // "": it is taken
	}{
		{"healthchecks.io", answers(200, "OK"), 1, ""},
		{"Uptime Kuma", answers(200, `{"ok":true}`), 1, ""},
		{"nothing", answers(204, ""), 1, ""},
		{"anybody", answers(201, "<html>thanks</html>"), 1, ""},
		{"healthchecks.io, no such check", answers(200, "OK (not found)\n"), 1, "its answer: OK (not found): want OK alone"},
		{"healthchecks.io, too often", answers(200, "OK (rate limited)"), 1, "its answer: OK (rate limited): want OK alone"},
		{"Uptime Kuma, no such monitor", answers(404, `{"ok":false,"msg":"Monitor not found or not active."}`), 1, "answered 404, not ok, Monitor not found or not active.: want 200"},
		{"a refusal that looks fine", answers(200, `{"ok":false,"msg":"no `+hookToken+`"}`), 1, "its answer: not ok, no [redacted]"},
		{"broken down", answers(503, ""), 4, "answered 503"},
		{"a gateway that heard nothing", answers(504, ""), 4, "answered 504"},
		{"a connection that ends", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 4, "the connection ended without a whole answer"},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://example.org/", http.StatusTemporaryRedirect)
		}, 1, "answered 307: want 200"},
	} {
		calls := 0
		h := beating(t, hook, func(w http.ResponseWriter, r *http.Request) {
			calls++
			body, _ := io.ReadAll(r.Body)
			if want := `{"date":"2026-11-23","status":"complete","chain":"` + pulse.Chain + `","deployment":"acme-reports/backup-statistics/"}`; string(body) != want ||
				r.Method != http.MethodPost || r.URL.Path != "/"+hookToken || r.Header.Get("Content-Type") != "application/json; charset=utf-8" {
				t.Errorf("%s: it was sent %s %s %v\n%s, want\n%s", tt.name, r.Method, r.URL, r.Header, body, want)
			}
			tt.answer(w, r)
		})
		err := h.Beat(t.Context(), pulse)
		var failed *DeliveryError
		if calls != tt.calls || (err == nil) != (tt.want == "") || err != nil && (!errors.As(err, &failed) || failed.To != "heartbeat at hc-ping.com" || failed.Reason != tt.want) {
			t.Errorf("%s: error %v after %d calls, want %q after %d", tt.name, err, calls, tt.want, tt.calls)
		}
		if strings.Contains(fmt.Sprint(err), hookToken) {
			t.Errorf("%s: a secret is told: %v", tt.name, err)
		}
	}
}

func TestHeartbeatRecovers(t *testing.T) {
	calls := 0
	h := beating(t, "https://hc-ping.com/"+hookToken, func(http.ResponseWriter, *http.Request) {
		if calls++; calls == 1 {
			panic(http.ErrAbortHandler)
		}
	})
	if err := h.Beat(t.Context(), pulse); err != nil || calls != 2 {
		t.Errorf("error %v after %d calls, want none after two", err, calls)
	}
}

// TestHeartbeatEnds is not to hold a run up.
func TestHeartbeatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &Heartbeat{URL: "https://hc-ping.com/" + hookToken, Web: &http.Client{Transport: rounds(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, context.Cause(r.Context())
		})}}
		began := time.Now()
		if err := h.Beat(t.Context(), pulse); err == nil || time.Since(began) > 10*time.Second {
			t.Errorf("error %v after %v, want one after 10 s at most", err, time.Since(began))
		}
	})
}

func TestHeartbeatWithoutChain(t *testing.T) {
	data, err := json.Marshal(Pulse{Date: 20780, Status: "complete", Deployment: "acme"})
	if want := `{"date":"2026-11-23","status":"complete","deployment":"acme"}`; err != nil || string(data) != want {
		t.Errorf("%s, want %s", data, want)
	}
	h := &Heartbeat{URL: "https://exa mple.com/" + hookToken}
	if err := h.Beat(t.Context(), pulse); fmt.Sprint(err) != "heartbeat: the address can't be read: want https and a host" {
		t.Errorf("error %v, want one without the address", err)
	}
}
