package handler

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"backup-statistics/report"
	"backup-statistics/report/zones"
)

// A Prober is a store that can be looked at without leaving a trace. A store.OSS
// is one.
type Prober interface {
	ProbePut(ctx context.Context, key string) error
	Versioning(ctx context.Context) (string, error)
	Retention(ctx context.Context) (string, error)
}

// preflight tries what a daily run needs, and answers a list of what it found
// and what to do about it. It captures nothing and leaves nothing behind.
func (h *Handler) preflight(ctx context.Context, req Request) (*Result, error) {
	date := report.DateOf(req.At, h.Config.Zone)
	looks := []func(context.Context) []Check{h.lookAtSource, h.lookAtReads, h.lookAtWrites, h.lookAtVersioning, h.lookAtRetention}
	if req.Webhook {
		looks = append(looks, h.lookAtWebhook)
	}
	found := make([][]Check, len(looks))
	var all sync.WaitGroup
	for i, look := range looks {
		all.Go(func() {
			checks, err := guard(func() ([]Check, error) { return look(ctx), nil })
			if err != nil {
				checks = append(checks, Check{"preflight", CheckFailed, err.Error(), "report this"})
			}
			found[i] = checks
		})
	}
	all.Wait()
	res := &Result{
		Action: ActionPreflight, SnapshotDate: date, TimeZone: h.Config.Zone.String(), Status: CheckOK,
		Alerts: []report.Alert{}, Warnings: req.Warnings,
		Checks: []Check{{"time zone", CheckOK, fmt.Sprintf("%s, by IANA's release %s: the date of now is %v", h.Config.Zone, zones.Release(), date), ""}},
	}
	for _, checks := range append(found, h.lookAtClock()) {
		res.Checks = append(res.Checks, checks...)
	}
	for _, c := range res.Checks {
		if c.Status == CheckFailed {
			res.Status = CheckFailed
		}
	}
	return res, nil
}

// look is a check of something that works or fails.
func look(name, found string, err error, do string) Check {
	if err != nil {
		return Check{name, CheckFailed, err.Error(), do}
	}
	return Check{name, CheckOK, found, ""}
}

// lookAtSource asks Cloud Backup for each account, as a run would.
func (h *Handler) lookAtSource(ctx context.Context) []Check {
	accounts, unknown := h.fleet(ctx)
	var checks []Check
	if h.Members != nil {
		checks = append(checks, look("member accounts", fmt.Sprintf("%d accounts, with the function's own", len(accounts)), unknown,
			"with MEMBER_ROLE_NAME the role needs resourcemanager:ListAccounts, in the directory's management account or a delegated administrator"))
	}
	r := &run{Handler: h, Request: Request{DryRun: true}, occasion: report.Occasion{TimeZone: h.Config.Zone.String(), Trigger: report.Manual}}
	r.day = h.newDay(0, newDocuments(h.Store))
	jobs, _ := r.jobs(accounts, nil) // no account is named, so none is unknown
	outcomes := excuse(r.collect(ctx, jobs), func() bool { return false })
	var failed []string
	off := 0
	for _, o := range outcomes {
		if o.err != nil {
			failed = append(failed, o.err.Error())
		}
		if o.status == NotActivated {
			off++
		}
	}
	c := Check{Name: "cloud backup at " + h.Config.BackupEndpoint, Status: CheckOK, Found: fmt.Sprintf("%d of %d answered", len(outcomes)-off, len(outcomes))}
	if off > 0 {
		c.Found += fmt.Sprintf(", %d have not activated Cloud Backup", off)
	}
	if len(failed) > 0 {
		const most = 10
		c.Status, c.Found = CheckFailed, fmt.Sprintf("%d of %d failed: %s", len(failed), len(outcomes), strings.Join(failed[:min(most, len(failed))], "; "))
		c.Do = "the role needs hbr:GetBasicStatistics on *; a region without Cloud Backup needs CLOUD_BACKUP_ENDPOINT"
		if h.Members != nil {
			c.Do += "; for members it needs sts:AssumeRole on their roles, which need hbr:GetBasicStatistics as well, and trust in the function's role with MEMBER_EXTERNAL_ID"
		}
	}
	return append(checks, c)
}

