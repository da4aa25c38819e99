import json

import chdb
from chdb.session import Session

from asked import answers, script, shipped


def ask(buckets):
    session = Session()
    session.query("SET cast_keep_nullable = 1")  # a date that is not there is no date, as elsewhere

    def run(sql):
        lines = str(session.query(sql, "JSONCompactEachRow")).splitlines()
        return [tuple(json.loads(line)) for line in lines]

    def asked(bucket):
        views = {"regions": "regions/dt=*/regions.jsonl", "totals": "totals/dt=*/totals.jsonl", "calendar": "calendar/year=*/calendar.jsonl"}
        definitions = [f"CREATE OR REPLACE VIEW backup_{name} AS SELECT * FROM file('{bucket}/{path}', 'JSONEachRow')" for name, path in views.items()]
        # ClickHouse understands DuckDB's questions.
        return script(definitions, shipped("duckdb", bucket)[1], "toUnixTimestamp(captured_at)")

    return chdb.__version__, {name: answers(asked(bucket), run) for name, bucket in buckets.items()}
