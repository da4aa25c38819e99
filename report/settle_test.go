package report

import (
	"crypto/sha256"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"weak"
)

// snapshotOf is what an account protects of a source type: so many bytes in so
// many instances.
func snapshotOf(account, sourceType string, bytes, count int64) Snapshot {
	return Snapshot{AccountID: account, SourceType: sourceType, Amount: Amount{bytes, count}}
}

func settled(t testing.TB, d Day) DayRecord {
	t.Helper()
	s := Settings{TimeZone: "UTC", QuotaBytes: 1 << 60, Rules: DefaultRules()}
	link, err := Settle(d, s)
	if err != nil {
		t.Fatal(err)
	}
	return link.Record
}

// pairs spells what is due: account/type, of ECS_FILE where it names none.
func pairs(spelt string) (pairs []Pair) {
	for word := range strings.FieldsSeq(spelt) {
		account, sourceType, there := strings.Cut(word, "/")
		if !there {
			sourceType = "ECS_FILE"
		}
		pairs = append(pairs, Pair{account, sourceType})
	}
	return pairs
}

// spellAccounts is the status of a day and what it says of its accounts.
func spellAccounts(r DayRecord) string {
	a := r.Accounts
	text := fmt.Sprintf("%s %d/%d", r.Status, a.Collected, a.Expected)
	for _, f := range a.Failed {
		text += fmt.Sprintf(" !%s/%s", f.AccountID, f.SourceType)
	}
	for _, id := range a.NotActivated {
		text += " ~" + id
	}
	for _, id := range a.NotAttempted {
		text += " ?" + id
	}
	return text
}

