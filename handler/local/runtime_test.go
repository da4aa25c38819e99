package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fc"
	"github.com/aliyun/fc-runtime-go-sdk/fccontext"
)

// childVariable makes the test binary a function: its value names one of children.
const childVariable = "LOCAL_TEST_CHILD"

var children = map[string]any{
	"obedient":   obey,
	"collecting": collect,
}

func TestMain(m *testing.M) {
	if name := os.Getenv(childVariable); name != "" {
		fc.Start(children[name]) // never returns
	}
	os.Exit(m.Run())
}

// A childError is an error of the function: its type is the errorType.
type childError struct{ text string }

func (e *childError) Error() string { return e.text }

// obey does what its event says.
func obey(ctx context.Context, event []byte) (any, error) {
	fctx, _ := fccontext.FromContext(ctx)
	switch string(event) {
	case "error":
		return nil, &childError{"the bucket is on fire"}
	case "panic":
		panic("no such day")
	case "hang":
		select {}
	case "exit":
		fmt.Print("no end of line")
		os.Exit(7)
	case "print":
		fmt.Println("to stdout")
		fmt.Fprintln(os.Stderr, "to stderr")
		fmt.Print(strings.Repeat("x", maxLineBytes+5), "\n")
	case "environment":
		return os.Environ(), nil
	case "context":
		deadline, _ := ctx.Deadline()
		return map[string]any{"context": fctx, "deadline": deadline}, nil
	}
	return map[string]any{"pid": os.Getpid(), "event": string(event)}, nil
}

// A client speaks the runtime API by hand.
type client struct {
	t   *testing.T
	url string
}

func serveRuntime(t *testing.T, r *Runtime) client {
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return client{t, server.URL + "/2020-11-11/runtime/invocation/"}
}

// next asks for an event as the SDK does and returns it with its headers.
func (c client) next() (string, http.Header) {
	c.t.Helper()
	resp, err := http.Get(c.url + "next")
	if err != nil {
		c.t.Error(err)
		return "", nil
	}
	defer resp.Body.Close()
	event, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		c.t.Errorf("next answered %d (error %v), want 200", resp.StatusCode, err)
	}
	return string(event), resp.Header
}

// post sends an outcome and returns the status of the reply and its body.
func (c client) post(path, body string) (int, string) {
	c.t.Helper()
	resp, err := http.Post(c.url+path, "application/json", strings.NewReader(body))
	if err != nil {
		c.t.Error(err)
		return 0, ""
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Error(err)
	}
	return resp.StatusCode, string(reply)
}

// play answers each event by fn, which returns the path below the id and the body.
func (c client) play(times int, fn func(h http.Header) (kind, body string)) (wait func()) {
	var done sync.WaitGroup
	done.Go(func() {
		for range times {
			_, h := c.next()
			kind, body := fn(h)
			if status, reply := c.post(h.Get("x-fc-request-id")+"/"+kind, body); status != 200 || reply != "" {
				c.t.Errorf("%s answered %d %q, want 200 and an empty body", kind, status, reply)
			}
		}
	})
	return done.Wait
}

var testFunction = Function{
	Name: "snapshot", Handler: "main", Memory: "128", Timeout: time.Minute,
	Region: "cn-hangzhou", AccountID: "1234567890123456", Qualifier: "LATEST", VersionID: "3",
	LogProject: "serverless-cn-hangzhou", LogStore: "default-logs",
}

var testKey = Key{ID: "STS.test", Secret: "test-secret", Token: "test-token", Account: "1234567890123456"}

