"""Officers' acts against a running intake: proposed, approved, shown."""

from datetime import datetime
from typing import Any

import asyncpg
import httpx2

from deploy.local.stack import Stack
from tests.support.rounds import Office


async def propose(office: Office, round_id: str, act: str, terms: dict[str, Any]) -> httpx2.Response:
    body = {"act": act, "terms": terms, "reason": "the portal was down for an hour"}
    return await office.client.post(f"/rounds/{round_id}/acts", json=body, headers=office.officers[0])


async def approve(office: Office, round_id: str, act: str, officer: int = 1) -> httpx2.Response:
    return await office.client.post(f"/rounds/{round_id}/acts/{act}/approval", headers=office.officers[officer])


async def closes_at(office: Office, round_id: str) -> datetime:
    return datetime.fromisoformat((await office.shown(round_id))["closes_at"])


async def said(office: Office, round_id: str, act: str, what: str, officer: int, **body: Any) -> httpx2.Response:
    return await office.client.post(
        f"/rounds/{round_id}/acts/{act}/{what}", json=body, headers=office.officers[officer]
    )


async def shown(office: Office, round_id: str, act: str) -> dict[str, Any]:
    answer = await office.client.get(f"/rounds/{round_id}/acts/{act}", headers=office.officers[1])
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:firstbuy:problem:")


async def expire(stack: Stack, act: str) -> None:
    database = await asyncpg.connect(stack.database_url("intake"))
    try:
        await database.execute("UPDATE acts SET expires_at = now() WHERE act = $1", act)
    finally:
        await database.close()
