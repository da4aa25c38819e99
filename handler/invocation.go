package handler

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"backup-statistics/handler/cpu"
	"backup-statistics/handler/redact"
	"backup-statistics/handler/store"
	"backup-statistics/report"
)

// A Source tells what an account protects now. A cloudbackup.Client is one.
type Source interface {
	Statistics(ctx context.Context, sourceType string) (report.Statistics, error)
}

// A Store keeps documents; its contract is package store's. Keys are below the
// deployment's prefix.
type Store interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Put(ctx context.Context, key string, data []byte) error
	PutNew(ctx context.Context, key string, data []byte) error
	List(ctx context.Context, prefix string, limit int) ([]store.Entry, error)
}

// A Beater tells somebody outside that a day is complete. A [Heartbeat] is one.
type Beater interface {
	Beat(ctx context.Context, p Pulse) error
}

// An Account is one whose statistics are collected, through its own Source.
type Account struct {
	ID     string
	Name   string // as the resource directory gives it; empty elsewhere
	Source Source
}

// A Handler answers one invocation. It is made for that invocation, since its
// clients hold the invocation's credentials.
type Handler struct {
	Config   *Config
	Accounts []Account // who is collected, without asking anybody; the function's own comes first
	// Members finds the other accounts; nil where there are none. An account that
	// is among Accounts already is left out.
	Members  func(ctx context.Context) ([]Account, error)
	Store    Store
	Notifier Notifier // told of alerts; nil: nobody
	Heart    Beater   // told of complete days; nil: nobody
	Retry    int      // how often this invocation was tried before
	Now      func() time.Time
	Log      *slog.Logger
	// Redactor takes secrets out of what is told, as the last step before an answer or
	// a record; nil: there are none.
	Redactor *redact.Redactor
	Skew     func() (ahead time.Duration, known bool) // of the services' clocks; nil: unknown
	// Spare waits until there is a connection to the store besides the one that the first
	// write takes; nil: there always is.
	Spare func(ctx context.Context)
	Far   func() bool // tells whether round trips to the store are long, as far as it is known; nil: they are not
}

// atOnce is how many requests the store is sent at once.
func (h *Handler) atOnce() int {
	near, far := h.Config.Connections()
	if h.Far != nil && h.Far() {
		return far
	}
	return near
}

// guard runs a function of a goroutine of ours. A panic there would end the
// process with nothing reported; so it is one more error.
func guard[T any](f func() (T, error)) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	cpu.GrowStack()
	return f()
}

// share is a part of the time that is left.
func share(ctx context.Context, now time.Time, parts int) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, now.Add(deadline.Sub(now)/time.Duration(parts)))
}

// reserve ends the asking early enough to write what was answered, and to say in
// the bucket what is missing.
func reserve(ctx context.Context, now time.Time) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(5*time.Second, deadline.Sub(now)/4)))
}

// failure is why something of a day is not there, as its record says it.
func (h *Handler) failure(err error) report.Failure {
	return report.Failure{ErrorType: ErrorType(err), Message: h.Redactor.Text(err.Error())}
}

// settings are what a day is settled by.
func (h *Handler) settings() report.Settings {
	return report.Settings{TimeZone: h.Config.Zone.String(), QuotaBytes: h.Config.FreeQuotaBytes, Rules: h.Config.AlertRules, Tells: h.Notifier != nil}
}

// unknown is why not all accounts are known, nil where they are.
func (h *Handler) unknown(err error) *report.Failure {
	if err == nil {
		return nil
	}
	f := h.failure(err)
	return &f
}
