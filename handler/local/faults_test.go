package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"backup-statistics/handler/local"
)

// A stage is a service behind faults and a log, on loopback.
type stage struct {
	*httptest.Server
	faults *local.Faults
	log    *local.Log
	oss    *local.OSS
	caller caller
}

func newStage(t *testing.T, service string) *stage {
	s := &stage{log: new(local.Log), caller: newCaller(keyOf(owner))}
	s.caller.date = time.Now().UTC()
	s.faults = &local.Faults{Service: service, Keys: keysOf(owner)}
	if service == "oss" {
		s.oss = newOSS(t)
		s.oss.Now = nil
		s.faults.Next = s.oss
	} else {
		c := newBackup(keysOf(owner))
		c.Now = nil
		s.faults.Next = c
	}
	s.Server = serveHTTP(t, s.log.Wrap(service, s.faults))
	return s
}

// request is the one that gets the faults: a call, or the PUT of an object.
func (s *stage) request() *http.Request {
	if s.oss == nil {
		return s.caller.acs("GET", s.URL+"/?SourceType=ECS_FILE", version, action, "")
	}
	return s.caller.oss("PUT", s.URL, "a.json", "", `{"stored":true}`)
}

// carriedOut tells whether the service did what the request asked.
func (s *stage) carriedOut() bool {
	if s.oss == nil {
		return s.log.Requests()[0].Account != ""
	}
	r := s.caller.oss("GET", "http://127.0.0.1", "a.json", "", "")
	return serve(s.oss, r).Code == 200
}

// A reply is what a plain client makes of an answer.
type reply struct {
	*http.Response
	body    []byte
	err     error // of the request
	bodyErr error
}

func (s *stage) play(t *testing.T, fault local.Fault, r *http.Request) reply {
	t.Helper()
	s.faults.Add(fault)
	client := s.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(r.WithContext(t.Context()))
	if err != nil {
		return reply{err: err}
	}
	defer response.Body.Close()
	body, bodyErr := io.ReadAll(response.Body)
	return reply{response, body, nil, bodyErr}
}

// says returns "" if an answer is an error of the service with this code.
func (r reply) says(t *testing.T, service string, status int, code string) string {
	t.Helper()
	if r.err != nil || r.bodyErr != nil {
		return fmt.Sprint(r.err, r.bodyErr)
	}
	var got string
	if service == "oss" {
		got, _ = ossError(t, r.StatusCode, bytes.NewReader(r.body))
	} else {
		got, _ = acsError(t, r.StatusCode, bytes.NewReader(r.body))
	}
	if want := fmt.Sprintf("%d %s", status, code); got != want {
		return got + ", want " + want
	}
	return ""
}

