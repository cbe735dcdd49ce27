"""Changes and publishes an institution: by itself, or with the pledges of an announcement."""

from datetime import datetime

from services.intake.domain.institutions import Institution
from services.intake.storage import institutions
from shared.contracts import topics
from shared.contracts.events import InstitutionChanged, Pledge, Reason
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.service.postgres import Connection


async def save(connection: Connection, code: str, after: Institution, now: datetime) -> Outgoing:
    """Called under the institution's lock."""
    await institutions.set_institution(connection, code, after.name, after.status.value, now)
    await institutions.set_pledges(connection, code, list(after.pledges.items()))
    pledges = tuple(Pledge(round=round_id, won=won) for round_id, won in sorted(after.pledges.items()))
    changed = InstitutionChanged(
        institution=code, name=after.name, status=after.status, pledges=pledges, changed_at=now
    )
    return outgoing(
        topics.INSTITUTIONS.name,
        code,
        changed,
        event_id=event_id("institution", code, now.isoformat()),
        time=now,
    )


def name_stands(code: str, before: Institution | None, named: str | None, pointer: str) -> list[Reason]:
    """A remark where another name is given than the registered one, which stays."""
    if before is None or named is None or named == before.name:
        return []
    detail = f"{code} is registered as {before.name!r}, and keeps that name"
    fix = f"write that name; or rename it: firstbuy institution rename {code} NAME --reason WHY"
    return [Reason(pointer=pointer, code="name-stands", detail=detail, fix=fix)]
