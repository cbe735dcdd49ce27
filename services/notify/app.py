"""Notify's wiring: the only place that makes its clock, pool, producer and mail server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI
from prometheus_client import Counter

from services.notify import api, duties, handlers
from services.notify.channels import MailWay, OutboxWay, Way, chance
from services.notify.composing import Composer, Sender
from services.notify.domain.attempts import Persistence
from services.notify.mailserver import MailServer
from services.notify.rendering import Renderer
from services.notify.sending import Claims, Sending
from services.notify.settings import NotifySettings
from shared.audit_api import audit_router
from shared.audit_heads import sign_head
from shared.clock import SystemClock
from shared.contracts import topics
from shared.http import add_service_routes
from shared.keys import SigningKey
from shared.keys_api import keys_router
from shared.outbox import OutboxPublisher
from shared.parked_api import holder_of, parked_router
from shared.runtime import Runtime

SERVICE = "notify"
MAIL_LOOPS = 2  # while one records what it sent, the other sends


def create_app(settings: NotifySettings) -> FastAPI:
    clock = SystemClock()
    runtime = Runtime(SERVICE, settings)
    outbox = OutboxPublisher(runtime.producer)
    signing = SigningKey(settings.signing_key())
    sender = Sender(settings.sender_name, settings.sender_address, settings.message_domain)
    server = MailServer(
        settings.mail_server, settings.sender_address, settings.mail_connections, settings.smtp_timeout_seconds
    )
    claims = Claims(
        settings.replica,
        settings.claimed_deliveries,
        timedelta(seconds=settings.lease_seconds),
        Persistence(timedelta(seconds=settings.retry_seconds), timedelta(hours=settings.horizon_hours)),
    )
    settled = Counter(
        "firstbuy_notices", "Attempts settled", ["kind", "channel", "state"], registry=runtime.metrics.registry
    )

    def sending(way: Way) -> Sending:
        return Sending(way, claims, outbox, clock.now, chance, runtime.stopping, settled)

    mails = sending(
        MailWay(server, Composer(Renderer(), sender, settings.selection_url), sender, clock.now, runtime.tracing)
    )
    notices = sending(OutboxWay(runtime.producer, clock.now, runtime.tracing))

    runtime.consume(topics.ROUNDS, handlers.keep_rounds)
    runtime.consume(topics.INSTITUTIONS, handlers.keep_institutions)
    runtime.consume(topics.MILESTONES, handlers.keep_rounds)
    runtime.consume(topics.APPLICATIONS, handlers.take_applications)
    runtime.consume(topics.CONTACTS, handlers.keep_contacts)
    runtime.consume(topics.VERDICTS, handlers.keep_verdicts)
    runtime.consume(topics.SELECTIONS, handlers.take_results)
    runtime.consume(topics.AUDIT_HEADS, handlers.keep_heads)
    runtime.publishes(topics.DELIVERIES)
    runtime.publishes(topics.AUDIT_HEADS)
    runtime.publishes(topics.outbox("{institution}"))
    runtime.duty("turns", lambda: duties.spread_turns(runtime.pool), 0.2)
    apart = timedelta(seconds=settings.heads_seconds)
    runtime.duty("heads", lambda: duties.spread_heads(runtime.pool, apart), 1)
    runtime.duty("audit head", lambda: sign_head(SERVICE, runtime.pool, outbox, signing, clock), 1)
    runtime.duty("take up", lambda: duties.take_up(runtime.pool), 0.2)
    runtime.duty("erased", lambda: duties.fail_erased(runtime.pool, outbox, clock), 1)
    for number in range(MAIL_LOOPS):
        runtime.duty(f"mail {number}", lambda: mails.deliver_due(runtime.pool), 0.1)
    runtime.duty("notices", lambda: notices.deliver_due(runtime.pool), 0.1)
    runtime.duty("outbox", lambda: outbox.publish_handed(runtime.pool), 0)
    runtime.duty("outbox sweep", lambda: outbox.sweep(runtime.pool), 2)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with runtime.open(app):
                yield
        finally:
            await server.close()

    app = FastAPI(title="Firstbuy notify", version="1", lifespan=lifespan)
    app.state.runtime = runtime
    app.include_router(api.router)
    app.include_router(audit_router(SERVICE, lambda: runtime.pool))
    app.include_router(keys_router(signing, lambda: runtime.pool))
    operator = holder_of(settings.operator_token_hash, SERVICE)
    app.include_router(parked_router(SERVICE, lambda: runtime.pool, outbox, clock, operator, operator))
    add_service_routes(app, runtime, runtime.metrics.registry)
    return app
