"""Applicants over HTTP: many keep-alive connections, each sending one applicant's calls one after another.

A small client of its own, because the general one costs more per request than the service that answers it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic_core import from_json, to_json

from firstbuy.demo.away import AWAY_SECONDS, Patience, ServiceAwayError
from firstbuy.demo.contests import IDENTITY
from firstbuy.demo.entries import AS_WRITTEN, ASK, CHANGE, Call, Script, repeatable

CONNECTIONS: Final = 48
_BUSY: Final = (429, 503)
_STALE: Final = 412


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a sender holds in hand afterwards."""

    application: str
    version: int
    payload_hash: str
    nonce: str


@dataclass(slots=True)
class Traffic:
    """What was sent and answered. `differing`: calls that were not answered as they must be."""

    sent: int = 0
    answered: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    differing: list[str] = field(default_factory=list)
    busy: int = 0
    read_otherwise: int = 0
    """New entries whose answer says that something of them was read otherwise than it was written."""
    receipts: list[Receipt] = field(default_factory=list)
    last_answer: float = 0.0
    """Of the monotonic clock."""

    def note(self, call: Call, status: int, answer: bytes) -> None:
        self.answered += 1
        self.statuses[status] += 1
        self.last_answer = time.monotonic()
        if status == call.expects:
            self.accepted[call.what] += 1
            self.read_otherwise += call.what == AS_WRITTEN and b'"read_as"' in answer
        elif len(self.differing) < 50:
            self.differing.append(f"{call.what}: {status} instead of {call.expects}: {answer[:300]!r}")


class NotSentError(Exception):
    """Nobody listens there: nothing was sent."""

    code = "demo-not-sent"


class LostAnswerError(Exception):
    """A call was sent, and its answer did not come."""

    code = "demo-answer-lost"


@dataclass(slots=True)
class _Connection:
    """One HTTP/1.1 connection, opened again where the server ended it."""

    host: str
    port: int
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None

    async def request(self, head: bytes, body: bytes) -> tuple[int, bytes]:
        """Opens the connection where there is none. Raises NotSentError if nobody is there, LostAnswerError if the call
        may have been carried out."""
        if self.writer is None or self.reader is None:
            try:
                self.reader, self.writer = await asyncio.open_connection(self.host, self.port, limit=2**20)
            except OSError as fault:
                raise NotSentError(str(fault)) from fault
        try:
            self.writer.write(head + body)
            return await self._answer(self.reader)
        except (asyncio.IncompleteReadError, OSError) as fault:
            await self.close()
            raise LostAnswerError("it ended the connection before it answered") from fault

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        headers = dict(line.lower().split(b": ", 1) for line in lines[1:] if b": " in line)
        answer = await reader.readexactly(int(headers.get(b"content-length", b"0")))
        if headers.get(b"connection") == b"close":
            await self.close()
        return int(lines[0].split(b" ")[1]), answer

    async def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


class Senders:
    """Sends scripts to one intake."""

    def __init__(self, url: str, round_id: str, traffic: Traffic, away_seconds: float = AWAY_SECONDS) -> None:
        """`away_seconds`: so long intake is awaited when nobody answers."""
        self._away_seconds = away_seconds
        where = urlsplit(url)
        self._host, self._port = where.hostname or "127.0.0.1", where.port or 80
        self._round = round_id
        self._traffic = traffic

    async def send(
        self, scripts: Sequence[Script], *, over_seconds: float = 0.0, stop: Callable[[], bool] = lambda: False
    ) -> bool:
        """Starts the scripts evenly over `over_seconds`, or as fast as they go; False when `stop` ended it early."""
        began = time.monotonic()
        waiting = iter(enumerate(scripts))
        pause = over_seconds / len(scripts) if scripts else 0.0

        async def sender() -> bool:
            connection = _Connection(self._host, self._port)
            try:
                for number, script in waiting:
                    ahead = began + number * pause - time.monotonic()
                    if ahead > 0:
                        await asyncio.sleep(ahead)
                    if stop():
                        return False
                    await self._play(connection, script)
            finally:
                await connection.close()
            return True

        count = min(CONNECTIONS, max(1, len(scripts)))
        return all(await asyncio.gather(*(sender() for _ in range(count))))

    async def _play(self, connection: _Connection, script: Script) -> None:
        application = token = identity = ""
        receipt: Receipt | None = None
        for call in script.calls:
            if IDENTITY.encode() in call.body:
                call = replace(call, body=call.body.replace(IDENTITY.encode(), identity.encode()))
            status, answer = await self._call(connection, call, application, token)
            self._traffic.note(call, status, answer)
            if status not in (200, 201):
                continue
            stated: dict[str, Any] = from_json(answer)
            if call.path == ASK:
                identity = stated["identity"]
            if "payload_hash" in stated:
                if status == 201:
                    application, token = stated["application"], stated["token"]
                receipt = Receipt(application, stated["version"], stated["payload_hash"], stated["nonce"])
                self._traffic.receipts.append(receipt)

    async def _call(self, connection: _Connection, call: Call, application: str, token: str) -> tuple[int, bytes]:
        head, lost = self._head(call, application, token), False
        patience = self._patience()
        self._traffic.sent += 1
        while True:
            try:
                status, answer = await connection.request(head, call.body)
            except (NotSentError, LostAnswerError) as fault:
                if isinstance(fault, LostAnswerError):
                    if not repeatable(call):
                        raise ServiceAwayError(
                            f"{patience.where}: {fault}, and {call.what!r} is not repeated"
                        ) from fault
                    lost = True
                await patience.pause(fault)
                continue
            if status in _BUSY and self._traffic.busy <= 100_000:
                self._traffic.busy += 1
                patience = self._patience()
                await asyncio.sleep(0.5)
                continue
            if lost and call.path == CHANGE and status == _STALE != call.expects:
                return await self._kept(connection, call, application, token) or (status, answer)
            return status, answer

    async def _kept(
        self, connection: _Connection, call: Call, application: str, token: str
    ) -> tuple[int, bytes] | None:
        """What a change was answered whose answer was lost: the receipt of its version, if it was made."""
        asked = Call("receipts", 200, b"", f"{CHANGE}/receipt", "GET")
        status, answer = await self._call(connection, asked, application, token)
        self._traffic.sent -= 1
        receipts: list[dict[str, Any]] = from_json(answer) if status == asked.expects else []
        made = (call.if_match or 0) + 1
        return next(((200, to_json(one)) for one in receipts if one["version"] == made), None)

    def _patience(self) -> Patience:
        return Patience(f"intake at {self._host}:{self._port}", self._away_seconds)

    def _head(self, call: Call, application: str, token: str) -> bytes:
        path = call.path.format(round=self._round, application=application)
        lines = [
            f"{call.method} {path} HTTP/1.1",
            f"Host: {self._host}:{self._port}",
            f"Content-Type: {call.content_type}",
            f"Content-Length: {len(call.body)}",
            *_optional(("Idempotency-Key", call.key), ("Authorization", token and f"Bearer {token}")),
            *_optional(("If-Match", f'"{call.if_match}"' if call.if_match else None)),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _optional(*headers: tuple[str, str | None]) -> Iterable[str]:
    return (f"{name}: {value}" for name, value in headers if value)
