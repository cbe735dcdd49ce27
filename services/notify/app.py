"""Notify's wiring: the only place that makes its clock, pool, producer and mail server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from prometheus_client import Counter

from services.notify import handlers, jobs
from services.notify.adapters.channels import MailWay, OutboxWay, Way, chance
from services.notify.adapters.composing import Composer, Sender
from services.notify.adapters.mailserver import MailServer
from services.notify.adapters.pacing import Pace
from services.notify.adapters.receivers import Receivers
from services.notify.adapters.rendering import Renderer
from services.notify.adapters.webhooks import WebhookWay
from services.notify.api import progress
from services.notify.api.disowning import disowning_router
from services.notify.api.entry_page import entry_router
from services.notify.api.operating import operating_router
from services.notify.api.returning import BOUNCE_BYTES, forget_erased, returning_router
from services.notify.domain.attempts import Persistence
from services.notify.domain.quiet import QuietHours
from services.notify.settings import NotifySettings
from services.notify.usecases.recording import Recording
from services.notify.usecases.replay_gate import Told
from services.notify.usecases.sending import Claims, Sending
from shared.clock import SystemClock
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
ANSWERS: Final = Path(__file__).with_name("answers.json")
MAIL_LOOPS = 2  # while one records what it sent, the other sends
WEBHOOK_LOOPS = 4  # a receiver that lets one wait for its answer holds up one


def create_app(settings: NotifySettings) -> FastAPI:
    clock = SystemClock()
    runtime = Runtime(SERVICE, settings)
    outbox = OutboxPublisher(runtime.producer)
    signing = SigningKey(settings.signing_key())
    sender = Sender(settings.sender_name, settings.sender_address, settings.message_domain, settings.bounce_address)
    server = MailServer(settings.mail_server, settings.mail_connections, settings.smtp_timeout_seconds)
    receivers = Receivers(
        settings.webhook_connections,
        settings.webhook_timeout_seconds,
        clock.now,
        private=settings.private_webhooks,
    )
    persistence = Persistence(timedelta(seconds=settings.retry_seconds), timedelta(hours=settings.horizon_hours))
    claims = Claims(
        settings.replica,
        settings.claimed_deliveries,
        timedelta(seconds=settings.lease_seconds),
    )
    settled = Counter(
        "firstbuy_notices", "Attempts settled", ["kind", "channel", "state"], registry=runtime.metrics.registry
    )
    came_back = Counter(
        "firstbuy_returned_mails", "Mails that came back", ["outcome"], registry=runtime.metrics.registry
    )

    def sending(way: Way, quiet: QuietHours | None = None) -> Sending:
        recording = Recording(way, persistence, outbox, clock.now, chance, runtime.stopping, settled)
        return Sending(way, claims, recording, clock.now, runtime.stopping, quiet)

    renderer = Renderer()
    composer = Composer(renderer, sender, settings.selection_url, settings.public_url)
    pace = Pace(settings.mail_per_second)
    mails = sending(MailWay(server, composer, sender, clock.now, runtime.tracing, pace), settings.quiet)
    notices = sending(OutboxWay(runtime.producer, clock.now, runtime.tracing))
    webhooks = sending(WebhookWay(receivers, persistence, settings.webhook_per_second, clock.now, runtime.tracing))

    runtime.consume(topics.ROUNDS, handlers.keep_rounds)
    runtime.consume(topics.INSTITUTIONS, handlers.keep_institutions)
    runtime.consume(topics.MILESTONES, handlers.keep_rounds)
    runtime.consume(topics.APPLICATIONS, handlers.take_applications)
    runtime.consume(topics.CONTACTS, handlers.keep_contacts)
    runtime.consume(topics.VERDICTS, handlers.keep_verdicts)
    runtime.consume(topics.SELECTIONS, handlers.take_results)
    runtime.consume(topics.AUDIT_HEADS, handlers.keep_heads)
    runtime.consume(topics.DELIVERIES, handlers.keep_told)
    runtime.consume(topics.ACCESS, keep_access)
    runtime.publishes(topics.DELIVERIES)
    runtime.publishes(topics.AUDIT_HEADS)
    runtime.publishes(topics.outbox("{institution}"))
    runtime.job_by_round("turns", jobs.spread_turns, 0.2)
    apart = timedelta(seconds=settings.heads_seconds)
    runtime.job("heads", lambda: jobs.spread_heads(runtime.pool, apart), 1)
    runtime.job("audit head", lambda: sign_head(SERVICE, runtime.pool, outbox, signing, clock), 1)
    runtime.job_by_round("verdicts", jobs.tell_verdicts, 0.2)
    ahead = timedelta(hours=settings.closing_soon_hours)
    runtime.job_by_round("closes", jobs.remind_of_closes, 0.5, clock, ahead)
    runtime.job("take up", lambda: jobs.take_up(runtime.pool), 0.2)
    runtime.job("share out", lambda: jobs.share_out(runtime.pool, settings.rates), 0.2)
    runtime.job("mail windows", lambda: jobs.forget_windows(runtime.pool), 600)
    gate = Told(OwnTopic(settings.kafka, runtime.prefix + topics.DELIVERIES.name))
    runtime.needs("told", gate.missing)
    runtime.job("told", lambda: gate.open(runtime.pool), 0.2)
    waited = timedelta(seconds=settings.digest_seconds)
    digests, erased = runtime.by_round("digests"), runtime.by_round("erased")
    runtime.job(
        "digests", gate.once_open(lambda: jobs.gather(runtime.pool, waited, settings.digest_from, digests)), 0.5
    )
    runtime.job("erased", gate.once_open(lambda: jobs.fail_erased(runtime.pool, outbox, clock, erased)), 1)
    runtime.job("erased returns", lambda: forget_erased(runtime.pool), 60)
    runtime.job("disowned", gate.once_open(lambda: jobs.tell_disowned(runtime.pool, outbox, clock)), 1)
    for number in range(MAIL_LOOPS):
        runtime.job(f"mail {number}", gate.once_open(lambda: mails.deliver_due(runtime.pool)), 0.1)
    for number in range(WEBHOOK_LOOPS):
        runtime.job(f"webhooks {number}", gate.once_open(lambda: webhooks.deliver_due(runtime.pool)), 0.1)
    runtime.job("notices", gate.once_open(lambda: notices.deliver_due(runtime.pool)), 0.1)
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
    access = Access(lambda: runtime.pool, {OPERATOR: settings.operator_token_hash})
    operator, staff = access.admit(OPERATOR), access.admit(AUDITOR, OFFICER, OPERATOR)
    app.include_router(audit_router(SERVICE, lambda: runtime.pool, staff, public=True))
    app.include_router(operating_router(lambda: runtime.pool, outbox, clock, operator))
    proven = bool(settings.bounce_address)
    app.include_router(returning_router(lambda: runtime.pool, outbox, clock, operator, came_back, proven=proven))
    app.include_router(disowning_router(lambda: runtime.pool, outbox, clock))
    app.include_router(entry_router(lambda: runtime.pool, renderer))
    app.include_router(parked_router(SERVICE, lambda: runtime.pool, outbox, clock, staff, operator))
    add_service_routes(app, runtime, runtime.metrics.registry, BOUNCE_BYTES, settings.http_body_seconds)
    return app
