"""What parts of verify.py decide by themselves: each with its inputs and the right answer.

For what no bundle of the vectors comes to: bounds that are just reached, and shapes that no true record is near.
`tests/unit/test_verifier_parts.py` asks verify.py; the mutation run asks its mutants.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

from shared.proof.canonical import canonical_json, json_hash
from shared.proof.merkle import GrowingTree
from tests.support.verifier_tables import (
    ACTED_BY,
    ACTORS,
    BATCH_CONFIRMED,
    BATCHES,
    COMMITTED,
    CONDITION,
    DAYS,
    DRAWINGS,
    DRAWN,
    FACTS,
    HAS_ALL,
    HASH,
    JUDGED,
    LAST_DAYS,
    MATCHED,
    NOBODYS,
    PANEL_CLOSED,
    PATTERNS,
    POLICY,
    SETS,
    SHAPED,
    SIZES_OF_TREES,
    SUPPLEMENTARY,
    TAKEN_OUT,
    TRACK,
    WINDOWS,
)

Part = tuple[str, Callable[[Any], Any], Any]
"""(name, asks a module, right answer)."""
GENESIS = datetime(2018, 1, 1, tzinfo=UTC)


@dataclass
class _Events:
    """A life of which these events stand, by name and epoch."""

    events: dict[tuple[str, int], dict[str, Any]]

    def one(self, name: str, epoch: int, each: int = 0) -> dict[str, Any] | None:
        return self.events.get((name, epoch))

    def all(self, name: str) -> dict[int, dict[str, Any]]:
        return {epoch: body for (event, epoch), body in self.events.items() if event == name}


def _shaped(module: Any, kind: str, value: Any) -> bool:
    try:
        module.shaped(kind, value, "here")
    except module.UnreadableError:
        return False
    return True


def _ways(module: Any, pattern: str) -> int | None:
    try:
        ways: int = module.Ways(pattern).count()
    except module.SlowPatternError:
        return None
    return ways


def _matches(module: Any, pattern: str, number: str) -> bool:
    return module.pattern_of({"kind": "nep", "number_pattern": pattern}).fullmatch(number) is not None


def document(day: str) -> dict[str, Any]:
    return {"number": "1", "issued_on": day, "expires_on": None}


def _due(module: Any, *sources: dict[str, Any]) -> str:
    due: datetime = module.first_due(COMMITTED_AT, LEAD_SECONDS, list(sources))
    return due.isoformat()


@dataclass(frozen=True)
class Judged:
    """An entry as the auditor's depth opens it, and the checks that find it wrong."""

    name: str
    names: list[str]
    epoch: int = 1
    findings: list[dict[str, Any]] = field(default_factory=lambda: JUDGED)
    facts: dict[str, Any] = field(default_factory=lambda: FACTS)
    policy: dict[str, Any] = field(default_factory=lambda: POLICY)
    stated: dict[str, Any] = field(default_factory=dict)

    def asked(self) -> tuple[dict[str, Any], str, dict[str, Any], dict[str, Any], int]:
        """Policy, its hash, entry, what is opened of it, epoch. Whose findings and facts are true has three tickets."""
        hashed = {"as_of": self.policy["as_of"], "findings": self.findings, "policy_hash": HASH, "nonce": "00" * 16}
        product = self.facts["product"]
        entry = {
            "payload_hash": sha256(bytes(16) + canonical_json(self.facts)).hexdigest(),
            "findings_hash": json_hash(hashed),
            "outcome": "eligible",
            "tickets": 3,
            "score": None,
            "track": self.facts["track"],
            **{name: product[name] for name in ("class_code", "price_won", "capacity", "delivery_days")},
            "regions": [],
            "certificates": [],
            "awards": [],
        }
        opened = {"facts": self.facts, "findings": self.findings, "nonce": "00" * 16}
        return self.policy, HASH, entry | self.stated, opened, self.epoch


def _judged(module: Any, judged: Judged) -> list[str]:
    policy, policy_hash, entry, opened, epoch = judged.asked()
    return [name for name, _ in module.Judging(policy, policy_hash).faults(entry, opened, epoch)]


def _taken_out(module: Any, moved: dict[int, int], *, parked: bool = True, **opened: Any) -> bool:
    events = {} if parked else {("EligibilityCompleted", 1): {"epoch": 1}}
    body = {"epoch": 2, "judge_again": [], "judge_all": False, "amended": []} | opened
    return bool(module._taken_out(_Events(events), body, moved))