func TestRuntimeSendsEventAndHeaders(t *testing.T) {
	r := &Runtime{Function: testFunction}
	c := serveRuntime(t, r)
	before := time.Now().Truncate(time.Millisecond)
	var event string
	var got http.Header
	var done sync.WaitGroup
	done.Go(func() {
		event, got = c.next()
		c.post("1-2-3-4/response", `{"status":"written"}`)
	})
	out, err := r.Invoke(t.Context(), Invocation{
		Event: []byte("\x00 any bytes <&>\n"), RequestID: "1-2-3-4", Key: testKey, RetryCount: 2, Timeout: 1500 * time.Millisecond,
	})
	done.Wait()
	if err != nil || string(out.Body) != `{"status":"written"}` || out.Failed || out.RequestID != "1-2-3-4" {
		t.Errorf("Invoke = %+v, %v", out, err)
	}
	if event != "\x00 any bytes <&>\n" {
		t.Errorf("event = %q", event)
	}
	want := map[string]string{
		"x-fc-request-id":         "1-2-3-4",
		"x-fc-function-timeout":   "2", // whole seconds, none too few
		"x-fc-function-type":      "0",
		"x-fc-function-name":      "snapshot",
		"x-fc-function-handler":   "main",
		"x-fc-function-memory":    "128",
		"x-fc-access-key-id":      "STS.test",
		"x-fc-access-key-secret":  "test-secret",
		"x-fc-security-token":     "test-token",
		"x-fc-region":             "cn-hangzhou",
		"x-fc-account-id":         "1234567890123456",
		"x-fc-qualifier":          "LATEST",
		"x-fc-version-id":         "3",
		"x-fc-service-name":       "",
		"x-fc-service-logproject": "serverless-cn-hangzhou",
		"x-fc-service-logstore":   "default-logs",
		"x-fc-retry-count":        "2",

		"x-fc-tracing-opentracing-span-context":  "",
		"x-fc-tracing-opentracing-span-baggages": "",
		"x-fc-tracing-jaeger-endpoint":           "",
	}
	for name, value := range want {
		if values := got.Values(name); len(values) != 1 || values[0] != value {
			t.Errorf("header %s = %q, want %q", name, values, value)
		}
	}
	deadline, err := strconv.ParseInt(got.Get("x-fc-function-deadline"), 10, 64)
	first, last := before.Add(1500*time.Millisecond), time.Now().Add(1500*time.Millisecond)
	if at := time.UnixMilli(deadline); err != nil || at.Before(first) || at.After(last) {
		t.Errorf("deadline = %v (error %v), want the timeout from when the event was handed out, %v to %v", at, err, first, last)
	}
}

func TestRuntimeTakesOneAnswer(t *testing.T) {
	r := &Runtime{Function: testFunction}
	c := serveRuntime(t, r)
	type reply struct {
		path, body string
		status     int
	}
	want := []reply{
		{"1-other/response", "", 404},
		{"1-a/nonsense", "", 404},
		{"next", "", 404},
		{"1-a/error", `{"errorMessage":"no","errorType":"StoreError"}`, 200},
		{"1-a/error", `{"errorMessage":"again"}`, 404},
		{"1-a/response", `{}`, 404},
	}
	var done sync.WaitGroup
	done.Go(func() {
		c.next()
		for _, w := range want {
			if status, _ := c.post(w.path, w.body); status != w.status {
				t.Errorf("POST %s %s answered %d, want %d", w.path, w.body, status, w.status)
			}
		}
	})
	out, err := r.Invoke(t.Context(), Invocation{RequestID: "1-a"})
	done.Wait()
	if err != nil || !out.Failed || out.ErrorType != "StoreError" || out.ErrorMessage != "no" || out.TimedOut || out.Exited {
		t.Errorf("Invoke = %+v, %v", out, err)
	}
}

