"""The page that verifies a draw in the browser, with its scripts and the evidence: selection's own, passed on as they
are, so that the page which checks is served by whoever serves the others."""

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from services.portal.adapters.services import Services
from services.portal.usecases.public import round_path

router = APIRouter(include_in_schema=False)
_ASKED_WITH: Final = ("if-none-match", "accept-language", "accept-encoding", "range")
_PASSED_ON: Final = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-security-policy",
    "content-type",
    "cross-origin-resource-policy",
    "etag",
    "referrer-policy",
    "retry-after",
    "vary",
    "x-content-type-options",
)


@router.get("/rounds/{round_id}/verify")
async def verify_page(round_id: str, request: Request) -> Response:
    """The page that checks a round's evidence."""
    return await passed_on(request)


@router.get("/verify/{name}")
async def part_of_page(name: str, request: Request) -> Response:
    """A script or the style of that page."""
    return await passed_on(request)


@router.get("/rounds/{round_id}/evidence")
async def evidence(round_id: str, request: Request) -> Response:
    """The round's public evidence, as selection writes it."""
    return await passed_on(request)


@router.get("/verify.py")
async def verifier(request: Request) -> Response:
    """The verifier, one file for Python."""
    return await passed_on(request)


@router.get("/rounds/{round_id}/manifest.json")
async def manifest(round_id: str, request: Request) -> Response:
    """The frozen set's published hashes, as intake has them: what a proof is checked against."""
    return await passed_on(request, "intake", round_path(round_id, "/manifest"))


async def passed_on(request: Request, service: str = "selection", path: str = "") -> Response:
    """A service's answer as it is; by default that of selection at the same path."""
    services: Services = request.app.state.services
    path = path or request.scope["raw_path"].decode() + (f"?{request.url.query}" if request.url.query else "")
    headers = {name: value for name in _ASKED_WITH if (value := request.headers.get(name))}
    passed = await services.open(service, path, headers)
    kept = {name: value for name in _PASSED_ON if (value := passed.headers.get(name))}
    return StreamingResponse(passed.content_closed(), passed.status, kept)
