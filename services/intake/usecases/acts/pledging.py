"""What institutions pledge to a round as it is announced, registered with it in one transaction."""

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
    """An institution and what it pledges. `name`: of one that is not registered; who is keeps its own."""

    institution: InstitutionCode
    pledge_won: Won
    name: Line | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pledging:
    """`remarks`: what is taken, and only may be meant otherwise."""

    code: str
    before: Institution | None
    after: Institution
    won: int
    won_before: int | None
    remarks: Sequence[Reason]

    def shown(self) -> dict[str, Any]:
        """For who approves it."""
        return {
            "institution": self.code,
            "name": self.after.name,
            "registered": self.before is not None,
            "pledge_won": self.won,
            "pledge_won_before": self.won_before,
            "remarks": [said(remark.detail) for remark in self.remarks],
        }


async def read(connection: Connection, round_id: str, pledges: Sequence[Pledged]) -> list[Pledging] | Refused:
    """Each as it will stand. Refused with every fault: one named twice, or new and without a name."""
    faults = list(_repeated(pledges))
    found = {}
    for place, one in sorted(enumerate(pledges), key=lambda each: each[1].institution):
        made = await _one(connection, round_id, place, one)
        if isinstance(made, Reason):
            faults.append(made)
        else:
            found[place] = made
    if faults:
        return unfit("invalid-fields", "A round can't be announced with these pledges: see each error.", faults)
    return [found[place] for place in sorted(found)]


async def _one(connection: Connection, round_id: str, place: int, one: Pledged) -> Pledging | Reason:
    code, pointer = one.institution, f"/pledges/{place}/name"
    before = await institutions.institution(connection, code)
    status = InstitutionStatus.AGREED if before is None else None
    after = changed(before, one.name, status, {round_id: one.pledge_won})
    if isinstance(after, WrongChange):
        fix = "give its full name, or register it first: firstbuy institution onboard"
        return Reason(pointer=pointer, code="name-missing", detail=f"{code} is not registered", fix=fix)
    remarks = registration.name_stands(code, before, one.name, pointer)
    won_before = before.pledges.get(round_id) if before else None
    return Pledging(code=code, before=before, after=after, won=one.pledge_won, won_before=won_before, remarks=remarks)


async def save(connection: Connection, pledged: Sequence[Pledging], now: datetime) -> list[Outgoing]:
    """Saved and published where it changes anything."""
    return [
        await registration.save(connection, one.code, one.after, now)
        for one in sorted(pledged, key=lambda one: one.code)
        if one.after != one.before
    ]


async def lock(connection: Connection, pledges: Sequence[Pledged]) -> None:
    """The institutions, in order of their codes, until the transaction ends."""
    for code in sorted({one.institution for one in pledges}):
        await institutions.lock(connection, code)


def _repeated(pledges: Sequence[Pledged]) -> Iterator[Reason]:
    seen: set[str] = set()
    for place, one in enumerate(pledges):
        if one.institution in seen:
            detail, fix = f"{one.institution} is listed twice", f"keep one {one.institution}"
            pointer = f"/pledges/{place}/institution"
            yield Reason(pointer=pointer, code="repeated-institution", detail=detail, fix=fix)
        seen.add(one.institution)
