// Command backup-statistics records once a day what Cloud Backup protects. On
// Function Compute it answers timer events; from a command line it plays the
// same on loopback, or answers one event with the workstation's credentials.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"

	"github.com/aliyun/fc-runtime-go-sdk/fc"

	"backup-statistics/handler"
	"backup-statistics/handler/entry"
	"backup-statistics/handler/local"
)

const usage = `backup-statistics records once a day what Cloud Backup protects.

  backup-statistics local  [flags]   plays it against stand-ins on loopback; no account needed
  backup-statistics invoke [flags]   answers one event with this workstation's credentials
  backup-statistics -version         says of which commit it is, and with which Go and time zones

The first two explain themselves with -h. On Function Compute it runs without arguments.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	log.SetOutput(io.Discard) // net/http prints there what a broken answer holds; our log is another
	if os.Getenv("FC_RUNTIME_API") != "" {
		fc.Start(entry.NewFunction(ctx, os.Getenv, os.Stdout).Answer) // never returns
	}
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "backup-statistics:", err)
		os.Exit(exitCode(err))
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
		return entry.Invoke(ctx, args, getenv, stdout, stderr)
	case "-version", "--version", "version":
		_, err := fmt.Fprintln(stdout, entry.Version())
		return err
	case "-h", "-help", "--help", "help":
		_, err := io.WriteString(stdout, usage)
		return err
	}
	return entry.UsageError(fmt.Sprintf("%q is no command: want local or invoke; -h explains both", command))
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