def _panel_closed(module: Any, epoch: int, closed: list[int], admitted: list[int], others: list[int]) -> bool:
    events: dict[tuple[str, int], dict[str, Any]] = {
        ("RoundOpened", 0): {"policy": {"scoring": {"panel_points": 70}}},
    }
    events |= {("ScoresClosed", one): {"epoch": one} for one in closed}
    events |= {("EpochOpened", one): {"epoch": one, "admitted": ["a"]} for one in admitted}
    events |= {("EpochOpened", other): {"epoch": other, "admitted": []} for other in others}
    return bool(module._panel_closed(_Events(events), epoch))


def _supplementary(module: Any, epoch: int) -> Any:
    events: dict[tuple[str, int], dict[str, Any]] = {
        ("EpochOpened", of): {"supplementary_source": source} for of, source in SUPPLEMENTARY.items()
    }
    turns = SimpleNamespace(life=_Events(events))
    return module.Examination._supplementary(SimpleNamespace(_committed=COMMITTED), turns, epoch)


def _beacon(module: Any, signature: str | None, due: datetime, beacon_round: int | None, **timetable: Any) -> list[str]:
    report = module.Report()
    source: dict[str, Any] = {
        "source": "drand",
        "anchor": "2018-01-01T00:00:00Z",
        "period_seconds": 30,
        "chain_hash": HASH,
    }
    source |= timetable
    value = {"signature": signature, "beacon_round": beacon_round}
    value["value"] = sha256(bytes.fromhex(signature or "")).hexdigest() + "/"
    module.Examination._beacon(SimpleNamespace(report=report), source, value, due)
    names: list[str] = report.names
    return names


def _drawing(module: Any, anchor: str, period: int, seconds: int) -> int:
    """The one of the first drawings whose value it takes; 0 for none."""
    due = datetime.fromisoformat(anchor).replace(microsecond=0) + timedelta(seconds=seconds)
    taken = [
        number for number in (1, 2, 3) if not _beacon(module, "ab", due, number, anchor=anchor, period_seconds=period)
    ]
    return sum(taken)


def _batch_confirmed(module: Any, batch: int, *later: tuple[str, int, int | None]) -> bool:
    events = [{"event": name, "body": {"epoch": epoch, "batch": of}} for name, epoch, of in later]
    return bool(module.Examination._batch_confirmed(SimpleNamespace(epoch=2, _later=events), batch))


def _given_out(module: Any) -> list[Any]:
    """Which batches are given out in epoch 2, of those that stand in the bundle."""
    bodies = [{"epoch": epoch, "batch": batch} for epoch, batch in ((1, 1), (2, 1), (3, 2))]
    given: list[Any] = []

    def give_out(opened: Any) -> tuple[str, str, list[int]]:
        given.append((opened["epoch"], opened["batch"]))
        return HASH, HASH, [0, 0, 0]

    report = module.Report()
    later = [{"event": "ReleaseOpened", "body": body} for body in bodies]
    releases = SimpleNamespace(give_out=give_out)
    module.Examination._given_out(SimpleNamespace(epoch=2, _later=later, _releases=releases, report=report), None)
    return [*given, len(report.not_checked)]


def _has_all(module: Any, epoch: int, count: int) -> bool:
    events: dict[tuple[str, int], dict[str, Any]] = {
        ("RoundFrozen" if of == 1 else "EpochOpened", of): {
            "epoch": of,
            "applications": {"count": many},
            "admitted": admitted,
        }
        for of, (many, admitted) in SETS.items()
    }
    events |= {("EpochOpened", 4): {"epoch": 4}}
    turns = SimpleNamespace(life=_Events(events), epoch=epoch, frozen={"applications": {"count": count}})
    return bool(module.Turns.has_all(turns))


def _panel(module: Any, marked: int, closed: int, *, all_there: bool) -> list[Any]:
    """The checks that find fault, and how much is left unchecked."""
    report = module.Report()
    marks = SimpleNamespace(root=lambda: HASH)
    turns = SimpleNamespace(scores_closed={"marks": closed, "marks_root": HASH}, has_all=lambda: all_there)
    module.Examination._panel(SimpleNamespace(report=report, open=True, _marked=marked, _marks=marks), turns)
    return [*report.names, len(report.not_checked)]


def _window(module: Any, opens_at: str, closes_at: str) -> list[str]:
    body: dict[str, Any] = {
        "opens_at": opens_at,
        "closes_at": closes_at,
        "policy": {"policy": "p"},
        "policy_hash": HASH,
    }
    body |= {"epoch": 0, "institutions": []}
    life = SimpleNamespace(
        events=[{"event": "RoundOpened", "body": body}],
        one=lambda *_: None,
        all=lambda *_: {},
        released=list,
        terms={},
    )
    return [name for name, _ in module.unsound(life, 1) if name == "window"]