func TestRuntimeSendsOneAtATime(t *testing.T) {
	r := &Runtime{Function: testFunction}
	c := serveRuntime(t, r)
	var done sync.WaitGroup
	for i := range 5 {
		done.Go(func() {
			id := fmt.Sprintf("1-%d", i)
			out, err := r.Invoke(t.Context(), Invocation{RequestID: id, Event: []byte(id)})
			if want := `"` + id + `"`; err != nil || string(out.Body) != want {
				t.Errorf("Invoke of %s = %s, %v, want its own answer", id, out.Body, err)
			}
		})
	}
	// As the SDK does, ask for the next event before the last is answered.
	type turn struct{ id, event string }
	next := func() <-chan turn {
		got := make(chan turn, 1)
		done.Go(func() {
			event, h := c.next()
			got <- turn{h.Get("x-fc-request-id"), event}
		})
		return got
	}
	current := <-next()
	for i := range 5 {
		var following <-chan turn
		if i < 4 {
			following = next()
		}
		c.post("1-unknown/response", "") // a round trip in which it could come too early
		select {
		case early := <-following:
			t.Fatalf("%s was sent before %s was answered", early.id, current.id)
		default:
		}
		c.post(current.id+"/response", `"`+current.event+`"`)
		if i < 4 {
			current = <-following
		}
	}
	done.Wait()
}

func TestRuntimeTimesOut(t *testing.T) {
	r := &Runtime{Function: testFunction}
	c := serveRuntime(t, r)
	const want = "Function timed out after 0.05 seconds"
	check := func(name string, out Outcome, err error) {
		t.Helper()
		if err != nil || !out.TimedOut || !out.Failed || out.ErrorType != "" || out.ErrorMessage != want ||
			string(out.Body) != `{"errorMessage":"`+want+`"}` {
			t.Errorf("%s: Invoke = %+v, %v, want %q", name, out, err, want)
		}
	}
	short := Invocation{RequestID: "1-a", Timeout: 50 * time.Millisecond}
	out, err := r.Invoke(t.Context(), short)
	check("nobody asks", out, err)

	var done sync.WaitGroup
	done.Go(func() { c.next() })
	out, err = r.Invoke(t.Context(), short)
	done.Wait()
	check("nobody answers", out, err)
	if status, _ := c.post("1-a/response", `{}`); status != 404 {
		t.Errorf("the answer after the deadline got %d, want 404", status)
	}
}

func TestRuntimeIgnoresWhoLeft(t *testing.T) {
	r := &Runtime{Function: testFunction}
	came, left := make(chan struct{}, 2), make(chan struct{}, 2)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		came <- struct{}{}
		r.ServeHTTP(w, req)
		left <- struct{}{}
	}))
	defer server.Close()
	ctx, leave := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "GET", server.URL+invocationPath+"next", nil)
	go func() {
		<-came
		leave()
	}()
	if _, err := http.DefaultClient.Do(req); !errors.Is(err, context.Canceled) {
		t.Fatalf("next = %v, want it to be held until its client leaves", err)
	}
	<-left
	wait := client{t, server.URL + invocationPath}.play(1, func(http.Header) (string, string) { return "response", `"here"` })
	out, err := r.Invoke(t.Context(), Invocation{})
	wait()
	if err != nil || string(out.Body) != `"here"` {
		t.Errorf("Invoke = %+v, %v, want the answer of who stayed", out, err)
	}
}

func TestRuntimeObeysContext(t *testing.T) {
	r := &Runtime{Function: testFunction}
	c := serveRuntime(t, r)
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		c.next()
		cancel()
	})
	_, err := r.Invoke(ctx, Invocation{RequestID: "1-a"})
	done.Wait()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Invoke error = %v, want context.Canceled", err)
	}
	if status, _ := c.post("1-a/response", `{}`); status != 404 {
		t.Errorf("the answer to an invocation given up got %d, want 404", status)
	}
	if _, err := r.Invoke(ctx, Invocation{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Invoke with a dead context: error = %v, want context.Canceled", err)
	}
	if _, err := new(Runtime).Invoke(t.Context(), Invocation{}); err == nil || !strings.Contains(err.Error(), "timeout is 0s") {
		t.Errorf("Invoke without a timeout: error = %v, want it named", err)
	}
}

