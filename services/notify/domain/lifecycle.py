"""Lifecycle events of a round and signed audit heads: what every participating institution is notified of."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.notify.domain.notices import Happening, Occurrence, Recipient, Role
from shared.contracts.events import (
    AuditHeadNoticed,
    AuditHeadPublished,
    CommitmentTimeStamped,
    InputsCommitted,
    ReleaseConfirmed,
    RoundAmended,
    RoundAnnounced,
    RoundExtended,
    RoundFinalized,
    RoundFrozen,
    RoundNoticed,
    RoundOpened,
    RoundVoided,
    SelectionConfirmed,
)
from shared.proof.canonical import sha256_hex


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleEvent:
    """A change of a round's state. Its institutions are notified once it is known which they are."""

    round: str
    happening: Happening
    occasion: str
    occurred_at: datetime
    roots: Mapping[str, str]
    """The hashes that fix what the event claims, by name."""
    traceparent: str | None = None
    closes_at: datetime | None = None
    opens_at: datetime | None = None
    title: str | None = None
    """Set for an announcement and an amendment."""
    appended_at: datetime | None = None
    """Broker append time; None for reminders, which no Kafka event announces."""


def lifecycle_event(event: object, traceparent: str | None, appended_at: datetime) -> LifecycleEvent | None:
    """Translates a round's Kafka event; None if institutions are not notified of it.

    Announcements and extensions do not state when they were made: the broker append time stands for it.
    """
    match event:
        case RoundAnnounced() | RoundAmended() | RoundOpened():
            return _window_event(event, traceparent, appended_at)
        case RoundExtended() | RoundFrozen() | RoundFinalized() | RoundVoided():
            return _intake_event(event, traceparent, appended_at)
        case InputsCommitted() | CommitmentTimeStamped() | SelectionConfirmed() | ReleaseConfirmed():
            return _selection_event(event, traceparent)
        case _:
            return None


def _window_event(
    event: RoundAnnounced | RoundAmended | RoundOpened, traceparent: str | None, appended_at: datetime
) -> LifecycleEvent | None:
    """The events that state the round's policy and window."""
    title: str | None = None
    match event:
        case RoundAnnounced():
            if (event.cut or 1) > 1:  # the first cut of a rolling intake announces all of them
                return None
            happening, occasion, occurred_at, title = Happening.ANNOUNCED, "announcement", appended_at, event.title
        case RoundAmended():
            happening, occasion, occurred_at = Happening.AMENDED, amendment(event.amendment), event.amended_at
            title = event.title
        case RoundOpened():
            happening, occasion, occurred_at = Happening.OPENED, "opening", event.opens_at
    return LifecycleEvent(
        round=event.round,
        happening=happening,
        occasion=occasion,
        occurred_at=occurred_at,
        roots=_announced(event),
        traceparent=traceparent,
        closes_at=event.closes_at,
        opens_at=event.opens_at,
        title=title,
    )


def _intake_event(
    event: RoundExtended | RoundFrozen | RoundFinalized | RoundVoided, traceparent: str | None, appended_at: datetime
) -> LifecycleEvent:
    roots: dict[str, str] = {}
    closes_at = None
    match event:
        case RoundExtended():
            happening, occurred_at, closes_at = Happening.EXTENDED, appended_at, event.closes_at
            occasion = f"until {event.closes_at.isoformat()}"
        case RoundFrozen():
            happening, occasion, occurred_at = Happening.FROZEN, f"epoch-{event.epoch}", event.frozen_at
            roots = {"applications": event.applications.root, "requests": event.requests.root}
        case RoundFinalized():
            happening, occasion, occurred_at = Happening.FINALIZED, f"epoch-{event.epoch}", event.finalized_at
        case RoundVoided():
            happening, occasion, occurred_at = Happening.VOIDED, "voiding", event.voided_at
    return LifecycleEvent(
        round=event.round,
        happening=happening,
        occasion=occasion,
        occurred_at=occurred_at,
        roots=roots,
        traceparent=traceparent,
        closes_at=closes_at,
    )


def _selection_event(
    event: InputsCommitted | CommitmentTimeStamped | SelectionConfirmed | ReleaseConfirmed, traceparent: str | None
) -> LifecycleEvent:
    occasion = f"epoch-{event.epoch}"
    match event:
        case InputsCommitted():
            happening, occurred_at = Happening.COMMITTED, event.committed_at
            roots = {
                "applications": event.applications_root,
                "requests": event.requests_root,
                "verdicts": event.verdicts_root,
                "entries": event.entries_root,
                "pledges": event.pledges_root,
                "policy": event.policy_hash,
                "commitment": event.commitment_root,
            }
        case CommitmentTimeStamped():
            happening, occurred_at = Happening.TIME_STAMPED, event.stamped_at
            roots = {"commitment": event.commitment_root, "token": sha256_hex(b64decode(event.token))}
        case SelectionConfirmed():
            happening, occurred_at = Happening.PUBLISHED, event.confirmed_at
            roots = {"commitment": event.commitment_root, "selection": event.selection_root}
            optional = {"batch": event.batch_root, "shown": event.shown_root}
            roots |= {name: root for name, root in optional.items() if root is not None}
        case ReleaseConfirmed():
            happening, occurred_at = Happening.RELEASED, event.confirmed_at
            occasion, roots = f"epoch-{event.epoch}-batch-{event.batch}", {"batch": event.batch_root}
    return LifecycleEvent(
        round=event.round,
        happening=happening,
        occasion=occasion,
        occurred_at=occurred_at,
        roots=roots,
        traceparent=traceparent,
    )


def _announced(event: RoundAnnounced | RoundAmended | RoundOpened) -> dict[str, str]:
    """The policy's hash, and the announcement's root. Events from before that root existed lack it."""
    announced = {"announcement": event.announcement_root} if event.announcement_root else {}
    return {"policy": event.policy_hash} | announced


def amendment(number: int) -> str:
    """The occasion of an amendment. Padded: up to the millionth, text order is the order of numbers."""
    return f"amendment-{number:06d}"


def spread(event: LifecycleEvent, institutions: Sequence[str]) -> Occurrence:
    """The event as it concerns each of these institutions."""
    recipients = [
        Recipient(
            Role.INSTITUTION,
            institution,
            RoundNoticed(
                institution=institution,
                round=event.round,
                turn=event.happening.value,
                occurred_at=event.occurred_at,
                roots=event.roots,
                closes_at=event.closes_at,
                opens_at=event.opens_at,
                title=event.title,
            ).model_dump(mode="json"),
        )
        for institution in institutions
    ]
    return Occurrence(
        happening=event.happening,
        round=event.round,
        subject=event.round,
        occasion=event.occasion,
        recipients=recipients,
        traceparent=event.traceparent,
        happened_at=event.appended_at,
    )


def head_signed(head: AuditHeadPublished, institutions: Sequence[str]) -> Occurrence:
    """A signed audit head for each institution, which then holds a copy whatever happens to the log."""
    recipients = [
        Recipient(
            Role.INSTITUTION,
            institution,
            AuditHeadNoticed(institution=institution, **head.model_dump()).model_dump(mode="json"),
        )
        for institution in institutions
    ]
    occasion = f"head-{head.count} {head.published_at.isoformat()}"
    return Occurrence(
        happening=Happening.HEAD_SIGNED, round=None, subject=head.service, occasion=occasion, recipients=recipients
    )
