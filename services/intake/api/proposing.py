"""Keeps a proposed act until another officer decides on it, one of a kind and terms at a time."""

import uuid
from datetime import timedelta
from typing import Any, Final

import structlog

from services.intake.api.state import Intake
from services.intake.domain.acts import ActKind, ProposedAct, waiting_for_the_same
from services.intake.storage import acts
from services.intake.usecases.acts import KINDS
from shared.kafka.cloudevents import Outgoing
from shared.service import audit
from shared.service.postgres import Connection
from shared.service.problems import Problem
from shared.wording.in_korean import said

ELSEWHERE: Final = {
    ActKind.ANNOUNCE: "A round is announced by POST /rounds.",
    ActKind.AMEND_ROUND: "A round is amended by POST /rounds/{round}/amendments.",
}
"""Kinds with a route of their own. For each round one act of the kind waits at a time, whatever its terms."""
AWAITS: Final = "approval by another officer"
_log = structlog.get_logger()


def proposal(
    state: Intake, round_id: str, kind: ActKind, terms: dict[str, Any], reason: str, officer: str
) -> ProposedAct:
    """A new act, which expires after the configured hours."""
    now = state.clock.now()
    return ProposedAct(
        act=str(uuid.uuid4()),
        round=round_id,
        kind=kind,
        terms=terms,
        reason=reason,
        proposed_by=officer,
        proposed_at=now,
        expires_at=now + timedelta(hours=state.settings.approval_hours),
    )


async def keep(connection: Connection, act: ProposedAct) -> None:
    """Keeps a proposed act. Raises a Problem while one of this kind and terms waits.

    No other is kept until the transaction ends.
    """
    await acts.lock_proposals(connection, act.round, act.kind)
    waiting = await acts.waiting(connection, act.round, act.kind, act.proposed_at)
    if act.kind in ELSEWHERE:
        same = waiting[0] if waiting else None
    else:
        same = waiting_for_the_same(waiting, act.terms, KINDS[act.kind].drawn)
    if same is not None:
        approval = f"firstbuy round approve {act.round} {same.act}"
        title = f"Such an act of {same.proposed_by} waits already; another officer approves it with: {approval}"
        raise Problem(409, "act-waits", title)
    await acts.propose(connection, act)


async def recorded(connection: Connection, act: ProposedAct) -> Outgoing:
    """The head of the audit log with the proposal in it; the last event of a transaction."""
    detail = {"act": act.act, "kind": act.kind.value, "round": act.round, "terms": act.terms, "reason": act.reason}
    head = await audit.record(connection, "intake", act.proposed_at, act.proposed_by, "propose-act", detail)
    _log.info("proposed act", act=act.act, kind=act.kind.value, round=act.round, officer=act.proposed_by)
    return head


def awaiting(act: ProposedAct) -> dict[str, str]:
    """The answer to a proposal."""
    approval = f"/rounds/{act.round}/acts/{act.act}/approval"
    return {"act": act.act, "awaits": said(AWAITS), "approval": approval, "expires_at": act.expires_at.isoformat()}
