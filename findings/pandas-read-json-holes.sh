#!/bin/sh
# pandas 3.1.1 (PyPI), read_json(lines=True): where a line lacks a number, the numbers of the
# other lines go through floats, and dtype Int64 comes after that. So it says Int64, as one
# asks for because of the hole, and is 1 off: above 2^53 no option of the default engine
# keeps a number. Only pyarrow's engine with pyarrow's types does; its engine alone does not.
# The file has 2^53+1 = 9007199254740993 in one line, and no number in the other.
#
# Seen on 2026-11-29, and compared with what is seen now:
#	{}: float64 9007199254740992
#	{'dtype': {'bytes': 'Int64'}}: Int64 9007199254740992
#	{'dtype': False}: float64 9007199254740992
#	{'dtype_backend': 'numpy_nullable'}: Int64 9007199254740992
#	{'dtype_backend': 'pyarrow'}: int64[pyarrow] 9007199254740992
#	{'engine': 'pyarrow'}: float64 9007199254740992
#	{'engine': 'pyarrow', 'dtype_backend': 'pyarrow'}: int64[pyarrow] 9007199254740993
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
cd "$folder"
python3 -m venv venv >&2 || exit 2
venv/bin/python -m pip install -q --disable-pip-version-check pandas==3.1.1 pyarrow==26.0.1 >&2 || exit 2
printf '{"day":1,"bytes":9007199254740993}\n{"day":2}\n' >rows.json
now=$(
	venv/bin/python - <<'PYTHON'
import pandas

for options in [
    {}, {"dtype": {"bytes": "Int64"}}, {"dtype": False}, {"dtype_backend": "numpy_nullable"}, {"dtype_backend": "pyarrow"},
    {"engine": "pyarrow"}, {"engine": "pyarrow", "dtype_backend": "pyarrow"},
]:
    column = pandas.read_json("rows.json", lines=True, **options).bytes
    print(f"{options}: {column.dtype} {int(column[0])}")
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
