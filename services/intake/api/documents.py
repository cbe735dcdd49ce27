"""Documents of applications: uploaded one by one before the application names them, under a key that its sender chose.

The body is the file itself, since that streams; docs/applicants.md has the command.
"""

import asyncio
import errno
import tempfile
from typing import IO, Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from services.intake.api.applications import opened_application
from services.intake.api.edge import from_an_edge
from services.intake.api.refusals import granted, problem
from services.intake.api.state import OFFICER, OPERATOR, Intake, intake, network
from services.intake.domain.documents import FILES_AT_MOST, key_hash, name_fault
from services.intake.domain.refused import unfit
from services.intake.storage import documents, tokens
from services.intake.usecases.documents import (
    BUSY,
    Asked,
    Documents,
    UploadsBusyError,
    network_name,
    taking,
)
from shared.contracts.events import Reason
from shared.contracts.facts import DocumentFile
from shared.contracts.values import Code, Sha256Hex
from shared.programme.documents import DOCUMENT_KINDS
from shared.programme.file_types import FILE_TYPES
from shared.service.http import bearer_hash, content_of
from shared.service.postgres import Connection, connected
from shared.service.problems import Problem

router = APIRouter(prefix="/rounds", tags=["documents"])
_TRUSTED: Final = (OFFICER, OPERATOR)
_PIECE: Final = 262_144
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_HEADERS: Final = {"Cache-Control": "private, no-store"}


@router.post("/{round_id}/documents", openapi_extra=content_of("application/octet-stream"))
async def upload(
    round_id: str,
    request: Request,
    kind: Annotated[Code, Query(description="What it is, such as specification.")],
    name: Annotated[str, Query(max_length=2000, description="Its file name, such as 규격서.pdf.")],
    application: Annotated[str | None, Query(description="With its token: for an appeal, after the close.")] = None,
) -> Response:
    """Takes one file, the body itself, and answers what an application names it by once it is stored for good. Name it
    in `documents` of an application sent with the same `Upload-Key`; what nobody names is deleted after a day."""
    state = intake(request)
    key, held = granted(key_hash(request.headers.get("upload-key"))), state.documents
    if fault := name_fault(name):
        raise problem(unfit("invalid-fields", "Some fields can't be accepted.", (fault,)))
    _check_head(request, held.limits.file_bytes)
    now = state.clock.now()
    async with connected(state.runtime.pool) as connection:
        staff, trusted = await _sender(connection, request, application)
        window = granted(await taking(connection, round_id, now, closed_too=staff))
        await _check_kind(state, connection, round_id, kind)
        asked = Asked(
            round=window.round,
            key_hash=key,
            kind=kind,
            name=name,
            network=await network_name(connection, network(request)),
            trusted=trusted,
        )
        if refused := await held.refusal(connection, asked, int(request.headers.get("content-length") or 0), now):
            raise problem(refused)
    try:
        async with held.received(asked.network, trusted=trusted):
            file = await _received(state, held, asked, request)
    except UploadsBusyError as error:
        raise problem(BUSY) from error
    return JSONResponse(_shown(file), 201, _HEADERS)


async def _received(state: Intake, held: Documents, asked: Asked, request: Request) -> DocumentFile:
    with tempfile.TemporaryFile() as content:
        try:
            await _spooled(request, content, held.limits.file_bytes)
        except OSError as error:
            if error.errno in _FULL:
                raise problem(held.without_room()) from error
            raise
        return granted(await held.keep(state.runtime.pool, asked, content, state.clock.now()))


async def _spooled(request: Request, content: IO[bytes], limit: int) -> None:
    """Writes the body to a file. Raises Problem 413."""
    size, piece = 0, bytearray()
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        piece += chunk
        if len(piece) >= _PIECE:
            await asyncio.to_thread(content.write, bytes(piece))
            piece.clear()
    await asyncio.to_thread(content.write, bytes(piece))
    await asyncio.to_thread(content.flush)


