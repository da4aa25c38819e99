package handler

import (
	"cmp"
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

	"backup-statistics/handler/cpu"
)

// NewWeb makes the one HTTP client of a process: its connections outlive an
// invocation, nothing else does. A redirect is refused, since it would carry the
// security token to wherever it points. The environment's proxies are not asked,
// and HTTP/2 is not offered: neither service's SDK speaks it.
//
// A service gets as many connections as there may be requests to it at once, which is more
// of them where round trips to it are long: without a limit the transport opens one more
// wherever a request begins in the instant before another's connection is free again.
func NewWeb(near, far int) *Web {
	w := &Web{ready: make(map[string]*ahead), peers: make(map[string]*peer), farTrip: farTrip}
	d := dated{web: w, near: w.transport(near)}
	if d.far = d.near; far != near {
		d.far = w.transport(far)
	}
	w.Client = &http.Client{
		Transport:     d,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return w
}

func (w *Web) transport(connections int) *http.Transport {
	return &http.Transport{
		DialContext:           w.dial,
		DialTLSContext:        w.dialTLS,
		MaxConnsPerHost:       connections,
		MaxIdleConnsPerHost:   connections,
		IdleConnTimeout:       idleTimeout,
		ResponseHeaderTimeout: 15 * time.Second,
		DisableCompression:    true, // a body's length and checksum are those of its bytes
	}
}

// Web is an HTTP client that can open connections before they are needed.
type Web struct {
	*http.Client
	roots   roots
	farTrip time.Duration // from where on a service is far
	mu      sync.Mutex
	ready   map[string]*ahead // by address: connections that no request has taken
	peers   map[string]*peer  // by address
	skew    time.Duration     // by how much a service's clock was ahead of ours, to the second
	dated   bool              // a service told its time
}

// dated notes by how much the services' clocks differ from ours: signatures hold
// for 15 minutes.
type dated struct {
	near, far *http.Transport // to those that round trips take long
	web       *Web
}

func (d dated) RoundTrip(r *http.Request) (*http.Response, error) {
	address, _ := addressOf(r.URL)
	a, p := d.web.opened(address), d.web.peer(address)
	if a != nil { // then it is about to be known how far the service is
		limit := time.NewTimer(sessionTimeout) // one that hangs keeps nobody from making another
		defer limit.Stop()
		select {
		case <-a.up:
		case <-limit.C:
		case <-r.Context().Done(): // which the transport says as it says it
		}
	}
	transport := d.near
	if d.web.far(p) {
		transport = d.far
	}
	res, err := transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if a != nil {
		a.tell()
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
	d.near.CloseIdleConnections()
	d.far.CloseIdleConnections()
	d.web.mu.Lock()
	defer d.web.mu.Unlock()
	for address := range d.web.ready {
		d.web.forget(address)
	}
}

// forget ends what was opened ahead and not taken. The mutex is held.
func (w *Web) forget(address string) {
	a := w.ready[address]
	go a.discard(a.untaken, a.left)
	delete(w.ready, address)
}

// UseProxies asks the proxies that HTTPS_PROXY and NO_PROXY name, as people's machines
// may have to: TLS is spoken through them, with the service itself. What goes over
// http, or to a name below localhost, stays on this machine. A function asks none.
func (w *Web) UseProxies() {
	d := w.Transport.(dated)
	for _, transport := range []*http.Transport{d.near, d.far} {
		transport.Proxy = proxy
	}
}

func proxy(req *http.Request) (*url.URL, error) {
	if req.URL.Scheme != "https" || strings.HasSuffix(req.URL.Hostname(), ".localhost") {
		return nil, nil
	}
	return http.ProxyFromEnvironment(req)
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
	idleTimeout      = 50 * time.Second // services end sooner or later, and silently, what nobody uses
)

// Open begins to connect to an origin, such as https://host, and returns at once: the
// first request to it finds an open connection instead of waiting for a round trip, a
// handshake and the certificates to be loaded. Where there are to be more of them, they
// follow from the first.
func (w *Web) Open(ctx context.Context, origin string, more bool) {
	u, err := url.Parse(origin)
	if err != nil {
		return // the first request says what is wrong with it
	}
	address, secure := addressOf(u)
	a := newAhead()
	w.mu.Lock()
	w.ready[address] = a
	w.mu.Unlock()
	connect := w.connect
	if secure {
		connect = w.connectTLS
		go guard(func() (*x509.CertPool, error) { return w.roots.first(), nil }) //nolint:errcheck // while the network is waited for
	}
	go func() {
		defer close(a.first)
		defer close(a.up)
		conn, err := guard(func() (net.Conn, error) { return connect(ctx, "tcp", address) })
		if err == nil {
			a.first <- conn
		}
		if err != nil || !more || !secure {
			a.spared()
			return
		}
		w.follow(ctx, address, a)
	}()
}

// follow makes the further connections, each of which waits for the session of the first.
func (w *Web) follow(ctx context.Context, address string, a *ahead) {
	p := w.peer(address)
	further := NearConnections - 1
	if w.far(p) {
		further = FarConnections - 1
	}
	w.mu.Lock()
	wanted := w.ready[address] == a // else nobody takes or closes them any more
	if wanted {
		a.left = further
	}
	w.mu.Unlock()
	if !wanted {
		a.spared()
		return
	}
	for range further {
		go func() {
			conn, err := guard(func() (net.Conn, error) {
				raw, err := w.connect(ctx, "tcp", address)
				if err != nil {
					return nil, err
				}
				if !a.await(ctx, p) {
					raw.Close()
					return nil, net.ErrClosed
				}
				ctx, stop := context.WithTimeout(ctx, handshakeTimeout)
				defer stop()
				return handshake(ctx, raw, address, w.roots.first(), p)
			})
			if err != nil {
				conn = nil
			}
			a.give(conn)
		}()
	}
}

// Spare waits until a request to an origin need not take the connection that another one
// is about to need: until one of those that follow the first is open, or won't be.
func (w *Web) Spare(ctx context.Context, origin string) {
	u, err := url.Parse(origin)
	if err != nil {
		return
	}
	address, _ := addressOf(u)
	if a := w.opened(address); a != nil {
		select {
		case <-a.spare:
		case <-ctx.Done():
		}
	}
}

// Far tells whether round trips to an origin are long, as far as it is known yet.
func (w *Web) Far(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	address, _ := addressOf(u)
	return w.far(w.peer(address))
}

func (w *Web) far(p *peer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trip >= w.farTrip
}

// addressOf is what is dialled for a URL, and whether TLS is spoken there.
func addressOf(u *url.URL) (address string, secure bool) {
	if u.Scheme == "http" {
		return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "80")), false
	}
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443")), true
}

