"""The evidence of one result: records of one canonical JSON line each, under one root (docs/evidence.md).

The public depth replaces confidential parts by their hash, `sealed`; the auditor's depth adds them as `open`. Records
are hashed without `open`, so both depths have the same root.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from services.selection.domain.leaves import award_leaves
from services.selection.domain.offers import Demand, Offer
from shared.proof.canonical import canonical_json, json_hash
from shared.proof.merkle import GrowingTree

_SEALED: Final = (
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
"""Events that lead to a proposal, in the order of a round's life; later events are outside the root. A release comes
after the proposal of its own epoch and before those of later epochs."""
_STATED_IN_V2: Final = {
    "RoundAnnounced": "announcement_root",
    "RoundAmended": "announcement_root",
    "RoundFrozen": "pledges",
    "SelectionProposed": "shown_root",
}
_SHOWN: Final = {
    "request": (
        "request",
        "institution",
        "class_code",
        "quantity",
        "budget_won",
        "price_ceiling_won",
        "certificate_kinds",
        "region",
        "delivery_days_at_most",
    ),
    "entry": (
        "application",
        "track",
        "firm",
        "class_code",
        "price_won",
        "capacity",
        "delivery_days",
        "regions",
        "certificates",
        "identity",
        "applicant",
        "product",
    ),
}


class Format(StrEnum):
    """The versions of the bundle format."""

    V1 = "firstbuy-evidence-v1"
    """For rounds with an event from before it had its root."""
    V2 = "firstbuy-evidence-v2"


class Depth(StrEnum):
    """How much a bundle shows."""

    PUBLIC = "public"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event of `rounds.v1` or `milestones.v1` as it was published."""

    type: str
    body: Mapping[str, Any]

    @property
    def epoch(self) -> int:
        number: int = self.body.get("epoch", 0)
        return number

    @property
    def batch(self) -> int:
        number: int = self.body.get("batch") or 0
        return number

    def record(self) -> dict[str, Any]:
        """The event's record in a bundle."""
        return {"type": "event", "event": self.type, "body": self.body}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An application's line of the proposal, with what was committed and judged about it."""

    application: str
    version: int
    payload_hash: str
    nonce: str | None
    facts: Mapping[str, Any]
    judged_in: int
    findings_hash: str
    findings: Sequence[Any]
    marks: Sequence[Any] | None
    """The panel's marks `[reviewer, version, points, conflict of interest]`, in order of reviewer; None if none."""
    outcome: str
    tickets: int
    score: int | None
    drawn_under: int
    firm: int
    """A number for the firm within the bundle, by its first application's id; the firm itself stays sealed."""
    position: int | None
    key: str | None
    result: str
    reason: str | None
    reserve_position: int | None
    awards: Sequence[Mapping[str, Any]]
    identity: str | None = None
    """How surely it comes from its firm; None for applications from before that was stated."""


def leading_to(events: Iterable[PublishedEvent], epoch: int) -> tuple[list[PublishedEvent], list[PublishedEvent]]:
    """The events that led to that epoch's proposal, in order; and those that came after it."""
    before: list[PublishedEvent] = []
    after: list[PublishedEvent] = []
    for event in events:
        last = epoch - 1 if event.type == "ReleaseOpened" else epoch
        (before if event.type in _SEALED and event.epoch <= last else after).append(event)
    before.sort(key=_in_order)
    return before, sorted(after, key=lambda event: (event.epoch, event.batch, event.type, json_hash(event.body)))


def format_of(events: Iterable[PublishedEvent]) -> Format:
    """V2 if every event of the round states what V2 requires, else V1."""
    asked = ((event, _STATED_IN_V2[event.type]) for event in events if event.type in _STATED_IN_V2)
    return Format.V2 if all(event.body.get(member) is not None for event, member in asked) else Format.V1


def _in_order(event: PublishedEvent) -> tuple[int, int, int, int, str]:
    number: int = event.body.get("amendment") or 0
    return event.epoch, _SEALED.index(event.type), event.batch, number, str(event.body.get("closes_at"))


