package store

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"backup-statistics/handler/fault"
	"backup-statistics/handler/redact"
)

// An Error is OSS refusing or failing. It tells what an operator and Alibaba
// Cloud's support ask for. Of the service's error document it keeps what is named
// here: other elements hold the string to sign, with the security token in it.
type Error struct {
	Op        string // get, put or list; compare: PutNew looking at what is there
	Key       string // as in the bucket, with the store's prefix
	Status    int    // of HTTP; 0 where no answer came
	Code      string // such as AccessDenied; "" where the answer has none
	Message   string // for people; "" where there is none, or it repeats what was signed
	Endpoint  string // where the bucket is, such as oss-cn-beijing.aliyuncs.com; "" where that is not said
	RequestID string
	EC        string // the finer code behind Code, such as 0026-00000002
	Tries     int    // requests that were made

	cause      error         // a sentinel, or what went wrong on the way
	why        fault.Cause   // as far as it is known
	ended      error         // why there was no further try: ctx's end
	again      int           // how many more tries are worth it
	retryAfter time.Duration // the pause that the service asks for
}

// Fault is why it failed.
func (e *Error) Fault() fault.Cause { return e.why }

// Advice is what to do about it. Where OSS says where the bucket is, so does this.
func (e *Error) Advice() string {
	region, ours := strings.CutPrefix(e.Endpoint, "oss-")
	region, _, _ = strings.Cut(strings.TrimSuffix(region, "-internal.aliyuncs.com"), ".")
	switch {
	case e.Endpoint == "" || e.why != fault.Region:
		return e.why.Advice()
	case ours:
		return fmt.Sprintf("the bucket is there, in another region: set OSS_REGION=%s, and OSS_ENDPOINT=https://%s", region, e.Endpoint)
	}
	return "the bucket is there, in another region: set OSS_REGION to it, and OSS_ENDPOINT=https://" + e.Endpoint
}

// Error reads like "put a/b.json: AccessDenied (403, request 5C3D…): The bucket
// you access does not belong to you."
func (e *Error) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s", e.Op, cmp.Or(e.Key, `""`))
	if what := e.what(); what != "" {
		fmt.Fprintf(&text, ": %s", what)
		if e.Message != "" {
			fmt.Fprintf(&text, ": %s", e.Message)
		}
		if e.Tries > 1 {
			fmt.Fprintf(&text, ", tried %d times", e.Tries)
		}
	}
	if e.ended != nil {
		fmt.Fprintf(&text, ": %v", e.ended)
	}
	return text.String()
}

func (e *Error) what() string {
	text := e.Code
	if text == "" && e.cause != nil {
		text = e.cause.Error()
	}
	if e.Status == 0 {
		return text
	}
	details := fmt.Sprint(e.Status)
	if e.RequestID != "" {
		details += ", request " + e.RequestID
	}
	if e.EC != "" {
		details += ", EC " + e.EC
	}
	return cmp.Or(text, http.StatusText(e.Status), "status") + " (" + details + ")"
}

// Unwrap returns the sentinel that Code stands for ([io/fs.ErrNotExist],
// [io/fs.ErrExist]) or the network's error, and ctx's error where that ended
// the tries.
func (e *Error) Unwrap() []error {
	var errs []error
	for _, err := range []error{e.cause, e.ended} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// sentence is a message of the service on one short line, without what was signed.
func sentence(s string, keys []string) string {
	const most, looked = 200, 4 << 10
	s = redact.New(keys).Text(s[:min(len(s), looked)])
	s = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case !unicode.IsPrint(c):
			return -1
		}
		return c
	}, strings.ToValidUTF8(strings.TrimSpace(s), "\uFFFD"))
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}

// word lets only codes and ids pass, so that no other text of the service prints.
func word(s string) string {
	s = strings.TrimSpace(s)
	other := func(r rune) bool {
		return r != '-' && r != '.' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	if len(s) > 64 || strings.ContainsFunc(s, other) {
		return ""
	}
	return s
}
