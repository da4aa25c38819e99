// Package entry has the ways into the handler, Function Compute's and that of a
// workstation's command line. It owns the wiring of the clients, and what outlives
// an invocation. It never knows what an event asks for.
package entry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/aliyun/credentials-go/credentials"
	"github.com/aliyun/fc-runtime-go-sdk/fccontext"

	"backup-statistics/handler"
	"backup-statistics/handler/redact"
	"backup-statistics/handler/store"
	"backup-statistics/report/zones"
)

// tune fits the garbage collector to the function's memory. A run of one account
// allocates some MiB, and may end without a collection: two of them take a tenth of
// its CPU. One that fills the memory, as that of thousands of accounts does,
// collects the more the less there is left.
func tune(megabytes int64) {
	debug.SetGCPercent(200)
	if megabytes > 0 {
		debug.SetMemoryLimit(megabytes << 20 / 3)
	}
}

// slim leaves Go one thread where there is likely one core at most, up to 1 GB of
// memory: more only look for work in each other's places, for a tenth of a run's
// CPU. How many cores a function has it is not told; a second one would go unused,
// and nothing else. Starting has something for two to do.
func slim(megabytes int64) {
	if megabytes > 0 && megabytes <= 1024 {
		runtime.GOMAXPROCS(1)
	}
}

// memory is the function's, in MB; 0 where nobody says.
func memory(getenv func(string) string) int64 {
	megabytes, err := strconv.ParseInt(getenv("FC_FUNCTION_MEMORY_SIZE"), 10, 32)
	if err != nil {
		return 0
	}
	return max(0, megabytes)
}

// A Function is what outlives an invocation: the configuration, or what is wrong
// with it, and the connections.
type Function struct {
	config *handler.Config
	err    error // answered to each event: a process that ends tells nobody why
	web    *handler.Web
	stdout io.Writer     // of the log
	memory int64         // in MB; 0: not known
	warm   chan struct{} // holds a value once an invocation has begun
}

// NewFunction reads the configuration and begins to connect to the services; then it
// logs a first line, which says what runs, and by whose zones it tells days apart.
// What is wrong with the configuration is answered to each event.
func NewFunction(ctx context.Context, getenv func(string) string, stdout io.Writer) *Function {
	f := &Function{stdout: stdout, memory: memory(getenv), warm: make(chan struct{}, 1)}
	tune(f.memory)
	if f.config, f.err = handler.LoadConfig(getenv); f.err == nil {
		f.web = handler.NewWeb(f.config.Connections())
		f.web.Open(ctx, f.config.BackupEndpoint, false)
		f.web.Open(ctx, store.Origin(f.config.OSSEndpoint, f.config.Bucket), true)
	}
	f.log(nil).Info("started", "commit", Commit(), "zones", zones.Release())
	return f
}

// log is what a line is written to, without these secrets in it.
func (f *Function) log(secrets *redact.Redactor) *slog.Logger {
	var level slog.Level
	if f.config != nil {
		level = f.config.LogLevel
	}
	return slog.New(slog.NewTextHandler(secrets.Writer(f.stdout), &slog.HandlerOptions{Level: level}))
}

// Answer answers one event of Function Compute, and logs in a line how it went.
func (f *Function) Answer(ctx context.Context, event []byte) (*handler.Result, error) {
	fctx, ok := fccontext.FromContext(ctx)
	if !ok {
		return nil, errors.New("the runtime gives no context: want one from the runtime SDK")
	}
	var secrets *redact.Redactor
	if f.config != nil {
		secrets = f.config.Redactor(fctx.Credentials.AccessKeyId, fctx.Credentials.AccessKeySecret, fctx.Credentials.SecurityToken)
	}
	log := f.log(secrets).With("request", fctx.RequestID)
	result, err := f.invoke(ctx, fctx, event, secrets, log)
	if err != nil {
		log.Error("failed", "type", handler.ErrorType(err), "error", err, "retry", fctx.RetryCount)
		return nil, err
	}
	log.Info("done", "action", result.Action, "date", result.SnapshotDate.String(), "status", result.Status, "chain", result.Chain, "warnings", result.Warnings)
	return result, nil
}

// invoke ends the work some time before the deadline, so that the answer can
// still be sent.
func (f *Function) invoke(ctx context.Context, fctx *fccontext.FcContext, event []byte, secrets *redact.Redactor, log *slog.Logger) (*handler.Result, error) {
	if f.err != nil {
		return nil, f.err
	}
	select {
	case f.warm <- struct{}{}: // the first: its connections are being opened
		slim(f.memory)
	default:
		f.web.CloseIdleConnections() // a freeze may have ended them silently
	}
	credential, err := credentialOf(fctx.Credentials)
	if err != nil {
		return nil, err
	}
	h, err := newHandler(f.config, fctx.AccountId, credential, f.web, secrets, log)
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