// opened are the connections that were opened ahead, nil where all of them were taken.
func (w *Web) opened(address string) *ahead {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ready[address]
}

func (w *Web) peer(address string) *peer {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.peers[address]
	if p == nil {
		p = newPeer()
		w.peers[address] = p
	}
	return p
}

func (w *Web) dial(ctx context.Context, network, address string) (net.Conn, error) {
	return w.take(ctx, network, address, w.connect)
}

func (w *Web) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	return w.take(ctx, network, address, w.connectTLS)
}

// take waits for a connection that is on its way, else makes one.
func (w *Web) take(ctx context.Context, network, address string, connect func(context.Context, string, string) (net.Conn, error)) (net.Conn, error) {
	var opened chan net.Conn
	w.mu.Lock()
	a := w.ready[address]
	switch { // one request takes one; the others make their own
	case a == nil:
	case time.Since(a.begun.Round(0)) > idleTimeout: // of an instance that waited, perhaps suspended, for its first invocation
		w.forget(address)
	case a.untaken > 0:
		a.untaken--
		opened = a.first
		close(a.taken)
	case a.left > 0:
		a.left--
		opened = a.further
	default:
		delete(w.ready, address)
	}
	w.mu.Unlock()
	if opened != nil {
		select {
		case conn := <-opened:
			if conn != nil {
				return conn, nil
			}
		case <-ctx.Done():
			go func() {
				if conn := <-opened; conn != nil {
					conn.Close()
				}
			}()
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

// connectTLS connects once more where the roots at hand do not verify the server, with
// more of them: a wrong guess costs a connection. So does a session that the server does
// not go on from as it should.
func (w *Web) connectTLS(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, stop := context.WithTimeout(ctx, dialTimeout+handshakeTimeout)
	defer stop()
	p := w.peer(address)
	var pool *x509.CertPool
	for first := true; ; first = false {
		raw, err := w.connect(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if first { // not before: to find them takes as long as a round trip
			pool = w.roots.first()
		}
		_, again := p.Get("")
		conn, err := handshake(ctx, raw, address, pool, p)
		var refused *tls.CertificateVerificationError
		switch {
		case err == nil:
			return conn, nil
		case errors.As(err, &refused) && pool == w.roots.system: // a certificate is no session's fault
			return nil, err
		case refused != nil:
			pool = w.roots.wider(pool, refused.UnverifiedCertificates)
		case again && ctx.Err() == nil:
			p.Put("", nil)
		default:
			return nil, err
		}
	}
}

// handshake speaks TLS on a connection, or closes it. One that goes on from a session
// needs no key exchange that withstands quantum computers, since what that of the first
// gave is a part of its keys (RFC 8446, 7.1): the cheapest that every server knows takes
// 1.5 million instructions less.
func handshake(ctx context.Context, raw net.Conn, address string, pool *x509.CertPool, p *peer) (net.Conn, error) {
	cpu.GrowStack()
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		raw.Close()
		return nil, err
	}
	cache := &visit{peer: p}
	config := &tls.Config{ServerName: host, RootCAs: pool, ClientSessionCache: cache}
	_, known := p.Get("")
	if known {
		config.CurvePreferences = []tls.CurveID{tls.CurveP256}
	}
	watch := &stopwatch{Conn: raw}
	conn := tls.Client(watch, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	if known && !conn.ConnectionState().DidResume { // it is whole after all: none goes on from that
		cache.over.Store(true)
		p.Put("", nil)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.trip == 0 { // once: connections that there are stay with how they were counted
		p.trip = max(watch.took, 1)
	}
	return conn, nil
}
