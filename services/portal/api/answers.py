"""How pages are answered: language, headers, ETags, and plain pages for errors."""

from collections.abc import Callable, Hashable, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response

from services.portal.adapters.pages import Pages
from shared.contracts.events import Language
from shared.service.kept_answers import knows, takes_gzip
from shared.wording.spoken import accepted

FETCHES: Final = "; connect-src 'self'"
"""Added to the policy of a page that saves by itself, or checks a proof."""
LANGUAGE: Final = "language"
"""The cookie that keeps a language once somebody has switched."""
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding, Accept-Language, Cookie",
}
SHARED: Final = "public, max-age=5, stale-while-revalidate=60"
_LONGEST: Final = 1000


def language_of(request: Request) -> Language:
    """The one that was switched to, else the one that the browser prefers; Korean if it says nothing."""
    kept = request.cookies.get(LANGUAGE)
    if kept in set(Language):
        return Language(kept)
    header = request.headers.get("accept-language", "")
    return accepted(header) if 0 < len(header) <= _LONGEST else Language.KO


def page(
    request: Request, template: str, values: Mapping[str, Any], *, status: int = 200, fetches: bool = False
) -> Response:
    """A page for who asked alone. With `fetches` its scripts may ask this site."""
    language = language_of(request)
    content = _pages(request).render(template, language, {"path": request.url.path, **values})
    headers = _headers(language, "no-store")
    if fetches:
        headers["Content-Security-Policy"] += FETCHES
    return Response(content, status, headers, "text/html")


def public_page(request: Request, template: str, shows: Hashable, make: Callable[[], Mapping[str, Any]]) -> Response:
    """A page that may be kept for a moment by anybody, and answers 304 to who has it. `shows` changes whenever what
    `make` gives does: until then the page comes from memory."""
    pages, language, path = _pages(request), language_of(request), request.url.path
    made = pages.from_memory(
        (template, language, path, shows), lambda: pages.render(template, language, {"path": path, **make()})
    )
    headers = _headers(language, SHARED) | {"ETag": f"W/{made.etag}"}
    if knows(request.headers.get("if-none-match", ""), made.etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    if takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(made.packed, headers=headers | {"Content-Encoding": "gzip"}, media_type="text/html")
    return Response(made.content, headers=headers, media_type="text/html")


def _pages(request: Request) -> Pages:
    pages: Pages = request.app.state.pages
    return pages


def _headers(language: Language, caching: str) -> dict[str, str]:
    return {**HEADERS, "Content-Language": language.value, "Cache-Control": caching}


def error_page(request: Request, status: int) -> Response:
    """What failed and what to do, without any internal name."""
    named = {400, 403, 404, 405, 409, 410, 412, 413, 429, 503}
    other = 400 if status < HTTPStatus.INTERNAL_SERVER_ERROR else 500
    shown = status if status in named else other
    answer = page(request, "error.html", {"status": shown}, status=status)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["Retry-After"] = "5"
    return answer
