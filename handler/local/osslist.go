//go:build !function

package local

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// afterFolder, appended to a common prefix, sorts behind all keys that begin
// with it: no valid text is greater.
const afterFolder = "\U0010FFFF"

// A listing is one page of the keys of the bucket.
type listing struct {
	prefix, delimiter string
	after             string // the page begins behind this key
	max               int
	second            bool // the way of listing: ListObjectsV2
	owner             bool // each object is listed with its owner

	items []listed // in the order of keys
	more  bool
}

// A listed is an object or, if it has no file, a common prefix.
type listed struct {
	name string
	file fs.DirEntry
}

// take adds a key to the page and tells whether it has room for more.
func (l *listing) take(key string, file fs.DirEntry) bool {
	if key <= l.after || !strings.HasPrefix(key, l.prefix) {
		return true
	}
	item := listed{key, file}
	if rest := key[len(l.prefix):]; l.delimiter != "" && strings.Contains(rest, l.delimiter) {
		end := len(l.prefix) + strings.Index(rest, l.delimiter) + len(l.delimiter)
		item = listed{name: key[:end]}
		if n := len(l.items); n > 0 && l.items[n-1].name == item.name {
			return true
		}
	}
	if l.more = len(l.items) == l.max; l.more {
		return false
	}
	l.items = append(l.items, item)
	return true
}

// next is the key behind which the next page begins.
func (l *listing) next() string {
	last := l.items[len(l.items)-1]
	if last.file == nil {
		return last.name + afterFolder
	}
	return last.name
}

// walk offers the keys below a folder to the page, in the order of keys, until
// it is full. Folders that cannot hold any key of the page are not opened.
func (o *OSS) walk(folder string, l *listing) (room bool, err error) {
	files, err := os.ReadDir(o.file(folder))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	} else if err != nil {
		return false, err
	}
	// "a.json" sorts before what is in the folder "a", whose keys begin "a/".
	slices.SortFunc(files, func(a, b fs.DirEntry) int { return strings.Compare(sortName(a), sortName(b)) })
	for _, file := range files {
		key := path.Join(folder, file.Name())
		switch room := true; {
		case file.IsDir():
			begin := key + "/"
			if !strings.HasPrefix(begin, l.prefix) && !strings.HasPrefix(l.prefix, begin) ||
				begin <= l.after && !strings.HasPrefix(l.after, begin) {
				continue
			}
			if room, err = o.walk(key, l); err != nil || !room {
				return false, err
			}
		case file.Type().IsRegular() && checkKey(key) == nil:
			if room = l.take(key, file); !room {
				return false, nil
			}
		}
	}
	return true, nil
}

func sortName(file fs.DirEntry) string {
	if file.IsDir() {
		return file.Name() + "/"
	}
	return file.Name()
}

// list answers ListObjectsV2, and ListObjects.
func (o *OSS) list(c *ossCall) *ossError {
	l, e := newListing(c.query)
	if e != nil {
		return e
	}
	o.tree.RLock()
	defer o.tree.RUnlock()
	folder, _ := path.Split(l.prefix)
	folder = strings.TrimSuffix(folder, "/")
	// A prefix that is no path of a folder has no keys behind it.
	if folder == "" && !strings.HasPrefix(l.prefix, "/") || fs.ValidPath(folder) {
		if info, err := os.Stat(o.file(folder)); err == nil && info.IsDir() {
			if _, err := o.walk(folder, l); err != nil {
				return internalError(err)
			}
		}
	}
	body, err := o.page(l, c.query)
	if err != nil {
		return internalError(err)
	}
	writeBody(c.w, http.StatusOK, "application/xml", body)
	return nil
}

func newListing(query url.Values) (*listing, *ossError) {
	l := &listing{
		prefix: query.Get("prefix"), delimiter: query.Get("delimiter"), max: 100,
		second: query.Get("list-type") == "2", after: query.Get("start-after"), owner: query.Get("fetch-owner") == "true",
	}
	if !l.second {
		l.after, l.owner = query.Get("marker"), true
		if rest, ok := strings.CutPrefix(l.after, l.prefix); ok && l.delimiter != "" && strings.HasSuffix(rest, l.delimiter) {
			l.after += afterFolder // the marker of a page that ended with a common prefix
		}
	}
	if text := query.Get("max-keys"); text != "" {
		var err error
		if l.max, err = strconv.Atoi(text); err != nil || l.max < 1 || l.max > 1000 {
			return nil, invalidArgument("max-keys is not a number from 1 to 1000.", "")
		}
	}
	if kind := query.Get("encoding-type"); kind != "" && kind != "url" {
		return nil, invalidArgument("encoding-type is not url.", "")
	}
	if token := query.Get("continuation-token"); token != "" {
		after, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return nil, invalidArgument("The continuation token is incorrect.", "")
		}
		l.after = string(after)
	}
	return l, nil
}

