package handler

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"backup-statistics/report"
)

// The vectors were computed with Python's hmac and base64.
func TestSignatures(t *testing.T) {
	if got, want := signDingTalk("SECabc", "1795436221000"), "3OMH3DVVKvTVHFXF4VTtFJBpqrA7cJH0WWgY/IRJe7M="; got != want {
		t.Errorf("DingTalk: %s, want %s", got, want)
	}
	if got, want := signFeishu("SECabc", "1795436221"), "VStqzqQQA00HXGP4cEImg+BzWflqbJzU46r+0onhACY="; got != want {
		t.Errorf("Feishu: %s, want %s", got, want)
	}
}

const (
	hookToken  = "planted-token"
	hookSecret = "planted-secret"
)

// receive starts a receiver and gives a webhook that reaches it under any host.
func receive(t *testing.T, url string, h http.HandlerFunc) *Webhook {
	t.Helper()
	server := httptest.NewTLSServer(h)
	t.Cleanup(server.Close)
	transport := server.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} // it stands for every host
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	client := &http.Client{Transport: transport, CheckRedirect: NewWeb(nil).CheckRedirect}
	return &Webhook{
		URL: Secret(url), Secret: hookSecret, Web: client, FirstPause: time.Millisecond,
		Now: func() time.Time { return time.Unix(1795436221, 0) },
	}
}

var notice = Notice{
	Text: "something happened", TimeZone: "Asia/Shanghai",
	Opened: []report.Alert{{Rule: "day_missing", Items: []report.AlertItem{}}}, Closed: []report.Alert{},
}

func hash(key, data string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(data))
	return mac.Sum(nil)
}

func TestReceiversTakeTheirForm(t *testing.T) {
	const at, atMilli = "1795436221", "1795436221000"
	text := func(body map[string]any, path ...string) string {
		for _, name := range path[:len(path)-1] {
			body, _ = body[name].(map[string]any)
		}
		return fmt.Sprint(body[path[len(path)-1]])
	}
	for _, tt := range []struct {
		name, url, answer string
		check             func(r *http.Request, raw string, body map[string]any) bool
	}{
		{"DingTalk", "https://oapi.dingtalk.com/robot/send?access_token=" + hookToken, `{"errcode":0,"errmsg":"ok"}`, func(r *http.Request, _ string, body map[string]any) bool {
			q := r.URL.Query()
			return q.Get("access_token") == hookToken && q.Get("timestamp") == atMilli &&
				q.Get("sign") == base64.StdEncoding.EncodeToString(hash(hookSecret, atMilli+"\n"+hookSecret)) &&
				text(body, "msgtype") == "text" && text(body, "text", "content") == notice.Text
		}},
		{"Feishu", "https://open.feishu.cn/open-apis/bot/v2/hook/" + hookToken, `{"code":0,"msg":"success"}`, func(_ *http.Request, _ string, body map[string]any) bool {
			return text(body, "timestamp") == at && text(body, "sign") == base64.StdEncoding.EncodeToString(hash(at+"\n"+hookSecret, "")) &&
				text(body, "msg_type") == "text" && text(body, "content", "text") == notice.Text
		}},
		{"Lark", "https://open.larksuite.com/open-apis/bot/v2/hook/" + hookToken, `{"code":0}`, func(_ *http.Request, _ string, body map[string]any) bool {
			return text(body, "content", "text") == notice.Text
		}},
		{"WeCom", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + hookToken, `{"errcode":0,"errmsg":"ok"}`, func(r *http.Request, _ string, body map[string]any) bool {
			return r.URL.RawQuery == "key="+hookToken && text(body, "text", "content") == notice.Text
		}},
		{"any other", "https://example.com/" + hookToken, `thanks`, func(r *http.Request, raw string, body map[string]any) bool {
			return r.Header.Get("X-Signature-256") == "sha256="+hex.EncodeToString(hash(hookSecret, raw)) &&
				text(body, "text") == notice.Text && strings.Contains(raw, `"opened":[{"rule":"day_missing"`)
		}},
	} {
		calls := 0
		w := receive(t, tt.url, func(rw http.ResponseWriter, r *http.Request) {
			calls++
			raw, _ := io.ReadAll(r.Body)
			var body map[string]any
			if err := json.Unmarshal(raw, &body); err != nil || r.Method != http.MethodPost || !tt.check(r, string(raw), body) {
				t.Errorf("%s was sent %s %s, %s (%v)", tt.name, r.Method, r.URL, raw, err)
			}
			io.WriteString(rw, tt.answer)
		})
		if err := w.Notify(t.Context(), notice); err != nil || calls != 1 {
			t.Errorf("%s: error %v after %d calls, want none after one", tt.name, err, calls)
		}
	}
}

