package local

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aliyun/fc-runtime-go-sdk/fccontext"
)

// startCloud starts a cloud with this test binary as the function.
func startCloud(t *testing.T, c Config, child string) *Cloud {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c.Dir, c.Path, c.Env = filepath.Join(t.TempDir(), "bucket"), path, append(c.Env, childVariable+"="+child)
	cloud, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cloud.Close)
	return cloud
}

func TestCloudRotatesKeys(t *testing.T) {
	cloud := startCloud(t, Config{}, "collecting")
	cloud.Backup.Set("1234567890123456", "ECS_FILE", Region{ID: "cn-hangzhou", Bytes: 40 << 30, Count: 5})
	for _, event := range []string{`{"triggerTime":"2026-11-23T12:17:00Z"}`, `{"triggerTime":"2026-11-24T12:17:00Z"}`} {
		if out, err := cloud.Runtime.Invoke(t.Context(), Invocation{Event: []byte(event)}); err != nil || out.Failed {
			t.Fatalf("%s: %+v, %v", event, out, err)
		}
	}
	signers := make(map[string]int)
	var asked []string
	for _, r := range cloud.Log.Requests() {
		asked = append(asked, r.String())
		signers[r.KeyID]++
		if _, valid := cloud.Keys.Find(r.KeyID); valid || r.KeyID == "" || r.Account != "1234567890123456" {
			t.Errorf("%s: signed by %q of account %q, valid still: %v", r, r.KeyID, r.Account, valid)
		}
	}
	want := "cloudbackup GET GetBasicStatistics 200, oss PUT dt=2026-11-23/1234567890123456.json 200, " +
		"cloudbackup GET GetBasicStatistics 200, oss PUT dt=2026-11-24/1234567890123456.json 200"
	if got := strings.Join(asked, ", "); got != want || len(signers) != 2 {
		t.Errorf("requests %s\nwant %s\nby %d keys, want one an invocation", got, want, len(signers))
	}
}

func TestCloudLogsWhatFaultsAnswer(t *testing.T) {
	cloud := startCloud(t, Config{}, "collecting")
	cloud.Faults[ServiceBackup].Add(Fault{Kind: "empty-503"})
	out, err := cloud.Runtime.Invoke(t.Context(), Invocation{Event: []byte(`{"triggerTime":"2026-11-23T12:17:00Z"}`)})
	requests := cloud.Log.Requests()
	if err != nil || !out.Failed || len(requests) != 1 || requests[0].Status != 503 {
		t.Errorf("%+v, %v, requests %v, want one that was answered 503", out, err, requests)
	}
}

func TestCloudWithoutRole(t *testing.T) {
	cloud := startCloud(t, Config{NoRole: true}, "obedient")
	out, err := cloud.Runtime.Invoke(t.Context(), Invocation{Event: []byte("context")})
	var got struct{ Context fccontext.FcContext }
	if err != nil || json.Unmarshal(out.Body, &got) != nil || got.Context.Credentials != (fccontext.Credentials{}) || got.Context.RequestID == "" {
		t.Errorf("%s, %v, want a context without credentials", out.Body, err)
	}
	out, err = cloud.Runtime.Invoke(t.Context(), Invocation{Event: []byte("environment")})
	if err != nil || strings.Contains(string(out.Body), "ALIBABA_CLOUD") {
		t.Errorf("%s, %v, want an environment without credentials", out.Body, err)
	}
}

func TestCloudSpeaksTLS(t *testing.T) {
	issuer := httptest.NewTLSServer(nil)
	defer issuer.Close()
	cloud := startCloud(t, Config{TLS: issuer.TLS, PathStyle: true}, "obedient")
	endpoints := 0
	for _, variable := range cloud.Env() {
		name, value, _ := strings.Cut(variable, "=")
		if !strings.HasSuffix(name, "_ENDPOINT") {
			continue
		}
		endpoints++
		resp, err := issuer.Client().Get(value)
		if err != nil || !strings.HasPrefix(value, "https://127.0.0.1:") {
			t.Errorf("%s: %v, want https with the certificate given", variable, err)
			continue
		}
		resp.Body.Close()
	}
	if endpoints != 4 {
		t.Errorf("%d endpoints in %q, want 4", endpoints, cloud.Env())
	}
}

func TestCloudCloses(t *testing.T) {
	cloud := startCloud(t, Config{PathStyle: true}, "obedient") // http.Get finds no name below localhost
	exited := false
	cloud.Runtime.Process.Exit = func(*os.ProcessState) { exited = true }
	if _, err := cloud.Runtime.Invoke(t.Context(), Invocation{}); err != nil {
		t.Fatal(err)
	}
	cloud.Close()
	cloud.Close() // twice does no harm
	if !exited {
		t.Error("the process is left running")
	}
	for _, variable := range cloud.Env() {
		if _, endpoint, _ := strings.Cut(variable, "="); strings.HasPrefix(endpoint, "http") {
			if resp, err := http.Get(endpoint); err == nil {
				resp.Body.Close()
				t.Errorf("%s still answers", variable)
			}
		}
	}
	if _, err := Start(Config{}); err == nil {
		t.Error("Start without a folder: error = nil")
	}
}
