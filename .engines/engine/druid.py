"""Alibaba's own parser: it reads MaxCompute's statements, and runs none."""

import compact
from asked import script, shipped
from engine import jvm


def ask(buckets):
    definitions, questions = shipped("maxcompute", "oss://BUCKET/backup-statistics")
    statements = definitions + list(questions.values()) + sum(compact.parts("maxcompute"), [])
    parsed = jvm.ask("druid", {"maxcompute": [(sql, sql) for sql in statements]})["maxcompute"]
    for sql in statements:
        kinds = [kind for kind, in parsed[sql]]
        if len(kinds) != 1 or sql.startswith("SELECT") != (kinds == ["SQLSelectStatement"]):
            raise RuntimeError(f"this statement is taken for {kinds}:\n{sql}")
    return jvm.version("druid", "druid"), len(statements)