func TestSettleAccounts(t *testing.T) {
	kept := func(spelt string) (snapshots []Snapshot) {
		for _, p := range pairs(spelt) {
			snapshots = append(snapshots, snapshotOf(p.AccountID, p.SourceType, 1, 1))
		}
		return snapshots
	}
	failed := func(spelt string) map[Pair]Failure {
		all := make(map[Pair]Failure)
		for _, p := range pairs(spelt) {
			all[p] = Failure{ErrorType: "SourceError", Message: "denied"}
		}
		return all
	}
	these := func(spelt string) map[Pair]bool {
		all := make(map[Pair]bool)
		for _, p := range pairs(spelt) {
			all[p] = true
		}
		return all
	}
	off := map[string]bool{"2": true}
	unknown := &Failure{ErrorType: "SourceError", Message: "list the accounts: denied"}
	// What a day's record said before: 2 failed, 3 has not activated Cloud Backup, nobody asked for 4.
	stored := settled(t, Day{Snapshots: kept("1"), Known: Known{
		Due: pairs("1 2 3 4"), Failed: failed("2"), NotActivated: map[string]bool{"3": true}, NotAttempted: these("4"),
	}})
	// An earlier version did not say which source types were asked for.
	older := DayRecord{Status: Partial, Accounts: Accounts{Expected: 1, NotAttempted: []string{"1"}}, Objects: []Object{{Key: SnapshotKey(0, "1", "DB")}}}
	complete := settled(t, Day{Snapshots: kept("1 2"), Known: Known{Due: pairs("1 2")}})
	withdrawn := complete.Withdraw("replaced", timeOf(t, "2026-11-23T20:17:01Z"))
	fleetless := settled(t, Day{Snapshots: kept("1"), Known: Known{Due: pairs("1"), Unknown: unknown}})
	for _, tt := range []struct {
		name string
		day  Day
		want string
	}{
		{"every account has its snapshot", Day{Snapshots: kept("1 2"), Known: Known{Due: pairs("1 2")}}, "complete 2/2"},
		{"an account failed", Day{Snapshots: kept("1"), Known: Known{Due: pairs("1 2"), Failed: failed("2")}}, "partial 1/2 !2/ECS_FILE"},
		{"one that is not due failed", Day{Snapshots: kept("1"), Known: Known{Due: pairs("1"), Failed: failed("2")}}, "partial 1/2 !2/ECS_FILE"},
		{"nobody says why an account is not there", Day{Snapshots: kept("1"), Known: Known{Due: pairs("1 2")}}, "partial 1/2 ?2"},
		{"one source type of an account failed", Day{Snapshots: kept("1 1/DB 2"), Known: Known{Due: pairs("1 1/DB 2 2/DB"), Failed: failed("2/DB")}}, "partial 1/2 !2/DB"},
		{"one source type of the only account failed", Day{Snapshots: kept("2/DB"), Known: Known{Due: pairs("2 2/DB"), Failed: failed("2")}}, "partial 0/1 !2/ECS_FILE"},
		{"all failed", Day{Known: Known{Due: pairs("2"), Failed: failed("2")}}, "missing 0/1 !2/ECS_FILE"},
		{"nothing is known", Day{}, "missing 0/0"},
		{"an account more than is due", Day{Snapshots: kept("1 2"), Known: Known{Due: pairs("1")}}, "complete 2/2"},
		{"an account has not activated the service", Day{Snapshots: kept("1"), Known: Known{Due: pairs("1 2"), NotActivated: off}}, "complete 1/2 ~2"},
		{"one source type failed of an account that has not activated another", Day{Snapshots: kept("1 1/DB"), Known: Known{Due: pairs("1 1/DB 2 2/DB"), Failed: failed("2"), NotActivated: off}}, "partial 1/2 !2/ECS_FILE"},
		{"an account was captured before it gave the service up", Day{Snapshots: kept("1 2"), Known: Known{Due: pairs("1 2"), NotActivated: off}}, "complete 2/2"},
		{"no run asked for an account", Day{Snapshots: kept("1"), Known: Known{Due: pairs("1 2"), NotAttempted: these("2")}}, "partial 1/2 ?2"},
		{"a run ended before an account's second source type", Day{Snapshots: kept("1 1/DB 2"), Known: Known{Due: pairs("1 1/DB 2 2/DB"), NotAttempted: these("2/DB")}}, "partial 1/2 ?2"},
		{"two source types are one account", Day{Snapshots: kept("1 1/DB"), Known: Known{Due: pairs("1 1/DB")}}, "complete 1/1"},
		{"the list of accounts could not be had", Day{Snapshots: kept("1"), Known: Known{Due: pairs("1"), Unknown: unknown}}, "partial 1/2 !/"},

		{"the record tells alone", Day{Snapshots: kept("1"), Stored: &stored}, "partial 1/4 !2/ECS_FILE ~3 ?4"},
		{"without a record the snapshots do", Day{Snapshots: kept("1")}, "complete 1/1"},
		{"another run gets what had failed", Day{Snapshots: kept("1 2"), Stored: &stored, Known: Known{Due: pairs("1 2 3 4")}}, "partial 2/4 ~3 ?4"},
		{"and another the rest", Day{Snapshots: kept("1 2 4"), Stored: &stored, Known: Known{Due: pairs("1 2 3 4")}}, "complete 3/4 ~3"},
		{"what was got is not missing in a rebuild", Day{Snapshots: kept("1 2 4"), Stored: &stored}, "complete 3/4 ~3"},
		{"half of an account is not all of it in a rebuild", Day{Snapshots: kept("1/DB"), Stored: &older}, "partial 0/1 ?1"},
		{"unless it came since", Day{Snapshots: kept("1/DB 1"), Stored: &older}, "complete 1/1"},
		{"what a run does not ask for stays as it was", Day{Snapshots: kept("1"), Stored: &stored, Known: Known{Due: pairs("1 2 3 4"), NotAttempted: these("4")}}, "partial 1/4 !2/ECS_FILE ~3 ?4"},
		{"who failed and left is not due any more", Day{Snapshots: kept("1"), Stored: &stored, Known: Known{Due: pairs("1 3 4")}}, "partial 1/3 ~3 ?4"},
		{"who activated it since, and failed", Day{Snapshots: kept("1"), Stored: &stored, Known: Known{Due: pairs("1 2 3 4"), Failed: failed("3")}}, "partial 1/4 !2/ECS_FILE !3/ECS_FILE ?4"},
		{"the list could be had before", Day{Snapshots: kept("1"), Stored: &stored, Known: Known{Due: pairs("1"), Unknown: unknown}}, "partial 1/5 !/ !2/ECS_FILE ~3 ?4"},
		{"the list can be had again", Day{Snapshots: kept("1 2"), Stored: &fleetless, Known: Known{Due: pairs("1 2")}}, "complete 2/2"},
		{"the list stays unknown in a rebuild", Day{Snapshots: kept("1"), Stored: &fleetless}, "partial 1/2 !/"},

		{"a complete day stays so when an account joins and fails", Day{Snapshots: kept("1 2"), Stored: &complete, Listed: these("1 2"), Known: Known{Due: pairs("1 2 3"), Failed: failed("3")}}, "complete 2/2 !3/ECS_FILE"},
		{"and when nobody gets to it", Day{Snapshots: kept("1 2"), Stored: &complete, Listed: these("1 2"), Known: Known{Due: pairs("1 2 3"), NotAttempted: these("3")}}, "complete 2/2"},
		{"and when the list cannot be had", Day{Snapshots: kept("1 2"), Stored: &complete, Listed: these("1 2"), Known: Known{Due: pairs("1"), Unknown: unknown}}, "complete 2/2"},
		{"who joined and was got counts", Day{Snapshots: kept("1 2 3"), Stored: &complete, Listed: these("1 2"), Known: Known{Due: pairs("1 2 3")}}, "complete 3/3"},
		{"a snapshot of a complete day is gone", Day{Snapshots: kept("1"), Stored: &complete, Listed: these("1 2")}, "partial 1/2"},
		{"and cannot be had again", Day{Snapshots: kept("1"), Stored: &complete, Listed: these("1 2"), Known: Known{Due: pairs("1 2"), Failed: failed("2")}}, "partial 1/2 !2/ECS_FILE"},
		{"all snapshots of a complete day are gone", Day{Stored: &complete, Listed: these("1 2")}, "missing 0/2"},
		{"a day that was being replaced is complete with what is there", Day{Snapshots: kept("1 2"), Stored: &withdrawn, Known: Known{Due: pairs("1 2"), Failed: failed("3")}}, "complete 2/2 !3/ECS_FILE"},
	} {
		if got := spellAccounts(settled(t, tt.day)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// What a rebuild finds is what the runs left: the record tells all of a day that its
// snapshots do not.
func TestSettleAgain(t *testing.T) {
	p := story(t, "", "1/a=3 2/a=3 3/b=1 | 1/a=1 2! 3? | 1/a=3 2/a=2 3~ | ? | 1/a=3 * | 1/a=3 2/a=1 1/=1 | - | 1/a=2 | 2/a=9")
	before := p.records()
	for i, r := range before {
		d := r.SnapshotDate
		day := p.captured(d, "-")
		day.Snapshots, day.Objects, day.Known = p.kept[d], slices.DeleteFunc(slices.Clone(r.Objects), func(o Object) bool { return !strings.HasPrefix(o.Key, SnapshotsDir) }), Known{Over: true}
		link, err := Settle(day, p.Settings)
		if err != nil || !reflect.DeepEqual(link.Record, r) {
			t.Errorf("day %d: settled again it is\n%+v (error %v), want\n%+v", i+1, link.Record, err, r)
		}
	}
}

func TestSettleExplains(t *testing.T) {
	at, later := timeOf(t, "2026-11-23T20:17:01.482+08:00"), timeOf(t, "2026-11-24T20:17:01Z")
	day, next := date(t, "2026-11-23"), date(t, "2026-11-24")
	failure := Failure{ErrorType: "SourceError", Message: "throttled"}
	stored := settled(t, Day{Known: Known{Cause: "the timer is off", At: at, ReportedOn: &day}})
	withdrawn := settled(t, Day{Snapshots: []Snapshot{snapshotOf("1", "A", 1, 1)}}).Withdraw("it is being replaced", at)
	for _, tt := range []struct {
		name string
		day  Day
		want string
	}{
		{"an account failed", Day{Known: Known{Failed: map[Pair]Failure{{"1", "A"}: failure}, At: at}}, "SourceError: throttled 2026-11-23T12:17:01Z -"},
		{"and others", Day{Known: Known{
			Failed:       map[Pair]Failure{{"1", "A"}: failure, {"1", "B"}: failure, {"2", "A"}: failure, {"2", "B"}: failure},
			NotAttempted: map[Pair]bool{{"3", "A"}: true, {"3", "B"}: true, {"1", "C"}: true}, At: at,
		}}, "SourceError: throttled (and 2 more accounts) 2026-11-23T12:17:01Z -"},
		{"accounts, not pairs, were not attempted", Day{Known: Known{NotAttempted: map[Pair]bool{{"3", "A"}: true, {"3", "B"}: true}}}, "1 account was not attempted - -"},
		{"two of them", Day{Known: Known{NotAttempted: map[Pair]bool{{"3", "A"}: true, {"4", "B"}: true}}}, "2 accounts were not attempted - -"},
		{"what the check says", Day{Known: Known{Cause: "nobody ran", At: at, ReportedOn: &next}}, "nobody ran 2026-11-23T12:17:01Z 2026-11-24"},
		{"nobody says anything", Day{}, "unknown - -"},
		{"what was known is kept", Day{Stored: &stored, Known: Known{Cause: "another", At: later, ReportedOn: &next}}, "the timer is off 2026-11-23T12:17:01Z 2026-11-23"},
		{"a failure that is known is the cause, and was noticed then", Day{Stored: &stored, Known: Known{Failed: map[Pair]Failure{{"1", "A"}: failure}, At: later}}, "SourceError: throttled 2026-11-23T12:17:01Z 2026-11-23"},
		{"that a day was being replaced explains nothing", Day{Stored: &withdrawn, Known: Known{Cause: "nobody ran"}}, "nobody ran 2026-11-23T12:17:01Z -"},
		{"bytes that are no text", Day{Known: Known{Cause: "reset\xff"}}, "reset\ufffd - -"},
		{"complete", Day{Snapshots: []Snapshot{snapshotOf("1", "A", 1, 1)}, Stored: &stored, Known: Known{Due: []Pair{{"1", "A"}}, Cause: "another", At: at, ReportedOn: &day}}, " - -"},
	} {
		r := settled(t, tt.day)
		got := r.Cause
		for _, at := range []string{fmt.Sprint(r.DetectedAt), fmt.Sprint(r.ReportedOn)} {
			if at == "<nil>" {
				at = "-"
			}
			got += " " + at
		}
		got = strings.ReplaceAll(strings.ReplaceAll(got, " +0000 UTC", "Z"), "23 12:", "23T12:")
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Records are compared with what they are decoded to, so they must not hold what
// JSON can't.
func TestRecordOfAnyBytes(t *testing.T) {
	r := settled(t, Day{Known: Known{Failed: map[Pair]Failure{{"1", "A"}: {Message: "\xc3: reset"}}}})
	if r.Accounts.Failed[0].Message != "\ufffd: reset" {
		t.Errorf("the record is %+v, want its texts in UTF-8", r)
	}
}

func TestSettleTimeZone(t *testing.T) {
	zoned := snapshotOf("1", "A", 1, 1)
	zoned.TimeZone = "Asia/Shanghai"
	kept := DayRecord{TimeZone: "Europe/Berlin", Status: Missing}
	for _, tt := range []struct {
		day  Day
		want string
	}{
		{Day{}, "UTC"}, {Day{Stored: &kept}, "Europe/Berlin"}, {Day{Stored: &kept, Snapshots: []Snapshot{zoned}}, "Asia/Shanghai"},
	} {
		if got := settled(t, tt.day).TimeZone; got != tt.want {
			t.Errorf("time_zone is %s, want %s", got, tt.want)
		}
	}
}

func TestSettleExcluded(t *testing.T) {
	r := settled(t, Day{Known: Known{Excluded: []string{"9", "8", "9"}}})
	if !slices.Equal(r.Accounts.Excluded, []string{"8", "9"}) {
		t.Errorf("excluded are %v, want 8 and 9", r.Accounts.Excluded)
	}
	if again := settled(t, Day{Stored: &r}); !slices.Equal(again.Accounts.Excluded, []string{"8", "9"}) {
		t.Errorf("a rebuild says %v, want what was stored", again.Accounts.Excluded)
	}
	if again := settled(t, Day{Stored: &r, Known: Known{Excluded: []string{}}}); len(again.Accounts.Excluded) > 0 {
		t.Errorf("a run without any says %v, want none", again.Accounts.Excluded)
	}
}

func TestLastCaptured(t *testing.T) {
	for _, tt := range []struct{ name, days, want string }{
		{"nothing is missing", "1/a=1 2/a=1 | 1/a=1 2/a=1", ""},
		{"an account fails", "1/a=1 2/a=1 | 1/a=1 2!", "2/ECS_FILE 1"},
		{"again and again", "1/a=1 2/a=1 | 1/a=1 2! | 1/a=1 2? | ? | 1/a=1 2!", "2/ECS_FILE 1"},
		{"nobody was asked", "1/a=1 2/a=1 | ?", ""},
		{"it was never captured", "1/a=1 2! | 1/a=1 2!", ""},
		{"it left", "1/a=1 2/a=1 | 1/a=1", ""},
		{"nobody knows whether it left", "1/a=1 2/a=1 | 1/a=1 *", "2/ECS_FILE 1"},
		{"it has not activated the service", "1/a=1 2/a=1 | 1/a=1 2~", ""},
		{"one source type of it", "1/a=1 1/DB:a=1 2/a=1 2/DB:a=1 | 1/a=1 1/DB:a=1 2/a=1 2!DB", "2/DB 1"},
		{"a source type is taken out", "1/a=1 1/DB:a=1 | 1/a=1", ""},
	} {
		p := story(t, "", tt.days)
		got := ""
		for _, c := range p.last().Accounts.LastCaptured {
			got += fmt.Sprintf("%s/%s %d", c.AccountID, c.SourceType, c.SnapshotDate-date(t, "2026-11-23")+1)
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// The tables of a link are those of its snapshots, and its record vouches for them.
func TestLinkTables(t *testing.T) {
	p := story(t, "", "1/a=1 2/=0 | 1/=0 | ?")
	d := date(t, "2026-11-23")
	link := p.links[d]
	for key, table := range map[string]Table{RegionsKey(d): link.Regions, TotalsKey(d): link.Totals} {
		if o, listed := link.Record.Object(key); !listed || !o.Holds(table.Data()) || o.Rows != table.Rows || table.Rows == 0 {
			t.Errorf("%s is %+v, listed %v; want %d rows of %q", key, o, listed, table.Rows, table.Data())
		}
	}
	if n := len(link.Record.Objects); n != 4 || !slices.IsSortedFunc(link.Record.Objects, func(a, b Object) int { return strings.Compare(a.Key, b.Key) }) {
		t.Errorf("objects are %+v, want two tables and two snapshots, sorted", link.Record.Objects)
	}
	if _, listed := p.links[d+1].Record.Object(RegionsKey(d + 1)); listed {
		t.Error("a day without regions lists a table of them")
	}
	if r := p.links[d+2].Record; len(r.Objects) > 0 || len(r.Totals) > 0 {
		t.Errorf("a missing day lists %v, %v; want nothing", r.Objects, r.Totals)
	}
}

// link hashes lines as the contract says it, by hand.
func link(lines ...string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(lines, "\n")+"\n")))
}

// The value of the contract, spelt out: the chain before, the day, and the sum and
// key of each snapshot.
func TestChain(t *testing.T) {
	d := date(t, "2026-11-23")
	const sum = "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356" // of {} and a line's end
	objects := []Object{
		{Key: "totals/dt=2026-11-23/totals.jsonl", SHA256: "no snapshot"},
		NewObject("snapshots/dt=2026-11-23/2-ECS_FILE.json", []byte("{}\n"), 1),
		NewObject("snapshots/dt=2026-11-23/1-ECS_FILE.json", []byte("{}\n"), 1),
	}
	lines := []string{"", "2026-11-23", sum + " snapshots/dt=2026-11-23/1-ECS_FILE.json", sum + " snapshots/dt=2026-11-23/2-ECS_FILE.json"}
	first := link(lines...)
	// $ printf '\n2026-11-23\nca3d…2356 snapshots/dt=2026-11-23/1-ECS_FILE.json\nca3d…2356 snapshots/dt=2026-11-23/2-ECS_FILE.json\n' | sha256sum
	if want := "f262ecff0c24bff00791ff53466ce7833a6634f50e1bc6aa9a9da5565185d549"; first != want {
		t.Fatalf("the value by hand is %s, want %s", first, want)
	}
	if got := Chain("", d, objects); got != first {
		t.Errorf("the first link is %s, want %s", got, first)
	}
	lines[0] = first
	if got, want := Chain(first, d, objects), link(lines...); got != want {
		t.Errorf("the second link is %s, want %s", got, want)
	}
	if got := Chain(first, d, objects[:1]); got != first {
		t.Errorf("of a day without snapshots it is %s, want that of the day before", got)
	}
	if !CheckChain(first) || CheckChain(strings.ToUpper(first)) || CheckChain(first[1:]) || CheckChain("") {
		t.Error("CheckChain takes what is no chain, or refuses one")
	}
}

func TestChainOfDays(t *testing.T) {
	p := story(t, "", "? | 1/a=1 | ? | 1/a=1 2! | - | 1/a=1")
	got := p.records()
	chain := func(before string, r DayRecord) string {
		lines := []string{before, r.SnapshotDate.String()}
		for _, o := range r.Objects {
			if strings.HasPrefix(o.Key, "snapshots/") {
				lines = append(lines, o.SHA256+" "+o.Key)
			}
		}
		return link(lines...)
	}
	second := chain("", got[1])
	fourth := chain(second, got[3])
	sixth := chain(fourth, got[5])
	for i, want := range []string{"", second, second, fourth, fourth, sixth} {
		if got[i].Chain != want || *got[i].HistoryBegins != got[0].SnapshotDate {
			t.Errorf("day %d: chain %s, the history begins %s, want %s and the first day", i+1, got[i].Chain, got[i].HistoryBegins, want)
		}
	}
	var previous []int
	for _, r := range got {
		n := 0
		if r.Previous != nil {
			n = int(*r.Previous-got[0].SnapshotDate) + 1
		}
		previous = append(previous, n)
	}
	if want := []int{0, 0, 2, 2, 4, 4}; !slices.Equal(previous, want) {
		t.Errorf("the days before with snapshots are %v, want %v", previous, want)
	}
}

// TestDayBeforeIsLetGo: who goes from day to day holds the last one, and not through it
// all that came before.
func TestDayBeforeIsLetGo(t *testing.T) {
	day := func(n Date, before *DayRecord) DayRecord {
		s := snapshotOf("1", "ECS_FILE", 1, 1)
		s.SnapshotDate, s.TimeZone = n, "UTC"
		return settled(t, Day{
			Date: n, Snapshots: []Snapshot{s}, Objects: []Object{NewObject(s.Key(), nil, 1)},
			Listed: map[Pair]bool{{"1", "ECS_FILE"}: true}, Before: before, Known: Known{Due: pairs("1")},
		})
	}
	first := new(DayRecord)
	*first = day(20000, nil)
	before := weak.Make(first)
	second := day(20001, first)
	first = nil
	runtime.GC()
	if before.Value() != nil {
		t.Error("the record of a day keeps that of the day before in memory")
	}
	if second.Previous == nil || *second.Previous != 20000 {
		t.Errorf("the day before with snapshots is %v, want the first", second.Previous)
	}
}

// Behind a record of before the chain of days there is none, until a rebuild has been
// through.
func TestChainBehindAnOlderRecord(t *testing.T) {
	p := story(t, "", "a=1 | a=1")
	d := date(t, "2026-11-23")
	old := p.links[d+1]
	old.Record.Chain, old.Record.HistoryBegins, old.Record.Previous = "", nil, nil
	p.links[d+1] = old
	for i := range Date(2) {
		next := p.settle(d+2+i, "a=1")
		if r := next.Record; r.Chain != "" || *r.HistoryBegins != d+1 || len(next.Warnings) != 1 ||
			!strings.HasPrefix(next.Warnings[0], "days/"+r.SnapshotDate.String()+".json: it has no chain, since days/"+(r.SnapshotDate-1).String()+".json has none") {
			t.Errorf("the day after has chain %q, begins %s, warnings %q; want none, with a warning", r.Chain, r.HistoryBegins, next.Warnings)
		}
	}
	if hole := p.settle(d+4, "?"); hole.Record.Chain != "" || len(hole.Warnings) != 1 {
		t.Errorf("a hole behind has chain %q, warnings %q; want none, with a warning", hole.Record.Chain, hole.Warnings)
	}
}

func TestSettleRefusesTooMuch(t *testing.T) {
	_, err := Settle(Day{Date: date(t, "2026-11-23"), Snapshots: []Snapshot{snapshotOf("1", "OSS", math.MaxInt64, 0), snapshotOf("2", "OSS", 1, 0)}}, Settings{QuotaBytes: 1})
	if want := "record of 2026-11-23: the sum of OSS over all accounts exceeds 2^63-1"; errorText(err) != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}
