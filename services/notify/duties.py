"""What is looked at again and again: turns not spread yet, notices that waited, and what is owed to the erased."""

from datetime import timedelta

import structlog

from services.notify.domain.occurrences import head_signed, spread
from services.notify.handlers import owe
from services.notify.sending import failed, gave_up
from services.notify.storage import deliveries, facts, heads
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


async def spread_heads(pool: Pool, apart: timedelta) -> None:
    """The newest signed audit head of each service becomes a delivery to each institution that takes part."""
    async with connected(pool) as connection, connection.transaction():
        for head, institutions in await heads.take(connection, apart):
            await owe(connection, [head_signed(head, institutions)])
            _log.info("spread audit head", service=head.service, count=head.count, institutions=len(institutions))


async def take_up(pool: Pool) -> None:
    async with connected(pool) as connection:
        taken = await deliveries.take_up(connection)
    if taken:
        _log.info("took up deliveries", deliveries=taken)


async def fail_erased(pool: Pool, outbox: OutboxPublisher, clock: Clock) -> None:
    async with outbox.transaction(pool) as (connection, events):
        for delivery in await deliveries.fail_erased(connection):
            events.append(failed(delivery, "contact-erased", delivery.time_map.programme(clock.now())))
        events += await gave_up(connection, clock.now(), list(events))
    if events:
        _log.info("gave up deliveries to erased contacts", deliveries=len(events))
