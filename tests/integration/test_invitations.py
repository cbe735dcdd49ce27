"""Refused after the close, told after an extension: intake remembers whom, notify mails, and the freeze erases them."""

import itertools
import json
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import asyncpg
import httpx2
import pytest

from deploy.local.stack import Stack
from tests.conftest import StartStack
from tests.support.consuming import records_of, until
from tests.support.rounds import CLOSES, Office, application, clock_map

LATE = "late@example.org"


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    # A drain that lasts until the test has extended the round.
    return await start_stack(services=("intake", "notify"), environment={"FIRSTBUY_INTAKE_DRAIN_SECONDS": "10"})


async def apply(client: httpx2.AsyncClient, round_id: str, number: int, **contact: str) -> httpx2.Response:
    body = application(number)
    body["contact"] |= contact
    key = {"Idempotency-Key": f"key-{number}"}
    return await client.post(f"/rounds/{round_id}/applications", json=body, headers=key)


async def until_closed(client: httpx2.AsyncClient, round_id: str) -> None:
    probes = itertools.count(100)

    async def closed() -> bool:
        return (await apply(client, round_id, next(probes))).status_code == 410

    await until(closed, "the close")


async def rows(stack: Stack, sql: str) -> list[Any]:
    database = await asyncpg.connect(stack.database_url("intake"))
    try:
        return list(await database.fetch(sql))
    finally:
        await database.close()


async def contacts(stack: Stack) -> dict[str, Any]:
    """What contacts.v1 holds by party, newest last: None once it is erased."""
    records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}contacts.v1")
    return {record.key.decode(): record.value and json.loads(record.value) for record in records}


async def test_the_refused_are_told_once_and_forgotten_at_the_freeze(stack: Stack, client: httpx2.AsyncClient) -> None:
    office = await Office.of(stack, client)
    round_id = await office.announce(rehearsal=clock_map(2))
    await office.status(round_id, "open")
    accepted = await apply(client, round_id, 1)
    assert accepted.status_code == 201
    await until_closed(client, round_id)
    again = await apply(client, round_id, 1)
    assert again.content == accepted.content, "a retry is no refusal"
    for number in (2, 3, 3):
        assert (await apply(client, round_id, number, email=LATE, language="en")).status_code == 410
    invalid = await client.post(f"/rounds/{round_id}/applications", json=application(4) | {"track": "?"})
    assert invalid.status_code == 422
    kept = await rows(stack, "SELECT round, email, name, language FROM refused ORDER BY email")
    assert (round_id, LATE, "담당자", "en") in map(tuple, kept)
    assert len(kept) == 2, "the last probe and the late one, each once; no other of those who applied"

    await office.act(round_id, "extend", {"closes_at": (CLOSES + timedelta(days=120)).isoformat()})
    assert await rows(stack, "SELECT FROM refused") == []
    assert (await apply(client, round_id, 3)).status_code == 201

    def told() -> list[str]:
        files = [message_from_bytes(file.read_bytes(), policy=default) for file in stack.mail_folder.glob("*.eml")]
        return [str(mail["To"]) for mail in files if "again" in str(mail["Subject"]) or "다시" in str(mail["Subject"])]

    async def both_told() -> bool:
        return len(told()) == 2

    await until(both_told, "an invitation by mail to each")
    assert sum(LATE in address for address in told()) == 1
    parties = [row["party"] for row in await rows(stack, "SELECT party::text FROM invited")]
    assert LATE in [(await contacts(stack))[party]["email"] for party in parties]

    await office.status(round_id, "frozen")

    async def erased() -> bool:
        held = await contacts(stack)
        return not await rows(stack, "SELECT FROM invited") and all(held[party] is None for party in parties)

    await until(erased, "tombstones of the invited parties")
    assert len(told()) == 2
    assert (await apply(client, round_id, 9)).status_code == 410
    assert await rows(stack, "SELECT FROM refused") == [], "after the freeze nobody is remembered"


async def test_nobody_is_remembered_when_the_round_freezes_unextended(start_stack: StartStack) -> None:
    stack = await start_stack(services=("intake",), environment={"FIRSTBUY_INTAKE_DRAIN_SECONDS": "1"})
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        round_id = await office.announce(rehearsal=clock_map(2))
        await office.status(round_id, "open")
        await until_closed(client, round_id)
        await office.status(round_id, "frozen")

        async def forgotten() -> bool:
            return not await rows(stack, "SELECT FROM refused")

        await until(forgotten, "the refused forgotten")
