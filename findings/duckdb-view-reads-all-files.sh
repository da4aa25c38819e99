#!/bin/sh
# DuckDB 2.0.1 (PyPI): a filter on a partition of files leaves the other files unopened,
# whatever it makes of the partition's date. Through a view of SELECT * it depends: for
# substr or date_trunc of the date it still does, and for strftime, last_day or month it
# opens every file. The answers are right; of ten years of daily files they take thirty
# times the CPU. The files are of two months, and one of them is asked for.
#
# Seen on 2026-11-30, and compared with what is seen now:
#	substr(CAST(dt AS VARCHAR), 1, 7) = '2026-10': 1 file read; through a view 1
#	date_trunc('month', dt) = DATE '2026-10-01': 1 file read; through a view 1
#	strftime(dt, '%Y-%m') = '2026-10': 1 file read; through a view 2
#	last_day(dt) = DATE '2026-10-31': 1 file read; through a view 2
#	month(dt) = 10: 1 file read; through a view 2
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
cd "$folder"
python3 -m venv venv >&2 || exit 2
venv/bin/python -m pip install -q --disable-pip-version-check duckdb==2.0.1 >&2 || exit 2
for day in 2026-10-07 2026-11-07; do
	mkdir "dt=$day"
	echo '{"bytes":1}' >"dt=$day/rows.jsonl"
done
cat >ask.py <<'PYTHON'
import re
import duckdb

FILES = "read_json('dt=*/rows.jsonl', columns = {bytes: 'BIGINT'})"
duckdb.execute(f"CREATE VIEW rows_of_all AS SELECT * FROM {FILES}")

def read(table, where):
    assert duckdb.execute(f"SELECT sum(bytes) FROM {table} WHERE {where}").fetchall() == [(1,)]
    plan = duckdb.execute(f"EXPLAIN ANALYZE SELECT sum(bytes) FROM {table} WHERE {where}").fetchall()[0][1]
    return re.search(r"Total Files Read: (\d+)", plan)[1]

for where in ("substr(CAST(dt AS VARCHAR), 1, 7) = '2026-10'", "date_trunc('month', dt) = DATE '2026-10-01'",
              "strftime(dt, '%Y-%m') = '2026-10'", "last_day(dt) = DATE '2026-10-31'", "month(dt) = 10"):
    print(f"{where}: {read(FILES, where)} file read; through a view {read('rows_of_all', where)}")
PYTHON
now=$(venv/bin/python ask.py) || exit 2

cd "$OLDPWD"
before=$(sed -n 's/^#	//p' "$0")
printf '%s\n' "$now"
if test "$now" != "$before"; then
	echo "No longer so. On 2026-11-30 it was:"
	printf '%s\n' "$before"
	exit 1
fi
echo "Still so."
