package local_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"backup-statistics/handler/local"
	"backup-statistics/report"
	"backup-statistics/report/zones"
)

// testEvents sends one process one event after another: what an event is
// answered depends on those before it.
func testEvents(t *testing.T, b binary) {
	r := start(t, b, local.Config{})
	has := make(map[string]bool) // days that have their snapshot
	for i, tt := range []struct {
		name, event string
		status      string // of a day that has no snapshot; "exists" is wanted of one that has
		says        string // a warning, or with an errorType in place of the status the message
	}{
		{"no bytes", "", "written", ""},
		{"an empty object", "{}", "written", ""},
		{"null", "null", "written", ""},
		{"blanks", " \n", "written", ""},
		{"plain text", "now please", "written", `the event is plain text, "now please": taken as {}, all defaults`},
		{"what a console may send", `{"action":"snapshot","source_types":["ECS_FILE"]}`, "written", ""},
		{"a dry run", `{"dry_run":true}`, "dry_run", ""},
		{"a timer whose payload asks for a dry run", strings.Replace(event, `""`, `"{\"dry_run\":true}"`, 1), "dry_run", ""},
		{"a timer", event, "written", ""},
		{"the timer again", event, "written", ""},
		{"a timer with a field to come", `{"triggerTime":"2026-11-23T12:17:00Z","triggerName":"daily","more":1}`, "written", ""},
		{"a timer whose payload is text", strings.Replace(event, `""`, `"hello"`, 1), "written", `plain text, "hello"`},
		{"a timer whose payload asks to overwrite", strings.Replace(event, `""`, `"{\"overwrite\":true}"`, 1), "replaced", ""},
		{"an unknown field", `{"colour":"red"}`, "EventError", `event: "colour" is no field of a request: want accounts, action, chain, dry_run, `},
		{"an unknown field in a payload", strings.Replace(event, `""`, `"{\"colour\":1}"`, 1), "EventError", `event: payload of the timer trigger: "colour" is no field of a request: want `},
		{"an unknown action", `{"action":"snap"}`, "EventError", `event: action is "snap": want snapshot`},
		{"a field of another kind", `{"dry_run":"yes"}`, "EventError", `event: dry_run is "yes": want true or false; {} takes all defaults`},
		{"an account of somebody else", `{"accounts":["7"]}`, "EventError", `event: accounts names 7, which is none of the 1 accounts of this deployment: want such as ` + account},
		{"broken JSON", `{"action":`, "EventError", `: want a JSON object, such as {"action":"snapshot"}; {} takes all defaults`},
		{"a list", `["snapshot"]`, "EventError", `event: a list, ["snapshot"]: want a JSON object`},
		{"a byte order mark before a request", "\ufeff{\"dry_run\":true}", "dry_run", ""},
		{"an action alone", "check", "EventError", `type {"action":"check"}`},
		{"full-width brackets", `｛"dry_run":true｝`, "EventError", `event: ｛ (U+FF5B) at byte 1 of `},
		{"typographic quotes", `{“dry_run”:true}`, "EventError", `event: “ (U+201C) at byte 2 of {“dry_run”:true}: type " there`},
		{"a source type of nobody", `{"source_types":["ECS_FILES"]}`, "EventError", `event: source_types names ECS_FILES, and this deployment collects ECS_FILE: `},
		{"a timer of a mistyped year", strings.Replace(event, "2026", "9999", 1), "EventError", `event: triggerTime is 9999-11-22T17:30:00Z, `},
		{"a timer of the beginning of time", strings.Replace(event, "2026", "1970", 1), "EventError", `event: triggerTime is 1970-11-22T17:30:00Z, `},
		{"a timer without its time", `{"triggerName":"daily"}`, "EventError", `event: triggerTime is "": want a time, such as "2026-11-23T12:17:00Z"`},
	} {
		asked := len(r.Log.Requests())
		out := r.invoke(tt.event)
		if cold := out.Start > 0; cold != (i == 0) {
			t.Errorf("%s: a process was started: %v, want one for the first event, which lives on", tt.name, cold)
		}
		if strings.HasSuffix(tt.status, "Error") {
			r.failed(out, tt.status, tt.says)
			if got := len(r.Log.Requests()); got != asked {
				t.Errorf("%s cost %d requests, want none", tt.name, got-asked)
			}
			continue
		}
		a := r.good(out)
		want := tt.status
		if want == "written" && has[a.SnapshotDate] {
			want = "exists"
		}
		has[a.SnapshotDate] = has[a.SnapshotDate] || want == "written"
		if got := strings.Join(a.Warnings, "; "); a.Status != want || !strings.Contains(got, tt.says) || got != "" && tt.says == "" {
			t.Errorf("%s: status %q, warnings %q; want %q and %q", tt.name, a.Status, got, want, tt.says)
		}
		if len(a.Accounts) != 1 || a.Accounts[0].AccountID != account || a.Accounts[0].Bytes != 40<<30 || len(a.Totals) != 1 || a.Totals[0].ProtectedDataBytes != 40<<30 {
			t.Errorf("%s: answer %s, want the account and its totals", tt.name, out.Body)
		}
	}
	checkSnapshot(t, r)
}

