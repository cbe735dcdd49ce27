"""Intake's database put back to an earlier moment: it opens when it holds again all that intake ever published."""

import asyncio
import json
import random
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from deploy.local.stack import Stack
from firstbuy.verifying.receipts import examined_proof, examined_receipt
from services.intake.usecases import replay
from shared.contracts import topics
from shared.kafka.records import Decoder
from shared.proof.merkle import digest_of
from shared.service.postgres import connected, open_pool
from tests.conftest import Database, StartStack
from tests.support.consuming import until
from tests.support.restoring import (
    ENVIRONMENT,
    NO_APPLICANT,
    REQUESTS,
    WHOLE,
    Backups,
    act,
    answers,
    apply,
    bearer,
    catches_up,
    close_now,
    erase,
    held,
    intake_of,
    published,
    real_round,
    records,
    standing,
    tell,
    url,
)
from tests.support.rounds import Office, application, clock_map, purchase_request, write_inbox

KEYS = "/.well-known/firstbuy-keys"

pytestmark = pytest.mark.altered_by_hand("closes are moved in intake's database")


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    return await start_stack(services=("intake",), environment=ENVIRONMENT)


async def test_what_was_received_after_the_backup_is_back(
    stack: Stack, client: httpx2.AsyncClient, office: Office, backups: Backups
) -> None:
    """Entries, later versions, withdrawals, contacts, institutions, requests, an extension, another round."""
    round_id = await real_round(office)
    given = [[await apply(client, round_id, number)] for number in range(4)]
    first = ("SubmitPurchaseRequest", "m-0", purchase_request(round_id, "r-0"))
    await write_inbox(stack, "kepco", first)
    await answers(stack, 1)
    backup = await backups.take(stack)

    answered = await _received_after_the_backup(client, round_id, given, office, stack)
    before = await held(stack)

    await backups.put_back(stack, backup)
    said = await catches_up(stack)
    after = await held(stack)
    for query in WHOLE:
        assert after[query] == before[query], query
    assert {name.partition(".")[0] for name in said["put_back"]} == {
        "applications", "contacts", "institution", "institutions", "purchase-requests", "rounds",
    }  # fmt: skip

    keys = (await client.get(KEYS)).json()
    for versions in given:
        listed = (await client.get(f"{url(versions[0])}/receipt", headers=bearer(versions[0]))).json()
        told = [
            {key: value for key, value in version.items() if key not in ("token", "warnings")} for version in versions
        ]
        assert listed == told
        for version in versions:
            assert examined_receipt(version, keys).differs == []
    retried = await client.post(
        f"/rounds/{round_id}/applications", json=application(9), headers={"Idempotency-Key": "key-9"}
    )
    assert (retried.status_code, retried.json()["type"]) == (409, "urn:firstbuy:problem:already-entered")
    assert (await client.get(url(given[9][0]), headers=bearer(given[9][0]))).status_code == 200, "and its token opens"

    await write_inbox(stack, "kepco", ("SubmitPurchaseRequest", "m-6", purchase_request(round_id, "r-6")))
    told = await answers(stack, 7)
    assert told[:6] == answered, "what was answered is not answered again"
    assert (told[6]["quotes"], told[6]["answer"], len(told)) == ("m-6", "accepted", 7)
    async with intake_of(stack) as connection:
        assert await connection.fetchval("SELECT count(*) FROM inbox_answers") == 0
        restored = await connection.fetch("SELECT detail FROM audit_log WHERE action = 'restore'")
    assert [json.loads(row["detail"])["put_back"] for row in restored] == [said["put_back"]]
    contents = Counter(dict(record.headers)["ce_id"] for record in await records(stack, "applications.v1"))
    assert max(contents.values()) == 1, "nothing was published a second time"

    assert (await catches_up(stack))["put_back"] == {}, "what is there already stays as it is"


