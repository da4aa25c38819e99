package handler

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
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
	"slices"
	"strings"
	"sync/atomic"
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
	c.DNSNames, c.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
}

func elsewhere(c *x509.Certificate) {
	server(c)
	c.DNSNames, c.IPAddresses = []string{"oss.test"}, []net.IP{net.IPv4(127, 0, 0, 2)}
}

// trusting makes a bundle of roots the system's.
func trusting(t *testing.T, bundle string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "roots.crt")
	if err := os.WriteFile(file, []byte(bundle), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", file)
}

func text(identities ...*identity) string {
	var b strings.Builder
	for _, i := range identities {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.Raw}))
	}
	return b.String()
}

func pool(identities ...*identity) *x509.CertPool {
	p := x509.NewCertPool()
	for _, i := range identities {
		p.AddCert(i.Certificate)
	}
	return p
}

// present answers all requests as a server that presents this chain, and counts the
// connections.
func present(t *testing.T, chain []*identity) (port string, connections *atomic.Int32) {
	t.Helper()
	s, connections := httptest.NewUnstartedServer(http.NotFoundHandler()), new(atomic.Int32)
	certificate := tls.Certificate{PrivateKey: chain[0].key}
	for _, i := range chain {
		certificate.Certificate = append(certificate.Certificate, i.Raw)
	}
	s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	s.Config.ErrorLog = quiet()
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port, connections
}

// ask makes a request over a new connection.
func ask(t *testing.T, w *Web, url string) error {
	t.Helper()
	defer w.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := w.Do(req)
	if err == nil {
		res.Body.Close()
	}
	var refused *tls.CertificateVerificationError
	if err != nil && !errors.As(err, &refused) {
		t.Errorf("%s: error %v, want none but of the certificate", url, err)
	}
	return err
}

// before is what stands before a mark in a text, all where there is none.
func before(text, mark string) string {
	text, _, _ = strings.Cut(text, mark)
	return text
}

