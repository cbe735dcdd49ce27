"""HTTP in: the pack of a selected product for its buyer's file, as JSON or as a PDF with the JSON attached."""

from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Query, Request, Response

from services.selection.domain.pack_links import opens_pack
from services.selection.usecases.inclusion import UnprovenError
from services.selection.usecases.packs import NoPack, Packing
from shared.contracts.events import Language
from shared.service.http import download
from shared.service.keys import published
from shared.service.postgres import connected
from shared.service.problems import Problem
from shared.service.runtime import Runtime

router = APIRouter(prefix="/rounds", tags=["packs"])
_log = structlog.get_logger()
_CONFLICTS: Final = frozenset({"round-void", "not-confirmed"})
_LATER: Final = {"Retry-After": "1"}
_HEADERS: Final = {
    # The address opens the pack, so it is not passed on as a referrer, and caches keep no copy.
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept, Authorization",
}


class Format(StrEnum):
    """The formats of a pack."""

    JSON = "json"
    PDF = "pdf"


@router.get("/{round_id}/packs/{application}")
async def pack(
    round_id: str,
    application: UUID,
    request: Request,
    key: Annotated[str | None, Query(max_length=200, description="Of the link an award was told with.")] = None,
    epoch: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
    asked_for: Annotated[Format | None, Query(alias="format")] = None,
    language: Language = Language.KO,
) -> Response:
    """Findings, position, proofs and the legal note on immunity, once two officers have confirmed the result: of the
    newest one, unless an epoch is named. To the holder of its link, or of the auditor's token. The PDF, also where
    `Accept: application/pdf` asks for it, is in `language`; the JSON is in both."""
    identifier = str(application)
    await _admit(request, round_id, identifier, key)
    packing: Packing = request.app.state.packing
    try:
        made = await packing.pack(round_id, identifier, epoch)
        if isinstance(made, NoPack):
            raise _refusal(made)
        if asked_for is None and "application/pdf" in request.headers.get("accept", ""):
            asked_for = Format.PDF
        if asked_for is not Format.PDF:
            return _answer(made, "application/json", f"{round_id}-{identifier}.pack.json")
        document = await packing.pdf(made, language)
        return _answer(document, "application/pdf", f"{round_id}-{identifier}.pack.{language}.pdf")
    except UnprovenError as error:
        _log.error("failed to prove a pack", round=round_id, application=identifier, what=str(error))
        why = "What is held here is not what was published, so nothing can be proved by it: ask the programme's office."
        raise Problem(503, error.code, why) from error
    except TimeoutError as error:
        raise Problem(503, "busy", "Others' packs are being made: ask again in a moment.", headers=_LATER) from error


async def _admit(request: Request, round_id: str, application: str, key: str | None) -> None:
    """Raises Problem unless the key or token opens the pack. Checked before anything else, even that it exists."""
    if key is None:
        await request.app.state.may_open(request)
        return
    runtime: Runtime = request.app.state.runtime
    async with connected(runtime.pool) as connection:
        keys = await published(connection)
    if not opens_pack(key, round_id, application, (published_key.key for published_key in keys)):
        raise Problem(403, "wrong-key", "This key opens no pack of this application: use the whole link you were sent.")


def _refusal(reason: NoPack) -> Problem:
    if reason.code == "not-read-back":
        return Problem(503, reason.code, reason.detail, headers=_LATER)
    return Problem(409 if reason.code in _CONFLICTS else 404, reason.code, reason.detail)


def _answer(content: bytes, media_type: str, name: str) -> Response:
    disposition = {"Content-Disposition": download(name, "inline")}
    return Response(content, media_type=media_type, headers=_HEADERS | disposition)
