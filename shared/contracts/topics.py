"""All topics: key, writer, events and retention of each. Automatic creation is off."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from shared.contracts import events
from shared.contracts.values import Contract

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic as provisioned. `name` is without prefix, which the deployment's settings give."""

    name: str
    key: str
    writers: tuple[str, ...]
    events: tuple[type[Contract], ...]
    partitions: int
    config: dict[str, str] = field(default_factory=dict)

    def partitioned(self, partitions: int) -> int:
        """How many it is made with, if topics spread by key are to have so many (0: as declared); others have one."""
        return partitions if partitions and self.partitions > 1 else self.partitions


_FOREVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
_ROUND_LIFE = {"cleanup.policy": "delete", "retention.ms": str(10 * 365 * DAY_MS)}
_COMPACT = {"cleanup.policy": "compact"}
_CONTACTS = {"cleanup.policy": "compact", "max.compaction.lag.ms": str(7 * DAY_MS), "delete.retention.ms": str(DAY_MS)}
_DAYS = {"cleanup.policy": "delete", "retention.ms": str(7 * DAY_MS)}
_INBOX = {"message.timestamp.type": "LogAppendTime", "cleanup.policy": "delete", "retention.ms": str(400 * DAY_MS)}

ROUNDS: Final = Topic(
    name="rounds.v1",
    key="round id",
    writers=("intake",),
    events=(
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
    partitions=1,
    config=_FOREVER,
)
INSTITUTIONS: Final = Topic(
    name="institutions.v1",
    key="institution code",
    writers=("intake",),
    events=(events.InstitutionChanged,),
    partitions=1,
    config=_COMPACT,
)
MILESTONES: Final = Topic(
    name="milestones.v1",
    key="round id",
    writers=("eligibility", "selection"),
    events=(
        events.EligibilityCompleted,
        events.InputsCommitted,
        events.CommitmentTimeStamped,
        events.SelectionProposed,
        events.ReleaseProposed,
    ),
    partitions=1,
    config=_FOREVER,
)
APPLICATIONS: Final = Topic(
    name="applications.v1",
    key="application id",
    writers=("intake",),
    events=(
        events.ApplicationSubmitted,
        events.ApplicationWithdrawn,
        events.SelectionGivenUp,
        events.ApplicationScored,
        events.RefusalReconsidered,
        events.AppealFiled,
        events.AppealDecided,
    ),
    partitions=12,
    config=_ROUND_LIFE,
)
CONTACTS: Final = Topic(
    name="contacts.v1",
    key="party id",
    writers=("intake",),
    events=(events.ContactChanged, events.WebhookChanged, events.AccessTokenChanged),
    partitions=12,
    config=_CONTACTS,
)
PURCHASE_REQUESTS: Final = Topic(
    name="purchase-requests.v1",
    key="request id",
    writers=("intake",),
    events=(
        events.PurchaseRequestAccepted,
        events.PurchaseRequestWithdrawn,
        events.PurchaseRequestCancelled,
        events.PurchaseReported,
        events.NonPurchaseReported,
    ),
    partitions=6,
    config=_ROUND_LIFE,
)
VERDICTS: Final = Topic(
    name="verdicts.v1",
    key="application id",
    writers=("eligibility",),
    events=(events.ApplicationJudged,),
    partitions=12,
    config=_ROUND_LIFE,
)
REGISTRY_ANSWERS: Final = Topic(
    name="registry-answers.v1",
    key="round id",
    writers=("eligibility",),
    events=(events.RegistryAnswered,),
    partitions=1,
    config=_ROUND_LIFE,
)
SELECTIONS: Final = Topic(
    name="selections.v1",
    key="application id",
    writers=("selection",),
    events=(
        events.ProductSelected,
        events.ProductReserved,
        events.ProductNotSelected,
        events.SelectionWithdrawn,
        events.SelectionStatusEnded,
        events.PurchaseOverdue,
        events.ReservePromoted,
        events.AwardsChanged,
    ),
    partitions=12,
    config=_ROUND_LIFE,
)
DELIVERIES: Final = Topic(
    name="deliveries.v1",
    key="delivery id; of a ContactDisowned the application id",
    writers=("notify",),
    events=(events.NoticeDelivered, events.NoticeFailed, events.ContactDisowned),
    partitions=6,
    config=_ROUND_LIFE,
)
AUDIT_HEADS: Final = Topic(
    name="audit-heads.v1",
    key="service",
    writers=("intake", "eligibility", "selection", "notify"),
    events=(events.AuditHeadPublished,),
    partitions=1,
    config=_FOREVER,
)
ACCESS: Final = Topic(
    name="access.v1",
    key="name of a token",
    writers=("intake",),
    events=(events.TokenChanged,),
    partitions=1,
    config=_COMPACT,
)
REPAIRS: Final = Topic(
    name="repairs.v1",
    key="round id + bucket",
    writers=("intake", "eligibility", "selection"),
    events=(events.BucketRequested, events.BucketListed),
    partitions=1,
    config=_DAYS,
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
"""The own topics that a service reads without a group, to restore what its database lost."""
INBOX_READER: Final = "intake"
"""The service that reads all inboxes without a group, and its own answers on outboxes, and writes uploads to
inboxes."""


def inbox(institution: str) -> Topic:
    """The inbox: an institution writes, intake reads, and intake writes uploaded tables. It has one partition with
    broker append time, so its order is proof."""
    return Topic(
        name=f"institution.{institution}.inbox.v1",
        key="request id",
        writers=(institution, "intake"),
        events=(
            events.SubmitPurchaseRequest,
            events.AmendPurchaseRequest,
            events.WithdrawPurchaseRequest,
            events.ReportPurchase,
            events.ReportNonPurchase,
        ),
        partitions=1,
        config=_INBOX,
    )


def institution_of_inbox(name: str) -> str | None:
    """The institution whose inbox a topic (without prefix) is; None if it is no inbox."""
    institution = name.removeprefix("institution.").removesuffix(".inbox.v1")
    return institution if name == f"institution.{institution}.inbox.v1" else None


def outbox(institution: str) -> Topic:
    """The outbox, which only that institution reads: intake's answers and notify's notices."""
    return Topic(
        name=f"institution.{institution}.outbox.v1",
        key="request id",
        writers=("intake", "notify"),
        events=(
            events.InboxAnswered,
            events.RoundNoticed,
            events.AwardNoticed,
            events.AwardWithdrawn,
            events.AwardStatusEnded,
            events.PurchaseReminded,
            events.AuditHeadNoticed,
        ),
        partitions=1,
        config=_ROUND_LIFE,
    )


def dead_letters(topic: str, group: str) -> Topic:
    """The topic for records of `topic` that `group` could not handle."""
    return Topic(
        name=f"{topic}.{group}.dlq",
        key="original",
        writers=(group,),
        events=(),
        partitions=1,
        config={"cleanup.policy": "delete", "retention.ms": "-1"},
    )


def provisioned() -> Iterable[Topic]:
    """All topics that a deployment needs before its first institution joins."""
    yield from SHARED_TOPICS
    for service, topics in CONSUMED.items():
        for topic in topics:
            yield dead_letters(topic.name, service)


def event_types(topics: Iterable[Topic]) -> dict[str, type[Contract]]:
    """The event models of these topics, by name."""
    return {model.__name__: model for topic in topics for model in topic.events}
