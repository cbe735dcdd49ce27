"""Feeds: rounds as Atom and as a calendar."""

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, Request, Response

from services.portal.api.answers import SHARED, language_of
from services.portal.domain.feeds import atom, calendar
from services.portal.domain.rounds import Summary
from services.portal.domain.texts import TEXTS, Texts

router = APIRouter(include_in_schema=False)
Feed = Callable[[tuple[Summary, ...], str, Texts], bytes]
_HEADERS: Final = {"Cache-Control": SHARED, "X-Content-Type-Options": "nosniff", "Vary": "Accept-Language, Cookie"}


@router.get("/rounds.atom")
async def rounds_atom(request: Request) -> Response:
    """Every round with its state, the newest first."""
    return await _fed(request, atom, "application/atom+xml")


@router.get("/rounds.ics")
async def rounds_calendar(request: Request) -> Response:
    """Every round's window."""
    return await _fed(request, calendar, "text/calendar")


async def _fed(request: Request, feed: Feed, media_type: str) -> Response:
    shown = await request.app.state.public.rounds()
    address = request.app.state.settings.public_url
    return Response(feed(shown.value, address, TEXTS[language_of(request)]), headers=_HEADERS, media_type=media_type)
