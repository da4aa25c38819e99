package handler

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"backup-statistics/handler/fault"
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
	if req.Heartbeat {
		looks = append(looks, h.lookAtHeartbeat)
	}
	if req.Webhook {
		looks = append(looks, h.lookAtWebhook)
	}
	found := make([][]Check, len(looks))
	var all sync.WaitGroup
	for i, look := range looks {
		all.Go(func() {
			checks, err := guard(func() ([]Check, error) { return look(ctx), nil })
			if err != nil {
				checks = append(checks, Check{Name: "preflight", Status: CheckFailed, Found: err.Error(), Do: "report this"})
			}
			found[i] = checks
		})
	}
	all.Wait()
	res := &Result{
		Action: ActionPreflight, SnapshotDate: date, TimeZone: h.Config.Zone.String(), Status: CheckOK,
		Warnings: req.Warnings,
		Checks:   []Check{{Name: "time zone", Status: CheckOK, Found: fmt.Sprintf("%s, by IANA's release %s: the date of now is %v", h.Config.Zone, zones.Release(), date)}},
	}
	for _, checks := range found {
		res.Checks = append(res.Checks, checks...)
	}
	refused := slices.ContainsFunc(res.Checks, func(c Check) bool { return c.cause == fault.Clock })
	res.Checks = append(res.Checks, h.lookAtClock(refused)...)
	for _, c := range res.Checks {
		if c.Status == CheckFailed {
			res.Status = CheckFailed
		}
	}
	return res, nil
}

// look is a check of something that works or fails.
func look(name, found string, err error, do remedy) Check {
	if err != nil {
		return Check{Name: name, Status: CheckFailed, Found: err.Error(), Do: do.about(err), cause: fault.Of(err)}
	}
	return Check{Name: name, Status: CheckOK, Found: found}
}

// A remedy is what to do about a check that failed, where the cause leaves it open.
type remedy struct {
	policy   string // where the cause is the policy, or is not known
	endpoint string // where it has to do with the endpoint: which one, and what else to try
}

// about says what to do about an error. That follows from its cause, whichever check
// has met it.
func (do remedy) about(err error) string {
	advice := fault.Advice(err)
	switch fault.Of(err) {
	case fault.Policy, "":
		return do.policy
	case fault.Name, fault.Unreachable, fault.Certificate, fault.Stranger, fault.Unknown:
		if do.endpoint != "" {
			advice += ": " + do.endpoint
		}
	}
	return advice
}

// lookAtSource asks Cloud Backup for each account, as a run would.
func (h *Handler) lookAtSource(ctx context.Context) []Check {
	accounts, unknown := h.fleet(ctx)
	var checks []Check
	if h.Members != nil {
		checks = append(checks, look("member accounts", fmt.Sprintf("%d accounts, with the function's own", len(accounts)), unknown,
			remedy{
				"with MEMBER_ROLE_NAME the role needs resourcemanager:ListAccounts, in the directory's management account or a delegated administrator",
				"RESOURCE_DIRECTORY_ENDPOINT",
			}))
	}
	r := &run{Handler: h, Request: Request{DryRun: true}, occasion: report.Occasion{TimeZone: h.Config.Zone.String(), Trigger: report.Manual}}
	r.day = h.newDay(0, newDocuments(h.Store))
	jobs, _ := r.jobs(accounts, nil) // no account is named, so none is unknown
	outcomes := excuse(r.collect(ctx, jobs), func() bool { return false })
	do := remedy{"the role needs hbr:GetBasicStatistics on *", "CLOUD_BACKUP_ENDPOINT"}
	if h.Members != nil {
		do.policy += "; for members it needs sts:AssumeRole on their roles, which need hbr:GetBasicStatistics as well, and trust in the function's role with MEMBER_EXTERNAL_ID"
		do.endpoint += ", or STS_ENDPOINT for AssumeRole"
	}
	c := Check{Name: "cloud backup at " + h.Config.BackupEndpoint, Status: CheckOK}
	var failed, advice []string
	off := 0
	for _, o := range outcomes {
		if o.err != nil {
			failed = append(failed, o.err.Error())
			if what := do.about(o.err); !slices.Contains(advice, what) {
				advice = append(advice, what)
			}
			if cause := fault.Of(o.err); c.cause == "" || cause == fault.Clock {
				c.cause = cause
			}
		}
		if o.status == NotActivated {
			off++
		}
	}
	c.Found = fmt.Sprintf("%d of %d answered", len(outcomes)-off, len(outcomes))
	if off > 0 {
		c.Found += fmt.Sprintf(", %d have not activated Cloud Backup", off)
	}
	if len(failed) > 0 {
		const most = 10
		c.Status, c.Found = CheckFailed, fmt.Sprintf("%d of %d failed: %s", len(failed), len(outcomes), strings.Join(failed[:min(most, len(failed))], "; "))
		c.Do = strings.Join(advice, "; ")
	}
	return append(checks, c)
}

