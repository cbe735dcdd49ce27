"""Intake's wiring: the only module that makes its clock, pool, producer and routes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer
from fastapi import FastAPI
from starlette.routing import Route

from services.intake import jobs
from services.intake.adapters.documents.inspector import InspectionLimits, Inspector
from services.intake.adapters.documents.object_store import store_of
from services.intake.adapters.documents.virus import scanner_of
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
    document_reading,
    documents,
    identity,
    institutions,
    notification_contacts,
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
from services.intake.domain.documents import DocumentLimits
from services.intake.handlers.inboxes import FETCH_BYTES, InboxReader
from services.intake.handlers.outcomes import keep_deliveries, keep_milestones, keep_results, keep_verdicts
from services.intake.settings import IntakeSettings
from services.intake.usecases.access_events import AccessPublisher
from services.intake.usecases.admission import Admission
from services.intake.usecases.announcement import announce_cuts
from services.intake.usecases.clock_offset import ClockOffset
from services.intake.usecases.document_metrics import DocumentMetrics
from services.intake.usecases.document_sweep import sweep_documents, sweep_objects
from services.intake.usecases.documents import Documents
from services.intake.usecases.fitness import Fitnesses
from services.intake.usecases.identity import Identities
from services.intake.usecases.inbox_watch import InboxWatch
from services.intake.usecases.invitations import forget_refused
from services.intake.usecases.repairs import Repairs
from services.intake.usecases.restore import Restore
from services.intake.usecases.round_metrics import RoundMetrics
from shared.clock import SystemClock
from shared.contracts import topics
from shared.kafka.read_slots import FairReader
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
MIGRATIONS: Final = Path(__file__).parent / "migrations"
ANSWERS: Final = Path(__file__).with_name("answers.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Workers:
    """What the periodic jobs call, beside the state that routes share."""

    inboxes: InboxReader
    restore: Restore
    clock_offset: ClockOffset


def create_app(settings: IntakeSettings) -> FastAPI:
    """Intake's HTTP application, with its consumers and periodic jobs, which run while it does."""
    state = _state(settings)
    runtime = state.runtime

    def end_process() -> None:
        app.state.exit_code = 1
        app.state.server.should_exit = True

    workers = _Workers(
        inboxes=InboxReader(_inbox_consumer(settings), runtime.prefix, state.outbox, state.clock.now, state.watch),
        restore=Restore(
            make_consumer=_own_consumer(settings),
            prefix=runtime.prefix,
            outbox=state.outbox,
            now=state.clock.now,
            make_key=state.signing.signer,
            end=end_process,
        ),
        clock_offset=ClockOffset(
            state.clock, timedelta(seconds=settings.clock_offset_seconds), runtime.metrics.registry
        ),
    )
    _add_topics(state)
    runtime.needs("clock", workers.clock_offset.missing)
    runtime.needs("restore", workers.restore.missing)
    _add_jobs(state, workers)
    _add_jobs_by_round(state, workers.restore)
    runtime.measures.add(RoundMetrics(state.clock, runtime.metrics.registry).refresh)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with runtime.open(app):
            yield

    app = service_app("Firstbuy intake", lifespan, ANSWERS, {"/rounds/{round}/applications": {"post": OPENAPI}})
    app.state.kept = KeptAnswers(settings.kept_bytes)
    app.add_middleware(ClosedWhile, missing=workers.restore.missing)
    app.state.intake = state
    _add_routes(app, state)
    largest = max(settings.body_bytes, settings.upload_bytes, scores.FILE_BYTES, settings.document_bytes)
    add_service_routes(app, runtime, runtime.metrics, largest, settings.http_body_seconds)
    return app


def _state(settings: IntakeSettings) -> Intake:
    runtime = Runtime(SERVICE, settings, MIGRATIONS)
    outbox = OutboxPublisher(runtime.producer)
    signing = SigningKey.of(settings)
    bounds = Bounds(
        rows=settings.upload_rows,
        unpacked_bytes=settings.upload_unpacked_bytes,
        seconds=settings.upload_seconds,
        memory_bytes=settings.upload_memory_bytes,
    )
    return Intake(
        runtime=runtime,
        settings=settings,
        clock=SystemClock(),
        outbox=outbox,
        admission=Admission(outbox, signing, settings.group_size, settings.waiting_submissions),
        signing=signing,
        watch=InboxWatch(settings.kafka, _own_consumer(settings), runtime.metrics.registry),
        sheets=SheetReader(bounds),
        fitnesses=Fitnesses(),
        documents=_documents(settings, runtime),
        identities=Identities(_identity_port(settings)),
    )


def _documents(settings: IntakeSettings, runtime: Runtime) -> Documents:
    limits = DocumentLimits(
        file_bytes=settings.document_bytes,
        application_bytes=settings.application_documents_bytes,
        network_bytes=settings.network_documents_bytes,
        waiting_bytes=settings.waiting_documents_bytes,
    )
    inspector = Inspector(InspectionLimits(settings.document_seconds, settings.document_memory_bytes))
    scanner, metrics = scanner_of(settings.document_clamd), DocumentMetrics(runtime.metrics.registry)
    runtime.measures.add(metrics.refresh)
    return Documents(store_of(settings), inspector, scanner, limits, settings.document_uploads, metrics.count)