// checkSnapshot holds a stored snapshot against the contract, byte for byte. It is the
// last event's, which overwrote it, and says so.
func checkSnapshot(t *testing.T, r *rig) {
	const want = `{"schema":"snapshot/v1","snapshot_date":"2026-11-23","time_zone":"Asia/Shanghai",` +
		`"account_id":"1234567890123456","source_type":"ECS_FILE","trigger":"timer",` +
		`"scheduled_at":"…","replaces":true,"captured_at":"…","request_id":"…","protected_data_bytes":42949672960,"protected_resource_count":5,` +
		`"regions":[{"region_id":"cn-hangzhou","protected_data_bytes":10737418240,"protected_resource_count":2},` +
		`{"region_id":"cn-shenzhen","protected_data_bytes":32212254720,"protected_resource_count":3}],"regions_match_total":true,` +
		`"response":{"RequestId":"…","Code":"200","Message":"successful","Success":true,"SourceType":"ECS_FILE","RegionStatistics":[` +
		`{"RegionId":"cn-shenzhen","ProtectedDataSize":32212254720,"ProtectedResourceCount":3},` +
		`{"RegionId":"cn-hangzhou","ProtectedDataSize":10737418240,"ProtectedResourceCount":2}],` +
		`"GlobalStatistics":{"ProtectedDataSize":42949672960,"ProtectedResourceCount":5}}}` + "\n"
	data := r.read(snapshotKey)
	if got := varying.ReplaceAllString(string(data), "…"); got != want {
		t.Errorf("the snapshot is\n%s\nwant\n%s", got, want)
	}
	s, err := report.DecodeSnapshot(data)
	if err != nil || s.ScheduledAt == nil || s.ScheduledAt.Format(time.RFC3339) != "2026-11-22T17:30:00Z" || s.CapturedAt.Before(time.Now().Add(-time.Hour)) {
		t.Errorf("snapshot scheduled at %v, captured at %v (%v): want the timer's time, and that of the run", s.ScheduledAt, s.CapturedAt, err)
	}
}

func testCheck(t *testing.T, b binary) {
	r := start(t, b, local.Config{})
	r.good(r.invoke(event))
	check := func(at string) local.Outcome {
		return r.invoke(`{"triggerTime":"` + at + `","triggerName":"check","payload":"{\"action\":\"check\"}"}`)
	}
	if a := r.good(check("2026-11-23T15:17:00Z")); a.Action != "check" || a.Status != "complete" || a.SnapshotDate != day {
		t.Errorf("a check of a day that is captured answers %+v, want check, complete and its date", a)
	}
	r.failed(check("2026-11-24T15:17:00Z"), "GapError", "2026-11-24")
	if record := r.record("2026-11-24"); record.Status != report.Missing || record.Cause == "" || len(record.Totals) > 0 {
		t.Errorf("record %+v, want a missing day that says why and has no numbers", record)
	}
}

