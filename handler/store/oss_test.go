package store_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aliyun/credentials-go/credentials"

	"backup-statistics/handler/fault"
	"backup-statistics/handler/store"
)

// What must never print. The scripted service writes all of it into each answer
// that it can.
const (
	keyID  = "LTAI-planted-id"
	secret = "planted-secret"
	token  = "planted-token"
)

// A wire is the network and the service behind it: each request takes the next
// reply, and the last reply stays.
type wire struct {
	mu       sync.Mutex
	replies  []reply
	requests []*http.Request
}

type reply func(r *http.Request, body []byte) (*http.Response, error)

// RoundTrip answers a request.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body.Close()
	}
	w.mu.Lock()
	next := w.replies[min(len(w.requests), len(w.replies)-1)]
	w.requests = append(w.requests, r)
	w.mu.Unlock()
	return next(r, body)
}

// newOSS returns a store with the prefix p/ behind a wire, which tries three times.
func newOSS(t *testing.T, replies ...reply) (*store.OSS, *wire) {
	w := &wire{replies: replies}
	s, err := store.NewOSS(store.Options{
		Endpoint: "https://oss-cn-hangzhou.aliyuncs.com", Region: "cn-hangzhou", Bucket: "bucket", Prefix: "p/",
		Credential: credential(t), Web: &http.Client{Transport: w}, Tries: 3, MaxBytes: 1 << 16,
	})
	must(t, err)
	return s, w
}

func credential(t *testing.T) credentials.Credential {
	t.Helper()
	c, err := credentials.NewCredential(new(credentials.Config).SetType("sts").
		SetAccessKeyId(keyID).SetAccessKeySecret(secret).SetSecurityToken(token))
	must(t, err)
	return c
}

func response(r *http.Request, status int, body io.Reader, header ...string) *http.Response {
	res := &http.Response{StatusCode: status, Status: fmt.Sprint(status, " ", http.StatusText(status)), Header: make(http.Header), Request: r, Body: io.NopCloser(body)}
	res.Header.Set("X-Oss-Request-Id", "R1")
	for i := 0; i < len(header); i += 2 {
		res.Header.Set(header[i], header[i+1])
	}
	return res
}

// refuse answers as OSS does, and quotes the string to sign, as it does too.
func refuse(status int, code string, header ...string) reply {
	return func(r *http.Request, _ []byte) (*http.Response, error) {
		text := fmt.Sprintf(`<?xml version="1.0"?><Error><Code>%s</Code><RequestId>R1</RequestId>`+
			`<StringToSign>x-oss-security-token:%s</StringToSign><OSSAccessKeyId>%s</OSSAccessKeyId><EC>0001-00000001</EC></Error>`,
			code, token, keyID)
		if r.Method == http.MethodHead {
			header := append(header, "X-Oss-Err", base64.StdEncoding.EncodeToString([]byte(text)))
			return response(r, status, http.NoBody, header...), nil
		}
		return response(r, status, strings.NewReader(text), header...), nil
	}
}

// page answers as a gateway does.
func page(status int) reply {
	return func(r *http.Request, _ []byte) (*http.Response, error) {
		res := response(r, status, strings.NewReader("<html>"+token+"<br>"+keyID))
		res.Header.Del("X-Oss-Request-Id")
		return res, nil
	}
}

func empty(status int, header ...string) reply {
	return func(r *http.Request, _ []byte) (*http.Response, error) {
		return response(r, status, http.NoBody, header...), nil
	}
}

// content answers a GET, with the CRC-64 that belongs to it.
func content(data string) reply {
	return func(r *http.Request, _ []byte) (*http.Response, error) {
		return response(r, 200, strings.NewReader(data), "X-Oss-Hash-Crc64ecma", crc(data)), nil
	}
}

// stored answers a PUT, with the CRC-64 of what arrived.
func stored(r *http.Request, body []byte) (*http.Response, error) {
	return response(r, 200, http.NoBody, "X-Oss-Hash-Crc64ecma", crc(string(body))), nil
}

// altered answers a GET or PUT with a CRC-64 of something else.
func altered(r *http.Request, _ []byte) (*http.Response, error) {
	return response(r, 200, strings.NewReader("altered"), "X-Oss-Hash-Crc64ecma", "1"), nil
}

// cut answers with a body that breaks off.
func cut(status int, header ...string) reply {
	return func(r *http.Request, _ []byte) (*http.Response, error) {
		return response(r, status, io.MultiReader(strings.NewReader("<half"), broken{io.ErrUnexpectedEOF}), header...), nil
	}
}

// stranger is what is said of an answer that OSS did not give.
const stranger = "no answer of OSS: x-oss-request-id is missing"

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// lost is a network that fails.
func lost(err error) reply {
	return func(*http.Request, []byte) (*http.Response, error) { return nil, err }
}

// hang answers when the request is given up.
func hang(r *http.Request, _ []byte) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

// stall answers at once, but its body does not come.
func stall(r *http.Request, _ []byte) (*http.Response, error) {
	return response(r, 200, stalled{r.Context()}, "ETag", `"9A0364B9E99BB480DD25E1F0284C8555"`), nil
}

type stalled struct{ ctx context.Context }

func (s stalled) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func crc(data string) string {
	return fmt.Sprint(crc64.Checksum([]byte(data), crc64.MakeTable(crc64.ECMA)))
}

// discreet checks that an error prints nothing that was planted, however it is printed.
func discreet(t *testing.T, name string, err error) {
	t.Helper()
	for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
		text := fmt.Sprintf(verb, err)
		for _, word := range []string{keyID, secret, token, "planted"} {
			if strings.Contains(text, word) {
				t.Errorf("%s: %s prints %s", name, verb, text)
			}
		}
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(e.Error(), "planted") {
			t.Errorf("%s: wraps %s", name, e)
		}
	}
}

