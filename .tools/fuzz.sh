#!/bin/sh
# Runs every fuzz target of the module, each for FUZZTIME. New targets are found
# by name, so that none is left out.
set -eu
go=${GO:-go} time=${FUZZTIME:-10s} tags=${TAGS:-}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
grep -rE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*\(' . |
	sed -E 's|^(.*)/[^/]*:func (Fuzz[A-Za-z0-9_]*)\(.*|\1 \2|' | sort -u >"$work/targets" || true
if [ ! -s "$work/targets" ]; then
	echo 'fuzz: found no target: want a func FuzzName(f *testing.F) in a _test.go file' >&2
	exit 1
fi

# at_the_bell tells whether a run ended in nothing but its own deadline: until
# Go 1.27 a busy worker at the end of -fuzztime fails the run without an input
# that fails (go.dev/issue/75804). A target that finds something writes it down.
at_the_bell() {
	! grep -q 'Failing input written' "$work/log" &&
		test "$(grep -A1 '^--- FAIL: ' "$work/log" | tail -n 1)" = '    context deadline exceeded'
}

# By default up to a minute goes into shortening each input that adds coverage,
# which is more than the whole time of a target here.
failed=0
while read -r dir name; do
	if "$go" test -tags "$tags" -vet=off -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 1s "$dir" >"$work/log" 2>&1 </dev/null; then
		echo "ok    $dir $name: $(grep -o 'execs: [0-9]*' "$work/log" | tail -n 1)"
	elif at_the_bell; then
		echo "ok    $dir $name: no failing input (its time ended while a worker was busy)"
	else
		echo "FAIL  $dir $name"
		cat "$work/log"
		failed=$((failed + 1))
	fi
done <"$work/targets"
echo "fuzz: targets: $(wc -l <"$work/targets" | tr -d " "), $time each, failed: $failed"
test "$failed" -eq 0
