"""Claim what is due, attempt it, record and announce what came of it. Several replicas share the work.

A crash leaves its claims to their leases, or to the replica's own next start; what may have been said meanwhile is said
again under the same message id, and the delivery remembers the doubt.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import prometheus_client
import structlog

from services.notify.channels import Attempted, Way
from services.notify.domain.attempts import MAILBOX_UNKNOWN, Persistence, Settlement, State, settle
from services.notify.domain.notices import DIGEST
from services.notify.domain.quiet import QuietHours
from services.notify.storage import deliveries, facts, suppressions
from services.notify.storage import digests as digests_of
from services.notify.storage.deliveries import Claimed, Delivery
from shared import audit
from shared.canonical import sha256_hex
from shared.contracts import topics
from shared.contracts.events import NoticeDelivered, NoticeFailed
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.outbox import OutboxPublisher
from shared.postgres import CONTENDED, DATABASE_AWAY, Connection, Pool, connected

_log = structlog.get_logger()
RECORDING_TRIES_WHEN_STOPPING: Final = 5


@dataclass(frozen=True, slots=True)
class Claims:
    """Who claims, how much at once, for how long; attempts begin only in the first half of a lease."""

    replica: str
    limit: int
    lease: timedelta
    persistence: Persistence


class Sending:
    """One channel's deliveries. `deliver_due` may run several times at once."""

    def __init__(
        self,
        way: Way,
        claims: Claims,
        outbox: OutboxPublisher,
        now: Callable[[], datetime],
        chance: Callable[[], float],
        stopping: asyncio.Event,
        settled: prometheus_client.Counter,
        quiet: QuietHours | None = None,
    ) -> None:
        """`quiet`: hours in which what can wait is put off."""
        self._quiet = quiet
        self._way = way
        self._claims = claims
        self._outbox = outbox
        self._now = now
        self._chance = chance
        self._stopping = stopping
        self._settled = settled
        self._starting = asyncio.Lock()
        self._resumed = False

    async def _resume(self, pool: Pool) -> None:
        """Before anything is claimed: takes up at once what this replica held when it was killed."""
        async with self._starting:
            if not self._resumed:
                async with connected(pool) as connection:
                    await deliveries.resume(connection, self._claims.replica, self._way.channel)
                self._resumed = True

    async def deliver_due(self, pool: Pool) -> None:
        """A duty. Cancelled, it begins nothing more, but ends and records what is under way."""
        work = asyncio.create_task(self._deliver_due(pool))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            await work
            raise

    async def _deliver_due(self, pool: Pool) -> None:
        await self._resume(pool)
        while not self._stopping.is_set():
            begun = time.monotonic()
            claims = self._claims
            async with connected(pool) as connection:
                if self._quiet and (until := self._quiet.until(self._now())):
                    await deliveries.put_off(connection, self._way.channel, until)
                claimed = await deliveries.claim(
                    connection, self._way.channel, claims.limit, claims.replica, claims.lease
                )
                names = await facts.institution_names(connection, _named(claimed))

            def may_begin(until: float = begun + claims.lease.total_seconds() / 2) -> bool:
                return not self._stopping.is_set() and time.monotonic() < until

            async def attempt(
                group: Sequence[Claimed],
                names: dict[str, str] = names,
                may_begin: Callable[[], bool] = may_begin,
            ) -> None:
                await self._record(pool, await self._way.attempt(group, names, may_begin))

            # A fault in one group leaves the others to end what they have begun.
            works = (attempt(group) for group in self._way.groups(claimed))
            faults = [fault for fault in await asyncio.gather(*works, return_exceptions=True) if fault is not None]
            if faults:
                raise faults[0]
            if len(claimed) < claims.limit:
                return

    async def _record(self, pool: Pool, attempted: Sequence[Attempted]) -> None:
        """Keeps at it while the database is away: what was delivered would else be delivered again."""
        settled = [
            (
                one,
                settle(outcome, one.delivery.attempts, one.tried_for, self._claims.persistence, self._chance()),
            )
            for one, outcome in attempted
        ]
        tries = 0
        while True:
            try:
                await self._settle(pool, settled)
            except (*DATABASE_AWAY, *CONTENDED) as error:
                tries += 1
                if self._stopping.is_set() and tries >= RECORDING_TRIES_WHEN_STOPPING:
                    raise
                _log.warning("records again", deliveries=len(settled), error=type(error).__name__)
                await asyncio.sleep(min(0.2 * 2 ** min(tries, 5), 5))
            else:
                return

    async def _settle(self, pool: Pool, attempted: Sequence[tuple[Claimed, Settlement]]) -> None:
        settled = [(one.delivery, settlement) for one, settlement in attempted]
        async with self._outbox.transaction(pool) as (connection, events):
            recorded = await deliveries.settle(connection, settled)
            final = [
                (delivery, settlement)
                for delivery, settlement in settled
                if delivery.id in recorded and settlement.state is not State.PENDING
            ]
            events += [self._announced(delivery, one.state, one.error, delivery.id) for delivery, one in final]
            digests = [delivery.id for delivery, _ in final if delivery.kind == DIGEST]
            for one in await digests_of.settle_gathered(connection, digests) if digests else ():
                events.append(self._announced(one.delivery, one.state, one.error, one.digest))
            for claimed, settlement in attempted:
                if settlement.error == MAILBOX_UNKNOWN and settlement.state is State.FAILED and claimed.addressee:
                    await suppressions.suppress(
                        connection, claimed.addressee.email, MAILBOX_UNKNOWN, claimed.delivery.id
                    )
            given_up = [event for event in events if event.type == NoticeFailed.__name__]
            events += await gave_up(connection, self._now(), given_up)
        states = Counter(
            (delivery.kind, settlement.state)
            for delivery, settlement in settled
            if delivery.id in recorded and settlement.counts
        )
        for (kind, state), count in states.items():
            self._settled.labels(kind, self._way.channel.value, state.value).inc(count)
            _log.info("settled deliveries", kind=kind, channel=self._way.channel, state=state, deliveries=count)

    def _announced(self, delivery: Delivery, state: State, error: str | None, said_by: str) -> Outgoing:
        """`said_by`: the delivery whose message said it, itself or a digest."""
        now = delivery.time_map.programme(self._now())
        if state is State.SENT:
            return delivered(delivery, self._way.message_id(said_by), now)
        _log.warning("gave up delivery", delivery=delivery.id, kind=delivery.kind, error=error)
        return failed(delivery, error or "fault", now)


