"""A refusal as a value, which routes turn into an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.events import Reason


class RefusalKind(StrEnum):
    """What prevents the request."""

    INVALID = "invalid"
    """Something that was sent: another request may succeed."""
    CONFLICT = "conflict"
    """The state of the round, or of another subject of the request."""
    OVER = "over"
    """Its time is over."""
    TOO_LARGE = "too-large"
    UNKNOWN = "unknown"
    BUSY = "busy"
    """Too many requests at once, or too many from one sender."""
    NO_SPACE = "no-space"
    """There is no room left to store it."""
    UNAVAILABLE = "unavailable"
    """Another system does not answer."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why something is not done. `code`: stable, for programs. `errors`: by field. `retry_seconds`: when to retry."""

    kind: RefusalKind
    code: str
    title: str
    errors: Sequence[Reason] = ()
    retry_seconds: int | None = None


def unfit(code: str, title: str, errors: Sequence[Reason] = ()) -> Refused:
    """A refusal of what was sent."""
    return Refused(RefusalKind.INVALID, code, title, errors)


def conflict(code: str, title: str, errors: Sequence[Reason] = ()) -> Refused:
    """A refusal by the state of things."""
    return Refused(RefusalKind.CONFLICT, code, title, errors)
