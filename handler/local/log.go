//go:build !function

package local

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Log records the requests of the handlers that it wraps, in the order in which
// they came. The zero value is ready; all methods may be called at once.
type Log struct {
	// Now is the clock that dates the requests; nil: the machine's.
	Now func() time.Time

	mu      sync.Mutex
	entries []*Request
}

// A Request is one request as it was asked and answered.
type Request struct {
	Service string // as given to [Log.Wrap]
	Method  string
	// Name is the action of a call. Of an OSS request it is the decoded key
	// and query.
	Name string
	// KeyID is the key that the request names as its signer, verified or not.
	KeyID string
	// Account is that of the key, and Permission the RAM action that the
	// request needs, such as oss:PutObject. Both are empty where the request
	// did not prove its key.
	Account    string
	Permission string
	// Status is 0 where the client got none, or not yet.
	Status int
	Time   time.Time
}

// String returns a line such as "oss PUT snapshots/a.json 200".
func (r Request) String() string {
	return fmt.Sprintf("%s %s %s %d", r.Service, r.Method, r.Name, r.Status)
}

// Wrap returns a handler that records what h is asked, under the name of a
// service.
func (l *Log) Wrap(service string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entry := &Request{Service: service, Method: r.Method, Name: requestName(r), KeyID: signer(r), Time: clock(l.Now)}
		l.mu.Lock()
		l.entries = append(l.entries, entry)
		l.mu.Unlock()
		logged := &loggedWriter{ResponseWriter: w, note: func(change func(*Request)) {
			l.mu.Lock()
			defer l.mu.Unlock()
			change(entry)
		}}
		h.ServeHTTP(logged, r.WithContext(context.WithValue(r.Context(), noteKey{}, logged.note)))
		if !logged.hijacked {
			logged.answered(http.StatusOK) // what net/http sends when the handler wrote nothing
		}
	})
}

// Requests returns what was asked since the last Reset.
func (l *Log) Requests() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	requests := make([]Request, len(l.entries))
	for i, entry := range l.entries {
		requests[i] = *entry
	}
	return requests
}

// Reset forgets all requests, those under way included.
func (l *Log) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = nil
}

// requestName is what a request is about. The query is part of it where it
// cannot hold a signature.
func requestName(r *http.Request) string {
	query := r.URL.Query()
	signed := query.Has("x-oss-credential")
	if !signed && !strings.HasPrefix(r.Header.Get("Authorization"), "OSS") {
		return cmp.Or(r.Header.Get("x-acs-action"), query.Get("Action"), r.URL.Path)
	}
	name := ossAddressOf(r).key
	if r.URL.RawQuery != "" && !signed {
		name += "?" + decodedQuery(r)
	}
	return name
}

func decodedQuery(r *http.Request) string {
	query, err := url.QueryUnescape(r.URL.RawQuery)
	if err != nil {
		return r.URL.RawQuery
	}
	return query
}

// signer is the key id that the request names as its signer's.
func signer(r *http.Request) string {
	query := r.URL.Query()
	_, id, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if !ok {
		id = cmp.Or(query.Get("x-oss-credential"), query.Get("AccessKeyId"))
	}
	if end := strings.IndexAny(id, "/, "); end >= 0 {
		id = id[:end]
	}
	return id
}

type noteKey struct{}

// note changes what the Log around the handler, if there is one, records of the
// request.
func note(r *http.Request, change func(*Request)) {
	if note, ok := r.Context().Value(noteKey{}).(func(func(*Request))); ok {
		note(change)
	}
}

// A loggedWriter notes the status that passes through it.
type loggedWriter struct {
	http.ResponseWriter
	note     func(func(*Request))
	hijacked bool
}

func (w *loggedWriter) answered(status int) {
	w.note(func(entry *Request) { entry.Status = cmp.Or(entry.Status, status) })
}

// WriteHeader notes the status before the client can see it, so that who has an
// answer finds it in the log.
func (w *loggedWriter) WriteHeader(status int) {
	w.answered(status)
	w.ResponseWriter.WriteHeader(status)
}

// Write notes the status that net/http adds to a first write.
func (w *loggedWriter) Write(p []byte) (int, error) {
	w.answered(http.StatusOK)
	return w.ResponseWriter.Write(p)
}

// Hijack hands the connection over; what is written to it is not seen here.
func (w *loggedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.hijacked = true
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Unwrap lets [http.ResponseController] find what else the writer can do.
func (w *loggedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
