"""Officers' acts over the API: two officers, exact terms, and what an extension and a void do to everybody."""

import asyncio
import math
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import asyncpg
import httpx2
import pytest

from deploy.local.stack import Stack
from shared.contracts.events import AuditHeadPublished
from shared.proof.merkle import digest_of
from shared.service.audit import AuditRow, faults
from tests.conftest import StartStack
from tests.support.beacons import Beacon
from tests.support.consuming import records_of, until
from tests.support.entering import answers_on, apply
from tests.support.officers import approve, closes_at, propose
from tests.support.rounds import Office, clock_map, purchase_request, write_inbox


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    # A long drain: time for two officers to extend between the close and the freeze.
    return await start_stack(services=("intake",), environment={"FIRSTBUY_INTAKE_DRAIN_SECONDS": "4"})


async def test_an_extension_lets_everybody_in_again_and_contradicts_no_answer(
    stack: Stack, client: httpx2.AsyncClient, office: Office
) -> None:
    await office.institution("kepco", extended_round=50_000_000)
    round_id = await office.announce("extended-round", rehearsal=clock_map(3))
    await office.status(round_id, "open")
    first = await apply(client, round_id, 1)
    assert first.status_code == 201
    async with asyncio.timeout(20):
        while (await apply(client, round_id, 2)).status_code != 410:
            await asyncio.sleep(0.1)
    await write_inbox(stack, "kepco", ("SubmitPurchaseRequest", "held", purchase_request(round_id, "r1")))

    before = await closes_at(office, round_id)
    terms = {"closes_at": (before + timedelta(days=60)).isoformat()}
    assert (await propose(office, round_id, "extend", {"closes_at": before.isoformat()})).status_code == 409
    assert (await propose(office, round_id, "extend", {"closes_at": "soon"})).status_code == 422
    proposed = (await propose(office, round_id, "extend", terms)).json()["act"]
    alone = await approve(office, round_id, proposed, officer=0)
    assert (alone.status_code, alone.json()["type"]) == (409, "urn:firstbuy:problem:same-officer")
    assert (await approve(office, round_id, proposed)).status_code == 200
    assert await closes_at(office, round_id) == before + timedelta(days=60)

    third = await apply(client, round_id, 3)
    assert third.status_code == 201, "who was too late may come back"
    assert (await answers_on(stack, "kepco", 1))["held"]["answer"] == "accepted", "held, never refused"
    await office.status(round_id, "frozen")
    manifest = (await client.get(f"/rounds/{round_id}/manifest")).json()["applications"]
    late = await propose(office, round_id, "extend", {"closes_at": (before + timedelta(days=400)).isoformat()})
    assert (late.status_code, late.json()["type"]) == (409, "urn:firstbuy:problem:frozen")
    assert manifest["count"] >= 2
    receipts = [answer.json() for answer in (first, third)]
    entered = digest_of((item["application"], item["version"], item["payload_hash"]) for item in receipts)
    assert {bucket for bucket in range(256) if entered.counts[bucket]} <= {
        bucket for bucket in range(256) if manifest["counts"][bucket]
    }


async def test_a_void_round_takes_nothing_and_is_never_frozen(
    stack: Stack, client: httpx2.AsyncClient, office: Office
) -> None:
    round_id = await office.announce(rehearsal=clock_map(3))
    await office.status(round_id, "open")
    act = (await propose(office, round_id, "void", {})).json()["act"]
    assert (await approve(office, round_id, act)).status_code == 200
    assert (await apply(client, round_id, 1)).status_code == 410
    again = await approve(office, round_id, act)
    assert (again.status_code, again.json()["type"]) == (409, "urn:firstbuy:problem:already-approved")
    await asyncio.sleep(8)
    assert (await office.shown(round_id))["status"] == "void"
    listed = (await client.get(f"/rounds/{round_id}/acts", headers=office.officers[0])).json()
    assert [(item["kind"], item["approved_by"] is not None) for item in listed] == [("void", True)]