// TestRootsDecideAsTheStandardLibraryDoes holds each verdict against the one that
// crypto/x509 gives with all the roots at once, wherever the root that it needs is:
// among those that are guessed, elsewhere in the bundle, or not in the bundle.
func TestRootsDecideAsTheStandardLibraryDoes(t *testing.T) {
	for _, place := range []struct {
		name        string
		prefix      string // of the names of all authorities
		bundled     bool
		connections int32 // to a server that is trusted: of a process's first request
	}{
		{"guessed", "GlobalSign Root CA - R", true, 1},
		{"in the bundle", "Authority ", true, 2},
		{"not in the bundle", "Authority ", false, 2},
	} {
		root, other := certify(t, place.prefix+"1", nil, authority), certify(t, place.prefix+"2", nil, authority)
		between := certify(t, "between", root, authority)
		good := certify(t, "good", between, server)
		namesake := certify(t, place.prefix+"1", nil, authority) // another key
		renewed := &identity{certify(t, place.prefix+"3", nil, authority).Certificate, root.key}
		crossed := &identity{certify(t, "between", other, authority).Certificate, between.key}
		expired := certify(t, place.prefix+"4", nil, func(c *x509.Certificate) { authority(c); c.NotAfter = time.Now().Add(-time.Minute) })
		stale := certify(t, place.prefix+"1", nil, func(c *x509.Certificate) { authority(c); c.NotAfter = time.Now().Add(-time.Minute) })
		wrong := certify(t, "GlobalSign Root R46", nil, authority) // guessed and of no use
		for _, test := range []struct {
			name      string
			trusted   []*identity
			presented []*identity
			host      string
			good      bool
		}{
			{"a chain through an intermediate", []*identity{other, root}, []*identity{good, between}, "localhost", true},
			{"an address instead of a name", []*identity{root}, []*identity{good, between}, "127.0.0.1", true},
			{"the root is presented too", []*identity{root}, []*identity{good, between, root}, "localhost", true},
			{"two roots of one name, one of which signed", []*identity{namesake, root}, []*identity{good, between}, "localhost", true},
			{"two roots of one name, one of which has expired", []*identity{stale, root}, []*identity{good, between}, "localhost", true},
			{"a root signed it directly", []*identity{root}, []*identity{certify(t, "direct", root, server)}, "localhost", true},
			{"intermediates of other chains are presented too", []*identity{root}, []*identity{good, crossed, between, other}, "localhost", true},
			{"another address", []*identity{root}, []*identity{certify(t, "elsewhere", between, elsewhere), between}, "127.0.0.1", false},
			{"another host", []*identity{root}, []*identity{certify(t, "elsewhere", between, elsewhere), between}, "localhost", false},
			{"no root is trusted", nil, []*identity{good, between}, "localhost", false},
			{"only another root is trusted", []*identity{other}, []*identity{good, between}, "localhost", false},
			{"only a namesake of the root is trusted", []*identity{namesake}, []*identity{good, between}, "localhost", false},
			{"a root of the same key and another name", []*identity{renewed}, []*identity{good, between}, "localhost", false},
			{"the intermediate is missing", []*identity{root}, []*identity{good}, "localhost", false},
			{"the presented root is not trusted", []*identity{other}, []*identity{good, between, root}, "localhost", false},
			{"it signed itself", []*identity{root}, []*identity{certify(t, "self", nil, server)}, "localhost", false},
			{"it has expired", []*identity{root}, []*identity{certify(t, "old", root, func(c *x509.Certificate) { server(c); c.NotAfter = time.Now().Add(-time.Minute) })}, "localhost", false},
			{"it is not valid yet", []*identity{root}, []*identity{certify(t, "new", root, func(c *x509.Certificate) { server(c); c.NotBefore = time.Now().Add(time.Minute) })}, "localhost", false},
			{"its root has expired", []*identity{expired}, []*identity{certify(t, "late", expired, server)}, "localhost", false},
			{"it is no server's", []*identity{root}, []*identity{certify(t, "client", root, func(c *x509.Certificate) {
				server(c)
				c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
			})}, "localhost", false},
			{"who signed it is no authority", []*identity{root}, []*identity{certify(t, "forged", certify(t, "no authority", root, nil), server), certify(t, "no authority", root, nil)}, "localhost", false},
			{"another key signed in the name of the intermediate", []*identity{other}, []*identity{good, crossed}, "localhost", false},
		} {
			t.Run(place.name+"/"+test.name, func(t *testing.T) {
				trusted := append([]*identity{wrong}, test.trusted...)
				trusting(t, text(wrong))
				if place.bundled {
					trusting(t, text(trusted...))
				}
				intermediates := pool(test.presented[1:]...)
				_, want := test.presented[0].Verify(x509.VerifyOptions{DNSName: test.host, Roots: pool(trusted...), Intermediates: intermediates})
				if (want == nil) != test.good {
					t.Fatalf("the standard library says %v: want it to be good: %v", want, test.good)
				}
				port, connections := present(t, test.presented)
				w := NewWeb(1, 1)
				w.roots.system = pool(trusted...)
				if test.good && place.bundled {
					w.roots.system = pool() // those of the bundle have to do
				}
				for _, expected := range []int32{place.connections, 1} { // the second finds what the first needed
					connections.Store(0)
					err := ask(t, w, "https://"+net.JoinHostPort(test.host, port))
					// Of a certificate that has expired it says what time it is: some later second.
					if (err == nil) != test.good || err != nil && !strings.Contains(err.Error(), before(want.Error(), "current time")) {
						t.Errorf("verdict %v, want as the standard library: %v", err, want)
					}
					if n := connections.Load(); test.good && n != expected || n > 3 {
						t.Errorf("%d connections, want %d, or of one that is refused 3 at most", n, expected)
					}
				}
			})
		}
	}
}

