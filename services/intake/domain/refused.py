"""Why something is not done: a value, which routes turn into an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.events import Reason


class RefusalKind(StrEnum):
    """What stands in the way."""

    INVALID = "invalid"
    """Something in what was sent: another request can be made instead."""
    CONFLICT = "conflict"
    """The state of the round, or of what else the request is about."""
    OVER = "over"
    """The time for it has passed."""
    UNKNOWN = "unknown"
    BUSY = "busy"
    """Too many ask at once, or one too often."""
    UNAVAILABLE = "unavailable"
    """Another system does not answer."""


@dataclass(frozen=True, slots=True)
class Refused:
    """`code`: stable, for programs. `errors`: by field, where fields are at fault. `retry_seconds`: wait so long."""

    kind: RefusalKind
    code: str
    title: str
    errors: Sequence[Reason] = ()
    retry_seconds: int | None = None


def unfit(code: str, title: str, errors: Sequence[Reason] = ()) -> Refused:
    return Refused(RefusalKind.INVALID, code, title, errors)


def conflict(code: str, title: str, errors: Sequence[Reason] = ()) -> Refused:
    return Refused(RefusalKind.CONFLICT, code, title, errors)
