"""Which notice goes to whom: a table of (happening, recipient's role) → notice and channels, and how it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from shared.contracts.events import Channel

Facts = Mapping[str, Any]
"""What a notice says, as JSON: of a mail the values its template names, of an outbox notice the contract's body."""


class Happening(StrEnum):
    SUBMITTED = "submitted"
    RESUBMITTED = "resubmitted"
    WITHDRAWN = "withdrawn"
    EXCLUDED = "excluded"
    AWARD_WITHDRAWN = "award-withdrawn"
    APPEAL_FILED = "appeal-filed"
    APPEAL_DECIDED = "appeal-decided"
    FINALIZED = "final"
    SELECTED = "selected"
    RESERVED = "reserved"
    NOT_SELECTED = "not-selected"
    INELIGIBLE = "ineligible"
    STATUS_ENDED = "status-ended"
    GIVEN_UP = "given-up"
    PROMOTED = "promoted"
    AWARDS_CHANGED = "awards-changed"
    SELECTION_WITHDRAWN = "selection-withdrawn"
    PURCHASE_OVERDUE = "purchase-overdue"
    RECONSIDERED = "reconsidered"
    OPENED = "opened"
    EXTENDED = "extended"
    FROZEN = "frozen"
    COMMITTED = "committed"
    TIME_STAMPED = "time-stamped"
    PUBLISHED = "published"
    RELEASED = "released"
    VOIDED = "voided"
    HEAD_SIGNED = "head-signed"


class Role(StrEnum):
    APPLICANT = "applicant"
    INSTITUTION = "institution"


class Need(StrEnum):
    """What a notice can't be written without; it may arrive later, since topics are not ordered among each other."""

    CONTACT = "contact"
    ROUND = "round"
    APPLICATION = "application"
    VERDICT = "verdict"


@dataclass(frozen=True, slots=True)
class Notice:
    """`kind` names the template of a mail. `needs` is what the notice needs on any channel."""

    kind: str
    channels: tuple[Channel, ...]
    needs: tuple[Need, ...] = ()


AWARD: Final = "award"
AWARD_WITHDRAWN: Final = "award-withdrawn"
PURCHASE_REMINDER: Final = "purchase-reminder"
AWARD_STATUS_ENDED: Final = "award-status-ended"
AUDIT_HEAD: Final = "audit-head"
_MAIL: Final = (Channel.MAIL,)
_OUTBOX: Final = (Channel.OUTBOX,)
_NEEDED_BY_CHANNEL: Final = {Channel.MAIL: (Need.CONTACT, Need.ROUND), Channel.OUTBOX: (), Channel.WEBHOOK: ()}

