"""The requests, pledges and policies that the messages of one transaction are about."""

from collections.abc import Iterable

from services.intake.domain.requests import Bought
from services.intake.storage import institutions, policies, requests
from services.intake.storage.requests import RequestVersion
from shared.service.postgres import Connection


class Ledger:
    """Requests read once for all messages of a transaction, changed in memory, written once.

    One statement per message would cost three times as much as everything else.
    """

    def __init__(self, connection: Connection, stored: dict[str, RequestVersion]) -> None:
        self._connection = connection
        self._stored = stored
        self._changed: dict[str, RequestVersion] = {}
        self._pledges: dict[tuple[str, str], int | None] = {}
        self._bought: dict[str, Bought | None] = {}

    @classmethod
    async def of(cls, connection: Connection, named: Iterable[str]) -> "Ledger":
        """Loads and locks the named requests."""
        return cls(connection, await requests.load(connection, sorted(set(named))))

    def newest(self, request: str) -> RequestVersion | None:
        """The newest version of a request named at the beginning."""
        return self._changed.get(request) or self._stored.get(request)

    async def pledge(self, round_id: str, code: str) -> int | None:
        """The institution's pledge to the round, in won."""
        if (round_id, code) not in self._pledges:
            self._pledges[round_id, code] = await institutions.pledge(self._connection, round_id, code)
        return self._pledges[round_id, code]

    async def bought(self, round_id: str) -> Bought | None:
        """What the round's policy lets institutions buy."""
        if round_id not in self._bought:
            self._bought[round_id] = await policies.bought(self._connection, round_id)
        return self._bought[round_id]

    def change(self, version: RequestVersion) -> None:
        """Notes a new version, for `write`."""
        self._changed[version.request] = version

    async def write(self) -> None:
        """Saves every changed request."""
        await requests.save(self._connection, list(self._changed.values()))
