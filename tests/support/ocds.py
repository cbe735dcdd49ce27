"""A round in which everything happens that open data tells of, as plain values."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from services.selection.domain.ocds.awards import Selected, SelectedSet, awardings
from services.selection.domain.ocds.names import Names
from services.selection.domain.ocds.process import DatedEvent, Process
from services.selection.domain.ocds.purchases import Reported
from services.selection.domain.ocds.release import Publication, supplier
from services.selection.domain.offers import Award, Demand
from shared.contracts.events import (
    BUCKETS,
    InputsCommitted,
    Invitation,
    Manifest,
    Rehearsal,
    RoundAmended,
    RoundAnnounced,
    RoundExtended,
    RoundFrozen,
    RoundOpened,
    RoundVoided,
    SelectionConfirmed,
    Source,
    SourceKind,
)
from shared.contracts.policy import Titled
from shared.contracts.values import Actor
from shared.programme.purchases import Report
from tests.data.facts import policy
from tests.support.rounds import business_number

ROUND: Final = "2018-h2"
PUBLICATION: Final = Publication(
    prefix="ocds-000000",
    publisher="운영기관",
    publisher_uri="https://office.example.org",
    licence="https://licence.example.org/by",
    address="https://data.example.org",
)
OPENS = datetime(2018, 8, 16, tzinfo=UTC)
CLOSES = datetime(2018, 9, 14, 9, tzinfo=UTC)
LATER = datetime(2018, 9, 15, 9, tzinfo=UTC)
PLEDGES = (Invitation(institution="kepco", pledge_won=30_000_000), Invitation(institution="lh", pledge_won=20_000_000))
_ACT: dict[str, Any] = {
    "round": ROUND,
    "actors": (Actor(name="officer one", role="officer"),),
    "reason": "the portal was down",
}
_SOURCE = Source(source="lotto", kind=SourceKind.RFC3797, period_seconds=604_800, description="six numbers")
_WINDOW: dict[str, Any] = {"title": "2018년 하반기", "opens_at": OPENS, "closes_at": CLOSES}
_TERMS: dict[str, Any] = {"policy_hash": "0" * 64, "lead_seconds": 86_400, "sources": (_SOURCE,)}


def announced(rehearsal: Rehearsal | None = None) -> RoundAnnounced:
    return RoundAnnounced(**_ACT, **_WINDOW, **_TERMS, policy=ROUND, rehearsal=rehearsal)


def amended(number: int = 1) -> RoundAmended:
    window = {"title": f"고친 이름 {number}", "opens_at": OPENS, "closes_at": LATER}
    stated = {"amendment": number, "amended_at": OPENS - timedelta(days=5), "policy": ROUND}
    return RoundAmended(**_ACT | {"reason": "a day more"}, **window, **_TERMS, **stated)


def opened(file: str = ROUND) -> RoundOpened:
    return RoundOpened(**_ACT, **_WINDOW, **_TERMS, policy=policy(file), institutions=PLEDGES)


def extended() -> RoundExtended:
    return RoundExtended(**_ACT, closes_at=LATER, closed_at_before=CLOSES)


def frozen() -> RoundFrozen:
    def manifest(count: int) -> Manifest:
        return Manifest(count=count, root="1" * 64, counts=(0,) * BUCKETS, roots=("2" * 64,) * BUCKETS)

    sets = {"applications": manifest(5), "requests": manifest(2)}
    return RoundFrozen(**_ACT, epoch=1, frozen_at=LATER, closes_at=LATER, pledges=PLEDGES, **sets)


def committed(epoch: int, month: int, day: int) -> InputsCommitted:
    roots = ("applications", "requests", "verdicts", "entries", "pledges", "commitment")
    hashes = {f"{name}_root": str(epoch) * 64 for name in roots}
    at = datetime(2018, month, day, tzinfo=UTC)
    return InputsCommitted(round=ROUND, epoch=epoch, **hashes, policy_hash="0" * 64, entries=5, committed_at=at)


def confirmed(epoch: int, day: int) -> SelectionConfirmed:
    roots = {"commitment_root": "1" * 64, "selection_root": "2" * 64}
    return SelectionConfirmed(**_ACT, epoch=epoch, **roots, confirmed_at=datetime(2018, 10, day, tzinfo=UTC))


def voided() -> RoundVoided:
    return RoundVoided(**_ACT, voided_at=datetime(2018, 9, 20, tzinfo=UTC))


def selected(number: int, *lines: Award) -> Selected:
    return Selected(
        application=f"application-{number}",
        product=f"제품 {number}",
        class_code="41112201",
        price_won=1_000_000,
        supplier=supplier(f"시험기업 {number}", business_number(number)),
        lines=lines,
    )


def line(request: str = "kepco/r1", quantity: int = 2) -> Award:
    return Award(request, request.partition("/")[0], quantity, quantity * 1_000_000)


def standing(occasion: str, at: datetime, *products: Selected, **more: Any) -> SelectedSet:
    return SelectedSet(
        occasion=occasion, at=at, selected={product.application: product for product in products}, **more
    )


def report(at: datetime, quantity: int | None, of: Selected) -> Reported:
    """What was contracted in all by then; None: the institution does not buy."""
    said = (
        Report(quantity=quantity, amount_won=quantity * 950_000, contracted_on=date(2018, 11, 1))
        if quantity
        else Report()
    )
    return Reported(at=at, selected=of, line=of.lines[0], report=said)


STANDINGS = (
    standing("confirmed-1", confirmed(1, 5).confirmed_at, selected(1, line()), selected(2, line("lh/r2", 3))),
    standing("confirmed-2", confirmed(2, 20).confirmed_at, selected(1, line()), selected(3, line("lh/r2", 3))),
    standing(
        "batch-1",
        datetime(2018, 11, 2, tzinfo=UTC),
        selected(3, line("lh/r2", 3), line("kepco/r1")),
        reasons={"application-1": Titled(ko="기업이 철회함", en="withdrawn by the firm")},
    ),
)
REPORTS = (
    report(datetime(2018, 11, 3, tzinfo=UTC), 1, selected(1, line())),
    report(datetime(2018, 11, 4, tzinfo=UTC), None, selected(3, line("lh/r2", 3))),
    report(datetime(2018, 11, 5, tzinfo=UTC), 2, selected(1, line())),
    report(datetime(2018, 11, 6, tzinfo=UTC), None, selected(1, line())),
    report(datetime(2018, 11, 7, tzinfo=UTC), 3, selected(3, line("lh/r2", 3))),
)
TURNS = (
    DatedEvent(announced(), datetime(2018, 8, 1, tzinfo=UTC)),
    DatedEvent(opened()),
    DatedEvent(extended(), datetime(2018, 9, 14, tzinfo=UTC)),
    DatedEvent(frozen()),
    DatedEvent(committed(1, 9, 20)),
    DatedEvent(confirmed(1, 5)),
    DatedEvent(committed(2, 10, 15)),
    DatedEvent(confirmed(2, 20)),
)
DEMAND = (
    Demand(request="kepco/r1", institution="kepco", class_code="41112201", quantity=4, budget_won=9_000_000),
    Demand(
        request="lh/r2",
        institution="lh",
        class_code="41112201",
        quantity=3,
        budget_won=5_000_000,
        price_ceiling_won=1_500_000,
    ),
)
NAMES = Names(
    [("kepco", OPENS.replace(year=2017), "한국전력공사"), ("lh", OPENS.replace(year=2017), "한국토지주택공사")]
)


def process(turns: Sequence[DatedEvent] = TURNS, **changed: Any) -> Process:
    known = Process(
        round=ROUND,
        title="2018년 하반기",
        events=turns,
        names=NAMES,
        tenderers={1: 4, 2: 5},
        demand=DEMAND,
        awardings=awardings(STANDINGS),
        reports=REPORTS,
    )
    return replace(known, **changed)


def nothing_selected(*turns: DatedEvent) -> Process:
    return process(turns, tenderers={}, demand=(), awardings=(), reports=())
