"""What institutions may send, and worse: every record has one answer, and none holds up what comes behind it."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import asyncpg
import httpx2
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.stack import Stack
from services.intake.handlers.inboxes import SLOT_RECORDS
from services.intake.usecases.inbox_parsing import MOST_BYTES
from shared.contracts.topics import inbox, outbox
from shared.kafka.unpacking import MOST_UNPACKED
from tests.conftest import StartStack
from tests.support.consuming import records_of, until
from tests.support.entering import answers_on
from tests.support.raw_records import produce_raw, raw_batch
from tests.support.rounds import Office, clock_map, purchase_request, write_inbox

SUBMIT = "SubmitPurchaseRequest"
TYPE = ("ce_type", f"kr.firstbuy.{SUBMIT}.v1".encode())
ROUND = "contract"
BACKLOG = 5000


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    environment = {"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.5", "FIRSTBUY_INTAKE_SKEW_SECONDS": "0.5"}
    return await start_stack(services=("intake",), environment=environment)


@pytest.fixture
async def office(stack: Stack) -> AsyncIterator[Office]:
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=60) as client:
        yield await Office.of(stack, client)


async def opened(office: Office, *codes: str, seconds: float = 36_000) -> None:
    for code in codes:
        await office.institution(code, contract=10**12)
    await office.announce(ROUND, rehearsal=clock_map(seconds))
    await office.status(ROUND, "open")


def good(reference: str) -> bytes:
    return json.dumps(purchase_request(ROUND, reference)).encode()


def named(identifier: str) -> list[tuple[str, bytes]]:
    return [TYPE, ("ce_id", identifier.encode())]


async def send(stack: Stack, code: str, *records: dict[str, Any], **options: Any) -> None:
    producer = AIOKafkaProducer(
        acks="all", max_request_size=4 << 20, **stack.kafka.settings.client_arguments(), **options
    )
    await producer.start()
    for record in records:
        await producer.send_and_wait(stack.topic_prefix + inbox(code).name, **record)
    await producer.stop()


BAD: dict[str, dict[str, Any]] = {
    "null": {"value": None, "key": b"k", "headers": named("null")},
    "empty": {"value": b"", "headers": named("empty")},
    "nothing at all": {"value": None, "key": b"k"},
    "not UTF-8": {"value": '{"가":1}'.encode("euc-kr"), "headers": named("not UTF-8")},
    "an array": {"value": b"[]", "headers": named("an array")},
    "deep": {"value": b"[" * 200_000, "headers": named("deep")},
    "NUL": {"value": good("\x00"), "headers": named("NUL")},
    "2^53": {"value": good("x").replace(b": 5,", b": 9007199254740992,"), "headers": named("2^53")},
    "1 MB of text": {"value": json.dumps({"type": "x" * 1_000_000}).encode(), "headers": named("1 MB of text")},
    "the largest a broker takes": {"value": b"x" * 1_040_000, "headers": named("the largest a broker takes")},
    "a type of tomorrow": {"value": good("x"), "headers": [("ce_type", b"kr.firstbuy.SubmitPurchaseRequest.v2")]},
    "huge headers": {"value": b"{}", "headers": [*named("huge headers"), ("other", b"\xff" * 500_000)]},
    "ten thousand headers": {"value": b"{}", "headers": [*named("ten thousand headers"), *[("h", b"")] * 10_000]},
    "a key of a megabyte": {"value": b"{}", "key": b"k" * 1_000_000, "headers": named("a key of a megabyte")},
}


async def test_every_kind_of_bad_message_is_answered_once_and_the_next_good_one_is_accepted(
    stack: Stack, office: Office
) -> None:
    await opened(office, "kepco")
    for number, record in enumerate(BAD.values()):
        await send(stack, "kepco", record, {"value": good(f"r{number}"), "headers": named(f"good {number}")})
    told = await answers_on(stack, "kepco", 2 * len(BAD))
    for number, name in enumerate(BAD):
        quoted = name if ("ce_id", name.encode()) in BAD[name].get("headers", []) else f"offset:{2 * number}"
        assert told[quoted]["answer"] == "rejected", name
        assert told[quoted]["reasons"], name
        assert told[f"good {number}"]["answer"] == "accepted", name
    assert await no_trouble(stack)


async def no_trouble(stack: Stack) -> bool:
    database = await asyncpg.connect(stack.database_url("intake"))
    try:
        return not await database.fetch("SELECT * FROM parked_records")
    finally:
        await database.close()


@pytest.mark.apache_kafka
async def test_a_record_no_client_can_decode_is_answered_like_those_around_it(stack: Stack, office: Office) -> None:
    await opened(office, "kepco")
    kafka, topic = stack.kafka.settings, stack.topic_prefix + inbox("kepco").name
    around = [(good(f"a{number}"), named(f"a{number}")) for number in (1, 2)]
    odd_name = (good("odd"), [*named("odd"), ("XXname", b"v")])
    await produce_raw(kafka, topic, raw_batch("none", around[0], odd_name, around[1]))
    bomb = (b" " * (MOST_UNPACKED + 1), named("bomb"))
    await produce_raw(kafka, topic, raw_batch("zstd", bomb, (good("beside"), named("beside"))))
    await write_inbox(stack, "kepco", (SUBMIT, "behind", purchase_request(ROUND, "behind")))
    told = await answers_on(stack, "kepco", 6)
    assert {quoted: body["answer"] for quoted, body in told.items()} == {
        "a1": "accepted",
        "odd": "accepted",
        "a2": "accepted",
        "offset:3": "rejected",
        "offset:4": "rejected",
        "behind": "accepted",
    }
    assert told["offset:3"]["reasons"][0]["code"] == "unreadable-record"


async def test_compressed_plain_keyed_and_keyless_messages_are_taken_alike(stack: Stack, office: Office) -> None:
    await opened(office, "kepco")
    for codec in ("gzip", "snappy", "lz4", "zstd"):
        await send(stack, "kepco", {"value": good(codec), "headers": named(codec), "key": b"k"}, compression_type=codec)
    plain = purchase_request(ROUND, "plain") | {"type": SUBMIT, "id": "plain"}
    event = {"specversion": "1.0", "type": TYPE[1].decode(), "source": "/kepco", "id": "event"}
    structured = json.dumps(event | {"data": purchase_request(ROUND, "event")}).encode()
    cloud = [("content-type", b"application/cloudevents+json")]
    await send(
        stack,
        "kepco",
        {"value": json.dumps(plain).encode()},
        {"value": structured, "headers": cloud},
        {"value": good("keyless"), "headers": named("keyless")},
        {"value": good("other-key"), "headers": named("other-key"), "key": "다른 열쇠".encode("euc-kr")},
        {"value": good("late-stamp"), "headers": named("late-stamp"), "timestamp_ms": 1},
    )
    told = await answers_on(stack, "kepco", 9)
    assert {body["answer"] for body in told.values()} == {"accepted"}
    assert set(told) == {"gzip", "snappy", "lz4", "zstd", "plain", "event", "keyless", "other-key", "late-stamp"}


async def test_an_id_sent_twice_is_answered_twice_by_what_each_says(stack: Stack, office: Office) -> None:
    await opened(office, "kepco")
    for quantity in (5, 5, 7):
        body = purchase_request(ROUND, "r", quantity=quantity)
        await write_inbox(stack, "kepco", (SUBMIT, "same", body))
    topic = stack.topic_prefix + outbox("kepco").name

    async def three() -> bool:
        return len(await records_of(stack.kafka.settings, topic)) == 3

    await until(three, "three answers")
    told = [json.loads(record.value) for record in await records_of(stack.kafka.settings, topic)]
    assert [(one["quotes"], one["offset"], one["answer"]) for one in told] == [
        ("same", 0, "accepted"),
        ("same", 1, "duplicate"),
        ("same", 2, "rejected"),
    ]


@pytest.mark.apache_kafka
async def test_a_transactions_end_holds_up_no_freeze(stack: Stack, office: Office) -> None:
    """What is in a transaction is taken as it was written; that it ends is nobody's message."""
    await opened(office, "kepco", seconds=8)
    producer = AIOKafkaProducer(transactional_id=f"{ROUND}.t", **stack.kafka.settings.client_arguments())
    await producer.start()
    async with producer.transaction():
        await producer.send_and_wait(stack.topic_prefix + inbox("kepco").name, good("r"), headers=named("m"))
    await producer.stop()
    assert (await answers_on(stack, "kepco", 1))["m"]["answer"] == "accepted"
    await office.status(ROUND, "frozen")