func TestRuntimeRetriesAsynchronousInvocations(t *testing.T) {
	for _, tt := range []struct {
		name    string
		runtime *Runtime
		fails   int // so many attempts
		want    string
	}{
		{"a success comes once", &Runtime{}, 0, "0:t ok"},
		{"a failure is repeated with its id", &Runtime{}, 2, "0:t failed, 1:t failed, 2:t ok"},
		{"a failure for ever is given up after three repetitions", &Runtime{}, 9, "0:t failed, 1:t failed, 2:t failed, 3:t failed"},
		{"fewer repetitions", &Runtime{Retries: 1}, 9, "0:t failed, 1:t failed"},
		{"no repetitions", &Runtime{Retries: -1}, 9, "0:t failed"},
		{"a new id for each", &Runtime{FreshRetryIDs: true}, 1, "0:t failed, 1:T ok"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.runtime
			r.Function, r.Pause = testFunction, time.Nanosecond
			var seen []string
			attempts := strings.Count(tt.want, ",") + 1
			first := ""
			wait := serveRuntime(t, r).play(attempts, func(h http.Header) (string, string) {
				id := h.Get("x-fc-request-id")
				if first == "" {
					first = id
				}
				kind := "t"
				if id != first {
					kind = "T"
				}
				if !strings.HasPrefix(id, "t-") {
					t.Errorf("request id %q, want a timer's, t-…", id)
				}
				seen = append(seen, h.Get("x-fc-retry-count")+":"+kind)
				if len(seen) <= tt.fails {
					return "error", `{"errorMessage":"not yet","errorType":"SourceError"}`
				}
				return "response", `{}`
			})
			outs, err := r.InvokeAsync(t.Context(), Invocation{})
			wait()
			if err != nil || len(outs) != len(seen) {
				t.Fatalf("InvokeAsync = %+v, %v; %d attempts arrived", outs, err, len(seen))
			}
			for i, out := range outs {
				seen[i] += " ok"
				if out.Failed {
					seen[i] = strings.TrimSuffix(seen[i], "ok") + "failed"
				}
			}
			if got := strings.Join(seen, ", "); got != tt.want {
				t.Errorf("attempts %s, want %s", got, tt.want)
			}
		})
	}
}

func TestRuntimeRotatesCredentials(t *testing.T) {
	valid := make(map[string]bool)
	issued := 0
	r := &Runtime{Function: testFunction, Pause: time.Nanosecond, Issue: func() (Key, func()) {
		issued++
		id := fmt.Sprintf("STS.%d", issued)
		valid[id] = true
		return Key{ID: id, Secret: "s", Token: "t"}, func() { delete(valid, id) }
	}}
	var seen []string
	wait := serveRuntime(t, r).play(3, func(h http.Header) (string, string) {
		id := h.Get("x-fc-access-key-id")
		seen = append(seen, fmt.Sprintf("%s %v %d", id, valid[id], len(valid)))
		return "error", `{}`
	})
	r.Retries = 1
	r.InvokeAsync(t.Context(), Invocation{})
	r.Invoke(t.Context(), Invocation{Key: testKey})
	wait()
	if want := []string{"STS.1 true 1", "STS.2 true 1", "STS.test false 0"}; !slices.Equal(seen, want) {
		t.Errorf("keys %q, want %q: one for each attempt, valid in it alone", seen, want)
	}
	if len(valid) != 0 {
		t.Errorf("still valid: %v", valid)
	}
}

// A lines keeps what a process prints.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, line)
}

// startSDK returns a runtime whose process is this test binary on the real SDK.
func startSDK(t *testing.T, l *lines) *Runtime {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := &Runtime{Function: testFunction, Pause: time.Nanosecond, Process: &Process{
		Path: path, Env: []string{childVariable + "=obedient", "OWN=value"}, Line: l.add,
	}}
	t.Cleanup(r.Close)
	return r
}

