package handler

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"backup-statistics/handler/redact"
	"backup-statistics/handler/store"
)

// A talking store fails on keys that begin so, and says what it knows.
type talking struct {
	store.Memory
	on, says string
}

func (s *talking) fail(key string) error {
	if s.on != "" && strings.HasPrefix(key, s.on) {
		return errors.New(s.says)
	}
	return nil
}

func (s *talking) Get(ctx context.Context, key string) ([]byte, error) {
	data, err := s.Memory.Get(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return data, errors.Join(err, s.fail(key))
}

func (s *talking) Put(ctx context.Context, key string, data []byte) error {
	return errors.Join(s.Memory.Put(ctx, key, data), s.fail(key))
}

func (s *talking) PutNew(ctx context.Context, key string, data []byte) error {
	return errors.Join(s.Memory.PutNew(ctx, key, data), s.fail(key))
}

func (s *talking) List(ctx context.Context, prefix string, limit int) ([]store.Entry, error) {
	entries, err := s.Memory.List(ctx, prefix, limit)
	return entries, errors.Join(err, s.fail(prefix))
}

// TestLastStep has everything around the handler say all its secrets, in words that
// nobody has looked at before: none is told or stored, and each error keeps its type.
func TestLastStep(t *testing.T) {
	secrets := []string{"planted-external-id-0123456789", "planted-webhook-path", "planted+webhook/token", "SECplantedwebhooksecret", "planted-heartbeat-path", "STS.plantedkeyid", "planted/key+secret", "CAISplantedtokenplantedtoken"}
	settings := []string{
		"MEMBER_ROLE_NAME=reader", "MEMBER_EXTERNAL_ID=" + secrets[0], "WEBHOOK_SECRET=" + secrets[3], "HEARTBEAT_URL=https://hc-ping.com/" + secrets[4],
		"WEBHOOK_URL=https://example.com/" + secrets[1] + "?access_token=" + url.QueryEscape(secrets[2]),
	}
	said := strings.Join(secrets, " ")
	for spelling, says := range map[string]string{
		"as they are": said, "in lower case, for a URL": strings.ToLower(url.QueryEscape(said)), "in base64": base64.StdEncoding.EncodeToString([]byte(said)),
		"in JSON": strings.ReplaceAll(said, "/", `\/`), "in lines": strings.ReplaceAll(said, "planted", "plan\nted"),
	} {
		for _, tt := range []struct {
			name      string
			errorType string // of the first of them that fails; "": none does
			play      func(w *world, s *talking)
			run       func(w *world) (*Result, error)
		}{
			{"Cloud Backup", "AccountsError", func(w *world, _ *talking) { w.fail(errors.New(says)) }, nil},
			{"Cloud Backup, a panic", "AccountsError", func(w *world, _ *talking) { w.sources[0].fails = shouting(says) }, nil},
			{"the directory", "AccountsError", func(w *world, _ *talking) {
				w.Members = func(context.Context) ([]Account, error) { return nil, errors.New(says) }
			}, nil},
			{"the bucket, of snapshots", "AccountsError", func(_ *world, s *talking) { s.on = "snapshots/" }, nil},
			{"the bucket, of the trend", "StoreError", func(_ *world, s *talking) { s.on = "report/" }, nil},
			{"the bucket, of records", "StoreError", func(_ *world, s *talking) { s.on = "days/" }, nil},
			{"the bucket, at a check", "StoreError", func(_ *world, s *talking) { s.on = "days/" }, func(w *world) (*Result, error) { return w.check("2026-11-23") }},
			{"a day without a run", "GapError", func(w *world, _ *talking) { w.fail(errors.New(says)) }, func(w *world) (*Result, error) {
				_, err := w.run("2026-11-23")
				if err == nil {
					w.t.Error("the run succeeds")
				}
				return w.check("2026-11-23")
			}},
			{"people", "", func(w *world, _ *talking) { w.inbox.fails = errors.New(says); w.protect(1, 1) }, nil},
			{"an event", "EventError", func(*world, *talking) {}, func(w *world) (*Result, error) {
				return w.Handle(w.t.Context(), fmt.Appendf(nil, `{"action":%q}`, says))
			}},
			{"a preflight", "", func(w *world, s *talking) { w.fail(errors.New(says)); s.on = "s" }, func(w *world) (*Result, error) {
				return w.Handle(w.t.Context(), []byte(`{"action":"preflight"}`))
			}},
		} {
			var log strings.Builder
			w, s := newWorld(t, 2, settings...), &talking{says: says}
			w.Redactor = w.Config.Redactor(secrets[5:]...)
			w.Store, w.Log = s, slog.New(slog.NewTextHandler(w.Redactor.Writer(&log), &slog.HandlerOptions{Level: slog.LevelDebug}))
			_, err := w.run("2026-11-22")
			must(t, err)
			tt.play(w, s)
			if tt.run == nil {
				tt.run = func(w *world) (*Result, error) { return w.run("2026-11-23") }
			}
			result, err := tt.run(w)
			if err == nil != (tt.errorType == "") || err != nil && strings.TrimPrefix(fmt.Sprintf("%T", err), "*handler.") != tt.errorType {
				t.Errorf("%s, %s: error %T %v, want %q", tt.name, spelling, err, err, tt.errorType)
			}
			answer, _ := json.Marshal(result)
			notices, _ := json.Marshal(w.inbox.notices)
			told := fmt.Sprintf("%v %+v %s %s %s %s", err, err, answer, notices, &log, dump(t, &s.Memory))
			if strings.Contains(strings.ToLower(strings.NewReplacer("\n", "", `\n`, "").Replace(told)), "planted") || strings.Contains(told, "cGxhbnRlZ") || !strings.Contains(told, "[redacted]") {
				t.Errorf("%s, %s: told is\n%s\nwant nothing planted, and that something is hidden", tt.name, spelling, told)
			}
		}
	}
}

// TestHiddenErrors wants an error to keep its type, by which people set alarms, its
// words but the secret, and nothing that it wrapped.
func TestHiddenErrors(t *testing.T) {
	const planted = "planted-secret"
	r := redact.New([]string{planted})
	for _, err := range eachError("no " + planted) {
		got, want := hideInError(r, err), strings.ReplaceAll(err.Error(), planted, redact.Mark)
		if fmt.Sprintf("%T", got) != fmt.Sprintf("%T", err) || ErrorType(got) != ErrorType(err) || got.Error() != want || strings.Contains(fmt.Sprintf("%+v %#v", got, got), planted) {
			t.Errorf("%T %v becomes %T %v, want %s", err, err, got, got, want)
		}
	}
	for _, err := range append(eachError("fine"), nil) {
		if got := hideInError(r, err); got != err {
			t.Errorf("%v becomes %v, with nothing to hide", err, got)
		}
	}
}

// A shouting error panics with its text when it is read.
type shouting string

func (s shouting) Error() string { panic(string(s)) }