def _batch_time(module: Any, proposed_at: str, opened_at: str) -> list[str]:
    life = _Events({("ReleaseProposed", 1): {"proposed_at": proposed_at}})
    faults = module._batch_faults(life, "ReleaseOpened", {"epoch": 1, "batch": 2, "opened_at": opened_at})
    return [name for name, _ in faults]


def _tree(module: Any, size: int) -> str:
    tree = module.Tree()
    for number in range(size):
        tree.add(str(number).encode())
    root: bytes = tree.root()
    return root.hex()


def root_of(size: int) -> str:
    tree = GrowingTree()
    for number in range(size):
        tree.add(str(number).encode())
    return tree.root.hex()


def _of(rule: str, outcome: str) -> dict[str, Any]:
    return {"rule": rule, "legal_source": "l", "outcome": outcome, "decides": True}


def _rich() -> dict[str, Any]:
    return FACTS | {"applicant": {"name": "A", "supply_record": {"won": 50, "count": 1}}}


def _certified(issued_on: str, number: str = "N1", **stated: Any) -> dict[str, Any]:
    return FACTS | {"certificates": [{"kind": "nep", "number": number, "issued_on": issued_on} | stated]}


HELD = {"certificates": ["nep"]}
TWO_RULES = POLICY | {"tracks": [TRACK | {"conditions": [CONDITION, CONDITION | {"rule": "judging"}]}]}
ENTRIES = (
    Judged("a true entry", []),
    Judged("tickets too few", ["tickets"], stated={"tickets": 2}),
    Judged("tickets too many", ["tickets"], 2, stated={"tickets": 4}),
    Judged("fewer tickets in a later epoch", [], 2, stated={"tickets": 2}),
    Judged("tickets of no step", ["tickets"], 2, facts=_rich()),
    Judged("judging among others", ["outcome"], findings=[*JUDGED, _of("judging", "fail")]),
    Judged("judging, which the policy has", ["outcome"], findings=[*JUDGED, _of("judging", "pass")], policy=TWO_RULES),
    Judged("a track of nobody", [], facts=NOBODYS, findings=[_of("track", "fail")], stated={"outcome": "ineligible"}),
    Judged("a track of nobody, and eligible", ["outcome"], facts=NOBODYS, findings=[_of("track", "fail")]),
    Judged("a track of nobody, by another rule", ["outcome"], facts=NOBODYS, stated={"outcome": "ineligible"}),
    Judged("held on its first day", [], facts=_certified("2018-08-20"), stated=HELD),
    Judged("held before its first day", ["offer"], facts=_certified("2018-08-21"), stated=HELD),
    Judged("held on its last day", [], facts=_certified("2017-08-20"), stated=HELD),
    Judged("held after its last day", ["offer"], facts=_certified("2017-08-19"), stated=HELD),
    Judged("held to the day it says", [], facts=_certified("2010-01-01", expires_on="2018-08-20"), stated=HELD),
    Judged(
        "held past the day it says", ["offer"], facts=_certified("2010-01-01", expires_on="2018-08-19"), stated=HELD
    ),
    Judged("held by another number", ["offer"], facts=_certified("2018-08-20", "X1"), stated=HELD),
    Judged("held for ever", [], facts=_certified("9999-12-31", expires_on="9999-12-31"), stated={}),
)
SOURCES: dict[str, tuple[list[dict[str, Any]], str]] = {
    "one": ([{"period_seconds": 60}], "2018-08-20T00:02:00+00:00"),
    "a second, by the first's failing": (
        [{"period_seconds": 60, "fails_after_seconds": 600}, {"period_seconds": 60}],
        "2018-08-20T00:12:00+00:00",
    ),
    "a second, by the first's period": ([{"period_seconds": 60}, {"period_seconds": 60}], "2018-08-20T00:03:00+00:00"),
    "one whose anchor has a fraction": (
        [{"period_seconds": 3600, "anchor": "2018-08-19T00:30:00.5Z"}],
        "2018-08-20T00:30:00+00:00",
    ),
    "one whose anchor is before 1970": (
        [{"period_seconds": 3600, "anchor": "1969-12-31T23:30:00.5Z"}],
        "2018-08-20T00:30:01+00:00",
    ),
    "one whose anchor is just after 1970": (
        [{"period_seconds": 3600, "anchor": "1970-01-01T00:00:00.5Z"}],
        "2018-08-20T01:00:00+00:00",
    ),
    "the last moment": (
        [{"period_seconds": 10**12, "anchor": "9999-12-31T23:59:59Z"}],
        "9999-12-31T23:59:59+00:00",
    ),
    "one with an anchor": ([{"period_seconds": 3600, "anchor": "2018-08-19T00:30:00Z"}], "2018-08-20T00:30:00+00:00"),
}
COMMITTED_AT, LEAD_SECONDS = "2018-08-20T00:00:30Z", 60


