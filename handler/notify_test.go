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
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

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
	if got, want := signFeishu("q8Zr+/=é", "1764000000"), "7oSx9cy93/NWD8CoJ1dc7W8ATNUeZdpdYV6d6M10ncM="; got != want {
		t.Errorf("Feishu, a secret with all kinds of characters: %s, want %s", got, want)
	}
	if got, want := hex.EncodeToString(sum("planted-secret", `{"a":1}`)), "7ba798111e47364a609995cbeae4d0797e7089d320470e2ee52a5c0e5e61d877"; got != want {
		t.Errorf("others: %s, want %s", got, want)
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
	transport.TLSClientConfig.ServerName = "example.com" // what httptest's certificate is for: it stands for every host
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	client := &http.Client{Transport: transport, CheckRedirect: NewWeb(2, 2).CheckRedirect}
	return &Webhook{
		URL: Secret(url), Secret: hookSecret, Web: client, FirstPause: time.Millisecond,
		Now: func() time.Time { return time.Unix(1795436221, 0) },
	}
}

var notice = Notice{
	Text: "something happened", TimeZone: "Asia/Shanghai",
	Opened: []report.Alert{{Rule: "day_missing", Items: []report.AlertItem{}}}, Closed: []report.ClosedAlert{},
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
	isJSON := func(r *http.Request, _ string, body map[string]any) bool {
		return r.Header.Get("X-Signature-256") != "" && text(body, "id") == notice.ID() && text(body, "time_zone") == "Asia/Shanghai"
	}
	isSlack := func(r *http.Request, raw string, _ map[string]any) bool {
		return raw == `{"text":"something happened"}` && r.Header.Get("Content-Type") == "application/json; charset=utf-8"
	}
	for _, tt := range []struct {
		name, url, answer string
		check             func(r *http.Request, raw string, body map[string]any) bool
		kind              string
	}{
		{"DingTalk", "https://oapi.dingtalk.com/robot/send?access_token=" + hookToken, `{"errcode":0,"errmsg":"ok"}`, func(r *http.Request, _ string, body map[string]any) bool {
			q := r.URL.Query()
			return q.Get("access_token") == hookToken && q.Get("timestamp") == atMilli &&
				q.Get("sign") == base64.StdEncoding.EncodeToString(hash(hookSecret, atMilli+"\n"+hookSecret)) &&
				text(body, "msgtype") == "text" && text(body, "text", "content") == notice.Text
		}, ""},
		{"Feishu", "https://open.feishu.cn/open-apis/bot/v2/hook/" + hookToken, `{"code":0,"msg":"success"}`, func(_ *http.Request, _ string, body map[string]any) bool {
			return text(body, "timestamp") == at && text(body, "sign") == base64.StdEncoding.EncodeToString(hash(at+"\n"+hookSecret, "")) &&
				text(body, "msg_type") == "text" && text(body, "content", "text") == notice.Text
		}, ""},
		{"Lark", "https://open.larksuite.com/open-apis/bot/v2/hook/" + hookToken, `{"code":0}`, func(_ *http.Request, _ string, body map[string]any) bool {
			return text(body, "content", "text") == notice.Text
		}, ""},
		{"WeCom", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + hookToken, `{"errcode":0,"errmsg":"ok"}`, func(r *http.Request, _ string, body map[string]any) bool {
			return r.URL.RawQuery == "key="+hookToken && text(body, "text", "content") == notice.Text
		}, ""},
		{"DingTalk in capitals, as hosts may be spelt", "https://OAPI.DingTalk.com/robot/send?access_token=" + hookToken, `{"errcode":0}`, func(r *http.Request, _ string, body map[string]any) bool {
			return r.URL.Query().Has("sign") && text(body, "msgtype") == "text"
		}, ""},
		{"a host that only looks like a robot's", "https://notdingtalk.com/" + hookToken, ``, func(r *http.Request, _ string, body map[string]any) bool {
			return r.Header.Get("X-Signature-256") != "" && text(body, "text") == notice.Text
		}, ""},
		{"any other", "https://example.com/" + hookToken, `thanks`, func(r *http.Request, raw string, body map[string]any) bool {
			return r.Header.Get("X-Signature-256") == "sha256="+hex.EncodeToString(hash(hookSecret, raw)) &&
				text(body, "text") == notice.Text && strings.Contains(raw, `{"id":"`+notice.ID()+`","text":`) && strings.Contains(raw, `"opened":[{"rule":"day_missing"`)
		}, ""},
		{"any other, without a body", "https://example.com/" + hookToken, ``, isJSON, ""},
		{"any other, in JSON", "https://example.com/" + hookToken, `{"code":0,"ok":true,"success":true,"errcode":"0"}`, isJSON, ""},
		{"any other, in JSON of its own", "https://example.com/" + hookToken, `["code",1]`, isJSON, ""},
		{"any other, told so", "https://example.com/" + hookToken, ``, isJSON, KindJSON},
		{"Slack", "https://hooks.slack.com/services/" + hookToken, "ok", isSlack, ""},
		{"Slack's form behind another host", "https://example.com/" + hookToken, "ok\n", isSlack, KindSlack},
		{"Slack's form, answered in JSON", "https://example.com/" + hookToken, `{"success":true}`, isSlack, KindSlack},
		{"DingTalk behind another host", "https://example.com/robot?access_token=" + hookToken, `{"errcode":0,"errmsg":"ok"}`, func(r *http.Request, _ string, body map[string]any) bool {
			return r.URL.Query().Get("timestamp") == atMilli && text(body, "text", "content") == notice.Text
		}, KindDingTalk},
		{"Feishu behind another host, in its older form", "https://example.com/" + hookToken, `{"Extra":null,"StatusCode":0,"StatusMessage":"success"}`, func(_ *http.Request, _ string, body map[string]any) bool {
			return text(body, "timestamp") == at && text(body, "content", "text") == notice.Text
		}, KindFeishu},
		{"WeCom behind another host", "https://example.com/" + hookToken, `{"errcode":0,"errmsg":"ok"}`, func(r *http.Request, raw string, _ map[string]any) bool {
			return r.Header.Get("X-Signature-256") == "" && raw == `{"msgtype":"text","text":{"content":"something happened"}}`
		}, KindWeCom},
	} {
		calls := 0
		w := receive(t, tt.url, func(rw http.ResponseWriter, r *http.Request) {
			calls++
			if !r.Close {
				t.Errorf("%s: the connection is kept, and may end silently", tt.name)
			}
			raw, _ := io.ReadAll(r.Body)
			var body map[string]any
			if err := json.Unmarshal(raw, &body); err != nil || r.Method != http.MethodPost || !tt.check(r, string(raw), body) {
				t.Errorf("%s was sent %s %s, %s (%v)", tt.name, r.Method, r.URL, raw, err)
			}
			io.WriteString(rw, tt.answer)
		})
		w.Kind = tt.kind
		if err := w.Notify(t.Context(), notice); err != nil || calls != 1 {
			t.Errorf("%s: error %v after %d calls, want none after one", tt.name, err, calls)
		}
	}
}

