"""What events mean to those who are notified: events in, occurrences out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from services.notify.domain.notices import Happening, Occurrence, Recipient, Role
from shared.contracts.events import (
    AccessTokenChanged,
    AppealDecided,
    AppealFiled,
    ApplicationSubmitted,
    ApplicationWithdrawn,
    RefusalReconsidered,
)
from shared.contracts.findings import VerdictOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictSummary:
    """A verdict as notices state it: the findings against the application and what would have helped, as JSON."""

    application: str
    version: int
    epoch: int
    round: str
    outcome: VerdictOutcome
    findings: Sequence[Any]
    changes: Sequence[Any]

    def as_json(self) -> dict[str, Any]:
        """The findings and changes as stored."""
        return {"findings": self.findings, "changes": self.changes}


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """A verdict fixed by its round's commitment."""

    round: str
    application: str
    party: str
    version: int
    content_hash: str
    """SHA-256 of its outcome and findings; a later epoch may repeat it."""
    outcome: VerdictOutcome
    commitment: str
    traceparent: str | None


def submission(event: ApplicationSubmitted, traceparent: str | None) -> Occurrence:
    """A receipt for a version, or news of a contest if the event restates one."""
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
    return of_application(
        happening,
        event,
        f"version-{event.version}",
        [Recipient(Role.APPLICANT, event.party, facts)],
        traceparent,
    )


def withdrawal(event: ApplicationWithdrawn, traceparent: str | None) -> Occurrence:
    """A withdrawal by the applicant, by an officers' act with its grounds, or because a surer entry outranks it."""
    facts = {"version": event.version, "received_at": event.received_at.isoformat()}
    happening = Happening.WITHDRAWN
    if event.act is not None:
        happening, facts = Happening.EXCLUDED, facts | {"reason": event.reason}
    elif event.outranked:
        happening = Happening.OUTRANKED
    recipients = [Recipient(Role.APPLICANT, event.party, facts)]
    return of_application(happening, event, f"version-{event.version}", recipients, traceparent)


def token_sent(event: AccessTokenChanged, traceparent: str | None) -> Occurrence | None:
    """None if the token is used or expired."""
    if event.token is None:
        return None
    facts = {"token": event.token, "asked_at": event.asked_at.isoformat()}
    recipients = [Recipient(Role.APPLICANT, event.party, facts)]
    occasion = f"token-{event.generation}"
    return Occurrence(
        happening=Happening.TOKEN_SENT,
        round=event.round,
        subject=event.application,
        occasion=occasion,
        recipients=recipients,
        traceparent=traceparent,
    )


def reconsidered(event: RefusalReconsidered, traceparent: str | None) -> Occurrence:
    """It belongs to no application: its subject is the party, who is notified once."""
    facts = {"refused_at": event.refused_at.isoformat(), "closes_at": event.closes_at.isoformat()}
    recipients = [Recipient(Role.APPLICANT, event.party, facts)]
    return Occurrence(
        happening=Happening.RECONSIDERED,
        round=event.round,
        subject=event.party,
        occasion="extension",
        recipients=recipients,
        traceparent=traceparent,
    )


def appeal(event: AppealFiled | AppealDecided, traceparent: str | None) -> Occurrence | None:
    """None for old events, which do not name the party."""
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
    return Occurrence(
        happening=happening,
        round=event.round,
        subject=event.application,
        occasion=f"appeal-{event.appeal}",
        recipients=recipients,
        traceparent=traceparent,
    )


def verdict(committed: Committed) -> Occurrence:
    """The notice of a committed verdict; its findings are read when it is sent."""
    facts = {"outcome": committed.outcome.value, "commitment_root": committed.commitment}
    recipients = [Recipient(Role.APPLICANT, committed.party, facts)]
    occasion = f"version-{committed.version} {committed.content_hash}"
    return Occurrence(
        happening=Happening.JUDGED,
        round=committed.round,
        subject=committed.application,
        occasion=occasion,
        recipients=recipients,
        traceparent=committed.traceparent,
    )


class OfApplication(Protocol):
    """An event about one application of a round."""

    @property
    def round(self) -> str: ...
    @property
    def application(self) -> str: ...


def of_application(
    happening: Happening,
    event: OfApplication,
    occasion: str,
    recipients: Sequence[Recipient],
    traceparent: str | None,
) -> Occurrence:
    """An occurrence whose subject is the event's application."""
    return Occurrence(
        happening=happening,
        round=event.round,
        subject=event.application,
        occasion=occasion,
        recipients=recipients,
        traceparent=traceparent,
    )
