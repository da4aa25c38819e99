package store

import (
	"context"
	"errors"
	"hash/crc64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// An answer keeps what the SDK loses of an answer that it can't read: a
// gateway's page has neither code nor type there.
type answer struct {
	status int
	header http.Header
	length int64       // as announced; 0: not
	asked  http.Header // of the request
}

const (
	requestID   = "X-Oss-Request-Id"
	crc64Header = "X-Oss-Hash-Crc64ecma"
)

type answerKey struct{}

// withAnswer makes requests with this ctx leave their answer's head in a.
func withAnswer(ctx context.Context, a *answer) context.Context {
	return context.WithValue(ctx, answerKey{}, a)
}

// A transport notes the head of each answer, bounds its body, lets nobody answer but
// OSS, and refuses redirects: following one would hand the security token to another
// host.
type transport struct {
	base     http.RoundTripper
	maxBytes int64
}

var errRedirect = errors.New("redirect refused")

// What is no answer of OSS passes, as whoever stood in its place may be gone.
var (
	errStranger = errors.New("no answer of OSS: x-oss-request-id is missing")
	errOther    = errors.New("no answer of OSS to this: want 200")
	errUnproven = errors.New("no answer of OSS to a write: ETag and CRC-64 are missing")
)

// strange tells what an answer lacks to be one of OSS. Each of them has a request
// id, and one to a write says what was stored.
func strange(r *http.Request, res *http.Response) error {
	switch {
	case word(res.Header.Get(requestID)) == "":
		return errStranger
	case res.StatusCode/100 == 2 && res.StatusCode != http.StatusOK:
		return errOther
	case res.StatusCode == http.StatusOK && r.Method == http.MethodPut && res.Header.Get("ETag") == "" && res.Header.Get(crc64Header) == "":
		return errUnproven
	}
	return nil
}

// RoundTrip makes the request.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if a, ok := r.Context().Value(answerKey{}).(*answer); ok {
		*a = answer{res.StatusCode, res.Header, max(0, res.ContentLength), r.Header}
	}
	if err := strange(r, res); err != nil {
		res.Body.Close()
		return nil, err
	}
	if res.StatusCode/100 == 3 {
		res.Body.Close() // the SDK would not
		return nil, errRedirect
	}
	if r.Method == http.MethodPut && res.StatusCode == http.StatusOK {
		res.Body.Close() // says nothing, but the SDK would wait for its end
		res.Body = http.NoBody
	}
	res.Body = http.MaxBytesReader(nil, res.Body, t.maxBytes)
	if res.ContentLength > t.maxBytes && r.Method == http.MethodGet { // what will be refused is not read
		res.Body.Close()
		return nil, &http.MaxBytesError{Limit: t.maxBytes}
	}
	return res, nil
}

var errCRC = errors.New("CRC-64 differs from the answer's")

var crcTable = crc64.MakeTable(crc64.ECMA)

// crc returns the CRC-64 that the service computed; ok is false where it sent none.
func (a *answer) crc() (text string, ok bool) {
	text = a.header.Get(crc64Header)
	return text, text != ""
}

// signature is the one that was sent: a service may repeat it.
func (a *answer) signature() string {
	_, signature, _ := strings.Cut(a.asked.Get("Authorization"), "Signature=")
	return signature
}

func crcOf(data []byte) string { return spelt(crc64.Checksum(data, crcTable)) }

// spelt is a CRC-64 as the service spells it.
func spelt(crc uint64) string { return strconv.FormatUint(crc, 10) }

// retryAfter reads the header of that name, which holds seconds or a date.
func (a *answer) retryAfter() time.Duration {
	text := a.header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		return time.Duration(min(seconds, 1<<30)) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(date))
	}
	return 0
}
