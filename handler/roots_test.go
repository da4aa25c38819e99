package handler

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An identity is a certificate and its key.
type identity struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

// certify makes a certificate of a name, signed by another or by itself, but for
// what change makes of it.
func certify(t *testing.T, name string, by *identity, change func(*x509.Certificate)) *identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{Country: []string{"CN"}, Organization: []string{"Some authority with a long name"}, CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if change != nil {
		change(c)
	}
	parent, signer := c, key
	if by != nil {
		parent, signer = by.Certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &identity{made, key}
}

func authority(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign }

func server(c *x509.Certificate) {
	c.DNSNames, c.IPAddresses = []string{"oss.test"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
}

// trusting makes a bundle of roots the system's.
func trusting(t *testing.T, trusted ...*identity) {
	t.Helper()
	bundle := bytes.NewBufferString("# what is no certificate is skipped\n-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n")
	for _, i := range trusted {
		if err := pem.Encode(bundle, &pem.Block{Type: "CERTIFICATE", Bytes: i.Raw}); err != nil {
			t.Fatal(err)
		}
	}
	bundle.WriteString("-----BEGIN CERTIFICATE-----\ncut off")
	file := filepath.Join(t.TempDir(), "roots.crt")
	if err := os.WriteFile(file, bundle.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", file)
}

// TestRootsDecideAsTheStandardLibraryDoes holds each verdict against the one that
// crypto/x509 gives with all the roots at once.
func TestRootsDecideAsTheStandardLibraryDoes(t *testing.T) {
	root, other := certify(t, "root", nil, authority), certify(t, "other", nil, authority)
	between := certify(t, "between", root, authority)
	good := certify(t, "good", between, server)
	namesake := certify(t, "root", nil, authority) // another key
	renewed := &identity{certify(t, "renewed", nil, authority).Certificate, root.key}
	crossed := &identity{certify(t, "between", other, authority).Certificate, between.key}
	expired := certify(t, "expired root", nil, func(c *x509.Certificate) { authority(c); c.NotAfter = time.Now().Add(-time.Minute) })
	tests := []struct {
		name      string
		trusted   []*identity
		presented []*identity
		host      string
		good      bool
	}{
		{"a chain through an intermediate", []*identity{other, root}, []*identity{good, between}, "oss.test", true},
		{"an address instead of a name", []*identity{root}, []*identity{good, between}, "127.0.0.1", true},
		{"the root is presented too", []*identity{root}, []*identity{good, between, root}, "oss.test", true},
		{"the intermediate itself is trusted", []*identity{between}, []*identity{good, between}, "oss.test", true},
		{"two roots of one name, one of which signed", []*identity{namesake, root}, []*identity{good, between}, "oss.test", true},
		{"a root signed it directly", []*identity{root}, []*identity{certify(t, "direct", root, server)}, "oss.test", true},
		{"another host", []*identity{root}, []*identity{good, between}, "sts.test", false},
		{"another address", []*identity{root}, []*identity{good, between}, "127.0.0.2", false},
		{"no root is trusted", nil, []*identity{good, between}, "oss.test", false},
		{"only another root is trusted", []*identity{other}, []*identity{good, between}, "oss.test", false},
		{"only a namesake of the root is trusted", []*identity{namesake}, []*identity{good, between}, "oss.test", false},
		{"a root of the same key and another name", []*identity{renewed}, []*identity{good, between}, "oss.test", false},
		{"the intermediate is missing", []*identity{root}, []*identity{good}, "oss.test", false},
		{"the presented root is not trusted", []*identity{other}, []*identity{good, between, root}, "oss.test", false},
		{"it signed itself", []*identity{root}, []*identity{certify(t, "self", nil, server)}, "oss.test", false},
		{"it has expired", []*identity{root}, []*identity{certify(t, "old", root, func(c *x509.Certificate) { server(c); c.NotAfter = time.Now().Add(-time.Minute) })}, "oss.test", false},
		{"it is not valid yet", []*identity{root}, []*identity{certify(t, "new", root, func(c *x509.Certificate) { server(c); c.NotBefore = time.Now().Add(time.Minute) })}, "oss.test", false},
		{"its root has expired", []*identity{expired}, []*identity{certify(t, "late", expired, server)}, "oss.test", false},
		{"it is no server's", []*identity{root}, []*identity{certify(t, "client", root, func(c *x509.Certificate) {
			server(c)
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		})}, "oss.test", false},
		{"who signed it is no authority", []*identity{root}, []*identity{certify(t, "forged", certify(t, "no authority", root, nil), server), certify(t, "no authority", root, nil)}, "oss.test", false},
		{"another key signed in the name of the intermediate", []*identity{other}, []*identity{good, crossed}, "oss.test", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			trusting(t, test.trusted...)
			all, between := x509.NewCertPool(), x509.NewCertPool()
			for _, i := range test.trusted {
				all.AddCert(i.Certificate)
			}
			var presented []*x509.Certificate
			for n, i := range test.presented {
				if presented = append(presented, i.Certificate); n > 0 {
					between.AddCert(i.Certificate)
				}
			}
			_, want := presented[0].Verify(x509.VerifyOptions{DNSName: test.host, Roots: all, Intermediates: between})
			if (want == nil) != test.good {
				t.Fatalf("the standard library says %v: want it to be good: %v", want, test.good)
			}
			r := roots{all: all}
			if test.good {
				r.all = x509.NewCertPool() // the named ones have to do
			}
			for range 2 { // the second finds what the first looked for
				err := r.verify(test.host, presented)
				var refused *tls.CertificateVerificationError
				if (err == nil) != test.good || err != nil && !errors.As(err, &refused) {
					t.Errorf("verdict %v, want as the standard library: %v", err, want)
				}
			}
		})
	}
}

// TestRootsLookForEachIssuer wants a second service, of another authority, to be
// verified as well.
func TestRootsLookForEachIssuer(t *testing.T) {
	a, b := certify(t, "a", nil, authority), certify(t, "b", nil, authority)
	trusting(t, a, b)
	r := roots{all: x509.NewCertPool()}
	for _, root := range []*identity{a, b, a} {
		if err := r.verify("oss.test", []*x509.Certificate{certify(t, "leaf", root, server).Certificate}); err != nil {
			t.Errorf("signed by %s: %v", root.Subject.CommonName, err)
		}
	}
	if err := r.verify("oss.test", nil); err == nil {
		t.Error("a server without a certificate is taken")
	}
}

// TestRootsTakenOutByHandAreNotTrusted holds each bundle against what crypto/x509
// reads in it.
func TestRootsTakenOutByHandAreNotTrusted(t *testing.T) {
	root, other := certify(t, "root", nil, authority), certify(t, "other", nil, authority)
	leaf := certify(t, "leaf", root, server)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}))
	rest := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: other.Raw}))
	for _, test := range []struct {
		name, bundle string
		good         bool
	}{
		{"as it was", text + rest, true},
		{"the last of a bundle without a line's end", rest + strings.TrimSpace(text), true},
		{"lines end as on Windows", strings.ReplaceAll(rest+text, "\n", "\r\n"), true},
		{"its first line is a comment", "# " + text + rest, false},
		{"its first line is a comment, after another root", rest + "#" + text, false},
		{"all its lines are comments", "# " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n# ") + "\n" + rest, false},
		{"it has headers", strings.Replace(text, "-----\n", "-----\nTrust: no\n\n", 1) + rest, false},
		{"it is trusted for something", strings.ReplaceAll(text, " CERTIFICATE", " TRUSTED CERTIFICATE") + rest, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "roots.crt")
			if err := os.WriteFile(file, []byte(test.bundle), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("SSL_CERT_FILE", file)
			all := x509.NewCertPool()
			all.AppendCertsFromPEM([]byte(test.bundle))
			if _, err := leaf.Verify(x509.VerifyOptions{DNSName: "oss.test", Roots: all}); (err == nil) != test.good {
				t.Fatalf("the standard library says %v: want it to be good: %v", err, test.good)
			}
			r := roots{all: x509.NewCertPool()}
			if err := r.verify("oss.test", []*x509.Certificate{leaf.Certificate}); (err == nil) != test.good {
				t.Errorf("verdict %v, want as the standard library, good: %v", err, test.good)
			}
		})
	}
}

