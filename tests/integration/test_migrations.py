"""Migrations: forward only, once each, one at a time."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from shared.migrate import MigrationChangedError, migrate
from tests.conftest import Database


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE counted (n int); INSERT INTO counted VALUES (1);")
    return tmp_path


async def test_each_runs_once_even_when_many_start_together(database: Database, folder: Path) -> None:
    url = await database()
    applied = await asyncio.gather(*(migrate(url, folder) for _ in range(4)))
    assert sorted(name for names in applied for name in names if not name.startswith("shared/")) == ["0001_first"]
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT count(*) FROM counted") == 1
    await connection.close()


async def test_a_later_one_is_applied_and_a_broken_one_leaves_nothing(database: Database, folder: Path) -> None:
    url = await database()
    await migrate(url, folder)
    (folder / "0002_broken.sql").write_text("CREATE TABLE half (n int); SELECT 1/0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(url, folder)
    (folder / "0002_broken.sql").write_text("CREATE TABLE whole (n int);")
    assert await migrate(url, folder) == ["0002_broken"]
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT to_regclass('half')") is None
    await connection.close()


async def test_one_that_ran_may_not_be_edited(database: Database, folder: Path) -> None:
    url = await database()
    await migrate(url, folder)
    (folder / "0001_first.sql").write_text("CREATE TABLE other (n int);")
    with pytest.raises(MigrationChangedError, match="0001_first"):
        await migrate(url, folder)
