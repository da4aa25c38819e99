package cloudbackup_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"backup-statistics/handler/cloudbackup"
	"backup-statistics/handler/local"
)

// Every fault that passes ends in good statistics, once it has passed.
func TestFaultsThatPass(t *testing.T) {
	for _, kind := range []string{
		"throttle-400", "throttle-429", "throttle-503", "error-500", "html-502", "empty-503", "reset-before", "reset-after",
		"hang-header", "hang-body", "slow-drip", "truncated", "malformed", "wrong-length", "success-false",
		"other-5xx", "empty-408", "stranger-200", "stranger-404", "no-http", "cut-error", "redirect-307",
	} {
		for times := 1; times <= 2; times++ {
			t.Run(fmt.Sprint(kind, " ", times), func(t *testing.T) {
				t.Parallel()
				s := newStand(t)
				s.client.AttemptTimeout = 10 * time.Second
				if strings.HasPrefix(kind, "hang") || kind == "slow-drip" {
					s.client.AttemptTimeout = 300 * time.Millisecond
				}
				s.faults.Add(local.Fault{Kind: kind, Times: times})
				got, requests, err := s.ask(t.Context(), t)
				if got != good || err != nil || requests != times+1 {
					t.Errorf("%s in %d requests, error %v; want %s in %d", got, requests, err, good, times+1)
				}
			})
		}
	}
}

func TestFaultsThatStay(t *testing.T) {
	for _, tt := range []struct {
		kind, want string
		requests   int
	}{
		{"expired-token", "InvalidSecurityToken.Expired (400, request ID)", 1},
		{"clock-skew", "InvalidTimeStamp.Expired (400, request ID): Specified time stamp or date value is expired.", 1},
		{"redirect-307", "answered 307: redirects are not followed (tried 3 times)", 3},
		{"throttle-400", "Throttling.User (400, request ID): Request was denied due to user flow control. (tried 3 times)", 3},
		{"html-502", `answered 502 with text/html "<html>  <head><title>502 Bad Gateway</title></head>  <body><…": want JSON (tried 3 times)`, 3},
		{"empty-503", "answered 503 with an empty body: want JSON (tried 3 times)", 3},
		{"hang-header", "no whole answer within 100ms (tried 3 times)", 3},
		{"hang-body", "no whole answer within 100ms (tried 3 times)", 3},
		{"truncated", "answer cut short after 150 bytes: unexpected EOF (tried 3 times)", 3},
		{"malformed", "answer cut short after 150 bytes: want a whole JSON object (request ID) (tried 3 times)", 3},
		{"success-false", "InternalError (200, request ID): The request processing has failed due to some unknown error. (tried 3 times)", 3},
	} {
		s := newStand(t)
		s.client.Attempts, s.client.AttemptTimeout = 3, 2*time.Second
		if strings.HasPrefix(tt.kind, "hang") {
			s.client.AttemptTimeout = 100 * time.Millisecond
		}
		s.faults.Add(local.Fault{Kind: tt.kind, Times: -1})
		_, requests, err := s.ask(t.Context(), t)
		got := numbers.ReplaceAllString(ids.ReplaceAllString(fmt.Sprint(err), "request ID"), "after 150 bytes")
		if got != "GetBasicStatistics: "+tt.want || requests != tt.requests {
			t.Errorf("%s: after %d requests, want %d: error =\n\t%s, want\n\tGetBasicStatistics: %s", tt.kind, requests, tt.requests, got, tt.want)
		}
	}
}

var (
	ids     = regexp.MustCompile(`request [0-9A-F-]{36}`)
	spans   = regexp.MustCompile(`asks for [0-9]+h[0-9]+m[0-9]+s`)
	numbers = regexp.MustCompile(`after [1-9][0-9]* bytes`)
)

// An idle connection that died is net/http's to replace: it sends the same
// request again, and the service may find the nonce used.
func TestNonceUsedIsSignedAnew(t *testing.T) {
	s := newStand(t)
	s.faults.Add(local.Fault{Kind: "close-idle"})
	for range 2 {
		if got, _, err := s.ask(t.Context(), t); got != good || err != nil {
			t.Errorf("statistics = %s, error %v; want %s", got, err, good)
		}
	}

	var nonces []string
	s.client.Endpoint = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if nonces = append(nonces, r.Header.Get("x-acs-signature-nonce")); len(nonces) < 3 {
			w.WriteHeader(400)
			fmt.Fprint(w, `{"Code":"SignatureNonceUsed"}`)
			return
		}
		s.backup.ServeHTTP(w, r)
	}))
	if got, _, err := s.ask(t.Context(), t); got != good || err != nil {
		t.Errorf("statistics = %s, error %v; want %s", got, err, good)
	}
	if len(nonces) != 3 || nonces[0] == nonces[1] || nonces[1] == nonces[2] {
		t.Errorf("nonces = %q, want three", nonces)
	}
}

