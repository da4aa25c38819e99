package local_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"backup-statistics/handler/local"
	"backup-statistics/report"
)

const (
	account = "1234567890123456"
	day     = "2026-11-23"
	event   = `{"triggerTime":"2026-11-22T17:30:00Z","triggerName":"daily","payload":""}` // already the next day in Shanghai
	prefix  = "backup-statistics/"

	snapshotKey = "snapshots/dt=" + day + "/" + account + "-ECS_FILE.json"
	recordKey   = "days/" + day + ".json"
)

// TestBinary runs what is deployed, the built executable, as Function Compute
// does, against stand-ins that speak the services' protocols.
func TestBinary(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the function and starts it some hundred times")
	}
	b := build(t, "nethttpomithttp2,function") // what ships, without the stand-ins
	for _, story := range []struct {
		name string
		play func(*testing.T, binary)
	}{
		{"an event of each kind is answered", bothForms(testEvents)},
		{"a day without a snapshot is noticed", bothForms(testCheck)},
		{"a run that fails is retried and heals", bothForms(testRetry)},
		{"a bad deployment is answered", testBadDeployment},
		{"every request meets every fault", testMatrix},
		{"whatever is slow or hangs, an answer comes in time", testDeadline},
		{"a process that is killed leaves a readable bucket", testKills},
		{"no complete day is one that is being altered", testKilledAlterations},
		{"a day has one snapshot", bothForms(testOnce)},
		{"secrets stay secret", testSecrets},
		{"a fleet is collected", testFleet},
		{"roles that are listed are assumed", bothForms(testListedRoles)},
		{"a directory that fails hides nobody", bothForms(testDirectoryFails)},
		{"a preflight finds what is missing", testPreflight},
		{"the policy is what is needed", bothForms(testPolicy)},
		{"the command invoke answers one event", bothForms(testInvokeCommand)},
		{"the command invoke becomes the role of a profile", testInvokeRole},
		{"the command invoke asks a proxy", testInvokeProxy},
	} {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			story.play(t, b)
		})
	}
}

// bothForms plays a short story in both forms of address: with the bucket's name in
// that of the host, as all stories are played, and in the path.
func bothForms(play func(*testing.T, binary)) func(*testing.T, binary) {
	return func(t *testing.T, b binary) {
		for name, pathStyle := range map[string]bool{"in the host's name": false, "in the path": true} {
			t.Run(name, func(t *testing.T) { play(t, binary{b.path, pathStyle}) })
		}
	}
}

// A binary is the function's executable, and the form in which it is to address
// the bucket.
type binary struct {
	path      string
	pathStyle bool
}

// build makes the executable, with these tags. It has the race detector where the test
// has it.
func build(t *testing.T, tags string) binary {
	t.Helper()
	touchSources(t)
	path := filepath.Join(t.TempDir(), "main")
	args := []string{"build", "-tags", tags, "-o", path}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "../..")...).CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return binary{path: path}
}

