"""SMTP PIPELINING (RFC 2920): a mail takes two round trips instead of four.

The envelope goes out together with DATA; the content follows once the server has granted all three. aiosmtplib opens
and ends the session, with TLS and login. It awaits each answer before the next command, so the connection is ours for
the length of a transaction.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final, cast

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPRecipientRefused,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)
from aiosmtplib.protocol import SMTPProtocol

EXTENSION: Final = "pipelining"
GRANTED: Final = frozenset({250, 251})
GO_ON: Final = 354
LONGEST_ANSWER: Final = 32 * 1024


@dataclass(frozen=True, slots=True)
class _Answer:
    code: int
    text: str


class Transaction(asyncio.Protocol):
    """One mail over the open session of a client whose server offers PIPELINING."""

    def __init__(self, client: SMTP, seconds: float) -> None:
        """`client` is connected. `seconds`: how long the server may take to answer what was sent at once."""
        self._session = cast("SMTPProtocol", client.protocol)
        self._transport = cast("asyncio.Transport", client.transport)
        self._seconds = seconds
        self._buffer = b""
        self._lines: list[str] = []
        self._answers: deque[_Answer] = deque()
        self._came = asyncio.Event()
        self._lost: BaseException | None = None
        self.content_begun = False

    async def run(self, sender: str, recipient: str, content: bytes) -> None:
        """Sends one mail. Addresses are bare and plain ASCII; `content` ends its lines with CRLF.

        Raises SMTPSenderRefused, SMTPRecipientRefused or SMTPDataError; SMTPServerDisconnected or TimeoutError if the
        session can't be used any more.
        """
        self._transport.set_protocol(self)
        try:
            self._transport.write(f"MAIL FROM:<{sender}>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode("ascii"))
            refusal, goes_on = await self._envelope(sender, recipient)
            if refusal is not None:
                if goes_on:
                    await self._end_at_once()
                raise refusal
            self.content_begun = True
            self._transport.write(_stuffed(content))
            taken = await self._answer()
            if taken.code != 250:
                raise SMTPDataError(taken.code, taken.text)
        finally:
            if self._lost is None:
                self._transport.set_protocol(self._session)

    async def _envelope(
        self, sender: str, recipient: str
    ) -> tuple[SMTPSenderRefused | SMTPRecipientRefused | SMTPDataError | None, bool]:
        """The first refusal, and whether the server awaits content all the same. A server that hangs up after a refusal
        has refused."""
        refusal: SMTPSenderRefused | SMTPRecipientRefused | SMTPDataError | None = None
        try:
            mail = await self._answer()
            if mail.code not in GRANTED:
                refusal = SMTPSenderRefused(mail.code, mail.text, sender)
            rcpt = await self._answer()
            if refusal is None and rcpt.code not in GRANTED:
                refusal = SMTPRecipientRefused(rcpt.code, rcpt.text, recipient)
            data = await self._answer()
        except SMTPServerDisconnected:
            if refusal is None:
                raise
            return refusal, False
        if refusal is None and data.code != GO_ON:
            refusal = SMTPDataError(data.code, data.text)
        return refusal, data.code == GO_ON

    async def _end_at_once(self) -> None:
        """Sends empty content, since nobody is to get this mail (RFC 2920, 3.1). If the session ends here, the refusal
        stands."""
        self._transport.write(b".\r\n")
        try:
            await self._answer()
        except (SMTPServerDisconnected, TimeoutError):
            self._transport.abort()

    async def _answer(self) -> _Answer:
        if not self._answers:
            async with asyncio.timeout(self._seconds):
                while not self._answers:
                    if self._lost is not None:
                        raise SMTPServerDisconnected("the server hung up") from self._lost
                    self._came.clear()
                    await self._came.wait()
        return self._answers.popleft()

    def data_received(self, data: bytes) -> None:
        """Takes the server's answers, line by line (asyncio.Protocol)."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._lines.append(line[4:].decode("utf-8", "surrogateescape").strip())
            if line[3:4] == b"-":
                continue
            if not line[:3].isdigit():
                self._transport.abort()  # not SMTP
                return
            self._answers.append(_Answer(int(line[:3]), "\n".join(self._lines)))
            self._lines = []
        if len(self._buffer) + sum(map(len, self._lines)) > LONGEST_ANSWER:
            self._transport.abort()
            return
        self._came.set()

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = error or EOFError()
        self._came.set()
        self._session.connection_lost(error)


def _stuffed(content: bytes) -> bytes:
    """The content dot-stuffed and with its end marker (RFC 5321, 4.5.2)."""
    first = b"." if content.startswith(b".") else b""
    end = b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n"
    return first + content.replace(b"\r\n.", b"\r\n..") + end
