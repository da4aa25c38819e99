package local_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"backup-statistics/handler/local"
	"backup-statistics/report"
)

// A setting is a run on some bucket.
type setting struct {
	name    string
	fleet   bool // there is a member besides the function's own account
	before  bool // there is a day before, and an alert opens
	repeats bool // the day has its snapshots
	secure  bool // all services speak TLS, and it is connections that break
	trials  int  // processes that play it at once: they mostly wait
}

var settings = []setting{
	{name: "a fleet, on a day on which an alert opens", fleet: true, before: true, trials: 40},
	{name: "a lone account, on its first day", trials: 28},
	{name: "a fleet, on a day that was captured", fleet: true, before: true, repeats: true, trials: 28},
	{name: "a fleet, over TLS", fleet: true, before: true, secure: true, trials: 8},
}

// snapshots is how many a day has.
func (at *setting) snapshots() int {
	if at.fleet {
		return 2
	}
	return 1
}

const serviceWebhook = "webhook"

// A trial is a process that plays a setting, again and again.
type trial struct {
	*rig
	setting  *setting
	webhook  *local.Log       // what the webhook was asked
	gates    map[string]*gate // by the name of the service, where the setting is secure
	stranger *httptest.Server // where a redirect leads
	kept     string           // the bucket before the run
	requests []local.Request  // of the undisturbed run
	want     string           // the bucket after it
	status   string           // what it answers of each account
}

