"""Every topic in one place: its key, its writer, its events, how it is kept. Auto-creation is off."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from shared.contracts import events
from shared.contracts.values import Contract

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it is provisioned. `name` has no prefix; the deployment's settings give it."""

    name: str
    key: str
    writers: tuple[str, ...]
    events: tuple[type[Contract], ...]
    partitions: int
    config: dict[str, str] = field(default_factory=dict)


_FOREVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
_ROUND_LIFE = {"cleanup.policy": "delete", "retention.ms": str(10 * 365 * DAY_MS)}
_COMPACT = {"cleanup.policy": "compact"}
_CONTACTS = {"cleanup.policy": "compact", "max.compaction.lag.ms": str(7 * DAY_MS), "delete.retention.ms": str(DAY_MS)}
_DAYS = {"cleanup.policy": "delete", "retention.ms": str(7 * DAY_MS)}
_INBOX = {"message.timestamp.type": "LogAppendTime", "cleanup.policy": "delete", "retention.ms": str(400 * DAY_MS)}

ROUNDS: Final = Topic(
    "rounds.v1",
    "round id",
    ("intake",),
    (
        events.RoundAnnounced,
        events.RoundAmended,
        events.RoundOpened,
        events.RoundExtended,
        events.RoundFrozen,
        events.EpochOpened,
        events.ScoresClosed,
        events.SourceValueRecorded,
        events.SelectionConfirmed,
        events.ReleaseOpened,
        events.ReleaseConfirmed,
        events.RoundVoided,
        events.RoundFinalized,
        events.RegistryWaived,
    ),
    1,
    _FOREVER,
)
INSTITUTIONS: Final = Topic(
    "institutions.v1", "institution code", ("intake",), (events.InstitutionChanged,), 1, _COMPACT
)
MILESTONES: Final = Topic(
    "milestones.v1",
    "round id",
    ("eligibility", "selection"),
    (
        events.EligibilityCompleted,
        events.InputsCommitted,
        events.CommitmentTimeStamped,
        events.SelectionProposed,
        events.ReleaseProposed,
    ),
    1,
    _FOREVER,
)
APPLICATIONS: Final = Topic(
    "applications.v1",
    "application id",
    ("intake",),
    (
        events.ApplicationSubmitted,
        events.ApplicationWithdrawn,
        events.SelectionGivenUp,
        events.ApplicationScored,
        events.RefusalReconsidered,
        events.AppealFiled,
        events.AppealDecided,
    ),
    12,
    _ROUND_LIFE,
)
CONTACTS: Final = Topic(
    "contacts.v1",
    "party id",
    ("intake",),
    (events.ContactChanged, events.WebhookChanged, events.AccessTokenChanged),
    12,
    _CONTACTS,
)
PURCHASE_REQUESTS: Final = Topic(
    "purchase-requests.v1",
    "request id",
    ("intake",),
    (
        events.PurchaseRequestAccepted,
        events.PurchaseRequestWithdrawn,
        events.PurchaseRequestCancelled,
        events.PurchaseReported,
        events.NonPurchaseReported,
    ),
    6,
    _ROUND_LIFE,
)
VERDICTS: Final = Topic("verdicts.v1", "application id", ("eligibility",), (events.ApplicationJudged,), 12, _ROUND_LIFE)
REGISTRY_ANSWERS: Final = Topic(
    "registry-answers.v1", "round id", ("eligibility",), (events.RegistryAnswered,), 1, _ROUND_LIFE
)
SELECTIONS: Final = Topic(
    "selections.v1",
    "application id",
    ("selection",),
    (
        events.ProductSelected,
        events.ProductReserved,
        events.ProductNotSelected,
        events.SelectionWithdrawn,
        events.SelectionStatusEnded,
        events.PurchaseOverdue,
        events.ReservePromoted,
        events.AwardsChanged,
    ),
    12,
    _ROUND_LIFE,
)
DELIVERIES: Final = Topic(
    "deliveries.v1",
    "delivery id; of a ContactDisowned the application id",
    ("notify",),
    (events.NoticeDelivered, events.NoticeFailed, events.ContactDisowned),
    6,
    _ROUND_LIFE,
)
AUDIT_HEADS: Final = Topic(
    "audit-heads.v1",
    "service",
    ("intake", "eligibility", "selection", "notify"),
    (events.AuditHeadPublished,),
    1,
    _FOREVER,
)
ACCESS: Final = Topic("access.v1", "name of a token", ("intake",), (events.TokenChanged,), 1, _COMPACT)
REPAIRS: Final = Topic(
    "repairs.v1",
    "round id + bucket",
    ("intake", "eligibility", "selection"),
    (events.BucketRequested, events.BucketListed),
    1,
    _DAYS,
)

