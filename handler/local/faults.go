//go:build !function

package local

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Faults wraps a stand-in and spoils chosen requests, as networks, gateways and
// the services themselves do. All methods may be called at once.
type Faults struct {
	Next http.Handler
	// Service is the form in which errors are written: "acs" as Cloud Backup,
	// STS and the resource directory do, "oss" as OSS does.
	Service string
	// Keys, unless nil, lets Fault.On choose by the signer's account as well.
	Keys *Keys

	mu      sync.Mutex
	armed   []*Fault
	spoiled int
	stops   map[*http.Server]chan struct{} // closed when the server shuts down
}

// A Fault says which requests are spoiled, and how.
type Fault struct {
	// Kind is one of FaultKinds.
	Kind string
	// On is a part of "METHOD path?query action account" of the requests that
	// match, decoded; the query, the action and the account only where there
	// are any. The path of OSS begins with the bucket, wherever its name stands.
	// Empty matches every request.
	On string
	// Skip is how many matching requests pass before the first is spoiled.
	Skip int
	// Times is how many are spoiled then; 0 means one, below 0 all.
	Times int
	// RetryAfter is the header of this name in what a throttle, error-500,
	// html-502 or empty-503 answers; empty: none.
	RetryAfter string
	// Location is where redirect-307 sends the request, such as
	// http://127.0.0.1:8080; empty: to the same server by another name.
	Location string
	// Pause is the time between two bytes of slow-drip; 0 means 100 ms.
	Pause time.Duration
}

// A faultKind plays one kind of fault.
type faultKind struct {
	name string
	// service is the only one that has this fault; empty: all do.
	service string
	play    func(*spoiling)
}

// faultKinds lists them in the order of a request's way: refused, not
// answered, answered badly.
var faultKinds = []faultKind{
	{"throttle-400", "", func(s *spoiling) { s.throttle(400, "Throttling.User", "QpsLimitExceeded") }},
	{"throttle-429", "", func(s *spoiling) { s.throttle(429, "Throttling.Api", "QpsLimitExceeded") }},
	{"throttle-503", "", func(s *spoiling) { s.throttle(503, "ServiceUnavailable", "TotalQpsLimitExceeded") }},
	{"error-500", "", (*spoiling).error500},
	{"html-502", "", (*spoiling).html502},
	{"empty-503", "", (*spoiling).empty503},
	{"empty-504", "", func(s *spoiling) { s.empty(504) }},
	{"other-5xx", "", func(s *spoiling) { s.empty(others[s.faults.Spoiled()%len(others)]) }},
	{"empty-408", "", func(s *spoiling) { s.empty(408) }},
	{"stranger-200", "", func(s *spoiling) { s.stranger(200) }},
	{"stranger-404", "", func(s *spoiling) { s.stranger(404) }},
	{"no-http", "", (*spoiling).noHTTP},
	{"cut-error", "", (*spoiling).cutError},
	{"reset-before", "", func(s *spoiling) { reset(s.w) }},
	{"reset-after", "", (*spoiling).resetAfter},
	{"lost-reply", "", (*spoiling).resetAfter},
	{"hang-header", "", (*spoiling).hang},
	{"hang-body", "", (*spoiling).hangBody},
	{"slow-drip", "", (*spoiling).slowDrip},
	{"truncated", "", (*spoiling).truncated},
	{"malformed", "", (*spoiling).malformed},
	{"wrong-length", "", (*spoiling).wrongLength},
	{"success-false", "acs", (*spoiling).successFalse},
	{"bad-crc", "oss", (*spoiling).badCRC},
	{"no-crc", "oss", (*spoiling).noCRC},
	{"expired-token", "", (*spoiling).expiredToken},
	{"clock-skew", "", (*spoiling).clockSkew},
	{"redirect-307", "", (*spoiling).redirect307},
	{"close-idle", "", (*spoiling).closeIdle},
}

