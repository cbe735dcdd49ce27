"""A rate limit: callers proceed in the order they asked, at most so many a second."""

from asyncio import sleep
from time import monotonic


class Pace:
    """At most `per_second` a second; 0: no limit. After idle time one proceeds at once; unused rate does not add up."""

    def __init__(self, per_second: float) -> None:
        self._step = 1 / per_second if per_second else 0.0
        self._next = 0.0

    async def wait(self) -> None:
        """Returns when the caller may proceed."""
        if not self._step:
            return
        now = monotonic()
        mine = max(now, self._next)
        self._next = mine + self._step
        if mine > now:
            await sleep(mine - now)