func startTrial(t *testing.T, b binary, at *setting) *trial {
	t.Helper()
	const externalID, secret, path = "planted-external-id-0123456789", "SECplantedwebhooksecret0123456789", "planted-path-of-the-webhook"
	r := &trial{setting: at, webhook: new(local.Log), kept: t.TempDir()}
	faults := &local.Faults{Service: "acs", Next: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"taken":true}`)
	})}
	r.stranger = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		t.Errorf("%s %s: a redirect is followed, and takes the security token along", req.Method, req.URL.Path)
	}))
	t.Cleanup(r.stranger.Close)
	receiver := httptest.NewUnstartedServer(r.webhook.Wrap(serviceWebhook, faults))
	config := local.Config{Env: []string{"WEBHOOK_SECRET=" + secret, "MEMBER_EXTERNAL_ID=" + externalID}}
	if at.fleet {
		config.Members = []string{member}
	}
	if at.secure {
		r.guard(t, &config, receiver, "/robot/"+path)
	} else {
		receiver.Start()
		config.Env = append(config.Env, "WEBHOOK_URL="+receiver.URL+"/robot/"+path)
	}
	t.Cleanup(receiver.Close)
	r.rig = start(t, b, config)
	for _, g := range r.gates {
		g.open(r.rig, receiver)
	}
	r.keep(externalID, secret, path)
	r.Faults[serviceWebhook] = faults
	r.STS.Roles[role(member)] = local.Role{Account: member, Trusted: account, ExternalID: externalID}
	r.Backup.Set(member, "ECS_FILE", local.Region{ID: "cn-hangzhou", Bytes: 5 << 30, Count: 1})
	r.hook(r.watch)
	r.rehearse()
	return r
}

// rehearse makes the bucket that the setting begins with, and plays it undisturbed.
func (r *trial) rehearse() {
	if r.setting.before {
		r.good(r.send(local.Invocation{Event: []byte(strings.Replace(event, "11-22", "11-21", 1))}))
		r.Backup.Set(account, "ECS_FILE", local.Region{ID: "cn-hangzhou", Bytes: 1 << 30, Count: 1}) // an alert opens
		if r.setting.repeats {
			r.good(r.send(local.Invocation{Event: []byte(event)}))
		} else { // the schemas are written then, as on a first day
			must(r.t, os.RemoveAll(filepath.Join(r.dir, prefix, "schema")))
		}
		must(r.t, os.CopyFS(r.kept, os.DirFS(r.dir)))
	}
	r.reset()
	r.status = "written"
	if r.setting.repeats {
		r.status = "exists"
	}
	if a := r.good(r.send(local.Invocation{Event: []byte(event)})); a.Status != r.status || len(a.Warnings) > 0 {
		r.t.Fatalf("the undisturbed run answers %+v, want %s and no warning", a, r.status)
	}
	r.requests, r.want = r.asked(), r.settled()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// watch holds what the bucket vouches for against what is in it, after each write.
func (r *trial) watch(_ string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		next.ServeHTTP(w, req)
		if req.Method != http.MethodPut {
			return
		}
		if err := r.vouched(); err != nil {
			r.t.Errorf("after %s %s: %v", req.Method, req.URL.Path, err)
		}
	})
}

// reset puts the bucket back to what it was before the run.
func (r *trial) reset() {
	r.empty()
	if err := os.CopyFS(r.dir, os.DirFS(r.kept)); err != nil {
		r.t.Error(err)
	}
	r.keepIssued()
	r.Log.Reset()
	r.webhook.Reset()
}

// asked is all that was asked since the last reset, of all services.
func (r *trial) asked() []local.Request { return append(r.Log.Requests(), r.webhook.Requests()...) }

// snapshots are those of the run's day, by name.
func (r *trial) snapshots() map[string]string {
	found := make(map[string]string)
	names, err := filepath.Glob(filepath.Join(r.dir, prefix, "snapshots", "dt="+day, "*"))
	for _, name := range names {
		data, failed := os.ReadFile(name)
		if failed != nil {
			err = failed
		}
		found[filepath.Base(name)] = string(data)
	}
	if err != nil {
		r.t.Error(err)
	}
	return found
}

// A position is a request of the undisturbed run, or a service that has to be
// reached for it.
type position struct {
	index      int
	service    string
	connection bool
	on         string // as [local.Fault] matches it
	name       string // for people
	deed       deed
	account    string // whose snapshot it is about; empty: nobody's in particular
}

// positions are the requests of the undisturbed run. The schemas are written
// alike: one stands for all.
func (r *trial) positions() (all []position) {
	if r.setting.secure {
		return connections
	}
	schemas := 0
	for _, request := range r.requests {
		if isSchema(request) && request.Method == http.MethodPut {
			if schemas++; schemas > 1 {
				continue
			}
		}
		p := positionOf(request)
		if slices.ContainsFunc(all, func(other position) bool { return other.service == p.service && other.on == p.on }) {
			r.t.Errorf("%s is asked twice, want each request once", request)
			continue
		}
		all = append(all, p)
	}
	return all
}

var connections = []position{
	{service: local.ServiceBackup, connection: true, name: "connection", deed: asks},
	{service: local.ServiceSTS, connection: true, name: "connection", deed: calls, account: member},
	{service: local.ServiceDirectory, connection: true, name: "connection", deed: calls},
	{service: local.ServiceOSS, connection: true, name: "connection", deed: lists},
	{service: serviceWebhook, connection: true, name: "connection", deed: tells},
}

func positionOf(request local.Request) position {
	p := position{service: request.Service, on: request.Name + " " + request.Account, name: request.Name, account: request.Account}
	switch request.Service {
	case serviceWebhook:
		return position{service: serviceWebhook, on: "POST ", name: "message", deed: tells}
	case local.ServiceDirectory:
		p.deed, p.account = calls, ""
		return p
	case local.ServiceSTS:
		p.deed, p.account = calls, member
		return p
	case local.ServiceBackup:
		return p
	}
	key := strings.TrimPrefix(request.Name, prefix)
	p.on, p.name, p.account = subject(request), request.Method+" "+key, ""
	if of, isSnapshot := strings.CutPrefix(key, "snapshots/dt="+day+"/"); isSnapshot {
		p.account, _, _ = strings.Cut(of, "-")
	}
	switch _, folder, isList := strings.Cut(request.Name, "&prefix="+prefix); {
	case isList:
		p.name, p.deed = "LIST "+folder, lists
	case request.Method == http.MethodPut && p.account != "":
		p.deed = creates
	case request.Method == http.MethodPut:
		p.deed = replaces
	case request.Status == http.StatusNotFound:
		p.deed = misses
	default:
		p.deed = reads
	}
	return p
}

// A spoiler plays faults. A [local.Faults] is one, and a gate.
type spoiler interface {
	Add(local.Fault)
	Clear()
	Spoiled() int
}

func (r *trial) spoiler(p position) spoiler {
	if p.connection {
		return r.gates[p.service]
	}
	return r.Faults[p.service]
}

// disturb plays a combination, and then a good run. It holds against the contract
// what is the same for all combinations: the good run leaves what the undisturbed
// run leaves, no snapshot is lost or altered, and people are told.
func (r *trial) disturb(c combination) finding {
	r.reset()
	f := finding{combination: c, record: "none"}
	fault, faults := c.trouble.fault, r.spoiler(c.position)
	fault.On, fault.Times, fault.Location = c.position.on, c.times, r.stranger.URL
	was := faults.Spoiled()
	faults.Add(fault)
	out := r.send(local.Invocation{Event: []byte(event), Timeout: c.timeout()})
	faults.Clear()
	f.spoiled, f.requests, f.took = faults.Spoiled()-was, len(r.asked()), out.Duration
	f.outcome, f.says = r.outcomeOf(out), string(out.Body)
	captured := r.snapshots()
	f.captured = len(captured)
	if data := r.read(recordKey); data != nil {
		record, err := report.DecodeDayRecord(data)
		if err != nil {
			r.t.Errorf("%s: the record: %v", c, err)
		}
		f.record = string(record.Status)
	}

	f.next = r.good(r.send(local.Invocation{Event: []byte(event), RetryCount: 1})).Status
	now := r.snapshots()
	for name, was := range captured {
		if now[name] != was {
			r.t.Errorf("%s: the snapshot %s was\n%s\nand is\n%s", c, name, was, now[name])
		}
	}
	if got := r.settled(); got != r.want {
		r.t.Errorf("%s: the next run leaves\n%s\nwant\n%s", c, got, r.want)
	}
	switch told := len(r.webhook.Requests()); {
	case r.setting.repeats && told > 0:
		r.t.Errorf("%s: people were told %d times, and nothing was new", c, told)
	case r.setting.before && !r.setting.repeats && c.position.service != serviceWebhook && told == 0:
		r.t.Errorf("%s: nobody was told of the alert, want it told", c)
	}
	return f
}

func (r *trial) outcomeOf(out local.Outcome) string {
	switch {
	case out.TimedOut:
		return "killed at the deadline"
	case out.Exited:
		return "the process ended"
	case out.Failed:
		return out.ErrorType
	}
	a := r.good(out)
	for _, of := range a.Accounts {
		if of.Status != r.status { // what it wrote itself, a run has not found
			return success + " that says " + of.Status
		}
	}
	if len(a.Warnings) > 0 {
		return warning
	}
	return success
}

// racing tells whether this is a test under the race detector.
func racing() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
