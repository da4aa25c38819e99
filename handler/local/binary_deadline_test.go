package local_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"backup-statistics/handler/local"
	"backup-statistics/report"
)

// A storm delays requests at random, and lets some hang for ever: before they are
// carried out, after it, or with half of the answer sent.
type storm struct {
	mu     sync.Mutex
	random *rand.Rand
	hangs  int    // percent of the requests that hang
	dead   string // a service that hangs always
	blows  bool
}

func (s *storm) blow(blows bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blows = blows
}

func (s *storm) pick(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(n)
}

// Where a request hangs.
const (
	hangsNowhere = iota
	hangsBefore  // the service has seen it
	hangsAfter   // it was done, and before its answer
	hangsInAnswer
)

// next is what befalls a request: a delay, and where it hangs.
func (s *storm) next(service string) (delay time.Duration, hang int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.blows {
		return 0, hangsNowhere
	}
	delay = time.Duration(s.random.Int64N(int64(20 * time.Millisecond)))
	if s.random.IntN(10) == 0 {
		delay = time.Duration(s.random.Int64N(int64(2 * time.Second)))
	}
	if s.random.IntN(100) < s.hangs || service == s.dead {
		hang = hangsBefore + s.random.IntN(3)
	}
	return delay, hang
}

func (s *storm) around(service string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body) // before that nobody notices that the client left
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		delay, hang := s.next(service)
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-req.Context().Done():
			return
		}
		answer := httptest.NewRecorder()
		switch {
		case hang == hangsNowhere:
			next.ServeHTTP(w, req)
			return
		case hang != hangsBefore:
			next.ServeHTTP(answer, req)
		}
		if hang == hangsInAnswer {
			for name, values := range answer.Header() {
				w.Header()[name] = values
			}
			w.Header().Set("Content-Length", fmt.Sprint(answer.Body.Len()+1))
			w.WriteHeader(answer.Code)
			w.Write(answer.Body.Bytes())
			http.NewResponseController(w).Flush()
		}
		<-req.Context().Done()
		panic(http.ErrAbortHandler)
	})
}

// webhook is a receiver of alerts, in the storm as all others.
func (s *storm) webhook(t *testing.T) string {
	server := httptest.NewServer(s.around("webhook", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	t.Cleanup(server.Close)
	return server.URL
}

// testDeadline lets services hang in all ways, which mostly waits.
func testDeadline(t *testing.T, b binary) {
	tests := make(map[string]func(*testing.T))
	for name, play := range map[string]func(*testing.T, binary){
		"one service hangs": testHangs, "one never says a word": testSilence,
		"the bucket of a check hangs": testCry, "all are slow, and some hang": testStorms,
	} {
		tests[name] = func(t *testing.T) { play(t, b) }
	}
	together(t, tests)
}

// testStorms lets services be slow and hang as they like. Whatever happens, the
// function answers before it is killed, with success or an error of its own; what
// is captured stays, what records vouch for is there, and the next run completes
// the day.
func testStorms(t *testing.T, b binary) {
	seed := rand.Uint64()
	tests := make(map[string]func(*testing.T))
	for i := range uint64(18) {
		s := &storm{random: rand.New(rand.NewPCG(seed, i)), hangs: []int{0, 3, 10, 30}[i%4]}
		if i%3 == 0 {
			services := []string{local.ServiceBackup, local.ServiceOSS, "webhook", local.ServiceSTS, local.ServiceDirectory, "webhook"}
			s.dead = services[i/3]
		}
		members := int(i % 2 * 4)
		if s.dead == local.ServiceSTS || s.dead == local.ServiceDirectory {
			members = 4
		}
		tests[fmt.Sprintf("seed %d, storm %d", seed, i)] = func(t *testing.T) { s.strike(t, b, members) }
	}
	together(t, tests)
}

func (s *storm) strike(t *testing.T, b binary, members int) {
	r, _ := startFleet(t, b, members, 0, "WEBHOOK_URL="+s.webhook(t))
	r.hook(func(service string, next http.Handler) http.Handler {
		stormy := s.around(service, next)
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			defer func() {
				if err := r.vouched(); err != nil {
					t.Errorf("after %s %s: %v", req.Method, req.URL.Path, err)
				}
			}()
			stormy.ServeHTTP(w, req)
		})
	})
	k := &killer{rig: r}
	r.good(r.invoke(strings.Replace(event, "11-22", "11-21", 1)))
	s.blow(true)
	r.Backup.Set(account, "ECS_FILE", local.Region{ID: "cn-hangzhou", Bytes: 1 << 30, Count: 1}) // an alert opens
	kept := k.snapshots()
	other := []string{`{"action":"preflight","webhook":true}`, `{"action":"rebuild"}`}[s.pick(2)]
	for _, e := range []string{event, strings.Replace(event, `""`, `"{\"action\":\"check\"}"`, 1), other} {
		out := r.send(local.Invocation{Event: []byte(e), Timeout: 7 * time.Second})
		if known := []string{"SourceError", "StoreError", "AccountsError", "GapError"}; out.TimedOut || out.Exited || out.Failed && !slices.Contains(known, out.ErrorType) {
			t.Errorf("%s: answer %s (timed out: %v, exited: %v), want success or one of %q", e, out.Body, out.TimedOut, out.Exited, known)
		}
		now := k.snapshots()
		for name, data := range kept {
			if !bytes.Equal(now[name], data) {
				t.Errorf("%s: the snapshot %s was\n%s\nand is\n%s", e, name, data, now[name])
			}
		}
		kept = now
	}
	s.blow(false)
	r.good(r.send(local.Invocation{Event: []byte(event)}))
	if record := r.record(day); record.Status != report.Complete || record.Accounts.Collected != members+1 || record.Cause != "" {
		t.Errorf("record %s %+v, want a complete day of %d accounts after the storm", record.Status, record.Accounts, members+1)
	}
}

