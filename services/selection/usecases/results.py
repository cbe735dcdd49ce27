"""Events after a confirmed result: each line, the end of a product's status, and overdue awards."""

from datetime import datetime, time
from typing import Any

from services.selection.domain.matching import Result
from services.selection.domain.pack_links import pack_path
from services.selection.storage.purchases import Unreported
from services.selection.storage.results import GivenStatus, ToPublish
from shared.contracts import topics
from shared.contracts.events import (
    Award,
    NotSelectedReason,
    ProductNotSelected,
    ProductReserved,
    ProductSelected,
    PurchaseOverdue,
    SelectionStatusEnded,
)
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.programme.working_days import KST
from shared.proof.signing import Signer


def result_event(due: ToPublish, row: dict[str, Any], now: datetime, signer: Signer) -> Outgoing:
    """The result of one line."""
    values = {
        "round": due.round,
        "application": row["application"],
        "party": row["party"],
        "epoch": due.epoch,
        "selection_root": due.selection_root,
    }
    event: ProductSelected | ProductReserved | ProductNotSelected
    match Result(row["result"]):
        case Result.SELECTED:
            event = ProductSelected(
                **values,
                product=row["product"],
                position=row["position"],
                tickets=row["tickets"],
                awards=tuple(Award.model_validate(award) for award in row["awards"]),
                status_until=due.status_until,
                pack=pack_path(signer, due.round, row["application"]),
            )
        case Result.RESERVE:
            event = ProductReserved(
                **values,
                position=row["position"],
                reserve_position=row["reserve_position"],
                tickets=row["tickets"],
            )
        case Result.NOT_SELECTED:
            event = ProductNotSelected(**values, reason=NotSelectedReason(row["reason"]), position=row["position"])
    identifier = event_id("result", row["application"], due.epoch, due.selection_root)
    return outgoing(topics.SELECTIONS.name, row["application"], event, event_id=identifier, time=now)


def status_end_event(status: GivenStatus, row: dict[str, Any]) -> Outgoing:
    """The end of a product's status. It states the due time, not the current time, so that a repeat is identical."""
    event = SelectionStatusEnded(
        round=status.round,
        application=row["application"],
        party=row["party"],
        epoch=status.epoch,
        product=row["product"],
        institutions=tuple(sorted({award["institution"] for award in row["awards"]})),
        ended_at=status.until,
    )
    identifier = event_id("status-ended", event.application, event.epoch)
    return outgoing(topics.SELECTIONS.name, event.application, event, event_id=identifier, time=status.until)


def overdue_event(overdue: Unreported) -> Outgoing:
    """An award that was not reported on in time. Raises ValueError for an award without a due date."""
    award = overdue.awarded
    if award.due_on is None:
        raise ValueError(f"the award of {award.request} has no day to be reported by")
    event = PurchaseOverdue(
        round=overdue.round,
        application=award.application,
        epoch=overdue.epoch,
        product=award.product,
        request=award.request,
        institution=award.institution,
        due_on=award.due_on,
    )
    identifier = event_id("purchase-overdue", award.request, award.application)
    moment = datetime.combine(award.due_on, time(23, 59, 59), KST)
    return outgoing(topics.SELECTIONS.name, award.application, event, event_id=identifier, time=moment)
