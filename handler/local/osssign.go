//go:build !function

package local

import (
	"cmp"
	"crypto/hmac"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	ossScheme = "OSS4-HMAC-SHA256"
	unsigned4 = "UNSIGNED-PAYLOAD" // OSS signs no body
	// maxSigned is how long an address may be signed for.
	maxSigned = 7 * 24 * time.Hour
)

// An ossSignature is what a request says of its signature, in its headers or in
// its query.
type ossSignature struct {
	scope      []string // key id, day, region, product, request
	signature  string
	additional string // the names of further headers that it covers
	stamp      string // the time as it stands there, which is how it was signed
	token      string
	where      string // in the words of errors
	address    bool   // it is in the query: whoever has the address may use it
}

// ossSignatureOf finds the signature of a request. It refuses those of other
// versions than 4, and what is not signed.
func ossSignatureOf(r *http.Request, query url.Values) (*ossSignature, *ossError) {
	header := r.Header.Get("Authorization")
	if strings.HasPrefix(header, "OSS ") || header == "" && query.Has("OSSAccessKeyId") {
		return nil, &ossError{403, "AccessDenied", "OSS no longer supports V1 signatures. Use V4 signatures.", "0002-00000080", nil}
	}
	s := &ossSignature{
		stamp: cmp.Or(r.Header.Get("x-oss-date"), r.Header.Get("Date")),
		token: r.Header.Get("x-oss-security-token"), where: "Authorization header",
	}
	credential := ""
	if header == "" && query.Get("x-oss-signature-version") == ossScheme {
		s.address, s.where = true, "x-oss-credential"
		credential, s.signature = query.Get("x-oss-credential"), query.Get("x-oss-signature")
		s.additional, s.stamp, s.token = query.Get("x-oss-additional-headers"), query.Get("x-oss-date"), query.Get("x-oss-security-token")
	} else {
		auth := parseAuthorization(header, ossScheme)
		credential, s.signature, s.additional = auth["Credential"], auth["Signature"], auth["AdditionalHeaders"]
	}
	if s.scope = strings.Split(credential, "/"); len(s.scope) != 5 || s.signature == "" {
		return nil, &ossError{403, "AccessDenied", "The stand-in wants Authorization: " + ossScheme + " Credential, Signature.", "0003-00000001", nil}
	}
	return s, nil
}

// date is the time that the signature begins with.
func (s *ossSignature) date() (time.Time, error) {
	date, err := time.Parse("20060102T150405Z", s.stamp)
	if err != nil && !s.address {
		return http.ParseTime(s.stamp)
	}
	return date, err
}

