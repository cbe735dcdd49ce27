"""Announcements as officers send them."""

import json
from typing import Any

import httpx2

from tests.support.rounds import CLOSES, OPENS, Office, clock_map, policy_2018_h2

SOURCE = {"source": "rehearsal", "kind": "rehearsal", "period_seconds": 1, "description": "from the seed"}


PLEDGES: list[dict[str, Any]] = [
    {"institution": "kepco", "name": "한국전력공사", "pledge_won": 50_000_000},
    {"institution": "lh", "name": "한국토지주택공사", "pledge_won": 7_000_000},
]


def body(round_id: str, **changed: Any) -> dict[str, Any]:
    terms = {
        "round": round_id,
        "title": "두 담당자가 알리는 회차",
        "opens_at": OPENS.isoformat(),
        "closes_at": CLOSES.isoformat(),
        "lead_seconds": 3600,
        "sources": [SOURCE],
        "rehearsal": clock_map(3600, opens_in=600),
    }
    return {"round": terms | changed, "policy": policy_2018_h2(), "reason": "a test", "pledges": PLEDGES}


async def announced(office: Office, stated: dict[str, Any], officer: int = 0, url: str = "") -> httpx2.Response:
    headers = office.officers[officer] | {"content-type": "application/json"}
    return await office.client.post(f"{url}/rounds", content=json.dumps(stated, default=str), headers=headers)


async def approve(office: Office, round_id: str, act: str, officer: int = 1) -> httpx2.Response:
    return await office.client.post(f"/rounds/{round_id}/acts/{act}/approval", headers=office.officers[officer])
