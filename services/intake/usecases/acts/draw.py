"""Acts on a committed round: recording the value of its source, and confirming its selection."""

from datetime import datetime
from typing import Any

from services.intake.domain.acts import ProposedAct
from services.intake.domain.refused import Refused, conflict, unfit
from services.intake.domain.rounds import RoundStatus
from services.intake.domain.sources import Timetable, UnusableValueError, beacon_value, drawn_numbers, due_at
from services.intake.storage import epochs, outcomes, releases
from services.intake.storage.outcomes import AwaitedValue
from services.intake.storage.rounds import StoredRound
from services.intake.usecases.acts.act_types import Approved, Done, Preview, Terms, text
from services.intake.usecases.acts.releases import batch_terms
from services.intake.usecases.round_events import SourceValue, record_source, round_event
from shared.contracts.events import Reason, SelectionConfirmed, SourceKind
from shared.proof.beacon import ChainKey
from shared.service.postgres import Connection


async def source_terms(connection: Connection, stored: StoredRound, asked: Terms) -> Terms | Refused:
    """The source and its value, for the commitment that awaits one."""
    if stored.window.status is RoundStatus.VOID:
        return conflict("ended", "The round is void: no value decides anything any more.")
    awaited, source = await _awaited(connection, stored), text(asked, "source")
    if isinstance(awaited, Refused):
        return awaited
    if isinstance(source, Refused):
        return source
    if source not in {known["source"] for known in stored.sources}:
        return unfit("unknown-source", "The round's announcement names no such source.")
    if awaited.source not in (None, source):
        return conflict("other-source", f"The act that opened epoch {awaited.epoch} announced {awaited.source}.")
    commitment = {"epoch": awaited.epoch, "commitment_root": awaited.commitment_root}
    value = _value_terms(stored, awaited, asked)
    return value if isinstance(value, Refused) else commitment | {"source": source} | value


def _value_terms(stored: StoredRound, awaited: AwaitedValue, asked: Terms) -> Terms | Refused:
    """The value in canonical form; for drand also its round and the signature it is made of."""
    source = _source(stored, asked["source"])
    written, signature = text(asked, "value"), text(asked, "signature")
    if isinstance(written, Refused):
        return written
    if isinstance(signature, Refused):
        return signature
    try:
        if source["kind"] != SourceKind.DRAND:
            return {"value": drawn_numbers(written)}
        value = beacon_value(signature)
    except UnusableValueError as error:
        fix = Reason(pointer="/terms/value", code=error.code, detail=written[:200], fix=str(error))
        return unfit("invalid-fields", f"No such value can come from {asked['source']}.", (fix,))
    number = Timetable.of(source).number(_due(stored, awaited, asked["source"]))
    if source.get("public_key") and not ChainKey.of(source["public_key"], source.get("scheme")).signed(
        number, signature
    ):
        detail = f"this is not the chain's signature of its round {number}, the one that is due"
        mend = f"copy the signature of round {number} from any node of the chain"
        wrong = Reason(pointer="/terms/value", code="not-signed", detail=detail, fix=mend)
        return unfit("invalid-fields", f"No such value can come from {asked['source']}.", (wrong,))
    return {"value": value, "beacon_round": number, "signature": signature}


async def record(approved: Approved) -> Done | Refused:
    """Records the value. Refused before it is due."""
    stored, terms = approved.stored, approved.act.terms
    awaited = await _awaited(approved.connection, stored)
    if isinstance(awaited, Refused):
        return awaited
    due = _due(stored, awaited, terms["source"])
    if approved.now < due:
        title = f"The value that decides is due at {due.isoformat()}: no earlier one counts"
        before = [
            source["source"] for source in stored.sources[: stored.sources.index(_source(stored, terms["source"]))]
        ]
        if before and awaited.source is None:
            title += f", and only where {', '.join(before)} failed"
        return conflict("not-due", f"{title}.")
    value = SourceValue(terms["source"], terms["value"], due, terms.get("beacon_round"), terms.get("signature"))
    recorded = await record_source(
        approved.connection, awaited, value, approved.now, approved.actors, approved.act.reason
    )
    return Done(recorded)


