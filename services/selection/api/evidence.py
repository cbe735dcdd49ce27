"""HTTP in: the evidence of a result, streamed, and the verifier that checks it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse

from services.selection.domain.evidence import Bundle, Depth, format_of, leading_to
from services.selection.storage import drawn, evidence, rounds, versions
from services.selection.storage.rounds import KnownRound
from shared.programme.certificates import AcceptedKinds
from shared.service.files import PIECE, pieces
from shared.service.http import download
from shared.service.kept_answers import PRIVATE, kept_answer, slot
from shared.service.postgres import Pool, connected
from shared.service.problems import Problem
from shared.service.runtime import Runtime

router = APIRouter(tags=["evidence"])
_TYPE: Final = "application/x-ndjson"
_VERIFIER: Final = Path(__file__).parents[1] / "verify.py"


@router.get("/rounds/{round_id}/evidence")
async def bundle(
    round_id: str,
    request: Request,
    depth: Depth = Depth.PUBLIC,
    epoch: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
) -> Response:
    """JSON lines, of the newest epoch unless one is named. The public depth once the result is confirmed; the
    auditor's, which takes the auditor's token, as soon as it is proposed."""
    runtime: Runtime = request.app.state.runtime
    if depth is Depth.AUDITOR:
        await request.app.state.may_open(request)
    async with connected(runtime.pool) as connection:
        known = await rounds.known(connection, round_id)
        proposed = await evidence.proposed_epochs(connection, round_id)
        events = await evidence.published_events(connection, round_id)
        version = await versions.of_result(connection, round_id)
    if known is None:
        raise Problem(404, "not-frozen", f"No frozen round {round_id} is known here.")
    shown = {number for number, confirmed in proposed.items() if confirmed or depth is Depth.AUDITOR}
    if not shown:
        raise Problem(409, "not-published", "There is no result yet whose evidence could be shown.")
    number = epoch or max(shown)
    if number not in shown:
        listed = ", ".join(map(str, sorted(shown)))
        raise Problem(404, "unknown-epoch", f"Epochs of round {round_id} with evidence: {listed}.")
    if not {("RoundOpened", 0), ("SelectionProposed", number)} <= {(event.type, event.epoch) for event in events}:
        raise Problem(
            503, "not-read-back", "The round's events are still being read: ask again.", headers={"Retry-After": "1"}
        )
    headers = {"Content-Disposition": download(f"{round_id}-epoch-{number}-{depth.value}.evidence.jsonl")}

    async def written() -> IO[bytes]:
        async with slot(request.app.state.bundling):
            return await _file(_lines(runtime.pool, known, number, depth))

    if depth is Depth.PUBLIC:
        return await kept_answer(request, ("evidence", round_id, number, version), written, _TYPE, headers)
    return StreamingResponse(pieces(await written()), media_type=_TYPE, headers=headers | {"Cache-Control": PRIVATE})


@router.get("/verify.py")
async def verifier() -> Response:
    """One file for any Python 3.11 without packages: `python verify.py BUNDLE`."""
    return FileResponse(_VERIFIER, media_type="text/x-python")


async def _lines(pool: Pool, known: KnownRound, epoch: int, depth: Depth) -> AsyncIterator[bytes]:
    """The bundle's lines, from one snapshot of the database."""
    if known.policy is None:
        raise LookupError(f"round {known.round} has no policy")
    accepted = AcceptedKinds.compile(known.policy.as_of, known.policy.certificates)
    async with connected(pool) as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        events = await evidence.published_events(connection, known.round)
        before, after = leading_to(events, epoch)
        written = Bundle(known.round, epoch, depth, format_of(events))
        pledges, requests = await drawn.committed(connection, known.round, epoch)
        yield written.head()
        for event in before:
            yield written.record(event.record())
        yield written.record({"type": "pledges", "pledges": sorted(pledges.items())})
        for record, sealed in evidence.requests(requests):
            yield written.record(record, sealed)
        async for record, sealed in evidence.entries(connection, known.round, epoch, accepted):
            yield written.record(record, sealed)
        for event in after:
            yield written.later(event)
        yield written.end()


async def _file(lines: AsyncIterator[bytes]) -> IO[bytes]:
    """Writes the lines to disk before anything is sent, so that slow readers hold no database connection."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed once it is sent
    try:
        held = bytearray()
        async for line in lines:
            held += line
            if len(held) >= PIECE:
                await asyncio.to_thread(file.write, bytes(held))
                held.clear()
        await asyncio.to_thread(file.write, bytes(held))
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file
