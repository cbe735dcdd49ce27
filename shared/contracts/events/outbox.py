"""`institution.<code>.outbox.v1`: what only that institution reads."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.contracts.events.selections import Award
from shared.contracts.values import (
    ApplicationId,
    Code,
    Contract,
    Count,
    Epoch,
    InstitutionCode,
    Line,
    Nonce,
    Positive,
    Reference,
    RequestId,
    RoundId,
    Sha256Hex,
    UtcTime,
    Version,
)


class Answer(StrEnum):
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    LATE = "late"
    DUPLICATE = "duplicate"


class Reason(Contract):
    """One thing wrong: where (a JSON pointer), what, and what to do about it. The shape of RFC 9457 `errors`."""

    pointer: str
    code: Code
    detail: str
    fix: str


class ReadAs(Contract):
    """A value that was written otherwise than it is kept: where (a JSON pointer), as it was sent and as it was read,
    each at most 200 characters of it."""

    field: str
    said: str
    read: str


class InboxAnswered(Contract):
    """The one answer to one inbox message, quoting the sender's own id."""

    institution: InstitutionCode
    answer: Answer
    quotes: str
    """The `ce_id` of the message answered, or its `offset:<n>` where it had none."""
    offset: Count
    request: RequestId | None = None
    round: RoundId | None = None
    """The round it is in: of a rolling intake the cut that was open."""
    version: Version | None = None
    nonce: Nonce | None = None
    payload_hash: Sha256Hex | None = None
    reasons: tuple[Reason, ...] = ()
    answered_at: UtcTime
    read_as: tuple[ReadAs, ...] = ()
    warnings: tuple[Reason, ...] = ()
    """What was taken as it stands, and is unlikely to be meant."""


class RoundNoticed(Contract):
    """A round's turn that an institution is told of: announced, amended, opened, extended, closing soon, frozen,
    committed, time-stamped, published, released, final, voided. `roots` fix what it claims; of a time-stamp `token` is
    SHA-256 of the token, which is public."""

    institution: InstitutionCode
    round: RoundId
    turn: Code
    occurred_at: UtcTime
    """Of an extension by the broker's clock: real time, also in a rehearsal."""
    roots: Mapping[Code, Sha256Hex] = Field(default_factory=dict)
    closes_at: UtcTime | None = None
    """When the round closes now: of an announcement, an amendment, an opening, an extension, a reminder before the
    close."""
    opens_at: UtcTime | None = None
    """Of an announcement, an amendment and an opening."""
    title: Line | None = None
    """Of an announcement and an amendment."""


class AwardNoticed(Contract):
    """A product selected for this institution's request, with the names it needs to contract."""

    institution: InstitutionCode
    round: RoundId
    application: ApplicationId
    product: Line
    position: Positive
    awards: Annotated[tuple[Award, ...], Field(min_length=1)]
    selection_root: Sha256Hex
    status_until: UtcTime | None = None
    """When the status it gives ends; absent where it does not."""
    pack: Reference | None = None
    """Where its pack for the file is, relative to selection's address; whoever holds this link may read it."""


class AwardWithdrawn(Contract):
    """A later epoch or a batch selects no product of this application for the institution any more: do not contract
    it."""

    institution: InstitutionCode
    round: RoundId
    application: ApplicationId
    epoch: Epoch
    selection_root: Sha256Hex


class AwardStatusEnded(Contract):
    """The status of a product selected for this institution is over: contract nothing more on it."""

    institution: InstitutionCode
    round: RoundId
    application: ApplicationId
    product: Line
    ended_at: UtcTime


class PurchaseReminded(Contract):
    """What became of this award was not reported in time: send ReportPurchase or ReportNonPurchase."""

    institution: InstitutionCode
    round: RoundId
    application: ApplicationId
    product: Line
    request: RequestId
    due_on: date


class AuditHeadNoticed(Contract):
    """A signed head of a service's audit log, to be kept: who holds it notices a log cut off or written anew. All but
    `institution` is as it stands on audit-heads.v1, and signed so."""

    institution: InstitutionCode
    service: Code
    count: Count
    head: Sha256Hex
    previous_head: Sha256Hex
    published_at: UtcTime
    key_id: Line
    signature: Line
