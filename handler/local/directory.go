//go:build !function

package local

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"time"
)

// Directory plays ListAccounts of a resource directory
// (ResourceDirectoryMaster, 2022-04-19).
type Directory struct {
	Keys *Keys
	// Master is the management account, the only one that may list the
	// members; empty: any account may.
	Master string
	// Accounts are the members, in the order in which they are listed.
	Accounts []Member
	// Now is the service's clock; nil: the machine's.
	Now func() time.Time

	nonces nonces
}

// A Member is an account of the directory. Status is the service's word, such
// as CreateSuccess; empty means that.
type Member struct{ ID, Name, Status string }

// ServeHTTP answers as resourcedirectory.aliyuncs.com does.
func (d *Directory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	acsAPI{"2022-04-19", "resourcemanager", d.Keys, clock(d.Now), &d.nonces, d.answer}.serve(w, r)
}

// A memberPage is the service's answer; empty parts are left out, as there.
type memberPage struct {
	RequestID  string `json:"RequestId"`
	TotalCount int
	PageNumber int    `json:",omitempty"`
	PageSize   int    `json:",omitempty"`
	NextToken  string `json:",omitempty"`
	Accounts   struct{ Account []listedMember }
}

type listedMember struct {
	AccountID           string `json:"AccountId"`
	AccountName         string
	DisplayName         string
	ResourceDirectoryID string `json:"ResourceDirectoryId"`
	FolderID            string `json:"FolderId"`
	Status              string
	Type                string
}

func (d *Directory) answer(call *acsCall) (any, *refusal) {
	if call.action != "ListAccounts" {
		return nil, noSuchAction()
	}
	if d.Master != "" && d.Master != call.key.Account {
		return nil, noPermission()
	}
	page := &memberPage{RequestID: call.id, TotalCount: len(d.Accounts)}
	first, size, refused := page.bounds(call)
	if refused != nil {
		return nil, refused
	}
	first = min(first, len(d.Accounts))
	end := min(first+size, len(d.Accounts))
	if page.PageNumber == 0 && end < len(d.Accounts) {
		page.NextToken = base64.RawURLEncoding.EncodeToString([]byte("after " + strconv.Itoa(end)))
	}
	page.Accounts.Account = []listedMember{}
	for _, m := range d.Accounts[first:end] {
		listed := listedMember{
			AccountID: m.ID, AccountName: m.Name, DisplayName: m.Name,
			ResourceDirectoryID: "rd-local", FolderID: "fd-local", Status: m.Status, Type: "ResourceAccount",
		}
		if m.Status == "" {
			listed.Status = "CreateSuccess"
		}
		page.Accounts.Account = append(page.Accounts.Account, listed)
	}
	return page, nil
}

// bounds says which members the page begins with and how many it may hold.
// MaxResults or NextToken ask for paging by token, all else for numbered pages.
func (p *memberPage) bounds(call *acsCall) (first, size int, refused *refusal) {
	token := call.form.Get("NextToken")
	if token != "" || call.form.Has("MaxResults") {
		if size, refused = call.number("MaxResults", 10, 1, 100); refused != nil || token == "" {
			return 0, size, refused
		}
		text, err := base64.RawURLEncoding.DecodeString(token)
		if len(text) > len("after ") && err == nil {
			first, err = strconv.Atoi(string(text[len("after "):]))
		}
		if err != nil || first <= 0 {
			return 0, 0, &refusal{400, "InvalidParameter.NextToken", "The specified NextToken is invalid."}
		}
		return first, size, nil
	}
	if p.PageSize, refused = call.number("PageSize", 10, 1, 100); refused != nil {
		return 0, 0, refused
	}
	if p.PageNumber, refused = call.number("PageNumber", 1, 1, 1<<20); refused != nil {
		return 0, 0, refused
	}
	return (p.PageNumber - 1) * p.PageSize, p.PageSize, nil
}
