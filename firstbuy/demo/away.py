"""Services that are away for a while, as when they are restarted: whoever calls one tries again, with growing pauses.

A call that reached nobody is always safe to repeat. One whose answer was lost is repeated where that changes nothing:
it has an idempotency key, or its repetition is answered as the first was, or is refused in a way that tells.
"""

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from firstbuy.demo.target import DemoFailedError

AWAY_SECONDS: Final = 60.0
"""So long is one service awaited. A restart takes a few seconds."""
AWAY_STATUSES: Final = (502, 503, 504)
"""What is answered for a service, or by one, that can't do anything now."""
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0


class ServiceAwayError(DemoFailedError):
    """A service stayed away."""

    code = "demo-service-away"


@dataclass(slots=True)
class Patience:
    """With the service at `where`, over the tries of one call."""

    where: str
    seconds: float = AWAY_SECONDS
    tries: int = 0
    _began: float = field(default_factory=time.monotonic)

    async def pause(self, why: BaseException | str) -> None:
        """Before the next try. Raises ServiceAwayError once the service was away for too long."""
        if time.monotonic() - self._began >= self.seconds:
            told = str(why) or type(why).__name__
            cause = why if isinstance(why, BaseException) else None
            raise ServiceAwayError(f"{self.where} has not answered for {self.seconds:g} s: {told}") from cause
        longest = min(_FIRST_PAUSE * 2**self.tries, _LONGEST_PAUSE)
        self.tries += 1
        await asyncio.sleep(longest * random.uniform(0.5, 1))  # noqa: S311 -- spreads those who wait


async def request(
    client: httpx2.AsyncClient, method: str, url: str, *, patience: Patience, **sent: Any
) -> httpx2.Response:
    """The answer, whatever its status, of a call that may be repeated."""
    while True:
        try:
            answer = await client.request(method, url, **sent)
        except httpx2.TransportError as fault:
            await patience.pause(fault)
            continue
        if answer.status_code not in AWAY_STATUSES:
            return answer
        await patience.pause(f"its last answer was {answer.status_code}")
