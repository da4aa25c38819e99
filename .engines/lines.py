"""The lines of the README that read a table, by engine."""

import glob
import os
import re

from played import ROOT


def table():
    """The README's table of engines."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        return file.read().split("\n| engine | ", 1)[1].split("\n\n")[0]


def read(engine, table_name, bucket, names):
    """Run the README's line of an engine in the bucket, and go on there; names are what
    it uses. With another name than regions it reads another table."""
    os.chdir(bucket)
    line = of(engine).replace("regions", table_name)
    if table_name == "calendar":
        line = line.replace('"dt"', '"year"')
    return eval(line, {"glob": glob.glob, "getsize": os.path.getsize, **names})


def of(engine):
    """The README's line of an engine."""
    return re.search(rf"(?m)^\| {engine} [0-9.]+ \|.*\| `(.*)` \|$", table())[1]