func TestRuntimeWithSDK(t *testing.T) {
	r := startSDK(t, new(lines))
	pid := func(out Outcome) int {
		var answer struct{ PID int }
		json.Unmarshal(out.Body, &answer)
		return answer.PID
	}
	invoke := func(event string, timeout time.Duration) Outcome {
		t.Helper()
		out, err := r.Invoke(t.Context(), Invocation{Event: []byte(event), Timeout: timeout})
		if err != nil {
			t.Fatalf("%s: %v", event, err)
		}
		return out
	}
	first := invoke("", 0)
	if first.Failed || pid(first) == 0 || first.Start <= 0 || !strings.HasPrefix(first.RequestID, "1-") {
		t.Fatalf("first invocation = %+v (%s)", first, first.Body)
	}
	if out := invoke("error", 0); !out.Failed || out.ErrorType != "childError" || out.ErrorMessage != "the bucket is on fire" {
		t.Errorf("error: %+v", out)
	}
	if out := invoke("panic", 0); !out.Failed || out.ErrorMessage != "no such day" || !strings.Contains(string(out.Body), "stackTrace") {
		t.Errorf("panic: %+v (%s)", out, out.Body)
	}
	if out := invoke("any", 0); pid(out) != pid(first) || out.Start != 0 {
		t.Errorf("after an error and a panic: process %d, start %v, want the first one, %d, still", pid(out), out.Start, pid(first))
	}
	if out := invoke("hang", 100*time.Millisecond); !out.TimedOut || out.ErrorMessage != "Function timed out after 0.1 seconds" {
		t.Errorf("hang: %+v", out)
	}
	second := invoke("any", 0)
	if pid(second) == 0 || pid(second) == pid(first) || second.Start <= 0 {
		t.Errorf("after a time-out: process %d, start %v, want a new one", pid(second), second.Start)
	}
	if out := invoke("exit", 0); !out.Exited || !out.Failed || out.TimedOut ||
		string(out.Body) != `{"errorMessage":"Process exited unexpectedly before completing request"}` {
		t.Errorf("exit: %+v (%s)", out, out.Body)
	}
	third := invoke("any", 0)
	if pid(third) == 0 || pid(third) == pid(second) {
		t.Errorf("after an exit: process %d, want a new one", pid(third))
	}
	r.Stop()
	if out := invoke("any", 0); pid(out) == pid(third) || out.Start <= 0 {
		t.Errorf("after Stop: process %d, want a new one", pid(out))
	}
	r.Close()
	if _, err := r.Invoke(t.Context(), Invocation{}); err == nil {
		t.Error("Invoke after Close succeeded")
	}
}

func TestRuntimeTellsSDKItsContext(t *testing.T) {
	r := startSDK(t, new(lines))
	out, err := r.Invoke(t.Context(), Invocation{Event: []byte("context"), RequestID: "t-1", Key: testKey, RetryCount: 1})
	if err != nil || out.Failed {
		t.Fatalf("Invoke = %+v (%s), %v", out, out.Body, err)
	}
	var got struct {
		Context  fccontext.FcContext
		Deadline time.Time
	}
	if err := json.Unmarshal(out.Body, &got); err != nil {
		t.Fatal(err)
	}
	c := got.Context
	want := fccontext.Credentials{AccessKeyId: "STS.test", AccessKeySecret: "test-secret", SecurityToken: "test-token"}
	if c.Credentials != want || c.RequestID != "t-1" || c.RetryCount != 1 || c.Region != "cn-hangzhou" ||
		c.AccountId != "1234567890123456" || c.Function.Name != "snapshot" || c.Function.Timeout != 60 {
		t.Errorf("the function's context is %+v", c)
	}
	if left := time.Until(got.Deadline); left <= 0 || left > time.Minute {
		t.Errorf("deadline %v from now, want up to a minute", left)
	}
}

