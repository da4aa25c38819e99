package handler

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"backup-statistics/handler/redact"
)

// A Webhook posts notices to an address, in the form that its kind of receiver takes.
// Its errors name the host alone: the rest of the address is a secret.
type Webhook struct {
	URL, Secret Secret
	Kind        string // of the receiver, such as KindSlack; "": told by the host
	Web         *http.Client
	Now         func() time.Time
	Redactor    *redact.Redactor // knows further secrets; nil: there are none
	FirstPause  time.Duration    // between two tries, doubling; 0: half a second
	Total       time.Duration    // of all tries; 0: 15 s, since the run has other work
}

// Notify posts a notice until it is taken, refused, or perhaps taken: what went out
// whole is not sent again. What fails in passing is tried again while there is time;
// every try is signed anew, since receivers refuse an old signature. Its error is a
// [*DeliveryError].
func (w *Webhook) Notify(ctx context.Context, n Notice) error {
	address, err := url.Parse(w.URL.Reveal())
	if err != nil || address.Host == "" {
		return &DeliveryError{To: "webhook", Reason: "the address can't be read: want https and a host"}
	}
	kind := cmp.Or(w.Kind, kindOf(address.Hostname()))
	secrets := w.Redactor.With(append(redact.Address(w.URL.Reveal()), w.Secret.Reveal())...)
	n.Text = secrets.Text(n.Text)
	c := courier{web: w.Web, pause: w.FirstPause, total: cmp.Or(w.Total, 15*time.Second)}
	v := c.deliver(ctx, func(ctx context.Context) (*http.Request, error) {
		return form(ctx, kind, *address, w.Secret.Reveal(), w.Now(), n)
	}, func(a reply) *verdict { return judge(kind, a) })
	if v != nil {
		return &DeliveryError{To: "webhook at " + address.Hostname(), Perhaps: v.perhaps, Reason: secrets.Text(v.reason)}
	}
	return nil
}

// Names from outside may look like mentions, which would call a whole company: of
// Feishu and Slack in pointed brackets, elsewhere behind an @.
var (
	unmentioned = strings.NewReplacer("@", "＠", "<", "＜", ">", "＞")
	unmarked    = strings.NewReplacer("@", "＠", "&", "&amp;", "<", "&lt;", ">", "&gt;") // Slack's own escapes
)

// form makes the request that a kind of receiver takes, and signs it where there is a
// secret: DingTalk's in the address, Feishu's in the body, of others in a header.
func form(ctx context.Context, kind string, address url.URL, secret string, now time.Time, n Notice) (*http.Request, error) {
	header := http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	text := unmentioned.Replace(n.Text)
	if kind == KindSlack {
		text = unmarked.Replace(n.Text)
	}
	if most := robots[kind].most; most > 0 && len(text) > most {
		text = cut(text, most-len("…"))
	}
	var message any = map[string]any{"msgtype": "text", "text": map[string]string{"content": text}}
	switch kind {
	case KindDingTalk:
		if secret != "" {
			query := address.Query()
			at := strconv.FormatInt(now.UnixMilli(), 10)
			query.Set("timestamp", at)
			query.Set("sign", signDingTalk(secret, at))
			address.RawQuery = query.Encode()
		}
	case KindFeishu:
		m := map[string]any{"msg_type": "text", "content": map[string]string{"text": text}}
		if secret != "" {
			at := strconv.FormatInt(now.Unix(), 10)
			m["timestamp"], m["sign"] = at, signFeishu(secret, at)
		}
		message = m
	case KindSlack:
		message = map[string]string{"text": text}
	case KindJSON:
		n.Text = text
		message = struct {
			ID string `json:"id"` // by which a receiver drops repeats
			Notice
		}{n.ID(), n}
	}
	body, err := json.Marshal(message)
	if err != nil {
		return nil, err
	}
	if kind == KindJSON && secret != "" {
		header.Set("X-Signature-256", "sha256="+hex.EncodeToString(sum(secret, string(body))))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), bytes.NewReader(body))
	if err == nil {
		req.Header = header
	}
	return req, err
}

// signDingTalk is DingTalk's signature of a custom robot: the time in
// milliseconds and the secret, with the secret as the key.
func signDingTalk(secret, at string) string {
	return base64.StdEncoding.EncodeToString(sum(secret, at+"\n"+secret))
}

// signFeishu is Feishu's signature of a custom bot: of nothing, with the time in
// seconds and the secret as the key.
func signFeishu(secret, at string) string {
	return base64.StdEncoding.EncodeToString(sum(at+"\n"+secret, ""))
}

func sum(key, data string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(data))
	return mac.Sum(nil)
}

// judge tells a message that was taken, which is nil, from one that was not. A refusal
// is one whoever sends it: robots refuse in the body of an answer that looks fine, and
// a company's own host may stand before one.
func judge(kind string, a reply) *verdict {
	said, robot := a.read(), robots[kind].name
	if v := busy(kind, a, said); v != nil {
		return v
	}
	if a.status < 200 || a.status > 299 {
		return a.judgeStatus(said)
	}
	who := robot
	if who == "" {
		who = "its answer"
	}
	switch {
	case said.refuses() && said.code != nil:
		return final("%s: %v: want 0", who, said)
	case said.refuses():
		return final("%s: %v: want ok", who, said)
	case kind == KindJSON && a.whole:
		return nil
	case kind == KindSlack && (a.body == "ok" || said.ok != nil):
		return nil
	case kind == KindSlack && made(a.body, lower+"_"):
		return final("Slack: %s: want ok", a.body) // such as invalid_payload or no_service
	case kind != KindSlack && (said.code != nil || said.ok != nil):
		return nil
	case !a.whole:
		return &verdict{reason: "the answer breaks off", perhaps: true}
	case a.body == "":
		return &verdict{reason: "answered " + strconv.Itoa(a.status) + " without a body: want the " + robot + "'s", perhaps: true}
	case kind == KindSlack:
		return &verdict{reason: "answered no word of Slack's: want ok", perhaps: true}
	}
	return &verdict{reason: "answered no " + robot + "'s JSON: want errcode or code", perhaps: true}
}

// busy knows the answers of robots that take no message now, and will later. They come
// with any status. A robot that is muted stays so for minutes, which no run waits for.
func busy(kind string, a reply, said saying) *verdict {
	reason := robots[kind].name + ": " + said.String()
	if said.code == nil {
		if kind == KindDingTalk && said.muted {
			return final("DingTalk robot: it is muted for some minutes: the next run tries again")
		}
		return nil
	}
	v := &verdict{reason: reason, passes: true, after: a.wait()}
	switch code := *said.code; {
	case code == -1 && (kind == KindDingTalk || kind == KindWeCom):
		v.tries = 3 // more are not wanted there
		return v
	case kind == KindDingTalk && (code == 130101 || code == 410100):
		return final("%s: it is muted for ten minutes: the next run tries again", reason)
	case kind == KindWeCom && (code == 45009 || code == 45033),
		kind == KindFeishu && (code == 11232 || code == 99991400),
		kind == KindFeishu && code == 9499 && strings.Contains(strings.ToLower(said.words), "too many request"):
		return v
	}
	return nil
}
