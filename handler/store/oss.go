package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc64"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
	"github.com/aliyun/credentials-go/credentials"

	"backup-statistics/handler/cpu"
	"backup-statistics/handler/fault"
)

// Options say which bucket an [OSS] keeps documents in, and how. The zero
// values of the limits stand for what is named beside them.
type Options struct {
	Endpoint   string // https, or http on loopback
	Region     string // of the bucket, such as cn-hangzhou: it is signed
	Bucket     string
	Prefix     string // begins each key in the bucket; empty, or ends in "/"
	Credential credentials.Credential
	Web        *http.Client // sends the requests; nil: one with Go's default transport
	Far        func() bool  // tells whether round trips are long, as far as it is known; nil: they are not

	AttemptTimeout time.Duration // of one request; a quarter of the time left, 1 s to 10 s
	FirstPause     time.Duration // between two tries, doubling up to 5 s; 200 ms
	Tries          int           // requests for one answer; 6
	AtOnce         int           // requests at the same time; any number
	FarAtOnce      int           // the same where Far says so; AtOnce
	PageSize       int           // keys in a page of a listing; 1000, which is OSS's most
	MaxBytes       int64         // of an answer; 64 MiB
}

// An OSS keeps documents in a bucket. It makes its requests with the
// credential that it is given, asked once a request, and through the HTTP
// client that it is given; nothing else outlives it.
//
// A request that fails in passing is repeated: when the service is overrun or
// breaks down, when an answer is late, broken or does not come, and when bytes
// were altered on the way. Others fail at once, with an [*Error].
//
// Known limit: on a bucket with versioning, enabled or suspended, OSS takes no
// notice of the header that forbids overwriting. PutNew replaces there (the old
// version is kept, but Get does not see it), so a caller that must not replace
// reads before it writes, and looks again afterwards where KeepsVersions says so.
type OSS struct {
	bucket   *oss.Bucket
	prefix   string
	pageSize int
	retry    retrier
	signer   *provider
	versions atomic.Bool // an answer to a write named a version
	sums     sync.Map    // by name, of large objects: the partSum of what was read last
}

// NewOSS returns a store in the bucket that o names. It makes no request.
func NewOSS(o Options) (*OSS, error) {
	host, err := o.check()
	if err != nil {
		return nil, err
	}
	var web http.Client
	if o.Web != nil {
		web = *o.Web
	}
	web.Transport = transport{cmp.Or(web.Transport, http.DefaultTransport), cmp.Or(o.MaxBytes, 64<<20)}
	signer := &provider{credential: o.Credential}
	client, err := oss.New(o.Endpoint, "", "",
		oss.AuthVersion(oss.AuthV4), oss.Region(o.Region), oss.SetCredentialsProvider(signer),
		oss.HTTPClient(&web), oss.ForcePathStyle(inPath(host)),
		oss.EnableCRC(false)) // put checks it: the SDK sums anew what was summed when it was read
	if err != nil {
		return nil, fmt.Errorf("oss endpoint %s: %w", o.Endpoint, err)
	}
	bucket, err := client.Bucket(o.Bucket)
	if err != nil {
		return nil, fmt.Errorf("oss: %w", err)
	}
	var turns turns
	if o.AtOnce > 0 {
		turns.near = make(chan struct{}, o.AtOnce)
		turns.further, turns.far = make(chan struct{}, max(0, o.FarAtOnce-o.AtOnce)), o.Far
	}
	return &OSS{bucket: bucket, prefix: o.Prefix, pageSize: cmp.Or(o.PageSize, 1000), signer: signer, retry: retrier{
		o.AttemptTimeout, cmp.Or(o.FirstPause, 200*time.Millisecond), cmp.Or(o.Tries, 6), turns,
	}}, nil
}

// check refuses what the SDK would take without complaint: to it a bare host
// means plain http, and an empty region is as good as any.
func (o Options) check() (host string, err error) {
	endpoint, err := url.Parse(o.Endpoint)
	switch {
	case err != nil || endpoint.Host == "" || endpoint.User != nil || strings.Trim(endpoint.Path, "/") != "",
		endpoint.Scheme != "https" && (endpoint.Scheme != "http" || !loopback(endpoint.Hostname())):
		return "", errors.New("oss endpoint: want https (http on loopback only) and a host, such as https://oss-cn-hangzhou-internal.aliyuncs.com")
	case o.Region == "" || strings.HasPrefix(o.Region, "oss-"):
		return "", fmt.Errorf("oss region is %q: want the bare name, such as cn-hangzhou", o.Region)
	case o.Credential == nil:
		return "", errors.New("oss credential is nil")
	case o.Prefix != "" && !strings.HasSuffix(o.Prefix, "/"):
		return "", fmt.Errorf("oss prefix is %q: want it empty or ending in a slash, such as backup-statistics/", o.Prefix)
	}
	return endpoint.Hostname(), checkPrefix("oss prefix", o.Prefix)
}

