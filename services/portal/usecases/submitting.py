"""Sends a draft once, however often it is pressed, and goes on trying while intake is busy or away."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from services.portal.adapters.sealing import Sealing, UnopenableError
from services.portal.adapters.services import Asking, RefusedThereError, ServiceAwayError, Services, UnknownThereError
from services.portal.domain.drafts import Draft, DraftStep, Needs, Replaces, Sending
from services.portal.domain.fields import Json
from services.portal.storage import drafts
from services.portal.storage.drafts import Entry
from services.portal.usecases.attaching import EDGE_TOKEN, UPLOAD_KEY
from services.portal.usecases.drafting import NoDraftError
from services.portal.usecases.public import round_path
from shared.clock import Clock
from shared.contracts.events import Language
from shared.service.database import Database
from shared.service.postgres import connected
from shared.wording.in_korean import said

_log = structlog.get_logger()
_PAUSES: Final = (0.0, 0.3, 1.0, 2.0)
"""Before each try while somebody waits for the page; then a job goes on."""
_AGAIN: Final = timedelta(seconds=2)
_AT_ONCE: Final = 20
_UNOPENABLE: Final = "This application does not open here any more: add it again with a new token, then change it."
READ_AT: Final = "Firstbuy-Read-At"


class IncompleteError(Exception):
    """It can't be sent yet: these steps lack something."""

    code = "incomplete"

    def __init__(self, steps: list[DraftStep]) -> None:
        super().__init__(", ".join(steps))
        self.steps = steps


