"""Killed, hung, added, fed with poison: what is selected from is what was admitted, and one id means one thing.

On a real Kafka and real processes. Every random choice comes from a seed that the failure names.
"""

import asyncio
import json
import os
import random
import signal
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import asyncpg
import httpx2
import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from deploy.local.process import Launch, executed
from deploy.local.stack import Stack
from services.intake.domain.shards import shard_of
from services.intake.handlers.inboxes import InboxReader
from services.intake.storage import institutions, rounds
from services.intake.storage.rounds import Announcement
from services.intake.usecases.inbox_watch import InboxWatch
from shared.clock import broker_time
from shared.contracts import topics
from shared.kafka.in_turns import Turn
from shared.proof.merkle import digest_of
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import open_pool
from shared.service.settings import KafkaSettings
from tests.conftest import Database, StartStack
from tests.support.consuming import records_of, until
from tests.support.entering import answers_on
from tests.support.examples import examples
from tests.support.rounds import CLOSES, OPENS, Office, application, clock_map, purchase_request, write_inbox

ROUNDS = examples(2)
"""How many rounds are disturbed; a longer run is a matter of this setting."""
FIRMS = 300
WINDOW_SECONDS = 12.0
PATIENCE = 90
ENVIRONMENT = {
    "FIRSTBUY_INTAKE_DRAIN_SECONDS": "1",
    "FIRSTBUY_INTAKE_SKEW_SECONDS": "0.5",
    "FIRSTBUY_ELIGIBILITY_REPAIR_SECONDS": "2",
    "FIRSTBUY_SELECTION_REPAIR_SECONDS": "2",
}


@pytest.fixture
def launch() -> Launch:
    """As in production: `python -m services.<name>`."""
    return executed


@pytest.fixture
async def office(start_stack: StartStack, request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    replicas = getattr(request, "param", {})
    stack = await start_stack(
        services=("intake", "eligibility", "selection"), replicas=replicas, environment=ENVIRONMENT
    )
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=60) as client:
        yield await Office.of(stack, client)


async def contents_of(stack: Stack, *names: str) -> None:
    """One id, one content, however often it was published."""
    for name in names:
        known: dict[bytes, tuple[bytes, bytes]] = {}
        for record in await records_of(stack.kafka.settings, stack.topic_prefix + name):
            headers = dict(record.headers)
            if "ce_id" in headers and headers["ce_id"] != b"poison":
                said = headers["ce_type"], record.value
                assert known.setdefault(headers["ce_id"], said) == said, f"{name}: {said[0]!r} means two things"


async def equal_roots(office: Office, round_id: str) -> dict[str, Any]:
    """Admitted, judged, selected from: waits for the commitment; the manifest."""
    committed = await office.milestone(round_id, "InputsCommitted", PATIENCE)
    judged = await office.milestone(round_id, "EligibilityCompleted", PATIENCE)
    answer = await office.client.get(f"/rounds/{round_id}/manifest")
    manifest: dict[str, Any] = answer.raise_for_status().json()
    roots = {manifest["applications"]["root"], judged["applications_root"], committed["applications_root"]}
    assert len(roots) == 1, f"admitted, judged and selected from differ: {roots}"
    assert judged["verdicts"]["root"] == committed["verdicts_root"]
    assert manifest["requests"]["root"] == committed["requests_root"]
    return manifest


@dataclass
class Firms:
    """Enter at moments of their own; some amend or withdraw. `standing` is what their newest receipts say."""

    office: Office
    round: str
    chance: random.Random
    receipts: list[dict[str, Any]]

    async def enter(self, number: int, after: float) -> None:
        acts, pause = self.chance.choice(["", "", "", "amend", "withdraw"]), self.chance.random()
        await asyncio.sleep(after)
        client, body = self.office.client, application(number)
        key = {"Idempotency-Key": f"firm {number}"}
        answer = await client.post(f"/rounds/{self.round}/applications", json=body, headers=key)
        receipt = answer.raise_for_status().json()
        url, token = f"/applications/{receipt['application']}", {"Authorization": f"Bearer {receipt['token']}"}
        if acts:
            await asyncio.sleep(pause)
        if acts == "amend":
            headers = token | {"If-Match": '"1"'}
            answer = await client.put(url, json=application(number, price_won=999_000), headers=headers)
        elif acts == "withdraw":
            answer = await client.post(f"{url}/withdrawal", json={}, headers=token)
        self.receipts.append(answer.raise_for_status().json())

    def standing(self) -> list[tuple[str, int, str]]:
        left = [one for one in self.receipts if not one.get("withdrawn")]
        return [(one["application"], one["version"], one["payload_hash"]) for one in left]


