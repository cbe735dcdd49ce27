"""`GET /parked`: records that a service could not handle, listed until an operator settles each with a reason.

The consumer parks records. What resolves them happens elsewhere: the owner publishes the record again, a repair, an
officers' act. The settlement names it in the audit log.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final, Protocol

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import TypeAdapter

from shared.clock import Clock
from shared.contracts.topics import CONTACTS
from shared.contracts.values import I_JSON_MAX, Contract, Line
from shared.kafka import storage
from shared.kafka.cloudevents import Outgoing
from shared.kafka.storage import Parked
from shared.service import audit
from shared.service.http import body_of, parse, read_body
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Pool, connected
from shared.service.problems import Problem


class Holder(Protocol):
    """The holder of the token that was sent."""

    @property
    def name(self) -> str: ...


Admit = Callable[[Request], Awaitable[Holder]]
"""Returns who asks; raises a Problem if they may not."""


Follows = Callable[[Parked, str, datetime], Sequence[Outgoing]]
"""Events to publish when a record is settled for a reason at a time."""


class SettlementBody(Contract):
    """Why it need not be looked at any more."""

    reason: Line


_PERSONAL: Final = re.compile(rf"(^|\.)({re.escape(CONTACTS.name)}|institution\.[^.]+\.inbox\.v1)$")
_PARKED = TypeAdapter(list[dict[str, Any]])
_SETTLEMENT = TypeAdapter(SettlementBody)
SETTLEMENT_BYTES: Final = 16_384
Partition = Annotated[int, Path(ge=0, le=2**31 - 1)]
Offset = Annotated[int, Path(ge=0, le=I_JSON_MAX)]


def parked_router(
    service: str,
    pool: Callable[[], Pool],
    outbox: OutboxPublisher,
    clock: Clock,
    may_read: Admit,
    may_settle: Admit,
    follows: Follows = lambda parked, reason, now: (),
) -> APIRouter:
    """The routes for parked records. `follows`: events to publish when a record is settled."""
    router = APIRouter(prefix="/parked", tags=["parked"])

    @router.get("")
    async def list_parked(
        request: Request, settled: bool = False, limit: Annotated[int, Query(ge=1, le=5000)] = 1000
    ) -> Response:
        """Those that wait for a settlement, oldest first; with `settled` the others too."""
        await may_read(request)
        async with connected(pool()) as connection:
            records = await storage.parked(connection, settled=settled, limit=limit)
        return _answer([_shown(service, record) for record in records])

    @router.get("/{topic}/{partition}/{offset}")
    async def read_parked(topic: str, partition: Partition, offset: Offset, request: Request) -> Response:
        await may_read(request)
        async with connected(pool()) as connection:
            record = await storage.parked_one(connection, (_held(topic), partition), offset)
        if record is None:
            raise _unknown()
        return _answer([_shown(service, record)])

    @router.post("/{topic}/{partition}/{offset}/settlement", openapi_extra=body_of(SettlementBody))
    async def settle(topic: str, partition: Partition, offset: Offset, request: Request) -> Response:
        """Takes it off the list, once; who, when and why stand in the audit log."""
        holder, now = await may_settle(request), clock.now()
        body = parse(_SETTLEMENT, await read_body(request, SETTLEMENT_BYTES))
        async with outbox.transaction(pool()) as (connection, events):
            place = (_held(topic), partition)
            if not await storage.settle_parked(connection, place, offset, now):
                if await storage.parked_one(connection, place, offset) is None:
                    raise _unknown()
                raise Problem(409, "settled", "It is settled already: see the audit log.")
            detail = {"topic": topic, "partition": partition, "offset": offset}
            sealed = {"reason": body.reason}
            events.append(await audit.record(connection, service, now, holder.name, "settle-parked", detail, sealed))
            record = await storage.parked_one(connection, place, offset)
            events += follows(record, body.reason, now) if record else ()
        return _answer([_shown(service, record)] if record else [])

    return router


def _held(topic: str) -> str:
    if "\x00" in topic:  # PostgreSQL texts can't have it
        raise _unknown()
    return topic


def _unknown() -> Problem:
    return Problem(404, "unknown-record", "No record is parked at this place: see GET /parked.")


def _shown(service: str, record: Parked) -> dict[str, Any]:
    """The record as JSON, without its detail if that could quote personal data."""
    return {"service": service, **asdict(record), "detail": None if _PERSONAL.search(record.topic) else record.detail}


def _answer(rows: list[dict[str, Any]]) -> Response:
    return Response(_PARKED.dump_json(rows), media_type="application/json")
