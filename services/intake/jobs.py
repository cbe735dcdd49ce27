"""Periodic jobs that the clock drives: rounds open and freeze by themselves, at nobody's choice of moment; seeds are
recorded."""

from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from services.intake.domain.appeals import in_time
from services.intake.domain.renewals import HOLDS_FOR, in_force
from services.intake.domain.rounds import RoundStatus
from services.intake.domain.sources import Timetable, due_at, rehearsed_value
from services.intake.settings import IntakeSettings
from services.intake.storage import appeals, institutions, late, outcomes, renewals, rounds, versions
from services.intake.storage.outcomes import AwaitedValue
from services.intake.storage.rounds import StoredRound
from services.intake.usecases.entry_events import token_event
from services.intake.usecases.freeze import freeze
from services.intake.usecases.inbox_drain import inboxes_drained
from services.intake.usecases.inbox_watch import InboxWatch
from services.intake.usecases.round_events import BY_THE_CLOCK, SourceValue, record_source, round_event
from shared.clock import Clock, not_before
from shared.contracts.events import (
    Invitation,
    RoundFinalized,
    RoundOpened,
    SourceKind,
)
from shared.kafka.cloudevents import Outgoing
from shared.proof.canonical import canonical_json
from shared.service import audit
from shared.service.by_round import ByRound
from shared.service.keys import SigningKey, published
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Pool, connected

_log = structlog.get_logger()


async def open_due(pool: Pool, outbox: OutboxPublisher, clock: Clock, signing: SigningKey, by_round: ByRound) -> None:
    """Opens rounds whose window has begun, with the whole policy and the institutions that pledged."""

    async def open_one(seen: StoredRound) -> None:
        if not _opens(seen, clock):
            return
        await signing.signer(pool)  # so that its key is among the published ones
        async with outbox.transaction(pool) as (connection, events):
            await rounds.lock_for_freeze(connection, seen.window.round)
            stored = await rounds.load(connection, seen.window.round)  # an amendment may have landed
            if stored is None or not _opens(stored, clock):
                return
            await rounds.open_round(connection, stored.window.round)
            fingerprints = tuple(key.key.fingerprint for key in await published(connection))
            invited = await institutions.invited(connection, stored.window.round)
            events.append(_opened(stored, invited, fingerprints))
            detail = {"round": stored.window.round, "policy_hash": stored.policy_hash}
            events.append(await audit.record(connection, "intake", clock.now(), "clock", "open", detail))
        _log.info("opened round", round=stored.window.round, policy_hash=stored.policy_hash)

    await by_round.each(await _unfinished(pool), lambda stored: stored.window.round, open_one)


async def freeze_due(
    pool: Pool, outbox: OutboxPublisher, clock: Clock, settings: IntakeSettings, watch: InboxWatch, by_round: ByRound
) -> None:
    """Freezes rounds whose window is over, once everything received in time is written: HTTP drained, inboxes read to
    the end."""

    async def freeze_one(stored: StoredRound) -> None:
        window = stored.window
        closed_for = clock.now() - window.time_map.real(window.closes_at)
        waits = max(settings.drain_seconds, settings.skew_seconds)
        if window.status is not RoundStatus.OPEN or closed_for < timedelta(seconds=waits):
            return
        if await inboxes_drained(pool, watch, window.round):
            await freeze(pool, outbox, window.round, clock, watch.made_anew())

    await by_round.each(await _unfinished(pool), lambda stored: stored.window.round, freeze_one)


async def finalize_due(pool: Pool, outbox: OutboxPublisher, clock: Clock, by_round: ByRound) -> None:
    """Ends the standstill of rounds in which everybody was notified, no appeal is open and every period is over."""

    async def finalize_one(confirmed: tuple[str, datetime]) -> None:
        round_id, confirmed_at = confirmed
        async with connected(pool) as connection:
            stored = await rounds.load(connection, round_id)
        if stored is not None and not in_time(confirmed_at, stored.window.time_map.programme(clock.now())):
            await _finalize(pool, outbox, round_id, confirmed_at, clock)

    async with connected(pool) as connection:
        standing = await appeals.confirmed(connection)
    await by_round.each(standing, lambda confirmed: confirmed[0], finalize_one)


