#!/bin/sh
# pandas 3.1.1 (PyPI), read_json(lines=True): whether 2026-11-23T12:17:00Z has a time zone
# depends on the engine. The default one gives datetime64 in UTC for columns whose name
# looks like a time's (ends in _at, for one), engine="pyarrow" one without a zone, so that the
# two can't be compared or subtracted, and local times may be taken for it.
#
# Seen on 2026-11-29, and compared with what is seen now:
#	{}: datetime64[us, UTC]
#	{'engine': 'pyarrow'}: datetime64[s]
#	one minus the other: TypeError
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
cd "$folder"
python3 -m venv venv >&2 || exit 2
venv/bin/python -m pip install -q --disable-pip-version-check pandas==3.1.1 pyarrow==26.0.1 >&2 || exit 2
printf '{"captured_at":"2026-11-23T12:17:00Z"}\n' >rows.json
now=$(
	venv/bin/python - <<'PYTHON'
import pandas

found = []
for options in [{}, {"engine": "pyarrow"}]:
    found.append(pandas.read_json("rows.json", lines=True, **options).captured_at)
    print(f"{options}: {found[-1].dtype}")
try:
    print("one minus the other:", found[0] - found[1])
except Exception as error:
    print("one minus the other:", type(error).__name__)
PYTHON
) || exit 2

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
