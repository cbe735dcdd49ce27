#!/usr/bin/env python3
"""Checks the evidence of a round's result, with nothing but Python 3.11 and this file.

    python verify.py BUNDLE [--commitment ROOT] [--selection ROOT] [--json]

BUNDLE is what `GET /rounds/{round}/evidence` gave: JSON lines, in either depth. The roots, if you hold copies of them
(an institution has them on its own topic, from the day they were published), tie the bundle to what was published then.

It reads the bundle once, in bounded memory, recomputes every root, draws and matches again, and names each line that
differs. What it can't check it says. The format is specified in docs/evidence.md. Exit code 0: nothing differs, and
two officers confirmed it; 3: nothing differs, and nobody confirmed it; 1: something differs; 2: it was asked wrongly.
"""

import argparse
import hashlib
import heapq
import json
import re
import sys
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import IO, Any

FORMAT = "firstbuy-evidence-v1"
SECTIONS = ("event", "pledges", "request", "entry", "later")
LIFE = (
    "RoundAnnounced",
    "RoundAmended",
    "RoundOpened",
    "RoundExtended",
    "RoundFrozen",
    "EpochOpened",
    "EligibilityCompleted",
    "ScoresClosed",
    "InputsCommitted",
    "SourceValueRecorded",
    "SelectionProposed",
    "ReleaseOpened",
)
"""What leads to a proposal, in the order of a round's life: each once in an epoch, none of a later one."""
OF_THE_ROUND = {"RoundAnnounced": 0, "RoundAmended": 0, "RoundOpened": 0, "RoundExtended": 0, "RoundFrozen": 1}
"""Events that belong to no epoch, or to the first alone."""
WHOLE = {
    "request": ("version", "quantity", "budget_won"),
    "entry": ("version", "judged_in", "tickets", "drawn_under", "firm", "price_won", "capacity", "delivery_days"),
}
"""Members that are whole numbers: Python would take `true` for 1."""
BUCKETS = 256
DIFFERENCES_SHOWN = 50
SORTED_AT_ONCE = 50_000
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode


@dataclass
class Report:
    """What was looked at, in words. Where nothing differs, the result follows from what was committed alone."""

    depth: str = "unknown"
    checked: list[str] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    more: int = 0
    """Differences beyond those listed."""
    confirmed: bool = False
    """By two officers, in this file: without that it is a proposal."""

    def wrong(self, what: str) -> None:
        if len(self.differs) < DIFFERENCES_SHOWN:
            self.differs.append(what)
        else:
            self.more += 1

    def verdict(self) -> str:
        if self.differs:
            return "differs"
        return "nothing differs" if self.confirmed else "sound as far as it goes, and confirmed by nobody"

    def same(self, right: bool, what: str, wrong: str) -> None:
        if right:
            self.checked.append(what)
        else:
            self.wrong(wrong)


class UnreadableError(ValueError):
    """The file is no bundle, or not a whole one: nothing more can be said of it."""


# Hashes and trees (RFC 8785, RFC 9162 §2.1)


def canonical(value: Any) -> bytes:
    return _encode(value).encode()


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def json_hash(value: Any) -> str:
    return sha256_hex(canonical(value))


class Tree:
    """The root over leaves that come one after another."""

    def __init__(self) -> None:
        self.size = 0
        self._whole: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        height, node = 0, hashlib.sha256(b"\x00" + leaf).digest()
        while self._whole and self._whole[-1][0] == height:
            node = hashlib.sha256(b"\x01" + self._whole.pop()[1] + node).digest()
            height += 1
        self._whole.append((height, node))
        self.size += 1

    def root(self) -> bytes:
        if not self._whole:
            return hashlib.sha256(b"").digest()
        *lefts, (_, node) = self._whole
        for _, left in reversed(lefts):
            node = hashlib.sha256(b"\x01" + left + node).digest()
        return node


def bucket_of(identifier: str) -> int:
    return hashlib.sha256(identifier.encode()).digest()[0]


class Digest:
    """A set's count and root by bucket; leaves are added by bucket and id."""

    def __init__(self) -> None:
        self._trees = [Tree() for _ in range(BUCKETS)]

    def add(self, leaf: list[Any]) -> None:
        self._trees[bucket_of(leaf[0])].add(canonical(leaf))

    def counts(self) -> list[int]:
        return [tree.size for tree in self._trees]

    def roots(self) -> list[str]:
        return [tree.root().hex() for tree in self._trees]

    def root(self) -> str:
        over = Tree()
        for tree in self._trees:
            over.add(tree.root())
        return over.root().hex()

    def differing(self, manifest: dict[str, Any]) -> list[int]:
        """Buckets that are not as the manifest says."""
        stated = zip(manifest["counts"], manifest["roots"], strict=True)
        mine = zip(self.counts(), self.roots(), strict=True)
        return [bucket for bucket, (one, other) in enumerate(zip(stated, mine, strict=True)) if one != other]


class SortedRuns:
    """Lines in order, however many: sorted in parts on disk, then merged."""

    def __init__(self) -> None:
        self._held: list[str] = []
        self._runs: list[IO[str]] = []

    def add(self, line: str) -> None:
        self._held.append(line)
        if len(self._held) >= SORTED_AT_ONCE:
            self._spill()

    def _spill(self) -> None:
        self._held.sort()
        run = tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n")  # noqa: SIM115 -- read in `merged`
        run.writelines(f"{line}\n" for line in self._held)
        self._runs.append(run)
        self._held = []

    def merged(self) -> Iterator[str]:
        self._held.sort()
        for run in self._runs:
            run.seek(0)
        sources: list[Iterable[str]] = [self._held, *((line[:-1] for line in run) for run in self._runs)]
        yield from heapq.merge(*sources)
        for run in self._runs:
            run.close()


# What is read


def _no_fraction(text: str) -> Any:
    raise ValueError(f"{text} is no whole number: the format has no others")


