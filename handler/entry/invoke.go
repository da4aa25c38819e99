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

// Invoke answers one event as the function would, with the credentials that
// credentials-go finds on the workstation.
func Invoke(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("invoke", flag.ContinueOnError)
	flags.SetOutput(stderr)
	event := flags.String("event", "{}", "the event, such as '{\"dry_run\":true}'")
	region := flags.String("region", getenv("FC_REGION"), "the region, such as cn-hangzhou; default: FC_REGION")
	account := flags.String("account", getenv("FC_ACCOUNT_ID"), "the account's id; default: FC_ACCOUNT_ID, else whose the credentials are")
	timeout := flags.Duration("timeout", time.Minute, "end after this long")
	flags.Usage = func() {
		fmt.Fprint(stderr, "backup-statistics invoke answers one event against the real services, with the variables of\nthe README set (OSS_BUCKET at least) and the credentials of this workstation: environment,\nCLI profile or instance role, in credentials-go's order. OSS is reached by its public endpoint.\n\n")
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil || flags.NArg() > 0:
		return &handler.EventError{Err: fmt.Errorf("flags %q: want such as -region cn-hangzhou; -h explains them", args)}
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
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: cfg.LogLevel}))
	h, err := newHandler(cfg, *account, credential, web, log)
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
