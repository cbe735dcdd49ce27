"""Acts on a round that still accepts entries: moving its close for everybody, or ending it without a result."""

from datetime import datetime
from secrets import token_hex
from typing import Any

from pydantic import TypeAdapter

from services.intake.domain.acts import ProposedAct
from services.intake.domain.refused import Refused, conflict, unfit
from services.intake.domain.rounds import RoundStatus
from services.intake.domain.terms import window_faults
from services.intake.storage import requests, rounds
from services.intake.storage.rounds import StoredRound
from services.intake.usecases.acts.act_types import Approved, Done, Preview, Terms, text
from services.intake.usecases.inbox_messages import take_messages
from services.intake.usecases.invitations import invitations
from services.intake.usecases.round_events import late_answers, round_event
from shared.contracts.events import RoundExtended, RoundVoided
from shared.contracts.values import UtcTime
from shared.reading.json_read import UnreadableJsonError, read_value
from shared.service.postgres import Connection

_MOMENT = TypeAdapter(UtcTime)


async def extend_terms(connection: Connection, stored: StoredRound, asked: Terms) -> Terms | Refused:
    """A later `closes_at`, for a round that is not frozen: afterwards an extension would change a fixed set."""
    if stored.window.frozen:
        return conflict("frozen", "The round is frozen: its set is fixed, and an extension comes too late.")
    named = text(asked, "closes_at")
    if isinstance(named, Refused):
        return named
    try:
        closes_at: datetime = read_value(_MOMENT, named, "/terms/closes_at")
    except UnreadableJsonError as error:
        return unfit("invalid-fields", "Some fields can't be accepted.", error.reasons)
    if closes_at <= stored.window.closes_at:
        return conflict("not-later", f"The round closes at {stored.window.closes_at.isoformat()}: give a later moment.")
    if faults := tuple(window_faults(stored.window.opens_at, closes_at, "/terms/closes_at")):
        return unfit("invalid-fields", "No round closes then.", faults)
    if stored.series is not None:
        following = (await rounds.cuts(connection, [stored.series]))[stored.series]
        next_close = min(
            (cut.window.closes_at for cut in following if (cut.cut or 0) > (stored.cut or 0)), default=None
        )
        if next_close is not None and closes_at >= next_close:
            next_moment = next_close.isoformat()
            return conflict(
                "past-the-next-cut", f"The cut that follows closes at {next_moment}: give an earlier moment."
            )
    return {"closes_at": asked["closes_at"]}


async def extend(approved: Approved) -> Done:
    """Moves the close for everybody. Takes up inbox messages that were held since the old close, and invites refused
    firms to return."""
    closes_at = _MOMENT.validate_python(approved.act.terms["closes_at"])
    await rounds.extend(approved.connection, approved.act.round, closes_at)
    extended = RoundExtended(
        round=approved.act.round,
        actors=approved.actors,
        reason=approved.act.reason,
        closes_at=closes_at,
        closed_at_before=approved.stored.window.closes_at,
    )
    held = await requests.take_held(approved.connection, approved.act.round)
    nonces = [token_hex(16) for _ in held]
    answers = await take_messages(approved.connection, held, approved.moment, nonces)
    invited = await invitations(approved.connection, extended, approved.now)
    return Done([round_event(extended, f"extended {closes_at.isoformat()}", 0, approved.now), *answers, *invited])


async def preview_extension(connection: Connection, stored: StoredRound, act: ProposedAct) -> Preview:
    """The window with the old and the new close."""
    before = _window(stored)
    return Preview(before, before | {"closes_at": _MOMENT.validate_python(act.terms["closes_at"])})


async def void_terms(connection: Connection, stored: StoredRound, asked: Terms) -> Terms | Refused:
    """No terms; refused once the round is void or confirmed."""
    if stored.window.status in (RoundStatus.VOID, RoundStatus.CONFIRMED, RoundStatus.FINAL):
        return conflict("ended", f"The round is {stored.window.status} already.")
    return {}


async def preview_void(connection: Connection, stored: StoredRound, act: ProposedAct) -> Preview:
    """The window with the status after the act."""
    before = _window(stored)
    return Preview(before, before | {"status": RoundStatus.VOID.value})


def _window(stored: StoredRound) -> dict[str, Any]:
    window = stored.window
    return {"status": window.status.value, "opens_at": window.opens_at, "closes_at": window.closes_at}


async def void(approved: Approved) -> Done:
    """Ends the round without a result; held inbox messages are answered as late."""
    await rounds.void(approved.connection, approved.act.round)
    voided = RoundVoided(
        round=approved.act.round, actors=approved.actors, reason=approved.act.reason, voided_at=approved.now
    )
    answers = await late_answers(approved.connection, approved.act.round, approved.moment)
    return Done([round_event(voided, "voided", 0, approved.now), *answers])
