"""Group commit: submissions that wait together share one transaction, and are answered after it."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import structlog

from services.intake.domain.submissions import Submission
from services.intake.storage import tokens
from services.intake.storage.entries import Answer, admit
from services.intake.usecases.contests import Settling, settle
from services.intake.usecases.entry_events import entry_events
from shared.service.keys import SigningKey
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import CONTENDED, DATABASE_AWAY, DatabaseAwayError, Pool

_log = structlog.get_logger()


class TooManyWaitingError(RuntimeError):
    """The queue of submissions is full: the client should retry shortly."""

    code = "too-many-waiting"


@dataclass(frozen=True, slots=True)
class _Waiting:
    submission: Submission
    answered: "asyncio.Future[Answer]"


class Admission:
    """Takes submissions one by one and writes them in groups. Several groups may be written at once."""

    def __init__(
        self, outbox: OutboxPublisher, signing: SigningKey, group_size: int, waiting_at_most: int, writers: int = 2
    ) -> None:
        self._outbox = outbox
        self._signing = signing
        self._group_size = group_size
        self._waiting_at_most = waiting_at_most
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._under_way: set[tuple[str, ...]] = set()
        self._writers = asyncio.Semaphore(writers)
        self._tasks: set[asyncio.Task[None]] = set()
        self._secret: bytes | None = None
        self._networks: bytes | None = None

    async def submit(self, submission: Submission) -> Answer:
        """The receipt or the refusal, once it is durable. Raises TooManyWaitingError."""
        if len(self._waiting) >= self._waiting_at_most:
            raise TooManyWaitingError
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(submission, answered))
        self._arrived.set()
        return await answered

    async def write_groups(self, pool: Pool) -> None:
        """A periodic job: forms a group whenever a writer is free, for ever."""
        while True:
            await self._arrived.wait()
            await self._writers.acquire()
            group, marks = self._next_group()
            if not group:
                self._writers.release()
                self._arrived.clear()  # nobody waits, or all wait for a running group, which sets it again
                continue
            task = asyncio.create_task(self._write(pool, group, marks))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _next_group(self) -> tuple[list[_Waiting], set[tuple[str, ...]]]:
        """The submissions that wait longest; of one product, or under one key, only one at a time."""
        group: list[_Waiting] = []
        marks: set[tuple[str, ...]] = set()
        later: list[_Waiting] = []
        while self._waiting and len(group) < self._group_size:
            waiting = self._waiting.popleft()
            mine = _marks(waiting.submission)
            if mine & marks or mine & self._under_way:
                later.append(waiting)
            else:
                marks |= mine
                group.append(waiting)
        self._waiting.extendleft(reversed(later))
        self._under_way |= marks
        return group, marks

    async def _write(self, pool: Pool, group: Sequence[_Waiting], marks: set[tuple[str, ...]]) -> None:
        try:
            await self._answer(pool, group)
        finally:
            self._under_way -= marks
            self._writers.release()
            self._arrived.set()

    async def _answer(self, pool: Pool, group: Sequence[_Waiting]) -> None:
        """Writes and answers a group. If it fails, each half is retried alone, so that one bad submission costs no
        other."""
        try:
            answers: Sequence[Answer | Exception] = await self._admit(pool, [waiting.submission for waiting in group])
        except DATABASE_AWAY:
            _log.warning("can't admit without database", submissions=len(group))
            answers = [DatabaseAwayError("admission")] * len(group)
        except Exception:  # noqa: BLE001 -- every waiting client gets an answer
            _log.exception("failed to admit", submissions=len(group))
            if len(group) > 1:
                middle = len(group) // 2
                await self._answer(pool, group[:middle])
                await self._answer(pool, group[middle:])
                return
            answers = [RuntimeError("admission failed")]
        for waiting, answer in zip(group, answers, strict=True):
            if waiting.answered.done():
                continue
            if isinstance(answer, Exception):
                waiting.answered.set_exception(answer)
            else:
                waiting.answered.set_result(answer)

    async def _admit(self, pool: Pool, group: Sequence[Submission]) -> list[Answer]:
        signer = await self._signing.signer(pool)
        for attempt in range(5):
            try:
                async with self._outbox.transaction(pool) as (connection, events):
                    if self._secret is None or self._networks is None:
                        self._secret = await tokens.secret(connection, "access-tokens")
                        self._networks = await tokens.secret(connection, tokens.NETWORKS)
                    admitted = await admit(connection, group, self._secret, signer)
                    events += [event for entry in admitted.entries for event in entry_events(entry, self._networks)]
                    for disturbed in admitted.disturbed:
                        settling = Settling(
                            connection, disturbed.firm, disturbed.received_at, disturbed.window.seed, signer
                        )
                        events += await settle(settling, disturbed.outranked)
            except (*CONTENDED, asyncpg.UniqueViolationError):
                # Unique: another replica stored the same idempotency key meanwhile. The retry finds it.
                if attempt == 4:
                    raise
            else:
                _log.info("admitted submissions", submissions=len(group), new=len(admitted.entries))
                return list(admitted.answers)
        raise AssertionError("unreachable")


def _marks(submission: Submission) -> set[tuple[str, ...]]:
    """What no two submissions of concurrent groups may share."""
    marks: set[tuple[str, ...]] = {(submission.round, submission.business_number, name) for name in submission.names}
    marks.add((submission.round, submission.business_number, submission.product_key))
    if submission.idempotency_key:
        marks.add((submission.round, submission.business_number, "key", submission.idempotency_key))
    return marks
