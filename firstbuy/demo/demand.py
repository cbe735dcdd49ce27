"""What the institutions write into their inboxes: requests, changes of mind, mistakes; and the answer each must get."""

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from firstbuy.demo.entries import as_bytes
from firstbuy.samples.catalogue import ANYTHING, WANTED, ProductClass
from shared.programme.working_days import korean_date

ACCEPTED, REJECTED, LATE, DUPLICATE = "accepted", "rejected", "late", "duplicate"
SUBMIT, AMEND, WITHDRAW = "SubmitPurchaseRequest", "AmendPurchaseRequest", "WithdrawPurchaseRequest"
REPORT = "ReportPurchase"
FALSE_REPORT: Final = "a report that can not be true"
ASKED_SHARE: Final = 0.72
"""Of its pledge, what an institution asks for in the first go."""
USUAL_APPLICATIONS: Final = 2000
"""Fewer applications meet less demand in proportion, down to a tenth, so that demand stays the scarcer side."""
_CHEAP_CERTIFICATES: Final = ("epc", "nep", "net", "gs", "excellent-product")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One inbox message. Without an id of its own the answer quotes its offset."""

    institution: str
    id: str | None
    type: str
    body: bytes
    answer: str
    reasons: tuple[str, ...] = ()
    what: str = "a request"


@dataclass(slots=True)
class Demand:
    """`standing`: the requests that must stand at the freeze, by their full id, with version and facts as sent."""

    early: list[Message] = field(default_factory=list)
    in_time: list[Message] = field(default_factory=list)
    late: list[Message] = field(default_factory=list)
    reports: list[Message] = field(default_factory=list)
    """Of awards, once there are any."""
    standing: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)

    @property
    def messages(self) -> int:
        return len(self.early) + len(self.in_time) + len(self.late) + len(self.reports)


@dataclass(frozen=True, slots=True)
class Awarded:
    """An award to report on, and when it was confirmed by the round's clock."""

    round: str
    application: str
    request: str
    institution: str
    quantity: int
    amount_won: int
    confirmed_at: datetime


def reports_on(award: Awarded, reserve: str) -> list[Message]:
    """False reports of every kind, then the true one. `reserve`: an application that is not selected."""
    bought = {"quantity": award.quantity, "amount_won": award.amount_won}
    true = {
        "round": award.round,
        "request": award.request.partition("/")[2],
        "application": award.application,
        "contracted_on": korean_date(award.confirmed_at).isoformat(),
        **bought,
    }
    false: tuple[tuple[dict[str, Any], str], ...] = (
        ({"application": str(uuid.UUID(int=0, version=4))}, "unknown-application"),
        ({"application": reserve}, "no-such-award"),
        ({"request": "NOPE-1"}, "unknown-request"),
        ({"quantity": award.quantity * 100}, "above-award"),
        ({"amount_won": award.amount_won * 1_000_000}, "above-award"),
        ({"contracted_on": "1900-01-01"}, "before-confirmation"),
        ({"contracted_on": "2206-07-10"}, "in-the-future"),
    )
    return [
        *(
            Message(
                institution=award.institution,
                id=f"false-{number}",
                type=REPORT,
                body=as_bytes(true | changed),
                answer=REJECTED,
                reasons=(code,),
                what=FALSE_REPORT,
            )
            for number, (changed, code) in enumerate(false)
        ),
        Message(
            institution=award.institution, id="true", type=REPORT, body=as_bytes(true), answer=ACCEPTED, what="a report"
        ),
    ]


