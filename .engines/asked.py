"""What is asked of an engine that understands SQL: the statements that ship."""

import os
import re

from played import REGION_COLUMNS, ROOT, TOTAL_COLUMNS


def shipped(name, location):
    """The SQL that ships, for a bucket at location: its definitions, and its questions by name."""
    with open(os.path.join(ROOT, "report", "schema", name + ".sql"), encoding="utf-8") as file:
        text = re.sub(r"(oss|s3)://BUCKET/backup-statistics/", lambda _: location + "/", file.read())
    statements = [re.sub(r"(?m)^--.*\n", "", s).strip() for s in text.split(";\n")]
    questions = [s for s in statements if s.startswith("SELECT")]
    return [s for s in statements if s and s not in questions], dict(zip(["growth", "change", "missing"], questions, strict=True))


def script(definitions, questions, epoch):
    """All statements in order, each with the name of its answer, or None: tables whole,
    then the questions. epoch makes a number of captured_at."""

    def table(name, columns):
        return f"SELECT {', '.join(columns)} FROM {name}".replace("captured_at", epoch)

    tables = {"regions": table("backup_regions", REGION_COLUMNS), "totals": table("backup_totals", TOTAL_COLUMNS)}
    return [(None, sql) for sql in definitions] + list((tables | questions).items())


def answers(script, run):
    """Run all statements through run, which takes SQL and returns rows."""
    return {name: rows for name, rows in [(name, run(sql)) for name, sql in script] if name}