// What fails in passing is tried again; where it does not pass, the last failure is told.
func TestOSSRetries(t *testing.T) {
	timeout := &net.OpError{Op: "dial", Net: "tcp", Err: timeoutError{}}
	for _, tt := range []struct {
		name string
		fail reply
		want string
	}{
		{"the service is broken", refuse(500, "InternalError"), "InternalError (500, request R1, EC 0001-00000001)"},
		{"the service is overrun", refuse(503, "ServiceUnavailable"), "ServiceUnavailable (503, request R1, EC 0001-00000001)"},
		{"too many requests a second", refuse(503, "TotalQpsLimitExceeded"), "TotalQpsLimitExceeded (503, request R1, EC 0001-00000001)"},
		{"too many bytes in", refuse(503, "UploadTrafficRateLimitExceeded"), "UploadTrafficRateLimitExceeded (503, request R1, EC 0001-00000001)"},
		{"too many bytes out", refuse(503, "DownloadTrafficRateLimitExceeded"), "DownloadTrafficRateLimitExceeded (503, request R1, EC 0001-00000001)"},
		{"too many requests at once", refuse(503, "ActiveRequestLimitExceeded"), "ActiveRequestLimitExceeded (503, request R1, EC 0001-00000001)"},
		{"too many listings", refuse(503, "MetaOperationQpsLimitExceeded"), "MetaOperationQpsLimitExceeded (503, request R1, EC 0001-00000001)"},
		{"throttled", refuse(429, "QpsLimitExceeded"), "QpsLimitExceeded (429, request R1, EC 0001-00000001)"},
		{"the body did not arrive", refuse(400, "RequestTimeout"), "RequestTimeout (400, request R1, EC 0001-00000001)"},
		{"a gateway's page", page(502), stranger + " (502)"},
		{"a gateway's other page", page(504), stranger + " (504)"},
		{"someone's page", page(200), stranger + " (200)"},
		{"someone's page for a missing thing", page(404), stranger + " (404)"},
		{"someone's page for a forbidden thing", page(403), stranger + " (403)"},
		{"someone's way to another place", page(307), stranger + " (307)"},
		{"a request id that is none", empty(403, "X-Oss-Request-Id", "id of "+token), stranger + " (403)"},
		{"an empty 404, which is no word of the service", empty(404), "unreadable answer (404, request R1)"},
		{"half a success", empty(206), "no answer of OSS to this: want 200 (206, request R1)"},
		{"a code that is no code", refuse(403, "Denied: "+token, "X-Oss-Ec", "0001-00000001"), "unreadable answer (403, request R1, EC 0001-00000001)"},
		{"an error that lost its code, which its EC tells", cut(403, "X-Oss-Ec", "0003-00000001"), "an error document that is cut, of AccessDenied by its EC (403, request R1, EC 0003-00000001)"},
		{"a missing key that lost its code", cut(404, "X-Oss-Ec", "0026-00000001"), "unexpected EOF (404, request R1, EC 0026-00000001)"},
		{"not built", empty(501), "Not Implemented (501, request R1)"},
		{"no room", empty(507), "Insufficient Storage (507, request R1)"},
		{"an unheard-of status", empty(599), "status (599, request R1)"},
		{"a request that took too long", empty(408), "Request Timeout (408, request R1)"},
		{"too many requests a second, by another status", refuse(400, "QpsLimitExceeded"), "QpsLimitExceeded (400, request R1, EC 0001-00000001)"},
		{"no such host", lost(&net.DNSError{Err: "no such host", Name: "host", IsNotFound: true}), "lookup host: no such host"},
		{"bytes that are no HTTP", lost(fmt.Errorf("malformed HTTP response %q", "SSH-2.0 "+token)), "what came is no HTTP"},
		{"a header that is none", lost(fmt.Errorf("net/http: HTTP/1.x transport connection broken: %w", textproto.ProtocolError("malformed MIME header line: "+token))), "what came is no HTTP"},
		{"an empty 503", empty(503), "Service Unavailable (503, request R1)"},
		{"an empty 500", empty(500), "Internal Server Error (500, request R1)"},
		{"half an error", cut(403), "unexpected EOF (403, request R1)"},
		{"half an error of a gateway", cut(502), "Bad Gateway (502, request R1)"},
		{"bytes altered on the way", altered, "CRC-64 differs from the answer's (200, request R1)"},
		{"no answer", hang, "no whole answer within 10s"},
		{"a connection closed", lost(io.EOF), "EOF"},
		{"a connection that was idle", lost(errors.New("http: server closed idle connection")), "http: server closed idle connection"},
		{"a connection reset", lost(&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}), "read tcp: connection reset by peer"},
		{"a connection broken while writing", lost(fmt.Errorf("broken: %w", syscall.EPIPE)), "broken pipe"},
		{"a connection refused", lost(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}), "dial tcp: connection refused"},
		{"a connection not made in time", lost(timeout), "dial tcp: i/o timeout"},
		{"a name server that is busy", lost(&net.DNSError{Err: "server misbehaving", Name: "host", IsTemporary: true}), "lookup host: server misbehaving"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w := newOSS(t, tt.fail, tt.fail, content("content"))
				if got := get(t, s, "k"); got != "content" || len(w.requests) != 3 {
					t.Errorf("Get = %q after %d requests, want what is stored after 3", got, len(w.requests))
				}
				s, w = newOSS(t, tt.fail, stored)
				if err := s.Put(t.Context(), "k", []byte("content")); err != nil || len(w.requests) != 2 {
					t.Errorf("Put: error = %v after %d requests, want none after 2", err, len(w.requests))
				}
				s, w = newOSS(t, tt.fail)
				data, err := s.Get(t.Context(), "k")
				if want := "get p/k: " + tt.want + ", tried 3 times"; err == nil || err.Error() != want || data != nil || len(w.requests) != 3 {
					t.Errorf("Get = %q, %v after %d requests, want error %s after 3", data, err, len(w.requests), want)
				}
				discreet(t, tt.name, err)
			})
		})
	}
}

type timeoutError struct{}

