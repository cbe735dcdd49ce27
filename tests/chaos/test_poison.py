"""What nobody can read is named once, and holds up nobody."""

import asyncio
import json
import os
import random

import asyncpg
import httpx2
import pytest

from shared.contracts import topics
from tests.support.consuming import records_of, until
from tests.support.disturbing import (
    PATIENCE,
    UNREADABLE,
    contents_of,
    equal_roots,
    poison_for,
    send,
    spoiled,
)
from tests.support.entering import answers_on
from tests.support.rounds import Office, application, clock_map, purchase_request, write_inbox


@pytest.mark.altered_by_hand("records that nobody can read")
async def test_poison_on_a_shared_topic_is_named_and_holds_up_nobody(office: Office) -> None:
    stack, round_id = office.stack, "poisoned"
    await office.institution("kepco", poisoned=50_000_000)
    await office.announce(round_id, rehearsal=clock_map(8, seed="poison"))
    await office.status(round_id, "open")
    await write_inbox(stack, "kepco", ("SubmitPurchaseRequest", "m", purchase_request(round_id, "r")))
    consumed = {topic.name: topic for service in ("eligibility", "selection") for topic in topics.CONSUMED[service]}
    poison = [(name, *record) for name, topic in consumed.items() for record in poison_for(topic)]

    async def enter(number: int) -> None:
        answer = await office.client.post(f"/rounds/{round_id}/applications", json=application(number))
        answer.raise_for_status()

    for number in range(10):
        await enter(number)
    places = await send(stack, poison)
    for number in range(10, 20):
        await enter(number)
    assert (await equal_roots(office, round_id))["applications"]["count"] == 20
    await office.milestone(round_id, "SelectionProposed", PATIENCE)

    operator = {"Authorization": f"Bearer {stack.operator_token}"}
    for service in ("eligibility", "selection"):
        own = {stack.topic_prefix + topic.name for topic in topics.CONSUMED[service]}
        expected = {place for place in places if place[0] in own}
        url = f"{stack.url(service)}/parked"

        async def named(url: str = url, expected: set[tuple[str, int, int]] = expected) -> bool:
            rows = (await office.client.get(url, headers=operator)).raise_for_status().json()
            return {(row["topic"], row["partition"], row["offset"]) for row in rows} == expected

        await until(named, f"all of the poison is named by {service}, and nothing else", PATIENCE)
        for name in own:
            letters = await records_of(stack.kafka.settings, f"{name}.{service}.dlq")
            origins = {dict(letter.headers)["firstbuy_origin"].decode() for letter in letters}
            assert origins == {f"{name}/{number}/{offset}" for topic, number, offset in expected if topic == name}
    await stack.restart("intake")  # which reads its own topics again, poison and all
    await contents_of(stack, topics.VERDICTS.name, topics.MILESTONES.name)
    assert (await office.shown(round_id))["status"] == "frozen"


@pytest.mark.altered_by_hand("records that nobody can read")
async def test_what_is_parked_is_named_until_an_operator_settles_it(office: Office) -> None:
    stack = office.stack
    operator = {"Authorization": f"Bearer {stack.operator_token}"}
    ((topic, number, offset),) = await send(stack, [(topics.MILESTONES.name, b"{}", [])])
    for service in ("intake", "eligibility", "selection"):
        base = f"{stack.url(service)}/parked"
        one = f"{base}/{topic}/{number}/{offset}"

        async def named(base: str = base) -> bool:
            return len((await office.client.get(base, headers=operator)).raise_for_status().json()) == 1

        await until(named, f"{service} names it", PATIENCE)
        (row,) = (await office.client.get(one, headers=operator)).raise_for_status().json()
        assert (row["error"], row["detail"]) == ("unreadable-record", "header ce_type is missing")
        because = {"reason": "nobody of ours wrote it"}
        assert (await office.client.get(base)).status_code == 401
        assert (await office.client.get(base, headers={"Authorization": "Bearer x"})).status_code in (401, 403)
        assert (await office.client.post(f"{one}/settlement", json=because)).status_code == 401
        assert (await office.client.post(f"{one}/settlement", json={}, headers=operator)).status_code == 422
        assert (await office.client.get(f"{base}/{topic}/{number}/{offset + 1}", headers=operator)).status_code == 404
        assert (await office.client.get(f"{base}/%00/0/0", headers=operator)).status_code == 404
        settled = await office.client.post(f"{one}/settlement", json=because, headers=operator)
        assert settled.raise_for_status().json()[0]["settled_at"]
        assert (await office.client.post(f"{one}/settlement", json=because, headers=operator)).status_code == 409
        assert (await office.client.get(base, headers=operator)).json() == []
        assert len((await office.client.get(base, params={"settled": "true"}, headers=operator)).json()) == 1
        reader = office.officers[0] if service == "intake" else operator
        log = (await office.client.get(f"{stack.url(service)}/audit", headers=reader)).raise_for_status().json()["rows"]
        (act,) = [row for row in log if row["action"] == "settle-parked"]
        assert act["detail"] == {"topic": topic, "partition": number, "offset": offset, "seal": act["detail"]["seal"]}
        assert act["sealed"] == {"nonce": act["sealed"]["nonce"]} | because


