package cloudbackup_test

import (
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"backup-statistics/handler/cloudbackup"
	"backup-statistics/handler/fault"
	"backup-statistics/handler/local"
)

// What a service can say, with a secret in each place: no error prints it.
func TestSecretsDoNotPrint(t *testing.T) {
	escaped := func(s string) string { return strings.ReplaceAll(s, "/", `\/`) }
	code := func(code, message string) string {
		return `{"RequestId":"R","Code":"` + code + `","Message":"` + message + `"}`
	}
	for name, spell := range map[string]func(string) string{
		"plain":              func(s string) string { return s },
		"in a query":         url.QueryEscape,
		"in a path":          url.PathEscape,
		"in a query, twice":  func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
		"in lower case hex":  func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%2B", "%2b") },
		"decoded too often":  func(s string) string { return strings.ReplaceAll(s, "+", " ") },
		"in HTML":            html.EscapeString,
		"in JSON":            escaped,
		"in JSON, by number": func(s string) string { return strings.NewReplacer("/", `\u002F`, "+", `\u002b`).Replace(s) },
		"cut off":            func(s string) string { return s[:len(s)-5] },
		"without its begin":  func(s string) string { return s[5:] },
	} {
		for _, secret := range []string{key.ID, key.Secret, key.Token} {
			leak := spell(secret)
			for i, answer := range []canned{
				{status: 403, body: code("NoPermission", "said "+leak)},
				{status: 400, body: code("SignatureDoesNotMatch", "signed "+leak)},
				{status: 400, body: code(leak, leak)},
				{status: 400, body: strings.Replace(code("A", "b"), `"R"`, `"`+leak+`"`, 1)},
				{status: 400, body: `{"RequestId":"` + leak + `"}`},
				{status: 502, body: "<html>" + leak},
				{status: 502, body: strings.Repeat("x", 45) + leak},
				{status: 502, header: http.Header{"Content-Type": {leak}}, body: "x"},
				{status: 404, header: http.Header{"X-Acs-Request-Id": {leak}}},
				{status: 307, header: http.Header{"Location": {"http://127.0.0.1:1/" + leak}}},
				{status: 200, body: leak},
				{status: 200, body: `{"a":1} ` + leak},
				{status: 200, body: `{"` + leak + `":1,"` + leak + `":2}`},
				{status: 200, body: strings.Replace(whole, "ECS_FILE", leak, 1)},
				{status: 200, body: strings.Replace(whole, `"200"`, `"`+leak+`"`, 1)},
				{status: 200, body: strings.Replace(whole, `R-1","Code":"200"`, leak+`","Code":""`, 1)},
				{status: 200, body: strings.Replace(whole, `70`, `"`+leak+`"`, 1)},
				{status: 200, body: strings.Replace(whole, `"cn-a"`, `"`+strings.Repeat(leak, 5)+`"`, 1)},
				{status: 200, body: strings.Replace(whole, `"cn-a"`, `"\n`+leak+`"`, 1)},
				{status: 200, body: strings.Replace(strings.Replace(whole, `cn-a`, leak, 1), `cn-b`, leak, 1)},
				{status: 200, body: strings.Replace(whole, `{"RegionId":"cn-a"`, `"`+leak+`",{"RegionId":"cn-a"`, 1)},
				{status: 200, body: whole[:200] + leak},
			} {
				_, err := answer.client(t).Statistics(t.Context(), "ECS_FILE")
				if err == nil {
					t.Errorf("answer %d: accepted, want an error", i)
				}
				wantNoSecret(t, fmt.Sprintf("answer %d, %s", i, name), err)
			}
		}
	}
}

var jsonPlain = strings.NewReplacer(`\/`, "/", `\u002F`, "/", `\u002b`, "+")

// wantNoSecret looks for ten characters in a row of a secret, in the error and
// in all that it wraps.
func wantNoSecret(t *testing.T, name string, err error) {
	t.Helper()
	for _, text := range texts(err) {
		plain, _ := url.QueryUnescape(html.UnescapeString(jsonPlain.Replace(text)))
		for _, secret := range []string{key.ID, key.Secret, key.Token} {
			for i := 0; i+10 <= len(secret); i++ {
				if part := secret[i : i+10]; strings.Contains(text, part) || strings.Contains(plain, part) {
					t.Errorf("%s: %s holds %s of a secret", name, text, part)
					return
				}
			}
		}
	}
}

// texts is all that an error can be made to print.
func texts(err error) []string {
	if err == nil {
		return nil
	}
	list := []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)}
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			list = append(list, texts(err)...)
		}
	case interface{ Unwrap() error }:
		list = append(list, texts(e.Unwrap())...)
	}
	return list
}