func TestProcessHasBareEnvironment(t *testing.T) {
	t.Setenv("LEAKED", "from this machine")
	r := startSDK(t, new(lines))
	out, err := r.Invoke(t.Context(), Invocation{Event: []byte("environment"), Key: testKey})
	var got []string
	if err := errors.Join(err, json.Unmarshal(out.Body, &got)); err != nil {
		t.Fatal(err)
	}
	for i, v := range got { // two are new each time
		for _, prefix := range []string{"FC_INSTANCE_ID=c-", "FC_RUNTIME_API=127.0.0.1:"} {
			if strings.HasPrefix(v, prefix) {
				got[i] = prefix
			}
		}
	}
	slices.Sort(got)
	want := []string{
		"ALIBABA_CLOUD_ACCESS_KEY_ID=STS.test",
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET=test-secret",
		"ALIBABA_CLOUD_SECURITY_TOKEN=test-token",
		"FC_ACCOUNT_ID=1234567890123456",
		"FC_FUNCTION_HANDLER=main",
		"FC_FUNCTION_MEMORY_SIZE=128",
		"FC_FUNCTION_NAME=snapshot",
		"FC_FUNCTION_VERSION=3",
		"FC_FUNC_CODE_PATH=" + filepath.Dir(r.Process.Path),
		"FC_INSTANCE_ID=c-",
		"FC_REGION=cn-hangzhou",
		"FC_RUNTIME_API=127.0.0.1:",
		childVariable + "=obedient",
		"OWN=value",
		"TZ=UTC",
	}
	if !slices.Equal(got, want) {
		t.Errorf("environment %q\nwant %q", got, want)
	}
}

func TestProcessReportsLinesAndExit(t *testing.T) {
	var l lines
	r := startSDK(t, &l)
	var exits []string
	r.Process.Exit = func(state *os.ProcessState) { exits = append(exits, state.String()) }
	for _, event := range []string{"print", "exit", "any"} {
		if _, err := r.Invoke(t.Context(), Invocation{Event: []byte(event)}); err != nil {
			t.Fatal(err)
		}
	}
	r.Stop()
	if want := []string{"exit status 7", "signal: killed"}; !slices.Equal(exits, want) {
		t.Errorf("exits %q, want %q", exits, want)
	}
	for _, want := range []string{"to stdout", "to stderr", strings.Repeat("x", maxLineBytes), "xxxxx"} {
		if !slices.Contains(l.all, want) {
			t.Errorf("no line %.20q", want)
		}
	}
	if text := strings.Join(l.all, "\n"); !strings.Contains(text, "no end of line") || strings.Contains(text, "failed to get") {
		t.Errorf("the log is\n%.2000s\nwant its last words, and no complaint about a listener that left first", text)
	}
}

// apiOf is where the process of r asks for events, as it was told.
func apiOf(t *testing.T, r *Runtime) string {
	t.Helper()
	out, err := r.Invoke(t.Context(), Invocation{Event: []byte("environment")})
	_, api, _ := strings.Cut(string(out.Body), "FC_RUNTIME_API=")
	api, _, found := strings.Cut(api, `"`)
	if err != nil || !found {
		t.Fatalf("%s, %v", out.Body, err)
	}
	return api
}

func TestProcessLeavesNoListener(t *testing.T) {
	r := startSDK(t, new(lines))
	address, _, _ := strings.Cut(apiOf(t, r), "/")
	r.Stop()
	if conn, err := net.Dial("tcp", address); err == nil {
		conn.Close()
		t.Errorf("%s still listens", address)
	}
}

// A process whose starter was killed asks on, where another's process is served by now.
func TestProcessGetsNoEventOfAnothers(t *testing.T) {
	r := startSDK(t, new(lines))
	address, _, _ := strings.Cut(apiOf(t, r), "/")
	stranger := http.Client{Timeout: 10 * time.Second} // it would wait for an event
	for _, path := range []string{"", "/" + newID("c")} {
		resp, err := stranger.Get("http://" + address + path + "/2020-11-11/runtime/invocation/next")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 404 {
			t.Errorf("%q is answered %d, want 404", path, resp.StatusCode)
		}
	}
}

func TestProcessThatCannotStart(t *testing.T) {
	r := &Runtime{Function: testFunction, Process: &Process{Path: filepath.Join(t.TempDir(), "main")}}
	defer r.Close()
	if _, err := r.Invoke(t.Context(), Invocation{}); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), r.Process.Path) {
		t.Errorf("Invoke error = %v, want one that names the missing file", err)
	}
}
