package entry

import (
	"context"
	"log/slog"
	"time"

	"github.com/aliyun/credentials-go/credentials"

	"backup-statistics/handler"
	"backup-statistics/handler/cloudbackup"
	"backup-statistics/handler/redact"
	"backup-statistics/handler/store"
	"backup-statistics/report"
)

// newHandler wires the clients of one invocation. It makes no request.
func newHandler(cfg *handler.Config, account string, credential credentials.Credential, web *handler.Web, secrets *redact.Redactor, log *slog.Logger) (*handler.Handler, error) {
	if err := report.CheckAccount(account); err != nil {
		return nil, &handler.ConfigError{Problems: []string{"the invocation's account: " + err.Error()}}
	}
	origin := store.Origin(cfg.OSSEndpoint, cfg.Bucket)
	far := func() bool { return web.Far(origin) }
	near, most := cfg.Connections()
	documents, err := store.NewOSS(store.Options{
		Endpoint: cfg.OSSEndpoint, Region: cfg.OSSRegion, Bucket: cfg.Bucket, Prefix: cfg.Prefix,
		Credential: credential, Web: web.Client, AtOnce: near, FarAtOnce: most, Far: far,
	})
	if err != nil {
		return nil, &handler.ConfigError{Problems: []string{err.Error()}}
	}
	own := &cloudbackup.Client{Endpoint: cfg.BackupEndpoint, Credential: credential, Web: web.Client}
	h := &handler.Handler{
		Config: cfg, Accounts: []handler.Account{{ID: account, Source: own}},
		Store: documents, Now: time.Now, Log: log, Redactor: secrets, Skew: web.Skew,
		Spare: func(ctx context.Context) { web.Spare(ctx, origin) }, Far: far,
	}
	if cfg.WebhookURL != "" {
		h.Notifier = &handler.Webhook{URL: cfg.WebhookURL, Secret: cfg.WebhookSecret, Kind: cfg.WebhookKind, Web: web.Client, Now: time.Now, Redactor: secrets}
	}
	if cfg.HeartbeatURL != "" {
		h.Heart = &handler.Heartbeat{URL: cfg.HeartbeatURL, Web: web.Client, Redactor: h.Redactor}
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
		arns, names := cfg.MemberRoleARNs, make(map[string]string)
		if cfg.MemberRoleName != "" {
			found, err := directory.Members(ctx)
			if err != nil {
				return nil, err
			}
			for _, m := range found {
				arns = append(arns, "acs:ram::"+m.ID+":role/"+cfg.MemberRoleName)
				names[m.ID] = m.Name
			}
		}
		var accounts []handler.Account
		for _, arn := range arns {
			id, _ := handler.SplitRoleARN(arn)
			accounts = append(accounts, handler.Account{ID: id, Name: names[id], Source: &cloudbackup.MemberAccount{
				STS: sts, Pace: pace, RoleARN: arn, Session: "backup-statistics", ExternalID: cfg.MemberExternalID.Reveal(),
				Backup: cloudbackup.Client{Endpoint: cfg.BackupEndpoint, Web: web.Client},
			}})
		}
		return accounts, nil
	}
}