// touchSources looks at all that the executable is made of. So go test knows that
// this test's result is worth nothing once one of them changes.
func touchSources(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return fs.SkipDir
		case !d.IsDir() && !strings.HasSuffix(path, "_test.go"):
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// together runs subtests all at once, since they mostly wait. (Parallel ones run
// as many at a time as there are processors.)
func together(t *testing.T, tests map[string]func(*testing.T)) {
	t.Helper()
	var all sync.WaitGroup
	for name, test := range tests {
		all.Go(func() { t.Run(name, test) })
	}
	all.Wait()
}

// A rig is the stand-ins with the function in them. When its test ends, nothing
// that the function said, answered or stored may hold a secret, and what its
// records vouch for must be there.
type rig struct {
	*local.Cloud
	t   *testing.T
	dir string

	cut string // the key of an invocation that failed last: a request of it may have been under way, and come late

	mu      sync.Mutex
	said    strings.Builder // all that left the function but for its requests, each line once
	lines   map[string]bool
	secrets []string
}

// regions are what the function's own account protects.
var regions = []local.Region{{ID: "cn-shenzhen", Bytes: 30 << 30, Count: 3}, {ID: "cn-hangzhou", Bytes: 10 << 30, Count: 2}}

func start(t *testing.T, b binary, c local.Config) *rig {
	t.Helper()
	r := &rig{t: t, dir: filepath.Join(t.TempDir(), "bucket"), lines: make(map[string]bool)}
	c.Dir, c.Path, c.Line, c.PathStyle = r.dir, b.path, r.note, b.pathStyle
	c.Env = append([]string{"LOG_LEVEL=debug"}, c.Env...)
	cloud, err := local.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	r.Cloud = cloud
	r.Backup.Set(account, "ECS_FILE", regions...)
	if !c.NoRole {
		r.Runtime.Issue = r.issue
	}
	t.Cleanup(r.close)
	return r
}

// issue gives the function keys, and keeps them in mind as secrets.
func (r *rig) issue() (local.Key, func()) {
	key, revoke := r.Cloud.Issue()
	r.keep(key.ID, key.Secret, key.Token)
	return key, revoke
}

func (r *rig) keep(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets = append(r.secrets, secrets...)
}

// keepIssued keeps the keys in mind that STS issued to the requests in the log.
func (r *rig) keepIssued() {
	for _, request := range r.Log.Requests() {
		if key, ok := r.Keys.Find(request.KeyID); ok {
			r.keep(key.ID, key.Secret, key.Token)
		}
	}
}

func (r *rig) note(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for line := range strings.Lines(text + "\n") {
		if !r.lines[line] {
			r.lines[line] = true
			r.said.WriteString(line)
		}
	}
}

func (r *rig) close() {
	r.Cloud.Close()
	r.note(r.stored())
	r.keepIssued()
	r.mu.Lock()
	defer r.mu.Unlock()
	said := r.said.String()
	if leak := leaked(said, r.secrets); leak != "" {
		r.t.Errorf("a secret is shown: …%s…", leak)
	}
	if i := strings.Index(said, "DATA RACE"); i >= 0 {
		r.t.Errorf("the process reports a %.4000s", said[i:])
	}
	if err := r.vouched(); err != nil {
		r.t.Error(err)
	}
}

// leaked finds the telling part of a secret in a text, as it stands or encoded; ""
// where there is none.
func leaked(text string, secrets []string) string {
	const telling = 12
	parts := make(map[string]bool)
	add := func(secret string) {
		for i := range max(0, len(secret)-telling+1) {
			parts[secret[i:i+telling]] = true
		}
	}
	for _, secret := range secrets {
		if secret == "" {
			continue // a key that lasts has no token
		}
		add(secret)
		add(strings.ToLower(secret))
		for before := range 3 { // what others have a part in is left out
			encoded := base64.RawURLEncoding.EncodeToString([]byte("...."[:before] + secret))
			add(encoded[min(4, len(encoded)) : len(encoded)-1])
		}
	}
	plain := func(text string) string {
		text = regexp.MustCompile(`%(?:25)*([0-9A-Fa-f]{2})|\\u00([0-9A-Fa-f]{2})`).ReplaceAllStringFunc(text, func(s string) string {
			b, _ := hex.DecodeString(s[len(s)-2:])
			return string(b)
		})
		return regexp.MustCompile(`\\[nrt]|[\\\s]`).ReplaceAllString(html.UnescapeString(text), "")
	}(text)
	for _, text := range []string{text, plain, strings.ToLower(plain), strings.NewReplacer("+", "-", "/", "_").Replace(plain)} {
		for i := range max(0, len(text)-telling+1) {
			if parts[text[i:i+telling]] {
				return text[max(0, i-200):min(len(text), i+200)]
			}
		}
	}
	return ""
}

// invoke sends an event that the function's key is good for, and wants each
// request that it makes to be signed by that key, or by one of a member.
func (r *rig) invoke(event string) local.Outcome {
	r.t.Helper()
	key, revoke := r.issue()
	defer revoke()
	before := len(r.Log.Requests())
	out := r.send(local.Invocation{Event: []byte(event), Key: key})
	defer func() {
		if r.cut = ""; out.Failed {
			r.cut = key.ID
		}
	}()
	for _, request := range r.Log.Requests()[before:] {
		ofMember := request.Service == local.ServiceBackup && request.Account != account
		if request.KeyID != key.ID && request.KeyID != r.cut && !ofMember {
			r.t.Errorf("%s: signed by %q of %q, want the key of this invocation", request, request.KeyID, request.Account)
		}
	}
	return out
}

func (r *rig) send(e local.Invocation) local.Outcome {
	r.t.Helper()
	ctx, stop := context.WithTimeout(r.t.Context(), 2*time.Minute)
	defer stop()
	out, err := r.Runtime.Invoke(ctx, e)
	if err != nil {
		r.t.Error(err)
	}
	r.note(string(out.Body))
	return out
}

// An answer is what tests look at in the answer to an invocation.
type answer struct {
	Action       string
	SnapshotDate string `json:"snapshot_date"`
	Status       string
	Accounts     []struct {
		AccountID string `json:"account_id"`
		Status    string
		Key       string
		Bytes     int64 `json:"protected_data_bytes"`
	}
	Totals   []report.TypeTotal
	Warnings []string
}

// good wants an invocation to have succeeded.
func (r *rig) good(out local.Outcome) (a answer) {
	r.t.Helper()
	if err := json.Unmarshal(out.Body, &a); out.Failed || err != nil {
		r.t.Errorf("answer %s (timed out: %v, exited: %v), want success", out.Body, out.TimedOut, out.Exited)
	}
	return a
}

// failed wants an invocation to have failed with an error of its own, which
// says all of this.
func (r *rig) failed(out local.Outcome, errorType string, says ...string) {
	r.t.Helper()
	if out.ErrorType != errorType || out.TimedOut || out.Exited {
		r.t.Errorf("answer %s (timed out: %v, exited: %v), want %s", out.Body, out.TimedOut, out.Exited, errorType)
	}
	for _, text := range says {
		if !strings.Contains(out.ErrorMessage, text) {
			r.t.Errorf("error %s, want it to say %q", out.ErrorMessage, text)
		}
	}
}

// read returns a document; nil where there is none.
func (r *rig) read(key string) []byte {
	data, err := os.ReadFile(filepath.Join(r.dir, prefix, key))
	if err != nil && !os.IsNotExist(err) {
		r.t.Error(err)
	}
	return data
}

func (r *rig) record(date string) report.DayRecord {
	r.t.Helper()
	record, err := report.DecodeDayRecord(r.read("days/" + date + ".json"))
	if err != nil {
		r.t.Errorf("record of %s: %v", date, err)
	}
	return record
}

// stored is the whole bucket, every key and document.
func (r *rig) stored() string {
	var b strings.Builder
	err := filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&b, "-- %s --\n%s", strings.TrimPrefix(filepath.ToSlash(path), filepath.ToSlash(r.dir)+"/"), data)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		r.t.Error(err)
	}
	return b.String()
}

