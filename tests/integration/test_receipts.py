"""Receipts and proofs as an applicant gets and checks them, on real servers and by the command line."""

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from deploy.local.stack import Stack
from firstbuy.verifying.receipts import examined_proof, examined_receipt
from tests.conftest import StartStack
from tests.support.consuming import records_of, until
from tests.support.firstbuy_command import firstbuy, kept
from tests.support.rounds import Office, application, clock_map

KEYS = "/.well-known/firstbuy-keys"


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    return await start_stack(services=("intake",), environment={"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.2"})


async def apply(client: httpx2.AsyncClient, round_id: str, number: int) -> httpx2.Response:
    answer = await client.post(
        f"/rounds/{round_id}/applications", json=application(number), headers={"Idempotency-Key": f"key-{number}"}
    )
    assert answer.status_code == 201
    return answer


def bearer(receipt: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {receipt['token']}"}


async def turns(stack: Stack, round_id: str, kind: str) -> list[dict[str, Any]]:
    records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}rounds.v1")
    bodies = [json.loads(record.value) for record in records if kind in dict(record.headers)["ce_type"].decode()]
    return [body for body in bodies if body["round"] == round_id]


async def turn(stack: Stack, round_id: str, kind: str) -> dict[str, Any]:
    """The round's event of that kind, once it is published."""

    async def there() -> bool:
        return bool(await turns(stack, round_id, kind))

    await until(there, kind)
    return (await turns(stack, round_id, kind))[0]


async def test_every_receipt_verifies_with_a_published_key(
    stack: Stack, client: httpx2.AsyncClient, office: Office
) -> None:
    round_id = await office.announce(rehearsal=clock_map(3600))
    await office.status(round_id, "open")
    first = await apply(client, round_id, 1)
    assert (await apply(client, round_id, 1)).content == first.content, "a retry gets the same bytes"

    receipt = first.json()
    url, opened = f"/applications/{receipt['application']}", bearer(receipt)
    changed = await client.put(url, json=application(1, price_won=900_000), headers=opened | {"If-Match": '"1"'})
    facts = (await client.get(url, headers=opened)).json()
    withdrawn = await client.post(f"{url}/withdrawal", json={}, headers=opened)
    assert (await apply(client, round_id, 1)).content == first.content, "whatever became of it since"
    listed = (await client.get(f"{url}/receipt", headers=opened)).json()
    told = [receipt, changed.json(), withdrawn.json()]
    assert listed == [{key: value for key, value in one.items() if key != "token"} for one in told]

    database = await asyncpg.connect(stack.database_url("intake"))
    await database.execute("UPDATE application_versions SET key_id = NULL, signature = NULL")
    await database.close()
    assert (await client.get(f"{url}/receipt", headers=opened)).json() == listed, "one put back is signed again"

    keys = (await client.get(KEYS)).json()
    for one in told:
        assert examined_receipt(one, keys).differs == []
    assert examined_receipt(changed.json(), keys, facts).differs == []
    fingerprints = (await turn(stack, round_id, "RoundOpened"))["key_fingerprints"]
    assert fingerprints == [key["fingerprint"] for key in keys]


async def test_a_firm_does_all_by_commands_from_its_receipt_on(
    stack: Stack, client: httpx2.AsyncClient, office: Office, tmp_path: Path
) -> None:
    """Applies, changes, asks, withdraws; and proves, in a round that freezes, by a receipt kept as a file."""
    soon = await office.announce(rehearsal=clock_map(4))
    await office.status(soon, "open")
    stays = kept(tmp_path, "stays.json", (await apply(client, soon, 2)).json())
    round_id = await office.announce(rehearsal=clock_map(3600))
    await office.status(round_id, "open")
    url, receipt = ["--url", stack.url("intake")], str(tmp_path / "receipt.json")
    with_receipt = ["--receipt", receipt, *url]
    written = application(1) | {"applicant": application(1)["applicant"] | {"started_on": "2015. 3. 2."}}

    form = kept(tmp_path, "a.json", written)
    code, told = await firstbuy("apply", form, "-o", receipt, "--round", round_id, *url)
    assert code == 0, told
    assert "/applicant/started_on: '2015. 3. 2.' is read as 2015-03-02" in told
    first = json.loads(Path(receipt).read_text())
    assert (await firstbuy("verify", "receipt", receipt, *url))[0] == 0
    cheaper = kept(tmp_path, "b.json", application(1, price_won=900_000))
    code, told = await firstbuy("change", cheaper, *with_receipt)
    assert code == 0, told
    assert json.loads(Path(receipt).read_text())["token"] == first["token"]
    assert (await firstbuy("verify", "receipt", receipt, *url))[0] == 0
    code, told = await firstbuy("status", *with_receipt)
    assert (code, f"{first['application']}, version 2\n" in told) == (0, True), told
    code, told = await firstbuy("withdraw", "--reason", "sold out", *with_receipt)
    assert code == 0, told
    assert "withdrawn" in (await firstbuy("status", first["application"], "--token", first["token"], *url))[1]

    await office.status(soon, "frozen")
    proof = str(tmp_path / "proof.json")
    code, told = await firstbuy("proof", "--receipt", stays, "-o", proof, *url)
    assert code == 0, told
    manifest = f"{stack.url('intake')}/rounds/{soon}/manifest"
    code, told = await firstbuy("verify", "proof", proof, "--manifest", manifest, "--receipt", stays)
    assert code == 0, told
    code, told = await firstbuy("appeal", "file", "--grounds", "misread", "--receipt", stays, *url)
    assert (code, "there is no result to appeal against" in told) == (1, True), told


