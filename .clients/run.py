"""Plays a bucket of more than 1,000 objects, lets the vendor's libraries and what
stands on them read it from the stand-in of OSS, as they would from the real one, and
compares every answer with the files.

    python run.py               ask all clients
    python run.py oss2 ali-oss  ask some of them
"""

import argparse
import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from urllib.parse import urlsplit

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
FOLDER = os.path.join(ROOT, ".local", "clients")
PREFIX = "backup-statistics/"
DAYS = 300  # more than a page of 1,000 keys, with four a day

PYTHON = [sys.executable, "-B"]
JAVA = ["java", "-cp", os.path.join(HERE, "jars", "*")]
CLIENTS = {
    "oss2": [*PYTHON, "read_oss2.py"],
    "oss2-2.18": [*PYTHON, "read_oss2.py"],  # which ossfs pins
    "alibabacloud-oss-v2": [*PYTHON, "read_oss_v2.py"],
    "ali-oss": ["node", "read_ali_oss.mjs"],
    "aliyun-sdk-oss": [*JAVA, "ReadOss.java"],
    "spark": [os.path.join(ROOT, ".engines", "venv", "bin", "python"), "-B", "read_spark.py"],
    "alibabacloud-hbr20170908": [*PYTHON, "ask_backup.py"],
    "refused": [*PYTHON, "refused.py"],
}


def build(work, name, package, tags):
    path = os.path.join(work, name)
    subprocess.run([os.environ.get("GO", "go"), "build", "-tags", tags, "-o", path, package], cwd=ROOT, check=True)
    return path


def play(work, tags):
    shutil.rmtree(FOLDER, ignore_errors=True)
    binary = build(work, "backup-statistics", ".", tags)
    unset = dict.fromkeys(["TIME_ZONE", "SOURCE_TYPES", "OSS_PREFIX", "ALERT_RULES", "WEBHOOK_URL"], "")
    command = [binary, "local", "-dir", FOLDER, "-date", "2026-11-23", "-days", str(DAYS), "-gap", "23", "-drop", "9"]
    done = subprocess.run(command, env=os.environ | unset, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")


def stored():
    """The bucket as it lies in the folder: the bytes of each key."""
    objects = {}
    for path in glob.glob(FOLDER + "/**", recursive=True):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                objects[os.path.relpath(path, FOLDER)] = file.read()
    return objects


def expected(told):
    """What clients must answer, from the files alone."""
    objects = stored()
    latest = objects[PREFIX + "latest.json"]
    of_latest = [len(latest), hashlib.md5(latest).hexdigest().upper()]
    listed = {key: [len(data), hashlib.md5(data).hexdigest().upper()] for key, data in objects.items()}

    def sums(table):
        days = {key.split("/")[2]: data for key, data in objects.items() if key.startswith(f"{PREFIX}{table}/")}
        rows = [json.loads(line) for data in days.values() for line in data.splitlines()]
        return [len(rows), sum(row["protected_data_bytes"] for row in rows), len(days)]

    small, large = {"ProtectedDataSize": 2**53 + 1, "ProtectedResourceCount": 2}, {"ProtectedDataSize": 40 * 2**30, "ProtectedResourceCount": 5}
    return {
        "list": listed,
        "list_v1": listed,
        "sizes": {key: len(data) for key, data in objects.items()},
        "folders": sorted({PREFIX + key.removeprefix(PREFIX).split("/")[0] + "/" for key in objects if "/" in key.removeprefix(PREFIX)}),
        "owner": "1234567890123456",
        "get": hashlib.sha256(latest).hexdigest(),
        "address": hashlib.sha256(latest).hexdigest(),
        "range": latest[2:10].decode(),
        "head": of_latest,
        "meta": of_latest,
        "acl": "private",
        "location": "oss-" + told["OSS_REGION"],
        "exists": [True, False],
        "bucket_exists": [True, False],
        "unchanged": "not modified",
        "unmodified": "not modified",
        "changed": "PreconditionFailed",
        "missing": "NoSuchKey 0026-00000001",
        "no_bucket": "NoSuchBucket 0015-00000101",
        "wrong_secret": "SignatureDoesNotMatch 0002-00000201",
        "wrong_region": "InvalidArgument 0002-00000226",
        "regions": sums("regions"),
        "totals": sums("totals"),
        # Of clients that tell no more:
        "signed_v1": "AccessDenied",
        "wrong_type": "InvalidSourceType",
        "answer": {
            "GlobalStatistics": {name: small[name] + large[name] for name in small},
            "RegionStatistics": [small | {"RegionId": "cn-hangzhou"}, large | {"RegionId": "cn-shenzhen"}],
            "SourceType": "ECS_FILE", "Success": True,
        },
        "opendal": "OSS no longer supports V1 signatures",  # PermissionDenied, with OSS's own words
        "ossfs": "0 entries",  # and no error
    }


def fetched(address):
    """The digest of what a signed address gives to whoever has it."""
    url = urlsplit(address)
    request = urllib.request.Request(f"http://127.0.0.1:{url.port}{url.path}?{url.query}", headers={"Host": url.netloc})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        return hashlib.sha256(answer.read()).hexdigest()


def ask(name, environment):
    environment = dict(environment)
    if name == "oss2":
        environment["PYTHONPATH"] = os.path.join(HERE, "oss2-2.19")
    command = CLIENTS[name]
    if command[0] == "java":
        command = [*command[:-1], "-Djdk.net.hosts.file=" + environment["HOSTS"], command[-1]]
    done = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True, timeout=600)
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise RuntimeError(f"exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}") from None


