"""Intake's database put back to an earlier moment: it opens when it holds again all that intake ever published."""

import asyncio
import json
import random
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx2
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.postgres import PostgresServer, create_database, drop_database
from deploy.local.stack import Stack
from firstbuy.verifying.receipts import examined_proof, examined_receipt
from services.intake.usecases import replay
from shared.contracts import topics
from shared.contracts.events import RefusalReconsidered
from shared.kafka.records import Decoder, Event
from shared.programme.working_days import korean_date
from shared.proof.merkle import digest_of
from shared.service.postgres import connected, open_pool
from tests.conftest import Database, StartStack
from tests.support.consuming import records_of, until
from tests.support.rounds import Office, application, clock_map, purchase_request, shipped_policy, write_inbox

OUTBOX = "institution.kepco.outbox.v1"
KEYS = "/.well-known/firstbuy-keys"
ENVIRONMENT = {"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3", "FIRSTBUY_INTAKE_SKEW_SECONDS": "0.3"}

pytestmark = pytest.mark.altered_by_hand("closes are moved in intake's database")


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    return await start_stack(services=("intake",), environment=ENVIRONMENT)


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as made:
        yield made


@pytest.fixture
async def office(stack: Stack, client: httpx2.AsyncClient) -> Office:
    return await Office.of(stack, client)


@pytest.fixture
async def backups(postgres_server: PostgresServer) -> AsyncIterator["Backups"]:
    made = Backups(postgres_server)
    yield made
    for name in made.names:
        await drop_database(postgres_server.url, name)


class Backups:
    """Copies of intake's database, made and put back while intake is stopped."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self.names: list[str] = []

    async def take(self, stack: Stack) -> str:
        await stack.stop("intake")
        name = f"backup_{secrets.token_hex(5)}"
        self.names.append(name)
        await create_database(self._server.url, name, template=_name(stack))
        await stack.restart("intake")
        return name

    async def put_back(self, stack: Stack, backup: str) -> None:
        """Intake is stopped afterwards."""
        await stack.stop("intake")
        await drop_database(self._server.url, _name(stack))
        await create_database(self._server.url, _name(stack), template=backup)


def _name(stack: Stack) -> str:
    return stack.database_url("intake").rpartition("/")[2].partition("?")[0]


@asynccontextmanager
async def connected_to(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def intake_of(stack: Stack) -> AbstractAsyncContextManager[Any]:
    """A connection to its database."""
    return connected_to(stack.database_url("intake"))


async def apply(client: httpx2.AsyncClient, round_id: str, number: int, track: str = "general") -> dict[str, Any]:
    body = application(number) | {"track": track}
    headers = {"Idempotency-Key": f"key-{number}"}
    answer = await client.post(f"/rounds/{round_id}/applications", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt


def bearer(receipt: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {receipt['token']}"}


def url(receipt: dict[str, Any]) -> str:
    return f"/applications/{receipt['application']}"


async def records(stack: Stack, topic: str) -> list[Any]:
    return await records_of(stack.kafka.settings, f"{stack.topic_prefix}{topic}")


async def bodies(stack: Stack, topic: str, kind: str) -> list[dict[str, Any]]:
    wanted = f"kr.firstbuy.{kind}.v1".encode()
    return [json.loads(one.value) for one in await records(stack, topic) if dict(one.headers)["ce_type"] == wanted]


async def published(stack: Stack) -> None:
    """Waits until nothing is left to publish: what a database that is lost has not published is lost with it."""

    async def nothing_left() -> bool:
        async with intake_of(stack) as connection:
            return not await connection.fetchval("SELECT count(*) FROM outbox")

    await until(nothing_left, "an empty outbox")


APPLICATIONS = "SELECT * FROM applications ORDER BY application"
VERSIONS = """
SELECT application, version, received_at, nonce, payload_hash, facts, withdrawn FROM application_versions
ORDER BY application, version
"""
CONTACTS = "SELECT * FROM contacts ORDER BY party"
REQUESTS = """
SELECT request, round, institution, version, CASE WHEN withdrawn THEN '' ELSE payload_hash END, facts, withdrawn,
       received_at, published
