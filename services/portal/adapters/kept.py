"""Answers kept in memory: fresh for a second, then shown while they are asked for again in the background. What nobody
has looked at for a while is asked for first.

So a page is quick while a service is loaded past its capacity, and is there while it is away; it says since when.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import structlog

from services.portal.adapters.services import ServiceAwayError, UnknownThereError

_log = structlog.get_logger()
T = TypeVar("T")
UNSEEN_SECONDS: Final = 5.0
"""An answer that nobody asked for so long is shown only after a short wait for a newer one."""
PATIENCE_SECONDS: Final = 0.5
"""How long one of those who ask waits then. The others are shown what there is."""
MOST: Final = 1000
"""Most answers kept at once; one more, and the one that was asked for longest ago goes."""


@dataclass(frozen=True, slots=True)
class Shown(Generic[T]):
    """An answer, its number among the answers to this question, and its age in seconds."""

    value: T
    version: int
    age: float


@dataclass(slots=True)
class _Entry(Generic[T]):
    value: T
    version: int
    asked_at: float
    asking: asyncio.Task[None] | None = None


class Kept(Generic[T]):
    """Answers by name. One question about a name at a time, whoever waits for it."""

    def __init__(self, fresh_seconds: float, kept_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._fresh, self._kept, self._clock = fresh_seconds, kept_seconds, clock
        self._entries: dict[str, _Entry[T]] = {}
        self._first: dict[str, asyncio.Task[T]] = {}

    async def get(self, name: str, ask: Callable[[], Awaitable[T]]) -> Shown[T]:
        """The answer. Raises what `ask` raises if there is none to show."""
        entry = self._entries.pop(name, None)
        if entry is not None:
            self._entries[name] = entry
            age = self._clock() - entry.asked_at
            if age > self._fresh and (entry.asking is None or entry.asking.done()):
                entry.asking = asyncio.create_task(self._again(name, entry, ask))
                if age > UNSEEN_SECONDS:
                    await asyncio.wait([entry.asking], timeout=PATIENCE_SECONDS)
            newest = self._entries.get(name)
            if newest is not None and (age := self._clock() - newest.asked_at) <= self._kept:
                return Shown(newest.value, newest.version, age)
        return Shown(await self._asked(name, ask), self._entries[name].version, 0.0)

    async def _asked(self, name: str, ask: Callable[[], Awaitable[T]]) -> T:
        if name not in self._first:
            self._first[name] = asyncio.ensure_future(ask())
            self._first[name].add_done_callback(lambda _: self._first.pop(name, None))
        value = await asyncio.shield(self._first[name])
        self._store(name, value)
        return value

    async def _again(self, name: str, entry: _Entry[T], ask: Callable[[], Awaitable[T]]) -> None:
        try:
            value = await ask()
        except ServiceAwayError as error:
            _log.warning("shows what was said before", name=name, error=str(error))
            return
        except UnknownThereError:
            self._entries.pop(name, None)
            return
        except Exception:  # noqa: BLE001 -- nobody waits for it: reported whole, and asked again
            _log.exception("shows what was said before", name=name)
            return
        self._store(name, value)

    def _store(self, name: str, value: T) -> None:
        before = self._entries.pop(name, None)
        version = (before.version + (before.value != value)) if before else 1
        self._entries[name] = _Entry(value, version, self._clock())
        while len(self._entries) > MOST:
            del self._entries[next(iter(self._entries))]
