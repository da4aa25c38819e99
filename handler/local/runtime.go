//go:build !function

package local

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// invocationPath is where Function Compute's runtime API keeps invocations.
	invocationPath = "/2020-11-11/runtime/invocation/"
	// maxAnswerBytes is more than Function Compute takes, so that an answer
	// that is too long is noticed by whoever reads it, not cut off here.
	maxAnswerBytes = 32 << 20

	defaultRetries = 3 // Function Compute's own
	defaultPause   = 200 * time.Millisecond

	// startTime is what a process may take to ask for its first event, besides
	// the function's timeout, which counts from then on.
	startTime = 10 * time.Second
)

// A Function is what Function Compute knows of a function from its settings.
type Function struct {
	Name       string
	Handler    string
	Memory     string // in MB
	Timeout    time.Duration
	Region     string
	AccountID  string
	Qualifier  string
	VersionID  string
	LogProject string
	LogStore   string
}

// An Invocation is one event on its way to the function.
type Invocation struct {
	Event []byte
	// RequestID is made up where it is empty: "t-…" by InvokeAsync, as timers
	// have it, and "1-…" by Invoke.
	RequestID string
	// Key is the function's role. Where it is empty, Runtime.Issue makes one;
	// where that is nil, the function has no role.
	Key        Key
	RetryCount int
	Timeout    time.Duration // 0: that of the function
}

// An Outcome is how an invocation ended.
type Outcome struct {
	RequestID string
	// Body is the answer, or the error in Function Compute's form.
	Body []byte
	// Failed tells a function error: one it returned, a panic, a time-out or
	// the end of its process.
	Failed       bool
	ErrorType    string // empty where the function did not report the error itself
	ErrorMessage string
	TimedOut     bool
	Exited       bool
	// Start is the time from the start of the process to the moment it asked
	// for the event; 0 where it was running already.
	Start time.Duration
	// Duration is the time from the moment the event was handed out.
	Duration time.Duration
}

// A Runtime plays Function Compute for one instance of a function: it speaks
// the runtime API that the function's process asks for events, and sends it one
// invocation at a time. It serves whoever comes; with a Process it starts that,
// again after each exit, on a listener of its own.
type Runtime struct {
	Function Function
	Process  *Process
	// Issue makes the credentials of an invocation that brings none, and says
	// how to take them back when it is over.
	Issue func() (key Key, revoke func())
	// Retries is how often an asynchronous invocation is repeated after a
	// function error. 0 stands for Function Compute's 3, less than 0 for none.
	Retries int
	// Pause is the time before a repetition. 0 stands for a fifth of a second.
	Pause time.Duration
	// FreshRetryIDs gives a repetition a request id of its own. Which of the
	// two Function Compute does is not documented.
	FreshRetryIDs bool

	once    sync.Once
	busy    chan struct{} // holds one element while an invocation runs
	visitor *instance     // whoever comes to ServeHTTP

	mu     sync.Mutex
	child  *child
	closed bool
}

func (r *Runtime) init() {
	r.once.Do(func() {
		r.busy = make(chan struct{}, 1)
		r.visitor = newInstance(0)
	})
}

// ServeHTTP speaks the runtime API to a process that somebody else started.
func (r *Runtime) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.init()
	r.visitor.ServeHTTP(w, req)
}

// Invoke sends one event and waits for its outcome, like the console. It is an
// error of its own only if the event could not be sent, or ctx ended first.
func (r *Runtime) Invoke(ctx context.Context, e Invocation) (Outcome, error) {
	r.init()
	select {
	case r.busy <- struct{}{}:
		defer func() { <-r.busy }()
	case <-ctx.Done():
		return Outcome{}, fmt.Errorf("invoke the function: %w", ctx.Err())
	}
	if e.Key == (Key{}) && r.Issue != nil {
		key, revoke := r.Issue()
		defer revoke()
		e.Key = key
	}
	e.RequestID = cmp.Or(e.RequestID, newID("1"))
	e.Timeout = cmp.Or(e.Timeout, r.Function.Timeout)
	if e.Timeout <= 0 {
		return Outcome{}, fmt.Errorf("invoke the function: the timeout is %v: want more than 0, such as 60s", e.Timeout)
	}
	in, launched, err := r.instance(e.Key)
	if err != nil {
		return Outcome{}, fmt.Errorf("invoke the function: %w", err)
	}
	t := &turn{Invocation: e, function: r.Function, done: make(chan Outcome, 1)}
	out, err := in.run(ctx, t)
	if err != nil || out.TimedOut {
		r.Stop() // what it still does belongs to an invocation that is over
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("invoke the function: %w", err)
	}
	out.RequestID = e.RequestID
	if !launched.IsZero() && !t.began.IsZero() {
		out.Start = t.began.Sub(launched)
	}
	return out, nil
}