func TestFaultsDoWhatTheySay(t *testing.T) {
	isReset := func(r reply) string {
		if !errors.Is(r.err, syscall.ECONNRESET) {
			return fmt.Sprint(r.err, ", want a reset")
		}
		return ""
	}
	refused := func(status int, acs, oss string) func(*testing.T, string, reply) string {
		return func(t *testing.T, service string, r reply) string {
			return r.says(t, service, status, map[string]string{"acs": acs, "oss": oss}[service])
		}
	}
	empty := func(statuses ...int) func(*testing.T, string, reply) string {
		return func(_ *testing.T, _ string, r reply) string {
			if !slices.Contains(statuses, r.StatusCode) || len(r.body) != 0 {
				return fmt.Sprintf("%d %s", r.StatusCode, r.body)
			}
			return ""
		}
	}
	strange := func(status int) func(*testing.T, string, reply) string {
		return func(_ *testing.T, _ string, r reply) string {
			for name := range r.Header {
				if name = strings.ToLower(name); strings.HasPrefix(name, "x-") || name == "etag" {
					return "it has the header " + name
				}
			}
			if r.StatusCode != status || !strings.HasPrefix(string(r.body), "<html>") {
				return fmt.Sprintf("%d %s", r.StatusCode, r.body)
			}
			return ""
		}
	}
	for _, tt := range []struct {
		kind       string
		carriedOut bool
		wrong      func(t *testing.T, service string, r reply) string
	}{
		{"throttle-400", false, func(t *testing.T, service string, r reply) string {
			if limit := r.Header.Get("x-ratelimit-user-api"); (service == "acs") != strings.Contains(limit, "TimeLeft:42") {
				return "x-ratelimit-user-api is " + limit
			}
			return refused(400, "Throttling.User", "QpsLimitExceeded")(t, service, r)
		}},
		{"throttle-429", false, refused(429, "Throttling.Api", "QpsLimitExceeded")},
		{"throttle-503", false, refused(503, "ServiceUnavailable", "TotalQpsLimitExceeded")},
		{"error-500", false, refused(500, "InternalError", "InternalError")},
		{"html-502", false, func(t *testing.T, _ string, r reply) string {
			if r.StatusCode != 502 || !strings.HasPrefix(string(r.body), "<html>") || r.Header.Get("Content-Type") != "text/html" {
				return fmt.Sprintf("%d %s", r.StatusCode, r.body)
			}
			return ""
		}},
		{"empty-503", false, func(t *testing.T, _ string, r reply) string {
			if r.StatusCode != 503 || len(r.body) != 0 {
				return fmt.Sprintf("%d %s", r.StatusCode, r.body)
			}
			return ""
		}},
		{"empty-504", false, empty(504)},
		{"other-5xx", false, empty(505, 501, 506, 507, 508, 510, 511, 520, 599)},
		{"empty-408", false, empty(408)},
		{"stranger-200", false, strange(200)},
		{"stranger-404", false, strange(404)},
		{"no-http", false, func(_ *testing.T, _ string, r reply) string {
			if r.err == nil || !strings.Contains(r.err.Error(), "malformed HTTP") || !strings.Contains(r.err.Error(), strings.ReplaceAll(keyOf(owner).Token, " ", "+")) {
				return fmt.Sprint(r.err, ", want what is no HTTP, and holds the token")
			}
			return ""
		}},
		{"cut-error", false, func(_ *testing.T, service string, r reply) string {
			ec := map[string]string{"oss": "0003-00000001"}[service]
			if r.StatusCode != 403 || !errors.Is(r.bodyErr, io.ErrUnexpectedEOF) || int64(len(r.body)) != r.ContentLength/2 || r.Header.Get("x-oss-ec") != ec {
				return fmt.Sprintf("%d %q (%v) of %d, want half of a refusal", r.StatusCode, r.body, r.bodyErr, r.ContentLength)
			}
			return ""
		}},
		{"reset-before", false, func(_ *testing.T, _ string, r reply) string { return isReset(r) }},
		{"reset-after", true, func(_ *testing.T, _ string, r reply) string { return isReset(r) }},
		{"lost-reply", true, func(_ *testing.T, _ string, r reply) string { return isReset(r) }},
		{"slow-drip", true, func(_ *testing.T, _ string, r reply) string {
			if r.StatusCode != 200 || r.bodyErr != nil || len(r.body) < 64 {
				return fmt.Sprintf("%d %q (%v), want it whole in the end", r.StatusCode, r.body, r.bodyErr)
			}
			return ""
		}},
		{"truncated", true, func(_ *testing.T, _ string, r reply) string {
			if r.StatusCode != 200 || !errors.Is(r.bodyErr, io.ErrUnexpectedEOF) || int64(len(r.body)) != r.ContentLength/2 {
				return fmt.Sprintf("%d %q (%v) of %d, want half of it", r.StatusCode, r.body, r.bodyErr, r.ContentLength)
			}
			return ""
		}},
		{"malformed", true, func(_ *testing.T, _ string, r reply) string {
			if r.StatusCode != 200 || r.bodyErr != nil || len(r.body) == 0 || json.Valid(r.body) || xml.Unmarshal(r.body, new(any)) == nil {
				return fmt.Sprintf("%d %q (%v), want no document", r.StatusCode, r.body, r.bodyErr)
			}
			return ""
		}},
		{"wrong-length", true, func(_ *testing.T, service string, r reply) string {
			if r.StatusCode != 200 || r.bodyErr != nil || int64(len(r.body)) != r.ContentLength || json.Valid(r.body) || len(r.body) == 0 {
				return fmt.Sprintf("%d %q (%v), want what fits into the length", r.StatusCode, r.body, r.bodyErr)
			}
			return ""
		}},
		{"success-false", false, func(_ *testing.T, _ string, r reply) string {
			var answer struct {
				Code    string
				Success *bool
			}
			if err := json.Unmarshal(r.body, &answer); err != nil || r.StatusCode != 200 || answer.Code != "InternalError" || answer.Success == nil || *answer.Success {
				return fmt.Sprintf("%d %s (%v)", r.StatusCode, r.body, err)
			}
			return ""
		}},
		{"bad-crc", true, func(_ *testing.T, _ string, r reply) string {
			if crc := r.Header.Get("x-oss-hash-crc64ecma"); r.StatusCode != 200 || crc == "" || crc == crcOfStored {
				return fmt.Sprintf("%d with CRC %s", r.StatusCode, crc)
			}
			return ""
		}},
		{"no-crc", true, func(_ *testing.T, _ string, r reply) string {
			if crc := r.Header.Get("x-oss-hash-crc64ecma"); r.StatusCode != 200 || crc != "" {
				return fmt.Sprintf("%d with CRC %s", r.StatusCode, crc)
			}
			return ""
		}},
		{"expired-token", false, func(t *testing.T, service string, r reply) string {
			return r.says(t, service, map[string]int{"acs": 400, "oss": 403}[service], map[string]string{"acs": "InvalidSecurityToken.Expired", "oss": "SecurityTokenExpired"}[service])
		}},
		{"clock-skew", false, func(t *testing.T, service string, r reply) string {
			if date, err := http.ParseTime(r.Header.Get("Date")); err != nil || time.Until(date) < 50*time.Minute {
				return "Date is " + r.Header.Get("Date")
			}
			return r.says(t, service, map[string]int{"acs": 400, "oss": 403}[service], map[string]string{"acs": "InvalidTimeStamp.Expired", "oss": "RequestTimeTooSkewed"}[service])
		}},
		{"redirect-307", false, func(_ *testing.T, _ string, r reply) string {
			if to, err := r.Location(); r.StatusCode != 307 || err != nil || to.Hostname() != "localhost" || to.RequestURI() != r.Request.URL.RequestURI() {
				return fmt.Sprintf("%d to %v (%v)", r.StatusCode, to, err)
			}
			return ""
		}},
		{"close-idle", true, func(_ *testing.T, _ string, r reply) string {
			if r.err != nil || r.StatusCode != 200 || r.bodyErr != nil || r.Close {
				return fmt.Sprintf("%+v, want a good answer", r)
			}
			return ""
		}},
	} {
		for _, service := range []string{"acs", "oss"} {
			s := newStage(t, service)
			if !slices.Contains(s.faults.Kinds(), tt.kind) {
				continue
			}
			r := s.play(t, local.Fault{Kind: tt.kind, Pause: time.Microsecond}, s.request())
			name := service + " " + tt.kind
			if wrong := tt.wrong(t, service, r); wrong != "" {
				t.Errorf("%s: %s", name, wrong)
			}
			if got := s.carriedOut(); got != tt.carriedOut {
				t.Errorf("%s: carried out is %v, want %v", name, got, tt.carriedOut)
			}
			want := 0
			if r.err == nil {
				want = r.StatusCode
			}
			if got := s.log.Requests()[0].Status; got != want {
				t.Errorf("%s: logged is %d, and the client got %d", name, got, want)
			}
			if again := s.play(t, local.Fault{Kind: "html-502", On: "nothing"}, s.request()); again.err == nil && again.StatusCode != 200 || s.faults.Spoiled() != 1 {
				t.Errorf("%s: the next request gets %d %s, and %d were spoiled", name, again.StatusCode, again.body, s.faults.Spoiled())
			}
		}
	}
}

