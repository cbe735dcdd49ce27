"""Notices that are due, to a mail server and a webhook receiver, beside the bare clients sending the same bytes.

python -m tests.bench.notify [--notices 100000]

Half are mails, half webhooks of ten institutions. Notify claims, composes, signs, sends, records and announces each on
Kafka; the yardstick (aiosmtplib, aiohttp) only sends, over as many connections, in one process too. Notify pipelines
mails (RFC 2920), aiosmtplib can't. They take turns on the same sinks. Goal (issue 7): at least 0.7 of the bare clients.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import asyncpg
import uvloop
from aiosmtplib import SMTP

from deploy.local.stack import Stack
from deploy.local.state import PROJECT, State
from services.notify.adapters.receivers import CONNECTIONS_OF_ONE
from services.notify.domain.notices import AWARD, Planned
from services.notify.handlers import delivery_id
from services.notify.storage import deliveries
from services.notify.usecases.preview import SAMPLES, preview
from shared.contracts.events import Channel, Language
from shared.service.postgres import connected, open_pool

INSTITUTIONS = 10
MAIL_CONNECTIONS = 8
SECRET = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY="
AT_ONCE = 5000


@contextmanager
def sinks() -> Iterator[dict[str, int]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.sinks"], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(10)


def due(number: int, mails: int) -> Planned:
    subject = str(uuid.UUID(int=number, version=4))
    if number < mails:
        party = str(uuid.UUID(int=number % 1000, version=4))
        return Planned(
            round="bench",
            kind="receipt",
            subject=subject,
            occasion="version-1",
            recipient=party,
            channel=Channel.MAIL,
            facts=SAMPLES["receipt"],
        )
    code = f"i{number % INSTITUTIONS}"
    return Planned(
        round="bench",
        kind=AWARD,
        subject=subject,
        occasion="epoch-1",
        recipient=code,
        channel=Channel.WEBHOOK,
        facts=SAMPLES[AWARD],
    )


async def fill(stack: Stack, notices: int, hook: str) -> None:
    """All become due at once."""
    connection = await asyncpg.connect(stack.database_url("notify"))
    await connection.execute("TRUNCATE deliveries")
    await connection.execute(
        "INSERT INTO rounds (round, title_ko, title_en, institutions) VALUES ('bench', '시험', 'Bench', '{}')"
        " ON CONFLICT DO NOTHING"
    )
    for number in range(1000):
        party = str(uuid.UUID(int=number, version=4))
        await connection.execute(
            "INSERT INTO contacts (party, name, email, language, since, changed_at)"
            " VALUES ($1, '김가상', $2, 'ko', now(), now()) ON CONFLICT DO NOTHING",
            party,
            f"somebody{number}@firm.example",
        )
    for number in range(INSTITUTIONS):
        await connection.execute(
            "INSERT INTO webhooks (institution, url, secret, changed_at, since) VALUES ($1, $2, $3, now(), now())"
            " ON CONFLICT DO NOTHING",
            f"i{number}",
            f"{hook}/{number}",
            SECRET,
        )
    await connection.close()
    pool = await open_pool(stack.database_url("notify"), 2, "bench")
    async with connected(pool) as held:
        for start in range(0, notices, AT_ONCE):
            planned = [due(number, notices // 2) for number in range(start, min(start + AT_ONCE, notices))]
            await deliveries.insert(held, [(delivery_id(one), one) for one in planned])
    await pool.close()


async def ours(stack: Stack, notices: int) -> float:
    """Seconds from the first recorded to the last; notify had them all before it started."""
    await stack.restart("notify")
    connection = await asyncpg.connect(stack.database_url("notify"))
    try:
        while await connection.fetchval("SELECT count(*) FROM deliveries WHERE state <> 'sent'"):
            await asyncio.sleep(0.5)
        took = await connection.fetchval("SELECT max(settled_at) - min(settled_at) FROM deliveries")
        return float(took.total_seconds())
    finally:
        await connection.close()
        await stack.stop("notify")


async def bare(ports: dict[str, int], notices: int) -> float:
    content = preview("receipt", Language.KO).content
    data = {"type": "kr.firstbuy.AwardNoticed.v1", "timestamp": "2018-09-18T05:30:00+00:00", "data": SAMPLES[AWARD]}
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    left: dict[str, int] = {"mail": notices // 2, "webhook": notices - notices // 2}

    async def mail() -> None:
        client = SMTP(hostname="127.0.0.1", port=ports["smtp"], start_tls=False)
        await client.connect()
        while left["mail"] > 0:
            left["mail"] -= 1
            await client.mail("no-reply@firstbuy.example")
            await client.rcpt("somebody@firm.example")
            await client.data(content)
        await client.quit()

    async def post(session: aiohttp.ClientSession) -> None:
        while left["webhook"] > 0:
            left["webhook"] -= 1
            async with session.post(f"http://127.0.0.1:{ports['http']}/0", data=body) as answer:
                await answer.read()

    began = time.monotonic()
    async with aiohttp.ClientSession() as session:
        await asyncio.gather(
            *(mail() for _ in range(MAIL_CONNECTIONS)), *(post(session) for _ in range(CONNECTIONS_OF_ONE))
        )
    return time.monotonic() - began


async def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--notices", type=int, default=100_000)
    notices: int = words.parse_known_args()[0].notices
    with State.temporary() as state, sinks() as ports:
        environment: dict[str, Any] = {
            "FIRSTBUY_NOTIFY_SMTP_URL": f"smtp://127.0.0.1:{ports['smtp']}",
            "FIRSTBUY_NOTIFY_MAIL_CONNECTIONS": str(MAIL_CONNECTIONS),
        }
        started = Stack.started(
            state=state, services=("notify",), environment=environment, fresh=True, registries=False
        )
        async with started as stack:
            print(f"notify: {notices} notices, half mails, half webhooks; {stack.kafka.kind} {stack.kafka.version}")
            await stack.stop("notify")
            await fill(stack, notices, f"http://127.0.0.1:{ports['http']}")
            before = await bare(ports, notices)
            mine = await ours(stack, notices)
            after = await bare(ports, notices)
            yardstick = (before + after) / 2
            print(f"  bare clients  {yardstick:7.1f} s, {notices / yardstick:6.0f}/s  ({before:.1f} and {after:.1f})")
            print(f"  notify        {mine:7.1f} s, {notices / mine:6.0f}/s")
            print(f"  notify / bare clients {yardstick / mine:.2f} (goal 0.7)")


if __name__ == "__main__":
    uvloop.run(main())
