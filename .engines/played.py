"""The buckets that the engines read, and the answers that are wanted of them.

`long` has 410 days; `edges` has few, of two source types, with numbers up to the largest
that a snapshot holds, 2^63-1. Both have three accounts, holes and partial days. The
answers are computed from the snapshots alone, in Python's integers, which have no end.
"""

import datetime
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, ".local", "engines")

ACCOUNTS = ["1234567890123456", "1234567890123457", "1234567890123458"]
TYPES = ["ECS_FILE", "UDM_DISK"]
EXACT = 2**53 + 1  # the first integer that a float does not hold
LARGEST = 2**63 - 1

REGION_COLUMNS = ["schema_version", "snapshot_date", "captured_at", "captured_unix", "account_id", "source_type",
                  "region_id", "protected_data_bytes", "protected_resource_count"]
TOTAL_COLUMNS = ["schema_version", "snapshot_date", "captured_at", "captured_unix", "account_id", "source_type",
                 "protected_data_bytes", "protected_resource_count", "region_count", "regions_match_total"]
AMOUNT = ["protected_data_bytes", "protected_resource_count"]


def play():
    """Play the buckets with the project's own command, and return the prefix of each."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    with tempfile.TemporaryDirectory() as work:
        binary = os.path.join(work, "backup-statistics")
        subprocess.run([os.environ.get("GO", "go"), "build", "-o", binary, "."], cwd=ROOT, check=True)

        # What the command would take from the environment, and play otherwise.
        unset = dict.fromkeys(["TIME_ZONE", "OSS_PREFIX", "ALERT_RULES", "WEBHOOK_URL"], "")

        def local(bucket, *args, types="", code=0):
            command = [binary, "local", "-accounts", str(len(ACCOUNTS)), "-dir", os.path.join(FOLDER, bucket), *args]
            done = subprocess.run(command, cwd=work, env=os.environ | unset | {"SOURCE_TYPES": types}, capture_output=True, text=True)
            if done.returncode != code:
                sys.exit(f"{' '.join(command)}: exit code {done.returncode}, want {code}\n{done.stdout}{done.stderr}")

        for name, play_bucket in BUCKETS.items():
            play_bucket(lambda *args, **wanted: local(name, *args, **wanted))
    return {name: os.path.join(FOLDER, name, "backup-statistics") for name in BUCKETS}


def play_long(local):
    # In days before the last one.
    last, missing, partial, big, empty, one_empty = datetime.date(2026, 11, 23), [201, 200, 50], 120, [90, 0], 61, 60

    def day(ago):
        return str(last - datetime.timedelta(ago))

    left_out = [*missing, partial, *big, empty, one_empty]
    local("-date", day(0), "-days", "410", *(arg for ago in left_out for arg in ("-gap", str(ago))))
    # An account that fails makes the run fail: the day is partial.
    local("-date", day(partial), "-fault", f"success-false@{ACCOUNTS[1]}x1000", code=1)
    local("-date", day(empty), *(arg for account in ACCOUNTS for arg in ("-protect", account + "=")))
    local("-date", day(one_empty), "-protect", ACCOUNTS[2] + "=")
    for ago in reversed(sorted(big)):
        what = f"cn-hangzhou:{EXACT}:{EXACT + 1},cn-shenzhen:{2 * EXACT + ago}:7"
        local("-date", day(ago), "-protect", f"{ACCOUNTS[0]}={what}")


def planted_long(bucket, answers):
    """Tell which of the things that the test is about the bucket has, by name."""
    status = statuses(bucket)
    totals_of = [row[6] for row in answers["totals"]]
    empty = Counter(row[1] for row in answers["totals"] if row[8] == 0)
    whole_days = [day for day, n in empty.items() if n == len(ACCOUNTS)]
    return {
        "at least 400 days, as many as there are records": len({row[1] for row in answers["totals"]}) + status["missing"] == status.total() >= 400,
        "missing days": status["missing"] == sum(row[2] for row in answers["missing"]) > 0,
        "a partial day": status["partial"] > 0,
        "numbers that no float holds": any(n != int(float(n)) for n in totals_of),
        "growth that no float holds": any(row[6] != int(float(row[6])) for row in answers["growth"]),
        "an empty list of regions beside others": len(empty) > len(whole_days),
        "a day without a table of regions": bool(whole_days) and not os.path.exists(f"{bucket}/regions/dt={whole_days[0]}"),
    }


def play_edges(local):
    _, b, c = ACCOUNTS

    def protected(*regions):
        return [arg for account, what in zip(ACCOUNTS, regions) for arg in ("-protect", f"{account}={what}")]

    def play(day, ecs=None, disk=None, fault=None):
        if disk:
            local("-date", day, *protected(*disk), types=TYPES[1])
        fails = ["-fault", f"success-false@{fault}x1000"] if fault else []
        local("-date", day, *(protected(*ecs) if ecs else []), *fails, types=",".join(TYPES), code=int(bool(fault)))

    half = 2**62
    play("2025-12-25", ecs=[f"cn-hangzhou:{half}:9", "", ""], fault=b)
    play("2025-12-26", ecs=[f"cn-hangzhou:{half}:1", f"cn-hangzhou:{half - 1}:2,cn-shanghai:0:0", ""],
         disk=[f"cn-hangzhou:{LARGEST}:{LARGEST}", "", "cn-shanghai:0:0"])
    play("2025-12-29", fault=b)  # beside days that are missing: who leaves it out counts one more
    play("2025-12-30")
    again = {"triggerTime": "2025-12-30T12:17:00Z", "triggerName": "daily", "payload": json.dumps({"overwrite": True})}
    local("-event", json.dumps(again), *protected("", "", ""), types=",".join(TYPES))
    play("2025-12-31")
    play("2026-01-02", ecs=[f"cn-hangzhou:{LARGEST}:{LARGEST}", "", ""])
    play("2026-01-03", ecs=["cn-hangzhou:0:0", "", f"cn-shenzhen:{LARGEST}:1"])
    play("2026-01-04", ecs=[f"cn-shenzhen:{half}:3", "", f"cn-shenzhen:{half - 1}:4"],
         disk=["cn-hangzhou:0:0", "", f"cn-shanghai:{LARGEST}:{LARGEST}"])
    play("2026-01-05", ecs=["cn-shenzhen:1:1", "cn-beijing:2:2", ""], fault=c)


def planted_edges(bucket, answers):
    dates = {row[1] for row in answers["totals"]}
    growth, change, missing = answers["growth"], answers["change"], answers["missing"]
    return {
        "three accounts and two source types": len({row[4:6] for row in answers["totals"]}) == len(ACCOUNTS) * len(TYPES),
        "partial days at both ends, and one inside": statuses(bucket)["partial"] == 3 and min(dates) < growth[0][2] < growth[0][3] < max(dates),
        "missing days, over the end of a year, too": len(missing) > 1 and any(before[:4] != after[:4] for before, after, _ in missing),
        "a sum over accounts that is the largest number": any(row[4] == LARGEST > max(r[7] for r in answers["regions"] if r[1] == row[2] and r[5:7] == row[:2]) for row in growth),
        "growth by the largest number, up and down": {LARGEST, -LARGEST} <= {row[6] for row in growth},
        "a change by the largest number, up and down": {LARGEST, -LARGEST} <= {row[4] for row in change},
        "zeros, which are neither missing nor gone": any(row[4] == 0 for row in growth) and any(row[4] is None for row in growth) and any(row[5] is None for row in growth),
        "an empty table of regions": not all(map(os.path.getsize, glob.glob(f"{bucket}/regions/*/*"))),
        "a calendar of two years": len(glob.glob(f"{bucket}/calendar/*/*")) == 2,
    }


BUCKETS = {"long": play_long, "edges": play_edges}
PLANTED = {"long": planted_long, "edges": planted_edges}


def statuses(bucket):
    """Count the days' records by status."""
    status = Counter()
    for path in glob.glob(f"{bucket}/days/*.json"):
        with open(path, encoding="utf-8") as file:
            status[json.load(file)["status"]] += 1
    return status