@dataclass(frozen=True, slots=True)
class Submitting:
    """Sends drafts. `edge` tells the portal's own token, by which its word for the moment at which it had read a form
    counts; empty: it has none."""

    database: Database
    services: Services
    sealing: Sealing
    clock: Clock
    edge: Callable[[], str]

    async def begin(
        self,
        account: str,
        draft: str,
        needs: Needs,
        language: Language,
        read_at: datetime,
        over: int | str = "",
    ) -> Draft:
        """Fixes what is sent, unless it is being sent already. `over`: a version that crossed it, and that it is to
        replace nevertheless. Raises NoDraftError or IncompleteError."""
        async with connected(self.database.pool) as connection, connection.transaction():
            found = await drafts.load(connection, account, draft, to_change=True)
            if found is None:
                raise NoDraftError(draft)
            if found.application is not None or found.sending is not None:
                return found
            lacking = [step for step in DraftStep if not found.progress(step, needs).suffices]
            if lacking:
                raise IncompleteError(lacking)
            if found.replaces is not None and over and over == (found.refused or {}).get("version"):
                found = replace(found, replaces=Replaces(found.replaces.application, int(over)))
            sending = Sending(body=found.body(), read_at=read_at, tried_at=read_at, language=language.value)
            begun = replace(found, sending=sending, refused=None)
            await drafts.store(connection, begun)
        return begun

    async def send(self, account: str, draft: str) -> Draft:
        """Tries for some seconds. Afterwards it is an application, or refused, or still being sent."""
        for pause in _PAUSES:
            await asyncio.sleep(pause)
            found = await self.attempt(account, draft)
            if found.sending is None:
                break
        return found

    async def attempt(self, account: str, draft: str) -> Draft:
        """Tries once. Raises NoDraftError."""
        async with connected(self.database.pool) as connection:
            found = await drafts.load(connection, account, draft)
            replaces = found.replaces if found else None
            entry = await drafts.entry(connection, account, replaces.application) if replaces else None
        if found is None:
            raise NoDraftError(draft)
        if found.sending is None:
            return found
        token = None
        try:
            token = self.sealing.open(entry.token, entry.application) if entry else None
            receipt = await self._sent(found, found.sending, token)
        except UnopenableError:
            title = said(_UNOPENABLE, Language(found.sending.language))
            return await self._settle(found, None, {"status": 409, "code": "unopenable", "title": title}, None)
        except ServiceAwayError as error:
            _log.warning("goes on sending", draft=draft, error=str(error))
            return await self._settle(found, replace(found.sending, tried_at=self.clock.now()), None, None)
        except UnknownThereError as error:
            return await self._settle(found, None, {"status": 404, "code": "unknown", "title": str(error)}, None)
        except RefusedThereError as error:
            stands = await self._crossing(found, error, token)
            if stands is not None and stands["facts"] == found.read().facts:  # ours, whose answer was lost
                return await self._settle(found, None, None, {"application": stands["application"]})
            crossed = {"version": stands["version"]} if stands is not None else {}
            return await self._settle(found, None, _refusal(error) | crossed, None)
        return await self._settle(found, None, None, receipt)

    async def resume(self) -> None:
        """Goes on with what nobody waits for any more: a periodic job of every replica."""
        async with connected(self.database.pool) as connection:
            waiting = await drafts.waiting(connection, self.clock.now() - _AGAIN, _AT_ONCE)
        tries = (self.attempt(account, draft) for account, draft in waiting)
        for failed in await asyncio.gather(*tries, return_exceptions=True):
            if isinstance(failed, BaseException):
                _log.error("failed to send a draft", error=type(failed).__name__)

    async def _sent(self, draft: Draft, sending: Sending, token: str | None) -> Json:
        edge = self.edge()
        moment = {EDGE_TOKEN: edge, READ_AT: sending.read_at.isoformat()} if edge else {}
        moment[UPLOAD_KEY] = draft.upload_key
        language = Language(sending.language)
        if draft.replaces is None:
            asking = Asking(language, headers={"Idempotency-Key": draft.draft, **moment})
            method, path = "POST", round_path(draft.round, "/applications")
        else:
            asking = Asking(language, token, {"If-Match": f'"{draft.replaces.version}"', **moment})
            method, path = "PUT", f"/applications/{draft.replaces.application}"
        receipt: Json = await self.services.ask("intake", method, path, sending.body, asking)
        return receipt

    async def _crossing(self, draft: Draft, error: RefusedThereError, token: str | None) -> Json | None:
        """What stands, if a replacement was refused since it is of another version."""
        if error.named != "version-mismatch" or draft.replaces is None:
            return None
        path = f"/applications/{draft.replaces.application}"
        try:
            stands: Json = await self.services.ask("intake", "GET", path, asking=Asking(token=token))
        except (ServiceAwayError, UnknownThereError, RefusedThereError):
            return None
        return stands

    async def _settle(
        self, tried: Draft, sending: Sending | None, refused: dict[str, Any] | None, receipt: Json | None
    ) -> Draft:
        async with connected(self.database.pool) as connection, connection.transaction():
            found = await drafts.load(connection, tried.account, tried.draft, to_change=True)
            if found is None or found.sending is None:  # settled by another try, or deleted with its account
                return found or tried
            settled = replace(found, sending=sending, refused=refused)
            if receipt is not None:
                settled = replace(settled, application=receipt["application"], fields={}, saved={}, documents=())
                await self._keep(connection, found, receipt)
            await drafts.store(connection, settled)
        return settled

    async def _keep(self, connection: Any, draft: Draft, receipt: Json) -> None:
        application = receipt["application"]
        before = await drafts.entry(connection, draft.account, application)
        token = receipt.get("token")
        sealed = self.sealing.seal(token, application) if token else (before.token if before else None)
        if sealed is None:
            return
        entry = Entry(
            application=application,
            round=receipt.get("round", draft.round),
            product=draft.title,
            token=sealed,
            added_at=before.added_at if before else self.clock.now(),
        )
        await drafts.add_entry(connection, draft.account, entry)


def _refusal(error: RefusedThereError) -> dict[str, Any]:
    errors = [dict(each) for each in error.errors]
    return {"status": error.status, "code": error.named, "title": error.title, "errors": errors}
