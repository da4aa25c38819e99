"""Plays a bucket of 410 days and three accounts, lets six engines read it, and
compares every answer with figures computed straight from the snapshots.

    python run.py                  play the bucket, then ask all engines
    python run.py duckdb polars    ask some of them
    python run.py --bucket FOLDER  read a bucket that is there, FOLDER being its prefix
"""

import argparse
import datetime
import glob
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
FOLDER = os.path.join(ROOT, ".local", "engines")

# What is played, in days before the last one.
LAST, DAYS = datetime.date(2026, 11, 23), 410
MISSING, PARTIAL, BIG, EMPTY, ONE_EMPTY = [201, 200, 50], 120, [90, 0], 61, 60
ACCOUNTS = ["1234567890123456", "1234567890123457", "1234567890123458"]
EXACT = 2**53 + 1  # the first integer that a float does not hold

REGION_COLUMNS = ["schema_version", "snapshot_date", "captured_at", "captured_unix", "account_id", "source_type",
                  "region_id", "protected_data_bytes", "protected_resource_count"]
TOTAL_COLUMNS = ["schema_version", "snapshot_date", "captured_at", "captured_unix", "account_id", "source_type",
                 "protected_data_bytes", "protected_resource_count", "region_count", "regions_match_total"]
AMOUNT = ["protected_data_bytes", "protected_resource_count"]


