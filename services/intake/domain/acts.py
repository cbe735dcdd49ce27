"""Officers' acts. What changes the set, the seed or the result needs two officers who agree on the same terms."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class ActKind(StrEnum):
    RECORD_SOURCE = "record-source"
    CONFIRM = "confirm"
    EXTEND = "extend"
    VOID = "void"
    ADMIT_LATE = "admit-late"
    UNPARK = "unpark"
    EXCLUDE = "exclude"
    RERUN = "rerun"
    CLOSE_SCORES = "close-scores"
    DECIDE_APPEAL = "decide-appeal"
    WAIVE_REGISTRY = "waive-registry"
    RELEASE = "release"
    CONFIRM_RELEASE = "confirm-release"


@dataclass(frozen=True, slots=True)
class ProposedAct:
    act: str
    round: str
    kind: ActKind
    terms: dict[str, Any]
    reason: str
    proposed_by: str
    expires_at: datetime
    approved_by: str | None


class ApprovalRefusal(StrEnum):
    SAME_OFFICER = "same-officer"
    EXPIRED = "expired"
    ALREADY_APPROVED = "already-approved"
    ROOTS_MOVED = "roots-moved"


def approval_refusal(
    act: ProposedAct, officer: str, now: datetime, terms_now: dict[str, Any] | None
) -> ApprovalRefusal | None:
    """`terms_now`: the terms as they would be proposed at this moment; None where they bind nothing that moves."""
    if act.approved_by is not None:
        return ApprovalRefusal.ALREADY_APPROVED
    if officer == act.proposed_by:
        return ApprovalRefusal.SAME_OFFICER
    if now >= act.expires_at:
        return ApprovalRefusal.EXPIRED
    if terms_now is not None and terms_now != act.terms:
        return ApprovalRefusal.ROOTS_MOVED
    return None
