"""Not more than so many a second, in order; not more than so many at once, slow ones aside."""

import asyncio

import pytest

from services.notify.adapters.pacing import Pace
from services.notify.adapters.places import Places


async def test_turns_are_given_out_a_step_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 6))

    monkeypatch.setattr("services.notify.adapters.pacing.monotonic", lambda: 100.0)
    monkeypatch.setattr("services.notify.adapters.pacing.sleep", sleep)
    pace = Pace(4)
    for _ in range(4):
        await pace.wait()
    assert slept == [0.25, 0.5, 0.75]
    monkeypatch.setattr("services.notify.adapters.pacing.monotonic", lambda: 200.0)
    await pace.wait()
    assert slept == [0.25, 0.5, 0.75], "after idle time the first goes at once"


async def test_no_limit_waits_for_nothing() -> None:
    async with asyncio.timeout(5):
        for _ in range(10_000):
            await Pace(0).wait()


async def test_a_slow_one_keeps_nobody_elses_place() -> None:
    places, answered = Places(1, 0.05), asyncio.Event()

    async def slow() -> None:
        async with places.one():
            await answered.wait()

    waiting = asyncio.create_task(slow())
    await asyncio.sleep(0)
    async with places.one():
        assert not waiting.done()
    answered.set()
    await waiting
