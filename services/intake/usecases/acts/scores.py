"""The act that closes the panel's marks: the commitment rests on exactly these."""

from services.intake.domain.acts import ProposedAct
from services.intake.domain.refused import Refused, conflict
from services.intake.domain.rounds import RoundStatus
from services.intake.domain.scores import counted
from services.intake.storage import epochs, outcomes, scores
from services.intake.storage.rounds import StoredRound
from services.intake.usecases.acts.act_types import Approved, Done, Preview, Terms
from services.intake.usecases.round_events import round_event
from shared.contracts.events import ScoresClosed
from shared.programme.panel import marks_root
from shared.service.postgres import Connection


async def close_terms(connection: Connection, stored: StoredRound, asked: Terms) -> Terms | Refused:
    """The current marks, by number and root, and how many eligible applications have no mark that counts."""
    if not panel_points(stored):
        return conflict("no-panel", "The round's policy has no panel: there are no marks to close.")
    if stored.window.status is not RoundStatus.FROZEN:
        return conflict("not-frozen", f"The round is {stored.window.status}: marks are closed between freeze and draw.")
    judged = await outcomes.milestone(connection, stored.window.round, "EligibilityCompleted")
    if judged is None or judged["epoch"] != stored.epoch:
        return conflict("not-judged", f"Epoch {stored.epoch} is not judged yet: nobody knows who needs marks.")
    panel = await scores.panel(connection, stored.window.round)
    if not panel.to_close:
        return conflict("closed", "The marks are closed, and nobody was admitted since.")
    having = counted(panel.marks)
    without = sum(eligible and application not in having for application, eligible in panel.entered.items())
    return {
        "epoch": stored.epoch,
        "marks": len(panel.marks),
        "marks_root": marks_root(panel.marks),
        "without_marks": without,
    }


async def preview(connection: Connection, stored: StoredRound, act: ProposedAct) -> Preview:
    """Whether the marks are closed."""
    marks = {name: act.terms[name] for name in ("epoch", "marks", "marks_root", "without_marks")}
    return Preview({"epoch": stored.epoch, "marks": act.terms["marks"], "closed": False}, marks | {"closed": True})


async def close(approved: Approved) -> Done:
    """Closes the marks of the current epoch."""
    terms = approved.act.terms
    now = approved.after(await epochs.fixed_at(approved.connection, approved.act.round, terms["epoch"]))
    closed = ScoresClosed(
        round=approved.act.round,
        actors=approved.actors,
        reason=approved.act.reason,
        epoch=terms["epoch"],
        marks=terms["marks"],
        marks_root=terms["marks_root"],
        closed_at=now,
    )
    await scores.close(approved.connection, closed)
    return Done([round_event(closed, "scores-closed", closed.epoch, now)])


def panel_points(stored: StoredRound) -> int:
    """The most points that a reviewer gives under the round's policy; 0 without a panel."""
    points: int = (stored.policy.get("scoring") or {}).get("panel_points", 0)
    return points