// lookAtReads lists and reads what is most likely not there.
func (h *Handler) lookAtReads(ctx context.Context) []Check {
	where := fmt.Sprintf("bucket %s in %s at %s", h.Config.Bucket, h.Config.OSSRegion, h.Config.OSSEndpoint)
	_, err := h.Store.List(ctx, report.SnapshotsDir, 1)
	checks := []Check{look("list "+where, "allowed", err,
		"NoSuchBucket: create it; AccessDenied: the role needs oss:ListObjects on the bucket, or OSS_ENDPOINT is of another region than the bucket; InvalidArgument, or a signature that is refused: OSS_REGION must be the bucket's; no connection: try OSS_ENDPOINT=https://oss-"+h.Config.OSSRegion+".aliyuncs.com")}
	_, err = h.Store.Get(ctx, report.LatestKey)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return append(checks, look("read "+h.Config.Prefix, "allowed", err, "the role needs oss:GetObject on the bucket's "+h.Config.Prefix+"*"))
}

func (h *Handler) lookAtWrites(ctx context.Context) []Check {
	p, ok := h.Store.(Prober)
	if !ok {
		return nil
	}
	err := p.ProbePut(ctx, "preflight")
	return []Check{look("write "+h.Config.Prefix, "allowed; nothing was written", err, "the role needs oss:PutObject on the bucket's "+h.Config.Prefix+"*")}
}

// lookAtVersioning says what create-once rests on.
func (h *Handler) lookAtVersioning(ctx context.Context) []Check {
	p, ok := h.Store.(Prober)
	if !ok {
		return nil
	}
	status, err := p.Versioning(ctx)
	c := Check{Name: "versioning", Status: CheckOK}
	switch {
	case err != nil:
		c.Status, c.Found = CheckUnknown, err.Error()
		c.Do = "nothing needs it; to see it here the role needs oss:GetBucketVersioning"
	case status == "":
		c.Found = "off: OSS itself refuses to overwrite a snapshot"
	default:
		c.Found = status + ": OSS does not refuse to overwrite; a run reads before it writes, and an older version of an object stays in the bucket"
	}
	return []Check{c}
}

// lookAtRetention warns of a policy under which what is derived can't be
// written again.
func (h *Handler) lookAtRetention(ctx context.Context) []Check {
	p, ok := h.Store.(Prober)
	if !ok {
		return nil
	}
	state, err := p.Retention(ctx)
	c := Check{Name: "retention policy", Status: CheckOK}
	switch {
	case err != nil:
		c.Status, c.Found = CheckUnknown, err.Error()
		c.Do = "nothing needs it; to see it here the role needs oss:GetBucketWorm"
	case state == "" || state == "Expired":
		c.Found = "none"
	default:
		c.Status, c.Found = CheckFailed, state+": no object of the bucket can be written twice"
		c.Do = "use a bucket without a retention policy: latest.json, the trend and the page change every day"
	}
	return []Check{c}
}

func (h *Handler) lookAtWebhook(ctx context.Context) []Check {
	if h.Notifier == nil {
		return []Check{{"webhook", CheckFailed, "WEBHOOK_URL is not set", "set WEBHOOK_URL, or leave webhook out of the request"}}
	}
	date := report.DateOf(h.Now(), h.Config.Zone)
	err := h.Notifier.Notify(ctx, Notice{
		Text:         fmt.Sprintf("Cloud Backup statistics, %v\nA test: alerts arrive here. Nothing happened.\n", date),
		SnapshotDate: date, TimeZone: h.Config.Zone.String(), Opened: []report.Alert{}, Closed: []report.Alert{},
	})
	if PerhapsDelivered(err) {
		return []Check{{"webhook", CheckUnknown, err.Error(), "look whether the test message arrived; if it did, WEBHOOK_KIND may name another kind of receiver than it is"}}
	}
	return []Check{look("webhook", "it took a test message", err, "put WEBHOOK_URL and WEBHOOK_SECRET right; a chat's robot may also ask for a keyword or an address list")}
}

// lookAtClock holds our clock against the one of whoever answered last.
func (h *Handler) lookAtClock() []Check {
	if h.Skew == nil {
		return nil
	}
	ahead, known := h.Skew()
	switch {
	case !known:
		return []Check{{"clock", CheckUnknown, "no service told its time", "look at the failed checks first"}}
	case ahead.Abs() <= 2*time.Second: // they tell whole seconds, and the answer takes its time
		return []Check{{"clock", CheckOK, "agrees with the services'", ""}}
	case ahead.Abs() > 5*time.Minute:
		return []Check{{"clock", CheckFailed, fmt.Sprintf("the services' clock is ahead by %v", ahead), "put this machine's clock right: signatures hold for 15 minutes"}}
	}
	return []Check{{"clock", CheckOK, fmt.Sprintf("the services' clock is ahead by %v", ahead), ""}}
}