// crcOfStored is that of {"stored":true}.
const crcOfStored = "9735961953234040860"

func TestFaultsOnHead(t *testing.T) {
	for _, kind := range (&local.Faults{Service: "oss"}).Kinds() {
		if kind == "hang-header" || kind == "hang-body" || kind == "slow-drip" {
			continue // of their own below
		}
		s := newStage(t, "oss")
		s.store(t)
		r := s.play(t, local.Fault{Kind: kind}, s.caller.oss("HEAD", s.URL, "a.json", "", ""))
		good := r.err == nil && r.StatusCode == 200 && r.ContentLength == 15 && r.Header.Get("x-oss-hash-crc64ecma") == crcOfStored
		if good != (kind == "close-idle") {
			t.Errorf("%s on a HEAD answers %+v (%v)", kind, r.Response, r.err)
		}
		ofOSS := !slices.Contains([]string{"html-502", "empty-503", "empty-504", "other-5xx", "empty-408", "stranger-404"}, kind)
		if r.err == nil && r.StatusCode >= 400 && ofOSS && r.Header.Get("x-oss-err") == "" {
			t.Errorf("%s on a HEAD lacks x-oss-err: %v", kind, r.Header)
		}
	}
}

// store puts a.json into the bucket.
func (s *stage) store(t *testing.T) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(s.oss.Dir, 0o755), os.WriteFile(filepath.Join(s.oss.Dir, "a.json"), []byte(`{"stored":true}`), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func TestHangsEnd(t *testing.T) {
	for _, tt := range []struct {
		kind, method string
		header       bool // comes before it hangs
	}{
		{"hang-header", "GET", false},
		{"hang-header", "PUT", false},
		{"hang-body", "GET", true},
		{"hang-body", "PUT", true},
		{"hang-body", "HEAD", false},
		{"slow-drip", "GET", true},
		{"slow-drip", "HEAD", false},
	} {
		for _, end := range []string{"the client leaves", "the server shuts down"} {
			s := newStage(t, "oss")
			name := tt.kind + " on " + tt.method + ", and " + end
			if tt.method != "PUT" {
				s.store(t)
			}
			ended := make(chan bool, 1)
			inner := s.Config.Handler
			s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() { ended <- true }()
				inner.ServeHTTP(w, r)
			})
			s.faults.Add(local.Fault{Kind: tt.kind, Pause: time.Hour})
			r := s.caller.oss(tt.method, s.URL, "a.json", "", strings.Repeat("x", 100)[:map[string]int{"PUT": 100}[tt.method]])
			gotHeader, left := make(chan bool, 1), make(chan error, 1)
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			var response *http.Response
			go func() {
				var err error
				if response, err = s.Client().Do(r.WithContext(ctx)); err == nil {
					io.ReadFull(response.Body, make([]byte, 1))
					gotHeader <- true
					_, err = io.ReadAll(response.Body)
				}
				left <- err
			}()
			for s.faults.Spoiled() == 0 {
				runtime.Gosched()
			}
			if tt.header {
				<-gotHeader
			}
			if end == "the client leaves" {
				leave()
			} else if err := s.Config.Shutdown(t.Context()); err != nil {
				t.Errorf("%s: shut down: %v", name, err)
			}
			<-ended
			if err := <-left; err == nil || (response != nil) != tt.header {
				t.Errorf("%s: the client got %+v, error %v", name, response, err)
			}
		}
	}
}

