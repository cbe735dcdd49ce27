"""Documents sent to a running intake."""

import secrets
from pathlib import Path
from typing import Any

import httpx2

from deploy.local.stack import Stack
from tests.support.rounds import application


def new_key() -> dict[str, str]:
    return {"Upload-Key": secrets.token_hex(32)}


async def upload(
    client: httpx2.AsyncClient,
    round_id: str,
    key: dict[str, str],
    content: Any,
    kind: str = "specification",
    name: str = "규격서.pdf",
) -> httpx2.Response:
    return await client.post(
        f"/rounds/{round_id}/documents", params={"kind": kind, "name": name}, content=content, headers=key
    )


async def held(client: httpx2.AsyncClient, round_id: str, key: dict[str, str]) -> list[dict[str, Any]]:
    shown = (await client.get(f"/rounds/{round_id}/documents", headers=key)).raise_for_status().json()
    documents: list[dict[str, Any]] = shown["documents"]
    return documents


def problem(answer: httpx2.Response) -> tuple[int, str, list[str]]:
    """Status, code, and the codes of its reasons."""
    told = answer.json()
    code = told["type"].removeprefix("urn:firstbuy:problem:")
    return answer.status_code, code, [error["code"] for error in told["errors"]]


def objects(stack: Stack) -> list[Path]:
    return [path for path in stack.state.documents.rglob("*") if path.is_file()]


async def apply_with(
    client: httpx2.AsyncClient, round_id: str, number: int, documents: list[dict[str, Any]], key: dict[str, str]
) -> httpx2.Response:
    body = application(number) | {"documents": documents}
    return await client.post(f"/rounds/{round_id}/applications", json=body, headers=key)


def opened(receipt: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {receipt['token']}"}
