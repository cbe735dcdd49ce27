"""The services' HTTP APIs, over kept connections."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self

import httpx2

from shared.contracts.events import Language

_CONNECTIONS: Final = httpx2.Limits(max_connections=64, max_keepalive_connections=16)
_UPLOAD_SECONDS: Final = 60.0
"""A document is looked at before it is answered."""
_PASSING_SECONDS: Final = 300.0
"""A large round's evidence is written before its first byte is sent."""


class ServiceAwayError(Exception):
    """A service did not answer, or answered that it can't now."""

    code = "service-away"


class UnknownThereError(Exception):
    """The service knows nothing under that name."""

    code = "unknown-there"


class RefusedThereError(Exception):
    """What a service says is wrong with what was sent: `errors` by pointer, in the language that was asked for; `named`
    is the code of the whole."""

    code = "refused-there"

    def __init__(self, status: int, named: str, title: str, errors: Sequence[Mapping[str, str]]) -> None:
        super().__init__(title)
        self.status = status
        self.named = named
        self.title = title
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, and what a request says beside its body."""

    language: Language = Language.EN
    token: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def sent(self) -> dict[str, str]:
        """As headers."""
        token = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {"Accept-Language": self.language.value, **token, **self.headers}


ANYBODY: Final = Asking()
"""Whoever asks for what is public."""


class Passed:
    """A service's answer that is passed on while it comes; whoever has it closes it."""

    def __init__(self, answer: httpx2.Response) -> None:
        self._answer = answer
        self.status = answer.status_code
        self.headers: Mapping[str, str] = answer.headers

    def content(self) -> AsyncIterator[bytes]:
        """The body's bytes as they were sent, also where they are packed."""
        return self._answer.aiter_raw()

    async def close(self) -> None:
        await self._answer.aclose()

    async def content_closed(self) -> AsyncIterator[bytes]:
        """The content; closed after it, also if nobody takes all of it."""
        try:
            async for part in self.content():
                yield part
        finally:
            await self.close()


class Services:
    """One client for each service."""

    def __init__(self, addresses: Mapping[str, str], seconds: float) -> None:
        self._clients = {
            name: httpx2.AsyncClient(base_url=address, timeout=seconds, limits=_CONNECTIONS)
            for name, address in addresses.items()
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def get(self, service: str, path: str) -> Any:
        """The JSON at a path. Raises ServiceAwayError or UnknownThereError, also for a name that can be none."""
        try:
            return await self.ask(service, "GET", path)
        except RefusedThereError as error:
            raise UnknownThereError(path) from error

    async def ask(self, service: str, method: str, path: str, body: Any = None, asking: Asking = ANYBODY) -> Any:
        """The JSON of an answer; None if it has no body. Raises ServiceAwayError, UnknownThereError or
        RefusedThereError."""
        try:
            answer = await self._clients[service].request(method, path, json=body, headers=asking.sent())
        except httpx2.HTTPError as error:
            raise ServiceAwayError(f"{service}: {type(error).__name__}") from error
        return _read(answer)

    async def upload(self, service: str, path: str, content: AsyncIterator[bytes], asking: Asking) -> Any:
        """The JSON that answers a body that is sent on while it comes. Raises what `ask` raises, and what `content`
        does."""
        try:
            answer = await self._clients[service].request(
                "POST", path, content=content, headers=asking.sent(), timeout=_UPLOAD_SECONDS
            )
        except httpx2.HTTPError as error:
            raise ServiceAwayError(f"{service}: {type(error).__name__}") from error
        return _read(answer)

    async def open(self, service: str, path: str, headers: Mapping[str, str]) -> Passed:
        """The answer of a path, whatever its status, to be passed on. Raises ServiceAwayError."""
        client = self._clients[service]
        asked = client.build_request("GET", path, headers=dict(headers), timeout=_PASSING_SECONDS)
        try:
            return Passed(await client.send(asked, stream=True))
        except httpx2.HTTPError as error:
            raise ServiceAwayError(f"{service}: {type(error).__name__}") from error


def _read(answer: httpx2.Response) -> Any:
    path, status = answer.url.path, answer.status_code
    if status == HTTPStatus.NOT_FOUND:
        raise UnknownThereError(path)
    if answer.is_server_error or status == HTTPStatus.TOO_MANY_REQUESTS:
        raise ServiceAwayError(f"{path}: {status}")
    if status == HTTPStatus.NO_CONTENT:
        return None
    try:
        content = answer.json()
    except ValueError as error:
        raise ServiceAwayError(f"{path}: no JSON") from error
    if answer.is_client_error:
        named = str(content["type"]).rpartition(":")[2]
        raise RefusedThereError(status, named, str(content["title"]), content["errors"])
    return content
