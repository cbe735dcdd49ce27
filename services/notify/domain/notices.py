"""Which notice goes to whom: a table from (happening, recipient's role) to notice and channels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from shared.contracts.events import Channel

Facts = Mapping[str, Any]
"""What a notice states, as JSON: the template's values for a mail, the contract's body for an outbox notice."""


class Happening(StrEnum):
    """What happened to an application, an institution's award or a round."""

    SUBMITTED = "submitted"
    RESUBMITTED = "resubmitted"
    TOKEN_SENT = "token-sent"  # noqa: S105 -- no secret
    CONTESTED = "contested"
    CONTEST_ENDED = "contest-ended"
    WITHDRAWN = "withdrawn"
    OUTRANKED = "outranked"
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
    JUDGED = "judged"
    ANNOUNCED = "announced"
    AMENDED = "amended"
    OPENED = "opened"
    CLOSING_SOON = "closing-soon"
    EXTENDED = "extended"
    FROZEN = "frozen"
    COMMITTED = "committed"
    TIME_STAMPED = "time-stamped"
    PUBLISHED = "published"
    RELEASED = "released"
    VOIDED = "voided"
    HEAD_SIGNED = "head-signed"


class Role(StrEnum):
    """The role in which somebody is notified."""

    APPLICANT = "applicant"
    INSTITUTION = "institution"


class Need(StrEnum):
    """What a notice can't be written without. It may arrive later, since topics have no common order."""

    CONTACT = "contact"
    ROUND = "round"
    APPLICATION = "application"
    VERDICT = "verdict"
    DIGEST = "digest"
    """It waits for other notices to the same person, to go with them in one mail."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A kind of notice. `template`: of its mail, by default named as the kind. `needs`: its needs on every channel."""

    kind: str
    channels: tuple[Channel, ...]
    needs: tuple[Need, ...] = ()
    template: str | None = None
    patient: bool = False
    """Its mail can wait for the morning: it answers nothing its reader just did, and no deadline is near."""
    gathered: bool = False
    """Its mails go in a digest if a person has many."""
    before_round: bool = False
    """It concerns a round that is not open yet, so it states the title itself."""


AWARD: Final = "award"
AWARD_WITHDRAWN: Final = "award-withdrawn"
PURCHASE_REMINDER: Final = "purchase-reminder"
AWARD_STATUS_ENDED: Final = "award-status-ended"
AUDIT_HEAD: Final = "audit-head"
NEW_TOKEN: Final = "new-token"  # noqa: S105 -- a kind, no token
"""Its facts hold a token, and are erased once it is sent or given up."""
INVITATION: Final = "extended"
"""An invitation to apply after all. It belongs to no application."""
DIGEST: Final = "digest"
GATHERED: Final = "gathered"
"""The template of a mail to an applicant with more than one notice."""
LIFECYCLE: Final = "turn"
_MAIL: Final = (Channel.MAIL,)
_OUTBOX: Final = (Channel.OUTBOX,)
_PUSHED: Final = (Channel.OUTBOX, Channel.WEBHOOK)
_EVERY_CHANNEL: Final = (Channel.OUTBOX, Channel.WEBHOOK, Channel.MAIL)
_NEEDED_BY_CHANNEL: Final = {Channel.MAIL: (Need.CONTACT, Need.ROUND), Channel.OUTBOX: (), Channel.WEBHOOK: ()}


def _lifecycle(
    kind: str, channels: tuple[Channel, ...] = _EVERY_CHANNEL, *, patient: bool = True, before: bool = False
) -> Notice:
    return Notice(kind, channels, template=LIFECYCLE, patient=patient, before_round=before)


def _result(kind: str, *needs: Need) -> Notice:
    return Notice(kind, _MAIL, needs, patient=True)


def _award(kind: str) -> Notice:
    return Notice(kind, _EVERY_CHANNEL, patient=True, gathered=True)


