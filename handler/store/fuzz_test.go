package store_test

import (
	"encoding/xml"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"backup-statistics/handler/store"
)

// Whatever comes back in place of an answer: it counts only where it has OSS's request
// id, bytes are those that came with status 200, a document is missing or there only
// where the service says so itself, a listing of this bucket and prefix holds every
// key of its page once, what is stored is proven, and no error repeats the answer.
func FuzzOSSAnswers(f *testing.F) {
	const (
		head   = `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>bucket</Name><Prefix>p/</Prefix><KeyCount>2</KeyCount><IsTruncated>false</IsTruncated>`
		first  = `<Contents><Key>p/a%2F1.json</Key><ETag>"9A0364B9E99BB480DD25E1F0284C8555"</ETag><Size>7</Size><Type>Normal</Type></Contents>`
		second = `<Contents><Key>p/a/2.json</Key><Size>7</Size></Contents>`
		foot   = `</ListBucketResult>`
	)
	for _, seed := range []struct {
		status int
		body   string
	}{
		{200, head + first + second + foot},
		{200, head + second + first + foot},
		{200, head + foot},
		{200, head + first},
		{200, strings.Replace(head, "false", "true", 1) + first + foot},
		{200, "<html></html>"},
		{200, ""},
		{404, "<Error><Code>NoSuchKey</Code><Message>planted</Message></Error>"},
		{404, "<Error><Code>NoSuchBucket</Code></Error>"},
		{404, "<html>planted"},
		{403, "<Error><Code>AccessDenied</Code><EC>0003-00000001</EC></Error>"},
		{409, "<Error><Code>FileAlreadyExists</Code></Error>"},
		{302, ""},
		{599, "planted"},
	} {
		for _, id := range []string{"R1", "", "no id"} {
			f.Add(seed.status, seed.body, "0026-00000002", id, `"9A"`)
			f.Add(seed.status, seed.body, "0026-00000001", id, "")
		}
	}
	f.Fuzz(func(t *testing.T, status int, body, ec, id, etag string) {
		status = 200 + (status%400+400)%400
		w := &wire{replies: []reply{func(r *http.Request, _ []byte) (*http.Response, error) {
			return response(r, status, strings.NewReader(body), "X-Oss-Ec", ec, "X-Oss-Request-Id", id, "ETag", etag), nil
		}}}
		if strings.Contains(id+ec, "planted") {
			return // they are told
		}
		ours := isWord(id)
		wantSaid := func(t *testing.T, body string, err error) {
			t.Helper()
			wantSaid(t, body, ours, err)
		}
		s, err := store.NewOSS(store.Options{
			Endpoint: "https://oss-cn-hangzhou.aliyuncs.com", Region: "cn-hangzhou", Bucket: "bucket", Prefix: "p/",
			Credential: credential(t), Web: &http.Client{Transport: w}, Tries: 1, MaxBytes: 1 << 16,
		})
		must(t, err)
		data, err := s.Get(t.Context(), "a.json")
		if err == nil && (status != 200 || !ours || string(data) != body) {
			t.Errorf("%d %q of %q: Get = %q", status, body, id, data)
		}
		wantSaid(t, body, err)
		if err := s.Put(t.Context(), "a.json", []byte("{}")); err == nil && (status != 200 || !ours || etag == "") {
			t.Errorf("%d %q of %q, ETag %q: Put: no error", status, body, id, etag)
		} else {
			wantSaid(t, body, err)
		}
		if err := s.PutNew(t.Context(), "a.json", []byte("{}")); err == nil && (status != 200 || !ours || etag == "") {
			t.Errorf("%d %q of %q, ETag %q: PutNew: no error", status, body, id, etag)
		} else {
			wantSaid(t, body, err)
		}
		entries, err := s.List(t.Context(), "", 0)
		wantSaid(t, body, err)
		if err == nil {
			if status != 200 || !ours {
				t.Errorf("%d %q of %q: List = %v", status, body, id, entries)
			}
			wantListed(t, body, entries)
		}
	})
}

// wantSaid wants an error of the store to be one line that the answer's text is
// no part of, and a document to be missing or there only where the answer has the
// code for it.
func wantSaid(t *testing.T, body string, ours bool, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if !strings.Contains(body, "Code>") && !strings.Contains(body, "EC>") { // which are told
		discreet(t, body, err)
	}
	if text := err.Error(); !utf8.ValidString(text) || len(text) > 1000 || strings.ContainsFunc(text, unicode.IsControl) {
		t.Errorf("%q: error = %q, want one short line", body, text)
	}
	if errors.Is(err, fs.ErrNotExist) && (!ours || !strings.Contains(body, "NoSuchKey")) {
		t.Errorf("%q: taken for a document that is missing: %v", body, err)
	}
	if errors.Is(err, fs.ErrExist) && (!ours || !strings.Contains(body, "File")) {
		t.Errorf("%q: taken for a document that is there: %v", body, err)
	}
}

// isWord tells whether a text can be a request's id.
func isWord(s string) bool {
	s = strings.TrimSpace(s)
	return regexp.MustCompile(`^[-._0-9A-Za-z]{1,64}$`).MatchString(s)
}

// wantListed wants the keys that a reader finds in the page who knows nothing of
// ours, but for those that are no documents.
func wantListed(t *testing.T, body string, entries []store.Entry) {
	t.Helper()
	var page struct {
		XMLName  xml.Name `xml:"ListBucketResult"`
		Name     string
		Contents []struct{ Key string }
	}
	if err := xml.Unmarshal([]byte(body), &page); err != nil {
		t.Fatalf("%q is taken for a listing: %v", body, err)
	}
	if page.Name != "bucket" {
		t.Errorf("%q is taken for a listing of this bucket", body)
	}
	var want []string
	for _, object := range page.Contents {
		key, err := url.QueryUnescape(object.Key)
		key, ours := strings.CutPrefix(key, "p/")
		if err != nil || !ours {
			t.Errorf("%q is accepted with the key %q", body, object.Key)
		}
		if fs.ValidPath(key) && key != "." && !strings.ContainsFunc(key, func(r rune) bool { return r == '\\' || unicode.IsControl(r) }) && len(key) <= 1023 {
			want = append(want, key)
		}
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Key)
	}
	if !slices.Equal(got, want) || !slices.IsSorted(got) || len(slices.Compact(got)) != len(want) {
		t.Errorf("%q is listed as %q, want %q", body, got, want)
	}
}
