"""`contacts.v1`: the only topic with personal data (names, addresses, phone numbers) and webhook secrets."""

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from shared.contracts.values import (
    ApplicationId,
    Contract,
    Count,
    Email,
    InstitutionCode,
    Line,
    PartyId,
    Positive,
    RoundId,
    Sha256Hex,
    UtcTime,
)

WebhookUrl = Annotated[
    str,
    StringConstraints(
        max_length=500, pattern=r"^https?://[A-Za-z0-9.\[\]:-]+(/[\x21\x24-\x7e]*)?(\?[\x21\x24-\x7e]*)?$"
    ),
]
"""Without user, password or fragment."""
WebhookSecret = Annotated[str, StringConstraints(pattern=r"^whsec_[A-Za-z0-9+/]{32,88}={0,2}$")]
"""Of Standard Webhooks: 24 to 64 random bytes in base64."""


class Language(StrEnum):
    KO = "ko"
    EN = "en"


class ContactChanged(Contract):
    """The only event with a person's name, address or number. A tombstone of the key erases it."""

    party: PartyId
    name: Line
    email: Email
    phone: Line | None = None
    language: Language = Language.KO
    institution: InstitutionCode | None = None
    """Of somebody at an institution, who is mailed what concerns it; absent: an applicant's."""
    network: Sha256Hex | None = None
    """The network it was stated from (IPv4 /24, IPv6 /48), by a keyed hash of intake's, which tells whether two are one
    and nothing else. Absent where intake does not know it."""
    changed_at: UtcTime


class AccessTokenChanged(Contract):
    """A new token of an entry, for its own address: first with the `token`, to be mailed; once it was used, or too old,
    without. Its key is `token/` and the application's id, so that compaction takes the token away.

    `in_force`: the generation of the token that opens the entry as of this event; 0 for the receipt's.
    """

    application: ApplicationId
    party: PartyId
    round: RoundId
    generation: Positive
    token: Line | None = None
    asked_at: UtcTime
    in_force: Count = 0


class WebhookChanged(Contract):
    """Where an institution's webhooks go, and what signs them. Its key is the institution's code, which no party's id
    is; a tombstone ends it."""

    institution: InstitutionCode
    url: WebhookUrl
    secret: WebhookSecret
    secret_before: WebhookSecret | None = None
    """Signs too until `before_until`, so that a receiver changes over without missing one."""
    before_until: UtcTime | None = None
    changed_at: UtcTime
