"""Engines that are a program of Java: it gets the statements, and prints the rows of each."""

import glob
import json
import os
import re
import subprocess

# For a process that ends soon: half the CPU of a server's.
SHORT = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
LIMIT = 900  # s, where most take less than one minute: an engine that never ends is told of as one that fails
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def ask(name, scripts, options=(), args=(), java="java"):
    """Run the scripts of all buckets in one process of .engines/NAME/Ask.java. A statement
    that fails ends that, except for one whose answer's name says that it fails."""
    program = [java, *SHORT, *options, "-cp", os.path.join(HERE, name, "jars", "*"), os.path.join(HERE, name, "Ask.java"), *args]
    statements = [sql for script in scripts.values() for _, sql in script]
    done = subprocess.run(program, input="\0".join(statements), stdout=subprocess.PIPE, text=True, timeout=LIMIT)
    printed = iter(done.stdout.split("=== answer\n")[1:])
    answers = {}
    for bucket, script in scripts.items():
        answers[bucket] = {}
        for (answer, sql), text in zip(script, printed):
            failed = text.startswith("=== failed")
            if failed != (answer or "").endswith(" fails"):
                raise RuntimeError(f"this statement {'fails' if failed else 'does not fail'}:\n{sql}\n{text}")
            answers[bucket][answer] = [(True,)] if failed else [tuple(json.loads(line)) for line in text.splitlines()]
        answers[bucket].pop(None, None)
    if done.returncode:
        raise RuntimeError(f"exit code {done.returncode}")
    return answers


def version(name, jar):
    """The version of a jar of an engine."""
    path, = glob.glob(os.path.join(HERE, name, "jars", jar + "-[0-9]*.jar"))
    return re.fullmatch(rf"{jar}-(.*)\.jar", os.path.basename(path))[1]
