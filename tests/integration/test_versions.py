"""The version of a round's public answers is another one after whatever changes what they say, and else the same."""

from collections.abc import AsyncIterator

import pytest

from services.intake.storage import outcomes
from services.selection.storage import versions
from shared.service.postgres import Connection, open_pool
from tests.conftest import Database

OF_RESULT = (
    "INSERT INTO chronicle (round, event, type, body) VALUES ('r', 'another', 'RoundVoided', '{}')",
    "UPDATE rounds SET epoch = 2 WHERE round = 'r'",
    "UPDATE rounds SET void = true WHERE round = 'r'",
    """UPDATE commitments SET body = '{"commitment_root": "other"}'""",
    """UPDATE proposals SET body = '{"selection_root": "other"}'""",
    "INSERT INTO confirmations (round, epoch, selection_root, confirmed_at) VALUES ('r', 1, 'root', now())",
    "INSERT INTO releases (round, epoch, batch, opened) VALUES ('r', 1, 2, '{}')",
    """UPDATE releases SET body = '{"batch_root": "other"}'""",
    "UPDATE releases SET confirmed_at = now()",
)
OF_OPEN_DATA = (
    """INSERT INTO purchase_reports (request, application, reported_at, round, institution)
       VALUES ('i/r', gen_random_uuid(), now(), 'r', 'i')""",
    "INSERT INTO institution_names (institution, changed_at, name) VALUES ('i', now(), 'new')",
)
BEGUN = (
    "INSERT INTO rounds (round, epoch) VALUES ('r', 1), ('other', 1)",
    "INSERT INTO chronicle (round, event, type, body) VALUES ('r', 'first', 'RoundOpened', '{}')",
    """INSERT INTO commitments (round, epoch, body) VALUES ('r', 1, '{"commitment_root": "c"}')""",
    """INSERT INTO proposals (round, epoch, body) VALUES ('r', 1, '{"selection_root": "root"}')""",
    """INSERT INTO releases (round, epoch, batch, opened, body) VALUES ('r', 1, 1, '{}', '{"batch_root": "b"}')""",
)
OF_OTHERS = (
    "INSERT INTO chronicle (round, event, type, body) VALUES ('other', 'another', 'RoundVoided', '{}')",
    "UPDATE rounds SET epoch = 2 WHERE round = 'other'",
    "UPDATE proposals SET published_lines = 5",
)


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[Connection]:
    pool = await open_pool(await database("selection"), 2, "test")
    async with pool.acquire() as held:
        for statement in BEGUN:
            await held.execute(statement)
        yield held
    await pool.close()


@pytest.mark.parametrize("change", [*OF_RESULT, *OF_OPEN_DATA, *OF_OTHERS])
async def test_a_version_is_another_after_a_change(connection: Connection, change: str) -> None:
    result = await versions.of_result(connection, "r"), await versions.of_open_data(connection, "r")
    await connection.execute(change)
    after = await versions.of_result(connection, "r"), await versions.of_open_data(connection, "r")
    assert (result[0] != after[0]) is (change in OF_RESULT)
    assert (result[1] != after[1]) is (change in OF_RESULT or change in OF_OPEN_DATA)


INTAKE_BEGUN = (
    """INSERT INTO outcomes (application, round, result_type, result_epoch, result) VALUES
       ('00000000-0000-0000-0000-000000000001', 'r', 'ProductSelected', 1, '{}'),
       ('00000000-0000-0000-0000-000000000002', 'other', 'ProductSelected', 1, '{}')""",
)
OF_PUBLISHED = (
    """INSERT INTO outcomes (application, round, result_type, result_epoch, result)
       VALUES ('00000000-0000-0000-0000-000000000003', 'r', 'ProductNotSelected', 1, '{}')""",
    "UPDATE outcomes SET result_epoch = 2 WHERE round = 'r'",
    "UPDATE outcomes SET result_batch = 1 WHERE round = 'r'",
    "UPDATE outcomes SET result_type = 'ProductReserved' WHERE round = 'r'",
    "UPDATE outcomes SET status_ended_at = now() WHERE round = 'r'",
)
OF_NOTHING_PUBLISHED = (
    """INSERT INTO outcomes (application, round, verdict_version, verdict_epoch, verdict)
       VALUES ('00000000-0000-0000-0000-000000000004', 'r', 1, 1, '{}')""",
    "UPDATE outcomes SET result_epoch = 2 WHERE round = 'other'",
    "UPDATE outcomes SET noticed_at = now()",
)


@pytest.mark.parametrize("change", [*OF_PUBLISHED, *OF_NOTHING_PUBLISHED])
async def test_intakes_results_are_another_version_after_a_change(database: Database, change: str) -> None:
    pool = await open_pool(await database("intake"), 2, "test")
    async with pool.acquire() as held:
        for statement in INTAKE_BEGUN:
            await held.execute(statement)
        before = await outcomes.results_version(held, "r")
        await held.execute(change)
        after = await outcomes.results_version(held, "r")
    await pool.close()
    assert (before != after) is (change in OF_PUBLISHED)
