"""A person is erased everywhere: from both databases at once, and from the topic by its compaction."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import asyncpg
import httpx2
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from typer.testing import CliRunner

from deploy.local.stack import Stack
from firstbuy.cli import assembled
from shared.contracts import topics
from tests.conftest import StartStack
from tests.support.consuming import records_of, until
from tests.support.rounds import Office, application, clock_map

ADDRESS = "contact1@example.org"
QUICKLY = topics.CONTACTS.config | {
    "segment.ms": "100",
    "segment.bytes": "1048576",
    "min.cleanable.dirty.ratio": "0.0",
    "max.compaction.lag.ms": "100",
    "delete.retention.ms": "0",
}


async def contacts_in(stack: Stack, service: str) -> list[str]:
    database = await asyncpg.connect(stack.database_url(service))
    try:
        return [row["email"] for row in await database.fetch("SELECT email FROM contacts WHERE email IS NOT NULL")]
    finally:
        await database.close()


async def anywhere(stack: Stack, services: Sequence[str], text: str) -> list[str]:
    """Tables of the services' databases in which a row holds the text, whatever the column."""
    found = []
    for service in services:
        database = await asyncpg.connect(stack.database_url(service))
        try:
            for row in await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
                name = row["tablename"]
                holding = f'SELECT count(*) FROM "{name}" t WHERE t::text ILIKE $1'  # noqa: S608 -- a table's own name
                if await database.fetchval(holding, f"%{text}%"):
                    found.append(f"{service}.{name}")
        finally:
            await database.close()
    return found


async def test_a_person_is_erased_everywhere_and_the_application_goes_on(start_stack: StartStack) -> None:
    stack = await start_stack(environment={"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3"})
    topic = f"{stack.topic_prefix}contacts.v1"
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        round_id = await office.announce(rehearsal=clock_map(3600))
        await office.status(round_id, "open")
        entered = []
        for number in (1, 2):
            body = application(number) | {"contact": {"name": "홍길동", "email": f"contact{number}@example.org"}}
            entered.append((await client.post(f"/rounds/{round_id}/applications", json=body)).raise_for_status().json())
        one, two = entered
        other = application(3) | {"contact": {"name": "홍길동", "email": ADDRESS.upper()}}
        (await client.post(f"/rounds/{round_id}/applications", json=other)).raise_for_status()

        async def copied() -> bool:
            return len(await contacts_in(stack, "notify")) == 3

        await until(copied, "notify knows all three")
        foreign = {"Authorization": f"Bearer {two['token']}"}
        url = f"/applications/{one['application']}/contact"
        assert (await client.delete(url, headers=foreign)).status_code in (401, 403, 404)
        first = {"Authorization": f"Bearer {stack.operator_token}"}
        made = await client.post("/tokens", json={"role": "auditor", "name": "an auditor"}, headers=first)
        auditor = {"Authorization": f"Bearer {made.raise_for_status().json()['token']}"}
        assert (await client.delete(url, headers=auditor)).status_code == 403, "who only reads erases nothing"
        operator = ["--url", stack.url("intake"), "--token", stack.operator_token, "--json"]
        erased = await asyncio.to_thread(
            CliRunner().invoke, assembled(), ["contact", "erase", "--email", ADDRESS, *operator]
        )
        assert json.loads(erased.stdout) == {"erased": 2}, "however the address was written"

        async def forgotten() -> bool:
            return await contacts_in(stack, "notify") == await contacts_in(stack, "intake") == ["contact2@example.org"]

        await until(forgotten, "both databases have forgotten")

        async def published() -> bool:
            return not await anywhere(stack, ("intake", "notify"), ADDRESS)

        await until(published, "no table of any service that had it holds the address")
        assert await anywhere(stack, ("eligibility", "selection"), ADDRESS) == []
        own = {"Authorization": f"Bearer {one['token']}"}
        assert (await client.delete(url, headers=first)).json() == {"erased": 0}, "an operator may: docs/privacy.md"
        assert (await client.delete(url, headers=own)).json() == {"erased": 0}, "erased again it changes nothing"
        assert (await client.get(f"/applications/{one['application']}", headers=own)).status_code == 200
        rows = (await client.get("/audit", headers=office.officers[0])).json()["rows"]
        assert "erase-contact" in {row["action"] for row in rows}
        assert ADDRESS not in json.dumps(rows)

        await compacted(stack, topic, client, round_id)
        stated = {"name": "홍길동", "email": "another@example.org"}
        assert (await client.put(url, json=stated, headers=own)).status_code == 204

        async def again() -> bool:
            return "another@example.org" in await contacts_in(stack, "notify")

        await until(again, "who is forgotten may state another contact")


async def compacted(stack: Stack, topic: str, client: httpx2.AsyncClient, round_id: str) -> None:
    """The broker's own cleaner takes the erased address out of the topic, once segments roll."""
    admin = AIOKafkaAdminClient(**stack.kafka.settings.client_arguments())
    await admin.start()
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=QUICKLY)])
    await admin.close()
    number = 100

    async def gone() -> bool:
        nonlocal number
        for _ in range(12):  # a segment is rolled by the next record of its partition
            number += 1
            (await client.post(f"/rounds/{round_id}/applications", json=application(number))).raise_for_status()
        values: list[Any] = [record.value or b"" for record in await records_of(stack.kafka.settings, topic)]
        return not any(ADDRESS.encode() in value.lower() for value in values)

    await until(gone, "compaction has taken the erased address out of the topic", 120)
