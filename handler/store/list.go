package store

import (
	"encoding/xml"
	"net/url"
	"slices"
	"strings"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
)

// A page is one answer to ListObjectsV2, with its names decoded.
type page struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Name                  string   // the bucket
	Prefix                string
	IsTruncated           bool
	NextContinuationToken string
	Objects               []oss.ObjectProperties `xml:"Contents"`
}

// A listing is the pages that were read so far.
type listing struct {
	bucket, prefix string
	tokens         []string
	last           string // key
}

// A garbledError says why an answer is not one to what was asked. It repeats nothing
// of the answer.
type garbledError struct{ text string }

func (e *garbledError) Error() string { return e.text }

// check decodes a page, and wants it to be the next one: of this bucket and prefix,
// with keys that are new and sorted, and a way on where it is not the last.
func (l *listing) check(p *page) error {
	names := []*string{&p.Prefix, &p.NextContinuationToken}
	for i := range p.Objects {
		names = append(names, &p.Objects[i].Key)
	}
	for _, name := range names {
		decoded, err := url.QueryUnescape(*name)
		if err != nil {
			return &garbledError{"a name in the answer is not encoded as it was asked for"}
		}
		*name = decoded
	}
	if p.Name != l.bucket || p.Prefix != l.prefix {
		return &garbledError{"the answer is about another bucket or prefix"}
	}
	last := l.last
	for _, object := range p.Objects {
		if !strings.HasPrefix(object.Key, l.prefix) || object.Key <= last {
			return &garbledError{"the answer's keys do not all have this prefix, or are not sorted"}
		}
		last = object.Key
	}
	if next := p.NextContinuationToken; p.IsTruncated && (next == "" || slices.Contains(l.tokens, next)) {
		return &garbledError{"the answer is truncated, without a new continuation token"}
	}
	return nil
}

// move goes on behind a page.
func (l *listing) move(p page) {
	l.tokens = append(l.tokens, p.NextContinuationToken)
	if n := len(p.Objects); n > 0 {
		l.last = p.Objects[n-1].Key
	}
}

// token is where the next page begins; "" for the first.
func (l *listing) token() string {
	if len(l.tokens) == 0 {
		return ""
	}
	return l.tokens[len(l.tokens)-1]
}
