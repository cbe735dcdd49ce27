"""What a webhook's receiver does, and what that means: a real HTTP server that fails in every way."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.notify.adapters.receivers import Receivers
from services.notify.domain.attempts import DELIVERED, Ending, Outcome
from tests.support.receiver import Receiver

NOW = datetime(2018, 9, 14, 9, 0, tzinfo=UTC)


@pytest.fixture
async def anywhere() -> AsyncIterator[Receivers]:
    receivers = Receivers(8, 0.5, lambda: NOW, private=True)
    yield receivers
    await receivers.close()


@pytest.fixture
async def public_only() -> AsyncIterator[Receivers]:
    receivers = Receivers(8, 2.0, lambda: NOW, private=False)
    yield receivers
    await receivers.close()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/ok", DELIVERED),
        ("/status/200", DELIVERED),
        ("/slow-body", DELIVERED),
        ("/endless", DELIVERED),
        ("/silent", Outcome(Ending.LATER, "timeout", in_doubt=True)),
        ("/hang-up", Outcome(Ending.LATER, "connection-lost", in_doubt=True)),
        ("/status/500", Outcome(Ending.LATER, "answered-500")),
        ("/status/404", Outcome(Ending.LATER, "answered-404")),
        ("/status/429", Outcome(Ending.LATER, "answered-429")),
        ("/status/410", Outcome(Ending.NEVER, "gone")),
        ("/redirect", Outcome(Ending.LATER, "redirected")),
    ],
)
async def test_what_an_answer_means(receiver: Receiver, anywhere: Receivers, path: str, expected: Outcome) -> None:
    assert await anywhere.post(receiver.url(path), {}, b"{}") == expected
    assert [where for where, _, _ in receiver.got] == [path]
    assert await anywhere.post(receiver.url("/ok"), {}, b"{}") == DELIVERED


@pytest.mark.parametrize(
    ("retry_after", "pause"),
    [
        ("120", timedelta(seconds=120)),
        (format_datetime(NOW + timedelta(minutes=3)), timedelta(minutes=3)),
        (format_datetime(NOW - timedelta(minutes=3)), timedelta(0)),
        ("86400000", timedelta(hours=6)),
        ("soon", timedelta(0)),
        ("9" * 400, timedelta(0)),
    ],
)
async def test_a_receiver_may_ask_to_be_left_alone_for_a_while(
    receiver: Receiver, anywhere: Receivers, retry_after: str, pause: timedelta
) -> None:
    receiver.moods["/busy"] = [web.Response(status=429, headers={"Retry-After": retry_after})]
    outcome = await anywhere.post(receiver.url("/busy"), {}, b"{}")
    assert outcome == Outcome(Ending.LATER, "answered-429", pause=pause)


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "0"])
async def test_an_address_in_another_spelling_is_called_by_nobody(
    receiver: Receiver, public_only: Receivers, host: str
) -> None:
    refused = await public_only.post(receiver.url("/ok", host), {}, b"{}")
    assert refused.ending is Ending.NEVER
    assert receiver.got == []


async def test_a_certificate_that_no_authority_vouches_for_is_refused_and_named(
    anywhere: Receivers, tmp_path: Path
) -> None:
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(self_signed(tmp_path / "receiver.pem"))
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=served)
    async with server:
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}/"
        assert await anywhere.post(url, {}, b"{}") == Outcome(Ending.LATER, "certificate-refused")


def self_signed(file: Path) -> Path:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file


async def test_a_receiver_that_is_away_is_a_failure_for_now(anywhere: Receivers) -> None:
    assert await anywhere.post("http://127.0.0.1:1/", {}, b"{}") == Outcome(Ending.LATER, "receiver-away")
    unknown = await anywhere.post("http://nowhere.invalid/", {}, b"{}")
    assert unknown == Outcome(Ending.LATER, "receiver-away")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
async def test_no_notice_goes_to_a_private_address_by_whatever_name(
    receiver: Receiver, public_only: Receivers, host: str
) -> None:
    refused = await public_only.post(receiver.url("/ok", host), {}, b"{}")
    assert refused == Outcome(Ending.NEVER, "private-address")
    assert receiver.got == []


async def test_receivers_that_are_slow_are_no_fault_of_one_that_waits_for_its_turn(receiver: Receiver) -> None:
    receivers = Receivers(2, 0.5, lambda: NOW, private=True)
    slow = [receivers.post(receiver.url("/silent"), {}, b"{}") for _ in range(4)]
    outcomes = await asyncio.gather(*slow, receivers.post(receiver.url("/ok"), {}, b"{}"))
    await receivers.close()
    assert outcomes == [Outcome(Ending.LATER, "timeout", in_doubt=True)] * 4 + [DELIVERED]