// A kept connection that dies is found out when the next request is on it:
// net/http repeats a GET, and cannot repeat a PUT.
func TestCloseIdleKillsTheNextRequest(t *testing.T) {
	for _, service := range []string{"acs", "oss"} {
		s := newStage(t, service)
		first := s.play(t, local.Fault{Kind: "close-idle"}, s.request())
		var mu sync.Mutex
		var reused []bool
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
			mu.Lock()
			defer mu.Unlock()
			reused = append(reused, info.Reused)
		}})
		second, err := s.Client().Do(s.request().WithContext(ctx))
		if err == nil {
			second.Body.Close()
		}
		want := []bool{true, false}
		if service == "oss" {
			want = []bool{true}
		}
		mu.Lock()
		defer mu.Unlock()
		if first.StatusCode != 200 || (err != nil) != (service == "oss") || !slices.Equal(reused, want) {
			t.Errorf("%s: first %+v, then error %v on connections reused %v, want %v", service, first, err, reused, want)
		}
	}
}

func TestRedirectReachesAnotherHost(t *testing.T) {
	var l local.Log
	elsewhere := serveHTTP(t, l.Wrap("elsewhere", http.NotFoundHandler()))
	s := newStage(t, "acs")
	s.faults.Add(local.Fault{Kind: "redirect-307", Location: elsewhere.URL})
	response := send(t, s.Server, s.request())
	if got := logged(&l); response.StatusCode != 404 || !slices.Equal(got, []string{"elsewhere GET GetBasicStatistics 404"}) {
		t.Errorf("status %d, and elsewhere %q", response.StatusCode, got)
	}
}

func TestRetryAfterIsTold(t *testing.T) {
	for _, kind := range []string{"throttle-400", "throttle-429", "throttle-503", "error-500", "html-502", "empty-503"} {
		for _, after := range []string{"", "3", "Mon, 23 Nov 2026 12:00:03 GMT"} {
			s := newStage(t, "acs")
			r := s.play(t, local.Fault{Kind: kind, RetryAfter: after}, s.request())
			if got := r.Header.Get("Retry-After"); got != after {
				t.Errorf("%s: Retry-After is %q, want %q", kind, got, after)
			}
		}
	}
}

