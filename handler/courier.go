package handler

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// A courier posts a message to somebody who is no service of Alibaba Cloud's, and
// finds out what became of it.
type courier struct {
	web      *http.Client
	pause    time.Duration // between two tries, doubling; 0: half a second
	total    time.Duration // of all tries
	harmless bool          // told twice does no harm: what perhaps arrived is sent again
}

const postTries = 4

// A verdict is what became of a try that did not succeed.
type verdict struct {
	reason  string
	passes  bool          // another try is worth it
	perhaps bool          // it may have arrived
	tries   int           // as many at most; 0: as many as there are
	after   time.Duration // the pause that was asked for
}

func (v *verdict) Error() string { return v.reason }

func final(format string, args ...any) *verdict {
	return &verdict{reason: fmt.Sprintf(format, args...)}
}

// deliver tries until a message is taken, which is nil, or there is no use or no
// time.
func (c courier) deliver(ctx context.Context, request func(context.Context) (*http.Request, error), judge func(reply) *verdict) *verdict {
	ctx, stop := context.WithTimeoutCause(ctx, c.total, fmt.Errorf("no whole answer within %v", c.total))
	defer stop()
	deadline, _ := ctx.Deadline()
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = cmp.Or(c.pause, 500*time.Millisecond)
	var last *verdict
	made := 0
	_, err := backoff.Retry(ctx, func() (none struct{}, _ error) {
		made++
		last = c.try(ctx, request, judge)
		switch {
		case last == nil:
			return none, nil
		case !last.passes && (!last.perhaps || !c.harmless), last.tries > 0 && made >= last.tries:
			return none, backoff.Permanent(last)
		case last.after > 0 && last.after >= time.Until(deadline):
			last.reason += fmt.Sprintf(", and asks to wait for %d s", int(last.after.Seconds()))
			return none, backoff.Permanent(last)
		case last.after > 0:
			return none, fmt.Errorf("%w, %w", last, backoff.RetryAfter(int(last.after.Seconds())))
		}
		return none, last
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(postTries))
	if err != nil && last == nil {
		return final("%v", context.Cause(ctx))
	}
	return last
}

// A reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string // its beginning
	whole  bool   // the body is
}

// try sends a message once. It has a third of the time to get out, and what is left
// to be answered.
func (c courier) try(ctx context.Context, request func(context.Context) (*http.Request, error), judge func(reply) *verdict) *verdict {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var sent, answered atomic.Bool
	late := time.AfterFunc(c.total/3, func() {
		if !sent.Load() {
			stop(fmt.Errorf("not sent within %v", c.total/3))
		}
	})
	defer late.Stop()
	req, err := request(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest:         func(i httptrace.WroteRequestInfo) { sent.Store(i.Err == nil) },
		GotFirstResponseByte: func() { answered.Store(true) },
	}))
	if err != nil {
		return final("the message can't be made: %v", err)
	}
	req.Close = true // a kept connection that has ended takes a message and says nothing
	res, err := c.web.Do(req)
	if err != nil {
		return &verdict{reason: why(ctx, err, answered.Load()), passes: !sent.Load(), perhaps: sent.Load()}
	}
	sent.Store(true)
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	v := judge(reply{res.StatusCode, res.Header, strings.TrimSpace(string(body)), err == nil})
	if v != nil && v.perhaps && ctx.Err() != nil {
		v.reason = context.Cause(ctx).Error()
	}
	return v
}

// why says why there is no answer. Once a peer has said something, net/http's own
// text quotes it, which may be what the peer was sent: then the class is told alone.
func why(ctx context.Context, err error, answered bool) string {
	var located *url.Error
	var timeout net.Error
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx).Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection ended without a whole answer"
	case errors.Is(err, syscall.ECONNRESET):
		return "the connection was reset"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no whole answer in time"
	case answered:
		return "the answer is no HTTP"
	case errors.As(err, &located):
		return located.Err.Error() // the rest of its text is the address
	}
	return err.Error()
}

// A saying is what an answer says in JSON of how it went, in the forms that chats and
// heartbeats have.
type saying struct {
	code  *int64 // errcode, code or StatusCode; of several, the one that is not 0
	ok    *bool  // ok or success
	words string
	json  bool // it is an object
	muted bool // of DingTalk, without a code
}

func (a reply) read() (s saying) {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(a.body), &object) != nil {
		if !strings.ContainsAny(a.body, "<{") { // some answer in words
			s.words = a.body
		}
		return s
	}
	s.json = object != nil
	for _, name := range []string{"errcode", "code", "StatusCode"} {
		n, err := strconv.ParseFloat(string(object[name]), 64)
		if (err == nil || errors.Is(err, strconv.ErrRange)) && (s.code == nil || *s.code == 0) {
			code := int64(n)
			if n != 0 && float64(code) != n { // it is no 0, whatever it is
				code = 1
			}
			s.code = &code
		}
	}
	for _, name := range []string{"ok", "success"} {
		var b bool
		if object[name] != nil && json.Unmarshal(object[name], &b) == nil && (s.ok == nil || *s.ok) {
			s.ok = &b
		}
	}
	for _, name := range []string{"errmsg", "msg", "StatusMessage", "message", "error"} {
		var words string
		if json.Unmarshal(object[name], &words) == nil && s.words == "" {
			s.words = words
		}
	}
	var punish string
	s.muted = json.Unmarshal(object["punish"], &punish) == nil && s.code == nil
	return s
}

// refuses tells an answer that says no.
func (s saying) refuses() bool { return s.code != nil && *s.code != 0 || s.ok != nil && !*s.ok }

// String is the code and the words, as far as there are some.
func (s saying) String() string {
	var parts []string
	if s.code != nil {
		parts = append(parts, fmt.Sprintf("code %d", *s.code))
	} else if s.ok != nil && !*s.ok {
		parts = append(parts, "not ok")
	}
	if s.words != "" {
		parts = append(parts, cut(oneLine(s.words), 100))
	}
	return strings.Join(parts, ", ")
}

// said ends a sentence with what an answer says, if it says something.
func (s saying) said() string {
	if text := s.String(); text != "" {
		return ", " + text
	}
	return ""
}

// wait is the pause that an answer asks for, in whole seconds.
func (a reply) wait() time.Duration {
	for _, name := range []string{"Retry-After", "X-Ogw-Ratelimit-Reset"} { // the latter is Feishu's
		if seconds, err := strconv.Atoi(a.header.Get(name)); err == nil && seconds > 0 {
			return time.Duration(min(seconds, 1<<30)) * time.Second
		}
	}
	return 0
}

// judgeStatus is the verdict over an answer outside of 2xx. 504 is said by a gateway
// that has handed on what it was sent, and heard nothing.
func (a reply) judgeStatus(s saying) *verdict {
	v := &verdict{reason: fmt.Sprintf("answered %d%s", a.status, s.said()), after: a.wait()}
	switch {
	case a.status == http.StatusGatewayTimeout:
		v.perhaps = true
	case a.status == http.StatusRequestTimeout, a.status == http.StatusTooManyRequests, a.status >= 500:
		v.passes = true
	default:
		v.reason += ": want 200"
	}
	return v
}
