"""What an event means to those who are told: events in, occurrences out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.notify.domain.notices import Happening, Occurrence, Recipient, Role
from shared.contracts.events import (
    AccessTokenChanged,
    AppealDecided,
    AppealFiled,
    ApplicationSubmitted,
    ApplicationWithdrawn,
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
    RefusalReconsidered,
    ReservePromoted,
    SelectionGivenUp,
    SelectionStatusEnded,
    SelectionWithdrawn,
)
from shared.contracts.findings import VerdictOutcome

Released = ReservePromoted | AwardsChanged | SelectionWithdrawn
Result = ProductSelected | ProductReserved | ProductNotSelected | Released
Decision = Mapping[str, Any]
"""What a result decides, as JSON."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict as notices tell it: the findings that speak against it and what would have helped, as JSON."""

    application: str
    version: int
    epoch: int
    round: str
    outcome: VerdictOutcome
    findings: Sequence[Any]
    changes: Sequence[Any]

    def stated(self) -> dict[str, Any]:
        return {"findings": self.findings, "changes": self.changes}


@dataclass(frozen=True, slots=True)
class Committed:
    """A verdict that its round's commitment fixed."""

    round: str
    application: str
    party: str
    version: int
    said: str
    """SHA-256 of what it says, which a later epoch may say again."""
    outcome: VerdictOutcome
    commitment: str
    traceparent: str | None


def submission(event: ApplicationSubmitted, traceparent: str | None) -> Occurrence:
    facts = {
        "firm": event.facts.applicant.name,
        "product": event.facts.product.name,
        "version": event.version,
        "received_at": event.received_at.isoformat(),
        "nonce": event.nonce,
        "payload_hash": event.payload_hash,
        "contested": event.contested,
    }
    if event.restated:
        happening = Happening.CONTESTED if event.contested else Happening.CONTEST_ENDED
    else:
        happening = Happening.SUBMITTED if event.version == 1 else Happening.RESUBMITTED
    return _of_application(
        happening,
        event,
        f"version-{event.version}",
        [Recipient(Role.APPLICANT, event.party, facts)],
        traceparent,
    )


def withdrawal(event: ApplicationWithdrawn, traceparent: str | None) -> Occurrence:
    """By the applicant; by the officers' act that excluded it, which has its grounds; or for an entry that is surer."""
    facts = {"version": event.version, "received_at": event.received_at.isoformat()}
    happening = Happening.WITHDRAWN
    if event.act is not None:
        happening, facts = Happening.EXCLUDED, facts | {"reason": event.reason}
    elif event.outranked:
        happening = Happening.OUTRANKED
    recipients = [Recipient(Role.APPLICANT, event.party, facts)]
    return _of_application(happening, event, f"version-{event.version}", recipients, traceparent)


def token_sent(event: AccessTokenChanged, traceparent: str | None) -> Occurrence | None:
    """None of one that is used or over."""
    if event.token is None:
        return None
    facts = {"token": event.token, "asked_at": event.asked_at.isoformat()}
    recipients = [Recipient(Role.APPLICANT, event.party, facts)]
    occasion = f"token-{event.generation}"
    return Occurrence(Happening.TOKEN_SENT, event.round, event.application, occasion, recipients, traceparent)


def reconsidered(event: RefusalReconsidered, traceparent: str | None) -> Occurrence:
    """Of no application: the subject is the party, who is told once."""
    facts = {"refused_at": event.refused_at.isoformat(), "closes_at": event.closes_at.isoformat()}
    recipients = [Recipient(Role.APPLICANT, event.party, facts)]
    return Occurrence(Happening.RECONSIDERED, event.round, event.party, "extension", recipients, traceparent)