NOTICES: Final[Mapping[tuple[Happening, Role], Notice]] = {
    (Happening.SUBMITTED, Role.APPLICANT): Notice("receipt", _MAIL),
    (Happening.RESUBMITTED, Role.APPLICANT): Notice("resubmission", _MAIL),
    (Happening.TOKEN_SENT, Role.APPLICANT): Notice(NEW_TOKEN, _MAIL, (Need.APPLICATION,)),
    (Happening.CONTESTED, Role.APPLICANT): Notice("contested", _MAIL),
    (Happening.CONTEST_ENDED, Role.APPLICANT): Notice("contest-ended", _MAIL),
    (Happening.WITHDRAWN, Role.APPLICANT): Notice("withdrawal", _MAIL, (Need.APPLICATION,)),
    (Happening.OUTRANKED, Role.APPLICANT): Notice("outranked", _MAIL, (Need.APPLICATION,)),
    (Happening.EXCLUDED, Role.APPLICANT): Notice("excluded", _MAIL, (Need.APPLICATION,)),
    (Happening.RECONSIDERED, Role.APPLICANT): Notice(INVITATION, _MAIL),
    (Happening.JUDGED, Role.APPLICANT): _result("verdict", Need.APPLICATION, Need.VERDICT),
    (Happening.SELECTED, Role.APPLICANT): _result("selected"),
    (Happening.RESERVED, Role.APPLICANT): _result("reserve", Need.APPLICATION),
    (Happening.NOT_SELECTED, Role.APPLICANT): _result("not-selected", Need.APPLICATION),
    (Happening.INELIGIBLE, Role.APPLICANT): _result("not-selected", Need.APPLICATION, Need.VERDICT),
    (Happening.GIVEN_UP, Role.APPLICANT): Notice("given-up", _MAIL, (Need.APPLICATION,)),
    (Happening.PROMOTED, Role.APPLICANT): _result("promoted"),
    (Happening.AWARDS_CHANGED, Role.APPLICANT): _result("awards-changed"),
    (Happening.SELECTION_WITHDRAWN, Role.APPLICANT): _result("selection-withdrawn", Need.APPLICATION),
    (Happening.APPEAL_FILED, Role.APPLICANT): Notice("appeal-filed", _MAIL, (Need.APPLICATION,)),
    (Happening.APPEAL_DECIDED, Role.APPLICANT): _result("appeal-decided", Need.APPLICATION),
    (Happening.STATUS_ENDED, Role.APPLICANT): _result("status-ended"),
    (Happening.SELECTED, Role.INSTITUTION): _award(AWARD),
    (Happening.PROMOTED, Role.INSTITUTION): _award(AWARD),
    (Happening.AWARDS_CHANGED, Role.INSTITUTION): _award(AWARD),
    (Happening.AWARD_WITHDRAWN, Role.INSTITUTION): _award(AWARD_WITHDRAWN),
    (Happening.STATUS_ENDED, Role.INSTITUTION): _award(AWARD_STATUS_ENDED),
    (Happening.PURCHASE_OVERDUE, Role.INSTITUTION): _award(PURCHASE_REMINDER),
    (Happening.ANNOUNCED, Role.INSTITUTION): _lifecycle("round-announced", before=True),
    (Happening.AMENDED, Role.INSTITUTION): _lifecycle("round-amended", before=True),
    (Happening.OPENED, Role.INSTITUTION): _lifecycle("round-opened"),
    (Happening.CLOSING_SOON, Role.INSTITUTION): _lifecycle("round-closing-soon", patient=False),
    (Happening.EXTENDED, Role.INSTITUTION): _lifecycle("round-extended"),
    (Happening.FROZEN, Role.INSTITUTION): _lifecycle("round-frozen", _PUSHED),
    (Happening.COMMITTED, Role.INSTITUTION): _lifecycle("round-committed"),
    (Happening.TIME_STAMPED, Role.INSTITUTION): _lifecycle("round-time-stamped", _PUSHED),
    (Happening.PUBLISHED, Role.INSTITUTION): _lifecycle("round-published"),
    (Happening.RELEASED, Role.INSTITUTION): _lifecycle("round-released"),
    (Happening.FINALIZED, Role.INSTITUTION): _lifecycle("round-final"),
    (Happening.VOIDED, Role.INSTITUTION): _lifecycle("round-voided"),
    (Happening.HEAD_SIGNED, Role.INSTITUTION): Notice(AUDIT_HEAD, _OUTBOX),
}

