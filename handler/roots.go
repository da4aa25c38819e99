package handler

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"os"
	"runtime"
	"slices"
	"sync"
)

// signers are in the names of the roots that sign the services of Alibaba Cloud: OSS
// names GlobalSign's R1, R3, R6 and R46
// (https://www.alibabacloud.com/help/en/oss/oss-https-root-certificate-upgrade).
// A service that another has signed costs one more connection.
var signers = [][]byte{[]byte("GlobalSign Root CA"), []byte("GlobalSign Root R46")}

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

// Roots are those of the system's roots that crypto/tls is given: to parse all of
// them, on Debian each twice or more, takes a third of the CPU of a cold start. A
// pool of a few trusts nothing that the system does not. Where it does not verify a
// server, wider has another, twice at most in the life of a process.
type roots struct {
	system *x509.CertPool // has the last word; nil: the system's

	mu      sync.Mutex
	pool    *x509.CertPool
	guessed bool // the pool was set
	named   bool // it was widened by names
}

// first are the roots to begin with: the signers', and what was needed since.
func (r *roots) first() *x509.CertPool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.guessed {
		r.guessed, r.pool = true, r.system
		if pool := x509.NewCertPool(); addRoots(pool, signers...) {
			r.pool = pool
		}
	}
	return r.pool
}

// wider are more roots than those that did not verify what a server presented: with
// all that hold the name of an issuer of it, else the system's.
func (r *roots) wider(than *x509.CertPool, presented []*x509.Certificate) *x509.CertPool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pool != than {
		return r.pool // another connection was first
	}
	r.pool = r.system
	if !r.named {
		r.named = true
		var issuers [][]byte
		for _, c := range presented {
			issuers = append(issuers, c.RawIssuer)
		}
		if pool := than.Clone(); addRoots(pool, issuers...) && !pool.Equal(than) {
			r.pool = pool
		}
	}
	return r.pool
}

// addRoots parses those roots that hold one of the names, of the first file that
// there is: crypto/x509 takes no other, either.
func addRoots(pool *x509.CertPool, names ...[]byte) (added bool) {
	var spelt [][]byte
	longest := 0
	for _, name := range names {
		spelt = append(spelt, inBase64(name)...)
		longest = max(longest, len(name))
	}
	for _, file := range rootFiles() {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		eachCertificate(data, func(text []byte) {
			// A root is its own issuer, which comes first, after a number and an
			// algorithm: to decode all of each takes a twelfth of a cold start.
			head := unbroken(text[:min(len(text), base64.StdEncoding.EncodedLen(longest+128))])
			if !slices.ContainsFunc(spelt, func(name []byte) bool { return bytes.Contains(head, name) }) {
				return
			}
			der, err := decode(text)
			if err != nil || !slices.ContainsFunc(names, func(name []byte) bool { return bytes.Contains(der, name) }) {
				return
			}
			if c, err := x509.ParseCertificate(der); err == nil {
				pool.AddCert(c)
				added = true
			}
		})
		return added
	}
	return false
}

// inBase64 spells a name as it may stand in the middle of others: by where it begins among
// the three bytes of a group, without the characters that its neighbours have a part of.
// So what is found may be another name, which differs in its first or last byte.
func inBase64(name []byte) (spelt [][]byte) {
	for before := range 3 {
		text := base64.StdEncoding.AppendEncode(nil, append(make([]byte, before, before+len(name)), name...))
		first, end := (before*8+5)/6, (before+len(name))*8/6
		spelt = append(spelt, text[min(first, end):end])
	}
	return spelt
}

func decode(text []byte) ([]byte, error) {
	return base64.StdEncoding.AppendDecode(nil, unbroken(text))
}

// unbroken is the text without the ends of its lines.
func unbroken(text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte("\n"), nil)
	if bytes.IndexByte(text, '\r') >= 0 {
		text = bytes.ReplaceAll(text, []byte("\r"), nil)
	}
	return text
}

// eachCertificate is given the text of the certificates of a PEM file, one after
// another. It ends at the first five dashes that do not begin a line as they should:
// what it finds until there, encoding/pem finds as well; what follows is left to that.
func eachCertificate(data []byte, do func(text []byte)) {
	var text []byte
	for more := true; ; {
		if _, data, more = cutLine(data, "-----BEGIN CERTIFICATE-----"); !more {
			return
		}
		if text, data, more = cutLine(data, "-----END CERTIFICATE-----"); !more {
			return
		}
		do(text)
	}
}

// cutLine cuts data around a line, which is the next that has five dashes. The end of
// that line is left in after.
func cutLine(data []byte, line string) (before, after []byte, found bool) {
	i := bytes.Index(data, []byte("-----"))
	if i < 0 || i > 0 && data[i-1] != '\n' || !bytes.HasPrefix(data[i:], []byte(line)) {
		return nil, nil, false
	}
	after = data[i+len(line):]
	ended := len(after) == 0 || after[0] == '\n' || bytes.HasPrefix(after, []byte("\r\n"))
	return data[:i], after, ended
}
