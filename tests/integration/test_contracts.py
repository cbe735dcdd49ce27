"""Contracts count once, whatever became of their award: in the table of purchases, which pledges are summed up from."""

from collections.abc import AsyncIterator

import pytest

from services.selection.storage import purchases
from shared.service.postgres import Connection, open_pool
from tests.conftest import Database

KEPT, TAKEN, NEVER = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
AWARD = '[{"request": "kepco/r1", "institution": "kepco", "quantity": 5, "amount_won": 500}]'
SELECTED = """
INSERT INTO results (round, epoch, line, application, party, product, result, tickets, awards)
VALUES ('r', $1, $2, $3, gen_random_uuid(), '제품', $4, 1, $5::text::jsonb)
"""
REPORTED = """
INSERT INTO purchases (request, application, round, institution, quantity, amount_won, contracted_on, reported_at)
VALUES ('kepco/r1', $1, 'r', 'kepco', 5, 500, '2018-11-01', now())
"""
PROPOSED = """INSERT INTO proposals (round, epoch, body) VALUES ('r', $1, '{"selection_root": "root"}')"""
CONFIRMED = "INSERT INTO confirmations (round, epoch, selection_root, confirmed_at) VALUES ('r', $1, 'root', now())"


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[Connection]:
    pool = await open_pool(await database("selection"), 2, "test")
    async with pool.acquire() as held:
        await held.execute("INSERT INTO rounds (round, epoch) VALUES ('r', 1)")
        yield held
    await pool.close()


async def confirmed(connection: Connection, epoch: int, awarded: set[str]) -> None:
    for line, application in enumerate((KEPT, TAKEN, NEVER)):
        selected = application in awarded
        result = "selected" if selected else "reserve"
        await connection.execute(SELECTED, epoch, line, application, result, AWARD if selected else "[]")
    await connection.execute(PROPOSED, epoch)
    await connection.execute(CONFIRMED, epoch)


async def shown(connection: Connection) -> dict[str, tuple[int, int | None]]:
    """What was awarded and what is contracted, by application."""
    found = await purchases.of_round(connection, "r")
    assert len({one.application for one in found}) == len(found)
    return {one.application: (one.amount_won, one.report.amount_won if one.report else None) for one in found}


async def test_a_contract_outlives_its_award_and_a_report_on_none_counts_nowhere(connection: Connection) -> None:
    await confirmed(connection, 1, {KEPT, TAKEN})
    for application in (KEPT, TAKEN, NEVER):
        await connection.execute(REPORTED, application)
    assert await shown(connection) == {KEPT: (500, 500), TAKEN: (500, 500)}
    await confirmed(connection, 2, {KEPT})
    assert await shown(connection) == {KEPT: (500, 500), TAKEN: (0, 500)}


async def test_what_is_awarded_by_a_batch_counts_too(connection: Connection) -> None:
    await confirmed(connection, 1, set())
    await connection.execute(REPORTED, NEVER)
    assert await shown(connection) == {}
    await connection.execute(
        """INSERT INTO releases (round, epoch, batch, opened, body, confirmed_at, confirmed_root)
           VALUES ('r', 1, 1, '{}', '{"batch_root": "b"}', now(), 'b')"""
    )
    await connection.execute(
        """INSERT INTO release_lines (round, epoch, batch, line, application, result, awards)
           VALUES ('r', 1, 1, 2, $1, 'selected', $2::text::jsonb)""",
        NEVER,
        AWARD,
    )
    assert await shown(connection) == {NEVER: (500, 500)}
