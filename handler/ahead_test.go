package handler

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"backup-statistics/handler/store"
	"backup-statistics/report"
)

// A service over TLS that says what its requests came over.
type service struct {
	*httptest.Server
	mu       sync.Mutex
	accepted int
	closed   int
	resumed  map[string]bool // by who asks: whether its connection went on from a session
}

// serve starts one. Requests to /wait are answered when release is closed.
func serve(t *testing.T, config *tls.Config, release <-chan struct{}) *service {
	t.Helper()
	root := certify(t, "GlobalSign Root CA", nil, authority)
	trusting(t, text(root))
	leaf := certify(t, "leaf", root, server)
	config.Certificates = []tls.Certificate{{PrivateKey: leaf.key, Certificate: [][]byte{leaf.Raw}}}
	s := &service{resumed: make(map[string]bool)}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.resumed[r.RemoteAddr] = r.TLS.DidResume
		s.mu.Unlock()
		if r.URL.Path == "/wait" {
			<-release
		}
		io.WriteString(w, r.RemoteAddr)
	}))
	s.TLS = config
	s.Config.ErrorLog = quiet()
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch state {
		case http.StateNew:
			s.accepted++
		case http.StateClosed:
			s.closed++
		}
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	s.URL = strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	return s
}

// count is how many connections there were, and how many of them went on from a session.
func (s *service) count() (accepted, resumed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.resumed {
		if r {
			resumed++
		}
	}
	return s.accepted, resumed
}

func get(w *Web, url string) error {
	res, err := w.Get(url)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return errors.Join(err, res.Body.Close())
}

// TestConnectionsAhead wants one whole handshake and no more: further connections go on
// from its session, as many as how far the service is makes worth while. What no request
// needs any more is closed.
func TestConnectionsAhead(t *testing.T) {
	for _, tt := range []struct {
		name              string
		farTrip           time.Duration
		config            *tls.Config
		accepted, resumed int
	}{
		{"a service that is near", time.Hour, &tls.Config{}, NearConnections, NearConnections - 1},
		{"a service that is far", 0, &tls.Config{}, FarConnections, FarConnections - 1},
		{"TLS 1.2", 0, &tls.Config{MaxVersion: tls.VersionTLS12}, FarConnections, FarConnections - 1},
		{"a service that tells no sessions", 0, &tls.Config{SessionTicketsDisabled: true}, FarConnections, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			release := make(chan struct{})
			s := serve(t, tt.config, release)
			w := NewWeb(NearConnections, FarConnections)
			w.farTrip = tt.farTrip
			w.Open(t.Context(), s.URL, true)
			must(t, get(w, s.URL))
			w.Spare(t.Context(), s.URL)
			if far := w.Far(s.URL); far != (tt.farTrip == 0) {
				t.Errorf("far: %v", far)
			}
			var all sync.WaitGroup
			for range 3 * FarConnections { // all at once
				all.Go(func() {
					if err := get(w, s.URL+"/wait"); err != nil {
						t.Error(err)
					}
				})
			}
			for asking := 0; asking < tt.accepted; time.Sleep(time.Millisecond) {
				s.mu.Lock()
				asking = len(s.resumed)
				s.mu.Unlock()
			}
			close(release)
			all.Wait()
			if accepted, resumed := s.count(); accepted != tt.accepted || resumed != tt.resumed {
				t.Errorf("%d connections, %d of them from a session; want %d and %d", accepted, resumed, tt.accepted, tt.resumed)
			}
			w.CloseIdleConnections()
			for closed := 0; closed < tt.accepted; time.Sleep(time.Millisecond) { // else the test runs out of time
				s.mu.Lock()
				closed = s.closed
				s.mu.Unlock()
			}
		})
	}
}

// TestConnectionsAheadThatNobodyTakes are closed as well, also those that wait for the
// session of one that no request has taken.
func TestConnectionsAheadThatNobodyTakes(t *testing.T) {
	s := serve(t, &tls.Config{}, nil)
	w := NewWeb(NearConnections, FarConnections)
	w.farTrip = 0
	w.Open(t.Context(), s.URL, true)
	for accepted := 0; accepted < FarConnections; time.Sleep(time.Millisecond) {
		accepted, _ = s.count()
	}
	w.CloseIdleConnections()
	for closed := 0; closed < FarConnections; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		closed = s.closed
		s.mu.Unlock()
	}
	must(t, get(w, s.URL))
}

