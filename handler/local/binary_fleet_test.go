package local_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"backup-statistics/handler/local"
	"backup-statistics/report"
)

// startFleet starts a function whose directory lists these members, which each
// protect other numbers of bytes.
func startFleet(t *testing.T, b binary, members int, timeout time.Duration, env ...string) (*rig, []string) {
	t.Helper()
	var ids []string
	for i := range members {
		ids = append(ids, fmt.Sprintf("20000000000%05d", i))
	}
	r := start(t, b, local.Config{Members: ids, Function: local.Function{Timeout: timeout}, Env: env})
	for i, id := range ids {
		r.Backup.Set(id, "ECS_FILE", local.Region{ID: "cn-hangzhou", Bytes: bytesOf(i), Count: int64(i + 1)})
	}
	return r, ids
}

func bytesOf(member int) int64 { return int64(member+1) << 20 }

func role(id string) string { return "acs:ram::" + id + ":role/backup-statistics-member" }

// askedFor are the accounts that Cloud Backup was asked for, sorted.
func (r *rig) askedFor() []string {
	var accounts []string
	for _, request := range r.asked(local.ServiceBackup) {
		accounts = append(accounts, request.Account)
	}
	slices.Sort(accounts)
	return slices.Compact(accounts)
}

// testFleet collects a hundred accounts, four of which fail at first.
func testFleet(t *testing.T, b binary) {
	r, ids := startFleet(t, b, 99, 16*time.Second)
	r.Directory.Accounts = append(r.Directory.Accounts,
		local.Member{ID: account, Name: "own"}, // collected once all the same
		local.Member{ID: "3333333333333333", Name: "never", Status: "CreateFailed"})
	untrusted, denied, roleless, hanging := ids[3], ids[30], ids[60], ids[98]
	r.STS.Roles[role(untrusted)] = local.Role{Account: untrusted, Trusted: account, Denied: true}
	delete(r.STS.Roles, role(roleless))
	r.Backup.Deny(denied)
	r.Faults[local.ServiceBackup].Add(local.Fault{Kind: "hang-header", On: hanging, Times: -1})

	bad := []string{untrusted, denied, roleless, hanging}
	r.failed(r.invoke(event), "AccountsError", append(bad, "4 failed; ", "NoPermission (403", "EntityNotExist.Role (404")...)
	record := r.record(day)
	if got, want := fmt.Sprintf("%s %d of %d, %d not attempted", record.Status, record.Accounts.Collected, record.Accounts.Expected, len(record.Accounts.NotAttempted)), "partial 96 of 100, 0 not attempted"; got != want {
		t.Errorf("record %s, want %s", got, want)
	}
	for i, id := range slices.Sorted(slices.Values(bad)) {
		if i >= len(record.Accounts.Failed) {
			t.Errorf("%s is not among those that failed: %+v", id, record.Accounts.Failed)
			continue
		}
		f := record.Accounts.Failed[i]
		if f.AccountID != id || f.SourceType != "ECS_FILE" || f.ErrorType != "SourceError" || f.Message == "" {
			t.Errorf("failure %+v, want one of %s with its reason", f, id)
		}
	}
	if pages := r.asked(local.ServiceDirectory); len(pages) != 2 {
		t.Errorf("pages %v of 101 accounts, want two", pages)
	}
	for i, id := range ids {
		checkMember(t, r, id, i, !slices.Contains(bad, id))
	}

	r.Backup.Allow(denied)
	for _, id := range []string{untrusted, roleless} {
		r.STS.Roles[role(id)] = local.Role{Account: id, Trusted: account}
	}
	r.Faults[local.ServiceBackup].Clear()
	r.Faults[local.ServiceSTS].Clear() // takes the lock that each request takes
	r.Log.Reset()
	if a := r.good(r.invoke(event)); a.Status != "written" {
		t.Errorf("the retry answers %q, want written", a.Status)
	}
	if got, want := r.askedFor(), slices.Sorted(slices.Values(bad)); !slices.Equal(got, want) {
		t.Errorf("the retry asks for %q, want %q alone", got, want)
	}
	if roles := r.asked(local.ServiceSTS); len(roles) != len(bad) {
		t.Errorf("the retry assumes %d roles, want %d", len(roles), len(bad))
	}
	record = r.record(day)
	if record.Status != report.Complete || record.Accounts.Collected != 100 || record.Cause != "" || len(record.Objects) != 102 {
		t.Errorf("record %s, %d collected, cause %q, %d objects; want a complete day of 100 snapshots and two tables", record.Status, record.Accounts.Collected, record.Cause, len(record.Objects))
	}
	for i, id := range ids {
		checkMember(t, r, id, i, true)
	}
	if rows := strings.Count(string(r.read("totals/dt="+day+"/totals.jsonl")), "\n"); rows != 100 {
		t.Errorf("%d rows of totals, want 100", rows)
	}
}

