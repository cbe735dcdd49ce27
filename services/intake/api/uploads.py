"""Tables instead of Kafka: an institution's CSV or XLSX is stored, sent to its own inbox, and followed row by row."""

import asyncio
import hashlib
import uuid
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from services.intake.adapters.spreadsheets.bounds import UnreadableFileError
from services.intake.adapters.spreadsheets.reader import EarlierUploadError
from services.intake.adapters.spreadsheets.reading import CSV_TYPE, XLSX_TYPE, check_type
from services.intake.adapters.spreadsheets.template import csv_template, xlsx_template
from services.intake.api.state import AUDITOR, OFFICER, OPERATOR, Intake, holder_for, intake
from services.intake.api.submission import idempotency_key
from services.intake.api.upload_views import cell_reasons, shown_preview, shown_row, shown_upload, unreadable
from services.intake.storage import institutions, rounds, uploads
from services.intake.storage.tokens import Bearer
from services.intake.storage.uploads import NewUpload, Upload
from services.intake.usecases.upload import Understood, messages, understand, upload_rows
from shared.contracts import topics
from shared.contracts.events import InstitutionStatus, Language
from shared.contracts.values import RoundId
from shared.service import audit
from shared.service.http import content_of, download, read_bytes
from shared.service.postgres import Connection, connected
from shared.service.problems import Problem, in_language

router = APIRouter(prefix="/institutions", tags=["uploads"])
RoundQuery = Annotated[RoundId, Query(alias="round")]
_EARLIER_SECONDS: Final = 5.0
_log = structlog.get_logger()


@router.get("/uploads/template.csv")
async def template_csv(language: Language = Language.KO) -> Response:
    """An empty table to fill in, as CSV."""
    return _file(csv_template(language), CSV_TYPE, "firstbuy-requests.csv")


@router.get("/uploads/template.xlsx")
async def template_xlsx(language: Language = Language.KO) -> Response:
    """An empty table to fill in, as XLSX."""
    return _file(await asyncio.to_thread(xlsx_template, language), XLSX_TYPE, "firstbuy-requests.xlsx")


@router.post("/{code}/uploads", openapi_extra=content_of(CSV_TYPE, XLSX_TYPE))
async def upload(code: str, request: Request, round_id: RoundQuery, preview: bool = False) -> Response:
    """Sends all rows to the institution's inbox, or none: 422 names each bad cell. `preview` sends nothing, and shows
    how every row was understood. The same file for the same round, or one Idempotency-Key, is one upload."""
    state = intake(request)
    who = await holder_for(request, code, OFFICER, OPERATOR)
    try:
        async with state.sheets.reserved(code, _EARLIER_SECONDS):
            return await _taken(state, who, code, request, round_id, preview)
    except EarlierUploadError as error:
        raise _earlier_waits("The upload before this one is still being read") from error


async def _taken(state: Intake, who: Bearer, code: str, request: Request, round_id: str, preview: bool) -> Response:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    content = await _content(request, content_type)
    content_hash = hashlib.sha256(round_id.encode() + b"\x00" + content).digest()
    key = idempotency_key(request) or f"sha256:{content_hash.hex()}"
    async with connected(state.runtime.pool) as connection:
        await _check_known(connection, code, round_id)
        before = None if preview else await uploads.by_key(connection, code, key)
    if before is not None:
        return _repeated(before, content_hash)
    understood = await _understood(state, content, content_type, round_id, code)
    if preview:
        return JSONResponse(shown_preview(code, round_id, understood), headers=in_language({}))
    if errors := list(understood.reading.all_errors()):
        title = f"Nothing was sent: {len(errors):,} cells can't be taken."
        raise Problem(422, "invalid-cells", title, cell_reasons(errors))
    new = _new_upload(state, code, round_id, key, content_hash, who, understood)
    traceparent = state.runtime.tracing.begin("POST upload", request.headers.get("traceparent"))
    return await _sent(state, who, new, traceparent)


async def _content(request: Request, content_type: str) -> bytes:
    try:
        check_type(content_type)
    except UnreadableFileError as error:
        raise unreadable(error) from error
    limit = intake(request).settings.upload_bytes
    return await read_bytes(request, limit, f"The file is longer than {limit:,} bytes: split it into several.")


async def _check_known(connection: Connection, code: str, round_id: str) -> None:
    if await institutions.institution(connection, code) is None:
        raise Problem(404, "unknown-institution", f"No institution {code[:40]}: see GET /institutions.")
    if await rounds.load(connection, round_id) is None and not await rounds.cuts(connection, [round_id]):
        raise Problem(404, "unknown-round", f"No round {round_id}: see GET /rounds.")


