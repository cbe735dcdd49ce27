"""HTTP in: the page that checks a round's evidence in the browser, and its scripts (`services/selection/page`)."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from fastapi import APIRouter, Request, Response

from services.selection.storage.naming import RoundNames
from shared.service.kept_answers import knows
from shared.service.problems import Problem

FOLDER: Final = Path(__file__).parents[1] / "page"
_HTML: Final = "text/html"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript"}
HEADERS: Final = {
    # The evidence contains names from firms: no script but ours runs, and nothing is sent elsewhere.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",  # revalidated each time: scripts of two releases would not fit each other
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Served:
    """A file with its media type and ETag."""

    content: bytes
    media_type: str
    etag: str

    @classmethod
    def of(cls, content: bytes, media_type: str) -> "Served":
        return cls(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:32]}"')

    def response(self, known: str | None) -> Response:
        """The file, or 304 if `known` (If-None-Match) has its ETag."""
        headers = HEADERS | {"ETag": self.etag}
        if known and knows(known, self.etag):
            return Response(status_code=304, headers=headers)
        return Response(self.content, headers=headers, media_type=self.media_type)


_PARTS: Final = {
    file.name: Served.of(file.read_bytes(), _TYPES[file.suffix]) for file in FOLDER.iterdir() if file.suffix in _TYPES
}
_PAGE, _UNKNOWN = (
    Template((FOLDER / name).read_text(encoding="utf-8")) for name in ("verify.html", "unknown-round.html")
)


def page_router(named: Callable[[str], Awaitable[RoundNames | None]]) -> APIRouter:
    """`named`: looks up a round's names; None if it was never announced."""
    router = APIRouter(tags=["evidence"])

    @router.get("/rounds/{round_id}/verify")
    async def page(round_id: str, request: Request) -> Response:
        """Checks the round's evidence in the browser, in Korean or English. `?epoch=` names an earlier result."""
        names = await named(round_id)
        if names is None:
            content = _UNKNOWN.substitute(round=escape(round_id))
            return Response(content, 404, HEADERS, _HTML)
        return Served.of(_page(round_id, names), _HTML).response(request.headers.get("if-none-match"))

    @router.get("/verify/{name}")
    async def part(name: str, request: Request) -> Response:
        """A script or the style of the page."""
        served = _PARTS.get(name)
        if served is None:
            raise Problem(404, "unknown-part", f"The page has no part {name}.")
        return served.response(request.headers.get("if-none-match"))

    return router


def _page(round_id: str, names: RoundNames) -> bytes:
    korean, parted, english = names.title.partition(" (")
    values = {
        "round": round_id,
        "korean": korean,
        "english": parted.lstrip() + english,
        "institutions": json.dumps(names.institutions, ensure_ascii=False),
    }
    return _PAGE.substitute({name: escape(value) for name, value in values.items()}).encode()
