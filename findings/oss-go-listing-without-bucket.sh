#!/bin/sh
# github.com/aliyun/aliyun-oss-go-sdk v3.0.2+incompatible: OSS says in each listing which
# bucket it is of, and the results of ListObjects and ListObjectsV2 have no field for it;
# those of versions and of unfinished uploads have. So an answer that is another bucket's,
# as a cache or an endpoint that is a CNAME may give, reads like one's own.
#
# Seen on 2026-11-29, and compared with what is seen now:
#	ListObjects of "mine" is answered with that of "theirs": error <nil>, 1 objects, the result names ""
#	ListObjectsV2 of "mine" is answered with that of "theirs": error <nil>, 1 objects, the result names ""
#	ListObjectVersions of "mine" is answered with that of "theirs": error <nil>, 1 objects, the result names "theirs"
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
cd "$folder"
cat > main.go <<'END'
package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
)

func main() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		root, entry := "ListBucketResult", "Contents"
		if r.URL.Query().Has("versions") {
			root, entry = "ListVersionsResult", "Version"
		}
		w.Header().Set("Content-Type", "application/xml")
		fmt.Fprintf(w, "<%s><Name>theirs</Name><IsTruncated>false</IsTruncated><%s><Key>latest.json</Key><Size>2</Size></%[2]s></%[1]s>", root, entry)
	}))
	defer server.Close()
	client, err := oss.New(server.URL, "id", "secret", oss.AuthVersion(oss.AuthV4), oss.Region("cn-hangzhou"))
	if err != nil {
		panic(err)
	}
	bucket, err := client.Bucket("mine")
	if err != nil {
		panic(err)
	}
	told := func(call string, result any, objects int, err error) {
		name := ""
		if strings.Contains(fmt.Sprintf("%+v", result), "theirs") { // wherever in the result it stands
			name = "theirs"
		}
		fmt.Printf("%s of \"mine\" is answered with that of \"theirs\": error %v, %d objects, the result names %q\n", call, err, objects, name)
	}
	one, err := bucket.ListObjects()
	told("ListObjects", one, len(one.Objects), err)
	two, err := bucket.ListObjectsV2()
	told("ListObjectsV2", two, len(two.Objects), err)
	versions, err := bucket.ListObjectVersions()
	told("ListObjectVersions", versions, len(versions.ObjectVersions), err)
}
END
{ go mod init try && go get github.com/aliyun/aliyun-oss-go-sdk@v3.0.2+incompatible && go mod tidy && go build -o try .; } >&2 || exit 2
now=$(./try) || exit 2

cd "$OLDPWD"
before=$(sed -n 's/^#	//p' "$0")
echo "aliyun-oss-go-sdk v3.0.2+incompatible:"
printf '%s\n' "$now"
if test "$now" != "$before"; then
	echo "No longer so. On 2026-11-29 it was:"
	printf '%s\n' "$before"
	exit 1
fi
echo "Still so."