async def test_poison_in_an_inbox_is_rejected_once_and_holds_up_no_answer(office: Office) -> None:
    stack, round_id = office.stack, "inbox-poison"
    await office.institution("kepco", **{round_id.replace("-", "_"): 50_000_000})
    await office.announce(round_id, rehearsal=clock_map(3600))
    await office.status(round_id, "open")
    good = json.dumps(purchase_request(round_id, "r")).encode()
    many = json.dumps({f"k{number}": 1 for number in range(60_000)}).encode()
    long_key = json.dumps({"x" * 600_000: 1}).encode()
    type_ = ("ce_type", b"kr.firstbuy.SubmitPurchaseRequest.v1")
    bodies = [*UNREADABLE.values(), many, long_key, json.dumps(purchase_request(round_id, "r", note="\x00")).encode()]
    poison: list[tuple[bytes | None, list[tuple[str, bytes]]]] = [
        (body, [type_, ("ce_id", f"p{number}".encode())]) for number, body in enumerate(bodies)
    ]
    poison += [
        (None, [type_, ("ce_id", b"none")]),
        (good, []),
        (good, [("ce_id", b"no type")]),
        (good, [("ce_type", b"\x00\xff"), ("ce_id", b"odd type")]),
        (b"", [type_, ("ce_id", b"\x00\xff\xfe")]),
        (b"", [type_, ("ce_id", b"x" * 5000)]),
        (b"", [type_, ("ce_id", b"trace"), ("traceparent", b"\x00")]),
        (b"", [type_, ("ce_id", b"headers"), ("other", b"\xff\xfe")]),
    ]
    inbox = topics.inbox("kepco").name
    count = len(poison)
    await send(stack, [(inbox, body, headers) for body, headers in poison])
    await write_inbox(stack, "kepco", ("SubmitPurchaseRequest", "good", purchase_request(round_id, "r")))
    told = await answers_on(stack, "kepco", count + 1)
    assert told.pop("good")["answer"] == "accepted"
    assert {body["answer"] for body in told.values()} == {"rejected"}
    assert all(body["reasons"] for body in told.values())
    assert len(told) == count, "each is answered under its own id"
    async with asyncio.timeout(PATIENCE):
        database = await asyncpg.connect(stack.database_url("intake"))
        assert not await database.fetch("SELECT * FROM parked_records"), "what is answered is not parked"
        while await database.fetch("SELECT batch FROM outbox"):
            await asyncio.sleep(0.1)
        await database.close()


