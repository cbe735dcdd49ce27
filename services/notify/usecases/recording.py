"""Records the outcomes of attempts, and announces them on deliveries.v1 in the same transaction.

This is a group commit: whatever ends while a transaction is under way waits for the next and shares it, so a receiver's
ten outcomes and a mail server's fifty cost one commit.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from services.notify.adapters.channels import Attempted, ChannelAdapter
from services.notify.domain.attempts import MAILBOX_UNKNOWN, Persistence, Settlement, State, settle
from services.notify.storage import deliveries, digests, suppressions
from services.notify.storage.claims import Claimed
from services.notify.storage.deliveries import Delivery
from services.notify.usecases.delivery_events import delivered, failed, gave_up
from services.notify.usecases.delivery_metrics import DeliveryMetrics
from shared.contracts.events import NoticeFailed
from shared.kafka.cloudevents import Outgoing
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import CONTENDED, DATABASE_AWAY, Pool

_log = structlog.get_logger()
RECORDING_TRIES_WHEN_STOPPING: Final = 5


@dataclass(slots=True, eq=False)
class _Waiting:
    """The outcomes of one group of attempts. `alone`: a shared transaction failed, so it gets one of its own."""

    settled: Sequence[tuple[Claimed, Settlement]]
    recorded: bool = False
    alone: bool = False


class Recording:
    """Records the outcomes of one channel; its sending loops share it."""

    def __init__(
        self,
        adapter: ChannelAdapter,
        persistence: Persistence,
        outbox: OutboxPublisher,
        now: Callable[[], datetime],
        chance: Callable[[], float],
        stopping: asyncio.Event,
        metrics: DeliveryMetrics,
    ) -> None:
        self._adapter = adapter
        self._persistence = persistence
        self._outbox = outbox
        self._now = now
        self._chance = chance
        self._stopping = stopping
        self._metrics = metrics
        self._waiting: list[_Waiting] = []
        self._lock = asyncio.Lock()

    async def record(self, pool: Pool, attempted: Sequence[Attempted]) -> None:
        """Returns once these outcomes are committed. A fault in the outcomes of others raises only for them."""
        mine = _Waiting(
            [
                (
                    claimed,
                    settle(outcome, claimed.delivery.attempts, claimed.tried_for, self._persistence, self._chance()),
                )
                for claimed, outcome in attempted
            ]
        )
        self._waiting.append(mine)
        async with self._lock:
            if mine.recorded:
                return
            if not mine.alone:
                together, self._waiting = self._waiting, []
                if await self._recorded(pool, together):
                    return
        await self._settle_persistently(pool, mine.settled)

    async def _recorded(self, pool: Pool, together: Sequence[_Waiting]) -> bool:
        """True if every group was recorded; otherwise each is retried alone."""
        try:
            await self._settle_persistently(pool, [pair for group in together for pair in group.settled])
        except BaseException as fault:
            for group in together:
                group.alone = True
            if len(together) == 1 or not isinstance(fault, Exception):
                raise
            _log.exception("records each group alone", groups=len(together))
            return False
        for group in together:
            group.recorded = True
        return True

    async def _settle_persistently(self, pool: Pool, settled: Sequence[tuple[Claimed, Settlement]]) -> None:
        """Retries while the database is unavailable: giving up would send again what was delivered."""
        tries = 0
        while True:
            try:
                await self._settle(pool, settled)
            except (*DATABASE_AWAY, *CONTENDED) as error:
                tries += 1
                if self._stopping.is_set() and tries >= RECORDING_TRIES_WHEN_STOPPING:
                    raise
                _log.warning("retries recording", deliveries=len(settled), error=type(error).__name__)
                await asyncio.sleep(min(0.2 * 2 ** min(tries, 5), 5))
            else:
                return

    async def _settle(self, pool: Pool, attempted: Sequence[tuple[Claimed, Settlement]]) -> None:
        settled = [(claimed.delivery, settlement) for claimed, settlement in attempted]
        async with self._outbox.transaction(pool) as (connection, events):
            recorded = await deliveries.settle(connection, settled)
            final = [
                (delivery, settlement)
                for delivery, settlement in settled
                if delivery.id in recorded and settlement.state is not State.PENDING
            ]
            events += [
                self._announced(delivery, settlement.state, settlement.error, delivery.id)
                for delivery, settlement in final
            ]
            gathering = {claimed.delivery.id for claimed, _ in attempted if claimed.gathers}
            gathered = [delivery.id for delivery, _ in final if delivery.id in gathering]
            for gathered_delivery in await digests.settle_gathered(connection, gathered) if gathered else ():
                events.append(
                    self._announced(
                        gathered_delivery.delivery,
                        gathered_delivery.state,
                        gathered_delivery.error,
                        gathered_delivery.digest,
                    )
                )
            for claimed, settlement in attempted:
                if settlement.error == MAILBOX_UNKNOWN and settlement.state is State.FAILED and claimed.addressee:
                    await suppressions.suppress(
                        connection, claimed.addressee.email, MAILBOX_UNKNOWN, claimed.delivery.id
                    )
            given_up = [event for event in events if event.type == NoticeFailed.__name__]
            events += await gave_up(connection, self._now(), given_up)
        for delivery, settlement in final:
            if settlement.state is State.SENT:
                self._metrics.took(self._adapter.channel.value, recorded[delivery.id])
        states = Counter(
            (delivery.kind, settlement.state)
            for delivery, settlement in settled
            if delivery.id in recorded and settlement.counts
        )
        for (kind, state), count in states.items():
            self._metrics.count(kind, self._adapter.channel.value, state, count)
            _log.info("settled deliveries", kind=kind, channel=self._adapter.channel, state=state, deliveries=count)

    def _announced(self, delivery: Delivery, state: State, error: str | None, said_by: str) -> Outgoing:
        """The event of a final outcome. `said_by`: the delivery whose message carried it, itself or a digest."""
        now = delivery.time_map.programme(self._now())
        if state is State.SENT:
            return delivered(delivery, self._adapter.message_id(said_by), now)
        _log.warning("gave up delivery", delivery=delivery.id, kind=delivery.kind, error=error)
        return failed(delivery, error or "fault", now)