FROM purchase_requests ORDER BY request
"""
ROUNDS = "SELECT * FROM rounds ORDER BY round"
EPOCHS = "SELECT * FROM epochs ORDER BY round, epoch"
PLEDGES = "SELECT * FROM pledges ORDER BY round, institution"
INSTITUTIONS = "SELECT * FROM institutions ORDER BY institution"
SOURCES = "SELECT * FROM source_values ORDER BY round"
WHOLE = (APPLICATIONS, VERSIONS, CONTACTS, REQUESTS, ROUNDS, EPOCHS, PLEDGES, INSTITUTIONS, SOURCES)


async def held(stack: Stack, url: str | None = None) -> dict[str, list[Any]]:
    """Everything that is published of a round, as the database has it."""
    async with connected_to(url or stack.database_url("intake")) as connection:
        return {query: [tuple(row) for row in await connection.fetch(query)] for query in WHOLE}


async def catches_up(stack: Stack) -> dict[str, Any]:
    """Starts it; what its newest log line on that says."""
    await stack.restart("intake")
    lines = [json.loads(line) for line in stack.log("intake").read_text().splitlines() if line.startswith("{")]
    said: dict[str, Any] = [line for line in lines if line.get("event") == "caught up"][-1]
    return said


async def act(office: Office, round_id: str, kind: str, terms: dict[str, Any]) -> None:
    """By both officers."""
    body = {"act": kind, "terms": terms, "reason": "for the test"}
    path = f"/rounds/{round_id}/acts"
    proposed = await office.client.post(path, json=body, headers=office.officers[0])
    number = proposed.raise_for_status().json()["act"]
    (await office.client.post(f"{path}/{number}/approval", headers=office.officers[1])).raise_for_status()


async def standing(client: httpx2.AsyncClient, round_id: str) -> dict[str, Any]:
    """The terms of an act that opens the next epoch."""
    manifest = (await client.get(f"/rounds/{round_id}/manifest")).json()
    return {"epoch": manifest["epoch"], "applications_root": manifest["applications"]["root"]}


async def real_round(office: Office) -> str:
    """Open for a day of real time: ids and nonces are random."""
    now = datetime.now(UTC)
    window: dict[str, Any] = {"opens_at": now - timedelta(minutes=1), "closes_at": now + timedelta(days=1)}
    round_id = await office.announce(**window)
    await office.institution("kepco", **{round_id.replace("-", "_"): 50_000_000})
    await office.status(round_id, "open")
    return round_id


async def close_now(stack: Stack, office: Office, round_id: str) -> None:
    """As if the window had been that short from the beginning."""
    now = datetime.fromisoformat((await office.shown(round_id))["now"])
    async with intake_of(stack) as connection:
        await connection.execute("UPDATE rounds SET closes_at = $2 WHERE round = $1", round_id, now)


async def answers(stack: Stack, count: int) -> list[dict[str, Any]]:
    """Of kepco's messages, at least so many."""

    async def there() -> bool:
        return len(await bodies(stack, OUTBOX, "InboxAnswered")) >= count

    await until(there, f"{count} answers")
    return await bodies(stack, OUTBOX, "InboxAnswered")


NO_APPLICANT = {
    "party": "00000000-0000-4000-8000-000000000001",
    "name": "지나가는 사람",
    "email": "passing-by@example.org",
    "changed_at": "2018-08-20T00:00:00Z",
}


async def erase(stack: Stack, party: str) -> None:
    """As an erasure does: gone from the database, and a tombstone on the topic."""
    async with intake_of(stack) as connection:
        assert await connection.execute("DELETE FROM contacts WHERE party = $1", party) == "DELETE 1"
    await tell(stack, None, key=party)