// TestMentions has names from outside that would call everybody, in each kind of
// message.
func TestMentions(t *testing.T) {
	n := notice
	n.Text = `cn-a: @all @13800138000 @channel <at user_id="all">all</at> <AT id=all></AT> <!channel> <!here> <@U1> <https://example.org|x> a&b` + "\n"
	for _, kind := range Kinds() {
		w := receive(t, "https://example.com/"+hookToken, func(rw http.ResponseWriter, r *http.Request) {
			var body struct {
				Text    any
				Content struct{ Text string }
			}
			must(t, json.NewDecoder(r.Body).Decode(&body))
			text := strings.TrimPrefix(fmt.Sprint(body.Text, body.Content.Text), "<nil>")
			if strings.ContainsAny(text, "@<>") || !strings.Contains(text, "13800138000") || !strings.Contains(text, "\n") {
				t.Errorf("%s is sent %s, want a text without mentions", kind, text)
			}
			if kind == KindSlack && !strings.Contains(text, "&lt;!channel&gt;") {
				t.Errorf("Slack is sent %s, want its own escapes", text)
			}
			io.WriteString(rw, map[bool]string{true: "ok", false: `{"errcode":0}`}[kind == KindSlack])
		})
		w.Kind = kind
		must(t, w.Notify(t.Context(), n))
	}
}

