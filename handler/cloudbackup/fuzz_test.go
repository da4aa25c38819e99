package cloudbackup_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"backup-statistics/handler/cloudbackup"
)

// wantShort wants an error to be a line that a log can hold.
func wantShort(t *testing.T, err error) {
	t.Helper()
	if text := err.Error(); len(text) > 2000 || !utf8.ValidString(text) || strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) {
		t.Errorf("error = %q, want one short line", text)
	}
}

// read is an answer as a reader takes it who knows nothing of ours.
func read(t *testing.T, body []byte) (answer map[string]any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	must(t, d.Decode(&answer))
	return answer
}

// Whatever is accepted says the same to a reader that knows nothing of ours.
func FuzzDecodeAnswer(f *testing.F) {
	for _, seed := range []string{
		whole, `{}`, `null`, whole[:200], strings.ToLower(whole), strings.ReplaceAll(whole, "cn-b", "cn-a"),
		strings.Replace(whole, `"200"`, `200`, 1), strings.Replace(whole, "70", "7e1", 1), strings.Replace(whole, `"Success":true`, `"Success":false`, 1),
		strings.Replace(whole, `cn-a`, `\ud800`, 1), whole + whole, whole + "\u00a0", strings.Replace(whole, `:70`, `:70,"ProtectedDataSize":71`, 1),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		service := &canned{status: 200, body: string(data)}
		s, err := service.client(t).Statistics(t.Context(), "ECS_FILE")
		if err != nil {
			wantShort(t, err)
			return
		}
		if !utf8.Valid(s.Response) || !json.Valid(s.Response) {
			t.Fatalf("Response = %q, want JSON in UTF-8", s.Response)
		}
		answer := read(t, data)
		amount := func(a any) string {
			object := a.(map[string]any)
			return "{" + string(object["ProtectedDataSize"].(json.Number)) + " " + string(object["ProtectedResourceCount"].(json.Number)) + "}"
		}
		var regions []string
		seen := make(map[string]bool)
		for _, r := range answer["RegionStatistics"].([]any) {
			id := r.(map[string]any)["RegionId"].(string)
			if id == "" || seen[id] {
				t.Errorf("region %q is empty or there twice in %s", id, data)
			}
			seen[id] = true
			regions = append(regions, "{"+id+" "+amount(r)+"}")
		}
		want := amount(answer["GlobalStatistics"]) + " [" + strings.Join(regions, " ") + "]"
		if got := text(s); got != want || answer["Success"] != true || answer["SourceType"] != "ECS_FILE" ||
			answer["RequestId"] != s.RequestID || fmt.Sprint(answer["Code"]) != "200" {
			t.Errorf("statistics = %s, want %s as in %s", got, want, data)
		}
	})
}

// However a service refuses, and wherever it repeats a part of a secret, the
// error is a short line without it.
func FuzzRefusal(f *testing.F) {
	for i, seed := range []struct {
		status        int
		before, after string
	}{
		{403, `{"RequestId":"R","Code":"NoPermission","Message":"said `, `"}`},
		{400, `{"Code":"`, `","Message":""}`},
		{502, "<html>\x00", "\xff"},
		{200, `{"Code":200,"Success":false,"Message":"`, `"}`},
		{200, whole[:30], whole[30:]},
		{200, `{"`, `":1}`},
		{307, "", ""},
		{403, `{"Code":"NoPermission","Message":"said `, `"}`},
		{404, "<html>", ""},
		{200, "<html>", ""},
		{507, "", ""},
		{408, "", ""},
		{200, strings.Replace(whole[:len(whole)-30], "70", "7", 1), ""},
	} {
		f.Add(seed.status, seed.before, seed.after, "text/html", byte(i), byte(i), byte(40-i))
	}
	spellings := []func(string) string{
		func(s string) string { return s }, url.QueryEscape, url.PathEscape, html.EscapeString,
		func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
		func(s string) string { return strings.NewReplacer("/", `\u002F`, "+", `\u002b`).Replace(s) },
		func(s string) string { return strings.ReplaceAll(s, "/", `\/`) },
	}
	f.Fuzz(func(t *testing.T, status int, before, after, header string, spelling, from, to byte) {
		secret := []string{key.ID, key.Secret, key.Token}[from%3]
		start := int(from/3) % len(secret)
		part := secret[start : start+int(to)%(len(secret)-start+1)]
		leak := spellings[int(spelling)%len(spellings)](part)
		status = 200 + (status%400+400)%400
		service := &canned{status: status, body: before + leak + after, header: http.Header{"Content-Type": {header + leak}, "X-Acs-Request-Id": {leak + header}}}
		_, err := service.client(t).Statistics(t.Context(), "ECS_FILE")
		if err != nil {
			wantShort(t, err)
			wantNoSecret(t, fmt.Sprintf("answer %d %q", status, service.body), err)
		}
		// Only the service refuses: it has a RequestId for that, and a Code, or says
		// that it had no success.
		var refusal *cloudbackup.Refusal
		switch refused := errors.As(err, &refusal); {
		case refused && refusal.RequestID == "":
			t.Errorf("answer %d %q: error = %v, want nobody's word to be no refusal", status, service.body, err)
		case !refused && err != nil && service.requests != 2 && len(service.body) < 4<<20 && status/100 != 3:
			t.Errorf("answer %d %q: error = %v after %d requests, want what is no refusal to be asked again", status, service.body, err, service.requests)
		}
	})
}

