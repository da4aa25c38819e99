package local_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"backup-statistics/handler/local"
)

const ossURL = "http://127.0.0.1"

func newOSS(t *testing.T) *local.OSS {
	return &local.OSS{Keys: keysOf(owner, other), Dir: filepath.Join(t.TempDir(), "bucket"), Bucket: bucket, Region: "cn-hangzhou", Now: atNoon}
}

// request sends a signed request and returns "200", or "404 NoSuchKey", and the
// header and body.
func request(t *testing.T, o http.Handler, method, key, query, body string, headers ...string) (string, http.Header, string) {
	t.Helper()
	w := serve(o, newCaller(keyOf(owner)).oss(method, ossURL, key, query, body, headers...))
	h, answer := w.Header(), w.Body.String()
	if len(h.Get("x-oss-request-id")) != 24 {
		t.Errorf("%s %s: request id is %q", method, key, h.Get("x-oss-request-id"))
	}
	if w.Code < 300 {
		return fmt.Sprint(w.Code), h, answer
	}
	failure := io.Reader(strings.NewReader(answer))
	if method == "HEAD" {
		failure = base64.NewDecoder(base64.StdEncoding, strings.NewReader(h.Get("x-oss-err")))
	}
	got, e := ossError(t, w.Code, failure)
	if e.EC != h.Get("x-oss-ec") || e.RequestId != h.Get("x-oss-request-id") {
		t.Errorf("%s %s: header %v and error %+v differ", method, key, h, e)
	}
	return got, h, answer
}

func put(t *testing.T, o http.Handler, key, body string) {
	t.Helper()
	if got, _, answer := request(t, o, "PUT", key, "", body); got != "200" {
		t.Fatalf("PUT %s: %s %s", key, got, answer)
	}
}

// tree lists the files of a bucket and their content.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && name == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		data, _ := os.ReadFile(name) // none of a folder
		files = append(files, filepath.ToSlash(rel)+" "+string(data))
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return files
}

// A good signature with parameters that mean nothing to a PUT is answered by
// their not being played.
func TestOSSSignatureVectors(t *testing.T) {
	for _, tt := range []struct{ name, uri, query, day, signature, want string }{
		{
			"with x-oss-date", "/bucket/1234%2B-/123/1.txt", "?%2Bparam1=value3&%2Bparam2&%7Cparam1=value4&%7Cparam2&param1=value1&param2",
			"20231216", "e21d18daa82167720f9b1047ae7e7f1ce7cb77a31e8203a7d5f4624fa0284afe", "501 NotImplemented",
		},
		{
			"with Date", "/snap/hbr%2Fv1%2Fdt%3D2026-01-01%2Fa%20b%2Bc.json", "",
			"20261123", "e2272e3e24c623cacb8a12a29c994106ed63c8efe56cea5af0afdb967ae6c771", "200 ",
		},
	} {
		o := newOSS(t)
		o.Keys.Add(local.Key{ID: "ak", Secret: "sk", Account: owner})
		r := newRequest("PUT", ossURL+tt.uri+tt.query, "")
		r.Header.Set("x-oss-content-sha256", "UNSIGNED-PAYLOAD")
		if tt.query != "" {
			o.Now = func() time.Time { return time.Date(2023, 12, 16, 16, 20, 57, 0, time.UTC) }
			r.Header.Set("x-oss-date", "20231216T162057Z")
			r.Header.Set("x-oss-head1", "value")
			r.Header.Set("Content-Type", "text/plain")
			r.Header.Set("Date", "not looked at")
		} else {
			o.Bucket = "snap"
			o.Now = func() time.Time { return time.Date(2026, 11, 23, 7, 58, 20, 0, time.UTC) }
			r.Header.Set("Date", "Mon, 23 Nov 2026 07:58:20 GMT")
			r.Header.Set("Content-Type", "application/json")
		}
		for _, signature := range []string{tt.signature, strings.Repeat("0", 64)} {
			r.Header.Set("Authorization", "OSS4-HMAC-SHA256 Credential=ak/"+tt.day+"/cn-hangzhou/oss/aliyun_v4_request,Signature="+signature)
			w := serve(o, r)
			got, want := "200 ", tt.want
			if w.Code != 200 {
				got, _ = ossError(t, w.Code, w.Body)
			}
			if signature != tt.signature {
				want = "403 SignatureDoesNotMatch"
			}
			if got != want {
				t.Errorf("%s: %s, want %s", tt.name, got, want)
			}
		}
		if got := tree(t, o.Dir); tt.query == "" && !slices.Contains(got, "hbr/v1/dt=2026-01-01/a b+c.json ") {
			t.Errorf("%s: the bucket is %q", tt.name, got)
		}
	}
}