// TestMessageFits cuts a text that names from outside have made too long for a robot.
func TestMessageFits(t *testing.T) {
	n := notice
	n.Text = "first line\n" + strings.Repeat("@深圳", 1000)
	w := receive(t, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key="+hookToken, func(rw http.ResponseWriter, r *http.Request) {
		var body struct{ Text struct{ Content string } }
		must(t, json.NewDecoder(r.Body).Decode(&body))
		if text := body.Text.Content; len(text) > 2048 || len(text) < 2040 || !utf8.ValidString(text) || !strings.HasPrefix(text, "first line\n＠深圳") {
			t.Errorf("it is sent %d bytes, %s; want 2048 at most, whole characters", len(text), text)
		}
		io.WriteString(rw, `{"errcode":0}`)
	})
	must(t, w.Notify(t.Context(), n))
}

// TestNoticeID tells apart what is told, and nothing else.
func TestNoticeID(t *testing.T) {
	again, other, closed, test := notice, notice, notice, notice
	again.Text, again.SnapshotDate = "in other words", 1
	other.Opened = append(slices.Clone(notice.Opened), report.Alert{Rule: "region_gone"})
	closed.Opened, closed.Closed = nil, []report.ClosedAlert{{Alert: notice.Opened[0]}}
	test.Opened, test.Text = nil, "a test"
	silent := test
	silent.Text = "another test"
	if len(notice.ID()) != 32 || again.ID() != notice.ID() {
		t.Errorf("the same told on two days has the ids %s and %s, want one of 32 characters", notice.ID(), again.ID())
	}
	seen := map[string]bool{}
	for _, n := range []Notice{notice, other, closed, test, silent} {
		seen[n.ID()] = true
	}
	if len(seen) != 5 {
		t.Errorf("five notices have %d ids", len(seen))
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
	const feishu, weCom = "https://open.feishu.cn/open-apis/bot/v2/hook/" + hookToken, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + hookToken
	const slack = "https://hooks.slack.com/services/" + hookToken
	says := func(code int, text string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			status(code, header...)(w, r)
			io.WriteString(w, text)
		}
	}
	raw := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			must(t, err)
			defer conn.Close()
			io.WriteString(conn, text)
		}
	}
	for _, tt := range []struct {
		name, url, kind string
		answer          http.HandlerFunc
		calls           int
		perhaps         bool
		want            string // after the host
	}{
		{"overrun", other, "", status(429), 4, false, "answered 429"},
		{"overrun for long", other, "", status(429, "Retry-After", "60"), 1, false, "answered 429, and asks to wait for 60 s"},
		{"broken down", other, "", status(500), 4, false, "answered 500"},
		{"broken down in a new way", other, "", status(507), 4, false, "answered 507"},
		{"broken down, in words", other, "", says(503, `{"message":"later\n please"}`), 4, false, "answered 503, later please"},
		{"not heard in time", other, "", status(408), 4, false, "answered 408"},
		{"not there", other, "", status(404), 1, false, "answered 404: want 200"},
		{"a gateway that heard nothing", other, "", status(504), 1, true, "answered 504"},
		{"a refusal with its status, in words", other, "", says(403, "no such "+hookToken), 1, false, "answered 403, no such [redacted]: want 200"},
		{"a refusal with its status, as a page", other, "", says(403, "<html>no</html>"), 1, false, "answered 403: want 200"},
		{"elsewhere", other, "", status(307, "Location", "https://example.org/"), 1, false, "answered 307: want 200"},
		{"a refusal that looks fine", dingTalk, "", body(`{"errcode":310000,"errmsg":"sign not match"}`), 1, false, "DingTalk robot: code 310000, sign not match: want 0"},
		{"a refusal that looks fine, at any host", other, "", body(`{"errcode":300001,"errmsg":"msgtype is null"}`), 1, false, "its answer: code 300001, msgtype is null: want 0"},
		{"a refusal by code, at any host", other, "", body(`{"code":19001,"msg":"param invalid"}`), 1, false, "its answer: code 19001, param invalid: want 0"},
		{"a refusal by status code, at any host", other, "", body(`{"Extra":null,"StatusCode":19001,"StatusMessage":"param invalid"}`), 1, false, "its answer: code 19001, param invalid: want 0"},
		{"a refusal by a code that is not the first", other, "", body(`{"errcode":0,"code":0.5}`), 1, false, "its answer: code 1: want 0"},
		{"a refusal by a code beyond all numbers", other, "", body(`{"errcode":1e999}`), 1, false, "its answer: code 1: want 0"},
		{"a refusal by a large code", other, "", body(`{"code":1e30}`), 1, false, "its answer: code 1: want 0"},
		{"a refusal behind many words", other, "", body(`{"trace":"` + strings.Repeat("x", 100_000) + `","code":5}`), 1, false, "its answer: code 5: want 0"},
		{"a refusal that is not ok, at any host", other, "", body(`{"ok":false,"error":"no token"}`), 1, false, "its answer: not ok, no token: want ok"},
		{"a refusal without success, at any host", other, "", body(`{"success":false,"message":"no"}`), 1, false, "its answer: not ok, no: want ok"},
		{"a refusal of a robot behind another host", other, KindDingTalk, body(`{"errcode":310000,"errmsg":"keywords not in content"}`), 1, false, "DingTalk robot: code 310000, keywords not in content: want 0"},
		{"DingTalk, busy", dingTalk, "", body(`{"errcode":-1,"errmsg":"system busy"}`), 3, false, "DingTalk robot: code -1, system busy"},
		{"WeCom, busy", weCom, "", body(`{"errcode":-1,"errmsg":"system busy"}`), 3, false, "WeCom robot: code -1, system busy"},
		{"-1 of somebody else", other, "", body(`{"errcode":-1}`), 1, false, "its answer: code -1: want 0"},
		{"DingTalk, muted", dingTalk, "", body(`{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}`), 1, false, "DingTalk robot: code 130101, send too fast, exceed 20 times per minute: it is muted for ten minutes: the next run tries again"},
		{"DingTalk, muted otherwise", dingTalk, "", body(`{"errcode":410100,"errmsg":"send too fast"}`), 1, false, "DingTalk robot: code 410100, send too fast: it is muted for ten minutes: the next run tries again"},
		{"DingTalk, throttled without a code", dingTalk, "", body(`{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"1"}`), 1, false, "DingTalk robot: it is muted for some minutes: the next run tries again"},
		{"WeCom, too many a minute", weCom, "", body(`{"errcode":45009,"errmsg":"api freq out of limit"}`), 4, false, "WeCom robot: code 45009, api freq out of limit"},
		{"WeCom, too many at once", weCom, "", body(`{"errcode":45033,"errmsg":"api concurrent out of limit"}`), 4, false, "WeCom robot: code 45033, api concurrent out of limit"},
		{"Feishu, too many", feishu, "", body(`{"code":11232,"msg":"frequency limited"}`), 4, false, "Feishu robot: code 11232, frequency limited"},
		{"Feishu, too many otherwise", feishu, "", says(400, `{"code":9499,"msg":"Too Many Request"}`), 4, false, "Feishu robot: code 9499, Too Many Request"},
		{"Feishu, a bad request", feishu, "", says(400, `{"code":9499,"msg":"Bad Request"}`), 1, false, "answered 400, code 9499, Bad Request: want 200"},
		{"Feishu, over its limit", feishu, "", says(429, `{"code":99991400,"msg":"request trigger frequency limit"}`), 4, false, "Feishu robot: code 99991400, request trigger frequency limit"},
		{"Feishu, over its limit, on older interfaces", feishu, "", says(400, `{"code":99991400,"msg":"request trigger frequency limit"}`), 4, false, "Feishu robot: code 99991400, request trigger frequency limit"},
		{"Feishu, over its limit for long", feishu, "", says(400, `{"code":99991400,"msg":"limit"}`, "x-ogw-ratelimit-reset", "100"), 1, false, "Feishu robot: code 99991400, limit, and asks to wait for 100 s"},
		{"Feishu, its old form", feishu, "", body(`{"ok":false,"error":"token revoked"}`), 1, false, "Feishu robot: not ok, token revoked: want ok"},
		{"a signature that Feishu refuses", feishu, "", body(`{"code":19021,"msg":"sign match fail or timestamp is not within one hour from current time"}`), 1, false, "Feishu robot: code 19021, sign match fail or timestamp is not within one hour from current time: want 0"},
		{"a key that WeCom does not know", weCom, "", body(`{"errcode":93000,"errmsg":"invalid webhook url"}`), 1, false, "WeCom robot: code 93000, invalid webhook url: want 0"},
		{"Slack, no such hook", slack, "", says(404, "no_service"), 1, false, "answered 404, no_service: want 200"},
		{"Slack, a refusal that looks fine", slack, "", body("invalid_payload"), 1, false, "Slack: invalid_payload: want ok"},
		{"Slack, nothing", slack, "", body(""), 1, true, "answered 200 without a body: want the Slack's"},
		{"Slack, a page", slack, "", body("<html>"), 1, true, "answered no word of Slack's: want ok"},
		{"a refusal that repeats the secrets", dingTalk, "", body(`{"errcode":300005,"errmsg":"token ` + hookToken + ` of /robot/send?access_token=` + hookToken + ` is not exist, ` + hookSecret + `"}`), 1, false, "DingTalk robot: code 300005, token [redacted] of /robot/send?access_token=[redacted] is not exist, [redacted]: want 0"},
		{"a refusal that repeats an encoded secret", "https://oapi.dingtalk.com/robot/a%2Fplanted/send?access_token=planted%2Btoken", "", body(`{"errcode":300005,"errmsg":"/robot/a%2Fplanted/send?access_token=planted%2Btoken is planted+token"}`), 1, false, "DingTalk robot: code 300005, /robot/[redacted]/send?access_token=[redacted] is [redacted]: want 0"},
		{"a refusal that repeats a secret where its text is cut", dingTalk, "", body(`{"errcode":300005,"errmsg":"` + strings.Repeat("x", 90) + hookToken + `"}`), 1, false, "DingTalk robot: code 300005, " + strings.Repeat("x", 90) + "[redacted]…: want 0"},
		{"half of a robot's answer", dingTalk, "", body(`{"errcode":0`), 1, true, "answered no DingTalk robot's JSON: want errcode or code"},
		{"no robot's answer", dingTalk, "", body(`<html>`), 1, true, "answered no DingTalk robot's JSON: want errcode or code"},
		{"a robot that answers nothing", weCom, "", status(204), 1, true, "answered 204 without a body: want the WeCom robot's"},
		{"a robot that answers an empty 200", feishu, "", body(""), 1, true, "answered 200 without a body: want the Feishu robot's"},
		{"a connection that ends", other, "", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 1, true, "the connection ended without a whole answer"},
		{"an answer that breaks off", other, "", raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), 1, true, "the answer breaks off"},
		{"bytes that are no HTTP", other, "", raw(hookToken + "\r\n\r\n"), 1, true, "the answer is no HTTP"},
	} {
		calls := 0
		w := receive(t, tt.url, func(rw http.ResponseWriter, r *http.Request) { calls++; tt.answer(rw, r) })
		w.Kind = tt.kind
		err := w.Notify(t.Context(), notice)
		want := "webhook at " + host(t, tt.url) + ": "
		if tt.perhaps {
			want += "perhaps delivered: "
		}
		if want += tt.want; fmt.Sprint(err) != want || calls != tt.calls || PerhapsDelivered(err) != tt.perhaps {
			t.Errorf("%s: %v after %d calls (perhaps: %v)\nwant %s after %d", tt.name, err, calls, PerhapsDelivered(err), want, tt.calls)
		}
		if text := fmt.Sprint(err); strings.Contains(text, hookToken) || strings.Contains(text, hookSecret) {
			t.Errorf("%s: a secret is told: %s", tt.name, text)
		}
	}
}

