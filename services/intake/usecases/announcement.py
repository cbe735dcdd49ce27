"""Announces rounds: for officers, and by the clock, cut by cut, those of a rolling intake."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

import structlog

from services.intake.domain.announcements import announcement_root
from services.intake.domain.rounds import RoundStatus
from services.intake.domain.series import MOST_CUTS, Cut, next_cut
from services.intake.domain.terms import LATEST
from services.intake.storage import institutions, putback_rounds, rounds
from services.intake.storage.rounds import Announcement, StoredRound
from services.intake.usecases.round_events import BY_THE_CLOCK, round_event
from shared.clock import Clock
from shared.contracts.events import RoundAmended, RoundAnnounced
from shared.contracts.values import Actor
from shared.kafka.cloudevents import Outgoing
from shared.programme.working_days import korean_date
from shared.proof.canonical import json_hash
from shared.service import audit
from shared.service.by_round import ByRound
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Connection, Pool, connected

_log = structlog.get_logger()
AnnouncedTerms = TypeVar("AnnouncedTerms", RoundAnnounced, RoundAmended)


async def announced(
    connection: Connection, announcement: Announcement, actors: Sequence[Actor], reason: str, now: datetime
) -> Outgoing:
    """The event of a round that is in `rounds`, with its pledges: those of this transaction count. `now` is real time.
    The caller adds `announced_detail` to the audit log, last in its transaction."""
    terms = RoundAnnounced(
        round=announcement.round,
        actors=tuple(actors),
        reason=reason,
        title=announcement.title,
        opens_at=announcement.opens_at,
        closes_at=announcement.closes_at,
        policy=announcement.policy["policy"],
        policy_hash=announcement.policy_hash,
        lead_seconds=announcement.lead_seconds,
        sources=announcement.sources,
        rehearsal=announcement.rehearsal,
        unattended=announcement.unattended,
        series=announcement.series,
        cut=announcement.cut,
        pledges=await institutions.invited(connection, announcement.round),
    )
    return round_event(await rooted(connection, terms), "announced", 0, now)


async def rooted(connection: Connection, terms: AnnouncedTerms) -> AnnouncedTerms:
    """The terms with their root, which the round stores for its opening."""
    root = announcement_root(terms)
    await rounds.state_root(connection, terms.round, root)
    return terms.model_copy(update={"announcement_root": root})


def announced_detail(announcement: Announcement, reason: str) -> dict[str, Any]:
    """What the audit log notes."""
    return {"round": announcement.round, "policy_hash": announcement.policy_hash, "reason": reason}


async def announce_cuts(pool: Pool, outbox: OutboxPublisher, clock: Clock, by_round: ByRound) -> None:
    """Announces the next cut of every series as soon as its newest is open, so that there is always one to come.

    A series ends when officers void its newest cut before that opens.
    """

    async def follow(cut: StoredRound) -> None:
        to_come = cut.window.status is RoundStatus.ANNOUNCED
        if cut.window.status is RoundStatus.VOID or (to_come and cut.policy) or not cut.series or not cut.cut:
            return
        async with outbox.transaction(pool) as (connection, events):
            if to_come:
                await _give_policy(connection, cut, cut.series, cut.cut)
            else:
                events += await _announce_next(connection, cut, cut.series, cut.cut, clock.now())

    async with connected(pool) as connection:
        newest = await rounds.newest_cuts(connection)
    await by_round.each(newest, lambda cut: cut.window.round, follow)


async def _announce_next(
    connection: Connection, newest: StoredRound, series: str, number: int, now: datetime
) -> list[Outgoing]:
    due = await _next(connection, newest, series, number)
    if due is None or due.number > MOST_CUTS or due.closes_at >= LATEST:
        return []
    reason = f"cut {due.number} of {series}"
    announcement = _announcement(newest, due)
    if not await rounds.announce(connection, announcement):
        return []
    event = await announced(connection, announcement, BY_THE_CLOCK, reason, now)
    _log.info("announced cut", round=due.round, series=series, closes_at=due.closes_at)
    detail = announced_detail(announcement, reason)
    return [event, await audit.record(connection, "intake", now, BY_THE_CLOCK[0].name, "announce", detail)]


async def _give_policy(connection: Connection, cut: StoredRound, series: str, number: int) -> None:
    """Gives a restored cut its policy, which its announcement states only by hash: it follows from the cut before."""
    cuts = (await rounds.cuts(connection, [series]))[series]
    before = next((other for other in cuts if other.cut == number - 1), None)
    if before is None or not before.policy:
        return
    policy = {**before.policy, "as_of": korean_date(cut.announced_close).isoformat()}
    if json_hash(policy) == cut.policy_hash:
        await putback_rounds.give_policy(connection, cut.window.round, cut.policy_hash, policy)
    else:
        _log.error("can't restore policy of cut: announce it again", round=cut.window.round)


async def _next(connection: Connection, newest: StoredRound, series: str, number: int) -> Cut | None:
    first_day = await rounds.first_day(connection, series)
    if first_day is None:
        return None
    window = newest.window
    return next_cut(series, number, window.closes_at, newest.announced_close, first_day, newest.policy)


def _announcement(before: StoredRound, cut: Cut) -> Announcement:
    """The cut before, announced again with this cut's window and day of judgement."""
    rehearsal: dict[str, Any] | None = before.rehearsal.model_dump(mode="json") if before.rehearsal else None
    return Announcement(
        round=cut.round,
        title=before.title,
        opens_at=cut.opens_at,
        closes_at=cut.closes_at,
        policy=cut.policy,
        policy_hash=json_hash(cut.policy),
        lead_seconds=before.lead_seconds,
        sources=before.sources,
        rehearsal=rehearsal,
        unattended=before.unattended,
        series=before.series,
        cut=cut.number,
    )
