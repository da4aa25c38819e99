package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const tenGiB = 10 << 30

// A played history settles days one after the other, as runs do, and keeps what a
// bucket would.
type played struct {
	t testing.TB
	Settings
	links map[Date]Link
	kept  map[Date][]Snapshot
	due   []Pair // of the day that was settled last
	tells bool   // people are told after each day
}

func play(t testing.TB, rules string) *played {
	t.Helper()
	r, err := ParseRules(rules)
	if err != nil {
		t.Fatal(err)
	}
	return &played{
		t: t, links: make(map[Date]Link), kept: make(map[Date][]Snapshot),
		Settings: Settings{TimeZone: "Asia/Shanghai", QuotaBytes: 10 * tenGiB, Rules: r, Tells: true}, tells: true,
	}
}

// story plays days in a row from 2026-11-23 on, spelt as captured reads them,
// separated by |; "x 3" behind a day repeats it.
func story(t testing.TB, rules, spelt string) *played {
	t.Helper()
	p := play(t, rules)
	for day := range strings.SplitSeq(spelt, "|") {
		day, times, _ := strings.Cut(day, "x")
		n, _ := strconv.Atoi(strings.TrimSpace(times))
		for range max(1, n) {
			p.settle(date(t, "2026-11-23")+Date(len(p.links)), day)
		}
	}
	return p
}

// records are all of a history's, oldest first.
func (p *played) records() (records []DayRecord) {
	for _, d := range slices.Sorted(maps.Keys(p.links)) {
		records = append(records, p.links[d].Record)
	}
	return records
}

func (p *played) last() DayRecord {
	records := p.records()
	return records[len(records)-1]
}

// trend is made of all links.
func (p *played) trend() (t Trend) {
	for _, d := range slices.Sorted(maps.Keys(p.links)) {
		t.Enter(NewDayFacts(p.links[d].Record, p.links[d].Figures), p.Settings)
	}
	return t
}

// settle settles a day, or settles it again, and keeps the link. People hear of what it
// has to tell, unless the history says otherwise.
func (p *played) settle(d Date, spelt string) Link {
	p.t.Helper()
	day := p.captured(d, spelt)
	link, err := Settle(day, p.Settings)
	if err != nil {
		p.t.Fatal(err)
	}
	if p.tells {
		link.Record = link.Record.Tell()
	}
	p.links[d], p.kept[d] = link, day.Snapshots
	return link
}

// captured is a day as a run leaves it. It is spelt as account/region=instances of
// 10 GiB each, with account 1 and the source type ECS_FILE unless it says DB:region;
// without a region the number counts in the total only. All accounts that are spelt
// are due, with all source types: 2! failed (2!DB one of its types), 2? was not
// attempted, 2~ has not activated Cloud Backup. A * behind a day is a list of accounts
// that could not be had. "?" is a day on which the service is down, "-" one of which
// nobody knows anything.
func (p *played) captured(d Date, spelt string) Day {
	p.t.Helper()
	at := time.Unix(int64(d)*86400+60, 0)
	day := Day{Date: d, Base: p.base(d), Known: Known{
		Over: true, At: at, Excluded: []string{}, Failed: make(map[Pair]Failure), NotAttempted: make(map[Pair]bool), NotActivated: make(map[string]bool),
	}}
	if link, there := p.links[d]; there {
		day.Stored = &link.Record
	}
	if link, there := p.links[d-1]; there {
		day.Before = &link.Record
	}
	spelt = strings.TrimSpace(spelt)
	switch spelt {
	case "-":
		day.Known.Cause = "nobody ran"
		return day
	case "?":
		day.Known.Due = p.due
		if len(p.due) == 0 {
			day.Known.Due = []Pair{{"1", "ECS_FILE"}}
		}
		for _, pair := range day.Known.Due {
			day.Known.Failed[pair] = Failure{ErrorType: "SourceError", Message: "the service is down"}
		}
		return day
	}
	stats := answers(p.t, spelt)
	types, accounts := make(map[string]bool), make(map[string]bool)
	for pair, s := range stats {
		types[pair.SourceType], accounts[pair.AccountID] = true, true
		day.Snapshots = append(day.Snapshots, NewSnapshot(Occasion{Date: d, TimeZone: "Asia/Shanghai", Trigger: Timer},
			pair.AccountID, pair.SourceType, at, s))
	}
	day.Snapshots = SortSnapshots(day.Snapshots)
	for _, s := range day.Snapshots {
		data, err := s.Encode()
		if err != nil {
			p.t.Fatal(err)
		}
		day.Objects = append(day.Objects, NewObject(s.Key(), data, 1))
	}
	for word := range strings.FieldsSeq(spelt) {
		if _, sourceType, _ := strings.Cut(word, "!"); sourceType != "" {
			types[sourceType] = true
		}
	}
	if len(types) == 0 {
		types["ECS_FILE"] = true
	}
	day.Listed = make(map[Pair]bool)
	for pair := range stats {
		day.Listed[pair] = true
	}
	for word := range strings.FieldsSeq(spelt) {
		at := strings.IndexAny(word, "!?~")
		if word == "*" {
			day.Known.Unknown = &Failure{ErrorType: "SourceError", Message: "list the accounts: denied"}
		}
		if at <= 0 {
			continue
		}
		id := word[:at]
		accounts[id] = true
		for sourceType := range types {
			pair := Pair{id, sourceType}
			_, there := stats[pair]
			switch {
			case there || word[at+1:] != "" && word[at+1:] != sourceType:
			case word[at] == '!':
				day.Known.Failed[pair] = Failure{ErrorType: "SourceError", Message: "denied"}
			case word[at] == '?':
				day.Known.NotAttempted[pair] = true
			default:
				day.Known.NotActivated[id] = true
			}
		}
	}
	for id := range accounts {
		for sourceType := range types {
			if _, there := stats[Pair{id, sourceType}]; there || len(types) == 1 || day.Known.NotActivated[id] || day.Known.Failed[Pair{id, sourceType}].ErrorType != "" {
				day.Known.Due = append(day.Known.Due, Pair{id, sourceType})
			}
		}
	}
	day.Known.Due = sorted(day.Known.Due, Pair.precedes)
	p.due = day.Known.Due
	return day
}