// A listing that ends well has every account of all its pages, and each once.
func FuzzMembers(f *testing.F) {
	const (
		first = `{"RequestId":"R","TotalCount":3,"NextToken":"n","Accounts":{"Account":[{"AccountId":"1","DisplayName":"a","Status":"Created"},{"AccountId":"2","Status":"Removed"}]}}`
		last  = `{"RequestId":"R","TotalCount":3,"NextToken":"","Accounts":{"Account":[{"AccountId":"3","AccountName":"c","Status":"InviteSuccess"}]}}`
	)
	for _, seed := range [][2]string{
		{first, last},
		{last, last},
		{first, first},
		{first, strings.Replace(last, `"3"`, `"2"`, 1)},
		{strings.Replace(first, "3", "-0", 1), last},
		{strings.Replace(first, `"TotalCount":3,`, "", 1), strings.Replace(last, `"TotalCount":3,"NextToken":""`, `"NextToken":null`, 1)},
		{strings.Replace(last, "Account\":[", "Account\":[null,", 1), `{}`},
		{strings.Replace(first, `"RequestId":"R",`, "", 1), last},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		service := &inTurn{canned{status: 200, body: one}, two}
		d := cloudbackup.Directory{Endpoint: "http://127.0.0.1:1", Credential: credential(t, key), Web: &http.Client{Transport: service}, Attempts: 1}
		members, err := d.Members(t.Context())
		if err != nil {
			wantShort(t, err)
			return
		}
		pages := []string{one, two}[:min(2, service.requests)]
		listed := make(map[string]bool)
		for i, page := range pages {
			answer := read(t, []byte(page))
			if id, _ := answer["RequestId"].(string); id == "" {
				t.Errorf("page %d is nobody's: %s", i+1, page)
			}
			if next, _ := answer["NextToken"].(string); (next != "") != (i < len(pages)-1) {
				t.Fatalf("%d pages are asked for, and page %d is %s", service.requests, i+1, page)
			}
			for _, a := range answer["Accounts"].(map[string]any)["Account"].([]any) {
				account := a.(map[string]any)
				switch status := account["Status"].(string); status {
				case "CreateVerifying", "CreateFailed", "CreateExpired", "CreateCancelled", "Removed":
				default:
					listed[account["AccountId"].(string)] = true
				}
			}
		}
		for i, m := range members {
			if !listed[m.ID] || i > 0 && members[i-1].ID >= m.ID {
				t.Errorf("members are %v, want each of %v once, sorted", members, listed)
			}
		}
		if len(members) != len(listed) {
			t.Errorf("members are %v, want all of %v", members, listed)
		}
	})
}

// An inTurn service gives its canned answer once, and then always another.
type inTurn struct {
	canned
	then string
}

func (s *inTurn) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := s.canned.RoundTrip(r)
	s.body = s.then
	return response, err
}

// A role has the three parts that were issued, and no error shows any of them.
func FuzzAssumeRole(f *testing.F) {
	const planted = "Issued7Secret"
	for _, seed := range [][2]string{
		{`{"AccessKeyId":"i","AccessKeySecret":"`, `","SecurityToken":"t"}`},
		{`{"AccessKeyId":"`, `","AccessKeySecret":"","SecurityToken":"t"}`},
		{`{"AccessKeyId":"`, ``},
		{`"`, `"`},
		{``, ``},
		{`{"`, `":1}`},
		{`["`, `"]`},
		{`{"AccessKeyId":"i","AccessKeySecret":["`, `"],"SecurityToken":"t"}`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		issued := before + planted + after
		body := `{"RequestId":"R-1","Credentials":` + issued + `}`
		if json.Valid([]byte(body)) && !json.Valid([]byte(issued)) {
			return // it is more than credentials
		}
		sts := cloudbackup.STS(*(&canned{status: 200, body: body}).client(t))
		role, err := sts.AssumeRole(t.Context(), roleARN, "session", "")
		if err != nil {
			wantShort(t, err)
			if text := strings.Join(texts(err), " "); strings.Contains(text, planted) || role != nil {
				t.Errorf("%s: error %s, role %v: want neither secret nor role", body, text, role)
			}
			return
		}
		got, err := role.GetCredential()
		must(t, err)
		want := read(t, []byte(issued))
		parts := []any{*got.AccessKeyId, *got.AccessKeySecret, *got.SecurityToken}
		if !slices.Equal(parts, []any{want["AccessKeyId"], want["AccessKeySecret"], want["SecurityToken"]}) || slices.Contains(parts, any("")) {
			t.Errorf("role is %v, want that of %s", parts, body)
		}
	})
}