async def _finalize(pool: Pool, outbox: OutboxPublisher, round_id: str, confirmed_at: datetime, clock: Clock) -> None:
    async with outbox.transaction(pool) as (connection, events):
        await rounds.lock_for_freeze(connection, round_id)
        pending = await appeals.pending_finality(connection, round_id)
        stored = await rounds.load(connection, round_id)
        if pending is None or stored is None or pending.untold or pending.undecided:
            return
        now = not_before(stored.window.time_map.programme(clock.now()), confirmed_at)
        if in_time(pending.told_last, now):
            return
        await rounds.finalize(connection, round_id)
        final = RoundFinalized(
            round=round_id,
            actors=BY_THE_CLOCK,
            reason="every period of appeal is over",
            epoch=stored.epoch,
            finalized_at=now,
        )
        events.append(round_event(final, "final", stored.epoch, now))
        detail = {"round": round_id, "epoch": stored.epoch}
        events.append(await audit.record(connection, "intake", clock.now(), "clock", "finalize", detail))
    _log.info("finalized round", round=round_id, epoch=stored.epoch)


async def forget_late_entries(pool: Pool, clock: Clock) -> None:
    """Deletes drafts of late entries, which hold contacts, once their proposals have expired."""
    async with connected(pool) as connection:
        await late.forget_expired(connection, clock.now())


async def record_due_sources(pool: Pool, outbox: OutboxPublisher, clock: Clock, by_round: ByRound) -> None:
    """In a rehearsal, records the source's value once it is due; for a real source two officers type it."""

    async def record_one(awaited: AwaitedValue) -> None:
        async with connected(pool) as connection:
            stored = await rounds.load(connection, awaited.round)
        if stored is None or stored.rehearsal is None:
            return
        source = next((item for item in stored.sources if item["kind"] == SourceKind.REHEARSAL), None)
        if source is None:
            return
        due = due_at(awaited.committed_at, stored.lead_seconds, [Timetable.of(source)])
        now = stored.window.time_map.programme(clock.now())
        if now >= due:
            supplementary = awaited.epoch if awaited.supplementary else None
            numbers = rehearsed_value(stored.rehearsal.seed, awaited.round, supplementary)
            value = SourceValue(source["source"], numbers, due)
            async with outbox.transaction(pool) as (connection, events):
                events += await record_source(
                    connection, awaited, value, now, BY_THE_CLOCK, "the source's value is due"
                )

    async with connected(pool) as connection:
        awaiting = await outcomes.awaiting_source(connection)
    await by_round.each(awaiting, lambda awaited: awaited.round, record_one)


def _opens(stored: StoredRound, clock: Clock) -> bool:
    """Never without a policy: a round that was put back waits for the same announcement again."""
    window = stored.window
    announced = window.status is RoundStatus.ANNOUNCED and bool(stored.policy)
    return announced and window.time_map.programme(clock.now()) >= window.opens_at


def _opened(stored: StoredRound, invited: tuple[Invitation, ...], fingerprints: tuple[str, ...]) -> Outgoing:
    window = stored.window
    opened = RoundOpened(
        round=window.round,
        actors=BY_THE_CLOCK,
        reason="the window has begun",
        title=stored.title,
        opens_at=window.opens_at,
        closes_at=stored.announced_close,
        policy=stored.policy,
        policy_hash=stored.policy_hash,
        lead_seconds=stored.lead_seconds,
        sources=stored.sources,
        institutions=invited,
        rehearsal=stored.rehearsal,
        unattended=stored.unattended,
        series=stored.series,
        cut=stored.cut,
        key_fingerprints=fingerprints,
        announcement_root=stored.announcement_root,
    )
    body = canonical_json({**opened.model_dump(mode="json"), "policy": stored.policy})  # the bytes that were hashed
    return replace(round_event(opened, "opened", 0, window.opens_at), body=body)


async def _unfinished(pool: Pool) -> list[StoredRound]:
    async with connected(pool) as connection:
        return await rounds.unfinished(connection)


async def forget_unused_tokens(pool: Pool, outbox: OutboxPublisher, clock: Clock) -> None:
    """Deletes new tokens that nobody used in time, from contacts.v1 too."""
    async with outbox.transaction(pool) as (connection, events):
        now = clock.now()
        for application, generation in await renewals.forget(connection, now - HOLDS_FOR, now):
            stored = await versions.load(connection, application)
            if stored is not None:
                standing = in_force(await renewals.sent(connection, application))
                events.append(token_event(stored, generation, now, in_force=standing))
