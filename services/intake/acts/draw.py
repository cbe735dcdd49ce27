"""Acts on a round that is committed: the value of its source is recorded, its selection confirmed."""

from services.intake.acts.ground import Approved, Done, Terms
from services.intake.domain.rounds import RoundStatus
from services.intake.domain.sources import due_at
from services.intake.storage import outcomes, rounds
from services.intake.storage.outcomes import AwaitedValue
from services.intake.storage.rounds import StoredRound
from services.intake.turns import SourceValue, record_source, round_event
from shared.contracts.events import SelectionConfirmed
from shared.http import Problem
from shared.postgres import Connection


async def source_terms(connection: Connection, stored: StoredRound, asked: Terms) -> Terms:
    """The source and its value, for the commitment that awaits one."""
    if stored.window.status is RoundStatus.VOID:
        raise Problem(409, "ended", "The round is void: no value decides anything any more.")
    awaited = await _awaited(connection, stored)
    if asked.get("source") not in {source["source"] for source in stored.sources}:
        raise Problem(422, "unknown-source", "The round's announcement names no such source.")
    if awaited.source not in (None, asked["source"]):
        raise Problem(409, "other-source", f"The act that opened epoch {awaited.epoch} announced {awaited.source}.")
    commitment = {"epoch": awaited.epoch, "commitment_root": awaited.commitment_root}
    return commitment | {"source": asked["source"], "value": str(asked.get("value", ""))}


async def record(approved: Approved) -> Done:
    stored, terms = approved.stored, approved.act.terms
    awaited = await _awaited(approved.connection, stored)
    source = next(item for item in stored.sources if item["source"] == terms["source"])
    due = due_at(awaited.committed_at, stored.lead_seconds, source["period_seconds"])
    if approved.now < due:
        raise Problem(409, "not-due", f"The value that decides is due at {due.isoformat()}: no earlier one counts.")
    value = SourceValue(source["source"], terms["value"], due)
    recorded = await record_source(
        approved.connection, awaited, value, approved.now, approved.actors, approved.act.reason
    )
    return Done(recorded)


async def _awaited(connection: Connection, stored: StoredRound) -> AwaitedValue:
    round_id = stored.window.round
    awaited = await outcomes.awaiting_source(connection, round_id)
    if awaited:
        return awaited[0]
    if await outcomes.milestone(connection, round_id, "InputsCommitted") is None:
        raise Problem(409, "not-committed", "A source's value counts only after the commitment.")
    raise Problem(409, "seed-known", "The round has its value already: one seed per round, for ever.")


async def confirm_terms(connection: Connection, stored: StoredRound, asked: Terms) -> Terms:
    """What is proposed in the epoch that stands: an earlier proposal can't be confirmed any more."""
    if stored.window.status is not RoundStatus.FROZEN:
        raise Problem(409, "not-frozen", f"The round is {stored.window.status}: there is nothing to confirm.")
    proposal = await outcomes.milestone(connection, stored.window.round, "SelectionProposed")
    if proposal is None or proposal["epoch"] != stored.epoch:
        raise Problem(409, "not-proposed", f"Selection has not proposed yet in epoch {stored.epoch}.")
    return {key: proposal[key] for key in ("epoch", "commitment_root", "selection_root")}


async def confirm(approved: Approved) -> Done:
    await rounds.confirm(approved.connection, approved.act.round, approved.now)
    confirmed = SelectionConfirmed(
        round=approved.act.round,
        actors=approved.actors,
        reason=approved.act.reason,
        confirmed_at=approved.now,
        **approved.act.terms,
    )
    return Done([round_event(confirmed, "confirmed", confirmed.epoch, approved.now)])