NOTICES: Final[Mapping[tuple[Happening, Role], Notice]] = {
    (Happening.SUBMITTED, Role.APPLICANT): Notice("receipt", _MAIL),
    (Happening.RESUBMITTED, Role.APPLICANT): Notice("resubmission", _MAIL),
    (Happening.WITHDRAWN, Role.APPLICANT): Notice("withdrawal", _MAIL, (Need.APPLICATION,)),
    (Happening.EXCLUDED, Role.APPLICANT): Notice("excluded", _MAIL, (Need.APPLICATION,)),
    (Happening.SELECTED, Role.APPLICANT): Notice("selected", _MAIL),
    (Happening.RESERVED, Role.APPLICANT): Notice("reserve", _MAIL, (Need.APPLICATION,)),
    (Happening.NOT_SELECTED, Role.APPLICANT): Notice("not-selected", _MAIL, (Need.APPLICATION,)),
    (Happening.INELIGIBLE, Role.APPLICANT): Notice("not-selected", _MAIL, (Need.APPLICATION, Need.VERDICT)),
    (Happening.RECONSIDERED, Role.APPLICANT): Notice("extended", _MAIL),
    (Happening.SELECTED, Role.INSTITUTION): Notice(AWARD, _OUTBOX),
    (Happening.GIVEN_UP, Role.APPLICANT): Notice("given-up", _MAIL, (Need.APPLICATION,)),
    (Happening.PROMOTED, Role.APPLICANT): Notice("promoted", _MAIL),
    (Happening.PROMOTED, Role.INSTITUTION): Notice(AWARD, _OUTBOX),
    (Happening.AWARDS_CHANGED, Role.APPLICANT): Notice("awards-changed", _MAIL),
    (Happening.AWARDS_CHANGED, Role.INSTITUTION): Notice(AWARD, _OUTBOX),
    (Happening.SELECTION_WITHDRAWN, Role.APPLICANT): Notice("selection-withdrawn", _MAIL, (Need.APPLICATION,)),
    (Happening.APPEAL_FILED, Role.APPLICANT): Notice("appeal-filed", _MAIL, (Need.APPLICATION,)),
    (Happening.APPEAL_DECIDED, Role.APPLICANT): Notice("appeal-decided", _MAIL, (Need.APPLICATION,)),
    (Happening.FINALIZED, Role.INSTITUTION): Notice("round-final", _OUTBOX),
    (Happening.AWARD_WITHDRAWN, Role.INSTITUTION): Notice(AWARD_WITHDRAWN, _OUTBOX),
    (Happening.STATUS_ENDED, Role.APPLICANT): Notice("status-ended", _MAIL),
    (Happening.STATUS_ENDED, Role.INSTITUTION): Notice(AWARD_STATUS_ENDED, _OUTBOX),
    (Happening.PURCHASE_OVERDUE, Role.INSTITUTION): Notice(PURCHASE_REMINDER, _OUTBOX),
    (Happening.OPENED, Role.INSTITUTION): Notice("round-opened", _OUTBOX),
    (Happening.EXTENDED, Role.INSTITUTION): Notice("round-extended", _OUTBOX),
    (Happening.FROZEN, Role.INSTITUTION): Notice("round-frozen", _OUTBOX),
    (Happening.COMMITTED, Role.INSTITUTION): Notice("round-committed", _OUTBOX),
    (Happening.TIME_STAMPED, Role.INSTITUTION): Notice("round-time-stamped", _OUTBOX),
    (Happening.PUBLISHED, Role.INSTITUTION): Notice("round-published", _OUTBOX),
    (Happening.RELEASED, Role.INSTITUTION): Notice("round-released", _OUTBOX),
    (Happening.VOIDED, Role.INSTITUTION): Notice("round-voided", _OUTBOX),
    (Happening.HEAD_SIGNED, Role.INSTITUTION): Notice(AUDIT_HEAD, _OUTBOX),
}

MAILED: Final = tuple(dict.fromkeys(notice.kind for notice in NOTICES.values() if Channel.MAIL in notice.channels))
"""The kinds that need a template."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A party or an institution by its id, and what it in particular is told."""

    role: Role
    id: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened, when in the life of its subject, and all whom it may concern."""

    happening: Happening
    round: str | None
    """None of what belongs to no round: a signed audit head."""
    subject: str
    occasion: str
    recipients: Sequence[Recipient]
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A delivery that is due to somebody. Its key is what makes it one: a repeat has the same."""

    round: str | None
    kind: str
    subject: str
    occasion: str
    recipient: str
    channel: Channel
    facts: Facts = field(hash=False)
    needs: tuple[Need, ...] = ()
    traceparent: str | None = None

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        return (self.kind, self.subject, self.occasion, self.recipient, self.channel.value)


def planned(occurrence: Occurrence) -> list[Planned]:
    """The deliveries the table asks for; none for a role it does not name."""
    return [
        Planned(
            occurrence.round,
            notice.kind,
            occurrence.subject,
            occurrence.occasion,
            recipient.id,
            channel,
            recipient.facts,
            (*_NEEDED_BY_CHANNEL[channel], *notice.needs),
            occurrence.traceparent,
        )
        for recipient in occurrence.recipients
        if (notice := NOTICES.get((occurrence.happening, recipient.role))) is not None
        for channel in notice.channels
    ]
