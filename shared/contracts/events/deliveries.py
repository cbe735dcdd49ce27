"""`deliveries.v1`: what notify delivered, or could not."""

from enum import StrEnum

from shared.contracts.values import Code, Contract, Count, Line, Positive, RoundId, UtcTime, Uuid


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
