"""Accepted ⇔ in the manifest, whatever firms do around the close: on a running intake, many rounds at once.

Each round has its own schedule of submissions, retries, resubmissions and withdrawals within a second before and after
its close, and may be extended by two officers meanwhile. What was answered with a receipt is exactly what is frozen.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from deploy.local.stack import Stack
from shared.proof.merkle import digest_of
from tests.conftest import StartStack
from tests.support.examples import examples
from tests.support.rounds import Office, application, clock_map

WINDOW_SECONDS = 2.5
EXAMPLES = examples(4)
"""How many schedules are tried; a longer run is a matter of this setting."""


@dataclass(frozen=True)
class Turn:
    """What a firm does, and when: milliseconds from the first close, negative before it."""

    firm: int
    act: str
    at: int


ACTS = ("submit", "submit", "retry", "resubmit", "resubmit", "withdraw")
TURNS = st.builds(Turn, st.integers(0, 5), st.sampled_from(ACTS), st.integers(-1200, 1200))
SCHEDULES = st.lists(st.tuples(st.lists(TURNS, min_size=10, max_size=40), st.booleans()), min_size=4, max_size=8)


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    return await start_stack(
        services=("intake",), replicas={"intake": 2}, environment={"FIRSTBUY_INTAKE_DRAIN_SECONDS": "1.5"}
    )


@pytest.fixture
async def clients(stack: Stack) -> AsyncIterator[list[httpx2.AsyncClient]]:
    made = [httpx2.AsyncClient(base_url=url, timeout=30) for url in stack.urls("intake")]
    yield made
    for client in made:
        await client.aclose()


@dataclass
class Played:
    """A round under way: every receipt that was answered, by application and version."""

    clients: list[httpx2.AsyncClient]
    office: Office
    round: str
    accepted: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    tokens: dict[int, dict[str, Any]] = field(default_factory=dict)
    sent: int = 0

    def client(self) -> httpx2.AsyncClient:
        """The replicas in turn."""
        self.sent += 1
        return self.clients[self.sent % len(self.clients)]

    async def play(self, turn: Turn, close: float) -> None:
        await asyncio.sleep(max(0.0, close + turn.at / 1000 - asyncio.get_running_loop().time()))
        answer = await self.answer_to(turn)
        if answer is None:
            return
        assert answer.status_code in (200, 201, 409, 410, 412), answer.text
        if answer.status_code in (200, 201):
            receipt = answer.json()
            known = self.accepted.setdefault((receipt["application"], receipt["version"]), receipt)
            assert known["payload_hash"] == receipt["payload_hash"], "one version, one content"
            if receipt.get("token"):
                self.tokens[turn.firm] = receipt

    async def answer_to(self, turn: Turn) -> httpx2.Response | None:
        opened = self.tokens.get(turn.firm)
        if turn.act in ("submit", "retry"):
            key = {"Idempotency-Key": f"firm-{turn.firm}"} if turn.act == "retry" else {}
            url = f"/rounds/{self.round}/applications"
            return await self.client().post(url, json=application(turn.firm), headers=key)
        if opened is None:
            return None
        url, token = f"/applications/{opened['application']}", {"Authorization": f"Bearer {opened['token']}"}
        if turn.act == "withdraw":
            return await self.client().post(f"{url}/withdrawal", json={}, headers=token)
        newest = max(version for application_id, version in self.accepted if application_id == opened["application"])
        body = application(turn.firm, price_won=1000 + self.sent)
        return await self.client().put(url, json=body, headers=token | {"If-Match": f'"{newest}"'})

    async def extend(self, close: float) -> None:
        """Two officers move the close by about a second of real time, while it passes."""
        await asyncio.sleep(max(0.0, close - 0.4 - asyncio.get_running_loop().time()))
        before = datetime.fromisoformat((await self.office.shown(self.round))["closes_at"])
        body = {
            "act": "extend",
            "terms": {"closes_at": (before + timedelta(days=12)).isoformat()},
            "reason": "an outage",
        }
        url, (one, two) = f"/rounds/{self.round}/acts", self.office.officers
        act = (await self.client().post(url, json=body, headers=one)).raise_for_status().json()["act"]
        (await self.client().post(f"{url}/{act}/approval", headers=two)).raise_for_status()

    def standing(self) -> list[tuple[str, int, str]]:
        """The newest accepted version of each application, but for withdrawals."""
        newest: dict[str, dict[str, Any]] = {}
        for (identifier, version), receipt in self.accepted.items():
            if identifier not in newest or newest[identifier]["version"] < version:
                newest[identifier] = receipt
        return [
            (receipt["application"], receipt["version"], receipt["payload_hash"])
            for receipt in newest.values()
            if not receipt.get("withdrawn")
        ]


async def played(clients: list[httpx2.AsyncClient], office: Office, turns: list[Turn], extended: bool) -> None:
    round_id = await office.announce(rehearsal=clock_map(WINDOW_SECONDS))
    close = asyncio.get_running_loop().time() + WINDOW_SECONDS
    one = Played(clients, office, round_id)
    acts = [one.play(turn, close) for turn in turns]
    if extended:
        acts.append(one.extend(close))
    await asyncio.gather(*acts)
    await office.status(round_id, "frozen")
    late = await one.client().post(f"/rounds/{round_id}/applications", json=application(99))
    assert late.status_code == 410
    manifest = (await clients[0].get(f"/rounds/{round_id}/manifest")).raise_for_status().json()["applications"]
    standing = digest_of(one.standing())
    assert (manifest["count"], manifest["root"]) == (standing.count, standing.root)


@pytest.mark.soak
async def test_accepted_is_exactly_what_is_frozen(stack: Stack, clients: list[httpx2.AsyncClient]) -> None:
    office = await Office.of(stack, clients[0])
    loop = asyncio.get_running_loop()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(SCHEDULES)
    def try_schedules(schedules: list[tuple[list[Turn], bool]]) -> None:
        async def all_at_once() -> None:
            await asyncio.gather(*(played(clients, office, turns, extended) for turns, extended in schedules))

        asyncio.run_coroutine_threadsafe(all_at_once(), loop).result(120)

    await asyncio.to_thread(try_schedules)