// Origin returns where the requests to a bucket go, so that a connection can be
// opened ahead of them: https://bucket.oss-cn-hangzhou.aliyuncs.com, or the
// endpoint itself where that has no name that a bucket's could stand before.
func Origin(endpoint, bucket string) string {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil:
		return endpoint
	case inPath(u.Hostname()):
		return u.Scheme + "://" + u.Host
	}
	return u.Scheme + "://" + bucket + "." + u.Host
}

// inPath tells whether an endpoint takes the bucket's name in the path: an address,
// and this machine's own name. Names below that are addressed as in production.
func inPath(host string) bool {
	return host == "localhost" || net.ParseIP(host) != nil
}

func loopback(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

// Get reads an object and checks its CRC-64, which the SDK does not.
func (s *OSS) Get(ctx context.Context, key string) ([]byte, error) {
	name := s.prefix + key
	if err := checkKey("get", name); err != nil {
		return nil, err
	}
	var data []byte
	err := s.do(ctx, "get", name, func(ctx context.Context, a *answer) error {
		// As it is stored: compressed on the way, an answer has no length to be checked.
		body, err := s.bucket.GetObject(name, oss.WithContext(ctx), oss.AcceptEncoding("identity"))
		if err != nil {
			return err
		}
		defer body.Close()
		var whole bytes.Buffer
		whole.Grow(int(min(a.length, 32<<20)) + bytes.MinRead) // a length that is too large is not believed
		if _, err := whole.ReadFrom(body); err != nil {
			return err
		}
		data = whole.Bytes()
		sum := crc64.Checksum(data, crcTable)
		if crc, ok := a.crc(); ok && crc != spelt(sum) {
			return errCRC
		}
		if len(data) >= largeObject {
			s.sums.Store(name, partSum{len(data), sum})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return data, nil
}

// A partSum is the CRC-64 of so many bytes with which an object began.
type partSum struct {
	bytes int
	crc   uint64
}

// largeObject is from how many bytes on a sum is worth being kept.
const largeObject = 32 << 10

// sumsTo tells whether a CRC-64 is that of the data. What grows a row a day, as trend.csv
// does, goes on from what was read of it, and of ten years half a millisecond is saved where
// only the rest is summed. That another beginning was stored as it was before, and so is
// taken for it, cannot be: the service would have refused it by its MD5.
func (s *OSS) sumsTo(name string, data []byte, crc string) bool {
	if known, ok := s.sums.Load(name); ok {
		if p := known.(partSum); p.bytes < len(data) && crc == spelt(crc64.Update(p.crc, crcTable, data[p.bytes:])) {
			return true
		}
	}
	return crc == crcOf(data)
}

// Put writes an object, or replaces it.
func (s *OSS) Put(ctx context.Context, key string, data []byte) error {
	return s.put(ctx, key, data, false)
}

// PutNew writes an object unless there is one. A reply that was lost makes the
// next try meet the object of the first: what counts is what is stored.
func (s *OSS) PutNew(ctx context.Context, key string, data []byte) error {
	err := s.put(ctx, key, data, true)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	same, failed := s.holds(ctx, key, data)
	switch {
	case errors.Is(failed, fs.ErrNotExist):
		return fmt.Errorf("put %s: taken, but gone when looked at", s.prefix+key)
	case failed != nil:
		return failed
	case same:
		return nil
	}
	return err
}

func (s *OSS) put(ctx context.Context, key string, data []byte, onlyNew bool) error {
	name := s.prefix + key
	if err := checkKey("put", name); err != nil {
		return err
	}
	sum := md5.Sum(data)
	return s.do(ctx, "put", name, func(ctx context.Context, a *answer) error {
		options := []oss.Option{
			oss.WithContext(ctx),
			// Ours, since for an empty document the SDK's needs a temporary file.
			oss.ContentMD5(base64.StdEncoding.EncodeToString(sum[:])),
			oss.ContentType(contentType(path.Ext(key))),
		}
		if onlyNew {
			options = append(options, oss.ForbidOverWrite(true))
		}
		if key == "latest.json" || strings.HasPrefix(key, "report/") || strings.HasPrefix(key, "calendar/") { // they change under readers' eyes
			options = append(options, oss.CacheControl("no-cache"))
		}
		// PutObject would load the system's table of types first: 2 ms of CPU.
		res, err := s.bucket.DoPutObject(&oss.PutObjectRequest{ObjectKey: name, Reader: bytes.NewReader(data)}, options)
		if res != nil {
			res.Body.Close()
		}
		if a.header.Get("X-Oss-Version-Id") != "" { // "null" where versioning is suspended
			s.versions.Store(true)
		}
		if crc, ok := a.crc(); err == nil && ok && !s.sumsTo(name, data, crc) {
			return errCRC
		}
		return err
	})
}

// KeepsVersions tells that the bucket has versioning, enabled or suspended, as far
// as the answers to the writes so far say: there PutNew replaces, and a document
// may be another one than what its writer wrote last.
func (s *OSS) KeepsVersions() bool { return s.versions.Load() }

// contentType is what browsers and engines go by.
func contentType(extension string) string {
	switch extension {
	case ".json":
		return "application/json"
	case ".jsonl":
		return "application/x-ndjson"
	case ".csv":
		return "text/csv; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	}
	return "application/octet-stream"
}

// holds tells whether exactly data is stored, by the CRC-64 that the service
// keeps, or byte for byte where an object has none.
func (s *OSS) holds(ctx context.Context, key string, data []byte) (bool, error) {
	name := s.prefix + key
	var crc string
	var ok bool
	err := s.do(ctx, "compare", name, func(ctx context.Context, a *answer) error {
		_, err := s.bucket.GetObjectDetailedMeta(name, oss.WithContext(ctx))
		crc, ok = a.crc()
		return err
	})
	if err != nil || ok {
		return crc == crcOf(data), err
	}
	stored, err := s.Get(ctx, key)
	return bytes.Equal(stored, data), err
}

// List pages through the bucket. What is no document, such as the empty object
// that the console makes for a folder, is left out.
func (s *OSS) List(ctx context.Context, prefix string, limit int) ([]Entry, error) {
	full := s.prefix + prefix
	if err := checkPrefix("list", full); err != nil {
		return nil, err
	}
	var entries []Entry
	l := listing{bucket: s.bucket.BucketName, prefix: full}
	for {
		page, err := s.page(ctx, &l, limit-len(entries))
		if err != nil {
			return nil, err
		}
		for _, object := range page.Objects {
			if key := object.Key[len(s.prefix):]; checkKey("", key) == nil {
				entries = append(entries, Entry{key, object.Size, md5Of(object)})
			}
		}
		if limit > 0 && len(entries) >= limit || !page.IsTruncated {
			return first(entries, limit), nil
		}
		l.move(page)
	}
}

// page asks for the next page, and again where the answer is not that.
func (s *OSS) page(ctx context.Context, l *listing, limit int) (p page, _ error) {
	size := s.pageSize
	if limit > 0 {
		size = min(size, limit)
	}
	err := s.do(ctx, "list", l.prefix, func(ctx context.Context, _ *answer) error {
		query := map[string]any{"list-type": "2", "encoding-type": "url", "prefix": l.prefix, "max-keys": strconv.Itoa(size)}
		if l.token() != "" {
			query["continuation-token"] = l.token()
		}
		p = page{}
		if err := s.ask(ctx, query, &p); err != nil {
			return err
		}
		return l.check(&p)
	})
	return p, err
}

// md5Of takes the ETag for the MD5, which it is for an object put in one piece.
// Known limit: for one that a key of KMS encrypts that is not documented.
func md5Of(object oss.ObjectProperties) string {
	sum := strings.ToLower(strings.Trim(object.ETag, `"`))
	if raw, err := hex.DecodeString(sum); err != nil || len(raw) != md5.Size || object.Type != "Normal" && object.Type != "" {
		return ""
	}
	return sum
}

// do makes one request, and again where that helps.
func (s *OSS) do(ctx context.Context, op, name string, try func(context.Context, *answer) error) error {
	cpu.GrowStack()
	return s.retry.run(ctx, op, name, func(ctx context.Context) *Error {
		var a answer
		err := try(withAnswer(ctx, &a), &a)
		if err == nil {
			return nil
		}
		return explain(ctx, op, name, &a, err, s.signer.keys())
	})
}

// explain makes our error out of the SDK's, whose text is the service's and
// goes no further but for its message, without the keys.
func explain(ctx context.Context, op, name string, a *answer, err error, keys []string) *Error {
	e := &Error{
		Op: op, Key: name, Status: a.status, retryAfter: a.retryAfter(),
		RequestID: word(a.header.Get(requestID)), EC: word(a.header.Get(oss.HTTPHeaderOssEc)),
	}
	var refused oss.ServiceError // a value: a pointer would never match
	if errors.As(err, &refused) {
		e.Code, e.EC = word(refused.Code), cmp.Or(word(refused.Ec), e.EC)
	}
	if e.Code == "" {
		e.why, e.again, e.cause = unrefused(ctx, a, err)
		return e
	}
	e.why, e.again = fault.OfCode(e.Code, e.Status)
	if e.Endpoint = word(refused.Endpoint); e.Endpoint != "" {
		e.why = fault.Region
	}
	switch e.Code {
	case "NoSuchKey": // which says all
		e.cause = fs.ErrNotExist
		return e
	case "FileAlreadyExists", "FileImmutable": // the latter under a retention policy
		e.cause = fs.ErrExist
	}
	if !fault.Quotes(e.Code) {
		e.Message = sentence(refused.Message, append(keys, a.signature()))
	}
	return e
}

// unrefused explains an answer without a code: one that did not come, not whole, or
// not from OSS.
func unrefused(ctx context.Context, a *answer, err error) (why fault.Cause, again int, cause error) {
	var denied *credentialError
	var large *http.MaxBytesError
	var garbled *garbledError
	var request *url.Error
	switch {
	case errors.As(err, &denied):
		if way := fault.OnTheWay(denied.err); !errors.Is(way, fault.ErrNoHTTP) {
			return way.Cause, way.Again, denied
		}
		return fault.Credentials, fault.Never, denied
	case ctx.Err() != nil: // of this try: run tells the caller's end apart
		return fault.Unreachable, fault.Always, context.Cause(ctx)
	case errors.Is(err, errRedirect):
		return fault.Region, fault.Never, errRedirect
	case errors.As(err, &large):
		return fault.Stranger, fault.Never, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, large.Limit)
	case errors.Is(err, errCRC):
		return fault.Stranger, fault.Always, errCRC
	case errors.As(err, &garbled):
		return fault.Stranger, fault.Always, garbled
	case a.status == 0 && !errors.As(err, &request):
		return "", fault.Never, err // it was not sent
	case a.status >= 400:
		return cut(a, err)
	}
	for _, strange := range []error{errStranger, errOther, errUnproven} {
		if errors.Is(err, strange) {
			return fault.Stranger, fault.Always, strange
		}
	}
	if way := fault.OnTheWay(err); a.status == 0 || !errors.Is(way, fault.ErrNoHTTP) {
		return way.Cause, way.Again, way
	}
	return fault.Stranger, fault.Always, errUnreadable
}

var errUnreadable = errors.New("unreadable answer")

// cut explains an error without a code: a gateway's page, or what is left of OSS's
// error document. Either passes; what the finer code in its header stands for is the
// cause, if it stays.
func cut(a *answer, err error) (why fault.Cause, again int, cause error) {
	why = fault.Stranger
	switch way := fault.OnTheWay(err); {
	case errors.Is(err, errStranger):
		cause = errStranger
	case fault.Passes(a.status):
		why = fault.Busy // its status says it all
	case errors.Is(way, fault.ErrNoHTTP):
		cause = errUnreadable
	default:
		cause = way
	}
	if code := fault.OfEC(a.header.Get(oss.HTTPHeaderOssEc)); code != "" {
		why, _ = fault.OfCode(code, a.status)
		cause = errors.New("an error document that is cut, of " + code + " by its EC")
	}
	return why, fault.Always, cause
}

// A provider asks the credential anew for each signature, since keys rotate.
type provider struct {
	credential credentials.Credential
	last       atomic.Pointer[key]
}

// keys are those of the last signature: no error shows them.
func (p *provider) keys() []string {
	if k := p.last.Load(); k != nil {
		return []string{k.id, k.secret, k.token}
	}
	return nil
}

// GetCredentials is not called while GetCredentialsE is there.
func (p *provider) GetCredentials() oss.Credentials { return key{} }

// GetCredentialsE refuses what would be signed with empty keys.
func (p *provider) GetCredentialsE() (oss.Credentials, error) {
	c, err := p.credential.GetCredential()
	if err != nil {
		return nil, &credentialError{err}
	}
	if c == nil || value(c.AccessKeyId) == "" || value(c.AccessKeySecret) == "" {
		return nil, &credentialError{errors.New("empty")}
	}
	k := key{value(c.AccessKeyId), value(c.AccessKeySecret), value(c.SecurityToken)}
	p.last.Store(&k)
	return k, nil
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// A credentialError keeps its reason to itself: that may be an answer or an
// address with a token in it.
type credentialError struct{ err error }

func (*credentialError) Error() string { return "the credential has no keys to sign with" }

// A key signs one request.
type key struct{ id, secret, token string }

// GetAccessKeyID returns the id of the key.
func (k key) GetAccessKeyID() string { return k.id }

// GetAccessKeySecret returns what signs.
func (k key) GetAccessKeySecret() string { return k.secret }

// GetSecurityToken returns the token of temporary keys.
func (k key) GetSecurityToken() string { return k.token }
