"""Opens a service behind its HTTP port: health is answered from the first second, everything else once it is open."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.service.problems import problem_response

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
_ALWAYS: Final = ("/health/", "/metrics", "/asyncapi", "/docs", "/openapi.json")
_RETRY_AFTER_SECONDS: Final = "2"
_log = structlog.get_logger()


class Opening:
    """Enters a lifespan in a task of its own, so that the port opens at once. If that fails, the process ends: 1."""

    def __init__(self, opened: Lifespan) -> None:
        self._opened = opened
        self.pending = False
        """True from the beginning of the lifespan until everything is open."""

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """The app's lifespan. Its end cancels what is still being opened."""
        self.pending = True
        ending = asyncio.Event()
        task = asyncio.create_task(self._keep_open(app, ending), name="open")
        try:
            yield
        finally:
            ending.set()
            if self.pending:
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _keep_open(self, app: FastAPI, ending: asyncio.Event) -> None:
        try:
            async with self._opened(app):
                self.pending = False
                await ending.wait()
        except Exception:  # noqa: BLE001 -- reported, and the process ends
            _log.exception("ends the process: it can't be opened, or closed")
            app.state.exit_code = 1
            if (server := getattr(app.state, "server", None)) is not None:
                server.should_exit = True


class ClosedUntilOpen:
    """Answers 503 while the service is opening, on all routes but those about the service itself."""

    def __init__(self, app: ASGIApp, opening: Opening) -> None:
        self._app = app
        self._opening = opening

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._opening.pending or scope["path"].startswith(_ALWAYS):
            await self._app(scope, receive, send)
            return
        title = "The service is starting: nothing was changed, send it again in a moment."
        answer = problem_response(503, "starting", title, headers={"Retry-After": _RETRY_AFTER_SECONDS})
        await answer(scope, receive, send)