// lookAtReads lists and reads what is most likely not there.
func (h *Handler) lookAtReads(ctx context.Context) []Check {
	where := fmt.Sprintf("bucket %s in %s at %s", h.Config.Bucket, h.Config.OSSRegion, h.Config.OSSEndpoint)
	_, err := h.Store.List(ctx, report.SnapshotsDir, 1)
	checks := []Check{look("list "+where, "allowed", err, h.remedy("oss:ListObjects on the bucket"))}
	_, err = h.Store.Get(ctx, report.LatestKey)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return append(checks, look("read "+h.Config.Prefix, "allowed", err, h.remedy("oss:GetObject on the bucket's "+h.Config.Prefix+"*")))
}

// remedy is that of a check of the bucket, which needs a permission.
func (h *Handler) remedy(permission string) remedy {
	return remedy{"the role needs " + permission, "OSS_ENDPOINT; try https://oss-" + h.Config.OSSRegion + ".aliyuncs.com"}
}

func (h *Handler) lookAtWrites(ctx context.Context) []Check {
	p, ok := h.Store.(Prober)
	if !ok {
		return nil
	}
	err := p.ProbePut(ctx, "preflight")
	return []Check{look("write "+h.Config.Prefix, "allowed; nothing was written", err, h.remedy("oss:PutObject on the bucket's "+h.Config.Prefix+"*"))}
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
		c.unknown(err, h.remedy("oss:GetBucketVersioning"))
	case status == "":
		c.Found = "off: OSS itself refuses to overwrite a snapshot"
	default:
		c.Found = status + ": OSS does not refuse to overwrite; a run reads before it writes, and an older version of an object stays in the bucket"
	}
	return []Check{c}
}

// unknown notes that something could not be found out.
func (c *Check) unknown(err error, do remedy) {
	c.Status, c.Found, c.cause = CheckUnknown, err.Error(), fault.Of(err)
	c.Do = "nothing needs it; to see it here: " + do.about(err)
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
		c.unknown(err, h.remedy("oss:GetBucketWorm"))
	case state == "" || state == "Expired":
		c.Found = "none"
	default:
		c.Status, c.Found = CheckFailed, state+": no object of the bucket can be written twice"
		c.Do = "use a bucket without a retention policy: latest.json, the calendar, the trend and the page change every day"
	}
	return []Check{c}
}

// lookAtHeartbeat sends one, which whoever waits for it takes for a good day's: so it is
// tried only where that is asked for.
func (h *Handler) lookAtHeartbeat(ctx context.Context) []Check {
	if h.Heart == nil {
		return []Check{{Name: "heartbeat", Status: CheckFailed, Found: "HEARTBEAT_URL is not set", Do: "set HEARTBEAT_URL, or leave heartbeat out of the request"}}
	}
	err := h.Heart.Beat(ctx, Pulse{Date: report.DateOf(h.Now(), h.Config.Zone), Status: ActionPreflight, Deployment: h.Config.readers().Deployment})
	c := look("heartbeat", "it was taken", err, remedy{})
	if err != nil {
		c.Do, c.cause = "put HEARTBEAT_URL right: the address that the monitor shows for its check", ""
	}
	return []Check{c}
}

func (h *Handler) lookAtWebhook(ctx context.Context) []Check {
	if h.Notifier == nil {
		return []Check{{Name: "webhook", Status: CheckFailed, Found: "WEBHOOK_URL is not set", Do: "set WEBHOOK_URL, or leave webhook out of the request"}}
	}
	date := report.DateOf(h.Now(), h.Config.Zone)
	err := h.Notifier.Notify(ctx, Notice{
		Text:         h.Config.readers().TestMessage(date),
		SnapshotDate: date, TimeZone: h.Config.Zone.String(), Opened: []report.Alert{}, Closed: []report.ClosedAlert{},
	})
	if PerhapsDelivered(err) {
		return []Check{{Name: "webhook", Status: CheckUnknown, Found: err.Error(), Do: "look whether the test message arrived; if it did, WEBHOOK_KIND may name another kind of receiver than it is"}}
	}
	c := look("webhook", "it took a test message", err, remedy{})
	if err != nil { // it has codes of its own
		c.Do, c.cause = "put WEBHOOK_URL and WEBHOOK_SECRET right; a chat's robot may also ask for a keyword or an address list", ""
	}
	return []Check{c}
}

// lookAtClock holds our clock against the one of whoever answered last. Whatever that
// one tells, a request that was refused for its time says that ours is wrong.
func (h *Handler) lookAtClock(refused bool) []Check {
	if h.Skew == nil {
		return nil
	}
	ahead, known := h.Skew()
	c := Check{Name: "clock", Status: CheckOK, Found: fmt.Sprintf("the services' clock is ahead by %v", ahead)}
	switch {
	case !known:
		c.Status, c.Found, c.Do = CheckUnknown, "no service told its time", "look at the failed checks first"
	case ahead.Abs() <= 2*time.Second: // they tell whole seconds, and the answer takes its time
		c.Found = "agrees with the services'"
	}
	if refused {
		c.Found += "; a service refused a request for its time"
	}
	if refused || known && ahead.Abs() > 5*time.Minute {
		c.Status, c.Do = CheckFailed, fault.Clock.Advice()
	}
	return []Check{c}
}
