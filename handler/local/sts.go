//go:build !function

package local

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"strings"
	"sync"
	"time"
)

// STS plays AssumeRole and GetCallerIdentity (2015-04-01), signed like the calls of
// Cloud Backup: in headers, or as of old in parameters.
//
// A policy that narrows a session is accepted and narrows nothing.
type STS struct {
	// Keys are the callers' keys, and receive those that are issued.
	Keys *Keys
	// Roles are the roles that exist, by ARN: acs:ram::<account>:role/<name>.
	Roles map[string]Role
	// Now is the service's clock; nil: the machine's.
	Now func() time.Time
	// PerSecond is how many calls an account may make in a second; 0: any.
	PerSecond int

	nonces   nonces
	mu       sync.Mutex
	sessions map[string]string // the ARN of who holds an issued key, by its id
	second   int64             // what calls counts
	calls    map[string]int    // by account
}

// A Role is what the accounts that it trusts may become.
type Role struct {
	// Account is the one that the role acts in; empty: that of its ARN.
	Account string
	// ExternalID is what a caller has to know, unless empty.
	ExternalID string
	// Trusted is the account that may assume the role.
	Trusted string
	// Denied refuses everyone.
	Denied bool
}

// ServeHTTP answers as sts.<region>.aliyuncs.com does.
func (s *STS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	acsAPI{"2015-04-01", "sts", s.Keys, clock(s.Now), &s.nonces, s.answer}.serve(w, r)
}

func (s *STS) answer(call *acsCall) (any, *refusal) {
	if s.throttles(call) {
		return nil, &refusal{400, "Throttling.Api", "Request was denied due to api flow control."}
	}
	switch call.action {
	case "AssumeRole":
		return s.assumeRole(call)
	case "GetCallerIdentity":
		return s.callerIdentity(call), nil
	}
	return nil, noSuchAction()
}

// throttles counts the call and tells whether it is one too many.
func (s *STS) throttles(call *acsCall) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if second := call.now.Unix(); second != s.second || s.calls == nil {
		s.second, s.calls = second, make(map[string]int)
	}
	s.calls[call.key.Account]++
	return s.PerSecond > 0 && s.calls[call.key.Account] > s.PerSecond
}

type assumedRole struct {
	RequestID       string `json:"RequestId"`
	AssumedRoleUser struct {
		Arn           string
		AssumedRoleID string `json:"AssumedRoleId"`
	}
	Credentials struct {
		AccessKeyID     string `json:"AccessKeyId"`
		AccessKeySecret string
		SecurityToken   string
		Expiration      string
	}
}

func (s *STS) assumeRole(call *acsCall) (any, *refusal) {
	arn, session := call.form.Get("RoleArn"), call.form.Get("RoleSessionName")
	account, name, ok := parseRoleARN(arn)
	switch {
	case arn == "":
		return nil, &refusal{400, "MissingRoleArn", "RoleArn is mandatory for this action."}
	case !ok:
		return nil, &refusal{400, "InvalidParameter.RoleArn", "The parameter RoleArn is wrongly formed."}
	case session == "":
		return nil, &refusal{400, "MissingRoleSessionName", "RoleSessionName is mandatory for this action."}
	case !isSessionName(session):
		return nil, &refusal{400, "InvalidParameter.RoleSessionName", "The parameter RoleSessionName is wrongly formed."}
	}
	seconds, refused := call.number("DurationSeconds", 3600, 900, 3600)
	if refused != nil {
		return nil, refused
	}
	role, ok := s.Roles[arn]
	if !ok {
		return nil, &refusal{404, "EntityNotExist.Role", "The role not exists: " + arn + " ."}
	}
	if role.Denied || role.Trusted == "" || role.Trusted != call.key.Account ||
		role.ExternalID != "" && role.ExternalID != call.form.Get("ExternalId") {
		return nil, &refusal{403, "NoPermission", "You are not authorized to do this action. You should be authorized by RAM."}
	}
	key := Key{
		ID: "STS." + rand.Text()[:24], Secret: rand.Text() + rand.Text()[:18], Token: "CAIS" + rand.Text() + rand.Text() + rand.Text() + "==",
		Account: cmp.Or(role.Account, account), Expires: call.now.Add(time.Duration(seconds) * time.Second).Truncate(time.Second),
	}
	s.issue(key, "acs:ram::"+key.Account+":assumed-role/"+name+"/"+session)
	answer := &assumedRole{RequestID: call.id}
	answer.AssumedRoleUser.Arn = arn + "/" + session
	answer.AssumedRoleUser.AssumedRoleID = roleID(key.Account, name) + ":" + session
	answer.Credentials.AccessKeyID, answer.Credentials.AccessKeySecret = key.ID, key.Secret
	answer.Credentials.SecurityToken = key.Token
	answer.Credentials.Expiration = key.Expires.UTC().Format("2006-01-02T15:04:05Z")
	return answer, nil
}

func (s *STS) issue(key Key, holder string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sessions == nil {
		s.sessions = make(map[string]string)
	}
	s.sessions[key.ID] = holder
	s.Keys.Add(key)
}

type callerIdentity struct {
	RequestID    string `json:"RequestId"`
	AccountID    string `json:"AccountId"`
	Arn          string
	IdentityType string
	PrincipalID  string `json:"PrincipalId"`
}

// callerIdentity says who signed the call. Who holds a key that was not issued
// here is not known, and named after the key.
func (s *STS) callerIdentity(call *acsCall) *callerIdentity {
	s.mu.Lock()
	holder, issued := s.sessions[call.key.ID]
	s.mu.Unlock()
	answer := &callerIdentity{RequestID: call.id, AccountID: call.key.Account}
	switch account := call.key.Account; {
	case issued:
		parts := strings.Split(holder, "/")
		answer.Arn, answer.IdentityType = holder, "AssumedRoleUser"
		answer.PrincipalID = roleID(account, parts[1]) + ":" + parts[2]
	case call.key.Token != "":
		answer.Arn, answer.IdentityType = "acs:ram::"+account+":assumed-role/local/"+call.key.ID, "AssumedRoleUser"
		answer.PrincipalID = roleID(account, "local") + ":" + call.key.ID
	default:
		answer.Arn, answer.IdentityType = "acs:ram::"+account+":user/"+call.key.ID, "RAMUser"
		answer.PrincipalID = call.key.ID
	}
	return answer
}

// roleID makes up the number that the service gives to a role.
func roleID(account, name string) string {
	return "3" + sha256Hex(account + "/" + name)[:16]
}

// parseRoleARN takes acs:ram::<account>:role/<name> apart.
func parseRoleARN(arn string) (account, name string, ok bool) {
	rest, ok := strings.CutPrefix(arn, "acs:ram::")
	account, name, cut := strings.Cut(rest, ":role/")
	return account, name, ok && cut && account != "" && name != "" && !strings.ContainsAny(arn, " \t\r\n")
}

// isSessionName tells whether a session may have this name.
func isSessionName(name string) bool {
	strange := strings.IndexFunc(name, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("_.@-", c))
	})
	return len(name) >= 2 && len(name) <= 64 && strange < 0
}
