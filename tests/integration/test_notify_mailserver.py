"""Connections to a real mail server that refuses, defers, closes and hangs up, as mail servers do."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from services.notify.adapters.composing import Mail
from services.notify.adapters.mailserver import MailServer
from services.notify.domain.attempts import DELIVERED, Ending, Outcome
from shared.service.mail_server import MailServerAddress
from tests.support.self_signed import self_signed

ANSWERS = {
    "bad-sender@f.example": "550 5.1.8 sender's domain unknown",
    "unknown@f.example": "550 5.1.1 no such mailbox",
    "refused@f.example": "554 5.7.1 not here",
    "busy@f.example": "451 4.3.0 later",
    "closing@f.example": "421 4.3.2 going down",
    "nobody@f.example": "550 No such user here",
    "other@f.example": "550 5.1.1 <a@f.example>: user unknown",
    "full@f.example": "550 5.1.1 mailbox full",
    "sender-listed@f.example": "550 5.1.0 the MailFrom domain is on a blocklist",
    "server-listed@f.example": "550 5.1.1 your server is on a blocklist",
    "rate@f.example": "550 5.2.1 this user receives mail at a rate that keeps further messages out",
}


@dataclass
class Moody:
    """aiosmtpd's handler: answers by recipient, counts sessions, hangs up where it is told to."""

    sessions: set[int] = field(default_factory=set)
    stored: list[str] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    hang_up_after: bool = False
    hang_up_in_content: bool = False
    pipelining: bool = False

    async def handle_EHLO(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [responses[0], "250-PIPELINING" if self.pipelining else "250-ETRN", *responses[1:]]

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address in ANSWERS:
            return ANSWERS[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if b"spam" in envelope.content:
            return "554 5.6.0 not that"
        if b"grey" in envelope.content:
            return "450 4.7.1 greylisted"
        self.sessions.add(id(session))
        self.stored.append(envelope.rcpt_tos[0])
        self.contents.append(envelope.content)
        if self.hang_up_in_content:
            server.transport.abort()
        if self.hang_up_after:
            asyncio.get_running_loop().call_later(0.05, server.transport.abort)
        return "250 2.0.0 stored"


@pytest.fixture(params=[False, True], ids=["stepwise", "pipelining"])
def moody(request: pytest.FixtureRequest) -> Moody:
    return Moody(pipelining=request.param)


@pytest.fixture
async def server(moody: Moody) -> AsyncIterator[MailServer]:
    listening = await asyncio.get_running_loop().create_server(lambda: SMTP(moody, hostname="mx"), "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    server = MailServer(lambda: MailServerAddress.parse(f"smtp://127.0.0.1:{port}"), 1, 2.0)
    yield server
    await server.close()
    listening.close()


async def deliver(
    server: MailServer, recipient: str = "a@f.example", content: bytes = b"Subject: x\r\n\r\ny"
) -> Outcome:
    connection = await server.acquire()
    try:
        return await connection.deliver(Mail(recipient, content), "no-reply@f.example")
    finally:
        server.release(connection)


async def test_one_session_carries_many_mails(server: MailServer, moody: Moody) -> None:
    assert [await deliver(server) for _ in range(5)] == [DELIVERED] * 5
    assert len(moody.sessions) == 1


@pytest.mark.parametrize(
    ("recipient", "content", "expected"),
    [
        ("unknown@f.example", b"x", Outcome(Ending.NEVER, "mailbox-unknown")),
        ("refused@f.example", b"x", Outcome(Ending.NEVER, "recipient-refused")),
        ("bad-sender@f.example", b"x", Outcome(Ending.LATER, "sender-refused")),
        ("busy@f.example", b"x", Outcome(Ending.LATER, "recipient-deferred")),
        ("nobody@f.example", b"x", Outcome(Ending.NEVER, "mailbox-unknown")),
        ("other@f.example", b"x", Outcome(Ending.NEVER, "recipient-refused")),
        ("full@f.example", b"x", Outcome(Ending.NEVER, "recipient-refused")),
        ("sender-listed@f.example", b"x", Outcome(Ending.LATER, "sender-refused")),
        ("server-listed@f.example", b"x", Outcome(Ending.LATER, "sender-refused")),
        ("rate@f.example", b"x", Outcome(Ending.LATER, "recipient-deferred")),
        ("closing@f.example", b"x", Outcome(Ending.LATER, "session-ended")),
        ("a@f.example", b"spam", Outcome(Ending.NEVER, "message-refused")),
        ("a@f.example", b"grey", Outcome(Ending.LATER, "message-deferred")),
    ],
)
async def test_what_a_refusal_means_and_that_the_next_mail_passes(
    server: MailServer, recipient: str, content: bytes, expected: Outcome
) -> None:
    assert await deliver(server, recipient, content) == expected
    assert await deliver(server) == DELIVERED


async def test_a_session_the_server_ended_is_opened_anew(server: MailServer, moody: Moody) -> None:
    moody.hang_up_after = True
    for _ in range(3):
        assert await deliver(server) == DELIVERED
        await asyncio.sleep(0.1)
    assert len(moody.stored) == 3


async def test_a_session_lost_while_the_content_is_sent_is_a_doubt_and_not_said_again(
    server: MailServer, moody: Moody
) -> None:
    assert await deliver(server) == DELIVERED
    moody.hang_up_in_content = True
    assert await deliver(server) == Outcome(Ending.LATER, "session-ended", in_doubt=True)
    assert len(moody.stored) == 2


async def test_a_line_that_begins_with_a_dot_arrives_as_it_is(server: MailServer, moody: Moody) -> None:
    content = b"Subject: x\r\n\r\n.\r\n..two\r\n.end\r\n"
    assert await deliver(server, content=content) == DELIVERED
    assert moody.contents == [content]


OK, NOBODY, GO_ON = b"250 ok\r\n", b"550 5.1.1 nobody\r\n", b"354 go on\r\n"


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([OK, NOBODY, GO_ON], Outcome(Ending.NEVER, "mailbox-unknown")),
        ([OK, NOBODY, b"554 for whom?\r\n"], Outcome(Ending.NEVER, "mailbox-unknown")),
        ([OK, b"421 4.3.2 going down\r\n"], Outcome(Ending.LATER, "session-ended")),
        ([b"550 5.7.1 not from you\r\n", b"503 MAIL?\r\n", b"503 RCPT?\r\n"], Outcome(Ending.LATER, "sender-refused")),
        ([OK, OK, b"452 4.3.1 full\r\n"], Outcome(Ending.LATER, "message-deferred")),
        ([b"250-o", b"ne\r\n250 two\r", b"\n251 will forward\r\n35", b"4 go on\r\n", b"250 taken\r\n"], DELIVERED),
        ([OK, OK, GO_ON], Outcome(Ending.LATER, "session-ended", in_doubt=True)),
        ([OK, b"HTTP/1.1 400 no\r\n"], Outcome(Ending.LATER, "session-ended")),
        ([b"250-x\r\n" * 9000], Outcome(Ending.LATER, "session-ended")),
    ],
)
async def test_a_pipelining_servers_answers_in_any_portions(answers: list[bytes], expected: Outcome) -> None:
    """And it hangs up behind the last. What follows a refusal is no mail's content."""
    heard = bytearray()

    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx\r\n")
        await reader.readline()
        writer.write(b"250-mx\r\n250 PIPELINING\r\n")
        heard.extend(await reader.readuntil(b"DATA\r\n"))
        for answer in answers:
            writer.write(answer)
            await asyncio.sleep(0.01)
            if answer.endswith(b"4 go on\r\n"):
                heard.extend(await reader.readuntil(b".\r\n"))
        writer.close()

    listening = await asyncio.start_server(session, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    server = MailServer(lambda: MailServerAddress.parse(f"smtp://127.0.0.1:{port}"), 1, 2.0)
    assert await deliver(server) == expected
    await server.close()
    listening.close()
    assert heard.startswith(b"MAIL FROM:<no-reply@f.example>\r\nRCPT TO:<a@f.example>\r\nDATA\r\n")
    assert (b"Subject" in heard) == (expected == DELIVERED or expected.in_doubt)


async def test_an_old_server_that_knows_no_ehlo_gets_its_mails() -> None:
    said: list[bytes] = []
    answers = {b"EHLO": b"502 what?", b"DATA": b"354 go on", b"QUIT": b"221 bye"}

    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx\r\n")
        while line := await reader.readline():
            said.append(line[:4])
            writer.write(answers.get(line[:4], b"250 ok") + b"\r\n")
            if line.startswith(b"DATA"):
                await reader.readuntil(b"\r\n.\r\n")
                writer.write(b"250 taken\r\n")
        writer.close()

    listening = await asyncio.start_server(session, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    server = MailServer(lambda: MailServerAddress.parse(f"smtp://127.0.0.1:{port}"), 1, 2.0)
    assert [await deliver(server) for _ in range(2)] == [DELIVERED] * 2
    await server.close()
    listening.close()
    assert said.count(b"HELO") == 1
    assert said.count(b"DATA") == 2


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
async def test_sessions_are_encrypted_where_the_address_says_so(
    moody: Moody, scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    self_signed("localhost", key, certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)

    def session() -> SMTP:
        by_command = scheme == "smtp+starttls"
        return SMTP(moody, hostname="mx", tls_context=tls if by_command else None, require_starttls=by_command)

    listening = await asyncio.get_running_loop().create_server(
        session, "127.0.0.1", 0, ssl=tls if scheme == "smtps" else None
    )
    port = listening.sockets[0].getsockname()[1]
    server = MailServer(lambda: MailServerAddress.parse(f"{scheme}://localhost:{port}"), 1, 5.0)
    content = b"Subject: x\r\n\r\n" + b"a line of a long mail\r\n" * 20_000
    assert await deliver(server, content=content) == DELIVERED
    assert await deliver(server, "unknown@f.example") == Outcome(Ending.NEVER, "mailbox-unknown")
    assert await deliver(server) == DELIVERED
    assert moody.contents[0] == content
    assert len(moody.sessions) == 1
    await server.close()
    listening.close()


async def test_a_server_that_is_away_is_a_failure_for_now() -> None:
    server = MailServer(lambda: MailServerAddress.parse("smtp://127.0.0.1:1"), 1, 2.0)
    assert await deliver(server) == Outcome(Ending.LATER, "server-away")


async def test_each_new_session_logs_in_with_the_newest_password(moody: Moody) -> None:
    right = {"password": b"first"}

    def login(server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        return AuthResult(success=data.password == right["password"], handled=False)

    def session() -> SMTP:
        return SMTP(moody, hostname="mx", authenticator=login, auth_required=True, auth_require_tls=False)

    listening = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    told = ["first"]
    server = MailServer(lambda: MailServerAddress.parse(f"smtp://user:{told[-1]}@127.0.0.1:{port}"), 1, 2.0)
    moody.hang_up_after = True
    assert await deliver(server) == DELIVERED
    right["password"] = b"second"
    await asyncio.sleep(0.1)  # the server hangs up
    assert await deliver(server) == Outcome(Ending.LATER, "login-refused")
    told.append("second")
    assert await deliver(server) == DELIVERED
    await server.close()
    listening.close()


@pytest.mark.parametrize("url", ["http://x", "smtp://", "smtp://h:25/path", "nothing"])
def test_an_address_of_no_mail_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="smtp"):
        MailServerAddress.parse(url)


def test_a_mail_servers_address_may_hold_a_user_and_a_password() -> None:
    address = MailServerAddress.parse("smtps://user%40f.example:p%3Aw@mx.example")
    assert (address.user, address.port) == ("user@f.example", 465)
    assert address.password is not None
    assert address.password.get_secret_value() == "p:w"
    assert "p:w" not in repr(address)
