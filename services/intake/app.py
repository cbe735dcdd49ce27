"""Intake's wiring: the only place that makes its clock, pool, producer and routes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer
from fastapi import FastAPI
from starlette.routing import Route

from services.intake import jobs
from services.intake.adapters.identity.port import ApplicantIdentity, NobodyAsked
from services.intake.adapters.identity.tax_service import TaxService
from services.intake.adapters.spreadsheets.bounds import Bounds
from services.intake.adapters.spreadsheets.reader import SheetReader
from services.intake.api import (
    act_ends,
    act_views,
    acts,
    announcements,
    appeals,
    applications,
    contacts,
    contests,
    desks,
    identity,
    institutions,
    overview,
    releases,
    renewals,
    rounds,
    scores,
    uploads,
    withdrawal,
)
from services.intake.api.closed import ClosedWhile
from services.intake.api.inboxes import answer_settled
from services.intake.api.inboxes import router as inboxes_router
from services.intake.api.state import AUDITOR, OFFICER, OPERATOR, Intake, holder
from services.intake.api.submission import OPENAPI, submit_application
from services.intake.handlers.inboxes import FETCH_BYTES, InboxReader
from services.intake.handlers.outcomes import keep_deliveries, keep_milestones, keep_results, keep_verdicts
from services.intake.settings import IntakeSettings
from services.intake.usecases.access_events import TellAccess
from services.intake.usecases.admission import Admission
from services.intake.usecases.announcement import announce_cuts
from services.intake.usecases.clock_offset import ClockOffset
from services.intake.usecases.fitness import Fitnesses
from services.intake.usecases.identity import Identities
from services.intake.usecases.inbox_watch import InboxWatch
from services.intake.usecases.invitations import forget_refused
from services.intake.usecases.repairs import Repairs
from services.intake.usecases.restore import Restore
from shared.clock import SystemClock
from shared.contracts import topics
from shared.kafka.in_turns import InTurns
from shared.service.audit_api import audit_router
from shared.service.audit_heads import sign_head
from shared.service.http import add_service_routes, service_app
from shared.service.kept_answers import KeptAnswers
from shared.service.keys import SigningKey
from shared.service.keys_api import keys_router
from shared.service.outbox import OutboxPublisher
from shared.service.parked_api import parked_router
from shared.service.registry_calls import Address
from shared.service.runtime import Runtime

SERVICE = "intake"
ANSWERS: Final = Path(__file__).with_name("answers.json")


def create_app(settings: IntakeSettings) -> FastAPI:
    clock = SystemClock()
    runtime = Runtime(SERVICE, settings)
    outbox = OutboxPublisher(runtime.producer)
    signing = SigningKey(settings.signing_key())
    port: ApplicantIdentity = NobodyAsked()
    if settings.identity_url:
        address = Address(settings.identity_url, settings.identity_key.get_secret_value())
        port = TaxService(address, settings.identity_seconds)
    admission = Admission(outbox, signing, settings.group_size, settings.waiting_submissions)

    def inbox_consumer() -> InTurns:
        """What it reads is leased, and where it stands is in the database."""
        return InTurns(settings.kafka.client_arguments(), FETCH_BYTES)

    def own_consumer() -> AIOKafkaConsumer:
        """Of topics whose offsets are looked at, or kept, here; without a group too."""
        return AIOKafkaConsumer(
            enable_auto_commit=False, auto_offset_reset="earliest", **settings.kafka.client_arguments()
        )

    sheets = SheetReader(
        Bounds(
            rows=settings.upload_rows,
            unpacked_bytes=settings.upload_unpacked_bytes,
            seconds=settings.upload_seconds,
            memory_bytes=settings.upload_memory_bytes,
        )
    )
    watch = InboxWatch(settings.kafka, own_consumer, runtime.metrics.registry)
    inboxes = InboxReader(inbox_consumer, runtime.prefix, outbox, clock.now, watch)

    def end_process() -> None:
        app.state.exit_code = 1
        app.state.server.should_exit = True

    restore = Restore(own_consumer, runtime.prefix, outbox, clock.now, signing.signer, end_process)

    runtime.consume(topics.MILESTONES, keep_milestones)
    runtime.consume(topics.VERDICTS, keep_verdicts)
    runtime.consume(topics.SELECTIONS, keep_results)
    runtime.consume(topics.DELIVERIES, keep_deliveries)
    runtime.consume(topics.REPAIRS, Repairs(clock.now).answer)
    runtime.publishes(topics.REPAIRS)
    runtime.publishes(topics.AUDIT_HEADS)
    for topic in topics.READ_BACK[SERVICE]:
        runtime.publishes(topic)
    for topic in (topics.inbox("{institution}"), topics.outbox("{institution}")):
        runtime.publishes(topic)
    for topic in (*topics.READ_BACK[SERVICE], topics.inbox("{institution}"), topics.outbox("{institution}")):
        runtime.reads(topic)

    offset = ClockOffset(clock, timedelta(seconds=settings.clock_offset_seconds), runtime.metrics.registry)
    runtime.needs("clock", offset.missing)
    runtime.needs("restore", restore.missing)
    runtime.job("restore", lambda: restore.keep(runtime.pool), 1)
    runtime.job("clock", lambda: offset.measure(runtime.pool), 10)
    runtime.job("admission", restore.once_open(lambda: admission.write_groups(runtime.pool)), 0)
    runtime.job("audit head", lambda: sign_head(SERVICE, runtime.pool, outbox, signing, clock), 1)
    runtime.job("outbox", lambda: outbox.publish_handed(runtime.pool), 0)
    runtime.job("outbox sweep", lambda: outbox.sweep(runtime.pool), 2)
    runtime.job("inboxes", restore.once_open(lambda: inboxes.read(runtime.pool)), 0.5)
    runtime.job("inbox watch", lambda: watch.look(runtime.pool), 5)

    def clocked(name: str, job: Callable[..., Awaitable[None]], every: float, *more: object) -> None:
        """What the clock moves, round by round."""
        apart = runtime.by_round(name)
        runtime.job(name, restore.once_open(lambda: job(runtime.pool, outbox, clock, *more, apart)), every)

    clocked("cuts", announce_cuts, 0.2)
    clocked("opening", jobs.open_due, 0.1, signing)
    clocked("freeze", jobs.freeze_due, 0.1, settings, watch)
    clocked("finality", jobs.finalize_due, 5)
    clocked("sources", jobs.record_due_sources, 0.1)
    runtime.job("refused", lambda: forget_refused(runtime.pool, outbox, clock), 5)
    access = TellAccess(outbox, clock, settings.operator_token_hash)
    runtime.job("access", restore.once_open(lambda: access.tell(runtime.pool)), 5)
    runtime.job("unused tokens", lambda: jobs.forget_unused_tokens(runtime.pool, outbox, clock), 60)
    runtime.job("late entries", lambda: jobs.forget_late_entries(runtime.pool, clock), 60)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with runtime.open(app):
            yield

    app = service_app("Firstbuy intake", lifespan, ANSWERS, {"/rounds/{round}/applications": {"post": OPENAPI}})
    app.state.kept = KeptAnswers(settings.kept_bytes)
    app.add_middleware(ClosedWhile, missing=restore.missing)
    app.state.intake = Intake(
        runtime, settings, clock, outbox, admission, signing, watch, sheets, Fitnesses(), Identities(port)
    )
    app.router.routes.append(Route("/rounds/{round}/applications", submit_application, methods=["POST"]))
    audit_log = audit_router(
        SERVICE, lambda: runtime.pool, lambda request: holder(request, AUDITOR, OFFICER, OPERATOR), public=False
    )
    public_keys = keys_router(signing, lambda: runtime.pool)
    parked = parked_router(
        SERVICE,
        lambda: runtime.pool,
        outbox,
        clock,
        lambda request: holder(request, AUDITOR, OFFICER, OPERATOR),
        lambda request: holder(request, OPERATOR),
        partial(answer_settled, runtime.prefix),
    )
    for router in (
        announcements.router,
        rounds.router,
        acts.router,
        contests.router,
        act_ends.router,
        act_views.router,
        appeals.router,
        scores.router,
        applications.router,
        withdrawal.router,
        identity.router,
        renewals.router,
        contacts.router,
        desks.router,
        releases.router,
        uploads.router,
        institutions.router,
        overview.router,
        inboxes_router,
        public_keys,
        audit_log,
        parked,
    ):
        app.include_router(router)
    largest = max(settings.body_bytes, settings.upload_bytes, scores.FILE_BYTES)
    add_service_routes(app, runtime, runtime.metrics.registry, largest, settings.http_body_seconds)
    return app