// page writes the page as the service does.
func (o *OSS) page(l *listing, query url.Values) (string, error) {
	encode := func(s string) string { return s }
	if query.Get("encoding-type") == "url" {
		encode = escape
	}
	var b xmlWriter
	b.open("ListBucketResult")
	b.add("Name", o.Bucket).add("Prefix", encode(l.prefix))
	b.add("MaxKeys", strconv.Itoa(l.max)).add("Delimiter", encode(l.delimiter)).add("EncodingType", query.Get("encoding-type"))
	b.add("IsTruncated", strconv.FormatBool(l.more))
	switch {
	case !l.second:
		b.add("Marker", encode(query.Get("marker")))
		if l.more {
			b.add("NextMarker", encode(strings.TrimSuffix(l.next(), afterFolder)))
		}
	default:
		b.add("StartAfter", encode(query.Get("start-after"))).add("ContinuationToken", query.Get("continuation-token"))
		b.add("KeyCount", strconv.Itoa(len(l.items)))
		if l.more {
			b.add("NextContinuationToken", base64.RawURLEncoding.EncodeToString([]byte(l.next())))
		}
	}
	for _, item := range l.items {
		if item.file == nil {
			b.open("CommonPrefixes")
			b.add("Prefix", encode(item.name))
			b.close("CommonPrefixes")
			continue
		}
		info, err := item.file.Info()
		if err != nil {
			return "", err
		}
		of, err := o.summary(item.name, info)
		if err != nil {
			return "", err
		}
		b.open("Contents")
		b.add("Key", encode(item.name)).add("LastModified", ossTime(of.modified)).add("ETag", of.eTag())
		b.add("Type", "Normal").add("Size", strconv.FormatInt(of.size, 10)).add("StorageClass", "Standard")
		if l.owner {
			o.writeOwner(&b)
		}
		b.close("Contents")
	}
	b.close("ListBucketResult")
	return b.String(), nil
}

// info answers GetBucketInfo.
func (o *OSS) info(c *ossCall) *ossError {
	var b xmlWriter
	b.open("BucketInfo")
	b.open("Bucket")
	b.add("Name", o.Bucket).add("Location", "oss-"+o.Region).add("CreationDate", "2026-01-01T00:00:00.000Z")
	b.add("ExtranetEndpoint", "oss-"+o.Region+".aliyuncs.com").add("IntranetEndpoint", "oss-"+o.Region+"-internal.aliyuncs.com")
	b.add("StorageClass", "Standard").add("DataRedundancyType", "LRS")
	b.add("TransferAcceleration", "Disabled").add("CrossRegionReplication", "Disabled")
	if o.Versioning != "" {
		b.add("Versioning", o.Versioning)
	}
	o.writeOwner(&b)
	b.grant("private")
	b.close("Bucket")
	b.close("BucketInfo")
	writeBody(c.w, http.StatusOK, "application/xml", b.String())
	return nil
}

func (o *OSS) writeOwner(b *xmlWriter) {
	b.open("Owner")
	b.add("ID", o.Account).add("DisplayName", o.Account)
	b.close("Owner")
}

func (b *xmlWriter) grant(grant string) {
	b.open("AccessControlList")
	b.add("Grant", grant)
	b.close("AccessControlList")
}

// acl answers GetBucketAcl.
func (o *OSS) acl(c *ossCall) *ossError {
	return o.writeACL(c, "private")
}

// objectACL answers GetObjectAcl: an object follows its bucket.
func (o *OSS) objectACL(c *ossCall) *ossError {
	if _, data, err := o.read(c.key); err != nil {
		return internalError(err)
	} else if data == nil {
		return noSuchKey(c.key)
	}
	return o.writeACL(c, "default")
}

func (o *OSS) writeACL(c *ossCall, grant string) *ossError {
	var b xmlWriter
	b.open("AccessControlPolicy")
	o.writeOwner(&b)
	b.grant(grant)
	b.close("AccessControlPolicy")
	writeBody(c.w, http.StatusOK, "application/xml", b.String())
	return nil
}

// location answers GetBucketLocation.
func (o *OSS) location(c *ossCall) *ossError {
	var b xmlWriter
	b.WriteString(xml.Header)
	b.add("LocationConstraint", "oss-"+o.Region)
	writeBody(c.w, http.StatusOK, "application/xml", b.String())
	return nil
}

// versioning answers GetBucketVersioning: without a status where it never was
// enabled.
func (o *OSS) versioning(c *ossCall) *ossError {
	var b xmlWriter
	b.open("VersioningConfiguration")
	if o.Versioning != "" {
		b.add("Status", o.Versioning)
	}
	b.close("VersioningConfiguration")
	writeBody(c.w, http.StatusOK, "application/xml", b.String())
	return nil
}

// worm answers GetBucketWorm.
func (o *OSS) worm(c *ossCall) *ossError {
	if o.RetentionDays == 0 {
		return &ossError{404, "NoSuchWORMConfiguration", "The WORM Configuration does not exist.", "", nil}
	}
	var b xmlWriter
	b.open("WormConfiguration")
	b.add("WormId", "1666E2CFB2B3418").add("State", "Locked")
	b.add("RetentionPeriodInDays", strconv.Itoa(o.RetentionDays)).add("CreationDate", "2026-01-01T00:00:00.000Z")
	b.close("WormConfiguration")
	writeBody(c.w, http.StatusOK, "application/xml", b.String())
	return nil
}
