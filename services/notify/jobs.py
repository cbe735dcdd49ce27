"""Periodic jobs: they spread lifecycle events, make deliveries due, and give up what can't be delivered."""

from datetime import timedelta

import structlog

from services.notify.domain.digests import gathering
from services.notify.domain.lifecycle import LifecycleEvent, head_signed, spread
from services.notify.domain.occurrences import verdict
from services.notify.domain.rates import Rates, keys, shared_out
from services.notify.domain.reminders import Window, reminder
from services.notify.handlers import delivery_id, owe
from services.notify.storage import (
    deliveries,
    digests,
    disowning,
    erased_contacts,
    heads,
    lifecycle,
    rates,
    rounds,
    verdicts,
)
from services.notify.usecases.delivery_events import contact_disowned, failed, gave_up
from shared.clock import Clock
from shared.service import audit
from shared.service.by_round import ByRound
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Pool, connected

_log = structlog.get_logger()


async def spread_lifecycle_events(pool: Pool, by_round: ByRound) -> None:
    """Owes each institution of a round its lifecycle events, once the round's opening is known."""
    async with connected(pool) as connection:

        async def spread_of(round_id: str) -> None:
            async with connection.transaction():
                for event, institutions in await lifecycle.take(connection, round_id):
                    await owe(connection, [spread(event, institutions)])
                    _log.info(
                        "spread lifecycle event",
                        round=round_id,
                        happening=event.happening,
                        institutions=len(institutions),
                    )

        await by_round.each(await lifecycle.rounds_with_events(connection), str, spread_of)


async def spread_heads(pool: Pool, apart: timedelta) -> None:
    """Owes each active institution the newest signed audit head of each service, at most one per `apart`."""
    async with connected(pool) as connection, connection.transaction():
        for head, institutions in await heads.take(connection, apart):
            await owe(connection, [head_signed(head, institutions)])
            _log.info("spread audit head", service=head.service, count=head.count, institutions=len(institutions))


async def tell_verdicts(pool: Pool, by_round: ByRound) -> None:
    """Owes each applicant its verdict once the epoch is committed."""
    async with connected(pool) as connection:

        async def tell(round_id: str) -> None:
            async with connection.transaction():
                due = await verdicts.take(connection, round_id)
                await owe(connection, [verdict(committed) for committed in due])
            if due:
                _log.info("owes verdicts", round=round_id, verdicts=len(due))

        await by_round.each(await verdicts.rounds_with_committed(connection), str, tell)


async def remind_of_closes(pool: Pool, clock: Clock, ahead: timedelta, by_round: ByRound) -> None:
    """Stores a reminder `ahead` of each close (programme time); an extension is another close."""
    async with connected(pool) as connection, connection.transaction():

        async def remind(window: Window) -> None:
            event = reminder(window, clock.now(), ahead)
            if not event:
                return
            async with connection.transaction():
                if isinstance(event, LifecycleEvent):
                    await lifecycle.save(connection, event)
                await rounds.set_reminded(connection, window.round)

        await by_round.each(await rounds.unreminded(connection), lambda window: window.round, remind)


async def gather(pool: Pool, waited: timedelta, many: int, by_round: ByRound) -> None:
    """Gathers the mails owed to one person at an institution into a digest, from `many` of one round on.

    Only those that have `waited` are looked at.
    """
    async with connected(pool) as connection:

        async def gather_of(round_id: str) -> None:
            async with connection.transaction():
                ready = await digests.gatherable(connection, round_id, waited)
                alone, gathered = gathering(ready, many)
                await digests.send_alone(connection, alone)
                for due, gathered_ids in gathered:
                    identifier = delivery_id(due)
                    await deliveries.insert(connection, [(identifier, due)])
                    await digests.gather(connection, gathered_ids, identifier)
            if ready:
                _log.info("gathered deliveries", round=round_id, deliveries=len(ready), digests=len(gathered))

        await by_round.each(await digests.rounds_to_gather(connection, waited), str, gather_of)


async def take_up(pool: Pool) -> None:
    """Makes waiting deliveries due once all they need is known. Mails to applicants go through `share_out` instead."""
    async with connected(pool) as connection:
        taken = await deliveries.take_up(connection)
    if taken:
        _log.info("took up deliveries", deliveries=taken)


async def share_out(pool: Pool, limits: Rates) -> None:
    """Makes mails to applicants due within the rates; what exceeds them goes in one mail, later.

    Counted in the same transaction, and over all rounds at once, since rates limit what one person gets. Nothing that
    a round states is read here.
    """
    async with connected(pool) as connection, connection.transaction():
        now = await rates.begin(connection)
        ready = await rates.ready(connection) if now else []
        if now is None or not ready:
            return
        counted = await rates.used(connection, (key for mail in ready for key in keys(mail, limits)))
        shares = shared_out(ready, counted, limits, now)
        await rates.send_alone(connection, shares.alone)
        await rates.send_together(connection, shares.together)
        await rates.hold(connection, shares.held)
        await rates.use(connection, shares.used)
    _log.info(
        "shared out mails",
        alone=len(shares.alone),
        together=sum(map(len, shares.together)),
        mails=len(shares.alone) + len(shares.together),
        held=len(shares.held),
    )


async def forget_windows(pool: Pool) -> None:
    """Deletes rate windows that have ended."""
    async with connected(pool) as connection:
        await rates.forget(connection)


async def tell_disowned(pool: Pool, outbox: OutboxPublisher, clock: Clock) -> None:
    """Announces entries that were made with a disowned address after it was disowned, so that officers see them."""
    async with outbox.transaction(pool) as (connection, events):
        entries, now = await disowning.later_entries(connection), clock.now()
        if entries:
            events += [contact_disowned(entry, now) for entry in entries]
            sealed = {"applications": [entry.application for entry in entries]}
            detail = {"entries": len(entries)}
            events.append(await audit.record(connection, "notify", now, "notify", disowning.NOT_ME, detail, sealed))
    if entries:
        _log.info("announced disowned contacts", applications=len(entries))


async def fail_erased(pool: Pool, outbox: OutboxPublisher, clock: Clock, by_round: ByRound) -> None:
    """Gives up what is owed to contacts that were erased, and frees what their mails would have included."""

    async def fail(round_id: str) -> None:
        async with outbox.transaction(pool) as (connection, events):
            erased = await erased_contacts.fail(connection, round_id)
            ids = [delivery.id for delivery in erased]
            await digests.release(connection, ids)
            gathered = await digests.settle_gathered(connection, ids)
            for delivery in (*erased, *(settled.delivery for settled in gathered)):
                events.append(failed(delivery, "contact-erased", delivery.time_map.programme(clock.now())))
            events += await gave_up(connection, clock.now(), list(events))
        if events:
            _log.info("gave up deliveries to erased contacts", round=round_id, deliveries=len(events))

    async with connected(pool) as connection:
        rounds = await erased_contacts.rounds(connection)
    await by_round.each(rounds, str, fail)
