"""Proposes a batch of a release, and publishes what it changed."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog

from services.selection.domain.matching import Result
from services.selection.domain.pack_links import pack_path
from services.selection.domain.releases import Release, release, root_of_moves
from services.selection.storage import drawn, releases
from services.selection.storage.releases import ConfirmedRelease, OpenRelease
from shared.clock import not_before
from shared.contracts import topics
from shared.contracts.events import (
    Award,
    AwardsChanged,
    LeavingCause,
    ReleaseProposed,
    ReservePromoted,
    SelectionWithdrawn,
    WithdrawalCause,
)
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.programme.certificates import AcceptedKinds
from shared.proof.signing import Signer
from shared.service.postgres import Connection

_log = structlog.get_logger()


async def propose_release(connection: Connection, due: OpenRelease, now: datetime) -> list[Outgoing]:
    """Gives out what the batch sets free.

    If this service published a proposal of it before, it repeats that or nothing.
    """
    opened, policy = due.opened, due.known.policy
    if policy is None:
        return []
    accepted = AcceptedKinds.compile(policy.as_of, policy.certificates)
    places = await releases.places(connection, opened, accepted)
    pledges, requests = await drawn.committed(connection, opened.round, opened.epoch)
    before = await releases.freed_before(connection, opened.round, opened.epoch, opened.batch)
    demands = [each for each in drawn.demands_of(requests) if each.request not in before.cancelled]
    tracks = {track.track: track.limits for track in policy.tracks if track.limits is not None}
    freed = releases.freed_by(opened)
    made = await asyncio.to_thread(release, places, freed, demands, pledges, policy.limits, tracks)
    published = await releases.published_proposal(connection, opened)
    if published is not None and published.batch_root != made.root:
        _log.error("refused to release: published another root before", round=opened.round, batch=opened.batch)
        return []
    event = _proposed(due, made, not_before(now, opened.opened_at) if published is None else published.proposed_at)
    if not await releases.save_release(connection, event, made):
        return []
    _log.info("proposed release", round=opened.round, epoch=opened.epoch, batch=opened.batch, batch_root=made.root)
    identifier = event_id("release-proposed", opened.round, opened.epoch, opened.batch)
    return [outgoing(topics.MILESTONES.name, opened.round, event, event_id=identifier, time=event.proposed_at)]


def _proposed(due: OpenRelease, made: Release, moment: datetime) -> ReleaseProposed:
    return ReleaseProposed(
        round=due.opened.round,
        epoch=due.opened.epoch,
        batch=due.opened.batch,
        selection_root=due.opened.selection_root,
        state_hash=made.state_hash,
        batch_root=made.root,
        promoted=made.promoted,
        changed=made.changed,
        withdrawn=made.withdrawn,
        proposed_at=moment,
    )


async def sound(connection: Connection, due: ConfirmedRelease, rows: list[dict[str, Any]]) -> bool:
    """True if the lines of a batch give the confirmed root. Altered lines are deleted, and made again."""
    if root_of_moves(releases.leaves_of(rows)) == due.proposed.batch_root:
        return True
    await releases.drop(connection, due.opened.round, due.opened.epoch, due.opened.batch)
    _log.error("deleted altered release", round=due.opened.round, batch=due.opened.batch)
    return False


def moved_event(due: ConfirmedRelease, row: Mapping[str, Any], now: datetime, signer: Signer) -> Outgoing:
    """The event for a product that a confirmed batch changed."""
    values = {
        "round": due.opened.round,
        "application": row["application"],
        "party": row["party"],
        "epoch": due.opened.epoch,
        "batch": due.opened.batch,
        "batch_root": due.proposed.batch_root,
        "selection_root": due.opened.selection_root,
    }
    event: SelectionWithdrawn | ReservePromoted | AwardsChanged
    if row["result"] == Result.SELECTED:
        promoted = row["result_before"] != Result.SELECTED
        event = (ReservePromoted if promoted else AwardsChanged)(
            **values,
            product=row["product"],
            position=row["position"],
            tickets=row["tickets"],
            awards=tuple(Award.model_validate(award) for award in row["awards"]),
            status_until=due.status_until,
            pack=pack_path(signer, due.opened.round, row["application"]),
        )
    else:
        cause, reason = _grounds(due, row["application"])
        event = SelectionWithdrawn(
            **values,
            actors=due.opened.actors,
            reason=reason,
            cause=cause,
            in_reserve=row["result"] == Result.RESERVE,
            withdrawn_at=due.opened.opened_at,
        )
    identifier = event_id("release", row["application"], due.opened.epoch, due.opened.batch)
    return outgoing(topics.SELECTIONS.name, row["application"], event, event_id=identifier, time=now)


def _grounds(due: ConfirmedRelease, application: str) -> tuple[WithdrawalCause, str]:
    """Why a product lost its place, in one line; by default the batch's own reason."""
    for left in due.opened.leaving:
        if left.application == application:
            given_up = left.cause is LeavingCause.GIVEN_UP
            grounds = " ".join(left.reason.split())[:200] or due.opened.reason
            return (WithdrawalCause.GIVEN_UP if given_up else WithdrawalCause.DECLINED), grounds
    return WithdrawalCause.REQUEST_CANCELLED, due.opened.reason
