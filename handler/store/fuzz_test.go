package store_test

import (
	"encoding/xml"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"backup-statistics/handler/store"
)

// Whatever comes back in place of an answer: bytes are those that came with a
// good status, a document is missing only where the service says so itself, a
// listing holds every key of its page once, and no error repeats the answer.
func FuzzOSSAnswers(f *testing.F) {
	const (
		head   = `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Prefix>p/</Prefix><KeyCount>2</KeyCount><IsTruncated>false</IsTruncated>`
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
		f.Add(seed.status, seed.body, "0026-00000002")
	}
	f.Fuzz(func(t *testing.T, status int, body, ec string) {
		status = 200 + (status%400+400)%400
		w := &wire{replies: []reply{func(r *http.Request, _ []byte) (*http.Response, error) {
			return response(r, status, strings.NewReader(body), "X-Oss-Ec", ec), nil
		}}}
		s, err := store.NewOSS(store.Options{
			Endpoint: "https://oss-cn-hangzhou.aliyuncs.com", Region: "cn-hangzhou", Bucket: "bucket", Prefix: "p/",
			Credential: credential(t), Web: &http.Client{Transport: w}, Tries: 1, MaxBytes: 1 << 16,
		})
		must(t, err)
		data, err := s.Get(t.Context(), "a.json")
		if err == nil && (status/100 != 2 || string(data) != body) {
			t.Errorf("%d %q: Get = %q", status, body, data)
		}
		wantSaid(t, body, err)
		if err := s.Put(t.Context(), "a.json", []byte("{}")); err == nil && status/100 != 2 {
			t.Errorf("%d %q: Put: no error", status, body)
		} else {
			wantSaid(t, body, err)
		}
		if err := s.PutNew(t.Context(), "a.json", []byte("{}")); err == nil && status/100 != 2 {
			t.Errorf("%d %q: PutNew: no error", status, body)
		} else {
			wantSaid(t, body, err)
		}
		entries, err := s.List(t.Context(), "", 0)
		wantSaid(t, body, err)
		if err == nil {
			wantListed(t, body, entries)
		}
	})
}

// wantSaid wants an error of the store to be one line that the answer's text is
// no part of, and a document to be missing or there only where the answer has the
// code for it.
func wantSaid(t *testing.T, body string, err error) {
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
	if errors.Is(err, fs.ErrNotExist) && !strings.Contains(body, "NoSuchKey") {
		t.Errorf("%q: taken for a document that is missing: %v", body, err)
	}
}

// wantListed wants the keys that a reader finds in the page who knows nothing of
// ours, but for those that are no documents.
func wantListed(t *testing.T, body string, entries []store.Entry) {
	t.Helper()
	var page struct {
		XMLName  xml.Name `xml:"ListBucketResult"`
		Contents []struct{ Key string }
	}
	if err := xml.Unmarshal([]byte(body), &page); err != nil {
		t.Fatalf("%q is taken for a listing: %v", body, err)
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