async def _received_after_the_backup(
    client: httpx2.AsyncClient, round_id: str, given: list[Any], office: Office, stack: Stack
) -> list[Any]:
    """Adds to `given` what applicants were given; returns what kepco was answered."""
    given += [[await apply(client, round_id, number)] for number in range(4, 20)]
    for index in (0, 5):
        changed = application(index, price_won=900_000)
        headers = bearer(given[index][0]) | {"If-Match": '"1"'}
        given[index].append((await client.put(url(given[index][0]), json=changed, headers=headers)).json())
    for index in (0, 1, 6):
        path, headers = f"{url(given[index][0])}/withdrawal", bearer(given[index][0])
        given[index].append((await client.post(path, json={"reason": "sold out"}, headers=headers)).json())
    contact = {"name": "새 담당자", "email": "new@example.org", "phone": "02-123-4567", "language": "en"}
    for index in (2, 7):
        path, headers = f"{url(given[index][0])}/contact", bearer(given[index][0])
        assert (await client.put(path, json=contact, headers=headers)).status_code == 204
    await office.institution("khnp", **{round_id.replace("-", "_"): 30_000_000})
    await office.institution("kepco", other_round=7_000_000)
    messages = [
        ("SubmitPurchaseRequest", "m-1", purchase_request(round_id, "r-1")),
        ("AmendPurchaseRequest", "m-2", purchase_request(round_id, "r-0", quantity=6) | {"replaces": 1}),
        ("WithdrawPurchaseRequest", "m-3", {"round": round_id, "request": "r-1", "reason": "no budget"}),
        ("SubmitPurchaseRequest", "m-4", purchase_request(round_id, "r-2", quantity=9)),
        ("SubmitPurchaseRequest", "m-5", b"{"),
    ]
    await write_inbox(stack, "kepco", *messages)
    answered = await answers(stack, 6)
    later = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    await act(office, round_id, "extend", {"closes_at": later})
    another = await real_round(office)
    given.append([await apply(client, another, 1)])
    await published(stack)
    async with intake_of(stack) as connection:
        parties = "SELECT party::text FROM applications WHERE application = ANY($1::uuid[])"
        for (party,) in await connection.fetch(parties, [given[3][0]["application"], given[8][0]["application"]]):
            await erase(stack, party)
    await tell(stack, NO_APPLICANT)
    return answered


async def test_records_read_in_any_order_and_twice_put_the_same_back(
    stack: Stack, client: httpx2.AsyncClient, office: Office, database: Database
) -> None:
    """As publishing under crashes may repeat and turn them around; into a database that has nothing."""
    round_id = await real_round(office)
    given = [await apply(client, round_id, number) for number in range(8)]
    for version in (1, 2, 3):
        headers = bearer(given[0]) | {"If-Match": f'"{version}"'}
        (await client.put(url(given[0]), json=application(0, price_won=version), headers=headers)).raise_for_status()
    for gone in given[:3]:
        await client.post(f"{url(gone)}/withdrawal", json={"reason": "no"}, headers=bearer(gone))
    messages = [
        ("SubmitPurchaseRequest", "m-0", purchase_request(round_id, "r-0")),
        ("AmendPurchaseRequest", "m-1", purchase_request(round_id, "r-0", quantity=6) | {"replaces": 1}),
        ("AmendPurchaseRequest", "m-2", purchase_request(round_id, "r-0", quantity=7) | {"replaces": 2}),
    ]
    await write_inbox(stack, "kepco", *messages)
    await answers(stack, 3)
    await act(office, round_id, "extend", {"closes_at": (datetime.now(UTC) + timedelta(days=2)).isoformat()})
    await act(office, round_id, "extend", {"closes_at": (datetime.now(UTC) + timedelta(days=3)).isoformat()})
    await close_now(stack, office, round_id)
    await office.status(round_id, "frozen")
    await act(office, round_id, "rerun", await standing(client, round_id))
    await act(office, round_id, "rerun", await standing(client, round_id))
    await published(stack)

    order = random.Random(7)  # noqa: S311 -- the same at every run
    fresh = await database("intake")
    pool = await open_pool(fresh, 2, "test")
    async with intake_of(stack) as connection:
        secret = await connection.fetchval("SELECT value FROM secrets WHERE name = 'access-tokens'")
    await pool.execute("INSERT INTO secrets VALUES ('access-tokens', $1)", secret)
    for _ in range(2):
        for topic, put_back, batch_size in (
            (topics.INSTITUTIONS, replay.put_back_institutions, 1),
            (topics.ROUNDS, replay.put_back_rounds, 100),
            (topics.APPLICATIONS, replay.put_back_applications, 1),
            (topics.PURCHASE_REQUESTS, replay.put_back_requests, 1),
            (topics.CONTACTS, replay.put_back_contacts, 1),
        ):
            events = [Decoder(topic).decode(record) for record in await records(stack, topic.name)]
            order.shuffle(events)
            for at in range(0, len(events), batch_size):
                batch = [event for event in events[at : at + batch_size] if event is not None]
                async with connected(pool) as connection, connection.transaction():
                    await put_back(connection, batch, stack.topic_prefix)
    await pool.close()
    before, after = await held(stack), await held(stack, fresh)
    for query in WHOLE:
        assert after[query] == before[query], query


