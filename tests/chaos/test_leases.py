"""Inboxes at a close: registered late, or read by a replica that lost its lease."""

import asyncio
import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.intake.domain.shards import shard_of
from services.intake.handlers.inboxes import InboxReader
from services.intake.storage import institutions, rounds
from services.intake.storage.rounds import Announcement
from services.intake.usecases.inbox_watch import InboxWatch
from shared.clock import broker_time
from shared.contracts import topics
from shared.kafka.read_slots import ReadSlot
from shared.proof.merkle import digest_of
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Pool, open_pool
from shared.service.settings import KafkaSettings
from tests.conftest import Database
from tests.support.consuming import records_of, until
from tests.support.disturbing import (
    PATIENCE,
    equal_roots,
)
from tests.support.entering import answers_on
from tests.support.rounds import CLOSES, OPENS, Office, clock_map, purchase_request, write_inbox


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

    async def take(self, topic: str, most: int) -> ReadSlot:
        batch, self._position = self._records[self._position :], len(self._records)
        self.in_hand.set()
        await self._go.wait()
        return ReadSlot(batch, self._position)


async def test_a_reader_that_lost_its_lease_writes_nothing_of_what_it_has_in_hand(database: Database) -> None:
    url, topic, now = await database("intake"), "institution.kepco.inbox.v1", datetime(2018, 9, 1, tzinfo=UTC)
    pools = [await open_pool(url, 4, name) for name in ("zombie", "successor")]
    await _an_open_round(pools, now, topic)
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


async def _an_open_round(pools: list[Pool], now: datetime, topic: str) -> None:
    """With one institution and its inbox."""
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
