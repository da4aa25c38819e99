package entry

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"backup-statistics/handler"
)

// bare leaves a workstation without keys, and gives its home.
func bare(t *testing.T) (home string) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "ALIBABA_CLOUD_") {
			t.Setenv(name, "")
		}
	}
	home = t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	return home
}

// TestWorkstationTellsWhatFailed wants the source that is set up and the kind of its
// failure, and nothing of what it holds or answers.
func TestWorkstationTellsWhatFailed(t *testing.T) {
	const planted = "planted-secret"
	answers := func(status int, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		}))
		t.Cleanup(server.Close)
		return server.URL + "/" + planted
	}
	closed := httptest.NewServer(nil)
	closed.Close()
	cli := func(profile string) string {
		return `{"current":"default","profiles":[{"name":"default",` + profile + `}]}`
	}
	expired := `"cloud_sso_sign_in_url":"https://signin.example.com","cloud_sso_account_id":"7","cloud_sso_access_config":"a","access_token":"` + planted + `","cloud_sso_access_token_expire":1`
	for _, tt := range []struct {
		name        string
		environment string // NAME=VALUE, by blanks
		file        string // below the home, a name and what is in it
		want        string // HOME stands for the home
	}{
		{"nothing", "", "", "no credentials on this workstation: want such as ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or a profile of the CLI"},
		{"half a key", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + planted, "", "ALIBABA_CLOUD_ACCESS_KEY_ID: half of a key: want ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"},
		{"half a login by OIDC", "ALIBABA_CLOUD_OIDC_TOKEN_FILE=" + planted, "", "ALIBABA_CLOUD_OIDC_TOKEN_FILE: a part of it is not set"},
		{"a broken file of the CLI", "", ".aliyun/config.json " + planted, "the CLI's profile in HOME/.aliyun/config.json: the file is no JSON"},
		{"a folder for a file", "", ".aliyun/config.json/x y", "the CLI's profile in HOME/.aliyun/config.json: the file can't be read"},
		{"no profile", "", ".aliyun/config.json {}", "the CLI's profile in HOME/.aliyun/config.json: the file has no profile"},
		{"another profile", "ALIBABA_CLOUD_PROFILE=" + planted, ".aliyun/config.json " + cli(`"mode":"AK"`), "the CLI's profile in HOME/.aliyun/config.json: there is no such profile: look at ALIBABA_CLOUD_PROFILE"},
		{"a profile without its key", "", ".aliyun/config.json " + cli(`"mode":"AK","access_key_id":"`+planted+`"`), "the CLI's profile in HOME/.aliyun/config.json: a part of it is not set"},
		{"a profile of tomorrow", "", ".aliyun/config.json " + cli(`"mode":"`+planted+`"`), "the CLI's profile in HOME/.aliyun/config.json: its profile is of a mode that is not known here"},
		{"an expired login", "", ".aliyun/config.json " + cli(`"mode":"CloudSSO",`+expired), "the CLI's profile in HOME/.aliyun/config.json: the login has expired: log in again, such as with aliyun configure"},
		{"a command that fails", "", ".aliyun/config.json " + cli(`"mode":"External","process_command":"ls /`+planted+`"`), "the CLI's profile in HOME/.aliyun/config.json: its command failed, or printed no key"},
		{"a broken file of profiles", "", ".alibabacloud/credentials [" + planted, "the profile in HOME/.alibabacloud/credentials: the file can't be read, or is no profile"},
		{"an empty file of profiles", "", ".alibabacloud/credentials #", "the profile in HOME/.alibabacloud/credentials: there is no such profile: look at ALIBABA_CLOUD_PROFILE"},
		{"an address that answers 500", "ALIBABA_CLOUD_CREDENTIALS_URI=" + answers(500, planted), "", "ALIBABA_CLOUD_CREDENTIALS_URI: its address answered, and not with a key"},
		{"an address that answers in HTML", "ALIBABA_CLOUD_CREDENTIALS_URI=" + answers(200, "<html>"+planted), "", "ALIBABA_CLOUD_CREDENTIALS_URI: its address answered, and not with a key"},
		{"an address with half a key", "ALIBABA_CLOUD_CREDENTIALS_URI=" + answers(200, `{"AccessKeySecret":"`+planted+`"}`), "", "ALIBABA_CLOUD_CREDENTIALS_URI: its address answered, and not with a key"},
		{"an address where nobody is", "ALIBABA_CLOUD_CREDENTIALS_URI=" + closed.URL + "/" + planted, "", "ALIBABA_CLOUD_CREDENTIALS_URI: whom it asks can't be reached, or does not answer in HTTP"},
		{"two that fail", "ALIBABA_CLOUD_ACCESS_KEY_ID=" + planted, ".aliyun/config.json {}", "ALIBABA_CLOUD_ACCESS_KEY_ID: half of a key: want ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET\nthe CLI's profile in HOME/.aliyun/config.json: the file has no profile"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			home := bare(t)
			for setting := range strings.FieldsSeq(tt.environment) {
				name, value, _ := strings.Cut(setting, "=")
				t.Setenv(name, value)
			}
			if file, content, found := strings.Cut(tt.file, " "); found {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(home, file)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(home, file), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := workstation(t.Context(), os.Getenv)
			var config *handler.ConfigError
			if !errors.As(err, &config) {
				t.Fatalf("error %v, want a ConfigError", err)
			}
			if got := strings.ReplaceAll(strings.Join(config.Problems, "\n"), home, "HOME"); got != tt.want || strings.Contains(err.Error(), planted) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestWorkstationTakesTheFirst that has a key, and tells a failure that comes later,
// when the key expires, as it would have told it at first.
func TestWorkstationTakesTheFirst(t *testing.T) {
	bare(t)
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, `{"Code":"Success","AccessKeyId":"id","AccessKeySecret":"planted-secret","SecurityToken":"token","Expiration":"`+time.Now().UTC().Add(time.Minute).Format("2006-01-02T15:04:05Z")+`"}`)
	}))
	defer server.Close()
	t.Setenv("ALIBABA_CLOUD_CREDENTIALS_URI", server.URL)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "half")
	c, err := workstation(t.Context(), os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	if key, err := c.GetCredential(); err != nil || *key.AccessKeyId != "id" || c.source != "ALIBABA_CLOUD_CREDENTIALS_URI" {
		t.Errorf("key %v, %v, of %s", key, err, c.source)
	}
	status = http.StatusInternalServerError
	if _, err := c.GetCredential(); err == nil || err.Error() != "ALIBABA_CLOUD_CREDENTIALS_URI: its address answered, and not with a key" {
		t.Errorf("a renewal that fails: %v", err)
	}
}

