"""Signed audit heads: every service signs the newest, anyone checks it with the published keys."""

import json
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from deploy.local.stack import Stack
from firstbuy.commands.audit import signature_faults
from shared.contracts.events import AuditHeadPublished
from shared.service.audit import AuditRow, faults
from shared.service.audit_heads import head_verified
from tests.conftest import StartStack
from tests.support.consuming import records_of, until
from tests.support.firstbuy_command import firstbuy, kept
from tests.support.rounds import Office

KEYS = "/.well-known/firstbuy-keys"


async def signed_heads(stack: Stack) -> dict[str, dict[str, Any]]:
    """By event id; an id that came with two contents is a failure."""
    found: dict[str, dict[str, Any]] = {}
    for record in await records_of(stack.kafka.settings, f"{stack.topic_prefix}audit-heads.v1"):
        head = json.loads(record.value)
        if head["signature"] is not None:
            identifier = dict(record.headers)["ce_id"].decode()
            assert found.setdefault(identifier, head) == head
    return found


async def until_signed(stack: Stack, count: int, heads: int = 1) -> list[dict[str, Any]]:
    """Once that row's head was signed so many times: all signed heads, in the order of their publishing."""

    async def there() -> bool:
        counts = [int(head["count"]) for head in (await signed_heads(stack)).values()]
        return counts.count(count) >= heads

    await until(there, f"{heads} signed heads of row {count}")
    return list((await signed_heads(stack)).values())


async def test_two_replicas_sign_one_head_at_a_time_and_anyone_checks_it(
    start_stack: StartStack, tmp_path: Path
) -> None:
    stack = await start_stack(services=("intake",), replicas={"intake": 2})
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        await office.institution("kwater", some_round=1)
        rows = (await client.get("/audit", headers=office.officers[0])).json()["rows"]
        heads = await until_signed(stack, len(rows))
        keys = (await client.get(KEYS)).json()
    assert len({head["count"] for head in heads}) == len(heads), "no head was signed by both"
    assert signature_faults(heads, keys) == []
    chain = [AuditRow.of_json(row) for row in rows]
    assert faults(chain, map(AuditHeadPublished.model_validate, heads)) == []

    file = tmp_path / "heads.jsonl"
    file.write_text("".join(json.dumps(head | {"institution": "kwater"}) + "\n" for head in heads))
    words = ("audit", "verify", "--heads", str(file), "--url", stack.url("intake"))
    token = office.officers[0]["Authorization"].removeprefix("Bearer ")
    code, printed = await firstbuy(*words, "--token", token)
    assert (code, f"{len(heads)} of them are signed" in printed) == (0, True), printed
    file.write_text(json.dumps(heads[-1] | {"published_at": "2018-08-16T00:00:00Z"}))
    code, printed = await firstbuy(*words, "--token", token, "--keys", kept(tmp_path, "keys.json", keys))
    assert (code, "did not sign it" in printed) == (1, True), printed
    code, printed = await firstbuy(*words, "--token", token, "--keys", kept(tmp_path, "none.json", []))
    assert (code, "no published key" in printed) == (1, True), printed


async def test_a_head_is_signed_again_when_it_is_a_day_old_or_its_row_is_gone(start_stack: StartStack) -> None:
    stack = await start_stack(services=("intake",))
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        (first,) = [head for head in await until_signed(stack, 2) if head["count"] == 2]
        database = await asyncpg.connect(stack.database_url("intake"))
        await database.execute("UPDATE signed_heads SET published_at = published_at - interval '1 day'")
        again = (await until_signed(stack, 2, heads=2))[-1]
        assert (again["head"], again["published_at"] > first["published_at"]) == (first["head"], True)
        await database.execute("DELETE FROM audit_log WHERE sequence = 2")
        await database.close()
        shorter = (await until_signed(stack, 1))[-1]
        told = (await client.get("/audit", headers=office.officers[0])).json()["rows"]
    found = faults(map(AuditRow.of_json, told), [AuditHeadPublished.model_validate(first)])
    assert shorter["count"] == 1
    assert found == ["the log was cut off: row 2 was published and is not there"]


@pytest.mark.parametrize("service", ["eligibility", "selection", "notify"])
async def test_every_service_publishes_the_key_it_signs_with(
    start_stack: StartStack, tmp_path: Path, service: str
) -> None:
    """Of a file where one is named, beside those that signed before."""
    stack = await start_stack(services=(service,))
    databases = {service: stack.database_url(service)}
    async with httpx2.AsyncClient(timeout=30) as client:
        (generated,) = (await client.get(stack.url(service) + KEYS)).json()
        assert (await client.get(stack.url(service) + "/audit")).json() == {"service": service, "rows": []}
        file = tmp_path / "key"
        file.write_text("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
        prefix = f"FIRSTBUY_{service.upper()}_"
        named = {f"{prefix}SIGNING_KEY_FILE": str(file), f"{prefix}REPLICA": "other"}
        renewed = await start_stack(services=(service,), databases=databases, environment=named)
        first, second = (await client.get(renewed.url(service) + KEYS)).json()
    assert (first, second["key_id"]) == (generated, "39f713d0a644253f")


def test_what_was_signed_is_the_published_json_without_the_signature() -> None:
    golden = Path(__file__).parents[1] / "contract" / "golden" / "AuditHeadPublished.v1.2.json"
    head = json.loads(golden.read_text())
    public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert head_verified(head, public)
    for name in ("service", "count", "head", "previous_head", "published_at", "key_id"):
        assert not head_verified(head | {name: "0"}, public)
    assert head_verified({**head, "signature": head["signature"]}, public)
    assert not head_verified({name: value for name, value in head.items() if name != "signature"}, public)