async def test_a_message_parked_for_a_fault_of_ours_is_answered_when_it_is_settled(
    stack: Stack, office: Office
) -> None:
    await opened(office, "kepco", "lh")
    database = await asyncpg.connect(stack.database_url("intake"))
    await database.execute(
        "CREATE FUNCTION fault() RETURNS trigger AS $$ BEGIN RAISE 'a fault of ours'; END $$ LANGUAGE plpgsql;"
        "CREATE TRIGGER fault BEFORE INSERT ON purchase_requests FOR EACH ROW WHEN (NEW.request = 'kepco/faulty')"
        " EXECUTE FUNCTION fault()"
    )
    await database.close()
    requests = [(SUBMIT, name, purchase_request(ROUND, name)) for name in ("before", "faulty", "after")]
    await write_inbox(stack, "kepco", *requests)
    await write_inbox(stack, "lh", (SUBMIT, "lh", purchase_request(ROUND, "r")))
    assert (await answers_on(stack, "lh", 1))["lh"]["answer"] == "accepted"
    told = await answers_on(stack, "kepco", 2)
    assert {quoted: body["answer"] for quoted, body in told.items()} == {"before": "accepted", "after": "accepted"}

    operator = {"Authorization": f"Bearer {stack.operator_token}"}
    (parked,) = (await office.client.get("/parked", headers=operator)).raise_for_status().json()
    assert (parked["event_id"], parked["offset"]) == ("faulty", 1)
    url = f"/parked/{parked['topic']}/0/1/settlement"
    (await office.client.post(url, json={"reason": "mended"}, headers=operator)).raise_for_status()
    answer = (await answers_on(stack, "kepco", 3))["faulty"]
    assert (answer["answer"], answer["offset"]) == ("rejected", 1)
    assert (answer["reasons"][0]["code"], answer["reasons"][0]["fix"]) == ("not-taken", "send it again")


async def test_a_backlog_of_one_institution_is_no_queue_for_another(stack: Stack, office: Office) -> None:
    """By the order of the answers: the other's comes after a few turns of the one's."""
    await opened(office, "flood", "quiet")
    await stack.stop("intake")
    kafka = stack.kafka.settings
    producer = AIOKafkaProducer(acks="all", linger_ms=20, **kafka.client_arguments())
    await producer.start()
    topic = stack.topic_prefix + inbox("flood").name
    await asyncio.gather(
        *[await producer.send(topic, good(f"r{number}"), headers=named(str(number))) for number in range(BACKLOG)]
    )
    await producer.stop()
    await write_inbox(stack, "quiet", (SUBMIT, "q", purchase_request(ROUND, "r")))
    await stack.restart("intake")
    quiet = (await answers_on(stack, "quiet", 1))["q"]
    told = await answers_on(stack, "flood", BACKLOG)
    before = sum(moment(body) < moment(quiet) for body in told.values())
    assert before <= 5 * SLOT_RECORDS, f"{before} of {BACKLOG} were answered before it"


def moment(answer: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(answer["answered_at"])


def test_the_limits_that_the_tests_rest_on() -> None:
    assert MOST_BYTES < 1_000_000 < MOST_UNPACKED
