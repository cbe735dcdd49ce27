"""An institution's tables, uploaded and followed."""

import json
from typing import Any

import httpx2

from tests.support.consuming import records_of, until
from tests.support.rounds import Office, clock_map

CODE = "kepco"


async def token_of(office: Office, code: str) -> dict[str, str]:
    operator = {"Authorization": f"Bearer {office.stack.operator_token}"}
    body = {"role": "institution", "name": f"purchasing at {code}", "institution": code}
    made = (await office.client.post("/tokens", json=body, headers=operator)).raise_for_status().json()
    return {"Authorization": f"Bearer {made['token']}"}


async def opened(office: Office, seconds: float = 3600) -> tuple[str, dict[str, str]]:
    """An open round in which kepco has a pledge, and kepco's token."""
    round_id = await office.announce(rehearsal=clock_map(seconds))
    await office.institution(CODE, **{round_id.replace("-", "_"): 500_000_000})
    token = await token_of(office, CODE)
    await office.status(round_id, "open")
    return round_id, token


def table(*rows: str, header: str = "request,class_code,quantity,budget_won") -> bytes:
    return "\n".join((header, *rows)).encode()


async def send(
    office: Office, round_id: str, token: dict[str, str], content: bytes, kind: str = "text/csv", **query: Any
) -> httpx2.Response:
    return await office.client.post(
        f"/institutions/{CODE}/uploads",
        params={"round": round_id, **query},
        content=content,
        headers=token | {"Content-Type": kind},
    )


async def answered(office: Office, token: dict[str, str], upload: str, seconds: float = 30) -> dict[int, Any]:
    """Waits until every row has its answer; the rows by their numbers."""
    found: dict[str, Any] = {}

    async def all_are() -> bool:
        nonlocal found
        path = f"/institutions/{CODE}/uploads/{upload}"
        found = (await office.client.get(path, headers=token)).raise_for_status().json()
        return "sent" not in found["states"]

    await until(all_are, "an answer to each row", seconds)
    return {row["row"]: row for row in found["answers"]}


async def on(office: Office, topic: str) -> list[tuple[str, dict[str, Any]]]:
    """(ce_id, body) of every record of one of kepco's topics."""
    records = await records_of(office.stack.kafka.settings, office.stack.topic_prefix + topic)
    return [(dict(record.headers)["ce_id"].decode(), json.loads(record.value)) for record in records]