// InvokeAsync sends one event as Function Compute's asynchronous invocations
// are sent: after a function error the same event comes again, with a higher
// retry count, until it succeeds or Retries is reached. It returns the outcome
// of each attempt.
func (r *Runtime) InvokeAsync(ctx context.Context, e Invocation) ([]Outcome, error) {
	e.RequestID = cmp.Or(e.RequestID, newID("t"))
	var outcomes []Outcome
	for {
		out, err := r.Invoke(ctx, e)
		if err != nil {
			return outcomes, err
		}
		outcomes = append(outcomes, out)
		if !out.Failed || e.RetryCount >= cmp.Or(r.Retries, defaultRetries) {
			return outcomes, nil
		}
		select {
		case <-time.After(cmp.Or(r.Pause, defaultPause)):
		case <-ctx.Done():
			return outcomes, fmt.Errorf("invoke the function again: %w", ctx.Err())
		}
		e.RetryCount++
		if r.FreshRetryIDs {
			e.RequestID = newID("t")
		}
	}
}

// Close ends the process for good: nothing can be invoked afterwards.
func (r *Runtime) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.Stop()
}

// Stop ends the process, if one runs. The next invocation starts cold.
func (r *Runtime) Stop() {
	r.mu.Lock()
	c := r.child
	r.child = nil
	r.mu.Unlock()
	if c != nil {
		c.stop()
	}
}

// instance returns the one that runs, or starts one and says when.
func (r *Runtime) instance(key Key) (_ *instance, launched time.Time, _ error) {
	if r.Process == nil {
		return r.visitor, launched, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, launched, errors.New("the runtime is closed")
	}
	if r.child != nil && !r.child.exited() {
		return r.child.instance, launched, nil
	}
	launched = time.Now()
	c, err := r.Process.start(r.Function, key)
	if err != nil {
		return nil, launched, err
	}
	r.child = c
	return c.instance, launched, nil
}

// A turn is an invocation while it runs.
type turn struct {
	Invocation
	function Function
	began    time.Time    // when it was handed out
	done     chan Outcome // takes what the process posts
}

// An instance is one process as the runtime API sees it. Each has its own, so
// that what a dead process still had asked for never takes an event.
type instance struct {
	start time.Duration // what it may take until it asks, besides the timeout
	polls chan poll     // those who wait for an event
	gone  chan struct{} // closed when the process is; never for a visitor

	mu   sync.Mutex
	turn *turn // handed out and not answered
}

// A poll is a process that waits for its next event.
type poll struct {
	left <-chan struct{}
	turn chan<- *turn
}

func newInstance(start time.Duration) *instance {
	return &instance{start: start, polls: make(chan poll), gone: make(chan struct{})}
}

// run hands t to a process that waits, or comes, and waits for the outcome.
func (in *instance) run(ctx context.Context, t *turn) (Outcome, error) {
	limit := time.NewTimer(in.start + t.Timeout)
	defer limit.Stop()
	waiting := in.polls // nil once t is handed out
	for {
		select {
		case p := <-waiting:
			select {
			case <-p.left:
				continue
			default:
			}
			limit.Reset(t.Timeout)
			in.handOut(t, p)
			waiting = nil
		case out := <-t.done:
			return out, nil
		case <-limit.C:
			return in.settle(t, t.timedOut), nil
		case <-in.gone:
			return in.settle(t, t.exited), nil
		case <-ctx.Done():
			in.withdraw(t)
			return Outcome{}, ctx.Err()
		}
	}
}

// handOut lets t be answered from before p learns of it.
func (in *instance) handOut(t *turn, p poll) {
	in.mu.Lock()
	defer in.mu.Unlock()
	t.began = time.Now()
	in.turn = t
	p.turn <- t
}

// settle ends t without an answer, unless one arrived at the same moment.
func (in *instance) settle(t *turn, end func() Outcome) Outcome {
	if in.withdraw(t) || t.began.IsZero() {
		return end()
	}
	return <-t.done
}

// withdraw makes t's answer unwelcome and tells whether it was still awaited.
func (in *instance) withdraw(t *turn) bool {
	return in.take(t.RequestID) != nil
}

