"""A database put back to a backup beneath intake, and what must be in it again."""

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx2
from aiokafka import AIOKafkaProducer

from deploy.local.postgres import PostgresServer, create_database, drop_database
from deploy.local.stack import Stack
from tests.support.consuming import records_of, until
from tests.support.rounds import Office, application

OUTBOX = "institution.kepco.outbox.v1"


class Backups:
    """Copies of intake's database, made and put back while intake is stopped."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self.names: list[str] = []

    async def take(self, stack: Stack) -> str:
        await stack.stop("intake")
        name = f"backup_{secrets.token_hex(5)}"
        self.names.append(name)
        await create_database(self._server.url, name, template=_name(stack))
        await stack.restart("intake")
        return name

    async def put_back(self, stack: Stack, backup: str) -> None:
        """Intake is stopped afterwards."""
        await stack.stop("intake")
        await drop_database(self._server.url, _name(stack))
        await create_database(self._server.url, _name(stack), template=backup)


def _name(stack: Stack) -> str:
    return stack.database_url("intake").rpartition("/")[2].partition("?")[0]


@asynccontextmanager
async def connected_to(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def intake_of(stack: Stack) -> AbstractAsyncContextManager[Any]:
    """A connection to its database."""
    return connected_to(stack.database_url("intake"))


async def apply(client: httpx2.AsyncClient, round_id: str, number: int, track: str = "general") -> dict[str, Any]:
    body = application(number) | {"track": track}
    headers = {"Idempotency-Key": f"key-{number}"}
    answer = await client.post(f"/rounds/{round_id}/applications", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt


def bearer(receipt: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {receipt['token']}"}


def url(receipt: dict[str, Any]) -> str:
    return f"/applications/{receipt['application']}"


async def records(stack: Stack, topic: str) -> list[Any]:
    return await records_of(stack.kafka.settings, f"{stack.topic_prefix}{topic}")


async def bodies(stack: Stack, topic: str, kind: str) -> list[dict[str, Any]]:
    wanted = f"kr.firstbuy.{kind}.v1".encode()
    return [
        json.loads(record.value) for record in await records(stack, topic) if dict(record.headers)["ce_type"] == wanted
    ]


async def published(stack: Stack) -> None:
    """Waits until nothing is left to publish: what a database that is lost has not published is lost with it."""

    async def nothing_left() -> bool:
        async with intake_of(stack) as connection:
            return not await connection.fetchval("SELECT count(*) FROM outbox")

    await until(nothing_left, "an empty outbox")


APPLICATIONS = "SELECT * FROM applications ORDER BY application"


VERSIONS = """
SELECT application, version, received_at, nonce, payload_hash, facts, withdrawn FROM application_versions
ORDER BY application, version
"""


CONTACTS = "SELECT * FROM contacts ORDER BY party"


REQUESTS = """
SELECT request, round, institution, version, CASE WHEN withdrawn THEN '' ELSE payload_hash END, facts, withdrawn,
       received_at, published
FROM purchase_requests ORDER BY request
"""


ROUNDS = "SELECT * FROM rounds ORDER BY round"


EPOCHS = "SELECT * FROM epochs ORDER BY round, epoch"


PLEDGES = "SELECT * FROM pledges ORDER BY round, institution"


INSTITUTIONS = "SELECT * FROM institutions ORDER BY institution"


SOURCES = "SELECT * FROM source_values ORDER BY round"


WHOLE = (APPLICATIONS, VERSIONS, CONTACTS, REQUESTS, ROUNDS, EPOCHS, PLEDGES, INSTITUTIONS, SOURCES)


async def held(stack: Stack, url: str | None = None) -> dict[str, list[Any]]:
    """Everything that is published of a round, as the database has it."""
    async with connected_to(url or stack.database_url("intake")) as connection:
        return {query: [tuple(row) for row in await connection.fetch(query)] for query in WHOLE}


async def catches_up(stack: Stack) -> dict[str, Any]:
    """Starts it; what its newest log line on that says."""
    await stack.restart("intake")
    lines = [json.loads(line) for line in stack.log("intake").read_text().splitlines() if line.startswith("{")]
    said: dict[str, Any] = [line for line in lines if line.get("event") == "caught up"][-1]
    return said


async def act(office: Office, round_id: str, kind: str, terms: dict[str, Any]) -> None:
    """By both officers."""
    body = {"act": kind, "terms": terms, "reason": "for the test"}
    path = f"/rounds/{round_id}/acts"
    proposed = await office.client.post(path, json=body, headers=office.officers[0])
    number = proposed.raise_for_status().json()["act"]
    (await office.client.post(f"{path}/{number}/approval", headers=office.officers[1])).raise_for_status()


async def standing(client: httpx2.AsyncClient, round_id: str) -> dict[str, Any]:
    """The terms of an act that opens the next epoch."""
    manifest = (await client.get(f"/rounds/{round_id}/manifest")).json()
    return {"epoch": manifest["epoch"], "applications_root": manifest["applications"]["root"]}


async def real_round(office: Office) -> str:
    """Open for a day of real time: ids and nonces are random."""
    now = datetime.now(UTC)
    window: dict[str, Any] = {"opens_at": now - timedelta(minutes=1), "closes_at": now + timedelta(days=1)}
    round_id = await office.announce(**window)
    await office.institution("kepco", **{round_id.replace("-", "_"): 50_000_000})
    await office.status(round_id, "open")
    return round_id


async def close_now(stack: Stack, office: Office, round_id: str) -> None:
    """As if the window had been that short from the beginning."""
    now = datetime.fromisoformat((await office.shown(round_id))["now"])
    async with intake_of(stack) as connection:
        await connection.execute("UPDATE rounds SET closes_at = $2 WHERE round = $1", round_id, now)


async def answers(stack: Stack, count: int) -> list[dict[str, Any]]:
    """Of kepco's messages, at least so many."""

    async def there() -> bool:
        return len(await bodies(stack, OUTBOX, "InboxAnswered")) >= count

    await until(there, f"{count} answers")
    return await bodies(stack, OUTBOX, "InboxAnswered")


async def erase(stack: Stack, party: str) -> None:
    """As an erasure does: gone from the database, and a tombstone on the topic."""
    async with intake_of(stack) as connection:
        assert await connection.execute("DELETE FROM contacts WHERE party = $1", party) == "DELETE 1"
    await tell(stack, None, key=party)


async def tell(stack: Stack, contact: dict[str, Any] | None, key: str = "") -> None:
    producer = AIOKafkaProducer(**stack.kafka.settings.client_arguments())
    await producer.start()
    try:
        await producer.send_and_wait(
            f"{stack.topic_prefix}contacts.v1",
            json.dumps(contact).encode() if contact else None,
            key=(key or (contact or {})["party"]).encode(),
            headers=[("ce_type", b"kr.firstbuy.ContactChanged.v1"), ("ce_id", secrets.token_hex(8).encode())],
        )
    finally:
        await producer.stop()


ENVIRONMENT = {"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3", "FIRSTBUY_INTAKE_SKEW_SECONDS": "0.3"}


NO_APPLICANT = {
    "party": "00000000-0000-4000-8000-000000000001",
    "name": "지나가는 사람",
    "email": "passing-by@example.org",
    "changed_at": "2018-08-20T00:00:00Z",
}
