#!/bin/sh
# DataFusion 55.0.0, Daft 0.7.26 and pyarrow 26.0.1 (PyPI): the sum of 64-bit integers is
# one of 64 bits, and beyond 2^63-1 it wraps to a negative number without a word. DuckDB
# 2.0.1 beside them sums to a HUGEINT, and is right. The two rows are 2^63-1 and 1.
#
# Seen on 2026-11-29, and compared with what is seen now:
#	datafusion 55.0.0: -9223372036854775808
#	daft 0.7.26: -9223372036854775808
#	pyarrow 26.0.1: -9223372036854775808
#	duckdb 2.0.1: 9223372036854775808
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
cd "$folder"
python3 -m venv venv >&2 || exit 2
printf '{"bytes":9223372036854775807}\n{"bytes":1}\n' >rows.json

# sum PACKAGE VERSION CODE: each by itself, since they want different versions of pyarrow.
sum() {
	venv/bin/python -m pip install -q --disable-pip-version-check --target "$1" "$1==$2" >&2 || exit 2
	printf '%s %s: ' "$1" "$2"
	PYTHONPATH=$1 venv/bin/python -c "$3" || exit 2
}
now=$(
	sum datafusion 55.0.0 'import datafusion; c = datafusion.SessionContext(); c.register_json("t", "rows.json"); print(c.sql("SELECT sum(bytes) AS s FROM t").to_pydict()["s"][0])'
	sum daft 0.7.26 'import daft; print(daft.read_json("rows.json").sum("bytes").to_pydict()["bytes"][0])'
	sum pyarrow 26.0.1 'import pyarrow.compute, pyarrow.json; print(pyarrow.compute.sum(pyarrow.json.read_json("rows.json")["bytes"]))'
	sum duckdb 2.0.1 'import duckdb; print(duckdb.sql("SELECT sum(bytes) FROM \"rows.json\"").fetchall()[0][0])'
) || exit 2

cd "$OLDPWD"
before=$(sed -n 's/^#	//p' "$0")
printf '%s\n' "$now"
if test "$now" != "$before"; then
	echo "No longer so. On 2026-11-29 it was:"
	printf '%s\n' "$before"
	exit 1
fi
echo "Still so."
