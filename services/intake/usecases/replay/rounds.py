"""Puts back rounds from their lifecycle events on `rounds.v1`."""

from collections.abc import Sequence
from typing import Any, Final

from pydantic_core import from_json

from services.intake.storage import putback_rounds, releases, scores
from shared.contracts.events import (
    EpochOpened,
    ReleaseConfirmed,
    ReleaseOpened,
    RoundAmended,
    RoundAnnounced,
    RoundExtended,
    RoundFinalized,
    RoundFrozen,
    RoundOpened,
    RoundVoided,
    ScoresClosed,
    SelectionConfirmed,
    SourceValueRecorded,
)
from shared.contracts.values import Contract
from shared.kafka.records import Event
from shared.kafka.step import Incoming
from shared.service.postgres import Connection

_LIFECYCLE: Final = (
    RoundAnnounced,
    RoundAmended,
    RoundOpened,
    RoundExtended,
    RoundFrozen,
    EpochOpened,
    SourceValueRecorded,
    ReleaseOpened,
    SelectionConfirmed,
    ReleaseConfirmed,
)
"""The lifecycle events of one epoch, in order; all others follow."""
_AFTER_EVERY_EPOCH: Final = 2**31


async def put_back_rounds(connection: Connection, batch: Sequence[Incoming], prefix: str) -> int:
    """Applies events in lifecycle order, since two of a round may have been published the other way round."""
    rows = 0
    for event in sorted((record for record in batch if isinstance(record, Event)), key=_lifecycle_order):
        rows += await _put_back(connection, event)
    return rows


def _lifecycle_order(event: Event[Contract]) -> tuple[int, int, int]:
    """(epoch, place in the lifecycle, amendment); a void round comes last."""
    epoch = getattr(event.body, "epoch", 0)
    if isinstance(event.body, RoundVoided):
        epoch = _AFTER_EVERY_EPOCH
    place = _LIFECYCLE.index(type(event.body)) if isinstance(event.body, _LIFECYCLE) else len(_LIFECYCLE)
    return epoch, place, getattr(event.body, "amendment", 0)


async def _put_back(connection: Connection, event: Event[Contract]) -> int:
    """Puts back one event; the rows it changed."""
    published: dict[str, Any] = from_json(event.raw)
    match event.body:
        case RoundAnnounced() as body:
            return await putback_rounds.announced(connection, body.round, published, (body.opens_at, body.closes_at))
        case RoundAmended() as body:
            return await putback_rounds.amended(connection, body, published)
        case RoundOpened() as body:
            return await _put_back_opening(connection, body, published)
        case RoundExtended() as body:
            return await putback_rounds.extended(connection, body.round, body.closes_at)
        case RoundFrozen() | EpochOpened() as body:
            return await _put_back_set(connection, body, published)
        case ScoresClosed() as body:
            return await scores.close(connection, body)
        case SourceValueRecorded() as body:
            return await putback_rounds.source(connection, body.round, body.epoch, body.source, body.value, body.due_at)
        case SelectionConfirmed() as body:
            rows = await putback_rounds.confirmed(connection, body.round, body.epoch, body.confirmed_at)
            if body.batch is not None:
                await releases.confirm(connection, body.round, body.epoch, body.batch, body.confirmed_at)
            return rows
        case ReleaseOpened() as body:
            return await putback_rounds.release_opened(connection, body)
        case ReleaseConfirmed() as body:
            await releases.confirm(connection, body.round, body.epoch, body.batch, body.confirmed_at)
            return 0
        case RoundFinalized() as body:
            return await putback_rounds.finalized(connection, body.round, body.epoch)
        case RoundVoided() as body:
            return await putback_rounds.voided(connection, body.round)
    return 0


async def _put_back_opening(connection: Connection, opened: RoundOpened, published: dict[str, Any]) -> int:
    """Puts back an opening, and the announcement if that is lost."""
    pledges = [(invitation.institution, invitation.pledge_won) for invitation in opened.institutions]
    window = opened.opens_at, opened.closes_at
    rows = await putback_rounds.announced(connection, opened.round, published, window)
    return rows + await putback_rounds.opened(connection, opened.round, published, window, pledges)


async def _put_back_set(connection: Connection, fixed: RoundFrozen | EpochOpened, published: dict[str, Any]) -> int:
    """Puts back the frozen set of an epoch: the first of the freeze, a later one of an act."""
    manifests = published["applications"], published["requests"]
    if isinstance(fixed, RoundFrozen):
        return await putback_rounds.epoch(
            connection, fixed.round, fixed.epoch, fixed.frozen_at, manifests, None, fixed.closes_at
        )
    source, again = published.get("supplementary_source"), (fixed.judge_all, fixed.judge_again, fixed.admitted)
    return await putback_rounds.epoch(
        connection, fixed.round, fixed.epoch, fixed.opened_at, manifests, source, None, *again
    )