def play():
    """Play the bucket with the project's own command, and return its prefix."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    with tempfile.TemporaryDirectory() as work:
        binary = os.path.join(work, "backup-statistics")
        subprocess.run([os.environ.get("GO", "go"), "build", "-o", binary, "."], cwd=ROOT, check=True)

        # What the command would take from the environment, and play otherwise.
        unset = dict.fromkeys(["TIME_ZONE", "SOURCE_TYPES", "OSS_PREFIX", "ALERT_RULES", "WEBHOOK_URL"], "")

        def local(*args, code=0):
            command = [binary, "local", "-accounts", str(len(ACCOUNTS)), "-dir", FOLDER, *args]
            done = subprocess.run(command, cwd=work, env=os.environ | unset, capture_output=True, text=True)
            if done.returncode != code:
                sys.exit(f"{' '.join(command)}: exit code {done.returncode}, want {code}\n{done.stdout}{done.stderr}")

        def day(ago):
            return str(LAST - datetime.timedelta(ago))

        left_out = [*MISSING, PARTIAL, *BIG, EMPTY, ONE_EMPTY]
        local("-date", day(0), "-days", str(DAYS), *(arg for ago in left_out for arg in ("-gap", str(ago))))
        # An account that fails makes the run fail: the day is partial.
        local("-date", day(PARTIAL), "-fault", f"success-false@{ACCOUNTS[1]}x1000", code=1)
        local("-date", day(EMPTY), *(arg for account in ACCOUNTS for arg in ("-protect", account + "=")))
        local("-date", day(ONE_EMPTY), "-protect", ACCOUNTS[2] + "=")
        for ago in reversed(sorted(BIG)):
            what = f"cn-hangzhou:{EXACT}:{EXACT + 1},cn-shenzhen:{2 * EXACT + ago}:7"
            local("-date", day(ago), "-protect", f"{ACCOUNTS[0]}={what}")
    return os.path.join(FOLDER, "backup-statistics")


def expected(bucket):
    """Compute all answers from the snapshots, and nothing else."""
    regions, totals, accounts_of = [], [], Counter()
    amounts, by_region = {}, defaultdict(lambda: [0, 0])
    for path in glob.glob(f"{bucket}/snapshots/dt=*/*.json"):
        with open(path, encoding="utf-8") as file:
            s = json.load(file)
        day, account, source_type = s["snapshot_date"], s["account_id"], s["source_type"]
        captured = int(datetime.datetime.fromisoformat(s["captured_at"]).timestamp())
        head = (1, day, captured, captured, account, source_type)
        amount = tuple(s[name] for name in AMOUNT)
        totals.append((*head, *amount, len(s["regions"]), s["regions_match_total"]))
        for r in s["regions"]:
            regions.append((*head, r["region_id"], *(r[name] for name in AMOUNT)))
            sums = by_region[day, source_type, r["region_id"]]
            for i, name in enumerate(AMOUNT):
                sums[i] += r[name]
        amounts[day, account, source_type] = amount
        accounts_of[day] += 1

    complete = [day for day, n in accounts_of.items() if n == len(ACCOUNTS)]
    first, last = min(complete), max(complete)
    growth = []
    for source_type, region in {(t, r) for day, t, r in by_region if day in (first, last)}:
        then, now = by_region.get((first, source_type, region)), by_region.get((last, source_type, region))
        more = [b - a for a, b in zip(then or (0, 0), now or (0, 0))]
        growth.append((source_type, region, first, last, then and then[0], now and now[0], *more))

    change = []
    for (day, account, source_type), amount in amounts.items():
        before = amounts.get((shifted(day, -1), account, source_type))
        more = [b - a for a, b in zip(before, amount)] if before else (None, None)
        change.append((day, account, source_type, amount[0], *more))

    missing, days = [], sorted(accounts_of)
    for before, after in zip(days, days[1:]):
        if after != shifted(before, 1):
            missing.append((before, after, (as_date(after) - as_date(before)).days - 1))
    return {"regions": regions, "totals": totals, "growth": growth, "change": change, "missing": missing}


def as_date(text):
    return datetime.date.fromisoformat(text)


def shifted(day, days):
    return str(as_date(day) + datetime.timedelta(days))


def planted(bucket, answers):
    """Tell which of the things that the test is about the bucket lacks."""
    status = Counter()
    for path in glob.glob(f"{bucket}/days/*.json"):
        with open(path, encoding="utf-8") as file:
            status[json.load(file)["status"]] += 1
    totals_of = [row[6] for row in answers["totals"]]
    empty = Counter(row[1] for row in answers["totals"] if row[8] == 0)
    whole_days = [day for day, n in empty.items() if n == len(ACCOUNTS)]
    return [
        ("at least 400 days, as many as there are records", len({row[1] for row in answers["totals"]}) + status["missing"] == status.total() >= 400),
        ("missing days", status["missing"] == sum(row[2] for row in answers["missing"]) > 0),
        ("a partial day", status["partial"] > 0),
        ("numbers that no float holds", any(n != int(float(n)) for n in totals_of)),
        ("growth that no float holds", any(row[6] != int(float(row[6])) for row in answers["growth"])),
        ("an empty list of regions beside others", len(empty) > len(whole_days)),
        ("a day without a table of regions", bool(whole_days) and not os.path.exists(f"{bucket}/regions/dt={whole_days[0]}")),
    ]


# The engines. Each reads both tables whole, and answers the three questions.


def shipped(name, bucket):
    """The SQL that ships: its definitions, and its questions by name."""
    with open(os.path.join(ROOT, "report", "schema", name + ".sql"), encoding="utf-8") as file:
        text = re.sub(r"(oss|s3)://BUCKET/backup-statistics/", lambda _: bucket + "/", file.read())
    statements = [re.sub(r"(?m)^--.*\n", "", s).strip() for s in text.split(";\n")]
    questions = [s for s in statements if s.startswith("SELECT")]
    return [s for s in statements if s and s not in questions], dict(zip(["growth", "change", "missing"], questions, strict=True))


def ask(run, questions, epoch):
    """Ask through run, which takes SQL and returns rows."""

    def table(name, columns):
        return run(f"SELECT {', '.join(columns)} FROM {name}".replace("captured_at", epoch))

    tables = {"regions": table("backup_regions", REGION_COLUMNS), "totals": table("backup_totals", TOTAL_COLUMNS)}
    return tables | {name: run(sql) for name, sql in questions.items()}


def duckdb(bucket):
    import duckdb

    connection = duckdb.connect()
    definitions, questions = shipped("duckdb", bucket)
    for sql in definitions:
        connection.execute(sql)
    return duckdb.__version__, ask(lambda sql: connection.execute(sql).fetchall(), questions, "epoch(captured_at)::BIGINT")


def spark(bucket):
    import pyspark
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "2")  # few rows, and few cores:
        .config("spark.sql.sources.parallelPartitionDiscovery.threshold", "100000")  # no jobs to list folders
        .getOrCreate()
    )
    definitions, questions = shipped("spark", bucket)
    for sql in definitions:
        session.sql(sql)
    answers = ask(lambda sql: [tuple(row) for row in session.sql(sql).collect()], questions, "unix_timestamp(captured_at)")
    session.stop()
    return pyspark.__version__, answers


# What Hive prints is text: these columns are, and the others are numbers.
TEXT = {"snapshot_date", "account_id", "source_type", "region_id", "first_date", "last_date", "last_before", "first_after"}
OPEN_TO_HIVE = ["lang", "lang.reflect", "io", "net", "nio", "text", "time", "util", "util.concurrent", "util.concurrent.atomic", "util.regex"]


def hive(bucket):
    definitions, questions = shipped("hive", bucket)
    asked = []
    epoch = "unix_timestamp(captured_at, \"yyyy-MM-dd'T'HH:mm:ss'Z'\")"
    ask(asked.append, questions, epoch)
    with tempfile.TemporaryDirectory() as work:
        with open(os.path.join(work, "ask.sql"), "w") as script:
            for sql in definitions:
                script.write(sql + ";\n")
            for sql in asked:  # one process answers all, so each answer is marked
                script.write(f"!echo === answer;\n{sql};\n")
        answers = iter(hive_cli(work, "ask.sql").split("=== answer\n")[1:])

    def rows(_):
        header, *lines = next(answers).splitlines()
        names = header.split("\t")
        return [tuple(map(hive_value, names, line.split("\t"))) for line in lines]

    return glob.glob(f"{HERE}/jars/hive-exec-*.jar")[0].split("-")[-1].removesuffix(".jar"), ask(rows, questions, epoch)


def hive_value(name, text):
    if text == "NULL":
        return None
    return text if name in TEXT else text == "true" if text in ("true", "false") else int(text)


def hive_cli(work, script):
    """Run a script in one process: metastore, planner, MapReduce and all."""
    settings = {
        "javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={work}/metastore;create=true",
        "datanucleus.schema.autoCreateAll": "true",
        "hive.metastore.schema.verification": "false",
        "hive.metastore.warehouse.dir": f"{work}/warehouse",
        "hive.exec.scratchdir": f"{work}/scratch",
        "hive.exec.local.scratchdir": f"{work}/scratch",
        "hive.async.log.enabled": "false",
        "hive.cli.print.header": "true",
        "hive.execution.engine": "mr",
        "hive.exec.submit.local.task.via.child": "false",
        "hive.local.time.zone": "UTC",
        "mapreduce.framework.name": "local",
    }
    with open(os.path.join(work, "hive-site.xml"), "w") as site:
        properties = (f"<property><name>{name}</name><value>{value}</value></property>" for name, value in settings.items())
        site.write(f"<configuration>{''.join(properties)}</configuration>")
    opens = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in ["sun.nio.ch", *("java." + name for name in OPEN_TO_HIVE)]]
    command = ["java", *opens, "-Djava.io.tmpdir=" + work, "-cp", f"{work}:{HERE}/jars/*", "org.apache.hadoop.hive.cli.CliDriver", "-f", script]
    done = subprocess.run(command, cwd=work, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(f"hive: exit code {done.returncode}")
    return done.stdout


def chdb(bucket):
    import chdb
    from chdb.session import Session

    session = Session()
    session.query("SET cast_keep_nullable = 1")  # a date that is not there is no date, as elsewhere
    for name, path in ("regions", "regions/dt=*/regions.jsonl"), ("totals", "totals/dt=*/totals.jsonl"), ("calendar", "calendar/year=*/calendar.jsonl"):
        session.query(f"CREATE VIEW backup_{name} AS SELECT * FROM file('{bucket}/{path}', 'JSONEachRow')")

    def run(sql):
        lines = str(session.query(sql, "JSONCompactEachRow")).splitlines()
        return [tuple(json.loads(line)) for line in lines]

    # ClickHouse understands DuckDB's questions.
    return chdb.__version__, ask(run, shipped("duckdb", bucket)[1], "toUnixTimestamp(captured_at)")


def pandas(bucket):
    import pandas as pd

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

    return pd.__version__, {
        "regions": rows(epoch(regions)[REGION_COLUMNS]),
        "totals": rows(epoch(totals)[TOTAL_COLUMNS]),
        "growth": rows(growth),
        "change": rows(change),
        "missing": rows(missing),
    }


def polars(bucket):
    import polars as pl

    regions = pl.read_ndjson(f"{bucket}/regions/dt=*/regions.jsonl")
    totals = pl.read_ndjson(f"{bucket}/totals/dt=*/totals.jsonl")
    # A record at a time: lists that are empty in one and full in another are no table.
    days = pl.concat(pl.read_ndjson(path).select("snapshot_date", "status") for path in glob.glob(f"{bucket}/days/*.json"))

    complete = days.filter(pl.col("status") == "complete")["snapshot_date"]
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

    return pl.__version__, {
        "regions": epoch(regions).select(REGION_COLUMNS).rows(),
        "totals": epoch(totals).select(TOTAL_COLUMNS).rows(),
        "growth": growth.rows(),
        "change": change.rows(),
        "missing": missing.rows(),
    }


ENGINES = {"duckdb": duckdb, "spark": spark, "hive": hive, "pandas": pandas, "polars": polars, "chdb": chdb}


def plain(value):
    """A value without the engine's own type; whole numbers stay whole numbers."""
    if type(value).__name__ in ("NoneType", "NAType", "NaTType") or value != value:
        return None
    if isinstance(value, datetime.date):
        return value.isoformat()[:10]
    if hasattr(value, "item"):  # of numpy
        value = value.item()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def answers_of(name, bucket, log):
    """Ask an engine: its version, its answers in plain values, and the time it took."""
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), 2)  # Spark's JVM has much to say
    began = time.perf_counter()
    version, answers = ENGINES[name](bucket)
    took = time.perf_counter() - began
    return version, {question: [tuple(plain(v) for v in row) for row in rows] for question, rows in answers.items()}, took


