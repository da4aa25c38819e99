package local_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"backup-statistics/handler/local"
)

const (
	owner  = "1234567890123456"
	other  = "2345678901234567"
	bucket = "bucket"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// A caller signs requests as the services' documents say, apart from the code
// that verifies them.
type caller struct {
	id, secret, token string
	date              time.Time
}

func newCaller(key local.Key) caller { return caller{key.ID, key.Secret, key.Token, noon} }

func keyOf(account string) local.Key {
	return local.Key{ID: "STS." + account, Secret: "secret of " + account, Token: "token of " + account, Account: account}
}

func keysOf(accounts ...string) *local.Keys {
	keys := new(local.Keys)
	for _, account := range accounts {
		keys.Add(keyOf(account))
	}
	return keys
}

func newRequest(method, url, body string) *http.Request {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	return r
}

// acs returns a signed call, and acsSigned signs one that has its headers.
func (c caller) acs(method, url, version, action, body string) *http.Request {
	r := newRequest(method, url, body)
	r.Header.Set("x-acs-action", action)
	r.Header.Set("x-acs-version", version)
	r.Header.Set("x-acs-date", c.date.Format("2006-01-02T15:04:05Z"))
	r.Header.Set("x-acs-signature-nonce", rand.Text())
	r.Header.Set("x-acs-content-sha256", hexSHA256(body))
	if c.token != "" {
		r.Header.Set("x-acs-security-token", c.token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return c.acsSigned(r)
}

func (c caller) acsSigned(r *http.Request) *http.Request {
	lines := []string{"host:" + r.Host}
	for name, values := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-acs-") || name == "content-type" {
			lines = append(lines, name+":"+values[0])
		}
	}
	slices.Sort(lines)
	var names []string
	for _, line := range lines {
		name, _, _ := strings.Cut(line, ":")
		names = append(names, name)
	}
	signed := strings.Join(names, ";")
	canonical := r.Method + "\n/\n" + sortedQuery(r) + "\n" + strings.Join(lines, "\n") + "\n\n" + signed + "\n" + r.Header.Get("x-acs-content-sha256")
	signature := hexMAC([]byte(c.secret), "ACS3-HMAC-SHA256\n"+hexSHA256(canonical))
	r.Header.Set("Authorization", "ACS3-HMAC-SHA256 Credential="+c.id+",SignedHeaders="+signed+",Signature="+signature)
	return r
}

// sortedQuery sorts the parameters of a query that is encoded as it is signed.
func sortedQuery(r *http.Request) string {
	pairs := strings.Split(r.URL.RawQuery, "&")
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// oss returns a signed request for a key, or for the bucket if there is none. The
// bucket is in the path, unless the name of the host begins with it.
func (c caller) oss(method, base, key, query, body string, headers ...string) *http.Request {
	encoded := encodedKey(key)
	url := base + "/" + encoded
	if !strings.Contains(base, "://"+bucket+".") {
		url = base + "/" + bucket + "/" + encoded
	}
	if query != "" {
		url += "?" + query
	}
	r := newRequest(method, url, body)
	r.Header.Set("x-oss-date", c.date.Format("20060102T150405Z"))
	r.Header.Set("x-oss-content-sha256", "UNSIGNED-PAYLOAD")
	if c.token != "" {
		r.Header.Set("x-oss-security-token", c.token)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return c.ossSigned(r, "/"+bucket+"/"+encoded, "cn-hangzhou")
}

func encodedKey(key string) (encoded string) {
	for _, b := range []byte(key) {
		if strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~/", rune(b)) {
			encoded += string(rune(b))
		} else {
			encoded += fmt.Sprintf("%%%02X", b)
		}
	}
	return encoded
}

// ossAddress returns a signed address: what it needs is in the query.
func (c caller) ossAddress(method, base, key, expires string, more ...string) string {
	day := c.date.Format("20060102")
	scope := day + "/cn-hangzhou/oss/aliyun_v4_request"
	stamp := c.date.Format("20060102T150405Z")
	query := append([]string{
		"x-oss-signature-version=OSS4-HMAC-SHA256", "x-oss-credential=" + strings.ReplaceAll(c.id+"/"+scope, "/", "%2F"),
		"x-oss-date=" + stamp, "x-oss-expires=" + expires, "x-oss-additional-headers=host", "x-oss-security-token=" + encodedKey(c.token),
	}, more...)
	slices.Sort(query)
	host := strings.TrimPrefix(base, "http://")
	canonical := strings.Join([]string{method, "/" + bucket + "/" + encodedKey(key), strings.Join(query, "&"), "host:" + host + "\n", "host", "UNSIGNED-PAYLOAD"}, "\n")
	secret := []byte("aliyun_v4" + c.secret)
	for part := range strings.SplitSeq(scope, "/") {
		secret, _ = hex.DecodeString(hexMAC(secret, part))
	}
	signature := hexMAC(secret, "OSS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+hexSHA256(canonical))
	path := "/" + encodedKey(key)
	if !strings.HasPrefix(host, bucket+".") {
		path = "/" + bucket + path
	}
	return base + path + "?" + strings.Join(query, "&") + "&x-oss-signature=" + signature
}

func (c caller) ossSigned(r *http.Request, uri, region string) *http.Request {
	var lines []string
	for name, values := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-oss-") || name == "content-md5" || name == "content-type" {
			lines = append(lines, name+"\x00:"+values[0]) // sorted by the name alone
		}
	}
	slices.Sort(lines)
	headers := strings.ReplaceAll(strings.Join(lines, "\n"), "\x00", "")
	var query []string
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		query = append(query, strings.TrimSuffix(pair, "="))
	}
	slices.Sort(query)
	canonical := strings.Join([]string{r.Method, uri, strings.Join(query, "&"), headers + "\n", "", "UNSIGNED-PAYLOAD"}, "\n")
	stamp, day := r.Header.Get("x-oss-date"), c.date.Format("20060102")
	if stamp == "" {
		stamp = r.Header.Get("Date")
	}
	scope := day + "/" + region + "/oss/aliyun_v4_request"
	secret := []byte("aliyun_v4" + c.secret)
	for part := range strings.SplitSeq(scope, "/") {
		secret, _ = hex.DecodeString(hexMAC(secret, part))
	}
	signature := hexMAC(secret, "OSS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+hexSHA256(canonical))
	r.Header.Set("Authorization", "OSS4-HMAC-SHA256 Credential="+c.id+"/"+scope+",Signature="+signature)
	return r
}

func hexSHA256(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func hexMAC(key []byte, s string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(s))
	return hex.EncodeToString(mac.Sum(nil))
}

// serve answers a request without a network.
func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	if r.URL.Scheme == "https" {
		r.TLS = new(tls.ConnectionState)
	}
	h.ServeHTTP(w, r)
	return w
}

