package local_test

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"backup-statistics/handler/local"
)

func logged(l *local.Log) []string {
	var lines []string
	for _, r := range l.Requests() {
		lines = append(lines, r.String())
	}
	return lines
}

func TestLogTellsWhatWasAsked(t *testing.T) {
	keys := keysOf(owner, other)
	l := &local.Log{Now: atNoon}
	o := newOSS(t)
	o.Keys = keys
	oss, backup := l.Wrap("oss", o), l.Wrap("cloudbackup", newBackup(keys))
	me, stranger := newCaller(keyOf(owner)), newCaller(keyOf(other))
	stranger.secret = "x"

	serve(oss, me.oss("PUT", ossURL, "dt=1/a b.json", "", "{}"))
	serve(oss, me.oss("GET", ossURL, "", "list-type=2&prefix=dt%3D1%2F", ""))
	serve(oss, me.oss("HEAD", ossURL, "x", "objectMeta", ""))
	serve(backup, me.acs("GET", backupURL, version, action, ""))
	serve(backup, stranger.acs("GET", backupURL, version, action, ""))
	serve(oss, newRequest("GET", ossURL+"/bucket/a?Signature=secret", ""))

	const key, otherKey = "STS." + owner, "STS." + other
	want := []local.Request{
		{"oss", "PUT", "dt=1/a b.json", key, owner, "oss:PutObject", 200, noon},
		{"oss", "GET", "?list-type=2&prefix=dt=1/", key, owner, "oss:ListObjects", 200, noon},
		{"oss", "HEAD", "x?objectMeta", key, owner, "oss:GetObject", 404, noon},
		{"cloudbackup", "GET", "GetBasicStatistics", key, owner, "hbr:GetBasicStatistics", 200, noon},
		{"cloudbackup", "GET", "GetBasicStatistics", otherKey, "", "", 400, noon},
		{"oss", "GET", "/bucket/a", "", "", "", 403, noon},
	}
	got := l.Requests()
	if !slices.Equal(got, want) {
		t.Errorf("recorded is\n%+v\nwant\n%+v", got, want)
	}
	if line := fmt.Sprint(got[0]); line != "oss PUT dt=1/a b.json 200" {
		t.Errorf("the first line is %q", line)
	}
	l.Reset()
	if got := l.Requests(); len(got) != 0 {
		t.Errorf("after Reset there are %v", got)
	}
}

func TestLogKeepsOrderAndTellsWhatIsUnderWay(t *testing.T) {
	var l local.Log
	arrived, finish := make(chan bool), make(chan bool)
	server := serveHTTP(t, l.Wrap("web", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			arrived <- true
			<-finish
		}
	})))
	var group sync.WaitGroup
	group.Go(func() {
		if response, err := server.Client().Get(server.URL + "/slow"); err == nil {
			response.Body.Close()
		}
	})
	<-arrived
	send(t, server, newRequest("POST", server.URL+"/fast", "x"))
	// The handler ends a moment after its client has the answer.
	for slices.Equal(logged(&l), []string{"web GET /slow 0", "web POST /fast 0"}) {
		runtime.Gosched()
	}
	if got, want := logged(&l), []string{"web GET /slow 0", "web POST /fast 200"}; !slices.Equal(got, want) {
		t.Errorf("recorded is %q, want %q", got, want)
	}
	close(finish)
	group.Wait()
	for strings.HasSuffix(logged(&l)[0], " 0") {
		runtime.Gosched()
	}
	if got, want := logged(&l), []string{"web GET /slow 200", "web POST /fast 200"}; !slices.Equal(got, want) {
		t.Errorf("recorded is %q, want %q", got, want)
	}
	if since := time.Since(l.Requests()[0].Time); since < 0 || since > time.Hour {
		t.Errorf("recorded %v ago", since)
	}
}
