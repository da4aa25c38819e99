package cloudbackup_test

import (
	"encoding/json"
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

func TestRedaction(t *testing.T) {
	odd := local.Key{ID: "LTAI5tOdd", Secret: `a%b\c&d<e+f/g`, Token: ""}
	short := local.Key{ID: "LTAI5tShort", Secret: "tiny", Token: ""}
	for _, tt := range []struct {
		name          string
		key           local.Key
		message, want string
	}{
		{"nothing secret", key, "User is not authorized.", "User is not authorized."},
		{"seven characters of a secret", key, "a STS.Pla b", "a STS.Pla b"},
		{"eight characters of a secret", key, "a STS.Plan b", "a [redacted] b"},
		{"eight characters from its middle", key, "a ted4KeyI b", "a [redacted] b"},
		{"two secrets in a row", key, key.ID + key.Token, "[redacted][redacted]"},
		{"encoded for a URL twice", key, "a 1111%252F1111%252B1111 b", "a [redacted] b"},
		{"encoded for a URL three times", key, "a 1111%25252f1111.", "a [redacted]."},
		{"encoded for HTML", key, "a 1111&#x2f;1111&#43;1111&#50; b", "a [redacted]&#50; b"},
		{"encoded for HTML, with what encodes in it", key, "a 3+4444&amp;55&lt;6&gt; b", "a [redacted] b"},
		{"characters that encode, as they are", odd, `a%b\c&d<e+f/g`, "[redacted]"},
		{"characters that encode, for a URL", odd, "a%25b%5Cc%26d%3Ce%2Bf%2Fg", "[redacted]"},
		{"characters that encode, for a URL twice", odd, "a%2525b%255Cc%2526d%253Ce%252Bf%252Fg", "[redacted]"},
		{"characters that encode, in JSON", odd, `a%b\\c&d<e+f\/g`, "[redacted]"},
		{"characters that encode, by number", odd, `a\u0025b\u005cc\u0026d\u003ce\u002bf\u002fg`, "[redacted]"},
		{"characters that encode, for HTML", odd, `a%b\c&amp;d&lt;e&#43;f/g`, "[redacted]"},
		{"a short secret", short, "a tiny b tin", "a [redacted] b tin"},
		{"encoded up to the end", key, "a 1111%2F1111%2B", "a [redacted]"},
		{"another character, escaped", key, `a STS.Pl\znted b`, `a STS.Pl\znted b`},
		{"another character, by number", key, `a STS.Pl\u0062nted b`, `a STS.Pl\u0062nted b`},
		{"another character, encoded for a URL", key, `a STS.Pl%62nted b`, `a STS.Pl%62nted b`},
		{"another character, encoded for a URL twice", key, `a STS.Pl%25nted b`, `a STS.Pl%25nted b`},
		{"another character, encoded for HTML", key, `a STS.Pl&lt;nted b`, `a STS.Pl&lt;nted b`},
		{"an end that is no escape", key, `a STS.Pl\`, `a STS.Pl\`},
		{"an end that is no encoding", key, "STS.% STS.& STS.%2 1111%", "STS.% STS.& STS.%2 1111%"},
	} {
		body, err := json.Marshal(map[string]string{"Code": "NoPermission", "Message": tt.message})
		must(t, err)
		c := (&canned{status: 403, body: string(body)}).client(t)
		c.Credential = credential(t, tt.key)
		_, err = c.Statistics(t.Context(), "ECS_FILE")
		if want := "GetBasicStatistics: NoPermission (403): " + tt.want; fmt.Sprint(err) != want {
			t.Errorf("%s: error = %v, want %s", tt.name, err, want)
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
	if err == nil || !strings.Contains(err.Error(), "malformed HTTP") {
		t.Errorf("error = %v, want one of a malformed answer", err)
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
		`{"Code":"NoPermission","Message":"not with ` + external + `"}`, `{"Code":"NoPermission","Message":"not with ` + url.QueryEscape(external) + `"}`,
	} {
		sts := cloudbackup.STS(*(&canned{status: 403, body: body}).client(t))
		_, err := sts.AssumeRole(t.Context(), "acs:ram::1:role/r", "session", external)
		if want := "AssumeRole: NoPermission (403): not with [redacted]"; fmt.Sprint(err) != want {
			t.Errorf("error = %v, want %s", err, want)
		}
	}
	sts := cloudbackup.STS{Endpoint: "http://127.0.0.1:1", Credential: credential(t, key), Web: &http.Client{Transport: failing{}}, Attempts: 1}
	_, err := sts.AssumeRole(t.Context(), "acs:ram::1:role/r", "session", external)
	if want := "AssumeRole: no answer: no such host (tried once)"; fmt.Sprint(err) != want {
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
