package handler

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"os"
	"runtime"
	"sync"
)

// rootFiles are where distributions of Linux keep the certificates that they
// trust, in the order in which crypto/x509 looks for them. Other systems, such as a
// workstation's, also have such files, and decide otherwise.
func rootFiles() []string {
	if runtime.GOOS != "linux" {
		return nil
	}
	if file := os.Getenv("SSL_CERT_FILE"); file != "" {
		return []string{file}
	}
	return []string{
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
	}
}

// Roots verify what servers present against the system's roots, as crypto/tls
// does by itself, but parse only the roots that are named as issuers: all of
// them, on Debian each twice or more, take a third of the CPU of a cold start.
type roots struct {
	all *x509.CertPool // has the last word; nil: the system's

	mu    sync.Mutex
	named map[string][]*x509.Certificate // by the issuer that was looked for
}

// verify takes the named issuers first; where they prove nothing, the whole pool
// has the last word. So nothing is trusted here that is not trusted there.
func (r *roots) verify(host string, presented []*x509.Certificate) error {
	if len(presented) == 0 {
		return errors.New("the server presents no certificate")
	}
	options := x509.VerifyOptions{DNSName: host, Intermediates: x509.NewCertPool(), Roots: r.issuers(presented)}
	for _, c := range presented[1:] {
		options.Intermediates.AddCert(c)
	}
	_, err := presented[0].Verify(options)
	if err != nil {
		options.Roots = r.all
		_, err = presented[0].Verify(options)
	}
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: presented, Err: err}
	}
	return nil
}

// issuers are the roots that hold the name of an issuer. No other can be part of
// the chain: a parent's subject is its child's issuer, byte for byte.
func (r *roots) issuers(presented []*x509.Certificate) *x509.CertPool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.named == nil {
		r.named = make(map[string][]*x509.Certificate)
	}
	wanted := make(map[string]bool)
	for _, c := range presented {
		if _, known := r.named[string(c.RawIssuer)]; !known {
			wanted[string(c.RawIssuer)] = true
		}
	}
	if len(wanted) > 0 {
		r.find(wanted)
	}
	pool := x509.NewCertPool()
	for _, c := range presented {
		for _, root := range r.named[string(c.RawIssuer)] {
			pool.AddCert(root)
		}
	}
	return pool
}

// find looks through the first file that there is. A system that has none, or
// keeps its roots elsewhere, is asked by verify.
func (r *roots) find(wanted map[string]bool) {
	for issuer := range wanted {
		r.named[issuer] = nil
	}
	for _, file := range rootFiles() {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		eachCertificate(data, func(der []byte) {
			for issuer := range wanted {
				// The end tells names apart, and is short enough for a fast search.
				if !bytes.Contains(der, []byte(issuer[max(0, len(issuer)-32):])) || !bytes.Contains(der, []byte(issuer)) {
					continue
				}
				if c, err := x509.ParseCertificate(bytes.Clone(der)); err == nil {
					r.named[issuer] = append(r.named[issuer], c)
				}
			}
		})
		return
	}
}

// eachCertificate decodes the certificates of a PEM file one after another, each
// in the place of the one before: encoding/pem takes three times as long. A
// beginning within a line is none: so a root is taken out by hand.
func eachCertificate(data []byte, do func(der []byte)) {
	const begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
	var der []byte
	for {
		before, rest, found := bytes.Cut(data, []byte(begin))
		if len(before) > 0 && before[len(before)-1] != '\n' {
			data = rest
			continue
		}
		text, rest, ended := bytes.Cut(rest, []byte(end))
		if !found || !ended {
			return
		}
		data = rest
		der = append(der[:0], make([]byte, base64.StdEncoding.DecodedLen(len(text)))...)
		if n, err := base64.StdEncoding.Decode(der, text); err == nil {
			do(der[:n])
		}
	}
}
