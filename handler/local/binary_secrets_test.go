package local_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"backup-statistics/handler/local"
)

const member = "2222222222222222"

// testSecrets has every service refuse and fail in every way, and quote what it
// was sent. A rig looks for the secrets in all that the function says.
func testSecrets(t *testing.T, b binary) {
	tests := map[string]func(*testing.T){}
	for _, level := range []string{"debug", "info", "warn", "error"} {
		tests["refusals, with LOG_LEVEL "+level] = func(t *testing.T) { testRefusals(t, b, level) }
	}
	for _, service := range []string{local.ServiceBackup, local.ServiceOSS, local.ServiceSTS} {
		tests["what is wrong with the answers of "+service] = func(t *testing.T) { testQuotes(t, b, service) }
	}
	kinds := local.FaultKinds()
	const rigs = 4
	for i := range rigs {
		tests[fmt.Sprintf("faults, part %d", i+1)] = func(t *testing.T) {
			r, next, _ := startPlanted(t, b, "debug", 4*time.Second)
			var visitors atomic.Int32
			elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visitors.Add(1) }))
			t.Cleanup(elsewhere.Close)
			for j := i; j < len(kinds); j += rigs {
				for _, faults := range r.Faults {
					faults.Add(local.Fault{Kind: kinds[j], Times: 2, Location: elsewhere.URL})
				}
				r.invoke(next()) // it may end well or badly
				for _, faults := range r.Faults {
					faults.Clear()
				}
			}
			if n := visitors.Load(); n > 0 {
				t.Errorf("%d requests followed a redirect, and took the security token along; want none", n)
			}
		}
	}
	together(t, tests)
}

// startPlanted starts a function that has every secret there is, and a source of
// events, each for a day of its own.
func startPlanted(t *testing.T, b binary, level string, timeout time.Duration) (r *rig, next func() string, told *atomic.Int32) {
	t.Helper()
	const externalID, webhookSecret = "planted-external-id-0123456789", "SECplantedwebhooksecret0123456789"
	path := "/robot/send/planted-path-of-the-webhook?access_token=planted-token-of-the-webhook"
	told = new(atomic.Int32) // how often the webhook was called
	robot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		if told.Add(1) > 1 { // no answer: what fails then is the request, and its error has the address
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, "no robot at %s with %v takes %s signed with %s", req.URL, req.Header, body, webhookSecret)
	}))
	t.Cleanup(robot.Close)
	arn := "acs:ram::" + member + ":role/reader"
	r = start(t, b, local.Config{Function: local.Function{Timeout: timeout}, Env: []string{
		"LOG_LEVEL=" + level, "WEBHOOK_URL=" + robot.URL + path, "WEBHOOK_SECRET=" + webhookSecret,
		"MEMBER_ROLE_ARNS=" + arn, "MEMBER_EXTERNAL_ID=" + externalID,
	}})
	r.STS.Roles[arn] = local.Role{Account: member, Trusted: account, ExternalID: externalID}
	r.Backup.Set(member, "ECS_FILE", regions...)
	r.keep("planted-path-of-the-webhook", "planted-token-of-the-webhook", webhookSecret, externalID)
	date := time.Date(2026, 11, 1, 12, 17, 0, 0, time.UTC)
	return r, func() string {
		date = date.AddDate(0, 0, 1)
		return strings.Replace(event, "2026-11-22T17:30:00Z", date.Format(time.RFC3339), 1)
	}, told
}

// brief is the timeout of what fails for ever, and need not take long.
const brief = 4 * time.Second

// testRefusals has the webhook fail, and the keys be wrong in every way.
func testRefusals(t *testing.T, b binary, level string) {
	r, next, told := startPlanted(t, b, level, 20*time.Second)
	r.good(r.invoke(next()))
	r.Backup.Set(account, "ECS_FILE", local.Region{ID: "cn-hangzhou", Bytes: 1, Count: 1}) // an alert opens
	warned := strings.Join(r.good(r.invoke(next())).Warnings, "; ")
	if told.Load() != 1 || !strings.Contains(warned, "could not be delivered, and go out with the next run: webhook at 127.0.0.1: answered 400") {
		t.Errorf("the webhook was called %d times and the answer warns of %q, want once and that it failed", told.Load(), warned)
	}
	r.Backup.Set(account, "ECS_FILE", regions...) // it closes
	warned = strings.Join(r.good(r.invoke(next())).Warnings, "; ")
	if told.Load() != 2 || !strings.Contains(warned, "webhook at 127.0.0.1: perhaps delivered: ") {
		t.Errorf("the webhook was called %d times and the answer warns of %q, want once more and that it perhaps arrived", told.Load(), warned)
	}

	good, revoke := r.issue()
	defer revoke()
	for _, tt := range []struct {
		name   string
		change func(sent, known *local.Key)
	}{
		{"a wrong secret, answered with the string to sign", func(sent, _ *local.Key) { sent.Secret = "planted-secret-that-is-wrong" }},
		{"the token of another key", func(sent, _ *local.Key) { sent.Token = "CAISplantedtokenofanother" }},
		{"an expired token", func(_, known *local.Key) { known.Expires = time.Now().Add(-time.Minute) }},
		{"an unknown key", func(sent, _ *local.Key) { sent.ID = "STS.plantedunknownkey" }},
	} {
		sent, known := good, good
		tt.change(&sent, &known)
		r.Keys.Add(known)
		r.keep(sent.ID, sent.Secret, sent.Token)
		for _, event := range []string{next(), `{"dry_run":true}`} { // OSS refuses the first, Cloud Backup and STS the second
			if out := r.send(local.Invocation{Event: []byte(event), Key: sent, Timeout: brief}); !out.Failed || out.TimedOut {
				t.Errorf("%s: answer %s, want an error", tt.name, out.Body)
			}
		}
	}
	r.STS.Roles["acs:ram::"+member+":role/reader"] = local.Role{Account: member, Trusted: account, ExternalID: "another"}
	r.Faults[local.ServiceSTS].Clear() // takes the lock that each request takes
	r.failed(r.invoke(next()), "AccountsError", "1 failed", member, "NoPermission")
	r.mu.Lock()
	defer r.mu.Unlock()
	if shown := strings.Contains(r.said.String(), "level=DEBUG"); shown != (level == "debug") {
		t.Errorf("the log has lines of level debug: %v, want the level to be heeded", shown)
	}
}

