"""Intake as firms, officers and institutions meet it, over HTTP and the inboxes, on real servers."""

import asyncio
import json
from collections import Counter
from typing import Any

import asyncpg
import httpx2
import pytest

from deploy.local.stack import Stack
from shared.proof.canonical import payload_hash
from shared.proof.merkle import digest_of
from tests.conftest import StartStack
from tests.support.consuming import records_of, until
from tests.support.entering import answers_on, apply
from tests.support.rounds import Office, application, clock_map, purchase_request, write_inbox


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    return await start_stack(services=("intake",), environment={"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.5"})


def bearer(receipt: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {receipt['token']}"}


async def test_applications_are_received_changed_and_withdrawn(
    stack: Stack, client: httpx2.AsyncClient, office: Office
) -> None:
    round_id = await office.announce(rehearsal=clock_map(3600))
    await office.status(round_id, "open")

    first = await apply(client, round_id, 1, **{"Idempotency-Key": "k1"})
    assert first.status_code == 201
    receipt = first.json()
    again = await apply(client, round_id, 1, **{"Idempotency-Key": "k1"})
    assert (again.status_code, again.json()) == (201, receipt), "a retry gets the stored receipt"
    other = application(1, price_won=2_000_000)
    reused = await client.post(f"/rounds/{round_id}/applications", json=other, headers={"Idempotency-Key": "k1"})
    assert (reused.status_code, reused.json()["type"]) == (422, "urn:firstbuy:problem:idempotency-key-reused")
    assert (await apply(client, round_id, 1)).status_code == 409, "one application per firm and product"

    url, opened = f"/applications/{receipt['application']}", bearer(receipt)
    assert (await client.get(url)).status_code == 401
    assert (await client.get(url, headers={"Authorization": "Bearer fba_guess"})).status_code == 401
    read = await client.get(url, headers=opened)
    assert read.json()["facts"]["product"]["reference"] == "P-1"
    assert payload_hash(receipt["nonce"], read.json()["facts"]) == receipt["payload_hash"]

    better = application(1, price_won=900_000)
    assert (await client.put(url, json=better, headers=opened)).status_code == 428
    assert (await client.put(url, json=better, headers=opened | {"If-Match": '"7"'})).status_code == 412
    other = application(1, reference="P-other")
    assert (await client.put(url, json=other, headers=opened | {"If-Match": '"1"'})).status_code == 409
    changed = await client.put(url, json=better, headers=opened | {"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)

    withdrawn = await client.post(f"{url}/withdrawal", json={"reason": "sold out"}, headers=opened)
    assert (withdrawn.json()["version"], withdrawn.json()["withdrawn"]) == (3, True)
    text = opened | {"Content-Type": "text/plain"}
    assert (await client.post(f"{url}/withdrawal", json={}, headers=opened)).json() == withdrawn.json()
    for headers in (opened, text):
        assert (await client.post(f"{url}/withdrawal", headers=headers)).json() == withdrawn.json()
    assert (await client.post(f"{url}/withdrawal", content=b"sold out", headers=text)).status_code == 415
    receipts = (await client.get(f"{url}/receipt", headers=opened)).json()
    assert [item["version"] for item in receipts] == [1, 2, 3]

    async def published() -> bool:
        return len(await records_of(stack.kafka.settings, f"{stack.topic_prefix}applications.v1")) == 3

    await until(published, "three versions on applications.v1")
    records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}applications.v1")
    bodies = sorted((json.loads(record.value) for record in records), key=lambda body: body["version"])
    assert payload_hash(bodies[1]["nonce"], bodies[1]["facts"]) == changed.json()["payload_hash"]
    assert not {"email", "phone", "contact"} & set(json.dumps(bodies).split('"')), "facts carry no contact data"


UNTAKEABLE: dict[str, tuple[bytes, str, int, str | None]] = {
    "broken": (b'{"track": ', "application/json", 400, ""),
    "no JSON": (b"{}", "text/plain", 415, None),
    "too large": (b'{"x":"' + b"a" * 300_000 + b'"}', "application/json", 413, None),
    "missing": (b"{}", "application/json", 422, "/applicant"),
    "2^60": (json.dumps(application(3, price_won=2**60)).encode(), "application/json", 422, "/product/price_won"),
    "text": (json.dumps(application(3, price_won="1000")).encode(), "application/json", 422, "/product/price_won"),
    "NUL": (json.dumps(application(3, name="a\x00b")).encode(), "application/json", 422, "/product/name"),
    "surrogate": (json.dumps(application(3, name="\ud800")).encode(), "application/json", 400, ""),
    "unknown field": (json.dumps(application(3, prise=1)).encode(), "application/json", 422, "/product/prise"),
}


async def test_what_cannot_be_taken_is_told_with_the_field_and_the_fix(client: httpx2.AsyncClient) -> None:
    for name, (content, kind, status, pointer) in UNTAKEABLE.items():
        answer = await client.post("/rounds/any/applications", content=content, headers={"content-type": kind})
        assert answer.status_code == status, name
        assert answer.headers["content-type"] == "application/problem+json"
        if pointer is not None:
            told = {error["pointer"]: error for error in answer.json()["errors"]}
            assert told[pointer]["fix"], name
            assert told[pointer]["detail"], name


async def test_who_may_do_what(client: httpx2.AsyncClient, office: Office) -> None:
    assert (await client.post("/tokens", json={"role": "officer", "name": "x"})).status_code == 401
    made = await client.post("/tokens", json={"role": "officer", "name": "x"}, headers=office.officers[0])
    assert made.status_code == 403, "an officer makes no tokens"
    assert (await client.get("/tokens", headers=office.officers[0])).status_code == 403
    operator = {"Authorization": f"Bearer {office.stack.operator_token}"}
    desk = {"role": "institution", "name": "a desk", "institution": "kepco"}
    (await client.post("/tokens", json=desk, headers=operator)).raise_for_status()
    assert (await client.delete("/tokens/a desk", headers=operator)).status_code == 204
    listed = await client.get("/tokens", headers=operator)
    assert [one["role"] for one in listed.json()] == ["officer", "officer", "institution"]
    last = listed.json()[-1]
    assert last | desk == last
    assert last["revoked_at"]
    assert set(last) == {"name", "role", "institution", "created_at", "revoked_at"}, "no token and no hash"
    assert (await client.post("/rounds", json={}, headers={"Authorization": "Bearer x"})).status_code == 401
    round_id = await office.announce(rehearsal=clock_map(3600))
    body = {"act": "confirm", "terms": {}, "reason": "too early"}
    early = await client.post(f"/rounds/{round_id}/acts", json=body, headers=office.officers[0])
    assert (early.status_code, early.json()["type"]) == (409, "urn:firstbuy:problem:not-frozen")


async def test_accepted_is_exactly_what_the_manifest_holds(
    stack: Stack, client: httpx2.AsyncClient, office: Office
) -> None:
    """Before, during and after the close, each submitted twice at once: one 201 per product, and all of them in."""
    early = await office.announce(rehearsal=clock_map(3600, opens_in=3600))
    assert (await apply(client, early, 1)).status_code == 409
    round_id = await office.announce(rehearsal=clock_map(3))
    answers: list[httpx2.Response] = []

    async def firm(number: int) -> None:
        answers.extend(await asyncio.gather(*(apply(client, round_id, number) for _ in range(2))))

    async def waves() -> None:
        waiting = []
        for number in range(400):
            waiting.append(asyncio.create_task(firm(number)))
            await asyncio.sleep(0.01)
        await asyncio.gather(*waiting)

    await waves()
    await office.status(round_id, "frozen")
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[201] > 0
    assert statuses[410] > 0, "the burst went on beyond the close"
    assert set(statuses) <= {201, 409, 410}
    receipts = [answer.json() for answer in answers if answer.status_code == 201]
    accepted = digest_of((item["application"], item["version"], item["payload_hash"]) for item in receipts)
    manifest = (await client.get(f"/rounds/{round_id}/manifest")).json()["applications"]
    assert (manifest["count"], manifest["root"]) == (len(receipts), accepted.root)
    late = await apply(client, round_id, 1, **{"Idempotency-Key": "late"})
    assert late.status_code == 410


async def test_a_retry_gets_its_receipt_even_after_the_close(client: httpx2.AsyncClient, office: Office) -> None:
    round_id = await office.announce(rehearsal=clock_map(2))
    await office.status(round_id, "open")
    first = await apply(client, round_id, 1, **{"Idempotency-Key": "mine"})
    await office.status(round_id, "frozen")
    again = await apply(client, round_id, 1, **{"Idempotency-Key": "mine"})
    assert (again.status_code, again.json()) == (201, first.json())


async def test_every_inbox_message_gets_one_answer(stack: Stack, client: httpx2.AsyncClient, office: Office) -> None:
    await office.institution("kepco", inbox_round=50_000_000)
    round_id = await office.announce("inbox-round", rehearsal=clock_map(6))
    await office.status(round_id, "open")
    submit = "SubmitPurchaseRequest"
    amended = purchase_request(round_id, "r1", quantity=7) | {"replaces": 1}
    await write_inbox(
        stack,
        "kepco",
        (submit, "m1", purchase_request(round_id, "r1")),
        (submit, "m2", purchase_request(round_id, "r1")),
        (submit, "m3", purchase_request(round_id, "r2", budget_won=60_000_000)),
        (submit, "m4", {"round": round_id, "request": "r3"}),
        (submit, "m5", purchase_request("no-such-round", "r4")),
        ("AmendPurchaseRequest", "m6", amended),
        ("AmendPurchaseRequest", "m7", amended | {"facts": purchase_request(round_id, "r1", quantity=9)["facts"]}),
        (submit, "m8", b"\x00\xff not json"),
        ("OrderPizza", "m9", {}),
        (submit, "m10", purchase_request(round_id, "r5", quantity=2**60)),
        (submit, "m11", purchase_request(round_id, "r6")),
        ("WithdrawPurchaseRequest", "m12", {"round": round_id, "request": "r6", "reason": "no budget"}),
    )
    told = await answers_on(stack, "kepco", 12)
    assert {quoted: body["answer"] for quoted, body in told.items()} == {
        "m1": "accepted",
        "m2": "duplicate",
        "m3": "rejected",
        "m4": "rejected",
        "m5": "rejected",
        "m6": "accepted",
        "m7": "rejected",
        "m8": "rejected",
        "m9": "rejected",
        "m10": "rejected",
        "m11": "accepted",
        "m12": "accepted",
    }
    assert told["m3"]["reasons"][0]["pointer"] == "/facts/budget_won"
    assert told["m4"]["reasons"][0]["pointer"] == "/facts"
    assert told["m7"]["reasons"][0]["code"] == "version-mismatch"
    assert told["m6"]["version"] == 2
    await asyncio.sleep(6)
    await write_inbox(stack, "kepco", (submit, "late", purchase_request(round_id, "r9")))
    await office.status(round_id, "frozen")
    assert (await answers_on(stack, "kepco", 13))["late"]["answer"] == "late"
    manifest = (await client.get(f"/rounds/{round_id}/manifest")).json()["requests"]
    standing = digest_of([("kepco/r1", 2, told["m6"]["payload_hash"])])
    assert (manifest["count"], manifest["root"]) == (1, standing.root)


async def test_a_request_stays_in_its_round(stack: Stack, client: httpx2.AsyncClient, office: Office) -> None:
    """Named in a message to another round it is changed in neither."""
    rounds = [await office.announce(rehearsal=clock_map(60)) for _ in range(2)]
    await office.institution("kepco", **{name.replace("-", "_"): 50_000_000 for name in rounds})
    for name in rounds:
        await office.status(name, "open")
    amended = purchase_request(rounds[1], "r1", quantity=9) | {"replaces": 1}
    await write_inbox(
        stack,
        "kepco",
        ("SubmitPurchaseRequest", "s1", purchase_request(rounds[0], "r1")),
        ("AmendPurchaseRequest", "s2", amended),
        ("WithdrawPurchaseRequest", "s3", {"round": rounds[1], "request": "r1", "reason": "not ours"}),
        ("WithdrawPurchaseRequest", "s4", {"round": rounds[0], "request": "r1", "reason": "ours"}),
        ("SubmitPurchaseRequest", "s5", purchase_request(rounds[1], "r1")),
    )
    told = await answers_on(stack, "kepco", 5)
    assert (told["s1"]["answer"], told["s1"]["round"], told["s4"]["answer"]) == ("accepted", rounds[0], "accepted")
    for refused in ("s2", "s3", "s5"):
        assert told[refused]["answer"] == "rejected"
        assert [reason["code"] for reason in told[refused]["reasons"]] == ["of-another-round"]


async def test_an_inbox_registered_while_others_are_read_is_read_too(stack: Stack, office: Office) -> None:
    await office.institution("aaa", joining=10_000_000)
    round_id = await office.announce("joining", rehearsal=clock_map(3600))
    await office.status(round_id, "open")
    await write_inbox(stack, "aaa", ("SubmitPurchaseRequest", "a1", purchase_request(round_id, "r", budget_won=10)))
    assert (await answers_on(stack, "aaa", 1))["a1"]["answer"] == "accepted"
    await office.institution("zzz", joining=10_000_000)
    await write_inbox(stack, "zzz", ("SubmitPurchaseRequest", "z1", purchase_request(round_id, "r", budget_won=10)))
    assert (await answers_on(stack, "zzz", 1))["z1"]["answer"] == "accepted"


async def test_two_replicas_share_the_inboxes_and_answer_once(start_stack: StartStack) -> None:
    stack = await start_stack(services=("intake",), replicas={"intake": 2})
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        codes = [f"inst-{n}" for n in range(8)]
        for code in codes:
            await office.institution(code, shared_round=10_000_000)
        round_id = await office.announce("shared-round", rehearsal=clock_map(3600))
        await office.status(round_id, "open")
        for code in codes:
            messages = [
                ("SubmitPurchaseRequest", f"{code}-{n}", purchase_request(round_id, f"r{n}", budget_won=1000 + n))
                for n in range(5)
            ]
            await write_inbox(stack, code, *messages)
        await stack.kill("intake", 1)
        for code in codes:
            told = await answers_on(stack, code, 5, killed=True)
            assert {body["answer"] for body in told.values()} == {"accepted"}


async def test_a_batch_a_crash_left_in_the_outbox_is_published(
    stack: Stack, client: httpx2.AsyncClient, office: Office
) -> None:
    round_id = await office.announce(rehearsal=clock_map(3600))
    await office.status(round_id, "open")
    database = await asyncpg.connect(stack.database_url("intake"))
    await database.execute(
        "INSERT INTO outbox (created_at, topics, keys, types, ids, times, traceparents, bodies)"
        " VALUES (now() - interval '1 minute', ARRAY['audit-heads.v1'], ARRAY['k'], ARRAY['AuditHeadPublished'],"
        " ARRAY['left-behind'], ARRAY[now()], ARRAY[''], ARRAY['{}'::bytea])"
    )

    async def published() -> bool:
        records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}audit-heads.v1")
        return any(dict(record.headers)["ce_id"] == b"left-behind" for record in records)

    await until(published, "the batch left behind")

    async def gone() -> bool:
        return not await database.fetch("SELECT batch FROM outbox")

    await until(gone, "its row is gone")
    await database.close()


async def test_an_idempotency_key_is_a_firm_s_own(client: httpx2.AsyncClient, office: Office) -> None:
    round_id = await office.announce(rehearsal=clock_map(3600))
    await office.status(round_id, "open")
    key = {"Idempotency-Key": "1"}
    answers = await asyncio.gather(*(apply(client, round_id, number, **key) for number in range(1, 6)))
    assert [answer.status_code for answer in answers] == [201] * 5
    assert len({answer.json()["application"] for answer in answers}) == 5
    again = await asyncio.gather(*(apply(client, round_id, number, **key) for number in range(1, 6)))
    assert [answer.json() for answer in again] == [answer.json() for answer in answers]


async def test_a_key_that_a_replica_of_the_version_before_took_is_known(
    stack: Stack, client: httpx2.AsyncClient, office: Office
) -> None:
    round_id = await office.announce(rehearsal=clock_map(3600))
    await office.status(round_id, "open")
    first = (await apply(client, round_id, 1, **{"Idempotency-Key": "k"})).raise_for_status().json()
    database = await asyncpg.connect(stack.database_url("intake"))
    assert await database.fetchval("SELECT count(*) FROM idempotency_keys") == 1, "kept for that version too"
    await database.execute("DELETE FROM keys_of_firms")
    await database.close()
    assert (await apply(client, round_id, 1, **{"Idempotency-Key": "k"})).json() == first
    assert (await apply(client, round_id, 2, **{"Idempotency-Key": "k"})).status_code == 201


async def test_pledges_to_rounds_that_are_not_announced_are_the_office_s_to_see(
    stack: Stack, client: httpx2.AsyncClient, office: Office
) -> None:
    round_id = await office.announce(rehearsal=clock_map(3600))
    await office.institution("kepco", **{round_id.replace("-", "_"): 10**9, "secret_2019": 10**8})

    async def pledged(headers: dict[str, str]) -> set[str]:
        (shown,) = (await client.get("/institutions", headers=headers)).raise_for_status().json()
        return {pledge["round"] for pledge in shown["pledges"]}

    assert await pledged({}) == {round_id}
    assert await pledged(office.officers[0]) == {round_id, "secret-2019"}
    operator = {"Authorization": f"Bearer {stack.operator_token}"}
    body = {"role": "institution", "name": "kepco's", "institution": "kepco"}
    made = (await client.post("/tokens", json=body, headers=operator)).raise_for_status().json()
    for token, status in ((made["token"], 403), ("none", 401)):
        answer = await client.get("/institutions", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status
