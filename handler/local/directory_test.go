package local_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"backup-statistics/handler/local"
)

const directoryVersion = "2022-04-19"

type directoryPage struct {
	RequestId                        string
	TotalCount, PageNumber, PageSize int
	NextToken                        string
	Accounts                         struct {
		Account []struct{ AccountId, AccountName, Status string }
	}
}

func newDirectory(members int) (*local.Directory, []string) {
	d := &local.Directory{Keys: keysOf(owner, other), Now: atNoon, Master: owner}
	var ids []string
	for i := range members {
		ids = append(ids, fmt.Sprint(1000+i))
		d.Accounts = append(d.Accounts, local.Member{ID: ids[i], Name: "m" + ids[i]})
	}
	return d, ids
}

func listAccounts(t *testing.T, d *local.Directory, query string) directoryPage {
	t.Helper()
	w := serve(d, newCaller(keyOf(owner)).acs("GET", "http://127.0.0.1/?"+query, directoryVersion, "ListAccounts", ""))
	var page directoryPage
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 || page.RequestId == "" {
		t.Fatalf("?%s answers %d %s (%v)", query, w.Code, w.Body, err)
	}
	return page
}

func TestDirectoryPagesByToken(t *testing.T) {
	for _, tt := range []struct{ members, max, pages int }{{0, 10, 1}, {1, 1, 1}, {2, 1, 2}, {100, 100, 1}, {101, 100, 2}, {250, 100, 3}, {7, 3, 3}} {
		d, want := newDirectory(tt.members)
		var got []string
		pages, token := 0, ""
		for more := true; more; more = token != "" {
			page := listAccounts(t, d, fmt.Sprintf("MaxResults=%d&NextToken=%s", tt.max, token))
			for _, account := range page.Accounts.Account {
				got = append(got, account.AccountId)
				if account.Status != "CreateSuccess" || account.AccountName != "m"+account.AccountId {
					t.Errorf("listed is %+v", account)
				}
			}
			if page.TotalCount != tt.members || len(page.Accounts.Account) > tt.max {
				t.Errorf("a page of %d from %d accounts, want at most %d from %d", len(page.Accounts.Account), page.TotalCount, tt.max, tt.members)
			}
			token = page.NextToken
			pages++
		}
		if !slices.Equal(got, want) || pages != tt.pages {
			t.Errorf("%d members by %d: %d pages with %v, want %d", tt.members, tt.max, pages, got, tt.pages)
		}
	}
}

func TestDirectoryPagesByNumber(t *testing.T) {
	d, ids := newDirectory(25)
	d.Accounts[12].Status = "PromoteVerifying"
	for _, tt := range []struct {
		query       string
		first, last int
	}{{"", 0, 10}, {"PageNumber=2", 10, 20}, {"PageNumber=3", 20, 25}, {"PageNumber=4", 25, 25}, {"PageNumber=2&PageSize=20", 20, 25}} {
		page := listAccounts(t, d, tt.query)
		var got []string
		for _, account := range page.Accounts.Account {
			got = append(got, account.AccountId)
			if (account.Status == "PromoteVerifying") != (account.AccountId == "1012") {
				t.Errorf("listed is %+v", account)
			}
		}
		if !slices.Equal(got, ids[tt.first:tt.last]) || page.NextToken != "" || page.PageNumber == 0 || page.PageSize == 0 {
			t.Errorf("?%s: %+v, want %v", tt.query, page, ids[tt.first:tt.last])
		}
	}
}

func TestDirectoryRefuses(t *testing.T) {
	d, _ := newDirectory(3)
	for _, tt := range []struct{ name, account, query, action, want string }{
		{"a member asks", other, "", "ListAccounts", "403 NoPermission"},
		{"a page of none", owner, "MaxResults=0", "ListAccounts", "400 InvalidParameter.MaxResults"},
		{"a page too long", owner, "MaxResults=101", "ListAccounts", "400 InvalidParameter.MaxResults"},
		{"a numbered page too long", owner, "PageSize=101", "ListAccounts", "400 InvalidParameter.PageSize"},
		{"page 0", owner, "PageNumber=0", "ListAccounts", "400 InvalidParameter.PageNumber"},
		{"a token of somebody else", owner, "NextToken=abc", "ListAccounts", "400 InvalidParameter.NextToken"},
		{"a token too short", owner, "NextToken=a", "ListAccounts", "400 InvalidParameter.NextToken"},
		{"another action", owner, "", "GetAccount", "404 InvalidAction.NotFound"},
	} {
		r := newCaller(keyOf(tt.account)).acs("GET", "http://127.0.0.1/?"+tt.query, directoryVersion, tt.action, "")
		if got := ask(t, d, r); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
