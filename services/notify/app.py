"""Notify's wiring: the only place that creates its clock, pool, producer and mail server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from prometheus_client import Counter

from services.notify import handlers, jobs
from services.notify.adapters.channels import ChannelAdapter, MailAdapter, OutboxAdapter, chance
from services.notify.adapters.composing import Composer, Sender
from services.notify.adapters.mailserver import MailServer
from services.notify.adapters.pacing import Pace
from services.notify.adapters.receivers import Receivers
from services.notify.adapters.rendering import Renderer
from services.notify.adapters.webhooks import WebhookAdapter
from services.notify.api import progress
from services.notify.api.disowning import disowning_router
from services.notify.api.entry_page import entry_router
from services.notify.api.failures import failures_router
from services.notify.api.returning import BOUNCE_BYTES, RETURN_OUTCOMES, forget_erased, returning_router
from services.notify.api.suppressions import suppressions_router
from services.notify.domain.attempts import Persistence
from services.notify.domain.quiet import QuietHours
from services.notify.settings import NotifySettings
from services.notify.usecases.delivery_metrics import DeliveryMetrics
from services.notify.usecases.noting import Noting
from services.notify.usecases.recording import Recording
from services.notify.usecases.replay_gate import ReplayGate
from services.notify.usecases.sending import Claims, Sending
from shared.clock import Clock, SystemClock
from shared.contracts import topics
from shared.kafka.own import OwnTopic
from shared.service.access import AUDITOR, OFFICER, OPERATOR, Access, keep_access
from shared.service.audit_api import audit_router
from shared.service.audit_heads import sign_head
from shared.service.http import add_service_routes, service_app
from shared.service.keys import SigningKey
from shared.service.keys_api import keys_router
from shared.service.outbox import OutboxPublisher
from shared.service.parked_api import parked_router
from shared.service.runtime import Runtime

SERVICE = "notify"
MIGRATIONS: Final = Path(__file__).parent / "migrations"
ANSWERS: Final = Path(__file__).with_name("answers.json")
MAIL_LOOPS = 2  # one records what it sent while the other sends
WEBHOOK_LOOPS = 4  # a slow receiver holds up one of them


def create_app(settings: NotifySettings) -> FastAPI:
    """The notify service: consumers, periodic jobs and routes around one runtime."""
    clock = SystemClock()
    runtime = Runtime(SERVICE, settings, MIGRATIONS)
    outbox = OutboxPublisher(runtime.producer)
    signing = SigningKey.of(settings)
    server = MailServer(lambda: settings.newest().mail_server, settings.mail_connections, settings.smtp_timeout_seconds)
    receivers = Receivers(
        settings.webhook_connections,
        settings.webhook_timeout_seconds,
        clock.now,
        private=settings.private_webhooks,
    )
    renderer = Renderer()
    gate = ReplayGate(OwnTopic(settings.kafka, runtime.prefix + topics.DELIVERIES.name))
    _consume(runtime)
    _schedule_owing(runtime, settings, clock)
    _schedule_gated(runtime, settings, outbox, clock, gate)
    _schedule_sending(runtime, gate, _channels(runtime, settings, outbox, clock, server, receivers, renderer))
    runtime.job("audit head", lambda: sign_head(SERVICE, runtime.pool, outbox, signing, clock), 1)
    runtime.job("outbox", lambda: outbox.publish_handed(runtime.pool), 0)
    runtime.job("outbox sweep", lambda: outbox.sweep(runtime.pool), 2)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with runtime.open(app):
                yield
        finally:
            await server.close()
            await receivers.close()

    app = service_app("Firstbuy notify", lifespan, ANSWERS)
    app.state.runtime = runtime
    app.include_router(progress.router)
    app.include_router(keys_router(signing, lambda: runtime.pool))
    app.include_router(disowning_router(lambda: runtime.pool, outbox, clock))
    app.include_router(entry_router(lambda: runtime.pool, renderer))
    _include_staff_routes(app, runtime, settings, outbox, clock)
    add_service_routes(app, runtime, runtime.metrics, BOUNCE_BYTES, settings.http_body_seconds)
    return app


def _consume(runtime: Runtime) -> None:
    """Which handler reads each topic, and which topics notify writes."""
    runtime.consume(topics.ROUNDS, handlers.keep_rounds)
    runtime.consume(topics.INSTITUTIONS, handlers.keep_institutions)
    runtime.consume(topics.MILESTONES, handlers.keep_rounds)
    runtime.consume(topics.APPLICATIONS, handlers.take_applications)
    runtime.consume(topics.CONTACTS, handlers.keep_contacts)
    runtime.consume(topics.VERDICTS, handlers.keep_verdicts)
    runtime.consume(topics.SELECTIONS, handlers.take_results)
    runtime.consume(topics.AUDIT_HEADS, handlers.keep_heads)
    runtime.consume(topics.DELIVERIES, handlers.keep_deliveries)
    runtime.consume(topics.ACCESS, keep_access)
    runtime.publishes(topics.DELIVERIES)
    runtime.publishes(topics.AUDIT_HEADS)
    runtime.publishes(topics.outbox("{institution}"))


def _schedule_owing(runtime: Runtime, settings: NotifySettings, clock: Clock) -> None:
    """Jobs that turn what has happened into deliveries, and make deliveries due."""
    runtime.job_by_round("turns", jobs.spread_lifecycle_events, 0.2)
    apart = timedelta(seconds=settings.heads_seconds)
    runtime.job("heads", lambda: jobs.spread_heads(runtime.pool, apart), 1)
    runtime.job_by_round("verdicts", jobs.tell_verdicts, 0.2)
    ahead = timedelta(hours=settings.closing_soon_hours)
    runtime.job_by_round("closes", jobs.remind_of_closes, 0.5, clock, ahead)
    runtime.job("take up", lambda: jobs.take_up(runtime.pool), 0.2)
    runtime.job("share out", lambda: jobs.share_out(runtime.pool, settings.rates), 0.2)
    runtime.job("mail windows", lambda: jobs.forget_windows(runtime.pool), 600)
    runtime.job("erased returns", lambda: forget_erased(runtime.pool), 60)


def _schedule_gated(
    runtime: Runtime, settings: NotifySettings, outbox: OutboxPublisher, clock: Clock, gate: ReplayGate
) -> None:
    """The replay gate, and the jobs that wait for it: they gather or give up what may have been sent before."""
    runtime.needs("told", gate.missing)
    runtime.job("told", lambda: gate.open(runtime.pool), 0.2)
    waited = timedelta(seconds=settings.digest_seconds)
    digests, erased = runtime.by_round("digests"), runtime.by_round("erased")
    runtime.job(
        "digests", gate.once_open(lambda: jobs.gather(runtime.pool, waited, settings.digest_from, digests)), 0.5
    )
    runtime.job("erased", gate.once_open(lambda: jobs.fail_erased(runtime.pool, outbox, clock, erased)), 1)
    runtime.job("disowned", gate.once_open(lambda: jobs.tell_disowned(runtime.pool, outbox, clock)), 1)


@dataclass(frozen=True, slots=True)
class _Channels:
    """What sends on each channel."""

    mails: Sending
    webhooks: Sending
    outboxes: Sending


def _channels(
    runtime: Runtime,
    settings: NotifySettings,
    outbox: OutboxPublisher,
    clock: Clock,
    server: MailServer,
    receivers: Receivers,
    renderer: Renderer,
) -> _Channels:
    sender = Sender(settings.sender_name, settings.sender_address, settings.message_domain, settings.bounce_address)
    persistence = Persistence(timedelta(seconds=settings.retry_seconds), timedelta(hours=settings.horizon_hours))
    claims = Claims(settings.replica, settings.claimed_deliveries, timedelta(seconds=settings.lease_seconds))
    metrics = DeliveryMetrics(runtime.metrics.registry)
    runtime.measures.add(metrics.refresh)

    def sending(adapter: ChannelAdapter, quiet: QuietHours | None = None) -> Sending:
        recording = Recording(
            adapter=adapter,
            persistence=persistence,
            outbox=outbox,
            now=clock.now,
            chance=chance,
            stopping=runtime.stopping,
            metrics=metrics,
        )
        return Sending(
            adapter=adapter,
            claims=claims,
            recording=recording,
            now=clock.now,
            stopping=runtime.stopping,
            quiet=quiet,
        )

    composer = Composer(renderer, sender, settings.selection_url, settings.public_url)

    notes = Noting(lambda: runtime.pool, runtime.stopping)
    mails = MailAdapter(
        server=server,
        composer=composer,
        sender=sender,
        now=clock.now,
        tracing=runtime.tracing,
        pace=Pace(settings.mail_per_second),
        notes=notes,
    )
    webhooks = WebhookAdapter(receivers, persistence, settings.webhook_per_second, clock.now, runtime.tracing, notes)
    outboxes = OutboxAdapter(runtime.producer, clock.now, runtime.tracing)
    return _Channels(sending(mails, settings.quiet), sending(webhooks), sending(outboxes))


def _schedule_sending(runtime: Runtime, gate: ReplayGate, channels: _Channels) -> None:
    for number in range(MAIL_LOOPS):
        runtime.job(f"mail {number}", gate.once_open(lambda: channels.mails.deliver_due(runtime.pool)), 0.1)
    for number in range(WEBHOOK_LOOPS):
        runtime.job(f"webhooks {number}", gate.once_open(lambda: channels.webhooks.deliver_due(runtime.pool)), 0.1)
    runtime.job("notices", gate.once_open(lambda: channels.outboxes.deliver_due(runtime.pool)), 0.1)


def _include_staff_routes(
    app: FastAPI, runtime: Runtime, settings: NotifySettings, outbox: OutboxPublisher, clock: Clock
) -> None:
    """Routes for operators, officers and auditors."""
    access = Access(lambda: runtime.pool, {OPERATOR: settings.newest_text("operator_token_hash")})
    operator, staff = access.admit(OPERATOR), access.admit(AUDITOR, OFFICER, OPERATOR)
    came_back = Counter(
        "firstbuy_returned_mails", "Mails that came back", ["outcome"], registry=runtime.metrics.registry
    )
    for outcome in RETURN_OUTCOMES:
        came_back.labels(outcome)
    proven = bool(settings.bounce_address)
    app.include_router(audit_router(SERVICE, lambda: runtime.pool, staff, public=True))
    app.include_router(failures_router(lambda: runtime.pool, outbox, clock, operator))
    app.include_router(suppressions_router(lambda: runtime.pool, outbox, clock, operator))
    app.include_router(returning_router(lambda: runtime.pool, outbox, clock, operator, came_back, proven=proven))
    app.include_router(parked_router(SERVICE, lambda: runtime.pool, outbox, clock, staff, operator, runtime.redrive))
