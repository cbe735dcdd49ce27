"""An institution joins a running programme, by the command that its office uses."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from typer.testing import CliRunner, Result

from deploy.local.stack import Stack
from firstbuy.cli import assembled
from shared.contracts.access import institution_user, joining_grants
from shared.contracts.topics import inbox, outbox
from shared.kafka.access import Access
from shared.service.settings import KafkaSettings
from tests.conftest import StartStack
from tests.support.consuming import records_of, until
from tests.support.kafka_users import logs_in, may_write
from tests.support.rounds import Office, clock_map, purchase_request


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    return await start_stack(services=("intake",))


@pytest.fixture
def firstbuy(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command as an operator runs it, with the operator's own user of Kafka."""
    for name, value in stack.kafka.settings.as_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FIRSTBUY_TOPIC_PREFIX", stack.topic_prefix)
    monkeypatch.setenv("FIRSTBUY_URL", stack.url("intake"))
    monkeypatch.setenv("FIRSTBUY_TOKEN", stack.operator_token)

    async def run(*arguments: str) -> Result:
        done = await asyncio.to_thread(CliRunner().invoke, assembled(), ["institution", *arguments])
        assert done.exit_code == 0, done.output
        return done

    return run


async def told(stack: Stack) -> list[dict[str, Any]]:
    """Every change of an institution that was published."""
    records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}institutions.v1")
    return [json.loads(record.value) for record in records]


async def handed_over(firstbuy: Any, code: str, *arguments: str) -> dict[str, Any]:
    made: list[dict[str, Any]] = json.loads((await firstbuy("onboard", code, "--json", *arguments)).stdout)
    return made[0]


def user_of(stack: Stack, made: dict[str, Any]) -> KafkaSettings:
    return stack.kafka.settings.as_user(made["user"], made["password"]) if "user" in made else stack.kafka.settings


async def send(user: KafkaSettings, topic: str, identifier: str, body: Any) -> None:
    producer = AIOKafkaProducer(acks="all", enable_idempotence=True, **user.client_arguments())
    await producer.start()
    headers = [("ce_type", b"kr.firstbuy.SubmitPurchaseRequest.v1"), ("ce_id", identifier.encode())]
    try:
        await producer.send_and_wait(topic, json.dumps(body).encode(), key=identifier.encode(), headers=headers)
    finally:
        await producer.stop()


async def answers(user: KafkaSettings, prefix: str, code: str, count: int) -> list[dict[str, Any]]:
    """Read in a group of the institution's own."""
    consumer = AIOKafkaConsumer(
        prefix + outbox(code).name,
        group_id=f"{institution_user(prefix, code)}.1",
        auto_offset_reset="earliest",
        **user.client_arguments(),
    )
    await consumer.start()
    try:
        async with asyncio.timeout(20):
            found = [json.loads((await consumer.getone()).value) for _ in range(count)]
        await consumer.commit()
    finally:
        await consumer.stop()
    return found


async def test_who_joins_is_heard_and_nothing_is_restarted(stack: Stack, office: Office, firstbuy: Any) -> None:
    round_id = await office.announce(rehearsal=clock_map(3600))
    await office.status(round_id, "open")
    before = stack.pid("intake")
    pledge = ["--pledge", "1000000000", "--round", round_id]
    made = await handed_over(firstbuy, "kepco", "--name", "한국전력공사", *pledge)
    kepco = user_of(stack, made)
    await send(kepco, made["inbox"], "m1", purchase_request(round_id, "r1"))
    (answer,) = await answers(kepco, stack.topic_prefix, "kepco", 1)
    assert (answer["quotes"], answer["answer"]) == ("m1", "accepted")
    assert stack.pid("intake") == before


