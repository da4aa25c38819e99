import polars as pl

import lines
from played import AMOUNT, REGION_COLUMNS, TOTAL_COLUMNS


def ask(buckets):
    return pl.__version__, {name: answers(bucket) | (traps(bucket) if name == "edges" else {}) for name, bucket in buckets.items()}


def answers(bucket):
    regions, totals, calendar = (lines.read("Polars", name, bucket, {"pl": pl}) for name in ["regions", "totals", "calendar"])

    complete = calendar.filter(pl.col("status") == "complete")["snapshot_date"]
    first, last = complete.min(), complete.max()
    keys = ["source_type", "region_id"]

    def sums(day, suffix):
        table = regions.filter(pl.col("snapshot_date") == day).group_by(keys)
        return table.agg(pl.col(name).sum().alias(name + suffix) for name in AMOUNT)

    growth = sums(first, "_then").join(sums(last, "_now"), on=keys, how="full", coalesce=True).select(
        *keys, pl.lit(first).alias("first_date"), pl.lit(last).alias("last_date"),
        "protected_data_bytes_then", "protected_data_bytes_now",
        *((pl.col(name + "_now").fill_null(0) - pl.col(name + "_then").fill_null(0)).alias(name) for name in AMOUNT),
    )

    dated = totals.with_columns(pl.col("snapshot_date").str.to_date())
    keys = ["snapshot_date", "account_id", "source_type"]
    day_before = dated.select(pl.col("snapshot_date").dt.offset_by("1d"), *keys[1:], *AMOUNT)
    change = dated.join(day_before, on=keys, how="left", suffix="_before").select(
        *keys, "protected_data_bytes", *((pl.col(name) - pl.col(name + "_before")).alias("change_" + name) for name in AMOUNT)
    )

    missing = (
        dated.select(pl.col("snapshot_date").unique().sort().alias("last_before"))
        .with_columns(first_after=pl.col("last_before").shift(-1))
        .with_columns(days_missing=(pl.col("first_after") - pl.col("last_before")).dt.total_days() - 1)
        .filter(pl.col("days_missing") > 0)
    )

    def epoch(table):
        return table.with_columns(pl.col("captured_at").str.to_datetime(time_zone="UTC").dt.epoch("s"))

    return {
        "regions": epoch(regions).select(REGION_COLUMNS).rows(),
        "totals": epoch(totals).select(TOTAL_COLUMNS).rows(),
        "growth": growth.rows(),
        "change": change.rows(),
        "missing": missing.rows(),
    }


def traps(bucket):
    """What the README's table of traps says of it."""
    totals = pl.read_ndjson(f"{bucket}/totals/dt=2025-12-26/totals.jsonl")
    return {
        "trap: a sum beyond 2^63-1 is negative": [(totals["protected_data_bytes"].sum() == -2,)],
        "trap: no dt": [("dt" not in pl.scan_ndjson(f"{bucket}/totals/").collect_schema(),)],
    }
