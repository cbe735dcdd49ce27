"""Connections to a real mail server that refuses, defers, closes and hangs up, as mail servers do."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from services.notify.composing import Mail
from services.notify.domain.attempts import DELIVERED, Ending, Outcome
from services.notify.mailserver import MailServer
from services.notify.settings import MailServerAddress

ANSWERS = {
    "bad-sender@f.example": "550 5.1.8 sender's domain unknown",
    "unknown@f.example": "550 5.1.1 no such mailbox",
    "refused@f.example": "554 5.7.1 not here",
    "busy@f.example": "451 4.3.0 later",
    "closing@f.example": "421 4.3.2 going down",
}


@dataclass
class Moody:
    """aiosmtpd's handler: answers by recipient, counts sessions, hangs up where it is told to."""

    sessions: set[int] = field(default_factory=set)
    stored: list[str] = field(default_factory=list)
    hang_up_after: bool = False
    hang_up_in_content: bool = False

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
        if self.hang_up_in_content:
            server.transport.abort()
        if self.hang_up_after:
            asyncio.get_running_loop().call_later(0.05, server.transport.abort)
        return "250 2.0.0 stored"


@pytest.fixture
def moody() -> Moody:
    return Moody()


@pytest.fixture
async def server(moody: Moody) -> AsyncIterator[MailServer]:
    listening = await asyncio.get_running_loop().create_server(lambda: SMTP(moody, hostname="mx"), "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    server = MailServer(MailServerAddress.parse(f"smtp://127.0.0.1:{port}"), 1, 2.0)
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


async def test_a_server_that_is_away_is_a_failure_for_now() -> None:
    server = MailServer(MailServerAddress.parse("smtp://127.0.0.1:1"), 1, 2.0)
    assert await deliver(server) == Outcome(Ending.LATER, "server-away")


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
