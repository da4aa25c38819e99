package handler

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"backup-statistics/report"
)

// A job is one snapshot to take: of one account and source type.
type job struct {
	account    Account
	sourceType string
}

// An outcome is what became of a job.
type outcome struct {
	job
	status   string
	snapshot *report.Snapshot // without the service's answer, which is large
	object   report.Object
	err      error // one of the package's types
}

// A run takes the snapshots of one day.
type run struct {
	*Handler
	Request
	occasion  report.Occasion
	day       *day
	documents *documents
	alone     bool // one job only: it may ask before it knows what is stored
	listed    func() (map[string]bool, error)
	withdraw  func() error // before a snapshot is replaced
}

// snapshot collects what the day lacks and refreshes what is derived from it.
func (h *Handler) snapshot(ctx context.Context, req Request) (*Result, error) {
	if req.DryRun { // it leaves nothing behind, and tells nobody
		dry := *h
		dry.Store, dry.Notifier, dry.Log = &rehearsal{Store: h.Store, written: make(map[string][]byte)}, nil, slog.New(slog.DiscardHandler)
		h = &dry
	}
	date := report.DateOf(req.At, h.Config.Zone)
	docs := newDocuments(h.Store)
	r := &run{Handler: h, Request: req, day: h.newDay(date, docs), documents: docs, occasion: report.Occasion{
		Date: date, TimeZone: h.Config.Zone.String(), Trigger: req.Trigger, ScheduledAt: req.ScheduledAt,
	}}
	accounts, unknown := h.fleet(ctx)
	jobs, err := r.jobs(accounts, unknown)
	if err != nil {
		return nil, err
	}
	outcomes := excuse(r.collect(ctx, jobs), func() bool { return r.others(jobs) })
	missed := unknown
	if unknown != nil && len(req.Accounts) > 0 { // nobody asked for the others
		r.documents.warn("%v", unknown)
		missed = nil
	}
	if r.DryRun {
		return r.rehearse(ctx, r.expected(accounts), outcomes, unknown, missed)
	}
	trend, derived := r.deriveUntilTrue(ctx, r.expected(accounts), outcomes, unknown)
	if failed := failures(outcomes, missed); failed != nil {
		if derived != nil {
			r.Log.Warn("the day's record could not be written", "error", derived)
		}
		return nil, failed
	}
	if derived != nil {
		return nil, derived
	}
	return r.result(outcomes, trend), nil
}

// deriveUntilTrue derives, and looks at the snapshots again afterwards where another
// run may have replaced what this one wrote or read: on a bucket that keeps versions,
// and by an overwrite. What is recorded is of the snapshots that are stored, whoever
// stored them; the last of the runs sees to it.
func (r *run) deriveUntilTrue(ctx context.Context, expected []job, outcomes []outcome, unknown error) (*report.Trend, error) {
	for {
		trend, err := r.derive(ctx, expected, outcomes, unknown)
		keeper, ok := r.Store.(interface{ KeepsVersions() bool })
		if err != nil || !r.Overwrite && !(ok && keeper.KeepsVersions()) {
			return trend, err
		}
		others, err := r.day.replaced(ctx)
		if err != nil || len(others) == 0 {
			return trend, err
		}
		for i, o := range outcomes {
			if o.err == nil && others[o.object.Key] {
				job := o.job
				if o, o.err = r.read(ctx, o.object.Key); o.err != nil {
					return trend, o.err
				}
				o.job, outcomes[i] = job, o
			}
		}
	}
}

// derive makes everything that follows from the day's snapshots. A day that is
// not complete gets its record only: the next run may complete it still, and
// the check says when it is too late for that.
func (r *run) derive(ctx context.Context, expected []job, outcomes []outcome, unknown error) (*report.Trend, error) {
	if _, err := r.listed(); err != nil { // from half of a day's snapshots nothing is derived
		return nil, err
	}
	why := reasons{expected: expected, failed: make(map[string]error), off: make(map[string]bool), unknown: unknown}
	for _, o := range outcomes {
		switch {
		case o.err != nil:
			why.failed[report.SnapshotKey(r.day.date, o.account.ID, o.sourceType)] = o.err
		case o.status == NotActivated:
			why.off[o.account.ID] = true
		default:
			r.day.add(o.snapshot, o.object)
		}
	}
	var l *ledger
	var reads errgroup.Group
	reads.Go(func() (err error) { l, err = r.openLedger(ctx, r.documents, r.day.date); return err })
	reads.Go(func() error { return r.documents.load(ctx, report.DayKey(r.day.date)) })
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	s, err := r.day.settle(ctx, why)
	if err != nil {
		return nil, err
	}
	if r.DryRun && (l.empty || l.damaged) { // there is nothing to judge by, or it would be made anew first
		return nil, nil
	}
	if s.record.Status != report.Complete && (l.empty || l.damaged || l.to < r.day.date) {
		if s.record.Alerts = l.open(r.day.date); s.stored != nil {
			s.record.Alerts = s.stored.Alerts
		}
		return nil, s.write(ctx)
	}
	if r.day.fresh && s.stored == nil && !l.damaged && (l.empty || l.to < r.day.date) { // what there is is of older days
		r.documents.absent(report.PageKey)
		l.fresh = true
	}
	if err := l.enter(ctx, s, func() ([]job, error) { return expected, unknown }); err != nil {
		return nil, err
	}
	return &l.trend, nil
}

