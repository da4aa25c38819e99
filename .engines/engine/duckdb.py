import os

import duckdb

import compact
import lines
import since
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

    def news_since(noted):
        run("CREATE OR REPLACE TABLE noted (key VARCHAR, sha256 VARCHAR)")
        connection.executemany("INSERT INTO noted VALUES (?, ?)", noted)
        return run(since.recipe("sql"))

    traps = {"edges": {"trap: a sum beyond 2^63-1 is right": BEYOND.format(2**64 - 2)}}
    compacted = compact.ask("duckdb", buckets, EPOCH, run)
    news = since.ask(buckets, news_since)
    return duckdb.__version__, {
        name: answered(bucket, traps.get(name, {})) | compacted[name] | news[name] for name, bucket in buckets.items()
    }
