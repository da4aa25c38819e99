#!/bin/sh
# Looks for known vulnerabilities in what is linked. Exit code 75 and a line that
# says so mean that nothing was checked, since the database can't be had: that is
# no good news, and must not be taken for it.
set -eu
go=${GO:-go} tags=${TAGS:-} db=${VULNDB:-https://vuln.go.dev}

out=$(mktemp)
trap 'rm -f "$out"' EXIT
code=0
"$go" tool -modfile=.tools/go.mod govulncheck -db "$db" -tags "$tags" ./... >"$out" 2>&1 || code=$?
cat "$out"
case $code in
0) ;;
3) echo 'vuln: known vulnerabilities are called: see above' ;;
*)
	if grep -q '^govulncheck: fetching vulnerabilities: ' "$out"; then
		echo "vuln: not checked: the database at $db can't be had; want it reachable, or VULNDB=URL of another"
		code=75
	fi
	;;
esac
exit $code
