"""A token that intake made opens the same things at every service, and ends at every service; no token travels."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator

import httpx2
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.stack import Stack
from shared.contracts import topics
from shared.service.audit_heads import head_verified
from tests.support.consuming import until
from tests.support.rounds import emptied
from tests.support.stacks import LastingStack

pytestmark = pytest.mark.xdist_group("access")
SERVICES = ("intake", "eligibility", "selection", "notify")


@pytest.fixture(scope="module")
async def stack(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    async with lasting_stack(SERVICES) as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=30) as opened:
        yield opened


def operator(stack: Stack) -> dict[str, str]:
    return {"Authorization": f"Bearer {stack.operator_token}"}


async def made(stack: Stack, client: httpx2.AsyncClient, role: str, **more: str) -> tuple[str, str]:
    """A new token and its name."""
    name = f"{role} {secrets.token_hex(4)}"
    body = {"role": role, "name": name} | more
    answer = await client.post(stack.url("intake") + "/tokens", json=body, headers=operator(stack))
    return str(answer.raise_for_status().json()["token"]), name


async def asked(stack: Stack, client: httpx2.AsyncClient, path: str, token: str) -> dict[str, int]:
    """What each service answers."""
    headers = {"Authorization": f"Bearer {token}"}
    answers = await asyncio.gather(*(client.get(stack.url(service) + path, headers=headers) for service in SERVICES))
    return dict(zip(SERVICES, (answer.status_code for answer in answers), strict=True))


async def opens(stack: Stack, client: httpx2.AsyncClient, path: str, token: str, status: int = 200) -> None:
    async def everywhere() -> bool:
        return set((await asked(stack, client, path, token)).values()) == {status}

    await until(everywhere, f"{path} is answered {status} by every service")


async def test_the_auditors_token_opens_the_auditors_things_at_every_service(
    stack: Stack, client: httpx2.AsyncClient
) -> None:
    token, _ = await made(stack, client, "auditor")
    for path in ("/audit", "/parked"):
        await opens(stack, client, path, token)
    headers = {"Authorization": f"Bearer {token}"}
    for path in ("/rounds/none/evidence?depth=auditor", f"/rounds/none/packs/{'0' * 8}-0000-4000-8000-{'0' * 12}"):
        answer = await client.get(stack.url("selection") + path, headers=headers)
        assert answer.status_code in (404, 409), "who asks may, and there is nothing"
    settled = {"reason": "mended"}
    refused = await client.post(stack.url("notify") + "/parked/t/0/0/settlement", json=settled, headers=headers)
    assert refused.status_code == 403


async def test_who_has_no_token_or_one_of_another_role_is_told_so(stack: Stack, client: httpx2.AsyncClient) -> None:
    assert set((await asked(stack, client, "/parked", "made-up")).values()) == {401}
    token, _ = await made(stack, client, "institution", institution="kepco")
    await opens(stack, client, "/parked", token, 403)


async def test_a_token_that_is_ended_is_ended_everywhere(stack: Stack, client: httpx2.AsyncClient) -> None:
    token, name = await made(stack, client, "officer")
    await opens(stack, client, "/parked", token)
    ended = await client.delete(stack.url("intake") + f"/tokens/{name}", headers=operator(stack))
    assert ended.status_code == 204
    await opens(stack, client, "/parked", token, 401)


async def test_an_emptied_intake_knows_who_may_act(stack: Stack, client: httpx2.AsyncClient) -> None:
    token, _ = await made(stack, client, "auditor")
    gone, name = await made(stack, client, "auditor")
    await client.delete(stack.url("intake") + f"/tokens/{name}", headers=operator(stack))
    await opens(stack, client, "/parked", token)
    await emptied(stack, "intake")
    await opens(stack, client, "/parked", token)
    await opens(stack, client, "/parked", gone, 401)


async def test_no_token_is_on_the_topic(stack: Stack, client: httpx2.AsyncClient) -> None:
    token, name = await made(stack, client, "officer")
    await opens(stack, client, "/parked", token)
    consumer = AIOKafkaConsumer(**stack.kafka.settings.client_arguments())
    await consumer.start()
    try:
        partition = TopicPartition(stack.topic_prefix + topics.ACCESS.name, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        told: list[bytes] = []
        while await consumer.position(partition) < end:
            told += [record.value for record in (await consumer.getmany(timeout_ms=1000)).get(partition, ())]
    finally:
        await consumer.stop()
    assert name in {json.loads(one)["name"] for one in told}
    assert "first operator" in {json.loads(one)["name"] for one in told}
    for secret in (token, stack.operator_token):
        assert not any(secret.encode() in one for one in told)


async def test_signed_heads_of_every_log_are_a_file(stack: Stack, client: httpx2.AsyncClient) -> None:
    await made(stack, client, "officer")
    url = stack.url("intake")

    async def signed() -> bool:
        return bool((await client.get(url + "/audit/heads")).text)

    await until(signed, "a head is signed")
    keys = {one["key_id"]: one["public_key"] for one in (await client.get(url + "/.well-known/firstbuy-keys")).json()}
    heads = [json.loads(line) for line in (await client.get(url + "/audit/heads")).text.splitlines()]
    assert all(head_verified(head, keys[head["key_id"]]) for head in heads)
    assert [head["count"] for head in heads] == sorted(head["count"] for head in heads)
    for service in SERVICES:
        assert (await client.get(stack.url(service) + "/audit/heads")).status_code == 200
