"""OCDS awards of a round: each selected product is one award while its requests stay the same.

OCDS merges an award's items by id and cannot remove one. So an award whose requests change is cancelled and replaced by
a new one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.selection.domain.ocds.names import Names
from services.selection.domain.ocds.release import Party, both, classification, moment, money
from services.selection.domain.ocds.words import LATER_RESULT
from services.selection.domain.offers import Award
from shared.contracts.policy import Titled


class AwardStatus(StrEnum):
    """OCDS award status, as far as we use it."""

    ACTIVE = "active"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """A selected product with its awards, one line per purchase request."""

    application: str
    product: str
    class_code: str
    price_won: int
    supplier: Party
    lines: tuple[Award, ...]

    def item(self, request: str, institution: str, quantity: int) -> dict[str, Any]:
        """An OCDS item that is awarded or contracted. `institution`: its name."""
        return {
            "id": request,
            "description": f"{self.product} / {institution}",
            "classification": classification(self.class_code),
            "quantity": quantity,
        }

    def offered(self, request: str, institution: str, quantity: int) -> dict[str, Any]:
        """An OCDS item at the offered price."""
        return self.item(request, institution, quantity) | {"unit": {"value": money(self.price_won)}}


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedSet:
    """All products selected from a moment on: after a confirmation, or a batch that gives or takes awards.

    `occasion` names the moment, uniquely in a round. `reasons`: why an application loses its award.
    """

    occasion: str
    at: datetime
    selected: Mapping[str, Selected]
    until: datetime | None = None
    """When the status of a selected product ends."""
    reasons: Mapping[str, Titled] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Awarding:
    """An award that is made, changed or cancelled at a moment."""

    occasion: str
    at: datetime
    award: str
    status: AwardStatus
    selected: Selected
    until: datetime | None
    reason: Titled | None = None

    def body(self, names: Names) -> dict[str, Any]:
        """The OCDS award."""
        content: dict[str, Any] = {"id": self.award, "title": self.selected.product, "status": self.status.value}
        if self.status is AwardStatus.CANCELLED:
            return content | (both("description", self.reason) if self.reason else {})
        content |= {
            "date": moment(self.at),
            "value": money(sum(line.amount_won for line in self.selected.lines)),
            "suppliers": [self.selected.supplier.reference()],
            "items": [
                self.selected.offered(line.request, names.at(line.institution, self.at), line.quantity)
                for line in self.selected.lines
            ],
        }
        if self.until is not None:
            content["contractPeriod"] = {"startDate": moment(self.at), "endDate": moment(self.until)}
        return content

    def parties(self, names: Names) -> list[Party]:
        """The supplier and the buyers; none for a cancellation."""
        if self.status is AwardStatus.CANCELLED:
            return []
        buyers = [names.buyer(line.institution, self.at) for line in self.selected.lines]
        return [self.selected.supplier, *buyers]


def awardings(standings: Iterable[SelectedSet]) -> list[Awarding]:
    """The awards that each selected set changes against the one before; unchanged ones are left out."""
    rows: list[Awarding] = []
    held: dict[str, Awarding] = {}
    for standing in standings:
        for application, before in list(held.items()):
            if standing.selected.get(application) != before.selected:
                rows.append(_cancelled(held.pop(application), standing))
        for application, selected in standing.selected.items():
            same = held.get(application)
            if same is not None and same.until == standing.until:
                continue
            held[application] = Awarding(
                occasion=standing.occasion,
                at=standing.at,
                award=same.award if same else f"{application}-{standing.occasion}",
                status=AwardStatus.ACTIVE,
                selected=selected,
                until=standing.until,
            )
            rows.append(held[application])
    return rows


def _cancelled(award: Awarding, standing: SelectedSet) -> Awarding:
    reason = standing.reasons.get(award.selected.application, LATER_RESULT)
    return replace(award, occasion=standing.occasion, at=standing.at, status=AwardStatus.CANCELLED, reason=reason)


def tags_of(rows: Sequence[Awarding], first: bool) -> tuple[str, ...]:
    """The release tags of these rows. `first`: no award was made in this process before."""
    given = any(row.status is AwardStatus.ACTIVE for row in rows)
    taken = any(row.status is AwardStatus.CANCELLED for row in rows)
    made = ("award" if first else "awardUpdate",) if given else ()
    return (*made, *(("awardCancellation",) if taken else ()))
