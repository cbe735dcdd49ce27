"""A round in which every service is upgraded from the release before, one after another, and one goes back.

Migrations expand first: the release before runs on this version's schema. Old code reads new events, and new code old
ones.
"""

import asyncio
import os
from http import HTTPStatus
from pathlib import Path

import httpx2
import pytest

from deploy.local.kafka_choice import required
from deploy.local.process import Launch, executed
from deploy.local.stack import Stack
from deploy.local.state import PROJECT
from shared.contracts.topics import dead_letters
from tests.conftest import StartStack
from tests.support.consuming import records_of, until
from tests.support.released import NoHistoryError, Switched, unpacked
from tests.support.rounds import Office, application, clock_map, purchase_request, write_inbox
from tests.support.told import Section, tell

WINDOW_SECONDS = 25.0
ENVIRONMENT = {"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.5"}


@pytest.fixture
def launch() -> Launch:
    """A fork has this version's modules already."""
    return executed


@pytest.fixture
def code(tmp_path: Path, request: pytest.FixtureRequest) -> Switched:
    try:
        before = unpacked(tmp_path / "before")
    except NoHistoryError as error:
        if required("history", os.environ):
            raise
        tell(request.config, Section.WITHOUT_HISTORY, f"{request.node.nodeid}: {error}")
        pytest.skip(str(error))
    return Switched(tmp_path, {"before": before, "this": PROJECT})


class Round:
    """Firms come all the while; what was acknowledged is in `entered`."""

    def __init__(self, stack: Stack, client: httpx2.AsyncClient, office: Office, code: Switched) -> None:
        self.stack, self.client, self.office, self.code = stack, client, office, code
        self.round_id = ""
        self.entered: set[str] = set()
        self._number = 0

    async def open(self) -> None:
        await self.office.institution("kepco", upgraded=30_000_000)
        self.round_id = await self.office.announce("upgraded", rehearsal=clock_map(WINDOW_SECONDS))
        await self.office.status(self.round_id, "open")
        await write_inbox(self.stack, "kepco", ("SubmitPurchaseRequest", "one", purchase_request(self.round_id, "r1")))

    async def enter(self) -> None:
        self._number += 1
        url, key = f"/rounds/{self.round_id}/applications", f"key-{self._number}"
        while True:
            try:
                answer = await self.client.post(url, json=application(self._number), headers={"Idempotency-Key": key})
            except httpx2.TransportError:  # it is being upgraded
                await asyncio.sleep(0.2)
                continue
            if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
                await asyncio.sleep(0.2)
                continue
            break
        if answer.status_code != HTTPStatus.GONE:  # a slow machine comes after the close
            self.entered.add(answer.raise_for_status().json()["application"])

    async def switch(self, service: str, tree: str) -> None:
        self.code.to(service, tree)
        async with asyncio.TaskGroup() as both:
            both.create_task(self.stack.restart(service))
            both.create_task(self.enter())
        await self.enter()


async def states_its_version(client: httpx2.AsyncClient) -> bool:
    """The release before had no such label: so it is known which code runs."""
    return 'version="' in (await client.get("/metrics")).raise_for_status().text.partition("firstbuy_build_info{")[2]


async def test_a_round_goes_on_while_services_are_upgraded_and_one_goes_back(
    start_stack: StartStack, code: Switched
) -> None:
    stack = await start_stack(environment=ENVIRONMENT, command=code.command)
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        upgraded = Round(stack, client, await Office.of(stack, client), code)
        await upgraded.open()
        for _ in range(5):
            await upgraded.enter()
        assert not await states_its_version(client)
        await upgraded.switch("intake", "this")
        assert await states_its_version(client)
        await upgraded.switch("eligibility", "this")
        await upgraded.switch("eligibility", "before")
        await upgraded.office.status(upgraded.round_id, "frozen")
        await upgraded.office.milestone(upgraded.round_id, "EligibilityCompleted")
        for service in ("selection", "eligibility", "notify"):
            code.to(service, "this")
            await stack.restart(service)
        proposal = await upgraded.office.confirm(upgraded.round_id)
        results = await upgraded.office.results(upgraded.round_id, len(upgraded.entered))
        manifest = (await client.get(f"/rounds/{upgraded.round_id}/manifest")).raise_for_status().json()
    assert len(upgraded.entered) >= 5
    assert {result["application"] for result in results} == upgraded.entered
    assert manifest["applications"]["count"] == len(upgraded.entered)
    assert proposal["seed"]

    async def told() -> bool:
        return len(list(stack.mail_folder.glob("*.eml"))) >= 3 * len(upgraded.entered)

    await until(told, "receipt, verdict and result of each")
    unreadable = [
        dead_letters(topic, service).name
        for topic in ("rounds.v1", "applications.v1")
        for service in ("eligibility", "selection", "notify")
    ]
    assert await records_of(stack.kafka.settings, *(stack.topic_prefix + name for name in unreadable)) == []
