package cloudbackup

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/alibabacloud-go/tea/dara"
	"github.com/aliyun/credentials-go/credentials"

	"backup-statistics/handler/fault"
	"backup-statistics/handler/redact"
)

// How much of a service's text is shown, in characters.
const (
	maxMessage = 200
	maxExcerpt = 60
	maxWord    = 100
	maxText    = 4 << 10 // bytes that are looked at
)

// A Refusal is a service saying no, in its own words. Secrets are taken out of
// them.
type Refusal struct {
	Action    string // what was asked for, such as GetBasicStatistics
	Code      string // such as NoPermission; empty where the service gave none
	Message   string // for people; empty where it may hold what was signed
	RequestID string // what Alibaba Cloud's support asks for; may be empty
	Status    int    // of HTTP; may be 200
}

// Error reads like "GetBasicStatistics: NoPermission (403, request EB52…): User
// is not authorized to do this operation."
func (r *Refusal) Error() string {
	text := fmt.Sprintf("%s: %s (%d", r.Action, cmp.Or(r.Code, "refused without a Code"), r.Status)
	if r.RequestID != "" {
		text += ", request " + r.RequestID
	}
	text += ")"
	if r.Message != "" {
		text += ": " + r.Message
	}
	return text
}

// Fault is why the service refused.
func (r *Refusal) Fault() fault.Cause {
	cause, _ := fault.OfCode(r.Code, r.Status)
	return cause
}

// NotActivated tells whether the account has not activated the service.
func (r *Refusal) NotActivated() bool { return r.Code == "ServiceNotActivated" }

// NotActivated tells whether a call failed because the account has not
// activated the service. Nothing is protected there, and nothing is broken.
func NotActivated(err error) bool {
	var r *Refusal
	return errors.As(err, &r) && r.NotActivated()
}

// A speech says what went wrong in an attempt, without what must not be said.
type speech struct {
	op      operation
	secrets *redact.Redactor // of the operation and of the key that signs
}

func newSpeech(op operation, key *credentials.CredentialModel) speech {
	return speech{op, redact.New(append([]string{
		dara.StringValue(key.AccessKeyId), dara.StringValue(key.AccessKeySecret), dara.StringValue(key.SecurityToken),
	}, op.hidden...))}
}

// unsent says why no whole answer came.
func (s speech) unsent(ctx context.Context, err error) *failure {
	f := &failure{unsaid: true, passing: true}
	why := fault.Unreachable
	var way *fault.Interruption
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx) // the network only repeats it
	case errors.As(err, &way):
		why, f.passing = way.Cause, way.Again != fault.Never
	default: // larger than any answer, or not sent
		why, f.passing = fault.Stranger, false
	}
	f.err = s.wrap(why, err)
	return f
}

// refused says what an answer with another status than 2xx means. It is the
// service's where it has a Code and a RequestId; anybody else's passes.
func (s speech) refused(a answer) *failure {
	top, err := parse(a.body, true)
	code := top.word("Code")
	why := fault.Stranger
	if fault.Passes(a.status) {
		why = fault.Busy
	}
	f := &failure{passing: true, waitsFor: a.retryAfter()}
	switch {
	case a.status/100 == 3:
		f.err, f.passing = s.judge(a, why, "answered %d: redirects are not followed", a.status), requestID(a) == ""
	case err != nil:
		f.err = s.judge(a, why, "answered %d%s: want JSON", a.status, s.excerpt(a))
	case code == "":
		f.err = s.judge(a, why, "answered %d%s: want JSON with a Code", a.status, s.excerpt(a))
	default:
		return s.refusal(a, &Refusal{Code: code, Message: top.word("Message")})
	}
	return f
}

// unreadable says what came with status 2xx instead of a JSON object.
func (s speech) unreadable(a answer, err error) *failure {
	f := &failure{passing: true, waitsFor: a.retryAfter()}
	switch {
	case cutShort(a.body):
		f.err = s.judge(a, fault.Stranger, "%v after %d bytes: want a whole JSON object", errCutShort, len(a.body))
	case s.op.secret || !bytes.HasPrefix(trim(a.body), []byte("{")):
		f.err = s.judge(a, fault.Stranger, "answered %d%s: want JSON", a.status, s.excerpt(a))
	default:
		f.err = s.judge(a, fault.Stranger, "answer: %v", err)
	}
	return f
}

// unusable says why an answer with status 2xx was not accepted. It is a refusal after
// all, or none of the service's, or it was garbled on its way: that passes.
func (s speech) unusable(a answer, err error) *failure {
	var r *Refusal
	if errors.As(err, &r) {
		return s.refusal(a, r)
	}
	return &failure{err: s.judge(a, fault.Stranger, "answer: %v", err), passing: true, waitsFor: a.retryAfter()}
}

// refusal completes a Refusal. Some messages show what was signed; nothing of them is
// kept. What has no RequestId is nobody's word: an account is not without Cloud Backup
// because a stranger says so.
func (s speech) refusal(a answer, r *Refusal) *failure {
	if requestID(a) == "" {
		return &failure{err: s.judge(a, fault.Stranger, "answered %d%s: want a RequestId", a.status, s.excerpt(a)), passing: true, waitsFor: a.retryAfter()}
	}
	r.Action, r.Status = s.op.action, a.status
	r.Code = cut(s.hide(r.Code), maxWord)
	r.RequestID = cut(s.hide(requestID(a)), maxWord)
	r.Message = cut(s.hide(r.Message), maxMessage)
	if fault.Quotes(r.Code) {
		r.Message = ""
	}
	_, again := fault.OfCode(r.Code, r.Status)
	return &failure{err: r, passing: again != fault.Never, patient: s.op.patient && r.throttled(), waitsFor: a.retryAfter()}
}

// A said error prints a text without secrets in place of its cause's.
type said struct {
	text  string
	why   fault.Cause
	cause error // nil where its own text holds a secret
}

func (e *said) Error() string      { return e.text }
func (e *said) Unwrap() error      { return e.cause }
func (e *said) Fault() fault.Cause { return e.why }

func (s speech) wrap(why fault.Cause, err error) error {
	text := s.hide(err.Error())
	e := &said{text: s.op.action + ": " + text, why: why, cause: err}
	if text != err.Error() {
		e.cause = nil
	}
	return e
}

// judge says what is wrong with an answer.
func (s speech) judge(a answer, why fault.Cause, format string, args ...any) error {
	text := s.op.action + ": " + s.hide(fmt.Sprintf(format, args...))
	if id := requestID(a); id != "" {
		text += " (request " + cut(s.hide(id), maxWord) + ")"
	}
	return &said{text: text, why: why}
}

// excerpt shows the beginning of a body that is not what it should be.
func (s speech) excerpt(a answer) string {
	body := trim(a.body)
	if len(body) == 0 {
		return " with an empty body"
	}
	text := " with"
	if kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";"); kind != "" {
		text += " " + cut(kind, maxExcerpt)
	}
	if s.op.secret {
		return text + " (not shown)"
	}
	return text + ` "` + cut(s.hide(string(body)), maxExcerpt) + `"`
}

func requestID(a answer) string {
	top, _ := parse(a.body, true)
	return cmp.Or(top.word("RequestId"), a.header.Get("X-Acs-Request-Id"))
}

// hide takes the secrets out of a text, and what is no printable character. Only
// the beginning of a text is shown at all.
func (s speech) hide(text string) string {
	return s.secrets.Text(printable(text[:min(len(text), maxText)]))
}

// printable drops what would break a line or hide in it.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case unicode.IsPrint(c):
			return c
		case unicode.IsSpace(c):
			return ' '
		}
		return -1
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
