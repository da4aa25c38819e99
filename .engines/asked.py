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
    return [(None, sql) for sql in definitions] + list(ask_tables(questions, epoch).items())


def ask_tables(questions, epoch):
    """The tables whole, and the questions, by name."""

    def table(name, columns):
        return f"SELECT {', '.join(columns)} FROM {name}".replace("captured_at", epoch)

    return {"regions": table("backup_regions", REGION_COLUMNS), "totals": table("backup_totals", TOTAL_COLUMNS)} | questions


# Of a day in `edges`: its sum is twice the largest number, and wraps to -2.
BEYOND = "SELECT CASE WHEN sum(protected_data_bytes) = {} THEN TRUE ELSE FALSE END FROM backup_totals WHERE CAST(snapshot_date AS DATE) = DATE '2025-12-26'"
WRAPS = {"trap: a sum beyond 2^63-1 is negative": BEYOND.format(-2)}


def of_line(line, epoch):
    """What asks for the answer `line`: all rows of regions, as the README's line reads them."""
    return {"line": f"SELECT {', '.join(REGION_COLUMNS)} FROM ({line}) AS read_by_line".replace("captured_at", epoch)}


def answers(script, run):
    """Run all statements through run, which takes SQL and returns rows."""
    return {name: rows for name, rows in [(name, run(sql)) for name, sql in script] if name}


def fails(run):
    """Tell whether run raises."""
    try:
        run()
    except Exception:
        return True
    return False
