"""Drafts: begun, saved step by step, kept after the close."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from services.portal.adapters.services import ServiceAwayError
from services.portal.domain.drafts import FIELDS, Draft, DraftStep, Replaces, differing
from services.portal.domain.fields import Json, typed_of
from services.portal.domain.signing_in import new_secret
from services.portal.storage import drafts
from services.portal.usecases.public import Public
from shared.clock import Clock
from shared.service.database import Database
from shared.service.postgres import connected

MOST_DRAFTS = 50
"""Most drafts of one account that became no application."""


class NoDraftError(Exception):
    """The account has no such draft."""

    code = "no-draft"


class TooManyDraftsError(Exception):
    """The account has as many drafts as it may have."""

    code = "too-many-drafts"


class BecameAnApplicationError(Exception):
    """The draft was sent already. `application`: what it became; None while it is being sent."""

    code = "became-an-application"

    def __init__(self, draft: str, application: str | None) -> None:
        super().__init__(application)
        self.draft = draft
        self.application = application


class SavedElsewhereError(Exception):
    """The step was saved elsewhere meanwhile, with other values. `draft`: as it is saved."""

    code = "saved-elsewhere"

    def __init__(self, draft: Draft, differs: Mapping[str, str]) -> None:
        super().__init__(draft.draft)
        self.draft = draft
        self.differs = differs


@dataclass(frozen=True, slots=True)
class Drafting:
    """Keeps drafts."""

    database: Database
    clock: Clock

    async def start(self, account: str, round_id: str, fields: Mapping[str, str], email: str) -> str:
        """A new draft, with what is known already. Raises TooManyDraftsError."""
        known = {field.name for field in FIELDS}
        typed = {name: value for name, value in fields.items() if name in known and value.strip()}
        return await self._add(account, round_id, {"contact_email": email, **typed}, (), None)

    async def begin_replacing(self, account: str, round_id: str, facts: Json, replaces: Replaces, email: str) -> str:
        """A draft that has what an application states. Raises TooManyDraftsError."""
        typed = {"contact_email": email, **typed_of(facts, FIELDS)}
        return await self._add(account, round_id, typed, facts.get("documents", ()), replaces)

    async def _add(
        self,
        account: str,
        round_id: str,
        fields: Mapping[str, str],
        documents: Sequence[Json],
        replaces: Replaces | None,
    ) -> str:
        now = self.clock.now()
        async with connected(self.database.pool) as connection, connection.transaction():
            before = await drafts.of_account(connection, account)
            if replaces is not None:
                same = [each for each in before if each.replaces and each.replaces.application == replaces.application]
                if same and same[0].replaces == replaces:
                    return same[0].draft
            if len(before) >= MOST_DRAFTS:
                raise TooManyDraftsError(account)
            draft = Draft(
                draft=str(uuid4()),
                account=account,
                round=round_id,
                fields=fields,
                saved={},
                created_at=now,
                saved_at=now,
                upload_key=new_secret(),
                documents=documents,
                replaces=replaces,
            )
            await drafts.add(connection, draft)
        return draft.draft

    async def load(self, account: str, draft: str) -> Draft:
        """The draft. Raises NoDraftError."""
        async with connected(self.database.pool) as connection:
            found = await drafts.load(connection, account, draft)
        if found is None:
            raise NoDraftError(draft)
        return found

    async def of_account(self, account: str) -> list[Draft]:
        """Those that became no application yet, the newest first."""
        async with connected(self.database.pool) as connection:
            return await drafts.of_account(connection, account)

    async def save(
        self, account: str, draft: str, step: DraftStep, typed: Mapping[str, str], version: int | None
    ) -> Draft:
        """Saves a step as it was typed on a page that showed its `version`; None overwrites nothing that differs.
        Raises NoDraftError, BecameAnApplicationError, SavedElsewhereError."""
        async with connected(self.database.pool) as connection, connection.transaction():
            found = changeable(draft, await drafts.load(connection, account, draft, to_change=True))
            differs = differing(found.fields, typed, step)
            if version != found.version(step) and found.version(step) and differs:
                raise SavedElsewhereError(found, differs)
            saved = found.with_step(step, typed, self.clock.now())
            await drafts.store(connection, saved)
        return saved

    async def delete(self, account: str, draft: str) -> None:
        """Deletes it, unless it is being sent."""
        async with connected(self.database.pool) as connection:
            await drafts.delete(connection, account, draft)

    async def forget(self, public: Public, kept: timedelta) -> None:
        """Deletes drafts whose round closed that long ago, if nobody has touched them since: a periodic job."""
        before = self.clock.now() - kept
        try:
            shown = await public.rounds()
        except ServiceAwayError:
            return
        over = [each.round for each in shown.value if each.closed_for(kept)]
        async with connected(self.database.pool) as connection:
            await drafts.delete_of_rounds(connection, over, before)


def changeable(draft: str, found: Draft | None) -> Draft:
    """The draft, if there is one and it is not sent. Raises NoDraftError or BecameAnApplicationError."""
    if found is None:
        raise NoDraftError(draft)
    if found.application is not None or found.sending is not None:
        raise BecameAnApplicationError(draft, found.application)
    return found
