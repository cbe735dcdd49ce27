"""What the page of a round calls it and its institutions, out of the database."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from services.selection.storage import evidence, inputs, ocds
from services.selection.storage.naming import RoundNames, named
from shared.contracts.events import InstitutionChanged, InstitutionStatus, Invitation
from shared.service.postgres import Connection, open_pool
from tests.conftest import Database

NAMED = datetime(2018, 4, 12, tzinfo=UTC)


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[Connection]:
    pool = await open_pool(await database("selection"), 2, "test")
    async with pool.acquire() as held:
        await ocds.save_names(
            held, [called("kepco", "한국전력"), called("lh", "한국토지주택공사"), called("ex", "한국도로공사")]
        )
        await ocds.save_names(held, [called("kepco", "한국전력공사", datetime(2018, 8, 1, tzinfo=UTC))])
        yield held
    await pool.close()


def called(institution: str, name: str, since: datetime = NAMED) -> InstitutionChanged:
    return InstitutionChanged(institution=institution, name=name, status=InstitutionStatus.ACTIVE, changed_at=since)


async def tell(connection: Connection, kind: str, title: str) -> None:
    body: Any = {"round": "2018-h2", "title": title}
    row = {"round": "2018-h2", "id": f"{kind} {title}", "type": kind, "body": body, "appended_at": NAMED}
    await evidence.save_published_events(connection, [row])


async def test_a_round_that_nobody_announced_has_no_name(connection: Connection) -> None:
    await tell(connection, "RoundFrozen", "no title of a round")
    assert await named(connection, "2018-h2") is None


async def test_a_round_is_called_as_it_was_announced_and_then_as_it_was_opened(connection: Connection) -> None:
    await tell(connection, "RoundAnnounced", "하반기")
    assert await named(connection, "2018-h2") == RoundNames("하반기", {})
    await tell(connection, "RoundOpened", "2018년 하반기 (second half of 2018)")
    assert await named(connection, "2018-h2") == RoundNames("2018년 하반기 (second half of 2018)", {})


async def test_institutions_are_those_of_the_freeze_and_before_it_those_that_pledge(connection: Connection) -> None:
    """By their newest names; who pledges to a later round is not told yet."""
    await tell(connection, "RoundOpened", "2018년 하반기")
    await connection.execute("INSERT INTO rounds (round) VALUES ('2018-h2')")
    await inputs.save_pledges(connection, [("2018-h2", "kepco", 10), ("2018-h2", "nameless", 1), ("2019-h1", "lh", 5)])
    before = await named(connection, "2018-h2")
    assert before is not None
    assert before.institutions == {"kepco": "한국전력공사"}
    await inputs.save_frozen_pledges(
        connection, "2018-h2", [Invitation(institution=code, pledge_won=10) for code in ("kepco", "ex")]
    )
    frozen = await named(connection, "2018-h2")
    assert frozen is not None
    assert frozen.institutions == {"ex": "한국도로공사", "kepco": "한국전력공사"}