// FaultKinds lists the kinds of faults:
//
//   - throttle-400, throttle-429, throttle-503: refused for too many requests;
//     OSS itself does so with 429 and 503.
//   - error-500, html-502, empty-503: the service's own error; a gateway's page;
//     nothing but a status.
//   - empty-504: what a gateway says that heard nothing.
//   - other-5xx: the other statuses from 501 to 599 in turn, each with nothing else.
//   - empty-408: a status that says that the request took too long.
//   - stranger-200, stranger-404: a page of somebody else, who knows nothing of the
//     service.
//   - no-http: bytes that are no HTTP; what the request had for a token is among them.
//   - cut-error: no permission, in half of an error document, with the header whole.
//   - reset-before: the connection is reset, nothing was done.
//   - reset-after, also called lost-reply: it is reset after all was done.
//   - hang-header: no answer until the client leaves; nothing was done.
//   - hang-body: the header and half of the body, then nothing more.
//   - slow-drip: the body comes a byte at a time.
//   - truncated: half of the body comes, then the connection ends.
//   - malformed: the body is cut in the middle and sent as if it were whole.
//   - wrong-length: the whole body, with a length that is half of it.
//   - success-false: Cloud Backup's 200 with Success false. Not on OSS.
//   - bad-crc, no-crc: a wrong x-oss-hash-crc64ecma, and none. Only on OSS.
//   - expired-token, clock-skew: refused as the service does it; the clock that
//     the second tells in its Date is an hour ahead.
//   - redirect-307: sent to another host.
//   - close-idle: a good answer, and a connection that is kept, but dies as soon
//     as the next request is written to it.
//
// Where the body of the answer, its length or its CRC is spoiled, and with
// reset-after and close-idle, the request is carried out; otherwise it is not.
// An answer without a body gets one of blanks where the fault needs it; the
// answer to a HEAD cannot have one, so there hang-body and slow-drip hang before
// the header, truncated resets, malformed lacks all headers, and the length of
// wrong-length is negative.
func FaultKinds() []string {
	var names []string
	for _, kind := range faultKinds {
		names = append(names, kind.name)
	}
	return names
}

// Kinds lists the kinds of faults that the service has. A fault of another kind
// spoils nothing.
func (f *Faults) Kinds() []string {
	return slices.DeleteFunc(FaultKinds(), func(name string) bool { return !f.has(findKind(name)) })
}

func (f *Faults) has(kind *faultKind) bool {
	return kind.service == "" || kind.service == f.Service
}

func findKind(name string) *faultKind {
	for i := range faultKinds {
		if faultKinds[i].name == name {
			return &faultKinds[i]
		}
	}
	return nil
}

// Add arms a fault. Each one counts all requests that match it. Where two are
// due at once, the one that was added first is played, and the other waits.
//
// It panics if the kind is not one of [FaultKinds].
func (f *Faults) Add(fault Fault) {
	if findKind(fault.Kind) == nil {
		panic(fmt.Sprintf("fault is %q: want one of %s", fault.Kind, strings.Join(FaultKinds(), ", ")))
	}
	fault.Times = cmp.Or(fault.Times, 1)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = append(f.armed, &fault)
}

// Clear disarms all faults. Those that are being played go on.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = nil
}

// Spoiled is how many requests were spoiled so far.
func (f *Faults) Spoiled() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.spoiled
}

// ServeHTTP plays the fault that is due, or lets the request pass.
func (f *Faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	stop := f.stop(r)
	fault := f.due(f.subject(r))
	if fault == nil {
		f.Next.ServeHTTP(w, r)
		return
	}
	findKind(fault.Kind).play(&spoiling{*fault, f, w, r, stop})
}

// subject is what Fault.On is looked for in.
func (f *Faults) subject(r *http.Request) string {
	subject := r.Method + " " + r.URL.Path
	if f.Service == "oss" { // the same in both forms of address
		to := ossAddressOf(r)
		subject = r.Method + " /" + to.bucket + "/" + to.key
	}
	if r.URL.RawQuery != "" {
		subject += "?" + decodedQuery(r)
	}
	if action := r.Header.Get("x-acs-action"); action != "" {
		subject += " " + action
	}
	if key, ok := f.Keys.Find(signer(r)); ok {
		subject += " " + key.Account
	}
	return subject
}

