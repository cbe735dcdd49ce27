"""What every registry's adapter is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.contracts.registries import Registry, RegistryAnswer


@dataclass(frozen=True, slots=True)
class Address:
    """Where a registry is asked, and with which key. The key stands in no text made of it."""

    url: str
    key: str = ""

    def __repr__(self) -> str:
        return f"Address({self.url!r})"


class RegistryFailureError(Exception):
    """The registry was asked and gave no answer. Its text never holds a key, an address or what was asked."""


class RegistryAwayError(RegistryFailureError):
    """It can't be reached, is closed, or refuses. Not before `retry_after` seconds, where it says so."""

    def __init__(self, said: str, retry_after: float = 0.0) -> None:
        super().__init__(said)
        self.retry_after = retry_after


class UnsoundAnswerError(RegistryFailureError):
    """It answered with something else than its interface promises, so with nothing."""


class RegistryAdapter(Protocol):
    @property
    def registry(self) -> Registry: ...

    @property
    def at_once(self) -> int:
        """Most subjects of one call."""

    async def ask(self, subjects: Sequence[str], now: datetime) -> list[RegistryAnswer]:
        """One answer for each of `subjects`, which are distinct and at most `at_once`; `said_at` is `now`.

        Raises RegistryFailureError: then nothing was said of any of them.
        """
