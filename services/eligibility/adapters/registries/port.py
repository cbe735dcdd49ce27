"""The port of a public registry."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from shared.contracts.registries import Registry, RegistryAnswer


class RegistryAdapter(Protocol):
    """Asks one public registry."""

    @property
    def registry(self) -> Registry: ...

    @property
    def at_once(self) -> int:
        """Most subjects of one call."""

    async def ask(self, subjects: Sequence[str], now: datetime) -> list[RegistryAnswer]:
        """One answer for each of `subjects`, which are distinct and at most `at_once`; `said_at` is `now`.

        Raises RegistryFailureError, after which no subject has an answer.
        """
