"""The moment that counts is the edge's: a form that the portal had read before the close is in, though intake reads it
a moment later; and only its own word, and only within the drain."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from deploy.local.replicas import EDGE_SECRET
from deploy.local.stack import Stack
from firstbuy.verifying.receipts import examined_receipt
from tests.support.rounds import Office, application, clock_map
from tests.support.stacks import LastingStack

DRAIN = 4.0
RATE_SECONDS = 8


@pytest.fixture(scope="module")
async def stack(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    async with lasting_stack(("intake",), environment={"FIRSTBUY_INTAKE_DRAIN_SECONDS": str(DRAIN)}) as running:
        yield running


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        yield client


def edge(stack: Stack, read_at: datetime) -> dict[str, str]:
    return {"Firstbuy-Edge-Token": stack.state.secret(EDGE_SECRET), "Firstbuy-Read-At": read_at.isoformat()}


async def closed(client: httpx2.AsyncClient, round_id: str) -> datetime:
    """Waits until the window is over; the real moment at which that was sure."""
    while True:
        shown = (await client.get(f"/rounds/{round_id}")).json()
        if datetime.fromisoformat(shown["now"]) >= datetime.fromisoformat(shown["closes_at"]):
            return datetime.now(UTC)
        await asyncio.sleep(0.05)


async def test_what_an_edge_had_read_before_the_close_is_in(stack: Stack, client: httpx2.AsyncClient) -> None:
    office = await Office.of(stack, client)
    round_id = await office.announce(rehearsal=clock_map(RATE_SECONDS))
    await office.status(round_id, "open")
    path = f"/rounds/{round_id}/applications"
    first = (await client.post(path, json=application(1))).raise_for_status().json()
    assert "arrived_at" not in first
    opened = {"Authorization": f"Bearer {first['token']}"}
    late = await closed(client, round_id)
    before, unknown = edge(stack, late - timedelta(seconds=1.5)), {"Firstbuy-Edge-Token": "x"}
    own = await client.post(path, json=application(2))
    strangers = await client.post(path, json=application(3), headers=before | unknown)
    too_early = edge(stack, datetime.now(UTC) - timedelta(seconds=DRAIN + 1))
    long_ago = await client.post(path, json=application(4), headers=too_early)
    unread = await client.post(path, json=application(5), headers=before | {"Firstbuy-Read-At": "yesterday"})
    assert [own.status_code, strangers.status_code, long_ago.status_code, unread.status_code] == [410, 410, 410, 400]
    taken = await client.post(path, json=application(6), headers=before)
    assert taken.status_code == 201, taken.text
    receipt: dict[str, Any] = taken.json()
    shown = (await client.get(f"/rounds/{round_id}")).json()
    closes = datetime.fromisoformat(shown["closes_at"])
    assert datetime.fromisoformat(receipt["received_at"]) < closes <= datetime.fromisoformat(receipt["arrived_at"])
    changed = await client.put(
        f"/applications/{first['application']}",
        json=application(1, price_won=2_000_000),
        headers=opened | before | {"If-Match": '"1"'},
    )
    assert changed.status_code == 200, changed.text
    assert datetime.fromisoformat(changed.json()["arrived_at"]) >= closes
    keys = (await client.get("/.well-known/firstbuy-keys")).json()
    for one in (receipt, changed.json()):
        assert not examined_receipt(one, keys).differs, "the signature covers both moments"
        forged = {**one, "arrived_at": one["received_at"]}
        assert examined_receipt(forged, keys).differs
    await office.status(round_id, "frozen")
    stored = await client.get(
        f"/applications/{receipt['application']}/receipt", headers={"Authorization": f"Bearer {receipt['token']}"}
    )
    assert stored.json()[0]["arrived_at"] == receipt["arrived_at"]
    assert (await client.post(path, json=application(7), headers=before)).status_code == 410, "frozen is frozen"