// A peer that is no HTTP server is quoted by net/http.
func TestSecretsInBrokenHTTP(t *testing.T) {
	s := newStand(t)
	s.client.Attempts = 1
	s.client.Endpoint = serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(conn, key.Token+"\r\n\r\n")
		conn.Close()
	}))
	_, _, err := s.ask(t.Context(), t)
	if err == nil || !strings.Contains(err.Error(), "what came is no HTTP") || fault.Of(err) != fault.Stranger {
		t.Errorf("error = %v, cause %q, want the class of the failure", err, fault.Of(err))
	}
	wantNoSecret(t, "broken HTTP", err)
}

// The faults that the stand-in plays, to each service, for ever.
func TestSecretsInFaults(t *testing.T) {
	for _, kind := range local.FaultKinds() {
		s := newStand(t)
		s.faults.Add(local.Fault{Kind: kind, Times: -1})
		s.client.Attempts, s.client.AttemptTimeout = 2, 100*time.Millisecond
		_, _, err := s.ask(t.Context(), t)
		wantNoSecret(t, kind, err)
		sts := cloudbackup.STS(*s.client)
		_, err = sts.AssumeRole(t.Context(), "acs:ram::1:role/r", "session", key.Token)
		wantNoSecret(t, kind+" of AssumeRole", err)
		if err == nil {
			t.Errorf("%s: AssumeRole of Cloud Backup succeeds, want an error", kind)
		}
	}
}

// What is signed stands in the service's text about a wrong signature.
func TestSecretsInWrongSignature(t *testing.T) {
	s := newStand(t)
	wrong := key
	wrong.Secret = "Planted/Secret+Other"
	s.client.Credential = credential(t, wrong)
	_, _, err := s.ask(t.Context(), t)
	if got, want := ids.ReplaceAllString(fmt.Sprint(err), "request ID"), "GetBasicStatistics: SignatureDoesNotMatch (400, request ID)"; got != want {
		t.Errorf("error = %s, want %s", got, want)
	}
}

// What AssumeRole answers are secrets of which nothing was known before.
func TestSecretsOfRolesDoNotPrint(t *testing.T) {
	const fresh = "FreshSecretOfARole"
	for _, body := range []string{
		fresh, `[` + fresh, `{"Credentials":{"AccessKeySecret":"` + fresh, `{"Credentials":"` + fresh + `"}`, `{"Credentials":["` + fresh + `"]}`,
		`{"` + fresh + `":1,"` + fresh + `":1}`, `{"a":1}` + fresh, `{"a":` + fresh + `}`,
		`{"Credentials":{"AccessKeyId":"i","AccessKeySecret":["` + fresh + `"],"SecurityToken":"t"}}`,
		`{"Credentials":{"AccessKeyId":"i","AccessKeySecret":"s","SecurityToken":{"a":"` + fresh + `"}}}`,
		`{"Credentials":{"AccessKeyId":"i","AccessKeySecret":"` + fresh + `","AccessKeySecret":"` + fresh + `","SecurityToken":"t"}}`,
	} {
		for _, status := range []int{200, 502} {
			sts := cloudbackup.STS(*(&canned{status: status, body: body}).client(t))
			_, err := sts.AssumeRole(t.Context(), "acs:ram::1:role/r", "session", "")
			if err == nil || strings.Contains(strings.Join(texts(err), " "), fresh[:10]) {
				t.Errorf("%d %s: error = %v, want one without the secret", status, body, err)
			}
		}
	}
}

func TestExternalIDDoesNotPrint(t *testing.T) {
	const external = "external/id+of:members"
	for _, body := range []string{
		`{"RequestId":"R","Code":"NoPermission","Message":"not with ` + external + `"}`, `{"RequestId":"R","Code":"NoPermission","Message":"not with ` + url.QueryEscape(external) + `"}`,
	} {
		sts := cloudbackup.STS(*(&canned{status: 403, body: body}).client(t))
		_, err := sts.AssumeRole(t.Context(), "acs:ram::1:role/r", "session", external)
		if want := "AssumeRole: NoPermission (403, request R): not with [redacted]"; fmt.Sprint(err) != want {
			t.Errorf("error = %v, want %s", err, want)
		}
	}
	sts := cloudbackup.STS{Endpoint: "http://127.0.0.1:1", Credential: credential(t, key), Web: &http.Client{Transport: failing{}}, Attempts: 1}
	_, err := sts.AssumeRole(t.Context(), "acs:ram::1:role/r", "session", external)
	if want := "AssumeRole: no answer: lookup host: no such host (tried once)"; fmt.Sprint(err) != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func TestNotActivated(t *testing.T) {
	refusal := &cloudbackup.Refusal{Code: "ServiceNotActivated"}
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{refusal, true},
		{fmt.Errorf("account 1: %w", refusal), true},
		{&cloudbackup.Refusal{Code: "NoPermission"}, false},
		{errors.New("ServiceNotActivated"), false},
		{nil, false},
	} {
		if got := cloudbackup.NotActivated(tt.err); got != tt.want {
			t.Errorf("NotActivated(%v) = %v, want %v", tt.err, got, tt.want)
		}
	}
}
