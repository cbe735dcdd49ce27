"""Confirms firms through the identity port, and opens confirmations that entries bring."""

import asyncio
import time
from collections import OrderedDict
from datetime import datetime
from typing import Final

import structlog

from services.intake.adapters.identity.port import ApplicantIdentity
from services.intake.domain.identity import HOLDS_FOR, Claimed, Confirmation, fault, sealed, unsealed
from services.intake.domain.refused import RefusalKind, Refused, conflict, unfit
from services.intake.storage import tokens
from shared.contracts.events import Reason
from shared.contracts.facts import Applicant
from shared.contracts.identity import IdentityLevel
from shared.service.postgres import Pool, connected
from shared.service.registry_calls import RegistryAwayError, RegistryFailureError

_log = structlog.get_logger()
AT_ONCE: Final = 4
"""Most concurrent calls; further callers are asked to retry."""
TRIES: Final = 5
"""Most tries for one firm within an hour, by each replica, so that nobody can guess names."""
_HOUR: Final = 3600.0
_FIRMS: Final = 20_000


class Identities:
    """Confirms firms, and opens confirmations. One per process."""

    def __init__(self, port: ApplicantIdentity) -> None:
        self._port = port
        self._secret: bytes | None = None
        self._under_way = asyncio.Semaphore(AT_ONCE)
        self._tries: OrderedDict[str, list[float]] = OrderedDict()

    @property
    def best(self) -> IdentityLevel:
        """The highest level that can be confirmed here."""
        return self._port.level

    async def confirm(self, pool: Pool, claimed: Claimed, now: datetime) -> Confirmation | Refused | None:
        """A confirmation; None where the firm is not as claimed, a refusal where the port can't be asked now."""
        if self.best is IdentityLevel.NONE:
            return conflict("no-identity-service", "This programme confirms no firm: leave identity out.")
        if refused := self._counted(claimed.business_number):
            return refused
        if self._under_way.locked():
            return Refused(RefusalKind.BUSY, "busy", "Many ask at once: send it again.", retry_seconds=1)
        async with self._under_way:
            try:
                confirmed = await self._port.confirms(claimed)
            except RegistryFailureError as error:
                _log.warning("could not confirm identity", error=str(error))
                wait = error.retry_after if isinstance(error, RegistryAwayError) else 0.0
                return Refused(
                    RefusalKind.UNAVAILABLE,
                    "identity-away",
                    "The tax service does not answer: try again, or apply without and add it later with PUT.",
                    retry_seconds=max(5, int(wait)),
                )
        return (
            Confirmation(claimed.business_number, claimed.started_on, self.best, now + HOLDS_FOR) if confirmed else None
        )

    def _counted(self, number: str) -> Refused | None:
        """Refused after too many tries for this firm."""
        now = time.monotonic()
        tried = [moment for moment in self._tries.pop(number, []) if moment > now - _HOUR]
        if len(tried) >= TRIES:
            self._tries[number] = tried
            wait = int(tried[0] + _HOUR - now) + 1
            title = f"{TRIES} tries an hour: come back later."
            return Refused(RefusalKind.BUSY, "too-many-tries", title, retry_seconds=wait)
        self._tries[number] = [*tried, now]
        while len(self._tries) > _FIRMS:
            self._tries.popitem(last=False)
        return None

    async def seal(self, pool: Pool, confirmation: Confirmation) -> str:
        """The confirmation as text, for an application to bring."""
        return sealed(confirmation, await self._sealing(pool))

    async def _sealing(self, pool: Pool) -> bytes:
        if self._secret is None:
            async with connected(pool) as connection:
                self._secret = await tokens.secret(connection, tokens.IDENTITIES)
        return self._secret

    async def level(self, pool: Pool, sent: str | None, applicant: Applicant, now: datetime) -> IdentityLevel | Refused:
        """The identity level of an entry that brings this confirmation, or none. Refused where it belongs to another
        firm."""
        if sent is None:
            return IdentityLevel.NONE
        confirmation = unsealed(sent, await self._sealing(pool))
        reason = fault(confirmation, applicant, now)
        if reason is not None or confirmation is None:
            return unfit("invalid-fields", "Some fields can't be accepted.", (reason,) if reason else ())
        return confirmation.level


def below_level(demanded: IdentityLevel | None, level: IdentityLevel) -> Refused | None:
    """Refused where the round's policy requires a higher level."""
    if demanded is None or level.at_least(demanded):
        return None
    detail = f"this round takes firms that are confirmed ({demanded}), and this one is at {level}"
    fix = "have the firm confirmed with POST /identity, and send in /identity what it answers"
    reason = Reason(pointer="/identity", code="identity-needed", detail=detail, fix=fix)
    return unfit("invalid-fields", "This round asks who applies.", (reason,))
