"""How long quiet institutions wait for their answers while another one floods.

python -m tests.bench.fairness [--quiet 10] [--seconds 15]

A stack of its own with real users, rights and quotas. The quiet ones send a request every tenth of a second: alone;
then beside one that sends as fast as its quota lets it; then beside one without a quota. A delay is from the sending to
the answer on the outbox; ratios are against the quiet ones alone, in the same run. The flood is a process of its own.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx2
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local.stack import Stack
from deploy.local.state import PROJECT, State
from firstbuy.onboarding.cluster import QUOTA, Cluster
from shared.contracts.topics import inbox, outbox
from shared.kafka.quotas import set_produce_quotas
from shared.service.settings import KafkaSettings
from tests.support.rounds import Office, clock_map, purchase_request

ROUND = "fairness"
EVERY_SECONDS = 0.1
AT_ONCE = 1000
"""Records a flooder has under way."""
PLEDGE = 2**50


def message(reference: str, number: int) -> dict[str, Any]:
    body = purchase_request(ROUND, reference, budget_won=1_000_000 + number % 1000)
    headers = [("ce_type", b"kr.firstbuy.SubmitPurchaseRequest.v1"), ("ce_id", reference.encode())]
    return {"value": json.dumps(body).encode(), "headers": headers}


@dataclass
class Measured:
    delays: list[float]
    flooded: float = 0.0
    """Messages of the flooder answered in a second."""
    backlog: int = 0

    def quantile(self, share: float) -> float:
        ordered = sorted(self.delays)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000

    def shown(self, name: str, alone: "Measured | None") -> str:
        figures = "  ".join(f"p{share:<2} {self.quantile(share / 100):6.0f} ms" for share in (50, 95, 99))
        line = f"  {name:<22} {figures}  of {len(self.delays)}"
        if alone is None:
            return line
        ratios = " / ".join(f"{self.quantile(share) / alone.quantile(share):.1f}" for share in (0.5, 0.95, 0.99))
        return f"{line}; {ratios} times alone; flooder {self.flooded:.0f}/s answered, {self.backlog} waiting at the end"


class Bench:
    def __init__(self, stack: Stack, cluster: Cluster, passwords: dict[str, str], seconds: float) -> None:
        self.stack, self.cluster, self.passwords, self.seconds = stack, cluster, passwords, seconds
        self.sent: dict[str, float] = {}
        self.numbers = iter(range(10**9))

    def user(self, code: str) -> KafkaSettings:
        kafka = self.stack.kafka.settings
        return kafka.as_user(self.cluster.user(code), self.passwords[code]) if code in self.passwords else kafka

    async def quiet(self, codes: list[str]) -> Measured:
        """All of them for the seconds given, until the last answer."""
        measured = Measured([])
        hears = asyncio.create_task(self._hear(codes, measured))
        await asyncio.sleep(1)
        await asyncio.gather(*(self._send(code) for code in codes))
        with suppress(TimeoutError):
            async with asyncio.timeout(30):
                while self.sent:
                    await asyncio.sleep(0.05)
        hears.cancel()
        await asyncio.gather(hears, return_exceptions=True)
        measured.delays += [30.0] * len(self.sent)  # never, as far as this saw
        self.sent.clear()
        return measured

    async def _send(self, code: str) -> None:
        producer = AIOKafkaProducer(acks="all", linger_ms=0, **self.user(code).client_arguments())
        await producer.start()
        ends = time.monotonic() + self.seconds
        while time.monotonic() < ends:
            number = next(self.numbers)
            reference = f"{code}-{number}"
            self.sent[reference] = time.monotonic()
            await producer.send_and_wait(self.stack.topic_prefix + inbox(code).name, **message(reference, number))
            await asyncio.sleep(EVERY_SECONDS * random.uniform(0.7, 1.3))  # noqa: S311 -- so that they don't march
        await producer.stop()

    async def _hear(self, codes: list[str], measured: Measured) -> None:
        consumer = AIOKafkaConsumer(
            enable_auto_commit=False, fetch_max_wait_ms=50, **self.stack.kafka.settings.client_arguments()
        )
        await consumer.start()
        places = [TopicPartition(self.stack.topic_prefix + outbox(code).name, 0) for code in codes]
        consumer.assign(places)
        await consumer.seek_to_end(*places)
        try:
            async for record in consumer:
                quotes = json.loads(record.value).get("quotes", "")
                if began := self.sent.pop(quotes, None):
                    measured.delays.append(time.monotonic() - began)
        finally:
            await consumer.stop()

    async def beside(self, flooder: str, codes: list[str]) -> Measured:
        kafka = self.user(flooder)
        topic = self.stack.topic_prefix + inbox(flooder).name
        argv = [sys.executable, "-m", "tests.bench.fairness", "--flood", topic, "--seconds", str(self.seconds + 6)]
        flood = await asyncio.create_subprocess_exec(*argv, env={**os.environ, **kafka.as_environment()}, cwd=PROJECT)
        await asyncio.sleep(3)
        before, began = await self._answered(flooder), time.monotonic()
        measured = await self.quiet(codes)
        measured.flooded = (await self._answered(flooder) - before) / (time.monotonic() - began)
        await flood.wait()
        measured.backlog = await self._end(inbox(flooder).name) - await self._answered(flooder)
        return measured

    async def _answered(self, code: str) -> int:
        return await self._end(outbox(code).name)

    async def _end(self, name: str) -> int:
        consumer = AIOKafkaConsumer(**self.stack.kafka.settings.client_arguments())
        await consumer.start()
        place = TopicPartition(self.stack.topic_prefix + name, 0)
        consumer.assign([place])
        end: int = (await consumer.end_offsets([place]))[place]
        await consumer.stop()
        return end

    async def drained(self, code: str) -> None:
        while await self._answered(code) < await self._end(inbox(code).name):
            await asyncio.sleep(1)


async def flood(topic: str, seconds: float) -> None:
    producer = AIOKafkaProducer(acks="all", linger_ms=5, max_batch_size=65_536, **KafkaSettings().client_arguments())
    await producer.start()
    ends, number = time.monotonic() + seconds, 0
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds + 15):
            while time.monotonic() < ends:
                sent = []
                for _ in range(AT_ONCE):
                    number += 1
                    sent.append(await producer.send(topic, **message(f"f-{number}", number)))
                await asyncio.gather(*sent)
    await producer.stop()


async def main(quiet: int, seconds: float) -> None:
    codes = [f"quiet-{number}" for number in range(quiet)]
    flooders = ["flood-quota", "flood-free"]
    with State.temporary() as state:
        async with Stack.started(state=state, services=("intake",), fresh=True, registries=False) as stack:
            cluster = Cluster(stack.kafka.settings, stack.topic_prefix, stack.kafka.own_users)
            async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=60) as client:
                office = await Office.of(stack, client)
                for code in (*codes, *flooders):
                    await office.institution(code, **{ROUND: PLEDGE})
                await office.announce(ROUND, rehearsal=clock_map(36_000))
                await office.status(ROUND, "open")
            bench = Bench(stack, cluster, await cluster.first_passwords([*codes, *flooders]), seconds)
            if cluster.users:
                await set_produce_quotas(stack.kafka.settings, {cluster.user("flood-free"): None})
            print(f"fairness: {quiet} quiet institutions, {stack.kafka.kind} {stack.kafka.version}")
            alone = await bench.quiet(codes)
            print(alone.shown("alone", None))
            limited = await bench.beside("flood-quota", codes)
            print(limited.shown(f"one at {QUOTA >> 10} KiB/s", alone))
            began, left = time.monotonic(), limited.backlog
            await bench.drained("flood-quota")
            rate = left / max(time.monotonic() - began, 1)
            print(f"  its backlog of {left} alone {rate:6.0f}/s")
            print((await bench.beside("flood-free", codes)).shown("one without a quota", alone))


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--quiet", type=int, default=10)
    words.add_argument("--seconds", type=float, default=15)
    words.add_argument("--flood", help=argparse.SUPPRESS)
    given = words.parse_known_args()[0]
    asyncio.run(flood(given.flood, given.seconds) if given.flood else main(given.quiet, given.seconds))