// checkMember wants a member's snapshot to be that member's: the stand-in answers
// for the account whose key signs.
func checkMember(t *testing.T, r *rig, id string, i int, want bool) {
	t.Helper()
	data := r.read("snapshots/dt=" + day + "/" + id + "-ECS_FILE.json")
	if !want {
		if data != nil {
			t.Errorf("account %s has a snapshot, want none", id)
		}
		return
	}
	if s, err := report.DecodeSnapshot(data); err != nil || s.AccountID != id || s.ProtectedDataBytes != bytesOf(i) {
		t.Errorf("account %s: snapshot %+v (%v), want its own %d bytes", id, s, err, bytesOf(i))
	}
}

func testListedRoles(t *testing.T, b binary) {
	const externalID = "planted-external-id-0123456789"
	arn := func(id string) string { return "acs:ram::" + id + ":role/reader" }
	trusting, strict, own := "2000000000000001", "2000000000000002", account
	r := start(t, b, local.Config{Env: []string{
		"MEMBER_ROLE_ARNS=" + strings.Join([]string{arn(strict), arn(own), arn(trusting)}, ", "), "MEMBER_EXTERNAL_ID=" + externalID,
	}})
	r.keep(externalID)
	r.STS.Roles[arn(trusting)] = local.Role{Account: trusting, Trusted: account, ExternalID: externalID}
	r.STS.Roles[arn(strict)] = local.Role{Account: strict, Trusted: account, ExternalID: "another"}
	r.Backup.Set(trusting, "ECS_FILE", local.Region{ID: "cn-hangzhou", Bytes: bytesOf(0), Count: 1})
	r.Backup.Set(strict, "ECS_FILE", local.Region{ID: "cn-hangzhou", Bytes: bytesOf(1), Count: 1})
	r.failed(r.invoke(event), "AccountsError", "1 failed; ", "assume "+arn(strict)+": AssumeRole: NoPermission (403")
	if record := r.record(day); record.Status != report.Partial || record.Accounts.Expected != 3 || record.Accounts.Collected != 2 {
		t.Errorf("record %s %+v, want two of three", record.Status, record.Accounts)
	}
	checkMember(t, r, trusting, 0, true)
	checkMember(t, r, strict, 1, false)
	if roles := r.asked(local.ServiceSTS); len(roles) != 2 {
		t.Errorf("%v, want no role for the function's own account", roles)
	}

	if a := r.good(r.invoke(strings.Replace(event, `""`, `"{\"accounts\":[\"`+trusting+`\"]}"`, 1))); a.Status != "exists" || len(a.Accounts) != 1 {
		t.Errorf("narrowed to one account, the answer is %+v, want its snapshot alone", a)
	}
}

func testDirectoryFails(t *testing.T, b binary) {
	for _, tt := range []struct {
		name string
		fail func(*rig)
		says string
	}{
		{"it refuses", func(r *rig) { r.Directory.Master = "9999999999999999" }, "ListAccounts: NoPermission (403"},
		{"it breaks down for ever", func(r *rig) {
			r.Faults[local.ServiceDirectory].Add(local.Fault{Kind: "error-500", Times: -1})
		}, "ListAccounts: InternalError (500"},
		{"it hangs", func(r *rig) {
			r.Faults[local.ServiceDirectory].Add(local.Fault{Kind: "hang-header", Times: -1})
		}, "ListAccounts: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, ids := startFleet(t, b, 2, 8*time.Second)
			tt.fail(r)
			r.failed(r.invoke(event), "AccountsError", "1 failed; cloud backup: find the member accounts: ", tt.says)
			record := r.record(day)
			if record.Status != report.Partial || record.Accounts.Collected != 1 || !strings.Contains(record.Cause, tt.says) || r.read(snapshotKey) == nil {
				t.Errorf("record %s %+v because of %q, want a partial day that says why, and the own account written", record.Status, record.Accounts, record.Cause)
			}
			r.Directory.Master = account
			r.Faults[local.ServiceDirectory].Clear()
			r.good(r.invoke(event))
			if record := r.record(day); record.Status != report.Complete || record.Accounts.Collected != 3 {
				t.Errorf("record %s %+v, want a complete day of three", record.Status, record.Accounts)
			}
			for i, id := range ids {
				checkMember(t, r, id, i, true)
			}
		})
	}
}

