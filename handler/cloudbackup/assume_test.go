package cloudbackup_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"backup-statistics/handler/cloudbackup"
	"backup-statistics/handler/local"
)

const roleARN = "acs:ram::2345678901234567:role/backup-statistics"

func newSTS(t *testing.T, faults ...local.Fault) (cloudbackup.STS, *local.Keys, *local.Log) {
	t.Helper()
	keys, log := newKeys(), new(local.Log)
	service := &local.STS{Keys: keys, Roles: map[string]local.Role{roleARN: {Trusted: key.Account, ExternalID: "a+b/c d"}}}
	spoiled := &local.Faults{Next: service, Service: "acs"}
	for _, f := range faults {
		spoiled.Add(f)
	}
	return cloudbackup.STS{Endpoint: serve(t, log.Wrap("sts", spoiled)), Credential: credential(t, key), Web: web(t), Pause: time.Millisecond}, keys, log
}

func TestAssumeRole(t *testing.T) {
	for _, faults := range [][]local.Fault{nil, {{Kind: "throttle-400", Times: 2}}, {{Kind: "throttle-429", Times: 8}}, {{Kind: "reset-after"}}, {{Kind: "truncated"}}, {{Kind: "html-502"}}} {
		sts, keys, log := newSTS(t, faults...)
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		role, err := sts.AssumeRole(ctx, roleARN, "backup-statistics@fc", "a+b/c d")
		must(t, err)
		got, err := role.GetCredential()
		must(t, err)
		issued, ok := keys.Find(*got.AccessKeyId)
		if !ok || *got.AccessKeySecret != issued.Secret || *got.SecurityToken != issued.Token || *got.Type != "sts" {
			t.Errorf("after %v: the credential is not the one that was issued", faults)
		}
		if left := time.Until(issued.Expires); left > 900*time.Second || left < 800*time.Second {
			t.Errorf("the credential lasts %v, want 900 s", left)
		}
		log.Reset()
		sts.Credential = role // a chain: whose is it?
		account, err := sts.Account(t.Context())
		if r := log.Requests(); account != "2345678901234567" || err != nil || len(r) != 1 || r[0].KeyID != issued.ID {
			t.Errorf("Account = %q, error %v, requests %v; want the role's account, signed with its key", account, err, r)
		}
	}
}

func TestAssumeRoleRefused(t *testing.T) {
	for _, tt := range []struct{ name, arn, session, external, want string }{
		{"no such role", "acs:ram::2:role/r", "session", "", "EntityNotExist.Role (404, request ID): The role not exists: acs:ram::2:role/r ."},
		{"no ARN", "", "session", "", "MissingRoleArn (400, request ID): RoleArn is mandatory for this action."},
		{"a short session name", roleARN, "s", "a+b/c d", "InvalidParameter.RoleSessionName (400, request ID): The parameter RoleSessionName is wrongly formed."},
		{"another external id", roleARN, "session", "other", "NoPermission (403, request ID): You are not authorized to do this action. You should be authorized by RAM."},
		{"no external id", roleARN, "session", "", "NoPermission (403, request ID): You are not authorized to do this action. You should be authorized by RAM."},
	} {
		sts, _, log := newSTS(t)
		role, err := sts.AssumeRole(t.Context(), tt.arn, tt.session, tt.external)
		got := ids.ReplaceAllString(fmt.Sprint(err), "request ID")
		if got != "AssumeRole: "+tt.want || role != nil || len(log.Requests()) != 1 {
			t.Errorf("%s: error = %s after %d requests, want AssumeRole: %s after one", tt.name, got, len(log.Requests()), tt.want)
		}
	}
}

