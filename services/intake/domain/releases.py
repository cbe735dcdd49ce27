"""What is set free after a result, for batches to give to the reserve.

A firm gives up its place, an institution cancels a request, or officers decline a product. Two officers open and
confirm each batch.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.intake.domain.rounds import RoundStatus
from shared.contracts.events import CancelledRequest, Leaving, LeavingCause, Reason


class Cause(StrEnum):
    """Why something was set free."""

    GIVEN_UP = "given-up"
    DECLINED = "declined"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class SetFree:
    """Something that was set free. `subject`: an application that leaves, or a cancelled request."""

    subject: str
    cause: Cause
    reason: str
    freed_at: datetime


def leaving(free: list[SetFree]) -> tuple[Leaving, ...]:
    """Applications among what is free."""
    return tuple(
        Leaving(application=freed.subject, cause=LeavingCause(freed.cause.value), reason=freed.reason)
        for freed in free
        if freed.cause is not Cause.CANCELLED
    )


def cancelled(free: list[SetFree]) -> tuple[CancelledRequest, ...]:
    """Requests among what is free."""
    return tuple(
        CancelledRequest(request=freed.subject, reason=freed.reason) for freed in free if freed.cause is Cause.CANCELLED
    )


def cancellation_refusal(status: RoundStatus, reason: str, contracted: bool) -> tuple[Reason, ...]:
    """Why a request of a frozen round can't be cancelled; empty when it can."""
    if status in (RoundStatus.FINAL, RoundStatus.VOID):
        fix = "say what became of its awards with ReportNonPurchase"
        return (Reason(pointer="/round", code="ended", detail=f"the round is {status.value}", fix=fix),)
    if contracted:
        detail = "a purchase on this request was reported"
        fix = "a request is cancelled as a whole: report what is not bought with ReportNonPurchase"
        return (Reason(pointer="/request", code="contracted", detail=detail, fix=fix),)
    if not reason.strip():
        detail = "a request of a frozen round is cancelled with a reason, which is published"
        return (Reason(pointer="/reason", code="no-reason", detail=detail, fix="say why in /reason"),)
    return ()
