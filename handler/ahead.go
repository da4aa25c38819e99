package handler

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"backup-statistics/handler/cpu"
)

// An ahead is the connections that are opened to a service before requests ask for them.
// The first is opened whole. Further ones wait until its session is known, and go on from
// that: it takes half of the work of another whole one, and none before a request was sent.
type ahead struct {
	begun   time.Time     // when they began to be opened
	first   chan net.Conn // is given the connection, and closed
	up      chan struct{} // closed once that is open, or could not be had
	further chan net.Conn // is given each, nil for one that could not be had
	taken   chan struct{} // closed once a request has taken the first: nobody else reads what tells the session
	told    chan struct{} // closed once the first was answered: a session would have been told before
	spare   chan struct{} // closed once one of the further ones is up, or could not be had
	closed  chan struct{} // closed once nobody wants them any more

	untaken, left          int // of the first, and of the further ones; Web's mutex guards them
	answered, waited, shut sync.Once
}

func newAhead() *ahead {
	return &ahead{
		begun: time.Now(), first: make(chan net.Conn, 1), further: make(chan net.Conn, FarConnections), untaken: 1,
		up: make(chan struct{}), taken: make(chan struct{}), told: make(chan struct{}), spare: make(chan struct{}), closed: make(chan struct{}),
	}
}

// sessionTimeout is how long a further connection waits for the session of the first, of
// a service that neither tells one nor answers.
const sessionTimeout = time.Second

// await waits until the session is known, or won't be. It is false where nobody wants the
// connection any more.
func (a *ahead) await(ctx context.Context, p *peer) bool {
	select {
	case <-a.taken:
	case <-p.known:
	case <-a.closed:
		return false
	case <-ctx.Done():
		return false
	}
	limit := time.NewTimer(sessionTimeout)
	defer limit.Stop()
	select {
	case <-p.known:
	case <-a.told:
	case <-limit.C:
	case <-a.closed:
	case <-ctx.Done():
	}
	select { // of several that are ready, any may have been taken
	case <-a.closed:
		return false
	default:
		return ctx.Err() == nil
	}
}

// give hands over a further connection, nil where it could not be had.
func (a *ahead) give(conn net.Conn) {
	a.further <- conn
	a.spared()
}

// spared says that nobody needs to wait for a further connection any more.
func (a *ahead) spared() { a.waited.Do(func() { close(a.spare) }) }

// tell says that the service answered a request.
func (a *ahead) tell() { a.answered.Do(func() { close(a.told) }) }

// discard ends those that were not taken, also those that are on their way.
func (a *ahead) discard(untaken, left int) {
	a.shut.Do(func() { close(a.closed) })
	for range untaken {
		if conn, ok := <-a.first; ok {
			conn.Close()
		}
	}
	for range left {
		if conn := <-a.further; conn != nil {
			conn.Close()
		}
	}
}

// A peer is what is known of a service from the connections that were made to it.
type peer struct {
	mu    sync.Mutex
	trip  time.Duration // that its first answer took; 0: not known
	state *tls.ClientSessionState
	known chan struct{} // closed with the first session
	once  sync.Once
}

func newPeer() *peer { return &peer{known: make(chan struct{})} }

// farTrip is from where on a round trip costs more than a connection: that takes half a
// millisecond of a core, of which a small function gets a tenth. Within a region they
// take about one.
const farTrip = 10 * time.Millisecond

// Get is the session of the last handshake, from which the next one can go on. Peers are
// told apart by address, so its name is of no use.
func (p *peer) Get(string) (*tls.ClientSessionState, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state, p.state != nil
}

// Put keeps a session, nil to forget it.
func (p *peer) Put(_ string, state *tls.ClientSessionState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state = state; state != nil {
		p.once.Do(func() { close(p.known) })
	}
}

// A visit is the peer as one connection knows it. The sessions of one that did not go on
// from another, though it was made as if it did, are not kept.
type visit struct {
	*peer
	over atomic.Bool
}

// Put keeps a session, nil to forget it.
func (v *visit) Put(name string, state *tls.ClientSessionState) {
	if state == nil || !v.over.Load() {
		v.peer.Put(name, state)
	}
}

// A stopwatch is a connection that measures how long its first answer takes, less what
// the process worked meanwhile: with a tenth of a core that is longer than any network.
type stopwatch struct {
	net.Conn
	asked time.Time
	used  time.Duration // CPU, when it was started
	took  time.Duration
}

// Write starts it.
func (s *stopwatch) Write(p []byte) (int, error) {
	if s.asked.IsZero() {
		s.asked, s.used = time.Now(), cpu.Used()
	}
	return s.Conn.Write(p)
}

// Read stops it.
func (s *stopwatch) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if s.took == 0 && n > 0 {
		s.took = time.Since(s.asked) - (cpu.Used() - s.used)
	}
	return n, err
}
