package cloudbackup_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aliyun/credentials-go/credentials"

	"backup-statistics/handler/cloudbackup"
	"backup-statistics/handler/local"
)

// key is what the tests sign with. Its token has what URLs, HTML and JSON encode.
var key = local.Key{
	ID: "STS.Planted4KeyId0000", Secret: "Plant/ed/Sec/ret+K/ey=1111/1111+1111", Token: "CAIPlanted/Token+22222222==/3333+4444&55<6>",
	Account: "1234567890123456",
}

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // net/http tells of connections that tests break
	m.Run()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func credential(t *testing.T, k local.Key) credentials.Credential {
	t.Helper()
	config := new(credentials.Config).SetType("sts").SetAccessKeyId(k.ID).SetAccessKeySecret(k.Secret).SetSecurityToken(k.Token)
	if k.Token == "" {
		config.SetType("access_key")
	}
	c, err := credentials.NewCredential(config)
	must(t, err)
	return c
}

// serve returns the endpoint of a handler.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = quiet()
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// web is a client whose connections are a test's own.
func web(t *testing.T) *http.Client {
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func newKeys() *local.Keys {
	keys := new(local.Keys)
	keys.Add(key)
	return keys
}

// A stand is Cloud Backup that can be spoiled, and a client of it.
type stand struct {
	backup *local.CloudBackup
	faults *local.Faults
	log    *local.Log
	client *cloudbackup.Client
}

func newStand(t *testing.T) stand {
	t.Helper()
	s := stand{backup: &local.CloudBackup{Keys: newKeys()}, log: new(local.Log)}
	s.backup.Set(key.Account, "ECS_FILE", local.Region{ID: "cn-shenzhen", Bytes: 42949672960, Count: 5}, local.Region{ID: "cn-beijing", Bytes: 1<<53 + 1, Count: 0})
	s.faults = &local.Faults{Next: s.backup, Service: "acs"}
	s.client = &cloudbackup.Client{
		Endpoint: serve(t, s.log.Wrap("hbr", s.faults)), Credential: credential(t, key), Web: web(t), Pause: time.Millisecond,
	}
	return s
}

const good = "{9007242204413953 5} [{cn-shenzhen {42949672960 5}} {cn-beijing {9007199254740993 0}}]"

// ask returns the statistics as text, and how many requests it took.
func (s stand) ask(ctx context.Context, t *testing.T) (string, int, error) {
	t.Helper()
	s.log.Reset()
	statistics, err := s.client.Statistics(ctx, "ECS_FILE")
	return fmt.Sprint(statistics.Total, statistics.Regions), len(s.log.Requests()), err
}

func TestStatistics(t *testing.T) {
	s := newStand(t)
	got, requests, err := s.ask(t.Context(), t)
	if got != good || requests != 1 || err != nil {
		t.Errorf("Statistics = %s in %d requests, error %v; want %s in one", got, requests, err, good)
	}
	if r := s.log.Requests()[0]; r.Method != "GET" || r.Name != "GetBasicStatistics" || r.Account != key.Account {
		t.Errorf("the service saw %v of account %q, want a GET of GetBasicStatistics, signed by %s", r, r.Account, key.Account)
	}
}

func TestStatisticsKeepTheAnswer(t *testing.T) {
	s := newStand(t)
	const body = `{"RequestId":"R-1","Code":200,"Success":true,"SourceType":"ECS_FILE","Later": [1, {"a":"é"}],` + "\n" +
		`"RegionStatistics":[],"GlobalStatistics":{"ProtectedDataSize":0,"ProtectedResourceCount":9223372036854775807}}`
	s.backup.SetAnswer("", "", 200, " \r\n"+body+"\n")
	statistics, err := s.client.Statistics(t.Context(), "ECS_FILE")
	must(t, err)
	if got := string(statistics.Response); got != body {
		t.Errorf("Response = %s, want the answer as it came: %s", got, body)
	}
	if got, want := fmt.Sprint(statistics.RequestID, " ", statistics.Total, statistics.Regions), "R-1 {0 9223372036854775807} []"; got != want {
		t.Errorf("statistics = %s, want %s", got, want)
	}
}

func TestStatisticsSigns(t *testing.T) {
	long := local.Key{ID: "LTAIlasting", Secret: "s", Account: "77"}
	other := func(change func(*local.Key)) local.Key {
		k := key
		change(&k)
		return k
	}
	for _, tt := range []struct {
		name string
		key  local.Key
		want string // the code of the refusal
	}{
		{"the key of a role", key, ""},
		{"a key that lasts, without a token", long, ""},
		{"a wrong secret", other(func(k *local.Key) { k.Secret = "wrong" }), "SignatureDoesNotMatch"},
		{"a wrong token", other(func(k *local.Key) { k.Token = "wrong" }), "InvalidSecurityToken.MismatchWithAccessKey"},
		{"a key that nobody knows", other(func(k *local.Key) { k.ID = "wrong" }), "InvalidAccessKeyId.NotFound"},
	} {
		s := newStand(t)
		s.backup.Keys.Add(long)
		s.backup.Set(long.Account, "ECS_FILE")
		s.client.Credential = credential(t, tt.key)
		_, requests, err := s.ask(t.Context(), t)
		var refusal *cloudbackup.Refusal
		if code := ""; requests != 1 || errors.As(err, &refusal) != (tt.want != "") || refusal != nil && refusal.Code != tt.want {
			t.Errorf("%s: error = %v%s after %d requests, want code %q after one", tt.name, err, code, requests, tt.want)
		}
	}
}

// A key may change between two attempts, but not between the signature and the
// token.
func TestCredentialIsAskedOnceAnAttempt(t *testing.T) {
	s := newStand(t)
	rotating := &rotation{model: model{key: new(credentials.CredentialModel)}, keys: []local.Key{
		{ID: "first", Secret: "s1", Token: "t1", Account: key.Account}, {ID: "second", Secret: "s2", Token: "t2", Account: key.Account},
	}}
	for _, k := range rotating.keys {
		s.backup.Keys.Add(k)
	}
	s.client.Credential = rotating
	s.faults.Add(local.Fault{Kind: "throttle-400"})
	got, requests, err := s.ask(t.Context(), t)
	if got != good || err != nil || requests != 2 || rotating.asked != 2 {
		t.Fatalf("statistics = %s, error %v after %d requests with %d keys; want %s after two with two", got, err, requests, rotating.asked, good)
	}
	if r := s.log.Requests(); r[0].KeyID != "first" || r[1].KeyID != "second" {
		t.Errorf("signed by %s and %s, want first and second", r[0].KeyID, r[1].KeyID)
	}
}

// A rotation gives one key after the other.
type rotation struct {
	model
	keys  []local.Key
	asked int
}

func (r *rotation) GetCredential() (*credentials.CredentialModel, error) {
	k := r.keys[r.asked%len(r.keys)]
	r.asked++
	return &credentials.CredentialModel{AccessKeyId: &k.ID, AccessKeySecret: &k.Secret, SecurityToken: &k.Token, Type: new("sts")}, nil
}

// Many accounts share one HTTP client, and one Client may be asked at once.
func TestStatisticsAtOnce(t *testing.T) {
	s := newStand(t)
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			statistics, err := s.client.Statistics(t.Context(), "ECS_FILE")
			if got := fmt.Sprint(statistics.Total, statistics.Regions); got != good || err != nil {
				t.Errorf("Statistics = %s, error %v; want %s", got, err, good)
			}
		})
	}
	callers.Wait()
	if got := len(s.log.Requests()); got != 8 {
		t.Errorf("%d requests, want 8", got)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var elsewhere atomic.Int64
	other := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	s := newStand(t)
	s.faults.Add(local.Fault{Kind: "redirect-307", Location: other, Times: -1})
	_, requests, err := s.ask(t.Context(), t)
	if want := "GetBasicStatistics: answered 307: redirects are not followed (tried 6 times)"; err == nil || err.Error() != want || requests != 6 || elsewhere.Load() != 0 {
		t.Errorf("error = %v after %d requests, %d of them elsewhere; want %s after six", err, requests, elsewhere.Load(), want)
	}
}

