"""What a run of the demo leaves behind, and what is expected of it."""

from dataclasses import dataclass, field
from typing import Any, Final

from firstbuy.demo.account import RESULTS
from firstbuy.demo.client import Traffic
from firstbuy.demo.contests import CONFIRMED
from firstbuy.demo.generator import Plan
from firstbuy.demo.inbox_writers import Sent
from firstbuy.demo.observer import Observer, Seen

LONGER: Final = 2
"""So many times longer is the window of a second try, where the first was too short."""


@dataclass(frozen=True, slots=True)
class Window:
    """The month in real seconds, and the first part of it in which everything is sent."""

    seconds: float
    sending: float

    @classmethod
    def of(cls, calls: int, wanted: float | None) -> "Window":
        sending = max(2.0, calls / 320)
        seconds = wanted or 2.2 * sending + 4
        return cls(seconds, min(sending, seconds / 2.2))


@dataclass(slots=True, kw_only=True)
class Course:
    """What a run left behind, as it was seen from outside."""

    plan: Plan
    traffic: Traffic
    observer: Observer
    seen: Seen
    sent: Sent
    window: Window
    rate: int
    busiest_margin: float = 0.0
    apis: dict[str, Any] = field(default_factory=dict)
    mails_on_disk: int = 0
    pending: int = 0
    """Applications that waited for the registry when the round was frozen."""
    registry_calls: list[int] = field(default_factory=list)


def expected_notices(plan: Plan, seen: Seen) -> tuple[int, int]:
    """Mails: a receipt per version and withdrawal, a verdict and a result per admitted one; of each contest that it
    began and that the stranger's entry went. Outbox: six turns of the
    round per institution (announced, opened, closing soon, frozen, committed, published), and one award notice per
    selected product and institution that is to buy it."""
    mails = len(plan.fates) + plan.count("resubmitted") + plan.count("withdrawn") + 2 * plan.admitted
    mails += 3 * plan.count(CONFIRMED)
    selected = (result for name, result in seen.standing(*RESULTS).values() if name == "ProductSelected")
    awards = sum(len({award["institution"] for award in result["awards"]}) for result in selected)
    return mails, 6 * len(plan.pledges) + awards
