#!/bin/sh
# pyarrow 26.0.1 (PyPI): a file of no bytes is valid JSON Lines, as of a day without rows.
# One such among the files of a data set makes all of the data set unreadable, and so
# does a file of one blank line. Who writes for it leaves the file out.
#
# Seen on 2026-11-29, and compared with what is seen now:
#	a file with a row: 1 rows
#	and one of no bytes: ArrowInvalid: Could not open JSON input source 'days/2.json': Invalid: Empty JSON stream
#	and one of a blank line: ArrowInvalid: Could not open JSON input source 'days/2.json': Invalid: Empty JSON stream
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
cd "$folder"
{ python3 -m venv venv && venv/bin/python -m pip install -q --disable-pip-version-check pyarrow==26.0.1; } >&2 || exit 2

cat > try.py <<'END'
import os
import pyarrow.dataset

def rows():
    try:
        return f"{pyarrow.dataset.dataset('days', format='json').to_table().num_rows} rows"
    except Exception as error:
        return f"{type(error).__name__}: {error}"

os.mkdir("days")
for told, name, text in (
    ("a file with a row", "1", '{"bytes":1}\n'),
    ("and one of no bytes", "2", ""),
    ("and one of a blank line", "2", "\n"),
):
    with open(f"days/{name}.json", "w") as file:
        file.write(text)
    print(f"{told}: {rows()}")
END
now=$(venv/bin/python try.py) || exit 2

cd "$OLDPWD"
before=$(sed -n 's/^#	//p' "$0")
echo "pyarrow 26.0.1:"
printf '%s\n' "$now"
if test "$now" != "$before"; then
	echo "No longer so. On 2026-11-29 it was:"
	printf '%s\n' "$before"
	exit 1
fi
echo "Still so."