def appeal(event: AppealFiled | AppealDecided, traceparent: str | None) -> Occurrence | None:
    """None of an event that does not name the party: those of before did not."""
    if event.party is None:
        return None
    facts: dict[str, Any]
    match event:
        case AppealFiled():
            happening = Happening.APPEAL_FILED
            facts = {
                "filed_at": event.filed_at.isoformat(),
                "answer_due": event.answer_due and event.answer_due.isoformat(),
            }
        case AppealDecided():
            happening = Happening.APPEAL_DECIDED
            facts = {"decided_at": event.decided_at.isoformat(), "upheld": event.upheld, "reason": event.reason}
    recipients = [Recipient(Role.APPLICANT, event.party, facts)]
    return Occurrence(happening, event.round, event.application, f"appeal-{event.appeal}", recipients, traceparent)


def edition_of(event: Result) -> tuple[int, int]:
    """The epoch and the batch that decided; 0 where no batch did."""
    return event.epoch, event.batch or 0 if isinstance(event, Released) else 0


def decision_of(event: Result) -> Decision:
    """What a result means to those concerned. A place in the draw that another epoch moves is not part of it, nor
    whether a batch decided it or an epoch."""
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
    """The applicant's result, and for a selected product the award of each institution that is to buy it.

    `before`: what an earlier epoch or batch decided. Nobody is told twice what has not changed for them; an institution
    whose award fell away is told that.
    """
    if before == decision_of(event) or event.party is None:
        return []
    facts = event.model_dump(mode="json", exclude={"round", "application", "party"})
    recipients = [Recipient(Role.APPLICANT, event.party, facts)]
    standing = _by_institution(before["awards"] if before and "awards" in before else ())
    awards: dict[str, list[Any]] = {}
    match event:
        case ProductSelected() | ReservePromoted() | AwardsChanged():
            happening = _SELECTED_BY[type(event)]
            decided = decision_of(event)
            awards = _by_institution(decided["awards"])
            moved = before is not None and before.get("status_until") != decided.get("status_until")
            changed = [
                institution for institution in awards if moved or awards[institution] != standing.get(institution)
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
    occurrences = [_of_application(happening, event, occasion, recipients, traceparent)]
    lost = [_award_lost(event, institution) for institution in standing if institution not in awards]
    if lost:
        occurrences.append(_of_application(Happening.AWARD_WITHDRAWN, event, occasion, lost, traceparent))
    return occurrences


_SELECTED_BY: Final = {
    ProductSelected: Happening.SELECTED,
    ReservePromoted: Happening.PROMOTED,
    AwardsChanged: Happening.AWARDS_CHANGED,
}


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
    return _of_application(Happening.STATUS_ENDED, event, f"epoch-{event.epoch}", recipients, traceparent)


def overdue(event: PurchaseOverdue, traceparent: str | None) -> Occurrence:
    notice = PurchaseReminded(**event.model_dump(exclude={"epoch"}))
    recipients = [Recipient(Role.INSTITUTION, event.institution, notice.model_dump(mode="json"))]
    return _of_application(Happening.PURCHASE_OVERDUE, event, f"request {event.request}", recipients, traceparent)


def given_up(event: SelectionGivenUp, traceparent: str | None) -> Occurrence:
    facts = {"given_up_at": event.given_up_at.isoformat(), "reason": event.reason}
    recipients = [Recipient(Role.APPLICANT, event.party, facts)]
    return Occurrence(
        Happening.GIVEN_UP, event.round, event.application, f"epoch-{event.epoch}", recipients, traceparent
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


def _of_application(
    happening: Happening,
    event: ApplicationSubmitted | ApplicationWithdrawn | Result | SelectionStatusEnded | PurchaseOverdue,
    occasion: str,
    recipients: Sequence[Recipient],
    traceparent: str | None,
) -> Occurrence:
    return Occurrence(happening, event.round, event.application, occasion, recipients, traceparent)


def verdict(committed: Committed) -> Occurrence:
    """Once the verdicts are committed; what it says against the application is read when it is sent."""
    facts = {"outcome": committed.outcome.value, "commitment_root": committed.commitment}
    recipients = [Recipient(Role.APPLICANT, committed.party, facts)]
    occasion = f"version-{committed.version} {committed.said}"
    return Occurrence(
        Happening.JUDGED, committed.round, committed.application, occasion, recipients, committed.traceparent
    )
