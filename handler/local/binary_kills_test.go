package local_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
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

// A killer ends the function's process at its nth request, before the service
// has seen it or after it has done what it was asked. After each request it looks
// at the bucket, as a reader does who trusts a complete record; requests are
// carried out one by one, so that what it sees is of one moment.
type killer struct {
	*rig
	mu     sync.Mutex
	n      int // 0: it lets all live
	after  bool
	count  int
	killed bool

	underway atomic.Int32 // requests, also of a process that is dead by now
}

// aim says at which request the process is to end. What a dead process had under
// way is done before that.
func (k *killer) aim(n int, after bool) {
	k.settle()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.n, k.after, k.count, k.killed = n, after, 0, false
}

// settle waits until nothing is under way.
func (k *killer) settle() {
	for k.underway.Load() > 0 {
		time.Sleep(time.Millisecond)
	}
}

// hit tells whether a process was killed since the killer was aimed.
func (k *killer) hit() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.killed
}

func (k *killer) around(_ string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		k.underway.Add(1)
		defer k.underway.Add(-1)
		k.mu.Lock()
		defer k.mu.Unlock()
		k.count++
		hit := k.count == k.n
		if !hit {
			next.ServeHTTP(w, req)
		} else {
			if k.after {
				next.ServeHTTP(httptest.NewRecorder(), req)
			}
			k.killed = true
			k.Runtime.Stop()
		}
		if err := k.vouched(); err != nil {
			k.t.Errorf("after %s %s: %v", req.Method, req.URL.Path, err)
		}
		if hit {
			panic(http.ErrAbortHandler)
		}
	})
}

// again puts the bucket back as it was kept.
func (k *killer) again(kept string) {
	k.t.Helper()
	k.settle()
	k.empty()
	if err := os.CopyFS(k.dir, os.DirFS(kept)); err != nil {
		k.t.Fatal(err)
	}
}

// keep copies the bucket to a folder of its own.
func (k *killer) keep() string {
	k.t.Helper()
	kept := k.t.TempDir()
	if _, err := os.Stat(k.dir); os.IsNotExist(err) {
		return kept
	}
	if err := os.CopyFS(kept, os.DirFS(k.dir)); err != nil {
		k.t.Fatal(err)
	}
	return kept
}

// snapshots are all that are stored, by name.
func (k *killer) snapshots() map[string][]byte {
	k.t.Helper()
	found := make(map[string][]byte)
	names, err := filepath.Glob(filepath.Join(k.dir, prefix, "snapshots", "*", "*"))
	if err != nil {
		k.t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			k.t.Error(err)
		}
		found[name] = data
	}
	return found
}

// heals runs the event again after a process was killed, as Function Compute does.
// It answers, alters no snapshot, and leaves what an undisturbed run does.
func (k *killer) heals(name, want string) {
	k.t.Helper()
	k.aim(0, false)
	captured := k.snapshots()
	// What was under way when the process died may come when its key has ended:
	// these requests are not held against a key.
	k.good(k.send(local.Invocation{Event: []byte(event), RetryCount: 1}))
	now := k.snapshots()
	for key, data := range captured {
		if !bytes.Equal(now[key], data) {
			k.t.Errorf("%s: the snapshot was\n%s\nand is\n%s", name, data, now[key])
		}
	}
	if got := k.settled(); got != want {
		k.t.Errorf("%s: the next run leaves\n%s\nwant\n%s", name, got, want)
	}
}

// A scene is a bucket with some days before, and what is protected today.
type scene struct {
	name    string
	members int
	before  []string // days that are captured already
	alert   bool     // less is protected today
}

var scenes = []scene{
	{"on the first day", 0, nil, false},
	{"on a later day, on which an alert opens", 0, []string{"2026-11-20", "2026-11-21"}, true},
	{"with a fleet, on a day on which an alert opens", 3, []string{"2026-11-21"}, true},
}

// setUp plays the days before. It returns the bucket, what an undisturbed run of the
// day asks for, what it leaves and how long it takes.
func (s scene) setUp(t *testing.T, b binary) (k *killer, kept string, requests int, want string, took time.Duration) {
	r, _ := startFleet(t, b, s.members, 0)
	k = &killer{rig: r}
	k.hook(k.around)
	for _, day := range s.before {
		k.good(k.invoke(strings.Replace(event, "2026-11-22", day, 1)))
	}
	kept = k.keep()
	if s.alert {
		k.Backup.Set(account, "ECS_FILE", local.Region{ID: "cn-hangzhou", Bytes: 1 << 30, Count: 1})
	}
	k.Runtime.Stop()
	k.aim(0, false)
	began := time.Now()
	_, want = k.undisturbed()
	took = time.Since(began)
	if opened := strings.Contains(want, `"rule":"resources_dropped"`); opened != s.alert {
		t.Errorf("an alert opened: %v, want %v", opened, s.alert)
	}
	return k, kept, k.count, want, took
}

// testKills kills the process at every request of a run, and at any moment. What it
// leaves is true, and the next run completes it.
func testKills(t *testing.T, b binary) {
	tests := make(map[string]func(*testing.T))
	for i, s := range scenes {
		if s.members == 0 {
			tests["at each request, "+s.name] = func(t *testing.T) { s.killAtEachRequest(t, b) }
		}
		tests["at any moment, "+s.name] = func(t *testing.T) { s.killAtAnyMoment(t, b, []int{4, 8, 8}[i]) }
	}
	together(t, tests)
}

func (s scene) killAtEachRequest(t *testing.T, b binary) {
	k, kept, requests, want, _ := s.setUp(t, b)
	for i := range 2 * requests {
		n, after := 1+i/2, i%2 == 1
		name := fmt.Sprintf("killed at request %d of %d (landed: %v)", n, requests, after)
		k.again(kept)
		k.aim(n, after)
		if out := k.send(local.Invocation{Event: []byte(event)}); !out.Exited {
			t.Errorf("%s: answer %s, want the process gone", name, out.Body)
		}
		k.heals(name, want)
	}
}

