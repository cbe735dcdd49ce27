"""The server's clock against the database's: measured, bounded, part of readiness."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.intake.usecases.clock_offset import ClockOffset

NOW = datetime(2018, 9, 14, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Ticking:
    """A clock that goes on by `step` at each look."""

    def __init__(self, step: timedelta) -> None:
        self.moment = NOW
        self.step = step

    def now(self) -> datetime:
        seen = self.moment
        self.moment += self.step
        return seen


class DatabaseAt:
    """As much of a pool as is asked for one moment."""

    wait_seconds = 1.0

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    async def acquire(self, **_: Any) -> "DatabaseAt":
        return self

    async def release(self, _: Any) -> None: ...

    async def fetchval(self, _: str) -> datetime:
        return self.moment


@pytest.mark.parametrize(
    ("database", "round_trip", "far"),
    [
        (NOW, timedelta(0), False),
        (NOW + SECOND / 2, timedelta(0), False),
        (NOW + 2 * SECOND, timedelta(0), True),
        (NOW - 2 * SECOND, timedelta(0), True),
        (NOW + 2 * SECOND, 4 * SECOND, False),
    ],
    ids=["the same", "within", "behind", "ahead", "too slow an answer to tell"],
)
async def test_only_a_sure_offset_beyond_the_bound_is_told(
    database: datetime, round_trip: timedelta, far: bool
) -> None:
    offset = ClockOffset(Ticking(round_trip), SECOND, CollectorRegistry())
    assert offset.missing() == "not measured yet"
    await offset.measure(DatabaseAt(database))  # type: ignore[arg-type]
    assert (offset.missing() is not None) is far
