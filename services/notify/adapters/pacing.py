"""Not more than so many a second: turns are given out in order, one a step, whoever asks."""

from asyncio import sleep
from time import monotonic


class Pace:
    """`per_second` 0: no limit. After idle time the first goes at once; nothing is saved up."""

    def __init__(self, per_second: float) -> None:
        self._step = 1 / per_second if per_second else 0.0
        self._next = 0.0

    async def turn(self) -> None:
        if not self._step:
            return
        now = monotonic()
        mine = max(now, self._next)
        self._next = mine + self._step
        if mine > now:
            await sleep(mine - now)