// authenticate finds the key that signed the request and proves that it did.
func (o *OSS) authenticate(r *http.Request, to ossAddress, query url.Values, now time.Time) (Key, *ossError) {
	s, refused := ossSignatureOf(r, query)
	if refused != nil {
		return Key{}, refused
	}
	id, day, region := s.scope[0], s.scope[1], s.scope[2]
	signer, ok := o.Keys.Find(id)
	if !ok || id == "" {
		return Key{}, &ossError{
			403, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist in our records.",
			"0002-00000902",
			[][2]string{{"OSSAccessKeyId", id}},
		}
	}
	date, err := s.date()
	switch {
	case region != cmp.Or(to.region(), o.Region):
		return Key{}, invalidArgument("Invalid signing region in "+s.where+".", "0002-00000226")
	case s.scope[3] != "oss" || s.scope[4] != "aliyun_v4_request":
		return Key{}, invalidArgument("Invalid signing product in "+s.where+".", "0002-00000227")
	case err != nil:
		return Key{}, &ossError{403, "AccessDenied", "OSS authentication requires a valid Date.", "0002-00000501", nil}
	case day != date.UTC().Format("20060102"):
		return Key{}, invalidArgument("Invalid signing date in "+s.where+".", "")
	}
	if s.address {
		refused = inTime(query.Get("x-oss-expires"), date, now)
	} else if now.Sub(date).Abs() > maxSkew {
		refused = tooSkewed(date, now)
	} else if r.Header.Get("x-oss-content-sha256") != unsigned4 {
		refused = invalidArgument("x-oss-content-sha256 is not "+unsigned4+".", "0002-00000214")
	}
	if refused != nil {
		return Key{}, refused
	}
	if s.token != signer.Token {
		return Key{}, &ossError{403, "InvalidSecurityToken", "The security token you provided is invalid.", "0002-00000006", [][2]string{{"SecurityToken", s.token}}}
	} else if signer.expired(now) {
		return Key{}, expiredOSSToken(s.token)
	}
	canonical := ossCanonicalRequest(r, to, query, s.additional)
	toSign := strings.Join([]string{ossScheme, s.stamp, strings.Join(s.scope[1:], "/"), sha256Hex(canonical)}, "\n")
	secret := []byte("aliyun_v4" + signer.Secret)
	for _, part := range s.scope[1:] {
		secret = hmacSHA256(secret, part)
	}
	if want := hex.EncodeToString(hmacSHA256(secret, toSign)); !hmac.Equal([]byte(want), []byte(s.signature)) {
		// The service shows what it signed, and with it the security token.
		return Key{}, &ossError{
			403, "SignatureDoesNotMatch",
			"The request signature we calculated does not match the signature you provided. Check your key and signing method.", "0002-00000201",
			[][2]string{{"OSSAccessKeyId", id}, {"SignatureProvided", s.signature}, {"StringToSign", toSign}, {"CanonicalRequest", canonical}},
		}
	}
	return signer, nil
}

// inTime tells whether a signed address may be used now. It may be some minutes
// before its time, since clocks differ.
func inTime(expires string, date, now time.Time) *ossError {
	seconds, err := strconv.Atoi(expires)
	end := date.Add(time.Duration(seconds) * time.Second)
	switch {
	case err != nil || seconds < 1 || end.Sub(date) > maxSigned:
		return invalidArgument("x-oss-expires is not a number of seconds from 1 to "+strconv.Itoa(int(maxSigned.Seconds()))+".", "")
	case now.Add(maxSkew).Before(date):
		return &ossError{403, "AccessDenied", "Request is not valid yet.", "0002-00000235", [][2]string{{"ServerTime", ossTime(now)}}}
	case now.After(end):
		return &ossError{403, "AccessDenied", "Request has expired.", "0002-00000069", [][2]string{{"Expires", ossTime(end)}, {"ServerTime", ossTime(now)}}}
	}
	return nil
}

// ossCanonicalRequest is what the signature of a request covers. Beside the
// additional headers these are all that have a meaning to OSS.
func ossCanonicalRequest(r *http.Request, to ossAddress, query url.Values, additional string) string {
	uri := "/"
	if to.bucket != "" {
		uri += escape(to.bucket) + "/"
	}
	uri += strings.ReplaceAll(escape(to.key), "%2F", "/")
	var names []string
	if additional != "" {
		names = strings.Split(strings.ToLower(additional), ";")
	}
	for name := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-oss-") || name == "content-md5" || name == "content-type" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	signed := url.Values{}
	for name, values := range query {
		if name != "x-oss-signature" {
			signed[name] = values
		}
	}
	return strings.Join([]string{
		r.Method, uri, canonicalQuery(signed, ""), canonicalHeaders(r, slices.Compact(names)),
		additional, cmp.Or(r.Header.Get("x-oss-content-sha256"), unsigned4),
	}, "\n")
}

// isSignature tells whether a parameter belongs to the signature of an address,
// and not to what is asked.
func isSignature(name string) bool {
	return slices.Contains([]string{
		"x-oss-signature-version", "x-oss-credential", "x-oss-date", "x-oss-expires",
		"x-oss-additional-headers", "x-oss-security-token", "x-oss-signature",
	}, name)
}
