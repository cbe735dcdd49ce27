"""An inbox that can't be read is named, holds up no other inbox, and is never passed over by a freeze."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from deploy.local.stack import Stack
from firstbuy.onboarding.cluster import Cluster
from shared.contracts.access import joining_grants
from shared.contracts.topics import inbox, outbox
from shared.kafka.access import Access
from tests.conftest import StartStack
from tests.support.consuming import records_of, until
from tests.support.rounds import Office, clock_map, purchase_request, write_inbox

pytestmark = pytest.mark.apache_kafka
ROUND = "unreadable"
SUBMIT = "SubmitPurchaseRequest"


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    environment = {"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.5", "FIRSTBUY_INTAKE_SKEW_SECONDS": "0.5"}
    return await start_stack(services=("intake",), environment=environment)


@pytest.fixture
async def office(stack: Stack) -> AsyncIterator[Office]:
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=60) as client:
        office = await Office.of(stack, client)
        for code in ("kepco", "lh"):
            await office.institution(code, unreadable=10**10)
        yield office


async def troubles(office: Office) -> dict[str, str]:
    """By institution, as an operator sees them."""
    operator = {"Authorization": f"Bearer {office.stack.operator_token}"}
    rows = (await office.client.get("/inboxes", headers=operator)).raise_for_status().json()
    return {row["topic"].split(".")[-3]: row["trouble"] for row in rows if row["trouble"]}


async def named(office: Office, code: str, trouble: str | None) -> None:
    async def is_so() -> bool:
        return (await troubles(office)).get(code) == trouble

    await until(is_so, f"the inbox of {code} is said to be {trouble}", 60)


async def answered(stack: Stack, code: str, message: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    async def there() -> bool:
        records = await records_of(stack.kafka.settings, stack.topic_prefix + outbox(code).name)
        found[:] = [body for body in (json.loads(record.value) for record in records) if body["quotes"] == message]
        return bool(found)

    await until(there, f"the answer to {message} of {code}", 60)
    return found[0]


async def deleted(stack: Stack, name: str) -> None:
    admin = AIOKafkaAdminClient(**stack.kafka.settings.client_arguments())
    await admin.start()
    await admin.delete_topics([stack.topic_prefix + name])
    await admin.close()


@pytest.mark.usefixtures("own_users")
async def test_a_freeze_waits_for_an_inbox_that_intake_lost_its_right_on(stack: Stack, office: Office) -> None:
    await office.announce(ROUND, rehearsal=clock_map(20))
    await office.status(ROUND, "open")
    access = Access(stack.kafka.settings)
    await access.revoke(joining_grants(stack.topic_prefix, "lh"))
    await write_inbox(stack, "lh", (SUBMIT, "m1", purchase_request(ROUND, "r")))
    await named(office, "lh", "no-right")
    metrics = (await office.client.get("/metrics")).text
    assert 'firstbuy_inboxes_unreadable{trouble="no-right"} 1.0' in metrics
    await write_inbox(stack, "kepco", (SUBMIT, "m2", purchase_request(ROUND, "r")))
    assert (await answered(stack, "kepco", "m2"))["answer"] == "accepted", "nobody else is held up"

    async def closed() -> bool:
        return "freeze waits for inboxes that can't be read" in stack.log("intake").read_text()

    await until(closed, "the log says that the freeze waits, and for what", 60)
    assert (await office.shown(ROUND))["status"] == "open"
    await access.grant(joining_grants(stack.topic_prefix, "lh"))
    await office.status(ROUND, "frozen")
    assert (await answered(stack, "lh", "m1"))["answer"] == "accepted", "it was sent in time"
    await named(office, "lh", None)
    assert (await office.client.get(f"/rounds/{ROUND}/manifest")).json()["requests"]["count"] == 2


async def test_a_freeze_goes_on_without_an_inbox_that_was_made_anew_and_says_so(stack: Stack, office: Office) -> None:
    await office.announce(ROUND, rehearsal=clock_map(30))
    await office.status(ROUND, "open")
    await write_inbox(stack, "lh", (SUBMIT, "m1", purchase_request(ROUND, "r")))
    await answered(stack, "lh", "m1")
    await deleted(stack, inbox("lh").name)
    await named(office, "lh", "not-there")
    await write_inbox(stack, "kepco", (SUBMIT, "m2", purchase_request(ROUND, "r")))
    assert (await answered(stack, "kepco", "m2"))["answer"] == "accepted", "nobody else is held up"
    kafka = stack.kafka
    await Cluster(kafka.settings, stack.topic_prefix, kafka.own_users).join(["lh"])
    await named(office, "lh", "made-anew")
    await office.status(ROUND, "frozen")
    log = (await office.client.get("/audit", headers=office.officers[0])).raise_for_status().json()["rows"]
    (freeze,) = [row for row in log if row["action"] == "freeze"]
    assert freeze["detail"]["inboxes_made_anew"] == [stack.topic_prefix + inbox("lh").name]
    assert (await office.client.get(f"/rounds/{ROUND}/manifest")).json()["requests"]["count"] == 2


async def test_who_may_see_how_far_inboxes_are_read(office: Office) -> None:
    assert (await office.client.get("/inboxes")).status_code == 401
    rows = (await office.client.get("/inboxes", headers=office.officers[0])).raise_for_status().json()
    assert [(row["next_offset"], row["trouble"]) for row in rows] == [(0, None), (0, None)]
