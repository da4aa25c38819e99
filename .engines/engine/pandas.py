import json
from glob import glob

import pandas as pd

import lines
import since
from asked import fails
from played import AMOUNT, LARGEST, REGION_COLUMNS, TOTAL_COLUMNS


def ask(buckets, line="pandas"):
    news = since.ask(buckets, news_since)
    return pd.__version__, {
        name: answers(bucket, line) | (traps(bucket) if name == "edges" else {}) | news[name] for name, bucket in buckets.items()
    }


def news_since(noted):
    *before, last = since.recipe("python").splitlines()
    names = {"pd": pd, "json": json, "glob": glob, "noted": pd.DataFrame(noted, columns=["key", "sha256"])}
    exec("\n".join(before), names)
    return [(key,) for key in eval(last, names)]


def answers(bucket, line):
    def read(name):
        table = lines.read(line, name, bucket, {"pd": pd})
        return table.assign(snapshot_date=pd.to_datetime(table.snapshot_date).dt.strftime("%Y-%m-%d"))

    regions, totals, calendar = read("regions"), read("totals"), read("calendar")

    complete = calendar.loc[calendar.status == "complete", "snapshot_date"]
    first, last = complete.min(), complete.max()
    sums = regions.groupby(["snapshot_date", "source_type", "region_id"])[AMOUNT].sum().astype("Int64")
    ends = sums.loc[[first]].droplevel(0).join(sums.loc[[last]].droplevel(0), how="outer", lsuffix="_then", rsuffix="_now")
    growth = ends[["protected_data_bytes_then", "protected_data_bytes_now"]].copy()
    for name in AMOUNT:
        growth[name] = ends[name + "_now"].fillna(0) - ends[name + "_then"].fillna(0)
    growth = growth.reset_index()
    growth.insert(2, "first_date", first)
    growth.insert(3, "last_date", last)

    dates = pd.to_datetime(totals.snapshot_date)
    keys = ["snapshot_date", "account_id", "source_type"]
    # Int64, since a merge makes holes, and floats of what is beside them.
    day_before = totals.assign(snapshot_date=(dates + pd.Timedelta(days=1)).dt.strftime("%Y-%m-%d"))[keys + AMOUNT].astype(dict.fromkeys(AMOUNT, "Int64"))
    change = totals.merge(day_before, on=keys, how="left", suffixes=("", "_before"))
    for name in AMOUNT:
        change["change_" + name] = change[name].astype("Int64") - change[name + "_before"]
    change = change[[*keys, "protected_data_bytes", *("change_" + name for name in AMOUNT)]]

    found = pd.Series(sorted(dates.unique()))
    between = (found.shift(-1) - found).dt.days
    missing = pd.DataFrame({"last_before": found, "first_after": found.shift(-1), "days_missing": between - 1})[between > 1]

    def rows(table):
        return list(table.itertuples(index=False, name=None))

    def epoch(table):
        return table.assign(captured_at=pd.to_datetime(table.captured_at, utc=True).dt.as_unit("s").astype("int64"))

    return {
        "regions": rows(epoch(regions)[REGION_COLUMNS]),
        "totals": rows(epoch(totals)[TOTAL_COLUMNS]),
        "growth": rows(growth),
        "change": rows(change),
        "missing": rows(missing),
    }


def traps(bucket):
    """What the README's table of traps says of it."""
    totals = pd.read_json(f"{bucket}/totals/dt=2025-12-26/totals.jsonl", lines=True)
    without_zone = pd.read_json(f"{bucket}/totals/dt=2025-12-26/totals.jsonl", lines=True, engine="pyarrow")

    def largest(**options):
        """The largest number of a file in which others are missing, as it is read."""
        return pd.read_json(f"{bucket}/calendar/year=2025/calendar.jsonl", lines=True, **options).protected_data_bytes.max()

    return {
        "trap: a sum beyond 2^63-1 is negative": [(bool(totals.protected_data_bytes.sum() == -2),)],
        "trap: account_id is a number": [(totals.account_id.dtype == "int64",)],
        "trap: numbers beside holes are floats": [(largest() == 2.0**63 == largest(dtype={"protected_data_bytes": "Int64"}),)],
        "trap: but with pyarrow's types": [(largest(engine="pyarrow", dtype_backend="pyarrow") == LARGEST,)],
        "trap: pyarrow's captured_at has no zone": [(without_zone.captured_at.dt.tz is None,)],
        "trap: pyarrow fails for an empty file": [(fails(lambda: pd.read_json(f"{bucket}/regions/dt=2025-12-30/regions.jsonl", lines=True, engine="pyarrow")),)],
    }
