package local_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"backup-statistics/handler/local"
)

const stsVersion = "2015-04-01"

// roleOf is the ARN of a role in the other account, escaped as it is signed.
func roleOf(name string) string { return url.QueryEscape("acs:ram::" + other + ":role/" + name) }

func newSTS(keys *local.Keys) *local.STS {
	arn := "acs:ram::" + other + ":role/"
	return &local.STS{Keys: keys, Now: atNoon, Roles: map[string]local.Role{
		arn + "plain":   {Account: other, Trusted: owner},
		arn + "secret":  {Account: other, Trusted: owner, ExternalID: "x 1"},
		arn + "foreign": {Account: other, Trusted: other},
		arn + "nobody":  {Account: other},
		arn + "denied":  {Account: other, Trusted: owner, Denied: true},
	}}
}

type issued struct {
	RequestId       string
	AssumedRoleUser struct{ Arn, AssumedRoleId string }
	Credentials     struct{ AccessKeyId, AccessKeySecret, SecurityToken, Expiration string }
}

// assume asks for the keys of a role, whose signer it returns.
func assume(t *testing.T, s http.Handler, query string) (caller, issued) {
	t.Helper()
	w := serve(s, newCaller(keyOf(owner)).acs("GET", "http://127.0.0.1/?"+query, stsVersion, "AssumeRole", ""))
	var answer issued
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
		t.Fatalf("AssumeRole answers %d %s (%v)", w.Code, w.Body, err)
	}
	key := answer.Credentials
	return caller{key.AccessKeyId, key.AccessKeySecret, key.SecurityToken, noon}, answer
}

