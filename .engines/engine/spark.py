import tempfile

import pyspark
from pyspark.sql import SparkSession

import compact
import lines
from asked import BEYOND, answers, fails, of_line, script, shipped


def ask(buckets):
    with tempfile.TemporaryDirectory() as warehouse:
        return ask_in(warehouse, buckets)


def ask_in(warehouse, buckets):
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "2")  # few rows, and few cores:
        .config("spark.sql.sources.parallelPartitionDiscovery.threshold", "100000")  # no jobs to list folders
        .config("spark.sql.warehouse.dir", warehouse)
        .getOrCreate()
    )

    def run(sql):
        return [tuple(row) for row in session.sql(sql).collect()]

    def answered(bucket):
        # The JVM stays in the folder where it began.
        eval(lines.of("Spark").replace('"', f'"{bucket}/', 1), {"spark": session}).createOrReplaceTempView("read_by_line")
        definitions, questions = shipped("spark", bucket)
        line = of_line("TABLE read_by_line", "unix_timestamp(CAST(captured_at AS TIMESTAMP))")
        return answers(script(definitions, questions | line, "unix_timestamp(captured_at)"), run)

    def traps(bucket):
        no_zone = session.read.schema("captured_at TIMESTAMP_NTZ").json(f"{bucket}/totals")
        return {
            "trap: captured_at as TIMESTAMP_NTZ is NULL": [(no_zone.count() > no_zone.dropna().count() == 0,)],
            "trap: a sum beyond 2^63-1 fails": [(fails(lambda: run(BEYOND.format(-2))),)],
        }

    every = {name: answered(bucket) | (traps(bucket) if name == "edges" else {}) for name, bucket in buckets.items()}
    for name, compacted in compact.ask("spark", compact.few(buckets), "unix_timestamp(captured_at)", run).items():
        every[name] |= compacted
    session.stop()
    return pyspark.__version__, every
