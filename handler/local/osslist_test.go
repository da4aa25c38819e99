package local_test

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"backup-statistics/handler/local"
)

type listResult struct {
	Name, Prefix, StartAfter, Delimiter, EncodingType string
	MaxKeys, KeyCount                                 int
	IsTruncated                                       bool
	ContinuationToken, NextContinuationToken          string
	Contents                                          []struct {
		Key, LastModified, ETag, StorageClass string
		Size                                  int
	}
	CommonPrefixes []struct{ Prefix string }
}

// listOnce asks for one page. Parameters that are empty are left out.
func listOnce(t *testing.T, o *local.OSS, parameters ...string) listResult {
	t.Helper()
	query := "list-type=2"
	for i := 0; i < len(parameters); i += 2 {
		if parameters[i+1] != "" {
			query += "&" + parameters[i] + "=" + strings.ReplaceAll(url.QueryEscape(parameters[i+1]), "+", "%20")
		}
	}
	got, _, answer := request(t, o, "GET", "", query, "")
	var result listResult
	if err := xml.Unmarshal([]byte(answer), &result); err != nil || got != "200" {
		t.Fatalf("?%s: %s %s (%v)", query, got, answer, err)
	}
	return result
}

// listAll follows the pages of a listing, and joins them. Common prefixes are
// marked with a colon.
func listAll(t *testing.T, o *local.OSS, prefix, delimiter, after string, limit int, encoding string) (names []string, pages int) {
	t.Helper()
	decode := func(s string) string {
		if encoding == "" {
			return s
		}
		plain, err := url.QueryUnescape(s) // as the SDKs do
		if err != nil {
			t.Fatal(err)
		}
		return plain
	}
	token := ""
	for more := true; more; more = token != "" {
		page := listOnce(t, o, "prefix", prefix, "delimiter", delimiter, "start-after", after, "max-keys", fmt.Sprint(limit),
			"continuation-token", token, "encoding-type", encoding)
		var onPage []string
		for _, object := range page.Contents {
			onPage = append(onPage, decode(object.Key))
		}
		for _, common := range page.CommonPrefixes {
			onPage = append(onPage, decode(common.Prefix)+":")
		}
		slices.SortFunc(onPage, func(a, b string) int { return cmp.Compare(strings.TrimSuffix(a, ":"), strings.TrimSuffix(b, ":")) })
		if page.Name != bucket || decode(page.Prefix) != prefix || decode(page.Delimiter) != delimiter || decode(page.StartAfter) != after ||
			page.MaxKeys != limit || page.KeyCount != len(onPage) || len(onPage) > limit || page.IsTruncated != (page.NextContinuationToken != "") {
			t.Fatalf("a page of %d with %+v", len(onPage), page)
		}
		names = append(names, onPage...)
		token = page.NextContinuationToken
		pages++
	}
	return names, pages
}

// listModel is what a listing must be: all keys behind after that begin with
// the prefix, those with a delimiter in the rest told once.
func listModel(keys []string, prefix, delimiter, after string) []string {
	var names []string
	for _, key := range slices.Sorted(slices.Values(keys)) {
		if key <= after || !strings.HasPrefix(key, prefix) {
			continue
		}
		if i := strings.Index(key[len(prefix):], delimiter); delimiter != "" && i >= 0 {
			key = key[:len(prefix)+i+len(delimiter)] + ":"
		}
		if !slices.Contains(names, key) {
			names = append(names, key)
		}
	}
	return names
}

