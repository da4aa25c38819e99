import json
import os

import chdb
from chdb.session import Session

import lines
from asked import WRAPS, answers, of_line, script, shipped

EPOCH = "toUnixTimestamp(captured_at)"


def ask(buckets):
    session = Session()
    session.query("SET cast_keep_nullable = 1")  # a date that is not there is no date, as elsewhere

    def run(sql):
        rows = str(session.query(sql, "JSONCompactEachRow")).splitlines()
        return [tuple(json.loads(row)) for row in rows]

    def answered(bucket, traps):
        os.chdir(bucket)
        views = {"regions": "regions/dt=*/regions.jsonl", "totals": "totals/dt=*/totals.jsonl", "calendar": "calendar/year=*/calendar.jsonl"}
        definitions = [f"CREATE OR REPLACE VIEW backup_{name} AS SELECT * FROM file('{bucket}/{path}', 'JSONEachRow')" for name, path in views.items()]
        # ClickHouse understands DuckDB's questions.
        questions = shipped("duckdb", bucket)[1] | of_line(lines.of("chDB"), EPOCH) | traps
        return answers(script(definitions, questions, EPOCH), run)

    return chdb.__version__, {name: answered(bucket, WRAPS if name == "edges" else {}) for name, bucket in buckets.items()}