func testRetry(t *testing.T, b binary) {
	for _, tt := range []struct {
		name    string
		service string
		fault   local.Fault
		errors  string // of the attempts
	}{
		{"Cloud Backup refuses twice", local.ServiceBackup, local.Fault{Kind: "clock-skew", Times: 2}, "SourceError SourceError"},
		{"OSS refuses the snapshot", local.ServiceOSS, local.Fault{Kind: "clock-skew", On: "PUT /local-bucket/backup-statistics/snapshots/"}, "StoreError"},
		{"OSS refuses the record twice", local.ServiceOSS, local.Fault{Kind: "clock-skew", On: "PUT /local-bucket/backup-statistics/days/", Times: 2}, "StoreError StoreError"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := start(t, b, local.Config{})
			r.Runtime.Pause = time.Nanosecond
			r.Faults[tt.service].Add(tt.fault)
			outs, err := r.Runtime.InvokeAsync(t.Context(), local.Invocation{Event: []byte(event)})
			if err != nil {
				t.Fatal(err)
			}
			var errorTypes []string
			for _, out := range outs[:len(outs)-1] {
				errorTypes = append(errorTypes, out.ErrorType)
			}
			if got := strings.Join(errorTypes, " "); got != tt.errors {
				t.Errorf("attempts ended in %q, want %q and then success", got, tt.errors)
			}
			last := r.good(outs[len(outs)-1])
			if record := r.record(day); last.SnapshotDate != day || record.Status != report.Complete || record.Cause != "" || record.DetectedAt != nil {
				t.Errorf("answer for %s, record %+v; want the same event, and a complete day without a cause", last.SnapshotDate, record)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			for i := range errorTypes {
				if want := fmt.Sprintf("retry=%d", i); !strings.Contains(r.said.String(), want) {
					t.Errorf("no line of the log says %s", want)
				}
			}
		})
	}
}

func testBadDeployment(t *testing.T, b binary) {
	together(t, map[string]func(*testing.T){
		"bad variables": func(t *testing.T) {
			r := start(t, b, local.Config{Env: []string{
				"OSS_BUCKET=B", "OSS_ENDPOINT=http://oss.example.com", "SOURCE_TYPES=ecs", "TIME_ZONE=Mars/Olympus", "LOG_LEVEL=loud",
				"FREE_QUOTA_BYTES=-1", "CONCURRENCY=0", "ALERT_RULES=colour=3", "WEBHOOK_URL=ftp://robot/planted-token-of-a-robot", "MEMBER_ROLE_ARNS=nobody",
			}})
			r.keep("ftp://robot/planted-token-of-a-robot")
			for i, event := range []string{event, "{}", `{"colour":"red"}`} {
				out := r.invoke(event)
				r.failed(out, "ConfigError", `config: OSS_ENDPOINT is "http://oss.example.com"`, `OSS_BUCKET is "B"`, `SOURCE_TYPES: "ecs"`,
					`TIME_ZONE is "Mars/Olympus"`, `LOG_LEVEL is "loud"`, `FREE_QUOTA_BYTES is "-1"`, `CONCURRENCY is "0"`, `ALERT_RULES`, `WEBHOOK_URL is not shown`, `MEMBER_ROLE_ARNS: "nobody"`)
				if cold := out.Start > 0; cold != (i == 0) {
					t.Errorf("event %d: a process was started: %v, want the first to live on", i, cold)
				}
			}
			if requests := r.Log.Requests(); len(requests) > 0 {
				t.Errorf("requests %v, want none", requests)
			}
		},
		"nothing set": func(t *testing.T) {
			r := start(t, b, local.Config{Env: []string{"OSS_BUCKET="}})
			r.failed(r.invoke(event), "ConfigError", "config: OSS_BUCKET is not set: want the bucket that receives the objects")
		},
		"no role": func(t *testing.T) {
			r := start(t, b, local.Config{NoRole: true})
			for range 2 {
				r.failed(r.send(local.Invocation{Event: []byte(event)}), "ConfigError", "config: the function has no role")
			}
			if requests := r.Log.Requests(); len(requests) > 0 {
				t.Errorf("requests %v, want none", requests)
			}
		},
		// What is left out must not come from the environment, which holds another key.
		"a part of the key left out": func(t *testing.T) {
			r := start(t, b, local.Config{})
			r.good(r.invoke(`{"dry_run":true}`))
			r.Log.Reset()
			key, revoke := r.issue()
			defer revoke()
			for _, part := range []local.Key{
				{ID: key.ID, Secret: key.Secret}, {ID: key.ID, Token: key.Token}, {Secret: key.Secret, Token: key.Token},
			} {
				r.failed(r.send(local.Invocation{Event: []byte(event), Key: part}), "ConfigError", "config: the function has no role")
			}
			if requests := r.Log.Requests(); len(requests) > 0 {
				t.Errorf("requests %v, want none", requests)
			}
		},
		"an account that is none": func(t *testing.T) {
			r := start(t, b, local.Config{Function: local.Function{AccountID: "../up"}})
			r.failed(r.send(local.Invocation{Event: []byte(event)}), "ConfigError", `config: the invocation's account: "../up" is no account id`)
		},
	})
}

