package fault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"unicode"
)

// ErrNoHTTP is what came in place of an answer. net/http quotes it in its own error,
// and it may be anything: a peer can send back what it was sent.
var ErrNoHTTP = errors.New("what came is no HTTP")

// An Interruption is a request that got no whole answer. Its text says which class
// of failure it was, and nothing that the other side has written but the names of
// its certificate.
type Interruption struct {
	Cause Cause
	Again int // how many more tries it is worth
	text  string
	err   error // what may be searched for
}

// Error reads like "dial tcp 127.0.0.1:443: connect: connection refused".
func (i *Interruption) Error() string { return i.text }

// Unwrap returns the network's error.
func (i *Interruption) Unwrap() error { return i.err }

// Fault is the cause.
func (i *Interruption) Fault() Cause { return i.Cause }

// OnTheWay explains an error of net/http, of the request or of its answer's body.
// Whatever it is passes, but for a certificate that does not hold.
func OnTheWay(err error) *Interruption {
	var located *url.Error
	if errors.As(err, &located) {
		err = located.Err // the rest is the method and the address
	}
	var (
		name        *net.DNSError
		certificate *tls.CertificateVerificationError
		another     x509.HostnameError
		unknown     x509.UnknownAuthorityError
		invalid     x509.CertificateInvalidError
		record      tls.RecordHeaderError
		operation   *net.OpError
		number      syscall.Errno
		timeout     net.Error
	)
	tell := func(cause Cause, again int, err error) *Interruption {
		return &Interruption{cause, again, line(err.Error()), err}
	}
	switch {
	case errors.As(err, &name) && (name.IsTemporary || name.IsTimeout):
		return tell(Unreachable, Always, name)
	case errors.As(err, &name):
		return tell(Name, Always, name)
	case errors.As(err, &certificate):
		return tell(Certificate, Never, certificate)
	case errors.As(err, &another), errors.As(err, &unknown), errors.As(err, &invalid):
		return tell(Certificate, Never, err)
	case errors.As(err, &record):
		return tell(Stranger, Always, errors.New(record.Msg))
	case errors.Is(err, http.ErrSchemeMismatch):
		return tell(Stranger, Always, http.ErrSchemeMismatch)
	case errors.As(err, &operation):
		return tell(Unreachable, Always, operation)
	case errors.As(err, &number):
		return tell(Unreachable, Always, number)
	case errors.As(err, &timeout) && timeout.Timeout():
		return tell(Unreachable, Always, timeout)
	case strings.HasSuffix(err.Error(), "server closed idle connection"): // which net/http gives no type
		return tell(Unreachable, Always, errors.New("http: server closed idle connection"))
	}
	for _, plain := range []error{io.ErrUnexpectedEOF, io.EOF, net.ErrClosed, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, plain) {
			return tell(Unreachable, Always, plain)
		}
	}
	return tell(Stranger, Always, ErrNoHTTP)
}

// line makes one short line of a text.
func line(text string) string {
	const most = 200
	text = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