async def test_a_restored_intake_is_closed_until_it_caught_up(
    stack: Stack, client: httpx2.AsyncClient, office: Office, backups: Backups
) -> None:
    round_id = await real_round(office)
    first = await apply(client, round_id, 1)
    backup = await backups.take(stack)
    second = await apply(client, round_id, 2)
    await published(stack)
    await backups.put_back(stack, backup)

    missing: dict[str, str] = {}

    async def catching_up() -> bool:
        with suppress(httpx2.HTTPError):
            missing.update((await client.get("/health/ready")).json()["missing"])
        return "behind its own topics" in missing.get("restore", "")

    async with intake_of(stack) as connection:
        async with connection.transaction():
            await connection.execute("LOCK TABLE application_versions IN ACCESS EXCLUSIVE MODE")
            starting = asyncio.create_task(stack.restart("intake"))
            await until(catching_up, "a replica that catches up")
            newer = bearer(first) | {"If-Match": '"1"'}
            refused = [
                await client.post(f"/rounds/{round_id}/applications", json=application(3)),
                await client.put(url(first), json=application(1), headers=newer),
                await client.post(f"{url(first)}/withdrawal", json={}, headers=bearer(first)),
                await client.get(url(second), headers=bearer(second)),
                await client.post(f"/rounds/{round_id}/acts", json={}, headers=office.officers[0]),
                await client.put("/institutions/kepco", json={}, headers=office.officers[0]),
            ]
            for answer in refused:
                assert answer.status_code == 503
                assert answer.json()["type"] == "urn:firstbuy:problem:catching-up"
                assert int(answer.headers["retry-after"]) > 0
            assert (await client.get("/health/live")).status_code == 200
            assert not starting.done()
        await starting
    assert (await client.get(url(second), headers=bearer(second))).status_code == 200
    await apply(client, round_id, 3)


async def test_the_freeze_after_a_restore_gives_the_same_roots(
    stack: Stack, client: httpx2.AsyncClient, office: Office, backups: Backups
) -> None:
    round_id = await real_round(office)
    given = [await apply(client, round_id, number) for number in range(3)]
    backup = await backups.take(stack)
    given += [await apply(client, round_id, number) for number in range(3, 30)]
    headers = bearer(given[0]) | {"If-Match": '"1"'}
    changed = (await client.put(url(given[0]), json=application(0, price_won=5), headers=headers)).json()
    for gone in (given[1], given[4]):
        await client.post(f"{url(gone)}/withdrawal", json={}, headers=bearer(gone))
    messages = [("SubmitPurchaseRequest", f"m-{n}", purchase_request(round_id, f"r-{n}")) for n in range(5)]
    await write_inbox(stack, "kepco", *messages)
    told = await answers(stack, 5)
    await published(stack)

    await backups.put_back(stack, backup)
    await catches_up(stack)
    await close_now(stack, office, round_id)
    await office.status(round_id, "frozen")
    stand = [changed, given[2], given[3], *given[5:]]
    expected = digest_of(sorted((one["application"], one["version"], one["payload_hash"]) for one in stand))
    asked = digest_of(sorted((one["request"], one["version"], one["payload_hash"]) for one in told))
    manifest = (await client.get(f"/rounds/{round_id}/manifest")).json()
    assert (manifest["applications"]["root"], manifest["requests"]["root"]) == (expected.root, asked.root)
    proof = (await client.get(f"{url(given[9])}/proof", headers=bearer(given[9]))).json()
    assert examined_proof(proof, manifest, given[9]).differs == []


