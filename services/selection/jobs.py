"""Periodic jobs: they commit, propose and publish rounds and batches. Each step happens once."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from services.selection.storage import current_inputs, purchases, releases, results, rounds
from services.selection.storage.purchases import Unreported
from services.selection.storage.releases import ConfirmedRelease, OpenRelease
from services.selection.storage.results import GivenStatus, ToPublish
from services.selection.storage.rounds import KnownRound
from services.selection.usecases.commitment import MarksState, commit, inputs_of, panel_marks
from services.selection.usecases.proposal import lines_sound, missing_inputs, propose
from services.selection.usecases.release import moved_event, propose_release, sound
from services.selection.usecases.repairs import drop_altered
from services.selection.usecases.results import overdue_event, result_event, status_end_event
from shared.clock import Clock
from shared.contracts.events import RepairSubject
from shared.kafka.cloudevents import Outgoing
from shared.kafka.own import OwnTopic
from shared.programme.purchases import State
from shared.proof.merkle import bucket_of
from shared.service import audit
from shared.service.by_round import ByRound
from shared.service.keys import SigningKey
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Connection, Pool, connected
from shared.service.repairs import forget_requests, request_buckets

PUBLISHED_AT_ONCE: Final = 2000
_log = structlog.get_logger()


async def commit_rounds(pool: Pool, outbox: OutboxPublisher, clock: Clock, own: OwnTopic, by_round: ByRound) -> None:
    """Commits to a round's inputs once they are complete, before the seed is known."""
    if not await own.read_back(pool):
        return

    async def commit_round(known: KnownRound) -> None:
        async with connected(pool) as connection:
            marks, _ = await panel_marks(connection, known)
        if marks is not MarksState.CLOSED:
            return
        async with outbox.transaction(pool) as (connection, events):
            await rounds.one_snapshot(connection)
            verdicts = await current_inputs.verdicts(connection, known.round)
            complete = (await inputs_of(connection, known, verdicts)).complete
            if complete and not await drop_altered(connection, known, verdicts):
                now = known.time_map.programme(clock.now())
                events += await commit(connection, known, verdicts, now)
                events += await audit.record_decisions(connection, "selection", clock.now(), events)

    async with connected(pool) as connection:
        due = await rounds.to_commit(connection)
    await by_round.each(due, lambda known: known.round, commit_round)


async def ask_for_repair(pool: Pool, outbox: OutboxPublisher, clock: Clock, seconds: float, by_round: ByRound) -> None:
    """Asks the owners for buckets that still differ `seconds` after the judging."""
    now = clock.now()

    async def ask_for_round(known: KnownRound) -> None:
        if known.judged_at is not None and known.judged_at > now - timedelta(seconds=seconds):
            return
        async with connected(pool) as connection:
            marks, _ = await panel_marks(connection, known)
        if marks is MarksState.OPEN:
            return  # a panel may work for weeks; differing buckets are asked for once its marks are closed
        async with outbox.transaction(pool) as (connection, events):
            state = await inputs_of(connection, known, await current_inputs.verdicts(connection, known.round))
            for subject, buckets in (
                (RepairSubject.VERDICTS, state.verdicts),
                (RepairSubject.REQUESTS, state.requests),
                (RepairSubject.APPLICATIONS, state.applications),
            ):
                await forget_requests(connection, known.round, known.epoch, subject, buckets)
                events += await request_buckets(
                    connection, "selection", known.round, known.epoch, subject, buckets, now, seconds
                )

    async with connected(pool) as connection:
        due = await rounds.to_commit(connection)
    await by_round.each(due, lambda known: known.round, ask_for_round)


async def propose_rounds(
    pool: Pool, outbox: OutboxPublisher, clock: Clock, seconds: float, own: OwnTopic, by_round: ByRound
) -> None:
    """Draws and matches a round once every value that its entries draw under is known."""
    if not await own.read_back(pool):
        return

    async def propose_one(due: tuple[KnownRound, Mapping[str, Any]]) -> None:
        known, commitment = due
        async with outbox.transaction(pool) as (connection, events):
            await rounds.one_snapshot(connection)
            if await _inputs_sound(connection, events, known, commitment, clock.now(), seconds):
                events += await propose(connection, known, commitment, known.time_map.programme(clock.now()))
                events += await audit.record_decisions(connection, "selection", clock.now(), events)

    async with connected(pool) as connection:
        to_propose = await rounds.to_propose(connection)
    await by_round.each(to_propose, lambda due: due[0].round, propose_one)


async def propose_releases(
    pool: Pool, outbox: OutboxPublisher, clock: Clock, seconds: float, own: OwnTopic, by_round: ByRound
) -> None:
    """Gives out what officers set free, batch by batch."""
    if not await own.read_back(pool):
        return

    async def propose_one(due: OpenRelease) -> None:
        known, root = due.known, due.opened.selection_root
        async with outbox.transaction(pool) as (connection, events):
            await rounds.one_snapshot(connection)
            if not await _inputs_sound(connection, events, known, due.commitment, clock.now(), seconds):
                return
            if await lines_sound(connection, known.round, known.epoch, root):
                events += await propose_release(connection, due, known.time_map.programme(clock.now()))
                events += await audit.record_decisions(connection, "selection", clock.now(), events)

    async with connected(pool) as connection:
        opened = await releases.to_propose(connection)
    await by_round.each(opened, lambda due: due.known.round, propose_one)