// base are the last numbers of each pair before a day: those of the newest day that has
// some, and of what it lacks those of the day that it names.
func (p *played) base(d Date) Figures {
	before, there := p.links[d-1]
	if there && len(before.Record.Captured()) == 0 && before.Record.Previous != nil {
		before, there = p.links[*before.Record.Previous]
	}
	if !there {
		return nil
	}
	base := make(Figures)
	base.Merge(FiguresOf(p.kept[before.Record.SnapshotDate]))
	for _, c := range before.Record.Accounts.LastCaptured {
		for _, s := range p.kept[c.SnapshotDate] {
			if s.AccountID == c.AccountID && s.SourceType == c.SourceType {
				base.Merge(FiguresOf([]Snapshot{s}))
			}
		}
	}
	return base
}

// answers are the statistics that are spelt.
func answers(t testing.TB, spelt string) map[Pair]Statistics {
	t.Helper()
	all := make(map[Pair]Statistics)
	for word := range strings.FieldsSeq(spelt) {
		place, number, is := strings.Cut(word, "=")
		if !is {
			continue
		}
		count, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			t.Fatalf("%q: %v", word, err)
		}
		account, region, there := strings.Cut(place, "/")
		if !there {
			account, region = "1", place
		}
		sourceType, name, there := strings.Cut(region, ":")
		if !there {
			sourceType, name = "ECS_FILE", region
		}
		s := all[Pair{account, sourceType}]
		amount := Amount{count * tenGiB, count}
		s.RequestID, s.Response = "r", []byte("{}")
		s.Total, _ = s.Total.Plus(amount)
		if name != "" {
			s.Regions = append(s.Regions, Region{name, amount})
		}
		all[Pair{account, sourceType}] = s
	}
	return all
}

// changes spells what a history opened and closed: 2+rule, 5-rule(reason), by the
// number of the day.
func changes(records []DayRecord) string {
	var words []string
	for i, r := range records {
		for _, c := range r.Closed {
			if c.Closed == r.SnapshotDate {
				words = append(words, fmt.Sprintf("%d-%s(%s)", i+1, c.Rule, c.Reason))
			}
		}
		for _, a := range r.Alerts {
			if a.Opened == r.SnapshotDate {
				words = append(words, fmt.Sprintf("%d+%s", i+1, a.Rule))
			}
		}
	}
	return strings.Join(words, " ")
}

// spell is an alert's items in short: account/type:region before→after(→now).
func spell(a Alert) string {
	words := []string{a.Rule}
	for _, i := range a.Items {
		word := i.AccountID + "/" + i.SourceType + ":" + i.RegionID + " " + spellNumber(i.Before) + "→"
		if i.After != nil {
			word += spellNumber(*i.After)
		}
		if i.Now != nil {
			word += "→" + spellNumber(*i.Now)
		}
		if i.Threshold > 0 {
			word += fmt.Sprintf("@%d", i.Threshold)
		}
		words = append(words, word)
	}
	return strings.Join(words, "; ")
}

func spellNumber(n int64) string {
	if n > 0 && n%tenGiB == 0 {
		return fmt.Sprintf("%dT", n/tenGiB)
	}
	return strconv.FormatInt(n, 10)
}

func spellAll(alerts []Alert) string {
	var words []string
	for _, a := range alerts {
		words = append(words, spell(a))
	}
	return strings.Join(words, " | ")
}