func TestReceiversThatFail(t *testing.T) {
	const dingTalk, other = "https://oapi.dingtalk.com/robot/send?access_token=" + hookToken, "https://example.com/" + hookToken
	status := func(code int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if len(header) > 0 {
				w.Header().Set(header[0], header[1])
			}
			w.WriteHeader(code)
		}
	}
	body := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
	}
	for _, tt := range []struct {
		name, url string
		answer    http.HandlerFunc
		calls     int
		want      string
	}{
		{"overrun", other, status(429), 4, "webhook at example.com: answered 429"},
		{"overrun for long", other, status(429, "Retry-After", "60"), 1, "webhook at example.com: answered 429, and asks to wait for 60 s"},
		{"broken down", other, status(500), 4, "webhook at example.com: answered 500"},
		{"not there", other, status(404), 1, "webhook at example.com: answered 404: want 200"},
		{"elsewhere", other, status(307, "Location", "https://example.org/"), 1, "webhook at example.com: answered 307: want 200"},
		{"a refusal that looks fine", dingTalk, body(`{"errcode":310000,"errmsg":"sign not match"}`), 1, "webhook at oapi.dingtalk.com: DingTalk robot: code 310000, sign not match: want 0"},
		{"too many messages", dingTalk, body(`{"errcode":130101,"errmsg":"send too fast"}`), 4, "webhook at oapi.dingtalk.com: DingTalk robot: code 130101, send too fast"},
		{"no robot's answer", dingTalk, body(`<html>`), 4, "webhook at oapi.dingtalk.com: answered no DingTalk robot's JSON: want errcode or code"},
		{"a connection that ends", other, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 4, "webhook at example.com: EOF"},
	} {
		calls := 0
		w := receive(t, tt.url, func(rw http.ResponseWriter, r *http.Request) { calls++; tt.answer(rw, r) })
		err := w.Notify(t.Context(), notice)
		if fmt.Sprint(err) != tt.want || calls != tt.calls {
			t.Errorf("%s: %v after %d calls\nwant %s after %d", tt.name, err, calls, tt.want, tt.calls)
		}
		if text := fmt.Sprint(err); strings.Contains(text, hookToken) || strings.Contains(text, hookSecret) {
			t.Errorf("%s: a secret is told: %s", tt.name, text)
		}
	}
}

func TestReceiverThatRecovers(t *testing.T) {
	calls := 0
	w := receive(t, "https://example.com/"+hookToken, func(rw http.ResponseWriter, _ *http.Request) {
		if calls++; calls < 3 {
			rw.WriteHeader(503)
		}
	})
	if err := w.Notify(t.Context(), notice); err != nil || calls != 3 {
		t.Errorf("error %v after %d calls, want none after three", err, calls)
	}
}

func TestUntrustedReceiver(t *testing.T) {
	w := receive(t, "https://example.com/"+hookToken, func(http.ResponseWriter, *http.Request) { t.Error("it was told") })
	w.Web.Transport.(*http.Transport).TLSClientConfig = new(tls.Config)
	err := w.Notify(t.Context(), notice)
	if text := fmt.Sprint(err); !strings.Contains(text, "certificate") || strings.Contains(text, hookToken) {
		t.Errorf("error %v, want one of the certificate, without the address", err)
	}
}