SHARED_TOPICS: Final = (
    ROUNDS,
    INSTITUTIONS,
    MILESTONES,
    APPLICATIONS,
    CONTACTS,
    PURCHASE_REQUESTS,
    VERDICTS,
    REGISTRY_ANSWERS,
    SELECTIONS,
    DELIVERIES,
    AUDIT_HEADS,
    REPAIRS,
    ACCESS,
)

CONSUMED: Final[dict[str, tuple[Topic, ...]]] = {
    "intake": (MILESTONES, VERDICTS, SELECTIONS, DELIVERIES, REPAIRS),
    "eligibility": (ROUNDS, APPLICATIONS, MILESTONES, REPAIRS, REGISTRY_ANSWERS, ACCESS),
    "selection": (ROUNDS, INSTITUTIONS, APPLICATIONS, PURCHASE_REQUESTS, VERDICTS, MILESTONES, REPAIRS, ACCESS),
    "notify": (
        ROUNDS,
        INSTITUTIONS,
        MILESTONES,
        APPLICATIONS,
        CONTACTS,
        VERDICTS,
        SELECTIONS,
        AUDIT_HEADS,
        DELIVERIES,
        ACCESS,
    ),
}
"""Which shared topics each service's consumer group reads."""

READ_BACK: Final[dict[str, tuple[Topic, ...]]] = {
    "intake": (ROUNDS, INSTITUTIONS, APPLICATIONS, CONTACTS, PURCHASE_REQUESTS, ACCESS),
}
"""Which of its own topics a service reads without a group, to put back what its database lost."""
INBOX_READER: Final = "intake"
"""Reads every inbox without a group, and its own answers on the outboxes; writes what institutions upload."""


def inbox(institution: str) -> Topic:
    """What an institution writes and intake reads; tables it uploads are written to it by intake. One partition,
    stamped by the broker: the order is the proof."""
    return Topic(
        f"institution.{institution}.inbox.v1",
        "request id",
        (institution, "intake"),
        (
            events.SubmitPurchaseRequest,
            events.AmendPurchaseRequest,
            events.WithdrawPurchaseRequest,
            events.ReportPurchase,
            events.ReportNonPurchase,
        ),
        1,
        _INBOX,
    )


def institution_of_inbox(name: str) -> str | None:
    """Whose inbox a topic is, by its name without the prefix; None where it is none."""
    institution = name.removeprefix("institution.").removesuffix(".inbox.v1")
    return institution if name == f"institution.{institution}.inbox.v1" else None


def outbox(institution: str) -> Topic:
    """What only that institution reads: intake's answers, notify's notices."""
    return Topic(
        f"institution.{institution}.outbox.v1",
        "request id",
        ("intake", "notify"),
        (
            events.InboxAnswered,
            events.RoundNoticed,
            events.AwardNoticed,
            events.AwardWithdrawn,
            events.AwardStatusEnded,
            events.PurchaseReminded,
            events.AuditHeadNoticed,
        ),
        1,
        _ROUND_LIFE,
    )


def dead_letters(topic: str, group: str) -> Topic:
    """Where `group` puts the records of `topic` it could not take, as they came."""
    return Topic(
        f"{topic}.{group}.dlq", "original", (group,), (), 1, {"cleanup.policy": "delete", "retention.ms": "-1"}
    )


def provisioned() -> Iterable[Topic]:
    """All topics a deployment needs before its first institution joins."""
    yield from SHARED_TOPICS
    for service, topics in CONSUMED.items():
        for topic in topics:
            yield dead_letters(topic.name, service)


def event_types(topics: Iterable[Topic]) -> dict[str, type[Contract]]:
    """Event models by name, for the topics given."""
    return {model.__name__: model for topic in topics for model in topic.events}
