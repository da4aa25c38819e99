import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

import lines
from asked import fails
from played import AMOUNT, REGION_COLUMNS, TOTAL_COLUMNS

DAY = pa.scalar(24 * 60 * 60, pa.duration("s"))


def ask(buckets):
    return pa.__version__, {name: answers(bucket) | (traps(bucket) if name == "edges" else {}) for name, bucket in buckets.items()}


def answers(bucket):
    regions, totals, calendar = (lines.read("pyarrow", name, bucket, {"ds": ds}) for name in ["regions", "totals", "calendar"])

    ends = pc.min_max(calendar.filter(pc.field("status") == "complete")["snapshot_date"])
    region = ["source_type", "region_id"]

    def sums(end):
        table = regions.filter(pc.field("snapshot_date") == ends[end]).group_by(region).aggregate([(name, "sum") for name in AMOUNT])
        return table.rename_columns({name + "_sum": f"{name}_{end}" for name in AMOUNT})

    growth = sums("min").join(sums("max"), region, join_type="full outer")
    growth = columns(
        *(growth[name] for name in region), pa.repeat(ends["min"], len(growth)), pa.repeat(ends["max"], len(growth)),
        *(growth["protected_data_bytes_" + end] for end in ("min", "max")),
        *(pc.subtract_checked(pc.fill_null(growth[name + "_max"], 0), pc.fill_null(growth[name + "_min"], 0)) for name in AMOUNT),
    )

    keys = ["snapshot_date", "account_id", "source_type"]
    day_before = totals.select(keys + AMOUNT).set_column(0, keys[0], pc.add(totals[keys[0]], DAY))
    change = totals.join(day_before, keys, right_suffix="_before")
    change = columns(
        *(change[name] for name in [*keys, "protected_data_bytes"]),
        *(pc.subtract_checked(change[name], change[name + "_before"]) for name in AMOUNT),
    )

    days = pc.unique(totals["snapshot_date"]).sort()
    between = pc.days_between(days[:-1], days[1:])
    missing = columns(days[:-1], days[1:], pc.subtract(between, 1)).filter(pc.greater(between, 1))

    def epoch(table):
        return table.set_column(2, "captured_at", pc.cast(table["captured_at"], pa.int64()))

    return {
        "regions": rows(epoch(regions).select(REGION_COLUMNS)),
        "totals": rows(epoch(totals).select(TOTAL_COLUMNS)),
        "growth": rows(growth),
        "change": rows(change),
        "missing": rows(missing),
    }


def columns(*arrays):
    return pa.table(arrays, names=list(map(str, range(len(arrays)))))


def rows(table):
    return list(zip(*(column.to_pylist() for column in table.columns)))


def traps(bucket):
    """What the README's table of traps says of it."""
    totals = ds.dataset(f"{bucket}/totals/dt=2025-12-26", format="json").to_table()
    return {
        "trap: a sum beyond 2^63-1 is negative": [(pc.sum(totals["protected_data_bytes"]).as_py() == -2,)],
        "trap: captured_at has no zone": [(totals.schema.field("captured_at").type.tz is None,)],
        "trap: fails for an empty file": [(fails(lambda: ds.dataset(f"{bucket}/regions", format="json").to_table()),)],
    }