func (timeoutError) Error() string   { return "i/o timeout" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

// What does not pass is told at once.
func TestOSSRefusals(t *testing.T) {
	for _, tt := range []struct {
		name string
		fail reply
		want string
		is   error
	}{
		{"no right", refuse(403, "AccessDenied"), "AccessDenied (403, request R1, EC 0001-00000001)", nil},
		{"no such key id", refuse(403, "InvalidAccessKeyId"), "InvalidAccessKeyId (403, request R1, EC 0001-00000001)", nil},
		{"a wrong signature", refuse(403, "SignatureDoesNotMatch"), "SignatureDoesNotMatch (403, request R1, EC 0001-00000001)", nil},
		{"an expired token", refuse(403, "SecurityTokenExpired"), "SecurityTokenExpired (403, request R1, EC 0001-00000001)", nil},
		{"a wrong clock", refuse(403, "RequestTimeTooSkewed"), "RequestTimeTooSkewed (403, request R1, EC 0001-00000001)", nil},
		{"no such key", refuse(404, "NoSuchKey"), "NoSuchKey (404, request R1, EC 0001-00000001)", fs.ErrNotExist},
		{"no such bucket", refuse(404, "NoSuchBucket"), "NoSuchBucket (404, request R1, EC 0001-00000001)", nil},
		{"a bad name", refuse(400, "InvalidObjectName"), "InvalidObjectName (400, request R1, EC 0001-00000001)", nil},
		{"no encryption", refuse(403, "KmsServiceNotEnabled"), "KmsServiceNotEnabled (403, request R1, EC 0001-00000001)", nil},
		{"another place", empty(307, "Location", "https://example.com/"+token), "redirect refused (307, request R1)", nil},
		{"another place for ever", empty(301, "Location", "https://example.com/"+token), "redirect refused (301, request R1)", nil},
		{"a certificate of someone else", lost(&tls.CertificateVerificationError{Err: errors.New("x509: certificate signed by unknown authority")}), "tls: failed to verify certificate: x509: certificate signed by unknown authority", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w := newOSS(t, tt.fail)
				_, got := s.Get(t.Context(), "k")
				_, listed := s.List(t.Context(), "k", 0)
				for op, err := range map[string]error{
					"get": got, "put": s.Put(t.Context(), "k", nil), "list": listed,
				} {
					if want := op + " p/k: " + tt.want; err == nil || err.Error() != want {
						t.Errorf("error = %v, want %s", err, want)
					}
					for _, sentinel := range []error{fs.ErrNotExist, fs.ErrExist} {
						if errors.Is(err, sentinel) != (sentinel == tt.is) {
							t.Errorf("%s: errors.Is(err, %v) is %v", op, sentinel, !(sentinel == tt.is))
						}
					}
					discreet(t, op, err)
				}
				if len(w.requests) != 3 {
					t.Errorf("3 operations made %d requests", len(w.requests))
				}
			})
		})
	}
}

// What the service says for people is told, and where the bucket is; nothing is that
// repeats what was signed, and no other element of its document.
func TestOSSSaysWhatTheServiceSays(t *testing.T) {
	document := func(elements string) reply {
		return func(r *http.Request, _ []byte) (*http.Response, error) {
			return response(r, 403, strings.NewReader("<Error>"+elements+"<StringToSign>planted</StringToSign><SignatureProvided>planted</SignatureProvided><StringToSignBytes>planted</StringToSignBytes></Error>")), nil
		}
	}
	echo := func(of func(r *http.Request) string) reply {
		return func(r *http.Request, body []byte) (*http.Response, error) {
			return document("<Code>AccessDenied</Code><Message>I heard "+of(r)+"</Message>")(r, body)
		}
	}
	const elsewhere = "<Code>AccessDenied</Code><Message>The bucket you are attempting to access must be addressed using the specified endpoint.</Message>"
	for _, tt := range []struct {
		name    string
		fail    reply
		want    string
		why     fault.Cause
		advises string
	}{
		{"a message", document("<Code>AccessDenied</Code><Message>\n  You have no right\n  to access this object.\n</Message><EC>0003-00000001</EC>"), "AccessDenied (403, request R1, EC 0003-00000001): You have no right   to access this object.", fault.Policy, "policy"},
		{"a long message", document("<Code>AccessDenied</Code><Message>" + strings.Repeat("x", 300) + "</Message>"), "AccessDenied (403, request R1): " + strings.Repeat("x", 200) + "…", fault.Policy, "policy"},
		{"another endpoint", document(elsewhere + "<Endpoint>oss-cn-beijing.aliyuncs.com</Endpoint>"), "AccessDenied (403, request R1): The bucket you are attempting to access must be addressed using the specified endpoint.", fault.Region, "set OSS_REGION=cn-beijing, and OSS_ENDPOINT=https://oss-cn-beijing.aliyuncs.com"},
		{"another endpoint, inside", document(elsewhere + "<Endpoint>oss-cn-beijing-internal.aliyuncs.com</Endpoint>"), "AccessDenied (403, request R1): The bucket you are attempting to access must be addressed using the specified endpoint.", fault.Region, "set OSS_REGION=cn-beijing, and OSS_ENDPOINT=https://oss-cn-beijing-internal.aliyuncs.com"},
		{"an endpoint of one's own", document(elsewhere + "<Endpoint>files.example.com</Endpoint>"), "AccessDenied (403, request R1): The bucket you are attempting to access must be addressed using the specified endpoint.", fault.Region, "OSS_ENDPOINT=https://files.example.com"},
		{"an endpoint that is none", document("<Code>AccessDenied</Code><Endpoint>planted word</Endpoint>"), "AccessDenied (403, request R1)", fault.Policy, "policy"},
		{"a wrong signature", document("<Code>SignatureDoesNotMatch</Code><Message>planted</Message>"), "SignatureDoesNotMatch (403, request R1)", fault.Credentials, "keys"},
		{"a wrong clock", document("<Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message>"), "RequestTimeTooSkewed (403, request R1): The difference is too large.", fault.Clock, "clock"},
		{"a message with the token", echo(func(r *http.Request) string { return r.Header.Get("X-Oss-Security-Token") }), "AccessDenied (403, request R1): I heard [redacted]", fault.Policy, "policy"},
		{"a message with a part of the token", echo(func(r *http.Request) string { return r.Header.Get("X-Oss-Security-Token")[3:11] }), "AccessDenied (403, request R1): I heard [redacted]", fault.Policy, "policy"},
		{"a message with the keys", echo(func(*http.Request) string { return keyID + ", " + secret }), "AccessDenied (403, request R1): I heard [redacted], [redacted]", fault.Policy, "policy"},
		{"a message with what was signed", echo(func(r *http.Request) string {
			_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			return signature
		}), "AccessDenied (403, request R1): I heard [redacted]", fault.Policy, "policy"},
		{"a name that does not resolve", lost(&net.DNSError{Err: "no such host", Name: "host", IsNotFound: true}), "lookup host: no such host, tried 3 times", fault.Name, "does not resolve"},
		{"a page of someone else", page(200), stranger + " (200), tried 3 times", fault.Stranger, "not the service"},
		{"a certificate of someone else", lost(&tls.CertificateVerificationError{Err: errors.New("x509: not for this")}), "tls: failed to verify certificate: x509: not for this", fault.Certificate, "somebody else"},
		{"an error that lost its code", cut(403, "X-Oss-Ec", "0002-00000504"), "an error document that is cut, of RequestTimeTooSkewed by its EC (403, request R1, EC 0002-00000504), tried 3 times", fault.Clock, "clock"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := newOSS(t, tt.fail)
			_, err := s.Get(t.Context(), "k")
			if got, want := text(err), "get p/k: "+tt.want; got != want || fault.Of(err) != tt.why || !strings.Contains(fault.Advice(err), tt.advises) {
				t.Errorf("%s: error = %s, cause %q, advice %q; want %s, %q, %q", tt.name, got, fault.Of(err), fault.Advice(err), want, tt.why, tt.advises)
			}
			discreet(t, tt.name, err)
		})
	}
}