// due counts the request and returns the fault that it gets, if any.
func (f *Faults) due(subject string) (due *Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range f.armed {
		switch {
		case !f.has(findKind(fault.Kind)) || !strings.Contains(subject, fault.On):
		case fault.Skip > 0:
			fault.Skip--
		case fault.Times != 0 && due == nil:
			fault.Times--
			played := *fault // the armed one goes on counting
			due = &played
			f.spoiled++
		}
	}
	return due
}

// stop returns what is closed when the server of the request shuts down, since
// that waits for handlers without ending their contexts. It is not noticed if it
// begins before the first request comes here.
func (f *Faults) stop(r *http.Request) <-chan struct{} {
	server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stops == nil {
		f.stops = make(map[*http.Server]chan struct{})
	}
	if f.stops[server] == nil {
		stop := make(chan struct{})
		f.stops[server] = stop
		server.RegisterOnShutdown(sync.OnceFunc(func() { close(stop) }))
	}
	return f.stops[server]
}

// A spoiling is one request that gets a fault.
type spoiling struct {
	Fault
	faults *Faults
	w      http.ResponseWriter
	r      *http.Request
	stop   <-chan struct{}
}

// drain takes the request in, as a server does before it answers. Besides, only
// then does net/http notice when the client leaves.
func (s *spoiling) drain() { io.Copy(io.Discard, s.r.Body) }

// refuse answers in the service's own form.
func (s *spoiling) refuse(acs *refusal, oss *ossError) {
	s.drain()
	if s.faults.Service == "oss" {
		writeOSSError(s.w, s.r, oss)
	} else {
		writeRefusal(s.w, s.r, acs)
	}
}

func (s *spoiling) retryLater() {
	if s.RetryAfter != "" {
		s.w.Header().Set("Retry-After", s.RetryAfter)
	}
}

func (s *spoiling) throttle(status int, acsCode, ossCode string) {
	s.retryLater()
	if s.faults.Service != "oss" {
		s.w.Header().Set("X-Ratelimit-User-Api", "Limit:600,Remain:0,TimeLeft:42")
	}
	s.refuse(&refusal{status, acsCode, "Request was denied due to user flow control."},
		&ossError{status, ossCode, "The request rate is too high.", "", nil})
}

func (s *spoiling) error500() {
	s.retryLater()
	s.refuse(&refusal{500, "InternalError", "The request processing has failed due to some unknown error, exception or failure."},
		&ossError{500, "InternalError", "We encountered an internal error. Please try again.", "", nil})
}

func (s *spoiling) html502() {
	s.drain()
	s.retryLater()
	writeBody(s.w, 502, "text/html", "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n")
}

func (s *spoiling) empty503() {
	s.drain()
	s.retryLater()
	writeBody(s.w, 503, "", "")
}

// others are the statuses of other-5xx: those that have a name, one of gateways, and
// the last.
var others = []int{501, 505, 506, 507, 508, 510, 511, 520, 599}

func (s *spoiling) empty(status int) {
	s.drain()
	writeBody(s.w, status, "", "")
}

func (s *spoiling) stranger(status int) {
	s.drain()
	writeBody(s.w, status, "text/html", "<html><head><title>Sign in</title></head><body>Sign in to this network.</body></html>\n")
}

func (s *spoiling) noHTTP() {
	s.drain()
	conn, _, err := http.NewResponseController(s.w).Hijack()
	if err != nil {
		abort()
	}
	token := cmp.Or(s.r.Header.Get("x-oss-security-token"), s.r.Header.Get("x-acs-security-token"))
	fmt.Fprintf(conn, "SSH-2.0-%s\r\n\r\n", strings.ReplaceAll(token, " ", "+")) // a client that has left finds out as well
	conn.Close()
}