TEMPLATES: Final[Mapping[str, str]] = {
    notice.kind: notice.template or notice.kind for notice in NOTICES.values() if Channel.MAIL in notice.channels
} | {DIGEST: DIGEST}
"""The template of each mailed kind."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A party or an institution by its id, and the facts for it in particular."""

    role: Role
    id: str
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """Something that happened to a subject, and all whom it may concern. `occasion` tells repeats from later ones."""

    happening: Happening
    round: str | None
    """None for what belongs to no round: a signed audit head."""
    subject: str
    occasion: str
    recipients: Sequence[Recipient]
    traceparent: str | None = None
    happened_at: datetime | None = None
    """Broker append time: contacts added later are not notified. None: all present contacts are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A delivery that is owed to somebody. A repeat has the same key."""

    round: str | None
    kind: str
    subject: str
    occasion: str
    recipient: str
    channel: Channel
    facts: Facts = field(hash=False)
    needs: tuple[Need, ...] = ()
    traceparent: str | None = None
    patient: bool = False

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """The business key: the delivery id is derived from it."""
        return (self.kind, self.subject, self.occasion, self.recipient, self.channel.value)


@dataclass(frozen=True, slots=True)
class NotificationContacts:
    """An institution's people and webhook, each with the time since which it is notified."""

    people: Mapping[str, datetime] = field(default_factory=dict)
    webhook: datetime | None = None


NOBODY: Final = NotificationContacts()


def planned(
    occurrence: Occurrence, contacts: Mapping[str, NotificationContacts] = MappingProxyType({})
) -> list[Planned]:
    """The deliveries the table asks for. Roles it does not name, and recipients with no contact, get none."""
    return [
        Planned(
            round=occurrence.round,
            kind=notice.kind,
            subject=occurrence.subject,
            occasion=occurrence.occasion,
            recipient=addressee,
            channel=channel,
            facts=recipient.facts,
            needs=_needs(notice, recipient.role, channel),
            traceparent=occurrence.traceparent,
            patient=notice.patient and channel is Channel.MAIL,
        )
        for recipient in occurrence.recipients
        if (notice := NOTICES.get((occurrence.happening, recipient.role))) is not None
        for channel in notice.channels
        for addressee in _reached(recipient, channel, contacts.get(recipient.id, NOBODY), occurrence.happened_at)
    ]


def _needs(notice: Notice, role: Role, channel: Channel) -> tuple[Need, ...]:
    by_channel = tuple(need for need in _NEEDED_BY_CHANNEL[channel] if not (need is Need.ROUND and notice.before_round))
    gathers = role is Role.INSTITUTION and channel is Channel.MAIL and notice.gathered
    return (*by_channel, *notice.needs, *((Need.DIGEST,) if gathers else ()))


def _reached(
    recipient: Recipient, channel: Channel, contacts: NotificationContacts, happened_at: datetime | None
) -> list[str]:
    if recipient.role is Role.APPLICANT or channel is Channel.OUTBOX:
        return [recipient.id]

    def was_there(since: datetime) -> bool:
        return happened_at is None or since <= happened_at

    if channel is Channel.WEBHOOK:
        return [recipient.id] if contacts.webhook is not None and was_there(contacts.webhook) else []
    return sorted(party for party, since in contacts.people.items() if was_there(since))