// TestConnectionsAheadThatAreOld are closed instead of used: who is at their other end may
// be gone.
func TestConnectionsAheadThatAreOld(t *testing.T) {
	s := serve(t, &tls.Config{}, nil)
	w := NewWeb(NearConnections, FarConnections)
	defer w.CloseIdleConnections()
	w.Open(t.Context(), s.URL, false)
	for _, a := range w.ready {
		a.begun = a.begun.Add(-idleTimeout)
	}
	must(t, get(w, s.URL))
	if accepted, _ := s.count(); accepted != 2 || len(w.ready) != 0 {
		t.Fatalf("%d connections, and of %d services some are still kept ahead; want 2 and none", accepted, len(w.ready))
	}
	for closed := 0; closed < 1; time.Sleep(time.Millisecond) { // else the test runs out of time
		s.mu.Lock()
		closed = s.closed
		s.mu.Unlock()
	}
}

// TestSessionThatIsNotGoneOnFrom wants requests answered where a service does not go on
// from a session: it has lost its keys, or does not know the key exchange.
func TestSessionThatIsNotGoneOnFrom(t *testing.T) {
	keys := [2][32]byte{{1}, {2}}
	for name, tt := range map[string]struct {
		config *tls.Config
		lost   bool
	}{
		"keys that were lost":            {&tls.Config{}, true},
		"a key exchange that is unknown": {&tls.Config{CurvePreferences: []tls.CurveID{tls.X25519}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			tt.config.SetSessionTicketKeys(keys[:1])
			release := make(chan struct{})
			s := serve(t, tt.config, release)
			w := NewWeb(NearConnections, FarConnections)
			defer w.CloseIdleConnections()
			must(t, get(w, s.URL))
			if tt.lost {
				s.TLS.SetSessionTicketKeys(keys[1:]) // the server's own: it has a copy
			}
			var all sync.WaitGroup
			for range 2 * FarConnections {
				all.Go(func() {
					if err := get(w, s.URL+"/wait"); err != nil {
						t.Error(err)
					}
				})
			}
			for asking := 0; asking < NearConnections; time.Sleep(time.Millisecond) {
				s.mu.Lock()
				asking = len(s.resumed)
				s.mu.Unlock()
			}
			close(release)
			all.Wait()
			if accepted, resumed := s.count(); accepted < NearConnections || resumed > 0 {
				t.Errorf("%d connections, %d of them from a session; want several, and none", accepted, resumed)
			}
		})
	}
}

// TestCertificateIsToldAtOnce wants a bad one to fail the request that met it, also where
// the connection was made as if it went on from a session: that is tried again without
// one, but not before a certificate that does not hold.
func TestCertificateIsToldAtOnce(t *testing.T) {
	keys := [2][32]byte{{1}, {2}}
	leaf := certify(t, "leaf", certify(t, "a stranger", nil, authority), server)
	bad := &tls.Certificate{PrivateKey: leaf.key, Certificate: [][]byte{leaf.Raw}}
	var next atomic.Pointer[tls.Certificate]
	config := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return next.Swap(nil), nil // of none it presents its own
	}}
	config.SetSessionTicketKeys(keys[:1])
	s := serve(t, config, nil)
	bundle, err := os.ReadFile(os.Getenv("SSL_CERT_FILE"))
	must(t, err)
	w := NewWeb(NearConnections, FarConnections)
	defer w.CloseIdleConnections()
	w.roots.system, w.roots.guessed = x509.NewCertPool(), true
	w.roots.system.AppendCertsFromPEM(bundle)
	w.roots.pool = w.roots.system
	must(t, get(w, s.URL))
	w.CloseIdleConnections()
	s.TLS.SetSessionTicketKeys(keys[1:]) // the server's own: it has a copy
	next.Store(bad)
	var refused *tls.CertificateVerificationError
	if err := get(w, s.URL); !errors.As(err, &refused) {
		t.Errorf("before a stranger's certificate: %v, want it told", err)
	}
	must(t, get(w, s.URL))
	if accepted, _ := s.count(); accepted != 3 {
		t.Errorf("%d connections, want 3: of each request one", accepted)
	}
}