def difference(question, got, want):
    if question == "address":
        got = fetched(got)
    if question == "answer":
        got = {key: got[key] for key in want}
    if question in ("opendal", "ossfs"):
        return "" if want in got else f"{got}, want {want}"
    if isinstance(got, str) and isinstance(want, str):
        # Some clients do not tell the number of the error.
        return "" if got == want or got == want.split(" ")[0] != want else f"{got}, want {want}"
    if isinstance(got, dict) and isinstance(want, dict) and got != want:
        keys = [key for key in sorted(got.keys() | want.keys()) if got.get(key) != want.get(key)]
        return f"{len(keys)} of {len(want)} differ, the first {keys[0]}: {got.get(keys[0])}, want {want.get(keys[0])}"
    return "" if got == want else f"{got}, want {want}"


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("clients", nargs="*", choices=[*CLIENTS, []], metavar="CLIENT")
    args = parser.parse_args()
    began = time.perf_counter()
    passed, failures = 0, []
    with tempfile.TemporaryDirectory() as work:
        tags = os.environ.get("TAGS", "nethttpomithttp2")
        play(work, tags)
        service = subprocess.Popen([build(work, "serve", "./.clients/serve", tags), FOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        told = json.loads(service.stdout.readline())
        want = expected(told)
        print(f"played {len(want['list']):,} objects in {time.perf_counter() - began:.1f} s: {FOLDER}\n")
        if len(want["list"]) <= 1000:
            failures.append(f"bucket: {len(want['list'])} objects, want more than a page of 1,000")

        # For what resolves names by the system: Java asks this file alone.
        hosts = os.path.join(work, "hosts")
        endpoint = urlsplit(told["OSS_ENDPOINT"]).hostname
        endpoints = [endpoint, endpoint.replace(".localhost", ".aliyuncs.com")]
        names = ["localhost", os.uname().nodename, *(f"{b}.{e}" for b in (told["OSS_BUCKET"], "nobodys-bucket") for e in endpoints)]
        with open(hosts, "w") as file:
            file.write(f"127.0.0.1 {' '.join(names)}\n")
        environment = os.environ | {"TOLD": json.dumps(told), "HOSTS": hosts}

        print(f"{'client':25} {'version':30} {'time':>8}  equal")
        for name in args.clients or CLIENTS:
            began = time.perf_counter()
            try:
                got = ask(name, environment)
                version = got.pop("version", "")
                if name == "refused":
                    version = ", ".join(f"{client} {v}" for client, (v, _) in got.items())
                    got = {client: said for client, (_, said) in got.items()}
                differ = {question: difference(question, answer, want[question]) for question, answer in got.items()}
            except Exception as error:
                failures.append(f"{name}: {type(error).__name__}: {error}")
                print(f"{name:25} {'?':30} {'?':>8}  no")
                continue
            failures += [f"{name}: {question}: {text}" for question, text in differ.items() if text]
            passed += sum(not text for text in differ.values())
            unequal = ", ".join(question for question, text in differ.items() if text)
            print(f"{name:25} {version:30} {time.perf_counter() - began:6.1f} s  {'not ' + unequal if unequal else f'yes, {len(differ)} answers'}", flush=True)
        service.stdin.close()
        service.wait(timeout=60)
    for failure in failures:
        print("FAIL", failure)
    print(f"\n{passed} passed, {len(failures)} failed")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
