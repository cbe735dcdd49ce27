"""Caches answers that are the same for everybody: each is made once, and kept while its content is current.

Confirmed results do not change, but more follows: a later epoch, a batch of releases, a purchase. So the key of an
answer includes the version of everything it is made of. Only public answers are cached; those that need a token are
made per request, and no cache on the way may keep them.
"""

import asyncio
import gzip
import hashlib
import os
import re
import tempfile
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import IO, Final

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from shared.service.files import PIECE
from shared.service.problems import Problem

Key = tuple[str | int | None, ...]
Make = Callable[[], Awaitable[IO[bytes]]]
KEPT_SECONDS: Final = 600.0
"""Answers are made again after this time, so that repairs of the database show in them."""
AT_MOST: Final = 200
"""Most cached answers: each is an open file."""
WAITED_SECONDS: Final = 30.0
ASKED_AGAIN: Final = "public, no-cache"
"""Caches may keep the answer but must revalidate it each time, mostly with a 304."""
PRIVATE: Final = "private, no-store"


class Kept:
    """A cached answer in an unnamed file, which is deleted when nobody reads it any more."""

    def __init__(self, file: IO[bytes]) -> None:
        file.flush()
        self._number = os.dup(file.fileno())
        self.size = os.fstat(self._number).st_size
        digest = hashlib.sha256()
        for start in range(0, self.size, PIECE):
            digest.update(self.read(start))
        self.etag = f'"{digest.hexdigest()[:32]}"'
        self.until = time.monotonic() + KEPT_SECONDS

    def read(self, start: int) -> bytes:
        """At most PIECE bytes from `start`."""
        return os.pread(self._number, PIECE, start)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The whole answer in pieces."""
        for start in range(0, self.size, PIECE):
            yield await asyncio.to_thread(self.read, start)

    def __del__(self) -> None:
        os.close(self._number)


class KeptAnswers:
    """An LRU cache of up to `bound` bytes and AT_MOST answers. Each is made once, however many wait for it."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._bytes = 0
        self._making: dict[Key, asyncio.Task[Kept]] = {}

    async def get(self, key: Key, make: Make) -> Kept:
        """The cached answer, made if it is missing or too old."""
        stored = self._kept.get(key)
        if stored is not None and stored.until > time.monotonic():
            self._kept.move_to_end(key)
            return stored
        making = self._making.get(key)
        if making is None:
            making = asyncio.create_task(self._made(key, make))
            self._making[key] = making
            making.add_done_callback(lambda done: self._done(key, done))
        return await asyncio.shield(making)  # a cancelled request does not cancel it for the others

    async def _made(self, key: Key, make: Make) -> Kept:
        file = await make()
        try:
            made = await asyncio.to_thread(Kept, file)
        finally:
            file.close()
        self._drop(key)
        if made.size <= self._bound:
            self._kept[key] = made
            self._bytes += made.size
            while self._bytes > self._bound or len(self._kept) > AT_MOST:
                self._drop(next(iter(self._kept)))
        return made

    def _done(self, key: Key, done: asyncio.Task[Kept]) -> None:
        del self._making[key]
        if not done.cancelled():
            done.exception()  # raised to those who still wait

    def _drop(self, key: Key) -> None:
        dropped = self._kept.pop(key, None)
        if dropped is not None:
            self._bytes -= dropped.size


async def kept_answer(
    request: Request, key: Key, make: Make, media_type: str, headers: Mapping[str, str], *, packed: bool = True
) -> Response:
    """Answers from the cache, with 304 if the client has it. `packed`: in gzip to clients that accept it."""
    answers: KeptAnswers = request.app.state.kept
    stored = await answers.get(key, make)
    answer_headers = {**headers, "Cache-Control": ASKED_AGAIN}
    if packed:
        answer_headers["Vary"] = ", ".join(filter(None, (headers.get("Vary"), "Accept-Encoding")))
        if takes_gzip(request.headers.get("accept-encoding", "")):
            plain = stored
            stored = await answers.get((*key, plain.etag, "gzip"), lambda: asyncio.to_thread(_packed, plain))
            answer_headers["Content-Encoding"] = "gzip"
    answer_headers["ETag"] = stored.etag
    if knows(request.headers.get("if-none-match", ""), stored.etag):
        return Response(
            status_code=304,
            headers={name: answer_headers[name] for name in answer_headers if name != "Content-Encoding"},
        )
    answer_headers["Content-Length"] = str(stored.size)
    return StreamingResponse(stored.pieces(), media_type=media_type, headers=answer_headers)


def knows(if_none_match: str, etag: str) -> bool:
    """True if If-None-Match names the ETag (RFC 9110 §13.1.2)."""
    return if_none_match.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))


def takes_gzip(accept_encoding: str) -> bool:
    """True if Accept-Encoding accepts gzip."""
    for option in accept_encoding.lower().split(","):
        coding, _, weight = option.partition(";")
        if coding.strip() in {"gzip", "*"}:
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight)
    return False


def _packed(plain: Kept) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed by the cache
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, mtime=0) as packing:
        for start in range(0, plain.size, PIECE):
            packing.write(plain.read(start))
    return file


@asynccontextmanager
async def slot(slots: asyncio.Semaphore) -> AsyncIterator[None]:
    """Waits for a slot to make an answer, which holds a database connection until it is on disk.

    Raises Problem 503 after WAITED_SECONDS.
    """
    try:
        async with asyncio.timeout(WAITED_SECONDS):
            await slots.acquire()
    except TimeoutError:
        busy = "Others' files are being written: ask again in a moment."
        raise Problem(503, "busy", busy, headers={"Retry-After": "5"}) from None
    try:
        yield
    finally:
        slots.release()