// TestNamesAreFoundInBase64 wherever they begin, and whatever stands beside them.
func TestNamesAreFoundInBase64(t *testing.T) {
	for _, name := range append([][]byte{[]byte("x"), []byte("ab")}, signers...) {
		for before := range 9 {
			for after := range 4 {
				beside := make([]byte, before+after)
				rand.Read(beside)
				text := base64.StdEncoding.EncodeToString(slices.Concat(beside[:before], name, beside[before:]))
				if !slices.ContainsFunc(inBase64(name), func(spelt []byte) bool { return strings.Contains(text, string(spelt)) }) {
					t.Errorf("%q behind %d bytes and before %d is not found in %s", name, before, after, text)
				}
			}
		}
	}
}

// TestRootsOfSeveralServices wants services of other authorities to be verified as
// well, each at the cost of a connection, once.
func TestRootsOfSeveralServices(t *testing.T) {
	guessed, named, last := certify(t, "GlobalSign Root CA", nil, authority), certify(t, "b", nil, authority), certify(t, "c", nil, authority)
	trusting(t, text(last, named, guessed))
	w := NewWeb(1, 1)
	w.roots.system = pool(guessed, named, last)
	for i, service := range []struct {
		root        *identity
		connections int32
	}{{guessed, 1}, {named, 2}, {guessed, 1}, {named, 1}, {last, 2}, {last, 1}, {named, 1}, {guessed, 1}} {
		port, connections := present(t, []*identity{certify(t, "leaf", service.root, server)})
		if err := ask(t, w, "https://"+net.JoinHostPort("localhost", port)); err != nil {
			t.Errorf("service %d, signed by %s: %v", i, service.root.Subject.CommonName, err)
		}
		if n := connections.Load(); n != service.connections {
			t.Errorf("service %d, signed by %s: %d connections, want %d", i, service.root.Subject.CommonName, n, service.connections)
		}
	}
}

// TestRootsOfOddBundles holds each bundle against what crypto/x509 reads in it: a
// root that it skips is not trusted, and one that it takes is found or left to it.
func TestRootsOfOddBundles(t *testing.T) {
	root, other := certify(t, "GlobalSign Root CA", nil, authority), certify(t, "other", nil, authority)
	wanted, rest := text(root), text(other)
	const begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
	for _, test := range []struct {
		name, bundle string
		taken, found bool // by the library, and here
	}{
		{"as it was", wanted + rest, true, true},
		{"the last of a bundle without a line's end", rest + strings.TrimSpace(wanted), true, true},
		{"lines end as on Windows", strings.ReplaceAll(rest+wanted, "\n", "\r\n"), true, true},
		{"names and rules before each", "# other\n=====\n" + rest + "\n# GlobalSign\n---\n" + wanted, true, true},
		{"one before it is no base64", begin + "\n!!!!\n" + end + "\n" + wanted, true, true},
		{"one before it is no certificate", begin + "\nAAAA\n" + end + "\n" + wanted, true, true},
		{"one before it is empty", begin + "\n" + end + "\n" + wanted, true, true},
		{"another is cut off after it", wanted + begin + "\ncut off", true, true},
		{"another is cut off before it", begin + "\ncut off\n" + wanted, true, false},
		{"a key before it", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" + wanted, true, false},
		{"its lines are indented", strings.ReplaceAll(wanted, "\nM", "\n M"), true, false},
		{"its first line is a comment", "# " + wanted + rest, false, false},
		{"its first line is a comment, after another root", rest + "#" + wanted, false, false},
		{"all its lines are comments", "# " + strings.ReplaceAll(strings.TrimSpace(wanted), "\n", "\n# ") + "\n" + rest, false, false},
		{"it has headers", strings.Replace(wanted, "-----\n", "-----\nTrust: no\n\n", 1) + rest, false, false},
		{"it is trusted for something", strings.ReplaceAll(wanted, " CERTIFICATE", " TRUSTED CERTIFICATE") + rest, false, false},
		{"it begins where the other's last line should end", strings.TrimSuffix(rest, "\n") + wanted, false, false},
		{"its first line goes on", strings.Replace(wanted, "-----\n", "-----", 1) + rest, false, false},
		{"its last line goes on", strings.TrimSuffix(wanted, "\n") + " of it\n" + rest, false, false},
		{"its last line is the end of a line", strings.Replace(wanted, "\n-----END", "-----END", 1) + rest, false, false},
		{"its last line is another's", strings.Replace(wanted, end, "-----END PRIVATE KEY-----", 1) + rest, false, false},
		{"its last line has a dash too many", strings.Replace(wanted, end, "-"+end, 1) + rest, false, false},
		{"an end stands before it in its first line", "\n-----END " + wanted + rest, true, false},
		{"an end stands within a comment of it", strings.Replace(wanted, "-----\n", "-----\n# "+end+"\n", 1) + rest, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			trusting(t, test.bundle)
			all := x509.NewCertPool()
			all.AppendCertsFromPEM([]byte(test.bundle))
			options := x509.VerifyOptions{Roots: all}
			if _, err := root.Verify(options); (err == nil) != test.taken {
				t.Fatalf("the standard library says %v: want it to be taken: %v", err, test.taken)
			}
			found := x509.NewCertPool()
			if added := addRoots(found, signers...); added != test.found || added == found.Equal(x509.NewCertPool()) {
				t.Errorf("found: %v, want %v", added, test.found)
			}
		})
	}
}

