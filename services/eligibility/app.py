"""Eligibility's wiring: the only module that makes its clock, pool and producer."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from services.eligibility import api, jobs
from services.eligibility.adapters.registries.business_status import BusinessStatusRegistry
from services.eligibility.adapters.registries.certificates import CertificateRegistry
from services.eligibility.adapters.registries.port import RegistryAdapter
from services.eligibility.domain.gate import Gate
from services.eligibility.handlers import keep_completions, keep_rounds
from services.eligibility.settings import EligibilitySettings
from services.eligibility.usecases.asking import Asking, RegistryMetrics, keep_answers
from services.eligibility.usecases.judging import Judge
from services.eligibility.usecases.repairs import Repairs
from services.eligibility.usecases.round_metrics import RoundMetrics
from shared.clock import Clock, SystemClock
from shared.contracts import topics
from shared.contracts.registries import Registry
from shared.kafka.own import OwnTopic
from shared.service.access import AUDITOR, OFFICER, OPERATOR, Access, keep_access
from shared.service.audit_api import audit_router
from shared.service.audit_heads import sign_head
from shared.service.http import add_service_routes, service_app
from shared.service.keys import SigningKey
from shared.service.keys_api import keys_router
from shared.service.outbox import OutboxPublisher
from shared.service.parked_api import parked_router
from shared.service.registry_calls import Address
from shared.service.runtime import Runtime

SERVICE = "eligibility"
MIGRATIONS: Final = Path(__file__).parent / "migrations"
ANSWERS: Final = Path(__file__).with_name("answers.json")


def create_app(settings: EligibilitySettings) -> FastAPI:
    """Eligibility's HTTP application, with its consumers and periodic jobs, which run while it does."""
    clock = SystemClock()
    runtime = Runtime(SERVICE, settings, MIGRATIONS)
    outbox = OutboxPublisher(runtime.producer)
    signing = SigningKey.of(settings)
    judge = Judge(clock.now, runtime.tracing)
    askings = registries_asked(settings, runtime, outbox, clock)
    own = OwnTopic(settings.kafka, runtime.prefix + topics.MILESTONES.name)

    runtime.consume(topics.ROUNDS, keep_rounds)
    runtime.consume(topics.APPLICATIONS, judge.take_applications)
    runtime.consume(topics.MILESTONES, keep_completions)
    runtime.consume(topics.REPAIRS, Repairs(clock.now, settings.repair_seconds).take)
    runtime.consume(topics.REGISTRY_ANSWERS, keep_answers)
    runtime.consume(topics.ACCESS, keep_access)
    runtime.publishes(topics.VERDICTS)
    runtime.publishes(topics.REGISTRY_ANSWERS)
    runtime.publishes(topics.MILESTONES)
    runtime.publishes(topics.REPAIRS)
    runtime.publishes(topics.AUDIT_HEADS)
    runtime.job("waiting", lambda: jobs.judge_waiting(runtime.pool, judge, outbox), 0.2)
    for asking in askings:
        runtime.job(f"ask {asking.registry}", partial(_ask, asking, runtime), 0.5)
    runtime.job("answered", lambda: jobs.judge_answered(runtime.pool, judge, outbox), 0.3)
    by_round = RoundMetrics(runtime.metrics.registry)
    runtime.measures.add(by_round.refresh)
    completing = partial(jobs.complete_rounds, differ=by_round.differ)
    runtime.job_by_round("completion", completing, 0.2, outbox, clock, own)
    runtime.job_by_round("repair", jobs.ask_for_repair, 0.5, outbox, clock, settings.repair_seconds)
    runtime.job("audit head", lambda: sign_head(SERVICE, runtime.pool, outbox, signing, clock), 1)
    runtime.job("outbox", lambda: outbox.publish_handed(runtime.pool), 0)
    runtime.job("outbox sweep", lambda: outbox.sweep(runtime.pool), 2)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with runtime.open(app):
            yield

    app = service_app("Firstbuy eligibility", lifespan, ANSWERS)
    app.state.runtime = runtime
    app.state.judge = judge
    app.state.unset_registries = frozenset(asking.registry for asking in askings if asking.adapter is None)
    app.include_router(api.router)
    app.include_router(keys_router(signing, lambda: runtime.pool))
    access = Access(lambda: runtime.pool, {OPERATOR: settings.newest_text("operator_token_hash")})
    staff = access.admit(AUDITOR, OFFICER, OPERATOR)
    app.include_router(audit_router(SERVICE, lambda: runtime.pool, staff, public=True))
    app.include_router(
        parked_router(SERVICE, lambda: runtime.pool, outbox, clock, staff, access.admit(OPERATOR), runtime.redrive)
    )
    add_service_routes(app, runtime, runtime.metrics, api.BODY_BYTES, settings.http_body_seconds)
    return app


def registries_asked(
    settings: EligibilitySettings, runtime: Runtime, outbox: OutboxPublisher, clock: Clock
) -> list[Asking]:
    """One `Asking` for each registry; without an adapter where no address is set."""
    seconds = settings.registry_timeout_seconds
    status = Address(settings.business_status_url, settings.newest_text("business_status_key"))
    certificates = Address(settings.certificates_url, settings.newest_text("certificates_key"))
    adapters: dict[Registry, RegistryAdapter] = {}
    if status.url:
        adapters[Registry.BUSINESS_STATUS] = BusinessStatusRegistry(status, seconds)
    if certificates.url:
        adapters[Registry.CERTIFICATES] = CertificateRegistry(certificates, seconds)
    gate = Gate(
        calls_per_second=settings.registry_calls_per_second,
        failures_to_open=settings.registry_failures,
        first_pause=settings.registry_first_pause_seconds,
        open_pause=settings.registry_open_seconds,
    )
    own = OwnTopic(settings.kafka, runtime.prefix + topics.REGISTRY_ANSWERS.name)
    metrics = RegistryMetrics.of(runtime.metrics.registry)
    return [
        Asking(
            registry=registry,
            adapter=adapters.get(registry),
            gate=gate,
            fresh_for=timedelta(hours=settings.registry_fresh_hours),
            own=own,
            outbox=outbox,
            clock=clock,
            metrics=metrics,
            chance=random.random,
        )
        for registry in Registry
    ]


async def _ask(asking: Asking, runtime: Runtime) -> None:
    await asking.ask(runtime.pool)
