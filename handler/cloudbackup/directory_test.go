package cloudbackup_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"backup-statistics/handler/cloudbackup"
	"backup-statistics/handler/local"
)

func newDirectory(t *testing.T, d *local.Directory, faults ...local.Fault) (cloudbackup.Directory, *local.Log) {
	t.Helper()
	d.Keys = newKeys()
	spoiled, log := &local.Faults{Next: d, Service: "acs"}, new(local.Log)
	for _, f := range faults {
		spoiled.Add(f)
	}
	return cloudbackup.Directory{Endpoint: serve(t, log.Wrap("directory", spoiled)), Credential: credential(t, key), Web: web(t), Pause: time.Millisecond}, log
}

// fleet is a directory of n accounts in no order.
func fleet(n int) (accounts []local.Member, want []cloudbackup.Member) {
	for i := range n {
		m := local.Member{ID: fmt.Sprintf("1%015d", (i*7919)%n), Name: fmt.Sprintf("member %d", (i*7919)%n)}
		accounts = append(accounts, m)
		want = append(want, cloudbackup.Member{ID: m.ID, Name: m.Name})
	}
	slices.SortFunc(want, func(a, b cloudbackup.Member) int { return strings.Compare(a.ID, b.ID) })
	return accounts, want
}

func TestMembers(t *testing.T) {
	for _, tt := range []struct {
		accounts, pages int
	}{{0, 1}, {1, 1}, {100, 1}, {101, 2}, {200, 2}, {250, 3}, {1000, 10}} {
		accounts, want := fleet(tt.accounts)
		d, log := newDirectory(t, &local.Directory{Accounts: accounts})
		got, err := d.Members(t.Context())
		if err != nil || !slices.Equal(got, want) || len(log.Requests()) != tt.pages {
			t.Errorf("%d accounts: got %d in %d pages, error %v; want all in %d pages", tt.accounts, len(got), len(log.Requests()), err, tt.pages)
		}
	}
}

func TestMembersThroughFaults(t *testing.T) {
	accounts, want := fleet(250)
	d, log := newDirectory(t, &local.Directory{Accounts: accounts},
		local.Fault{Kind: "throttle-429"}, local.Fault{Kind: "reset-after", Skip: 2}, local.Fault{Kind: "truncated", Skip: 3}, local.Fault{Kind: "html-502", Skip: 5})
	got, err := d.Members(t.Context())
	if err != nil || !slices.Equal(got, want) || len(log.Requests()) != 7 {
		t.Errorf("got %d accounts in %d requests, error %v; want all in 7", len(got), len(log.Requests()), err)
	}
}

// A page that fails for good fails the listing.
func TestMembersRefusesHalf(t *testing.T) {
	accounts, _ := fleet(250)
	d, log := newDirectory(t, &local.Directory{Accounts: accounts}, local.Fault{Kind: "error-500", Skip: 1, Times: -1})
	d.Attempts = 2
	got, err := d.Members(t.Context())
	want := "ListAccounts: InternalError (500, request ID): The request processing has failed due to some unknown error, exception or failure. (tried 2 times)"
	if text := ids.ReplaceAllString(fmt.Sprint(err), "request ID"); got != nil || text != want || len(log.Requests()) != 3 {
		t.Errorf("got %d accounts in %d requests, error %s; want none in 3 and %s", len(got), len(log.Requests()), text, want)
	}
	d, _ = newDirectory(t, &local.Directory{Accounts: accounts, Master: "1"})
	if _, err := d.Members(t.Context()); !strings.Contains(fmt.Sprint(err), "ListAccounts: NoPermission (403, ") {
		t.Errorf("error = %v, want NoPermission", err)
	}
}

func TestMembersByStatus(t *testing.T) {
	for status, want := range map[string]bool{
		"CreateSuccess": true, "InviteSuccess": true, "PromoteSuccess": true,
		"PromoteVerifying": true, "PromoteFailed": true, "PromoteExpired": true, "PromoteCancelled": true,
		"CreateVerifying": false, "CreateFailed": false, "CreateExpired": false, "CreateCancelled": false, "Removed": false,
		"InAStateToCome": true,
	} {
		d, _ := newDirectory(t, &local.Directory{Accounts: []local.Member{{ID: "1", Name: "a", Status: status}}})
		got, err := d.Members(t.Context())
		if err != nil || (len(got) == 1) != want {
			t.Errorf("%s: members %v, error %v; want it to be one: %v", status, got, err, want)
		}
	}
}

