"""Closes the API while the database is behind intake's own topics: nothing is read from it or written to it."""

from collections.abc import Callable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from shared.service.problems import problem_response

_ALWAYS: Final = ("/health/", "/metrics", "/asyncapi", "/docs", "/openapi.json", "/.well-known/")
_RETRY_AFTER_SECONDS: Final = "5"


class ClosedWhile:
    """Answers 503 while `missing` says what is not restored yet.

    An answer from an outdated database could contradict an earlier one.
    """

    def __init__(self, app: ASGIApp, missing: Callable[[], str | None]) -> None:
        self._app = app
        self._missing = missing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._missing() is None or scope["path"].startswith(_ALWAYS):
            await self._app(scope, receive, send)
            return
        answer = problem_response(
            503,
            "catching-up",
            "Intake is putting its records in order: nothing was changed, send it again in a moment.",
            headers={"Retry-After": _RETRY_AFTER_SECONDS},
        )
        await answer(scope, receive, send)
