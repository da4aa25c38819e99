package handler

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"backup-statistics/report"
)

// A job is one snapshot to take: of one account and source type.
type job struct {
	account    Account
	sourceType string
}

func (j job) pair() report.Pair {
	return report.Pair{AccountID: j.account.ID, SourceType: j.sourceType}
}

// An outcome is what became of a job.
type outcome struct {
	job
	status string
	*found       // nil where there is none
	err    error // one of the package's types
}

// A run takes the snapshots of one day.
type run struct {
	*Handler
	Request
	*walk
	occasion report.Occasion
	day      *day
	alone    bool // one job only: it may ask before it knows what is stored
	listed   func() error
	withdraw func() error // before a snapshot is replaced
}

// snapshot collects what the day lacks and refreshes what is derived from it, in four
// steps: what settling the day needs is read while Cloud Backup is asked; what it answers
// is stored, before anything else is; the day is settled; and what follows is written.
func (h *Handler) snapshot(ctx context.Context, req Request) (*Result, error) {
	if req.DryRun {
		h = h.rehearse()
	}
	date := report.DateOf(req.At, h.Config.Zone)
	docs := newDocuments(h.Store)
	r := &run{Handler: h, Request: req, day: h.newDay(date, docs), occasion: report.Occasion{
		Date: date, TimeZone: h.Config.Zone.String(), Trigger: req.Trigger, ScheduledAt: req.ScheduledAt,
	}}
	read := make(chan error, 1)
	defer func() { // nothing of this invocation goes on after its answer
		if read != nil {
			<-read
		}
	}()
	reading, stop := context.WithCancel(ctx)
	defer stop()
	accounts, unknown := h.fleet(ctx)
	expected := h.expected(accounts)
	r.walk = h.newWalk(docs, func() ([]report.Pair, error) { return expected, unknown })
	jobs, err := r.jobs(accounts, unknown)
	if err != nil {
		read = nil
		return nil, err
	}
	collecting, collected := context.WithCancel(reading)
	defer collected()
	go func() {
		_, err := guard(func() (any, error) { return nil, r.read(reading, date, collecting) })
		read <- err
	}()
	outcomes := excuse(r.collect(ctx, jobs), func() bool { return r.others(jobs) })
	collected()
	missed := unknown
	if unknown != nil && len(req.Accounts) > 0 { // nobody asked for the others
		docs.warn("%v", unknown)
		missed = nil
	}
	failed := failures(outcomes, missed)
	known, derived := r.known(outcomes, expected, unknown), <-read
	known.Names = namesOf(accounts)
	read = nil
	if r.DryRun && failed != nil {
		return nil, failed
	}
	if derived == nil {
		derived = r.derive(ctx, known)
	}
	if failed != nil {
		if derived != nil {
			r.Log.Warn("the day's record could not be written", "error", h.Redactor.Text(derived.Error()))
		}
		return nil, failed
	}
	if derived != nil && !r.DryRun {
		return nil, derived
	}
	if derived != nil {
		docs.warn("nothing was compared with earlier days: %v", derived)
	}
	r.beat(ctx, docs, r.asked)
	return r.result(outcomes), nil
}

// known is what the run found out about the day.
func (r *run) known(outcomes []outcome, expected []report.Pair, unknown error) report.Known {
	known := report.Known{
		Due: expected, Excluded: append([]string{}, r.Config.ExcludeAccounts...), Unknown: r.unknown(unknown),
		Failed: make(map[report.Pair]report.Failure), NotAttempted: make(map[report.Pair]bool), NotActivated: make(map[string]bool),
	}
	for _, o := range outcomes {
		switch p := o.pair(); {
		case o.err != nil && notAttempted(o.err):
			known.NotAttempted[p] = true
		case o.err != nil:
			known.Failed[p] = r.failure(o.err)
		case o.status == NotActivated:
			known.NotActivated[p.AccountID] = true
		default:
			r.day.add(o.found)
		}
	}
	return known
}

// derive settles the day and writes what follows from its snapshots. From half of a day's
// snapshots nothing is derived.
func (r *run) derive(ctx context.Context, known report.Known) error {
	if err := r.listed(); err != nil {
		return err
	}
	if err := r.reach(ctx, r.day.date); err != nil {
		return err
	}
	return r.settleUntilSeen(ctx, r.day, known, r.Overwrite)
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
		if !slices.ContainsFunc(h.Accounts, func(a Account) bool { return a.ID == m.ID }) && !slices.Contains(h.Config.ExcludeAccounts, m.ID) {
			all = append(all, m)
		}
	}
	return all, nil
}

