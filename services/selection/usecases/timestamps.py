"""Has every commitment stamped by a time-stamp authority, if one is configured: independent proof of its time.

The draw does not wait for the stamp: its fairness rests on the source's value being due after the commitment. A stamp
later than that value proves less, as its own time shows. While the authority is unavailable or gives wrong answers, it
is asked again with pauses that double up to ten minutes.
"""

import base64
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2
import structlog
from cryptography.x509 import Certificate

from services.selection.settings import SelectionSettings
from services.selection.storage import timestamps
from shared.clock import Clock
from shared.contracts import topics
from shared.contracts.events import CommitmentTimeStamped
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.proof.canonical import sha256_hex
from shared.proof.timestamping import Stamp, UnusableRootsError, WrongStampError, answered, request_for, roots_of
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Pool, connected

LONGEST_PAUSE: Final = 600.0
ANSWER_SECONDS: Final = 15.0
ANSWER_BYTES: Final = 65_536
_log = structlog.get_logger()


class AuthorityAwayError(ConnectionError):
    """The authority did not answer, or gave no time-stamp answer."""

    code = "authority-away"


@dataclass(frozen=True, slots=True)
class Authority:
    """A time-stamp authority over HTTP (RFC 3161, 3.4), and the roots that its certificates must lead to."""

    url: str
    roots: Sequence[Certificate]

    @classmethod
    def of(cls, settings: SelectionSettings) -> "Authority | None":
        """The configured authority; None if no address is set. Raises UnusableRootsError."""
        if not settings.timestamp_url:
            return None
        file = settings.timestamp_ca_file
        try:
            return cls(settings.timestamp_url, roots_of(Path(file).read_bytes()))
        except (OSError, UnusableRootsError) as error:
            raise UnusableRootsError(f"FIRSTBUY_SELECTION_TIMESTAMP_CA_FILE={file}: {error}") from error

    async def stamp(self, root: str) -> Stamp:
        """Asks for a stamp. Raises AuthorityAwayError; WrongStampError if the answer is no stamp of this root."""
        request = request_for(root)
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        content = b""
        try:
            async with (
                httpx2.AsyncClient(timeout=ANSWER_SECONDS) as client,
                client.stream("POST", self.url, content=request.as_bytes(), headers=headers) as answer,
            ):
                if answer.status_code != 200:
                    raise AuthorityAwayError(f"answers {answer.status_code}")
                async for part in answer.aiter_bytes():
                    content += part
                    if len(content) > ANSWER_BYTES:
                        raise WrongStampError(f"its answer is longer than {ANSWER_BYTES} bytes")
        except httpx2.HTTPError as error:
            raise AuthorityAwayError(type(error).__name__) from error
        return answered(content, request, root, self.roots)


class Stamping:
    """Stamps commitments. Two replicas may ask for the same stamp; the first one stored is published."""

    def __init__(
        self,
        authority: Authority,
        outbox: OutboxPublisher,
        clock: Clock,
        first_pause: float,
        chance: Callable[[], float],
    ) -> None:
        self._authority = authority
        self._outbox = outbox
        self._clock = clock
        self._first_pause = first_pause
        self._chance = chance
        self._failures = 0
        self._not_before = 0.0

    async def stamp_due(self, pool: Pool) -> None:
        """A periodic job: asks for missing stamps.

        The first failure ends the pass, since the authority is unavailable.
        """
        if time.monotonic() < self._not_before:
            return
        async with connected(pool) as connection:
            lacking = await timestamps.unstamped(connection)
        for round_id, epoch, root in lacking:
            try:
                stamp = await self._authority.stamp(root)
            except (AuthorityAwayError, WrongStampError) as error:
                self._pause(round_id, epoch, error)
                return
            self._failures = 0
            async with self._outbox.transaction(pool) as (connection, events):
                if await timestamps.save(connection, round_id, epoch, root, stamp):
                    events.append(self._event(round_id, epoch, root, stamp))
            _log.info("stamped commitment", round=round_id, epoch=epoch, stamped_at=stamp.stamped_at.isoformat())

    def _pause(self, round_id: str, epoch: int, error: Exception) -> None:
        pause = min(self._first_pause * 2 ** min(self._failures, 20), LONGEST_PAUSE) * (0.5 + self._chance())
        self._failures += 1
        self._not_before = time.monotonic() + pause
        _log.warning(
            "cannot stamp commitment",
            round=round_id,
            epoch=epoch,
            error=type(error).__name__,
            detail=str(error)[:300],
            again_in_seconds=round(pause, 1),
        )

    def _event(self, round_id: str, epoch: int, root: str, stamp: Stamp) -> Outgoing:
        """The event. Its id covers the token: a database restored to before its stamp asks for another one."""
        event = stamped_event(round_id, epoch, root, stamp)
        identifier = event_id("commitment-time-stamped", round_id, epoch, sha256_hex(stamp.token))
        return outgoing(topics.MILESTONES.name, round_id, event, event_id=identifier, time=self._clock.now())


def stamped_event(round_id: str, epoch: int, root: str, stamp: Stamp) -> CommitmentTimeStamped:
    """The event's body."""
    return CommitmentTimeStamped(
        round=round_id,
        epoch=epoch,
        commitment_root=root,
        authority=stamp.authority,
        token=base64.b64encode(stamp.token).decode(),
        stamped_at=stamp.stamped_at,
    )


def chance() -> float:
    """A random number in [0, 1), which spreads retries."""
    return random.random()  # noqa: S311 -- jitter
