"""An entry's ids, tokens and versions. Ids and nonces are random, except in a rehearsal, where they follow from its
seed."""

import hashlib
import hmac
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from datetime import datetime

from shared.contracts.identity import IdentityLevel
from shared.proof.canonical import Json, canonical_json, payload_hash_of


@dataclass(frozen=True, slots=True)
class Chance:
    """Randomness for one entry, drawn by the caller; a rehearsal's seed replaces it."""

    application: str
    party: str
    nonce: str

    @classmethod
    def of_bytes(cls, random: bytes) -> "Chance":
        """From 48 random bytes."""
        return cls(
            str(uuid.UUID(bytes=random[:16], version=4)),
            str(uuid.UUID(bytes=random[16:32], version=4)),
            random[32:48].hex(),
        )


def is_id(text: str) -> bool:
    """True if the text is a UUID in canonical form; other strings are not looked up."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def rehearsed_uuid(seed: str, *parts: str) -> str:
    """The UUID that follows from a rehearsal's seed."""
    return str(uuid.UUID(bytes=_derived(seed, *parts)[:16], version=4))


def rehearsed_nonce(seed: str, *parts: str) -> str:
    """The nonce that follows from a rehearsal's seed."""
    return _derived(seed, "nonce", *parts)[:16].hex()


def _derived(seed: str, *parts: str) -> bytes:
    return hashlib.sha256("\x1f".join((seed, *parts)).encode()).digest()


def application_id(
    seed: str | None, round_id: str, business_number: str, product_key: str, chance: Chance, rival: str = ""
) -> str:
    """The random id, or that of the rehearsal.

    `rival`: the mail address of whoever enters a product that another party has entered, so that a rehearsal has an id
    for each.
    """
    if seed is None:
        return chance.application
    parts = (round_id, business_number, product_key, *((rival,) if rival else ()))
    return rehearsed_uuid(seed, "application", *parts)


def party_id(seed: str | None, application: str, chance: Chance) -> str:
    """A party is the contact of one application: two applications of one firm may have different contacts."""
    return chance.party if seed is None else rehearsed_uuid(seed, "party", application)


def nonce(seed: str | None, identifier: str, version: int, random_nonce: str) -> str:
    """The random nonce, or that of the rehearsal."""
    return random_nonce if seed is None else rehearsed_nonce(seed, identifier, str(version))


def access_token(secret: bytes, application: str, generation: int = 0) -> str:
    """The applicant's bearer token. Derived from the secret again for a retry, and stored only as its hash.
    `generation`: counts tokens sent after the first was lost."""
    named = f"{application}:{generation}" if generation else application
    digest = hmac.digest(secret, f"firstbuy-access-token:{named}".encode(), "sha256")
    return "fba_" + urlsafe_b64encode(digest[:24]).decode()


def withdrawal_nonce(secret: bytes, application: str, version: int) -> str:
    """Derived from the secret: unknown to everybody else like a random one, and reproducible. A withdrawal's event
    states no nonce, and its receipt must outlive the database."""
    return hmac.digest(secret, f"firstbuy-withdrawal-nonce:{application}:{version}".encode(), "sha256")[:16].hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryVersion:
    """One version of an application or a purchase request: the facts as canonical JSON, and their hash.

    `contested`, `restated`, `identity`, `arrived_at`: see `ApplicationSubmitted`.
    """

    identifier: str
    version: int
    received_at: datetime
    nonce: str
    payload_hash: str
    facts: str
    contested: bool = False
    restated: bool = False
    identity: IdentityLevel | None = None
    arrived_at: datetime | None = None


def entry_version(
    identifier: str,
    version: int,
    received_at: datetime,
    nonce: str,
    facts: Json,
    *,
    contested: bool = False,
    identity: IdentityLevel | None = None,
    arrived_at: datetime | None = None,
) -> EntryVersion:
    """A version with the hash of its nonce and facts."""
    text = canonical_json(facts)
    hashed = payload_hash_of(nonce, text)
    return EntryVersion(
        identifier=identifier,
        version=version,
        received_at=received_at,
        nonce=nonce,
        payload_hash=hashed,
        facts=text.decode(),
        contested=contested,
        identity=identity,
        arrived_at=arrived_at,
    )


def restate(before: EntryVersion, received_at: datetime, nonce: str, *, contested: bool) -> EntryVersion:
    """Intake's own version after `before`, with the same facts: a contest of its product began or ended."""
    return replace(
        before,
        version=before.version + 1,
        received_at=received_at,
        nonce=nonce,
        payload_hash=payload_hash_of(nonce, before.facts.encode()),
        contested=contested,
        restated=True,
        arrived_at=None,
    )
