"""Security headers of every answer, errors and refusals included: no content sniffing, scripts, loads, frames or
referrers.

An answer that needs more, such as the page that checks evidence, sets its own headers, which take precedence.
"""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS: Final = (
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)


class Guarded:
    """ASGI wrapper around the whole app: middleware of the app would miss answers to faults."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = with_headers(message.get("headers", ()))
            await send(message)

        await self._app(scope, receive, guarded if scope["type"] == "http" else send)


def with_headers(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers, plus those of HEADERS that are missing."""
    names = {name.lower() for name, _ in headers}
    return [*headers, *(each for each in HEADERS if each[0] not in names)]
