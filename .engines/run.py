"""Plays buckets, lets engines read them, and compares every answer with figures
computed straight from the snapshots.

    python run.py                  play the buckets, then ask all engines
    python run.py duckdb polars    ask some of them
    python run.py --bucket FOLDER  read a bucket that is there, FOLDER being its prefix
"""

import argparse
import datetime
import importlib
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import compact
import lines
import since
from engine import trino
from played import ACCOUNTS, BUCKETS, PLANTED, expected, play

# Each is a module of engine/, whose ask(buckets) reads the tables of every bucket whole,
# puts the questions, and returns the engine's version and the answers by bucket and name.
# The answer `line` is regions as the README's line reads it, where the statements read
# them otherwise; `trap: …` are those of the README, and `compact: …` and `since: …` those of compact.py and since.py. A parser returns how many statements it has read, instead of answers.
ENGINES = ["duckdb", "spark", "hive", "trino", "flink", "chdb", "datafusion", "polars", "pandas", "pandas with pyarrow", "pyarrow", "daft", "druid"]


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


def answers_of(name, buckets, log):
    """Ask an engine: its version, its answers in plain values, and the time it took."""
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), 2)  # Spark's JVM has much to say
    began = time.perf_counter()
    version, answers = importlib.import_module("engine." + name.replace(" ", "_")).ask(buckets)
    took = time.perf_counter() - began
    if isinstance(answers, dict):
        answers = {
            bucket: {question: [tuple(plain(v) for v in row) for row in rows] for question, rows in of_bucket.items()}
            for bucket, of_bucket in answers.items()
        }
    return version, answers, took


def difference(got, want):
    """The first rows that differ, or nothing. True and 1 differ, and so do 1 and 1.0."""
    got, want = (Counter(tuple((type(v), v) for v in row) for row in rows) for rows in (got, want))
    if got == want:
        return None
    other, lacking = ([tuple(v for _, v in row) for row in rows] for rows in (got - want, want - got))
    return f"{got.total()} rows, want {want.total()}; {len(other)} are others, such as {other[:1]}, want {lacking[:1]}"


def wanted(answers, question):
    """The rows that are wanted: a trap is a fact, to be found true."""
    if question.startswith("compact: "):
        return compact.wanted(answers)[question]
    if question.startswith("since: "):
        return since.wanted(answers)[question]
    return [(True,)] if question.startswith("trap: ") else answers["regions" if question == "line" else question]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="*", choices=[[], *ENGINES], default=[])
    parser.add_argument("--bucket", help="the prefix of a bucket that is there")
    args = parser.parse_args()
    began = time.perf_counter()
    buckets = {"bucket": os.path.abspath(args.bucket)} if args.bucket else play()
    want = {name: expected(bucket) for name, bucket in buckets.items()}
    if not args.bucket:
        print(f"played {', '.join(buckets)}, {len(ACCOUNTS)} accounts each, in {time.perf_counter() - began:.1f} s\n")

    passed, failures = 0, []
    for name in buckets.keys() & BUCKETS.keys():
        planted = PLANTED[name](buckets[name], want[name])
        passed += sum(planted.values())
        failures += [f"{name}: {what}: not there" for what, there in planted.items() if not there]
    not_checked = []
    print(f"{'engine':19} {'version':10} {'rows':>8} {'time':>8}  equal")
    for name in args.engines or ENGINES:
        if name == "trino" and not trino.java():
            not_checked.append(f"{name}: it needs Java 25 or newer, in /usr/lib/jvm or JAVA_HOME")
            continue
        # A process of its own: no engine meets another's libraries, or ends the test.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool, tempfile.NamedTemporaryFile("r") as log:
            try:
                version, got, took = pool.submit(answers_of, name, buckets, log.name).result()
            except Exception as error:
                sys.stdout.writelines(log.readlines()[-20:])
                failures.append(f"{name}: {type(error).__name__}: {error}")
                print(f"{name:19} {'?':10} {'?':>8} {'?':>8}  no")
                continue
        if f"{name} {version}" not in lines.table().lower():
            failures.append(f"README.md: its table of engines lacks {name} {version}, which ran")
        if isinstance(got, int):
            passed += got
            print(f"{name:19} {version:10} {'':8} {took:6.1f} s  {got} statements read, none run")
            continue
        differ = {
            f"{bucket}: {question}": difference(rows, wanted(want[bucket], question))
            for bucket in want for question, rows in got[bucket].items()
        }
        failures += [f"{name}: {where}: {text}" for where, text in differ.items() if text]
        failures += [f"{name}: {bucket}: {question}: no answer" for bucket in want for question in want[bucket].keys() - got[bucket].keys()]
        passed += sum(not text for text in differ.values())
        unequal = ", ".join(where for where, text in differ.items() if text)
        rows = sum(len(rows) for of_bucket in got.values() for rows in of_bucket.values())
        print(f"{name:19} {version:10} {rows:8,} {took:6.1f} s  {'not ' + unequal if unequal else 'yes'}", flush=True)
    for name in not_checked:
        print("not checked:", name)
    for failure in failures:
        print("FAIL", failure)
    print(f"\n{passed} passed, {len(failures)} failed" + (f", {len(not_checked)} skipped" if not_checked else ""))
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
