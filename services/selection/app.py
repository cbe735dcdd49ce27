"""Selection's wiring: the only place that creates its clock, pool and producer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from services.selection import handlers, jobs
from services.selection.api import chances, evidence, ocds, packs, page, purchases, results, rounds
from services.selection.settings import SelectionSettings
from services.selection.storage import naming
from services.selection.usecases.packs import Packing
from services.selection.usecases.repairs import settle_lists
from services.selection.usecases.timestamps import Authority, Stamping, chance
from shared.clock import Clock, SystemClock
from shared.contracts import topics
from shared.kafka.own import OwnTopic
from shared.service.access import AUDITOR, OFFICER, OPERATOR, Access, keep_access
from shared.service.audit_api import audit_router
from shared.service.audit_heads import sign_head
from shared.service.http import add_service_routes, service_app
from shared.service.kept_answers import KeptAnswers
from shared.service.keys import SigningKey
from shared.service.keys_api import keys_router
from shared.service.outbox import OutboxPublisher
from shared.service.parked_api import SETTLEMENT_BYTES, parked_router
from shared.service.postgres import connected
from shared.service.runtime import Runtime

SERVICE = "selection"
MIGRATIONS: Final = Path(__file__).parent / "migrations"
ANSWERS: Final = Path(__file__).with_name("answers.json")
WRITTEN_AT_ONCE = 1  # files of one kind, evidence or tables: each holds a connection until it is on disk


def create_app(settings: SelectionSettings) -> FastAPI:
    """The selection service: consumers, periodic jobs and routes around one runtime."""
    clock = SystemClock()
    runtime = Runtime(SERVICE, settings, MIGRATIONS)
    outbox = OutboxPublisher(runtime.producer)
    signing = SigningKey.of(settings)
    _consume(runtime)
    _schedule(runtime, settings, outbox, clock, signing)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with runtime.open(app):
            yield

    app = service_app("Firstbuy selection", lifespan, ANSWERS)
    _share_state(app, runtime, settings, clock, signing)
    _include_public_routes(app, runtime, signing)
    by_setting = {
        AUDITOR: settings.newest_text("auditor_token_hash"),
        OPERATOR: settings.newest_text("operator_token_hash"),
    }
    access = Access(lambda: runtime.pool, by_setting)
    staff = access.admit(AUDITOR, OFFICER, OPERATOR)
    app.state.may_open = access.admit(AUDITOR, OPERATOR)
    app.include_router(audit_router(SERVICE, lambda: runtime.pool, staff, public=True))
    app.include_router(
        parked_router(SERVICE, lambda: runtime.pool, outbox, clock, staff, access.admit(OPERATOR), runtime.redrive)
    )
    add_service_routes(app, runtime, runtime.metrics, SETTLEMENT_BYTES, settings.http_body_seconds)
    return app


def _consume(runtime: Runtime) -> None:
    """Which handler reads each topic, and which topics selection writes."""
    runtime.consume(topics.ROUNDS, handlers.keep_rounds)
    runtime.consume(topics.INSTITUTIONS, handlers.keep_institutions)
    runtime.consume(topics.APPLICATIONS, handlers.keep_applications)
    runtime.consume(topics.PURCHASE_REQUESTS, handlers.keep_requests)
    runtime.consume(topics.VERDICTS, handlers.keep_verdicts)
    runtime.consume(topics.MILESTONES, handlers.keep_milestones)
    runtime.consume(topics.REPAIRS, settle_lists)
    runtime.consume(topics.ACCESS, keep_access)
    runtime.publishes(topics.MILESTONES)
    runtime.publishes(topics.REPAIRS)
    runtime.publishes(topics.AUDIT_HEADS)
    runtime.publishes(topics.SELECTIONS)


def _schedule(
    runtime: Runtime, settings: SelectionSettings, outbox: OutboxPublisher, clock: Clock, signing: SigningKey
) -> None:
    """The periodic jobs, each with its pause in seconds."""
    own = OwnTopic(settings.kafka, runtime.prefix + topics.MILESTONES.name)
    reports = OwnTopic(settings.kafka, runtime.prefix + topics.PURCHASE_REQUESTS.name)
    runtime.job_by_round("commitment", jobs.commit_rounds, 0.2, outbox, clock, own)
    runtime.job_by_round("repair", jobs.ask_for_repair, 0.5, outbox, clock, settings.repair_seconds)
    runtime.job_by_round("proposal", jobs.propose_rounds, 0.2, outbox, clock, settings.repair_seconds, own)
    runtime.job_by_round("releases", jobs.propose_releases, 0.5, outbox, clock, settings.repair_seconds, own)
    runtime.job_by_round("release results", jobs.publish_releases, 0.5, outbox, clock, signing)
    runtime.job_by_round("results", jobs.publish_rounds, 0.2, outbox, clock, signing)
    runtime.job_by_round("status", jobs.end_statuses, 1, outbox, clock)
    runtime.job_by_round("overdue", jobs.remind_overdue, 5, outbox, clock, reports)
    authority = Authority.of(settings)
    if authority is not None:
        stamping = Stamping(authority, outbox, clock, settings.timestamp_retry_seconds, chance)
        runtime.job("time-stamps", lambda: stamping.stamp_due(runtime.pool), 0.5)
    runtime.job("audit head", lambda: sign_head(SERVICE, runtime.pool, outbox, signing, clock), 1)
    runtime.job("outbox", lambda: outbox.publish_handed(runtime.pool), 0)
    runtime.job("outbox sweep", lambda: outbox.sweep(runtime.pool), 2)


def _share_state(
    app: FastAPI, runtime: Runtime, settings: SelectionSettings, clock: Clock, signing: SigningKey
) -> None:
    """What routes share through `app.state`."""
    app.state.runtime = runtime
    app.state.clock = clock
    app.state.estimates = chances.Estimates()
    app.state.writing = asyncio.Semaphore(WRITTEN_AT_ONCE)
    app.state.bundling = asyncio.Semaphore(WRITTEN_AT_ONCE)
    app.state.kept = KeptAnswers(settings.kept_bytes)
    app.state.packages = ocds.Packages(settings)
    app.state.packing = Packing(runtime, signing)


def _include_public_routes(app: FastAPI, runtime: Runtime, signing: SigningKey) -> None:
    """Routes for everybody; some show more to an auditor."""

    async def named(round_id: str) -> naming.RoundNames | None:
        async with connected(runtime.pool) as connection:
            return await naming.named(connection, round_id)

    for router in (
        rounds.router,
        evidence.router,
        chances.router,
        packs.router,
        purchases.router,
        ocds.router,
        results.router,
        page.page_router(named),
        keys_router(signing, lambda: runtime.pool),
    ):
        app.include_router(router)