func host(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	return u.Hostname()
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

// A rounds function answers requests without a network.
type rounds func(r *http.Request) (*http.Response, error)

func (f rounds) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestWaitingForAReceiver has an invocation that ends after so long, and tells
// when the webhook gave up, or got through.
func TestWaitingForAReceiver(t *testing.T) {
	hang := func(r *http.Request, _ int) (*http.Response, error) {
		<-r.Context().Done()
		return nil, context.Cause(r.Context())
	}
	overrun := func(after string) func(*http.Request, int) (*http.Response, error) {
		return func(_ *http.Request, call int) (*http.Response, error) {
			res := &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody}
			if call == 1 {
				res.StatusCode = 429
				res.Header.Set("Retry-After", after)
			}
			return res, nil
		}
	}
	sent := func(answer func(*http.Request, int) (*http.Response, error)) func(*http.Request, int) (*http.Response, error) {
		return func(r *http.Request, call int) (*http.Response, error) {
			httptrace.ContextClientTrace(r.Context()).WroteRequest(httptrace.WroteRequestInfo{})
			return answer(r, call)
		}
	}
	for _, tt := range []struct {
		name   string
		ends   time.Duration // of the invocation
		answer func(r *http.Request, call int) (*http.Response, error)
		calls  int
		after  time.Duration
		want   string
	}{
		{"it can't be sent anything", time.Minute, hang, 3, 15 * time.Second, "webhook at example.com: no whole answer within 15s"},
		{"it takes all and hangs", time.Minute, sent(hang), 1, 15 * time.Second, "webhook at example.com: perhaps delivered: no whole answer within 15s"},
		{"it takes all, hangs, and the invocation ends", 3 * time.Second, sent(hang), 1, 3 * time.Second, "webhook at example.com: perhaps delivered: context deadline exceeded"},
		{"it takes all and answers after fourteen seconds", time.Minute, sent(func(r *http.Request, call int) (*http.Response, error) {
			time.Sleep(14 * time.Second)
			return overrun("")(r, call+1)
		}), 1, 14 * time.Second, "<nil>"},
		{"it hangs, and the invocation ends", 3 * time.Second, hang, 1, 3 * time.Second, "webhook at example.com: context deadline exceeded"},
		{"it is out of reach, and the error repeats the address", time.Minute, func(r *http.Request, _ int) (*http.Response, error) {
			return nil, fmt.Errorf("no route to %s", r.URL)
		}, 4, 0, "webhook at example.com: no route to https://example.com/[redacted]"},
		{"its body hangs", time.Minute, func(r *http.Request, _ int) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: hanging{r.Context()}}, nil
		}, 1, 15 * time.Second, "webhook at example.com: perhaps delivered: no whole answer within 15s"},
		{"it asks for a pause", time.Minute, overrun("7"), 2, 7 * time.Second, "<nil>"},
		{"it asks for a longer pause than there is", 5 * time.Second, overrun("7"), 1, 0, "webhook at example.com: answered 429, and asks to wait for 7 s"},
		{"it asks for a pause until a date", time.Minute, overrun("Wed, 25 Nov 2026 12:00:00 GMT"), 2, time.Millisecond, "<nil>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				w := &Webhook{
					URL: Secret("https://example.com/" + hookToken), Now: time.Now, FirstPause: time.Millisecond,
					Web: &http.Client{Transport: rounds(func(r *http.Request) (*http.Response, error) { calls++; return tt.answer(r, calls) })},
				}
				ctx, stop := context.WithTimeout(t.Context(), tt.ends)
				defer stop()
				began := time.Now()
				err := w.Notify(ctx, notice)
				if got := time.Since(began); fmt.Sprint(err) != tt.want || calls != tt.calls || got.Round(time.Second) != tt.after.Round(time.Second) {
					t.Errorf("%v after %d calls and %v\nwant %s after %d and %v", err, calls, got, tt.want, tt.calls, tt.after)
				}
			})
		})
	}
}

