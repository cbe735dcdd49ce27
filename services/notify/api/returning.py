"""HTTP in, for operators and their mail server: returned mails, and those that a person has to look at."""

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final

import prometheus_client
import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from services.notify.domain.bounces import Bounce, Finding, UnreadableBounceError, bounce
from services.notify.domain.diagnostics import DOUBTFUL, Judgement
from services.notify.storage import followup, returned_mails, suppressions
from services.notify.usecases.delivery_events import failed, gave_up
from shared.clock import Clock
from shared.contracts.values import Uuid
from shared.kafka.cloudevents import Outgoing
from shared.service import audit
from shared.service.http import content_of, read_body
from shared.service.outbox import OutboxPublisher
from shared.service.parked_api import Admit
from shared.service.postgres import Connection, Pool, connected
from shared.service.problems import Problem

BOUNCE_BYTES: Final = 1_000_000
RETURN_OUTCOMES: Final = ("suppressed", "listed", "failed", "noted")
"""What came of a mail that came back, the first that holds."""
BOUNCED, RETURNED = "bounced", "returned"
"""Errors of returned notices: the address is gone (bounced), or may still exist (returned)."""
UNREADABLE, UNPROVEN, UNKNOWN = "unreadable", "unproven", "unknown-notice"
Limit = Annotated[int, Query(ge=1, le=1000)]
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class CameTo:
    """What was done with a returned mail. `listed`: its id in the list for a person, with the reason in `why`."""

    delivery: str | None = None
    status: str | None = None
    failed: bool = False
    suppressed: bool = False
    listed: str | None = None
    why: str | None = None


def returning_router(
    pool: Callable[[], Pool],
    outbox: OutboxPublisher,
    clock: Clock,
    operator: Admit,
    counter: prometheus_client.Counter,
    *,
    proven: bool,
) -> APIRouter:
    """`proven`: our mails have envelope senders with a tag, so that genuine returned mails have one too."""
    router = APIRouter(tags=["deliveries"])

    @router.post("/bounces", openapi_extra=content_of("message/rfc822"))
    async def take_bounce(request: Request) -> Response:
        """A mail that came back, whole, as `message/rfc822`. Its notice has failed; an address that is surely gone gets
        no other mail. What can't be read, or is in doubt, is kept for a person: `listed` is its id."""
        await operator(request)
        content = await read_body(request, BOUNCE_BYTES, "message/rfc822")
        if not content:
            raise Problem(422, UnreadableBounceError.code, "There is no mail: give the whole returned mail.")
        came_to = await _taken(pool(), outbox, clock, content, proven=proven)
        failed = came_to.status is not None and came_to.failed
        so = (came_to.suppressed, came_to.listed is not None, failed, True)
        outcome = next(name for name, is_so in zip(RETURN_OUTCOMES, so, strict=True) if is_so)
        counter.labels(outcome).inc()
        _log.info("took returned mail", delivery=came_to.delivery, outcome=outcome, why=came_to.why)
        return JSONResponse(jsonable_encoder(came_to))

    @router.get("/bounces")
    async def list_returned(request: Request, limit: Limit = 100) -> Response:
        """Those for a person, newest first: why, and what was said of which notice."""
        await operator(request)
        async with connected(pool()) as connection:
            return JSONResponse(jsonable_encoder(await returned_mails.stored(connection, limit)))

    @router.get("/bounces/{returned}")
    async def show_returned(returned: Uuid, request: Request) -> Response:
        """The whole mail, to be read by a person: as `text/plain`, so that no browser runs what it holds."""
        await operator(request)
        async with connected(pool()) as connection:
            content = await returned_mails.content_of(connection, returned)
        if content is None:
            raise _no_such()
        return Response(content, media_type="text/plain; charset=utf-8")

    @router.delete("/bounces/{returned}")
    async def see_to_returned(returned: Uuid, request: Request) -> Response:
        """A person has seen to it: it is not listed any more, and the mail is deleted."""
        holder, now = await operator(request), clock.now()
        async with outbox.transaction(pool()) as (connection, events):
            if not await returned_mails.done(connection, returned):
                raise _no_such()
            sealed = {"returned": returned}
            events.append(await audit.record(connection, "notify", now, holder.name, "see-to-returned", {}, sealed))
        return JSONResponse({"done": True})

    return router


def _no_such() -> Problem:
    return Problem(404, "unknown-returned-mail", "There is no such returned mail: see GET /bounces.")


async def _taken(pool: Pool, outbox: OutboxPublisher, clock: Clock, content: bytes, *, proven: bool) -> CameTo:
    try:
        report = await asyncio.to_thread(bounce, content)
    except UnreadableBounceError as error:
        async with connected(pool) as connection:
            return CameTo(listed=await _listed(connection, content, f"{UNREADABLE}: {error}"), why=UNREADABLE)
    async with outbox.transaction(pool) as (connection, events):
        why = await _not_ours(connection, report, proven=proven)
        if why:
            return CameTo(delivery=report.delivery, listed=await _listed(connection, content, why, report), why=why)
        address = await suppressions.address_of(connection, report.delivery)
        finding = report.about(address)
        if not finding.final:
            return CameTo(delivery=report.delivery, status=finding.status)
        gone = address is not None and finding.judgement is Judgement.GONE
        has_failed = await _fail(connection, events, report.delivery, BOUNCED if gone else RETURNED, clock)
        if address is not None and gone:
            await suppressions.suppress(connection, address, f"bounced {finding.status}", report.delivery)
        if finding.judgement not in DOUBTFUL:
            return CameTo(delivery=report.delivery, status=finding.status, failed=has_failed, suppressed=gone)
        listed = await _listed(connection, content, finding.judgement.value, report, finding)
        return CameTo(
            delivery=report.delivery,
            status=finding.status,
            failed=has_failed,
            suppressed=gone,
            listed=listed,
            why=finding.judgement.value,
        )


async def _not_ours(connection: Connection, report: Bounce, *, proven: bool) -> str | None:
    """Why the mail is not trusted; None if it is. A tag is checked even where none is required."""
    tag = await returned_mails.tag_of(connection, report.delivery)
    if (proven or report.tag is not None) and not hmac.compare_digest(report.tag or "", tag):
        return UNPROVEN
    return None if await followup.delivery(connection, report.delivery) else UNKNOWN


async def _fail(connection: Connection, events: list[Outgoing], delivery: str, error: str, clock: Clock) -> bool:
    bounced = await suppressions.bounced(connection, delivery, error)
    events += [failed(notice, error, notice.time_map.programme(clock.now())) for notice in bounced]
    events += await gave_up(connection, clock.now(), list(events))
    return bool(bounced)


async def _listed(
    connection: Connection, content: bytes, why: str, report: Bounce | None = None, finding: Finding | None = None
) -> str:
    about = (
        report.delivery if report else None,
        finding.status if finding else None,
        finding.words if finding else None,
    )
    listed = await returned_mails.keep(connection, content, why, *about)
    if listed is None:
        raise Problem(
            503,
            "too-many-returned",
            "As many returned mails wait for a person as are kept: see to them (GET /bounces), then send this again.",
        )
    return listed


async def forget_erased(pool: Pool) -> None:
    """A periodic job: deletes returned mails of erased contacts."""
    async with connected(pool) as connection:
        forgotten = await returned_mails.forget_erased(connection)
    if forgotten:
        _log.info("deleted returned mails of erased contacts", mails=forgotten)
