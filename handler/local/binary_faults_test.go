package local_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"backup-statistics/handler/local"
	"backup-statistics/report"
)

// undisturbed runs the day's event on an empty bucket. It returns what was asked
// for that, and the bucket.
func (r *rig) undisturbed() ([]local.Request, string) {
	r.t.Helper()
	r.Log.Reset()
	if a := r.good(r.invoke(event)); a.Status != "written" {
		r.t.Fatalf("the undisturbed run answers %+v, want written", a)
	}
	requests := r.Log.Requests()
	for _, request := range requests {
		if request.Status != 200 && request.Status != 404 {
			r.t.Fatalf("the undisturbed run asks %s, want no refusal", request)
		}
	}
	return requests, r.settled()
}

// subject is a request as [local.Fault] matches it.
func subject(request local.Request) string {
	if request.Service == local.ServiceOSS {
		return request.Method + " /local-bucket/" + request.Name + " " + account
	}
	return request.Name
}

func isSchema(request local.Request) bool { return strings.HasPrefix(request.Name, prefix+"schema/") }

// testOnce delivers a day's event more than once, one after another and at once.
// The numbers change all the time: a second snapshot would show.
func testOnce(t *testing.T, b binary) {
	together(t, map[string]func(*testing.T){
		"one after another":           func(t *testing.T) { testRepeats(t, b, "") },
		"where versioning is enabled": func(t *testing.T) { testRepeats(t, b, "Enabled") },
		"where versioning is ended":   func(t *testing.T) { testRepeats(t, b, "Suspended") },
		"at once":                     func(t *testing.T) { testConcurrent(t, b) },
		"at once, versioning enabled": func(t *testing.T) { testVersioned(t, b, "Enabled") },
		"at once, versioning ended":   func(t *testing.T) { testVersioned(t, b, "Suspended") },
	})
}

// changing makes each answer of Cloud Backup another one.
func (r *rig) changing() {
	var asked atomic.Int64
	r.hook(func(service string, next http.Handler) http.Handler {
		if service != local.ServiceBackup {
			return next
		}
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			r.Backup.Set(account, "ECS_FILE", local.Region{ID: "cn-hangzhou", Bytes: asked.Add(1) << 30, Count: 1})
			next.ServeHTTP(w, req)
		})
	})
}

func testRepeats(t *testing.T, b binary, versioning string) {
	r := start(t, b, local.Config{})
	r.OSS.Versioning = versioning
	r.changing()
	first := r.good(r.invoke(event))
	want := r.stored()
	for i, repeat := range []string{event, event, strings.Replace(event, "17:30", "18:45", 1)} {
		if i == 1 {
			r.Runtime.Stop() // from now on a cold start
		}
		r.Log.Reset()
		a := r.good(r.invoke(repeat))
		if a.Status != "exists" || fmt.Sprint(a.Totals) != fmt.Sprint(first.Totals) || first.Status != "written" {
			t.Errorf("repetition %d answers %s with %v, want exists with %v", i+1, a.Status, a.Totals, first.Totals)
		}
		if got := r.stored(); got != want {
			t.Errorf("repetition %d leaves\n%s\nwant\n%s", i+1, got, want)
		}
		for _, request := range r.asked(local.ServiceOSS) {
			if request.Method == http.MethodPut {
				t.Errorf("repetition %d: %s, want nothing written", i+1, request)
			}
		}
	}
}

