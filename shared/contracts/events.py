"""Every event of every topic, by the aggregate it speaks of. An event's name is its CloudEvents type's middle part."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.contracts.facts import ApplicationFacts, RequestFacts
from shared.contracts.findings import Finding, VerdictOutcome
from shared.contracts.policy import Policy
from shared.contracts.values import (
    Actor,
    ApplicationId,
    Code,
    Contract,
    Count,
    Epoch,
    InstitutionCode,
    Line,
    Nonce,
    PartyId,
    Positive,
    RequestId,
    RequestReference,
    RoundId,
    Sha256Hex,
    Text,
    UtcTime,
    Uuid,
    Version,
    Won,
)

BUCKETS = 256


class Manifest(Contract):
    """Digest of a set of entries: a count and an RFC 9162 root per bucket, and the root over the bucket roots."""

    count: Count
    root: Sha256Hex
    counts: Annotated[tuple[Count, ...], Field(min_length=BUCKETS, max_length=BUCKETS)]
    roots: Annotated[tuple[Sha256Hex, ...], Field(min_length=BUCKETS, max_length=BUCKETS)]


class Rehearsal(Contract):
    """The linear map from real to programme time, and the seed that makes a rehearsal repeatable."""

    real_anchor: UtcTime
    programme_anchor: UtcTime
    rate: Positive
    """Programme seconds that pass in one real second."""
    seed: Line


class SourceKind(StrEnum):
    REHEARSAL = "rehearsal"
    RFC3797 = "rfc3797"
    DRAND = "drand"


class Source(Contract):
    """A public source of chance, named at the announcement; the first value due `lead_seconds` after the commitment."""

    source: Code
    kind: SourceKind
    period_seconds: Positive
    description: Line


class Invitation(Contract):
    """An institution of a round and what it pledges to buy."""

    institution: InstitutionCode
    pledge_won: Won


# rounds.v1


class RoundAct(Contract):
    """Something done to a round: by whom and why."""

    round: RoundId
    actors: tuple[Actor, ...]
    reason: Line


class RoundAnnounced(RoundAct):
    title: Line
    opens_at: UtcTime
    closes_at: UtcTime
    policy: Code
    policy_hash: Sha256Hex
    lead_seconds: Count
    sources: tuple[Source, ...]
    rehearsal: Rehearsal | None = None
    unattended: bool = False


class RoundOpened(RoundAct):
    """The whole policy and all that is fixed at the opening."""

    title: Line
    opens_at: UtcTime
    closes_at: UtcTime
    policy: Policy
    policy_hash: Sha256Hex
    lead_seconds: Count
    sources: tuple[Source, ...]
    institutions: tuple[Invitation, ...]
    key_fingerprints: tuple[Sha256Hex, ...] = ()
    rehearsal: Rehearsal | None = None
    unattended: bool = False


class RoundExtended(RoundAct):
    closes_at: UtcTime
    closed_at_before: UtcTime


class RoundFrozen(RoundAct):
    epoch: Epoch
    frozen_at: UtcTime
    closes_at: UtcTime
    applications: Manifest
    requests: Manifest


class EpochOpened(RoundAct):
    epoch: Epoch
    opened_at: UtcTime
    applications: Manifest
    requests: Manifest
    judge_again: tuple[ApplicationId, ...]


class SourceValueRecorded(RoundAct):
    epoch: Epoch
    source: Code
    value: Annotated[str, Field(min_length=1, max_length=4000, pattern=r"^[0-9a-f./]+$")]
    """The source string in RFC 3797 form."""
    due_at: UtcTime
    recorded_at: UtcTime


class SelectionConfirmed(RoundAct):
    epoch: Epoch
    commitment_root: Sha256Hex
    selection_root: Sha256Hex
    confirmed_at: UtcTime


class RoundVoided(RoundAct):
    voided_at: UtcTime


# institutions.v1


class InstitutionStatus(StrEnum):
    INTERESTED = "interested"
    AGREED = "agreed"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    LEFT = "left"


class Pledge(Contract):
    round: RoundId
    won: Won


class InstitutionChanged(Contract):
    institution: InstitutionCode
    name: Line
    status: InstitutionStatus
    pledges: tuple[Pledge, ...] = ()
    changed_at: UtcTime


# applications.v1


class ApplicationSubmitted(Contract):
    """A version of an application. `payload_hash = SHA-256(nonce ‖ canonical JSON of facts)`."""

    round: RoundId
    application: ApplicationId
    party: PartyId
    version: Version
    received_at: UtcTime
    nonce: Nonce
    payload_hash: Sha256Hex
    facts: ApplicationFacts


class ApplicationWithdrawn(Contract):
    """Also a version: the highest wins, whatever order events arrive in."""

    round: RoundId
    application: ApplicationId
    party: PartyId
    version: Version
    received_at: UtcTime
    reason: Text = ""


class ApplicationScored(Contract):
    round: RoundId
    application: ApplicationId
    reviewer: Code
    points: Count
    conflict_of_interest: bool = False
    scored_at: UtcTime


class AppealFiled(Contract):
    round: RoundId
    appeal: Uuid
    application: ApplicationId
    filed_at: UtcTime
    grounds: Text


class AppealDecided(RoundAct):
    appeal: Uuid
    application: ApplicationId
    decided_at: UtcTime
    upheld: bool


# contacts.v1


class Language(StrEnum):
    KO = "ko"
    EN = "en"


class ContactChanged(Contract):
    """The only event with a person's name, address or number. A tombstone of the key erases it."""

    party: PartyId
    name: Line
    email: Line
    phone: Line | None = None
    language: Language = Language.KO
    changed_at: UtcTime


