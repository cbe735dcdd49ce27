"""The moment that counts: when an edge of the programme, such as the portal, had read a form whole.

An edge says it with a token of its own. Its word is taken as far back as the freeze waits for what was in time: so a
form that was whole before the close is in, though intake reads it a moment later.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from fastapi import Request
from pydantic import TypeAdapter

from services.intake.api.state import intake
from shared.contracts.events import Reason
from shared.contracts.values import UtcTime
from shared.proof.canonical import sha256_hex
from shared.service.problems import Problem

_log = structlog.get_logger()
EDGE_TOKEN: Final = "firstbuy-edge-token"  # noqa: S105 -- a header's name
READ_AT: Final = "firstbuy-read-at"
_MOMENT: Final[TypeAdapter[datetime]] = TypeAdapter(UtcTime)


@dataclass(frozen=True, slots=True)
class Moment:
    """When a request counts as received, and when intake had read it itself if that is later (real time)."""

    received_at: datetime
    arrived_at: datetime | None = None


def from_an_edge(request: Request) -> bool:
    """Whether an edge of the programme sent it, by its token."""
    token = request.headers.get(EDGE_TOKEN)
    return token is not None and _known(token, intake(request).settings.newest().edge_token_hash)


def moment_of(request: Request, now: datetime) -> Moment:
    """The edge's moment, if its token was sent and it lies within the drain; else `now`.

    Raises Problem 400 for a moment that can't be read.
    """
    if EDGE_TOKEN not in request.headers:
        return Moment(now)
    if not from_an_edge(request):
        _log.warning("takes no edge's moment: its token is not known")
        return Moment(now)
    settings = intake(request).settings
    read_at = _read(request.headers.get(READ_AT, ""))
    taken = now - timedelta(seconds=settings.drain_seconds) <= read_at < now
    _log.info("reads what an edge read", read_at=read_at.isoformat(), arrived_at=now.isoformat(), taken=taken)
    return Moment(read_at, now) if taken else Moment(now)


def _known(token: str, hashes: str) -> bool:
    sent = sha256_hex(token.encode())
    return any(secrets.compare_digest(sent, known) for known in hashes.split())


def _read(sent: str) -> datetime:
    try:
        return _MOMENT.validate_python(sent)
    except ValueError as error:
        detail, fix = f"'{sent[:40]}' is no moment", "write it as 2018-09-14T18:00:00+09:00"
        reason = Reason(pointer="", code="header", detail=detail, fix=fix)
        raise Problem(400, "invalid-moment", "Firstbuy-Read-At can't be read.", (reason,)) from error
