//go:build !function

package local

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"
)

const (
	maxObjectBytes = 256 << 20
	maxKeyBytes    = 1023
	// partial begins the name of a file that is being written. No key does.
	partial = ".partial-"
)

// OSS plays one bucket of the object storage, signature V4. Its name is in that
// of the host, as in production (http://<bucket>.oss-<region>.localhost/<key>), or
// on 127.0.0.1 and localhost in the path (/<bucket>/<key>). Objects are plain
// files below Dir, under their keys, whole or not at all: people can read the
// bucket as a folder, and change it.
//
// What a tree of files cannot hold is refused with InvalidObjectName: a key
// below another ("a" and "a/b"), and keys with empty parts, "." or "..". What
// is not played is refused with NotImplemented. The headers that were stored
// with an object, such as its Content-Type, are forgotten when the program
// ends; from then on the key's suffix decides.
type OSS struct {
	Keys *Keys
	// Dir is the folder of the bucket; it is made with the first object.
	Dir    string
	Bucket string
	// Region is the one that requests must be signed for, such as cn-hangzhou.
	Region string
	// Account owns the bucket, and alone may use it; empty: every account may.
	Account string
	// Versioning is "", "Enabled" or "Suspended". If it is not empty,
	// x-oss-forbid-overwrite does nothing, as on the real service. Old versions
	// are not kept.
	Versioning string
	// RetentionDays is a locked retention policy: for so many days an object
	// can neither be replaced nor deleted. 0: none.
	RetentionDays int
	// ReadOnly refuses PUT and DELETE.
	ReadOnly bool
	// Permit, unless nil, says whether RAM permits an action, such as
	// oss:PutObject, on a key (or on the bucket, if the key is empty).
	Permit func(action, key string) bool
	// Now is the service's clock; nil: the machine's.
	Now func() time.Time

	tree    sync.RWMutex // held while files are read, and for writing while one changes
	mu      sync.Mutex   // guards objects
	objects map[string]object
}

// An object is what is known of a file as long as its time and size stay.
type object struct {
	modified time.Time
	size     int64
	crc      uint64
	md5      [md5.Size]byte
	stored   http.Header // what was sent along with it
}

func (o object) eTag() string { return fmt.Sprintf("%q", fmt.Sprintf("%X", o.md5)) }

// An ossError is an error as OSS answers it.
type ossError struct {
	status            int
	code, message, ec string
	more              [][2]string // further elements of the answer
}

// ServeHTTP answers as oss-<region>.aliyuncs.com does.
func (o *OSS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := clock(o.Now)
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	w.Header().Set("X-Oss-Request-Id", newOSSRequestID())
	w.Header().Set("X-Oss-Server-Time", "1")
	if e := o.serve(w, r, now); e != nil {
		writeOSSError(w, r, e)
	}
}

// An ossOperation is one of the things that can be done with a bucket.
type ossOperation struct {
	permission string
	query      []string // the parameters that it knows
	headers    []string // of those that are not played elsewhere
	do         func(*ossCall) *ossError
}

// An ossCall is a request whose signature was verified.
type ossCall struct {
	w     http.ResponseWriter
	r     *http.Request
	key   string
	query url.Values
	now   time.Time
}

