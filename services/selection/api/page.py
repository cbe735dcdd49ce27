"""The page that checks a round's evidence in the browser, and its scripts (`services/selection/page`)."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response

from shared.problems import Problem

router = APIRouter(tags=["evidence"])
FOLDER: Final = Path(__file__).parents[1] / "page"
_TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
HEADERS: Final = {
    # Names in the evidence come from firms: whatever they are, no script but ours runs, and nothing is sent elsewhere.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",  # asked again each time: scripts of two releases would not fit each other
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Served:
    content: bytes
    media_type: str
    etag: str

    @classmethod
    def of(cls, file: Path) -> "Served":
        content = file.read_bytes()
        return cls(content, _TYPES[file.suffix], f'"{hashlib.sha256(content).hexdigest()[:32]}"')

    def response(self, known: str | None) -> Response:
        headers = HEADERS | {"ETag": self.etag}
        if known and self.etag in (one.strip().removeprefix("W/") for one in known.split(",")):
            return Response(status_code=304, headers=headers)
        return Response(self.content, headers=headers, media_type=self.media_type)


_SERVED: Final = {file.name: Served.of(file) for file in FOLDER.iterdir() if file.suffix in _TYPES}


@router.get("/rounds/{round_id}/verify")
async def page(round_id: str, request: Request) -> Response:
    """Checks the round's evidence in the browser, in Korean or English. `?epoch=` names an earlier result."""
    return _SERVED["verify.html"].response(request.headers.get("if-none-match"))


@router.get("/verify/{name}")
async def part(name: str, request: Request) -> Response:
    """A script or the style of the page."""
    served = _SERVED.get(name)
    if served is None:
        raise Problem(404, "unknown-part", f"The page has no part {name}.")
    return served.response(request.headers.get("if-none-match"))