// testSilence has one service accept connections and never say a word, so that the
// handshake does not end.
func testSilence(t *testing.T, b binary) {
	tests := make(map[string]func(*testing.T))
	for _, tt := range []struct{ variable, action, errorType string }{
		{"CLOUD_BACKUP_ENDPOINT", "snapshot", "SourceError"},
		{"OSS_ENDPOINT", "snapshot", "StoreError"},
		{"OSS_ENDPOINT", "check", "StoreError"},
		{"STS_ENDPOINT", "snapshot", "AccountsError"},
		{"RESOURCE_DIRECTORY_ENDPOINT", "snapshot", "AccountsError"},
		{"WEBHOOK_URL", "check", "GapError"}, // an alert opens, and is told to nobody
	} {
		tests[tt.variable+", "+tt.action] = func(t *testing.T) {
			silent, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer silent.Close()
			members := 0
			if tt.errorType == "AccountsError" {
				members = 2
			}
			r, _ := startFleet(t, b, members, 6*time.Second, tt.variable+"=https://"+silent.Addr().String())
			r.failed(r.send(local.Invocation{Event: []byte(`{"triggerTime":"2026-11-22T17:30:00Z","triggerName":"daily","payload":"{\"action\":\"` + tt.action + `\"}"}`)}), tt.errorType)
		}
	}
	together(t, tests)
}

// testCry has the bucket hang while a check reads it. People are told all the same.
func testCry(t *testing.T, b binary) {
	told := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		var body bytes.Buffer
		body.ReadFrom(req.Body)
		told <- body.String()
	}))
	defer receiver.Close()
	r := start(t, b, local.Config{Env: []string{"WEBHOOK_URL=" + receiver.URL}})
	r.good(r.invoke(event))
	r.Faults[local.ServiceOSS].Add(local.Fault{Kind: "hang-header", Times: -1})
	check := strings.Replace(event, `""`, `"{\"action\":\"check\"}"`, 1)
	r.failed(r.send(local.Invocation{Event: []byte(check), Timeout: 6 * time.Second}), "StoreError")
	select {
	case text := <-told:
		if !strings.Contains(text, "nobody knows whether the day is recorded") {
			t.Errorf("people were told %s, want that nobody could look", text)
		}
	default:
		t.Error("people were told nothing, want that nobody could look")
	}
}