func TestOSSErrorIsTyped(t *testing.T) {
	s, _ := newOSS(t, refuse(403, "AccessDenied"))
	err := s.Put(t.Context(), "a/k.json", nil)
	var e *store.Error
	if !errors.As(err, &e) || e.Op != "put" || e.Key != "p/a/k.json" || e.Status != 403 || e.Code != "AccessDenied" ||
		e.RequestID != "R1" || e.EC != "0001-00000001" || e.Tries != 1 {
		t.Errorf("error = %+v, want all that the service told", e)
	}
}

func TestOSSDigestIsTriedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newOSS(t, refuse(400, "InvalidDigest"), stored)
		must(t, s.Put(t.Context(), "k", []byte("content")))
		s, w := newOSS(t, refuse(400, "InvalidDigest"))
		err := s.Put(t.Context(), "k", []byte("content"))
		if want := "put p/k: InvalidDigest (400, request R1, EC 0001-00000001), tried 2 times"; err == nil || err.Error() != want || len(w.requests) != 2 {
			t.Errorf("error = %v after %d requests, want %s after 2", err, len(w.requests), want)
		}
	})
}

// Where the caller's time ends, the error says so and what the service last said.
func TestOSSDeadline(t *testing.T) {
	busy := refuse(503, "ServiceUnavailable")
	const jitter = -1 // it depends on chance how long it takes
	for _, tt := range []struct {
		name    string
		replies []reply
		left    time.Duration
		want    string
		took    time.Duration
		tries   int
	}{
		{"a hang leaves time for another try", []reply{hang, hang, stored}, 20 * time.Second, "", jitter, 3},
		{"a body that says nothing and hangs", []reply{stall}, 20 * time.Second, "", 0, 1},
		{"a hang for ever", []reply{hang}, 2 * time.Second, "put p/k: no whole answer within 1s, tried 2 times: context deadline exceeded", 2 * time.Second, 2},
		{"a first try that lasts too long", []reply{hang}, time.Second, "put p/k: context deadline exceeded", time.Second, 1},
		{"busy, then a hang", []reply{busy, hang}, time.Second, "put p/k: ServiceUnavailable (503, request R1, EC 0001-00000001), tried 2 times: context deadline exceeded", time.Second, 2},
		{"a pause that is asked for and fits", []reply{refuse(503, "ServiceUnavailable", "Retry-After", "7"), stored}, 8 * time.Second, "", 7 * time.Second, 2},
		{"a date that is asked for and fits", []reply{refuse(503, "ServiceUnavailable", "Retry-After", "Sat, 01 Jan 2000 00:00:07 GMT"), stored}, 8 * time.Second, "", 7 * time.Second, 2},
		{"a pause that does not fit", []reply{refuse(503, "ServiceUnavailable", "Retry-After", "9"), stored}, 8 * time.Second, "put p/k: ServiceUnavailable (503, request R1, EC 0001-00000001)", 0, 1},
		{"a pause of no sense", []reply{refuse(503, "ServiceUnavailable", "Retry-After", "-x"), stored}, 8 * time.Second, "", jitter, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w := newOSS(t, tt.replies...)
				ctx, stop := context.WithTimeout(t.Context(), tt.left)
				defer stop()
				begun := time.Now() // the bubble's clock, which only waits move
				err := s.Put(ctx, "k", []byte("content"))
				if got := text(err); got != tt.want || len(w.requests) != tt.tries {
					t.Errorf("error = %s after %d requests, want %s after %d", got, len(w.requests), tt.want, tt.tries)
				}
				if ended := strings.HasSuffix(tt.want, "deadline exceeded"); errors.Is(err, context.DeadlineExceeded) != ended {
					t.Errorf("errors.Is(err, context.DeadlineExceeded) is %v", !ended)
				}
				if took := time.Since(begun); tt.took != jitter && took != tt.took || took > tt.left {
					t.Errorf("it took %v, want %v of %v", took, tt.took, tt.left)
				}
			})
		})
	}
}

func TestOSSBodyThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newOSS(t, stall, stall, content("content"))
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		defer stop()
		if data, err := s.Get(ctx, "k"); string(data) != "content" || err != nil || len(w.requests) != 3 {
			t.Errorf("Get = %q, %v after %d requests, want what is stored after 3", data, err, len(w.requests))
		}
		s, _ = newOSS(t, stall)
		_, err := s.Get(t.Context(), "k")
		if got, want := text(err), "get p/k: no whole answer within 10s (200, request R1), tried 3 times"; got != want {
			t.Errorf("error = %s, want %s", got, want)
		}
	})
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// The caller's end is no failure of the service: nothing is tried again.
func TestOSSCallerLeaves(t *testing.T) {
	for name, reply := range map[string]reply{"before the answer": hang, "in the answer": stall, "between tries": refuse(503, "ServiceUnavailable")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w := newOSS(t, reply)
				ctx, stop := context.WithCancel(t.Context())
				time.AfterFunc(50*time.Millisecond, stop)
				_, err := s.Get(ctx, "k")
				if !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "get p/k: ") || len(w.requests) != 1 {
					t.Errorf("error = %v after %d requests, want context.Canceled after 1", err, len(w.requests))
				}
			})
		})
	}
}

func TestOSSCallerLeftAlready(t *testing.T) {
	s, w := newOSS(t, stored)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	err := s.PutNew(ctx, "k", nil)
	if got, want := text(err), "put p/k: context canceled"; got != want || len(w.requests) != 0 {
		t.Errorf("error = %s after %d requests, want %s after none", got, len(w.requests), want)
	}
}

// Pauses double from the first one to five seconds, and are spread by half of it.
func TestOSSPauses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fail  reply
		waits []time.Duration
	}{
		{"busy", refuse(503, "ServiceUnavailable"), []time.Duration{200, 400, 800, 1600, 3200, 5000, 5000}},
		{"throttled", refuse(429, "QpsLimitExceeded"), []time.Duration{400, 1600, 5000, 5000}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var at []time.Time
			w := &wire{replies: []reply{func(r *http.Request, body []byte) (*http.Response, error) {
				at = append(at, time.Now())
				return tt.fail(r, body)
			}}}
			s, err := store.NewOSS(store.Options{
				Endpoint: "https://oss-cn-hangzhou.aliyuncs.com", Region: "cn-hangzhou", Bucket: "bucket",
				Credential: credential(t), Web: &http.Client{Transport: w}, Tries: len(tt.waits) + 1,
			})
			must(t, err)
			if _, err := s.Get(t.Context(), "k"); err == nil || len(at) != len(tt.waits)+1 {
				t.Fatalf("error = %v after %d requests", err, len(at))
			}
			for i, want := range tt.waits {
				want *= time.Millisecond
				if got := at[i+1].Sub(at[i]); got < want/2 || got > want*3/2+1 {
					t.Errorf("%s: pause %d is %v, want %v and up to half of it more or less", tt.name, i+1, got, want)
				}
			}
		})
	}
}

// PutNew asks what is stored when the key is taken, and does as the answer says.
func TestOSSPutNewCompares(t *testing.T) {
	taken, worm := refuse(409, "FileAlreadyExists"), refuse(409, "FileImmutable")
	head := func(data string) reply { return empty(200, "X-Oss-Hash-Crc64ecma", crc(data)) }
	const exists = "put p/k: FileAlreadyExists (409, request R1, EC 0001-00000001)"
	for _, tt := range []struct {
		name     string
		replies  []reply
		want     string
		requests string
	}{
		{"stored at once", []reply{stored}, "", "PUT"},
		{"equal", []reply{taken, head("content")}, "", "PUT HEAD"},
		{"other", []reply{taken, head("other")}, exists, "PUT HEAD"},
		{"equal, under a retention policy", []reply{worm, head("content")}, "", "PUT HEAD"},
		{"other, under a retention policy", []reply{worm, head("other")}, "put p/k: FileImmutable (409, request R1, EC 0001-00000001)", "PUT HEAD"},
		{"an object without CRC-64, equal", []reply{taken, empty(200), content("content")}, "", "PUT HEAD GET"},
		{"an object without CRC-64, other", []reply{taken, empty(200), content("other")}, exists, "PUT HEAD GET"},
		{"the reply lost", []reply{lost(io.EOF), taken, head("content")}, "", "PUT PUT HEAD"},
		{"a CRC-64 altered on the way back", []reply{altered, taken, head("content")}, "", "PUT PUT HEAD"},
		{"the look fails in passing", []reply{taken, page(502), hang, head("content")}, "", "PUT HEAD HEAD HEAD"},
		{"the look fails", []reply{taken, refuse(403, "AccessDenied")}, "compare p/k: AccessDenied (403, request R1, EC 0001-00000001)", "PUT HEAD"},
		{"gone meanwhile", []reply{taken, refuse(404, "NoSuchKey")}, "put p/k: taken, but gone when looked at", "PUT HEAD"},
		{"gone meanwhile, without a word", []reply{taken, empty(404)}, "compare p/k: unreadable answer (404, request R1), tried 3 times", "PUT HEAD HEAD HEAD"},
		{"gone meanwhile, says a stranger", []reply{taken, page(404), head("content")}, "", "PUT HEAD HEAD"},
		{"equal, says a stranger", []reply{taken, page(200), head("other")}, exists, "PUT HEAD HEAD"},
		{"a stranger takes it", []reply{page(200), stored}, "", "PUT PUT"},
		{"somebody takes it without a word of what", []reply{empty(200), stored}, "", "PUT PUT"},
		{"taken, without a CRC-64", []reply{empty(200, "ETag", "x")}, "", "PUT"},
		{"no bucket", []reply{taken, refuse(404, "NoSuchBucket")}, "compare p/k: NoSuchBucket (404, request R1, EC 0001-00000001)", "PUT HEAD"},
		{"another 409", []reply{refuse(409, "ObjectNotAppendable")}, "put p/k: ObjectNotAppendable (409, request R1, EC 0001-00000001)", "PUT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w := newOSS(t, tt.replies...)
				err := s.PutNew(t.Context(), "k", []byte("content"))
				var methods []string
				for _, r := range w.requests {
					methods = append(methods, r.Method)
					if forbids := r.Header.Get("X-Oss-Forbid-Overwrite") == "true"; forbids != (r.Method == "PUT") {
						t.Errorf("%s forbids overwriting: %v", r.Method, forbids)
					}
				}
				if got := strings.Join(methods, " "); text(err) != tt.want || got != tt.requests {
					t.Errorf("error = %v after %s, want %s after %s", err, got, tt.want, tt.requests)
				}
				if exists := strings.Contains(tt.want, "(409") && !strings.Contains(tt.want, "Append"); errors.Is(err, fs.ErrExist) != exists || errors.Is(err, fs.ErrNotExist) {
					t.Errorf("errors.Is(err, fs.ErrExist) is %v, fs.ErrNotExist is %v", !exists, errors.Is(err, fs.ErrNotExist))
				}
			})
		})
	}
}

