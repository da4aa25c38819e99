"""Runs statements on a bucket for `bench feed`, and prints what they took as JSON.

    python feed.py STEP FOLDER

FOLDER has backup-statistics/, and backup-compact/ once a step has made it. FOLDER/few has
the same of few days: Spark is asked of that before the clock starts, since a JVM takes as
long to become warm as for its answers.
"""

import json
import os
import re
import resource
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SCHEMA = os.path.join(os.path.dirname(HERE), "report", "schema")


def statements(text):
    return [s for s in (re.sub(r"(?m)^--.*\n", "", s).strip() for s in text.split(";\n")) if s]


def read(path, folder):
    with open(path, encoding="utf-8") as file:
        return re.sub(r"(oss|s3)://BUCKET/", lambda _: folder + "/", file.read())


def shipped(path, folder):
    """The definitions of a file, and growth by region and days missing."""
    all_of_it = statements(read(path, folder))
    growth, _, missing = [s for s in all_of_it if s.startswith("SELECT")]
    return [s for s in all_of_it if not s.startswith("SELECT")], {"growth": growth, "missing": missing}


def parts(path, folder):
    """The parts of a file of compaction."""
    return [statements(part) for part in re.split(r"(?m)^-- \d\. .*\n", read(path, folder))[1:]]


class Steps:
    def __init__(self, engine, folder, run, clock):
        self.engine, self.folder, self.run, self.clock = engine, folder, run, clock

    def before(self):
        """The statements of before compaction and calendar: definitions and questions."""
        return self.ask(*shipped(os.path.join(HERE, "before", self.engine + ".sql"), self.folder))

    def after(self):
        definitions, questions = shipped(os.path.join(SCHEMA, self.engine + ".sql"), self.folder)
        if self.engine == "spark":  # it needs no other, and would list their folders
            definitions = [s for s in definitions if "backup_calendar" in s or s.startswith("SET")]
        once, session, _, _, _, *own = parts(os.path.join(SCHEMA, self.engine + "-compact.sql"), self.folder)
        definitions += session if self.engine == "duckdb" else [s for s in once if s.startswith("CREATE")] + session
        questions = {name: s.replace("backup_regions", "backup_regions_all") for name, s in questions.items()}
        if own:
            [[questions["growth"]]] = own
        return self.ask(definitions, questions)

    def ask(self, definitions, questions):
        began = self.clock()
        for statement in definitions:
            self.run(statement)
        took = {"views": self.clock() - began}
        answers = {}
        for name, statement in questions.items():
            began = self.clock()
            answers[name] = [[str(v) for v in row] for row in self.run(statement)]
            took[name] = self.clock() - began
        return {"took": took, "answers": answers}

    def compact(self, months):
        """Compact so many of the months that are due, and tell what the check finds."""
        definitions, _ = shipped(os.path.join(SCHEMA, self.engine + ".sql"), self.folder)
        once, session, (due,), (_, *month), (check,), *_ = parts(os.path.join(SCHEMA, self.engine + "-compact.sql"), self.folder)
        for table in "regions", "totals":
            os.makedirs(f"{self.folder}/backup-compact/{table}/month=0000-00", exist_ok=True)
        for statement in definitions + once + session:
            self.run(statement)
        found = [row[0] for row in self.run(due)]
        began = self.clock()
        for name in found[-months:]:
            for table in "regions", "totals":
                os.makedirs(f"{self.folder}/backup-compact/{table}/month={name}", exist_ok=True)
            self.run(f"SET VARIABLE month = '{name}'")
            for statement in month:
                self.run(statement)
        took = {"compact": self.clock() - began}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10  # before the check
        left = len(self.run(due)) - len(found[:-months])
        return {"took": took, "peak": peak, "months": len(found[-months:]), "differ": left + len(self.run(check))}


def duckdb(folder):
    import duckdb

    connection = duckdb.connect()
    return Steps("duckdb", folder, lambda sql: connection.execute(sql).fetchall(), time.process_time)


def spark(folder):
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.warehouse.dir", folder + "/warehouse")
        .getOrCreate()
    )
    return Steps("spark", folder, lambda sql: session.sql(sql).collect(), time.perf_counter)


def warm(folder, step):
    """Ask all of a few days, then of the folder, of which the answers are."""
    few = folder + "/few"
    duckdb(few).compact(10_000)
    asked = spark(few)
    getattr(asked, step)()
    for name in "regions", "totals":
        asked.run("DROP TABLE IF EXISTS compact_" + name)
    return getattr(spark(folder), step)()


STEPS = {
    "duckdb-before": lambda folder: duckdb(folder).before(),
    "duckdb-month": lambda folder: duckdb(folder).compact(1),
    "duckdb-years": lambda folder: duckdb(folder).compact(10_000),
    "duckdb-after": lambda folder: duckdb(folder).after(),
    "spark-before": lambda folder: warm(folder, "before"),
    "spark-after": lambda folder: warm(folder, "after"),
}

if __name__ == "__main__":
    json.dump(STEPS[sys.argv[1]](sys.argv[2]), sys.stdout)