def delivered(delivery: Delivery, message_id: str, now: datetime) -> Outgoing:
    event = NoticeDelivered(
        delivery=delivery.id,
        round=delivery.round,
        kind=delivery.kind,
        subject=delivery.subject,
        occasion=delivery.occasion,
        recipient=delivery.recipient,
        channel=delivery.channel,
        attempts=delivery.attempts,
        message_id=message_id,
        delivered_at=now,
    )
    return _announcement(delivery, event, "notice-delivered", now)


def failed(delivery: Delivery, error: str, now: datetime) -> Outgoing:
    event = NoticeFailed(
        delivery=delivery.id,
        round=delivery.round,
        kind=delivery.kind,
        subject=delivery.subject,
        occasion=delivery.occasion,
        recipient=delivery.recipient,
        channel=delivery.channel,
        attempts=delivery.attempts,
        error=error,
        failed_at=now,
    )
    return _announcement(delivery, event, "notice-failed", now)


async def gave_up(connection: Connection, now: datetime, failures: Sequence[Outgoing]) -> list[Outgoing]:
    """Notify's one decision goes into its audit log, a row for all that is given up together: event ids and the hashes
    of what they say. Delivered mails are no decisions; they stand on deliveries.v1."""
    if not failures:
        return []
    told = [[event.id, sha256_hex(event.body or b"")] for event in failures]
    return [await audit.record(connection, "notify", now, "notify", "give-up", {"events": told})]


def _announcement(delivery: Delivery, event: NoticeDelivered | NoticeFailed, name: str, now: datetime) -> Outgoing:
    """Tried again, it may come to something else: that is another event."""
    return outgoing(
        topics.DELIVERIES.name,
        delivery.id,
        event,
        event_id=event_id(name, delivery.id, delivery.attempts),
        time=now,
        traceparent=delivery.traceparent,
    )


def _named(claimed: Sequence[Claimed]) -> set[str]:
    """Institutions that mails name: that buy, or whose desk they go to."""
    mailed = [(one.delivery.facts, one.addressee) for one in claimed if one.addressee is not None]
    buying = {award["institution"] for facts, _ in mailed for award in facts.get("awards", ())}
    return buying | {addressee.institution for _, addressee in mailed if addressee.institution}
