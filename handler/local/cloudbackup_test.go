package local_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"backup-statistics/handler/local"
)

// ask returns the status of the answer and, of an error, its code.
func ask(t *testing.T, h http.Handler, r *http.Request) string {
	t.Helper()
	w := serve(h, r)
	if w.Code == 200 || !json.Valid(w.Body.Bytes()) {
		return fmt.Sprint(w.Code)
	}
	got, _ := acsError(t, w.Code, w.Body)
	return got
}

func TestStatisticsHaveAllFields(t *testing.T) {
	c := newBackup(keysOf(owner))
	c.Set(owner, "ECS_FILE", local.Region{ID: "cn-b", Bytes: 1<<53 + 1, Count: 5}, local.Region{ID: "cn-a", Bytes: 7})
	ids := make(map[string]bool)
	for _, r := range []*http.Request{
		newCaller(keyOf(owner)).acs("GET", backupURL, version, action, ""),
		newCaller(keyOf(owner)).acs("POST", backupURL, version, action, ""),
		newCaller(keyOf(owner)).acs("POST", "http://localhost:80/", version, action, "SourceType=ECS_FILE"),
	} {
		w := serve(c, r)
		id := w.Header().Get("x-acs-request-id")
		want := `{"RequestId":"` + id + `","Code":"200","Message":"successful","Success":true,"SourceType":"ECS_FILE",` +
			`"RegionStatistics":[{"RegionId":"cn-b","ProtectedDataSize":9007199254740993,"ProtectedResourceCount":5},` +
			`{"RegionId":"cn-a","ProtectedDataSize":7,"ProtectedResourceCount":0}],` +
			`"GlobalStatistics":{"ProtectedDataSize":9007199254741000,"ProtectedResourceCount":5}}`
		if w.Code != 200 || w.Body.String() != want || !uuid.MatchString(id) || ids[id] {
			t.Errorf("%s: status %d, request %s\n%s\nwant\n%s", r.Method, w.Code, id, w.Body, want)
		}
		if got := w.Header().Get("Date"); got != "Mon, 23 Nov 2026 12:00:00 GMT" {
			t.Errorf("Date is %s, want that of the clock", got)
		}
		ids[id] = true
	}
}

func TestStatisticsOfWhom(t *testing.T) {
	c := newBackup(keysOf(owner, other))
	c.Set(owner, "EMPTY")
	of := func(account, sourceType string) string {
		t.Helper()
		return ask(t, c, newCaller(keyOf(account)).acs("GET", "http://127.0.0.1/?SourceType="+sourceType, version, action, ""))
	}
	for _, tt := range []struct {
		name                      string
		do                        func()
		account, sourceType, want string
	}{
		{"what was set", func() {}, owner, "ECS_FILE", "200"},
		{"nothing protected", func() {}, owner, "EMPTY", "200"},
		{"a type that was not set", func() {}, owner, "NAS", "400 InvalidSourceType"},
		{"no type", func() {}, owner, "", "400 MissingSourceType"},
		{"an account that was not set", func() {}, other, "ECS_FILE", "403 ServiceNotActivated"},
		{"denied", func() { c.Deny(owner) }, owner, "ECS_FILE", "403 NoPermission"},
		{"switched off", func() { c.NotActivated(owner) }, owner, "ECS_FILE", "403 ServiceNotActivated"},
		{"a raw answer all the same", func() { c.SetAnswer("", "ECS_FILE", 502, "<html>") }, owner, "ECS_FILE", "502"},
		{"the more exact answer", func() { c.SetAnswer(owner, "", 418, "") }, owner, "ECS_FILE", "418"},
		{"the most exact answer", func() { c.SetAnswer(owner, "ECS_FILE", 200, "{") }, owner, "ECS_FILE", "200"},
		{"Set ends the exact one", func() { c.Set(owner, "ECS_FILE") }, owner, "ECS_FILE", "418"},
		{"status 0 ends one", func() { c.SetAnswer(owner, "", 0, "") }, owner, "ECS_FILE", "502"},
		{"and the other", func() { c.SetAnswer("", "ECS_FILE", 0, "") }, owner, "ECS_FILE", "403 ServiceNotActivated"},
		{"allowed again", func() { c.Allow(owner) }, owner, "ECS_FILE", "200"},
	} {
		tt.do()
		if got := of(tt.account, tt.sourceType); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestRawAnswerStandsAsItIs(t *testing.T) {
	c := newBackup(keysOf(owner))
	for body, kind := range map[string]string{`{"a":1}trailing`: "application/json;charset=utf-8", "<html>": "text/html;charset=utf-8", "": "application/json;charset=utf-8"} {
		c.SetAnswer("", "", 203, body)
		w := serve(c, newCaller(keyOf(owner)).acs("GET", backupURL, version, action, ""))
		if w.Code != 203 || w.Body.String() != body || w.Header().Get("Content-Type") != kind {
			t.Errorf("%q: status %d, %s, %q", body, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	keys := keysOf(owner)
	key, _ := keys.Find("STS." + owner)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		for _, value := range []any{key, &key, keys, []local.Key{key}, (*local.Keys)(nil)} {
			if text := fmt.Sprintf(verb, value); strings.Contains(text, "secret") || strings.Contains(text, "token") {
				t.Errorf("%s of %T prints %s", verb, value, text)
			}
		}
	}
	keys.Remove(key.ID)
	if found, ok := keys.Find(key.ID); ok || found.ID != "" {
		t.Errorf("Find(%s) = %v after Remove, want none", key.ID, found)
	}
}
