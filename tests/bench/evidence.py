"""Check a bundle beside a bare loop of `hashlib` over its tickets: verify.py at growing sizes, and the page.

python -m tests.bench.evidence [--sizes 10000 100000 1000000] [--page 100000]

Each size is checked in a process of its own, on one core, in the public depth; memory is the most that process held.
The page's time is that of its whole check in Chromium. Tickets are 1 to 6 an entry; there are 20,000 requests.
Goals (issue 18): at most 3 times the loop and 2 GiB at a million; the page does 100,000 in under half a minute.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.async_api import async_playwright

from deploy.local.state import State
from services.selection.domain.commitment import Commitment, Entry, entries_digest, pledges_root
from services.selection.domain.draw import seed_of
from services.selection.domain.evidence import (
    Bundle,
    Depth,
    Format,
    Line,
    PublishedEvent,
    entry_record,
    request_record,
    shown_leaf,
)
from services.selection.domain.proposal import Proposed, propose
from services.selection.verify import examine
from shared.contracts.policy import POLICY
from shared.proof.merkle import GrowingTree, bucket_of
from tests.bench.selection import hashing, inputs, seconds
from tests.support.both_verifiers import EXAMINED
from tests.support.browser import FLAGS
from tests.support.bundles import make_round
from tests.support.chromium import find
from tests.support.forger import Forged, Level, manifest, recomputed
from tests.support.serving import serving

ROUND = "bundled"


def of_size(size: int) -> Iterator[bytes]:
    """A true bundle of so many applications, line by line."""
    entries, offers, demands, pledges = inputs(size)
    base = make_round(4, 2).forged(Depth.PUBLIC)
    _pledged(base, pledges)
    policy = POLICY.validate_python(base.event("RoundOpened")["policy"])
    order = sorted((bucket_of(entry.application), entry.application) for entry in entries)
    asked = sorted((bucket_of(demand.request), demand.request, demand) for demand in demands)
    found = _committed(base, entries, [one for _, one in order], [one for _, one, _ in asked], pledges)
    proposal = propose(policy, found["seed"], entries, offers, demands, pledges)
    lines = {line.placement.application: line for line in proposal.lines}
    firms: dict[str, int] = {}
    for identifier in sorted(lines):
        firms.setdefault(offers[identifier].firm, len(firms) + 1)
    by_id = {entry.application: entry for entry in entries}

    def records() -> Iterator[dict[str, Any]]:
        for _, identifier, demand in asked:
            yield request_record(demand, 1, _hash("payload", identifier)) | {"sealed": _hash("sealed", identifier)}
        for _, identifier in order:
            shown = _shown(by_id[identifier], lines[identifier], firms[offers[identifier].firm])
            yield entry_record(shown, offers[identifier]) | {"sealed": _hash("sealed", identifier)}

    tree = GrowingTree()
    for record in records():
        tree.add(shown_leaf(record))
    counts = dict.fromkeys(("selected", "reserve", "not_selected"), 0)
    for one in proposal.lines:
        counts[one.placement.result.value.replace("-", "_")] += 1
    said = {"selection_root": proposal.selection_root, "shown_root": tree.root.hex()}
    base.event("SelectionProposed").update(said | counts | {"seed": found["seed"]})
    base.event("SelectionConfirmed").update(said)
    written = Bundle(ROUND, 1, Depth.PUBLIC, Format.V2)
    yield written.head()
    for record in base.of("event"):
        yield written.record(record)
    yield written.record({"type": "pledges", "pledges": sorted(pledges.items())})
    for record in records():
        yield written.record(record)
    for record in base.of("later"):
        yield written.later(PublishedEvent(record["event"], record["body"]))
    yield written.end()


def _shown(entry: Entry, proposed: Proposed, firm: int) -> Line:
    placement = proposed.placement
    return Line(
        application=entry.application,
        version=1,
        payload_hash=_hash("payload", entry.application),
        nonce=None,
        facts={"applicant": {"name": "주식회사 시험"}, "product": {"name": "시험 제품"}},
        judged_in=1,
        findings_hash=_hash("findings", entry.application),
        findings=(),
        marks=None,
        outcome=entry.outcome.value,
        tickets=entry.tickets,
        score=None,
        drawn_under=1,
        firm=firm,
        position=proposed.position,
        key=proposed.key,
        result=placement.result.value,
        reason=placement.reason.value if placement.reason else None,
        reserve_position=placement.reserve_position,
        awards=[
            {"request": award.request, "quantity": award.quantity, "amount_won": award.amount_won}
            for award in placement.awards
        ],
        identity="none",
    )


def _hash(what: str, identifier: str) -> str:
    return sha256(f"{what} {identifier}".encode()).hexdigest()


def _pledged(base: Forged, pledges: dict[str, int]) -> None:
    """The announcement, the opening and the freeze with these pledges."""
    stated = [{"institution": one, "pledge_won": won} for one, won in sorted(pledges.items())]
    base.event("RoundAnnounced")["pledges"] = base.event("RoundFrozen")["pledges"] = stated
    base.event("RoundOpened")["institutions"] = stated
    announced = recomputed(base, Level.SETS)
    for name in ("RoundAnnounced", "RoundOpened"):
        base.event(name)["announcement_root"] = announced.event("RoundAnnounced")["announcement_root"]


def _committed(
    base: Forged, entries: list[Entry], order: list[str], asked: list[str], pledges: dict[str, int]
) -> dict[str, Any]:
    """Manifests, completion and commitment; the seed that follows."""
    opened, frozen, committed = (base.event(name) for name in ("RoundOpened", "RoundFrozen", "InputsCommitted"))
    leaves = [(one, 1, _hash("payload", one)) for one in order]
    frozen["applications"] = manifest(leaves)
    frozen["requests"] = manifest((one, 1, _hash("payload", one)) for one in asked)
    verdicts = manifest((*leaf, 1, "eligible", _hash("findings", leaf[0])) for leaf in leaves)
    base.event("EligibilityCompleted").update(
        applications_root=frozen["applications"]["root"], verdicts=verdicts, eligible=len(order), ineligible=0
    )
    commitment = Commitment(
        round=ROUND,
        epoch=1,
        applications_root=frozen["applications"]["root"],
        requests_root=frozen["requests"]["root"],
        verdicts_root=verdicts["root"],
        entries_root=entries_digest(entries).root,
        pledges_root=pledges_root(pledges),
        policy_hash=opened["policy_hash"],
    )
    committed.update({name: getattr(commitment, name) for name in commitment.__slots__})
    committed.update(commitment_root=commitment.root, entries=len(order))
    for name in ("SelectionProposed", "SelectionConfirmed"):
        base.event(name)["commitment_root"] = commitment.root
    return {"seed": seed_of(commitment.root, base.event("SourceValueRecorded")["value"])}


def checked(path: Path) -> dict[str, float]:
    """Seconds of one processor, and the most memory held."""
    with path.open("rb") as source:
        began = time.process_time()
        report = examine(source)
        took = time.process_time() - began
    if report.differs or not report.confirmed:
        raise SystemExit(f"the bundle is no true one: {report.differs[:3]}")
    return {"check": took, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


async def in_the_page(path: Path) -> float:
    """Seconds of the whole check in Chromium."""
    with State.temporary() as state:
        cache = state.cache
    async with async_playwright() as playwright, serving() as served:
        found = await find(playwright, cache, os.environ)
        environment: dict[str, str | float | bool] = {**os.environ, **found.environment}
        browser = await playwright.chromium.launch(executable_path=found.program, args=FLAGS, env=environment)
        page = await browser.new_page()
        page.set_default_timeout(0)
        served.rounds["bundled"] = path.read_bytes()
        await page.goto(served.page("bundled"))
        began = time.perf_counter()
        [examined] = await page.evaluate(EXAMINED, [["bundled", {}]])
        took = time.perf_counter() - began
        await browser.close()
    if examined["names"] or not examined["confirmed"]:
        raise SystemExit(f"the page finds {examined['names']}")
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--page", type=int, default=100_000)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--check", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.write:
        with given.write.open("wb") as file:
            file.writelines(of_size(given.sizes[0]))
        entries, *_ = inputs(given.sizes[0])
        print(json.dumps({"hashing": seconds(lambda: hashing(entries))}))
    elif given.check:
        print(json.dumps(checked(given.check)))
    else:
        _compare(given.sizes, given.page)


def _compare(sizes: list[int], in_page: int) -> None:
    print(f"{'entries':>9}  {'hashing s':>9}  {'check s':>8}  {'check / hashing':>15}  {'MiB':>5}  {'page s':>6}")
    with TemporaryDirectory() as folder:
        for size in sorted({*sizes, in_page}):
            path = Path(folder) / "bundle.jsonl"
            found = json.loads(_run("--write", str(path), size)) | json.loads(_run("--check", str(path), size))
            page = f"{asyncio.run(in_the_page(path)):.1f}" if size == in_page else ""
            ratio = found["check"] / found["hashing"]
            figures = f"{size:>9,}  {found['hashing']:>9.2f}  {found['check']:>8.2f}  {ratio:>15.1f}"
            print(f"{figures}  {found['mib']:>5.0f}  {page:>6}", flush=True)


def _run(what: str, path: str, size: int) -> str:
    run = [sys.executable, "-m", "tests.bench.evidence", what, path, "--sizes", str(size)]
    return subprocess.run(run, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
