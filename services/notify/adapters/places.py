"""Places for messages under way: a kill repeats at most what holds one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Places:
    """At most `count` at once, not counting what has lasted longer than `seconds`."""

    def __init__(self, count: int, seconds: float) -> None:
        self._free = asyncio.Semaphore(count)
        self._seconds = seconds

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Waits for a place, and gives it back at the end of the block, or when that is slow."""
        await self._free.acquire()
        held = True

        def give_back() -> None:
            nonlocal held
            if held:
                held = False
                self._free.release()

        slow = asyncio.get_running_loop().call_later(self._seconds, give_back)
        try:
            yield
        finally:
            slow.cancel()
            give_back()