// take returns the turn of that request id to the one caller who ends it.
func (in *instance) take(requestID string) *turn {
	in.mu.Lock()
	defer in.mu.Unlock()
	t := in.turn
	if t == nil || t.RequestID != requestID {
		return nil
	}
	in.turn = nil
	return t
}

// ServeHTTP speaks the runtime API.
func (in *instance) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	path, ours := strings.CutPrefix(req.URL.Path, invocationPath)
	id, kind, _ := strings.Cut(path, "/")
	switch {
	case ours && path == "next" && req.Method == http.MethodGet:
		in.next(w, req)
	case ours && (kind == "response" || kind == "error") && req.Method == http.MethodPost:
		in.answer(w, req, id, kind == "error")
	default:
		http.NotFound(w, req)
	}
}

// next holds the request until there is an event or the process leaves. The
// SDK asks again before it has answered: it waits here until it has.
func (in *instance) next(w http.ResponseWriter, req *http.Request) {
	mine := make(chan *turn, 1)
	left := req.Context().Done()
	select {
	case in.polls <- poll{left, mine}:
	case <-left:
		return
	}
	select {
	case t := <-mine:
		t.describe(w.Header())
		w.Write(t.Event)
	case <-left:
	}
}

// answer takes an outcome. The SDK accepts 200 alone, and wants no body.
func (in *instance) answer(w http.ResponseWriter, req *http.Request, id string, failed bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxAnswerBytes))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	t := in.take(id)
	if t == nil {
		http.NotFound(w, req)
		return
	}
	out := Outcome{Body: body, Failed: failed, Duration: time.Since(t.began)}
	if failed {
		out.ErrorType, out.ErrorMessage = functionError(body)
	}
	t.done <- out
}

// describe sets the headers that come with an event. The SDK answers nothing
// at all if the deadline or the timeout is missing.
func (t *turn) describe(h http.Header) {
	f := t.function
	for name, value := range map[string]string{
		"content-type":            "application/octet-stream",
		"content-length":          strconv.Itoa(len(t.Event)),
		"x-fc-request-id":         t.RequestID,
		"x-fc-function-deadline":  strconv.FormatInt(t.began.Add(t.Timeout).UnixMilli(), 10),
		"x-fc-function-timeout":   strconv.FormatInt(int64((t.Timeout+time.Second-1)/time.Second), 10),
		"x-fc-function-type":      "0",
		"x-fc-function-name":      f.Name,
		"x-fc-function-handler":   f.Handler,
		"x-fc-function-memory":    f.Memory,
		"x-fc-access-key-id":      t.Key.ID,
		"x-fc-access-key-secret":  t.Key.Secret,
		"x-fc-security-token":     t.Key.Token,
		"x-fc-region":             f.Region,
		"x-fc-account-id":         f.AccountID,
		"x-fc-qualifier":          f.Qualifier,
		"x-fc-version-id":         f.VersionID,
		"x-fc-service-name":       "",
		"x-fc-service-logproject": f.LogProject,
		"x-fc-service-logstore":   f.LogStore,
		"x-fc-retry-count":        strconv.Itoa(t.RetryCount),

		"x-fc-tracing-opentracing-span-context":  "",
		"x-fc-tracing-opentracing-span-baggages": "",
		"x-fc-tracing-jaeger-endpoint":           "",
	} {
		h.Set(name, value)
	}
}

func (t *turn) timedOut() Outcome {
	out := t.platformError("Function timed out after %s seconds", strconv.FormatFloat(t.Timeout.Seconds(), 'f', -1, 64))
	out.TimedOut = true
	return out
}

func (t *turn) exited() Outcome {
	out := t.platformError("Process exited unexpectedly before completing request")
	out.Exited = true
	return out
}

// platformError is an error that Function Compute reports for the function: it
// has a message and no type.
func (t *turn) platformError(format string, args ...any) Outcome {
	out := Outcome{Failed: true, ErrorMessage: fmt.Sprintf(format, args...)}
	out.Body, _ = json.Marshal(map[string]string{"errorMessage": out.ErrorMessage})
	if !t.began.IsZero() {
		out.Duration = time.Since(t.began)
	}
	return out
}

// functionError reads an error as the SDK posts it. What it can't read is the
// message, so that nothing is hidden.
func functionError(body []byte) (errorType, message string) {
	var e struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return "", string(body)
	}
	return e.Type, e.Message
}

// newID makes up an id in the form of Function Compute's request ids.
func newID(kind string) string {
	var b [12]byte
	rand.Read(b[:]) // never fails
	return fmt.Sprintf("%s-%x-%x-%x", kind, b[:4], b[4:8], b[8:])
}
