import os

import duckdb

import lines
from asked import BEYOND, answers, of_line, script, shipped

EPOCH = "epoch(captured_at)::BIGINT"


def ask(buckets):
    connection = duckdb.connect()

    def run(sql):
        return connection.execute(sql).fetchall()

    def answered(bucket, traps):
        definitions, questions = shipped("duckdb", bucket)
        os.chdir(bucket)
        return answers(script(definitions, questions | of_line(lines.of("DuckDB"), EPOCH) | traps, EPOCH), run)

    traps = {"edges": {"trap: a sum beyond 2^63-1 is right": BEYOND.format(2**64 - 2)}}
    return duckdb.__version__, {name: answered(bucket, traps.get(name, {})) for name, bucket in buckets.items()}