async def test_a_proof_leads_to_the_frozen_root(
    stack: Stack, client: httpx2.AsyncClient, office: Office, tmp_path: Path
) -> None:
    round_id = await office.announce(rehearsal=clock_map(4))
    await office.status(round_id, "open")
    receipts = [answer.json() for answer in await asyncio.gather(*(apply(client, round_id, n) for n in range(300)))]
    receipt, gone = receipts[:2]
    url, opened = f"/applications/{receipt['application']}", bearer(receipt)
    early = await client.get(f"{url}/proof", headers=opened)
    assert (early.status_code, early.json()["type"]) == (409, "urn:firstbuy:problem:not-frozen")
    await client.post(f"/applications/{gone['application']}/withdrawal", json={}, headers=bearer(gone))
    await office.status(round_id, "frozen")

    frozen = await turn(stack, round_id, "RoundFrozen")
    assert frozen["applications"]["count"] == 299
    for one in receipts[2:40]:
        proof = await client.get(f"/applications/{one['application']}/proof", headers=bearer(one))
        found = examined_proof(proof.json(), frozen, one)
        assert (found.differs, found.not_checked) == ([], [])
    none = await client.get(f"/applications/{gone['application']}/proof", headers=bearer(gone))
    assert (none.status_code, none.json()["type"]) == (409, "urn:firstbuy:problem:withdrawn")
    assert (await client.get(f"{url}/proof")).status_code == 401
    assert (await client.get(f"{url}/proof", headers=bearer(gone))).status_code == 401
    proof = (await client.get(f"{url}/proof", headers=office.officers[0])).json()

    files = kept(tmp_path, "receipt.json", receipt), kept(tmp_path, "proof.json", proof)
    address = stack.url("intake")
    code, printed = await firstbuy("verify", "receipt", files[0], "--keys", address + KEYS)
    assert (code, "✗" in printed, "✓" in printed) == (0, False, True), printed
    manifest = f"{address}/rounds/{round_id}/manifest"
    code, printed = await firstbuy("verify", "proof", files[1], "--manifest", manifest, "--receipt", files[0])
    assert (code, "✗" in printed, "✓" in printed) == (0, False, True), printed
    code, printed = await firstbuy("verify", "proof", files[1])
    assert (code, "not checked" in printed) == (0, True), printed
    keys = kept(tmp_path, "keys.json", (await client.get(KEYS)).json())
    changed = kept(tmp_path, "changed.json", receipt | {"received_at": "2018-08-16T00:00:00Z"})
    code, printed = await firstbuy("verify", "receipt", changed, "--keys", keys)
    assert (code, "✗ signature" in printed) == (1, True), printed
    moved = kept(tmp_path, "moved.json", proof | {"leaf": [receipt["application"], 2, receipt["payload_hash"]]})
    code, printed = await firstbuy("verify", "proof", moved, "--manifest", manifest, "--json")
    assert (code, json.loads(printed)[0]["differs"][0].partition(":")[0]) == (1, "bucket_path")


async def test_a_set_changed_behind_the_manifest_s_back_gets_no_proof(
    stack: Stack, client: httpx2.AsyncClient, office: Office
) -> None:
    round_id = await office.announce(rehearsal=clock_map(2))
    await office.status(round_id, "open")
    receipt = (await apply(client, round_id, 1)).json()
    await office.status(round_id, "frozen")
    database = await asyncpg.connect(stack.database_url("intake"))
    await database.execute("UPDATE applications SET payload_hash = repeat('0', 64) WHERE round = $1", round_id)
    await database.close()
    answer = await client.get(f"/applications/{receipt['application']}/proof", headers=bearer(receipt))
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:firstbuy:problem:not-in-manifest")


async def test_a_new_key_leaves_old_receipts_as_they_are(start_stack: StartStack, tmp_path: Path) -> None:
    """The key of a file after a generated one; both stay published, the old receipt stays the same."""
    stack = await start_stack(services=("intake",))
    databases = {"intake": stack.database_url("intake")}
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        round_id = await office.announce(rehearsal=clock_map(3600))
        await office.status(round_id, "open")
        first = await apply(client, round_id, 1)
    file = tmp_path / "signing-key"
    file.write_text("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb\n")
    environment = {"FIRSTBUY_INTAKE_SIGNING_KEY_FILE": str(file), "FIRSTBUY_INTAKE_REPLICA": "other"}
    renewed = await start_stack(services=("intake",), databases=databases, environment=environment)
    async with httpx2.AsyncClient(base_url=renewed.url("intake"), timeout=30) as client:
        assert (await apply(client, round_id, 1)).content == first.content
        second = await apply(client, round_id, 2)
        keys = (await client.get(KEYS)).json()
    assert [key["key_id"] for key in keys] == [first.json()["key_id"], second.json()["key_id"]]
    for answer in (first, second):
        assert examined_receipt(answer.json(), keys).differs == []
