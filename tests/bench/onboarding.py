"""How long it takes until 1,000 institutions of one file have joined, and what a rotation and a restart cost then.

python -m tests.bench.onboarding [--institutions 1000]

A stack of its own with real users and rights; the command is run as its office runs it. The yardstick is the same
Kafka making the same topics and nothing else.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

from aiokafka import AIOKafkaProducer

from deploy.local.stack import Stack
from deploy.local.state import PROJECT, State
from firstbuy.onboarding.cluster import Cluster
from shared.contracts.topics import inbox, outbox
from shared.kafka.provision import provision
from tests.support.consuming import records_of


async def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--institutions", type=int, default=1000)
    count = words.parse_known_args()[0].institutions
    codes = [f"i{number:04}" for number in range(count)]
    with State.temporary() as state:
        async with Stack.started(state=state, services=("intake",), fresh=True, registries=False) as stack:
            kafka = stack.kafka
            print(f"onboarding: {kafka.kind} {kafka.version}, users {'on' if kafka.own_users else 'off'}")
            print(f"  {2 * count} topics alone            {await timed(topics_alone(stack, codes)):7.1f} s")
            file, out = state.folder / "many.csv", state.folder / "handed-over"
            rows = "".join(f"{code},기관 {code},bench-1,1000000\n" for code in codes)
            file.write_text(f"institution,name,round,pledge_won\n{rows}", encoding="utf-8")
            first = await command(stack, "onboard", "--file", str(file), "--out", str(out))
            print(f"  {count} institutions joined      {first:7.1f} s, {first / count * 1000:.0f} ms each")
            print(f"  the same again, changing nothing {await command(stack, 'onboard', '--file', str(file)):7.1f} s")
            await answered(stack, codes[-1], out)
            cluster = Cluster(kafka.settings, stack.topic_prefix)
            print(f"  one rotation among them        {await timed(cluster.rotate(codes[0])):7.2f} s")
            print(f"  one suspension among them      {await timed(cluster.suspend(codes[0])):7.2f} s")


async def topics_alone(stack: Stack, codes: list[str]) -> None:
    """Until the last of them takes a record: brokers say yes before they have opened them."""
    kafka, prefix = stack.kafka.settings, "yardstick."
    await provision((topic for code in codes for topic in (inbox(code), outbox(code))), kafka, prefix)
    producer = AIOKafkaProducer(acks="all", request_timeout_ms=300_000, **kafka.client_arguments())
    await producer.start()
    await producer.send_and_wait(prefix + outbox(codes[-1]).name, b"{}")
    await producer.stop()


async def timed(work: object) -> float:
    began = time.monotonic()
    await work  # type: ignore[misc]
    return time.monotonic() - began


async def command(stack: Stack, *arguments: str) -> float:
    environment = {
        **os.environ,
        **stack.kafka.settings.as_environment(),
        "FIRSTBUY_TOPIC_PREFIX": stack.topic_prefix,
        "FIRSTBUY_URL": stack.url("intake"),
        "FIRSTBUY_TOKEN": stack.operator_token,
    }
    argv = [sys.executable, "-m", "firstbuy.cli", "institution", *arguments]
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(*argv, env=environment, cwd=PROJECT, stdout=subprocess.DEVNULL)
    if await process.wait() != 0:
        raise SystemExit(f"{' '.join(arguments[:1])} ended with {process.returncode}")
    return time.monotonic() - began


async def answered(stack: Stack, code: str, out: Path) -> None:
    """The last of them sends with what it was handed, and is answered."""
    handed = dict(
        line.split("=", 1)
        for line in (out / f"{code}.librdkafka.conf").read_text(encoding="utf-8").splitlines()
        if "=" in line and not line.startswith("#")
    )
    user = stack.kafka.settings.as_user(handed["sasl.username"], handed["sasl.password"])
    producer = AIOKafkaProducer(acks="all", enable_idempotence=True, **user.client_arguments())
    await producer.start()
    began = time.monotonic()
    await producer.send_and_wait(stack.topic_prefix + inbox(code).name, b"{}", key=b"k")
    await producer.stop()
    while not await records_of(stack.kafka.settings, stack.topic_prefix + outbox(code).name):
        await asyncio.sleep(0.1)
    print(f"  the last one's first answer    {time.monotonic() - began:7.2f} s")


if __name__ == "__main__":
    asyncio.run(main())