# purchase-requests.v1


class PurchaseRequestAccepted(Contract):
    round: RoundId
    request: RequestId
    institution: InstitutionCode
    version: Version
    received_at: UtcTime
    nonce: Nonce
    payload_hash: Sha256Hex
    facts: RequestFacts


class PurchaseRequestWithdrawn(Contract):
    round: RoundId
    request: RequestId
    institution: InstitutionCode
    version: Version
    received_at: UtcTime
    reason: Text = ""


class PurchaseReported(Contract):
    round: RoundId
    request: RequestId
    institution: InstitutionCode
    application: ApplicationId
    quantity: Positive
    amount_won: Won
    contracted_on: date
    reported_at: UtcTime


class NonPurchaseReported(Contract):
    round: RoundId
    request: RequestId
    institution: InstitutionCode
    application: ApplicationId
    reason: Text
    reported_at: UtcTime


# verdicts.v1


class ApplicationJudged(Contract):
    """`findings_hash = SHA-256(canonical JSON of {as_of, findings, policy_hash})`."""

    round: RoundId
    application: ApplicationId
    version: Version
    payload_hash: Sha256Hex
    epoch: Epoch
    outcome: VerdictOutcome
    findings: tuple[Finding, ...]
    findings_hash: Sha256Hex
    policy_hash: Sha256Hex
    as_of: date


# milestones.v1


class EligibilityCompleted(Contract):
    """Leaves of `verdicts` are [id, version, payload hash, epoch judged, outcome, findings hash]."""

    round: RoundId
    epoch: Epoch
    applications_root: Sha256Hex
    verdicts: Manifest
    eligible: Count
    ineligible: Count
    completed_at: UtcTime


class InputsCommitted(Contract):
    """Everything that decides, fixed before chance enters. Leaves of `entries` are [id, outcome, tickets, score]."""

    round: RoundId
    epoch: Epoch
    applications_root: Sha256Hex
    requests_root: Sha256Hex
    verdicts_root: Sha256Hex
    entries_root: Sha256Hex
    pledges_root: Sha256Hex
    policy_hash: Sha256Hex
    commitment_root: Sha256Hex
    entries: Count
    committed_at: UtcTime


class SelectionProposed(Contract):
    """Leaves of `selection_root` are [id, result, position, draw key, [[request, quantity, won], …]] in draw order."""

    round: RoundId
    epoch: Epoch
    commitment_root: Sha256Hex
    seed: Sha256Hex
    selection_root: Sha256Hex
    selected: Count
    reserve: Count
    not_selected: Count
    proposed_at: UtcTime


# selections.v1


class Award(Contract):
    request: RequestId
    institution: InstitutionCode
    quantity: Positive
    amount_won: Positive


class ProductSelected(Contract):
    round: RoundId
    application: ApplicationId
    party: PartyId
    epoch: Epoch
    product: Line
    position: Positive
    tickets: Count
    awards: Annotated[tuple[Award, ...], Field(min_length=1)]
    selection_root: Sha256Hex


