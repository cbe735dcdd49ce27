"""Reading documents: the applicant, officers, auditors, and the institutions that the product was awarded to.

Every reading is in the audit log before its first byte. Answers are attachments, which no browser opens in place.
"""

import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import parse_qs, urlsplit

import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from services.intake.adapters.documents.port import ObjectMissingError, StoreAwayError
from services.intake.api.applications import READERS, opened_application
from services.intake.api.refusals import problem
from services.intake.api.state import INSTITUTION, intake
from services.intake.domain.entries import is_id
from services.intake.storage import documents, tokens
from services.intake.usecases.documents import STORE_AWAY
from shared.contracts.facts import DocumentFile
from shared.contracts.values import Sha256Hex
from shared.service import audit
from shared.service.http import bearer_hash, download
from shared.service.postgres import Connection, connected
from shared.service.problems import Problem

router = APIRouter(prefix="/applications", tags=["documents"])
_log = structlog.get_logger()
_HEADERS: Final = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Vary": "Authorization",
}


class AlteredContentError(RuntimeError):
    """The object store gave other bytes than were stored: the answer breaks off."""

    code = "altered-content"


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who reads, as the audit log names them. `newest`: the newest version's documents alone."""

    actor: str
    role: str
    newest: bool = False


@router.get("/{application}/documents/{sha256}")
async def read_document(
    application: str,
    sha256: Sha256Hex,
    request: Request,
    key: Annotated[str | None, Query(max_length=200, description="Of the link to the product's pack.")] = None,
) -> Response:
    """A document that the application names, for its own token, officers, auditors, institutions that it was awarded
    to, and whoever holds the link to its pack."""
    state = intake(request)
    async with connected(state.runtime.pool) as connection:
        reader = await _reader(request, application, key, connection)
        file, name = await _object(connection, application, sha256, newest=reader.newest)
    try:
        content = await state.documents.store.get(name)
    except StoreAwayError as error:
        raise problem(STORE_AWAY) from error
    except ObjectMissingError as error:
        _log.error("document is not in the object store", application=application, sha256=sha256)
        raise _missing() from error
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        detail = {"application": application, "sha256": sha256, "role": reader.role}
        now = state.clock.now()
        events.append(await audit.record(connection, "intake", now, reader.actor, "read-document", detail))
    headers = _HEADERS | {"Content-Disposition": download(file.name), "Content-Length": str(file.bytes)}
    return StreamingResponse(_whole(content, sha256), media_type=file.media_type, headers=headers)


async def _reader(request: Request, application: str, key: str | None, connection: Connection) -> _Reader:
    """Who may read. Raises a Problem, before it is said whether there is such a document."""
    if key is not None:
        if is_id(application) and await _opens_pack(connection, application, key):
            return _Reader("holder of the pack", "pack", newest=True)
        raise Problem(403, "wrong-key", "This key opens no pack of this application: use the whole link you were sent.")
    token_hash = bearer_hash(request.headers.get("authorization"))
    bearer = await tokens.bearer(connection, token_hash) if token_hash else None
    if bearer is not None and bearer.role == INSTITUTION:
        buyers = await documents.buyers(connection, application) if is_id(application) else None
        if buyers is None or bearer.institution not in buyers.institutions:
            raise Problem(403, "not-awarded", "Institutions read the documents of products that were awarded to them.")
        return _Reader(bearer.name, bearer.role, newest=True)
    stored = await opened_application(request, application, connection, READERS)
    if bearer is not None and token_hash != stored.token_hash:
        return _Reader(bearer.name, bearer.role)
    return _Reader("applicant", "applicant")


async def _opens_pack(connection: Connection, application: str, key: str) -> bool:
    """True for the key of the link that selection published with the award."""
    buyers = await documents.buyers(connection, application)
    known = parse_qs(urlsplit(buyers.pack).query).get("key", [""])[0] if buyers else ""
    return bool(known) and secrets.compare_digest(known.encode(), key.encode())


async def _object(connection: Connection, application: str, sha256: str, *, newest: bool) -> tuple[DocumentFile, str]:
    """The document and its name in the object store. Raises a Problem."""
    found = await documents.naming(connection, application, sha256, newest=newest)
    if found is None:
        raise Problem(404, "unknown-document", "This application names no document of this hash.")
    named, name = await documents.named(connection, application, sha256)
    if not named:
        raise Problem(410, "erased", "This document was erased; its hash stays in the application.")
    if name is None:
        raise _missing()
    return found, name


def _missing() -> Problem:
    return Problem(503, "document-missing", "This document is not where it was stored: tell the operators.")


async def _whole(content: AsyncIterator[bytes], sha256: str) -> AsyncIterator[bytes]:
    """The pieces of a content. The last one is held back until all are known to be the ones that were hashed."""
    digest, last = hashlib.sha256(), b""
    async for piece in content:
        if last:
            yield last
        digest.update(piece)
        last = piece
    if digest.hexdigest() != sha256:
        _log.error("document is not the one that was stored", sha256=sha256)
        raise AlteredContentError(sha256)
    yield last
