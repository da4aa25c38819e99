package store

import (
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"strings"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
)

// ProbePut finds out whether a key may be written, without writing it: it sends
// a digest that is not the document's, which OSS refuses after it has found the
// request to be allowed.
func (s *OSS) ProbePut(ctx context.Context, key string) error {
	name := s.prefix + key
	if err := checkKey("put", name); err != nil {
		return err
	}
	var a answer
	const digestOfNothing = "1B2M2Y8AsgTpgAmY7PhCfg=="
	err := s.bucket.PutObject(name, strings.NewReader("probe"), oss.WithContext(withAnswer(ctx, &a)), oss.ContentMD5(digestOfNothing))
	var refused oss.ServiceError
	if errors.As(err, &refused) && (refused.Code == "InvalidDigest" || refused.Code == "BadDigest") {
		return nil
	}
	if err == nil {
		return errors.New("probe " + name + ": written, though its digest was wrong: want a service that compares Content-MD5; delete the object")
	}
	return explain(ctx, "probe", name, &a, err)
}

// Versioning is the bucket's: "Enabled", "Suspended", or "" where it never was
// on. It needs oss:GetBucketVersioning, which nothing else does.
func (s *OSS) Versioning(ctx context.Context) (status string, err error) {
	err = s.do(ctx, "get versioning of", s.bucket.BucketName, func(ctx context.Context, _ *answer) error {
		var result oss.GetBucketVersioningResult
		err := s.setting(ctx, "versioning", &result)
		status = result.Status
		return err
	})
	return status, err
}

// Retention is the state of the bucket's retention policy: "InProgress",
// "Locked", "Expired", or "" for none. It needs oss:GetBucketWorm, which nothing
// else does.
func (s *OSS) Retention(ctx context.Context) (state string, err error) {
	err = s.do(ctx, "get retention of", s.bucket.BucketName, func(ctx context.Context, _ *answer) error {
		var result oss.WormConfiguration
		err := s.setting(ctx, "worm", &result)
		state = result.State
		return err
	})
	var refused *Error
	if errors.As(err, &refused) && refused.Code == "NoSuchWORMConfiguration" {
		return "", nil
	}
	return state, err
}

// setting reads one of the bucket's settings. The SDK's own methods for them take
// no notice of a context.
func (s *OSS) setting(ctx context.Context, name string, into any) error {
	res, err := s.bucket.Client.Conn.DoWithContext(ctx, http.MethodGet, s.bucket.BucketName, "",
		map[string]any{name: nil}, make(map[string]string), nil, 0, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return xml.NewDecoder(res.Body).Decode(into)
}
