"""The freeze: a round's applications and purchase requests are fixed after its close, under the exclusive latch."""

from collections.abc import Sequence
from typing import Any

import structlog

from services.intake.domain.rounds import RoundStatus
from services.intake.storage import epochs, institutions, rounds
from services.intake.usecases.round_events import BY_THE_CLOCK, late_answers, round_event
from shared.clock import Clock
from shared.contracts.events import (
    RoundFrozen,
)
from shared.service import audit
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Pool

_log = structlog.get_logger()


async def freeze(
    pool: Pool, outbox: OutboxPublisher, round_id: str, clock: Clock, made_anew: Sequence[str] = ()
) -> None:
    """Fixes the set: under the exclusive latch, reads the close again, then writes manifests and RoundFrozen.

    `made_anew`: inboxes that were recreated and hold nothing from before; the audit log notes that the freeze went on
    without them.
    """
    async with outbox.transaction(pool) as (connection, events):
        await rounds.lock_for_freeze(connection, round_id)
        stored = await rounds.load(connection, round_id)
        if stored is None or stored.window.status is not RoundStatus.OPEN:
            return
        window = stored.window
        now = window.time_map.programme(clock.now())
        if now < window.closes_at:
            return  # an extension landed
        applications = epochs.manifest_of(await epochs.application_digest(connection, round_id))
        wanted = epochs.manifest_of(await epochs.request_digest(connection, round_id))
        await epochs.freeze(connection, round_id, now, applications, wanted)
        frozen = RoundFrozen(
            round=round_id,
            actors=BY_THE_CLOCK,
            reason="the window is over",
            epoch=1,
            frozen_at=now,
            closes_at=window.closes_at,
            applications=applications,
            requests=wanted,
            pledges=await institutions.invited(connection, round_id),
        )
        events.append(round_event(frozen, "frozen", 1, now))
        events += await late_answers(connection, round_id, clock.now())
        detail: dict[str, Any] = {
            "round": round_id,
            "epoch": 1,
            "applications_root": applications.root,
            "requests_root": wanted.root,
        }
        detail |= {"inboxes_made_anew": list(made_anew)} if made_anew else {}
        events.append(await audit.record(connection, "intake", clock.now(), "clock", "freeze", detail))
    _log.info("froze round", round=round_id, applications=applications.count, requests=wanted.count)
