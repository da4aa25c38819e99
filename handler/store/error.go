package store

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// An Error is OSS refusing or failing. It tells what an operator and Alibaba
// Cloud's support ask for. The service's own message stays behind: it can hold
// the string to sign, with the security token in it.
type Error struct {
	Op        string // get, put or list; compare: PutNew looking at what is there
	Key       string // as in the bucket, with the store's prefix
	Status    int    // of HTTP; 0 where no answer came
	Code      string // such as AccessDenied; "" where the answer has none
	RequestID string
	EC        string // the finer code behind Code, such as 0026-00000002
	Tries     int    // requests that were made

	cause      error         // a sentinel, or what went wrong on the way
	ended      error         // why there was no further try: ctx's end
	again      int           // how many more tries are worth it
	retryAfter time.Duration // the pause that the service asks for
}

// Error reads like "put a/b.json: AccessDenied (403, request 5C3D…)".
func (e *Error) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s", e.Op, cmp.Or(e.Key, `""`))
	if what := e.what(); what != "" {
		fmt.Fprintf(&text, ": %s", what)
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

// word lets only codes and ids pass, so that no text of the service prints.
func word(s string) string {
	other := func(r rune) bool {
		return r != '-' && r != '.' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	if len(s) > 64 || strings.ContainsFunc(s, other) {
		return ""
	}
	return s
}
