package handler

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestSkewIsThatOfWhoIsSignedFor: a webhook's clock says nothing of the services'.
func TestSkewIsThatOfWhoIsSignedFor(t *testing.T) {
	ahead := time.Hour
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
	}))
	defer server.Close()
	web := NewWeb(2, 2)
	defer web.CloseIdleConnections()
	ask := func(authorization string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		must(t, err)
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		res, err := web.Do(req)
		must(t, err)
		must(t, res.Body.Close())
	}
	ask("")
	if skew, known := web.Skew(); known {
		t.Errorf("after a request that is not signed the skew is %v, want it not known", skew)
	}
	ask("signed")
	ahead = -24 * time.Hour
	ask("")
	if skew, known := web.Skew(); !known || (skew-time.Hour).Abs() > time.Minute {
		t.Errorf("the skew is %v, known: %v; want the hour of the service", skew, known)
	}
}

// TestNamesBelowLocalhostAreThisMachine, whatever a resolver knows of them: http is
// allowed for them alone.
func TestNamesBelowLocalhostAreThisMachine(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(r.Host)) }))
	defer server.Close()
	origin := strings.Replace(server.URL, "127.0.0.1", "bucket.oss-cn-hangzhou.localhost", 1)
	web := NewWeb(2, 2)
	defer web.CloseIdleConnections()
	for _, ahead := range []bool{false, true} {
		if ahead {
			web.CloseIdleConnections()
			web.Open(t.Context(), origin, false)
		}
		res, err := web.Get(origin)
		must(t, err)
		host, err := io.ReadAll(res.Body)
		must(t, errors.Join(err, res.Body.Close()))
		if "http://"+string(host) != origin {
			t.Errorf("opened ahead: %v: the server is asked as %s, want %s", ahead, host, origin)
		}
	}
}

// TestProxies wants the environment's asked where people want it, but for the hosts
// that they name, and never by a function. It needs a process of its own, since Go
// looks once.
func TestProxies(t *testing.T) {
	if os.Getenv("PROXIES_ARE_SET") == "" {
		again := exec.Command(os.Args[0], "-test.run=^TestProxies$")
		again.Env = append(os.Environ(), "PROXIES_ARE_SET=yes", "HTTPS_PROXY=http://proxy.example.com:3128", "HTTP_PROXY=http://proxy.example.com:3128", "NO_PROXY=.cn-hangzhou.aliyuncs.com")
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	for _, tt := range []struct {
		used      bool
		url, want string
	}{
		{false, "https://sts.cn-shanghai.aliyuncs.com", ""},
		{true, "https://sts.cn-shanghai.aliyuncs.com", "proxy.example.com:3128"},
		{true, "https://sts.cn-hangzhou.aliyuncs.com", ""},
		{true, "http://127.0.0.1:8080", ""},
		{true, "http://bucket.oss-cn-shanghai.localhost:8080", ""},
		{true, "https://bucket.oss-cn-shanghai.localhost:8443", ""},
	} {
		web := NewWeb(1, 1)
		if tt.used {
			web.UseProxies()
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tt.url, nil)
		must(t, err)
		got := ""
		if proxy := web.Transport.(dated).near.Proxy; proxy != nil {
			if u, err := proxy(req); err != nil || u != nil {
				must(t, err)
				got = u.Host
			}
		}
		if got != tt.want {
			t.Errorf("%s, proxies used: %v: asks %q, want %q", tt.url, tt.used, got, tt.want)
		}
	}
}
