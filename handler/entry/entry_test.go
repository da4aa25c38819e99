package entry

import (
	"context"
	"errors"
	"io"
	"math"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fccontext"

	"backup-statistics/handler"
	"backup-statistics/report/zones"
)

// TestMemory wants the runtime to know the function's memory, and to be left alone
// by a size that is none.
func TestMemory(t *testing.T) {
	percent, limit, threads := debug.SetGCPercent(100), debug.SetMemoryLimit(-1), runtime.GOMAXPROCS(7)
	defer func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(limit); runtime.GOMAXPROCS(threads) }()
	for size, want := range map[string]struct {
		limit   int64
		threads int
	}{
		"128": {128 << 20 / 3, 1}, "1024": {1 << 30 / 3, 1}, "3072": {1 << 30, 7},
		"": {math.MaxInt64, 7}, "0": {math.MaxInt64, 7}, "-128": {math.MaxInt64, 7}, "much": {math.MaxInt64, 7},
	} {
		debug.SetMemoryLimit(math.MaxInt64)
		runtime.GOMAXPROCS(7)
		megabytes := memory(func(name string) string {
			if name != "FC_FUNCTION_MEMORY_SIZE" {
				t.Errorf("%s is asked for", name)
			}
			return size
		})
		tune(megabytes)
		slim(megabytes)
		if got := debug.SetMemoryLimit(-1); got != want.limit {
			t.Errorf("with %q MB the limit is %d, want %d", size, got, want.limit)
		}
		if got := runtime.GOMAXPROCS(0); got != want.threads {
			t.Errorf("with %q MB %d threads run Go at once, want %d", size, got, want.threads)
		}
	}
}

// TestMargin keeps time for the answer, and most of it for the work.
func TestMargin(t *testing.T) {
	for left, want := range map[time.Duration]time.Duration{
		time.Minute: 2 * time.Second, 8 * time.Second: 2 * time.Second, 4 * time.Second: time.Second, 400 * time.Millisecond: 100 * time.Millisecond,
	} {
		if got := margin(left); got != want {
			t.Errorf("of %v a margin of %v is kept, want %v", left, got, want)
		}
	}
}

// TestCredentialHasAllParts refuses keys of which a part would be taken from the
// environment.
func TestCredentialHasAllParts(t *testing.T) {
	whole := fccontext.Credentials{AccessKeyId: "id", AccessKeySecret: "secret", SecurityToken: "token"}
	if _, err := credentialOf(whole); err != nil {
		t.Errorf("whole: %v", err)
	}
	for name, drop := range map[string]func(*fccontext.Credentials){
		"id":     func(c *fccontext.Credentials) { c.AccessKeyId = "" },
		"secret": func(c *fccontext.Credentials) { c.AccessKeySecret = "" },
		"token":  func(c *fccontext.Credentials) { c.SecurityToken = "" },
	} {
		c := whole
		drop(&c)
		_, err := credentialOf(c)
		var wrong *handler.ConfigError
		if !errors.As(err, &wrong) {
			t.Errorf("without %s: error %v, want a ConfigError", name, err)
		}
	}
}

// TestFirstLineOfTheLog says by whose zones days are told apart, also where nothing
// else can work.
func TestFirstLineOfTheLog(t *testing.T) {
	for bucket, level := range map[string]string{"acme-reports": "info", "": ""} {
		ctx, stop := context.WithCancel(t.Context())
		stop() // no connection is opened
		var log strings.Builder
		NewFunction(ctx, func(name string) string {
			return map[string]string{"OSS_BUCKET": bucket, "FC_REGION": "cn-hangzhou", "LOG_LEVEL": level}[name]
		}, &log)
		if want := "level=INFO msg=started commit=unknown zones=" + zones.Release() + "\n"; !strings.HasSuffix(log.String(), want) || strings.Count(log.String(), "\n") != 1 {
			t.Errorf("bucket %q: the log begins with %q, want %q", bucket, &log, want)
		}
	}
}

// TestInvokeRefusesArguments names what is wrong with them, and asks nobody.
func TestInvokeRefusesArguments(t *testing.T) {
	for args, want := range map[string]string{
		"-zone x":       "invoke: flag provided but not defined: -zone: want such as -region cn-hangzhou; -h lists the flags",
		"cn-hangzhou":   `invoke: "cn-hangzhou" is no flag: want flags alone, such as -region cn-hangzhou; -h lists them`,
		"-timeout soon": `invoke: invalid value "soon" for flag -timeout: parse error: want such as -region cn-hangzhou; -h lists the flags`,
	} {
		var stdout, stderr strings.Builder
		err := Invoke(t.Context(), strings.Fields(args), func(string) string { return "" }, &stdout, &stderr)
		var usage UsageError
		if !errors.As(err, &usage) || err.Error() != want || stdout.String()+stderr.String() != "" {
			t.Errorf("%s: %v, and %q and %q are printed, want %s", args, err, &stdout, &stderr, want)
		}
	}
}

// TestOutside wants a workstation to reach the bucket from outside, wherever it is.
func TestOutside(t *testing.T) {
	for _, tt := range []struct{ region, bucket, endpoint, want string }{
		{"cn-hangzhou", "", "", "https://oss-cn-hangzhou.aliyuncs.com in cn-hangzhou"},
		{"cn-hangzhou", "cn-shanghai", "", "https://oss-cn-shanghai.aliyuncs.com in cn-shanghai"},
		{"cn-hangzhou", "", "https://cn-shanghai.oss.aliyuncs.com", "https://cn-shanghai.oss.aliyuncs.com in cn-shanghai"},
	} {
		env := map[string]string{"OSS_BUCKET": "acme-reports", "OSS_REGION": tt.bucket, "OSS_ENDPOINT": tt.endpoint}
		cfg, err := handler.LoadConfig(outside(func(name string) string { return env[name] }, tt.region))
		if err != nil {
			t.Fatal(err)
		}
		if got := cfg.OSSEndpoint + " in " + cfg.OSSRegion; got != tt.want {
			t.Errorf("region %s, OSS_REGION %q, OSS_ENDPOINT %q: the bucket is at %s, want %s", tt.region, tt.bucket, tt.endpoint, got, tt.want)
		}
	}
}

// TestInvokeExplainsItself on standard output, as it was asked to.
func TestInvokeExplainsItself(t *testing.T) {
	var stdout strings.Builder
	if err := Invoke(t.Context(), []string{"-h"}, func(string) string { return "" }, &stdout, io.Discard); err != nil {
		t.Error(err)
	}
	for _, flag := range []string{"-event", "-region", "-account", "-timeout", "-h"} {
		if !strings.Contains(stdout.String(), "\n  "+flag+" ") {
			t.Errorf("it does not explain %s:\n%s", flag, &stdout)
		}
	}
}