// A handshake that fails though its session was known is begun once more. Where nobody
// listens any more by then, that is the error.
func TestServerThatIsGoneAtTheSecondTry(t *testing.T) {
	keys := [2][32]byte{{1}, {2}}
	var fail func()
	config := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		if fail == nil {
			return nil, nil // its own
		}
		fail()
		return nil, errDeaf
	}}
	config.SetSessionTicketKeys(keys[:1])
	s := serve(t, config, nil)
	w := NewWeb(NearConnections, FarConnections)
	must(t, get(w, s.URL))
	w.CloseIdleConnections()
	s.TLS.SetSessionTicketKeys(keys[1:])
	fail = func() { s.Listener.Close() }
	var dial *net.OpError
	if err := get(w, s.URL); !errors.As(err, &dial) || dial.Op != "dial" {
		t.Errorf("error = %v, want that nobody can be dialled", err)
	}
}

// TestSpareOfWhatIsNotThere does not wait.
func TestSpareOfWhatIsNotThere(t *testing.T) {
	w := NewWeb(NearConnections, FarConnections)
	w.Spare(t.Context(), "https://localhost:1")
	w.Open(t.Context(), "https://localhost:1", true) // nobody listens there
	w.Spare(t.Context(), "https://localhost:1")
	s := serve(t, &tls.Config{}, nil)
	w.Open(t.Context(), s.URL, false)
	w.Spare(t.Context(), s.URL)
	w.CloseIdleConnections()
}

// A gate keeps reads waiting until the first write.
type gate struct {
	Store
	written chan struct{}
	mu      sync.Mutex
	waiting int
	seen    int // reads that waited when the first write came
}

func (g *gate) Get(ctx context.Context, key string) ([]byte, error) {
	g.mu.Lock()
	g.waiting++
	g.mu.Unlock()
	<-g.written
	return g.Store.Get(ctx, key)
}

func (g *gate) PutNew(ctx context.Context, key string, data []byte) error {
	g.mu.Lock()
	g.seen = g.waiting
	g.mu.Unlock()
	close(g.written)
	return g.Store.PutNew(ctx, key, data)
}

// slow answers when so many reads have begun, and a moment later: more of them have time
// to begin where they may.
type slow struct {
	source
	gate  *gate
	reads int
}

func (s *slow) Statistics(ctx context.Context, sourceType string) (report.Statistics, error) {
	for begun := -1; begun < s.reads; time.Sleep(time.Millisecond) {
		s.gate.mu.Lock()
		begun = s.gate.waiting
		s.gate.mu.Unlock()
	}
	time.Sleep(20 * time.Millisecond)
	return s.source.Statistics(ctx, sourceType)
}

// TestReadsLeaveRoomForTheFirstWrite wants them side by side while Cloud Backup is asked,
// as many as there are connections but for one; and none of them before there is one more
// than the first write takes.
func TestReadsLeaveRoomForTheFirstWrite(t *testing.T) {
	whole := func(ctx context.Context) { <-ctx.Done() }
	for _, tt := range []struct {
		name  string
		far   func() bool
		spare func(context.Context)
		want  int
	}{
		{"near", nil, nil, NearConnections - 1},
		{"far", func() bool { return true }, nil, FarConnections - 1},
		{"far, and no connection to spare", func() bool { return true }, whole, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			documents := &gate{Store: new(store.Memory), written: make(chan struct{})}
			h := newHandler(t, documents, &slow{gate: documents, reads: tt.want})
			h.Far, h.Spare = tt.far, tt.spare
			if _, err := h.Handle(t.Context(), []byte(event)); err != nil {
				t.Fatal(err)
			}
			if documents.seen != tt.want {
				t.Errorf("%d reads have begun before the first write, want %d", documents.seen, tt.want)
			}
		})
	}
}