// testConcurrent runs several processes on one bucket. The first writes of the
// snapshot wait for each other, so that they collide.
func testConcurrent(t *testing.T, b binary) {
	const processes = 3
	r := start(t, b, local.Config{Function: local.Function{Timeout: 30 * time.Second}})
	r.changing()
	var arrived atomic.Int32
	collide := make(chan struct{})
	r.hook(func(_ string, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Method == http.MethodPut && strings.HasSuffix(req.URL.Path, snapshotKey) {
				if arrived.Add(1) == processes {
					close(collide)
				}
				select {
				case <-collide:
				case <-req.Context().Done():
				}
			}
			next.ServeHTTP(w, req)
		})
	})
	runtimes := []*local.Runtime{r.Runtime}
	for range processes - 1 {
		process := *r.Runtime.Process
		another := &local.Runtime{Function: r.Runtime.Function, Process: &process, Issue: r.issue}
		t.Cleanup(another.Close)
		runtimes = append(runtimes, another)
	}
	for _, at := range []string{"2026-11-22T17:30:00Z", "2026-11-22T17:30:00Z", "2026-11-23T17:30:00Z", "2026-11-24T17:30:00Z"} {
		outs := make([]local.Outcome, processes)
		var all sync.WaitGroup
		for i, runtime := range runtimes {
			all.Go(func() {
				var err error
				outs[i], err = runtime.Invoke(t.Context(), local.Invocation{Event: []byte(strings.Replace(event, "2026-11-22T17:30:00Z", at, 1))})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		written, totals := 0, make(map[string]bool)
		for _, out := range outs {
			a := r.good(out)
			if a.Status == "written" {
				written++
			}
			totals[fmt.Sprint(a.Totals)] = true
		}
		if written > 1 || len(totals) != 1 {
			t.Errorf("%s: %d runs wrote the snapshot and they tell of %v, want one at most and all of it", at, written, totals)
		}
		if err := r.vouched(); err != nil {
			t.Errorf("%s: %v", at, err)
		}
	}
	snapshots, err := filepath.Glob(filepath.Join(r.dir, prefix, "snapshots", "*", "*"))
	if err != nil || len(snapshots) != 3 {
		t.Errorf("snapshots %q, %v; want one a day", snapshots, err)
	}
	for _, name := range snapshots {
		data, err := os.ReadFile(name)
		var s struct {
			Bytes int64 `json:"protected_data_bytes"`
		}
		if err := json.Unmarshal(data, &s); err != nil {
			t.Error(err)
		}
		rel := strings.TrimPrefix(filepath.Base(filepath.Dir(name)), "dt=")
		if record := r.record(rel); err != nil || record.Status != report.Complete || record.Totals[0].ProtectedDataBytes != s.Bytes {
			t.Errorf("%s: record %+v, want a complete day of the %d bytes of its snapshot", rel, record, s.Bytes)
		}
	}
}

// testVersioned delivers each day's event to two processes at once, on a bucket that
// takes no notice of "do not overwrite". Whichever snapshot is stored in the end, the
// record, latest.json and the trend are of that one.
func testVersioned(t *testing.T, b binary, versioning string) {
	r := start(t, b, local.Config{Function: local.Function{Timeout: 60 * time.Second}})
	r.OSS.Versioning = versioning
	r.changing()
	r.hook(func(service string, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			time.Sleep(5 * time.Millisecond) // as the real service takes, so that the requests of both are mixed
			next.ServeHTTP(w, req)
		})
	})
	process := *r.Runtime.Process
	another := &local.Runtime{Function: r.Runtime.Function, Process: &process, Issue: r.issue}
	t.Cleanup(another.Close)
	for i := range 12 {
		date := fmt.Sprintf("2026-11-%02d", i+2)
		event := fmt.Appendf(nil, `{"triggerTime":"%sT04:00:00Z","triggerName":"daily"}`, date)
		var both sync.WaitGroup
		for _, runtime := range []*local.Runtime{r.Runtime, another} {
			both.Go(func() {
				out, err := runtime.Invoke(t.Context(), local.Invocation{Event: event})
				if err != nil {
					t.Error(err)
				}
				r.good(out)
			})
		}
		both.Wait()
		if err := r.vouched(); err != nil {
			t.Errorf("%s: %v", date, err)
		}
		var s struct {
			Bytes int64 `json:"protected_data_bytes"`
		}
		if err := json.Unmarshal(r.read("snapshots/dt="+date+"/"+account+"-ECS_FILE.json"), &s); err != nil {
			t.Error(err)
		}
		record := r.record(date)
		if record.Status != report.Complete || len(record.Totals) != 1 || record.Totals[0].ProtectedDataBytes != s.Bytes {
			t.Errorf("%s: record %+v, want a complete day of the %d bytes of its snapshot", date, record, s.Bytes)
		}
		if latest := string(r.read("latest.json")); latest != string(r.read("days/"+date+".json")) {
			t.Errorf("%s: latest.json is %s, want the day's record", date, latest)
		}
		var trend struct {
			Totals []report.TypeTotal
		}
		if err := json.Unmarshal(r.read("report/trend.json"), &trend); err != nil || len(trend.Totals) != 1 || trend.Totals[0].ProtectedDataBytes != s.Bytes {
			t.Errorf("%s: the trend says %v (%v), want the %d bytes of the snapshot", date, trend.Totals, err, s.Bytes)
		}
	}
}
