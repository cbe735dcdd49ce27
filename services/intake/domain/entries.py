"""An entry's identity and its receipt. Ids and nonces are random, but in a rehearsal, where they come from its seed."""

import hashlib
import hmac
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime

from shared.canonical import Json, canonical_json, payload_hash_of


@dataclass(frozen=True, slots=True)
class Chance:
    """Randomness for one entry, drawn by the caller: used as it is, unless a rehearsal's seed overrules it."""

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
    """Whether it can be the id of anything: what is none is not looked for."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def rehearsed_uuid(seed: str, *parts: str) -> str:
    return str(uuid.UUID(bytes=_derived(seed, *parts)[:16], version=4))


def rehearsed_nonce(seed: str, *parts: str) -> str:
    return _derived(seed, "nonce", *parts)[:16].hex()


def _derived(seed: str, *parts: str) -> bytes:
    return hashlib.sha256("\x1f".join((seed, *parts)).encode()).digest()


def application_id(seed: str | None, round_id: str, business_number: str, product_key: str, chance: Chance) -> str:
    if seed is None:
        return chance.application
    return rehearsed_uuid(seed, "application", round_id, business_number, product_key)


def party_id(seed: str | None, application: str, chance: Chance) -> str:
    """A party is the contact of one application: two of one firm's may go to different people."""
    return chance.party if seed is None else rehearsed_uuid(seed, "party", application)


def nonce(seed: str | None, identifier: str, version: int, random_nonce: str) -> str:
    return random_nonce if seed is None else rehearsed_nonce(seed, identifier, str(version))


def access_token(secret: bytes, application: str) -> str:
    """The applicant's bearer token, made again from the secret for a retry and stored only as its hash."""
    digest = hmac.digest(secret, f"firstbuy-access-token:{application}".encode(), "sha256")
    return "fba_" + urlsafe_b64encode(digest[:24]).decode()


def withdrawal_nonce(secret: bytes, application: str, version: int) -> str:
    """Unknown to all without the secret, as a random one, and made again from it: a withdrawal's event has no nonce,
    and its receipt must outlive the database."""
    return hmac.digest(secret, f"firstbuy-withdrawal-nonce:{application}:{version}".encode(), "sha256")[:16].hex()


@dataclass(frozen=True, slots=True)
class StatedVersion:
    """One version of an entry as it is stored and published: the facts as canonical JSON, and their hash."""

    identifier: str
    version: int
    received_at: datetime
    nonce: str
    payload_hash: str
    facts: str


def state_version(identifier: str, version: int, received_at: datetime, nonce: str, facts: Json) -> StatedVersion:
    text = canonical_json(facts)
    return StatedVersion(identifier, version, received_at, nonce, payload_hash_of(nonce, text), text.decode())