async def preview_value(connection: Connection, stored: StoredRound, act: ProposedAct) -> Preview | Refused:
    """The awaited commitment, and the value with its due moment."""
    awaited, source = await _awaited(connection, stored), act.terms["source"]
    if isinstance(awaited, Refused):
        return awaited
    decided = {"epoch": awaited.epoch, "commitment_root": awaited.commitment_root}
    decided |= {"committed_at": awaited.committed_at}
    value = {name: act.terms[name] for name in ("source", "value", "beacon_round", "signature") if name in act.terms}
    after = decided | value | {"due_at": _due(stored, awaited, source)}
    return Preview(decided | {"source": awaited.source, "value": None}, after)


def _due(stored: StoredRound, awaited: AwaitedValue, name: str) -> datetime:
    """A supplementary source is the one that its act announced; before one of the round's own, all earlier ones must
    have failed."""
    timetables = []
    for source in stored.sources:
        if awaited.source is None or source["source"] == name:
            timetables.append(Timetable.of(source))
        if source["source"] == name:
            break
    return due_at(awaited.committed_at, stored.lead_seconds, timetables)


def _source(stored: StoredRound, name: str) -> dict[str, Any]:
    return next(source for source in stored.sources if source["source"] == name)


async def _awaited(connection: Connection, stored: StoredRound) -> AwaitedValue | Refused:
    round_id = stored.window.round
    awaited = await outcomes.awaiting_source(connection, round_id)
    if awaited:
        return awaited[0]
    if await outcomes.milestone(connection, round_id, "InputsCommitted") is None:
        return conflict("not-committed", "A source's value counts only after the commitment.")
    return conflict("seed-known", "The round has its value already: one seed per round, for ever.")


async def confirm_terms(connection: Connection, stored: StoredRound, asked: Terms) -> Terms | Refused:
    """The proposal of the current epoch, and the batches already given out of it: an earlier proposal can't be
    confirmed any more."""
    if stored.window.status is not RoundStatus.FROZEN:
        return conflict("not-frozen", f"The round is {stored.window.status}: there is nothing to confirm.")
    proposal = await outcomes.milestone(connection, stored.window.round, "SelectionProposed")
    if proposal is None or proposal["epoch"] != stored.epoch:
        return conflict("not-proposed", f"Selection has not proposed yet in epoch {stored.epoch}.")
    terms = {key: proposal[key] for key in ("epoch", "commitment_root", "selection_root")}
    last = await releases.last(connection, stored.window.round, stored.epoch)
    if not last.number:
        return terms
    batch = await batch_terms(connection, stored, last.number)
    return batch if isinstance(batch, Refused) else terms | batch


async def preview_confirmation(connection: Connection, stored: StoredRound, act: ProposedAct) -> Preview:
    """The counts that selection recommends."""
    proposal = await _proposal(connection, act.round)
    counts = {name: proposal[name] for name in ("selected", "reserve", "not_selected") if name in proposal}
    before = {"status": stored.window.status.value, "epoch": stored.epoch, "recommended": counts}
    after = {"status": RoundStatus.CONFIRMED.value, "epoch": stored.epoch, "published": counts}
    return Preview(before, after | {name: act.terms[name] for name in act.terms if name.endswith("_root")})


async def _proposal(connection: Connection, round_id: str) -> dict[str, Any]:
    return await outcomes.milestone(connection, round_id, "SelectionProposed") or {}


async def confirm(approved: Approved) -> Done:
    """Confirms the proposal as it was made, together with what is shown with it."""
    proposal = await _proposal(approved.connection, approved.act.round)
    now = approved.after(proposal.get("proposed_at"))
    await epochs.confirm(approved.connection, approved.act.round, now)
    confirmed = SelectionConfirmed(
        round=approved.act.round,
        actors=approved.actors,
        reason=approved.act.reason,
        confirmed_at=now,
        shown_root=proposal.get("shown_root"),
        **approved.act.terms,
    )
    if confirmed.batch is not None:
        of_batch = confirmed.round, confirmed.epoch, confirmed.batch
        await releases.confirm(approved.connection, *of_batch, now)
    return Done([round_event(confirmed, "confirmed", confirmed.epoch, now)])
