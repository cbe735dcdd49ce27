"""HTTP in, for whoever got a mail that somebody else caused: *this was not me*.

The link in the mail only shows a page with a button, since mail servers follow links; the button disowns the address.
The entry itself stays.
"""

import re
from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from services.notify.adapters.composing import NOT_ME_PATH
from services.notify.api.not_me_page import ASKED, DONE, UNKNOWN, Words, page
from services.notify.storage import disowning
from services.notify.usecases.delivery_events import contact_disowned
from shared.clock import Clock
from shared.contracts.events import Language
from shared.service import audit
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Connection, Pool, connected

LINK: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# In addition to the headers of every answer (`shared.service.headers`).
PAGE_HEADERS: Final = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
_WITH_A_BUTTON: Final = PAGE_HEADERS | {
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}


def disowning_router(pool: Callable[[], Pool], outbox: OutboxPublisher, clock: Clock) -> APIRouter:
    """The routes behind *this was not me*."""
    router = APIRouter(tags=["mails"], default_response_class=HTMLResponse)

    @router.get(NOT_ME_PATH + "{link}")
    async def ask(link: str) -> Response:
        """A page with a button; nothing is changed."""
        async with connected(pool()) as connection:
            language = await _language(connection, link)
        return _answer(ASKED, language) if language else _answer(UNKNOWN, Language.KO, 404)

    @router.post(NOT_ME_PATH + "{link}")
    async def disown(link: str) -> Response:
        """No mail goes to the address any more, and officers see it beside the entries that name it. Pressed again, it
        says the same."""
        now = clock.now()
        async with outbox.transaction(pool()) as (connection, events):
            language = await _language(connection, link)
            if language is None:
                return _answer(UNKNOWN, Language.KO, 404)
            disowned = await disowning.press(connection, link, now)
            if disowned is not None:
                events += [contact_disowned(entry, now) for entry in disowned.entries]
                sealed = {
                    "address": disowned.address,
                    "applications": [entry.application for entry in disowned.entries],
                }
                detail = {"entries": len(disowned.entries)}
                head = await audit.record(connection, "notify", now, "addressee", disowning.NOT_ME, detail, sealed)
                events.append(head)
        return _answer(DONE, language)

    return router


async def _language(connection: Connection, link: str) -> Language | None:
    return await disowning.language_of(connection, link) if LINK.fullmatch(link) else None


def _answer(words: Words, language: Language, status: int = 200) -> Response:
    return HTMLResponse(page(words, language), status, _WITH_A_BUTTON)