async def tell(stack: Stack, contact: dict[str, Any] | None, key: str = "") -> None:
    producer = AIOKafkaProducer(**stack.kafka.settings.client_arguments())
    await producer.start()
    try:
        await producer.send_and_wait(
            f"{stack.topic_prefix}contacts.v1",
            json.dumps(contact).encode() if contact else None,
            key=(key or (contact or {})["party"]).encode(),
            headers=[("ce_type", b"kr.firstbuy.ContactChanged.v1"), ("ce_id", secrets.token_hex(8).encode())],
        )
    finally:
        await producer.stop()


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
        told = [{key: value for key, value in one.items() if key not in ("token", "warnings")} for one in versions]
        assert listed == told
        for one in versions:
            assert examined_receipt(one, keys).differs == []
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
    contents = Counter(dict(one.headers)["ce_id"] for one in await records(stack, "applications.v1"))
    assert max(contents.values()) == 1, "nothing was published a second time"

    assert (await catches_up(stack))["put_back"] == {}, "what is there already stays as it is"


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
            events = [Decoder(topic).decode(one) for one in await records(stack, topic.name)]
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
        assert [one["answer"] for one in await answers(stack, 2)] == ["accepted", "late"]
        manifest = (await client.get(f"/rounds/{round_id}/manifest")).json()
        proof = (await client.get(f"{url(given[3])}/proof", headers=bearer(given[3]))).json()
        assert examined_proof(proof, manifest, given[3]).differs == []
        again = await records(stack, "rounds.v1")
        assert [one.value for one in again] == [one.value for one in turns], "every turn was published once"


async def test_what_was_set_free_and_given_out_after_the_backup_is_back(
    start_stack: StartStack, backups: Backups
) -> None:
    stack = await start_stack(services=("intake", "eligibility", "selection"), environment=ENVIRONMENT)
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        await office.institution("kepco")
        round_id = await office.announce(rehearsal=clock_map(3600, opens_in=2))
        await office.institution("kepco", **{round_id.replace("-", "_"): 50_000_000})
        await office.status(round_id, "open")
        given = {one["application"]: one for one in [await apply(client, round_id, number) for number in range(4)]}
        wanted = [purchase_request(round_id, f"r-{n}", quantity=10, budget_won=10_000_000) for n in range(2)]
        await write_inbox(stack, "kepco", *[("SubmitPurchaseRequest", f"m-{n}", one) for n, one in enumerate(wanted)])
        await answers(stack, 2)
        await close_now(stack, office, round_id)
        await office.confirm(round_id)
        first, second, *_ = [given[one["application"]] for one in await office.results(round_id, 4)]
        awards = {one["application"]: one for one in await office.results(round_id, 4)}[second["application"]]["awards"]
        backup = await backups.take(stack)
        gone = f"{url(first)}/withdrawal"
        said = (await client.post(gone, json={"reason": "부도"}, headers=bearer(first))).raise_for_status().json()
        bought = {"application": second["application"], "quantity": 1, "amount_won": 1, "contracted_on": "2018-10-01"}
        about = {"round": round_id, "request": awards[0]["request"].removeprefix("kepco/")}
        await write_inbox(stack, "kepco", ("ReportPurchase", "p-0", about | bought))
        await answers(stack, 3)
        proposal = await office.milestone(round_id, "SelectionProposed")
        terms = {"epoch": 1, "batch": 1, "selection_root": proposal["selection_root"]}
        terms |= {"given_up": [first["application"]], "cancelled": [], "declined": []}
        await act(office, round_id, "release", terms)
        root = (await office.milestone(round_id, "ReleaseProposed"))["batch_root"]
        await act(office, round_id, "confirm-release", {"epoch": 1, "batch": 1, "batch_root": root})
        await published(stack)

        async def released() -> Any:
            return (await client.get(f"/rounds/{round_id}/releases", headers=office.officers[0])).json()

        before, turns = await released(), await records(stack, "rounds.v1")
        await backups.put_back(stack, backup)
        await catches_up(stack)

        async def as_before() -> bool:
            return bool(await released() == before)

        await until(as_before, "the batch is back, confirmed and proposed")
        again = (await client.post(gone, json={"reason": "부도"}, headers=bearer(first))).raise_for_status().json()
        assert again == said, "given up once, at that moment"
        refused = await client.post(f"{url(second)}/withdrawal", json={}, headers=bearer(second))
        assert refused.json()["type"].endswith("contracted")
        assert [one.value for one in await records(stack, "rounds.v1")] == [one.value for one in turns]


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
        assert [one["answer"] for one in await answers(stack, 1)] == ["accepted"]
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


