"""Admission of one submission, decided from the round's window: a receipt or a refusal, never an exception."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.intake.domain.entries import Chance, StatedVersion, access_token, application_id, nonce, party_id
from services.intake.domain.entries import state_version as state
from services.intake.domain.rounds import Closed, RoundWindow
from shared.contracts.identity import IdentityLevel
from shared.proof.canonical import Json


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """Who is told about an entry. The only personal data intake holds."""

    name: str
    email: str
    phone: str | None
    language: str
    network: str | None = None
    """Whence it was stated (`networks.network_of`), for its event alone: it is not kept."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A body that could be read, with the moment (real time) it was fully read."""

    round: str
    """As it was addressed: a round, or a series whose cut it is for."""
    received_at: datetime
    business_number: str
    product_key: str
    """The name of the product that its entry comes with."""
    names: frozenset[str]
    """All names of the product, as `firms.names` has them."""
    track: str
    facts: Json
    contact: ContactDetails
    idempotency_key: str | None
    body_hash: bytes
    chance: Chance
    traceparent: str | None
    token_hash: str | None = None
    """Of the token that was sent with it, which opens another entry."""
    identity: IdentityLevel = IdentityLevel.NONE
    """How sure it is that it comes from the firm."""


class Refusal(StrEnum):
    UNKNOWN_ROUND = "unknown-round"
    NOT_OPEN_YET = Closed.NOT_OPEN_YET.value
    CLOSED = Closed.CLOSED.value
    ALREADY_ENTERED = "already-entered"
    ENTERED_BY_SURER = "entered-by-surer"
    KEY_REUSED = "idempotency-key-reused"


@dataclass(frozen=True, slots=True)
class FirmLimit:
    """The firm has as many entries standing as the round, or its track, lets it. `opened`: whose token came."""

    most: int
    track: str | None
    opened: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A new application: the round it is in, its first version and who it belongs to."""

    round: str
    submission: Submission
    application: str
    party: str
    token: str
    stated: StatedVersion


def enter(submission: Submission, window: RoundWindow | None, secret: bytes, rival: str = "") -> Entry | Refusal:
    """The first version of a new application, if the round takes it at that moment. `rival`: as `application_id`."""
    if window is None:
        return Refusal.UNKNOWN_ROUND
    received_at = window.time_map.programme(submission.received_at)
    closed = window.refusal(received_at)
    if closed is not None:
        return Refusal(closed.value)
    application = application_id(
        window.seed, window.round, submission.business_number, submission.product_key, submission.chance, rival
    )
    party = party_id(window.seed, application, submission.chance)
    drawn = nonce(window.seed, application, 1, submission.chance.nonce)
    version = state(application, 1, received_at, drawn, submission.facts, identity=submission.identity)
    return Entry(
        round=window.round,
        submission=submission,
        application=application,
        party=party,
        token=access_token(secret, application),
        stated=version,
    )