async def test_a_round_that_went_on_after_the_backup_goes_no_step_twice(
    start_stack: StartStack, backups: Backups
) -> None:
    stack = await start_stack(services=("intake", "eligibility", "selection"), environment=ENVIRONMENT)
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        await office.institution("kepco")
        round_id = await office.announce(rehearsal=clock_map(3600, opens_in=2))
        await office.institution("kepco", **{round_id.replace("-", "_"): 50_000_000})
        backup = await backups.take(stack)
        await office.status(round_id, "open")
        given = [await apply(client, round_id, number) for number in range(10)]
        await write_inbox(stack, "kepco", ("SubmitPurchaseRequest", "m-0", purchase_request(round_id, "r-0")))
        await answers(stack, 1)
        await close_now(stack, office, round_id)
        await office.confirm(round_id)
        results = await office.results(round_id, 10)
        await act(office, round_id, "rerun", await standing(client, round_id))
        await published(stack)
        before, turns = await held(stack), await records(stack, "rounds.v1")

        await backups.put_back(stack, backup)
        await catches_up(stack)
        after = await held(stack)
        for query in WHOLE:
            assert after[query] == before[query], query
        shown = await office.shown(round_id)
        assert (shown["status"], shown["epoch"]) == ("frozen", 2), "confirmed in epoch 1, not yet in the next"
        assert await office.results(round_id, 10) == results, "the read model catches up too"
        await write_inbox(stack, "kepco", ("SubmitPurchaseRequest", "m-1", purchase_request(round_id, "r-1")))
        assert [answer["answer"] for answer in await answers(stack, 2)] == ["accepted", "late"]
        manifest = (await client.get(f"/rounds/{round_id}/manifest")).json()
        proof = (await client.get(f"{url(given[3])}/proof", headers=bearer(given[3]))).json()
        assert examined_proof(proof, manifest, given[3]).differs == []
        again = await records(stack, "rounds.v1")
        assert [one.value for one in again] == [turn.value for turn in turns], "every turn was published once"


async def test_messages_held_at_the_backup_are_answered_once(start_stack: StartStack, backups: Backups) -> None:
    """The first is held when the backup is made, and taken in by an extension since. The second is held since."""
    stack = await start_stack(services=("intake",), environment={"FIRSTBUY_INTAKE_DRAIN_SECONDS": "86400"})
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        round_id = await real_round(office)
        await close_now(stack, office, round_id)
        await write_inbox(stack, "kepco", ("SubmitPurchaseRequest", "m-0", purchase_request(round_id, "r-0")))

        async def are_held(*offsets: int) -> None:
            async def there() -> bool:
                async with intake_of(stack) as connection:
                    rows = await connection.fetch('SELECT "offset" FROM held_messages ORDER BY 1')
                    return [row["offset"] for row in rows] == list(offsets)

            await until(there, f"{offsets} held")

        await are_held(0)
        backup = await backups.take(stack)
        later = (datetime.now(UTC) + timedelta(days=2)).isoformat()
        await act(office, round_id, "extend", {"closes_at": later})
        assert [answer["answer"] for answer in await answers(stack, 1)] == ["accepted"]
        before = await held(stack)
        await close_now(stack, office, round_id)
        await write_inbox(stack, "kepco", ("SubmitPurchaseRequest", "m-1", purchase_request(round_id, "r-1")))
        await are_held(1)
        await published(stack)

        await backups.put_back(stack, backup)
        await catches_up(stack)
        told = await answers(stack, 2)
        assert [(one["quotes"], one["answer"]) for one in told] == [("m-0", "accepted"), ("m-1", "accepted")]
        assert [row for row in (await held(stack))[REQUESTS] if row[0] == "kepco/r-0"] == before[REQUESTS]
        await are_held()


async def test_a_database_put_back_beneath_a_running_intake_is_noticed(
    stack: Stack, client: httpx2.AsyncClient, office: Office
) -> None:
    """By hand, in one transaction, as if it had been restored: the replica ends, is started again and catches up."""
    round_id = await real_round(office)
    receipt = await apply(client, round_id, 1)
    await published(stack)
    at = "SELECT coalesce(sum(next_offset), 0) FROM own_offsets WHERE topic LIKE '%applications.v1'"
    async with intake_of(stack) as connection:

        async def noted() -> bool:
            return bool(await connection.fetchval(at) == 1)

        await until(noted, "the application is noted")
        process = stack.pid("intake")
        async with connection.transaction():
            await connection.execute("DELETE FROM applications; DELETE FROM application_versions")
            await connection.execute("UPDATE own_offsets SET next_offset = 0")

        async def back() -> bool:
            return bool(await connection.fetchval("SELECT count(*) FROM applications"))

        await until(back, "the application is back")
    await stack.wait_ready("intake")
    assert stack.pid("intake") != process
    assert (await client.get(url(receipt), headers=bearer(receipt))).status_code == 200
