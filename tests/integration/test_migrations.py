"""Migrations: forward only, once each, one at a time."""

import asyncio
import shutil
from pathlib import Path

import asyncpg
import pytest

from shared.proof.signing import Signer
from shared.service.keys import SigningKey, published
from shared.service.migrate import MigrationChangedError, migrate
from shared.service.postgres import open_pool
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


async def test_keys_that_signed_before_they_were_every_service_s_stay_valid(database: Database, tmp_path: Path) -> None:
    """What intake had generated goes on signing, and stays published beside what a file named once."""
    intake = Path(__file__).parents[2] / "services" / "intake" / "migrations"
    for file in sorted(intake.glob("*.sql")):
        if file.name < "0007":
            shutil.copy(file, tmp_path)
    url = await database()
    await migrate(url, tmp_path)
    private, named = bytes(range(32)), Signer(bytes(32)).key
    old = Signer(private).key
    connection = await asyncpg.connect(url)
    await connection.execute("INSERT INTO secrets (name, value) VALUES ('signing-key', $1)", private)
    for days, key in enumerate((named, old)):
        await connection.execute(
            "INSERT INTO signing_keys VALUES ($1, $2, now() + make_interval(days => $3))", key.key_id, key.public, days
        )
    await connection.close()

    assert "0007_keys" in await migrate(url, intake)
    pool = await open_pool(url, 2, "test")
    assert (await SigningKey(tuple).signer(pool)).key == old
    async with pool.acquire() as held:
        assert [one.key for one in await published(held)] == [named, old]
    await pool.close()
