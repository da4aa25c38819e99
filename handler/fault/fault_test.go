package fault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// The rows of the documentation are the table's, in its order: causes, codes and advice.
func TestDocumentationHasTheTable(t *testing.T) {
	document, err := os.ReadFile("../../.docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(document), "\n| cause | told by | what to do |\n|---|---|---|\n")
	if !found {
		t.Fatal("faults.md has no table of causes")
	}
	var rows []string
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		rows = append(rows, strings.Trim(strings.TrimSpace(line), "| "))
	}
	for i, of := range causes {
		if i >= len(rows) {
			t.Errorf("faults.md has no row for %s", of.Cause)
			continue
		}
		cells := strings.Split(rows[i], " | ")
		if len(cells) != 3 || cells[0] != string(of.Cause) {
			t.Errorf("row %q: want three cells, for %s", rows[i], of.Cause)
			continue
		}
		var said, want []string
		for _, code := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
			said = append(said, code[1])
		}
		for _, row := range codes {
			if row.cause == of.Cause {
				want = append(want, row.code)
			}
		}
		if !slices.Equal(said, want) {
			t.Errorf("%s is told by %q, want %q", of.Cause, said, want)
		}
		if got := strings.ReplaceAll(cells[2], "`", ""); got != of.advice {
			t.Errorf("%s: what to do is %q, want %q", of.Cause, got, of.advice)
		}
	}
	if len(rows) > len(causes) {
		t.Errorf("faults.md has %d rows for %d causes", len(rows), len(causes))
	}
}

// Each code stands once, and each cause has its advice.
func TestTableIsSound(t *testing.T) {
	seen := make(map[string]bool)
	for _, row := range codes {
		if seen[row.code] || row.cause.Advice() == "" {
			t.Errorf("%s stands twice, or its cause %q has no advice", row.code, row.cause)
		}
		seen[row.code] = true
	}
}

func TestOfCode(t *testing.T) {
	for _, tt := range []struct {
		code   string
		status int
		cause  Cause
		again  int
	}{
		{"AccessDenied", 403, Policy, Never},
		{"NoPermission", 200, Policy, Never},
		{"Forbidden.RAM", 403, Policy, Never},
		{"RequestTimeTooSkewed", 403, Clock, Never},
		{"InvalidTimeStamp.Expired", 400, Clock, Never},
		{"InvalidAccessKeyId.NotFound", 404, Credentials, Never},
		{"InvalidSecurityToken.Expired", 403, Credentials, Never},
		{"InvalidApi.NotFound", 404, Unknown, Never},
		{"InvalidApi", 404, "", Never},
		{"Invalid", 400, "", Never},
		{"", 403, "", Never},
		{"...", 403, "", Never},
		{"InvalidDigest", 400, Stranger, Once},
		{"RequestTimeout", 400, Busy, Always},
		{"Throttling.User", 400, Busy, Always},
		{"Rejected.Throttling", 400, Busy, Always},
		{"SignatureNonceUsed", 400, Busy, Always},
		{"AccessDenied", 503, Busy, Always},
		{"Unheard", 408, Busy, Always},
		{"Unheard", 429, Busy, Always},
		{"507", 200, Busy, Always},
		{"404", 404, "", Never},
	} {
		if cause, again := OfCode(tt.code, tt.status); cause != tt.cause || again != tt.again {
			t.Errorf("%s (%d) is %q, again %d; want %q, %d", tt.code, tt.status, cause, again, tt.cause, tt.again)
		}
	}
	for status := range 1000 {
		if got, want := Passes(status), status == 408 || status == 429 || status/100 == 5; got != want {
			t.Errorf("Passes(%d) = %v, want %v", status, got, want)
		}
	}
}

// What somebody else has written is no part of what is told: only its class is.
func TestOnTheWayTellsTheClass(t *testing.T) {
	const theirs = "planted"
	broken := func(err error) error {
		return fmt.Errorf("net/http: HTTP/1.x transport connection broken: %w", err)
	}
	for _, tt := range []struct {
		name  string
		err   error
		cause Cause
		again int
		want  string
	}{
		{"no HTTP", broken(fmt.Errorf("malformed HTTP response %q", theirs)), Stranger, Always, ErrNoHTTP.Error()},
		{"a status that is none", fmt.Errorf("malformed HTTP status code %q", theirs), Stranger, Always, ErrNoHTTP.Error()},
		{"a header that is none", broken(textproto.ProtocolError("malformed MIME header line: " + theirs)), Stranger, Always, ErrNoHTTP.Error()},
		{"a length that is none", fmt.Errorf("bad Content-Length %q", theirs), Stranger, Always, ErrNoHTTP.Error()},
		{"a reset", broken(&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}), Unreachable, Always, "read tcp: connection reset by peer"},
		{"an address", &url.Error{Op: "Get", URL: "https://" + theirs, Err: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}}, Unreachable, Always, "dial tcp: connection refused"},
		{"no such name", &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "host", IsNotFound: true}}, Name, Always, "lookup host: no such host"},
		{"a busy name server", &net.DNSError{Err: "server misbehaving", Name: "host", IsTemporary: true}, Unreachable, Always, "lookup host: server misbehaving"},
		{"an untrusted certificate", &tls.CertificateVerificationError{Err: errors.New("x509: not for this")}, Certificate, Never, "tls: failed to verify certificate: x509: not for this"},
		{"a bare certificate error", x509.UnknownAuthorityError{}, Certificate, Never, "x509: certificate signed by unknown authority"},
		{"a certificate of many names", &tls.CertificateVerificationError{Err: errors.New("\x1b" + strings.Repeat("x", 300))}, Certificate, Never, "tls: failed to verify certificate: " + strings.Repeat("x", 165) + "…"},
		{"no TLS", tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake", RecordHeader: [5]byte([]byte(theirs[:5]))}, Stranger, Always, "first record does not look like a TLS handshake"},
		{"http for https", http.ErrSchemeMismatch, Stranger, Always, "http: server gave HTTP response to HTTPS client"},
		{"too late", context.DeadlineExceeded, Unreachable, Always, "context deadline exceeded"},
		{"cut", io.ErrUnexpectedEOF, Unreachable, Always, "unexpected EOF"},
		{"idle", errors.New("http: server closed idle connection"), Unreachable, Always, "http: server closed idle connection"},
	} {
		way := OnTheWay(tt.err)
		if way.Cause != tt.cause || way.Again != tt.again || way.Error() != tt.want || Of(fmt.Errorf("it: %w", way)) != tt.cause {
			t.Errorf("%s: %q, %q, again %d; want %q, %q, %d", tt.name, way, way.Cause, way.Again, tt.want, tt.cause, tt.again)
		}
		for err := error(way); err != nil; err = errors.Unwrap(err) {
			if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, theirs) {
				t.Errorf("%s: %T tells %s", tt.name, err, text)
			}
		}
	}
}