func (o *OSS) serve(w http.ResponseWriter, r *http.Request, now time.Time) *ossError {
	to := ossAddressOf(r)
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return invalidArgument("The query cannot be read.", "")
	}
	signer, refused := o.authenticate(r, to, query, now)
	if refused != nil {
		return refused
	}
	for name := range query {
		if isSignature(name) {
			delete(query, name)
		}
	}
	c := &ossCall{w, r, to.key, query, now}
	operation, known := o.operation(c)
	note(r, func(entry *Request) { entry.Account, entry.Permission = signer.Account, operation.permission })
	switch region := to.region(); {
	case to.bucket == "" && to.key != "":
		return &ossError{403, "SecondLevelDomainForbidden", "The bucket you are attempting to access must be addressed using OSS third level domain.", "", nil}
	case to.bucket == "":
		return notImplemented("The stand-in does not play operations on the service.")
	case to.bucket != o.Bucket:
		return &ossError{404, "NoSuchBucket", "The specified bucket does not exist.", "0015-00000101", [][2]string{{"BucketName", to.bucket}}}
	case region != "" && region != o.Region:
		return &ossError{
			403, "AccessDenied", "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
			"0003-00001403",
			[][2]string{{"Bucket", o.Bucket}, {"Endpoint", "oss-" + o.Region + ".aliyuncs.com"}},
		}
	case o.Account != "" && o.Account != signer.Account:
		return &ossError{403, "AccessDenied", "The bucket you access does not belong to you.", "0003-00000001", nil}
	case !known:
		return notImplemented("The stand-in does not play this operation.")
	case o.ReadOnly && r.Method != http.MethodGet && r.Method != http.MethodHead,
		o.Permit != nil && !o.Permit(operation.permission, to.key):
		return &ossError{403, "AccessDenied", "You have no right to access this object because of bucket acl.", "0003-00000001", nil}
	}
	for name := range query {
		if !slices.Contains(operation.query, name) {
			return notImplemented("The stand-in does not play the parameter " + name + ".")
		}
	}
	for _, name := range notPlayed {
		if r.Header.Get(name) != "" && !slices.Contains(operation.headers, name) {
			return notImplemented("The stand-in does not play the header " + name + ".")
		}
	}
	return operation.do(c)
}

// notPlayed are the headers that change what a request does, and that are played
// only where an operation says so.
var notPlayed = append([]string{"X-Oss-Copy-Source", "X-Oss-Callback"}, ofReading...)

var ofReading = []string{"Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"}

// operation finds what a request asks for, by its method and the parameters
// without which it would be another one.
func (o *OSS) operation(c *ossCall) (ossOperation, bool) {
	read := c.r.Method == http.MethodGet || c.r.Method == http.MethodHead
	switch {
	case c.key == "" && c.r.Method == http.MethodGet:
		return o.onBucket(c.query), true
	case c.key == "":
		return ossOperation{}, false
	case c.r.Method == http.MethodPut:
		return ossOperation{permission: "oss:PutObject", do: o.put}, true
	case c.r.Method == http.MethodDelete:
		return ossOperation{permission: "oss:DeleteObject", do: o.delete}, true
	case c.r.Method == http.MethodGet && c.query.Has("acl"):
		return ossOperation{permission: "oss:GetObjectAcl", query: []string{"acl"}, do: o.objectACL}, true
	case read && c.query.Has("objectMeta"):
		return ossOperation{permission: "oss:GetObject", query: []string{"objectMeta"}, do: o.get}, true
	case read:
		return ossOperation{permission: "oss:GetObject", headers: ofReading, do: o.get}, true
	}
	return ossOperation{}, false
}

// onBucket finds which of its sides a bucket is asked for; without a word on that
// it is the first way of listing.
func (o *OSS) onBucket(query url.Values) ossOperation {
	for _, side := range []struct {
		name, permission string
		do               func(*ossCall) *ossError
	}{
		{"bucketInfo", "oss:GetBucketInfo", o.info},
		{"acl", "oss:GetBucketAcl", o.acl},
		{"location", "oss:GetBucketLocation", o.location},
		{"versioning", "oss:GetBucketVersioning", o.versioning},
		{"worm", "oss:GetBucketWorm", o.worm},
	} {
		if query.Has(side.name) {
			return ossOperation{permission: side.permission, query: []string{side.name}, do: side.do}
		}
	}
	list := []string{"prefix", "delimiter", "max-keys", "encoding-type"}
	if query.Get("list-type") == "2" {
		list = append(list, "list-type", "start-after", "continuation-token", "fetch-owner")
	} else {
		list = append(list, "marker")
	}
	return ossOperation{permission: "oss:ListObjects", query: list, do: o.list}
}

