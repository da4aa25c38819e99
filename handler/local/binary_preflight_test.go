package local_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"backup-statistics/handler/local"
	"backup-statistics/report/zones"
)

// A check is what a preflight answers of one thing that it looked at.
type check struct{ Name, Status, Found, Do string }

// preflight wants a list of checks, and the bucket as it was.
func (r *rig) preflight(event string) (status string, checks []check) {
	r.t.Helper()
	before := r.stored()
	out := r.send(local.Invocation{Event: []byte(event)})
	var a struct {
		Status string
		Checks []check
	}
	if err := json.Unmarshal(out.Body, &a); err != nil || out.Failed {
		r.t.Errorf("answer %s (timed out: %v, exited: %v), want checks", out.Body, out.TimedOut, out.Exited)
	}
	if after := r.stored(); after != before {
		r.t.Errorf("the preflight leaves\n%s\nwant the bucket as it was\n%s", after, before)
	}
	return a.Status, a.Checks
}

// A punctual answer tells this machine's time.
type punctual struct{ http.ResponseWriter }

func (p punctual) WriteHeader(status int) {
	p.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	p.ResponseWriter.WriteHeader(status)
}

// testPreflight takes away what a run needs, one thing after another, and wants the
// preflight to find it, and to say what to do.
func testPreflight(t *testing.T, b binary) {
	deny := func(action string) func(*rig) {
		return func(r *rig) { r.OSS.Permit = func(a, _ string) bool { return a != action } }
	}
	clocks := func(ahead time.Duration) func(*rig) {
		return func(r *rig) {
			now := func() time.Time { return time.Now().Add(ahead) }
			r.OSS.Now, r.Backup.Now = now, now
		}
	}
	clockSkewed := func(r *rig) { // and says another time than it goes by
		clocks(-time.Hour)(r)
		r.hook(func(_ string, next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { next.ServeHTTP(punctual{w}, req) })
		})
	}
	elsewhere := func(r *rig) {
		r.hook(func(service string, next http.Handler) http.Handler {
			if service != local.ServiceOSS {
				return next
			}
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Oss-Request-Id", "5C3D9175B6FC201293AD4890")
				w.WriteHeader(http.StatusForbidden)
				io.WriteString(w, `<Error><Code>AccessDenied</Code><Message>The bucket you are attempting to access must be addressed using the specified endpoint.</Message><Endpoint>oss-cn-beijing.aliyuncs.com</Endpoint></Error>`)
			})
		})
	}
	robot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path != "/good" {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer robot.Close()
	const nowhere = "http://127.0.0.1:1" // nobody listens there
	member := func(change func(*local.Role)) func(*rig) {
		return func(r *rig) {
			for arn, role := range r.STS.Roles {
				change(&role)
				r.STS.Roles[arn] = role
			}
		}
	}
	tests := make(map[string]func(*testing.T))
	for _, tt := range []struct {
		name    string
		members int
		env     []string
		webhook bool
		change  func(*rig)
		check   string // that is not ok, or says more than usual; empty: all is as it should be
		status  string // of it
		found   string // in it
		do      string // in it
		more    int    // checks that fail as well
	}{
		{"all is well", 0, nil, false, nil, "", "", "", "", 0},
		{"all is well with members and a webhook", 2, []string{"WEBHOOK_URL=" + robot.URL + "/good"}, true, nil, "", "", "", "", 0},
		{"the time zones' release is named", 0, []string{"TIME_ZONE=America/Vancouver"}, false, nil, "time zone", "ok", "America/Vancouver, by IANA's release " + zones.Release() + ": the date of now is ", "", 0},
		{"no right to ask Cloud Backup", 0, nil, false, func(r *rig) { r.Backup.Deny(account) }, "cloud backup at ", "failed", "NoPermission (403", "hbr:GetBasicStatistics", 0},
		{"no right to list", 0, nil, false, deny("oss:ListObjects"), "list bucket ", "failed", "AccessDenied (403", "oss:ListObjects", 0},
		{"no right to read", 0, nil, false, deny("oss:GetObject"), "read ", "failed", "AccessDenied (403", "oss:GetObject", 0},
		{"no right to write", 0, nil, false, deny("oss:PutObject"), "write ", "failed", "AccessDenied (403", "oss:PutObject", 0},
		{"no right to see the versioning", 0, nil, false, deny("oss:GetBucketVersioning"), "versioning", "unknown", "AccessDenied (403", "oss:GetBucketVersioning", 0},
		{"no right to see the retention policy", 0, nil, false, deny("oss:GetBucketWorm"), "retention policy", "unknown", "AccessDenied (403", "oss:GetBucketWorm", 0},
		{"versioning is on", 0, nil, false, func(r *rig) { r.OSS.Versioning = "Enabled" }, "versioning", "ok", "Enabled: OSS does not refuse to overwrite", "", 0},
		{"versioning is suspended", 0, nil, false, func(r *rig) { r.OSS.Versioning = "Suspended" }, "versioning", "ok", "Suspended: OSS does not refuse to overwrite", "", 0},
		{"a retention policy", 0, nil, false, func(r *rig) { r.OSS.RetentionDays = 30 }, "retention policy", "failed", "no object of the bucket can be written twice", "without a retention policy", 0},
		{"no such bucket", 0, []string{"OSS_BUCKET=another-bucket"}, false, nil, "list bucket another-bucket in cn-hangzhou at ", "failed", "NoSuchBucket (404", "create the bucket, or mend OSS_BUCKET", 2},
		{"another region", 0, []string{"OSS_REGION=cn-shanghai"}, false, nil, "list bucket local-bucket in cn-shanghai at ", "failed", "InvalidArgument (400", "set OSS_REGION to the bucket's region", 2},
		{"Cloud Backup is elsewhere", 0, []string{"CLOUD_BACKUP_ENDPOINT=" + nowhere}, false, nil, "cloud backup at " + nowhere, "failed", "connection refused", "CLOUD_BACKUP_ENDPOINT", 0},
		{"OSS is elsewhere", 0, []string{"OSS_ENDPOINT=" + nowhere}, false, nil, "list bucket ", "failed", "connection refused", "OSS_ENDPOINT; try https://oss-cn-hangzhou.aliyuncs.com", 2},
		{"a clock ten minutes late", 0, nil, false, clocks(10*time.Minute + 30*time.Second), "clock", "failed", "the services' clock is ahead by 10m", "clock right", 0},
		{"a clock an hour ahead", 0, nil, false, clocks(-time.Hour), "clock", "failed", "; a service refused a request for its time", "clock right", 4},
		{"a clock half a minute late", 0, nil, false, clocks(30 * time.Second), "clock", "ok", "the services' clock is ahead by ", "", 0},
		{"the webhook refuses", 0, []string{"WEBHOOK_URL=" + robot.URL + "/bad"}, true, nil, "webhook", "failed", "answered 403", "WEBHOOK_URL", 0},
		{"there is no webhook", 0, nil, true, nil, "webhook", "failed", "WEBHOOK_URL is not set", "set WEBHOOK_URL", 0},
		{"the members' roles do not trust", 2, nil, false, member(func(role *local.Role) { role.Denied = true }), "cloud backup at ", "failed", "2 of 3 failed: cloud backup: account 2000000000000000, ECS_FILE: assume acs:ram::2000000000000000:role/", "sts:AssumeRole", 0},
		{"the members' roles want an external id", 2, nil, false, member(func(role *local.Role) { role.ExternalID = "another" }), "cloud backup at ", "failed", "AssumeRole: NoPermission (403", "MEMBER_EXTERNAL_ID", 0},
		{"a member has no right to ask", 2, nil, false, func(r *rig) { r.Backup.Deny("2000000000000001") }, "cloud backup at ", "failed", "1 of 3 failed: cloud backup: account 2000000000000001, ECS_FILE: GetBasicStatistics: NoPermission (403", "hbr:GetBasicStatistics as well", 0},
		{"no right to list the members", 2, nil, false, func(r *rig) { r.Directory.Master = "9999999999999999" }, "member accounts", "failed", "ListAccounts: NoPermission (403", "resourcemanager:ListAccounts", 0},
		{"STS is elsewhere", 1, []string{"STS_ENDPOINT=" + nowhere}, false, nil, "cloud backup at ", "failed", "AssumeRole: ", "STS_ENDPOINT", 0},
		{"a clock that only Cloud Backup finds wrong", 0, nil, false, func(r *rig) {
			r.Backup.Now = func() time.Time { return time.Now().Add(-time.Hour) }
		}, "cloud backup at ", "failed", "InvalidTimeStamp.Expired (400", "clock right", 1},
		{"a clock that is wrong, whatever the date says", 0, nil, false, clockSkewed, "clock", "failed", "agrees with the services'; a service refused a request for its time", "clock right", 4},
		{"a bucket of another region", 0, nil, false, elsewhere, "list bucket ", "failed", "AccessDenied (403", "set OSS_REGION=cn-beijing, and OSS_ENDPOINT=https://oss-cn-beijing.aliyuncs.com", 2},
		{"somebody else answers for OSS", 0, nil, false, func(r *rig) {
			r.Faults[local.ServiceOSS].Add(local.Fault{Kind: "stranger-200", Times: -1})
		}, "list bucket ", "failed", "no answer of OSS: x-oss-request-id is missing (200)", "a proxy or gateway", 2},
		{"somebody else answers for Cloud Backup", 0, nil, false, func(r *rig) {
			r.Faults[local.ServiceBackup].Add(local.Fault{Kind: "no-http", Times: -1})
		}, "cloud backup at ", "failed", "what came is no HTTP", "CLOUD_BACKUP_ENDPOINT", 0},
		{"a name that does not resolve", 0, []string{"CLOUD_BACKUP_ENDPOINT=https://hbr.cn-hangzhou.invalid"}, false, nil, "cloud backup at ", "failed", "no such host", "the endpoint's name does not resolve", 0},
	} {
		tests[tt.name] = func(t *testing.T) {
			r, _ := startFleet(t, b, tt.members, 12*time.Second, tt.env...)
			if tt.change != nil {
				tt.change(r)
			}
			status, checks := r.preflight(fmt.Sprintf(`{"action":"preflight","webhook":%v}`, tt.webhook))
			failed, found := 0, tt.check == ""
			for _, c := range checks {
				if c.Status == "failed" {
					failed++
				}
				if tt.check != "" && strings.HasPrefix(c.Name, tt.check) {
					found = true
					if c.Status != tt.status || !strings.Contains(c.Found, tt.found) || !strings.Contains(c.Do, tt.do) || c.Status == "ok" && c.Do != "" {
						t.Errorf("check %+v, want %s, %q found and %q to do", c, tt.status, tt.found, tt.do)
					}
				} else if c.Status != "ok" && tt.more == 0 {
					t.Errorf("check %+v, want it ok", c)
				}
			}
			want := tt.more
			if tt.status == "failed" {
				want++
			}
			if wantStatus := map[bool]string{true: "ok", false: "failed"}[want == 0]; !found || failed != want || status != wantStatus {
				t.Errorf("%s, %d checks failed: %+v; want %s, %d and one that begins with %q", status, failed, checks, wantStatus, want, tt.check)
			}
		}
	}
	tests["it leaves a bucket in use as it is"] = func(t *testing.T) {
		r, _ := startFleet(t, b, 1, 0)
		r.good(r.invoke(event))
		if status, checks := r.preflight(`{"action":"preflight"}`); status != "ok" || len(checks) < 8 {
			t.Errorf("%s, %d checks, want ok and all of them", status, len(checks))
		}
	}
	together(t, tests)
}