def lines_of(source: IO[bytes], report: Report) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number, record) of each line; one that is not canonical JSON differs."""
    for number, line in enumerate(source, start=1):
        try:
            record = json.loads(line, parse_float=_no_fraction)
        except ValueError as error:
            raise UnreadableError(f"line {number} is no JSON: {error}") from None
        if not isinstance(record, dict):
            raise UnreadableError(f"line {number} is no record")
        if canonical(record) + b"\n" != line:
            report.wrong(f"line {number}: it is not written as canonical JSON (RFC 8785), one record a line")
        yield number, record


@dataclass
class Turns:
    """What was published of the round, and what follows from it."""

    opened: dict[str, Any]
    frozen: dict[str, Any]
    """RoundFrozen, or the EpochOpened of the bundle's epoch."""
    completed: dict[str, Any]
    committed: dict[int, dict[str, Any]]
    values: dict[int, dict[str, Any]]
    proposed: dict[str, Any]
    scores_closed: dict[str, Any] | None
    epoch: int

    @property
    def policy(self) -> dict[str, Any]:
        policy: dict[str, Any] = self.opened["policy"]
        return policy

    @property
    def commitment(self) -> dict[str, Any]:
        return self.committed[self.epoch]

    def seeds(self) -> dict[int, str]:
        """By the epoch of the commitment and the value they are of."""
        return {
            epoch: sha256_hex(
                f"firstbuy-seed-v1:{self.committed[epoch]['commitment_root']}:{value['value']}".encode("ascii")
            )
            for epoch, value in self.values.items()
            if epoch in self.committed
        }


def misplaced(events: list[dict[str, Any]], epoch: int) -> Iterator[str]:
    """What the life of a round up to the proposal of that epoch has no place for, and what of it is not there."""
    seen: set[tuple[Any, ...]] = set()
    last: tuple[Any, ...] = ()
    for event in events:
        name, body = event["event"], event["body"]
        if name not in LIFE:
            yield f"{name} is none of the events that lead to a proposal"
            continue
        of, batch, number = (_number(body.get(one) or 0, one) for one in ("epoch", "batch", "amendment"))
        until = epoch - 1 if name == "ReleaseOpened" else epoch
        if of != OF_THE_ROUND.get(name, of) or (name not in OF_THE_ROUND and not 0 < of <= until):
            yield f"{name} is of epoch {of}, which has no place before the proposal of epoch {epoch}"
        place = (of, LIFE.index(name), batch, number, str(body.get("closes_at")))
        once = place if name == "RoundExtended" else place[:4]
        if once in seen:
            yield f"{name} of epoch {of} stands twice"
        elif place < last:
            yield f"{name} of epoch {of} stands after what it comes before"
        seen.add(once)
        last = max(last, place)
    for opened in range(2, epoch + 1):
        if (opened, LIFE.index("EpochOpened"), 0, 0) not in seen:
            yield f"EpochOpened of epoch {opened} is not there"


def _number(value: Any, name: str) -> int:
    """Python would take `true` for 1."""
    if type(value) is not int:
        raise UnreadableError(f"{name} of an event is {value!r}, which is no whole number")
    return value


def two_officers(actors: list[dict[str, Any]]) -> bool:
    """Two persons, both officers: one under two spellings is one."""
    names = {" ".join(unicodedata.normalize("NFKC", actor["name"]).casefold().split()) for actor in actors}
    return len(names) == len(actors) == 2 and all(actor["role"] == "officer" for actor in actors)


def turns_of(events: list[dict[str, Any]], epoch: int) -> Turns:
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for event in events:
        body = event["body"]
        found.setdefault(event["event"], {})[body.get("epoch", 0)] = body
    try:
        frozen = found["RoundFrozen"][1] if epoch == 1 else found["EpochOpened"][epoch]
        return Turns(
            found["RoundOpened"][0],
            frozen,
            found["EligibilityCompleted"][epoch],
            found["InputsCommitted"],
            found["SourceValueRecorded"],
            found["SelectionProposed"][epoch],
            max(found.get("ScoresClosed", {}).items(), default=(0, None))[1],
            epoch,
        )
    except KeyError as error:
        raise UnreadableError(f"it lacks an event of the round: {error}") from None


# Matching, in draw order


class Request:
    """A purchase request and what is left of it."""

    def __init__(self, record: dict[str, Any], pledge: int) -> None:
        self.record = record
        self.institution: str = record["institution"]
        self.quantity: int = record["quantity"]
        self.budget: int = record["budget_won"]
        ceiling = record["price_ceiling_won"]
        self.dearest = min(self.budget if ceiling is None else ceiling, self.budget, pledge)
        self.tie = hashlib.sha256(record["request"].encode()).digest()

    def met_by(self, entry: dict[str, Any]) -> bool:
        asked = self.record
        days, region, kinds = asked["delivery_days_at_most"], asked["region"], asked["certificate_kinds"]
        return (
            entry["price_won"] <= self.dearest
            and (days is None or entry["delivery_days"] <= days)
            and (region is None or not entry["regions"] or region in entry["regions"])
            and (not kinds or not set(kinds).isdisjoint(entry["certificates"]))
        )


class Limit:
    """Places, products of a firm and reserve, of the round or of a track."""

    def __init__(self, stated: dict[str, Any]) -> None:
        self.places, self.of_firm, self.reserve = (
            stated.get(name) for name in ("places", "selections_per_firm", "reserve")
        )
        self.selected = self.reserved = 0
        self.firms: Counter[int] = Counter()

    def select(self, firm: int) -> None:
        self.selected += 1
        self.firms[firm] += 1

    def full(self) -> bool:
        return self.places is not None and self.selected >= self.places

    def firm_full(self, firm: int) -> bool:
        return self.of_firm is not None and self.firms[firm] >= self.of_firm

    def reserve_full(self) -> bool:
        return self.reserve is not None and self.reserved >= self.reserve


