"""Why an application is not admitted or can't be changed, in words for the applicant."""

from typing import Final

from services.intake.domain.refused import RefusalKind, Refused, conflict
from services.intake.domain.submissions import FirmLimit, Refusal
from shared.contracts.events import Reason

_REFUSED: Final = {
    Refusal.UNKNOWN_ROUND: Refused(
        RefusalKind.UNKNOWN, Refusal.UNKNOWN_ROUND.value, "No round of this id: see GET /rounds."
    ),
    Refusal.NOT_OPEN_YET: Refused(
        RefusalKind.CONFLICT, Refusal.NOT_OPEN_YET.value, "The round is not open yet: see opens_at at GET /rounds."
    ),
    Refusal.CLOSED: Refused(
        RefusalKind.OVER, Refusal.CLOSED.value, "The round is closed; later rounds are at GET /rounds."
    ),
    Refusal.ALREADY_ENTERED: Refused(
        RefusalKind.CONFLICT,
        Refusal.ALREADY_ENTERED.value,
        "You have entered this product of this firm already: change it with PUT /applications/{id} and its token.",
    ),
    Refusal.ENTERED_BY_SURER: Refused(
        RefusalKind.CONFLICT,
        Refusal.ENTERED_BY_SURER.value,
        "This product is entered by somebody who is surer to be of this firm: confirm yours with POST /identity first.",
    ),
    Refusal.KEY_REUSED: Refused(
        RefusalKind.INVALID,
        Refusal.KEY_REUSED.value,
        "This idempotency key was used with another body: use a new key for a new application.",
    ),
}


def refused_entry(refusal: Refusal | FirmLimit | Refused) -> Refused:
    """The refusal in words."""
    if isinstance(refusal, Refused):
        return refusal
    if isinstance(refusal, FirmLimit):
        return _firm_limit(refusal)
    return _REFUSED[refusal]


def _firm_limit(reached: FirmLimit) -> Refused:
    """Names only the entry whose token was sent."""
    where = f"in track {reached.track}" if reached.track else "in this round"
    title = f"A firm may have {reached.most} entries {where}, and this one has as many: withdraw one, or change one."
    fix = "withdraw it with POST /applications/{id}/withdrawal, or change it with PUT /applications/{id}"
    named = (Reason(pointer="", code="entry", detail=reached.opened, fix=fix),) if reached.opened else ()
    return conflict("firm-limit", title, named)
