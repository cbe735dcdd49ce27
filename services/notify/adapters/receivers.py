"""The HTTP client of webhooks: it goes where it was told and nowhere else.

A name is resolved once for a connection, and the connection goes to what was looked at: a name that leads elsewhere a
moment later (DNS rebinding) leads nowhere. No redirects, no cookies, no proxy of the environment.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from services.notify.domain.attempts import Ending, Outcome
from services.notify.domain.webhooks import answered
from shared.service.addresses import reachable

CONNECTIONS_OF_ONE: Final = 8
ANSWER_BYTES: Final = 4096
"""Of an answer's body, which nobody needs: read so that the connection can be used again."""


class PrivateAddressError(OSError):
    """The target, or what its name leads to, is no address of the internet."""

    code = "private-address"


class _PublicOnly(AbstractResolver):
    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        addresses = await self._resolver.resolve(host, port, family)  # type: ignore[arg-type]
        if not all(reachable(address["host"]) for address in addresses):
            raise PrivateAddressError(host)
        return addresses

    async def close(self) -> None:
        await self._resolver.close()


class Receivers:
    """`private`: private addresses will do, in a network of one's own."""

    def __init__(self, connections: int, seconds: float, now: Callable[[], datetime], *, private: bool) -> None:
        self._slots = asyncio.Semaphore(connections)
        self._timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=seconds / 2)
        self._now = now
        self._private = private
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        if not self._private and not _public_literal(url):
            return Outcome(Ending.NEVER, PrivateAddressError.code)
        async with self._slots:  # before the clock starts: others' slowness is no fault of this one
            return await self._post(url, headers, body)

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        try:
            async with self._opened().post(url, data=body, headers=headers, allow_redirects=False) as answer:
                with suppress(aiohttp.ClientError, TimeoutError):
                    await answer.content.read(ANSWER_BYTES)
                return answered(answer.status, answer.headers.get("Retry-After"), self._now())
        except aiohttp.ConnectionTimeoutError:
            return Outcome(Ending.LATER, "receiver-away")
        except TimeoutError:
            return Outcome(Ending.LATER, "timeout", in_doubt=True)
        except aiohttp.ClientSSLError:
            return Outcome(Ending.LATER, "certificate-refused")
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, PrivateAddressError):
                return Outcome(Ending.NEVER, PrivateAddressError.code)
            return Outcome(Ending.LATER, "receiver-away")
        except aiohttp.InvalidURL:
            return Outcome(Ending.NEVER, "url-invalid")
        except (aiohttp.ClientError, OSError):
            return Outcome(Ending.LATER, "connection-lost", in_doubt=True)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=0,
                resolver=ThreadedResolver() if self._private else _PublicOnly(),
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _public_literal(url: str) -> bool:
    """False of an address that is private; a name is looked at when it is resolved."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        ip_address(host)
    except ValueError:
        return True
    return reachable(host)