async def _understood(state: Intake, content: bytes, content_type: str, round_id: str, code: str) -> Understood:
    try:
        sheet = await state.sheets.read(content, content_type)
        return await asyncio.to_thread(understand, sheet, round_id, code)
    except UnreadableFileError as error:
        raise unreadable(error) from error


def _new_upload(
    state: Intake, code: str, round_id: str, key: str, content_hash: bytes, who: Bearer, understood: Understood
) -> NewUpload:
    identifier = str(uuid.uuid4())
    return NewUpload(
        upload=identifier,
        institution=code,
        round=round_id,
        key=key,
        content_hash=content_hash,
        uploaded_by=who.name,
        uploaded_at=state.clock.now(),
        file=understood.file(),
        columns=understood.reading.columns,
        rows=upload_rows(identifier, understood.reading.rows),
    )


async def _sent(state: Intake, who: Bearer, new: NewUpload, traceparent: str | None) -> Response:
    """Stores and sends an upload. Waits until the brokers hold the institution's earlier upload, whichever replica took
    it, so that messages are in the inbox in the order of the uploads."""
    deadline = asyncio.get_running_loop().time() + _EARLIER_SECONDS
    while (stored := await _stored(state, who, new, traceparent)) is None:
        if asyncio.get_running_loop().time() > deadline:
            raise _earlier_waits("The upload before this one is not with the brokers yet")
        await asyncio.sleep(0.1)
    if stored.upload != new.upload:
        return _repeated(stored, new.content_hash)
    _log.info("took upload", upload=new.upload, institution=new.institution, round=new.round, rows=len(new.rows))
    location = {"Location": f"/institutions/{new.institution}/uploads/{new.upload}"}
    return JSONResponse(shown_upload(stored), 201, location)


def _earlier_waits(why: str) -> Problem:
    return Problem(503, "earlier-upload-waits", f"{why}: send this again in a moment.", headers={"Retry-After": "5"})


async def _stored(state: Intake, who: Bearer, new: NewUpload, traceparent: str | None) -> Upload | None:
    """Stores the upload and enqueues its messages in one transaction; None while an earlier one is being sent."""
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        await institutions.lock(connection, new.institution)
        if await uploads.is_sending(connection, topics.inbox(new.institution).name):
            return None
        await _check_active(connection, new.institution)
        if not await uploads.save(connection, new):
            return await uploads.by_key(connection, new.institution, new.key)
        events += messages(new.institution, new.rows, new.uploaded_at, traceparent)
        detail = {
            "institution": new.institution,
            "upload": new.upload,
            "round": new.round,
            "rows": len(new.rows),
            "role": who.role,
        }
        events.append(await audit.record(connection, "intake", new.uploaded_at, who.name, "upload", detail))
        return await uploads.load(connection, new.institution, new.upload)


async def _check_active(connection: Connection, code: str) -> None:
    known = await institutions.institution(connection, code)
    if known is None or known.status is not InstitutionStatus.ACTIVE:
        status = known.status if known else "unknown"
        raise Problem(409, "not-active", f"{code} is {status}: only an active institution can send.")


def _repeated(before: Upload, content_hash: bytes) -> Response:
    if before.content_hash != content_hash:
        title = "This Idempotency-Key was used with another file or round: send a new key, or none."
        raise Problem(422, "idempotency-key-reused", title)
    return JSONResponse({**shown_upload(before), "repeated": True})


@router.get("/{code}/uploads")
async def list_uploads(
    code: str,
    request: Request,
    before: Annotated[str | None, Query(max_length=36)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Newest first; `next` leads to older ones."""
    await holder_for(request, code, OFFICER, AUDITOR, OPERATOR)
    async with connected(intake(request).runtime.pool) as connection:
        newest = await uploads.newest(connection, code, before, limit + 1)
    shown = [shown_upload(upload) for upload in newest[:limit]]
    more = f"/institutions/{code}/uploads?before={shown[-1]['upload']}&limit={limit}" if len(newest) > limit else None
    return JSONResponse({"institution": code, "uploads": shown, "next": more})


@router.get("/{code}/uploads/{upload_id}")
async def show_upload(code: str, upload_id: str, request: Request) -> Response:
    """What became of each row: sent, accepted, rejected by cell, late, duplicate."""
    await holder_for(request, code, OFFICER, AUDITOR, OPERATOR)
    async with connected(intake(request).runtime.pool) as connection:
        upload = await uploads.load(connection, code, upload_id)
        if upload is None:
            raise Problem(404, "unknown-upload", f"{code[:40]} has no upload of this id.")
        rows = await uploads.rows(connection, upload.upload)
    shown = {**shown_upload(upload), "answers": [shown_row(upload, row) for row in rows]}
    return JSONResponse(shown, headers=in_language({}))


def _file(content: bytes, kind: str, name: str) -> Response:
    return Response(content, media_type=kind, headers={"Content-Disposition": download(name)})
