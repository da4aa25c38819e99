package handler

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"backup-statistics/handler/redact"
	"backup-statistics/report"
)

// A Pulse is what somebody outside is told of a day, in no more than a kilobyte.
type Pulse struct {
	Date       report.Date `json:"date"`
	Status     string      `json:"status"`
	Chain      string      `json:"chain,omitempty"` // the day's; empty: not known
	Deployment string      `json:"deployment"`      // such as the bucket with the prefix
}

// A Heartbeat posts a pulse to an address where somebody waits for it, and rings the
// bell when none comes: healthchecks.io, Uptime Kuma's push monitors, Better Stack's
// heartbeats, or any receiver of JSON. Its errors name the host alone: the rest of the
// address is a secret.
type Heartbeat struct {
	URL        Secret
	Web        *http.Client
	Redactor   *redact.Redactor // knows further secrets; nil: there are none
	FirstPause time.Duration    // between two tries, doubling; 0: half a second
	Total      time.Duration    // of all tries; 0: 10 s, since the run has other work
}

// Beat posts a pulse until it is taken, refused, or there is no time. Two pulses say
// no more than one; so what perhaps arrived is sent again. Its error is a
// [*DeliveryError].
func (h *Heartbeat) Beat(ctx context.Context, p Pulse) error {
	address, err := url.Parse(h.URL.Reveal())
	if err != nil || address.Host == "" {
		return &DeliveryError{To: "heartbeat", Reason: "the address can't be read: want https and a host"}
	}
	body, err := json.Marshal(p)
	if err != nil {
		return &DeliveryError{To: "heartbeat", Reason: err.Error()}
	}
	c := courier{web: h.Web, pause: h.FirstPause, total: cmp.Or(h.Total, 10*time.Second), harmless: true}
	v := c.deliver(ctx, func(ctx context.Context) (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), bytes.NewReader(body))
		if err == nil {
			req.Header.Set("Content-Type", "application/json; charset=utf-8")
		}
		return req, err
	}, judgePulse)
	if v != nil {
		secrets := h.Redactor.With(redact.Address(h.URL.Reveal())...)
		return &DeliveryError{To: "heartbeat at " + address.Hostname(), Perhaps: v.perhaps, Reason: secrets.Text(v.reason)}
	}
	return nil
}

// judgePulse takes any 2xx for taken that does not say otherwise: healthchecks.io
// answers 200 "OK (not found)" where it has no such check, and "OK (rate limited)".
func judgePulse(a reply) *verdict {
	said := a.read()
	switch {
	case a.status < 200 || a.status > 299:
		return a.judgeStatus(said)
	case said.refuses():
		return final("its answer: %v", said)
	case strings.HasPrefix(a.body, "OK ("):
		return final("its answer: %v: want OK alone", said)
	}
	return nil
}
