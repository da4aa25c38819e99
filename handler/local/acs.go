//go:build !function

package local

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	acsScheme = "ACS3-HMAC-SHA256"
	// maxSkew is how far the date of a request may be from the service's clock.
	maxSkew = 15 * time.Minute
	// maxCallBytes bounds the body of a call; real calls have none.
	maxCallBytes = 1 << 20
)

// A refusal is an error as the RPC services answer it.
type refusal struct {
	status        int
	code, message string
}

func noSuchAction() *refusal {
	return &refusal{404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method."}
}

func noPermission() *refusal {
	return &refusal{403, "NoPermission", "User is not authorized to do this operation."}
}

func signatureRefused(text string) *refusal {
	return &refusal{400, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation. " + text}
}

// An acsCall is a request whose signature was verified.
type acsCall struct {
	id, action string
	form       url.Values // of the query and of a form body
	key        Key
	now        time.Time
}

// number returns the parameter of this name, fallback when it is not given, and
// a refusal when it is not a number from low to high.
func (c *acsCall) number(name string, fallback, low, high int) (int, *refusal) {
	text := c.form.Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, &refusal{
			400, "InvalidParameter." + name,
			fmt.Sprintf("The parameter %s is %s: want a number from %d to %d.", name, text, low, high),
		}
	}
	return n, nil
}

// An acsAPI is what the RPC services have in common: one path, one version, and
// calls that are signed in headers (signature V3), or as of old in parameters.
type acsAPI struct {
	version string
	product string // as RAM calls it in the names of actions
	keys    *Keys
	now     time.Time
	nonces  *nonces
	answer  func(*acsCall) (any, *refusal)
}

// A rawAnswer is written as it stands, instead of as JSON.
type rawAnswer struct {
	status int
	body   string
}

func (a acsAPI) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", a.now.UTC().Format(http.TimeFormat))
	call, refused := a.verify(r)
	var answer any
	if refused == nil {
		note(r, func(entry *Request) {
			entry.Account, entry.Permission = call.key.Account, a.product+":"+call.action
		})
		w.Header().Set("X-Acs-Request-Id", call.id)
		answer, refused = a.answer(call)
	}
	if refused != nil {
		writeRefusal(w, r, refused)
		return
	}
	raw, ok := answer.(rawAnswer)
	if !ok {
		body, err := json.Marshal(answer)
		if err != nil {
			writeRefusal(w, r, &refusal{500, "InternalError", err.Error()})
			return
		}
		raw = rawAnswer{200, string(body)}
	}
	kind := "application/json;charset=utf-8"
	if strings.HasPrefix(raw.body, "<") {
		kind = "text/html;charset=utf-8"
	}
	writeBody(w, raw.status, kind, raw.body)
}

// verify checks a request in the order in which the services do, and returns
// the call that it makes.
func (a acsAPI) verify(r *http.Request) (*acsCall, *refusal) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxCallBytes+1))
	query, queryErr := url.ParseQuery(r.URL.RawQuery)
	switch {
	case err != nil || len(body) > maxCallBytes || queryErr != nil:
		return nil, &refusal{400, "BadRequest", "The request cannot be read."}
	case r.TLS == nil && !isLoopback(r.Host):
		return nil, &refusal{404, "InvalidProtocol.NeedSsl", "Your request is denied as lack of ssl protect."}
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		return nil, &refusal{400, "UnsupportedHTTPMethod", "This http method is not supported."}
	case r.URL.Path != "" && r.URL.Path != "/":
		return nil, noSuchAction()
	}
	call := &acsCall{id: newUUID(), action: r.Header.Get("x-acs-action"), form: maps.Clone(query), now: a.now}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, &refusal{400, "BadRequest", "The form of the body cannot be read."}
		}
		for name, values := range form {
			call.form[name] = append(slices.Clone(call.form[name]), values...)
		}
	}
	version := r.Header.Get("x-acs-version")
	var refused *refusal
	ofOld := r.Header.Get("Authorization") == "" && call.form.Has("Signature")
	if ofOld {
		call.action, version = call.form.Get("Action"), call.form.Get("Version")
		refused = a.authenticateOfOld(r.Method, call)
	} else {
		refused = a.authenticate(r, call, query, body)
	}
	switch {
	case refused != nil:
		return nil, refused
	case version != a.version:
		return nil, &refusal{400, "InvalidVersion", "Specified parameter Version is not valid."}
	case ofOld && !strings.EqualFold(call.form.Get("Format"), "JSON"):
		return nil, &refusal{400, "InvalidParameter.Format", "The stand-in answers in JSON alone: Format is to say so."}
	}
	return call, nil
}