@dataclass(slots=True)
class _Buyer:
    """One institution's buyer, who writes in order."""

    institution: str
    round: str
    pledge_won: int
    demand: Demand
    written: int = 0

    def write(self, kind: str, answer: str, body: Any, what: str, *reasons: str, named: bool = True) -> None:
        self.demand.in_time.append(self.message(kind, answer, body, what, *reasons, named=named))

    def message(self, kind: str, answer: str, body: Any, what: str, *reasons: str, named: bool = True) -> Message:
        self.written += 1
        identifier = f"{self.institution}-{self.written:04d}" if named else None
        data = body if isinstance(body, bytes) else as_bytes(body)
        return Message(
            institution=self.institution, id=identifier, type=kind, body=data, answer=answer, reasons=reasons, what=what
        )

    def request(self, reference: str, facts: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        return {"round": self.round, "request": reference, "facts": facts, **more}

    def submit(self, reference: str, facts: dict[str, Any]) -> None:
        self.write(SUBMIT, ACCEPTED, self.request(reference, facts), "a request")
        self.demand.standing[f"{self.institution}/{reference}"] = (1, facts)


def make_demand(round_id: str, pledges: Sequence[tuple[str, int]], applications: int, rng: random.Random) -> Demand:
    """Every institution's messages, sound and mistaken, from the plan's seed."""
    demand = Demand()
    scale = max(0.1, min(1.0, applications / USUAL_APPLICATIONS))
    for place, (institution, pledge) in enumerate(pledges):
        buyer = _Buyer(institution, round_id, pledge, demand)
        _requests(buyer, rng, scale)
        _changes(buyer, place)
        _mistakes(buyer, place)
        if place == 0:
            demand.early.append(
                buyer.message(SUBMIT, REJECTED, _plain(buyer, "early", 1), "before the opening", "not-open-yet")
            )
        if place in (1, len(pledges) - 1):
            demand.late.append(buyer.message(SUBMIT, LATE, _plain(buyer, "late", 1), "after the close"))
    return demand


def _requests(buyer: _Buyer, rng: random.Random, scale: float) -> None:
    classes = WANTED.get(buyer.institution, ANYTHING)
    money = int(buyer.pledge_won * ASKED_SHARE * scale)
    shares = [rng.randint(2, 6) for _ in classes]
    for number, (item, share) in enumerate(zip(classes, shares, strict=True), start=1):
        budget = max(item.dearest_won, money * share // sum(shares)) // 10_000 * 10_000
        buyer.submit(f"2018-{number:02d}", _wish(item, min(budget, buyer.pledge_won), rng))


def _wish(item: ProductClass, budget: int, rng: random.Random) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "class_code": item.code,
        "quantity": max(1, budget * 5 // (item.usual_won * 4)),
        "budget_won": budget,
        "note": f"{item.ko} 시범구매",
    }
    if rng.random() < 0.4:
        facts["price_ceiling_won"] = min(budget, item.usual_won + (item.dearest_won - item.usual_won) // 2)
    if rng.random() < 0.3:
        facts["delivery_days_at_most"] = rng.choice((45, 60, 90))
    if rng.random() < 0.15:
        facts["certificate_kinds"] = sorted(rng.sample(_CHEAP_CERTIFICATES, 3))
    if rng.random() < 0.2:
        facts["region"] = rng.choice(("seoul", "busan", "jeonnam", "gyeonggi"))
    return facts


def _changes(buyer: _Buyer, place: int) -> None:
    """Every third amends its first request, every fifth withdraws its last, every fourth sends one twice."""
    standing = [name for name in buyer.demand.standing if name.startswith(f"{buyer.institution}/")]
    first, last = standing[0], standing[-1]
    if place % 4 == 0:
        facts = buyer.demand.standing[first][1]
        buyer.write(SUBMIT, DUPLICATE, buyer.request(_reference(first), facts), "the same request again")
    if place % 3 == 0:
        facts = buyer.demand.standing[first][1] | {"delivery_days_at_most": 75}
        buyer.write(AMEND, ACCEPTED, buyer.request(_reference(first), facts, replaces=1), "an amendment")
        buyer.demand.standing[first] = (2, facts)
        other = facts | {"delivery_days_at_most": 10}
        body = buyer.request(_reference(first), other, replaces=1)
        buyer.write(AMEND, REJECTED, body, "an amendment of an old version", "version-mismatch")
    if place % 5 == 0 and last != first:
        body = {"round": buyer.round, "request": _reference(last), "reason": "예산 변경"}
        buyer.write(WITHDRAW, ACCEPTED, body, "a withdrawal")
        buyer.write(WITHDRAW, DUPLICATE, body, "the same withdrawal again")
        del buyer.demand.standing[last]


def _mistakes(buyer: _Buyer, place: int) -> None:
    """One kind of mistake per institution, in turn."""
    wrong = f"wrong-{place}"
    plain = _plain(buyer, wrong, 1_000_000)
    match place % 7:
        case 0:
            body = _plain(buyer, wrong, buyer.pledge_won + 1)
            buyer.write(SUBMIT, REJECTED, body, "a budget above the pledge", "budget-above-pledge")
        case 1:
            plain["facts"]["price_ceiling_won"] = 2_000_000
            buyer.write(SUBMIT, REJECTED, plain, "a ceiling above the budget", "ceiling-above-budget")
        case 2:
            plain["facts"]["class_code"] = "4617-1610"
            buyer.write(SUBMIT, REJECTED, plain, "a class code with a hyphen", "string-pattern-mismatch")
        case 3:
            broken = b'{"round": "2018-h2", "request":'
            buyer.write(SUBMIT, REJECTED, broken, "broken JSON without an id", "json-invalid", named=False)
        case 4:
            buyer.write("OrderPizza", REJECTED, plain, "a type nobody knows", "unknown-type")
        case 5:
            buyer.write(SUBMIT, REJECTED, plain | {"round": "2031-h1"}, "a round nobody knows", "unknown-round")
        case _:
            body = {"round": buyer.round, "request": wrong}
            buyer.write(WITHDRAW, REJECTED, body, "the withdrawal of what was never sent", "unknown-request")


def _plain(buyer: _Buyer, reference: str, budget: int) -> dict[str, Any]:
    wanted = WANTED.get(buyer.institution, ANYTHING)[0]
    return buyer.request(reference, {"class_code": wanted.code, "quantity": 1, "budget_won": budget})


def _reference(request: str) -> str:
    return request.partition("/")[2]