// FuzzRootBundle wants nothing to be found in a bundle that crypto/x509 does
// not find.
func FuzzRootBundle(f *testing.F) {
	whole := "# two\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\r\nBBBB\r\n-----END CERTIFICATE-----"
	f.Add(whole)
	for i, r := range whole {
		if r == '-' || r == '\n' {
			f.Add(whole[:i] + whole[i+1:])
			f.Add(whole[:i] + " " + whole[i:])
			f.Add(whole[:i] + "-----END CERTIFICATE-----" + whole[i:])
		}
	}
	f.Fuzz(func(t *testing.T, bundle string) {
		library := make(map[string]bool)
		for block, rest := pem.Decode([]byte(bundle)); block != nil; block, rest = pem.Decode(rest) {
			if block.Type == "CERTIFICATE" && len(block.Headers) == 0 {
				library[string(block.Bytes)] = true
			}
		}
		eachCertificate([]byte(bundle), func(text []byte) {
			if der, err := decode(text); err == nil && !library[string(der)] {
				t.Errorf("%q is found in %q: want nothing that encoding/pem does not find", der, bundle)
			}
		})
	})
}

// TestWebVerifiesServers opens connections ahead, too.
func TestWebVerifiesServers(t *testing.T) {
	root := certify(t, "GlobalSign Root CA", nil, authority)
	trusting(t, text(root))
	for name, test := range map[string]struct {
		leaf *identity
		good bool
	}{
		"a server that the system trusts":         {certify(t, "leaf", root, server), true},
		"a server that it does not trust":         {certify(t, "leaf", certify(t, "GlobalSign Root CA", nil, authority), server), false},
		"a server that answers for somebody else": {certify(t, "leaf", root, elsewhere), false},
	} {
		t.Run(name, func(t *testing.T) {
			port, _ := present(t, []*identity{test.leaf})
			for _, ahead := range []bool{false, true} {
				w := NewWeb(2, 2)
				w.roots.system = pool(root)
				url := "https://" + net.JoinHostPort("localhost", port)
				if ahead {
					w.Open(t.Context(), url, false)
				}
				if err := ask(t, w, url); (err == nil) != test.good {
					t.Errorf("opened ahead: %v: error %v, want success: %v", ahead, err, test.good)
				}
			}
		})
	}
}

// quiet is a log that nobody reads: refused handshakes are meant.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