def expected(bucket):
    """Compute all answers from the snapshots, and nothing else."""
    regions, totals, accounts_of = [], [], Counter()
    amounts, by_region = {}, defaultdict(lambda: [0, 0])
    for path in glob.glob(f"{bucket}/snapshots/dt=*/*.json"):
        with open(path, encoding="utf-8") as file:
            s = json.load(file)
        day, account, source_type = s["snapshot_date"], s["account_id"], s["source_type"]
        captured = int(datetime.datetime.fromisoformat(s["captured_at"]).timestamp())
        head = (1, day, captured, captured, account, source_type)
        amount = tuple(s[name] for name in AMOUNT)
        totals.append((*head, *amount, len(s["regions"]), s["regions_match_total"]))
        for r in s["regions"]:
            regions.append((*head, r["region_id"], *(r[name] for name in AMOUNT)))
            sums = by_region[day, source_type, r["region_id"]]
            for i, name in enumerate(AMOUNT):
                sums[i] += r[name]
        amounts[day, account, source_type] = amount
        accounts_of[day] += 1

    wanted = len({(account, source_type) for _, account, source_type in amounts})
    complete = [day for day, n in accounts_of.items() if n == wanted]
    first, last = min(complete), max(complete)
    growth = []
    for source_type, region in {(t, r) for day, t, r in by_region if day in (first, last)}:
        then, now = by_region.get((first, source_type, region)), by_region.get((last, source_type, region))
        more = [b - a for a, b in zip(then or (0, 0), now or (0, 0))]
        growth.append((source_type, region, first, last, then and then[0], now and now[0], *more))

    change = []
    for (day, account, source_type), amount in amounts.items():
        before = amounts.get((shifted(day, -1), account, source_type))
        more = [b - a for a, b in zip(before, amount)] if before else (None, None)
        change.append((day, account, source_type, amount[0], *more))

    missing, days = [], sorted(accounts_of)
    for before, after in zip(days, days[1:]):
        if after != shifted(before, 1):
            missing.append((before, after, (as_date(after) - as_date(before)).days - 1))
    return {"regions": regions, "totals": totals, "growth": growth, "change": change, "missing": missing}


def as_date(text):
    return datetime.date.fromisoformat(text)


def shifted(day, days):
    return str(as_date(day) + datetime.timedelta(days))
