#!/bin/sh
# pandas 3.1.1, with pyarrow 26.0.1 (PyPI): read_json of the same lines makes of an id
# that JSON writes as a string, "0123456789", the number 123456789 by default, without
# its zero, and leaves it text with engine="pyarrow". Days are the other way about: text
# by default, dates with the other engine. dtype={"account_id": "str"} keeps the id.
#
# Seen on 2026-11-29, and compared with what is seen now:
#	default: account_id int64 [123456789, 1234567890123456], day str
#	engine="pyarrow": account_id str ['0123456789', '1234567890123456'], day datetime64[s]
#	dtype={"account_id": "str"}: account_id str ['0123456789', '1234567890123456'], day str
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
cd "$folder"
{ python3 -m venv venv && venv/bin/python -m pip install -q --disable-pip-version-check pandas==3.1.1 pyarrow==26.0.1; } >&2 || exit 2

cat > try.py <<'END'
import pandas

with open("rows.json", "w") as file:
    file.write('{"account_id":"0123456789","day":"2026-11-28"}\n{"account_id":"1234567890123456","day":"2026-11-28"}\n')

for name, how in {
    "default": {},
    'engine="pyarrow"': {"engine": "pyarrow"},
    'dtype={"account_id": "str"}': {"dtype": {"account_id": "str"}},
}.items():
    read = pandas.read_json("rows.json", lines=True, **how)
    print(f"{name}: account_id {read.account_id.dtype} {read.account_id.tolist()}, day {read.day.dtype}")
END
now=$(venv/bin/python try.py) || exit 2

cd "$OLDPWD"
before=$(sed -n 's/^#	//p' "$0")
echo "pandas 3.1.1:"
printf '%s\n' "$now"
if test "$now" != "$before"; then
	echo "No longer so. On 2026-11-29 it was:"
	printf '%s\n' "$before"
	exit 1
fi
echo "Still so."
