"""Signing in by a mailed link: how often one is sent, how long it holds, and where it may lead."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Asked:
    """When links were asked for, oldest first."""

    for_address: Sequence[datetime]
    from_network: Sequence[datetime]


@dataclass(frozen=True, slots=True)
class LinkRates:
    """Most links that are sent in each period."""

    of_address: Sequence[tuple[int, timedelta]] = ((3, timedelta(minutes=10)), (10, timedelta(days=1)))
    of_network: Sequence[tuple[int, timedelta]] = ((60, timedelta(hours=1)),)

    @property
    def longest(self) -> timedelta:
        """What has to be looked back at."""
        return max(period for _, period in (*self.of_address, *self.of_network))

    def next_at(self, asked: Asked, now: datetime) -> datetime:
        """When another link may be sent; `now` if one may be."""
        return max(
            _next_at(asked.for_address, self.of_address, now), _next_at(asked.from_network, self.of_network, now)
        )


def _next_at(moments: Sequence[datetime], bounds: Sequence[tuple[int, timedelta]], now: datetime) -> datetime:
    found = now
    for most, period in bounds:
        within = [moment for moment in moments if moment > now - period]
        if len(within) >= most:
            found = max(found, within[-most] + period)
    return found


def new_secret() -> str:
    """A text that nobody guesses: of a link, a session, a form."""
    return secrets.token_urlsafe(_BYTES)


def fingerprint(secret: str) -> bytes:
    """What is stored of one."""
    return hashlib.sha256(secret.encode()).digest()


def inner_path(wanted: str, otherwise: str) -> str:
    """A path of these pages; anything that could lead elsewhere becomes `otherwise`."""
    inner = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if inner and "\\" not in wanted else otherwise
