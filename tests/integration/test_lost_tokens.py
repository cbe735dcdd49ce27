"""A lost token: a new one goes to the entry's own address, opens the entry, and ends the old one when it is used."""

import re
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import httpx2
import pytest

from deploy.local.stack import Stack
from tests.support.consuming import until
from tests.support.notified import mails_in
from tests.support.rounds import Office, application, business_number, clock_map
from tests.support.stacks import LastingStack

pytestmark = pytest.mark.xdist_group("lost tokens")


@pytest.fixture(scope="module")
async def stack(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    async with lasting_stack(("intake", "notify")) as running:
        yield running


@pytest.fixture
async def entry(office: Office) -> dict[str, Any]:
    round_id = await office.announce(rehearsal=clock_map(3600, seed=secrets.token_hex(4)))
    await office.status(round_id, "open")
    body = application(1)
    body["contact"]["email"] = f"Kim@{round_id}.example"
    receipt = (await office.client.post(f"/rounds/{round_id}/applications", json=body)).raise_for_status().json()
    return {**receipt, "email": body["contact"]["email"]}


async def opened(office: Office, entry: dict[str, Any], token: str) -> int:
    url = f"/applications/{entry['application']}"
    return (await office.client.get(url, headers={"Authorization": f"Bearer {token}"})).status_code


async def lost(office: Office, entry: dict[str, Any], **changed: str) -> httpx2.Response:
    body = {"business_number": business_number(1), "email": entry["email"].lower()} | changed
    return await office.client.post(f"/rounds/{entry['round']}/lost-tokens", json=body)


async def mailed(stack: Stack, entry: dict[str, Any], count: int = 1) -> str:
    """The newest token that was mailed to it, once so many were."""
    found: list[str] = []

    async def came() -> bool:
        texts = [
            str(mail.get_body(("plain",)).get_content())  # type: ignore[union-attr]
            for mail in mails_in(stack)
            if entry["email"].lower() in str(mail["To"]).lower() and "새 토큰" in str(mail["Subject"])
        ]
        found[:] = [token for text in texts for token in re.findall(r"fba_[A-Za-z0-9_-]{32}", text)]
        return len(found) >= count

    await until(came, f"{count} new tokens are mailed")
    return found[-1]


async def test_a_new_token_is_mailed_and_ends_the_old_one_when_it_is_used(
    office: Office, entry: dict[str, Any]
) -> None:
    assert (await lost(office, entry)).status_code == 202
    token = await mailed(office.stack, entry)
    assert token != entry["token"]
    assert await opened(office, entry, entry["token"]) == 200, "nobody is shut out by who only asked"
    assert await opened(office, entry, token) == 200
    assert await opened(office, entry, entry["token"]) == 401
    url, headers = f"/applications/{entry['application']}", {"Authorization": f"Bearer {token}", "If-Match": '"1"'}
    body = application(1, name="새 이름")
    assert (await office.client.put(url, json=body, headers=headers)).status_code == 200
    assert (await office.client.get(f"{url}/receipt", headers=headers)).status_code == 200


async def test_what_is_answered_tells_nobody_which_entries_there_are(office: Office, entry: dict[str, Any]) -> None:
    right = await lost(office, entry)
    for other in (
        await lost(office, entry, email="other@firm.example"),
        await lost(office, entry, business_number=business_number(9)),
        await office.client.post(
            "/rounds/none/lost-tokens", json={"business_number": business_number(1), "email": "a@b.kr"}
        ),
        await office.client.post(f"/applications/{entry['application']}/lost-token"),
        await office.client.post("/applications/none/lost-token"),
    ):
        assert (other.status_code, other.json()) == (202, right.json())
    korean = await office.client.post("/applications/none/lost-token", headers={"Accept-Language": "ko"})
    assert korean.json()["told"].startswith("해당하는 신청이 있으면 그 신청의 메일 주소로 새 토큰을 보냅니다.")
    assert (korean.headers["content-language"], korean.headers["vary"]) == ("ko", "Accept-Language")


async def test_asked_again_and_again_one_goes_out_and_another_later(office: Office, entry: dict[str, Any]) -> None:
    for _ in range(5):
        await lost(office, entry)
        await office.client.post(f"/applications/{entry['application']}/lost-token")
    first = await mailed(office.stack, entry)
    database = await asyncpg.connect(office.stack.database_url("intake"))
    try:
        sent = await database.fetchval(
            "SELECT count(*) FROM renewed_tokens WHERE application = $1", entry["application"]
        )
        assert sent == 1
        earlier = "UPDATE renewed_tokens SET asked_at = asked_at - $2::interval WHERE application = $1"
        await database.execute(earlier, entry["application"], timedelta(minutes=11))
    finally:
        await database.close()
    await lost(office, entry)
    second = await mailed(office.stack, entry, 2)
    assert await opened(office, entry, first) == 401, "a newer one was sent"
    assert await opened(office, entry, second) == 200


async def test_no_token_stays_where_it_went_through(office: Office, entry: dict[str, Any]) -> None:
    await lost(office, entry)
    token = await mailed(office.stack, entry)
    for service in ("intake", "notify"):
        database = await asyncpg.connect(office.stack.database_url(service))

        async def gone(database: Any = database) -> bool:
            tables = await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            counts = [
                await database.fetchval(f"SELECT count(*) FROM {row[0]} t WHERE strpos(t::text, $1) > 0", token)  # noqa: S608
                for row in tables
            ]
            return not any(counts)

        try:
            await until(gone, f"{service} keeps no token")
        finally:
            await database.close()
