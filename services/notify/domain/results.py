"""What a selection result, and what follows from it, means to applicants and institutions."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.notify.domain.notices import Happening, Occurrence, Recipient, Role
from services.notify.domain.occurrences import of_application
from shared.contracts.events import (
    AwardNoticed,
    AwardsChanged,
    AwardStatusEnded,
    AwardWithdrawn,
    NotSelectedReason,
    ProductNotSelected,
    ProductReserved,
    ProductSelected,
    PurchaseOverdue,
    PurchaseReminded,
    ReservePromoted,
    SelectionGivenUp,
    SelectionStatusEnded,
    SelectionWithdrawn,
)

Released = ReservePromoted | AwardsChanged | SelectionWithdrawn
Result = ProductSelected | ProductReserved | ProductNotSelected | Released
Decision = Mapping[str, Any]
"""What a result decided, as JSON."""

_SELECTED_BY: Final = {
    ProductSelected: Happening.SELECTED,
    ReservePromoted: Happening.PROMOTED,
    AwardsChanged: Happening.AWARDS_CHANGED,
}


def edition_of(event: Result) -> tuple[int, int]:
    """The epoch and batch of the decision; batch 0 if no batch decided."""
    return event.epoch, event.batch or 0 if isinstance(event, Released) else 0


def decision_of(event: Result) -> Decision:
    """What a result means to those concerned. It leaves out the place in the draw, which another epoch may move, and
    whether a batch or an epoch decided."""
    if isinstance(event, SelectionWithdrawn):
        cause = event.cause and event.cause.value
        result = ProductReserved if event.in_reserve else ProductNotSelected
        return {"reason": cause, "result": result.__name__}
    decided = event.model_dump(mode="json", include={"awards", "reserve_position", "reason"})
    if isinstance(event, ProductReserved | ProductNotSelected):
        return decided | {"result": type(event).__name__}
    if event.status_until is not None:
        decided["status_until"] = event.status_until.isoformat()
    return decided | {"result": ProductSelected.__name__}


def result(event: Result, traceparent: str | None, before: Decision | None = None) -> list[Occurrence]:
    """The applicant's result, and for a selected product the award of each buying institution.

    `before`: the decision of an earlier epoch or batch. Nobody is notified twice of what has not changed for them; an
    institution that loses its award is notified of that.
    """
    if before == decision_of(event) or event.party is None:
        return []
    facts = event.model_dump(mode="json", exclude={"round", "application", "party"})
    recipients = [Recipient(Role.APPLICANT, event.party, facts)]
    awarded_before = _by_institution(before["awards"] if before and "awards" in before else ())
    awards: dict[str, list[Any]] = {}
    match event:
        case ProductSelected() | ReservePromoted() | AwardsChanged():
            happening = _SELECTED_BY[type(event)]
            decided = decision_of(event)
            awards = _by_institution(decided["awards"])
            moved = before is not None and before.get("status_until") != decided.get("status_until")
            changed = [
                institution for institution in awards if moved or awards[institution] != awarded_before.get(institution)
            ]
            recipients += _awards(event, changed)
        case ProductReserved():
            happening = Happening.RESERVED
        case ProductNotSelected(reason=NotSelectedReason.INELIGIBLE):
            happening = Happening.INELIGIBLE
        case ProductNotSelected():
            happening = Happening.NOT_SELECTED
        case SelectionWithdrawn():
            happening = Happening.SELECTION_WITHDRAWN
    epoch, batch = edition_of(event)
    occasion = f"epoch-{epoch}-batch-{batch}" if batch else f"epoch-{epoch}"
    occurrences = [of_application(happening, event, occasion, recipients, traceparent)]
    lost = [_award_lost(event, institution) for institution in awarded_before if institution not in awards]
    if lost:
        occurrences.append(of_application(Happening.AWARD_WITHDRAWN, event, occasion, lost, traceparent))
    return occurrences


def _by_institution(awards: Sequence[Any]) -> dict[str, list[Any]]:
    by_institution: dict[str, list[Any]] = {}
    for award in awards:
        by_institution.setdefault(award["institution"], []).append(award)
    return by_institution


def _awards(event: ProductSelected | ReservePromoted | AwardsChanged, institutions: Sequence[str]) -> list[Recipient]:
    return [
        Recipient(
            Role.INSTITUTION,
            institution,
            AwardNoticed(
                institution=institution,
                round=event.round,
                application=event.application,
                product=event.product,
                position=event.position,
                awards=tuple(award for award in event.awards if award.institution == institution),
                selection_root=event.selection_root,
                status_until=event.status_until,
                pack=event.pack,
            ).model_dump(mode="json"),
        )
        for institution in institutions
    ]


def status_ended(event: SelectionStatusEnded, traceparent: str | None) -> Occurrence:
    """The end of a selected product's status, for the applicant and the buying institutions."""
    facts = {"product": event.product, "ended_at": event.ended_at.isoformat()}
    recipients = [Recipient(Role.APPLICANT, event.party, facts)]
    for institution in event.institutions:
        notice = AwardStatusEnded(
            institution=institution,
            round=event.round,
            application=event.application,
            product=event.product,
            ended_at=event.ended_at,
        )
        recipients.append(Recipient(Role.INSTITUTION, institution, notice.model_dump(mode="json")))
    return of_application(Happening.STATUS_ENDED, event, f"epoch-{event.epoch}", recipients, traceparent)


def overdue(event: PurchaseOverdue, traceparent: str | None) -> Occurrence:
    """A reminder to the institution of a purchase that is overdue."""
    notice = PurchaseReminded(**event.model_dump(exclude={"epoch"}))
    recipients = [Recipient(Role.INSTITUTION, event.institution, notice.model_dump(mode="json"))]
    return of_application(Happening.PURCHASE_OVERDUE, event, f"request {event.request}", recipients, traceparent)


def given_up(event: SelectionGivenUp, traceparent: str | None) -> Occurrence:
    """A receipt to the applicant who gave up a selection."""
    facts = {"given_up_at": event.given_up_at.isoformat(), "reason": event.reason}
    recipients = [Recipient(Role.APPLICANT, event.party, facts)]
    return Occurrence(
        happening=Happening.GIVEN_UP,
        round=event.round,
        subject=event.application,
        occasion=f"epoch-{event.epoch}",
        recipients=recipients,
        traceparent=traceparent,
    )


def _award_lost(event: Result, institution: str) -> Recipient:
    notice = AwardWithdrawn(
        institution=institution,
        round=event.round,
        application=event.application,
        epoch=event.epoch,
        selection_root=event.selection_root,
    )
    return Recipient(Role.INSTITUTION, institution, notice.model_dump(mode="json"))
