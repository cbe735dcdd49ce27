"""Counts and times requests by their route's template, never by their path: a path may name a person, or anything."""

import time
from collections.abc import Iterator
from typing import Any, Final

from prometheus_client import Counter, Histogram
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.service.metrics import Metrics

NO_ROUTE: Final = "none"
"""The label of every request that no route takes."""
ALWAYS_KNOWN: Final = (200, 500, 503)
"""Statuses that exist for each route from the start, so that a ratio can be made of them."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Measured:
    """ASGI middleware, outermost. It learns the routes with its first message, which is that of the lifespan."""

    def __init__(self, app: ASGIApp, metrics: Metrics, routes: list[BaseRoute]) -> None:
        self._app = app
        self._metrics = metrics
        self._routes = routes
        self._templates: dict[Any, str] | None = None
        self._kept: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._templates is None:
            self._templates = self._learned()
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        begun = False

        async def counted(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                self._count(scope, message["status"], time.perf_counter() - started)
            await send(message)

        try:
            await self._app(scope, receive, counted)
        except Exception:
            if not begun:  # answered further out
                self._count(scope, 500, time.perf_counter() - started)
            raise

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = scope.get("route")
        template = route.path if route is not None else (self._templates or {}).get(scope.get("endpoint"), NO_ROUTE)
        kept = self._kept.get((method, template, status))
        if kept is None:  # finding a metric by its labels costs more than counting
            labels = (method, template)
            kept = (
                self._metrics.http_requests.labels(*labels, str(status)),
                self._metrics.http_seconds.labels(*labels),
            )
            self._kept[method, template, status] = kept
        requests, taken = kept
        requests.inc()
        taken.observe(seconds)

    def _learned(self) -> dict[Any, str]:
        """Templates by endpoint; makes their metrics, with 0."""
        templates = {}
        for route in _flat(self._routes):
            templates[route.endpoint] = route.path
            for method in route.methods & _METHODS:
                self._metrics.http_seconds.labels(method, route.path)
                for status in ALWAYS_KNOWN:
                    self._metrics.http_requests.labels(method, route.path, str(status))
        self._metrics.http_requests.labels("GET", NO_ROUTE, "404")
        return templates


def _flat(routes: list[BaseRoute]) -> Iterator[Any]:
    """Every route that has a path, also those of included routers."""
    for route in routes:
        router = getattr(route, "original_router", None)
        if router is not None:
            yield from _flat(router.routes)
        elif getattr(route, "path", None) is not None and getattr(route, "methods", None):
            yield route