type hanging struct{ ctx context.Context }

func (h hanging) Read([]byte) (int, error) {
	<-h.ctx.Done()
	return 0, h.ctx.Err()
}

func (hanging) Close() error { return nil }

// A receiver on this machine may do without TLS, and the process's own client
// reaches it.
func TestReceiverOnLoopback(t *testing.T) {
	var got []byte
	var header http.Header
	answer := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		header = r.Header
		http.Redirect(rw, r, "/elsewhere", answer)
	}))
	t.Cleanup(server.Close)
	w := &Webhook{URL: Secret(server.URL + "/" + hookToken), Secret: hookSecret, Web: NewWeb(2, 2).Client, FirstPause: time.Millisecond, Now: time.Now}
	if err := w.Notify(t.Context(), notice); err != nil {
		t.Error(err)
	}
	var told Notice
	if err := json.Unmarshal(got, &told); err != nil || told.Text != notice.Text || len(told.Opened) != 1 || told.Closed == nil {
		t.Errorf("it was sent %s (%v), want the notice", got, err)
	}
	if got, want := header.Get("X-Signature-256"), "sha256="+hex.EncodeToString(hash(hookSecret, string(got))); got != want || header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("headers %v, want signature %s", header, want)
	}
	answer = http.StatusFound
	if err := w.Notify(t.Context(), notice); fmt.Sprint(err) != "webhook at 127.0.0.1: answered 302: want 200" {
		t.Errorf("error %v, want one that refuses the redirect", err)
	}
	server.Close()
	err := w.Notify(t.Context(), notice)
	if text := fmt.Sprint(err); !strings.HasPrefix(text, "webhook at 127.0.0.1: dial tcp 127.0.0.1:") || !strings.HasSuffix(text, "connection refused") || strings.Contains(text, hookToken) {
		t.Errorf("error %v, want one of the refused connection", err)
	}
	w.Secret = ""
	w.URL = Secret("https://exa mple.com/" + hookToken)
	if err := w.Notify(t.Context(), notice); fmt.Sprint(err) != "webhook: the address can't be read: want https and a host" {
		t.Errorf("error %v, want one without the address", err)
	}
}

