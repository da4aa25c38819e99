import duckdb

from asked import answers, script, shipped


def ask(buckets):
    connection = duckdb.connect()

    def run(sql):
        return connection.execute(sql).fetchall()

    return duckdb.__version__, {
        name: answers(script(*shipped("duckdb", bucket), "epoch(captured_at)::BIGINT"), run) for name, bucket in buckets.items()
    }
