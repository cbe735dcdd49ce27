"""A firm's identity, confirmed before it applies: the claim, and the confirmation that an application brings.

A confirmation is sealed with a secret of the deployment, so that no registry is asked in the last minutes before a
close. It names no person: the representative is checked and not stored.
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from shared.contracts.events import Reason
from shared.contracts.facts import Applicant
from shared.contracts.identity import IdentityLevel
from shared.proof.canonical import canonical_json

HOLDS_FOR: Final = timedelta(days=30)
_PREFIX: Final = "fbi_"
_SEAL_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Claimed:
    """Facts that only the firm should know together; the representative's name as registered with the tax service."""

    business_number: str
    started_on: date
    representative: str


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What was confirmed about a firm."""

    business_number: str
    started_on: date
    level: IdentityLevel
    until: datetime
    """Real time."""


def sealed(confirmation: Confirmation, secret: bytes) -> str:
    """The confirmation as text with a seal (HMAC-SHA-256)."""
    claims = canonical_json(
        [
            confirmation.business_number,
            confirmation.started_on.isoformat(),
            confirmation.level.value,
            int(confirmation.until.timestamp()),
        ]
    )
    return _PREFIX + urlsafe_b64encode(hmac.digest(secret, claims, "sha256") + claims).decode().rstrip("=")


def unsealed(text: str, secret: bytes) -> Confirmation | None:
    """The confirmation; None where this deployment did not seal it."""
    if not text.startswith(_PREFIX) or not text.isascii():
        return None
    encoded = text[len(_PREFIX) :]
    try:
        whole = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except ValueError:
        return None
    seal, claims = whole[:_SEAL_BYTES], whole[_SEAL_BYTES:]
    if not hmac.compare_digest(seal, hmac.digest(secret, claims, "sha256")):
        return None
    number, started_on, level, until = json.loads(claims)
    return Confirmation(
        number, date.fromisoformat(started_on), IdentityLevel(level), datetime.fromtimestamp(until, UTC)
    )


def fault(confirmation: Confirmation | None, applicant: Applicant, now: datetime) -> Reason | None:
    """Why it confirms nothing about this applicant. `now`: real time."""
    again = "ask for one with POST /identity, and send what it answers"
    if confirmation is None:
        code, detail = "no-confirmation", "it is none that this programme made"
    elif now >= confirmation.until:
        code, detail = "confirmation-over", f"it held until {confirmation.until.isoformat()}"
    elif confirmation.business_number != applicant.business_number:
        code, detail = "of-another-firm", f"it is of {confirmation.business_number}"
    elif confirmation.started_on != applicant.started_on:
        code, detail = "another-beginning", f"the business confirmed began on {confirmation.started_on.isoformat()}"
        again = "state that day in /applicant/started_on, or leave identity out"
    else:
        return None
    return Reason(pointer="/identity", code=code, detail=detail, fix=again)