async def test_poison_over_http_is_refused_by_its_field_and_fails_nobody_else(office: Office) -> None:
    client, round_id = office.client, "http-poison"
    await office.announce(round_id, rehearsal=clock_map(3600))
    await office.status(round_id, "open")
    answers: list[httpx2.Response] = []

    async def good(number: int) -> None:
        answers.append(await client.post(f"/rounds/{round_id}/applications", json=application(number)))

    async def bad(body: bytes, pointer: str | None) -> None:
        headers = {"content-type": "application/json"}
        answer = await client.post(f"/rounds/{round_id}/applications", content=body, headers=headers)
        assert answer.status_code in (400, 422), (answer.status_code, body[:80])
        assert len(answer.content) < 100_000, "an answer that people can read"
        told = {reason["pointer"]: reason["fix"] for reason in answer.json()["errors"]}
        assert told, body[:80]
        assert pointer is None or told[pointer], (pointer, body[:80])

    async def odd_round(path: str) -> None:
        answer = await client.post(f"/rounds/{path}/applications", json=application(1))
        assert answer.status_code == 404, (path, answer.status_code)

    work = [bad(*one) for one in spoiled()] + [good(number) for number in range(60)]
    work += [odd_round(path) for path in ("%00", "a%00b", "%ED%A0%80", "x" * 2000, "%0a") * 4]
    random.Random(1).shuffle(work)  # noqa: S311
    await asyncio.gather(*work)
    assert {answer.status_code for answer in answers} == {201}

    officer, operator = office.officers[0], {"Authorization": f"Bearer {office.stack.operator_token}"}
    for method, path, body, headers in (
        ("GET", "/rounds/%00", None, {}),
        ("GET", "/rounds/%00/results", None, {}),
        ("GET", "/applications/%00", None, officer),
        ("GET", "/applications/%00/proof", None, officer),
        ("GET", f"{office.stack.url('eligibility')}/rounds/%00/completeness", None, {}),
        ("GET", f"{office.stack.url('selection')}/rounds/%00/completeness", None, {}),
        ("GET", f"{office.stack.url('selection')}/rounds/%00/pledges", None, {}),
        ("POST", f"/rounds/{round_id}/acts/%00/approval", None, officer),
        ("POST", "/rounds/%00/acts", {"act": "void", "terms": {}, "reason": "x"}, officer),
        ("POST", f"/rounds/{round_id}/acts", {"act": "void", "terms": {}, "reason": "\x00"}, officer),
        ("POST", f"/rounds/{round_id}/acts", {"act": "extend", "terms": {"closes_at": "\x00"}, "reason": "x"}, officer),
        ("POST", f"/rounds/{round_id}/acts", {"act": "extend", "terms": {"closes_at": 2**60}, "reason": "x"}, officer),
        ("POST", f"/rounds/{round_id}/acts", {"act": "extend", "terms": {"closes_at": {}}, "reason": "x"}, officer),
        ("POST", f"/rounds/{round_id}/acts", {"act": "extend", "terms": {"closes_at": '"'}, "reason": "x"}, officer),
        ("POST", f"/rounds/{round_id}/acts", {"act": "exclude", "terms": {"application": []}, "reason": "x"}, officer),
        ("POST", "/rounds", {"round": {}, "policy": {"\x00": "\x00"}, "reason": "\x00"}, officer),
        ("PUT", "/institutions/%00", {"name": "x"}, officer),
        ("PUT", "/institutions/abc", {"name": "\x00"}, officer),
        ("DELETE", "/tokens/%00", None, operator),
        ("POST", "/tokens", {"role": "officer", "name": "\x00"}, operator),
    ):
        answer = await client.request(method, path, json=body, headers=headers)
        assert 400 <= answer.status_code < 500, (method, path, body, answer.status_code)


async def test_an_event_that_fits_no_record_holds_up_no_other(office: Office) -> None:
    async def left_behind(identifier: str, size: int) -> None:
        await database.execute(
            "INSERT INTO outbox (created_at, topics, keys, types, ids, times, traceparents, bodies)"
            " VALUES (now() - interval '1 minute', ARRAY['audit-heads.v1'], ARRAY['k'], ARRAY['AuditHeadPublished'],"
            " ARRAY[$1::text], ARRAY[now()], ARRAY[''], ARRAY[$2::bytea])",
            identifier,
            os.urandom(size),
        )

    async def published() -> bool:
        records = await records_of(office.stack.kafka.settings, f"{office.stack.topic_prefix}audit-heads.v1")
        there = {dict(record.headers)["ce_id"] for record in records}
        assert b"too large" not in there
        return {b"large", b"small"} <= there

    database = await asyncpg.connect(office.stack.database_url("intake"))
    await left_behind("too large", 6_000_000)  # the local broker takes 4 MiB
    await left_behind("large", 2_000_000)
    await left_behind("small", 10)
    await until(published, "the two behind it", PATIENCE)
    await database.close()