// cutError keeps back half of an error document. The answer to a HEAD has it in its
// header.
func (s *spoiling) cutError() {
	a := &answer{header: make(http.Header)}
	s.drain()
	if s.faults.Service == "oss" {
		writeOSSError(a, s.r, &ossError{403, "AccessDenied", "You have no right to access this object because of bucket acl.", "0003-00000001", nil})
	} else {
		writeRefusal(a, s.r, noPermission())
	}
	if s.r.Method == http.MethodHead {
		name := "X-Oss-Err"
		a.header.Set(name, a.header.Get(name)[:len(a.header.Get(name))/2])
		s.send(a, 0)
		return
	}
	s.send(a, a.body.Len())
	s.part(a.body.Bytes()[:a.body.Len()/2]) // whatever comes of it, the connection ends
	abort()
}

func (s *spoiling) expiredToken() {
	s.refuse(expiredToken(), expiredOSSToken(s.r.Header.Get("x-oss-security-token")))
}

func (s *spoiling) clockSkew() {
	ahead := time.Now().Add(time.Hour)
	s.w.Header().Set("Date", ahead.UTC().Format(http.TimeFormat))
	var sent time.Time // zero where there is none
	if signature, refused := ossSignatureOf(s.r, s.r.URL.Query()); refused == nil {
		sent, _ = signature.date()
	}
	s.refuse(&refusal{400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."}, tooSkewed(sent, ahead))
}

func (s *spoiling) redirect307() {
	to := s.Location
	if to == "" {
		scheme, name := "http://", "localhost"
		if s.r.TLS != nil {
			scheme = "https://"
		}
		host, port, _ := net.SplitHostPort(s.r.Host)
		if host == name {
			name = "127.0.0.1"
		}
		to = scheme + net.JoinHostPort(name, port)
	}
	s.drain()
	s.w.Header().Set("Location", to+s.r.RequestURI)
	writeBody(s.w, 307, "", "")
}

// An answer is what the service would have said.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = cmp.Or(a.status, status) }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

// carryOut lets the service do what it is asked, and keeps the answer.
func (s *spoiling) carryOut() *answer {
	a := &answer{header: make(http.Header)}
	s.faults.Next.ServeHTTP(a, s.r)
	s.drain()
	a.status = cmp.Or(a.status, http.StatusOK)
	if s.r.Method == http.MethodHead {
		a.body.Reset()
	}
	return a
}

// carryOutWithBody is carryOut for the faults that a body has.
func (s *spoiling) carryOutWithBody() *answer {
	a := s.carryOut()
	if a.body.Len() == 0 {
		a.body.WriteString(strings.Repeat(" ", 64))
		a.status = http.StatusOK // 204 has no body either
	}
	return a
}

// send writes status and header, with a length that is told to the client.
func (s *spoiling) send(a *answer, length int) {
	for name, values := range a.header {
		s.w.Header()[name] = values
	}
	if s.r.Method != http.MethodHead { // there it is the length of the object
		s.w.Header().Set("Content-Length", strconv.Itoa(length))
	}
	s.w.WriteHeader(a.status)
}

// part writes a part of the body, and has it sent at once.
func (s *spoiling) part(p []byte) error {
	if _, err := s.w.Write(p); err != nil {
		return err
	}
	return http.NewResponseController(s.w).Flush()
}

// abort ends the connection in the middle of an answer.
func abort() { panic(http.ErrAbortHandler) }

func (s *spoiling) resetAfter() {
	s.carryOut()
	reset(s.w)
}

func (s *spoiling) hang() {
	s.drain()
	s.wait(nil)
	abort()
}

// wait tells whether the time comes before the client leaves and the server
// shuts down.
func (s *spoiling) wait(time <-chan time.Time) bool {
	select {
	case <-time:
		return true
	case <-s.r.Context().Done():
	case <-s.stop:
	}
	return false
}

func (s *spoiling) hangBody() {
	if s.r.Method == http.MethodHead {
		s.carryOut()
		s.hang()
	}
	a := s.carryOutWithBody()
	s.send(a, a.body.Len())
	if s.part(a.body.Bytes()[:a.body.Len()/2]) == nil {
		s.wait(nil)
	}
	abort()
}

func (s *spoiling) slowDrip() {
	if s.r.Method == http.MethodHead {
		s.carryOut()
		s.hang()
	}
	a := s.carryOutWithBody()
	s.send(a, a.body.Len())
	tick := time.NewTicker(cmp.Or(s.Pause, 100*time.Millisecond))
	defer tick.Stop()
	for _, b := range a.body.Bytes() {
		if s.part([]byte{b}) != nil || !s.wait(tick.C) {
			abort()
		}
	}
}

func (s *spoiling) truncated() {
	if s.r.Method == http.MethodHead {
		s.resetAfter()
		return
	}
	a := s.carryOutWithBody()
	s.send(a, a.body.Len())
	s.part(a.body.Bytes()[:a.body.Len()/2]) // whatever comes of it, the connection ends
	abort()
}

func (s *spoiling) malformed() {
	a := s.carryOut()
	body := a.body.Bytes()[:a.body.Len()/2]
	if s.r.Method == http.MethodHead {
		clear(a.header) // all that it could say
	} else if len(body) == 0 {
		body, a.status = []byte("<"), http.StatusOK
	}
	s.send(a, len(body))
	s.w.Write(body)
}

func (s *spoiling) wrongLength() {
	a := s.carryOutWithBody()
	length := strconv.Itoa(a.body.Len() / 2)
	if s.r.Method == http.MethodHead {
		a.body.Reset()
		length = "-1"
	}
	conn := s.sendByHand(a, length)
	conn.Close()
}

func (s *spoiling) successFalse() {
	s.drain()
	id := newUUID()
	s.w.Header().Set("X-Acs-Request-Id", id)
	writeBody(s.w, 200, "application/json;charset=utf-8",
		fmt.Sprintf(`{"RequestId":%q,"Code":"InternalError","Message":"The request processing has failed due to some unknown error.","Success":false}`, id))
}

func (s *spoiling) badCRC() {
	a := s.carryOut()
	crc, _ := strconv.ParseUint(a.header.Get("X-Oss-Hash-Crc64ecma"), 10, 64) // 0 where there is none
	a.header.Set("X-Oss-Hash-Crc64ecma", strconv.FormatUint(crc^1, 10))
	s.send(a, a.body.Len())
	s.w.Write(a.body.Bytes())
}

func (s *spoiling) noCRC() {
	a := s.carryOut()
	a.header.Del("X-Oss-Hash-Crc64ecma")
	s.send(a, a.body.Len())
	s.w.Write(a.body.Bytes())
}

// closeIdle answers and keeps the connection, until the next request arrives on
// it: so the client finds out when it is too late to take another one.
func (s *spoiling) closeIdle() {
	a := s.carryOut()
	length := strconv.Itoa(a.body.Len())
	if s.r.Method == http.MethodHead {
		length = a.header.Get("Content-Length")
	}
	conn := s.sendByHand(a, length)
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-s.stop:
		case <-ended:
		}
		conn.Close()
	}()
	if n, _ := conn.Read(make([]byte, 1)); n > 0 {
		resetConn(conn)
	}
}

// sendByHand writes an answer with any length, past net/http, and returns the
// connection.
func (s *spoiling) sendByHand(a *answer, length string) net.Conn {
	conn, _, err := http.NewResponseController(s.w).Hijack()
	if err != nil {
		abort()
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", a.status, http.StatusText(a.status))
	if a.header.Del("Content-Length"); length != "" && a.status != http.StatusNoContent {
		a.header.Set("Content-Length", length)
	}
	a.header.Write(&b) // a buffer takes everything
	b.WriteString("\r\n")
	a.body.WriteTo(&b)
	note(s.r, func(entry *Request) { entry.Status = a.status })
	b.WriteTo(conn) // a client that has left finds out as well
	return conn
}

// reset ends the client's connection as a machine that is gone does.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		abort()
	}
	resetConn(conn)
}

// resetConn makes the kernel answer with a reset, where closing would end the
// connection in good order.
func resetConn(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}
