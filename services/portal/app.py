"""The portal's wiring: the only place that creates its clients."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from services.portal.adapters.pages import Pages
from services.portal.adapters.services import ServiceAwayError, Services, UnknownThereError
from services.portal.api import feeds, public, verifying
from services.portal.api.answers import error_page
from services.portal.api.forms import FORM_BYTES
from services.portal.settings import PortalSettings
from services.portal.usecases.public import NamesASeriesError, Public
from shared.service.http import add_process_routes, service_app
from shared.service.problems import Problem
from shared.service.telemetry import open_metrics

SERVICE: Final = "portal"
_log = structlog.get_logger()


class Health:
    """The portal has no consumer and no database: it is live as long as it answers, and ready once it can ask."""

    def __init__(self) -> None:
        self.opened = False

    def live(self) -> dict[str, str]:
        return {}

    async def ready(self) -> dict[str, str]:
        return {} if self.opened else {"start": "not started"}


def create_app(settings: PortalSettings) -> FastAPI:
    """Pages and assets around one client of each service."""
    health = Health()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with Services(settings.services, settings.service_seconds) as services:
            app.state.services = services
            app.state.public = Public(services, settings.fresh_seconds, settings.kept_seconds)
            health.opened = True
            yield

    app = service_app("Firstbuy portal", lifespan)
    app.state.settings = settings
    app.state.pages = Pages()
    app.include_router(public.router)
    app.include_router(feeds.router)
    app.include_router(verifying.router)
    metrics = open_metrics(SERVICE, settings.replica)
    add_process_routes(app, health, metrics, FORM_BYTES, settings.http_body_seconds)
    _show_errors(app)
    return app


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
    app.add_exception_handler(ServiceAwayError, on_away)
    app.add_exception_handler(Exception, on_fault)
