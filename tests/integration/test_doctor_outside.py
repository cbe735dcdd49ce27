"""`firstbuy doctor --deployment` speaks to a mail server and to registries as services do, without password and key."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from deploy.local.ports import free_port
from firstbuy.diagnosis.asking.outside import mail_server, registry
from firstbuy.diagnosis.check import State
from firstbuy.diagnosis.deployment import Named, examined
from firstbuy.diagnosis.outside import SMTP as MAIL
from shared.service.mail_server import MailServerAddress
from tests.support.registries import local_registries
from tests.support.self_signed import self_signed


@asynccontextmanager
async def listening(session: Callable[[], Any], tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0, ssl=tls)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
def shown(tmp_path: Path) -> Callable[[int], tuple[Path, ssl.SSLContext]]:
    """A certificate for so many days, and a server's TLS that shows it."""

    def make(days: int) -> tuple[Path, ssl.SSLContext]:
        key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
        self_signed("localhost", key, certificate, days)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        return certificate, tls

    return make


class Silent:
    """aiosmtpd's handler: nobody sends anything, and nobody logs in."""


class Web(asyncio.Protocol):
    """Answers any request with 404; keeps what came."""

    def __init__(self, heard: list[bytes]) -> None:
        self._heard = heard

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._heard.append(data)
        self._transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")  # type: ignore[attr-defined]


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
@pytest.mark.parametrize(("days", "state"), [(90, State.OK), (10, State.WRONG)])
async def test_a_mail_server_with_tls_is_judged_by_its_certificates_end(
    scheme: str, days: int, state: State, shown: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, tls = shown(days)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    by_command = scheme == "smtp+starttls"

    def session() -> SMTP:
        return SMTP(Silent(), hostname="mx", tls_context=tls if by_command else None, require_starttls=by_command)

    async with listening(session, None if by_command else tls) as port:
        url = f"{scheme}://user:hidden@localhost:{port}"
        checks = {check.subject: check for check in await examined(Named([], None, {}, {MAIL: url}))}
    check = checks[f"mail by {scheme}://localhost:{port}"]
    assert check.state is state
    assert "its certificate ends at" in check.found
    assert not any("hidden" in str(check) for check in checks.values())


async def test_a_certificate_that_nobody_trusts_is_a_fault(shown: Any) -> None:
    _, tls = shown(90)
    async with listening(lambda: SMTP(Silent(), hostname="mx"), tls) as port:
        mail = await mail_server(MailServerAddress.parse(f"smtps://localhost:{port}"))
    assert "certificate" in mail.fault.lower()
    async with listening(lambda: Web([]), tls) as port:
        found = await registry(f"https://localhost:{port}/v1")
    assert "certificate" in found.fault.lower()


async def test_a_mail_server_without_the_starttls_that_is_asked_for_is_a_fault() -> None:
    async with listening(lambda: SMTP(Silent(), hostname="mx")) as port:
        plain = await mail_server(MailServerAddress.parse(f"smtp://localhost:{port}"))
        asked = await mail_server(MailServerAddress.parse(f"smtp+starttls://localhost:{port}"))
    assert (plain.fault, plain.ends_at, plain.offers_tls) == ("", None, False)
    assert "STARTTLS" in asked.fault


async def test_a_mail_server_that_offers_tls_is_said_to(shown: Any) -> None:
    _, tls = shown(90)
    async with listening(lambda: SMTP(Silent(), hostname="mx", tls_context=tls)) as port:
        found = await mail_server(MailServerAddress.parse(f"smtp://localhost:{port}"))
    assert (found.fault, found.offers_tls) == ("", True)


async def test_servers_that_are_away_are_faults() -> None:
    port = free_port()
    assert (await mail_server(MailServerAddress.parse(f"smtp://127.0.0.1:{port}"))).fault != ""
    assert (await registry(f"https://127.0.0.1:{port}/v1")).fault != ""


async def test_a_registry_is_reached_without_its_path_and_without_a_key(
    shown: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, tls = shown(90)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    heard: list[bytes] = []
    async with listening(lambda: Web(heard), tls) as port:
        found = await registry(f"https://user:hidden@localhost:{port}/v1?serviceKey=hidden")
    assert found.fault == ""
    assert found.ends_at is not None
    assert found.address == f"https://localhost:{port}"
    assert b"".join(heard).startswith(b"GET / HTTP/1.1\r\n")
    assert b"hidden" not in b"".join(heard)
    with local_registries() as local:
        assert (await registry(local.business_status_url)).fault == ""
