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
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"backup-statistics/handler/redact"
	"backup-statistics/report"
)

// A Notice is what a receiver of alerts is told.
type Notice struct {
	Text         string         `json:"text"` // for people
	SnapshotDate report.Date    `json:"snapshot_date"`
	TimeZone     string         `json:"time_zone"`
	Opened       []report.Alert `json:"opened"`
	Closed       []report.Alert `json:"closed"`
}

// A Notifier tells people. A [Webhook] is one.
type Notifier interface {
	Notify(ctx context.Context, n Notice) error
}

// A Webhook posts notices to an address, in the form that its host takes:
// DingTalk, Feishu (or Lark), WeCom, or JSON for any other. Its errors name the
// host alone: the rest of the address is a secret.
type Webhook struct {
	URL, Secret Secret
	Web         *http.Client
	Now         func() time.Time
	Redactor    *redact.Redactor // takes out what an answer repeats; the address and the secret are known to it or not
	FirstPause  time.Duration    // between two tries, doubling; 0: half a second
	Total       time.Duration    // of all tries, a third of it each; 0: 15 s, since the run has other work
}

// The custom robots of DingTalk, Feishu and WeCom answer 200 and say in the body
// whether they took a message; both names of the field stand for no error at 0.
type robotAnswer struct {
	ErrCode *int   `json:"errcode"` // DingTalk, WeCom
	Code    *int   `json:"code"`    // Feishu
	ErrMsg  string `json:"errmsg"`
	Msg     string `json:"msg"`
}

const noticeTries = 4

// Notify posts a notice. What fails in passing is tried again while there is
// time; every try is signed anew, since receivers refuse an old signature.
func (w *Webhook) Notify(ctx context.Context, n Notice) error {
	address, err := url.Parse(w.URL.Reveal())
	if err != nil {
		return errors.New("webhook: the address can't be read: want https and a host")
	}
	total := cmp.Or(w.Total, 15*time.Second)
	ctx, stop := context.WithTimeoutCause(ctx, total, fmt.Errorf("no whole answer within %v", total))
	defer stop()
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = cmp.Or(w.FirstPause, 500*time.Millisecond)
	var last error
	_, err = backoff.Retry(ctx, func() (struct{}, error) {
		last = w.post(ctx, total/3, *address, n)
		return struct{}{}, last
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(noticeTries))
	if err != nil {
		var permanent *backoff.PermanentError
		if errors.As(last, &permanent) {
			last = permanent.Err
		}
		return fmt.Errorf("webhook at %s: %s", address.Hostname(), w.hide(last.Error()))
	}
	return nil
}

func (w *Webhook) post(ctx context.Context, limit time.Duration, address url.URL, n Notice) error {
	deadline, _ := ctx.Deadline()
	ctx, stop := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no whole answer within %v", limit))
	defer stop()
	body, header, err := w.form(&address, n)
	if err != nil {
		return backoff.Permanent(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), bytes.NewReader(body))
	if err != nil {
		return backoff.Permanent(errors.New("the address can't be read"))
	}
	req.Header = header
	res, answer, err := w.send(req)
	switch {
	case err == nil:
		return judge(robot(address.Hostname()), res, w.hide(answer), time.Until(deadline))
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return err
}

// send gives an answer with the beginning of its body.
func (w *Webhook) send(req *http.Request) (*http.Response, string, error) {
	res, err := w.Web.Do(req)
	if err != nil {
		var broken *url.Error
		if errors.As(err, &broken) {
			err = broken.Err // the rest of its text is the address
		}
		return nil, "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	return res, string(answer), err
}

// hide takes what is secret out of a text that a receiver may have written.
func (w *Webhook) hide(text string) string {
	return w.Redactor.With(append(redact.Address(w.URL.Reveal()), w.Secret.Reveal())...).Text(text)
}

// judge tells a message that was taken from one that was not. Robots refuse in
// the body of an answer that looks fine. What asks for more patience than there is
// time left is not asked again.
func judge(robot string, res *http.Response, answer string, left time.Duration) error {
	if res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500 {
		seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
		switch {
		case err != nil || seconds <= 0:
			return fmt.Errorf("answered %d", res.StatusCode)
		case seconds >= int(left.Seconds()):
			return backoff.Permanent(fmt.Errorf("answered %d, and asks to wait for %d s", res.StatusCode, seconds))
		}
		return fmt.Errorf("answered %d, %w", res.StatusCode, backoff.RetryAfter(seconds))
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return backoff.Permanent(fmt.Errorf("answered %d: want 200", res.StatusCode))
	}
	if robot == "" {
		return nil
	}
	var a robotAnswer
	if json.Unmarshal([]byte(answer), &a) != nil || a.ErrCode == nil && a.Code == nil {
		return fmt.Errorf("answered no %s robot's JSON: want errcode or code", robot)
	}
	code, text := 0, a.ErrMsg+a.Msg
	for _, c := range []*int{a.ErrCode, a.Code} {
		if c != nil && *c != 0 {
			code = *c
		}
	}
	switch {
	case code == 0:
		return nil
	case code == 130101 || code == 410100 || code == 45009 || code == 9499 || code == 11232: // too many messages
		return fmt.Errorf("%s robot: code %d, %s", robot, code, cut(text, 100))
	}
	return backoff.Permanent(fmt.Errorf("%s robot: code %d, %s: want 0", robot, code, cut(text, 100)))
}

// robot names the kind of receiver by its host; "" takes JSON.
func robot(host string) string {
	host = strings.ToLower(host)
	for suffix, name := range map[string]string{
		"dingtalk.com": "DingTalk", "feishu.cn": "Feishu", "larksuite.com": "Feishu", "qyapi.weixin.qq.com": "WeCom",
	} {
		if host == suffix || strings.HasSuffix(host, "."+suffix) {
			return name
		}
	}
	return ""
}

// form gives the body that a receiver takes, and signs it where there is a
// secret: DingTalk in the address, Feishu in the body, others in a header.
func (w *Webhook) form(address *url.URL, n Notice) ([]byte, http.Header, error) {
	header := http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	message := map[string]any{"msgtype": "text", "text": map[string]string{"content": n.Text}}
	now, secret := w.Now(), w.Secret.Reveal()
	switch robot(address.Hostname()) {
	case "DingTalk":
		if secret != "" {
			query := address.Query()
			at := strconv.FormatInt(now.UnixMilli(), 10)
			query.Set("timestamp", at)
			query.Set("sign", signDingTalk(secret, at))
			address.RawQuery = query.Encode()
		}
	case "Feishu":
		message = map[string]any{"msg_type": "text", "content": map[string]string{"text": n.Text}}
		if secret != "" {
			at := strconv.FormatInt(now.Unix(), 10)
			message["timestamp"], message["sign"] = at, signFeishu(secret, at)
		}
	case "WeCom":
	default:
		body, err := json.Marshal(n)
		if secret != "" {
			header.Set("X-Signature-256", "sha256="+hex.EncodeToString(sum(secret, string(body))))
		}
		return body, header, err
	}
	body, err := json.Marshal(message)
	return body, header, err
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
