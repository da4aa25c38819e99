"""The README's recipe of a reader that goes on from where it was: what is news since."""

import glob
import hashlib
import json
import os
import re
import tempfile

import compact
from played import ROOT, expected


def recipe(language):
    """The README's code of the recipe."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        section = file.read().split("\nTo go on from where you were", 1)[1]
    return re.search(rf"(?s)```{language}\n(.*?)```", section)[1]


def wanted(answers):
    """A late account alters the tables of its day; and after a day that still has its chain
    there is what later days have."""
    late = compact.late_day(answers)
    tables = {(row[1], name) for name in ("regions", "totals") for row in answers[name]}
    return {
        "since: records with another chain than their snapshots": [],
        "since: the chain of the last day": [(False,)],
        "since: what a late account altered": sorted((key(name, day),) for day, name in tables if day == late),
        "since: the chain of the day before it": [(True,)],
        "since: what later days have": sorted((key(name, day),) for day, name in tables if day >= late),
    }


def key(name, day):
    return f"{name}/dt={day}/{name}.jsonl"


def ask(buckets, run):
    """Ask for the news through run, which takes the rows that were noted, in the bucket's folder."""
    answered = {}
    for name, bucket in buckets.items():
        answers = expected(bucket)
        late = compact.late_day(answers)
        with tempfile.TemporaryDirectory() as folder:
            compact.earlier(bucket, folder + "/then", answers)
            then = records(folder + "/then")
        os.chdir(bucket)
        now, last = records("."), max(then)
        before = max(day for day in now if day < late)
        answered[name] = {
            "since: records with another chain than their snapshots": [(day,) for day, record in now.items() if record.get("chain", "") != record["computed"]],
            "since: the chain of the last day": [(now[last]["chain"] == then[last]["computed"],)],
            "since: what a late account altered": sorted(run(noted(then))),
            "since: the chain of the day before it": [(now[before]["chain"] == then[before]["computed"],)],
            "since: what later days have": sorted(run(noted({day: record for day, record in then.items() if day < late}))),
        }
    return answered


def records(bucket):
    """The records by day, each chain of them as the contract has it."""
    of, chain = {}, ""
    for path in sorted(glob.glob(bucket + "/days/*.json")):
        with open(path, encoding="utf-8") as file:
            record = json.load(file)
        snapshots = [f"{o['sha256']} {o['key']}\n" for o in record["objects"] if o["key"].startswith("snapshots/")]
        if snapshots:
            chain = hashlib.sha256("".join([chain, "\n", record["snapshot_date"], "\n", *snapshots]).encode()).hexdigest()
        of[record["snapshot_date"]] = record | {"computed": chain}
    return of


def noted(records):
    return [(o["key"], o["sha256"]) for record in records.values() for o in record["objects"]]
