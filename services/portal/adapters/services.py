"""The services' HTTP APIs, over kept connections."""

from collections.abc import AsyncIterator, Mapping, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self

import httpx2

from shared.contracts.events import Language

_CONNECTIONS: Final = httpx2.Limits(max_connections=64, max_keepalive_connections=16)
_PASSING_SECONDS: Final = 300.0
"""A large round's evidence is written before its first byte is sent."""


class ServiceAwayError(Exception):
    """A service did not answer, or answered that it can't now."""

    code = "service-away"


class UnknownThereError(Exception):
    """The service knows nothing under that name."""

    code = "unknown-there"


class RefusedThereError(Exception):
    """What a service says is wrong with what was sent: `errors` by pointer, in the language that was asked for."""

    code = "refused-there"

    def __init__(self, title: str, errors: Sequence[Mapping[str, str]]) -> None:
        super().__init__(title)
        self.title = title
        self.errors = errors


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
            return _read(await self._sent(service, "GET", path))
        except RefusedThereError as error:
            raise UnknownThereError(path) from error

    async def post(self, service: str, path: str, body: Any, language: Language) -> Any:
        """The JSON that answers the body. Raises ServiceAwayError, UnknownThereError or RefusedThereError."""
        return _read(await self._sent(service, "POST", path, body, language))

    async def open(self, service: str, path: str, headers: Mapping[str, str]) -> Passed:
        """The answer of a path, whatever its status, to be passed on. Raises ServiceAwayError."""
        client = self._clients[service]
        asked = client.build_request("GET", path, headers=dict(headers), timeout=_PASSING_SECONDS)
        try:
            return Passed(await client.send(asked, stream=True))
        except httpx2.HTTPError as error:
            raise ServiceAwayError(f"{service}: {type(error).__name__}") from error

    async def _sent(
        self, service: str, method: str, path: str, body: Any = None, language: Language = Language.EN
    ) -> httpx2.Response:
        headers = {"Accept-Language": language.value}
        try:
            return await self._clients[service].request(method, path, json=body, headers=headers)
        except httpx2.HTTPError as error:
            raise ServiceAwayError(f"{service}: {type(error).__name__}") from error


def _read(answer: httpx2.Response) -> Any:
    path, status = answer.url.path, answer.status_code
    if status == HTTPStatus.NOT_FOUND:
        raise UnknownThereError(path)
    if answer.is_server_error or status == HTTPStatus.TOO_MANY_REQUESTS:
        raise ServiceAwayError(f"{path}: {status}")
    try:
        content = answer.json()
    except ValueError as error:
        raise ServiceAwayError(f"{path}: no JSON") from error
    if answer.is_client_error:
        raise RefusedThereError(str(content["title"]), content["errors"])
    return content
