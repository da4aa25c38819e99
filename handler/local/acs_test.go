package local_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"backup-statistics/handler/local"
)

const (
	backupURL = "http://127.0.0.1/?SourceType=ECS_FILE"
	action    = "GetBasicStatistics"
	version   = "2017-09-08"
)

func newBackup(keys *local.Keys) *local.CloudBackup {
	c := &local.CloudBackup{Keys: keys, Now: atNoon}
	c.Set(owner, "ECS_FILE", local.Region{ID: "cn-shenzhen", Bytes: 42949672960, Count: 5})
	return c
}

// The first is Alibaba Cloud's own. It calls another service, so that a good
// signature is answered by there being no such action.
func TestSignatureVectors(t *testing.T) {
	for _, tt := range []struct {
		name, method, host, query, action, version, date, nonce, token, secret, signature, want string
	}{
		{
			"without a token", "POST", "ecs.cn-shanghai.aliyuncs.com",
			"ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai", "RunInstances", "2014-05-26",
			"2023-10-26T10:22:32Z", "3156853299f313e23d1673dc12e1703d", "", "YourAccessKeySecret",
			"06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0", "400 InvalidVersion",
		},
		{
			"with a token", "GET", "hbr.cn-hangzhou.aliyuncs.com", "SourceType=ECS_FILE", action, version,
			"2026-01-01T01:30:05Z", "0123456789abcdef0123456789abcdef", "example-token", "example-secret",
			"4f07486f2f0d2539237d27608734b286b91eb1bcf9a85c59deacc92f6ffe343b", "403 ServiceNotActivated",
		},
	} {
		keys := new(local.Keys)
		keys.Add(local.Key{ID: "ak", Secret: tt.secret, Token: tt.token, Account: owner})
		date, _ := time.Parse(time.RFC3339, tt.date)
		c := &local.CloudBackup{Keys: keys, Now: func() time.Time { return date }}
		r := newRequest(tt.method, "https://"+tt.host+"/?"+tt.query, "")
		signed := "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"
		if tt.token != "" {
			signed = strings.Replace(signed, "date;", "date;x-acs-security-token;", 1)
			r.Header.Set("x-acs-security-token", tt.token)
		}
		r.Header.Set("x-acs-action", tt.action)
		r.Header.Set("x-acs-version", tt.version)
		r.Header.Set("x-acs-date", tt.date)
		r.Header.Set("x-acs-signature-nonce", tt.nonce)
		r.Header.Set("x-acs-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
		r.Header.Set("Authorization", "ACS3-HMAC-SHA256 Credential=ak,SignedHeaders="+signed+",Signature="+tt.signature)
		w := serve(c, r)
		if got, message := acsError(t, w.Code, w.Body); got != tt.want {
			t.Errorf("%s: %s (%s), want %s", tt.name, got, message, tt.want)
		}
	}
}

func TestCallsAreRefused(t *testing.T) {
	good := newCaller(keyOf(owner))
	lasting := newCaller(local.Key{ID: "LTAI", Secret: "lasting secret"})
	edit := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
		}
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	signed := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value); good.acsSigned(r) }
	}
	for _, tt := range []struct {
		name  string
		c     caller
		spoil func(*http.Request)
		want  string
	}{
		{"nothing wrong", good, func(*http.Request) {}, "200"},
		{"a lasting key has no token", lasting, func(*http.Request) {}, "200"},
		{"as old as may be", caller{good.id, good.secret, good.token, noon.Add(-15 * time.Minute)}, func(*http.Request) {}, "200"},
		{"headers that mean nothing", good, set("Accept", "application/json"), "200"},

		{"not signed", good, func(r *http.Request) { r.Header.Del("Authorization") }, "400 IncompleteSignature"},
		{"another scheme", good, edit("ACS3-HMAC-SHA256", "Bearer"), "400 IncompleteSignature"},
		{"no signature", good, edit(",Signature=", ",S="), "400 IncompleteSignature"},
		{"two credentials", good, edit(",Signature=", ",Credential=LTAI,Signature="), "400 IncompleteSignature"},
		{"an unknown key", caller{"nobody", good.secret, good.token, noon}, func(*http.Request) {}, "404 InvalidAccessKeyId.NotFound"},
		{"no key", caller{"", good.secret, good.token, noon}, func(*http.Request) {}, "400 IncompleteSignature"},
		{"host not signed", good, edit("SignedHeaders=host;", "SignedHeaders="), "400 IncompleteSignature"},
		{"signed headers not sorted", good, edit("host;x-acs-action", "x-acs-action;host"), "400 IncompleteSignature"},
		{"a header signed twice", good, edit("host;", "host;host;"), "400 IncompleteSignature"},
		{"another x-acs header, not signed", good, set("x-acs-extra", "1"), "400 IncompleteSignature"},
		{"content-type, not signed", good, set("Content-Type", "application/json"), "400 IncompleteSignature"},
		{"token not signed", good, edit("x-acs-security-token;", ""), "400 IncompleteSignature"},
		{"a date in another form", good, signed("x-acs-date", noon.Format(time.RFC1123)), "400 InvalidTimeStamp.Format"},
		{"a date too old", caller{good.id, good.secret, good.token, noon.Add(-15*time.Minute - time.Second)}, func(*http.Request) {}, "400 InvalidTimeStamp.Expired"},
		{"a date in the future", caller{good.id, good.secret, good.token, noon.Add(16 * time.Minute)}, func(*http.Request) {}, "400 InvalidTimeStamp.Expired"},
		{"the digest of another body", good, signed("x-acs-content-sha256", hexSHA256("x")), "400 SignatureDoesNotMatch"},
		{"a body behind the signature", good, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("x")) }, "400 SignatureDoesNotMatch"},
		{"another token", caller{good.id, good.secret, "token of " + other, noon}, func(*http.Request) {}, "400 InvalidSecurityToken.MismatchWithAccessKey"},
		{"no token", caller{good.id, good.secret, "", noon}, func(*http.Request) {}, "400 InvalidSecurityToken.MismatchWithAccessKey"},
		{"a token with a lasting key", caller{lasting.id, lasting.secret, good.token, noon}, func(*http.Request) {}, "400 InvalidSecurityToken.MismatchWithAccessKey"},
		{"a token changed behind the signature", good, set("x-acs-security-token", "x"), "400 InvalidSecurityToken.MismatchWithAccessKey"},
		{"a key that has ended", newCaller(local.Key{ID: "STS.ended", Secret: "s", Token: "t"}), func(*http.Request) {}, "400 InvalidSecurityToken.Expired"},
		{"a lasting key that was switched off", newCaller(local.Key{ID: "LTAI.ended", Secret: "s"}), func(*http.Request) {}, "400 InvalidAccessKeyId.Inactive"},
		{"another secret", caller{good.id, "x", good.token, noon}, func(*http.Request) {}, "400 SignatureDoesNotMatch"},
		{"the secret of another account", caller{good.id, "secret of " + other, good.token, noon}, func(*http.Request) {}, "400 SignatureDoesNotMatch"},
		{"a query changed behind the signature", good, func(r *http.Request) { r.URL.RawQuery += "&x=1" }, "400 SignatureDoesNotMatch"},
		{"another method", good, func(r *http.Request) { r.Method = "POST" }, "400 SignatureDoesNotMatch"},
		{"another host", good, func(r *http.Request) { r.Host = "127.0.0.1:81" }, "400 SignatureDoesNotMatch"},
		{"another nonce", good, set("x-acs-signature-nonce", "x"), "400 SignatureDoesNotMatch"},
		{"a signature in upper case", good, func(r *http.Request) {
			before, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			r.Header.Set("Authorization", before+"Signature="+strings.ToUpper(signature))
		}, "400 SignatureDoesNotMatch"},

		{"plain http beyond loopback", good, func(r *http.Request) { r.Host = "hbr.cn-hangzhou.aliyuncs.com"; good.acsSigned(r) }, "404 InvalidProtocol.NeedSsl"},
		{"another path", good, func(r *http.Request) { r.URL.Path = "/x"; good.acsSigned(r) }, "404 InvalidAction.NotFound"},
		{"a method that has no meaning", good, func(r *http.Request) { r.Method = "PUT"; good.acsSigned(r) }, "400 UnsupportedHTTPMethod"},
		{"a query that is none", good, func(r *http.Request) { r.URL.RawQuery = "%zz"; good.acsSigned(r) }, "400 BadRequest"},
		{"another action", good, signed("x-acs-action", "DescribeVaults"), "404 InvalidAction.NotFound"},
		{"another version", good, signed("x-acs-version", "2017-09-09"), "400 InvalidVersion"},
	} {
		keys := keysOf(owner, other)
		keys.Add(local.Key{ID: lasting.id, Secret: lasting.secret, Account: owner})
		keys.Add(local.Key{ID: "STS.ended", Secret: "s", Token: "t", Account: owner, Expires: noon})
		keys.Add(local.Key{ID: "LTAI.ended", Secret: "s", Account: owner, Expires: noon})
		r := tt.c.acs("GET", backupURL, version, action, "")
		tt.spoil(r)
		w := serve(newBackup(keys), r)
		got := fmt.Sprint(w.Code)
		if w.Code != 200 {
			got, _ = acsError(t, w.Code, w.Body)
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestRefusedSignatureShowsWhatWasSigned(t *testing.T) {
	c := newCaller(keyOf(owner))
	c.secret = "x"
	w := serve(newBackup(keysOf(owner)), c.acs("GET", backupURL, version, action, ""))
	_, message := acsError(t, w.Code, w.Body)
	for _, part := range []string{"ACS3-HMAC-SHA256\n", "SourceType=ECS_FILE\n", "x-acs-security-token:token of " + owner} {
		if !strings.Contains(message, part) {
			t.Errorf("message is %q, want it to contain %q", message, part)
		}
	}
}

func TestParametersOfAllKindsAreSigned(t *testing.T) {
	const strange = "https://hbr.example.com/?SourceType=ECS_FILE&a=%20%2B%2A~%2F%3F%26%25%E4%B8%AD&b=&b=2&b=1"
	w := serve(newBackup(keysOf(owner)), newCaller(keyOf(owner)).acs("GET", strange, version, action, ""))
	if w.Code != 200 {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func TestNonceIsUsedOnce(t *testing.T) {
	now := noon
	c := newBackup(keysOf(owner, other))
	c.Now = func() time.Time { return now }
	me, you := newCaller(keyOf(owner)), newCaller(keyOf(other))
	r := me.acs("GET", backupURL, version, action, "")
	yours := you.acs("GET", backupURL, version, action, "")
	yours.Header.Set("x-acs-signature-nonce", r.Header.Get("x-acs-signature-nonce"))
	forged := r.Clone(t.Context())
	forged.Header.Set("Authorization", r.Header.Get("Authorization")+"0")
	ask := func(name string, r *http.Request, want string) {
		t.Helper()
		w := serve(c, r)
		got := "200"
		if w.Code != 200 {
			got, _ = acsError(t, w.Code, w.Body)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	ask("a forged signature", forged, "400 SignatureDoesNotMatch")
	ask("then the true one", r, "200")
	ask("the same again", r, "400 SignatureNonceUsed")
	ask("the nonce under a forged signature", forged, "400 SignatureNonceUsed")
	ask("the nonce with another key", you.acsSigned(yours), "403 ServiceNotActivated")
	for i := range 3000 { // so that old nonces are looked for
		now = now.Add(time.Second / 2)
		me.date = now
		if w := serve(c, me.acs("GET", backupURL, version, action, "")); w.Code != 200 {
			t.Fatalf("request %d: status %d: %s", i, w.Code, w.Body)
		}
		if i == 1600 {
			ask("the same after 13 minutes", r, "400 SignatureNonceUsed")
		}
	}
	ask("the same after 25 minutes", r, "400 InvalidTimeStamp.Expired")
}

func TestNonceIsUsedOnceAtOnce(t *testing.T) {
	c := newBackup(keysOf(owner))
	for range 50 {
		r := newCaller(keyOf(owner)).acs("GET", backupURL, version, action, "")
		var good atomic.Int32
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				again := r.Clone(t.Context())
				again.Body = http.NoBody
				if serve(c, again).Code == 200 {
					good.Add(1)
				}
			})
		}
		group.Wait()
		if good.Load() != 1 {
			t.Fatalf("%d of 8 equal requests were good, want 1", good.Load())
		}
	}
}

// ofOld returns a call that is signed as of old: everything is a parameter, of the
// query or of a form.
func (c caller) ofOld(method, host, version, action string, parameters ...string) *http.Request {
	all := append([]string{
		"Action=" + action, "Version=" + version, "Format=JSON", "AccessKeyId=" + c.id, "SignatureMethod=HMAC-SHA1",
		"SignatureVersion=1.0", "SignatureNonce=" + rand.Text(), "Timestamp=" + strings.ReplaceAll(c.date.Format("2006-01-02T15:04:05Z"), ":", "%3A"),
	}, parameters...)
	if c.token != "" {
		all = append(all, "SecurityToken="+encodedKey(c.token))
	}
	slices.Sort(all)
	percent := strings.NewReplacer("%", "%25", "=", "%3D", "&", "%26", "/", "%2F")
	mac := hmac.New(sha1.New, []byte(c.secret+"&"))
	io.WriteString(mac, method+"&%2F&"+percent.Replace(strings.Join(all, "&")))
	signature := url.QueryEscape(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	if method == "GET" {
		return newRequest(method, "http://"+host+"/?"+strings.Join(all, "&")+"&Signature="+signature, "")
	}
	inForm := slices.DeleteFunc(slices.Clone(all), func(p string) bool { return !slices.Contains(parameters, p) })
	inQuery := slices.DeleteFunc(all, func(p string) bool { return slices.Contains(parameters, p) })
	r := newRequest(method, "http://"+host+"/?"+strings.Join(inQuery, "&")+"&Signature="+signature, strings.Join(inForm, "&"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// The first is Alibaba Cloud's own, of another service: a good signature is answered
// by there being no such version.
func TestSignatureOfOld(t *testing.T) {
	keys := new(local.Keys)
	keys.Add(local.Key{ID: "testid", Secret: "testsecret", Account: owner})
	const vector = "https://ecs.aliyuncs.com/?SignatureVersion=1.0&Action=DescribeRegions&Format=XML&SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf" +
		"&Version=2014-05-26&AccessKeyId=testid&SignatureMethod=HMAC-SHA1&Timestamp=2016-02-23T12%3A46%3A24Z&Signature="
	for signature, want := range map[string]string{"OLeaidS1JvxuMvnyHOwuJ%2BuX5qY%3D": "400 InvalidVersion", "OLeaidS1JvxuMvnyHOwuJ%2BuX5qY": "400 SignatureDoesNotMatch"} {
		c := &local.CloudBackup{Keys: keys, Now: func() time.Time { return time.Date(2016, 2, 23, 12, 46, 24, 0, time.UTC) }}
		if got := ask(t, c, newRequest("GET", vector+signature, "")); got != want {
			t.Errorf("%s: %s, want %s", signature, got, want)
		}
	}

	good := newCaller(keyOf(owner))
	const host = "127.0.0.1"
	source := "SourceType=ECS_FILE"
	edit := func(old, new string) func(*http.Request) {
		return func(r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, old, new, 1) }
	}
	nothing := func(*http.Request) {}
	for _, tt := range []struct {
		name   string
		c      caller
		method string
		spoil  func(*http.Request)
		want   string
	}{
		{"in the query", good, "GET", nothing, "200"},
		{"in a form", good, "POST", nothing, "200"},
		{"without a signature", good, "GET", edit("&Signature=", "&S="), "400 IncompleteSignature"},
		{"another method of signing", good, "GET", edit("HMAC-SHA1", "HMAC-SHA256"), "400 IncompleteSignature"},
		{"another version of it", good, "GET", edit("Version=1.0", "Version=2.0"), "400 IncompleteSignature"},
		{"an unknown key", caller{"nobody", good.secret, good.token, noon}, "GET", nothing, "404 InvalidAccessKeyId.NotFound"},
		{"another secret", caller{good.id, "x", good.token, noon}, "GET", nothing, "400 SignatureDoesNotMatch"},
		{"another token", caller{good.id, good.secret, "x", noon}, "GET", nothing, "400 InvalidSecurityToken.MismatchWithAccessKey"},
		{"no token", caller{good.id, good.secret, "", noon}, "GET", nothing, "400 InvalidSecurityToken.MismatchWithAccessKey"},
		{"too old", caller{good.id, good.secret, good.token, noon.Add(-16 * time.Minute)}, "GET", nothing, "400 InvalidTimeStamp.Expired"},
		{"no time", good, "GET", edit("Timestamp=", "Timestamp=x"), "400 InvalidTimeStamp.Format"},
		{"another parameter", good, "GET", edit("ECS_FILE", "ECS"), "400 SignatureDoesNotMatch"},
		{"another method", good, "GET", func(r *http.Request) { r.Method = "POST" }, "400 SignatureDoesNotMatch"},
		{"a form behind the signature", good, "POST", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(source + "&a=b")) }, "400 SignatureDoesNotMatch"},
	} {
		r := tt.c.ofOld(tt.method, host, version, action, source)
		tt.spoil(r)
		if got := ask(t, newBackup(keysOf(owner)), r); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	backup := newBackup(keysOf(owner))
	twice := good.ofOld("GET", host, version, action, source)
	for _, want := range []string{"200", "400 SignatureNonceUsed"} {
		if got := ask(t, backup, twice); got != want {
			t.Errorf("sent twice: %s, want %s", got, want)
		}
	}
	sts := newSTS(keysOf(owner, other))
	r := good.ofOld("POST", host, stsVersion, "AssumeRole", "RoleArn="+roleOf("plain"), "RoleSessionName=a.b%40c-1", "DurationSeconds=900")
	w := serve(sts, r)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"Arn":"acs:ram::`+other+`:role/plain/a.b@c-1"`) {
		t.Errorf("AssumeRole: %d %s", w.Code, w.Body)
	}
	directory := &local.Directory{Keys: keysOf(owner), Now: atNoon, Accounts: []local.Member{{ID: other}}}
	if w := serve(directory, good.ofOld("GET", host, "2022-04-19", "ListAccounts")); w.Code != 200 || !strings.Contains(w.Body.String(), `"AccountId":"`+other+`"`) {
		t.Errorf("ListAccounts: %d %s", w.Code, w.Body)
	}
	var log local.Log
	serve(log.Wrap("sts", sts), good.ofOld("GET", host, stsVersion, "GetCallerIdentity"))
	if got := log.Requests()[0]; got.Name != "GetCallerIdentity" || got.KeyID != good.id || got.Permission != "sts:GetCallerIdentity" {
		t.Errorf("the log has %+v, want the action and who signed", got)
	}
}
