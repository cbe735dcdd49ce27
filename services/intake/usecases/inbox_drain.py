"""Before a freeze, waits until the inboxes are read to the ends they had after the close."""

import asyncio
import time
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from services.intake.storage import institutions
from services.intake.usecases.inbox_watch import InboxWatch
from shared.service.postgres import Pool, connected

_LOOK_SECONDS: Final = 1.0
_PAUSE_SECONDS: Final = 5.0
_log = structlog.get_logger()


async def inboxes_drained(pool: Pool, watch: InboxWatch, round_id: str) -> bool:
    """True once the stored offsets reach the present ends of the inboxes, after the close and the brokers' skew. An
    unreadable inbox is waited for, and logged: it may hold messages sent in time."""
    async with connected(pool) as connection:
        stored = await institutions.inbox_offsets(connection)
    if not stored:
        return True
    await watch.look(pool, not_before=time.monotonic() - _LOOK_SECONDS)
    if await _held_up(watch, round_id):
        return False
    try:
        behind = await watch.ends([topic for topic in stored if topic not in watch.unreadable])
    except KafkaError as error:
        _log.warning("waits for Kafka", job="freeze", error=str(error))
        return False
    while behind:
        async with connected(pool) as connection:
            stored = await institutions.inbox_offsets(connection)
        behind = {topic: end for topic, end in behind.items() if stored[topic] < end}
        if behind.keys() & watch.unreadable.keys():
            return False
        if behind:
            await asyncio.sleep(0.05)
    return True


async def _held_up(watch: InboxWatch, round_id: str) -> bool:
    blocking = watch.blocking()
    if blocking:
        _log.error("freeze waits for inboxes that can't be read", round=round_id, inboxes=blocking)
        await asyncio.sleep(_PAUSE_SECONDS)
    return bool(blocking)