var uuid = regexp.MustCompile(`^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$`)

// acsError checks that an answer is an error in the form of the RPC services,
// and returns its status, code and message.
func acsError(t *testing.T, status int, body io.Reader) (refused, message string) {
	t.Helper()
	var e struct{ RequestId, HostId, Code, Message, Recommend string }
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil || !uuid.MatchString(e.RequestId) || e.HostId == "" || e.Message == "" || e.Recommend == "" {
		t.Errorf("status %d with %+v (%v), want an error with all its fields", status, e, err)
	}
	return fmt.Sprintf("%d %s", status, e.Code), e.Message
}

// An ossFailure is an error in the form of OSS.
type ossFailure struct {
	Code, Message, RequestId, HostId, EC, StringToSign, CanonicalRequest string
}

func ossError(t *testing.T, status int, body io.Reader) (refused string, e ossFailure) {
	t.Helper()
	if err := xml.NewDecoder(body).Decode(&e); err != nil || len(e.RequestId) != 24 || e.HostId == "" || e.Message == "" {
		t.Errorf("status %d with %+v (%v), want an error with all its fields", status, e, err)
	}
	return fmt.Sprintf("%d %s", status, e.Code), e
}

// hexReader reads the bytes that a text in hexadecimal stands for.
func hexReader(text string) io.Reader { return hex.NewDecoder(strings.NewReader(text)) }

// serveHTTP serves a handler on loopback until the test ends.
func serveHTTP(t *testing.T, h http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// send sends a request with the server's client.
func send(t *testing.T, server *httptest.Server, r *http.Request) *http.Response {
	t.Helper()
	response, err := server.Client().Do(r.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}
