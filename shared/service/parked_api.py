"""`GET /parked`: records that a service could not handle, listed until an operator settles each with a reason.

The consumer parks records. Once the cause is mended, a record is taken again where it stands (`redrive`), or what
resolves it happens elsewhere: the owner publishes it again, a repair, an officers' act. Either is in the audit log.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final, Protocol

import structlog
from aiokafka.errors import KafkaError
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import TypeAdapter

from shared.clock import Clock
from shared.contracts.topics import CONTACTS
from shared.contracts.values import I_JSON_MAX, Contract, Line
from shared.kafka import storage
from shared.kafka.cloudevents import Outgoing
from shared.kafka.redrive import Redrive
from shared.kafka.storage import Parked
from shared.kafka.storage import Partition as Place
from shared.service import audit
from shared.service.http import body_of, parse, read_body
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import CONTENDED, DATABASE_AWAY, Pool, connected
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
    """Why it need not be looked at any more, or is taken again."""

    reason: Line


_log = structlog.get_logger()
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
    redrive: Redrive,
    follows: Follows = lambda parked, reason, now: (),
) -> APIRouter:
    """The routes for parked records. `follows`: events to publish when a record is settled."""
    router = APIRouter(prefix="/parked", tags=["parked"])

    @router.get("")
    async def list_parked(
        request: Request,
        settled: bool = False,
        limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
        topic: str | None = None,
    ) -> Response:
        """Those that wait for a settlement, oldest first; with `settled` the others too, with `topic` its own alone."""
        await may_read(request)
        async with connected(pool()) as connection:
            records = await storage.parked(
                connection, settled=settled, limit=limit, topic=_held(topic) if topic else None
            )
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
                _waits(await storage.parked_one(connection, place, offset))
                raise _settled()
            detail = {"topic": topic, "partition": partition, "offset": offset}
            sealed = {"reason": body.reason}
            events.append(await audit.record(connection, service, now, holder.name, "settle-parked", detail, sealed))
            record = await storage.parked_one(connection, place, offset)
            events += follows(record, body.reason, now) if record else ()
        return _answer([_shown(service, record)] if record else [])

    _add_redrive(router, service, pool, outbox, clock, may_settle, redrive)
    return router


def _add_redrive(
    router: APIRouter,
    service: str,
    pool: Callable[[], Pool],
    outbox: OutboxPublisher,
    clock: Clock,
    may_settle: Admit,
    redrive: Redrive,
) -> None:
    @router.post("/{topic}/{partition}/{offset}/redrive", openapi_extra=body_of(SettlementBody))
    async def take_again(topic: str, partition: Partition, offset: Offset, request: Request) -> Response:
        """Handles the record as if it had just come, and takes it off the list; or says why it fails still."""
        holder, now = await may_settle(request), clock.now()
        body = parse(_SETTLEMENT, await read_body(request, SETTLEMENT_BYTES))
        place = (_held(topic), partition)
        async with connected(pool()) as connection:
            _waits(await storage.parked_one(connection, place, offset))
        record = await _fetched(redrive, place, offset)
        try:
            async with outbox.transaction(pool()) as (connection, events):
                if not await storage.settle_parked(connection, place, offset, now):
                    raise _settled()
                events += await redrive.take(connection, record)
                detail = {"topic": topic, "partition": partition, "offset": offset}
                sealed = {"reason": body.reason}
                events.append(await audit.record(connection, service, now, holder.name, "redrive", detail, sealed))
                taken = await storage.parked_one(connection, place, offset)
        except (Problem, *CONTENDED, *DATABASE_AWAY):
            raise
        except Exception as error:  # whatever a handler raises parked it before
            code = getattr(error, "code", None) or type(error).__name__
            _log.warning("can't redrive record", topic=topic, partition=partition, offset=offset, error=code)
            raise Problem(409, "fails-still", f"It can't be taken still: {code}. Mend the cause first.") from error
        return _answer([_shown(service, taken)] if taken else [])


async def _fetched(redrive: Redrive, place: Place, offset: int) -> Any:
    if not redrive.takes(place[0]):
        raise Problem(
            409, "not-redriven", "Records of this topic are not taken again: settle it, and have it sent again."
        )
    try:
        record = await redrive.fetch(place, offset)
    except (KafkaError, TimeoutError) as error:
        raise Problem(503, "kafka-away", "Kafka is away: try again.", headers={"Retry-After": "5"}) from error
    if record is None:
        raise Problem(409, "record-gone", "The topic has the record no more: have its owner publish it again.")
    return record


def _waits(parked: Parked | None) -> None:
    if parked is None:
        raise _unknown()
    if parked.settled_at is not None:
        raise _settled()


def _settled() -> Problem:
    return Problem(409, "settled", "It is settled already: see the audit log.")


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