// authenticateOfOld proves the signature that stands among the parameters:
// HMAC-SHA1 of all the others, version 1.0. The vendor's credentials libraries
// sign so when they assume a role.
//
// https://www.alibabacloud.com/help/en/sdk/product-overview/rpc-mechanism
func (a acsAPI) authenticateOfOld(method string, call *acsCall) *refusal {
	p := call.form
	if p.Get("SignatureMethod") != "HMAC-SHA1" || p.Get("SignatureVersion") != "1.0" {
		return &refusal{400, "IncompleteSignature", "The request signature does not conform to Aliyun standards: SignatureMethod wants HMAC-SHA1, SignatureVersion 1.0."}
	}
	if refused := a.find(call, p.Get("AccessKeyId")); refused != nil {
		return refused
	}
	date, refused := a.dated(p.Get("Timestamp"))
	if refused != nil {
		return refused
	}
	if refused := a.refuseToken(call.key, p.Get("SecurityToken")); refused != nil {
		return refused
	}
	signed := url.Values{}
	for name, values := range p {
		if name != "Signature" {
			signed[name] = values
		}
	}
	toSign := method + "&%2F&" + escape(canonicalQuery(signed, "="))
	mac := hmac.New(sha1.New, []byte(call.key.Secret+"&"))
	io.WriteString(mac, toSign)
	if want := base64.StdEncoding.EncodeToString(mac.Sum(nil)); !hmac.Equal([]byte(want), []byte(p.Get("Signature"))) {
		// The service shows what it signed, and with it the security token.
		refused = signatureRefused("server string to sign is:" + toSign)
	}
	return a.spend(call.key.ID+" "+p.Get("SignatureNonce"), date, refused)
}