func TestStatisticsRefusesToSend(t *testing.T) {
	const endpoint = "GetBasicStatistics: endpoint is not usable: want an origin, such as https://hbr.cn-hangzhou.aliyuncs.com; http on loopback only"
	fixed := func(k local.Key) credentials.Credential {
		return model{&credentials.CredentialModel{AccessKeyId: &k.ID, AccessKeySecret: &k.Secret, SecurityToken: &k.Token, Type: new("sts")}, nil}
	}
	for _, tt := range []struct {
		name, endpoint string
		credential     credentials.Credential
		want           string
	}{
		{"no endpoint", "", credential(t, key), endpoint},
		{"no scheme", "hbr.cn-hangzhou.aliyuncs.com", credential(t, key), endpoint},
		{"http to another host", "http://hbr.cn-hangzhou.aliyuncs.com", credential(t, key), endpoint},
		{"another scheme", "ftp://127.0.0.1", credential(t, key), endpoint},
		{"a path", "http://127.0.0.1:1/path", credential(t, key), endpoint},
		{"a user", "http://u:p@127.0.0.1:1", credential(t, key), endpoint},
		{"a query", "http://127.0.0.1:1?a=b", credential(t, key), endpoint},
		{"no credential", "http://127.0.0.1:1", nil, "GetBasicStatistics: credentials: none given: want a key"},
		{"a provider that has none", "http://127.0.0.1:1", model{nil, errors.New(key.Token)}, `GetBasicStatistics: credentials: provider "model" gives none: want a key`},
		{"a provider that says nothing", "http://127.0.0.1:1", model{}, "GetBasicStatistics: credentials: the key id or its secret is empty: want both"},
		{"no key id", "http://127.0.0.1:1", fixed(local.Key{Secret: "s", Token: "t"}), "GetBasicStatistics: credentials: the key id or its secret is empty: want both"},
		{"no secret", "http://127.0.0.1:1", fixed(local.Key{ID: "i", Token: "t"}), "GetBasicStatistics: credentials: the key id or its secret is empty: want both"},
		{"no token", "http://127.0.0.1:1", fixed(local.Key{ID: "i", Secret: "s"}), "GetBasicStatistics: credentials: the security token is empty: want the one that was issued with the key"},
	} {
		c := &cloudbackup.Client{Endpoint: tt.endpoint, Credential: tt.credential, Web: &http.Client{Transport: unreachable{t}}}
		if _, err := c.Statistics(t.Context(), "ECS_FILE"); err == nil || err.Error() != tt.want {
			t.Errorf("%s: error = %v, want %s", tt.name, err, tt.want)
		}
	}
}