class Matching:
    """In draw order each product takes the requests it meets, most money left first, ties by the request's hash."""

    def __init__(self, policy: dict[str, Any], pledges: dict[str, int]) -> None:
        self._pledges = dict(pledges)
        self._classes: dict[str, list[Request]] = {}
        self._open: dict[str, list[Request]] = {}
        self._most: dict[str, int] = {}
        self._requests_at_most: int = policy["limits"]["requests_per_product"]
        self._pledged = sorted(pledges)
        self._round = Limit(policy["limits"])
        self._tracks = {track["track"]: Limit(track["limits"]) for track in policy["tracks"] if track.get("limits")}
        self._reserve = 0

    def ask(self, record: dict[str, Any]) -> None:
        request = Request(record, self._pledges.setdefault(record["institution"], 0))
        of_class = record["class_code"]
        self._classes.setdefault(of_class, []).append(request)
        self._open.setdefault(of_class, []).append(request)
        self._most[of_class] = max(self._most.get(of_class, 0), request.dearest)

    def place(self, entry: dict[str, Any]) -> tuple[str, str | None, int | None, list[list[Any]]]:
        """Result, reason, place in the reserve, awards as `[request, quantity, won]`."""
        firm, over = entry["firm"], self._over(entry)
        awards = self._bought(entry, over)
        if awards:
            return "selected", None, None, awards
        if not any(request.met_by(entry) for request in self._classes.get(entry["class_code"], ())):
            return "not-selected", "no-demand", None, []
        if any(limit.firm_full(firm) for limit in over):
            return "not-selected", "firm-limit", None, []
        if any(limit.reserve_full() for limit in over):
            return "not-selected", "reserve-full", None, []
        for limit in over:
            limit.reserved += 1
        self._reserve += 1
        return "reserve", None, self._reserve, []

    def hold(self, entry: dict[str, Any], awards: list[list[Any]]) -> None:
        """Takes out what a product has already, and the place it has with it."""
        for limit in self._over(entry):
            limit.select(entry["firm"])
        of_class = {request.record["request"]: request for request in self._classes[entry["class_code"]]}
        for identifier, units, won in awards:
            request = of_class[identifier]
            request.quantity -= units
            request.budget -= won
            self._pledges[request.institution] -= won

    def more(self, entry: dict[str, Any], held: list[list[Any]]) -> list[list[Any]]:
        """What a product has after its turn in a batch; one that holds an award still has its place."""
        return held + self._buy(entry, held) if held else self._bought(entry, self._over(entry))

    def state(self) -> dict[str, list[list[Any]]]:
        """What is left of each pledge and each request, by id."""
        asked = (request for requests in self._classes.values() for request in requests)
        return {
            "pledges": [[institution, self._pledges[institution]] for institution in self._pledged],
            "requests": sorted([one.record["request"], one.quantity, one.budget] for one in asked),
        }

    def _over(self, entry: dict[str, Any]) -> list[Limit]:
        own = self._tracks.get(entry["track"])
        return [self._round, own] if own else [self._round]

    def _bought(self, entry: dict[str, Any], over: list[Limit]) -> list[list[Any]]:
        """Within the limits it stands under."""
        if any(limit.full() or limit.firm_full(entry["firm"]) for limit in over):
            return []
        awards = self._buy(entry, [])
        if awards:
            for limit in over:
                limit.select(entry["firm"])
        return awards

    def _buy(self, entry: dict[str, Any], held: list[list[Any]]) -> list[list[Any]]:
        """From requests it holds nothing of, with the capacity it has left."""
        of_class, price = entry["class_code"], entry["price_won"]
        capacity = entry["capacity"] - sum(units for _, units, _ in held)
        if price > self._most.get(of_class, -1):
            return []
        theirs = {identifier for identifier, _, _ in held}
        fitting = [
            request
            for request in self._open[of_class]
            if min(request.budget, self._pledges[request.institution]) >= price
            and request.met_by(entry)
            and request.record["request"] not in theirs
        ]
        if not fitting and not held:
            self._drop_spent(of_class)
        awards: list[list[Any]] = []
        for request in sorted(fitting, key=lambda request: (-request.budget, request.tie)):
            if capacity <= 0 or len(held) + len(awards) >= self._requests_at_most:
                break
            money = min(request.budget, self._pledges[request.institution])
            units = min(capacity, request.quantity, money // price)
            if units:
                won = units * price
                capacity -= units
                request.quantity -= units
                request.budget -= won
                self._pledges[request.institution] -= won
                awards.append([request.record["request"], units, won])
        if awards:
            self._open[of_class] = [request for request in self._open[of_class] if request.quantity]
        return awards

    def _drop_spent(self, of_class: str) -> None:
        """Money only shrinks, so the most that is left bounds all that come later."""
        left = self._open[of_class]
        self._most[of_class] = max((min(one.budget, self._pledges[one.institution]) for one in left), default=-1)


# Releases, after the proposal


class Releases:
    """Batches that give out what was set free: who leaves, and requests cancelled, by exactly what officers named."""

    def __init__(self, policy: dict[str, Any], pledges: dict[str, int]) -> None:
        self._policy, self._pledges = policy, pledges
        self._requests: list[dict[str, Any]] = []
        self._places = tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n")  # noqa: SIM115 -- while it lives
        self._awards: dict[str, list[list[Any]]] = {}
        self._left: set[str] = set()
        self._cancelled: set[str] = set()

    def ask(self, record: dict[str, Any]) -> None:
        self._requests.append(record)

    def place(self, entry: dict[str, Any], result: str, awards: list[list[Any]]) -> None:
        """In draw order, as the proposal has them: who is selected, and who is in reserve."""
        if result == "not-selected":
            return
        names = ("application", "firm", "track", "class_code", "price_won", "capacity", "delivery_days", "regions")
        self._places.write(_encode({name: entry[name] for name in (*names, "certificates")}) + "\n")
        if awards:
            self._awards[entry["application"]] = awards

    def give_out(self, opened: dict[str, Any]) -> tuple[str, str, list[int]]:
        """The batch's root, the hash of the state before it, and how many it promoted, changed and withdrew."""
        leaving = {one["application"]: one["cause"] for one in opened["leaving"]}
        self._cancelled |= {one["request"] for one in opened["cancelled"]}
        matching = Matching(self._policy, self._pledges)
        for record in self._requests:
            if record["request"] not in self._cancelled:
                matching.ask(record)
        for entry in self._standing():
            held = self._kept(entry, leaving)
            if held:
                matching.hold(entry, held)
        state = json_hash(matching.state())
        tree, counts, after = Tree(), [0, 0, 0], dict(self._awards)
        for entry in self._standing():
            identifier, had, held = entry["application"], self._awards.get(entry["application"], []), []
            if identifier not in leaving:
                held = self._kept(entry, leaving)
                if had and held == had:
                    continue
                held = matching.more(entry, held)
                if held == had:
                    continue
            counts[2 if not held else 1 if had else 0] += 1
            after[identifier] = held
            left = leaving.get(identifier)
            result = "not-selected" if left else "selected" if held else "reserve"
            tree.add(canonical([identifier, result, left, held]))
        self._awards = after
        self._left |= leaving.keys()
        return tree.root().hex(), state, counts

    def _standing(self) -> Iterator[dict[str, Any]]:
        self._places.seek(0)
        for line in self._places:
            entry: dict[str, Any] = json.loads(line)
            if entry["application"] not in self._left:
                yield entry

    def _kept(self, entry: dict[str, Any], leaving: dict[str, str]) -> list[list[Any]]:
        if entry["application"] in leaving:
            return []
        return [award for award in self._awards.get(entry["application"], []) if award[0] not in self._cancelled]


# What the auditor's depth opens


def last_day(start: date, years: int) -> date:
    try:
        return start.replace(year=start.year + years)
    except ValueError:
        if start.year + years > date.max.year:
            return date.max
        return date(start.year + years, 2, 28)


class Judging:
    """What of tickets, offers and outcomes follows from facts and findings under the policy."""

    def __init__(self, policy: dict[str, Any], policy_hash: str) -> None:
        self._policy = policy
        self._policy_hash = policy_hash
        self._as_of = date.fromisoformat(policy["as_of"])
        self._kinds = {kind["kind"]: kind for kind in policy["certificates"]}
        self._patterns = {name: re.compile(kind["number_pattern"], re.ASCII) for name, kind in self._kinds.items()}
        self._tracks = {track["track"]: track for track in policy["tracks"]}

    def faults(self, entry: dict[str, Any], opened: dict[str, Any], epoch: int) -> Iterator[str]:
        facts, findings = opened["facts"], opened["findings"]
        if not opened["nonce"]:
            yield "it has no nonce, so the facts can't be held against payload_hash"
        elif sha256_hex(bytes.fromhex(opened["nonce"]) + canonical(facts)) != entry["payload_hash"]:
            yield "payload_hash is not of these facts"
        hashed = {"as_of": self._policy["as_of"], "findings": findings, "policy_hash": self._policy_hash}
        salted = {**hashed, "nonce": opened["nonce"]}  # of verdicts from before there was a nonce it is in no hash
        if entry["findings_hash"] not in (json_hash(salted), json_hash(hashed)):
            yield "findings_hash is not of these findings"
        if self._outcome(facts["track"], findings) != entry["outcome"]:
            yield f"these findings do not make it {entry['outcome']}"
        tickets = self._tickets(facts, findings)
        if tickets != entry["tickets"] and not (epoch > 1 and entry["tickets"] < tickets):
            yield f"the policy's steps give it {tickets} tickets, not {entry['tickets']}"
        score = self._score(facts, opened.get("marks") or []) if entry["outcome"] == "eligible" else None
        if score != entry["score"]:
            yield f"marks and record give it {score} points, not {entry['score']}"
        for name, value in self._offer(facts).items():
            if entry[name] != value:
                yield f"{name} is {value!r} in the facts, {entry[name]!r} here"
        named = [facts["applicant"]["name"], facts["product"]["name"]] if entry["awards"] else [None, None]
        if [entry.get("applicant"), entry.get("product")] != named:
            yield "the names are not those of the facts"

    def _outcome(self, track: str, findings: list[dict[str, Any]]) -> str:
        if any(finding["rule"] == "judging" for finding in findings):
            return "parked"
        stated = self._tracks.get(track)
        if stated is None:
            return "ineligible"
        asked = [(one["rule"], one["legal_source"], one.get("decides", True)) for one in stated["conditions"]]
        if asked != [(one["rule"], one["legal_source"], one["decides"]) for one in findings]:
            return "something else: the rules asked are not those of the track"
        passed = {one["rule"] for one in findings if one["outcome"] == "pass"}
        waivable = {
            rule
            for waiver in stated.get("waivers", ())
            if passed.issuperset(waiver["when"])
            for rule in waiver["waives"]
        }
        if any(one["outcome"] == "waived" and one["rule"] not in waivable for one in findings):
            return "something else: what is waived is not what the policy waives"
        deciding = [one["outcome"] for one in findings if one["decides"]]
        return "eligible" if all(outcome in ("pass", "waived") for outcome in deciding) else "ineligible"

    def _tickets(self, facts: dict[str, Any], findings: list[dict[str, Any]]) -> int | None:
        passed = {one["rule"] for one in findings if one["outcome"] == "pass"}
        record = facts["applicant"].get("supply_record")
        for step in self._policy["tickets"]:
            bounds = (("record_won_at_most", "won"), ("record_count_at_most", "count"))
            if all(
                step.get(name) in (None, rule in passed)
                for name, rule in (("startup",) * 2, ("first_timer", "first-timer"))
            ) and all(
                step.get(bound) is None or (record is not None and record[name] <= step[bound])
                for bound, name in bounds
            ):
                tickets: int = step["tickets"]
                return tickets
        return None

    def _score(self, facts: dict[str, Any], marks: list[list[Any]]) -> int | None:
        """The mean of the marks without a conflict of interest, rounded down, and the points of the record's step."""
        scoring = self._policy.get("scoring")
        if scoring is None:
            return None
        counted = [min(points, scoring.get("panel_points", 0)) for _, _, points, conflict in marks if not conflict]
        record = facts["applicant"].get("supply_record")
        for step in scoring["supply_record"]:
            bound = step.get("record_won_at_most")
            if bound is None or (record is not None and record["won"] <= bound):
                points: int = step["points"]
                return points + (sum(counted) // len(counted) if counted else 0)
        return None

    def _offer(self, facts: dict[str, Any]) -> dict[str, Any]:
        product = facts["product"]
        held = sorted({one["kind"] for one in facts.get("certificates", ()) if self._holds(one)})
        return {
            "track": facts["track"],
            "class_code": product["class_code"],
            "price_won": product["price_won"],
            "capacity": product["capacity"],
            "delivery_days": product["delivery_days"],
            "regions": product.get("regions", []),
            "certificates": held,
        }

    def _holds(self, stated: dict[str, Any]) -> bool:
        kind = self._kinds.get(stated["kind"])
        if kind is None or not self._patterns[stated["kind"]].fullmatch(stated["number"]):
            return False
        if kind.get("grades") and stated.get("grade") not in kind["grades"]:
            return False
        issued = date.fromisoformat(stated["issued_on"])
        years = kind.get("validity_years")
        if stated.get("expires_on"):
            last = date.fromisoformat(stated["expires_on"])
        else:
            last = last_day(issued, years) if years else date.max
        return issued <= self._as_of <= last


# The whole


class Examination:
    """One reading of a bundle, line by line."""

    def __init__(self, report: Report, head: dict[str, Any]) -> None:
        self.report = report
        self.epoch: int = head["epoch"]
        self.round: str = head["round"]
        self.open = head["depth"] == "auditor"
        self.tree, self._later_tree = Tree(), Tree()
        self.turns: Turns | None = None
        self._events: list[dict[str, Any]] = []
        self._later: list[dict[str, Any]] = []
        self._applications, self._verdicts, self._entries, self._requests = Digest(), Digest(), Digest(), Digest()
        self._marks, self._marked = Digest(), 0
        self._pledges: dict[str, int] = {}
        self._last, self._reached = ("", -1, ""), 0
        self._standing, self._aside, self._firms = SortedRuns(), SortedRuns(), SortedRuns()
        self._count = 0

    def take(self, number: int, record: dict[str, Any]) -> None:
        opened = record.pop("open", None)
        kind = record.get("type")
        self._section(number, kind)
        for name in WHOLE.get(str(kind), ()):
            if type(record[name]) is not int:
                raise UnreadableError(f"line {number}: {name} is {record[name]!r}, which is no whole number")
        if kind == "later":
            self._later.append(record)
            self._later_tree.add(canonical(record))
            return
        self.tree.add(canonical(record))
        if kind in ("request", "entry"):
            self._unseal(number, record, opened)
        match kind:
            case "event":
                self._events.append(record)
            case "pledges":
                self._begin(record)
            case "request" if self.turns:
                self._ordered(number, "1 request", record["request"])
                self._requests.add([record["request"], record["version"], record["payload_hash"]])
                if record["request"] not in self._cancelled:
                    self._matching.ask(record)
                    self._releases.ask(record)
                if opened is not None:
                    self._request_opened(number, record, opened)
            case "entry" if self.turns:
                self._ordered(number, "2 entry", record["application"])
                self._entry(number, record, opened)
            case _:
                raise UnreadableError(f"line {number}: {kind} comes before the pledges")

    def _section(self, number: int, kind: Any) -> None:
        """Records stand type by type, the pledges once."""
        if kind not in SECTIONS:
            raise UnreadableError(f"line {number}: there is no record of type {kind!r}")
        section = SECTIONS.index(kind)
        if section < self._reached or section == self._reached == SECTIONS.index("pledges"):
            self.report.wrong(
                f"line {number}: a record of type {kind} has no place after those of {SECTIONS[self._reached]}"
            )
        self._reached = max(section, self._reached)

    def _begin(self, record: dict[str, Any]) -> None:
        for fault in misplaced(self._events, self.epoch):
            self.report.wrong(fault)
        self.turns = turns = turns_of(self._events, self.epoch)
        self._seeds = turns.seeds()
        self._committed = sorted(turns.committed)
        self._admitted = {
            identifier: event["body"]["epoch"]
            for event in self._events
            if event["event"] == "EpochOpened"
            for identifier in event["body"].get("admitted", ())
        }
        self._pledges = dict(record["pledges"])
        self._matching = Matching(turns.policy, self._pledges)
        self._releases = Releases(turns.policy, self._pledges)
        before = [event["body"] for event in self._events if event["event"] == "ReleaseOpened"]
        self._left = {one["application"]: one["cause"] for body in before for one in body["leaving"]}
        self._cancelled = {one["request"] for body in before for one in body["cancelled"]}
        self._judging = Judging(turns.policy, turns.opened["policy_hash"])
        scoring = turns.policy.get("scoring")
        self._threshold: int | None = scoring.get("threshold", 0) if scoring else None
        self._by_score = turns.policy["method"] == "score"

    def _unseal(self, number: int, record: dict[str, Any], opened: Any) -> None:
        if self.open and opened is None:
            self.report.wrong(f"line {number}: the auditor's depth has nothing opened here")
        elif opened is not None and json_hash(opened) != record["sealed"]:
            self.report.wrong(f"line {number}: what is opened is not what was sealed")

    def _ordered(self, number: int, kind: str, identifier: str) -> None:
        place = (kind, bucket_of(identifier), identifier)
        if place <= self._last:
            self.report.wrong(f"line {number}: {identifier} does not stand in order, or stands twice")
        self._last = place

    def _request_opened(self, number: int, record: dict[str, Any], opened: dict[str, Any]) -> None:
        facts = opened["facts"]
        if (
            not opened["nonce"]
            or sha256_hex(bytes.fromhex(opened["nonce"]) + canonical(facts)) != record["payload_hash"]
        ):
            self.report.wrong(f"line {number}: payload_hash is not of these facts")
        for name in ("class_code", "quantity", "budget_won", "price_ceiling_won", "region", "delivery_days_at_most"):
            if record[name] != facts.get(name):
                self.report.wrong(f"line {number}: {name} is {facts.get(name)!r} in the facts, {record[name]!r} here")
        if record["certificate_kinds"] != list(facts.get("certificate_kinds", [])):
            self.report.wrong(f"line {number}: certificate_kinds are not those of the facts")

    def _entry(self, number: int, entry: dict[str, Any], opened: dict[str, Any] | None) -> None:
        identifier, version, payload = entry["application"], entry["version"], entry["payload_hash"]
        self._count += 1
        self._applications.add([identifier, version, payload])
        self._verdicts.add([identifier, version, payload, entry["judged_in"], entry["outcome"], entry["findings_hash"]])
        self._entries.add([identifier, entry["outcome"], entry["tickets"], entry["score"]])
        if opened is not None:
            if opened.get("marks"):
                self._marks.add([identifier, opened["marks"]])
                self._marked += len(opened["marks"])
            for fault in self._judging.faults(entry, opened, self.epoch):
                self.report.wrong(f"line {number}: {identifier}: {fault}")
            self._firms.add(f"{opened['facts']['applicant']['business_number']}\t{entry['firm']:012d}")
        reason = self._reason_aside(entry)
        if reason is None:
            self._stand(number, entry)
        else:
            stated = (entry["result"], entry["reason"], entry["position"], entry["key"], entry["awards"])
            if stated != ("not-selected", reason, None, None, []):
                self.report.wrong(f"line {number}: {identifier} does not stand in the draw: it is {reason}")
            self._aside.add(f"{identifier}\t{number}\t{_encode(_leaf(entry))}")

    def _reason_aside(self, entry: dict[str, Any]) -> str | None:
        if entry["outcome"] != "eligible" or entry["tickets"] == 0:
            return "ineligible"
        if self._threshold is not None and (entry["score"] or 0) < self._threshold:
            return "below-threshold"
        return self._left.get(entry["application"])

    def _stand(self, number: int, entry: dict[str, Any]) -> None:
        identifier = entry["application"]
        under = self._drawn_under(identifier)
        if entry["drawn_under"] != under:
            self.report.wrong(f"line {number}: {identifier} draws under epoch {under}, not {entry['drawn_under']}")
        seed = self._seeds.get(entry["drawn_under"])
        if seed is None:
            self.report.wrong(
                f"line {number}: {identifier} draws under epoch {entry['drawn_under']}, which has no seed"
            )
            return
        tickets = (f"{seed}:{identifier}:{ticket}".encode() for ticket in range(1, entry["tickets"] + 1))
        key = min(sha256_hex(ticket) for ticket in tickets)
        if key != entry["key"]:
            self.report.wrong(f"line {number}: the draw key of {identifier} is {key}")
        score = 10**16 - (entry["score"] or 0) if self._by_score else 0
        self._standing.add(f"{score:017d}\t{key}\t{identifier}\t{number}\t{_encode(entry)}")

    def _drawn_under(self, identifier: str) -> int:
        """The epoch of the first commitment it could stand in: the round's first, but for who was admitted later."""
        admitted = self._admitted.get(identifier, 1)
        return min((epoch for epoch in self._committed if epoch >= admitted), default=0)

    def finish(self, end: dict[str, Any], expected: dict[str, str]) -> None:
        report, turns = self.report, self.turns
        if turns is None:
            raise UnreadableError("it has no pledges, and so nothing that was committed")
        report.same(
            (end["records"], end["root"]) == (self.tree.size, self.tree.root().hex()),
            f"{self.tree.size} records are those of the bundle's root {end['root']}",
            f"the bundle's root: {self.tree.size} records give {self.tree.root().hex()}, stated are {end['records']} "
            f"with {end['root']}",
        )
        report.same(
            (end["later"], end["later_root"]) == (self._later_tree.size, self._later_tree.root().hex()),
            f"{self._later_tree.size} events that came later are those of their root",
            "the events that came later are not those of their root",
        )
        of_round = {event["body"]["round"] for event in (*self._events, *self._later)}
        report.same(of_round == {self.round}, f"all is of round {self.round}", f"events are of {sorted(of_round)}")
        self._inputs(turns)
        self._chance(turns)
        self._selection(turns)
        self._given_out(turns)
        if self.open:
            self._firms_told_apart()
        self._officers(turns)
        for name, stated in (
            ("commitment", turns.commitment["commitment_root"]),
            ("selection", turns.proposed["selection_root"]),
        ):
            if name in expected:
                what = f"the {name} root is the one you hold, {expected[name]}"
                report.same(stated == expected[name], what, f"the {name} root is {stated}, you hold {expected[name]}")
            else:
                report.not_checked.append(
                    f"that {stated} is the {name} root that was published then: compare it with a copy of your own "
                    f"(--{name}), such as an institution's RoundNoticed"
                )
        self._say_what_is_left(turns)

    def _inputs(self, turns: Turns) -> None:
        report, committed = self.report, turns.commitment
        policy_hash = json_hash(turns.policy)
        report.same(
            policy_hash == turns.opened["policy_hash"] == committed["policy_hash"],
            "the policy is the one that was opened and committed",
            f"the policy's hash is {policy_hash}",
        )
        for what, digest, manifest, name in (
            ("applications", self._applications, turns.frozen["applications"], "applications_root"),
            ("purchase requests", self._requests, turns.frozen["requests"], "requests_root"),
            ("verdicts", self._verdicts, turns.completed["verdicts"], "verdicts_root"),
        ):
            buckets, root = digest.differing(manifest), digest.root()
            report.same(
                not buckets and root == manifest["root"] == committed[name],
                f"{sum(digest.counts())} {what} are those of the manifest, bucket by bucket, and of the commitment",
                f"{what} differ from the manifest or the commitment; buckets: {buckets or 'none'}; root: {root}",
            )
        report.same(
            self._entries.root() == committed["entries_root"] and self._count == committed["entries"],
            "outcome, tickets and score of every entry are those committed",
            f"entries make the root {self._entries.root()}, committed was {committed['entries_root']}",
        )
        report.same(
            json_hash(sorted(self._pledges.items())) == committed["pledges_root"],
            "pledges are those committed",
            "pledges are not those committed",
        )
        names = (
            "round",
            "epoch",
            "applications_root",
            "requests_root",
            "verdicts_root",
            "entries_root",
            "pledges_root",
        )
        for epoch, one in sorted(turns.committed.items()):
            root = json_hash({name: one[name] for name in (*names, "policy_hash")})
            report.same(
                root == one["commitment_root"],
                f"the commitment of epoch {epoch} is made of its roots",
                f"the commitment of epoch {epoch}: its roots make {root}, not {one['commitment_root']}",
            )

    def _chance(self, turns: Turns) -> None:
        report, main = self.report, self._committed[0]
        if (turns.commitment.get("seed_epoch") or self.epoch) != main:
            report.wrong(f"the seed is of the first commitment, epoch {main}, not of {turns.commitment['seed_epoch']}")
        if main > 1:
            report.not_checked.append(f"that nothing was committed before epoch {main}: milestones.v1 would have it")
        report.same(
            self._seeds.get(main) == turns.proposed["seed"],
            f"the seed is of the commitment of epoch {main} and the source's value",
            f"the seed is {self._seeds.get(main)}, not {turns.proposed['seed']}",
        )
        sources = {source["source"]: source for source in turns.opened["sources"]}
        for epoch, value in sorted(turns.values.items()):
            source, committed = sources.get(value["source"]), turns.committed.get(epoch)
            if source is None or committed is None:
                report.wrong(f"the value of epoch {epoch} is of no announced source, or of no commitment")
                continue
            later = epoch != main
            if later and value["source"] != self._supplementary(epoch):
                report.wrong(f"the value of epoch {epoch} is not of the source announced for it")
            turn = turns.opened["sources"].index(source)
            before = [] if later else turns.opened["sources"][:turn]
            due = first_due(committed["committed_at"], turns.opened["lead_seconds"], [*before, source])
            report.same(
                moment(value["due_at"]) == due and moment(value["recorded_at"]) >= due,
                f"the value of {value['source']} for epoch {epoch} is the first due a lead after the commitment",
                f"the value of {value['source']} for epoch {epoch} was due at {due.isoformat()}",
            )
            for failed in before:
                report.not_checked.append(f"that {failed['source']}, which stands before it, gave no value in time")
            if source["kind"] == "drand":
                self._beacon(source, value, due)
            if source["kind"] == "rehearsal":
                report.not_checked.append("chance: this is a rehearsal, whose source is made from its announced seed")
            else:
                report.not_checked.append(
                    f"that {value['source']} gave {value['value']} at {value['due_at']}: look it up where it is "
                    f"published ({source['description']})"
                )

    def _supplementary(self, epoch: int) -> str | None:
        """The source announced for who was admitted since the commitment before that epoch's, by the newest act."""
        before = max((one for one in self._committed if one < epoch), default=0)
        opened = [event["body"] for event in self._events if event["event"] == "EpochOpened"]
        announced = [
            (body["epoch"], body["supplementary_source"])
            for body in opened
            if before < body["epoch"] <= epoch and body.get("supplementary_source")
        ]
        source: str | None = max(announced, default=(0, None))[1]
        return source

    def _beacon(self, source: dict[str, Any], value: dict[str, Any], due: datetime) -> None:
        number = int((due - moment(source["anchor"])).total_seconds()) // source["period_seconds"] + 1
        randomness = sha256_hex(bytes.fromhex(value["signature"] or ""))
        self.report.same(
            (value["value"], value["beacon_round"]) == (f"{randomness}/", number),
            f"the value is SHA-256 of the signature of drand round {number}",
            f"the value is not SHA-256 of its signature, or not of drand round {number}",
        )
        self.report.not_checked.append(
            f"the signature itself (BLS): round {number} of chain {source['chain_hash']} has it at any drand node"
        )

    def _selection(self, turns: Turns) -> None:
        report, tree, counts = self.report, Tree(), Counter[str]()
        position = 0
        for position, line in enumerate(self._standing.merged(), start=1):
            _, key, identifier, number, text = line.split("\t", 4)
            entry = json.loads(text)
            result, reason, reserve, awards = self._matching.place(entry)
            self._releases.place(entry, result, awards)
            counts[result] += 1
            if entry["position"] != position:
                report.wrong(f"line {number}: {identifier} stands at {position}, not at {entry['position']}")
            stated = [entry["result"], entry["reason"], entry["reserve_position"], entry["awards"]]
            if stated != [result, reason, reserve, awards]:
                report.wrong(
                    f"line {number}: {identifier} comes to {[result, reason, reserve, awards]}, not to {stated}"
                )
            tree.add(canonical([identifier, result, position, key, awards]))
        for line in self._aside.merged():
            counts["not-selected"] += 1
            tree.add(line.split("\t", 2)[2].encode())
        report.checked.append(
            f"{position} stood in the draw; positions, keys, matching and reserve were computed again"
        )
        root = tree.root().hex()
        stated_counts = tuple(turns.proposed[name] for name in ("selected", "reserve", "not_selected"))
        mine = (counts["selected"], counts["reserve"], counts["not-selected"])
        report.same(
            root == turns.proposed["selection_root"] and mine == stated_counts,
            f"{mine[0]} selected, {mine[1]} in reserve, {mine[2]} not: the selection root is {root}",
            f"the selection comes to {mine} with the root {root}, proposed was {stated_counts} "
            f"with {turns.proposed['selection_root']}",
        )

    def _given_out(self, turns: Turns) -> None:
        """The batches of this epoch, one after another from the proposal on."""
        said: dict[str, dict[int, dict[str, Any]]] = {"ReleaseOpened": {}, "ReleaseProposed": {}}
        for event in self._later:
            if event["event"] in said and event["body"]["epoch"] == self.epoch:
                kept, batch = said[event["event"]], _number(event["body"]["batch"], "batch")
                if batch in kept:
                    self.report.wrong(f"{event['event']} of batch {batch} stands twice")
                kept[batch] = event["body"]
        for number, (batch, opened) in enumerate(sorted(said["ReleaseOpened"].items()), start=1):
            proposed = said["ReleaseProposed"].get(batch)
            follows = batch == number and opened["selection_root"] == turns.proposed["selection_root"]
            if not follows or not two_officers(opened["actors"]):
                self.report.wrong(f"batch {batch} does not follow on this proposal, or not two officers opened it")
            root, state, counts = self._releases.give_out(opened)
            if proposed is None:
                self.report.not_checked.append(f"batch {batch}, which is opened and not proposed yet")
                continue
            stated = [proposed[name] for name in ("batch_root", "state_hash", "promoted", "changed", "withdrawn")]
            self.report.same(
                [root, state, *counts] == stated,
                f"batch {batch} was given out again: {counts[0]} promoted, {counts[1]} changed, {counts[2]} withdrawn; "
                f"its root is {root}",
                f"batch {batch} comes to {counts} with the root {root}, proposed was {stated}",
            )
            self._batch_confirmed(batch, root)

    def _batch_confirmed(self, batch: int, root: str) -> None:
        """By a confirmation of its own, of a later batch, or of the selection after it."""
        confirmed = [
            event["body"]
            for event in self._later
            if event["event"] in ("ReleaseConfirmed", "SelectionConfirmed")
            and event["body"]["epoch"] == self.epoch
            and (event["body"].get("batch") or 0) >= batch
        ]
        if not confirmed:
            self.report.not_checked.append(f"that officers confirmed batch {batch}: the bundle has no confirmation")
        for body in confirmed:
            if (body["batch"] == batch and body["batch_root"] != root) or not two_officers(body["actors"]):
                self.report.wrong(
                    f"the confirmation of batch {body['batch']} is not of its root, or not by two officers"
                )

    def _firms_told_apart(self) -> None:
        numbers, told = 0, set()
        for _, lines in groupby(self._firms.merged(), key=lambda line: line.partition("\t")[0]):
            firms = {line.partition("\t")[2] for line in lines}
            numbers += 1
            told |= firms
            if len(firms) > 1:
                self.report.wrong(f"one business number stands as firms {', '.join(sorted(map(str, map(int, firms))))}")
        self.report.same(
            len(told) == numbers,
            f"{numbers} firms are told apart by their business numbers",
            f"{numbers} business numbers stand as {len(told)} firms",
        )

    def _officers(self, turns: Turns) -> None:
        confirmed = [
            event["body"]
            for event in self._later
            if event["event"] == "SelectionConfirmed" and event["body"]["epoch"] == self.epoch
        ]
        if not confirmed:
            self.report.not_checked.append("that officers confirmed it: the bundle has no confirmation of this epoch")
            return
        if len(confirmed) > 1:
            self.report.wrong(f"SelectionConfirmed of epoch {self.epoch} stands twice")
        roots = [confirmed[-1]["commitment_root"], confirmed[-1]["selection_root"]]
        actors = confirmed[-1]["actors"]
        right = roots == [turns.commitment["commitment_root"], turns.proposed["selection_root"]]
        self.report.confirmed = right and two_officers(actors)
        self.report.same(
            self.report.confirmed,
            f"two officers confirmed exactly these roots: {' and '.join(sorted(one['name'] for one in actors))}",
            "the confirmation is not of these roots, or not by two officers",
        )

    def _panel(self, turns: Turns) -> None:
        closed = turns.scores_closed
        if not self.open:
            self.report.not_checked.append(
                "the panel's marks, which the scores are made of: the auditor's depth opens them"
            )
        elif closed is None:
            self.report.wrong("nobody closed the panel's marks before the commitment")
        elif self._marked > closed["marks"] or (self._marked < closed["marks"] and self.epoch == 1):
            self.report.wrong(f"{self._marked} marks are opened, {closed['marks']} were closed")
        elif self._marked < closed["marks"]:
            self.report.not_checked.append(
                f"the root of the {closed['marks']} marks closed: {self._marked} are of applications in the set"
            )
        else:
            self.report.same(
                self._marks.root() == closed["marks_root"],
                f"the panel's {self._marked} marks are those two officers closed",
                f"the panel's marks make the root {self._marks.root()}, closed was {closed['marks_root']}",
            )

    def _say_what_is_left(self, turns: Turns) -> None:
        say = self.report.not_checked.append
        if not self.open:
            say("that outcomes, tickets and offers follow from what firms stated: the auditor's depth opens that")
        else:
            say("that each finding follows from the facts: `firstbuy simulate` judges them again")
        if (turns.policy.get("scoring") or {}).get("panel_points"):
            self._panel(turns)
        if self.epoch > 1:
            say("that tickets of later epochs are the least of what was judged before: earlier bundles show those")
        say("that what firms and institutions stated is true")


def _leaf(entry: dict[str, Any]) -> list[Any]:
    return [entry["application"], entry["result"], entry["position"], entry["key"], entry["awards"]]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def first_due(committed_at: str, lead_seconds: int, sources: list[dict[str, Any]]) -> datetime:
    """When the value of the last of `sources` is due: of the first at its first drawing a lead after the commitment,
    of each other at its first drawing once the one before has failed."""
    zero = datetime(1970, 1, 1, tzinfo=UTC)
    second = int((moment(committed_at) - zero) / timedelta(seconds=1)) + 1 + lead_seconds
    for number, source in enumerate(sources, start=1):
        began = int(moment(source["anchor"]).timestamp()) if source.get("anchor") else 0
        second = began - (began - second) // source["period_seconds"] * source["period_seconds"]
        if number < len(sources):
            second += source.get("fails_after_seconds") or source["period_seconds"]
    return zero + timedelta(seconds=second)


def examine(source: IO[bytes], expected: dict[str, str] | None = None) -> Report:
    """`expected`: roots you hold, under `commitment` and `selection`."""
    report = Report()
    try:
        lines = lines_of(source, report)
        _, head = next(lines, (0, {}))
        if head.get("bundle") != FORMAT or head.get("depth") not in ("public", "auditor"):
            raise UnreadableError(f"its first line is no head of a bundle of format {FORMAT}")
        report.depth = head["depth"]
        examination = Examination(report, head)
        for number, record in lines:
            if record.get("type") == "end":
                examination.finish(record, expected or {})
                if next(lines, None) is not None:
                    raise UnreadableError(f"line {number} is its end, and something follows")
                return report
            examination.take(number, record)
        raise UnreadableError("it has no end: it was cut off")
    except UnreadableError as error:
        report.wrong(str(error))
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, re.error) as error:
        report.wrong(f"a record is not as the format has it: {type(error).__name__}: {error}")
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description="Check the evidence of a round's result.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--commitment", type=_root, help="the commitment root you hold")
    parser.add_argument("--selection", type=_root, help="the selection root you hold")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    expected = {name: root for name in ("commitment", "selection") if (root := getattr(given, name))}
    try:
        with given.bundle.open("rb") as source:
            report = examine(source, expected)
    except OSError as error:
        print(f"{given.bundle}: {error.strerror}", file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(vars(report), ensure_ascii=False, indent=1))
    else:
        for mark, told in (("✓", report.checked), ("✗", report.differs), ("?", report.not_checked)):
            for what in told:
                print(f"{mark} {what}")
        if report.more:
            print(f"✗ and {report.more} more")
        print(f"{report.depth} depth: {report.verdict()}")
    return 1 if report.differs else 0 if report.confirmed else 3


def _root(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no root: 64 digits of 0-9 and a-f")
    return text


if __name__ == "__main__":
    sys.exit(main())