func TestIssuedKeyIsTheMembers(t *testing.T) {
	keys := keysOf(owner, other)
	s, c := newSTS(keys), newBackup(keys)
	member, answer := assume(t, s, "DurationSeconds=900&RoleArn="+roleOf("plain")+"&RoleSessionName=a.b%40c-1")
	if answer.AssumedRoleUser.Arn != "acs:ram::"+other+":role/plain/a.b@c-1" || answer.Credentials.Expiration != "2026-11-23T12:15:00Z" ||
		!uuid.MatchString(answer.RequestId) || !strings.HasPrefix(member.id, "STS.") {
		t.Errorf("AssumeRole answers %+v", answer)
	}
	second, _ := assume(t, s, "RoleArn="+roleOf("plain")+"&RoleSessionName=aa")
	if second.id == member.id || second.secret == member.secret || second.token == member.token {
		t.Error("two sessions share a part of their keys")
	}

	c.Set(other, "ECS_FILE", local.Region{ID: "eu-central-1", Bytes: 11, Count: 2})
	w := serve(c, member.acs("GET", backupURL, version, action, ""))
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"RegionId":"eu-central-1"`) {
		t.Errorf("the member's key gets %d %s, want the member's regions", w.Code, w.Body)
	}
	for name, mixed := range map[string]caller{
		"the function's token":       {member.id, member.secret, keyOf(owner).Token, noon},
		"no token":                   {member.id, member.secret, "", noon},
		"the token of a second role": {member.id, member.secret, second.token, noon},
	} {
		if got := ask(t, c, mixed.acs("GET", backupURL, version, action, "")); got != "400 InvalidSecurityToken.MismatchWithAccessKey" {
			t.Errorf("%s: %s", name, got)
		}
	}
	c.Now = func() time.Time { return noon.Add(15 * time.Minute) }
	member.date = noon.Add(15 * time.Minute)
	if got := ask(t, c, member.acs("GET", backupURL, version, action, "")); got != "400 InvalidSecurityToken.Expired" {
		t.Errorf("after its 900 seconds the key gets %s", got)
	}
}

func TestAssumeRoleRefuses(t *testing.T) {
	s := newSTS(keysOf(owner))
	for _, tt := range []struct{ name, query, want string }{
		{"all as it should be", "RoleArn=" + roleOf("plain") + "&RoleSessionName=aa", "200"},
		{"an external id that nobody wants", "ExternalId=x&RoleArn=" + roleOf("plain") + "&RoleSessionName=aa", "200"},
		{"the external id", "ExternalId=x%201&RoleArn=" + roleOf("secret") + "&RoleSessionName=aa", "200"},
		{"another external id", "ExternalId=x%202&RoleArn=" + roleOf("secret") + "&RoleSessionName=aa", "403 NoPermission"},
		{"no external id", "RoleArn=" + roleOf("secret") + "&RoleSessionName=aa", "403 NoPermission"},
		{"a role that trusts another account", "RoleArn=" + roleOf("foreign") + "&RoleSessionName=aa", "403 NoPermission"},
		{"a role that trusts nobody", "RoleArn=" + roleOf("nobody") + "&RoleSessionName=aa", "403 NoPermission"},
		{"a role that is denied", "RoleArn=" + roleOf("denied") + "&RoleSessionName=aa", "403 NoPermission"},
		{"a role that does not exist", "RoleArn=" + roleOf("x") + "&RoleSessionName=aa", "404 EntityNotExist.Role"},
		{"no role", "RoleSessionName=aa", "400 MissingRoleArn"},
		{"a role that is no ARN", "RoleArn=plain&RoleSessionName=aa", "400 InvalidParameter.RoleArn"},
		{"an ARN of something else", "RoleArn=acs%3Aram%3A%3A1%3Auser%2Fa&RoleSessionName=aa", "400 InvalidParameter.RoleArn"},
		{"no session name", "RoleArn=" + roleOf("plain"), "400 MissingRoleSessionName"},
		{"a session name of one letter", "RoleArn=" + roleOf("plain") + "&RoleSessionName=a", "400 InvalidParameter.RoleSessionName"},
		{"a session name too long", "RoleArn=" + roleOf("plain") + "&RoleSessionName=" + strings.Repeat("a", 65), "400 InvalidParameter.RoleSessionName"},
		{"a session name with a slash", "RoleArn=" + roleOf("plain") + "&RoleSessionName=a%2Fb", "400 InvalidParameter.RoleSessionName"},
		{"a session too short", "DurationSeconds=899&RoleArn=" + roleOf("plain") + "&RoleSessionName=aa", "400 InvalidParameter.DurationSeconds"},
		{"a session too long", "DurationSeconds=3601&RoleArn=" + roleOf("plain") + "&RoleSessionName=aa", "400 InvalidParameter.DurationSeconds"},
		{"a session of no length", "DurationSeconds=x&RoleArn=" + roleOf("plain") + "&RoleSessionName=aa", "400 InvalidParameter.DurationSeconds"},
	} {
		r := newCaller(keyOf(owner)).acs("GET", "http://127.0.0.1/?"+tt.query, stsVersion, "AssumeRole", "")
		if got := ask(t, s, r); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	if got := ask(t, s, newCaller(keyOf(owner)).acs("GET", "http://127.0.0.1/", stsVersion, "GetFederationToken", "")); got != "404 InvalidAction.NotFound" {
		t.Errorf("another action: %s", got)
	}
	nobody := local.Key{ID: "STS.nobody", Secret: "s", Token: "t"}
	s.Keys.Add(nobody)
	r := newCaller(nobody).acs("GET", "http://127.0.0.1/?RoleArn="+roleOf("nobody")+"&RoleSessionName=aa", stsVersion, "AssumeRole", "")
	if got := ask(t, s, r); got != "403 NoPermission" {
		t.Errorf("the key of no account on a role that trusts nobody: %s", got)
	}
	if got := ask(t, s, newCaller(keyOf(other)).acs("GET", "http://127.0.0.1/", stsVersion, "AssumeRole", "")); got != "404 InvalidAccessKeyId.NotFound" {
		t.Errorf("another key: %s", got)
	}
}

func TestCallerIdentity(t *testing.T) {
	keys := keysOf(owner)
	keys.Add(local.Key{ID: "LTAI", Secret: "s", Account: owner})
	s := newSTS(keys)
	member, _ := assume(t, s, "RoleArn="+roleOf("plain")+"&RoleSessionName=session")
	for _, tt := range []struct {
		name                       string
		c                          caller
		account, arn, identityType string
	}{
		{"an issued key", member, other, "acs:ram::" + other + ":assumed-role/plain/session", "AssumedRoleUser"},
		{"a role's key from elsewhere", newCaller(keyOf(owner)), owner, "acs:ram::" + owner + ":assumed-role/local/STS." + owner, "AssumedRoleUser"},
		{"a lasting key", newCaller(local.Key{ID: "LTAI", Secret: "s"}), owner, "acs:ram::" + owner + ":user/LTAI", "RAMUser"},
	} {
		w := serve(s, tt.c.acs("POST", "http://127.0.0.1/", stsVersion, "GetCallerIdentity", ""))
		var got struct{ RequestId, AccountId, Arn, IdentityType, PrincipalId string }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.AccountId != tt.account || got.Arn != tt.arn ||
			got.IdentityType != tt.identityType || got.RequestId == "" || got.PrincipalId == "" {
			t.Errorf("%s: %d %s (%v)", tt.name, w.Code, w.Body, err)
		}
	}
}

func TestSTSThrottlesAnAccount(t *testing.T) {
	now := noon
	s := newSTS(keysOf(owner, other))
	s.Now, s.PerSecond = func() time.Time { return now }, 2
	who := func(account string) string {
		t.Helper()
		return ask(t, s, newCaller(keyOf(account)).acs("GET", "http://127.0.0.1/", stsVersion, "GetCallerIdentity", ""))
	}
	for i, want := range []string{"200", "200", "400 Throttling.Api", "400 Throttling.Api"} {
		if got := who(owner); got != want {
			t.Errorf("call %d in a second: %s, want %s", i+1, got, want)
		}
	}
	if got := who(other); got != "200" {
		t.Errorf("another account in that second: %s, want 200", got)
	}
	now = now.Add(time.Second)
	if got := who(owner); got != "200" {
		t.Errorf("a second later: %s, want 200", got)
	}
}