def _check_head(request: Request, limit: int) -> None:
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        raise Problem(415, "form-sent", "Send the file itself as the body, and kind and name in the address.")
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> Problem:
    return Problem(413, "too-large", f"A document has up to {limit:,} bytes: save it smaller, or split it.")


async def _sender(connection: Connection, request: Request, application: str | None) -> tuple[bool, bool]:
    """Whether it may also be sent after the close, and whether it counts as sent by somebody known. Raises a Problem
    for a token that opens nothing."""
    if application is not None:
        await opened_application(request, application, connection)
        return True, False
    token_hash = bearer_hash(request.headers.get("authorization"))
    if token_hash is None:
        return False, from_an_edge(request)
    bearer = await tokens.bearer(connection, token_hash)
    if bearer is None:
        raise Problem(401, "unknown-token", "This token is not known, or was revoked: ask an operator for a new one.")
    return bearer.role in (OFFICER, OPERATOR), bearer.role in _TRUSTED


async def _check_kind(state: Intake, connection: Connection, round_id: str, kind: str) -> None:
    """Raises a Problem (422) for a kind that neither the programme nor the round's policy knows."""
    fitness = await state.fitnesses.read(connection, round_id)
    asked = {kind for kinds in fitness.kinds_asked.values() for kind in kinds} if fitness else set()
    if kind in DOCUMENT_KINDS or kind in asked:
        return
    known = ", ".join(sorted({*DOCUMENT_KINDS, *asked}))
    reason = Reason(pointer="/kind", code="unknown-kind", detail=f"no document is a '{kind}'", fix=f"one of {known}")
    raise Problem(422, "invalid-fields", "Some fields can't be accepted.", (reason,))


@router.get("/{round_id}/documents")
async def show_documents(round_id: str, request: Request) -> Response:
    """What may be uploaded: kinds, those that each track asks for, types of file, and bounds in bytes. With an
    `Upload-Key` also what is held under it."""
    state = intake(request)
    sent = request.headers.get("upload-key")
    async with connected(state.runtime.pool) as connection:
        fitness = await state.fitnesses.read(connection, round_id)
        if fitness is None:
            raise Problem(404, "unknown-round", f"No round {round_id}: see GET /rounds.")
        held = await documents.of_key(connection, granted(key_hash(sent))) if sent is not None else None
    limits = state.documents.limits
    shown: dict[str, Any] = {
        "round": round_id,
        "file_bytes": limits.file_bytes,
        "application_bytes": limits.application_bytes,
        "files": FILES_AT_MOST,
        "types": [{"name": one.name, "media_type": one.media_type, "endings": one.endings} for one in FILE_TYPES],
        "kinds": [{"kind": code, "name": {"ko": named.ko, "en": named.en}} for code, named in DOCUMENT_KINDS.items()],
        "asked": [{"track": track, "kinds": kinds} for track, kinds in fitness.kinds_asked.items()],
    }
    if held is not None:
        shown["documents"] = [_shown(file) for file in held]
    return JSONResponse(shown, headers=_HEADERS | {"Vary": "Upload-Key"})


@router.delete("/{round_id}/documents/{sha256}")
async def remove_document(
    round_id: str, sha256: Sha256Hex, request: Request, kind: Annotated[Code | None, Query()] = None
) -> Response:
    """Removes a document under the `Upload-Key` that no application names yet; of all kinds, unless one is named."""
    key = granted(key_hash(request.headers.get("upload-key")))
    async with connected(intake(request).runtime.pool) as connection:
        removed = await documents.remove(connection, key, sha256, kind)
    if not removed:
        raise Problem(404, "unknown-document", "No document of this hash waits under this Upload-Key.")
    return Response(status_code=204)


def _shown(file: DocumentFile) -> dict[str, Any]:
    """As facts name it."""
    return {
        "kind": file.kind,
        "sha256": file.sha256,
        "bytes": file.bytes,
        "media_type": file.media_type,
        "name": file.name,
    }
