"""What the portal keeps of answers: one question at a time, shown while it is asked again, gone when it is too old."""

import asyncio

import pytest

from services.portal.adapters import kept
from services.portal.adapters.kept import Kept
from services.portal.adapters.services import ServiceAwayError, UnknownThereError


class Service:
    def __init__(self) -> None:
        self.asked = 0
        self.says: object = "one"
        self.gate = asyncio.Event()
        self.gate.set()

    async def ask(self) -> str:
        self.asked += 1
        await self.gate.wait()
        if isinstance(self.says, Exception):
            raise self.says
        return str(self.says)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def answers(clock: Clock) -> Kept[str]:
    return Kept(1, 60, clock)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_many_who_wait_are_one_question(answers: Kept[str], service: Service) -> None:
    service.gate.clear()
    waiting = [asyncio.create_task(answers.get("a", service.ask)) for _ in range(50)]
    await settled()
    service.gate.set()
    assert {(await each).value for each in waiting} == {"one"}
    assert service.asked == 1


async def test_what_is_fresh_is_not_asked_again(answers: Kept[str], service: Service, clock: Clock) -> None:
    await answers.get("a", service.ask)
    clock.now = 0.9
    await answers.get("a", service.ask)
    await settled()
    assert service.asked == 1


async def test_what_is_older_is_shown_and_asked_in_the_background(
    answers: Kept[str], service: Service, clock: Clock
) -> None:
    first = await answers.get("a", service.ask)
    service.says, clock.now = "two", 5.0
    assert (await answers.get("a", service.ask)).value == "one"
    await settled()
    second = await answers.get("a", service.ask)
    assert (second.value, second.age) == ("two", 0.0)
    assert second.version == first.version + 1


async def test_a_service_that_is_away_leaves_what_it_said_with_its_age(
    answers: Kept[str], service: Service, clock: Clock
) -> None:
    await answers.get("a", service.ask)
    service.says, clock.now = ServiceAwayError("x"), 30.0
    for _ in range(3):
        shown = await answers.get("a", service.ask)
        await settled()
    assert (shown.value, shown.age) == ("one", 30.0)
    clock.now = 61.0
    with pytest.raises(ServiceAwayError):
        await answers.get("a", service.ask)


async def test_what_is_gone_there_is_gone_here(answers: Kept[str], service: Service, clock: Clock) -> None:
    await answers.get("a", service.ask)
    service.says, clock.now = UnknownThereError("a"), 5.0
    await answers.get("a", service.ask)
    await settled()
    with pytest.raises(UnknownThereError):
        await answers.get("a", service.ask)


async def test_a_fault_in_the_background_leaves_what_was_said(
    answers: Kept[str], service: Service, clock: Clock
) -> None:
    await answers.get("a", service.ask)
    service.says, clock.now = KeyError("ours"), 5.0
    for _ in range(2):
        assert (await answers.get("a", service.ask)).value == "one"
        await settled()
    assert service.asked == 3, "and asks again"


async def test_made_up_names_push_out_no_more_than_their_number(
    answers: Kept[str], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MOST", 3)
    for name in ("a", "b", "c", "a", "d"):
        await answers.get(name, service.ask)
    asked = service.asked
    await answers.get("a", service.ask)
    assert service.asked == asked, "the one that was asked for lately stays"
    await answers.get("b", service.ask)
    assert service.asked == asked + 1


async def test_what_nobody_looked_at_is_asked_for_first(answers: Kept[str], service: Service, clock: Clock) -> None:
    await answers.get("a", service.ask)
    clock.now, service.says = 10, "two"
    shown = await answers.get("a", service.ask)
    assert (shown.value, shown.age) == ("two", 0)


async def test_one_of_many_waits_for_it_and_not_for_long(
    answers: Kept[str], service: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PATIENCE_SECONDS", 0.01)
    await answers.get("a", service.ask)
    clock.now = 10
    service.gate.clear()
    first = asyncio.create_task(answers.get("a", service.ask))
    await settled()
    assert (await answers.get("a", service.ask)).age == 10, "the others are shown what there is"
    assert (await first).age == 10
    service.gate.set()
