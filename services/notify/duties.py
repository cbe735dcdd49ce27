"""What is looked at again and again: turns not spread yet, notices that waited, and what is owed to the erased."""

import structlog

from services.notify.domain.occurrences import spread
from services.notify.handlers import owe
from services.notify.sending import failed
from services.notify.storage import deliveries, facts
from shared.clock import Clock
from shared.outbox import OutboxPublisher
from shared.postgres import Pool, connected

_log = structlog.get_logger()


async def spread_turns(pool: Pool) -> None:
    """A round's turns become a delivery for each of its institutions, once the round's opening is known."""
    async with connected(pool) as connection, connection.transaction():
        for turn, institutions in await facts.take_turns(connection):
            await owe(connection, [spread(turn, institutions)])
            _log.info("spread turn", round=turn.round, turn=turn.happening, institutions=len(institutions))


async def take_up(pool: Pool) -> None:
    async with connected(pool) as connection:
        taken = await deliveries.take_up(connection)
    if taken:
        _log.info("took up deliveries", deliveries=taken)


async def fail_erased(pool: Pool, outbox: OutboxPublisher, clock: Clock) -> None:
    async with outbox.transaction(pool) as (connection, events):
        for delivery in await deliveries.fail_erased(connection):
            events.append(failed(delivery, "contact-erased", delivery.time_map.programme(clock.now())))
    if events:
        _log.info("gave up deliveries to erased contacts", deliveries=len(events))