func TestOSSRefusesStrangers(t *testing.T) {
	good := newCaller(keyOf(owner))
	edit := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
		}
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	signed := func(change func(*http.Request), uri, region string) func(*http.Request) {
		return func(r *http.Request) { change(r); good.ossSigned(r, uri, region) }
	}
	nothing := func(*http.Request) {}
	const uri, region = "/bucket/a", "cn-hangzhou"
	for _, tt := range []struct {
		name  string
		c     caller
		spoil func(*http.Request)
		want  string
	}{
		{"nothing wrong", good, nothing, "200"},
		{"Date for x-oss-date", good, signed(func(r *http.Request) {
			r.Header.Del("x-oss-date")
			r.Header.Set("Date", noon.Format(http.TimeFormat))
		}, uri, region), "200"},
		{"headers that mean nothing", good, set("Accept", "*/*"), "200"},
		{"as old as may be", caller{good.id, good.secret, good.token, noon.Add(-15 * time.Minute)}, nothing, "200"},

		{"not signed", good, func(r *http.Request) { r.Header.Del("Authorization") }, "403 AccessDenied"},
		{"signed as of old", good, set("Authorization", "OSS ak:sig"), "403 AccessDenied 0002-00000080"},
		{"an address signed as of old", good, func(r *http.Request) {
			r.Header.Del("Authorization")
			r.URL.RawQuery = "OSSAccessKeyId=ak&Expires=1141889120&Signature=sig"
		}, "403 AccessDenied 0002-00000080"},
		{"no signature", good, edit(",Signature=", ",S="), "403 AccessDenied"},
		{"a scope that lacks its end", good, edit("/aliyun_v4_request", ""), "403 AccessDenied"},
		{"an unknown key", caller{"nobody", good.secret, good.token, noon}, nothing, "403 InvalidAccessKeyId"},
		{"no key", caller{"", "", "", noon}, nothing, "403 InvalidAccessKeyId"},
		{"another region", good, signed(nothing, uri, "cn-shanghai"), "400 InvalidArgument"},
		{"no region", good, signed(nothing, uri, ""), "400 InvalidArgument"},
		{"the region's endpoint for its id", good, signed(nothing, uri, "oss-cn-hangzhou"), "400 InvalidArgument"},
		{"another product", good, edit("/oss/", "/hbr/"), "400 InvalidArgument"},
		{"another day", good, edit("/20261123/", "/20261122/"), "400 InvalidArgument"},
		{"no date", good, func(r *http.Request) { r.Header.Del("x-oss-date") }, "403 AccessDenied"},
		{"a date in another form", good, set("x-oss-date", "2026-11-23T12:00:00Z"), "403 AccessDenied"},
		{"a date too old", caller{good.id, good.secret, good.token, noon.Add(-15*time.Minute - time.Second)}, nothing, "403 RequestTimeTooSkewed"},
		{"a date in the future", caller{good.id, good.secret, good.token, noon.Add(16 * time.Minute)}, nothing, "403 RequestTimeTooSkewed"},
		{"no word on the body", good, func(r *http.Request) { r.Header.Del("x-oss-content-sha256") }, "400 InvalidArgument 0002-00000214"},
		{"the digest of the body", good, signed(set("x-oss-content-sha256", hexSHA256("")), uri, region), "400 InvalidArgument 0002-00000214"},
		{"another token", caller{good.id, good.secret, "token of " + other, noon}, nothing, "403 InvalidSecurityToken"},
		{"no token", caller{good.id, good.secret, "", noon}, nothing, "403 InvalidSecurityToken"},
		{"a key that has ended", newCaller(local.Key{ID: "STS.ended", Secret: "s", Token: "t"}), nothing, "403 SecurityTokenExpired"},
		{"another secret", caller{good.id, "x", good.token, noon}, nothing, "403 SignatureDoesNotMatch 0002-00000201"},
		{"another key's path", good, func(r *http.Request) { r.URL.Path += "b" }, "403 SignatureDoesNotMatch"},
		{"another query", good, func(r *http.Request) { r.URL.RawQuery = "versionId=1" }, "403 SignatureDoesNotMatch"},
		{"another method", good, func(r *http.Request) { r.Method = "DELETE" }, "403 SignatureDoesNotMatch"},
		{"a header behind the signature", good, set("x-oss-forbid-overwrite", "true"), "403 SignatureDoesNotMatch"},
		{"a type behind the signature", good, set("Content-Type", "text/plain"), "403 SignatureDoesNotMatch"},
		{"a digest behind the signature", good, set("Content-MD5", "x"), "403 SignatureDoesNotMatch"},
		{"another bucket", good, signed(func(r *http.Request) { r.URL.Path = "/x/a" }, "/x/a", region), "404 NoSuchBucket"},
		{"the account of somebody else", newCaller(keyOf(other)), nothing, "403 AccessDenied"},
	} {
		o := newOSS(t)
		o.Account = owner
		o.Keys.Add(local.Key{ID: "STS.ended", Secret: "s", Token: "t", Account: owner, Expires: noon})
		put(t, o, "a", "1")
		r := tt.c.oss("GET", ossURL, "a", "", "")
		tt.spoil(r)
		w := serve(o, r)
		got := fmt.Sprint(w.Code)
		if w.Code != 200 {
			var e ossFailure
			got, e = ossError(t, w.Code, w.Body)
			if strings.Count(tt.want, " ") == 2 {
				got += " " + e.EC
			}
			if e.Code == "SignatureDoesNotMatch" &&
				(!strings.Contains(e.CanonicalRequest, good.token) || !strings.HasPrefix(e.StringToSign, "OSS4-HMAC-SHA256\n")) {
				t.Errorf("%s: %+v does not show what was signed", tt.name, e)
			}
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestAdditionalHeadersAreSigned(t *testing.T) {
	c := newCaller(keyOf(owner))
	r := c.oss("GET", ossURL, "", "list-type=2", "", "x-a", "1")
	canonical := "GET\n/bucket/\nlist-type=2\nhost:127.0.0.1\nx-a:1\nx-oss-content-sha256:UNSIGNED-PAYLOAD\nx-oss-date:20261123T120000Z\n" +
		"x-oss-security-token:" + c.token + "\n\nhost;x-a;x-oss-date\nUNSIGNED-PAYLOAD"
	scope := "20261123/cn-hangzhou/oss/aliyun_v4_request"
	key := []byte("aliyun_v4" + c.secret)
	for part := range strings.SplitSeq(scope, "/") {
		mac, _ := io.ReadAll(hexReader(hexMAC(key, part)))
		key = mac
	}
	signature := hexMAC(key, "OSS4-HMAC-SHA256\n20261123T120000Z\n"+scope+"\n"+hexSHA256(canonical))
	r.Header.Set("Authorization", "OSS4-HMAC-SHA256 Credential="+c.id+"/"+scope+", AdditionalHeaders=host;x-a;x-oss-date, Signature="+signature)
	for value, want := range map[string]int{"1": 200, "2": 403} {
		r.Header.Set("x-a", value)
		if w := serve(newOSS(t), r); w.Code != want {
			t.Errorf("x-a %s: status %d, want %d: %s", value, w.Code, want, w.Body)
		}
	}
}

func TestObjectComesBack(t *testing.T) {
	o := newOSS(t)
	const key, body = "snapshots/dt=2026-11-23/1 ü+%2F.json", "123456789"
	got, h, _ := request(t, o, "PUT", key, "", body, "Content-MD5", "JfnnlDI7RTiF9RgfG2JNCw==", "Cache-Control", "no-cache", "x-oss-meta-a", "b")
	if got != "200" || h.Get("ETag") != `"25F9E794323B453885F5181F1B624D0B"` || h.Get("x-oss-hash-crc64ecma") != "11051210869376104954" {
		t.Errorf("PUT: %s %v", got, h)
	}
	for _, tt := range []struct{ method, query, body, crc, cache string }{
		{"GET", "", body, "11051210869376104954", "no-cache"},
		{"HEAD", "", "", "11051210869376104954", "no-cache"},
		{"HEAD", "objectMeta", "", "", ""},
	} {
		server := serveHTTP(t, o)
		response := send(t, server, newCaller(keyOf(owner)).oss(tt.method, server.URL, key, tt.query, ""))
		data, _ := io.ReadAll(response.Body)
		h := response.Header
		if response.StatusCode != 200 || string(data) != tt.body || response.ContentLength != int64(len(body)) || h.Get("Cache-Control") != tt.cache ||
			h.Get("ETag") != `"25F9E794323B453885F5181F1B624D0B"` || h.Get("x-oss-hash-crc64ecma") != tt.crc || h.Get("Last-Modified") != noon.Format(http.TimeFormat) {
			t.Errorf("%s ?%s: %d %q %v", tt.method, tt.query, response.StatusCode, data, h)
		}
		if tt.query == "" && (h.Get("Content-Type") != "application/json" || h.Get("x-oss-meta-a") != "b") {
			t.Errorf("%s: %v", tt.method, h)
		}
	}
	if got, want := tree(t, o.Dir), []string{"snapshots ", "snapshots/dt=2026-11-23 ", key + " " + body}; !slices.Equal(got, want) {
		t.Errorf("the folder is %q, want %q", got, want)
	}

	if got, _, _ := request(t, o, "PUT", key, "", "other"); got != "200" {
		t.Errorf("a second PUT: %s", got)
	}
	if _, h, data := request(t, o, "GET", key, "", ""); data != "other" || h.Get("x-oss-meta-a") != "" {
		t.Errorf("after a second PUT: %q %v", data, h)
	}
	if err := os.WriteFile(filepath.Join(o.Dir, filepath.FromSlash(key)), []byte("by hand"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, h, data := request(t, o, "GET", key, "", ""); data != "by hand" || h.Get("ETag") != `"7D909037A76176ADB749EDA313187060"` {
		t.Errorf("after a change by hand: %q %v", data, h)
	}
	for range 2 {
		if got, _, _ := request(t, o, "DELETE", key, "", ""); got != "204" {
			t.Errorf("DELETE: %s, want 204 whether it is there or not", got)
		}
	}
	if got := tree(t, o.Dir); len(got) != 0 {
		t.Errorf("after DELETE the folder is %q, want nothing", got)
	}
}

func TestObjectsAreRefused(t *testing.T) {
	o := newOSS(t)
	put(t, o, "dir/a", "1")
	long := strings.Repeat("abc/", 255) + "abc" // 1023 bytes
	for _, tt := range []struct{ name, method, key, query, body, header, value, want string }{
		{"the longest key", "PUT", long, "", "", "", "", "200"},
		{"a key too long", "PUT", long + "d", "", "", "", "", "400 InvalidObjectName"},
		{"a name too long for a file", "PUT", strings.Repeat("a", 256), "", "", "", "", "400 InvalidObjectName"},
		{"a slash at the beginning", "PUT", "/a", "", "", "", "", "400 InvalidObjectName"},
		{"a backslash at the beginning", "PUT", `\a`, "", "", "", "", "400 InvalidObjectName"},
		{"a backslash inside", "PUT", `a\b`, "", "", "", "", "200"},
		{"the folder above", "PUT", "../a", "", "", "", "", "400 InvalidObjectName"},
		{"a way out", "PUT", "dir/../../a", "", "", "", "", "400 InvalidObjectName"},
		{"dots in a name", "PUT", "dir/..a", "", "", "", "", "200"},
		{"the folder itself", "PUT", ".", "", "", "", "", "400 InvalidObjectName"},
		{"an empty part", "PUT", "dir//a", "", "", "", "", "400 InvalidObjectName"},
		{"a folder's mark", "PUT", "x/", "", "", "", "", "400 InvalidObjectName"},
		{"no text", "PUT", "\xff", "", "", "", "", "400 InvalidObjectName"},
		{"the name of a file that is being written", "PUT", ".partial-1", "", "", "", "", "400 InvalidObjectName"},
		{"a key below another", "PUT", "dir/a/b", "", "", "", "", "400 InvalidObjectName"},
		{"a key far below another", "PUT", "dir/a/b/c", "", "", "", "", "400 InvalidObjectName"},
		{"a key above another", "PUT", "dir", "", "", "", "", "400 InvalidObjectName"},
		{"a wrong digest", "PUT", "b", "", "2", "Content-MD5", "JfnnlDI7RTiF9RgfG2JNCw==", "400 InvalidDigest"},
		{"a digest that is none", "PUT", "b", "", "2", "Content-MD5", "x", "400 InvalidDigest"},
		{"forbid-overwrite that is no word", "PUT", "b", "", "2", "x-oss-forbid-overwrite", "yes", "400 InvalidArgument"},
		{"forbid-overwrite of nothing", "PUT", "c", "", "2", "x-oss-forbid-overwrite", "true", "200"},
		{"forbid-overwrite", "PUT", "dir/a", "", "2", "x-oss-forbid-overwrite", "true", "409 FileAlreadyExists"},
		{"copying", "PUT", "b", "", "", "x-oss-copy-source", "/bucket/dir/a", "501 NotImplemented"},
		{"appending", "PUT", "dir/a", "append&position=0", "2", "", "", "501 NotImplemented"},
		{"tags", "PUT", "dir/a", "tagging", "2", "", "", "501 NotImplemented"},
		{"POST", "POST", "dir/a", "", "2", "", "", "501 NotImplemented"},
		{"a condition on what is written", "PUT", "b", "", "2", "If-None-Match", "*", "501 NotImplemented"},
		{"a bucket to make", "PUT", "", "", "", "", "", "501 NotImplemented"},
		{"nothing there", "GET", "x", "", "", "", "", "404 NoSuchKey"},
		{"nothing there to look at", "HEAD", "x", "", "", "", "", "404 NoSuchKey"},
		{"nothing there in short", "HEAD", "x", "objectMeta", "", "", "", "404 NoSuchKey"},
		{"a folder", "GET", "dir", "", "", "", "", "404 NoSuchKey"},
		{"below an object", "GET", "dir/a/b", "", "", "", "", "404 NoSuchKey"},
		{"a way out to read", "GET", "../../x", "", "", "", "", "404 NoSuchKey"},
		{"a folder to delete", "DELETE", "dir", "", "", "", "", "204"},
		{"below an object to delete", "DELETE", "dir/a/b", "", "", "", "", "204"},
		{"what is stored", "GET", "dir/a", "", "", "", "", "200"},
	} {
		var headers []string
		if tt.header != "" {
			headers = []string{tt.header, tt.value}
		}
		if got, _, answer := request(t, o, tt.method, tt.key, tt.query, tt.body, headers...); got != tt.want {
			t.Errorf("%s: %s %s, want %s", tt.name, got, answer, tt.want)
		}
	}
	if got := tree(t, filepath.Dir(o.Dir)); !slices.Contains(got, "bucket/dir/a 1") || slices.ContainsFunc(got, func(f string) bool { return !strings.HasPrefix(f, "bucket") }) {
		t.Errorf("the folder is %q, want dir/a untouched and nothing outside", got)
	}
}

func TestHalfABodyIsNotStored(t *testing.T) {
	o := newOSS(t)
	r := newCaller(keyOf(owner)).oss("PUT", ossURL, "a", "", "")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	w := serve(o, r)
	if got, _ := ossError(t, w.Code, w.Body); got != "400 IncompleteBody" || len(tree(t, o.Dir)) != 0 {
		t.Errorf("%s, and the folder is %q", got, tree(t, o.Dir))
	}
}

func TestForbidOverwriteLetsOneWin(t *testing.T) {
	o := newOSS(t)
	won := make(chan string, 20)
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			body := fmt.Sprint("writer ", i)
			switch got, h, _ := request(t, o, "PUT", "a/b/c", "", body, "x-oss-forbid-overwrite", "true"); {
			case got == "200":
				won <- body
			case got != "409 FileAlreadyExists" || h.Get("x-oss-ec") != "0026-00000002":
				t.Errorf("%s got %s %v", body, got, h)
			}
		})
	}
	group.Wait()
	close(won)
	if len(won) != 1 {
		t.Fatalf("%d of 20 writers were told they won, want 1", len(won))
	}
	if _, _, data := request(t, o, "GET", "a/b/c", "", ""); data != <-won {
		t.Errorf("stored is %q, not what the winner wrote", data)
	}
}

func TestReadersSeeWholeObjects(t *testing.T) {
	o := newOSS(t)
	body := func(i int) string { return strings.Repeat(fmt.Sprint(i), 4096) }
	put(t, o, "dir/a", body(0))
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for j := range 25 {
				put(t, o, "dir/a", body((i+j)%10))
				put(t, o, "new/a", "")
				request(t, o, "DELETE", "new/a", "", "")
			}
		})
		group.Go(func() {
			for range 25 {
				got, h, data := request(t, o, "GET", "dir/a", "", "")
				if got != "200" || data != strings.Repeat(data[:1], 4096) {
					t.Errorf("GET: %s, %d bytes", got, len(data))
				}
				_, h2, _ := request(t, o, "HEAD", "dir/a", "", "")
				if h.Get("ETag") == "" || h2.Get("ETag") == "" {
					t.Error("no ETag")
				}
				if got, _, list := request(t, o, "GET", "", "list-type=2", ""); got != "200" || !strings.Contains(list, "<Size>4096</Size>") {
					t.Errorf("list: %s %s", got, list)
				}
			}
		})
	}
	group.Wait()
	_, h, _ := request(t, o, "GET", "dir/a", "", "")
	if _, _, list := request(t, o, "GET", "", "list-type=2", ""); !strings.Contains(list, strings.ReplaceAll(h.Get("ETag"), `"`, "&#34;")) {
		t.Errorf("listed is another ETag than %s: %s", h.Get("ETag"), list)
	}
}

