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

// pulses are a Beater that keeps what it was told.
type pulses struct {
	sent  []Pulse
	fails error
}

func (p *pulses) Beat(_ context.Context, pulse Pulse) error {
	p.sent = append(p.sent, pulse)
	return p.fails
}

// TestHeartOfADay: the heart beats after each event that leaves its day complete, and
// after nothing else.
func TestHeartOfADay(t *testing.T) {
	const before, day = "2026-11-22", "2026-11-23"
	fail := func(w *world) { w.sources[1].fails = errDenied }
	complete := func(w *world) { w.run(day) }
	partial := func(w *world) { fail(w); w.run(day); w.fail(nil) }
	for _, tt := range []struct {
		name  string
		begun func(w *world) // the day, before
		now   func(w *world)
		event string // at noon of the day
		want  string // the days of the pulses
	}{
		{"a run", nil, nil, ``, day},
		{"a run of a complete day", complete, nil, ``, day},
		{"a run that completes a partial day", partial, nil, ``, day},
		{"a narrowed run of a complete day", complete, nil, `{"accounts":["1234567890123456"]}`, day},
		{"a narrowed run that completes the day", partial, nil, `{"accounts":["1234567890123457"]}`, day},
		{"an overwrite", complete, nil, `{"overwrite":true}`, day},
		{"a check of a complete day", complete, nil, `{"action":"check"}`, day},
		{"a run that fails for one", nil, fail, ``, ""},
		{"a run that fails", nil, func(w *world) { w.fail(errDenied) }, ``, ""},
		{"a narrowed run of a day without others", nil, nil, `{"accounts":["1234567890123456"]}`, ""},
		{"a run that can't write its record", nil, func(w *world) {
			documents := new(flaky)
			copyTo(w.t, documents, w.Store)
			documents.failOn, w.Store = "days/", documents
		}, ``, ""},
		{"a check of a day without a run", nil, nil, `{"action":"check"}`, ""},
		{"a check of a partial day", partial, nil, `{"action":"check"}`, ""},
		{"a dry run", nil, nil, `{"dry_run":true}`, ""},
		{"a dry run of a complete day", complete, nil, `{"dry_run":true}`, ""},
		{"a rebuild", complete, nil, `{"action":"rebuild"}`, ""},
		{"a verify", complete, nil, `{"action":"verify"}`, ""},
		{"a preflight", complete, nil, `{"action":"preflight"}`, ""},
		{"an order that was garbled", complete, nil, `{"action":"snap"}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 2)
			w.run(before)
			if tt.begun != nil {
				tt.begun(w)
			}
			if tt.now != nil {
				tt.now(w)
			}
			heart := new(pulses)
			w.Heart = heart
			w.timer(day, evening, tt.event, 0)
			var got []string
			for _, p := range heart.sent {
				got = append(got, p.Date.String())
				if r := record(t, w.Store, day); p.Status != "complete" || p.Chain != r.Chain || p.Chain == "" || p.Deployment != "acme-reports/backup-statistics/" {
					t.Errorf("the pulse is %+v, want the chain %s of a complete day, and whose it is", p, r.Chain)
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("the heart beats for %v, want %q", got, tt.want)
			}
		})
	}
}

// A late run beats for its own day; and a heart that fails fails no run.
func TestHeartOfALateDay(t *testing.T) {
	w := newWorld(t, 1)
	heart := &pulses{fails: errDenied}
	w.Heart = heart
	w.run("2026-11-20")
	w.run("2026-11-22")
	result, err := w.late("2026-11-21", noon, "")
	must(t, err)
	if n := len(heart.sent); n != 3 || heart.sent[2].Date.String() != "2026-11-21" || heart.sent[2].Chain != record(t, w.Store, "2026-11-21").Chain {
		t.Errorf("the heart beats %+v, want the third for the late day", heart.sent)
	}
	if got, want := fmt.Sprint(result.Warnings), "[the heartbeat is not delivered: AccessDenied (403)]"; got != want {
		t.Errorf("warnings %s, want %s", got, want)
	}
	w.Heart = broken{}
	if result, err = w.run("2026-11-23"); err != nil || !strings.Contains(fmt.Sprint(result.Warnings), "the heartbeat is not delivered: panic: boom") {
		t.Errorf("answer %+v, %v; want a warning", result, err)
	}
}

type broken struct{}

func (broken) Beat(context.Context, Pulse) error { panic("boom") }

// A preflight sends a heartbeat where that is asked for, and never by itself: whoever
// waits for one would take it for a good day's.
func TestHeartOfAPreflight(t *testing.T) {
	for _, tt := range []struct {
		event  string
		fails  error
		beats  int
		status string
	}{
		{`{"action":"preflight"}`, nil, 0, ""},
		{`{"action":"preflight","heartbeat":true}`, nil, 1, CheckOK},
		{`{"action":"preflight","heartbeat":true}`, errDenied, 1, CheckFailed},
	} {
		w := newWorld(t, 1)
		heart := &pulses{fails: tt.fails}
		w.Heart = heart
		w.wait("2026-11-23" + noon)
		result, err := w.Handle(t.Context(), []byte(tt.event))
		must(t, err)
		status := ""
		for _, c := range result.Checks {
			if c.Name == "heartbeat" {
				status = c.Status
			}
		}
		if len(heart.sent) != tt.beats || status != tt.status {
			t.Errorf("%s: %v were sent, and the check says %q; want %d and %q", tt.event, heart.sent, status, tt.beats, tt.status)
		}
	}
}