def request_record(demand: Demand, version: int, payload_hash: str) -> dict[str, Any]:
    """The record of a purchase request."""
    return {
        "type": "request",
        "request": demand.request,
        "version": version,
        "payload_hash": payload_hash,
        "institution": demand.institution,
        "class_code": demand.class_code,
        "quantity": demand.quantity,
        "budget_won": demand.budget_won,
        "price_ceiling_won": demand.price_ceiling_won,
        "certificate_kinds": demand.certificate_kinds,
        "region": demand.region,
        "delivery_days_at_most": demand.delivery_days_at_most,
    }


def shown_entry(
    application: str, firm: int, offer: Offer, identity: str | None, names: tuple[str, str] | None
) -> dict[str, Any]:
    """The part of an entry's record that `shown_leaf` covers: all but its outcome, draw and result. `names`: of
    applicant and product, only for selected applications."""
    shown: dict[str, Any] = {
        "type": "entry",
        "application": application,
        "track": offer.track,
        "firm": firm,
        "class_code": offer.class_code,
        "price_won": offer.price_won,
        "capacity": offer.capacity,
        "delivery_days": offer.delivery_days,
        "regions": offer.regions,
        "certificates": offer.certificates,
    }
    if identity is not None:
        shown["identity"] = identity
    if names is not None:
        shown["applicant"], shown["product"] = names
    return shown


def entry_record(line: Line, offer: Offer) -> dict[str, Any]:
    """The record of an application."""
    names = (line.facts["applicant"]["name"], line.facts["product"]["name"]) if line.awards else None
    return shown_entry(line.application, line.firm, offer, line.identity, names) | {
        "version": line.version,
        "payload_hash": line.payload_hash,
        "judged_in": line.judged_in,
        "outcome": line.outcome,
        "findings_hash": line.findings_hash,
        "tickets": line.tickets,
        "score": line.score,
        "drawn_under": line.drawn_under,
        "position": line.position,
        "key": line.key,
        "result": line.result,
        "reason": line.reason,
        "reserve_position": line.reserve_position,
        "awards": award_leaves(line.awards),
    }


def shown_leaf(record: Mapping[str, Any]) -> bytes:
    """A leaf of `shown_root`: what the record of a request or entry shows and no other root covers."""
    return canonical_json([record.get(name) for name in _SHOWN[record["type"]]])


def opens(line: Line) -> dict[str, Any]:
    """What only the auditor's depth shows about an entry."""
    shown: dict[str, Any] = {"nonce": line.nonce, "facts": line.facts, "findings": line.findings}
    return shown if line.marks is None else shown | {"marks": line.marks}


class Bundle:
    """Writes the lines of one bundle, and computes the roots over them."""

    def __init__(self, round_id: str, epoch: int, depth: Depth, form: Format = Format.V1) -> None:
        self._head = {"bundle": form.value, "round": round_id, "epoch": epoch, "depth": depth.value}
        self._depth = depth
        self._tree, self._later = GrowingTree(), GrowingTree()

    def head(self) -> bytes:
        """The first line."""
        return canonical_json(self._head) + b"\n"

    def record(self, record: Mapping[str, Any], opens: Mapping[str, Any] | None = None) -> bytes:
        """A record's line. `opens`: what only the auditor's depth shows."""
        content = dict(record)
        if opens is not None:
            content["sealed"] = json_hash(opens)
        hashed = canonical_json(content)
        self._tree.add(hashed)
        if opens is None or self._depth is Depth.PUBLIC:
            return hashed + b"\n"
        return canonical_json(content | {"open": opens}) + b"\n"

    def later(self, event: PublishedEvent) -> bytes:
        """The line of an event after the proposal.

        These have a root of their own, since the first was final by then.
        """
        line = canonical_json(event.record() | {"type": "later"})
        self._later.add(line)
        return line + b"\n"

    def end(self) -> bytes:
        """The last line, with counts and roots."""
        ending = {
            "type": "end",
            "records": self._tree.size,
            "root": self._tree.root.hex(),
            "later": self._later.size,
            "later_root": self._later.root.hex(),
        }
        return canonical_json(ending) + b"\n"