// Whoever writes hears from the answers that others may replace what was written.
func TestOSSKeepsVersions(t *testing.T) {
	for _, versioning := range []string{"", "Enabled", "Suspended"} {
		b := openBucket(t)
		b.service.Versioning = versioning
		s := b.store(t, nil)
		_, err := s.List(t.Context(), "", 0)
		must(t, err)
		if s.KeepsVersions() {
			t.Errorf("versioning %q: known before anything was written, want it unknown", versioning)
		}
		must(t, s.PutNew(t.Context(), "a", []byte("x")))
		if got, want := s.KeepsVersions(), versioning != ""; got != want {
			t.Errorf("versioning %q: KeepsVersions is %v after a write, want %v", versioning, got, want)
		}
	}
}

func TestOSSRequests(t *testing.T) {
	for _, tt := range []struct{ key, contentType, cacheControl string }{
		{"snapshots/a.json", "application/json", ""},
		{"totals/t.jsonl", "application/x-ndjson", ""},
		{"a.csv", "text/csv; charset=utf-8", ""},
		{"report/index.html", "text/html; charset=utf-8", "no-cache"},
		{"report/trend.csv", "text/csv; charset=utf-8", "no-cache"},
		{"latest.json", "application/json", "no-cache"},
		{"days/latest.json", "application/json", ""},
		{"reports/a.json", "application/json", ""},
	} {
		s, w := newOSS(t, stored)
		must(t, s.Put(t.Context(), tt.key, []byte("123456789")))
		r := w.requests[0]
		if got := r.URL.String(); got != "https://bucket.oss-cn-hangzhou.aliyuncs.com/p%2F"+strings.ReplaceAll(tt.key, "/", "%2F") {
			t.Errorf("the address is %s", got)
		}
		for name, want := range map[string]string{
			"Content-Type": tt.contentType, "Cache-Control": tt.cacheControl, "Content-Md5": "JfnnlDI7RTiF9RgfG2JNCw==",
			"X-Oss-Forbid-Overwrite": "", "X-Oss-Security-Token": token, "Content-Encoding": "",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", tt.key, name, got, want)
			}
		}
		if auth := r.Header.Get("Authorization"); !strings.HasPrefix(auth, "OSS4-HMAC-SHA256 Credential="+keyID+"/") || !strings.Contains(auth, "/cn-hangzhou/oss/aliyun_v4_request") {
			t.Errorf("it is signed with %s, want V4 and the region", auth)
		}
	}
}

func TestOSSGetBounds(t *testing.T) {
	most := strings.Repeat("x", 1<<16)
	s, _ := newOSS(t, content(most))
	if got := get(t, s, "k"); got != most {
		t.Errorf("Get returns %d bytes, want %d", len(got), len(most))
	}
	s, w := newOSS(t, content(most+"x"))
	_, err := s.Get(t.Context(), "k")
	if got, want := text(err), "get p/k: too large: more than 65536 bytes (200, request R1)"; got != want || len(w.requests) != 1 {
		t.Errorf("error = %s after %d requests, want %s after 1", got, len(w.requests), want)
	}
}

func TestOSSPutAltered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newOSS(t, altered)
		err := s.Put(t.Context(), "k", []byte("content"))
		if got, want := text(err), "put p/k: CRC-64 differs from the answer's (200, request R1), tried 3 times"; got != want {
			t.Errorf("error = %s, want %s", got, want)
		}
	})
}

// What is written may go on from what was read of it, or not: either way its sum is that of
// all of it.
func TestOSSPutGoesOn(t *testing.T) {
	read := strings.Repeat("2026-11-23,complete\n", 2000)
	for name, written := range map[string]string{
		"the same":              read,
		"a row more":            read + "2026-11-24,complete\n",
		"another row":           read[:len(read)-20] + "2026-11-23,partial\n",
		"other from the start":  "x" + read[1:],
		"another start, longer": "x" + read[1:] + "2026-11-24,complete\n",
		"shorter":               read[:100],
		"nothing":               "",
	} {
		synctest.Test(t, func(t *testing.T) {
			s, w := newOSS(t, content(read), stored, altered, stored)
			get(t, s, "k")
			for _, want := range []string{"GET PUT", "GET PUT PUT PUT"} {
				if err := s.Put(t.Context(), "k", []byte(written)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				var methods []string
				for _, r := range w.requests {
					methods = append(methods, r.Method)
				}
				if got := strings.Join(methods, " "); got != want {
					t.Errorf("%s: the requests are %s, want %s", name, got, want)
				}
			}
		})
	}
}

// What lies in the place of a new document is held against all of that, also where it is what
// was read before.
func TestOSSPutNewAfterGet(t *testing.T) {
	read := strings.Repeat("a", 40000)
	s, _ := newOSS(t, content(read), refuse(409, "FileAlreadyExists"), empty(200, "X-Oss-Hash-Crc64ecma", crc(read)))
	get(t, s, "k")
	if err := s.PutNew(t.Context(), "k", []byte(strings.Repeat("b", 40000))); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error = %v, want that another one exists", err)
	}
}

// An answer that is compressed on the way has no length by which a cut shows.
func TestOSSGetAsksForTheBytesAsTheyAre(t *testing.T) {
	s, w := newOSS(t, content("content"))
	get(t, s, "k")
	if got := w.requests[0].Header.Get("Accept-Encoding"); got != "identity" {
		t.Errorf("Accept-Encoding is %q, want identity", got)
	}
}

