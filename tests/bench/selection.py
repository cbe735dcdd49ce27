"""Draw, match and propose beside a bare loop of `hashlib` over the same tickets, at growing sizes.

python -m tests.bench.selection [--sizes 10000 100000 1000000] [--turns T]

Each size runs in a process of its own, on one core, with 500 institutions and 20,000 purchase requests in 400 classes.
Ratios are medians over the turns. Memory is the most the process held, its inputs included.
Goals (issue 6): draw and match at most 2 times the hashing, at most 1 GiB at a million, linear growth.
"""

import argparse
import hashlib
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from random import Random
from uuid import UUID

from services.selection.domain.commitment import Entry
from services.selection.domain.offers import Demand, Offer
from services.selection.domain.proposal import placed, propose
from services.selection.usecases.proposal import collection_paused
from shared.contracts.findings import VerdictOutcome
from tests.data.facts import policy

INSTITUTIONS, REQUESTS, CLASSES = 500, 20_000, 400
SEED = "3c" * 32


def inputs(size: int) -> tuple[list[Entry], dict[str, Offer], list[Demand], dict[str, int]]:
    random = Random(1)  # noqa: S311 -- the same in every run
    classes = [f"4111{number:04d}" for number in range(CLASSES)]
    kinds = [(), ("nep",), ("epc", "nep")]
    entries, offers = [], {}
    for number in range(size):
        identifier = str(UUID(int=random.getrandbits(128), version=4))
        entries.append(Entry(identifier, VerdictOutcome.ELIGIBLE, random.randint(1, 6)))
        offers[identifier] = Offer(
            application=identifier,
            track="general",
            firm=f"{number // 2:010d}",
            class_code=random.choice(classes),
            price_won=random.randrange(100_000, 10_000_000, 1000),
            capacity=random.randint(1, 50),
            delivery_days=random.randint(1, 90),
            certificates=random.choice(kinds),
        )
    demands = [
        Demand(
            request=f"institution-{number % INSTITUTIONS}/{number}",
            institution=f"institution-{number % INSTITUTIONS}",
            class_code=random.choice(classes),
            quantity=random.randint(1, 50),
            budget_won=random.randrange(1_000_000, 100_000_000, 1000),
            price_ceiling_won=random.choice([None, 5_000_000]),
            certificate_kinds=random.choice([(), (), ("nep",), ("net",)]),
            region=random.choice([None, None, "seoul"]),
            delivery_days_at_most=random.choice([None, 30, 60]),
        )
        for number in range(REQUESTS)
    ]
    return entries, offers, demands, {f"institution-{number}": 1_000_000_000 for number in range(INSTITUTIONS)}


def hashing(entries: list[Entry]) -> None:
    """The yardstick: every ticket, as `printf '%s:%s:%d' | sha256sum` has it, and nothing else."""
    for entry in entries:
        for number in range(1, entry.tickets + 1):
            hashlib.sha256(f"{SEED}:{entry.application}:{number}".encode()).hexdigest()


def seconds(work: Callable[[], object]) -> float:
    """Of one processor: both sides compute and wait for nothing, so that a busy machine delays neither's figure."""
    began = time.process_time()
    work()
    return time.process_time() - began


def measure(size: int, turns: int) -> dict[str, float]:
    entries, offers, demands, pledges = inputs(size)
    rules = policy("2018-h2")
    ratios, wholes, hashed = [], [], []
    for _ in range(turns):
        with collection_paused():
            bare = seconds(lambda: hashing(entries))
            chosen = seconds(lambda: placed(rules, SEED, entries, offers, demands, pledges))
            whole = seconds(lambda: propose(rules, SEED, entries, offers, demands, pledges))
        ratios.append(chosen / bare)
        wholes.append(whole / bare)
        hashed.append(bare)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "hashing": statistics.median(hashed),
        "ratio": statistics.median(ratios),
        "whole": statistics.median(wholes),
        "mib": held,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.sizes[0], given.turns)))
        return
    print(f"{'entries':>9}  {'hashing s':>9}  {'draw + match / hashing':>22}  {'with root / hashing':>19}  {'MiB':>5}")
    for size in given.sizes:
        run = [
            sys.executable,
            "-m",
            "tests.bench.selection",
            "--one",
            "--sizes",
            str(size),
            "--turns",
            str(given.turns),
        ]
        found = json.loads(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
        line = f"{size:>9,}  {found['hashing']:>9.2f}  {found['ratio']:>22.2f}  {found['whole']:>19.2f}"
        print(f"{line}  {found['mib']:>5.0f}", flush=True)


if __name__ == "__main__":
    main()
