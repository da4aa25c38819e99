import os
import sys

# In a folder of its own: it wants another pyarrow than the others.
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "daft"))

import daft
from daft import col

import lines
from asked import fails
from played import AMOUNT, REGION_COLUMNS, TOTAL_COLUMNS


def ask(buckets):
    return daft.__version__, {name: answers(bucket) | (traps(bucket) if name == "edges" else {}) for name, bucket in buckets.items()}


def answers(bucket):
    regions, totals, calendar = (lines.read("Daft", name, bucket, {"daft": daft}) for name in ["regions", "totals", "calendar"])

    complete = calendar.where(col("status") == "complete")
    (first, last), = rows(complete.agg(col("snapshot_date").min().alias("first"), col("snapshot_date").max().alias("last")))
    region = ["source_type", "region_id"]

    def sums(day, suffix):
        table = regions.where(col("snapshot_date") == day).groupby(*region)
        return table.agg(*(col(name).sum().alias(name + suffix) for name in AMOUNT))

    growth = sums(first, "_then").join(sums(last, "_now"), on=region, how="outer").select(
        *region, daft.lit(first).alias("first"), daft.lit(last).alias("last"), "protected_data_bytes_then", "protected_data_bytes_now",
        *((col(name + "_now").fill_null(0) - col(name + "_then").fill_null(0)).alias(name) for name in AMOUNT),
    )

    keys = ["snapshot_date", "account_id", "source_type"]
    day_before = totals.select(
        (col("snapshot_date") + daft.interval(days=1)).cast(daft.DataType.date()).alias("snapshot_date"), *keys[1:],
        *(col(name).alias(name + "_before") for name in AMOUNT),
    )
    change = totals.join(day_before, on=keys, how="left").select(
        *keys, "protected_data_bytes", *((col(name) - col(name + "_before")).alias("change_" + name) for name in AMOUNT)
    )

    days = [day for day, in rows(totals.select("snapshot_date").distinct().sort("snapshot_date"))]
    missing = [(before, after, (after - before).days - 1) for before, after in zip(days, days[1:]) if (after - before).days > 1]

    def epoch(table):
        return table.with_column("captured_at", col("captured_at").cast(daft.DataType.int64()))

    return {
        "regions": rows(epoch(regions).select(*REGION_COLUMNS)),
        "totals": rows(epoch(totals).select(*TOTAL_COLUMNS)),
        "growth": rows(growth),
        "change": rows(change),
        "missing": missing,
    }


def rows(table):
    return list(zip(*table.to_pydict().values()))


def traps(bucket):
    """What the README's table of traps says of it."""
    totals = daft.read_json(f"{bucket}/totals/dt=2025-12-26/totals.jsonl")
    return {
        "trap: a sum beyond 2^63-1 is negative": [(rows(totals.sum("protected_data_bytes")) == [(-2,)],)],
        "trap: fails for an empty file": [(fails(lambda: daft.read_json(f"{bucket}/regions/*/*.jsonl").to_pydict()),)],
    }
