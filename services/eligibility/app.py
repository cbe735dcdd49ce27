"""Eligibility's wiring: the only place that makes its clock, pool and producer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.eligibility import api, duties
from services.eligibility.handlers import Judge, keep_completions, keep_rounds
from services.eligibility.repairs import Repairs
from services.eligibility.settings import EligibilitySettings
from shared.audit_api import audit_router
from shared.audit_heads import sign_head
from shared.clock import SystemClock
from shared.contracts import topics
from shared.http import add_service_routes
from shared.kafka.own import OwnTopic
from shared.keys import SigningKey
from shared.keys_api import keys_router
from shared.outbox import OutboxPublisher
from shared.parked_api import holder_of, parked_router
from shared.runtime import Runtime

SERVICE = "eligibility"


def create_app(settings: EligibilitySettings) -> FastAPI:
    clock = SystemClock()
    runtime = Runtime(SERVICE, settings)
    outbox = OutboxPublisher(runtime.producer)
    signing = SigningKey(settings.signing_key())
    judge = Judge(clock.now, runtime.tracing)
    own = OwnTopic(settings.kafka, runtime.prefix + topics.MILESTONES.name)

    runtime.consume(topics.ROUNDS, keep_rounds)
    runtime.consume(topics.APPLICATIONS, judge.take_applications)
    runtime.consume(topics.MILESTONES, keep_completions)
    runtime.consume(topics.REPAIRS, Repairs(clock.now, settings.repair_seconds).take)
    runtime.publishes(topics.VERDICTS)
    runtime.publishes(topics.MILESTONES)
    runtime.publishes(topics.REPAIRS)
    runtime.publishes(topics.AUDIT_HEADS)
    runtime.duty("waiting", lambda: duties.judge_waiting(runtime.pool, judge, outbox), 0.2)
    runtime.duty("completion", lambda: duties.complete_rounds(runtime.pool, outbox, clock, own), 0.2)
    runtime.duty("repair", lambda: duties.ask_for_repair(runtime.pool, outbox, clock, settings.repair_seconds), 0.5)
    runtime.duty("audit head", lambda: sign_head(SERVICE, runtime.pool, outbox, signing, clock), 1)
    runtime.duty("outbox", lambda: outbox.publish_handed(runtime.pool), 0)
    runtime.duty("outbox sweep", lambda: outbox.sweep(runtime.pool), 2)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with runtime.open(app):
            yield

    app = FastAPI(title="Firstbuy eligibility", version="1", lifespan=lifespan)
    app.state.runtime = runtime
    app.state.judge = judge
    app.include_router(api.router)
    app.include_router(audit_router(SERVICE, lambda: runtime.pool))
    app.include_router(keys_router(signing, lambda: runtime.pool))
    operator = holder_of(settings.operator_token_hash, SERVICE)
    app.include_router(parked_router(SERVICE, lambda: runtime.pool, outbox, clock, operator, operator))
    add_service_routes(app, runtime, runtime.metrics.registry)
    return app
