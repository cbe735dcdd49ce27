"""`deliveries.v1`: what notify delivered or could not deliver, and disowned contacts."""

from enum import StrEnum

from shared.contracts.values import (
    ApplicationId,
    Code,
    Contract,
    Count,
    Line,
    PartyId,
    Positive,
    RoundId,
    UtcTime,
    Uuid,
)


class Channel(StrEnum):
    MAIL = "mail"
    WEBHOOK = "webhook"
    OUTBOX = "outbox"


class NoticeDelivered(Contract):
    delivery: Uuid
    round: RoundId | None = None
    """None of a notice that belongs to no round."""
    kind: Code
    subject: Line
    occasion: Line
    recipient: Line
    channel: Channel
    attempts: Positive
    message_id: Line
    delivered_at: UtcTime


class NoticeFailed(Contract):
    delivery: Uuid
    round: RoundId | None = None
    kind: Code
    subject: Line
    occasion: Line
    recipient: Line
    channel: Channel
    attempts: Count
    error: Code
    failed_at: UtcTime


class ContactDisowned(Contract):
    """Whoever reads the mails to an application's contact says that they entered nothing. No mail goes to that address
    any more; the application stands."""

    application: ApplicationId
    round: RoundId
    party: PartyId
    disowned_at: UtcTime
