"""The portal's wiring: the only place that creates its clients, its pool and its clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import structlog
from asyncpg import CharacterNotInRepertoireError
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from services.portal.adapters.mail import Mailer
from services.portal.adapters.pages import Pages
from services.portal.adapters.sealing import Sealing
from services.portal.adapters.services import RefusedThereError, ServiceAwayError, Services, UnknownThereError
from services.portal.api import (
    applications,
    documents,
    drafts,
    feeds,
    public,
    signing_in,
    statistics,
    submitting,
    verifying,
)
from services.portal.api.answers import error_page
from services.portal.api.sessions import Own, SignedOutError
from services.portal.domain.signing_in import LinkRates
from services.portal.settings import PortalSettings
from services.portal.usecases.attaching import Attaching
from services.portal.usecases.drafting import BecameAnApplicationError, Drafting, NoDraftError
from services.portal.usecases.entries import Entries, NoEntryError
from services.portal.usecases.public import NamesASeriesError, Public
from services.portal.usecases.signing_in import SigningIn
from services.portal.usecases.submitting import Submitting
from shared.clock import Clock, SystemClock
from shared.service.database import Database
from shared.service.http import add_process_routes, service_app
from shared.service.postgres import DatabaseAwayError
from shared.service.problems import Problem
from shared.service.repeating import Job, repeat
from shared.service.telemetry import open_metrics

SERVICE: Final = "portal"
MIGRATIONS: Final = Path(__file__).with_name("migrations")
_log = structlog.get_logger()


class Health:
    """The portal has no consumer: it is live as long as it answers, and ready once it can ask. What is public is shown
    without its database too."""

    def __init__(self) -> None:
        self.opened = False

    def live(self) -> dict[str, str]:
        return {}

    async def ready(self) -> dict[str, str]:
        return {} if self.opened else {"start": "not started"}


def create_app(settings: PortalSettings) -> FastAPI:
    """Pages and assets around one client of each service, and a database for what is a page's own."""
    health, clock = Health(), SystemClock()
    database = Database(settings, SERVICE, MIGRATIONS)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with Services(settings.services, settings.service_seconds) as services, database.opened():
            app.state.services = services
            app.state.public = Public(services, settings.fresh_seconds, settings.kept_seconds)
            app.state.own = _own(settings, database, services, clock)
            jobs = _started_jobs(app.state.own, app.state.public, settings)
            health.opened = True
            try:
                yield
            finally:
                for job in jobs:
                    job.cancel()
                await asyncio.gather(*jobs, return_exceptions=True)

    app = service_app("Firstbuy portal", lifespan)
    app.state.settings = settings
    app.state.pages = Pages()
    anybodys = (public.router, statistics.router, feeds.router, verifying.router)
    of_accounts = (signing_in.router, documents.router, submitting.router, drafts.router, applications.router)
    for router in (*anybodys, *of_accounts):
        app.include_router(router)
    metrics = open_metrics(SERVICE, settings.replica)
    add_process_routes(app, health, metrics, documents.LARGEST_UPLOAD, settings.http_body_seconds)
    _show_errors(app)
    _lead_on(app)
    return app


def _own(settings: PortalSettings, database: Database, services: Services, clock: Clock) -> Own:
    """What the pages of an account share."""
    mailer = Mailer(
        lambda: settings.newest().mail_server,
        settings.sender_name,
        settings.sender_address,
        settings.smtp_timeout_seconds,
    )
    sealing = Sealing(lambda: settings.newest().sealing_keys)
    edge = settings.newest_text("edge_token")
    return Own(
        clock=clock,
        signing_in=SigningIn(database, mailer, clock, LinkRates(), timedelta(hours=settings.session_hours)),
        drafting=Drafting(database, clock),
        attaching=Attaching(database, services, clock, edge),
        submitting=Submitting(database, services, sealing, clock, edge),
        entries=Entries(database, services, sealing, clock),
    )


def _started_jobs(own: Own, public_pages: Public, settings: PortalSettings) -> list[asyncio.Task[None]]:
    kept = timedelta(days=settings.draft_days)
    jobs: tuple[tuple[str, Job, float], ...] = (
        ("sends", own.submitting.resume, 1),
        ("forgets links", own.signing_in.forget, 600),
        ("forgets drafts", lambda: own.drafting.forget(public_pages, kept), 3600),
    )
    return [asyncio.create_task(repeat(*job), name=job[0]) for job in jobs]


def _show_errors(app: FastAPI) -> None:
    """People get pages where the services' APIs answer with problems."""

    async def on_problem(request: Request, error: Exception) -> Response:
        return error_page(request, error.status if isinstance(error, Problem) else 500)

    async def on_http(request: Request, error: Exception) -> Response:
        return error_page(request, error.status_code if isinstance(error, HTTPException) else 500)

    async def on_series(request: Request, error: Exception) -> Response:
        assert isinstance(error, NamesASeriesError)  # noqa: S101 -- registered for this class
        return RedirectResponse(f"/rounds/{error.cut}", 302)

    async def on_unknown(request: Request, error: Exception) -> Response:
        return error_page(request, 404)

    async def on_away(request: Request, error: Exception) -> Response:
        _log.warning("a service does not answer", path=request.url.path, error=str(error))
        return error_page(request, 503)

    async def on_fault(request: Request, error: Exception) -> Response:
        return error_page(request, 500)

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(NamesASeriesError, on_series)
    app.add_exception_handler(UnknownThereError, on_unknown)
    app.add_exception_handler(CharacterNotInRepertoireError, on_unknown)  # a NUL in an address
    app.add_exception_handler(ServiceAwayError, on_away)
    app.add_exception_handler(Exception, on_fault)


def _lead_on(app: FastAPI) -> None:
    """Where somebody goes who is not signed in, or names what is not theirs."""

    async def on_signed_out(request: Request, error: Exception) -> Response:
        assert isinstance(error, SignedOutError)  # noqa: S101 -- registered for this class
        return RedirectResponse(f"/sign-in?{urlencode({'back': error.back})}", 303)

    async def on_not_theirs(request: Request, error: Exception) -> Response:
        return error_page(request, 404)

    async def on_sent(request: Request, error: Exception) -> Response:
        assert isinstance(error, BecameAnApplicationError)  # noqa: S101
        return RedirectResponse(f"/drafts/{error.draft}", 303)

    async def on_refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedThereError)  # noqa: S101
        return error_page(request, error.status)

    async def on_away(request: Request, error: Exception) -> Response:
        _log.warning("answers without the database", path=request.url.path, error=str(error))
        return error_page(request, 503)

    app.add_exception_handler(SignedOutError, on_signed_out)
    app.add_exception_handler(NoDraftError, on_not_theirs)
    app.add_exception_handler(NoEntryError, on_not_theirs)
    app.add_exception_handler(BecameAnApplicationError, on_sent)
    app.add_exception_handler(RefusedThereError, on_refused)
    app.add_exception_handler(DatabaseAwayError, on_away)