func TestFaultsChooseRequests(t *testing.T) {
	for _, tt := range []struct {
		name   string
		faults []local.Fault
		want   string // of five PUTs and a GET
	}{
		{"the first", []local.Fault{{Kind: "empty-503"}}, "503 200 200 200 200 200"},
		{"the third", []local.Fault{{Kind: "empty-503", Skip: 2}}, "200 200 503 200 200 200"},
		{"two from the second", []local.Fault{{Kind: "empty-503", Skip: 1, Times: 2}}, "200 503 503 200 200 200"},
		{"for ever from the third", []local.Fault{{Kind: "empty-503", Skip: 2, Times: -1}}, "200 200 503 503 503 503"},
		{"by method", []local.Fault{{Kind: "empty-503", On: "GET /", Times: -1}}, "200 200 200 200 200 503"},
		{"by decoded key", []local.Fault{{Kind: "empty-503", On: "PUT /bucket/dt=1/a b", Skip: 4}}, "200 200 200 200 503 200"},
		{"by account", []local.Fault{{Kind: "empty-503", On: " " + owner, Skip: 5}}, "200 200 200 200 200 503"},
		{"by nothing there is", []local.Fault{{Kind: "empty-503", On: "x"}}, "200 200 200 200 200 200"},
		{"one after another", []local.Fault{{Kind: "empty-503"}, {Kind: "html-502"}}, "503 502 200 200 200 200"},
		{"each counts all", []local.Fault{{Kind: "empty-503", Times: 2}, {Kind: "html-502", Skip: 3}}, "503 503 200 502 200 200"},
		{"of another service", []local.Fault{{Kind: "success-false", Times: -1}}, "200 200 200 200 200 200"},
	} {
		o := newOSS(t)
		f := &local.Faults{Next: o, Service: "oss", Keys: o.Keys}
		for _, fault := range tt.faults {
			f.Add(fault)
		}
		var got []string
		for i := range 6 {
			method := "PUT"
			if i == 5 {
				method = "GET"
			}
			got = append(got, fmt.Sprint(serve(f, newCaller(keyOf(owner)).oss(method, ossURL, "dt=1/a b", "", "")).Code))
			if i == 0 && strings.Join(got, "") == "503" {
				put(t, o, "dt=1/a b", "") // for the GET
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestFaultsChooseByAction(t *testing.T) {
	f := &local.Faults{Next: newBackup(keysOf(owner)), Service: "acs"}
	f.Add(local.Fault{Kind: "empty-503", On: "GET /?SourceType=ECS_FILE GetBasicStatistics"})
	for _, want := range []int{503, 200} {
		if got := serve(f, newCaller(keyOf(owner)).acs("GET", backupURL, version, action, "")).Code; got != want {
			t.Errorf("status %d, want %d", got, want)
		}
	}
	f.Add(local.Fault{Kind: "empty-503"})
	f.Clear()
	if got := serve(f, newCaller(keyOf(owner)).acs("GET", backupURL, version, action, "")).Code; got != 200 {
		t.Errorf("after Clear: status %d, want 200", got)
	}
}

func TestFaultKindsAreStable(t *testing.T) {
	want := strings.Fields("throttle-400 throttle-429 throttle-503 error-500 html-502 empty-503 empty-504 other-5xx empty-408 stranger-200 stranger-404 no-http cut-error reset-before reset-after lost-reply " +
		"hang-header hang-body slow-drip truncated malformed wrong-length success-false bad-crc no-crc expired-token clock-skew redirect-307 close-idle")
	if got := local.FaultKinds(); !slices.Equal(got, want) {
		t.Errorf("kinds are %q, want %q", got, want)
	}
	defer func() {
		if text := fmt.Sprint(recover()); !strings.Contains(text, `"x"`) || !strings.Contains(text, "throttle-400, throttle-429") {
			t.Errorf("Add of an unknown kind says %q", text)
		}
	}()
	new(local.Faults).Add(local.Fault{Kind: "x"})
}

func TestConnectionsBreakOverTLSToo(t *testing.T) {
	for _, kind := range []string{"reset-before", "reset-after", "wrong-length", "close-idle", "truncated"} {
		s := newStage(t, "acs")
		secure := httptest.NewUnstartedServer(s.Config.Handler)
		secure.Config.ErrorLog = s.Config.ErrorLog
		secure.StartTLS()
		t.Cleanup(secure.Close)
		s.Server = secure
		r := s.play(t, local.Fault{Kind: kind}, s.request())
		if ok := r.err == nil && r.bodyErr == nil && json.Valid(r.body); ok != (kind == "close-idle") {
			t.Errorf("%s: %+v %s (%v, %v)", kind, r.Response, r.body, r.err, r.bodyErr)
		}
		if reset := errors.Is(r.err, syscall.ECONNRESET); reset != strings.HasPrefix(kind, "reset-") {
			t.Errorf("%s: the client is told %v", kind, r.err)
		}
	}
}