// testHangs has a service hang until the function has to give up. Its runtime
// kills whoever overruns the deadline, and then nobody knows why.
func testHangs(t *testing.T, b binary) {
	tests := make(map[string]func(*testing.T))
	for _, tt := range []struct {
		service   string
		fault     local.Fault
		errorType string
		captured  bool // the snapshot is written all the same
	}{
		{local.ServiceBackup, local.Fault{Kind: "hang-header"}, "SourceError", false},
		{local.ServiceBackup, local.Fault{Kind: "hang-body"}, "SourceError", false},
		{local.ServiceBackup, local.Fault{Kind: "slow-drip", Pause: time.Second}, "SourceError", false},
		{local.ServiceOSS, local.Fault{Kind: "hang-header"}, "StoreError", false},
		{local.ServiceOSS, local.Fault{Kind: "hang-body", On: "GET "}, "StoreError", false},
		{local.ServiceOSS, local.Fault{Kind: "hang-header", On: "PUT "}, "StoreError", false},
		{local.ServiceOSS, local.Fault{Kind: "hang-header", On: "GET /local-bucket/" + prefix + "days/"}, "StoreError", true},
		{local.ServiceOSS, local.Fault{Kind: "hang-header", On: "PUT /local-bucket/" + prefix + "totals/"}, "StoreError", true},
	} {
		tt.fault.Times = -1
		tests[tt.service+" "+tt.fault.Kind+" "+tt.fault.On] = func(t *testing.T) {
			r := start(t, b, local.Config{Function: local.Function{Timeout: 6 * time.Second}})
			r.Faults[tt.service].Add(tt.fault)
			r.failed(r.invoke(event), tt.errorType)
			if captured := r.read(snapshotKey) != nil; captured != tt.captured {
				t.Errorf("the snapshot is there: %v, want %v", captured, tt.captured)
			}
			if tt.service == local.ServiceBackup {
				record := r.record(day)
				if record.Status != report.Missing || len(record.Objects) > 0 || len(record.Totals) > 0 || !strings.Contains(record.Cause, "SourceError: cloud backup: account "+account+", ECS_FILE: GetBasicStatistics: ") {
					t.Errorf("record %+v, want a missing day, without numbers, that says why", record)
				}
			}
			r.Faults[tt.service].Clear()
			// A request that was sent at the last moment may come only now: none is held
			// against a key.
			r.good(r.send(local.Invocation{Event: []byte(event), Timeout: time.Minute}))
			if record := r.record(day); record.Status != report.Complete || record.Cause != "" {
				t.Errorf("record %+v, want a complete day after the retry", record)
			}
		}
	}
	together(t, tests)
}