// TestWebVerifiesServers opens real connections.
func TestWebVerifiesServers(t *testing.T) {
	root := certify(t, "root", nil, authority)
	trusting(t, root)
	for name, test := range map[string]struct {
		by   *identity
		host string
		good bool
	}{
		"a server that the system trusts":         {root, "127.0.0.1", true},
		"a server that it does not trust":         {certify(t, "root", nil, authority), "127.0.0.1", false},
		"a server that answers for somebody else": {root, "localhost", false},
	} {
		t.Run(name, func(t *testing.T) {
			leaf := certify(t, "leaf", test.by, server)
			s := httptest.NewUnstartedServer(http.NotFoundHandler())
			s.Config.ErrorLog = quiet()
			s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: leaf.key}}}
			s.StartTLS()
			defer s.Close()
			_, port, err := net.SplitHostPort(s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			for _, ahead := range []bool{false, true} {
				w := NewWeb(2)
				url := "https://" + net.JoinHostPort(test.host, port)
				if ahead {
					w.Open(t.Context(), url)
				}
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
				if err != nil {
					t.Fatal(err)
				}
				res, err := w.Do(req)
				if err == nil {
					res.Body.Close()
				}
				var refused *tls.CertificateVerificationError
				if (err == nil) != test.good || err != nil && !errors.As(err, &refused) {
					t.Errorf("opened ahead: %v: error %v, want success: %v", ahead, err, test.good)
				}
				w.CloseIdleConnections()
			}
		})
	}
}

// quiet is a log that nobody reads: refused handshakes are meant.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
