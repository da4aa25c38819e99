#!/bin/sh
# github.com/aliyun/credentials-go v1.4.14, the default chain (NewCredential(nil)): once
# all providers have failed, later calls ask the last one alone, for as long as the
# chain lives. What turns up meanwhile for an earlier one (a variable, a file with a
# profile, a token for OIDC) is not seen, and the error names the last provider only.
# Here, the keys are put into the environment after the first call, and the credentials
# URI, the chain's last, answers 503. A second chain in the same process finds them.
#
# Seen on 2026-11-29, and compared with what is seen now:
#	call 1: keys from "", the error tells of [URI environment], requests to the URI so far 1
#	call 2, with keys in the environment: keys from "", the error tells of [URI], requests to the URI so far 2
#	a new chain: keys from "default/env", the error tells of [], requests to the URI so far 2
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
	"os"
	"slices"
	"strings"

	"github.com/aliyun/credentials-go/credentials"
)

func main() {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		http.Error(w, "not yet", http.StatusServiceUnavailable)
	}))
	defer server.Close()
	os.Setenv("HOME", os.TempDir()+"/nobody") // no profile of whoever runs this
	os.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	os.Setenv("ALIBABA_CLOUD_CREDENTIALS_URI", server.URL+"/credentials")
	os.Unsetenv("ALIBABA_CLOUD_ACCESS_KEY_ID")
	os.Unsetenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET")

	call := func(name string, chain credentials.Credential) {
		found, err := chain.GetCredential()
		from := ""
		if err == nil && found.ProviderName != nil {
			from = *found.ProviderName
		}
		var tried []string
		for provider, sign := range map[string]string{"environment": "environment variable", "URI": "/credentials"} {
			if err != nil && strings.Contains(err.Error(), sign) {
				tried = append(tried, provider)
			}
		}
		slices.Sort(tried)
		fmt.Printf("%s: keys from %q, the error tells of %v, requests to the URI so far %d\n", name, from, tried, asked)
	}
	chain, err := credentials.NewCredential(nil)
	if err != nil {
		panic(err)
	}
	call("call 1", chain)
	os.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "id")
	os.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
	call("call 2, with keys in the environment", chain)
	another, err := credentials.NewCredential(nil)
	if err != nil {
		panic(err)
	}
	call("a new chain", another)
}
END
{ go mod init try && go get github.com/aliyun/credentials-go@v1.4.14 && go mod tidy && go build -o try .; } >&2 || exit 2
now=$(env -i PATH="$PATH" ./try) || exit 2

cd "$OLDPWD"
before=$(sed -n 's/^#	//p' "$0")
echo "credentials-go v1.4.14:"
printf '%s\n' "$now"
if test "$now" != "$before"; then
	echo "No longer so. On 2026-11-29 it was:"
	printf '%s\n' "$before"
	exit 1
fi
echo "Still so."
