package entry

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/aliyun/credentials-go/credentials"

	"backup-statistics/handler"
	"backup-statistics/handler/cloudbackup"
)

const help = `usage: backup-statistics invoke [flags]

Answers one event against the real services, with the variables of the README set
(OSS_BUCKET at least) and the credentials of this workstation: environment, CLI
profile or instance role, in credentials-go's order. OSS is reached by its public
endpoint.

flags:
  -event TEXT     the event (default {})
  -region REGION  the region, such as cn-hangzhou (default: FC_REGION)
  -account ID     the account (default: FC_ACCOUNT_ID, else whose the credentials are)
  -timeout TIME   end after this long (default 1m0s)
  -h              show this

example:
  OSS_BUCKET=acme-reports backup-statistics invoke -region cn-hangzhou -event '{"dry_run":true}'

exit code: 0 done, 1 the run failed, 2 wrong arguments, event or configuration.
`

// A UsageError says what is wrong with the arguments of the command line.
type UsageError string

func (e UsageError) Error() string { return string(e) }

// Usage tells that the arguments are to be changed.
func (UsageError) Usage() bool { return true }

// Invoke answers one event as the function would, with the credentials that
// credentials-go finds on the workstation.
func Invoke(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("invoke", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	event := flags.String("event", "{}", "")
	region := flags.String("region", getenv("FC_REGION"), "")
	account := flags.String("account", getenv("FC_ACCOUNT_ID"), "")
	timeout := flags.Duration("timeout", time.Minute, "")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		_, err := io.WriteString(stdout, help)
		return err
	case err != nil:
		return UsageError(fmt.Sprintf("invoke: %v: want such as -region cn-hangzhou; -h lists the flags", err))
	case flags.NArg() > 0:
		return UsageError(fmt.Sprintf("invoke: %q is no flag: want flags alone, such as -region cn-hangzhou; -h lists them", flags.Arg(0)))
	}
	ctx, stop := context.WithTimeout(ctx, *timeout)
	defer stop()
	cfg, err := handler.LoadConfig(func(name string) string {
		switch {
		case name == "FC_REGION":
			return *region
		case name == "OSS_ENDPOINT" && getenv(name) == "" && *region != "": // the default is for inside
			return "https://oss-" + *region + ".aliyuncs.com"
		}
		return getenv(name)
	})
	if err != nil {
		return err
	}
	credential, err := workstation(ctx)
	if err != nil {
		return err
	}
	web := handler.NewWeb(cfg.Connections())
	if *account == "" {
		sts := cloudbackup.STS{Endpoint: cfg.STSEndpoint, Credential: credential, Web: web.Client}
		if *account, err = sts.Account(ctx); err != nil {
			return &handler.SourceError{Err: err}
		}
	}
	secrets := cfg.Redactor(partsOf(credential)...)
	log := slog.New(slog.NewTextHandler(secrets.Writer(stderr), &slog.HandlerOptions{Level: cfg.LogLevel}))
	h, err := newHandler(cfg, *account, credential, web, secrets, log)
	if err != nil {
		return err
	}
	result, err := h.Handle(ctx, []byte(*event))
	if err != nil {
		return err
	}
	out := json.NewEncoder(stdout)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(result)
}

// partsOf are the parts of a key.
func partsOf(credential credentials.Credential) (parts []string) {
	key, err := credential.GetCredential()
	if err != nil || key == nil {
		return nil // the first request says so
	}
	for _, part := range []*string{key.AccessKeyId, key.AccessKeySecret, key.SecurityToken} {
		if part != nil {
			parts = append(parts, *part)
		}
	}
	return parts
}

// A chain is where credentials-go looks for the keys of a workstation. It is not
// made for more than one caller at a time, and a run asks two services at once.
type chain struct {
	credentials.Credential
	mu sync.Mutex
}

// GetCredential asks the chain.
func (c *chain) GetCredential() (*credentials.CredentialModel, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Credential.GetCredential()
}

// workstation finds the keys of the workstation. An error of the chain may hold
// an answer with a token in it, and goes no further. The chain takes no context,
// and may ask the metadata of an instance that is none: it is left behind then.
func workstation(ctx context.Context) (credentials.Credential, error) {
	found, err := credentials.NewCredential(nil)
	c := &chain{Credential: found}
	if err == nil {
		asked := make(chan error, 1)
		go func() {
			_, err := c.GetCredential()
			asked <- err
		}()
		select {
		case err = <-asked:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	if err != nil {
		return nil, &handler.ConfigError{Problems: []string{"no credentials on this workstation: want such as ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"}}
	}
	return c, nil
}