func TestListEqualsNaiveModel(t *testing.T) {
	o := newOSS(t)
	random := rand.New(rand.NewPCG(1, 2))
	parts := []string{"a", "b", "a.json", "a-b", "a0", "dt=1", "dt=1.x", "ü", "a b", "B", "+", "<&>", "a'\""}
	pick := func(list []string) string { return list[random.IntN(len(list))] }
	var keys []string
	for range 300 {
		key := pick(parts)
		for range random.IntN(3) {
			key += "/" + pick(parts)
		}
		if got, _, _ := request(t, o, "PUT", key, "", key); got == "200" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	if len(keys) < 50 {
		t.Fatalf("only %d keys to list", len(keys))
	}
	prefixes := []string{"", "a", "a/", "a/b", "dt=1", "dt=1/", "x", "/", "//", ".", "./", "../", "a//", "a/..", "ü/a", "a b/"}
	afters := append([]string{"", "", "a/", "a0", "\x00", "zzz", "a.json/"}, keys...)
	for range 400 {
		prefix, after := pick(prefixes), pick(afters)
		delimiter, encoding := pick([]string{"", "", "/", "/", "a", "=1"}), pick([]string{"", "url"})
		if encoding == "" && after == "\x00" {
			after = "" // XML cannot tell it
		}
		limit := pick([]string{"1", "2", "3", "7", "100", "1000"})
		n := 0
		fmt.Sscan(limit, &n)
		got, pages := listAll(t, o, prefix, delimiter, after, n, encoding)
		want := listModel(keys, prefix, delimiter, after)
		if !slices.Equal(got, want) || pages != max(1, (len(want)+n-1)/n) {
			t.Fatalf("prefix %q delimiter %q after %q by %d:\n%q in %d pages, want\n%q", prefix, delimiter, after, n, got, pages, want)
		}
	}
}

func TestListTellsOfObjects(t *testing.T) {
	o := newOSS(t)
	if page := listOnce(t, o); page.KeyCount != 0 || page.IsTruncated || page.MaxKeys != 100 {
		t.Errorf("before there is a folder: %+v", page)
	}
	put(t, o, "a", "123456789")
	for range 2 { // read, then remembered
		page := listOnce(t, o)
		if len(page.Contents) != 1 || page.Contents[0].ETag != `"25F9E794323B453885F5181F1B624D0B"` || page.Contents[0].Size != 9 ||
			page.Contents[0].LastModified != "2026-11-23T12:00:00.000Z" || page.Contents[0].StorageClass != "Standard" {
			t.Errorf("listed is %+v", page)
		}
	}
	for name, change := range map[string]string{"a": "987654321", ".partial-1": "left by a program that was killed"} {
		if err := os.WriteFile(filepath.Join(o.Dir, name), []byte(change), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if page := listOnce(t, o); len(page.Contents) != 1 || page.Contents[0].ETag != `"6EBE76C9FB411BE97B3B0D48B791A7C9"` {
		t.Errorf("after a change by hand listed is %+v", page)
	}
}

func TestListPagesByHundred(t *testing.T) {
	o := newOSS(t)
	for i := range 101 {
		put(t, o, fmt.Sprintf("days/%03d", i), "")
	}
	first := listOnce(t, o)
	second := listOnce(t, o, "continuation-token", first.NextContinuationToken)
	if len(first.Contents) != 100 || !first.IsTruncated || len(second.Contents) != 1 || second.IsTruncated || second.Contents[0].Key != "days/100" {
		t.Errorf("pages of %d and %d", len(first.Contents), len(second.Contents))
	}
}

func TestListRefuses(t *testing.T) {
	for query, want := range map[string]string{
		"list-type=2&max-keys=0":             "400 InvalidArgument",
		"list-type=2&max-keys=1001":          "400 InvalidArgument",
		"list-type=2&max-keys=x":             "400 InvalidArgument",
		"encoding-type=base64&list-type=2":   "400 InvalidArgument",
		"continuation-token=%2A&list-type=2": "400 InvalidArgument",
		"list-type=2&marker=a":               "501 NotImplemented",
		"list-type=1":                        "501 NotImplemented",
		"cors":                               "501 NotImplemented",
		"marker=a&start-after=a":             "501 NotImplemented",
	} {
		if got, _, _ := request(t, newOSS(t), "GET", "", query, ""); got != want {
			t.Errorf("?%s: %s, want %s", query, got, want)
		}
	}
}

// A listing that opened every folder would meet one that it may not open.
func TestNarrowListOpensOnlyItsFolder(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may open every folder")
	}
	o := newOSS(t)
	for _, key := range []string{"snapshots/dt=1/a", "snapshots/dt=2/a", "snapshots/dt=3/a", "other/a"} {
		put(t, o, key, "")
	}
	for _, name := range []string{"other", "snapshots/dt=1", "snapshots/dt=3"} {
		name = filepath.Join(o.Dir, name)
		if err := os.Chmod(name, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(name, 0o755) })
	}
	if got, _ := listAll(t, o, "snapshots/dt=2", "", "", 10, ""); !slices.Equal(got, []string{"snapshots/dt=2/a"}) {
		t.Errorf("listed is %q", got)
	}
}

func BenchmarkListOneDay(b *testing.B) {
	o := &local.OSS{Keys: keysOf(owner), Dir: b.TempDir(), Bucket: bucket, Region: "cn-hangzhou", Now: atNoon}
	for i := range 20000 {
		name := filepath.Join(o.Dir, "snapshots", fmt.Sprintf("dt=%04d", i/10), fmt.Sprintf("%d.json", i%10))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("{}"), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if w := serve(o, newCaller(keyOf(owner)).oss("GET", ossURL, "", "list-type=2&prefix=snapshots%2Fdt%3D1000%2F", "")); strings.Count(w.Body.String(), "<Key>") != 10 {
			b.Fatal(w.Body)
		}
	}
}