func TestUnreachable(t *testing.T) {
	endpoint := serve(t, http.NotFoundHandler())
	c := &cloudbackup.Client{Endpoint: "http://127.0.0.1:1", Credential: credential(t, key), Web: web(t), Pause: time.Nanosecond}
	_, err := c.Statistics(t.Context(), "ECS_FILE")
	if want := "GetBasicStatistics: no answer: dial tcp 127.0.0.1:1: connect: connection refused (tried 6 times)"; fmt.Sprint(err) != want {
		t.Errorf("error = %v, want %s", err, want)
	}
	c.Endpoint = strings.Replace(endpoint, "127.0.0.1", "localhost", 1)
	c.Web.Transport = failing{}
	_, err = c.Statistics(t.Context(), "ECS_FILE")
	if want := "GetBasicStatistics: no answer: lookup host: no such host (tried 6 times)"; fmt.Sprint(err) != want || !errors.Is(err, errLookup) {
		t.Errorf("error = %v, want %s, wrapping its cause", err, want)
	}
}

var errLookup = &net.DNSError{Err: "no such host", Name: "host", IsNotFound: true}

type failing struct{}

func (failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, errLookup }

func TestRetryAfter(t *testing.T) {
	const throttled = "GetBasicStatistics: Throttling.User (400, request ID): Request was denied due to user flow control."
	date := func(in time.Duration) string { return time.Now().Add(in).UTC().Format(http.TimeFormat) }
	for _, tt := range []struct {
		name, header string
		want         string // of the error; empty: good statistics
		requests     int
	}{
		{"none", "", "", 2},
		{"no seconds", "0", "", 2},
		{"a word", "soon", "", 2},
		{"a fraction", "0.5", "", 2},
		{"negative", "-7", "", 2},
		{"a date that is over", date(-time.Hour), "", 2},
		{"a date after the deadline", date(2 * time.Hour), throttled + " (tried once; Retry-After asks for HOURS, past the deadline)", 1},
		{"seconds after the deadline", "3600", throttled + " (tried once; Retry-After asks for HOURS, past the deadline)", 1},
		{"more seconds than a life", "4294967295", throttled + " (tried once; Retry-After asks for HOURS, past the deadline)", 1},
		{"more seconds than a number", "99999999999999999999", "", 2},
	} {
		s := newStand(t)
		s.faults.Add(local.Fault{Kind: "throttle-400", RetryAfter: tt.header})
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		got, requests, err := s.ask(ctx, t)
		stop()
		text := ids.ReplaceAllString(fmt.Sprint(err), "request ID")
		text = spans.ReplaceAllString(text, "asks for HOURS")
		if tt.want == "" && (err != nil || got != good) || tt.want != "" && text != tt.want || requests != tt.requests {
			t.Errorf("%s: statistics = %s, error %s after %d requests; want error %q after %d", tt.name, got, text, requests, tt.want, tt.requests)
		}
	}
}

// What is asked for is waited for: the second request does not come before.
func TestRetryAfterIsObeyed(t *testing.T) {
	s := newStand(t)
	s.faults.Add(local.Fault{Kind: "throttle-429", RetryAfter: "1"})
	got, requests, err := s.ask(t.Context(), t)
	if got != good || err != nil || requests != 2 {
		t.Fatalf("statistics = %s, error %v after %d requests; want %s after two", got, err, requests, good)
	}
	if r := s.log.Requests(); r[1].Time.Sub(r[0].Time) < time.Second {
		t.Errorf("the second request came %v after the first, want 1s at least", r[1].Time.Sub(r[0].Time))
	}
}

