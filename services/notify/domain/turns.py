"""A round's turns, and signed audit heads: what goes to every institution that takes part."""

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


@dataclass(frozen=True, slots=True)
class Turn:
    """A round's turn that its institutions are told of once it is known which they are."""

    round: str
    happening: Happening
    occasion: str
    occurred_at: datetime
    roots: Mapping[str, str]
    traceparent: str | None = None
    closes_at: datetime | None = None
    opens_at: datetime | None = None
    title: str | None = None
    """Of an announcement and an amendment."""
    appended_at: datetime | None = None
    """By the broker; None of what no event says."""


def turn(event: object, traceparent: str | None, appended_at: datetime) -> Turn | None:
    """The turn an event of a round is, with the roots that fix what it claims; None where nobody is told.

    An announcement and an extension do not state when they were made: that is when the broker took them, at
    `appended_at`.
    """
    match event:
        case RoundAnnounced():
            if (event.cut or 1) > 1:  # the first cut of a rolling intake announces them all
                return None
            roots, window = _announced(event), (event.closes_at, event.opens_at)
            return Turn(
                event.round, Happening.ANNOUNCED, "announcement", appended_at, roots, traceparent, *window, event.title
            )
        case RoundAmended():
            roots, window = _announced(event), (event.closes_at, event.opens_at)
            occasion = amendment(event.amendment)
            return Turn(
                event.round, Happening.AMENDED, occasion, event.amended_at, roots, traceparent, *window, event.title
            )
        case RoundOpened():
            roots, window = _announced(event), (event.closes_at, event.opens_at)
            return Turn(event.round, Happening.OPENED, "opening", event.opens_at, roots, traceparent, *window)
        case RoundExtended():
            occasion = f"until {event.closes_at.isoformat()}"
            return Turn(event.round, Happening.EXTENDED, occasion, appended_at, {}, traceparent, event.closes_at)
        case RoundFrozen():
            roots = {"applications": event.applications.root, "requests": event.requests.root}
            return Turn(event.round, Happening.FROZEN, f"epoch-{event.epoch}", event.frozen_at, roots, traceparent)
        case InputsCommitted():
            roots = {
                "applications": event.applications_root,
                "requests": event.requests_root,
                "verdicts": event.verdicts_root,
                "entries": event.entries_root,
                "pledges": event.pledges_root,
                "policy": event.policy_hash,
                "commitment": event.commitment_root,
            }
            return Turn(
                event.round, Happening.COMMITTED, f"epoch-{event.epoch}", event.committed_at, roots, traceparent
            )
        case CommitmentTimeStamped():
            roots = {"commitment": event.commitment_root, "token": sha256_hex(b64decode(event.token))}
            return Turn(
                event.round, Happening.TIME_STAMPED, f"epoch-{event.epoch}", event.stamped_at, roots, traceparent
            )
        case SelectionConfirmed():
            roots = {"commitment": event.commitment_root, "selection": event.selection_root}
            others = {"batch": event.batch_root, "shown": event.shown_root}
            roots |= {name: root for name, root in others.items() if root is not None}
            return Turn(
                event.round, Happening.PUBLISHED, f"epoch-{event.epoch}", event.confirmed_at, roots, traceparent
            )
        case ReleaseConfirmed():
            occasion, roots = f"epoch-{event.epoch}-batch-{event.batch}", {"batch": event.batch_root}
            return Turn(event.round, Happening.RELEASED, occasion, event.confirmed_at, roots, traceparent)
        case RoundFinalized():
            return Turn(event.round, Happening.FINALIZED, f"epoch-{event.epoch}", event.finalized_at, {}, traceparent)
        case RoundVoided():
            return Turn(event.round, Happening.VOIDED, "voiding", event.voided_at, {}, traceparent)
        case _:
            return None


def _announced(event: RoundAnnounced | RoundAmended | RoundOpened) -> dict[str, str]:
    """The announcement's own root stands in events from when there was one."""
    announced = {"announcement": event.announcement_root} if event.announcement_root else {}
    return {"policy": event.policy_hash} | announced


def amendment(number: int) -> str:
    """The occasion of an amendment: texts of them are in order of their numbers, up to the millionth."""
    return f"amendment-{number:06d}"


def spread(turn: Turn, institutions: Sequence[str]) -> Occurrence:
    """The turn as it concerns each institution of the round."""
    recipients = [
        Recipient(
            Role.INSTITUTION,
            institution,
            RoundNoticed(
                institution=institution,
                round=turn.round,
                turn=turn.happening.value,
                occurred_at=turn.occurred_at,
                roots=turn.roots,
                closes_at=turn.closes_at,
                opens_at=turn.opens_at,
                title=turn.title,
            ).model_dump(mode="json"),
        )
        for institution in institutions
    ]
    return Occurrence(
        turn.happening, turn.round, turn.round, turn.occasion, recipients, turn.traceparent, turn.appended_at
    )


def head_signed(head: AuditHeadPublished, institutions: Sequence[str]) -> Occurrence:
    """A signed head as it goes to institutions, which then hold it whatever becomes of the log."""
    recipients = [
        Recipient(
            Role.INSTITUTION,
            institution,
            AuditHeadNoticed(institution=institution, **head.model_dump()).model_dump(mode="json"),
        )
        for institution in institutions
    ]
    occasion = f"head-{head.count} {head.published_at.isoformat()}"
    return Occurrence(Happening.HEAD_SIGNED, None, head.service, occasion, recipients)