// testInvokeCommand runs the binary as a person does, with keys of a workstation.
func testInvokeCommand(t *testing.T, b binary) {
	r := start(t, b, local.Config{})
	user := local.Key{ID: "LTAIplantedkeyid1234", Secret: "planted-secret-of-a-user", Account: account}
	role := local.Key{ID: "STS.plantedkeyid1234", Secret: "planted-secret-of-a-role", Token: "planted-token-of-a-role", Account: account}
	for _, key := range []local.Key{user, role} {
		r.Keys.Add(key)
		r.keep(key.ID, key.Secret, key.Token)
	}
	named := []string{"-account", account, "-region", "cn-hangzhou"}
	for _, tt := range []struct {
		name string
		key  local.Key
		args []string
		code int
		says string // in what is printed: on standard output where the code is 0
	}{
		{"a role's keys", role, append(named, "-event", event), 0, `"status": "written"`},
		{"whose keys they are is found out", user, []string{"-event", event}, 0, `"status": "exists"`},
		{"no event takes all defaults", user, []string{"-timeout", "30s"}, 0, `"action": "snapshot"`},
		{"help", local.Key{}, []string{"-h"}, 0, ""},
		{"a bad event", user, append(named, "-event", `{"colour":"red"}`), 2, `backup-statistics: event: "colour" is no field of a request`},
		{"an unknown flag", user, []string{"-colour", "red"}, 2, "flags"},
		{"a word too many", user, []string{"now"}, 2, "flags"},
		{"no keys", local.Key{}, append(named, "-event", "{}"), 2, "config: no credentials on this workstation: want such as ALIBABA_CLOUD_ACCESS_KEY_ID"},
		{"keys of another account", user, []string{"-account", "2000000000000000", "-event", `{"overwrite":true}`}, 2, "config: the credentials, of ALIBABA_CLOUD_ACCESS_KEY_ID, are of account " + account + `, and -account or FC_ACCOUNT_ID is "2000000000000000"`},
		{"a wrong secret", local.Key{ID: user.ID, Secret: "planted-wrong-secret"}, append(named, "-event", "{}"), 1, "SignatureDoesNotMatch"},
	} {
		stdout, stderr, code := r.command(b, tt.key, tt.args)
		shown := stdout
		if tt.code != 0 {
			shown = stderr
		}
		if code != tt.code || !strings.Contains(shown, tt.says) || tt.code != 0 && stdout != "" {
			t.Errorf("%s: exit code %d, printed %q and %q; want %d and %q", tt.name, code, stdout, stderr, tt.code, tt.says)
		}
		if tt.code == 0 && tt.says != "" && !json.Valid([]byte(stdout)) {
			t.Errorf("%s: %s is no JSON", tt.name, stdout)
		}
	}
	if strings.Contains(r.stored(), "2000000000000000") {
		t.Error("something is filed under an account whose keys are not there")
	}
	if _, stderr, code := r.command(b, user, []string{"-event", "{}"}, "FC_ACCOUNT_ID=2000000000000000"); code != 2 || !strings.Contains(stderr, "are of account "+account) {
		t.Errorf("the account of FC_ACCOUNT_ID: exit code %d, %q; want 2 and whose keys they are", code, stderr)
	}
	if _, stderr, code := r.command(b, user, []string{"-event", "{}"}); code != 0 || !strings.Contains(stderr, "msg=started commit=unknown zones="+zones.Release()+" account="+account+" credentials=ALIBABA_CLOUD_ACCESS_KEY_ID\n") {
		t.Errorf("exit code %d, %q; want 0, and in the log's first line whose keys were taken", code, stderr)
	}
	if out, err := exec.Command(b.path, "-version").Output(); err != nil || string(out) != "backup-statistics unknown, "+runtime.Version()+", time zones of IANA "+zones.Release()+"\n" {
		t.Errorf("-version prints %q, %v", out, err)
	}
	if s, err := report.DecodeSnapshot(r.read(snapshotKey)); err != nil || s.AccountID != account {
		t.Errorf("snapshot %+v, %v; want one of the account", s, err)
	}
	if _, stderr, code := r.command(b, user, append(named, "-event", "{}"), "OSS_BUCKET="); code != 2 || !strings.Contains(stderr, "config: OSS_BUCKET is not set") {
		t.Errorf("no bucket: exit code %d, %q; want 2 and what is not set", code, stderr)
	}
	r.OSS.ReadOnly = true
	r.Faults[local.ServiceOSS].Clear() // takes the lock that each request takes
	if stdout, stderr, code := r.command(b, user, append(named, "-event", `{"triggerTime":"2026-01-02T12:17:00Z"}`)); code != 1 || !strings.Contains(stderr, "store: put "+prefix+"snapshots/dt=2026-01-02/") || stdout != "" {
		t.Errorf("a store that fails: exit code %d, printed %q and %q; want 1 and what failed", code, stdout, stderr)
	}
}