async def test_an_approval_is_bound_to_the_terms_that_stand(client: httpx2.AsyncClient, office: Office) -> None:
    round_id = await office.announce(rehearsal=clock_map(3600))
    await office.status(round_id, "open")
    before = await closes_at(office, round_id)
    soon, later = ({"closes_at": (before + timedelta(days=days)).isoformat()} for days in (1, 2))
    first = (await propose(office, round_id, "extend", soon)).json()["act"]
    second = (await propose(office, round_id, "extend", later)).json()["act"]
    assert (await approve(office, round_id, second)).status_code == 200
    overtaken = await approve(office, round_id, first)
    assert (overtaken.status_code, overtaken.json()["type"]) == (409, "urn:firstbuy:problem:not-later")


async def test_a_beacon_decides_by_its_chains_own_signature_of_the_round_that_is_due(start_stack: StartStack) -> None:
    stack = await start_stack(services=("intake", "eligibility", "selection"))
    beacon, genesis = Beacon(), datetime(2018, 8, 1, tzinfo=UTC)
    chain = {"source": "chain", "kind": "drand", "period_seconds": 30, "description": "a chain of the test's own"}
    chain |= {"anchor": genesis.isoformat(), "chain_hash": "ab" * 32, "public_key": beacon.public_key}
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        with pytest.raises(httpx2.HTTPStatusError) as refused:
            await office.announce(rehearsal=clock_map(3), sources=[chain | {"public_key": "00" * 96}])
        (error,) = refused.value.response.json()["errors"]
        assert (error["pointer"], error["code"]) == ("/round/sources/0/public_key", "unusable-key")
        round_id = await office.announce(rehearsal=clock_map(3), sources=[chain])
        await office.status(round_id, "open")
        assert (await apply(client, round_id, 1)).status_code == 201
        committed = await office.milestone(round_id, "InputsCommitted")
        due = math.floor(datetime.fromisoformat(committed["committed_at"]).timestamp()) + 1 + 3600
        number = math.ceil((due - genesis.timestamp()) / 30) + 1
        terms = {"epoch": 1, "commitment_root": committed["commitment_root"], "source": "chain"}

        def of(signature: str) -> dict[str, Any]:
            value = f"{sha256(bytes.fromhex(signature)).hexdigest()}/"
            return terms | {"value": value, "beacon_round": number, "signature": signature}

        other = await propose(office, round_id, "record-source", of(beacon.signature(number + 1)))
        assert other.status_code == 422
        assert other.json()["errors"][0]["code"] == "not-signed"
        assert str(number) in other.json()["errors"][0]["fix"]
        await office.act(round_id, "record-source", of(beacon.signature(number)))
        await office.confirm(round_id)
        await office.results(round_id, 1)


async def test_every_act_is_in_a_chain_whose_heads_are_published(
    stack: Stack, client: httpx2.AsyncClient, office: Office
) -> None:
    round_id = await office.announce(rehearsal=clock_map(3600))
    await office.status(round_id, "open")
    act = (await propose(office, round_id, "void", {})).json()["act"]
    assert (await approve(office, round_id, act)).status_code == 200
    assert (await client.get("/audit")).status_code == 401
    told = (await client.get("/audit", headers=office.officers[0])).json()["rows"]
    actions = [row["action"] for row in told]
    assert actions == ["create-token", "create-token", "announce", "open", "propose-act", "void"]
    chain = [AuditRow.of_json(row) for row in told]

    async def heads() -> list[AuditHeadPublished]:
        records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}audit-heads.v1")
        found = [AuditHeadPublished.model_validate_json(record.value) for record in records]
        return [head for head in found if head.signature is None]

    async def all_published() -> bool:
        return len(await heads()) == len(chain)

    await until(all_published, "a head for each row")
    assert faults(chain, await heads()) == []
    database = await asyncpg.connect(stack.database_url("intake"))
    await database.execute("UPDATE audit_log SET actor = 'nobody' WHERE sequence = 3")
    await database.execute("DELETE FROM audit_log WHERE sequence = 6")
    await database.close()
    told = (await client.get("/audit", headers=office.officers[0])).json()["rows"]
    found = faults([AuditRow.of_json(row) for row in told], await heads())
    assert found == ["row 3 was changed", "the log was cut off: row 6 was published and is not there"]