// fleet is every account to collect: the function's own, and its members. The
// own one is collected also where the others can't be found out.
func (h *Handler) fleet(ctx context.Context) ([]Account, error) {
	if h.Members == nil {
		return h.Accounts, nil
	}
	ctx, stop := share(ctx, h.Now(), 3) // most of the time belongs to the collection
	defer stop()
	members, err := guard(func() ([]Account, error) { return h.Members(ctx) })
	if err != nil {
		return h.Accounts, &SourceError{fmt.Errorf("find the member accounts: %w", err)}
	}
	all := slices.Clone(h.Accounts)
	for _, m := range members {
		if !slices.ContainsFunc(h.Accounts, func(a Account) bool { return a.ID == m.ID }) {
			all = append(all, m)
		}
	}
	return all, nil
}

// expected are the snapshots that make a day complete: of all accounts, also
// where a run was narrowed to some of them.
func (h *Handler) expected(accounts []Account) []job {
	var jobs []job
	for _, a := range accounts {
		for _, s := range h.Config.SourceTypes {
			jobs = append(jobs, job{Account{ID: a.ID}, s}) // nobody is asked
		}
	}
	return jobs
}

// jobs are the snapshots that this run is asked for.
func (r *run) jobs(accounts []Account, unknown error) ([]job, error) {
	types := r.Request.SourceTypes
	if len(types) == 0 {
		types = r.Config.SourceTypes
	}
	asked := make(map[string]bool)
	for _, id := range r.Request.Accounts {
		asked[id] = true
	}
	narrowed := len(asked) > 0
	var jobs []job
	for _, a := range accounts {
		if narrowed && !asked[a.ID] {
			continue
		}
		delete(asked, a.ID)
		for _, s := range types {
			jobs = append(jobs, job{a, s})
		}
	}
	for _, id := range r.Request.Accounts {
		if asked[id] && unknown != nil {
			return nil, unknown
		}
		if asked[id] {
			return nil, &EventError{fmt.Errorf("accounts names %s, which is none of the %d accounts of this deployment: want such as %s", id, len(accounts), accounts[0].ID)}
		}
	}
	return jobs, nil
}

