"""Acts that give out what was set free after a proposal: a batch is opened, proposed by selection, and confirmed."""

from typing import Any

from services.intake.domain.acts import ProposedAct
from services.intake.domain.entries import is_id
from services.intake.domain.refused import Refused, conflict, unfit
from services.intake.domain.releases import Cause, cancelled, leaving
from services.intake.domain.rounds import RoundStatus
from services.intake.storage import outcomes, releases, versions
from services.intake.storage.concerned import concerned
from services.intake.storage.rounds import StoredRound
from services.intake.usecases.acts.act_types import Approved, Done, Preview, Terms, ids
from services.intake.usecases.round_events import round_event
from shared.contracts.events import ReleaseConfirmed, ReleaseOpened
from shared.service.postgres import Connection


async def open_terms(connection: Connection, stored: StoredRound, asked: Terms) -> Terms | Refused:
    """The next batch: exactly what is free now, and `declined`, at most one product that officers decline for the act's
    reason."""
    proposal = await _proposal(connection, stored)
    if isinstance(proposal, Refused):
        return proposal
    last = await releases.last(connection, stored.window.round, stored.epoch)
    if last.number and await _proposed(connection, stored, last.number) is None:
        return conflict("not-proposed", f"Selection has not proposed batch {last.number} yet: it comes first.")
    declined = ids(asked, "declined")
    if isinstance(declined, Refused):
        return declined
    if len(declined) > 1:
        return unfit("invalid-fields", "Name at most one application in /terms/declined: each has its reason.")
    for application in declined:
        if refused := await _unless_declinable(connection, stored, application):
            return refused
    free = await releases.pending(connection, stored.window.round)
    if not free and not declined:
        return conflict("nothing-free", "Nothing was given up or cancelled since the batch before.")
    return {
        "epoch": stored.epoch,
        "batch": last.number + 1,
        "selection_root": proposal["selection_root"],
        "given_up": [freed.subject for freed in free if freed.cause is Cause.GIVEN_UP],
        "cancelled": [freed.subject for freed in free if freed.cause is Cause.CANCELLED],
        "declined": declined,
    }


async def preview_batch(connection: Connection, stored: StoredRound, act: ProposedAct) -> Preview:
    """What is free now, and the declined product."""
    round_id, declined = stored.window.round, act.terms["declined"]
    free = await releases.pending(connection, round_id)
    freed = [{"subject": freed.subject, "cause": freed.cause.value, "reason": freed.reason} for freed in free]
    shown = await concerned(connection, round_id, declined)
    before = {"epoch": stored.epoch, "batch": act.terms["batch"] - 1, "free": freed, "concerned": shown}
    given_out = [row["subject"] for row in freed] + declined
    after = {"epoch": stored.epoch, "batch": act.terms["batch"], "free": [], "given_out": given_out}
    return Preview(before, after | {"concerned": [row | {"state": Cause.DECLINED.value} for row in shown]})


async def preview_confirmation(connection: Connection, stored: StoredRound, act: ProposedAct) -> Preview:
    """What selection gives out in the batch."""
    proposed = await _proposed(connection, stored, act.terms["batch"]) or {}
    counts = {name: proposed[name] for name in ("promoted", "changed", "withdrawn") if name in proposed}
    batch = {"epoch": stored.epoch, "batch": act.terms["batch"], "batch_root": act.terms["batch_root"]}
    return Preview(
        batch | {"recommended": counts, "confirmed": False}, batch | {"published": counts, "confirmed": True}
    )


async def open_batch(approved: Approved) -> Done | Refused:
    """Opens a batch with everything that is free, including the declined product."""
    connection, terms, round_id = approved.connection, approved.act.terms, approved.act.round
    proposal = await _proposal(connection, approved.stored)
    if isinstance(proposal, Refused):
        return proposal
    now = approved.after(proposal["proposed_at"])
    for application in terms["declined"]:
        await releases.free(connection, round_id, application, Cause.DECLINED, approved.act.reason, now)
    free = await releases.pending(connection, round_id)
    opened = ReleaseOpened(
        round=round_id,
        actors=approved.actors,
        reason=approved.act.reason,
        epoch=terms["epoch"],
        batch=terms["batch"],
        selection_root=terms["selection_root"],
        leaving=leaving(free),
        cancelled=cancelled(free),
        opened_at=now,
    )
    subjects = [freed.subject for freed in free]
    await releases.open_batch(connection, round_id, opened.epoch, opened.batch, now, subjects)
    return Done([round_event(opened, f"release {opened.batch}", opened.epoch, now)])


async def confirm_terms(connection: Connection, stored: StoredRound, asked: Terms) -> Terms | Refused:
    """The newest proposed batch of a confirmed selection, and with it those before."""
    if stored.window.status is not RoundStatus.CONFIRMED:
        return conflict(
            "not-confirmed", f"The round is {stored.window.status}: confirming its selection confirms its batches."
        )
    last = await releases.last(connection, stored.window.round, stored.epoch)
    if not last.number or last.confirmed_at is not None:
        return conflict("nothing-proposed", "No batch waits to be confirmed: see GET /rounds/{round}/releases.")
    batch = await batch_terms(connection, stored, last.number)
    return batch if isinstance(batch, Refused) else {"epoch": stored.epoch} | batch


async def confirm(approved: Approved) -> Done:
    """Confirms the batch and those before it."""
    proposed = await _proposed(approved.connection, approved.stored, approved.act.terms["batch"])
    now = approved.after(proposed["proposed_at"] if proposed else None)
    confirmed = ReleaseConfirmed(
        round=approved.act.round,
        actors=approved.actors,
        reason=approved.act.reason,
        confirmed_at=now,
        **approved.act.terms,
    )
    of_batch = confirmed.round, confirmed.epoch, confirmed.batch
    await releases.confirm(approved.connection, *of_batch, now)
    return Done([round_event(confirmed, f"release-confirmed {confirmed.batch}", confirmed.epoch, now)])


async def batch_terms(connection: Connection, stored: StoredRound, number: int) -> Terms | Refused:
    """A batch by its root, which its confirmation names."""
    proposed = await _proposed(connection, stored, number)
    if proposed is None:
        return conflict("not-proposed", f"Selection has not proposed batch {number} yet.")
    return {"batch": number, "batch_root": proposed["batch_root"]}


async def _proposal(connection: Connection, stored: StoredRound) -> dict[str, Any] | Refused:
    if stored.window.status not in (RoundStatus.FROZEN, RoundStatus.CONFIRMED):
        return conflict("not-proposed", f"The round is {stored.window.status}: there is nothing to give out.")
    proposal = await outcomes.milestone(connection, stored.window.round, "SelectionProposed")
    if proposal is None or proposal["epoch"] != stored.epoch:
        return conflict("not-proposed", f"Selection has not proposed yet in epoch {stored.epoch}.")
    return proposal


async def _proposed(connection: Connection, stored: StoredRound, number: int) -> dict[str, Any] | None:
    return await outcomes.batch_proposed(connection, stored.window.round, stored.epoch, number)


async def _unless_declinable(connection: Connection, stored: StoredRound, application: str) -> Refused | None:
    known = await versions.load(connection, application) if is_id(application) else None
    if known is None or known.round != stored.window.round or known.withdrawn:
        return unfit("unknown-application", f"No application {application[:40]!r} stands in this round.")
    before = await releases.freed(connection, known.round, known.application)
    if before is not None:
        return conflict("left-already", f"Application {application} was {before.cause} already.")
    if await releases.is_contracted(connection, known.application):
        return conflict("contracted", f"A purchase of application {application} was reported: it stands.")
    return None