// What differs from one run of a day to another: when it was, which answer it
// got, and what follows from that.
var varying = regexp.MustCompile(`<time>\d{4}-\d\d-\d\d \d\d:\d\d<|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|"captured_unix":\d+|"bytes":\d+|"[0-9a-f]{64}"|[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}`)

// settled is the bucket without what differs from one run to another.
func (r *rig) settled() string { return varying.ReplaceAllString(r.stored(), "…") }

// empty empties the bucket. What was in it is looked through in the end.
func (r *rig) empty() {
	r.note(r.stored())
	if err := os.RemoveAll(r.dir); err != nil {
		r.t.Error(err)
	}
}

// vouched says what a reader finds wrong who trusts a complete record.
func (r *rig) vouched() error {
	records, err := filepath.Glob(filepath.Join(r.dir, prefix, "days", "*.json"))
	if err != nil {
		return err
	}
	for _, name := range append(records, filepath.Join(r.dir, prefix, "latest.json")) {
		data, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			continue
		}
		record, err := report.DecodeDayRecord(data)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
		for _, o := range record.Objects {
			data, err := os.ReadFile(filepath.Join(r.dir, prefix, o.Key))
			sum := sha256.Sum256(data)
			if record.Status == report.Complete && (err != nil || len(data) != o.Bytes || hex.EncodeToString(sum[:]) != o.SHA256) {
				return fmt.Errorf("%s is complete and lists %s, which differs (%d bytes, %v)", filepath.Base(name), o.Key, len(data), err)
			}
		}
	}
	return nil
}

// hook puts handlers between the faults and the services. It is for before the
// first request.
func (r *rig) hook(around func(service string, next http.Handler) http.Handler) {
	for service, faults := range r.Faults {
		faults.Next = around(service, faults.Next)
		faults.Clear() // takes the lock that each request takes: they see the hook
	}
}

// asked lists what a service was asked since the log was reset.
func (r *rig) asked(service string) []local.Request {
	return slices.DeleteFunc(r.Log.Requests(), func(request local.Request) bool { return request.Service != service })
}