func TestOSSGetWithoutCRC(t *testing.T) {
	s, _ := newOSS(t, func(r *http.Request, _ []byte) (*http.Response, error) {
		return response(r, 200, strings.NewReader("content")), nil
	})
	if got := get(t, s, "k"); got != "content" {
		t.Errorf("Get = %q, want what is stored", got)
	}
}

type object struct{ key, etag, kind string }

// listing answers a page of a list.
func listing(next string, objects ...object) reply {
	return func(r *http.Request, _ []byte) (*http.Response, error) {
		var b bytes.Buffer
		fmt.Fprintf(&b, "<ListBucketResult><Name>bucket</Name><Prefix>%s</Prefix><IsTruncated>%v</IsTruncated><NextContinuationToken>%s</NextContinuationToken>",
			url.QueryEscape(r.URL.Query().Get("prefix")), next != "", strings.TrimPrefix(next, "none"))
		for _, o := range objects {
			b.WriteString("<Contents><Key>")
			_ = xml.EscapeText(&b, []byte(o.key))
			fmt.Fprintf(&b, "</Key><ETag>%s</ETag><Type>%s</Type><Size>7</Size></Contents>", o.etag, o.kind)
		}
		b.WriteString("</ListBucketResult>")
		return response(r, 200, &b), nil
	}
}

func TestOSSListLeavesOutWhatIsNoDocument(t *testing.T) {
	const upper, lower = `"9A0364B9E99BB480DD25E1F0284C8555"`, "9a0364b9e99bb480dd25e1f0284c8555"
	s, _ := newOSS(t,
		listing("more", object{"p/", "", ""}, object{"p/a/", "", ""}, object{"p/a//5", upper, ""}, object{"p/a/1", upper, "Normal"}),
		listing("more2"),
		listing("", object{"p/a/2", upper, ""}, object{"p/a/3", upper, "Multipart"}, object{"p/a/4", upper + "-2", "Normal"}))
	entries, err := s.List(t.Context(), "", 0)
	must(t, err)
	want := []store.Entry{{"a/1", 7, lower}, {"a/2", 7, lower}, {"a/3", 7, ""}, {"a/4", 7, ""}}
	if fmt.Sprint(entries) != fmt.Sprint(want) {
		t.Errorf("List = %v, want %v", entries, want)
	}
}

func TestOSSListIsWholeOrAnError(t *testing.T) {
	const keys = "the answer's keys do not all have this prefix, or are not sorted (200, request R1), tried 3 times"
	a, b := object{key: "p/a/1"}, object{key: "p/a/2"}
	of := func(bucket, prefix string) reply {
		return func(r *http.Request, _ []byte) (*http.Response, error) {
			return response(r, 200, strings.NewReader("<ListBucketResult><Name>"+bucket+"</Name><Prefix>"+prefix+"</Prefix></ListBucketResult>")), nil
		}
	}
	const another = "list p/a/: the answer is about another bucket or prefix (200, request R1), tried 3 times"
	for _, tt := range []struct {
		name  string
		pages []reply
		want  string
	}{
		{"a page of nothing but a promise", []reply{listing("none", a)}, "list p/a/: the answer is truncated, without a new continuation token (200, request R1), tried 3 times"},
		{"pages in a circle", []reply{listing("1"), listing("2"), listing("1")}, "list p/a/: the answer is truncated, without a new continuation token (200, request R1), tried 3 times"},
		{"a page twice", []reply{listing("1", a, b), listing("2", a, b)}, "list p/a/: " + keys},
		{"another folder", []reply{listing("", object{key: "p/b/1"})}, "list p/a/: " + keys},
		{"a second page that is refused", []reply{listing("1", a), refuse(403, "AccessDenied")}, "list p/a/: AccessDenied (403, request R1, EC 0001-00000001)"},
		{"pages of someone else", []reply{page(200)}, "list p/a/: " + stranger + " (200), tried 3 times"},
		{"no page", []reply{empty(200)}, "list p/a/: EOF (200, request R1), tried 3 times"},
		{"another bucket", []reply{of("other", "p/a/")}, another},
		{"another prefix", []reply{of("bucket", "p/")}, another},
		{"no bucket", []reply{of("", "p/a/")}, another},
		{"a key that is not encoded", []reply{listing("", object{key: "p/a/%zz"})}, "list p/a/: a name in the answer is not encoded as it was asked for (200, request R1), tried 3 times"},
		{"half a page", []reply{cut(200)}, "list p/a/: unexpected EOF (200, request R1), tried 3 times"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := newOSS(t, tt.pages...)
			entries, err := s.List(t.Context(), "a/", 0)
			if got := text(err); got != tt.want || entries != nil {
				t.Errorf("%s: List = %v, error %s, want %s", tt.name, entries, got, tt.want)
			}
			discreet(t, tt.name, err)
		})
	}
}

func TestOSSListAsksNoMoreThanItNeeds(t *testing.T) {
	s, w := newOSS(t, listing("1", object{key: "p/1"}), listing("2", object{key: "p/2"}))
	entries, err := s.List(t.Context(), "", 2)
	must(t, err)
	var asked []string
	for _, r := range w.requests {
		asked = append(asked, r.URL.Query().Get("max-keys"))
	}
	if got := strings.Join(asked, " "); len(entries) != 2 || got != "2 1" {
		t.Errorf("List = %v with pages of %s, want two entries with pages of 2 and 1", entries, got)
	}
}

// A rotating credential gives each request another key; a failing one, none.
type rotating struct {
	credentials.Credential
	mu    sync.Mutex
	asked int
	err   error
	empty bool
}

// GetCredential counts how often it is asked.
func (r *rotating) GetCredential() (*credentials.CredentialModel, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	if r.err != nil || r.empty {
		return new(credentials.CredentialModel), r.err
	}
	c := new(credentials.CredentialModel).SetAccessKeyId(fmt.Sprint(keyID, r.asked))
	c.AccessKeySecret = c.AccessKeyId
	return c, nil
}