async def test_whoever_was_invited_after_the_backup_is_not_invited_again_and_is_forgotten_in_time(
    database: Database,
) -> None:
    moment = datetime(2018, 9, 14, 9, 1, tzinfo=UTC)
    told = RefusalReconsidered(
        round="2018-h2", party=NO_APPLICANT["party"], refused_at=moment, closes_at=moment + timedelta(days=1)
    )
    event = Event("an-id", "RefusalReconsidered", told, b"{}", "applications.v1", 0, 0, moment, None)
    pool = await open_pool(await database("intake"), 2, "test")
    refused = "INSERT INTO refused VALUES ('2018-h2', $1, 'a firm', 'ko', $2)"
    await pool.execute(refused, "told@example.org", moment)
    await pool.execute(refused, "later@example.org", moment + timedelta(seconds=1))
    for _ in range(2):
        async with connected(pool) as connection, connection.transaction():
            assert await replay.put_back_applications(connection, [event], "") == 0
    assert [row["email"] for row in await pool.fetch("SELECT email FROM refused")] == ["later@example.org"]
    assert [str(row["party"]) for row in await pool.fetch("SELECT party FROM invited")] == [told.party]
    await pool.close()


async def test_a_round_announced_after_the_backup_takes_its_policy_with_the_same_announcement(
    stack: Stack, client: httpx2.AsyncClient, office: Office, backups: Backups
) -> None:
    backup = await backups.take(stack)
    terms: dict[str, Any] = {"opens_at": "2040-01-01T00:00:00Z", "closes_at": "2040-02-01T00:00:00Z"}
    round_id = await office.announce(**terms)
    await published(stack)
    before = await held(stack)
    await backups.put_back(stack, backup)
    await catches_up(stack)
    assert (await office.shown(round_id))["policy"] == {}, "an announcement names only its hash"
    with pytest.raises(httpx2.HTTPStatusError, match="409"):
        await office.announce(round_id, **(terms | {"opens_at": "2040-01-02T00:00:00Z"}))
    await office.announce(round_id, **terms)
    assert (await held(stack))[ROUNDS] == before[ROUNDS]
    assert len(await bodies(stack, "rounds.v1", "RoundAnnounced")) == 1


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


async def test_a_rolling_intake_comes_back_with_the_cut_to_come(
    stack: Stack, office: Office, client: httpx2.AsyncClient, backups: Backups
) -> None:
    backup = await backups.take(stack)
    now = datetime.now(UTC)
    closes_at = now + timedelta(days=3)
    policy = shipped_policy("rolling")
    policy["as_of"] = korean_date(closes_at).isoformat()
    series = f"small-{secrets.token_hex(3)}"
    await office.institution("kepco", **{series.replace("-", "_"): 50_000_000})
    await office.announce(series, policy, opens_at=now - timedelta(minutes=1), closes_at=closes_at)
    await office.status(f"{series}-01", "open")

    async def next_is_announced() -> bool:
        return len((await office.shown(series))["cuts"]) == 2

    await until(next_is_announced, "the cut to come")
    receipt = await apply(client, series, 1, "small-purchase")
    await published(stack)
    before = await held(stack)
    await backups.put_back(stack, backup)
    await catches_up(stack)

    async def as_before() -> bool:
        return await held(stack) == before

    await until(as_before, "everything as it was, the policy of the cut to come included")
    shown = await office.shown(f"{series}-02")
    assert (shown["status"], shown["cut"], shown["series"]) == ("announced", 2, series)
    assert (await apply(client, f"{series}-01", 2, "small-purchase"))["round"] == receipt["round"] == f"{series}-01"