@pytest.mark.usefixtures("own_users")
async def test_onboarding_twice_changes_nothing(stack: Stack, firstbuy: Any) -> None:
    arguments = ("--name", "한국전력공사", "--pledge", "r-1=5")
    made = await handed_over(firstbuy, "kepco", *arguments)
    published = await told(stack)
    again = await handed_over(firstbuy, "kepco", *arguments)
    assert await told(stack) == published
    assert "password" not in again
    assert await logs_in(user_of(stack, made))


async def test_the_way_from_interest_to_leaving_is_told_step_by_step(stack: Stack, firstbuy: Any) -> None:
    await firstbuy("onboard", "lh", "--name", "LH", "--status", "interested")
    await firstbuy("onboard", "lh", "--pledge", "r-1=5")
    await firstbuy("amend", "lh", "--pledge", "r-2=7")
    await firstbuy("suspend", "lh", "--reason", "its key was seen")
    await firstbuy("resume", "lh")
    await firstbuy("leave", "lh")
    changes = await told(stack)
    statuses = ["interested", "agreed", "active", "active", "suspended", "active", "left"]
    assert [change["status"] for change in changes] == statuses
    assert changes[-1]["pledges"] == [{"round": "r-1", "won": 5}, {"round": "r-2", "won": 7}]
    assert {change["name"] for change in changes} == {"LH"}


@pytest.mark.usefixtures("own_users")
async def test_what_a_suspended_one_had_sent_is_answered(stack: Stack, firstbuy: Any) -> None:
    made = await handed_over(firstbuy, "kepco", "--name", "한국전력공사")
    kepco = user_of(stack, made)
    await send(kepco, made["inbox"], "m1", purchase_request("unknown", "r1"))
    await firstbuy("suspend", "kepco")
    (answer,) = await answers(kepco, stack.topic_prefix, "kepco", 1)
    assert answer["quotes"] == "m1"
    assert not await may_write(kepco, made["inbox"])


async def test_many_of_a_file_join_at_once(stack: Stack, firstbuy: Any, tmp_path: Path) -> None:
    file, out = tmp_path / "many.csv", tmp_path / "out"
    rows = [f"i{number},기관 {number},r-1,{number}000" for number in range(1, 31)]
    file.write_text("institution,name,round,pledge_won\n" + "\n".join(rows) + "\n", encoding="utf-8")
    await firstbuy("onboard", "--file", str(file), "--out", str(out))
    assert len(await told(stack)) == 30
    assert len(list(out.glob("*.properties"))) == 30


async def test_intake_calls_nobody_active_who_has_no_topics(office: Office) -> None:
    refused = await office.client.put("/institutions/kepco", json={"name": "K"}, headers=office.officers[0])
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:firstbuy:problem:topics-missing")
    assert "firstbuy institution onboard" in refused.json()["errors"][0]["fix"]
    known = (await office.client.get("/institutions")).json()
    assert known == []


@pytest.mark.usefixtures("own_users")
async def test_one_that_lost_its_inboxs_rights_holds_up_nobody_else(stack: Stack, office: Office) -> None:
    round_id = await office.announce(rehearsal=clock_map(3600))
    await office.status(round_id, "open")
    for code in ("kepco", "lh"):
        await office.institution(code, **{round_id.replace("-", "_"): 10**9})
    admin = stack.kafka.settings
    await Access(admin).revoke(joining_grants(stack.topic_prefix, "lh"))
    await send(admin, stack.topic_prefix + inbox("lh").name, "m1", purchase_request(round_id, "r1"))
    await send(admin, stack.topic_prefix + inbox("kepco").name, "m2", purchase_request(round_id, "r2"))
    await answered(stack, "kepco", "m2")
    await Access(admin).grant(joining_grants(stack.topic_prefix, "lh"))
    await answered(stack, "lh", "m1")


async def answered(stack: Stack, code: str, message: str) -> None:
    async def there() -> bool:
        records = await records_of(stack.kafka.settings, stack.topic_prefix + outbox(code).name)
        return any(json.loads(record.value)["quotes"] == message for record in records)

    await until(there, f"the answer to {message} of {code}")
