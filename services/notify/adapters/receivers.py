"""The HTTP client of webhooks: it connects to the given address and nowhere else.

A name is resolved once per connection, and the connection goes to the address that was checked, so DNS rebinding has no
effect. The client follows no redirects, stores no cookies and ignores proxies of the environment.
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
"""How much of an answer's body is read. Nobody needs it, but the connection can then be reused."""


class PrivateAddressError(OSError):
    """The target, or an address its name resolves to, is not a public internet address."""

    code = "private-address"


class _PublicOnly(AbstractResolver):
    """Refuses names that resolve to a private address."""

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
    """The receivers of webhooks. `private`: private addresses are allowed too, in a network of one's own."""

    def __init__(self, connections: int, seconds: float, now: Callable[[], datetime], *, private: bool) -> None:
        self._slots = asyncio.Semaphore(connections)
        self._timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=seconds / 2)
        self._now = now
        self._private = private
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Posts once; whatever the receiver or the network does is an outcome."""
        if not self._private and not _public_literal(url):
            return Outcome(Ending.NEVER, PrivateAddressError.code)
        async with self._slots:  # before the timeout starts: other receivers' slowness does not count
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
    """False for a literal private address; names are checked when they are resolved."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        ip_address(host)
    except ValueError:
        return True
    return reachable(host)