// The date is taken by the service's clock, which may be another than ours.
func TestRetryAfterByTheServicesClock(t *testing.T) {
	service := &canned{status: 503, header: http.Header{"Date": {"Mon, 23 Nov 2026 12:00:00 GMT"}, "Retry-After": {"Mon, 23 Nov 2026 12:30:00 GMT"}}}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	_, err := service.client(t).Statistics(ctx, "ECS_FILE")
	if want := "GetBasicStatistics: answered 503 with an empty body: want JSON (tried once; Retry-After asks for 30m0s, past the deadline)"; fmt.Sprint(err) != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

// The caller's end ends everything: what hangs, what waits, and what has not
// begun. Each of these would take an hour.
func TestCallerEnds(t *testing.T) {
	const throttled = "Throttling.User (400, request ID): Request was denied due to user flow control."
	hang, throttle := local.Fault{Kind: "hang-header"}, local.Fault{Kind: "throttle-400"}
	for _, tt := range []struct {
		name   string
		faults []local.Fault
		when   string
		want   string
	}{
		{"before", nil, "before", "GetBasicStatistics: context canceled"},
		{"in a request", []local.Fault{hang}, "asked 1", "GetBasicStatistics: context canceled (tried once)"},
		{"in a body", []local.Fault{{Kind: "hang-body"}}, "asked 1", "GetBasicStatistics: context canceled (tried once)"},
		{"in a pause", []local.Fault{throttle}, "answered 1", "GetBasicStatistics: " + throttled + " (tried once; then context canceled)"},
		{"in a second request", []local.Fault{throttle, hang}, "asked 2", "GetBasicStatistics: " + throttled + " (tried 2 times; then context canceled)"},
	} {
		ctx, stop := context.WithCancel(t.Context())
		at := func(moment string) {
			if moment == tt.when {
				stop()
			}
		}
		s := newStand(t)
		s.client.AttemptTimeout = time.Hour
		if tt.name == "in a pause" {
			s.client.Pause = time.Hour
		}
		for _, f := range tt.faults {
			s.faults.Add(f)
		}
		asked := 0
		s.client.Endpoint = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			at(fmt.Sprint("asked ", asked))
			s.faults.ServeHTTP(w, r)
		}))
		s.client.Web = &http.Client{Transport: closed{s.client.Web.Transport, func() { at(fmt.Sprint("answered ", asked)) }}}
		at("before")
		_, _, err := s.ask(ctx, t)
		stop()
		if got := ids.ReplaceAllString(fmt.Sprint(err), "request ID"); got != tt.want || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error = %s, want %s, wrapping context.Canceled", tt.name, got, tt.want)
		}
		var refusal *cloudbackup.Refusal
		if errors.As(err, &refusal) != strings.Contains(tt.want, throttled) {
			t.Errorf("%s: error %v wraps a refusal: %v", tt.name, err, refusal)
		}
	}
}

// A closed transport tells when the body of an answer was closed.
type closed struct {
	http.RoundTripper
	tell func()
}

func (c closed) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := c.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = closing{response.Body, c.tell}
	}
	return response, err
}

type closing struct {
	io.ReadCloser
	tell func()
}

func (c closing) Close() error {
	defer c.tell()
	return c.ReadCloser.Close()
}

// A deadline leaves a service that hangs several attempts, and is an end as good
// as any.
func TestDeadline(t *testing.T) {
	var left []time.Duration
	c := &cloudbackup.Client{Endpoint: "http://127.0.0.1:1", Credential: credential(t, key), Pause: time.Nanosecond, Attempts: 2}
	for _, tt := range []struct{ deadline, want time.Duration }{
		{0, 10 * time.Second}, {time.Hour, 10 * time.Second}, {20 * time.Second, 5 * time.Second}, {3 * time.Second, time.Second}, {500 * time.Millisecond, 500 * time.Millisecond},
	} {
		left = nil
		ctx, stop := context.WithCancel(t.Context())
		if tt.deadline > 0 {
			ctx, stop = context.WithTimeout(t.Context(), tt.deadline)
		}
		c.Web = &http.Client{Transport: deadlines{&left}}
		c.Statistics(ctx, "ECS_FILE")
		stop()
		if len(left) != 2 || left[0] > tt.want || left[0] < tt.want/2 {
			t.Errorf("with %v left, attempts have %v; want the first to have %v", tt.deadline, left, tt.want)
		}
	}

	s := newStand(t)
	s.client.Pause = time.Hour
	s.faults.Add(local.Fault{Kind: "throttle-400", Times: -1})
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	_, requests, err := s.ask(ctx, t)
	got := ids.ReplaceAllString(fmt.Sprint(err), "request ID")
	if want := "GetBasicStatistics: Throttling.User (400, request ID): Request was denied due to user flow control. (tried once; the deadline leaves no time for another)"; got != want || requests != 1 {
		t.Errorf("error = %s after %d requests, want %s after one", got, requests, want)
	}
}

// deadlines notes how long each request may take.
type deadlines struct{ left *[]time.Duration }

func (d deadlines) RoundTrip(r *http.Request) (*http.Response, error) {
	deadline, _ := r.Context().Deadline()
	*d.left = append(*d.left, time.Until(deadline))
	return nil, errLookup
}