// collect takes the snapshots, some at once, each failing on its own.
func (r *run) collect(ctx context.Context, jobs []job) []outcome {
	asking, stop := reserve(ctx, r.Now())
	defer stop()
	r.alone = len(jobs) == 1
	r.listed = sync.OnceValues(func() (map[string]bool, error) {
		ctx, stop := share(ctx, r.Now(), 3) // a list that hangs must not cost the day
		defer stop()
		return r.day.list(ctx)
	})
	r.withdraw = sync.OnceValue(func() error { return r.day.withdraw(ctx) })
	outcomes := make([]outcome, len(jobs))
	var all errgroup.Group
	all.SetLimit(r.Config.Concurrency)
	for i, j := range jobs {
		all.Go(func() error {
			o, err := guard(func() (outcome, error) { return r.take(ctx, asking, j) })
			// Without the source: the credentials of thousands of accounts fill the memory.
			o.job, o.err = job{Account{ID: j.account.ID}, j.sourceType}, err
			outcomes[i] = o
			return nil
		})
	}
	all.Wait() //nolint:errcheck // each outcome has its own
	return outcomes
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

// noTime is an account that was not asked, since no time was left.
type noTime struct{}

func (noTime) Error() string { return "not attempted, no time was left" }

// NotAttempted tells that nothing is known of the account.
func (noTime) NotAttempted() bool { return true }

// notAttempted tells an account that was not asked from one that failed. A source
// may find out itself that there is no time for it.
func notAttempted(err error) bool {
	var state interface{ NotAttempted() bool }
	return errors.As(err, &state) && state.NotAttempted()
}

// take takes one snapshot, unless the day has it. A run of a single snapshot, as
// most are, asks Cloud Backup while it reads what is stored: the write then
// finds an open connection, and a day that has its snapshot already is the
// exception.
func (r *run) take(ctx, asking context.Context, j job) (outcome, error) {
	if asking.Err() != nil {
		return outcome{}, &SourceError{fmt.Errorf("account %s, %s: %w", j.account.ID, j.sourceType, noTime{})}
	}
	key := report.SnapshotKey(r.occasion.Date, j.account.ID, j.sourceType)
	asked := make(chan func() (report.Statistics, error), 1)
	ask := func() {
		s, err := guard(func() (report.Statistics, error) { return j.account.Source.Statistics(asking, j.sourceType) })
		asked <- func() (report.Statistics, error) { return s, err }
	}
	if r.alone {
		var cancel context.CancelFunc
		asking, cancel = context.WithCancel(asking)
		ended := make(chan struct{})
		defer func() { // nothing of this invocation goes on after its answer
			cancel()
			<-ended
		}()
		go func() {
			defer close(ended)
			ask()
		}()
	}
	stored, err := r.stored(ctx, key)
	if err != nil {
		return outcome{}, err
	}
	if stored && !r.Overwrite {
		return r.read(ctx, key)
	}
	if !r.alone {
		ask()
	}
	statistics, err := (<-asked)()
	if err != nil {
		return outcome{}, &SourceError{fmt.Errorf("account %s, %s: %w", j.account.ID, j.sourceType, err)}
	}
	snapshot := report.NewSnapshot(r.occasion, j.account.ID, j.sourceType, r.Now(), statistics)
	data, err := snapshot.Encode()
	if err != nil {
		return outcome{}, &SourceError{err}
	}
	snapshot.Response = nil
	r.day.saw(key, data)
	return r.keep(ctx, outcome{snapshot: &snapshot, object: report.NewObject(key, data, 1)}, data, stored)
}

// keep stores a snapshot: one that is stored already stays, unless it is to be
// replaced.
func (r *run) keep(ctx context.Context, o outcome, data []byte, stored bool) (outcome, error) {
	o.status = Written
	switch {
	case r.DryRun:
		o.status = DryRun
		return o, nil
	case !stored:
		err := r.Store.PutNew(ctx, o.object.Key, data)
		if err == nil {
			return o, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return outcome{}, &StoreError{err}
		}
		if !r.Overwrite { // another run was first
			return r.read(ctx, o.object.Key)
		}
	}
	if err := r.withdraw(); err != nil {
		return outcome{}, err
	}
	if err := r.Store.Put(ctx, o.object.Key, data); err != nil {
		return outcome{}, &StoreError{err}
	}
	o.status = Replaced
	return o, nil
}

// stored tells whether the day has a snapshot. Where the bucket can't be listed
// the document itself is read: a day is not lost for want of a list.
func (r *run) stored(ctx context.Context, key string) (bool, error) {
	if r.DryRun {
		return false, nil
	}
	if listed, err := r.listed(); err == nil {
		return listed[key], nil
	}
	switch _, err := r.Store.Get(ctx, key); {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, &StoreError{err}
	}
	return true, nil
}

// read reads a snapshot back that is stored already.
func (r *run) read(ctx context.Context, key string) (outcome, error) {
	snapshot, object, err := r.day.readSnapshot(ctx, key)
	return outcome{status: Exists, snapshot: snapshot, object: object}, err
}

// excuse takes an account that has not activated Cloud Backup for what it is, a
// state of that account, as long as others have something to tell, in this run or
// in another of the day. Where none has, the deployment asks the wrong accounts, and
// the day has nothing to say.
func excuse(outcomes []outcome, others func() bool) []outcome {
	off := func(o outcome) bool {
		var state interface{ NotActivated() bool }
		return errors.As(o.err, &state) && state.NotActivated()
	}
	tells := func(o outcome) bool { return o.err == nil }
	if !slices.ContainsFunc(outcomes, off) || !slices.ContainsFunc(outcomes, tells) && !others() {
		return outcomes
	}
	for i, o := range outcomes {
		if off(o) {
			outcomes[i].status, outcomes[i].err = NotActivated, nil
		}
	}
	return outcomes
}

// others tells whether the day has snapshots that this run was not asked for.
func (r *run) others(jobs []job) bool {
	stored, err := r.listed()
	stored = maps.Clone(stored)
	for _, j := range jobs {
		delete(stored, report.SnapshotKey(r.day.date, j.account.ID, j.sourceType))
	}
	return err == nil && len(stored) > 0
}

// failures is the error of a run: that of its only snapshot, or all of them.
func failures(outcomes []outcome, unknown error) error {
	var errs []error
	if unknown != nil {
		errs = append(errs, unknown)
	}
	for _, o := range outcomes {
		if o.err != nil {
			errs = append(errs, o.err)
		}
	}
	switch {
	case len(errs) == 0:
		return nil
	case len(outcomes) == 1 && unknown == nil:
		return errs[0]
	}
	return &AccountsError{errs}
}

func (r *run) result(outcomes []outcome, trend *report.Trend) *Result {
	res := &Result{
		Action: ActionSnapshot, SnapshotDate: r.occasion.Date, TimeZone: r.occasion.TimeZone,
		Status: statusOf(outcomes), Totals: r.day.totals(), FreeQuota: quotaOf(r.day.snapshots(), r.Config.FreeQuotaBytes),
		Alerts: open(trend), Warnings: append(r.Warnings, r.documents.warnings...),
	}
	if trend != nil {
		for _, d := range trend.Deltas {
			if trend.CompleteDate != nil && *trend.CompleteDate == r.occasion.Date && d.Days == 1 {
				res.Change = &Change{d.Since, d.Totals}
			}
		}
	}
	for _, o := range outcomes {
		res.add(r.Config.Prefix, o)
		if o.status != NotActivated && !o.snapshot.RegionsMatchTotal {
			res.Warnings = append(res.Warnings, fmt.Sprintf("account %s, %s: the regions do not add up to the total; both are recorded as the service says", o.account.ID, o.sourceType))
		}
	}
	return res
}

// open are the alerts of a trend, nil where nothing was judged.
func open(trend *report.Trend) []report.Alert {
	if trend == nil || trend.Days == nil {
		return nil
	}
	return append([]report.Alert{}, trend.Alerts...)
}

// rehearse answers what a run would that wrote what was collected. What the bucket
// can't tell for that is a warning: that Cloud Backup answers is told all the same.
func (r *run) rehearse(ctx context.Context, expected []job, outcomes []outcome, unknown, missed error) (*Result, error) {
	if failed := failures(outcomes, missed); failed != nil {
		return nil, failed
	}
	for _, o := range outcomes {
		if o.status == DryRun {
			r.day.add(o.snapshot, o.object)
		}
	}
	trend, err := r.derive(ctx, expected, outcomes, unknown)
	if err != nil {
		r.documents.warn("what would change and what would be open is not told: %v", err)
	}
	return r.result(outcomes, trend), nil
}

// A rehearsal is a store that keeps what is written to itself.
type rehearsal struct {
	Store
	mu      sync.Mutex
	written map[string][]byte
}

// Get returns what was written, or else what is stored.
func (s *rehearsal) Get(ctx context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	data, written := s.written[key]
	s.mu.Unlock()
	if written {
		return slices.Clone(data), nil
	}
	return s.Store.Get(ctx, key)
}

// Put writes nothing.
func (s *rehearsal) Put(_ context.Context, key string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written[key] = slices.Clone(data)
	return nil
}

// PutNew writes nothing.
func (s *rehearsal) PutNew(ctx context.Context, key string, data []byte) error {
	return s.Put(ctx, key, data)
}

// statusOf is the strongest of what became of the snapshots.
func statusOf(outcomes []outcome) string {
	for _, status := range []string{DryRun, Replaced, Written} {
		if slices.ContainsFunc(outcomes, func(o outcome) bool { return o.status == status }) {
			return status
		}
	}
	return Exists
}

// quotaOf is the use of the free quota by the account that uses the most of it.
func quotaOf(snapshots []report.Snapshot, quota int64) *QuotaResult {
	used := make(map[string]report.Amount)
	for _, s := range snapshots {
		used[s.AccountID], _ = used[s.AccountID].Plus(s.Amount)
	}
	var most string
	for id, a := range used {
		if b := used[most]; most == "" || a.ProtectedDataBytes > b.ProtectedDataBytes ||
			a.ProtectedDataBytes == b.ProtectedDataBytes && id < most {
			most = id
		}
	}
	if most == "" {
		return nil
	}
	return &QuotaResult{most, report.NewQuota(used[most].ProtectedDataBytes, quota)}
}
