"""An account's applications: what intake and selection say of them, and what their applicant may do."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from services.portal.adapters.sealing import Sealing, UnopenableError
from services.portal.adapters.services import (
    Asking,
    Passed,
    RefusedThereError,
    ServiceAwayError,
    Services,
    UnknownThereError,
)
from services.portal.domain.fields import Json
from services.portal.storage import drafts
from services.portal.storage.drafts import Entry
from services.portal.usecases.public import round_path
from shared.clock import Clock
from shared.contracts.events import Language
from shared.service.database import Database
from shared.service.postgres import connected


class NoEntryError(Exception):
    """The account does not have such an application, or its token opens it no more."""

    code = "no-entry"


@dataclass(frozen=True, slots=True)
class Shown:
    """An application with all that is said of it. `chance` is None before tickets are committed."""

    entry: Entry
    whole: Json
    receipts: Sequence[Json]
    status: Json
    chance: Json | None


@dataclass(frozen=True, slots=True)
class Entries:
    """Acts for applicants, with their applications' own tokens."""

    database: Database
    services: Services
    sealing: Sealing
    clock: Clock

    async def of_account(self, account: str) -> list[tuple[Entry, Json | None]]:
        """Each with its status; None where that can't be had now."""
        async with connected(self.database.pool) as connection:
            found = await drafts.entries(connection, account)
        return list(zip(found, await asyncio.gather(*map(self._status, found)), strict=True))

    async def _status(self, entry: Entry) -> Json | None:
        try:
            asking = Asking(token=self.sealing.open(entry.token, entry.application))
            status: Json = await self.services.ask("intake", "GET", _path(entry, "/status"), asking=asking)
        except (UnopenableError, ServiceAwayError, UnknownThereError, RefusedThereError):
            return None
        return status

    async def show(self, account: str, application: str, language: Language) -> Shown:
        """All that is said of one. Raises NoEntryError or ServiceAwayError."""
        entry, token = await self._opened(account, application)
        asking = Asking(language, token)
        try:
            whole, receipts, status = await asyncio.gather(
                *(self.services.ask("intake", "GET", _path(entry, below), asking=asking) for below in _WHOLE)
            )
        except (UnknownThereError, RefusedThereError) as error:
            raise NoEntryError(application) from error
        return Shown(entry, whole, receipts, status, await self._chance(entry, status))

    async def _chance(self, entry: Entry, status: Mapping[str, Any]) -> Json | None:
        if status["verdict"] is None or status["withdrawn"]:
            return None
        path = round_path(entry.round, f"/chances?application={entry.application}")
        try:
            chance: Json = await self.services.ask("selection", "GET", path)
        except (ServiceAwayError, UnknownThereError, RefusedThereError):
            return None
        return chance

    async def ask(self, account: str, application: str, method: str, below: str, body: Any, asking: Asking) -> Any:
        """What intake answers to the application's own holder. Raises NoEntryError, ServiceAwayError or
        RefusedThereError."""
        entry, token = await self._opened(account, application)
        try:
            return await self.services.ask("intake", method, _path(entry, below), body, replace(asking, token=token))
        except UnknownThereError as error:
            raise NoEntryError(application) from error

    async def open(self, account: str, application: str, below: str) -> Passed:
        """What intake answers to its holder, to be passed on. Raises NoEntryError or ServiceAwayError."""
        entry, token = await self._opened(account, application)
        passed = await self.services.open("intake", _path(entry, below), Asking(token=token).sent())
        if passed.status != HTTPStatus.OK:
            await passed.close()
            raise NoEntryError(application)
        return passed

    async def add(self, account: str, application: str, token: str) -> Entry:
        """Adds an application that was made elsewhere. Raises NoEntryError or ServiceAwayError."""
        try:
            path = f"/applications/{application}"
            whole = await self.services.ask("intake", "GET", path, asking=Asking(token=token))
        except (UnknownThereError, RefusedThereError) as error:
            raise NoEntryError(application) from error
        entry = Entry(
            application=whole["application"],
            round=whole["round"],
            product=whole["facts"]["product"]["name"],
            token=self.sealing.seal(token, whole["application"]),
            added_at=self.clock.now(),
        )
        async with connected(self.database.pool) as connection:
            await drafts.add_entry(connection, account, entry)
        return entry

    async def find(self, round_id: str, business_number: str, email: str, language: Language) -> None:
        """Has intake mail new tokens to where these applications are told of. Raises what `Services.ask` raises."""
        body = {"business_number": business_number, "email": email}
        await self.services.ask("intake", "POST", round_path(round_id, "/lost-tokens"), body, Asking(language))

    async def remove(self, account: str, application: str) -> None:
        """Takes one off the list; it stands, at intake."""
        async with connected(self.database.pool) as connection:
            await drafts.remove_entry(connection, account, application)

    async def _opened(self, account: str, application: str) -> tuple[Entry, str]:
        async with connected(self.database.pool) as connection:
            entry = await drafts.entry(connection, account, application)
        if entry is None:
            raise NoEntryError(application)
        try:
            return entry, self.sealing.open(entry.token, entry.application)
        except UnopenableError as error:
            raise NoEntryError(application) from error


_WHOLE = ("", "/receipt", "/status")


def _path(entry: Entry, below: str) -> str:
    return f"/applications/{entry.application}{below}"
