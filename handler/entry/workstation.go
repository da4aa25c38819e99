package entry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/aliyun/credentials-go/credentials"
	"github.com/aliyun/credentials-go/credentials/providers"

	"backup-statistics/handler"
)

// A source is a place where a workstation may keep its keys.
type source struct {
	name string // for people
	here bool   // somebody set it up, so that its failure is told
	open func() (providers.CredentialsProvider, error)
}

// sources are the places that credentials-go's default chain looks in, in its order.
// They are asked one by one, since the chain makes one text of all their failures,
// with what a peer answered in it.
func sources(getenv func(string) string) []source {
	home, _ := os.UserHomeDir()
	cli := cmp.Or(getenv("ALIBABA_CLOUD_CONFIG_FILE"), filepath.Join(home, ".aliyun", "config.json"))
	shared := cmp.Or(getenv("ALIBABA_CLOUD_CREDENTIALS_FILE"), filepath.Join(home, ".alibabacloud", "credentials"))
	set := func(names ...string) bool {
		for _, name := range names {
			if getenv(name) != "" {
				return true
			}
		}
		return false
	}
	exists := func(name string) bool {
		_, err := os.Stat(name)
		return !errors.Is(err, os.ErrNotExist)
	}
	return []source{
		{"ALIBABA_CLOUD_ACCESS_KEY_ID", set("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"), func() (providers.CredentialsProvider, error) {
			return providers.NewEnvironmentVariableCredentialsProviderBuilder().Build()
		}},
		{"ALIBABA_CLOUD_OIDC_TOKEN_FILE", set("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "ALIBABA_CLOUD_OIDC_TOKEN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"), func() (providers.CredentialsProvider, error) {
			return providers.NewOIDCCredentialsProviderBuilder().Build()
		}},
		{"the CLI's profile in " + cli, exists(cli) && !strings.EqualFold(getenv("ALIBABA_CLOUD_CLI_PROFILE_DISABLED"), "true"), func() (providers.CredentialsProvider, error) {
			return providers.NewCLIProfileCredentialsProviderBuilder().Build()
		}},
		{"the profile in " + shared, exists(shared), func() (providers.CredentialsProvider, error) {
			return providers.NewProfileCredentialsProviderBuilder().Build()
		}},
		{"the instance's role", set("ALIBABA_CLOUD_ECS_METADATA"), func() (providers.CredentialsProvider, error) {
			return providers.NewECSRAMRoleCredentialsProviderBuilder().Build()
		}},
		{"ALIBABA_CLOUD_CREDENTIALS_URI", set("ALIBABA_CLOUD_CREDENTIALS_URI"), func() (providers.CredentialsProvider, error) {
			return providers.NewURLCredentialsProviderBuilder().Build()
		}},
	}
}

// workstation finds the keys of the workstation: the first source that has some. Where
// none has, its error names each that is set up, with the kind of its failure.
func workstation(ctx context.Context, getenv func(string) string) (*chain, error) {
	var failures []string
	for _, s := range sources(getenv) {
		err := context.Cause(ctx)
		if err == nil {
			var provider providers.CredentialsProvider
			if provider, err = s.open(); err == nil {
				c := &chain{Credential: credentials.FromCredentialsProvider("default", provider), source: s.name}
				if err = c.ask(ctx); err == nil {
					return c, nil
				}
			}
		}
		if s.here {
			failures = append(failures, s.name+": "+failure(err))
		}
	}
	if failures == nil {
		failures = []string{"no credentials on this workstation: want such as ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or a profile of the CLI"}
	}
	return nil, &handler.ConfigError{Problems: failures}
}

// A chain gives the keys of one source, anew where they expire. A provider is not made
// for more than one caller at a time, and a run asks two services at once.
type chain struct {
	credentials.Credential
	source string
	mu     sync.Mutex
}

// GetCredential asks the source.
func (c *chain) GetCredential() (*credentials.CredentialModel, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key, err := c.Credential.GetCredential()
	if err != nil {
		return nil, fmt.Errorf("%s: %s", c.source, failure(err))
	}
	return key, nil
}

// ask tries the source. A provider takes no context, and may ask the metadata of an
// instance that is none: it is left behind then.
func (c *chain) ask(ctx context.Context) error {
	asked := make(chan error, 1)
	go func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, err := c.Credential.GetCredential()
		asked <- err
	}()
	select {
	case err := <-asked:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// failures are the kinds of failure that a provider of credentials-go (v1.4.14) can
// tell of, by what stands in its text.
var failures = []struct{ said, kind string }{
	{"must be specified via environment variable", "half of a key: want ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"},
	{"re-login", "the login has expired: log in again, such as with aliyun configure"},
	{"refresh token", "the login has expired, or its renewal was refused: log in again, such as with aliyun configure"},
	{"session token failed", "a session was refused"},
	{"session token from", "a session was refused"},
	{"external command", "its command failed, or printed no key"},
	{"command process timed out", "its command did not end in time"},
	{"invalid credential response", "its command printed no key"},
	{"unmarshal aliyun cli config", "the file is no JSON"},
	{"reading aliyun cli config", "the file can't be read"},
	{"Can not open file", "the file can't be read, or is no profile"},
	{"no any configured profiles", "the file has no profile"},
	{"unable to get", "there is no such profile: look at ALIBABA_CLOUD_PROFILE"},
	{"Can not load section", "there is no such profile: look at ALIBABA_CLOUD_PROFILE"},
	{"unsupported profile mode", "its profile is of a mode that is not known here"},
	{"get credentials from", "its address answered, and not with a key"},
	{"refresh credentials from", "its address answered, and not with a key"},
	{"get role name failed", "the instance has no role, or did not tell it"},
	{"Ecs sts token", "the instance's metadata answered, and not with a key"},
	{"empty", "a part of it is not set"},
	{"ERROR: ", "its profile is not whole"},
}

// refusal finds the code of an STS's refusal, which is made of words: nothing else of
// an answer is told, since there may be a token in it. It is compiled where it is needed:
// at each start of the function that took a sixteenth of a cold run's instructions.
var refusal = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`"(?:Code|ErrorCode|code|error)" *: *"((?:[A-Za-z][a-z]{1,20}[._]?){1,6})"`)
})

// failure tells the kind of a provider's failure, and never its text.
func failure(err error) string {
	var resolves *net.DNSError
	var asked *url.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &asked) && asked.Timeout():
		return "no answer in time"
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.As(err, &resolves):
		return "the name of whom it asks does not resolve: " + resolves.Name
	case asked != nil:
		return "whom it asks can't be reached, or does not answer in HTTP"
	}
	for _, f := range failures {
		if !strings.Contains(err.Error(), f.said) {
			continue
		}
		if code := refusal().FindStringSubmatch(err.Error()); code != nil && strings.HasPrefix(f.said, "session token") {
			return f.kind + " (" + code[1] + ")"
		}
		return f.kind
	}
	return "it failed in a way that is not known here"
}
