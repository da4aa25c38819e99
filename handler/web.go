package handler

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// NewWeb makes the one HTTP client of a process: its connections outlive an
// invocation, nothing else does. A redirect is refused, since it would carry the
// security token to wherever it points. The environment's proxies are not asked,
// and HTTP/2 is not offered: neither service's SDK speaks it.
//
// A service gets as many connections as there may be requests to it at once:
// without a limit the transport opens one more wherever a request begins in the
// instant before another's connection is free again.
func NewWeb(connections int) *Web {
	w := &Web{ready: make(map[string]chan net.Conn), sessions: tls.NewLRUClientSessionCache(8)}
	transport := &http.Transport{
		DialContext:           w.dial,
		DialTLSContext:        w.dialTLS,
		MaxConnsPerHost:       connections,
		MaxIdleConnsPerHost:   connections,
		IdleConnTimeout:       50 * time.Second,
		ResponseHeaderTimeout: 15 * time.Second,
		DisableCompression:    true, // a body's length and checksum are those of its bytes
	}
	w.Client = &http.Client{
		Transport:     dated{transport, w},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return w
}

// Web is an HTTP client that can open connections before they are needed.
type Web struct {
	*http.Client
	roots roots
	// A further connection to a service goes on from the session of the first: a cold run
	// takes four in a hundred instructions less.
	sessions tls.ClientSessionCache
	mu       sync.Mutex
	ready    map[string]chan net.Conn // by address: connections on their way
	skew     time.Duration            // by how much a service's clock was ahead of ours, to the second
	dated    bool                     // a service told its time
}

// dated notes by how much the services' clocks differ from ours: signatures hold
// for 15 minutes.
type dated struct {
	http.RoundTripper
	web *Web
}

func (d dated) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := d.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if r.Header.Get("Authorization") == "" { // the webhook's: nothing is signed for its clock
		return res, nil
	}
	if at, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		d.web.mu.Lock()
		defer d.web.mu.Unlock()
		d.web.skew, d.web.dated = time.Until(at).Round(time.Second), true
	}
	return res, nil
}

// CloseIdleConnections ends the connections that wait for requests, and those that
// were opened ahead of requests that never came.
func (d dated) CloseIdleConnections() {
	d.RoundTripper.(*http.Transport).CloseIdleConnections()
	d.web.mu.Lock()
	defer d.web.mu.Unlock()
	for address, opened := range d.web.ready {
		go discard(opened)
		delete(d.web.ready, address)
	}
}

// discard ends a connection that is on its way.
func discard(opened <-chan net.Conn) {
	if conn, ok := <-opened; ok {
		conn.Close()
	}
}

// UseProxies asks the proxies that HTTPS_PROXY and NO_PROXY name, as people's machines
// may have to: TLS is spoken through them, with the service itself. What goes over
// http, or to a name below localhost, stays on this machine. A function asks none.
func (w *Web) UseProxies() {
	w.Transport.(dated).RoundTripper.(*http.Transport).Proxy = func(req *http.Request) (*url.URL, error) {
		if req.URL.Scheme != "https" || strings.HasSuffix(req.URL.Hostname(), ".localhost") {
			return nil, nil
		}
		return http.ProxyFromEnvironment(req)
	}
}

// Skew is by how much the clock of the service that answered last is ahead of
// ours; it is not known before one has told its time.
func (w *Web) Skew() (ahead time.Duration, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.skew, w.dated
}

const (
	dialTimeout      = 5 * time.Second
	handshakeTimeout = 5 * time.Second
)

// Open begins to connect to an origin, such as https://host, and returns at
// once: the first request to it finds an open connection instead of waiting for
// a round trip, a handshake and the certificates to be loaded.
func (w *Web) Open(ctx context.Context, origin string) {
	u, err := url.Parse(origin)
	if err != nil {
		return // the first request says what is wrong with it
	}
	port, connect := "443", w.connectTLS
	if u.Scheme == "http" {
		port, connect = "80", w.connect
	}
	if u.Port() != "" {
		port = u.Port()
	}
	address := net.JoinHostPort(u.Hostname(), port)
	opened := make(chan net.Conn, 1)
	w.mu.Lock()
	w.ready[address] = opened
	w.mu.Unlock()
	go func() {
		defer close(opened)
		if conn, err := guard(func() (net.Conn, error) { return connect(ctx, "tcp", address) }); err == nil {
			opened <- conn
		}
	}()
}

func (w *Web) dial(ctx context.Context, network, address string) (net.Conn, error) {
	return w.take(ctx, network, address, w.connect)
}

func (w *Web) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	return w.take(ctx, network, address, w.connectTLS)
}

// take waits for a connection that is on its way, else makes one.
func (w *Web) take(ctx context.Context, network, address string, connect func(context.Context, string, string) (net.Conn, error)) (net.Conn, error) {
	w.mu.Lock()
	opened := w.ready[address]
	delete(w.ready, address) // one request takes it; the others make their own
	w.mu.Unlock()
	if opened != nil {
		select {
		case conn, ok := <-opened:
			if ok {
				return conn, nil
			}
		case <-ctx.Done():
			go discard(opened)
			return nil, context.Cause(ctx)
		}
	}
	return connect(ctx, network, address)
}

// connect dials. A name below localhost is this machine's, whatever the resolver
// knows of it (RFC 6761): so nothing that is meant for it leaves in the clear.
func (w *Web) connect(ctx context.Context, network, address string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(address); err == nil && strings.HasSuffix(host, ".localhost") {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	return (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, address)
}

// connectTLS connects once more, with more roots, where those at hand do not verify
// the server: a wrong guess of them costs a connection.
func (w *Web) connectTLS(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, stop := context.WithTimeout(ctx, dialTimeout+handshakeTimeout)
	defer stop()
	for pool := w.roots.first(); ; {
		conn, err := w.handshake(ctx, network, address, pool)
		var refused *tls.CertificateVerificationError
		if err == nil || pool == w.roots.system || !errors.As(err, &refused) {
			return conn, err
		}
		pool = w.roots.wider(pool, refused.UnverifiedCertificates)
	}
}

func (w *Web) handshake(ctx context.Context, network, address string, pool *x509.CertPool) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	raw, err := w.connect(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, &tls.Config{ServerName: host, RootCAs: pool, ClientSessionCache: w.sessions})
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return conn, nil
}