def _identity_port(settings: IntakeSettings) -> ApplicantIdentity:
    """The tax service, or nobody where no address is set."""
    if not settings.identity_url:
        return NobodyAsked()
    address = Address(settings.identity_url, settings.newest_text("identity_key"))
    return TaxService(address, settings.identity_seconds)


def _inbox_consumer(settings: IntakeSettings) -> Callable[[], FairReader]:
    """Makes consumers without a group: inboxes are leased, and their offsets are in the database."""
    return lambda: FairReader(settings.kafka.client_arguments(), FETCH_BYTES)


def _own_consumer(settings: IntakeSettings) -> Callable[[], AIOKafkaConsumer]:
    """Makes consumers of topics whose offsets intake looks up, or keeps, itself; without a group too."""
    return lambda: AIOKafkaConsumer(
        enable_auto_commit=False, auto_offset_reset="earliest", **settings.kafka.client_arguments()
    )


def _add_topics(state: Intake) -> None:
    runtime = state.runtime
    runtime.consume(topics.MILESTONES, keep_milestones)
    runtime.consume(topics.VERDICTS, keep_verdicts)
    runtime.consume(topics.SELECTIONS, keep_results)
    runtime.consume(topics.DELIVERIES, keep_deliveries)
    runtime.consume(topics.REPAIRS, Repairs(state.clock.now).answer)
    runtime.publishes(topics.REPAIRS)
    runtime.publishes(topics.AUDIT_HEADS)
    of_institutions = topics.inbox("{institution}"), topics.outbox("{institution}")
    for topic in (*topics.READ_BACK[SERVICE], *of_institutions):
        runtime.publishes(topic)
        runtime.reads(topic)


def _add_jobs(state: Intake, workers: _Workers) -> None:
    runtime, outbox, clock, restore = state.runtime, state.outbox, state.clock, workers.restore
    access = AccessPublisher(outbox, clock, state.settings.newest_text("operator_token_hash"))
    runtime.job("restore", lambda: restore.keep(runtime.pool), 1)
    runtime.job("clock", lambda: workers.clock_offset.measure(runtime.pool), 10)
    runtime.job("admission", restore.once_open(lambda: state.admission.write_groups(runtime.pool)), 0)
    runtime.job("audit head", lambda: sign_head(SERVICE, runtime.pool, outbox, state.signing, clock), 1)
    runtime.job("outbox", lambda: outbox.publish_handed(runtime.pool), 0)
    runtime.job("outbox sweep", lambda: outbox.sweep(runtime.pool), 2)
    runtime.job("inboxes", restore.once_open(lambda: workers.inboxes.read(runtime.pool)), 0.5)
    runtime.job("inbox watch", lambda: state.watch.look(runtime.pool), 5)
    runtime.job("refused", lambda: forget_refused(runtime.pool, outbox, clock), 5)
    runtime.job("access", restore.once_open(lambda: access.publish(runtime.pool)), 5)
    runtime.job("unused tokens", lambda: jobs.forget_unused_tokens(runtime.pool, outbox, clock), 60)
    store = state.documents.store
    runtime.job("documents", restore.once_open(lambda: sweep_documents(runtime.pool, store, clock)), 60)
    runtime.job("stored objects", restore.once_open(lambda: sweep_objects(runtime.pool, store, clock)), 3600)
    runtime.job("late entries", lambda: jobs.forget_late_entries(runtime.pool, clock), 60)


def _add_jobs_by_round(state: Intake, restore: Restore) -> None:
    """Jobs that move rounds by the clock, each round by itself."""
    runtime = state.runtime

    def add(name: str, job: Callable[..., Awaitable[None]], every: float, *more: object) -> None:
        by_round = runtime.by_round(name)
        once_open = restore.once_open(lambda: job(runtime.pool, state.outbox, state.clock, *more, by_round))
        runtime.job(name, once_open, every)

    add("cuts", announce_cuts, 0.2)
    add("opening", jobs.open_due, 0.1, state.signing)
    add("freeze", jobs.freeze_due, 0.1, state.settings, state.watch)
    add("finality", jobs.finalize_due, 5)
    add("sources", jobs.record_due_sources, 0.1)


def _add_routes(app: FastAPI, state: Intake) -> None:
    runtime = state.runtime
    app.router.routes.append(Route("/rounds/{round}/applications", submit_application, methods=["POST"]))
    audit_log = audit_router(
        SERVICE, lambda: runtime.pool, lambda request: holder(request, AUDITOR, OFFICER, OPERATOR), public=False
    )
    public_keys = keys_router(state.signing, lambda: runtime.pool)
    parked = parked_router(
        SERVICE,
        lambda: runtime.pool,
        state.outbox,
        state.clock,
        lambda request: holder(request, AUDITOR, OFFICER, OPERATOR),
        lambda request: holder(request, OPERATOR),
        runtime.redrive,
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
        documents.router,
        document_reading.router,
        identity.router,
        renewals.router,
        contacts.router,
        notification_contacts.router,
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