// testInvokeRole runs the command with a profile of the CLI that names a role.
// credentials-go assumes it at the real name of STS, and signs as of old.
func testInvokeRole(t *testing.T, b binary) {
	r := start(t, b, local.Config{})
	user := local.Key{ID: "LTAIplantedkeyid1234", Secret: "planted-secret-of-a-user", Account: account}
	r.Keys.Add(user)
	r.keep(user.ID, user.Secret)
	const mine, others = "acs:ram::" + account + ":role/operator", "acs:ram::" + account + ":role/of-others"
	r.STS.Roles[mine] = local.Role{Trusted: account, ExternalID: "planted external id"}
	r.STS.Roles[others] = local.Role{Trusted: "2345678901234567"}
	r.keep(r.STS.Roles[mine].ExternalID)
	authority := newAuthority(t)
	roots := filepath.Join(t.TempDir(), "roots.pem")
	must(t, os.WriteFile(roots, authority.pem(), 0o600))
	certificate := authority.issue(t, []string{"127.0.0.1", "sts.cn-hangzhou.aliyuncs.com"}, time.Now().Add(time.Hour))
	proxy := standIn(t, r.Log.Wrap(local.ServiceSTS, r.Faults[local.ServiceSTS]), certificate)
	for _, tt := range []struct {
		name, role string
		code       int
		says       string
	}{
		{"a role", mine, 0, `"status": "written"`},
		{"a role that is not theirs", others, 2, "/.aliyun/config.json: a session was refused (NoPermission)"},
	} {
		home := t.TempDir()
		must(t, os.Mkdir(filepath.Join(home, ".aliyun"), 0o700))
		profile, err := json.Marshal(map[string]any{"current": "work", "profiles": []map[string]any{{
			"name": "work", "mode": "RamRoleArn", "access_key_id": user.ID, "access_key_secret": user.Secret,
			"ram_role_arn": tt.role, "ram_session_name": "workstation", "expired_seconds": 900, "sts_region": "cn-hangzhou",
			"external_id": r.STS.Roles[mine].ExternalID,
		}}})
		must(t, err)
		must(t, os.WriteFile(filepath.Join(home, ".aliyun", "config.json"), profile, 0o600))
		r.Log.Reset()
		stdout, stderr, code := r.command(b, local.Key{}, []string{"-region", "cn-hangzhou", "-event", event},
			"HOME="+home, "HTTPS_PROXY="+proxy, "SSL_CERT_FILE="+roots)
		if code != tt.code || !strings.Contains(stdout+stderr, tt.says) {
			t.Errorf("%s: exit code %d, printed %q and %q; want %d and %q", tt.name, code, stdout, stderr, tt.code, tt.says)
		}
		assumed := false
		for _, request := range r.Log.Requests() {
			if request.Name == "AssumeRole" {
				assumed = assumed || request.KeyID == user.ID
			} else if !strings.HasPrefix(request.KeyID, "STS.") {
				t.Errorf("%s: %s is signed by %s, want the role's key", tt.name, request, request.KeyID)
			}
		}
		if !assumed {
			t.Errorf("%s: nobody asked STS for the role: %v", tt.name, r.Log.Requests())
		}
	}
}