func (o *OSS) put(c *ossCall) *ossError {
	if e := checkKey(c.key); e != nil {
		return e
	}
	data, err := io.ReadAll(io.LimitReader(c.r.Body, maxObjectBytes+1))
	if err != nil {
		return &ossError{400, "IncompleteBody", "The request body ended before its length.", "", nil}
	} else if len(data) > maxObjectBytes {
		return &ossError{400, "EntityTooLarge", "The stand-in keeps objects of up to 256 MiB.", "", nil}
	}
	forbid := c.r.Header.Get("x-oss-forbid-overwrite")
	if forbid != "" && forbid != "true" && forbid != "false" {
		return invalidArgument("x-oss-forbid-overwrite is neither true nor false.", "0017-00000279")
	}
	of := describe(data)
	digest := base64.StdEncoding.EncodeToString(of.md5[:])
	if given := c.r.Header.Get("Content-MD5"); given != "" && given != digest {
		return &ossError{
			400, "InvalidDigest", "The Content-MD5 you specified is not valid.", "0017-00000031",
			[][2]string{{"Content-MD5", given}},
		}
	}
	of.stored = storedHeaders(c.r.Header)
	if e := o.write(c, data, of, forbid == "true"); e != nil {
		return e
	}
	h := c.w.Header()
	h.Set("Content-MD5", digest)
	o.describeVersion(h)
	of.describe(h)
	writeBody(c.w, http.StatusOK, "", "")
	return nil
}

// write stores an object: under a name that is no key first, so that whoever
// reads the folder, or kills the program, never finds half of it.
func (o *OSS) write(c *ossCall, data []byte, of object, forbidOverwrite bool) *ossError {
	o.tree.Lock()
	defer o.tree.Unlock()
	name := o.file(c.key)
	old, err := os.Stat(name)
	switch {
	case err == nil && old.IsDir():
		return clash(c.key, "there are keys below it")
	case errors.Is(err, syscall.ENOTDIR):
		return clash(c.key, "a key that it begins with is an object")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return internalError(err)
	case err == nil && forbidOverwrite && o.Versioning == "":
		return &ossError{409, "FileAlreadyExists", "The object you specified already exists and can not be overwritten.", "0026-00000002", nil}
	case err == nil && o.retains(old, c.now):
		return immutable()
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return internalError(err)
	}
	info, err := replaceFile(o.Dir, name, data, o.Now)
	if err != nil {
		return internalError(err)
	}
	of.modified, of.size = info.ModTime(), info.Size()
	o.remember(c.key, of)
	return nil
}

// replaceFile writes a file at once. It is dated by the clock that now is,
// unless that is the machine's.
func replaceFile(dir, name string, data []byte, now func() time.Time) (fs.FileInfo, error) {
	file, err := os.CreateTemp(dir, partial+"*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name()) // in vain, if all goes well
	_, err = file.Write(data)
	if err = errors.Join(err, file.Chmod(0o644), file.Close()); err == nil && now != nil {
		err = os.Chtimes(file.Name(), now(), now())
	}
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		return nil, err
	}
	return os.Stat(name)
}

func (o *OSS) delete(c *ossCall) *ossError {
	if e := checkKey(c.key); e != nil {
		return e
	}
	o.tree.Lock()
	defer o.tree.Unlock()
	name := o.file(c.key)
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
		if o.retains(info, c.now) {
			return immutable()
		}
		if err := os.Remove(name); err != nil {
			return internalError(err)
		}
		o.forget(c.key)
		for dir := path.Dir(c.key); dir != "."; dir = path.Dir(dir) {
			if os.Remove(o.file(dir)) != nil {
				break // there are other keys in it
			}
		}
	}
	o.describeVersion(c.w.Header())
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// read returns an object and its content, which is nil if there is none.
func (o *OSS) read(key string) (object, []byte, error) {
	if checkKey(key) != nil {
		return object{}, nil, nil
	}
	o.tree.RLock()
	defer o.tree.RUnlock()
	info, err := os.Stat(o.file(key))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || err == nil && !info.Mode().IsRegular() {
		return object{}, nil, nil
	}
	if err != nil {
		return object{}, nil, err
	}
	data, err := os.ReadFile(o.file(key))
	if err != nil {
		return object{}, nil, err
	}
	of := describe(data)
	of.modified, of.stored = info.ModTime(), o.recall(key, info).stored
	return of, data, nil
}