async def disturb(stack: Stack, chance: random.Random) -> None:
    """Eligibility's replicas are killed and hung while the round is entered and frozen; the third comes, or goes, about
    the close, so that the group is shared out anew in the middle of it."""
    joins = chance.random() < 0.5
    if joins:
        await stack.stop("eligibility", 2)

    async def killed(replica: int, after: float) -> None:
        await asyncio.sleep(after)
        await stack.kill("eligibility", replica)

    async def hung(replica: int, after: float, seconds: float) -> None:
        await asyncio.sleep(after)
        stack.send("eligibility", signal.SIGSTOP, replica)
        await asyncio.sleep(seconds)
        stack.send("eligibility", signal.SIGCONT, replica)

    async def third(after: float) -> None:
        await asyncio.sleep(after)
        await (stack.restart("eligibility", 2) if joins else stack.stop("eligibility", 2))

    kills = [killed(chance.randrange(2), chance.uniform(1, WINDOW_SECONDS + 4)) for _ in range(4)]
    hang = hung(chance.randrange(2), chance.uniform(1, WINDOW_SECONDS), chance.uniform(1, 12))
    await asyncio.gather(*kills, hang, third(chance.uniform(WINDOW_SECONDS - 3, WINDOW_SECONDS + 2)))
    for replica in range(3):
        stack.send("eligibility", signal.SIGCONT, replica)
        await stack.restart("eligibility", replica)


@pytest.mark.apache_kafka
@pytest.mark.parametrize("office", [{"eligibility": 3}], indirect=True)
@pytest.mark.soak
async def test_whatever_befalls_eligibility_what_is_selected_from_is_what_was_admitted(office: Office) -> None:
    for seed in range(ROUNDS):
        chance = random.Random(f"chaos {seed}")  # noqa: S311 -- to be repeated
        round_id = f"chaos-{seed}"
        await office.institution("kepco", **{round_id.replace("-", "_"): 50_000_000})
        await office.announce(round_id, rehearsal=clock_map(WINDOW_SECONDS, seed=round_id))
        await office.status(round_id, "open")
        firms = Firms(office, round_id, chance, [])
        entering = [firms.enter(number, chance.uniform(0, WINDOW_SECONDS - 5)) for number in range(FIRMS)]
        wanted = write_inbox(
            office.stack, "kepco", ("SubmitPurchaseRequest", round_id, purchase_request(round_id, "r"))
        )
        async with asyncio.TaskGroup() as group:
            for work in (*entering, wanted, disturb(office.stack, chance)):
                group.create_task(work)
        manifest = (await equal_roots(office, round_id))["applications"]
        assert manifest["root"] == digest_of(firms.standing()).root, f"accepted ⇔ in the manifest, seed {seed}"
        await contents_of(office.stack, topics.VERDICTS.name, topics.MILESTONES.name)


# Poison

NESTED = b"[" * 100_000
UNREADABLE: dict[str, bytes] = {
    "a byte that is no JSON": b"\x00",
    "NUL": b'{"round":"a\\u0000b","application":"a\\u0000b","request":"a\\u0000b","institution":"a\\u0000b"}',
    "a lone surrogate": b'{"round":"\\ud800","application":"\\ud800","request":"\\ud800","institution":"\\ud800"}',
    "2^60": b'{"version":1152921504606846976,"epoch":1152921504606846976}',
    "deep": NESTED,
    "empty": b"",
    "an array": b"[]",
}