// A quote is an answer of one service, with what that was sent in it.
type quote struct {
	service string
	first   int // which part comes first: the beginning of a text is what may be shown
	answer  func(w http.ResponseWriter, service, sent string)
}

const quotedParts = 5

func (q *quote) of(req *http.Request, key local.Key) string {
	parts := []string{key.Secret, key.Token, key.ID, req.URL.String(), fmt.Sprint(req.Header)}
	return strings.Join(append(parts[q.first:], parts[:q.first]...), " ")
}

// testQuotes has a service answer what is of no use, and quote what it was sent.
func testQuotes(t *testing.T, b binary, service string) {
	r, next, _ := startPlanted(t, b, "debug", brief)
	var current atomic.Pointer[quote]
	r.hook(func(of string, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			q := current.Load()
			if q == nil || q.service != of {
				next.ServeHTTP(w, req)
				return
			}
			key, _ := r.Keys.Find(keyID(req))
			q.answer(w, of, q.of(req, key))
		})
	})
	for _, tt := range []struct {
		name   string
		passes bool // and takes its time
		answer func(w http.ResponseWriter, service, sent string)
	}{
		{"a refusal", false, func(w http.ResponseWriter, service, sent string) { quoting(w, service, 403, sent) }},
		{"a failure", true, func(w http.ResponseWriter, service, sent string) { quoting(w, service, 500, sent) }},
		{"a refusal with status 200", service == local.ServiceOSS, func(w http.ResponseWriter, service, sent string) { quoting(w, service, 200, sent) }},
		{"a page of a gateway", true, func(w http.ResponseWriter, _, sent string) {
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprintf(w, "<html><body>%s</body></html>", sent)
		}},
		{"a page with status 404", false, func(w http.ResponseWriter, _, sent string) {
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, sent)
		}},
		{"text", service == local.ServiceOSS, func(w http.ResponseWriter, _, sent string) { io.WriteString(w, sent) }},
		{"no HTTP", true, func(w http.ResponseWriter, _, sent string) { raw(t, w, sent+"\r\n\r\n") }},
		{"no status of HTTP", true, func(w http.ResponseWriter, _, sent string) {
			raw(t, w, "HTTP/1.1 "+strings.ReplaceAll(sent, " ", "+")+" OK\r\n\r\n")
		}},
		{"no header of HTTP", true, func(w http.ResponseWriter, _, sent string) { raw(t, w, "HTTP/1.1 200 OK\r\n"+sent+"\r\n\r\n") }},
		{"no HTTP, encoded for a URL, in lower case", true, func(w http.ResponseWriter, _, sent string) {
			raw(t, w, strings.ToLower(url.QueryEscape(sent))+"\r\n\r\n")
		}},
		{"no HTTP, in base64", true, func(w http.ResponseWriter, _, sent string) {
			raw(t, w, base64.StdEncoding.EncodeToString([]byte("x"+sent))+"\r\n\r\n")
		}},
	} {
		for first := range quotedParts {
			if tt.passes && first > 0 {
				break
			}
			current.Store(&quote{service, first, tt.answer})
			if out := r.send(local.Invocation{Event: []byte(next())}); !out.Failed || out.TimedOut {
				t.Errorf("%s: answer %s, want an error", tt.name, out.Body)
			}
			current.Store(nil)
		}
	}
}

// raw answers with bytes as they are.
func raw(t *testing.T, w http.ResponseWriter, text string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	io.WriteString(conn, text)
}

// quoting answers in the service's form with what the service was sent.
func quoting(w http.ResponseWriter, service string, status int, sent string) {
	if service == local.ServiceOSS {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message><![CDATA[%s]]></Message><RequestId>1</RequestId></Error>", sent)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"RequestId":"1","Code":"NoPermission","Success":false,"Message":%q}`, sent)
}

// keyID is the key that signed a request.
func keyID(req *http.Request) string {
	_, id, _ := strings.Cut(req.Header.Get("Authorization"), "Credential=")
	id, _, _ = strings.Cut(id, ",")
	id, _, _ = strings.Cut(id, "/")
	return id
}