// expected are the snapshots that make a day complete: of all accounts, also
// where a run was narrowed to some of them.
func (h *Handler) expected(accounts []Account) (pairs []report.Pair) {
	for _, a := range accounts {
		for _, s := range h.Config.SourceTypes {
			pairs = append(pairs, report.Pair{AccountID: a.ID, SourceType: s})
		}
	}
	return pairs
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
	r.listed = sync.OnceValue(func() error {
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
	asked := make(chan func() (*draft, error), 1)
	ask := func() {
		d, err := guard(func() (*draft, error) { return r.ask(asking, j) })
		if err != nil {
			err = &SourceError{fmt.Errorf("account %s, %s: %w", j.account.ID, j.sourceType, err)}
		}
		asked <- func() (*draft, error) { return d, err }
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
	stored, err := r.stored(ctx, j.pair())
	if err != nil {
		return outcome{}, err
	}
	if stored && !r.Overwrite {
		return r.readBack(ctx, j.pair())
	}
	if !r.alone {
		ask()
	}
	d, err := (<-asked)()
	if err != nil {
		return outcome{}, err
	}
	return r.keep(ctx, d, stored)
}

// A draft is a snapshot that is ready to be stored.
type draft struct {
	whole report.Snapshot // with the answer of the service
	outcome
	data []byte
}

// ask asks Cloud Backup, and makes ready what there is to store: a run of a single
// snapshot waits for the bucket meanwhile.
func (r *run) ask(ctx context.Context, j job) (*draft, error) {
	statistics, err := j.account.Source.Statistics(ctx, j.sourceType)
	if err != nil {
		return nil, err
	}
	d := &draft{whole: report.NewSnapshot(r.occasion, j.account.ID, j.sourceType, r.Now(), statistics)}
	return d, d.encode(Written)
}

// encode makes the document. The service's answer is let go of in the outcome: it is large,
// and in the document.
func (d *draft) encode(status string) (err error) {
	if d.data, err = d.whole.Encode(); err != nil {
		return err
	}
	kept := d.whole
	kept.Response = nil
	d.outcome = outcome{status: status, found: &found{&kept, report.NewObject(kept.Key(), d.data, 1), md5Of(d.data)}}
	return nil
}

// keep stores a snapshot: one that is stored already stays, unless it is to be
// replaced.
func (r *run) keep(ctx context.Context, d *draft, stored bool) (outcome, error) {
	if r.DryRun {
		d.status = DryRun
		return d.outcome, nil
	}
	if !stored {
		err := r.Store.PutNew(ctx, d.object.Key, d.data)
		if err == nil {
			return d.outcome, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return outcome{}, &StoreError{err}
		}
		if !r.Overwrite { // another run was first
			return r.readBack(ctx, report.Pair{AccountID: d.whole.AccountID, SourceType: d.whole.SourceType})
		}
	}
	d.whole.Replaces = true
	if err := d.encode(Replaced); err != nil {
		return outcome{}, &SourceError{err}
	}
	if err := r.withdraw(); err != nil {
		return outcome{}, err
	}
	if err := r.Store.Put(ctx, d.object.Key, d.data); err != nil {
		return outcome{}, &StoreError{err}
	}
	return d.outcome, nil
}

// stored tells whether the day has a snapshot. Where the bucket can't be listed
// the document itself is read: a day is not lost for want of a list.
func (r *run) stored(ctx context.Context, p report.Pair) (bool, error) {
	if r.DryRun {
		return false, nil
	}
	if r.listed() == nil {
		return r.day.has(p), nil
	}
	switch _, err := r.Store.Get(ctx, r.day.key(p)); {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, &StoreError{err}
	}
	return true, nil
}

// readBack reads a snapshot back that is stored already.
func (r *run) readBack(ctx context.Context, p report.Pair) (outcome, error) {
	f, err := r.day.read(ctx, p)
	return outcome{status: Exists, found: f}, err
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
	if r.listed() != nil {
		return false
	}
	asked := make(map[report.Pair]bool)
	for _, j := range jobs {
		asked[j.pair()] = true
	}
	for p := range r.day.listed {
		if !asked[p] {
			return true
		}
	}
	return false
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

// result is the answer: what became of the snapshots, and what the day says.
func (r *run) result(outcomes []outcome) *Result {
	snapshots := r.day.snapshots()
	totals, err := report.TotalsOf(snapshots)
	if err != nil {
		r.documents.warn("%v: totals are left out", err)
	}
	res := &Result{
		Action: ActionSnapshot, SnapshotDate: r.occasion.Date, TimeZone: r.occasion.TimeZone,
		Status: statusOf(outcomes), Totals: totals, FreeQuota: quotaOf(snapshots, r.Config.FreeQuotaBytes),
	}
	if r.judged(res); r.DryRun && r.views.before == nil { // there was nothing to judge by
		res.Alerts = nil
	}
	res.Warnings = append(slices.Clone(r.Warnings), r.documents.warnings...)
	for _, o := range outcomes {
		if kept := r.day.kept[o.pair()]; kept != nil { // as it is stored, whoever stored it
			o.found = kept
		}
		res.add(r.Config.Prefix, o)
		if o.status != NotActivated && !o.snapshot.RegionsMatchTotal {
			res.Warnings = append(res.Warnings, fmt.Sprintf("account %s, %s: the regions do not add up to the total; both are recorded as the service says", o.account.ID, o.sourceType))
		}
	}
	return res
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

func (r *Result) add(prefix string, o outcome) {
	const most = 100 // an answer is read in a console, and its size is limited
	if len(r.Accounts) == most {
		r.Omitted++
		return
	}
	a := AccountResult{AccountID: o.account.ID, SourceType: o.sourceType, Status: o.status}
	if o.status != NotActivated {
		a.Key, a.Amount = prefix+o.object.Key, &o.snapshot.Amount
	}
	r.Accounts = append(r.Accounts, a)
}
