"""Decides on one submission from the round's window: an entry or a refusal, never an exception."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.intake.domain.entries import (
    Chance,
    EntryVersion,
    access_token,
    application_id,
    entry_version,
    nonce,
    party_id,
)
from services.intake.domain.rounds import Closed, RoundWindow
from shared.contracts.facts import DocumentFile
from shared.contracts.identity import IdentityLevel
from shared.proof.canonical import Json


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """Who is notified about an entry. The only personal data that intake holds."""

    name: str
    email: str
    phone: str | None
    language: str
    network: str | None = None
    """Where it was sent from (`networks.network_of`), for its event only: it is not stored."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A readable body, with the moment (real time) at which it was fully read."""

    round: str
    """The address: a round, or a series, whose open cut takes it."""
    received_at: datetime
    business_number: str
    product_key: str
    """The product's name that identifies its entry."""
    names: frozenset[str]
    """All names of the product, as `firms.names` makes them."""
    track: str
    facts: Json
    contact: ContactDetails
    idempotency_key: str | None
    body_hash: bytes
    chance: Chance
    traceparent: str | None
    token_hash: str | None = None
    """Hash of the token sent with it, which opens another entry."""
    identity: IdentityLevel = IdentityLevel.NONE
    """How certain it is that the firm sent it."""
    arrived_at: datetime | None = None
    """When intake had read it, where `received_at` is an edge's moment."""
    documents: tuple[DocumentFile, ...] = ()
    upload_key: str | None = None
    """Hash of the key under which its documents were uploaded."""


class Refusal(StrEnum):
    """Why a submission is not admitted."""

    UNKNOWN_ROUND = "unknown-round"
    NOT_OPEN_YET = Closed.NOT_OPEN_YET.value
    CLOSED = Closed.CLOSED.value
    ALREADY_ENTERED = "already-entered"
    ENTERED_BY_SURER = "entered-by-surer"
    KEY_REUSED = "idempotency-key-reused"


@dataclass(frozen=True, slots=True)
class FirmLimit:
    """The firm has as many entries as the round, or its track, allows. `opened`: the entry whose token was sent."""

    most: int
    track: str | None
    opened: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A new application: its round, its first version and its party."""

    round: str
    submission: Submission
    application: str
    party: str
    token: str
    first: EntryVersion


def enter(submission: Submission, window: RoundWindow | None, secret: bytes, rival: str = "") -> Entry | Refusal:
    """The first version of a new application, if the round accepts it at that moment. `rival`: see `application_id`."""
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
    arrived_at = window.time_map.programme(submission.arrived_at) if submission.arrived_at else None
    version = entry_version(
        application, 1, received_at, drawn, submission.facts, identity=submission.identity, arrived_at=arrived_at
    )
    return Entry(
        round=window.round,
        submission=submission,
        application=application,
        party=party,
        token=access_token(secret, application),
        first=version,
    )