// testPolicy lets the function do what the policy allows that people are given, and
// nothing else. Runs of every kind do well with it, and need all of it; those of one
// account need none of its last two statements, which are for several.
func testPolicy(t *testing.T, b binary) {
	all, err := policy("../../.ros/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	timer := []string{
		event, strings.Replace(event, "11-22", "11-23", 1), `{"triggerTime":"2026-11-23T15:17:00Z","triggerName":"check","payload":"{\"action\":\"check\"}"}`,
		"{}", `{"overwrite":true}`, `{"dry_run":true}`, `{"action":"rebuild"}`,
	}
	t.Run("several accounts", func(t *testing.T) {
		r, _ := startFleet(t, b, 2, 20*time.Second)
		keepsTo(t, r, all, timer)
	})
	t.Run("one account", func(t *testing.T) {
		r := start(t, b, local.Config{Function: local.Function{Timeout: 20 * time.Second}})
		keepsTo(t, r, all[:len(all)-2], timer)
	})
}

// keepsTo invokes the function, which must need all that the statements allow, and
// ask for nothing else; but a preflight may look at what nothing needs.
func keepsTo(t *testing.T, r *rig, allowed []statement, events []string) {
	t.Helper()
	r.OSS.Permit = func(action, key string) bool {
		return slices.ContainsFunc(allowed, func(s statement) bool { return slices.Contains(s.actions, action) && (key == "" || s.covers(key)) })
	}
	r.Faults[local.ServiceOSS].Add(local.Fault{Kind: "lost-reply", On: "PUT /local-bucket/" + prefix + snapshotKey}) // it is looked at then
	for _, event := range events {
		if a := r.good(r.invoke(event)); a.Status == "failed" {
			t.Errorf("%s: answer %+v, want all to be well", event, a)
		}
	}
	needed := make(map[string]bool)
	for _, request := range r.Log.Requests() {
		if !slices.ContainsFunc(allowed, func(s statement) bool { return s.allows(request) }) {
			t.Errorf("request %s needs %s: want no other than .ros/policy.json allows", request, request.Permission)
		}
		needed[request.Permission] = true
	}
	if a := r.good(r.invoke(`{"action":"preflight"}`)); a.Status == "failed" {
		t.Errorf("preflight: answer %+v, want all to be well", a)
	}
	for _, s := range allowed {
		for _, action := range s.actions {
			if !needed[action] {
				t.Errorf(".ros/policy.json allows %s, which no run needs", action)
			}
		}
	}
}

// A statement is a part of a RAM policy.
type statement struct {
	actions  []string
	resource string   // such as acs:oss:*:*:BUCKET/backup-statistics/*
	prefixes []string // of a listing; nil: any
}

// allows tells whether a request needs what the statement allows, on what it allows
// it on. Roles are matched by the tests of members.
func (s statement) allows(r local.Request) bool {
	if !slices.Contains(s.actions, r.Permission) {
		return false
	}
	if r.Service != local.ServiceOSS {
		return true
	}
	key, query, _ := strings.Cut(r.Name, "?")
	if key != "" {
		return s.covers(key)
	}
	asked, err := url.ParseQuery(query)
	return err == nil && slices.ContainsFunc(s.prefixes, func(pattern string) bool { return matches(asked.Get("prefix"), pattern) })
}

// covers tells whether an object is among the statement's resources.
func (s statement) covers(key string) bool {
	_, pattern, ofObjects := strings.Cut(s.resource, ":BUCKET/")
	return ofObjects && matches(key, pattern)
}

func matches(text, pattern string) bool {
	begin, any := strings.CutSuffix(pattern, "*")
	return any && strings.HasPrefix(text, begin) || text == pattern
}

// policy reads the statements of a policy.
func policy(file string) ([]statement, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	var document struct {
		Statement []struct {
			Effect    string
			Action    any
			Resource  string
			Condition struct{ StringLike map[string][]string }
		}
	}
	if err := json.Unmarshal(data, &document); err != nil {
		return nil, fmt.Errorf("%s: the policy: %w", file, err)
	}
	var statements []statement
	for _, s := range document.Statement {
		one := statement{resource: s.Resource, prefixes: s.Condition.StringLike["oss:Prefix"]}
		switch a := s.Action.(type) {
		case string:
			one.actions = []string{a}
		case []any:
			for _, action := range a {
				one.actions = append(one.actions, fmt.Sprint(action))
			}
		}
		if s.Effect != "Allow" {
			return nil, fmt.Errorf("%s: the policy: effect is %q: want Allow", file, s.Effect)
		}
		statements = append(statements, one)
	}
	return statements, nil
}