def difference(got, want):
    """The first rows that differ, or nothing. True and 1 differ, and so do 1 and 1.0."""
    got, want = (Counter(tuple((type(v), v) for v in row) for row in rows) for rows in (got, want))
    if got == want:
        return None
    other, lacking = ([tuple(v for _, v in row) for row in rows] for rows in (got - want, want - got))
    return f"{got.total()} rows, want {want.total()}; {len(other)} are others, such as {other[:1]}, want {lacking[:1]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="*", choices=[[], *ENGINES], default=[])
    parser.add_argument("--bucket", help="the prefix of a bucket that is there")
    args = parser.parse_args()
    began = time.perf_counter()
    bucket = os.path.abspath(args.bucket) if args.bucket else play()
    want = expected(bucket)
    if not args.bucket:
        print(f"played {DAYS} days, {len(ACCOUNTS)} accounts in {time.perf_counter() - began:.1f} s: {bucket}\n")

    passed, failures = 0, []
    for name, there in planted(bucket, want):
        if there:
            passed += 1
        else:
            failures.append(f"bucket: {name}: not there")
    print(f"{'engine':8} {'version':10} {'rows':>8} {'time':>8}  equal")
    for name in args.engines or ENGINES:
        # A process of its own: no engine meets another's libraries, or ends the test.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool, tempfile.NamedTemporaryFile("r") as log:
            try:
                version, got, took = pool.submit(answers_of, name, bucket, log.name).result()
            except Exception as error:
                sys.stdout.writelines(log.readlines()[-20:])
                failures.append(f"{name}: {type(error).__name__}: {error}")
                print(f"{name:8} {'?':10} {'?':>8} {'?':>8}  no")
                continue
        differ = {question: difference(got[question], want[question]) for question in want}
        failures += [f"{name}: {question}: {text}" for question, text in differ.items() if text]
        passed += sum(not text for text in differ.values())
        unequal = ", ".join(question for question, text in differ.items() if text)
        print(f"{name:8} {version:10} {sum(map(len, got.values())):8,} {took:6.1f} s  {'not ' + unequal if unequal else 'yes'}")
    for failure in failures:
        print("FAIL", failure)
    print(f"\n{passed} passed, {len(failures)} failed")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
