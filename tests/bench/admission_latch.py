"""Sixteen writers across many closes: check-then-insert beside our latch.

A leak is an application that was accepted and is missing from the manifest.

python -m tests.bench.admission_latch [--closes N] [--writers W]

Both write the same rows into the same schema on the same server. The one checks the round and inserts, and the closer
marks the round and reads the set; ours does the same under the shared and the exclusive lock, with the check in a
statement of its own. Goal (issue 4): ours leaks none.
"""

import argparse
import asyncio
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.local.postgres import create_database, running_postgres
from deploy.local.state import State
from services.intake.domain.entries import Chance
from services.intake.domain.firms import names_of
from services.intake.domain.receipts import Receipt
from services.intake.domain.submissions import ContactDetails, Entry, Submission, enter
from services.intake.storage import epochs, rounds
from services.intake.storage.entries import admit, insert
from shared.clock import SystemClock
from shared.proof.signing import Signer
from shared.service.logs import configure_logs
from shared.service.migrate import migrate
from shared.service.postgres import Connection, Pool, open_pool

MIGRATIONS = Path(__file__).parents[2] / "services/intake/migrations"
SECRET = b"a secret of the bench"
SIGNER = Signer(bytes(32))
ANNOUNCE = """
INSERT INTO rounds (round, title, status, opens_at, closes_at, policy, policy_hash, lead_seconds, sources, unattended)
VALUES ($1, 'bench', 'open', $2, $3, '{}', '', 0, '[]', false)
"""
Write = Callable[[Connection, Submission], Awaitable[str | None]]
"""Returns the id of the application when it answered 201."""


def submission(round_id: str) -> Submission:
    number, reference = secrets.randbelow(10**10), str(uuid.uuid4())
    return Submission(
        round=round_id,
        received_at=SystemClock().now(),
        business_number=f"{number:010d}",
        product_key=f"ref:{reference}",
        names=names_of(reference, None),
        track="general",
        facts={"track": "general"},
        contact=ContactDetails("담당자", "a@example.org", None, "ko"),
        idempotency_key=None,
        body_hash=b"",
        chance=Chance.of_bytes(secrets.token_bytes(48)),
        traceparent=None,
    )


async def check_then_insert(connection: Connection, sent: Submission) -> str | None:
    """What one writes first: look whether the round is open, then insert."""
    async with connection.transaction():
        window = (await rounds.windows(connection, [sent.round]))[sent.round]
        entry = enter(sent, window, SECRET)
        if not isinstance(entry, Entry):
            return None
        await insert(connection, [entry], SIGNER)
    return entry.application


async def latched(connection: Connection, sent: Submission) -> str | None:
    """Intake's own admission."""
    async with connection.transaction():
        (answer,) = (await admit(connection, [sent], SECRET, SIGNER)).answers
    return answer.application if isinstance(answer, Receipt) else None


async def close_unlocked(connection: Connection, round_id: str) -> set[str]:
    async with connection.transaction():
        await connection.execute("UPDATE rounds SET status = 'frozen' WHERE round = $1", round_id)
        return {row[0] for row in await connection.fetch(epochs.APPLICATION_LEAVES, round_id)}


async def close_latched(connection: Connection, round_id: str) -> set[str]:
    async with connection.transaction():
        await rounds.lock_for_freeze(connection, round_id)
        await connection.execute("UPDATE rounds SET status = 'frozen' WHERE round = $1", round_id)
        return {row[0] for row in await connection.fetch(epochs.APPLICATION_LEAVES, round_id)}


@dataclass
class Counted:
    accepted: int = 0
    leaked: int = 0
    leaky_closes: int = 0
    seconds: float = 0.0


async def one_close(
    pool: Pool, write: Write, close: Callable[[Connection, str], Awaitable[set[str]]], writers: int, counted: Counted
) -> None:
    """Writers write until they are refused; in the middle of it the round is closed."""
    round_id, now = f"bench-{secrets.token_hex(6)}", datetime.now(UTC)
    await pool.execute(ANNOUNCE, round_id, now - timedelta(hours=1), now + timedelta(hours=1))
    accepted: set[str] = set()

    async def writer() -> None:
        async with pool.acquire() as connection:
            while (application := await write(connection, submission(round_id))) is not None:
                accepted.add(application)

    async def closer() -> set[str]:
        await asyncio.sleep(0.1 + secrets.randbelow(50) / 1000)
        async with pool.acquire() as connection:
            return await close(connection, round_id)

    started = time.perf_counter()
    results = await asyncio.gather(closer(), *(writer() for _ in range(writers)))
    counted.seconds += time.perf_counter() - started
    manifest = results[0]
    leaked = len(accepted - manifest) if manifest is not None else 0
    counted.accepted += len(accepted)
    counted.leaked += leaked
    counted.leaky_closes += leaked > 0


async def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--closes", type=int, default=40)
    words.add_argument("--writers", type=int, default=16)
    asked, _ = words.parse_known_args()
    configure_logs("bench", "latch", "CRITICAL")
    ways = {"check, then insert": (check_then_insert, close_unlocked), "the latch": (latched, close_latched)}
    figures = {name: Counted() for name in ways}
    with State.temporary() as state:
        async with running_postgres(state, fresh=True) as postgres:
            url = await create_database(postgres.url, "bench_latch")
            await migrate(url, MIGRATIONS)
            pool = await open_pool(url, asked.writers + 2, "bench")
            for _ in range(asked.closes):
                for name, (write, close) in ways.items():
                    await one_close(pool, write, close, asked.writers, figures[name])
            await pool.close()
            print(f"admission latch: {asked.closes} closes, {asked.writers} writers, PostgreSQL {postgres.version}")
    for name, counted in figures.items():
        rate = counted.accepted / counted.seconds
        print(
            f"  {name:20} accepted {counted.accepted:7}, missing from the manifest {counted.leaked:5}"
            f" (in {counted.leaky_closes} of {asked.closes} closes); {rate:.0f} a second"
        )
    ratio = figures["the latch"].accepted / figures["check, then insert"].accepted
    print(f"  the latch / check, then insert: {ratio:.2f} of the throughput; goal: none missing")


if __name__ == "__main__":
    asyncio.run(main())