func TestBucketKinds(t *testing.T) {
	for _, tt := range []struct {
		name                           string
		change                         func(*local.OSS)
		forbidden, plain, delete, read string
		versioning, worm               string // parts of what the bucket tells
	}{
		{"plain", func(*local.OSS) {}, "409 FileAlreadyExists", "200", "204", "200", "<VersioningConfiguration>\n</Ver", "404 NoSuchWORMConfiguration"},
		{"versioned", func(o *local.OSS) { o.Versioning = "Enabled" }, "200", "200", "204", "200", "<Status>Enabled<", "404 NoSuchWORMConfiguration"},
		{"once versioned", func(o *local.OSS) { o.Versioning = "Suspended" }, "200", "200", "204", "200", "<Status>Suspended<", "404 NoSuchWORMConfiguration"},
		{"retained", func(o *local.OSS) { o.RetentionDays = 7 }, "409 FileAlreadyExists", "409 FileImmutable", "409 FileImmutable", "200", "<VersioningConfiguration>", "<RetentionPeriodInDays>7<"},
		{"retained and due", func(o *local.OSS) {
			o.RetentionDays = 7
			o.Keys.Add(keyOf(owner))
			if err := os.Chtimes(filepath.Join(o.Dir, "a"), noon.AddDate(0, 0, -7), noon.AddDate(0, 0, -7)); err != nil {
				panic(err)
			}
		}, "409 FileAlreadyExists", "200", "409 FileImmutable", "200", "<VersioningConfiguration>", "<State>Locked<"},
		{"read only", func(o *local.OSS) { o.ReadOnly = true }, "403 AccessDenied", "403 AccessDenied", "403 AccessDenied", "200", "<VersioningConfiguration>", "404 NoSuchWORMConfiguration"},
		{"permitted in part", func(o *local.OSS) {
			o.Permit = func(action, key string) bool { return action != "oss:GetObject" || key != "a" }
		}, "409 FileAlreadyExists", "200", "204", "403 AccessDenied", "<VersioningConfiguration>", "404 NoSuchWORMConfiguration"},
	} {
		o := newOSS(t)
		put(t, o, "a", "1")
		tt.change(o)
		for _, step := range []struct{ method, forbid, want string }{
			{"PUT", "true", tt.forbidden}, {"PUT", "false", tt.plain}, {"GET", "", tt.read}, {"DELETE", "", tt.delete},
		} {
			var headers []string
			if step.forbid != "" {
				headers = []string{"x-oss-forbid-overwrite", step.forbid}
			}
			got, h, _ := request(t, o, step.method, "a", "", "2", headers...)
			if got != step.want || (h.Get("x-oss-version-id") != "") != (o.Versioning != "") {
				t.Errorf("%s: %s, forbid-overwrite %q: %s %v, want %s", tt.name, step.method, step.forbid, got, h, step.want)
			}
		}
		for query, want := range map[string]string{"versioning": tt.versioning, "worm": tt.worm, "bucketInfo": "<Location>oss-cn-hangzhou<"} {
			if got, _, answer := request(t, o, "GET", "", query, ""); got != want && !strings.Contains(answer, want) {
				t.Errorf("%s: ?%s: %s %s, want %s", tt.name, query, got, answer, want)
			}
		}
	}
}