// What can't be delivered is a warning of a run that succeeded.
func TestWebhookThatFailsIsAWarning(t *testing.T) {
	for _, tt := range []struct {
		name     string
		notifier func(t *testing.T) Notifier
		want     string
	}{
		{"a webhook that refuses", func(t *testing.T) Notifier {
			return receive(t, "https://oapi.dingtalk.com/robot/send?access_token="+hookToken, func(rw http.ResponseWriter, _ *http.Request) {
				io.WriteString(rw, `{"errcode":310000,"errmsg":"sign not match, `+hookToken+`"}`)
			})
		}, "webhook at oapi.dingtalk.com: DingTalk robot: code 310000, sign not match, [redacted]: want 0"},
		{"a notifier that panics", func(*testing.T) Notifier { return panicking{} }, "panic: boom"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var logs strings.Builder
			w := newWorld(t, 1)
			w.Notifier, w.Log = tt.notifier(t), slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
			_, err := w.run("2026-11-22")
			must(t, err)
			w.protect(3, 2)
			result, err := w.run("2026-11-23")
			must(t, err)
			want := "2 alerts that opened and 0 that closed could not be delivered, and go out with the next run: " + tt.want
			if got := strings.Join(result.Warnings, "; "); got != want || result.Status != Written || len(result.Alerts) != 2 {
				t.Errorf("status %s, %d alerts, warnings %q; want %s, 2 and %q", result.Status, len(result.Alerts), got, Written, want)
			}
			if text := logs.String(); !strings.Contains(text, "alerts are not delivered") || strings.Contains(text, hookToken) || strings.Contains(text, hookSecret) {
				t.Errorf("logged %s, want what failed and no secret", text)
			}
			if got := openNow(t, w.Store); len(got) != 3 {
				t.Errorf("open are %v, want the total and the region of one alert, and the total of the other", got)
			}
		})
	}
}

type panicking struct{}

func (panicking) Notify(context.Context, Notice) error { panic("boom") }

// What was perhaps delivered is told as such: by a run in a warning, by a preflight as
// what nobody knows.
func TestPerhapsIsSaid(t *testing.T) {
	w := newWorld(t, 1)
	w.inbox.fails = &DeliveryError{To: "webhook at example.com", Perhaps: true, Reason: "no whole answer within 15s"}
	_, err := w.run("2026-11-22")
	must(t, err)
	w.protect(3, 2)
	result, err := w.run("2026-11-23")
	must(t, err)
	if got, want := strings.Join(result.Warnings, "; "), "2 alerts that opened and 0 that closed: webhook at example.com: perhaps delivered: no whole answer within 15s"; got != want {
		t.Errorf("it warns %q, want %q", got, want)
	}
	result, err = w.Handle(t.Context(), []byte(`{"action":"preflight","webhook":true}`))
	must(t, err)
	for _, c := range result.Checks {
		if c.Name == "webhook" && (c.Status != CheckUnknown || !strings.Contains(c.Found, "perhaps delivered") || !strings.Contains(c.Do, "look whether")) {
			t.Errorf("preflight says %+v, want that it is not known", c)
		}
	}
}
