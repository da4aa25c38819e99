#!/bin/sh
# github.com/aliyun/aliyun-oss-go-sdk v3.0.2+incompatible: any answer 200 is success. A
# page of HTML without one header of OSS, as a captive network, a proxy's login or a
# website on the endpoint's name answers, is the object's content to GetObject, and tells
# PutObject that the object is stored. The CRC64 that the SDK checks by default is only
# held against a header, so it passes where there is none. A listing notices, since it
# has to parse: "expected element type". Who must know looks for x-oss-request-id.
#
# Seen on 2026-11-29, and compared with what is seen now:
#	GetObject: "<html>Please log in.</html>\n", error <nil>, on reading <nil>
#	PutObject: error <nil>
#	ListObjectsV2: error expected element type <ListBucketResult> but have <html>
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
cd "$folder"
cat > main.go <<'END'
package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
)

func main() {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintln(w, "<html>Please log in.</html>")
	})
	server := httptest.NewServer(page)
	defer server.Close()
	client, err := oss.New(server.URL, "id", "secret", oss.AuthVersion(oss.AuthV4), oss.Region("cn-hangzhou"))
	if err != nil {
		panic(err)
	}
	bucket, err := client.Bucket("bucket")
	if err != nil {
		panic(err)
	}
	body, err := bucket.GetObject("backups/latest.json")
	if err != nil {
		fmt.Println("GetObject: error", err)
	} else {
		content, reading := io.ReadAll(body)
		fmt.Printf("GetObject: %q, error %v, on reading %v\n", content, err, reading)
	}
	fmt.Println("PutObject: error", bucket.PutObject("backups/latest.json", strings.NewReader("{}")))
	_, err = bucket.ListObjectsV2()
	fmt.Println("ListObjectsV2: error", err)
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
