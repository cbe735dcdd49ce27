"""The demo's callers while a service is killed and restarted, while answers are lost, and when it stays away."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from deploy.local.stack import Stack
from firstbuy.demo.away import ServiceAwayError
from firstbuy.demo.client import Senders, Traffic
from firstbuy.demo.entries import CHANGE, WITHDRAW, Call, Script
from firstbuy.demo.office import POLICIES, ROUNDS, load_yaml, rehearsed
from firstbuy.demo.office import Office as DemoOffice
from firstbuy.demo.target import TWO_OFFICERS, DemoFailedError, of_stack
from tests.support.losing_answers import losing_answers
from tests.support.rounds import application
from tests.support.stacks import LastingStack

pytestmark = pytest.mark.xdist_group("demo-away")  # one stack for the whole file
EVERY_ANSWER = {201: 1, 200: 2, 412: 1, 409: 1}


@pytest.fixture(scope="module")
async def stack(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    async with lasting_stack(services=("intake",), environment=TWO_OFFICERS) as started:
        yield started


def sent(number: int) -> bytes:
    return json.dumps(application(number)).encode()


def life(number: int) -> Script:
    """Entered, changed, changed as if it had not been, entered again, withdrawn."""
    changed = json.dumps(application(number, price_won=999_000)).encode()
    return Script(
        (
            Call("entered", 201, sent(number), key=f"life-{number}"),
            Call("changed", 200, changed, CHANGE, "PUT", if_match=1),
            Call("changed over a newer version", 412, sent(number), CHANGE, "PUT", if_match=1),
            Call("entered again", 409, sent(number), key=f"again-{number}"),
            Call("withdrawn", 200, b"{}", WITHDRAW),
        )
    )


async def announced(office: DemoOffice, round_id: str) -> str:
    terms = load_yaml(ROUNDS / "2018-h2.yaml")["round"] | {"round": round_id}
    told, _ = rehearsed(terms, datetime.now(UTC), 3600, "away")
    await office.open_office((f"kim of {round_id}", f"lee of {round_id}"))
    await office.announce(told, load_yaml(POLICIES / "2018-h2.yaml"), "a test")
    return round_id


async def open_round(stack: Stack, round_id: str) -> str:
    office = DemoOffice(of_stack(stack))
    try:
        await announced(office, round_id)
        async with asyncio.timeout(60):
            while (await office.get("intake", f"/rounds/{round_id}"))["status"] != "open":
                await asyncio.sleep(0.1)
    finally:
        await office.close()
    return round_id


def as_each_must_be(traffic: Traffic, lives: Sequence[Script]) -> None:
    assert traffic.differing == []
    assert traffic.statuses == {status: count * len(lives) for status, count in EVERY_ANSWER.items()}
    versions: dict[str, list[int]] = {}
    for receipt in traffic.receipts:
        versions.setdefault(receipt.application, []).append(receipt.version)
    assert list(versions.values()).count([1, 2, 3]) == len(lives), "each application's receipts, one of each version"
    assert traffic.sent == traffic.answered


async def test_whoever_sends_outlasts_a_service_that_is_killed_and_restarted(stack: Stack) -> None:
    traffic, lives = Traffic(), [life(number) for number in range(60)]
    senders = Senders(stack.url("intake"), await open_round(stack, "killed"), traffic)
    sending = asyncio.create_task(senders.send(lives, over_seconds=4))
    for _ in range(2):
        await asyncio.sleep(1)
        await stack.kill("intake")
    assert await sending
    as_each_must_be(traffic, lives)


async def test_a_call_whose_answer_was_lost_comes_to_what_it_came_to(stack: Stack) -> None:
    traffic, lives = Traffic(), [life(number) for number in range(100, 104)]
    round_id = await open_round(stack, "lost-answers")
    async with losing_answers(urlsplit(stack.url("intake")).port or 0) as losing:
        await Senders(losing.url, round_id, traffic).send(lives)
        assert min(losing.passed.values()) == 2
    as_each_must_be(traffic, lives)


async def test_officers_find_what_they_proposed_and_approved_in_calls_whose_answers_were_lost(stack: Stack) -> None:
    async with losing_answers(urlsplit(stack.url("intake")).port or 0) as losing:
        office = DemoOffice(replace(of_stack(stack), urls={"intake": losing.url}))
        try:
            await announced(office, "lost-and-found")
            shown = await office.get("intake", "/rounds/lost-and-found")
        finally:
            await office.close()
    assert shown["round"] == "lost-and-found"
    assert min(losing.passed.values()) == 2


async def test_a_service_that_stays_away_ends_it_in_one_sentence(stack: Stack) -> None:
    round_id = await open_round(stack, "stays-away")
    office = DemoOffice(of_stack(stack), away_seconds=0.5)
    await stack.kill("intake", stay_down=True)
    try:
        calls: list[Any] = [
            Senders(stack.url("intake"), round_id, Traffic(), away_seconds=0.5).send([life(200), life(201)]),
            office.get("intake", f"/rounds/{round_id}"),
        ]
        for call in calls:
            with pytest.raises(ServiceAwayError, match=r"^intake at \S+ has not answered for 0.5 s: [^\n]+$") as ended:
                await call
            assert isinstance(ended.value, DemoFailedError), "what the demo prints, and ends"
    finally:
        await office.close()
        await stack.restart("intake")