func TestOSSCredential(t *testing.T) {
	for _, tt := range []struct {
		name       string
		credential *rotating
		want       string
	}{
		{"keys rotate", new(rotating), ""},
		{"none to be had", &rotating{err: errors.New("Get https://planted.example/?SecurityToken=" + token)}, "put p/k: the credential has no keys to sign with"},
		{"none to be had for now", &rotating{err: &url.Error{Op: "Get", URL: "https://planted.example/?SecurityToken=" + token, Err: timeoutError{}}}, "put p/k: the credential has no keys to sign with, tried 6 times"},
		{"empty", &rotating{empty: true}, "put p/k: the credential has no keys to sign with"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := &wire{replies: []reply{page(502), stored}}
			s, err := store.NewOSS(store.Options{
				Endpoint: "https://oss-cn-hangzhou.aliyuncs.com", Region: "cn-hangzhou", Bucket: "bucket", Prefix: "p/",
				Credential: tt.credential, Web: &http.Client{Transport: w}, FirstPause: 1,
			})
			must(t, err)
			err = s.Put(t.Context(), "k", nil)
			if text(err) != tt.want {
				t.Errorf("error = %v, want %s", err, tt.want)
			}
			if e := new(store.Error); errors.As(err, &e) {
				if got := fmt.Sprintf("%v %+v %#v", e, e, e); strings.Contains(got, token) {
					t.Errorf("the error prints %s", got)
				}
			}
			for i, r := range w.requests {
				if want := fmt.Sprint("Credential=", keyID, i+1, "/"); !strings.Contains(r.Header.Get("Authorization"), want) {
					t.Errorf("request %d is signed with %s, want %s", i+1, r.Header.Get("Authorization"), want)
				}
			}
			if wantRequests := map[string]int{"": 2}[tt.want]; len(w.requests) != wantRequests {
				t.Errorf("%d requests went out, want %d", len(w.requests), wantRequests)
			}
		})
	}
}

func TestNewOSSRefuses(t *testing.T) {
	const endpoint = "https://oss-cn-hangzhou.aliyuncs.com"
	good := store.Options{Endpoint: endpoint, Region: "cn-hangzhou", Bucket: "bucket", Prefix: "p/", Credential: credential(t)}
	for _, tt := range []struct {
		name  string
		spoil func(o *store.Options)
		want  string
	}{
		{"nothing", func(*store.Options) {}, ""},
		{"an empty prefix", func(o *store.Options) { o.Prefix = "" }, ""},
		{"http on loopback", func(o *store.Options) { o.Endpoint = "http://127.0.0.1:9000" }, ""},
		{"http below localhost", func(o *store.Options) { o.Endpoint = "http://oss-cn-hangzhou.localhost:9000" }, ""},
		{"http elsewhere, by a name that ends so", func(o *store.Options) { o.Endpoint = "http://oss.notlocalhost:9000" }, "oss endpoint"},
		{"http on loopback by name", func(o *store.Options) { o.Endpoint = "http://localhost:9000" }, ""},
		{"a bare host, which the SDK takes for http", func(o *store.Options) { o.Endpoint = "oss-cn-hangzhou.aliyuncs.com" }, "oss endpoint"},
		{"http elsewhere", func(o *store.Options) { o.Endpoint = "http://oss-cn-hangzhou.aliyuncs.com" }, "oss endpoint"},
		{"a user in the endpoint", func(o *store.Options) { o.Endpoint = "https://user:" + token + "@oss-cn-hangzhou.aliyuncs.com" }, "oss endpoint"},
		{"a path in the endpoint, which the SDK forgets", func(o *store.Options) { o.Endpoint = endpoint + "/bucket" }, "oss endpoint"},
		{"no region", func(o *store.Options) { o.Region = "" }, `oss region is ""`},
		{"a region with oss-", func(o *store.Options) { o.Region = "oss-cn-hangzhou" }, `oss region is "oss-cn-hangzhou"`},
		{"a bad bucket", func(o *store.Options) { o.Bucket = "Bucket" }, "Bucket"},
		{"a prefix without its slash", func(o *store.Options) { o.Prefix = "p" }, `oss prefix is "p"`},
		{"a prefix that begins with a slash", func(o *store.Options) { o.Prefix = "/p/" }, "/p/"},
		{"no credential", func(o *store.Options) { o.Credential = nil }, "oss credential"},
	} {
		o := good
		tt.spoil(&o)
		_, err := store.NewOSS(o)
		if (err == nil) != (tt.want == "") || !strings.Contains(text(err), tt.want) {
			t.Errorf("%s: error = %v, want %s", tt.name, err, tt.want)
		}
		discreet(t, tt.name, err)
	}
}

func TestOrigin(t *testing.T) {
	for endpoint, want := range map[string]string{
		"https://oss-cn-hangzhou.aliyuncs.com": "https://bucket.oss-cn-hangzhou.aliyuncs.com",
		"https://oss.example:8443":             "https://bucket.oss.example:8443",
		"http://127.0.0.1:9000":                "http://127.0.0.1:9000",
		"http://[::1]:9000":                    "http://[::1]:9000",
		"http://localhost:9000":                "http://localhost:9000",
		"http://oss-cn-hangzhou.localhost:90":  "http://bucket.oss-cn-hangzhou.localhost:90",
	} {
		if got := store.Origin(endpoint, "bucket"); got != want {
			t.Errorf("Origin(%s) = %s, want %s", endpoint, got, want)
		}
		w := &wire{replies: []reply{stored}}
		s, err := store.NewOSS(store.Options{Endpoint: endpoint, Region: "cn-hangzhou", Bucket: "bucket", Credential: credential(t), Web: &http.Client{Transport: w}})
		must(t, err)
		must(t, s.Put(t.Context(), "k", nil))
		if u := w.requests[0].URL; u.Scheme+"://"+u.Host != want {
			t.Errorf("at %s the request goes to %s, want %s", endpoint, u, want)
		}
	}
}
