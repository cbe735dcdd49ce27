"""HTTP for every service: bodies, bearer tokens, problem details, health, metrics, AsyncAPI, and the server."""

import gc
import hashlib
import re
import signal
from collections.abc import Mapping
from functools import cache, partial
from math import ceil
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote

import structlog
import uvicorn
from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import BaseModel, TypeAdapter
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.types import ASGIApp

from shared.reading.json_read import JsonRead, UnreadableJsonError, read_json, read_value
from shared.service import openapi_page
from shared.service.bodies import BODY_SECONDS, BoundedBodies
from shared.service.bounded_protocol import BoundedProtocol
from shared.service.connection_bounds import Bounds, with_files
from shared.service.connections import Connections
from shared.service.error_answers import add_error_handlers
from shared.service.headers import Guarded
from shared.service.http_metrics import Measured
from shared.service.metrics import Metrics
from shared.service.openapi import describe
from shared.service.problems import Problem
from shared.service.starting import ClosedUntilOpen, Lifespan, Opening
from shared.wording.spoken import Spoken

_log = structlog.get_logger()


_UNSAFE_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9._-]")


async def read_body(request: Request, limit: int, kind: str = "application/json") -> bytes:
    """The whole body. Raises Problem: 415 if it is not of that kind, 413 if longer than `limit` bytes."""
    _require_kind(request, kind)
    return await read_bytes(request, limit, f"The body is longer than {limit} bytes: shorten the description.")


def _require_kind(request: Request, kind: str) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != kind:
        raise Problem(415, "not-json", f"Send the application as 'Content-Type: {kind}'.")


async def read_body_if_sent(request: Request, limit: int) -> bytes:
    """As `read_body`; empty if no body was sent, whatever its type."""
    sent = await read_bytes(request, limit, f"The body is longer than {limit} bytes.")
    if sent:
        _require_kind(request, "application/json")
    return sent


async def read_bytes(request: Request, limit: int, too_large: str) -> bytes:
    """The whole body. Raises Problem 413 with the title `too_large` if it is longer than `limit` bytes."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise Problem(413, "too-large", too_large)
        chunks.append(chunk)
    return b"".join(chunks)


def body_of(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """For a route's `openapi_extra`: the JSON body that the route reads itself."""
    schema = model.model_json_schema()
    whole = _inlined(schema, schema.pop("$defs", {}))
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": whole}}}}


def content_of(*media_types: str) -> dict[str, Any]:
    """For a route's `openapi_extra`: a body that is a file of one of these types."""
    file = {"schema": {"type": "string", "format": "binary"}}
    return {"requestBody": {"required": True, "content": dict.fromkeys(media_types, file)}}


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """The schema with its references resolved; none of our models is recursive."""
    match schema:
        case {"$ref": reference, **rest}:
            return _inlined(definitions[reference.rpartition("/")[2]], definitions) | rest
        case dict():
            return {name: _inlined(value, definitions) for name, value in schema.items()}
        case list():
            return [_inlined(value, definitions) for value in schema]
        case _:
            return schema


def parse(adapter: TypeAdapter[Any], body: bytes) -> Any:
    """Reads a body by a contract. Raises Problem: 400 if it is no JSON, 422 with a reason per wrong field."""
    return parsed(adapter, body).value


def parsed(adapter: TypeAdapter[Any], body: bytes) -> JsonRead:
    """The same, with what was spelled differently."""
    try:
        return read_json(adapter, body)
    except UnreadableJsonError as error:
        if not error.is_json:
            raise Problem(400, "unreadable", "The body is no JSON.", error.reasons) from error
        raise Problem(422, "invalid-fields", "Some fields can't be accepted.", error.reasons) from error


def checked(adapter: TypeAdapter[Any], value: object, pointer: str) -> Any:
    """Reads a parsed value by a contract. Raises Problem 422."""
    try:
        return read_value(adapter, value, pointer)
    except UnreadableJsonError as error:
        raise Problem(422, "invalid-fields", "Some fields can't be accepted.", error.reasons) from error


def download(name: str, disposition: str = "attachment") -> str:
    """A Content-Disposition (RFC 6266) for a file name. Unsafe characters become underscores; the name as it is follows
    in the form of RFC 8187."""
    safe = _UNSAFE_IN_A_NAME.sub("_", name)
    whole = f"; filename*=UTF-8''{quote(name, safe='')}" if safe != name else ""
    return f'{disposition}; filename="{safe}"{whole}'


