from asked import WRAPS, script, shipped
from engine import jvm


def ask(buckets):
    def asked(name, bucket):
        definitions, questions = shipped("flink", "file://" + bucket)
        apart = [f"CREATE DATABASE `{name}`", f"USE `{name}`"]
        return script(apart + definitions, questions, "UNIX_TIMESTAMP(CAST(captured_at AS STRING))")

    def traps(bucket):
        def table(name, column, *options):
            place = ["'connector' = 'filesystem'", f"'path' = 'file://{bucket}/totals/dt=2025-12-26/'", "'format' = 'json'", *options]
            return f"CREATE TABLE {name} (captured_at {column}) WITH ({', '.join(place)})"

        return [
            (None, table("no_zone", "TIMESTAMP(0)", "'json.timestamp-format.standard' = 'ISO-8601'")),
            (None, table("no_option", "TIMESTAMP_LTZ(0)")),
            ("trap: captured_at as TIMESTAMP fails", "SELECT count(captured_at) FROM no_zone"),
            ("trap: captured_at without ISO-8601 fails", "SELECT count(captured_at) FROM no_option"),
            *WRAPS.items(),
        ]

    scripts = {name: asked(name, bucket) for name, bucket in buckets.items()}
    if "edges" in scripts:
        scripts["edges"] += traps(buckets["edges"])
    return jvm.version("flink", "flink-table-runtime"), jvm.ask("flink", scripts, ["-Duser.timezone=UTC"])