// killAtAnyMoment kills a process that starts cold some time after its event was
// sent, at most as long as an undisturbed run takes.
func (s scene) killAtAnyMoment(t *testing.T, b binary, rounds int) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	k, kept, _, want, took := s.setUp(t, b)
	for round := range rounds {
		moment := time.Duration(random.Int64N(int64(took)))
		k.again(kept)
		k.Runtime.Stop()
		shot := make(chan struct{})
		timer := time.AfterFunc(moment, func() {
			defer close(shot)
			k.Runtime.Stop()
		})
		out := k.send(local.Invocation{Event: []byte(event)})
		if !timer.Stop() {
			<-shot // it must not hit the next process
		}
		if !out.Exited {
			k.good(out)
		}
		k.heals(fmt.Sprintf("seed %d, round %d, killed after %v of %v (hit: %v)", seed, round, moment, took, out.Exited), want)
	}
}

// testKilledAlterations kills runs that alter a complete day at each of their
// requests. No complete record lists what differs, at no moment, and the next run
// of the day completes it.
func testKilledAlterations(t *testing.T, b binary) {
	const overwrite = `{"triggerTime":"2026-11-22T17:30:00Z","triggerName":"daily","payload":"{\"overwrite\":true}"}`
	yesterday := strings.Replace(event, "11-22", "11-21", 1)
	tests := make(map[string]func(*testing.T))
	for _, tt := range []struct {
		name   string
		days   []string
		event  string
		joins  bool // an account
		latest string
	}{
		{"an overwrite of the first day", []string{event}, overwrite, false, ""},
		{"an overwrite of a later day", []string{yesterday, event}, overwrite, false, "2026-11-22"},
		{"an account is added", []string{yesterday, event}, event, true, "2026-11-22"},
	} {
		tests[tt.name] = func(t *testing.T) {
			r, _ := startFleet(t, b, 1, 0)
			k := &killer{rig: r}
			k.hook(k.around)
			for _, event := range tt.days {
				k.good(k.invoke(event))
			}
			kept := k.keep()
			k.Backup.Set(account, "ECS_FILE", local.Region{ID: "cn-hangzhou", Bytes: 7 << 30, Count: 7})
			if tt.joins {
				k.join("2000000000099999")
			}
			withdrawn := 0
			for n, survived := 1, false; !survived && n < 100; n++ {
				k.again(kept)
				k.aim(n, n%2 == 0)
				out := k.send(local.Invocation{Event: []byte(tt.event)})
				if survived = !k.hit(); survived {
					k.good(out)
				}
				k.aim(0, false) // what was under way is done
				if record := k.record(day); record.Withdrawn() {
					withdrawn++
					newest, err := report.DecodeDayRecord(k.read("latest.json"))
					switch again := newest.SnapshotDate.String() == day && newest.Status == report.Complete; {
					case err != nil:
						t.Errorf("killed at request %d: latest.json: %v", n, err)
					case again: // it is written beside the record, and is as true
						k.vouches(n, newest)
					case tt.latest != "" && (newest.Status != report.Complete || newest.SnapshotDate.String() != tt.latest) || tt.latest == "" && !newest.Withdrawn():
						t.Errorf("killed at request %d: the latest is %s of %v, want the complete day %q", n, newest.Status, newest.SnapshotDate, tt.latest)
					}
				}
				k.completes(n)
			}
			if withdrawn == 0 {
				t.Error("no record was ever withdrawn")
			}
		}
	}
	together(t, tests)
}

// vouches wants what a record lists to be there as it says.
func (k *killer) vouches(n int, r report.DayRecord) {
	k.t.Helper()
	for _, o := range r.Objects {
		if !o.Holds(k.read(o.Key)) {
			k.t.Errorf("killed at request %d: %v is said to be %s, and %s is not what its record lists", n, r.SnapshotDate, r.Status, o.Key)
		}
	}
}

// join adds an account to the fleet.
func (r *rig) join(id string) {
	r.Directory.Accounts = append(r.Directory.Accounts, local.Member{ID: id, Name: "new"})
	r.STS.Roles[role(id)] = local.Role{Account: id, Trusted: account}
	r.Backup.Set(id, "ECS_FILE", local.Region{ID: "cn-beijing", Bytes: 1 << 30, Count: 1})
	for _, service := range []string{local.ServiceDirectory, local.ServiceSTS} {
		r.Faults[service].Clear() // takes the lock that each request takes
	}
}

// completes wants the day's next run to answer with what the snapshots say, and to
// leave a complete day that is the latest.
func (k *killer) completes(n int) {
	k.t.Helper()
	a := k.good(k.send(local.Invocation{Event: []byte(event)}))
	var sum int64
	for name, data := range k.snapshots() {
		if s, err := report.DecodeSnapshot(data); err != nil {
			k.t.Errorf("killed at request %d: %s: %v", n, name, err)
		} else if s.SnapshotDate.String() == day {
			sum += s.ProtectedDataBytes
		}
	}
	if len(a.Totals) != 1 || a.Totals[0].ProtectedDataBytes != sum {
		k.t.Errorf("killed at request %d: the next run answers %+v, want the %d bytes of the snapshots", n, a.Totals, sum)
	}
	record := k.record(day)
	if record.Status != report.Complete || record.Cause != "" || !bytes.Equal(k.read("latest.json"), k.read(recordKey)) {
		k.t.Errorf("killed at request %d: record %s because of %q, want a complete day that is the latest", n, record.Status, record.Cause)
	}
}
