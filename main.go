// Command backup-statistics records once a day what Cloud Backup protects. On
// Function Compute it answers timer events; from a command line it plays the
// same on loopback, or answers one event with the workstation's credentials.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/aliyun/credentials-go/credentials"
	"github.com/aliyun/fc-runtime-go-sdk/fc"
	"github.com/aliyun/fc-runtime-go-sdk/fccontext"

	"backup-statistics/handler"
	"backup-statistics/handler/cloudbackup"
	"backup-statistics/handler/local"
	"backup-statistics/handler/store"
	"backup-statistics/report"
)

const usage = `backup-statistics records once a day what Cloud Backup protects.

  backup-statistics local  [flags]   plays it against stand-ins on loopback; no account needed
  backup-statistics invoke [flags]   answers one event with this workstation's credentials

Each explains itself with -h. On Function Compute it runs without arguments.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	log.SetOutput(io.Discard) // net/http prints there what a broken answer holds; our log is another
	if os.Getenv("FC_RUNTIME_API") != "" {
		tune(os.Getenv)
		fc.Start(newFunction(ctx, os.Getenv, os.Stdout).answer) // never returns
	}
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "backup-statistics:", err)
		os.Exit(exitCode(err))
	}
}

// tune lets a run of one account, which allocates some MiB, end without a garbage
// collection: two of them take a tenth of its CPU. A run that fills the memory, as
// one of thousands of accounts does, collects the more the less there is left.
func tune(getenv func(string) string) {
	debug.SetGCPercent(200)
	if megabytes, err := strconv.ParseInt(getenv("FC_FUNCTION_MEMORY_SIZE"), 10, 32); err == nil && megabytes > 0 {
		debug.SetMemoryLimit(megabytes << 20 / 3)
	}
}

// A function is what outlives an invocation: the configuration, or what is wrong
// with it, and the connections.
type function struct {
	config *handler.Config
	err    error // answered to each event: a process that ends tells nobody why
	web    *handler.Web
	log    *slog.Logger
	warm   chan struct{} // holds a value once an invocation has begun
}

func newFunction(ctx context.Context, getenv func(string) string, stdout io.Writer) *function {
	f := &function{log: slog.New(slog.NewTextHandler(stdout, nil)), warm: make(chan struct{}, 1)}
	if f.config, f.err = handler.LoadConfig(getenv); f.err == nil {
		f.log = slog.New(slog.NewTextHandler(stdout, &slog.HandlerOptions{Level: f.config.LogLevel}))
		f.web = handler.NewWeb(f.config.Connections())
		f.web.Open(ctx, f.config.BackupEndpoint)
		f.web.Open(ctx, store.Origin(f.config.OSSEndpoint, f.config.Bucket))
	}
	return f
}

// answer answers one event of Function Compute, and logs in a line how it went.
func (f *function) answer(ctx context.Context, event []byte) (*handler.Result, error) {
	fctx, ok := fccontext.FromContext(ctx)
	if !ok {
		return nil, errors.New("the runtime gives no context: want one from the runtime SDK")
	}
	log := f.log.With("request", fctx.RequestID)
	result, err := f.invoke(ctx, fctx, event, log)
	if err != nil {
		log.Error("failed", "type", handler.ErrorType(err), "error", err, "retry", fctx.RetryCount)
		return nil, err
	}
	log.Info("done", "action", result.Action, "date", result.SnapshotDate.String(), "status", result.Status, "warnings", result.Warnings)
	return result, nil
}

// invoke ends the work some time before the deadline, so that the answer can
// still be sent.
func (f *function) invoke(ctx context.Context, fctx *fccontext.FcContext, event []byte, log *slog.Logger) (*handler.Result, error) {
	if f.err != nil {
		return nil, f.err
	}
	select {
	case f.warm <- struct{}{}: // the first: its connections are being opened
	default:
		f.web.CloseIdleConnections() // a freeze may have ended them silently
	}
	credential, err := credentialOf(fctx.Credentials)
	if err != nil {
		return nil, err
	}
	h, err := newHandler(f.config, fctx.AccountId, credential, f.web, log)
	if err != nil {
		return nil, err
	}
	h.Retry = fctx.RetryCount
	if deadline, ok := ctx.Deadline(); ok {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, deadline.Add(-margin(time.Until(deadline))))
		defer stop()
	}
	return h.Handle(ctx, event)
}

// margin is the time kept for the answer.
func margin(left time.Duration) time.Duration { return min(2*time.Second, left/4) }

// credentialOf is this invocation's. A part left empty would silently be taken
// from the environment, and may belong to another key.
func credentialOf(c fccontext.Credentials) (credentials.Credential, error) {
	if c.AccessKeyId == "" || c.AccessKeySecret == "" || c.SecurityToken == "" {
		return nil, &handler.ConfigError{Problems: []string{"the function has no role, or FC gave none of its credentials: want role in s.yaml, such as backup-statistics"}}
	}
	return credentials.NewCredential(new(credentials.Config).SetType("sts").
		SetAccessKeyId(c.AccessKeyId).SetAccessKeySecret(c.AccessKeySecret).SetSecurityToken(c.SecurityToken))
}

// newHandler wires the clients of one invocation. It makes no request.
func newHandler(cfg *handler.Config, account string, credential credentials.Credential, web *handler.Web, log *slog.Logger) (*handler.Handler, error) {
	if err := report.CheckAccount(account); err != nil {
		return nil, &handler.ConfigError{Problems: []string{"the invocation's account: " + err.Error()}}
	}
	documents, err := store.NewOSS(store.Options{
		Endpoint: cfg.OSSEndpoint, Region: cfg.OSSRegion, Bucket: cfg.Bucket, Prefix: cfg.Prefix,
		Credential: credential, Web: web.Client, AtOnce: cfg.Connections(),
	})
	if err != nil {
		return nil, &handler.ConfigError{Problems: []string{err.Error()}}
	}
	own := &cloudbackup.Client{Endpoint: cfg.BackupEndpoint, Credential: credential, Web: web.Client}
	h := &handler.Handler{
		Config: cfg, Accounts: []handler.Account{{ID: account, Source: own}},
		Store: documents, Now: time.Now, Log: log, Skew: web.Skew,
	}
	if cfg.WebhookURL != "" {
		h.Notifier = &handler.Webhook{URL: cfg.WebhookURL, Secret: cfg.WebhookSecret, Web: web.Client, Now: time.Now}
	}
	if cfg.HasMembers() {
		h.Members = members(cfg, credential, web)
	}
	return h, nil
}

// members finds the other accounts, each with a source that asks through its
// role. All roles are assumed with the invocation's own credential.
func members(cfg *handler.Config, credential credentials.Credential, web *handler.Web) func(context.Context) ([]handler.Account, error) {
	sts := &cloudbackup.STS{Endpoint: cfg.STSEndpoint, Credential: credential, Web: web.Client}
	directory := &cloudbackup.Directory{Endpoint: cfg.DirectoryEndpoint, Credential: credential, Web: web.Client}
	pace := cloudbackup.NewPace()
	return func(ctx context.Context) ([]handler.Account, error) {
		arns := cfg.MemberRoleARNs
		if cfg.MemberRoleName != "" {
			found, err := directory.Members(ctx)
			if err != nil {
				return nil, err
			}
			for _, m := range found {
				arns = append(arns, "acs:ram::"+m.ID+":role/"+cfg.MemberRoleName)
			}
		}
		var accounts []handler.Account
		for _, arn := range arns {
			id, _ := handler.SplitRoleARN(arn)
			accounts = append(accounts, handler.Account{ID: id, Source: &cloudbackup.MemberAccount{
				STS: sts, Pace: pace, RoleARN: arn, Session: "backup-statistics", ExternalID: cfg.MemberExternalID.Reveal(),
				Backup: cloudbackup.Client{Endpoint: cfg.BackupEndpoint, Web: web.Client},
			}})
		}
		return accounts, nil
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	command := "-h"
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch command {
	case "local":
		return local.Main(ctx, args, stdout, stderr)
	case "invoke":
		return invoke(ctx, args, getenv, stdout, stderr)
	case "-h", "-help", "--help", "help":
		_, err := io.WriteString(stdout, usage)
		return err
	}
	return &handler.EventError{Err: fmt.Errorf("%q is no command: want local or invoke; -h explains both", command)}
}

// invoke answers one event as the function would, with the credentials that
// credentials-go finds on the workstation.
func invoke(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
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
	credential, err := workstation()
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
// an answer with a token in it, and goes no further.
func workstation() (credentials.Credential, error) {
	found, err := credentials.NewCredential(nil)
	c := &chain{Credential: found}
	if err == nil {
		_, err = c.GetCredential()
	}
	if err != nil {
		return nil, &handler.ConfigError{Problems: []string{"no credentials on this workstation: want such as ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"}}
	}
	return c, nil
}

// exitCode is 2 where the caller has to change something, and 1 where trying
// again may help.
func exitCode(err error) int {
	var event *handler.EventError
	var config *handler.ConfigError
	var usage interface{ Usage() bool }
	if errors.As(err, &event) || errors.As(err, &config) || errors.As(err, &usage) && usage.Usage() {
		return 2
	}
	return 1
}
