"""Refusals as HTTP problem details (RFC 9457)."""

from typing import Final, TypeVar

from services.intake.domain.refused import RefusalKind, Refused
from shared.service.problems import Problem

_STATUS: Final = {
    RefusalKind.INVALID: 422,
    RefusalKind.CONFLICT: 409,
    RefusalKind.UNKNOWN: 404,
    RefusalKind.OVER: 410,
    RefusalKind.TOO_LARGE: 413,
    RefusalKind.BUSY: 429,
    RefusalKind.UNAVAILABLE: 503,
    RefusalKind.NO_SPACE: 507,
}
_Found = TypeVar("_Found")


def problem(refused: Refused) -> Problem:
    """The refusal as a Problem."""
    headers = {} if refused.retry_seconds is None else {"Retry-After": str(refused.retry_seconds)}
    return Problem(_STATUS[refused.kind], refused.code, refused.title, refused.errors, headers)


def granted(result: _Found | Refused) -> _Found:
    """The result itself. Raises a Problem where it is a refusal, which rolls the caller's transaction back."""
    if isinstance(result, Refused):
        raise problem(result)
    return result
