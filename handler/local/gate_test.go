package local_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"backup-statistics/handler/local"
)

// A gate stands before a service that speaks TLS. It lets connections through,
// and spoils some: the service is not asked then.
type gate struct {
	service, variable string
	listener          net.Listener
	certificates      map[string]tls.Certificate // by the kind of fault
	trusted           *x509.CertPool             // the services'
	process           *local.Process
	restart           func() // ends the process, so that it starts with other variables
	target            string // the service's address

	mu      sync.Mutex
	fault   local.Fault
	spoiled int
}

// guard puts gates before all services, and before the receiver of the webhook.
func (r *trial) guard(t *testing.T, config *local.Config, receiver *httptest.Server, path string) {
	t.Helper()
	authority, stranger := newAuthority(t), newAuthority(t)
	now := time.Now()
	// The bucket's name is that of a host, so its certificate is for all buckets.
	here := []string{"127.0.0.1", "*.oss-cn-hangzhou.localhost"}
	good := authority.issue(t, here, now.Add(time.Hour))
	certificates := map[string]tls.Certificate{
		"certificate-untrusted":  stranger.issue(t, here, now.Add(time.Hour)),
		"certificate-of-another": authority.issue(t, []string{"127.0.0.2", "*.oss-cn-shanghai.localhost"}, now.Add(time.Hour)),
		"certificate-expired":    authority.issue(t, here, now.Add(-time.Minute)),
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(authority.certificate)
	roots := filepath.Join(t.TempDir(), "roots.pem")
	must(t, os.WriteFile(roots, authority.pem(), 0o600))
	config.TLS = &tls.Config{Certificates: []tls.Certificate{good}}
	config.Env = append(config.Env, "SSL_CERT_FILE="+roots)
	receiver.TLS = config.TLS.Clone()
	receiver.StartTLS()
	r.gates = make(map[string]*gate)
	for service, variable := range map[string]string{
		local.ServiceBackup: "CLOUD_BACKUP_ENDPOINT", local.ServiceOSS: "OSS_ENDPOINT", local.ServiceSTS: "STS_ENDPOINT",
		local.ServiceDirectory: "RESOURCE_DIRECTORY_ENDPOINT", serviceWebhook: "WEBHOOK_URL",
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		t.Cleanup(func() { listener.Close() })
		r.gates[service] = &gate{service: service, variable: variable, listener: listener, certificates: certificates, trusted: trusted}
		address := "https://" + listener.Addr().String()
		switch service {
		case serviceWebhook:
			address += path
		case local.ServiceOSS:
			address = strings.Replace(address, "127.0.0.1", "oss-cn-hangzhou.localhost", 1)
		}
		config.Env = append(config.Env, variable+"="+address)
	}
}

// open lets connections come, once the service behind the gate is there.
func (g *gate) open(r *rig, receiver *httptest.Server) {
	g.process, g.restart, g.target = r.Runtime.Process, r.Runtime.Stop, receiver.Listener.Addr().String()
	for _, variable := range r.Env() {
		if address, ours := strings.CutPrefix(variable, g.variable+"=https://"); ours {
			g.target = strings.Replace(address, "oss-cn-hangzhou.localhost", "127.0.0.1", 1)
		}
	}
	go func() {
		for conn, err := g.listener.Accept(); err == nil; conn, err = g.listener.Accept() {
			go g.serve(conn)
		}
	}()
}

// Add makes the next connections meet a fault. A name that does not resolve is
// none of a connection: the service is called so.
func (g *gate) Add(fault local.Fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fault = fault
	if fault.Kind == "no-such-name" {
		g.spoiled++
		g.restart()
		g.process.Env = append(g.process.Env, g.variable+"=https://"+g.service+".invalid")
	}
}

// Clear lets all connections pass.
func (g *gate) Clear() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fault.Kind == "no-such-name" {
		g.restart()
		g.process.Env = slices.Clip(g.process.Env[:len(g.process.Env)-1])
	}
	g.fault = local.Fault{}
}

// Spoiled is how many connections met a fault so far.
func (g *gate) Spoiled() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.spoiled
}

func (g *gate) due() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fault.Times == 0 {
		return ""
	}
	g.fault.Times--
	g.spoiled++
	return g.fault.Kind
}

func (g *gate) serve(conn net.Conn) {
	defer conn.Close()
	switch kind := g.due(); kind {
	case "":
		g.pass(conn, func() (net.Conn, error) { return net.Dial("tcp", g.target) })
	case "connection-reset":
		conn.(*net.TCPConn).SetLinger(0)
	case "handshake-closed":
		conn.Read(make([]byte, 1))
	case "handshake-hangs":
		io.Copy(io.Discard, conn) // until the client leaves
	default: // a man in the middle
		secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{g.certificates[kind]}})
		if secure.Handshake() == nil {
			g.pass(secure, func() (net.Conn, error) {
				return tls.Dial("tcp", g.target, &tls.Config{RootCAs: g.trusted})
			})
		}
	}
}

// pass lets a connection through to the service.
func (g *gate) pass(client net.Conn, dial func() (net.Conn, error)) {
	service, err := dial()
	if err != nil {
		return
	}
	defer service.Close()
	go func() {
		io.Copy(service, client)
		service.Close()
	}()
	io.Copy(client, service)
}

// An authority issues certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := new(authority)
	a.key, a.certificate = a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return a
}

// sign makes a key and its certificate, which the authority signs: its own is the
// first.
func (a *authority) sign(t *testing.T, template *x509.Certificate) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	must(t, err)
	certificate, err := x509.ParseCertificate(der)
	must(t, err)
	return key, certificate
}

// issue makes a certificate for an address and a name.
func (a *authority) issue(t *testing.T, of []string, until time.Time) tls.Certificate {
	t.Helper()
	key, certificate := a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: until, IPAddresses: []net.IP{net.ParseIP(of[0])}, DNSNames: of[1:],
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	return tls.Certificate{Certificate: [][]byte{certificate.Raw}, PrivateKey: key}
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}
