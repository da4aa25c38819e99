package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"backup-statistics/handler/local"
	"backup-statistics/report"
)

// A stage is the stand-ins behind networks, with a function in them.
type stage struct {
	*local.Cloud
	*detour
	dir string

	mu     sync.Mutex
	pid    int
	cpu    time.Duration // of a process that has ended
	stored time.Time     // when the first snapshot was

	read, written traffic // bodies, from and to the bucket
	lists         int
}

// A traffic is bytes, and how many of them are trend.csv's.
type traffic struct{ all, csv int64 }

func (t *traffic) add(r *http.Request, n int64) {
	t.all += n
	if strings.HasSuffix(r.URL.Path, "/"+report.TrendCSVKey) {
		t.csv += n
	}
}

// A metered writer counts the bytes of an answer.
type metered struct {
	http.ResponseWriter
	n int64
}

func (m *metered) Write(p []byte) (int, error) {
	n, err := m.ResponseWriter.Write(p)
	m.n += int64(n)
	return n, err
}

func newStage(t *trust, path string, trip time.Duration, config local.Config) (_ *stage, err error) {
	s := new(stage)
	if s.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return nil, err
	}
	config.Dir, config.Path, config.TLS, config.PathStyle = s.dir, path, t.server, true
	if s.Cloud, err = local.Start(config); err != nil {
		s.close()
		return nil, err
	}
	if s.detour, err = newDetour(s.Env(), trip); err != nil {
		s.close()
		return nil, err
	}
	process := s.Runtime.Process
	process.Env = append(process.Env, append(s.detour.env, "SSL_CERT_FILE="+t.file, "LOG_LEVEL=warn")...)
	process.Started = func(p *os.Process) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.pid = p.Pid
	}
	process.Exit = func(state *os.ProcessState) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cpu = state.UserTime() + state.SystemTime()
	}
	oss := s.Faults[local.ServiceOSS]
	next := oss.Next
	oss.Next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := &metered{ResponseWriter: w}
		next.ServeHTTP(answer, r)
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.Method != http.MethodPut {
			s.read.add(r, answer.n)
			if r.URL.Query().Get("list-type") == "2" {
				s.lists++
			}
			return
		}
		s.written.add(r, r.ContentLength)
		if s.stored.IsZero() && strings.Contains(r.URL.Path, "/snapshots/") {
			s.stored = time.Now()
		}
	})
	return s, nil
}

// trust gives the function other roots than all of the system's, unless they are "".
func (s *stage) trust(roots string) {
	if roots != "" {
		s.Runtime.Process.Env = append(s.Runtime.Process.Env, "SSL_CERT_FILE="+roots, "SSL_CERT_DIR="+os.DevNull) // the last ones count
	}
}

// A measure is what a cold start and its run took.
type measure struct {
	poll, stored, answer, cpu time.Duration // all but cpu from the start of the process
	peak                      int64         // bytes
	requests, connections     int
	read, written             traffic
	lists                     int
	body                      []byte // what it answered
}

// cold starts the process anew for one event.
func (s *stage) cold(ctx context.Context, event string) (m measure, err error) {
	s.Runtime.Stop()
	s.Log.Reset()
	before := s.connections()
	s.mu.Lock()
	s.stored, s.read, s.written, s.lists = time.Time{}, traffic{}, traffic{}, 0
	s.mu.Unlock()
	out, err := s.Runtime.Invoke(ctx, local.Invocation{Event: []byte(event)})
	ended := time.Now()
	if err == nil && out.Failed {
		err = fmt.Errorf("%s: %s", out.ErrorType, out.ErrorMessage)
	}
	if err != nil {
		return m, err
	}
	if m.peak, err = s.peak(); err != nil {
		return m, err
	}
	m.requests, m.connections = len(s.Log.Requests()), s.connections()-before
	s.Runtime.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	m.poll, m.answer, m.cpu = out.Start, out.Start+out.Duration, s.cpu
	m.stored = s.stored.Sub(ended.Add(-m.answer))
	m.read, m.written, m.lists, m.body = s.read, s.written, s.lists, out.Body
	return m, nil
}

// peak is the most memory that the process had at once. What its parent is told
// when it ends is no less than what the parent had when it began.
func (s *stage) peak() (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(s.pid) + "/status")
	if err != nil {
		return 0, err
	}
	_, text, _ := strings.Cut(string(status), "VmHWM:")
	text, _, _ = strings.Cut(text, "kB")
	kilobytes, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return kilobytes << 10, err
}

func (s *stage) close() {
	if s.detour != nil {
		s.detour.close()
	}
	if s.Cloud != nil {
		s.Cloud.Close()
	}
	os.RemoveAll(s.dir)
}
