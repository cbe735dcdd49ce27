"""Runs a job for each round separately, so that one round's fault stops no other round."""

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

import structlog
from prometheus_client import Counter

from shared.service.postgres import CONTENDED, DATABASE_AWAY

LONGEST_PAUSE: Final = 60.0
_log = structlog.get_logger()
_T = TypeVar("_T")


class ByRound:
    """Runs one job by round. A failing round is logged, counted, and retried after a pause that grows to a minute;
    meanwhile the others continue."""

    def __init__(self, job: str, failures: Counter, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._job = job
        self._failures = failures
        self._monotonic = monotonic
        self._resting: dict[str, tuple[float, float]] = {}
        """By failing round: when it is retried, and the pause before that."""

    async def each(
        self, due: Iterable[_T], round_of: Callable[[_T], str], work: Callable[[_T], Awaitable[object]]
    ) -> None:
        """Runs `work` for each item. Raises only what concerns all rounds: DATABASE_AWAY."""
        for item in due:
            round_id = round_of(item)
            self._failures.labels(self._job, round_id)  # there with 0, or an alert could not fire
            again_at, pause = self._resting.get(round_id, (0.0, 0.0))
            if self._monotonic() < again_at:
                continue
            try:
                await work(item)
            except DATABASE_AWAY:
                raise
            except CONTENDED as error:
                _log.info("yields lock", job=self._job, round=round_id, error=type(error).__name__)
            except Exception:  # noqa: BLE001 -- named, counted, and tried again
                pause = min(max(1.0, pause * 2), LONGEST_PAUSE)
                self._resting[round_id] = (self._monotonic() + pause, pause)
                self._failures.labels(self._job, round_id).inc()
                _log.exception("job failed", job=self._job, round=round_id, again_in_seconds=pause)
            else:
                self._resting.pop(round_id, None)