// Pages answers one page after the other, whatever is asked, and the last for ever.
type pages struct {
	bodies []string
	asked  []string
}

func (p *pages) RoundTrip(r *http.Request) (*http.Response, error) {
	body := p.bodies[min(len(p.asked), len(p.bodies)-1)]
	p.asked = append(p.asked, r.URL.RawQuery)
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// A listing that does not say how many there are ends with its last token.
func TestMembersWithoutTotal(t *testing.T) {
	p := &pages{}
	for _, page := range []string{listing("0", `"x"`, "1 a InviteSuccess"), listing("0", `""`, "2 b InviteSuccess")} {
		p.bodies = append(p.bodies, strings.Replace(page, `"TotalCount":0,`, "", 1))
	}
	d, _ := newDirectory(t, &local.Directory{})
	d.Web = &http.Client{Transport: p}
	if got, err := d.Members(t.Context()); err != nil || len(got) != 2 {
		t.Errorf("got %v, error %v; want both accounts", got, err)
	}
}

// listing writes a page: accounts as "id name status".
func listing(total, next string, accounts ...string) string {
	var list []string
	for _, a := range accounts {
		part := strings.Split(a, " ")
		list = append(list, fmt.Sprintf(`{"AccountId":"%s","DisplayName":"%s","Status":"%s"}`, part[0], part[1], part[2]))
	}
	return `{"RequestId":"R","TotalCount":` + total + `,"NextToken":` + next + `,"Accounts":{"Account":[` + strings.Join(list, ",") + `]}}`
}

func TestHostileListings(t *testing.T) {
	a, b, c := "1 a CreateSuccess", "2 b InviteSuccess", "3 c PromoteSuccess"
	const text = ": want a string that is not empty (request R)"
	one := listing("1", `""`, a)
	swap := func(part, instead string) []string { return []string{strings.Replace(one, part, instead, 1)} }
	for _, tt := range []struct {
		name  string
		pages []string
		want  string // the members, or the error after "ListAccounts: answer: "
		asked int
	}{
		{"a page", []string{one}, "[{1 a}]", 1},
		{"null for the token", []string{listing("1", `null`, a)}, "[{1 a}]", 1},
		{"no token", swap(`"NextToken":"",`, ``), "[{1 a}]", 1},
		{"short pages", []string{listing("3", `"x"`, c), listing("3", `"y"`, a), listing("3", `""`, b)}, "[{1 a} {2 b} {3 c}]", 3},
		{"an account twice, the same", []string{listing("2", `"x"`, a, b), listing("2", `""`, a)}, "[{1 a} {2 b}]", 2},
		{"an account twice on a page", []string{listing("1", `""`, a, a)}, "[{1 a}]", 1},
		{"the name of the account only", swap(`"DisplayName"`, `"AccountName"`), "[{1 a}]", 1},
		{"no name", swap(`"DisplayName":"a",`, ``), "[{1 }]", 1},
		{"a total that grows", []string{listing("2", `"x"`, a, b), listing("3", `""`, c)}, "[{1 a} {2 b} {3 c}]", 2},
		{"an account twice, of another name", []string{listing("2", `"x"`, a, b), listing("2", `""`, "1 b CreateSuccess")}, "account 1 is listed twice, with different names or states: want one (request R)", 2},
		{"an account twice, in another state", []string{listing("2", `"x"`, a, b), listing("2", `""`, "1 a InviteSuccess")}, "account 1 is listed twice, with different names or states: want one (request R)", 2},
		{"a token that repeats", []string{listing("9", `"x"`, a), listing("9", `"x"`, b)}, "NextToken was there before: want another for each page (request R)", 2},
		{"a token that comes back", []string{listing("9", `"x"`, a), listing("9", `"y"`, b), listing("9", `"x"`, c)}, "NextToken was there before: want another for each page (request R)", 3},
		{"the same page for ever", []string{listing("9", `"x"`, a), listing("9", `"y"`, a)}, "page 2 brings no new account and is not the last: want progress (request R)", 2},
		{"an empty page that is not the last", []string{listing("9", `"x"`)}, "page 1 brings no new account and is not the last: want progress (request R)", 1},
		{"more accounts than there are", []string{listing("1", `"x"`, a), listing("1", `"y"`, b)}, "page 2 makes it 2 accounts: want at most TotalCount, 1 (request R)", 2},
		{"fewer accounts than there are", []string{listing("3", `"x"`, a), listing("3", `""`, b)}, "page 2 is the last, with 2 accounts in all: want TotalCount, 3 (request R)", 2},
		{"an empty listing of some", []string{listing("3", `""`)}, "page 1 is the last, with 0 accounts in all: want TotalCount, 3 (request R)", 1},
		{"a token that is a number", []string{listing("2", `7`, a)}, "NextToken is 7" + text, 1},
		{"a total in a string", []string{listing(`"1"`, `""`, a)}, `TotalCount is "1": want an integer from 0 to 9223372036854775807 (request R)`, 1},
		{"no accounts", swap(`"Accounts"`, `"accounts"`), "Accounts is missing: want an object (request R)", 1},
		{"accounts without a list", swap(`"Account":[`, `"Accounts":[`), "Accounts.Account is missing: want a list, which may be empty (request R)", 1},
		{"null for the list", []string{`{"RequestId":"R","TotalCount":0,"Accounts":{"Account":null}}`}, "Accounts.Account is null: want a list, which may be empty (request R)", 1},
		{"nobody's word", swap(`"RequestId":"R",`, ``), "RequestId is missing: want a string that is not empty", 1},
		{"an account without an id", swap(`"AccountId":"1",`, ``), "Accounts.Account[0].AccountId is missing" + text, 1},
		{"an account with a number", swap(`"1"`, `1`), "Accounts.Account[0].AccountId is 1" + text, 1},
		{"an account that is a path", swap(`"1"`, `"../1"`), `Accounts.Account[0].AccountId: "../1" is no account id: want letters and digits, such as 1234567890123456 (request R)`, 1},
		{"an account without a state", swap(`,"Status":"CreateSuccess"`, ``), "Accounts.Account[0].Status is missing" + text, 1},
		{"an account with two ids", swap(`"1"`, `"1","AccountId":"2"`), `Accounts.Account[0] is {"AccountId":"1","AccountId":"2","Displa…: want an object in which no name stands twice (request R)`, 1},
	} {
		service := &pages{bodies: tt.pages}
		d := cloudbackup.Directory{Endpoint: "http://127.0.0.1:1", Credential: credential(t, key), Web: &http.Client{Transport: service}, Attempts: 1}
		members, err := d.Members(t.Context())
		got := fmt.Sprint(members)
		if err != nil {
			got = strings.TrimSuffix(strings.TrimPrefix(err.Error(), "ListAccounts: answer: "), " (tried once)")
		}
		if got != tt.want || len(service.asked) != tt.asked || err != nil && members != nil {
			t.Errorf("%s: after %d pages, want %d:\n\t%s, want\n\t%s", tt.name, len(service.asked), tt.asked, got, tt.want)
		}
	}
}

// A page that was refused is asked for again, and counts once.
func TestMembersAsksAgainForAPage(t *testing.T) {
	first, garbled, last := listing("2", `"x"`, "1 a CreateSuccess"), listing("1", `""`, "9 z CreateSuccess"), listing("2", `""`, "2 b CreateSuccess")
	service := &pages{bodies: []string{first, garbled, "<html>", strings.Replace(last, `"RequestId":"R",`, "", 1), last}}
	d := cloudbackup.Directory{Endpoint: "http://127.0.0.1:1", Credential: credential(t, key), Web: &http.Client{Transport: service}, Pause: 1}
	members, err := d.Members(t.Context())
	const again = " MaxResults=100&NextToken=x"
	if got := strings.Join(service.asked, " "); err != nil || fmt.Sprint(members) != "[{1 a} {2 b}]" || got != "MaxResults=100"+strings.Repeat(again, 4) {
		t.Errorf("members %v, error %v after %s; want both after the second page has been asked for four times", members, err, got)
	}
}

func TestMembersAsksForPages(t *testing.T) {
	service := &pages{bodies: []string{listing("2", `"a+b/c="`, "1 a CreateSuccess"), listing("2", `""`, "2 b CreateSuccess")}}
	d := cloudbackup.Directory{Endpoint: "http://127.0.0.1:1", Credential: credential(t, key), Web: &http.Client{Transport: service}}
	_, err := d.Members(t.Context())
	must(t, err)
	if got, want := strings.Join(service.asked, " "), "MaxResults=100 MaxResults=100&NextToken=a%2Bb%2Fc%3D"; got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
}
