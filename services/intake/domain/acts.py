"""Officers' acts. Whatever changes the set, the seed or the result needs two officers who agree on the same terms."""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.programme.persons import spelled


class ActKind(StrEnum):
    """What officers can do to a round."""

    ANNOUNCE = "announce"
    AMEND_ROUND = "amend-round"
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


class ActState(StrEnum):
    """How far a proposal is."""

    WAITING = "waiting"
    EXPIRED = "expired"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    APPROVED = "approved"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a proposal ended without being done: rejected by another officer, or withdrawn by its proposer."""

    state: ActState
    by: str
    at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedAct:
    """An act as proposed, with how it ended so far. Moments are real time."""

    act: str
    round: str
    kind: ActKind
    terms: dict[str, Any]
    reason: str
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None
    ended: Ended | None = None

    def state(self, now: datetime) -> ActState:
        """Approved or ended acts never expire."""
        if self.approved_by is not None:
            return ActState.APPROVED
        if self.ended is not None:
            return self.ended.state
        return ActState.EXPIRED if now >= self.expires_at else ActState.WAITING


class ActRefusal(StrEnum):
    """Why a proposal can't be approved, rejected or withdrawn. Two spellings of one name are one officer."""

    SAME_OFFICER = "same-officer"
    OTHER_OFFICER = "other-officer"
    EXPIRED = "expired"
    ALREADY_APPROVED = "already-approved"
    REJECTED = "act-rejected"
    WITHDRAWN = "act-withdrawn"
    ROOTS_MOVED = "roots-moved"


_OVER = {
    ActState.EXPIRED: ActRefusal.EXPIRED,
    ActState.APPROVED: ActRefusal.ALREADY_APPROVED,
    ActState.REJECTED: ActRefusal.REJECTED,
    ActState.WITHDRAWN: ActRefusal.WITHDRAWN,
}


def approval_refusal(
    act: ProposedAct, officer: str, now: datetime, terms_now: dict[str, Any] | None
) -> ActRefusal | None:
    """Why the officer can't approve. `terms_now`: the terms as they would be proposed now; None to skip that
    comparison."""
    refusal = rejection_refusal(act, officer, now)
    if refusal is None and terms_now is not None and terms_now != act.terms:
        return ActRefusal.ROOTS_MOVED
    return refusal


def rejection_refusal(act: ProposedAct, officer: str, now: datetime) -> ActRefusal | None:
    """Why the officer can't reject: whoever may approve may reject instead."""
    over = _OVER.get(act.state(now))
    if over is None and spelled(officer) == spelled(act.proposed_by):
        return ActRefusal.SAME_OFFICER
    return over


def withdrawal_refusal(act: ProposedAct, officer: str, now: datetime) -> ActRefusal | None:
    """Why the officer can't withdraw: only its proposer does."""
    over = _OVER.get(act.state(now))
    if over is None and spelled(officer) != spelled(act.proposed_by):
        return ActRefusal.OTHER_OFFICER
    return over


def waiting_for_the_same(
    waiting: Iterable[ProposedAct], terms: dict[str, Any], drawn: Set[str] = frozenset()
) -> ProposedAct | None:
    """Among waiting acts of one kind and round, the one with these terms. `drawn`: names of terms drawn at random."""
    wanted = {name: value for name, value in terms.items() if name not in drawn}
    for act in waiting:
        if {name: value for name, value in act.terms.items() if name not in drawn} == wanted:
            return act
    return None