def poison_for(topic: topics.Topic) -> list[tuple[bytes | None, list[tuple[str, bytes]]]]:
    """Records that no consumer of that topic can take."""
    kind = f"kr.firstbuy.{topic.events[0].__name__}.v1".encode()
    headers = [("ce_id", b"poison"), ("ce_type", kind)]
    records: list[tuple[bytes | None, list[tuple[str, bytes]]]] = [(body, headers) for body in UNREADABLE.values()]
    records.append((b"{}", [*headers, ("ce_source", b"\xff\xfe")]))
    records.append((b"{}", []))
    records.append((b"{}", [("ce_id", b"poison")]))
    return records


async def send(
    stack: Stack, records: list[tuple[str, bytes | None, list[tuple[str, bytes]]]]
) -> set[tuple[str, int, int]]:
    """Where each of them stands now."""
    producer = AIOKafkaProducer(**stack.kafka.settings.client_arguments())
    await producer.start()
    try:
        sent = [
            await producer.send_and_wait(stack.topic_prefix + topic, body, key=b"poison", headers=headers)
            for topic, body, headers in records
        ]
    finally:
        await producer.stop()
    return {(one.topic, one.partition, one.offset) for one in sent}


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


def spoiled() -> list[tuple[bytes, str | None]]:
    """Applications with something that can't be held, and the field that has to be named."""
    found: list[tuple[Any, str | None]] = [(application(1, name="\ud800"), "")]
    found += [
        (application(1, **{field: "a\x00b"}), f"/product/{field}") for field in ("name", "reference", "class_code")
    ]
    found += [(application(1, **{field: 2**60}), f"/product/{field}") for field in ("price_won", "capacity")]
    found.append((application(1) | {"contact": {"name": "a\x00", "email": "a@b.c"}}, "/contact/name"))
    found.append((application(1) | {"certificates": [{}] * 40}, "/certificates/0/kind"))
    found.append((application(1) | {"product": {f"k{n}": 1 for n in range(20_000)}}, None))
    bodies = [(json.dumps(body).encode(), pointer) for body, pointer in found]
    unreadable = [*UNREADABLE.values(), b'{"track":' + NESTED + b"}"]
    return [*bodies, *((body, None) for body in unreadable)]


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


# Inboxes about the close


async def test_an_inbox_registered_a_moment_before_the_close_is_drained_before_the_freeze(office: Office) -> None:
    """What the broker stamped before the close is in, whoever registered when."""
    stack, round_id = office.stack, "last-moment"
    await office.institution("early", last_moment=50_000_000)
    rehearsal = clock_map(6, seed="moment")
    await office.announce(round_id, rehearsal=rehearsal)
    await office.status(round_id, "open")
    await asyncio.sleep(4.5)
    codes = [f"late-{number}" for number in range(4)]
    for code in codes:
        await office.institution(code, last_moment=50_000_000)
        await write_inbox(stack, code, ("SubmitPurchaseRequest", code, purchase_request(round_id, "r")))
    await office.status(round_id, "frozen", PATIENCE)
    closes_at = datetime.fromisoformat((await office.shown(round_id))["closes_at"])
    in_time = []
    for code in codes:
        (record,) = await records_of(stack.kafka.settings, stack.topic_prefix + topics.inbox(code).name)
        answer = (await answers_on(stack, code, 1))[code]
        if programme_time(rehearsal, record.timestamp) < closes_at:
            assert answer["answer"] == "accepted", code
            in_time.append((f"{code}/r", 1, answer["payload_hash"]))
        else:
            assert answer["answer"] == "late", code
    manifest = (await equal_roots(office, round_id))["requests"]
    assert (manifest["count"], manifest["root"]) == (len(in_time), digest_of(in_time).root)


def programme_time(rehearsal: dict[str, Any], timestamp_ms: int) -> datetime:
    since = broker_time(timestamp_ms) - datetime.fromisoformat(rehearsal["real_anchor"])
    rate: int = rehearsal["rate"]
    return OPENS + since * rate


