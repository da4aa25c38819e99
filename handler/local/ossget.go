//go:build !function

package local

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// get answers GetObject, HeadObject and GetObjectMeta.
func (o *OSS) get(c *ossCall) *ossError {
	of, data, err := o.read(c.key)
	if err != nil {
		return internalError(err)
	} else if data == nil {
		return noSuchKey(c.key)
	}
	h := c.w.Header()
	of.describe(h)
	h.Set("Last-Modified", of.modified.UTC().Format(http.TimeFormat))
	o.describeVersion(h)
	switch failed := unmet(c.r.Header, of); failed {
	case "":
	case "If-None-Match", "If-Modified-Since":
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	default:
		return &ossError{412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.", "", [][2]string{{"Condition", failed}}}
	}
	status := http.StatusOK
	if c.query.Has("objectMeta") { // the short form
		h.Del("X-Oss-Hash-Crc64ecma")
	} else {
		h.Set("X-Oss-Object-Type", "Normal")
		h.Set("X-Oss-Storage-Class", "Standard")
		h.Set("Accept-Ranges", "bytes")
		h.Set("Content-MD5", base64.StdEncoding.EncodeToString(of.md5[:]))
		h.Set("Content-Type", contentType(c.key))
		for name, values := range of.stored {
			h[name] = values
		}
	}
	if text := c.r.Header.Get("Range"); text != "" && c.r.Method == http.MethodGet {
		first, end, ok := byteRange(text, len(data), c.r.Header.Get("x-oss-range-behavior") == "standard")
		switch {
		case ok:
			status = http.StatusPartialContent
			h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, end-1, len(data)))
			h.Del("Content-MD5") // which is that of the whole, as the CRC-64 still is
			data = data[first:end]
		case c.r.Header.Get("x-oss-range-behavior") == "standard":
			return &ossError{
				416, "InvalidRange", "The requested range cannot be satisfied", "",
				[][2]string{{"ActualObjectSize", strconv.Itoa(len(data))}, {"RangeRequested", text}},
			}
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(data)))
	c.w.WriteHeader(status)
	c.w.Write(data) // net/http keeps it back from a HEAD
	return nil
}

// unmet returns the first condition of a request that does not hold for an
// object, or nothing. A date that is none is no condition.
func unmet(h http.Header, of object) string {
	same := func(name string) bool {
		return slices.ContainsFunc(strings.Split(h.Get(name), ","), func(tag string) bool {
			tag = strings.TrimSpace(tag)
			return tag == "*" || strings.Trim(tag, `"`) == strings.Trim(of.eTag(), `"`)
		})
	}
	since := func(name string) (modified, given bool) {
		date, err := http.ParseTime(h.Get(name))
		return of.modified.Truncate(time.Second).After(date), err == nil
	}
	if h.Get("If-Match") != "" && !same("If-Match") {
		return "If-Match"
	}
	if modified, given := since("If-Unmodified-Since"); given && modified {
		return "If-Unmodified-Since"
	}
	if h.Get("If-None-Match") != "" && same("If-None-Match") {
		return "If-None-Match"
	}
	if modified, given := since("If-Modified-Since"); given && !modified {
		return "If-Modified-Since"
	}
	return ""
}

// byteRange reads a Range: the bytes from first to before end. A range that
// reaches beyond the object is none to OSS, unless it is asked for the standard's
// behaviour, which takes what there is.
//
// https://www.alibabacloud.com/help/en/oss/how-to-obtain-oss-resources-by-segmenting-http-range-requests
func byteRange(text string, size int, standard bool) (first, end int, ok bool) {
	text, ok = strings.CutPrefix(text, "bytes=")
	if !ok || standard && strings.Contains(text, ",") {
		return 0, 0, false
	}
	text, _, _ = strings.Cut(text, ",") // of several, the first alone is served
	from, to, ok := strings.Cut(strings.TrimSpace(text), "-")
	number := func(digits string) int {
		n, err := strconv.ParseUint(digits, 10, 62)
		if err != nil {
			ok = false
		}
		return int(n)
	}
	switch {
	case from == "":
		last := number(to)
		if standard {
			last = min(last, size)
		}
		first, end = size-last, size
	case to == "":
		first, end = number(from), size
	default:
		first, end = number(from), number(to)+1
		if standard && first < end {
			end = min(end, size)
		}
	}
	return first, end, ok && 0 <= first && first < end && end <= size
}
