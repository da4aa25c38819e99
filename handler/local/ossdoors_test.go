package local_test

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"backup-statistics/handler/local"
)

// As production writes it.
const ossHost = "http://" + bucket + ".oss-cn-hangzhou.localhost:8080"

// A request is the same whether the bucket is in the path or in the host's name,
// and so is its signature.
func TestBucketInTheHostsName(t *testing.T) {
	good := newCaller(keyOf(owner))
	for _, tt := range []struct{ name, base, key, want string }{
		{"the public endpoint", ossHost, "dt=1/a b", "200"},
		{"the endpoint of inside", "http://bucket.oss-cn-hangzhou-internal.localhost", "dt=1/a b", "200"},
		{"the real name", "http://bucket.oss-cn-hangzhou.aliyuncs.com", "dt=1/a b", "200"},
		{"over TLS", "https://bucket.oss-cn-hangzhou.aliyuncs.com", "dt=1/a b", "200"},
		{"a key that begins as the bucket", ossHost, bucket + "/x", "404 NoSuchKey"},
		{"another bucket", "http://other.oss-cn-hangzhou.localhost", "a", "404 NoSuchBucket 0015-00000101"},
		{"the endpoint of another region", "http://bucket.oss-cn-shanghai.localhost", "a", "400 InvalidArgument 0002-00000226"},
		{"the bucket in the path of a name", "http://oss-cn-hangzhou.localhost", "a", "403 SecondLevelDomainForbidden"},
		{"this machine by name", "http://localhost:1", "dt=1/a b", "200"},
		{"this machine by number", "http://[::1]:1", "dt=1/a b", "200"},
	} {
		o := newOSS(t)
		o.Account = owner
		put(t, o, "dt=1/a b", "content")
		r := good.oss("GET", tt.base, tt.key, "", "")
		if strings.Contains(tt.base, "://other.") {
			r.URL.Path = "/" + tt.key
			r.URL.RawPath = ""
			good.ossSigned(r, "/other/"+tt.key, "cn-hangzhou")
		}
		w := serve(o, r)
		got := fmt.Sprint(w.Code)
		if w.Code != 200 {
			failed, e := ossError(t, w.Code, w.Body)
			got = strings.TrimSpace(failed + " " + cmp.Or(e.EC, ""))
			if strings.Count(tt.want, " ") == 1 {
				got = failed
			}
		} else if w.Body.String() != "content" {
			t.Errorf("%s: %q", tt.name, w.Body)
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	o := newOSS(t)
	r := good.oss("GET", "http://bucket.oss-cn-shanghai.localhost", "a", "", "")
	w := serve(o, good.ossSigned(r, "/bucket/a", "cn-shanghai"))
	if got, _ := ossError(t, w.Code, w.Body); got != "403 AccessDenied" || w.Header().Get("x-oss-ec") != "0003-00001403" {
		t.Errorf("signed for the endpoint of another region: %s %v, want 403 AccessDenied for the endpoint", got, w.Header())
	}
}

// What has no answer is said of a bucket only where there is that bucket.
func TestOrderOfRefusals(t *testing.T) {
	for _, tt := range []struct{ method, bucket, query, account, want string }{
		{"GET", "nobodys", "acl", owner, "404 NoSuchBucket"},
		{"GET", "nobodys", "cors", owner, "404 NoSuchBucket"},
		{"PUT", "nobodys", "", owner, "404 NoSuchBucket"},
		{"POST", "nobodys", "delete", owner, "404 NoSuchBucket"},
		{"POST", bucket, "delete", other, "403 AccessDenied"},
		{"POST", bucket, "delete", owner, "501 NotImplemented"},
		{"GET", bucket, "acl", owner, "200"},
	} {
		o := newOSS(t)
		o.Account = owner
		c := newCaller(keyOf(tt.account))
		r := c.oss(tt.method, ossURL, "", tt.query, "")
		r.URL.Path = "/" + tt.bucket + "/"
		w := serve(o, c.ossSigned(r, r.URL.Path, "cn-hangzhou"))
		got := fmt.Sprint(w.Code)
		if w.Code != 200 {
			got, _ = ossError(t, w.Code, w.Body)
		}
		if got != tt.want {
			t.Errorf("%s %s?%s by %s: %s, want %s", tt.method, tt.bucket, tt.query, tt.account, got, tt.want)
		}
	}
}

func TestRangesAndConditions(t *testing.T) {
	const body = "0123456789"
	const tag = `"781E5E245D69B566979B86E28D23F2C7"`
	before, after := noon.Add(-time.Second).Format(http.TimeFormat), noon.Add(time.Second).Format(http.TimeFormat)
	at := noon.Format(http.TimeFormat)
	standard := []string{"x-oss-range-behavior", "standard"}
	for _, tt := range []struct {
		name    string
		headers []string
		status  int
		body    string
		says    string // Content-Range, or the code of an error
	}{
		{"a range", []string{"Range", "bytes=2-4"}, 206, "234", "bytes 2-4/10"},
		{"one byte", []string{"Range", "bytes=0-0"}, 206, "0", "bytes 0-0/10"},
		{"to the end", []string{"Range", "bytes=7-"}, 206, "789", "bytes 7-9/10"},
		{"the last", []string{"Range", "bytes=-3"}, 206, "789", "bytes 7-9/10"},
		{"the whole", []string{"Range", "bytes=0-9"}, 206, body, "bytes 0-9/10"},
		{"the first of several", []string{"Range", "bytes=0-1,5-6"}, 206, "01", "bytes 0-1/10"},
		{"beyond the end is the whole", []string{"Range", "bytes=5-10"}, 200, body, ""},
		{"behind the end is the whole", []string{"Range", "bytes=10-"}, 200, body, ""},
		{"more than there is is the whole", []string{"Range", "bytes=-11"}, 200, body, ""},
		{"backwards is the whole", []string{"Range", "bytes=4-2"}, 200, body, ""},
		{"another unit is the whole", []string{"Range", "byte=0-1"}, 200, body, ""},
		{"no number is the whole", []string{"Range", "bytes=a-b"}, 200, body, ""},
		{"no bytes at all is the whole", []string{"Range", "bytes=-0"}, 200, body, ""},
		{"beyond the end, by the standard", append(standard, "Range", "bytes=5-10"), 206, "56789", "bytes 5-9/10"},
		{"more than there is, by the standard", append(standard, "Range", "bytes=-11"), 206, body, "bytes 0-9/10"},
		{"behind the end, by the standard", append(standard, "Range", "bytes=10-"), 416, "", "InvalidRange"},
		{"several, by the standard", append(standard, "Range", "bytes=0-1,5-6"), 416, "", "InvalidRange"},

		{"the same", []string{"If-Match", tag}, 200, body, ""},
		{"the same without quotes", []string{"If-Match", strings.Trim(tag, `"`)}, 200, body, ""},
		{"another", []string{"If-Match", `"X"`}, 412, "", "PreconditionFailed"},
		{"not the same", []string{"If-None-Match", tag}, 304, "", ""},
		{"not another", []string{"If-None-Match", `"X"`}, 200, body, ""},
		{"modified since", []string{"If-Modified-Since", before}, 200, body, ""},
		{"not modified since", []string{"If-Modified-Since", at}, 304, "", ""},
		{"not modified since later", []string{"If-Modified-Since", after}, 304, "", ""},
		{"unmodified since", []string{"If-Unmodified-Since", at}, 200, body, ""},
		{"modified after all", []string{"If-Unmodified-Since", before}, 412, "", "PreconditionFailed"},
		{"no date", []string{"If-Modified-Since", "yesterday"}, 200, body, ""},
		{"a range of the same", []string{"If-Match", tag, "Range", "bytes=1-1"}, 206, "1", "bytes 1-1/10"},
	} {
		o := newOSS(t)
		put(t, o, "a", body)
		server := serveHTTP(t, o)
		for _, method := range []string{"GET", "HEAD"} {
			status, want := tt.status, tt.body
			if method == "HEAD" {
				if want = ""; status == 206 || status == 416 {
					status = 200 // a HEAD has no range
				}
			}
			response := send(t, server, newCaller(keyOf(owner)).oss(method, server.URL, "a", "", "", tt.headers...))
			data, err := io.ReadAll(response.Body)
			h := response.Header
			if err != nil || response.StatusCode != status || status < 300 && string(data) != want ||
				status < 300 && (h.Get("ETag") != tag || h.Get("x-oss-hash-crc64ecma") == "") {
				t.Errorf("%s: %s answers %d %q %v (%v), want %d %q", tt.name, method, response.StatusCode, data, h, err, status, want)
			}
			switch {
			case method == "GET" && status == 206 && h.Get("Content-Range") != tt.says, status == 200 && h.Get("Content-Range") != "":
				t.Errorf("%s: %s answers the range %q, want %q", tt.name, method, h.Get("Content-Range"), tt.says)
			case status == 304 && (len(data) > 0 || h.Get("ETag") != tag):
				t.Errorf("%s: %s answers %q %v, want no body and the tag", tt.name, method, data, h)
			case method == "GET" && status > 400 && !strings.Contains(string(data), "<Code>"+tt.says+"</Code>"):
				t.Errorf("%s: %s, want %s", tt.name, data, tt.says)
			}
		}
	}
}

// The times of a listing have a fraction that is always zero: SDKs parse nothing else.
func TestListedTimesAreOfTheirForm(t *testing.T) {
	o := newOSS(t)
	o.Now = func() time.Time { return noon.Add(123 * time.Millisecond) }
	put(t, o, "a", "1")
	for _, query := range []string{"list-type=2", ""} {
		if _, _, answer := request(t, o, "GET", "", query, ""); !strings.Contains(answer, "<LastModified>2026-11-23T12:00:00.000Z</LastModified>") {
			t.Errorf("?%s: %s", query, answer)
		}
	}
}

// The first way of listing finds what the second does, page by page.
func TestListTheFirstWay(t *testing.T) {
	o := newOSS(t)
	o.Account = owner
	for _, key := range []string{"a", "b/1", "b/2/3", "b/2/4", "b/5", "b.c", "b-/1", "ü/+ %2F", "z"} {
		put(t, o, key, "1")
	}
	type object struct {
		Key   string
		Owner *struct{ ID string }
	}
	for _, prefix := range []string{"", "b", "b/", "b/2/", "x"} {
		for _, delimiter := range []string{"", "/"} {
			for _, limit := range []int{1, 2, 100} {
				for _, encoding := range []string{"", "url"} {
					want, _ := listAll(t, o, prefix, delimiter, "", limit, "")
					var got []string
					marker := ""
					for more := true; more; {
						query := url.Values{"prefix": {prefix}, "delimiter": {delimiter}, "max-keys": {fmt.Sprint(limit)}, "marker": {marker}}
						if encoding != "" {
							query.Set("encoding-type", encoding)
						}
						status, _, answer := request(t, o, "GET", "", strings.ReplaceAll(query.Encode(), "+", "%20"), "")
						var page struct {
							Marker, NextMarker string
							IsTruncated        bool
							Contents           []object
							CommonPrefixes     []struct{ Prefix string }
						}
						decode := func(s string) string {
							if encoding != "" {
								s, _ = url.QueryUnescape(s)
							}
							return s
						}
						if err := xml.Unmarshal([]byte(answer), &page); err != nil || status != "200" || decode(page.Marker) != marker || page.IsTruncated != (page.NextMarker != "") {
							t.Fatalf("%s: %s %s (%v)", query.Encode(), status, answer, err)
						}
						var names []string
						for _, found := range page.Contents {
							names = append(names, decode(found.Key))
							if found.Owner == nil || found.Owner.ID != owner {
								t.Fatalf("%s is listed without its owner", found.Key)
							}
						}
						for _, common := range page.CommonPrefixes {
							names = append(names, decode(common.Prefix)+":")
						}
						slices.SortFunc(names, func(a, b string) int { return cmp.Compare(strings.TrimSuffix(a, ":"), strings.TrimSuffix(b, ":")) })
						got = append(got, names...)
						marker, more = decode(page.NextMarker), page.IsTruncated
						if len(got) > 100 {
							t.Fatalf("%s: no end of pages: %q", query.Encode(), got)
						}
					}
					if !slices.Equal(got, want) {
						t.Errorf("prefix %q, delimiter %q, %d a page: %q, want %q", prefix, delimiter, limit, got, want)
					}
				}
			}
		}
	}
	for query, want := range map[string]bool{"list-type=2": false, "fetch-owner=false&list-type=2": false, "fetch-owner=true&list-type=2": true} {
		_, _, answer := request(t, o, "GET", "", query, "")
		if got := strings.Contains(answer, "<Owner>\n<ID>"+owner+"</ID>"); got != want {
			t.Errorf("?%s shows owners: %v, want %v: %s", query, got, want, answer)
		}
	}
}

func TestSidesOfABucket(t *testing.T) {
	o := newOSS(t)
	o.Account = owner
	put(t, o, "a", "1")
	for _, tt := range []struct{ key, query, permission, want string }{
		{"", "acl", "oss:GetBucketAcl", "<Grant>private</Grant>"},
		{"", "location", "oss:GetBucketLocation", "<LocationConstraint>oss-cn-hangzhou</LocationConstraint>"},
		{"", "bucketInfo", "oss:GetBucketInfo", "<Grant>private</Grant>"},
		{"a", "acl", "oss:GetObjectAcl", "<Grant>default</Grant>"},
		{"b", "acl", "oss:GetObjectAcl", "404 NoSuchKey"},
	} {
		var asked string
		o.Permit = func(action, _ string) bool { asked = action; return true }
		got, _, answer := request(t, o, "GET", tt.key, tt.query, "")
		if got != "200" {
			answer = got
		}
		if !strings.Contains(answer, tt.want) || asked != tt.permission {
			t.Errorf("%s?%s: %s, which needs %s; want %s and %s", tt.key, tt.query, answer, asked, tt.want, tt.permission)
		}
	}
}

// Whoever has a signed address may use it, for as long and for what it says.
func TestSignedAddresses(t *testing.T) {
	good := newCaller(keyOf(owner))
	for _, tt := range []struct {
		name string
		c    caller
		now  time.Duration // since it was signed
		get  func(address string) *http.Request
		want string
	}{
		{"as it was signed", good, 0, nil, "200"},
		{"in its last second", good, 600 * time.Second, nil, "200"},
		{"a second late", good, 601 * time.Second, nil, "403 AccessDenied 0002-00000069"},
		{"a little early", good, -15 * time.Minute, nil, "200"},
		{"too early", good, -15*time.Minute - time.Second, nil, "403 AccessDenied 0002-00000235"},
		{"for another key", good, 0, func(address string) *http.Request {
			return newRequest("GET", strings.Replace(address, "/a?", "/b?", 1), "")
		}, "403 SignatureDoesNotMatch 0002-00000201"},
		{"for another method", good, 0, func(address string) *http.Request { return newRequest("DELETE", address, "") }, "403 SignatureDoesNotMatch 0002-00000201"},
		{"for longer", good, 0, func(address string) *http.Request {
			return newRequest("GET", strings.Replace(address, "expires=600", "expires=6000", 1), "")
		}, "403 SignatureDoesNotMatch 0002-00000201"},
		{"with more", good, 0, func(address string) *http.Request { return newRequest("GET", address+"&acl", "") }, "403 SignatureDoesNotMatch 0002-00000201"},
		{"another secret", caller{good.id, "x", good.token, noon}, 0, nil, "403 SignatureDoesNotMatch 0002-00000201"},
		{"an unknown key", caller{"nobody", good.secret, good.token, noon}, 0, nil, "403 InvalidAccessKeyId 0002-00000902"},
		{"another token", caller{good.id, good.secret, "x", noon}, 0, nil, "403 InvalidSecurityToken 0002-00000006"},
		{"a range of it", good, 0, func(address string) *http.Request {
			r := newRequest("GET", address, "")
			r.Header.Set("Range", "bytes=0-0")
			return r
		}, "206"},
	} {
		for _, base := range []string{ossURL, ossHost} {
			o := newOSS(t)
			put(t, o, "a", "content")
			put(t, o, "b", "another")
			o.Now = func() time.Time { return noon.Add(tt.now) }
			address := tt.c.ossAddress("GET", base, "a", "600")
			r := newRequest("GET", address, "")
			if tt.get != nil {
				r = tt.get(address)
			}
			var log local.Log
			w := serve(log.Wrap("oss", o), r)
			got := fmt.Sprint(w.Code)
			if w.Code > 299 {
				failed, e := ossError(t, w.Code, w.Body)
				got = failed + " " + e.EC
			}
			if got != tt.want {
				t.Errorf("%s at %s: %s, want %s", tt.name, base, got, tt.want)
			}
			if asked := log.Requests()[0]; strings.Contains(asked.Name, "signature") || asked.KeyID != tt.c.id {
				t.Errorf("%s at %s: the log has %+v, want the key's id and no signature", tt.name, base, asked)
			}
		}
	}
	for expires, want := range map[string]string{"604800": "200", "604801": "400 InvalidArgument", "0": "400 InvalidArgument", "x": "400 InvalidArgument"} {
		o := newOSS(t)
		put(t, o, "a", "content")
		w := serve(o, newRequest("GET", good.ossAddress("GET", ossHost, "a", expires), ""))
		got := fmt.Sprint(w.Code)
		if w.Code != 200 {
			got, _ = ossError(t, w.Code, w.Body)
		}
		if got != want {
			t.Errorf("for %s seconds: %s, want %s", expires, got, want)
		}
	}
	o := newOSS(t)
	put(t, o, "a", "content")
	w := serve(o, newRequest("GET", good.ossAddress("GET", ossHost, "", "600", "list-type=2"), ""))
	if w.Code != 200 || !strings.Contains(w.Body.String(), "<Key>a</Key>") {
		t.Errorf("a signed listing: %d %s", w.Code, w.Body)
	}
}

// One fault finds a request in both forms of address.
func TestFaultsFindBothForms(t *testing.T) {
	for _, base := range []string{ossURL, ossHost} {
		faults := &local.Faults{Next: newOSS(t), Service: "oss"}
		faults.Add(local.Fault{Kind: "error-500", On: "GET /" + bucket + "/dt=1/"})
		if w := serve(faults, newCaller(keyOf(owner)).oss("GET", base, "dt=1/a", "", "")); w.Code != 500 {
			t.Errorf("at %s: status %d, want the fault", base, w.Code)
		}
	}
}