class Scripted:
    """A consumer of one inbox that holds a batch in hand until it is let go."""

    def __init__(self, topic: str, records: list[Any], go: asyncio.Event) -> None:
        self._topic = topic
        self._records = records
        self._go = go
        self.in_hand = asyncio.Event()
        self._position = 0

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def follow(self, offsets: Mapping[str, int]) -> None:
        self._position = offsets[self._topic]

    async def waiting(self, seconds: float, resting: Collection[str]) -> list[str]:
        if self._position < len(self._records):
            return [self._topic]
        await asyncio.sleep(0.01)
        return []

    async def take(self, topic: str, most: int) -> Turn:
        batch, self._position = self._records[self._position :], len(self._records)
        self.in_hand.set()
        await self._go.wait()
        return Turn(batch, self._position)


async def test_a_reader_that_lost_its_lease_writes_nothing_of_what_it_has_in_hand(database: Database) -> None:
    url, topic, now = await database("intake"), "institution.kepco.inbox.v1", datetime(2018, 9, 1, tzinfo=UTC)
    pools = [await open_pool(url, 4, name) for name in ("zombie", "successor")]
    async with pools[1].acquire() as connection:
        announcement = Announcement(
            round="zombies",
            title="시험",
            opens_at=OPENS,
            closes_at=CLOSES,
            policy={},
            policy_hash="0" * 64,
            lead_seconds=60,
            sources=[{"source": "lotto", "kind": "lottery", "period_seconds": 60, "description": "lotto"}],
        )
        await rounds.announce(connection, announcement)
        await rounds.open_round(connection, "zombies")
        await institutions.set_institution(connection, "kepco", "기관", "active", now)
        await institutions.set_pledges(connection, "kepco", [("zombies", 100_000_000)])
        await institutions.register_inbox(connection, topic, "kepco", shard_of("kepco"), now)
    stamp = int(now.timestamp() * 1000)
    type_ = ("ce_type", b"kr.firstbuy.SubmitPurchaseRequest.v1")
    bodies = [json.dumps(purchase_request("zombies", f"r{number}")).encode() for number in range(3)]
    records = [
        SimpleNamespace(offset=offset, value=body, headers=(type_,), timestamp=stamp)
        for offset, body in enumerate(bodies)
    ]
    go, at_once = asyncio.Event(), asyncio.Event()
    at_once.set()
    consumers = [Scripted(topic, records, go), Scripted(topic, records, at_once)]
    outboxes = [OutboxPublisher(SimpleNamespace()) for _ in pools]  # type: ignore[arg-type]

    def reading(number: int) -> "asyncio.Task[None]":
        watch = InboxWatch(KafkaSettings(), SimpleNamespace, CollectorRegistry())
        reader = InboxReader(lambda: consumers[number], "", outboxes[number], lambda: now, watch)
        return asyncio.create_task(reader.read(pools[number]))

    async def answered() -> list[str]:
        rows = await pools[1].fetch("SELECT ids, types FROM outbox ORDER BY batch")
        answers = [pair for row in rows for pair in zip(row["ids"], row["types"], strict=True)]
        return [identifier for identifier, kind in answers if kind == "InboxAnswered"]

    async def stands() -> bool:
        return bool(await pools[1].fetchval("SELECT next_offset = 3 FROM inboxes"))

    with capture_logs() as logs:
        zombie = reading(0)
        await asyncio.wait_for(consumers[0].in_hand.wait(), PATIENCE)
        ended = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
        await pools[1].fetch(ended)  # its lease goes with its session, and it does not know
        successor = reading(1)
        await until(stands, "the successor has taken the batch", PATIENCE)
        first = await answered()
        go.set()

        async def noticed() -> bool:
            return any(entry["event"] == "lost inbox" for entry in logs)

        await until(noticed, "the zombie has tried", PATIENCE)
        successor.cancel()
        zombie.cancel()
        await asyncio.gather(zombie, successor, return_exceptions=True)
    assert await answered() == first
    assert len(first) == 3
    assert await stands()
    rows = await pools[1].fetch("SELECT version FROM purchase_requests")
    assert [row["version"] for row in rows] == [1, 1, 1]
    for pool in pools:
        await pool.close()


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