class ProductReserved(Contract):
    round: RoundId
    application: ApplicationId
    party: PartyId
    epoch: Epoch
    position: Positive
    reserve_position: Positive
    tickets: Count
    selection_root: Sha256Hex


class NotSelectedReason(StrEnum):
    INELIGIBLE = "ineligible"
    BELOW_THRESHOLD = "below-threshold"
    NO_DEMAND = "no-demand"
    FIRM_LIMIT = "firm-limit"
    RESERVE_FULL = "reserve-full"


class ProductNotSelected(Contract):
    round: RoundId
    application: ApplicationId
    party: PartyId
    epoch: Epoch
    reason: NotSelectedReason
    position: Positive | None = None
    selection_root: Sha256Hex


class SelectionWithdrawn(RoundAct):
    application: ApplicationId
    epoch: Epoch
    withdrawn_at: UtcTime


class ReservePromoted(Contract):
    round: RoundId
    application: ApplicationId
    party: PartyId
    epoch: Epoch
    batch: Positive
    awards: Annotated[tuple[Award, ...], Field(min_length=1)]


# deliveries.v1


class Channel(StrEnum):
    MAIL = "mail"
    WEBHOOK = "webhook"
    OUTBOX = "outbox"


class NoticeDelivered(Contract):
    delivery: Uuid
    round: RoundId
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
    round: RoundId
    kind: Code
    subject: Line
    occasion: Line
    recipient: Line
    channel: Channel
    attempts: Count
    error: Code
    failed_at: UtcTime


# audit-heads.v1


class AuditHeadPublished(Contract):
    service: Code
    count: Count
    head: Sha256Hex
    previous_head: Sha256Hex
    published_at: UtcTime
    key_id: Line | None = None
    signature: Line | None = None


# repairs.v1


class RepairSubject(StrEnum):
    APPLICATIONS = "applications"
    REQUESTS = "requests"
    VERDICTS = "verdicts"


class BucketRequested(Contract):
    round: RoundId
    epoch: Epoch
    subject: RepairSubject
    bucket: Annotated[int, Field(ge=0, lt=BUCKETS)]
    requested_by: Code
    requested_at: UtcTime


class BucketListed(Contract):
    round: RoundId
    epoch: Epoch
    subject: RepairSubject
    bucket: Annotated[int, Field(ge=0, lt=BUCKETS)]
    leaves: tuple[tuple[str | int, ...], ...]
    listed_at: UtcTime


# institution.<code>.inbox.v1


class SubmitPurchaseRequest(Contract):
    round: RoundId
    request: RequestReference
    facts: RequestFacts


class AmendPurchaseRequest(Contract):
    round: RoundId
    request: RequestReference
    replaces: Version
    facts: RequestFacts


class WithdrawPurchaseRequest(Contract):
    round: RoundId
    request: RequestReference
    reason: Text = ""


class ReportPurchase(Contract):
    round: RoundId
    request: RequestReference
    application: ApplicationId
    quantity: Positive
    amount_won: Won
    contracted_on: date


class ReportNonPurchase(Contract):
    round: RoundId
    request: RequestReference
    application: ApplicationId
    reason: Text


# institution.<code>.outbox.v1


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


class InboxAnswered(Contract):
    """The one answer to one inbox message, quoting the sender's own id."""

    institution: InstitutionCode
    answer: Answer
    quotes: str
    """The `ce_id` of the message answered, or its `offset:<n>` where it had none."""
    offset: Count
    request: RequestId | None = None
    version: Version | None = None
    nonce: Nonce | None = None
    payload_hash: Sha256Hex | None = None
    reasons: tuple[Reason, ...] = ()
    answered_at: UtcTime


class RoundNoticed(Contract):
    """A round's turn that an institution is told of: opened, extended, frozen, committed, published, voided."""

    institution: InstitutionCode
    round: RoundId
    turn: Code
    occurred_at: UtcTime
    roots: Mapping[Code, Sha256Hex] = Field(default_factory=dict)


class AwardNoticed(Contract):
    """A product selected for this institution's request, with the names it needs to contract."""

    institution: InstitutionCode
    round: RoundId
    application: ApplicationId
    product: Line
    position: Positive
    awards: Annotated[tuple[Award, ...], Field(min_length=1)]
    selection_root: Sha256Hex
