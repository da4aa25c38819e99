package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

// A trust is what a function's machine and the services agree on: a certificate
// for loopback that chains through an intermediate, as those of the real services
// do, to one root among as many as a system has.
type trust struct {
	server *tls.Config
	file   string // a bundle of roots, for SSL_CERT_FILE
	alone  string // the one root, for the plain program, which verifies against no more
	roots  int
}

// systemRoots is where Debian has them, which Function Compute's images are made of.
const systemRoots = "/etc/ssl/certs/ca-certificates.crt"

func newTrust() (*trust, error) {
	bundle, err := os.ReadFile(systemRoots)
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v: the roots are one alone, and loading them takes no time\n", err)
	}
	root, err := issue(nil, "GlobalSign Root CA of the bench", true) // the function expects that name
	if err != nil {
		return nil, err
	}
	between, err := issue(root, "bench intermediate", true)
	if err != nil {
		return nil, err
	}
	leaf, err := issue(between, "bench", false)
	if err != nil {
		return nil, err
	}
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate[0]})
	bundle = append(bundle, own...)
	leaf.Certificate = append(leaf.Certificate, between.Certificate...)
	t := &trust{
		server: &tls.Config{Certificates: []tls.Certificate{*leaf}},
		roots:  bytes.Count(bundle, []byte("BEGIN CERTIFICATE")),
	}
	if t.file, err = temporary(bundle); err != nil {
		return nil, err
	}
	t.alone, err = temporary(own)
	return t, err
}

// temporary is a new file with these certificates.
func temporary(certificates []byte) (name string, err error) {
	file, err := os.CreateTemp("", "bench-*.crt")
	if err != nil {
		return "", err
	}
	defer file.Close()
	_, err = file.Write(certificates)
	return file.Name(), err
}

func (t *trust) close() {
	os.Remove(t.file)
	os.Remove(t.alone)
}

// issue makes a certificate, signed by another or by itself. Those of the real
// services are of RSA.
func issue(by *tls.Certificate, name string, authority bool) (*tls.Certificate, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		BasicConstraintsValid: true, IsCA: authority, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if !authority {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	parent, signer := template, any(key)
	if by != nil {
		if parent, err = x509.ParseCertificate(by.Certificate[0]); err != nil {
			return nil, err
		}
		signer = by.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