// A part that is missing must not be taken from the environment, where Function
// Compute puts those of the function's own role.
func TestAssumeRoleWantsAllParts(t *testing.T) {
	for _, name := range []string{"ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"} {
		t.Setenv(name, "another")
	}
	const answer = `{"RequestId":"R-1","Credentials":{"AccessKeyId":"i","AccessKeySecret":"s","SecurityToken":"t"}}`
	for _, tt := range []struct{ part, instead, want string }{
		{``, ``, ``},
		{`"AccessKeyId":"i",`, ``, "answer: Credentials.AccessKeyId is missing: want a string that is not empty (request R-1)"},
		{`"i"`, `""`, "answer: Credentials.AccessKeyId is (not shown): want a string that is not empty (request R-1)"},
		{`"AccessKeySecret"`, `"accessKeySecret"`, "answer: Credentials.AccessKeySecret is missing: want a string that is not empty (request R-1)"},
		{`"s"`, `null`, "answer: Credentials.AccessKeySecret is (not shown): want a string that is not empty (request R-1)"},
		{`,"SecurityToken":"t"`, ``, "answer: Credentials.SecurityToken is missing: want a string that is not empty (request R-1)"},
		{`"t"`, `7`, "answer: Credentials.SecurityToken is (not shown): want a string that is not empty (request R-1)"},
		{`"Credentials"`, `"credentials"`, "answer: Credentials is missing: want an object (request R-1)"},
		{`{"AccessKeyId":"i",`, `{"AccessKeyId":"i","AccessKeyId":"i",`, "answer: Credentials is (not shown): want an object in which no name stands twice (request R-1)"},
		{`"RequestId":"R-1",`, ``, "answer: RequestId is missing: want a string that is not empty"},
		{answer, `OK`, `answered 200 with (not shown): want JSON`},
	} {
		sts := cloudbackup.STS(*(&canned{status: 200, body: strings.Replace(answer, tt.part, tt.instead, 1)}).client(t))
		role, err := sts.AssumeRole(t.Context(), roleARN, "session", "")
		if tt.want == "" && (err != nil || role == nil) || tt.want != "" && fmt.Sprint(err) != "AssumeRole: "+tt.want+" (tried 2 times)" {
			t.Errorf("%q for %q: error = %v, want AssumeRole: %s", tt.instead, tt.part, err, tt.want)
		}
	}
}

func TestAccount(t *testing.T) {
	sts, _, _ := newSTS(t)
	if got, err := sts.Account(t.Context()); got != key.Account || err != nil {
		t.Errorf("Account = %q, error %v; want %s", got, err, key.Account)
	}
	for _, tt := range []struct{ body, want string }{
		{`{"AccountId":"1"}`, "answer: RequestId is missing: want a string that is not empty"},
		{`{"RequestId":"R"}`, "answer: AccountId is missing: want a string that is not empty (request R)"},
		{`{"RequestId":"R","AccountId":""}`, `answer: AccountId is "": want a string that is not empty (request R)`},
		{`{"RequestId":"R","AccountId":1234}`, `answer: AccountId is 1234: want a string that is not empty (request R)`},
		{`{"RequestId":"R","AccountId":"../1"}`, `answer: "../1" is no account id: want letters and digits, such as 1234567890123456 (request R)`},
		{`{"RequestId":"R","AccountId":"1","AccountId":"2"}`, `answer: "AccountId" stands twice: want it once`},
	} {
		sts := cloudbackup.STS(*(&canned{status: 200, body: tt.body}).client(t))
		if got, err := sts.Account(t.Context()); got != "" || fmt.Sprint(err) != "GetCallerIdentity: "+tt.want+" (tried 2 times)" {
			t.Errorf("%s: account %q, error = %v, want GetCallerIdentity: %s", tt.body, got, err, tt.want)
		}
	}
}

// Refusals of every call are of the one type.
func TestRefusalOfSTS(t *testing.T) {
	sts, keys, _ := newSTS(t)
	keys.Remove(key.ID)
	_, err := sts.Account(t.Context())
	var refusal *cloudbackup.Refusal
	if !errors.As(err, &refusal) || refusal.Action != "GetCallerIdentity" || refusal.Code != "InvalidAccessKeyId.NotFound" || refusal.Status != 404 || refusal.RequestID == "" {
		t.Errorf("error = %v, want a Refusal with all its parts", err)
	}
}

// An account for which the pace leaves no time is not asked at all, and says so.
func TestMemberWithoutATurn(t *testing.T) {
	sts, _, log := newSTS(t)
	pace := rate.NewLimiter(rate.Every(time.Hour), 1)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	for i, turn := range []bool{true, false} {
		m := &cloudbackup.MemberAccount{STS: &sts, Pace: pace, RoleARN: roleARN, Session: "session", Backup: cloudbackup.Client{Endpoint: "http://127.0.0.1:1"}}
		_, err := m.Statistics(ctx, "ECS_FILE")
		var state interface{ NotAttempted() bool }
		if unasked := errors.As(err, &state) && state.NotAttempted(); unasked == turn || err == nil {
			t.Errorf("member %d: error %v, not attempted: %v, want %v", i+1, err, unasked, !turn)
		}
	}
	if r := log.Requests(); len(r) != 1 {
		t.Errorf("requests %v, want those of the first alone", r)
	}
}
