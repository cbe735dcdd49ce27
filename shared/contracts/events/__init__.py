"""Every event of every topic, a module a topic. An event's name is its CloudEvents type's middle part."""

from shared.contracts.events.applications import (
    AppealDecided,
    AppealFiled,
    ApplicationScored,
    ApplicationSubmitted,
    ApplicationWithdrawn,
    RefusalReconsidered,
)
from shared.contracts.events.audit import AuditHeadPublished
from shared.contracts.events.contacts import ContactChanged, Language
from shared.contracts.events.deliveries import Channel, NoticeDelivered, NoticeFailed
from shared.contracts.events.ground import BUCKETS, Invitation, Manifest, Rehearsal, RoundAct, Source, SourceKind
from shared.contracts.events.inbox import (
    AmendPurchaseRequest,
    ReportNonPurchase,
    ReportPurchase,
    SubmitPurchaseRequest,
    WithdrawPurchaseRequest,
)
from shared.contracts.events.institutions import InstitutionChanged, InstitutionStatus, Pledge
from shared.contracts.events.milestones import (
    CommitmentTimeStamped,
    EligibilityCompleted,
    InputsCommitted,
    SelectionProposed,
)
from shared.contracts.events.outbox import (
    Answer,
    AuditHeadNoticed,
    AwardNoticed,
    AwardWithdrawn,
    InboxAnswered,
    Reason,
    RoundNoticed,
)
from shared.contracts.events.repairs import BucketListed, BucketRequested, RepairSubject
from shared.contracts.events.requests import (
    NonPurchaseReported,
    PurchaseReported,
    PurchaseRequestAccepted,
    PurchaseRequestWithdrawn,
)
from shared.contracts.events.rounds import (
    Amended,
    EpochOpened,
    RoundAnnounced,
    RoundExtended,
    RoundFinalized,
    RoundFrozen,
    RoundOpened,
    RoundVoided,
    SelectionConfirmed,
    SourceValueRecorded,
)
from shared.contracts.events.selections import (
    Award,
    NotSelectedReason,
    ProductNotSelected,
    ProductReserved,
    ProductSelected,
    ReservePromoted,
    SelectionWithdrawn,
)
from shared.contracts.events.verdicts import ApplicationJudged

__all__ = [
    "BUCKETS",
    "AmendPurchaseRequest",
    "Amended",
    "Answer",
    "AppealDecided",
    "AppealFiled",
    "ApplicationJudged",
    "ApplicationScored",
    "ApplicationSubmitted",
    "ApplicationWithdrawn",
    "AuditHeadNoticed",
    "AuditHeadPublished",
    "Award",
    "AwardNoticed",
    "AwardWithdrawn",
    "BucketListed",
    "BucketRequested",
    "Channel",
    "CommitmentTimeStamped",
    "ContactChanged",
    "EligibilityCompleted",
    "EpochOpened",
    "InboxAnswered",
    "InputsCommitted",
    "InstitutionChanged",
    "InstitutionStatus",
    "Invitation",
    "Language",
    "Manifest",
    "NonPurchaseReported",
    "NotSelectedReason",
    "NoticeDelivered",
    "NoticeFailed",
    "Pledge",
    "ProductNotSelected",
    "ProductReserved",
    "ProductSelected",
    "PurchaseReported",
    "PurchaseRequestAccepted",
    "PurchaseRequestWithdrawn",
    "Reason",
    "RefusalReconsidered",
    "Rehearsal",
    "RepairSubject",
    "ReportNonPurchase",
    "ReportPurchase",
    "ReservePromoted",
    "RoundAct",
    "RoundAnnounced",
    "RoundExtended",
    "RoundFinalized",
    "RoundFrozen",
    "RoundNoticed",
    "RoundOpened",
    "RoundVoided",
    "SelectionConfirmed",
    "SelectionProposed",
    "SelectionWithdrawn",
    "Source",
    "SourceKind",
    "SourceValueRecorded",
    "SubmitPurchaseRequest",
    "WithdrawPurchaseRequest",
]