// A model is a provider of whatever it holds.
type model struct {
	key *credentials.CredentialModel
	err error
}

func (m model) GetCredential() (*credentials.CredentialModel, error) { return m.key, m.err }
func (m model) GetType() *string                                     { return new("model") }
func (m model) GetAccessKeyId() (*string, error)                     { panic("not asked") }
func (m model) GetAccessKeySecret() (*string, error)                 { panic("not asked") }
func (m model) GetSecurityToken() (*string, error)                   { panic("not asked") }
func (m model) GetBearerToken() *string                              { panic("not asked") }

// unreachable fails a test that sends anything.
type unreachable struct{ t *testing.T }

func (u unreachable) RoundTrip(r *http.Request) (*http.Response, error) {
	u.t.Errorf("a request was sent to %s, want none", r.Host)
	return nil, io.EOF
}

// The environment's proxy belongs to the HTTP client that the caller chose; the
// core would add its password to the request.
func TestProxyPasswordStaysHere(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://user:password@127.0.0.1:1")
	s := newStand(t)
	var header http.Header
	s.client.Endpoint = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		s.backup.ServeHTTP(w, r)
	}))
	_, err := s.client.Statistics(t.Context(), "ECS_FILE")
	must(t, err)
	if header.Get("Proxy-Authorization") != "" {
		t.Error("the request holds the proxy's password, want none")
	}
	if got := header.Get("User-Agent"); !strings.HasSuffix(got, " backup-statistics") {
		t.Errorf("User-Agent = %q, want one that ends in backup-statistics", got)
	}
}

func TestLargeAnswer(t *testing.T) {
	var requests atomic.Int64
	c := &cloudbackup.Client{Credential: credential(t, key), Web: web(t), Endpoint: serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		for range 5 << 10 {
			if _, err := w.Write(make([]byte, 1<<10)); err != nil {
				return
			}
		}
	}))}
	_, err := c.Statistics(t.Context(), "ECS_FILE")
	if want := "GetBasicStatistics: answer is larger than 4194304 bytes: want less"; err == nil || err.Error() != want || requests.Load() != 1 {
		t.Errorf("error = %v after %d requests, want %s after one", err, requests.Load(), want)
	}
}

// Nobody else's certificate is worth a second try. A server without TLS may be gone.
func TestWrongPeer(t *testing.T) {
	var connections atomic.Int64
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	secure.Config.ErrorLog = quiet()
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := serve(t, http.NotFoundHandler())
	for _, tt := range []struct{ name, endpoint, want string }{
		{"a certificate of nobody known", secure.URL, "GetBasicStatistics: no answer: tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		{"no TLS", "https" + strings.TrimPrefix(plain, "http"), "GetBasicStatistics: no answer: http: server gave HTTP response to HTTPS client (tried 6 times)"},
	} {
		c := &cloudbackup.Client{Endpoint: tt.endpoint, Credential: credential(t, key), Web: web(t), Pause: 1}
		if _, err := c.Statistics(t.Context(), "ECS_FILE"); err == nil || err.Error() != tt.want {
			t.Errorf("%s: error = %v, want %s", tt.name, err, tt.want)
		}
	}
	if connections.Load() != 1 {
		t.Errorf("%d connections to the unknown, want 1", connections.Load())
	}
}

// quiet drops what servers say of connections that tests break.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