def _asking(ask: Callable[..., Any], *given: Any, **named: Any) -> Callable[[Any], Any]:
    return lambda module: ask(module, *given, **named)


def _called(module: Any, name: str, *given: Any) -> Any:
    return getattr(module, name)(*given)


def _last_day(module: Any, start: str, years: int) -> str:
    last: date = module.last_day(date.fromisoformat(start), years)
    return last.isoformat()


def parts() -> list[Part]:
    return [*_written(), *_of_lives(), *_of_examinations()]


def _written() -> Iterator[Part]:
    """What is decided of a text, a record, a day or an entry by itself."""
    yield from ((f"tree of {size}", _asking(_tree, size), root_of(size)) for size in SIZES_OF_TREES)
    for number, (kind, value, right) in enumerate(SHAPED):
        yield f"shape {number} of {kind}", _asking(_shaped, kind, value), right
    for text, ways in PATTERNS.items():
        yield f"pattern {text}", _asking(_ways, text), ways
    for text, number_, right in MATCHED:
        yield f"{text} and {number_!r}", _asking(_matches, text, number_), right
    for day, right in DAYS.items():
        yield f"the day {day}", _asking(_shaped, "Document", document(day)), right
    for text, right in DRAWN.items():
        yield f"drawn {text}", _asking(_called, "written_as_drawn", text), right
    for name, (given, due) in SOURCES.items():
        yield f"due of {name}", _asking(_due, *given), due
    for entry in ENTRIES:
        yield entry.name, _asking(_judged, entry), entry.names
    for (start, years), last in LAST_DAYS.items():
        yield f"{years} years from {start}", _asking(_last_day, start, years), last
    for (anchor, period, seconds), drawing in DRAWINGS.items():
        name = f"the drawing {seconds} s from {anchor}"
        yield name, _asking(_drawing, anchor, period, seconds), drawing


def _of_lives() -> Iterator[Part]:
    """What is decided of events beside each other."""
    for by, allowed in ACTED_BY.items():
        for who, actors in ACTORS.items():
            name = f"{by} by {who}"
            yield name, _asking(_called, "acted", by, actors), who in allowed
    for name, (moved, parked, opened, right) in TAKEN_OUT.items():
        yield name, _asking(_taken_out, moved, parked=parked, **opened), right
    for name, (epoch, closed, admitted, others, right) in PANEL_CLOSED.items():
        yield name, _asking(_panel_closed, epoch, closed, admitted, others), right
    for name, (opens_at, closes_at, faults) in WINDOWS.items():
        yield name, _asking(_window, opens_at, closes_at), faults
    for name, (proposed_at, opened_at, faults) in BATCHES.items():
        yield name, _asking(_batch_time, proposed_at, opened_at), faults
    for epoch, source in SUPPLEMENTARY.items():
        yield f"the source of who was admitted up to epoch {epoch}", _asking(_supplementary, epoch), source
    for name, (epoch, count, right) in HAS_ALL.items():
        yield name, _asking(_has_all, epoch, count), right


def _of_examinations() -> Iterator[Part]:
    """What an examination decides of values, batches and marks."""
    yield "a beacon's value", _asking(_beacon, "ab", GENESIS, 1), []
    yield "a beacon without a signature", _asking(_beacon, None, GENESIS, 2), ["beacon"]
    day, half = timedelta(days=1), timedelta(seconds=30)
    yield "a beacon before its genesis", _asking(_beacon, "ab", GENESIS - day, -2879), ["beacon"]
    yield "a beacon's round of none", _asking(_beacon, "ab", GENESIS - half, 0), ["beacon"]
    for name, (batch, later, right) in BATCH_CONFIRMED.items():
        yield name, _asking(_batch_confirmed, batch, later), right
    yield "batches of the epoch alone", _given_out, [(2, 1), 1]
    yield "all marks", _asking(_panel, 3, 3, all_there=True), [0]
    yield "marks of who left", _asking(_panel, 3, 4, all_there=False), [1]
    yield "marks of nobody", _asking(_panel, 3, 4, all_there=True), ["marks-more", 0]
    yield "more marks than were closed", _asking(_panel, 3, 2, all_there=False), ["marks-more", 0]
