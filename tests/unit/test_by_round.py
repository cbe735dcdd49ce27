"""A round's fault stops no other round, and one submission's no other firm's."""

import asyncio
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from services.intake.usecases.admission import Admission, _Waiting
from shared.service.by_round import ByRound
from shared.service.postgres import DatabaseAwayError
from shared.service.telemetry import open_metrics


@dataclass
class Time:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_round_that_fails_is_counted_and_tried_again_later_while_others_go_on() -> None:
    metrics, clock = open_metrics(), Time()
    apart = ByRound("opening", metrics.round_failures, clock)
    done: list[tuple[float, str]] = []
    broken = {"a", "b"}

    async def work(round_id: str) -> None:
        done.append((clock.now, round_id))
        if round_id in broken:
            raise OverflowError("date value out of range")

    for second in range(5):
        clock.now = float(second)
        await apart.each(["a", "b", "c"], str, work)
    assert [at for at, round_id in done if round_id == "c"] == [0, 1, 2, 3, 4]
    assert [at for at, round_id in done if round_id == "a"] == [0, 1, 3], "after one second, then after two"
    failures = metrics.registry.get_sample_value("firstbuy_round_failures_total", {"duty": "opening", "round": "a"})
    assert failures == 3
    broken.clear()
    clock.now = 300.0
    await apart.each(["a"], str, work)
    clock.now = 300.1
    await apart.each(["a"], str, work)
    assert [at for at, round_id in done if round_id == "a"][-2:] == [300.0, 300.1], "well again, it waits no more"


async def test_what_concerns_all_rounds_is_told_to_the_job() -> None:
    apart = ByRound("opening", open_metrics().round_failures)

    async def work(round_id: str) -> None:
        raise DatabaseAwayError("pool")

    with pytest.raises(DatabaseAwayError):
        await apart.each(["a", "b"], str, work)

    async def contended(round_id: str) -> None:
        raise asyncpg.SerializationError

    await apart.each(["a", "b"], str, contended)


class Picky(Admission):
    """Fails with every group that has a submission it can't hold."""

    tried: list[int]

    async def _admit(self, pool: Any, group: Any) -> Any:
        self.tried.append(len(group))
        if "poison" in group:
            raise ValueError("no contract holds it")
        return [f"receipt of {submission}" for submission in group]


async def test_a_submission_that_can_not_be_admitted_costs_nobody_else_a_place() -> None:
    admission = Picky(SimpleNamespace(), SimpleNamespace(), 256, 1000)  # type: ignore[arg-type]
    admission.tried = []
    submissions: list[Any] = [f"firm {number}" for number in range(255)]
    submissions.insert(100, "poison")
    loop = asyncio.get_running_loop()
    group = [_Waiting(submission, loop.create_future()) for submission in submissions]
    await admission._answer(SimpleNamespace(), group)  # type: ignore[arg-type]
    for waiting in group:
        if waiting.submission == "poison":  # type: ignore[comparison-overlap]
            assert isinstance(waiting.answered.exception(), RuntimeError)
        else:
            assert waiting.answered.result() == f"receipt of {waiting.submission}"
    assert len(admission.tried) < 20, "halves, not one by one"
