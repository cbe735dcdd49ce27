"""Documents of a draft: each goes to intake as it comes, under the draft's own key, and the draft names it."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from services.portal.adapters.services import Asking, RefusedThereError, ServiceAwayError, Services, UnknownThereError
from services.portal.domain.drafts import Draft
from services.portal.domain.fields import Json
from services.portal.storage import drafts
from services.portal.usecases.drafting import BecameAnApplicationError, NoDraftError, changeable
from services.portal.usecases.public import round_path
from shared.clock import Clock
from shared.contracts.events import Language
from shared.service.database import Database
from shared.service.postgres import connected

UPLOAD_KEY = "Upload-Key"
EDGE_TOKEN = "Firstbuy-Edge-Token"  # noqa: S105 -- a header's name


class TooLongFileError(Exception):
    """The file is longer than intake takes one. `limit`: in bytes."""

    code = "too-large"

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Attaching:
    """Passes documents on. `edge` tells the portal's own token, for which intake keeps them as long as drafts."""

    database: Database
    services: Services
    clock: Clock
    edge: Callable[[], str]

    async def attach(
        self,
        account: str,
        draft: str,
        kind: str,
        name: str,
        content: AsyncIterator[bytes],
        limit: int,
        language: Language,
    ) -> None:
        """Sends a file on and names it in the draft. Raises NoDraftError, BecameAnApplicationError,
        TooLongFileError, or what `Services.ask` raises."""
        found = await self._draft(account, draft)
        asking = Asking(language, headers={UPLOAD_KEY: found.upload_key, EDGE_TOKEN: self.edge()})
        path = round_path(found.round, f"/documents?{urlencode({'kind': kind, 'name': name})}")
        file = await self.services.upload("intake", path, _bounded(content, limit), asking)
        await self._change(account, draft, lambda files: [*_without(files, file["sha256"], kind), file])

    async def detach(self, account: str, draft: str, sha256: str, kind: str) -> None:
        """Takes a document out of the draft, and out of intake's store unless an application names it."""
        found = await self._draft(account, draft)
        asking = Asking(headers={UPLOAD_KEY: found.upload_key})
        path = round_path(found.round, f"/documents/{sha256}?{urlencode({'kind': kind})}")
        with suppress(
            UnknownThereError, RefusedThereError
        ):  # of an application that is to be replaced, or gone already
            await self.services.ask("intake", "DELETE", path, asking=asking)
        await self._change(account, draft, lambda files: _without(files, sha256, kind))

    async def drop(self, given_up: Iterable[Draft]) -> None:
        """Takes the documents of drafts that are given up out of intake's store; what stays goes with the round."""
        for draft in given_up:
            for file in draft.documents:
                with suppress(ServiceAwayError, BecameAnApplicationError, NoDraftError):
                    await self.detach(draft.account, draft.draft, file["sha256"], file["kind"])

    async def _draft(self, account: str, draft: str) -> Draft:
        async with connected(self.database.pool) as connection:
            return changeable(draft, await drafts.load(connection, account, draft))

    async def _change(self, account: str, draft: str, change: Callable[[Sequence[Json]], Sequence[Json]]) -> None:
        async with connected(self.database.pool) as connection, connection.transaction():
            found = changeable(draft, await drafts.load(connection, account, draft, to_change=True))
            changed = replace(found, documents=change(found.documents), saved_at=self.clock.now(), refused=None)
            await drafts.store(connection, changed)


def _without(files: Sequence[Json], sha256: str, kind: str) -> list[Json]:
    return [file for file in files if (file["sha256"], file["kind"]) != (sha256, kind)]


async def _bounded(content: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    size = 0
    async for piece in content:
        size += len(piece)
        if size > limit:
            raise TooLongFileError(limit)
        yield piece