// summary returns what is known of a file, and reads it only if that has
// become old.
func (o *OSS) summary(key string, info fs.FileInfo) (object, error) {
	if of := o.recall(key, info); !of.modified.IsZero() {
		return of, nil
	}
	data, err := os.ReadFile(o.file(key))
	if err != nil {
		return object{}, err
	}
	of := describe(data)
	of.modified, of.size = info.ModTime(), info.Size()
	o.remember(key, of)
	return of, nil
}

func (o *OSS) remember(key string, of object) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.objects == nil {
		o.objects = make(map[string]object)
	}
	o.objects[key] = of
}

func (o *OSS) recall(key string, info fs.FileInfo) object {
	o.mu.Lock()
	defer o.mu.Unlock()
	of := o.objects[key]
	if !of.modified.Equal(info.ModTime()) || of.size != info.Size() {
		return object{}
	}
	return of
}

func (o *OSS) forget(key string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.objects, key)
}

func (o *OSS) file(key string) string { return filepath.Join(o.Dir, filepath.FromSlash(key)) }

// retains tells whether the retention policy protects a file.
func (o *OSS) retains(info fs.FileInfo, now time.Time) bool {
	return o.RetentionDays > 0 && now.Before(info.ModTime().AddDate(0, 0, o.RetentionDays))
}

func (o *OSS) describeVersion(h http.Header) {
	switch o.Versioning {
	case "Enabled":
		h.Set("X-Oss-Version-Id", "CAEQ"+rand.Text())
	case "Suspended":
		h.Set("X-Oss-Version-Id", "null")
	}
}

// describe computes what OSS tells of the content of an object.
func describe(data []byte) object {
	return object{size: int64(len(data)), md5: md5.Sum(data), crc: crc64.Checksum(data, crc64.MakeTable(crc64.ECMA))}
}

func (o object) describe(h http.Header) {
	h.Set("ETag", o.eTag())
	h.Set("X-Oss-Hash-Crc64ecma", strconv.FormatUint(o.crc, 10))
}

// storedHeaders are the headers of a PUT that come back with a GET.
func storedHeaders(sent http.Header) http.Header {
	stored := make(http.Header)
	for name, values := range sent {
		switch name {
		case "Content-Type", "Content-Encoding", "Content-Disposition", "Content-Language", "Cache-Control", "Expires":
			stored[name] = values
		default:
			if strings.HasPrefix(name, "X-Oss-Meta-") {
				stored[name] = values
			}
		}
	}
	return stored
}

// contentType is the type of an object of which none was stored.
func contentType(key string) string {
	return cmp.Or(map[string]string{
		".json": "application/json", ".csv": "text/csv", ".html": "text/html", ".svg": "image/svg+xml",
	}[path.Ext(key)], "application/octet-stream")
}