def bearer_hash(authorization: str | None) -> str | None:
    """SHA-256 in hex of the bearer token; None without one. Tokens are only stored as hashes."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return None
    return hashlib.sha256(token.strip().encode()).hexdigest()


class Health(Protocol):
    """What a process reports about itself."""

    def live(self) -> dict[str, str]:
        """What is stuck, by name; empty while the service makes progress."""

    async def ready(self) -> dict[str, str]:
        """What is missing, by name; empty if requests can be served."""


class Described(Health, Protocol):
    """And what a service says of its topics."""

    def asyncapi(self) -> dict[str, Any]: ...


def service_app(
    title: str,
    lifespan: Lifespan,
    answers: Path | None = None,
    raw: Mapping[str, Any] | None = None,
) -> FastAPI:
    """An app without FastAPI's pages, which load scripts of others (`/docs` is ours), and without slash redirects,
    which would lead to whatever the request's Host says. `answers` and `raw`: additions to its OpenAPI document
    (`shared.service.openapi`); without `answers` it has none."""
    opening = Opening(lifespan)
    app = FastAPI(
        title=title,
        version="1",
        lifespan=opening.lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json" if answers is not None else None,
        redirect_slashes=False,
    )
    app.add_middleware(ClosedUntilOpen, opening=opening)
    if answers is not None:
        describe(app, answers, raw or {})
    return app


def add_service_routes(
    app: FastAPI, health: Described, metrics: Metrics, largest_body: int, body_seconds: float = BODY_SECONDS
) -> None:
    """As `add_process_routes`, with the documents of a service's API: `/asyncapi` and `/docs`."""
    add_process_routes(app, health, metrics, largest_body, body_seconds)
    _add_document_routes(app, health)


def add_process_routes(
    app: FastAPI, health: Health, metrics: Metrics, largest_body: int, body_seconds: float = BODY_SECONDS
) -> None:
    """Adds `/health/live`, `/health/ready`, `/metrics`, problem details for every error, and bounds on every body:
    `largest_body` bytes within `body_seconds`."""
    app.add_middleware(BoundedBodies, largest=largest_body, seconds=body_seconds)
    app.add_middleware(Spoken)
    app.add_middleware(Measured, metrics=metrics, routes=app.router.routes)
    app.state.registry = metrics.registry
    _add_health_routes(app, health, metrics.registry)
    add_error_handlers(app)


def _add_health_routes(app: FastAPI, health: Health, registry: CollectorRegistry) -> None:
    async def live(request: Request) -> Response:
        stuck = health.live()
        return JSONResponse({"stuck": stuck}, 503 if stuck else 200)

    async def ready(request: Request) -> Response:
        missing = await health.ready()
        return JSONResponse({"missing": missing}, 503 if missing else 200)

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    app.add_route("/health/live", live, include_in_schema=False)
    app.add_route("/health/ready", ready, include_in_schema=False)
    app.add_route("/metrics", metrics, include_in_schema=False)


def _add_document_routes(app: FastAPI, health: Described) -> None:
    """Documents that describe the service. They are drawn once: that takes a good part of a second."""

    @cache
    def drawn_asyncapi() -> bytes:
        return JSONResponse(health.asyncapi()).body  # type: ignore[return-value]

    @cache
    def drawn_page() -> str:
        return openapi_page.page(app.openapi())

    async def asyncapi(request: Request) -> Response:
        return Response(drawn_asyncapi(), media_type="application/json")

    async def docs(request: Request) -> Response:
        return Response(drawn_page(), media_type="text/html", headers={"Content-Security-Policy": openapi_page.POLICY})

    app.add_route("/asyncapi", asyncapi, include_in_schema=False)
    app.add_route("/docs", docs, include_in_schema=False)


def settle_garbage_collection() -> None:
    """Excludes what is loaded from later garbage collections, and collects rarely: a batch of thousands of records,
    alive until it is saved, would otherwise be scanned dozens of times."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def configured(app: ASGIApp, bounds: Bounds, **given: Any) -> uvicorn.Config:
    """The uvicorn configuration of every server."""
    protocol: Any = partial(BoundedProtocol, Connections(bounds))  # uvicorn calls it as it would a class
    return uvicorn.Config(
        Guarded(app),
        http=protocol,
        ws="none",
        forwarded_allow_ips=[str(network) for network in bounds.trusted],
        timeout_keep_alive=ceil(bounds.idle_seconds + bounds.answer_seconds),  # the protocol's own bound is before it
        access_log=False,
        log_config=None,
        **given,
    )


def serve(app: Starlette, host: str, port: int, bounds: Bounds | None = None) -> int:
    """Runs the app until SIGTERM or SIGINT; returns the exit code. uvicorn raises the signal again at its end: the
    handler set here makes a clean stop exit with 0."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    config = configured(
        app,
        with_files(bounds or Bounds()),
        host=host,
        port=port,
        loop="uvloop",
        lifespan="on",
        timeout_graceful_shutdown=15,
        backlog=4096,
    )
    server = uvicorn.Server(config)
    app.state.server = server
    settle_garbage_collection()
    server.run()
    return int(getattr(app.state, "exit_code", 0)) if server.started else 1
