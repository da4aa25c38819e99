package entry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/aliyun/credentials-go/credentials"

	"backup-statistics/handler"
	"backup-statistics/handler/cloudbackup"
	"backup-statistics/handler/redact"
	"backup-statistics/report/zones"
)

const help = `usage: backup-statistics invoke [flags]

Answers one event against the real services, with the variables of the README set
(OSS_BUCKET at least) and the credentials of this workstation: environment, CLI
profile or instance role, in credentials-go's order; the log says which. OSS is
reached by its public endpoint. The proxies of HTTPS_PROXY and NO_PROXY are used, as
the function never does.

flags:
  -event TEXT     the event (default {})
  -region REGION  the region, such as cn-hangzhou (default: FC_REGION)
  -account ID     refuse credentials of another account than this (default: FC_ACCOUNT_ID)
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
	cfg, err := handler.LoadConfig(outside(getenv, *region))
	if err != nil {
		return err
	}
	through, err := proxies(getenv)
	if err != nil {
		return err
	}
	credential, err := workstation(ctx, getenv)
	if err != nil {
		return err
	}
	hidden := partsOf(credential)
	for _, address := range through {
		hidden = append(hidden, redact.Address(address)...)
	}
	secrets := cfg.Redactor(hidden...)
	log := slog.New(slog.NewTextHandler(secrets.Writer(stderr), &slog.HandlerOptions{Level: cfg.LogLevel}))
	web := handler.NewWeb(cfg.Connections())
	web.UseProxies()
	sts := cloudbackup.STS{Endpoint: cfg.STSEndpoint, Credential: credential, Web: web.Client}
	asked, err := sts.Account(ctx)
	if err != nil {
		return &handler.SourceError{Err: errors.New(secrets.Text(err.Error()))}
	}
	if *account != "" && *account != asked {
		return &handler.ConfigError{Problems: []string{fmt.Sprintf("the credentials, of %s, are of account %s, and -account or FC_ACCOUNT_ID is %.40q: want credentials of that account, since a snapshot is filed under whose numbers it has", credential.source, asked, *account)}}
	}
	log.Info("started", "commit", Commit(), "zones", zones.Release(), "account", asked, "credentials", credential.source)
	h, err := newHandler(cfg, asked, credential, web, secrets, log)
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

// outside are the variables as a workstation has to take them: with the region that
// was asked for, and where none is set with the bucket's public endpoint, since the
// function's is for inside.
func outside(getenv func(string) string, region string) func(string) string {
	return func(name string) string {
		switch bucket := cmp.Or(getenv("OSS_REGION"), region); {
		case name == "FC_REGION":
			return region
		case name == "OSS_ENDPOINT" && getenv(name) == "" && bucket != "":
			return "https://oss-" + bucket + ".aliyuncs.com"
		}
		return getenv(name)
	}
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

// proxies are the addresses of HTTPS_PROXY. One that can't be read is refused here:
// net/http would print it, with the password in it.
func proxies(getenv func(string) string) (addresses []string, err error) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
		s := getenv(name)
		whole := s
		if !strings.Contains(s, "://") {
			whole = "http://" + s
		}
		if u, err := url.Parse(whole); s != "" && (err != nil || u.Host == "") {
			return nil, &handler.ConfigError{Problems: []string{name + " is not shown, since it may hold a password: want such as http://proxy.example.com:3128"}}
		}
		addresses = append(addresses, s)
	}
	return addresses, nil
}
