import glob
import os
import re
import tempfile

import compact
from asked import BEYOND, script, shipped
from engine import jvm


def java():
    """A Java that Trino runs on, or None."""
    for home in [os.environ.get("JAVA_HOME", ""), *sorted(glob.glob("/usr/lib/jvm/*"))]:
        try:
            with open(os.path.join(home, "release"), encoding="utf-8") as file:
                version = re.search(r'JAVA_VERSION="(\d+)', file.read())
        except OSError:
            continue
        if version and int(version[1]) >= 25:
            return os.path.join(home, "bin", "java")
    return None


def ask(buckets):
    epoch = "to_unixtime(from_iso8601_timestamp(captured_at))"

    def own(name, statements):
        """The statements, in a schema of their own."""
        return [(None, f"CREATE SCHEMA hive.{name}")] + [
            (answer, sql.replace("hive.default", "hive." + name).replace("'default'", f"'{name}'")) for answer, sql in statements
        ]

    def asked(name, bucket):
        return own(name, script(*shipped("trino", "local://" + bucket), epoch))

    def traps(bucket):
        place = f"WITH (format = 'JSON', external_location = 'local://{bucket}/totals/dt=2025-12-26/')"
        return [
            (None, f"CREATE TABLE trap (captured_at timestamp) {place}"),
            ("trap: captured_at as timestamp fails", "SELECT count(captured_at) FROM trap"),
            ("trap: a sum beyond 2^63-1 fails", BEYOND.format(-2)),
        ]

    scripts = {name: asked(name, bucket) for name, bucket in buckets.items()}
    if "edges" in scripts:
        scripts["edges"] += traps(buckets["edges"])
    with tempfile.TemporaryDirectory() as metastore, tempfile.TemporaryDirectory() as compacted:
        for name, of_bucket in compact.scripts("trino", compact.few(buckets), compacted, epoch, "local://").items():
            scripts |= {f"{name}_{when}": own(f"{name}_{when}", statements) for when, statements in of_bucket.items()}
        answers = jvm.ask("trino", scripts, ["--add-modules=jdk.incubator.vector"], [metastore], java())
    compact.gather(answers, buckets)
    return jvm.version("trino", "trino-hive"), answers