// find finds the key that a call names.
func (a acsAPI) find(call *acsCall, id string) *refusal {
	var ok bool
	if call.key, ok = a.keys.Find(id); !ok {
		return &refusal{404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."}
	}
	return nil
}

// dated reads when a call was signed.
func (a acsAPI) dated(stamp string) (time.Time, *refusal) {
	date, err := time.Parse("2006-01-02T15:04:05Z", stamp)
	if err != nil {
		return time.Time{}, &refusal{400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted."}
	}
	if a.now.Sub(date).Abs() > maxSkew {
		return time.Time{}, &refusal{400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."}
	}
	return date, nil
}

// spend uses up the nonce of a call, unless that is refused anyway.
func (a acsAPI) spend(nonce string, date time.Time, refused *refusal) *refusal {
	a.nonces.mu.Lock()
	defer a.nonces.mu.Unlock()
	if _, used := a.nonces.until[nonce]; used {
		return &refusal{400, "SignatureNonceUsed", "Specified signature nonce was used already."}
	}
	if refused != nil {
		return refused
	}
	a.nonces.add(nonce, date.Add(maxSkew), a.now)
	return nil
}

// authenticate finds the key that signed the request and proves that it did.
func (a acsAPI) authenticate(r *http.Request, call *acsCall, query url.Values, body []byte) *refusal {
	auth := parseAuthorization(r.Header.Get("Authorization"), acsScheme)
	if auth["Credential"] == "" || auth["SignedHeaders"] == "" || auth["Signature"] == "" {
		return &refusal{
			400, "IncompleteSignature",
			"The request signature does not conform to Aliyun standards: Authorization wants " + acsScheme + " Credential, SignedHeaders, Signature.",
		}
	}
	if refused := a.find(call, auth["Credential"]); refused != nil {
		return refused
	}
	signed := strings.Split(strings.ToLower(auth["SignedHeaders"]), ";")
	if fault := unsigned(r.Header, signed); fault != "" {
		return &refusal{400, "IncompleteSignature", "The request signature does not conform to Aliyun standards: SignedHeaders " + fault + "."}
	}
	date, refused := a.dated(r.Header.Get("x-acs-date"))
	if refused != nil {
		return refused
	}
	digest := sha256Hex(string(body))
	if given := r.Header.Get("x-acs-content-sha256"); given != digest {
		return signatureRefused("server x-acs-content-sha256 is " + digest)
	}
	if refused := a.refuseToken(call.key, r.Header.Get("x-acs-security-token")); refused != nil {
		return refused
	}
	canonical := strings.Join([]string{
		r.Method, cmp.Or(r.URL.EscapedPath(), "/"), canonicalQuery(query, "="),
		canonicalHeaders(r, signed), strings.Join(signed, ";"), digest,
	}, "\n")
	toSign := acsScheme + "\n" + sha256Hex(canonical)
	if want := hex.EncodeToString(hmacSHA256([]byte(call.key.Secret), toSign)); !hmac.Equal([]byte(want), []byte(auth["Signature"])) {
		// The service shows what it signed, and with it the security token.
		refused = signatureRefused("server StringToSign is [" + toSign + "], server CanonicalRequest is [" + canonical + "]")
	}
	return a.spend(call.key.ID+" "+r.Header.Get("x-acs-signature-nonce"), date, refused)
}

// refuseToken checks that the token is the one that was issued with the key,
// and that the key has not ended.
func (a acsAPI) refuseToken(key Key, token string) *refusal {
	switch expired := key.expired(a.now); {
	case token != key.Token:
		return &refusal{400, "InvalidSecurityToken.MismatchWithAccessKey", "Specified SecurityToken mismatch with the AccessKey."}
	case expired && key.Token == "":
		return &refusal{400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled."}
	case expired:
		return expiredToken()
	}
	return nil
}

func expiredToken() *refusal {
	return &refusal{400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired."}
}

// unsigned says what is wrong with the list of signed headers: each header that
// has a meaning must be in it, and be signed once.
func unsigned(header http.Header, signed []string) string {
	for i := 1; i < len(signed); i++ {
		if signed[i-1] >= signed[i] {
			return "are not sorted"
		}
	}
	wanted := []string{"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"}
	for name := range header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-acs-") || name == "content-type" {
			wanted = append(wanted, name)
		}
	}
	slices.Sort(wanted)
	for _, name := range wanted {
		if !slices.Contains(signed, name) {
			return "lack " + name
		}
	}
	return ""
}

// writeRefusal answers in the form of the RPC services.
func writeRefusal(w http.ResponseWriter, r *http.Request, e *refusal) {
	id := newUUID()
	body, _ := json.Marshal(struct {
		RequestID string `json:"RequestId"`
		HostID    string `json:"HostId"`
		Code      string
		Message   string
		Recommend string
	}{id, r.Host, e.code, e.message, "https://api.aliyun.com/troubleshoot?q=" + e.code + "&requestId=" + id}) // strings always marshal
	w.Header().Set("X-Acs-Request-Id", id)
	writeBody(w, e.status, "application/json;charset=utf-8", string(body))
}

// writeBody answers with a body of known length.
func writeBody(w http.ResponseWriter, status int, contentType, body string) {
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	io.WriteString(w, body) // net/http keeps it back from a HEAD
}

// parseAuthorization takes "scheme name=value,name=value" apart. Of another
// scheme, and of what has another form, it returns nothing.
func parseAuthorization(header, scheme string) map[string]string {
	list, ok := strings.CutPrefix(header, scheme+" ")
	if !ok {
		return nil
	}
	parts := make(map[string]string)
	for part := range strings.SplitSeq(list, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := parts[name]; !ok || twice {
			return nil
		}
		parts[name] = value
	}
	return parts
}

// escape encodes as RFC 3986 does, which is what signatures are made of.
func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

// canonicalQuery writes the parameters sorted as they are signed; equals stands
// after a name whose value is empty.
func canonicalQuery(query url.Values, equals string) string {
	var pairs [][2]string
	for name, values := range query {
		for _, value := range values {
			pairs = append(pairs, [2]string{escape(name), escape(value)})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int {
		return cmp.Or(strings.Compare(a[0], b[0]), strings.Compare(a[1], b[1]))
	})
	var b strings.Builder
	for i, pair := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(pair[0])
		if pair[1] == "" {
			b.WriteString(equals)
		} else {
			b.WriteString("=" + pair[1])
		}
	}
	return b.String()
}

// canonicalHeaders writes the named headers as they are signed. The names are
// in lower case and sorted.
func canonicalHeaders(r *http.Request, names []string) string {
	var b strings.Builder
	for _, name := range names {
		values := slices.Clone(r.Header.Values(name))
		if name == "host" {
			values = []string{r.Host} // net/http keeps it apart
		}
		for i, value := range values {
			values[i] = strings.TrimSpace(value)
		}
		slices.Sort(values)
		b.WriteString(name + ":" + strings.Join(values, ",") + "\n")
	}
	return b.String()
}

// nonces remembers the nonces of the requests that might still be replayed.
type nonces struct {
	mu    sync.Mutex
	until map[string]time.Time
	sweep int // how many are remembered when the old ones are looked for
}

// add remembers a nonce; mu is held. After until, the date of its request is
// refused anyway, and it is forgotten.
func (n *nonces) add(nonce string, until, now time.Time) {
	if n.until == nil {
		n.until, n.sweep = make(map[string]time.Time), 1000
	}
	n.until[nonce] = until
	if len(n.until) > n.sweep {
		for old, end := range n.until {
			if end.Before(now) {
				delete(n.until, old)
			}
		}
		n.sweep = 2*len(n.until) + 1000
	}
}

// isLoopback tells whether a host, with or without a port, is this machine.
func isLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || net.ParseIP(name).IsLoopback()
}

// clock returns the time that now tells, or that of the machine.
func clock(now func() time.Time) time.Time {
	if now == nil {
		return time.Now()
	}
	return now()
}

// newUUID returns a random UUID in upper case, as the services write the ids of
// requests.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func sha256Hex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func hmacSHA256(key []byte, message string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(message))
	return mac.Sum(nil)
}
