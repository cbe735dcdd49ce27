"""Claims due deliveries, attempts them and records the outcomes. Several replicas share the work.

After a crash, claims wait for their lease to end, or for the replica's own restart. What was noted as taken is recorded
then, and what had not begun is claimed as if for the first time. What had begun, at most what was under way, may have
been sent: it is sent again under the same message id, and the delivery is marked doubtful.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.notify.adapters.channels import ChannelAdapter
from services.notify.domain.attempts import DELIVERED
from services.notify.domain.notices import DIGEST
from services.notify.domain.quiet import QuietHours
from services.notify.storage import claims, deliveries, digests, institutions
from services.notify.storage.claims import Claimed
from services.notify.usecases.recording import Recording
from shared.service.postgres import Connection, Pool, connected


@dataclass(frozen=True, slots=True)
class Claims:
    """Who claims, how much at once, for how long; attempts begin only in the first half of a lease."""

    replica: str
    limit: int
    lease: timedelta


class Sending:
    """Sends the deliveries of one channel. `deliver_due` may run several times at once."""

    def __init__(
        self,
        adapter: ChannelAdapter,
        claims: Claims,
        recording: Recording,
        now: Callable[[], datetime],
        stopping: asyncio.Event,
        quiet: QuietHours | None = None,
    ) -> None:
        """`quiet`: hours in which patient deliveries are put off."""
        self._quiet = quiet
        self._adapter = adapter
        self._claims = claims
        self._recording = recording
        self._now = now
        self._stopping = stopping
        self._starting = asyncio.Lock()
        self._resumed = False

    async def _resume(self, pool: Pool) -> None:
        """Before the first claim: makes due at once what this replica held when it was killed."""
        async with self._starting:
            if not self._resumed:
                async with connected(pool) as connection:
                    await claims.resume(connection, self._claims.replica, self._adapter.channel)
                self._resumed = True

    async def deliver_due(self, pool: Pool) -> None:
        """A periodic job. If cancelled, it begins no more attempts, but finishes and records those under way."""
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
            terms = self._claims
            async with connected(pool) as connection:
                if self._quiet and (until := self._quiet.until(self._now())):
                    await deliveries.put_off(connection, self._adapter.channel, until)
                claimed = await claims.claim(connection, self._adapter.channel, terms.limit, terms.replica, terms.lease)
                claimed = await with_others(connection, claimed)
                names = await institutions.names(connection, _named(claimed))

            def may_begin(until: float = begun + terms.lease.total_seconds() / 2) -> bool:
                return not self._stopping.is_set() and time.monotonic() < until

            async def attempt(
                group: Sequence[Claimed],
                names: dict[str, str] = names,
                may_begin: Callable[[], bool] = may_begin,
            ) -> None:
                await self._recording.record(pool, await self._adapter.attempt(group, names, may_begin))

            # A fault in one group lets the others finish.
            works = [attempt(group) for group in self._adapter.groups([one for one in claimed if not one.taken])]
            if known := [(one, DELIVERED) for one in claimed if one.taken]:
                works.append(self._recording.record(pool, known))
            faults = [fault for fault in await asyncio.gather(*works, return_exceptions=True) if fault is not None]
            if faults:
                raise faults[0]
            if len(claimed) < terms.limit:
                return


async def with_others(connection: Connection, claimed: Sequence[Claimed]) -> list[Claimed]:
    """Adds to each delivery those gathered into its mail that still go to the same address."""
    gathering = [delivery.delivery.id for delivery in claimed if delivery.gathers and delivery.delivery.kind != DIGEST]
    if not gathering:
        return list(claimed)
    await digests.release(connection, gathering)
    gathered = await claims.gathered_with(connection, gathering)
    return [replace(delivery, gathered=gathered.get(delivery.delivery.id, ())) for delivery in claimed]


def _named(claimed: Sequence[Claimed]) -> set[str]:
    """Institutions that the mails name: those that buy, and those whose contacts get them."""
    notices = [notice for first in claimed for notice in (first, *first.gathered)]
    mailed = [(notice.delivery.facts, notice.addressee) for notice in notices if notice.addressee is not None]
    buying = {award["institution"] for facts, _ in mailed for award in facts.get("awards", ())}
    return buying | {addressee.institution for _, addressee in mailed if addressee.institution}
