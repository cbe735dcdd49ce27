"""After an extension, invites those who were refused since the old close to return.

Each gets a party of its own, under which the address goes to contacts.v1 and nowhere else. At the freeze these parties
are erased: intake stores the addresses until an extension or the freeze, notify until the freeze.
"""

import uuid
from datetime import datetime

import structlog

from services.intake.storage import refused
from services.intake.storage.refused import RefusedContact
from services.intake.usecases.erasure import tombstone
from shared.clock import Clock
from shared.contracts import topics
from shared.contracts.events import ContactChanged, Language, RefusalReconsidered, RoundExtended
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Connection, Pool

_log = structlog.get_logger()


async def invitations(connection: Connection, extended: RoundExtended, now: datetime) -> list[Outgoing]:
    """Events that invite refused contacts to return. `now` is programme time.

    For the transaction of the extension, under the round's exclusive latch.
    """
    late = await refused.take(connection, extended.round)
    parties = [str(uuid.uuid4()) for _ in late]
    if parties:
        await refused.invite(connection, extended.round, parties)
        _log.info("invited refused contacts", round=extended.round, contacts=len(parties))
    events: list[Outgoing] = []
    for party, contact in zip(parties, late, strict=True):
        events += _invitation(party, contact, extended, now)
    return events


def _invitation(party: str, late: RefusedContact, extended: RoundExtended, now: datetime) -> tuple[Outgoing, Outgoing]:
    contact = ContactChanged(
        party=party, name=late.name, email=late.email, language=Language(late.language), changed_at=now
    )
    reconsidered = RefusalReconsidered(
        round=late.round, party=party, refused_at=late.received_at, closes_at=extended.closes_at
    )
    return (
        outgoing(topics.CONTACTS.name, party, contact, event_id=event_id("invited", party), time=now),
        outgoing(topics.APPLICATIONS.name, party, reconsidered, event_id=event_id("reconsidered", party), time=now),
    )


async def forget_refused(pool: Pool, outbox: OutboxPublisher, clock: Clock) -> None:
    """A periodic job: deletes invitations that no extension can use any more, on contacts.v1 too (by a tombstone)."""
    async with outbox.transaction(pool) as (connection, events):
        parties = await refused.forget(connection)
        events += [tombstone(party, clock.now()) for party in parties]
    if parties:
        _log.info("deleted invitations", contacts=len(parties))