// checkKey refuses the keys that OSS does, and those that are no path of a file.
func checkKey(key string) *ossError {
	wrong := ""
	switch {
	case len(key) > maxKeyBytes:
		wrong = "it is longer than 1023 bytes"
	case strings.HasPrefix(key, "/") || strings.HasPrefix(key, `\`):
		wrong = "it begins with a slash"
	case !utf8.ValidString(key) || strings.ContainsRune(key, 0):
		wrong = "it is not UTF-8 text"
	case !fs.ValidPath(key) || key == "." || strings.HasPrefix(key, partial):
		wrong = "the stand-in cannot keep it as a file"
	case slices.ContainsFunc(strings.Split(key, "/"), func(part string) bool { return len(part) > 255 }):
		wrong = "a part of it is longer than the 255 bytes of a file's name"
	default:
		return nil
	}
	return &ossError{400, "InvalidObjectName", "The specified object is not valid: " + wrong + ".", "", nil}
}

func clash(key, why string) *ossError {
	return &ossError{400, "InvalidObjectName", "The stand-in keeps objects as files and cannot store " + key + ": " + why + ".", "", nil}
}

func invalidArgument(message, ec string) *ossError {
	return &ossError{400, "InvalidArgument", message, ec, nil}
}

func noSuchKey(key string) *ossError {
	return &ossError{404, "NoSuchKey", "The specified key does not exist.", "0026-00000001", [][2]string{{"Key", key}}}
}

func notImplemented(message string) *ossError {
	return &ossError{501, "NotImplemented", message, "", nil}
}

func internalError(err error) *ossError {
	return &ossError{500, "InternalError", "The stand-in found its folder in disorder: " + err.Error(), "", nil}
}

func immutable() *ossError {
	return &ossError{409, "FileImmutable", "The object you specified is immutable.", "", nil}
}

func expiredOSSToken(token string) *ossError {
	return &ossError{403, "SecurityTokenExpired", "The security token you provided has expired.", "0002-00000007", [][2]string{{"SecurityToken", token}}}
}

func tooSkewed(date, now time.Time) *ossError {
	return &ossError{
		403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", "0002-00000504",
		[][2]string{
			{"MaxAllowedSkewMilliseconds", strconv.FormatInt(maxSkew.Milliseconds(), 10)},
			{"RequestTime", ossTime(date)},
			{"ServerTime", ossTime(now)},
		},
	}
}

// writeOSSError answers in the form of OSS. The answer to a HEAD has no body,
// and carries the same in a header.
func writeOSSError(w http.ResponseWriter, r *http.Request, e *ossError) {
	h := w.Header()
	if h.Get("X-Oss-Request-Id") == "" {
		h.Set("X-Oss-Request-Id", newOSSRequestID())
	}
	var b xmlWriter
	b.open("Error")
	b.add("Code", e.code).add("Message", e.message).add("RequestId", h.Get("X-Oss-Request-Id")).add("HostId", r.Host)
	for _, element := range e.more {
		b.add(element[0], element[1])
	}
	if e.ec != "" {
		h.Set("X-Oss-Ec", e.ec)
		b.add("EC", e.ec).add("RecommendDoc", "https://api.aliyun.com/troubleshoot?q="+e.ec)
	}
	b.close("Error")
	if r.Method == http.MethodHead {
		h.Set("X-Oss-Err", base64.StdEncoding.EncodeToString(b.Bytes()))
		w.WriteHeader(e.status)
		return
	}
	writeBody(w, e.status, "application/xml", b.String())
}

func newOSSRequestID() string {
	return strings.ReplaceAll(newUUID(), "-", "")[:24]
}

// ossTime writes a time to the second, with the fraction that OSS always writes.
func ossTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05") + ".000Z" }

// An xmlWriter writes elements one after another.
type xmlWriter struct{ bytes.Buffer }

func (b *xmlWriter) open(name string) {
	if b.Len() == 0 {
		b.WriteString(xml.Header)
	}
	b.WriteString("<" + name + ">\n")
}

func (b *xmlWriter) close(name string) { b.WriteString("</" + name + ">\n") }

func (b *xmlWriter) add(name, value string) *xmlWriter {
	b.WriteString("<" + name + ">")
	xml.EscapeText(b, []byte(value)) // a buffer takes everything
	b.WriteString("</" + name + ">\n")
	return b
}
