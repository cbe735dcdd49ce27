"""An address that thirty entries name gets few mails, and all of what they say; the entries stand."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import asyncpg
import httpx2
import pytest

from deploy.local.stack import Stack
from services.notify import jobs
from services.notify.domain.attempts import Settlement, State
from services.notify.domain.rates import Rates, Scope
from services.notify.handlers import keep_contacts, keep_rounds, take_applications
from services.notify.storage import claims, deliveries, digests, erased_contacts, rates
from services.notify.storage.claims import Claimed
from services.notify.usecases.sending import with_others
from shared.contracts import events, topics
from shared.contracts.events import Channel
from shared.kafka.records import Event, Tombstone
from shared.service.postgres import Pool, connected, open_pool
from tests.conftest import Database, StartStack
from tests.support.consuming import records_of, until
from tests.support.notified import ROUND, golden, ids, mails_in
from tests.support.rounds import Office, application, clock_map

VICTIM = "victim@elsewhere.example"
NOW = datetime(2018, 9, 12, tzinfo=UTC)
THREE = Rates({Scope.MAILBOX_HOUR: 3})


def text_of(mail: EmailMessage) -> str:
    return str(mail.get_body(("plain",)).get_content())  # type: ignore[union-attr]


async def passed(stack: Stack) -> None:
    """An hour, for what waits for it."""
    database = await asyncpg.connect(stack.database_url("notify"))
    await database.execute("UPDATE mail_windows SET ends_at = now()")
    await database.execute("UPDATE deliveries SET due_at = now() WHERE state = 'waiting'")
    await database.close()


async def test_thirty_entries_with_one_address_are_few_mails_then_one_with_the_rest_and_all_stand(
    start_stack: StartStack,
) -> None:
    limited = {"FIRSTBUY_NOTIFY_MAILS_PER_MAILBOX_HOUR": "4"}
    stack = await start_stack(services=("intake", "notify"), environment=limited)
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        round_id = await office.announce(rehearsal=clock_map(3600))
        await office.status(round_id, "open")

        async def enter(number: int) -> dict[str, Any]:
            body = application(number) | {"contact": {"name": "홍길동", "email": VICTIM, "language": "en"}}
            answer = await client.post(f"/rounds/{round_id}/applications", json=body)
            receipt: dict[str, Any] = answer.raise_for_status().json()
            return receipt

        entered: list[dict[str, Any]] = []
        for number in range(1, 5):
            entered.append(await enter(number))

            async def mailed(mails: int = number) -> bool:
                return len(mails_in(stack)) == mails

            await until(mailed, "each has a mail while there is room")
        entered += await asyncio.gather(*(enter(number) for number in range(5, 31)))

        async def told() -> dict[str, int]:
            async with httpx2.AsyncClient() as notify:
                found = (await notify.get(f"{stack.url('notify')}/rounds/{round_id}/deliveries")).json()
            states: dict[str, int] = found["channels"].get("mail", {})
            return states

        async def all_counted() -> bool:
            states = await told()
            return (states["sent"], states["waiting"]) == (4, 26)

        await until(all_counted, "the others wait")
        first = mails_in(stack)
        await asyncio.sleep(2)
        assert len(mails_in(stack)) == len(first), "nothing more in this hour"
        await passed(stack)

        async def all_sent() -> bool:
            return (await told())["sent"] == 30

        await until(all_sent, "the rest is told when the hour is over")
        mails = mails_in(stack)
        assert len(mails) == len(first) + 1
        (last,) = [mail for mail in mails if mail["Message-ID"] not in {one["Message-ID"] for one in first}]
        assert "26 notices" in str(last["Subject"])
        await _all_are_told_in(mails, entered, client, stack)


async def _all_are_told_in(mails: Any, entered: Any, client: httpx2.AsyncClient, stack: Stack) -> None:
    said = "".join(map(text_of, mails))
    for receipt in entered:
        assert f"Application {receipt['application']}" in said
        assert receipt["nonce"] in said
        token = {"Authorization": f"Bearer {receipt['token']}"}
        status = (await client.get(f"/applications/{receipt['application']}/status", headers=token)).json()
        assert (status["version"], status["withdrawn"]) == (1, False)
    records = await records_of(stack.kafka.settings, stack.topic_prefix + topics.DELIVERIES.name)
    delivered = {
        delivery["subject"]: delivery["message_id"] for delivery in map(json.loads, (each.value for each in records))
    }
    assert set(delivered) == {receipt["application"] for receipt in entered}
    assert set(delivered.values()) == {str(mail["Message-ID"]) for mail in mails}


async def test_an_entry_names_its_network_by_a_hash_and_never_by_itself(start_stack: StartStack) -> None:
    stack = await start_stack(services=("intake",))
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        round_id = await office.announce(rehearsal=clock_map(3600))
        await office.status(round_id, "open")
        path = f"/rounds/{round_id}/applications"
        for number, sender in enumerate(["8.8.8.1", "8.8.8.200", "9.9.9.9", "10.0.0.1"]):
            sent = await client.post(path, json=application(number), headers={"X-Forwarded-For": sender})
            one = sent.raise_for_status().json()
        whence = {"X-Forwarded-For": "8.8.8.7", "Authorization": f"Bearer {one['token']}"}
        stated = {"name": "홍길동", "email": "new@firm.example"}
        moved = await client.put(f"/applications/{one['application']}/contact", json=stated, headers=whence)
        moved.raise_for_status()
        topic = stack.topic_prefix + topics.CONTACTS.name

        async def published() -> bool:
            return len(await records_of(stack.kafka.settings, topic)) == 5

        await until(published, "each contact is on its topic")
        bodies = [json.loads(record.value) for record in await records_of(stack.kafka.settings, topic)]
        named = {body["email"]: body.get("network") for body in bodies}
        assert named["contact0@example.org"] == named["contact1@example.org"] == named["new@firm.example"] is not None
        assert named["contact2@example.org"] not in {None, named["contact0@example.org"]}
        assert named["contact3@example.org"] is None, "a proxy that does not say for whom"
        assert not any(net in json.dumps(bodies) for net in ("8.8.8", "9.9.9"))


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(await database("notify"), 4, "test")
    yield pool
    await pool.close()


def read(name: str, **changes: Any) -> Event[Any]:
    body = getattr(events, name).model_validate(golden(name, **changes))
    return Event(
        id="id",
        type=name,
        body=body,
        raw=b"{}",
        topic="topic",
        partition=0,
        offset=0,
        appended_at=NOW,
        traceparent=None,
    )


async def entered(pool: Pool, parties: list[str]) -> list[str]:
    """An entry of each party, all with one address; the applications."""
    applications = ids(len(parties))
    async with connected(pool) as connection, connection.transaction():
        await keep_rounds(connection, [read("RoundOpened", institutions=[])])
        await keep_contacts(connection, [read("ContactChanged", party=party, email=VICTIM) for party in parties])
        entries = [
            read("ApplicationSubmitted", application=one, party=party, version=1)
            for one, party in zip(applications, parties, strict=True)
        ]
        await take_applications(connection, entries)
    return applications


async def claimed(pool: Pool) -> list[Claimed]:
    async with connected(pool) as connection:
        due = await claims.claim(connection, Channel.MAIL, 100, "0", timedelta(seconds=60))
        return await with_others(connection, due)


async def states(pool: Pool) -> dict[str, int]:
    rows = await pool.fetch("SELECT state, count(*) FROM deliveries GROUP BY state")
    return {row["state"]: row["count"] for row in rows}


async def test_replicas_that_share_out_at_once_keep_to_one_rate(pool: Pool) -> None:
    for _ in range(6):
        await entered(pool, ids(2))
        await asyncio.gather(*(jobs.share_out(pool, THREE) for _ in range(4)))
    assert len(await claimed(pool)) <= 3
    assert await pool.fetchval("SELECT max(mails) FROM mail_windows") == 3


async def test_what_is_counted_and_what_is_taken_up_are_one_transaction(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await entered(pool, ids(2))

    async def dies(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(rates, "use", dies)
        with pytest.raises(ConnectionError):
            await jobs.share_out(pool, THREE)
    assert await states(pool) == {"waiting": 2}
    assert await pool.fetchval("SELECT count(*) FROM mail_windows") == 0
    await jobs.share_out(pool, THREE)
    assert await states(pool) == {"pending": 2}


async def test_who_states_another_address_or_is_erased_meanwhile_is_not_told_through_the_first(pool: Pool) -> None:
    parties = ids(5)
    applications = await entered(pool, parties)
    await jobs.share_out(pool, THREE)
    assert await states(pool) == {"pending": 1, "gathered": 4}
    later = (NOW + timedelta(days=1)).isoformat()
    first = await pool.fetchval("SELECT recipient FROM deliveries WHERE state = 'pending'")
    moved, gone, *_ = (party for party in parties if party != first)
    async with connected(pool) as connection:
        await keep_contacts(connection, [read("ContactChanged", party=moved, email="n@x.example", changed_at=later)])
        await keep_contacts(connection, [Tombstone(gone, "topic", 0, 1)])
    (mail,) = await claimed(pool)
    assert {one.delivery.recipient for one in (mail, *mail.gathered)} == set(parties) - {moved, gone}
    assert len(applications) == 5
    assert await states(pool) == {"pending": 1, "gathered": 2, "waiting": 2}
    async with connected(pool) as connection:
        given_up = await erased_contacts.fail(connection, ROUND)
        assert [one.recipient for one in given_up] == [gone]
    await jobs.share_out(pool, THREE)
    (other,) = await claimed(pool)
    assert other.delivery.recipient == moved
    assert other.addressee is not None
    assert other.addressee.email == "n@x.example"


async def test_when_the_first_is_erased_the_others_are_told_all_the_same(pool: Pool) -> None:
    await entered(pool, ids(5))
    await jobs.share_out(pool, THREE)
    (first,) = await pool.fetch("SELECT delivery::text, recipient FROM deliveries WHERE state = 'pending'")
    async with connected(pool) as connection:
        await keep_contacts(connection, [Tombstone(first["recipient"], "topic", 0, 1)])

    async with connected(pool) as connection, connection.transaction():
        erased = [one.id for one in await erased_contacts.fail(connection, ROUND)]
        await digests.release(connection, erased)
        assert await digests.settle_gathered(connection, erased) == []
    assert erased == [first["delivery"]]
    assert await states(pool) == {"failed": 1, "waiting": 4}
    await jobs.share_out(pool, THREE)
    (mail,) = await claimed(pool)
    assert len(mail.gathered) == 3


async def test_what_became_of_the_mail_became_of_all_it_says(pool: Pool) -> None:

    await entered(pool, ids(5))
    await jobs.share_out(pool, THREE)
    (mail,) = await claimed(pool)
    async with connected(pool) as connection, connection.transaction():
        await deliveries.settle(connection, [(mail.delivery, Settlement(State.SENT))])
        settled = await digests.settle_gathered(connection, [mail.delivery.id])
    assert {one.digest for one in settled} == {mail.delivery.id}
    assert await states(pool) == {"sent": 5}