// standIn is a proxy behind which every name is this service.
func standIn(t *testing.T, service http.Handler, certificate tls.Certificate) (address string) {
	t.Helper()
	named := httptest.NewUnstartedServer(service)
	named.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	named.StartTLS()
	t.Cleanup(named.Close)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		client, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer client.Close()
		io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
		server, err := net.Dial("tcp", named.Listener.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		go func() {
			io.Copy(server, client)
			server.Close()
		}()
		io.Copy(client, server)
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL
}

// testInvokeProxy wants a workstation's proxy to be asked for the services.
func testInvokeProxy(t *testing.T, b binary) {
	asked := make(chan string, 100)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		asked <- req.Method + " " + req.Host
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(proxy.Close)
	r := start(t, b, local.Config{})
	user := local.Key{ID: "LTAIplantedkeyid1234", Secret: "planted-secret-of-a-user", Account: account}
	r.keep(user.ID, user.Secret)
	address := strings.Replace(proxy.URL, "http://", "http://user:planted-word-of-a-proxy@", 1)
	r.keep("planted-word-of-a-proxy")
	_, stderr, code := r.command(b, user, []string{"-region", "cn-hangzhou", "-timeout", "3s"}, "STS_ENDPOINT=", "HTTPS_PROXY="+address, "NO_PROXY=example.com")
	if code != 1 || !strings.Contains(stderr, "GetCallerIdentity") {
		t.Errorf("a proxy that refuses: exit code %d, %q; want 1 and what failed", code, stderr)
	}
	select {
	case got := <-asked:
		if got != "CONNECT sts.cn-hangzhou.aliyuncs.com:443" {
			t.Errorf("the proxy was asked to %s", got)
		}
	default:
		t.Error("the proxy was not asked")
	}
	_, stderr, code = r.command(b, user, []string{"-region", "cn-hangzhou"}, "HTTPS_PROXY=http://[planted-word-of-a-proxy")
	if code != 2 || !strings.Contains(stderr, "config: HTTPS_PROXY is not shown") {
		t.Errorf("an address that is none: exit code %d, %q; want 2 and which", code, stderr)
	}
}

// command runs "invoke" with nothing of this machine's environment.
func (r *rig) command(b binary, key local.Key, args []string, env ...string) (stdout, stderr string, code int) {
	r.t.Helper()
	ctx, stop := context.WithTimeout(r.t.Context(), time.Minute)
	defer stop()
	command := exec.CommandContext(ctx, b.path, append([]string{"invoke"}, args...)...)
	command.Env = append(r.Env(), "HOME="+r.t.TempDir(), "ALIBABA_CLOUD_ECS_METADATA_DISABLED=true", "GORACE=atexit_sleep_ms=0",
		"ALIBABA_CLOUD_ACCESS_KEY_ID="+key.ID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET="+key.Secret, "ALIBABA_CLOUD_SECURITY_TOKEN="+key.Token)
	command.Env = append(slices.DeleteFunc(command.Env, func(v string) bool { return strings.HasSuffix(v, "=") }), env...)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.t.Fatal(err)
	}
	r.note(out.String() + errs.String())
	return out.String(), errs.String(), command.ProcessState.ExitCode()
}
