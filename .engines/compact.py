"""What the compaction that ships must do, as statements of an engine, and the answers
that are wanted of them.

A bucket is compacted as it was before an account came late on one day. Then, with the
bucket as it is, the month of that day and no other is to be compacted again, and all
questions, asked of the views over both forms, have the answers of the bucket.
"""

import glob
import hashlib
import json
import os
import re
import shutil
import tempfile

from asked import answers, ask_tables, shipped
from played import ROOT, expected


def wanted(answers):
    """The answers that are wanted, by name; answers are those of the bucket."""
    days, late = {row[1] for row in answers["totals"]}, late_day(answers)
    months = {day[:7] for day in days} - {newest_month(answers)}
    return {
        "compact: months at first": [(month, sum(day.startswith(month) for day in days)) for month in sorted(months)],
        "compact: months left": [],
        "compact: days that differ at first": [],
        "compact: months later": [(late[:7], 1)],
        "compact: months left later": [],
        "compact: days that differ": [],
    } | {"compact: " + name: rows for name, rows in answers.items()}


def newest_month(answers):
    """The month of the last complete day: it is not closed."""
    return answers["growth"][0][3][:7]


def late_day(answers):
    """A complete day in the midst of the closed months, on which the last account has regions."""
    regions = {(row[1], row[4]) for row in answers["regions"]}
    accounts = sorted({account for _, account in regions})
    days = [day for day, account in sorted(regions) if account == accounts[-1] and day[:7] < newest_month(answers)]
    whole = [day for day in days if all((day, account) in regions for account in accounts)]
    return whole[len(whole) // 2]


def earlier(bucket, folder, answers):
    """Copy what readers need of a bucket, as it was before the last account came late."""
    day, account = late_day(answers), max(row[4] for row in answers["totals"])
    for name in "regions", "totals", "days", "calendar":
        shutil.copytree(f"{bucket}/{name}", f"{folder}/{name}")
    with open(f"{folder}/days/{day}.json", encoding="utf-8") as file:
        record = json.load(file)
    for object in record["objects"]:
        if object["key"].startswith("snapshots/"):
            continue
        with open(f"{folder}/{object['key']}", encoding="utf-8") as file:
            lines = [line for line in file if json.loads(line)["account_id"] != account]
        data = "".join(lines).encode()
        object |= {"bytes": len(data), "rows": len(lines), "sha256": hashlib.sha256(data).hexdigest()}
        with open(f"{folder}/{object['key']}", "wb") as file:
            file.write(data)
    record["status"] = "partial"
    record["objects"] = [object for object in record["objects"] if f"/{account}-" not in object["key"]]
    dump(record, f"{folder}/days/{day}.json")
    for path in glob.glob(f"{folder}/calendar/year={day[:4]}/*"):
        with open(path, encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        for row in rows:
            if row["snapshot_date"] == day:
                row["status"] = "partial"
                del row["protected_data_bytes"], row["protected_resource_count"]
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)


def dump(record, path):
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps(record, separators=(",", ":")) + "\n")


def scripts(engine, buckets, folder, epoch, scheme=""):
    """The statements for each bucket, by name: as it was, then as it is. Each statement
    comes with the name of its answer, or None. What is compacted is kept in folder."""
    of = {}
    for name, bucket in buckets.items():
        answers, place, then = expected(bucket), f"{folder}/{name}/compact", f"{folder}/{name}/then"
        earlier(bucket, then, answers)
        months = [month for month, _ in wanted(answers)["compact: months at first"]]
        for month in months + ["0000-00"]:  # an object store has no folders to make
            for table in "regions", "totals":
                os.makedirs(f"{place}/{table}/month={month}", exist_ok=True)
        at = {"place": scheme + place, "newest": newest_month(answers), "epoch": epoch}
        of[name] = {
            "then": script(engine, scheme + then, months, ("months at first", "months left", "days that differ at first"), **at),
            "now": script(engine, scheme + bucket, [late_day(answers)[:7]], ("months later", "months left later", "days that differ"), all=True, **at),
        }
    return of


def parts(engine):
    """The parts of a file, each a list of statements."""
    with open(os.path.join(ROOT, "report", "schema", engine + "-compact.sql"), encoding="utf-8") as file:
        texts = re.split(r"(?m)^-- \d\. .*\n", file.read())[1:]
    return [[s for s in (re.sub(r"(?m)^--.*\n", "", s).strip() for s in text.split(";\n")) if s] for text in texts]


def script(engine, bucket, months, names, place, newest, epoch, all=False):
    def own(sql):
        sql = re.sub(r"(oss|s3)://BUCKET/backup-statistics/", lambda _: bucket + "/", sql)
        return re.sub(r"(oss|s3)://BUCKET/backup-compact/", lambda _: place + "/", sql).replace("'2026-11'", f"'{newest}'")

    once, session, due, month, check, *questions_of_both = [[own(sql) for sql in part] for part in parts(engine)]
    definitions, questions = shipped(engine, bucket)
    if questions_of_both:
        [[questions["growth"]]] = questions_of_both
    asked = ask_tables(questions, epoch).items() if all else ()
    at_once = [[f"'{name}'"] for name in months] if engine == "duckdb" else [[f"'{name}'" for name in months]]
    compacting = [s.replace("'2026-10'", ", ".join(names)) for names in at_once for s in month]

    def named(name, statements):
        return [("compact: " + name if s.startswith("SELECT") else None, s) for s in statements]

    return [
        *named("", definitions + once + session), *named(names[0], due), *named("", compacting),
        *named(names[1], due), *named(names[2], check), *named("", session),
        *(("compact: " + name, re.sub(r"\bbackup_(regions|totals)\b", r"backup_\1_all", sql)) for name, sql in asked),
    ]


def few(buckets):
    """The bucket of few days, for an engine that takes its time, where there are others."""
    return {name: bucket for name, bucket in buckets.items() if name == "edges" or len(buckets) == 1}


def gather(answered, buckets):
    """Put the answers of NAME_then and NAME_now to those of the bucket NAME."""
    for name in answered.keys() - buckets.keys():
        answered[name.rpartition("_")[0]] |= answered.pop(name)


def ask(engine, buckets, epoch, run):
    """Run all of it through run, which takes SQL and returns rows."""
    answered = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, of_bucket in scripts(engine, buckets, folder, epoch).items():
            answered[name] = {answer: rows for statements in of_bucket.values() for answer, rows in answers(statements, run).items()}
    return answered
