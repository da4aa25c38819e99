//go:build !function

package local

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// An ossAddress is what a request is about.
type ossAddress struct {
	bucket, key string
	// endpoint is the name of the service that the request was sent to, such as
	// oss-cn-hangzhou.localhost; empty where that is this machine's own name or
	// address, whose buckets are in the path.
	endpoint string
}

// ossSuffixes end the names that the service answers to.
var ossSuffixes = []string{".localhost", ".aliyuncs.com"}

// ossAddressOf takes the address of a request apart: bucket.oss-cn-hangzhou.localhost/key,
// as production writes it, or 127.0.0.1/bucket/key.
func ossAddressOf(r *http.Request) ossAddress {
	path := strings.TrimPrefix(r.URL.Path, "/")
	name, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		name = r.Host
	}
	if !slices.ContainsFunc(ossSuffixes, func(suffix string) bool { return strings.HasSuffix(name, suffix) }) {
		bucket, key, _ := strings.Cut(path, "/")
		return ossAddress{bucket: bucket, key: key}
	}
	if bucket, endpoint, ok := strings.Cut(name, "."); ok && strings.HasPrefix(endpoint, "oss-") {
		return ossAddress{bucket, path, endpoint}
	}
	return ossAddress{key: path, endpoint: name}
}

// region is that of the endpoint: oss-cn-hangzhou.localhost and
// oss-cn-hangzhou-internal.localhost are of cn-hangzhou. It is empty where the
// endpoint tells none.
func (a ossAddress) region() string {
	label, _, _ := strings.Cut(a.endpoint, ".")
	return strings.TrimSuffix(strings.TrimPrefix(label, "oss-"), "-internal")
}
