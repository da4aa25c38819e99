package store

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
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
	const digestOfNothing = "1B2M2Y8AsgTpgAmY7PhCfg=="
	written := false
	err := s.do(ctx, "probe", name, func(ctx context.Context, _ *answer) error {
		err := s.bucket.PutObject(name, strings.NewReader("probe"), oss.WithContext(ctx), oss.ContentMD5(digestOfNothing))
		var refused oss.ServiceError
		if errors.As(err, &refused) && (refused.Code == "InvalidDigest" || refused.Code == "BadDigest") {
			return nil
		}
		written = err == nil
		return err
	})
	if written {
		return errors.New("probe " + name + ": written, though its digest was wrong: want a service that compares Content-MD5; delete the object")
	}
	return err
}

// Versioning is the bucket's: "Enabled", "Suspended", or "" where it never was
// on. It needs oss:GetBucketVersioning, which nothing else does.
func (s *OSS) Versioning(ctx context.Context) (status string, err error) {
	err = s.do(ctx, "get versioning of", s.bucket.BucketName, func(ctx context.Context, _ *answer) error {
		var result oss.GetBucketVersioningResult
		err := s.ask(ctx, map[string]any{"versioning": nil}, &result)
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
		err := s.ask(ctx, map[string]any{"worm": nil}, &result)
		state = result.State
		return err
	})
	var refused *Error
	if errors.As(err, &refused) && refused.Code == "NoSuchWORMConfiguration" {
		return "", nil
	}
	return state, err
}

// ask reads what the bucket says of itself. The SDK's own methods take no notice of a
// context, or lose what proves that the answer is this bucket's.
func (s *OSS) ask(ctx context.Context, query map[string]any, into any) error {
	res, err := s.bucket.Client.Conn.DoWithContext(ctx, http.MethodGet, s.bucket.BucketName, "",
		query, make(map[string]string), nil, 0, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	return xml.Unmarshal(text, into)
}
