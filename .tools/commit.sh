#!/bin/sh
# Prints the commit that the sources here are of, for the executable to name: twelve
# digits, as many in every clone, "-changed" behind them where what is built from
# differs, and "unknown" where there is no git, or where the commit is that of a
# repository around this folder.
set -eu
if ! above=$(git rev-parse --show-prefix 2>/dev/null) || test -n "$above" || ! commit=$(git rev-parse --verify --quiet HEAD); then
	echo unknown
	exit
fi
changed=$(git status --porcelain -- go.mod go.sum main.go handler report Makefile)
printf '%.12s%s\n' "$commit" "${changed:+-changed}"