async def _inputs_sound(
    connection: Connection,
    events: list[Outgoing],
    known: KnownRound,
    commitment: Mapping[str, Any],
    now: datetime,
    seconds: float,
) -> bool:
    """True if everything is stored as committed. Requests for what is missing are added to `events`."""
    missing = await missing_inputs(connection, known, commitment)
    if missing:
        buckets = sorted({bucket_of(application) for application in missing})
        subject = RepairSubject.APPLICATIONS
        events += await request_buckets(
            connection, "selection", known.round, known.epoch, subject, buckets, now, seconds
        )
    return missing == []


async def publish_rounds(
    pool: Pool, outbox: OutboxPublisher, clock: Clock, signing: SigningKey, by_round: ByRound
) -> None:
    """Publishes the results of confirmed proposals, in batches of lines; each batch once."""
    signer = await signing.signer(pool)

    async def publish_one(due: ToPublish) -> None:
        done = due.published_lines
        async with outbox.transaction(pool) as (connection, events):
            if done == 0 and not await lines_sound(connection, due.round, due.epoch, due.selection_root):
                return
            rows = await results.lines(connection, due, done, PUBLISHED_AT_ONCE)
            if not rows or not await results.published(connection, due.round, due.epoch, done, rows[-1]["line"]):
                return
            now = clock.now()
            events += [result_event(due, row, now, signer) for row in rows]
        _log.info("published results", round=due.round, epoch=due.epoch, lines=rows[-1]["line"])

    async with connected(pool) as connection:
        confirmed = await results.to_publish(connection)
    await by_round.each(confirmed, lambda due: due.round, publish_one)


async def publish_releases(
    pool: Pool, outbox: OutboxPublisher, clock: Clock, signing: SigningKey, by_round: ByRound
) -> None:
    """Publishes confirmed batches, each whole and once, after the results they change."""
    signer = await signing.signer(pool)

    async def publish_one(due: ConfirmedRelease) -> None:
        async with outbox.transaction(pool) as (connection, events):
            rows = await releases.lines(connection, due.opened)
            if not await sound(connection, due, rows) or not await releases.published(connection, due.opened):
                return
            events += [moved_event(due, row, clock.now(), signer) for row in rows]
        _log.info("published release", round=due.opened.round, epoch=due.opened.epoch, batch=due.opened.batch)

    async with connected(pool) as connection:
        confirmed = await releases.to_publish(connection)
    await by_round.each(confirmed, lambda due: due.opened.round, publish_one)


async def end_statuses(pool: Pool, outbox: OutboxPublisher, clock: Clock, by_round: ByRound) -> None:
    """Announces the end of selected products' status after the policy's months, in batches; each batch once."""

    async def end_one(status: GivenStatus) -> None:
        if status.time_map.programme(clock.now()) < status.until:
            return
        async with outbox.transaction(pool) as (connection, events):
            rows = await results.selected_lines(
                connection, status.round, status.epoch, status.ended_lines, PUBLISHED_AT_ONCE
            )
            wholly = len(rows) < PUBLISHED_AT_ONCE
            if not await results.status_ended(connection, status, rows[-1]["line"] if rows else 0, wholly):
                return
            events += [status_end_event(status, row) for row in rows]
            events += await audit.record_decisions(connection, "selection", clock.now(), events)
        _log.info("ended statuses", round=status.round, epoch=status.epoch, products=len(rows))

    async with connected(pool) as connection:
        given = await results.giving_status(connection)
    await by_round.each(given, lambda status: status.round, end_one)


async def remind_overdue(
    pool: Pool, outbox: OutboxPublisher, clock: Clock, reports: OwnTopic, by_round: ByRound
) -> None:
    """Reminds once of each award that is overdue for a report.

    It waits until all reports are read back: an emptied database would remind of awards reported long ago.
    """
    if not await reports.read_back(pool):
        return

    async def remind_round(awards: Sequence[Unreported]) -> None:
        overdue = [
            award for award in awards if award.awarded.state(award.time_map.programme(clock.now())) is State.OVERDUE
        ]
        for start in range(0, len(overdue), PUBLISHED_AT_ONCE):
            async with outbox.transaction(pool) as (connection, events):
                for award in overdue[start : start + PUBLISHED_AT_ONCE]:
                    if await purchases.remind(connection, award):
                        events.append(overdue_event(award))
                _log.info("reminded of purchases", round=awards[0].round, awards=len(events))
                events += await audit.record_decisions(connection, "selection", clock.now(), events)

    overdue_by_round: dict[str, list[Unreported]] = {}
    async with connected(pool) as connection:
        for award in await purchases.unreported(connection):
            overdue_by_round.setdefault(award.round, []).append(award)
    await by_round.each(overdue_by_round.values(), lambda awards: awards[0].round, remind_round)