// TestFailure tells the code of a refusal, which is made of words, and nothing else of
// what was answered.
func TestFailure(t *testing.T) {
	for said, want := range map[string]string{
		`refresh session token failed: {"RequestId":"planted","Message":"planted","Code":"NoPermission"}`: "a session was refused (NoPermission)",
		`get session token failed: {"Code" : "AuthenticationFail.OIDCToken.Expired","Message":"planted"}`: "a session was refused",
		`get session token failed: {"Code":"AuthenticationFail.NoPermission"}`:                            "a session was refused (AuthenticationFail.NoPermission)",
		`get session token from sso failed: {"ErrorCode":"InvalidAccessToken"}`:                           "a session was refused (InvalidAccessToken)",
		`get session token from OAuth failed: {"error":"invalid_grant","hint":"planted"}`:                 "a session was refused (invalid_grant)",
		`refresh session token failed: {"Code":"c2VjcmV0LXRva2VuLXBsYW50ZWQ"}`:                            "a session was refused",
		`refresh session token failed: <html>planted`:                                                     "a session was refused",
		`failed to refresh token, status code: 400`:                                                       "the login has expired, or its renewal was refused: log in again, such as with aliyun configure",
		`refresh Ecs sts token err, httpStatus: 404, message = planted`:                                   "the instance's metadata answered, and not with a key",
		`planted`: "it failed in a way that is not known here",
	} {
		if got := failure(errors.New(said)); got != want {
			t.Errorf("%s: %s, want %s", said, got, want)
		}
	}
}
