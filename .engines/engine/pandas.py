import glob

import pandas as pd

from played import AMOUNT, REGION_COLUMNS, TOTAL_COLUMNS


def ask(buckets):
    return pd.__version__, {name: answers(bucket) for name, bucket in buckets.items()}


def answers(bucket):
    def read(pattern):
        # dtype=False: else ids that look like numbers become numbers.
        table = pd.concat(pd.read_json(path, lines=True, dtype=False) for path in glob.glob(f"{bucket}/{pattern}"))
        return table.assign(**{name: table[name].astype("Int64") for name in AMOUNT if name in table})

    regions, totals, days = read("regions/*/*.jsonl"), read("totals/*/*.jsonl"), read("days/*.json")

    complete = days.loc[days.status == "complete", "snapshot_date"]
    first, last = complete.min(), complete.max()
    sums = regions.groupby(["snapshot_date", "source_type", "region_id"])[AMOUNT].sum()
    ends = sums.loc[[first]].droplevel(0).join(sums.loc[[last]].droplevel(0), how="outer", lsuffix="_then", rsuffix="_now")
    growth = ends[["protected_data_bytes_then", "protected_data_bytes_now"]].copy()
    for name in AMOUNT:
        growth[name] = ends[name + "_now"].fillna(0) - ends[name + "_then"].fillna(0)
    growth = growth.reset_index()
    growth.insert(2, "first_date", first)
    growth.insert(3, "last_date", last)

    dates = pd.to_datetime(totals.snapshot_date)
    keys = ["snapshot_date", "account_id", "source_type"]
    day_before = totals.assign(snapshot_date=(dates + pd.Timedelta(days=1)).dt.strftime("%Y-%m-%d"))[keys + AMOUNT]
    change = totals.merge(day_before, on=keys, how="left", suffixes=("", "_before"))
    for name in AMOUNT:
        change["change_" + name] = change[name] - change[name + "_before"]
    change = change[[*keys, "protected_data_bytes", *("change_" + name for name in AMOUNT)]]

    found = pd.Series(sorted(dates.unique()))
    between = (found.shift(-1) - found).dt.days
    missing = pd.DataFrame({"last_before": found, "first_after": found.shift(-1), "days_missing": between - 1})[between > 1]

    def rows(table):
        return list(table.itertuples(index=False, name=None))

    def epoch(table):
        return table.assign(captured_at=pd.to_datetime(table.captured_at).dt.as_unit("s").astype("int64"))

    return {
        "regions": rows(epoch(regions)[REGION_COLUMNS]),
        "totals": rows(epoch(totals)[TOTAL_COLUMNS]),
        "growth": rows(growth),
        "change": rows(change),
        "missing": rows(missing),
    }
