"""Pledges that are announced with a round, and registered with it in one transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.intake.domain.institutions import Institution, WrongChange, changed
from services.intake.domain.refused import Refused, unfit
from services.intake.storage import institutions
from services.intake.usecases import registration
from shared.contracts.events import InstitutionStatus, Reason
from shared.contracts.values import Contract, InstitutionCode, Line, Won
from shared.kafka.cloudevents import Outgoing
from shared.service.postgres import Connection
from shared.wording.in_korean import said


class Pledged(Contract):
    """An institution and its pledge. `name`: needed if it is not registered; a registered one keeps its own."""

    institution: InstitutionCode
    pledge_won: Won
    name: Line | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pledging:
    """An institution before and after its pledge. `remarks`: what is accepted, but may be a mistake."""

    code: str
    before: Institution | None
    after: Institution
    won: int
    won_before: int | None
    remarks: Sequence[Reason]

    def shown(self) -> dict[str, Any]:
        """The pledge as the approving officer sees it."""
        return {
            "institution": self.code,
            "name": self.after.name,
            "registered": self.before is not None,
            "pledge_won": self.won,
            "pledge_won_before": self.won_before,
            "remarks": [said(remark.detail) for remark in self.remarks],
        }


async def read(connection: Connection, round_id: str, pledges: Sequence[Pledged]) -> list[Pledging] | Refused:
    """Each pledge as it will be registered. Refused with every fault: an institution listed twice, or new and without a
    name."""
    faults = list(_repeated(pledges))
    by_place = {}
    for place, pledge in sorted(enumerate(pledges), key=lambda each: each[1].institution):
        made = await _one(connection, round_id, place, pledge)
        if isinstance(made, Reason):
            faults.append(made)
        else:
            by_place[place] = made
    if faults:
        return unfit("invalid-fields", "A round can't be announced with these pledges: see each error.", faults)
    return [by_place[place] for place in sorted(by_place)]


async def _one(connection: Connection, round_id: str, place: int, pledge: Pledged) -> Pledging | Reason:
    code, pointer = pledge.institution, f"/pledges/{place}/name"
    before = await institutions.institution(connection, code)
    status = InstitutionStatus.AGREED if before is None else None
    after = changed(before, pledge.name, status, {round_id: pledge.pledge_won})
    if isinstance(after, WrongChange):
        fix = "give its full name, or register it first: firstbuy institution onboard"
        return Reason(pointer=pointer, code="name-missing", detail=f"{code} is not registered", fix=fix)
    remarks = registration.name_stands(code, before, pledge.name, pointer)
    won_before = before.pledges.get(round_id) if before else None
    return Pledging(
        code=code, before=before, after=after, won=pledge.pledge_won, won_before=won_before, remarks=remarks
    )


async def save(connection: Connection, pledged: Sequence[Pledging], now: datetime) -> list[Outgoing]:
    """Saves and publishes each institution that changes."""
    return [
        await registration.save(connection, pledge.code, pledge.after, now)
        for pledge in sorted(pledged, key=lambda pledge: pledge.code)
        if pledge.after != pledge.before
    ]


async def lock(connection: Connection, pledges: Sequence[Pledged]) -> None:
    """Locks the institutions, in order of their codes, until the transaction ends."""
    for code in sorted({pledge.institution for pledge in pledges}):
        await institutions.lock(connection, code)


def _repeated(pledges: Sequence[Pledged]) -> Iterator[Reason]:
    seen: set[str] = set()
    for place, pledge in enumerate(pledges):
        if pledge.institution in seen:
            detail, fix = f"{pledge.institution} is listed twice", f"keep one {pledge.institution}"
            pointer = f"/pledges/{place}/institution"
            yield Reason(pointer=pointer, code="repeated-institution", detail=detail, fix=fix)
        seen.add(pledge.institution)
