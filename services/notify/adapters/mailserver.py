"""Connections to the mail server, each used for many mails, and what its answers mean for a delivery."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog
from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPHeloError,
    SMTPRecipientRefused,
    SMTPResponseException,
)

from services.notify.adapters.composing import Mail
from services.notify.adapters.pipelining import EXTENSION, Transaction
from services.notify.domain.attempts import DELIVERED, MAILBOX_UNKNOWN, Ending, Outcome
from services.notify.domain.diagnostics import Judgement, judged, server_answer
from shared.service.mail_server import MailServerAddress
from shared.service.smtp_client import smtp_client

CLOSING: Final = 421
_BAD_SENDER: Final = re.compile(r"5\.1\.(7|8)\b")
_log = structlog.get_logger()


class MailServer:
    """A pool of at most `connections` sessions; idle ones are reused before a new one is opened. `address` tells where
    the server is, and how to log in, whenever one is opened."""

    def __init__(self, address: Callable[[], MailServerAddress], connections: int, timeout: float) -> None:
        self._idle: asyncio.LifoQueue[_Connection] = asyncio.LifoQueue()
        self._all = [_Connection(address, timeout) for _ in range(connections)]
        for connection in reversed(self._all):
            self._idle.put_nowait(connection)

    async def acquire(self) -> "_Connection":
        """An idle session; waits for one."""
        return await self._idle.get()

    def release(self, connection: "_Connection") -> None:
        """Gives a session back."""
        self._idle.put_nowait(connection)

    async def close(self) -> None:
        """Ends all sessions."""
        await asyncio.gather(*(connection.quit() for connection in self._all))


class _Connection:
    """One session. Servers may end a session at any time: a mail that meets an ended session before its content was
    sent is tried once more, in a new session."""

    def __init__(self, address: Callable[[], MailServerAddress], timeout: float) -> None:
        self._address = address
        self._timeout = timeout
        self._client: SMTP | None = None

    async def deliver(self, mail: Mail, sender: str) -> Outcome:
        """Sends one mail; `sender` is the envelope sender, to which an undeliverable mail returns."""
        reused = self._client is not None and self._client.is_connected
        outcome = await self._say(mail, sender)
        if reused and outcome.error == "session-ended" and not outcome.in_doubt:
            outcome = await self._say(mail, sender)
        return outcome

    async def _say(self, mail: Mail, sender: str) -> Outcome:
        try:
            client = await self._open()
        except SMTPAuthenticationError:
            return Outcome(Ending.LATER, "login-refused")
        except (SMTPException, OSError) as error:
            _log.warning("waits for the mail server", error=type(error).__name__)
            return Outcome(Ending.LATER, "server-away")
        pipelined = client.supports_extension(EXTENSION)
        transaction = Transaction(client, self._timeout) if pipelined else _Stepwise(client)
        try:
            await transaction.run(sender, mail.recipient, mail.content)
        except SMTPResponseException as refusal:
            if refusal.code == CLOSING or not await self._reset(client):
                self._drop()
            return refused(refusal)
        except (SMTPException, OSError):
            self._drop()
            return Outcome(Ending.LATER, "session-ended", in_doubt=transaction.content_begun)
        except BaseException:
            self._drop()
            raise
        return DELIVERED

    async def _open(self) -> SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        self._drop()
        client = smtp_client(self._address(), self._timeout)
        self._client = client
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                with suppress(SMTPHeloError):  # an old server: aiosmtplib falls back to HELO at the first mail
                    await client.ehlo()
        except BaseException:
            self._drop()
            raise
        return client

    async def _reset(self, client: SMTP) -> bool:
        try:
            await client.rset()
        except (SMTPException, OSError):
            return False
        return True

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    async def quit(self) -> None:
        client, self._client = self._client, None
        if client is not None and client.is_connected:
            try:
                await client.quit(timeout=2)
            except (SMTPException, OSError):
                client.close()


class _Stepwise:
    """A transaction with a server that does not offer PIPELINING: one command at a time."""

    def __init__(self, client: SMTP) -> None:
        self._client = client
        self.content_begun = False

    async def run(self, sender: str, recipient: str, content: bytes) -> None:
        await self._client.mail(sender)
        await self._client.rcpt(recipient)
        self.content_begun = True
        await self._client.data(content)


def refused(refusal: SMTPResponseException) -> Outcome:
    """The outcome of a refusal. Only a refusal of this recipient or this content is final: a refusal of our sender, or
    of anything else, is ours to mend, and the same mail may pass afterwards."""
    final = 500 <= refusal.code < 600
    answer = server_answer(f"{refusal.code} {refusal.message}")
    match refusal:
        case _ if refusal.code == CLOSING:
            return Outcome(Ending.LATER, "session-ended")
        case SMTPRecipientRefused() if final and judged(None, answer, refusal.recipient) is Judgement.GONE:
            return Outcome(Ending.NEVER, MAILBOX_UNKNOWN)
        case SMTPRecipientRefused() if _BAD_SENDER.match(refusal.message) or (final and answer.of_us):
            return Outcome(Ending.LATER, "sender-refused")  # about our sender, though it answers RCPT
        case SMTPRecipientRefused() if answer.of_the_moment:
            return Outcome(Ending.LATER, "recipient-deferred")
        case SMTPRecipientRefused():
            return Outcome(Ending.NEVER, "recipient-refused") if final else Outcome(Ending.LATER, "recipient-deferred")
        case SMTPDataError():
            return Outcome(Ending.NEVER, "message-refused") if final else Outcome(Ending.LATER, "message-deferred")
        case _:
            return Outcome(Ending.LATER, "sender-refused")
