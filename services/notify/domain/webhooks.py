"""Standard Webhooks (standardwebhooks.com, 1.0): signatures, and the outcome of an answer."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from services.notify.domain.attempts import DELIVERED, Ending, Outcome

LONGEST_WAIT: Final = timedelta(hours=6)
"""The longest wait that a receiver may ask for."""


def signature(secrets: Sequence[str], identifier: str, timestamp: int, body: bytes) -> str:
    """One `v1` signature per secret, so that a receiver may know either secret during a change."""
    signed = f"{identifier}.{timestamp}.".encode() + body
    return " ".join(
        "v1," + base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode() for secret in secrets
    )


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_"))


def answered(status: int, retry_after: str | None, now: datetime) -> Outcome:
    """The outcome of an HTTP answer. Redirects are not followed: they would send notices to somebody else."""
    match status:
        case _ if 200 <= status < 300:
            return DELIVERED
        case 410:
            return Outcome(Ending.NEVER, "gone")
        case _ if 300 <= status < 400:
            return Outcome(Ending.LATER, "redirected")
        case 429 | 503:
            return Outcome(Ending.LATER, f"answered-{status}", pause=_asked(retry_after, now))
        case _:
            return Outcome(Ending.LATER, f"answered-{status}")


def _asked(retry_after: str | None, now: datetime) -> timedelta:
    """The wait a Retry-After asks for (RFC 9110), in seconds or as a date; zero for anything else."""
    if not retry_after:
        return timedelta(0)
    try:
        waited = (
            timedelta(seconds=int(retry_after)) if retry_after.isdecimal() else parsedate_to_datetime(retry_after) - now
        )
    except (ValueError, OverflowError, TypeError):
        return timedelta(0)
    return min(max(waited, timedelta(0)), LONGEST_WAIT)
