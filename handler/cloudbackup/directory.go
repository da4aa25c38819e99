package cloudbackup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"backup-statistics/report"
)

const pageSize = 100 // the most that ListAccounts gives

// A Directory is a resource directory (ResourceDirectoryMaster, version
// 2022-04-19), which knows the accounts of a company.
type Directory Service

// A Member is an account of a resource directory. Name is what people call it;
// it may be empty, or have any characters.
type Member struct{ ID, Name string }

// Members returns every account that belongs to the directory, sorted by id, or
// an error: a fleet of which a part is missing looks like backups that are gone.
// Accounts that were never created are left out; an account in a state that is
// not known counts as one, since leaving it out would be silent.
func (d *Directory) Members(ctx context.Context) ([]Member, error) {
	var l listing
	for token, more := "", true; more; {
		query := map[string]string{"MaxResults": strconv.Itoa(pageSize)}
		if token != "" {
			query["NextToken"] = token
		}
		err := (*Service)(d).call(ctx, operation{action: "ListAccounts", version: "2022-04-19", query: query}, func(answer node) error {
			p, err := decodePage(answer)
			if err == nil {
				err = l.add(p)
			}
			if err != nil {
				return err
			}
			token, more = p.next, p.next != ""
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return l.members(), nil
}

// A page is one answer of ListAccounts.
type page struct {
	total    int64 // accounts of the whole listing; -1: it does not say
	next     string
	accounts []listed
}

type listed struct {
	Member
	status string
}

func decodePage(answer node) (p page, err error) {
	if p.total = -1; len(answer.fields["TotalCount"]) > 0 { // that it comes with tokens is not documented
		if p.total, err = answer.count("TotalCount"); err != nil {
			return p, err
		}
	}
	if raw := string(answer.fields["NextToken"]); raw != "" && raw != "null" && raw != `""` {
		if p.next, err = answer.text("NextToken"); err != nil {
			return p, err
		}
	}
	accounts, err := answer.object("Accounts")
	if err != nil {
		return p, err
	}
	list, err := accounts.list("Account")
	if err != nil {
		return p, err
	}
	for _, n := range list {
		var a listed
		if a.ID, err = n.text("AccountId"); err != nil {
			return p, err
		}
		if err := report.CheckAccount(a.ID); err != nil {
			return p, fmt.Errorf("%s: %w", n.at("AccountId"), err)
		}
		if a.status, err = n.text("Status"); err != nil {
			return p, err
		}
		if a.Name = n.word("DisplayName"); a.Name == "" {
			a.Name = n.word("AccountName")
		}
		p.accounts = append(p.accounts, a)
	}
	return p, nil
}

// A listing is what the pages have brought so far. That every page but the last
// must bring an account that is new, and no token come twice, ends it
// whatever the service answers.
type listing struct {
	pages  int
	tokens map[string]bool
	byID   map[string]listed
}

// add takes a page, or leaves the listing as it was: a page that is refused is asked
// for again.
func (l *listing) add(p page) error {
	if l.tokens == nil {
		l.tokens, l.byID = make(map[string]bool), make(map[string]listed)
	}
	added := make(map[string]listed)
	for _, a := range p.accounts {
		known, twice := l.byID[a.ID]
		if !twice {
			known, twice = added[a.ID]
		}
		if twice && known != a {
			return fmt.Errorf("account %s is listed twice, with different names or states: want one", a.ID)
		}
		if !twice {
			added[a.ID] = a
		}
	}
	switch n := int64(len(l.byID) + len(added)); {
	case p.total >= 0 && n > p.total:
		return fmt.Errorf("page %d makes it %d accounts: want at most TotalCount, %d", l.pages+1, n, p.total)
	case p.next == "" && n < p.total:
		return fmt.Errorf("page %d is the last, with %d accounts in all: want TotalCount, %d", l.pages+1, n, p.total)
	case p.next != "" && len(added) == 0:
		return fmt.Errorf("page %d brings no new account and is not the last: want progress", l.pages+1)
	case l.tokens[p.next]:
		return errors.New("NextToken was there before: want another for each page")
	}
	l.pages++
	l.tokens[p.next] = true
	maps.Copy(l.byID, added)
	return nil
}

// members are the accounts that exist, sorted by id.
func (l *listing) members() []Member {
	var members []Member
	for _, a := range l.byID {
		if !slices.Contains([]string{"CreateVerifying", "CreateFailed", "CreateExpired", "CreateCancelled", "Removed"}, a.status) {
			members = append(members, a.Member)
		}
	}
	slices.SortFunc(members, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	return members
}
