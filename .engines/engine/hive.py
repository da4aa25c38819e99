import glob
import os
import subprocess
import tempfile

import compact
from asked import WRAPS, script, shipped
from engine import jvm

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "hive")

# What Hive prints is text: these columns are, and the others are numbers.
TEXT = {"snapshot_date", "account_id", "source_type", "region_id", "first_date", "last_date", "last_before", "first_after", "month"}
OPEN = ["lang", "lang.reflect", "io", "net", "nio", "text", "time", "util", "util.concurrent", "util.concurrent.atomic", "util.regex"]


def ask(buckets):
    epoch = "unix_timestamp(captured_at, \"yyyy-MM-dd'T'HH:mm:ss'Z'\")"
    scripts = {name: script(*shipped("hive", bucket), epoch) for name, bucket in buckets.items()}
    if "edges" in scripts:
        scripts["edges"] += traps(buckets["edges"])
    with tempfile.TemporaryDirectory() as work:
        for name, of_bucket in compact.scripts("hive", compact.few(buckets), work, epoch).items():
            scripts |= {f"{name}_{when}": statements for when, statements in of_bucket.items()}
        with open(os.path.join(work, "ask.sql"), "w") as file:
            for name, statements in scripts.items():
                file.write(f"CREATE DATABASE `{name}`;\nUSE `{name}`;\n")
                for _, sql in statements:  # one process answers all, so each answer is marked
                    file.write(f"!echo === answer;\n{sql};\n")
        printed = iter(cli(work, "ask.sql").split("=== answer\n")[1:])
    answered = {name: {answer: rows(text) for (answer, _), text in zip(statements, printed) if answer} for name, statements in scripts.items()}
    compact.gather(answered, buckets)
    version = glob.glob(f"{HERE}/jars/hive-exec-*.jar")[0].split("-")[-1].removesuffix(".jar")
    return version, answered


def traps(bucket):
    """What the README's table of traps says of it, on a day of 0, 2^62-1, 2^62 and 2^63-1 bytes."""
    table = "CREATE EXTERNAL TABLE trap (captured_at TIMESTAMP, protected_data_bytes INT) STORED AS JSONFILE LOCATION "
    return [
        (None, f"{table} '{bucket}/totals/dt=2025-12-26/'"),
        ("trap: captured_at as TIMESTAMP is NULL, and INT takes the low 32 bits",
         "SELECT count(*) > 0 AND count(captured_at) = 0 AND min(protected_data_bytes) = -1 AND max(protected_data_bytes) = 0 FROM trap"),
        *WRAPS.items(),
    ]


def rows(printed):
    header, *lines = printed.splitlines()
    names = header.split("\t")
    return [tuple(map(value, names, line.split("\t"))) for line in lines]


def value(name, text):
    if text == "NULL":
        return None
    return text if name in TEXT else text == "true" if text in ("true", "false") else int(text)


def cli(work, script):
    """Run a script in one process: metastore, planner, MapReduce and all."""
    settings = {
        "javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={work}/metastore;create=true",
        "datanucleus.schema.autoCreateAll": "true",
        "hive.metastore.schema.verification": "false",
        "hive.metastore.warehouse.dir": f"{work}/warehouse",
        "hive.exec.scratchdir": f"{work}/scratch",
        "hive.exec.local.scratchdir": f"{work}/scratch",
        "hive.async.log.enabled": "false",
        "hive.cli.print.header": "true",
        "hive.stats.column.autogather": "false",  # DataNucleus makes no tables for them
        "hive.execution.engine": "mr",
        "hive.exec.submit.local.task.via.child": "false",
        "hive.local.time.zone": "UTC",
        "mapreduce.framework.name": "local",
    }
    with open(os.path.join(work, "hive-site.xml"), "w") as site:
        properties = (f"<property><name>{name}</name><value>{value}</value></property>" for name, value in settings.items())
        site.write(f"<configuration>{''.join(properties)}</configuration>")
    opens = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in ["sun.nio.ch", *("java." + name for name in OPEN)]]
    command = ["java", *jvm.SHORT, *opens, "-Djava.io.tmpdir=" + work, "-cp", f"{work}:{HERE}/jars/*", "org.apache.hadoop.hive.cli.CliDriver", "-f", script]
    done = subprocess.run(command, cwd=work, stdout=subprocess.PIPE, text=True, timeout=jvm.LIMIT)
    if done.returncode:
        raise RuntimeError(f"hive: exit code {done.returncode}")
    return done.stdout
