"""A backup of four databases and its refusals: what is damaged, unknown or in the way is named before anything changes.

The drill with services and topics is in test_backup_drill.py.
"""

import hashlib
import json
import secrets
import shutil
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from deploy.local.postgres import PostgresServer, create_database, drop_database
from firstbuy.backups import tools
from firstbuy.cli import assembled
from shared.contracts.access import SERVICES
from tests.support.restoring import connected_to

pytestmark = pytest.mark.xdist_group("backup")  # one backup for the whole file
Change = Callable[[dict[str, Any]], None]
Template = Callable[[str | None], Awaitable[str]]


@asynccontextmanager
async def databases(server: PostgresServer, templates: Template, *, filled: bool) -> AsyncIterator[dict[str, str]]:
    run = f"b{secrets.token_hex(5)}"
    names = {service: f"{run}_{service}" for service in SERVICES}
    yield {
        service: await create_database(server.url, name, template=await templates(service if filled else None))
        for service, name in names.items()
    }
    for name in names.values():
        await drop_database(server.url, name)


@pytest.fixture(scope="module")
async def addresses(postgres_server: PostgresServer, templates: Template) -> AsyncIterator[dict[str, str]]:
    async with databases(postgres_server, templates, filled=True) as made:
        async with connected_to(made["intake"]) as connection:
            await connection.execute("INSERT INTO secrets VALUES ('a test', '\\x01ff')")
        yield made


@pytest.fixture(scope="module")
async def empty(postgres_server: PostgresServer, templates: Template) -> AsyncIterator[dict[str, str]]:
    """For refusals alone: they stay empty."""
    async with databases(postgres_server, templates, filled=False) as made:
        yield made
        assert [await tables(url) for url in made.values()] == [0] * len(SERVICES)


@pytest.fixture
async def own(postgres_server: PostgresServer, templates: Template) -> AsyncIterator[dict[str, str]]:
    """Empty ones, to be filled by one test."""
    async with databases(postgres_server, templates, filled=False) as made:
        yield made


@pytest.fixture(scope="module")
def real(postgres_server: PostgresServer) -> Path:
    """The folder of pg_dump and pg_restore."""
    return tools.found(int(postgres_server.version.partition(".")[0]))[0]


def run(folder: Path, urls: dict[str, str], *words: str) -> Result:
    """Each address in a file of its own, as an operator names them; without Kafka. In a thread: the command has a loop
    of its own."""
    environment = {"FIRSTBUY_STATE": str(folder / "state")}
    for service, url in urls.items():
        file = folder / f"{service}-url"
        file.write_text(url)
        environment[f"FIRSTBUY_{service.upper()}_DATABASE_URL_FILE"] = str(file)
    with ThreadPoolExecutor(1) as thread:
        runner = CliRunner(env=environment)
        return thread.submit(runner.invoke, assembled(), list(words), terminal_width=400).result()


@pytest.fixture(scope="module")
def taken(addresses: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole backup."""
    folder = tmp_path_factory.mktemp("backup")
    told = run(folder, addresses, "backup", str(folder / "set"))
    assert told.exit_code == 0, told.output
    return folder / "set"


@pytest.fixture
def folder(taken: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(taken, tmp_path / "set"))


async def tables(url: str) -> int:
    async with connected_to(url) as connection:
        count: int = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        return count


async def test_a_backup_goes_into_empty_databases_as_it_was(
    tmp_path: Path, taken: Path, addresses: dict[str, str], own: dict[str, str]
) -> None:
    restored = run(tmp_path, own, "restore", str(taken))
    assert restored.exit_code == 0, restored.output
    async with connected_to(own["intake"]) as connection:
        assert await connection.fetchval("SELECT value FROM secrets WHERE name = 'a test'") == b"\x01\xff"
    for service in SERVICES:
        assert await tables(own[service]) == await tables(addresses[service]) > 5


def test_its_files_are_its_owners_and_its_manifest_says_what_they_hold(taken: Path) -> None:
    assert stat.S_IMODE(taken.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in taken.iterdir()} == {0o600}
    manifest = json.loads((taken / "manifest.json").read_text())
    assert [part["service"] for part in manifest["parts"]] == ["notify", "selection", "eligibility", "intake"]
    moments = [part["taken_at"] for part in manifest["parts"]]
    assert moments == sorted(moments), "intake's snapshot is the last"


def test_no_password_is_on_a_command_line(
    tmp_path: Path, real: Path, addresses: dict[str, str], own: dict[str, str]
) -> None:
    seen, wrapped = tmp_path / "seen", tmp_path / "tools"
    wrapped.mkdir()
    for name in ("pg_dump", "pg_restore"):
        script = wrapped / name
        script.write_text(f'#!/bin/sh\necho "$@" >> {seen}\nexec {real / name} "$@"\n')
        script.chmod(0o755)
    for urls, command in ((addresses, "backup"), (own, "restore")):
        done = run(tmp_path, urls, command, str(tmp_path / "set"), "--tools", str(wrapped))
        assert done.exit_code == 0, done.output
    password = addresses["intake"].partition("@")[0].rpartition(":")[2]
    assert "--dbname=postgresql://" in seen.read_text()
    assert password not in seen.read_text()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path, folder: Path, addresses: dict[str, str]) -> None:
    before = (folder / "manifest.json").read_bytes()
    again = run(tmp_path, addresses, "backup", str(folder))
    assert (again.exit_code, "name a new folder" in again.output) == (1, True)
    assert (folder / "manifest.json").read_bytes() == before


def test_a_backup_is_of_all_databases(tmp_path: Path, addresses: dict[str, str]) -> None:
    named = {service: url for service, url in addresses.items() if service != "notify"}
    refused = run(tmp_path, named, "backup", str(tmp_path / "set"))
    assert (refused.exit_code, "FIRSTBUY_NOTIFY_DATABASE_URL" in refused.output) == (1, True)
    assert not (tmp_path / "set").exists()


def test_tools_older_than_the_server_are_refused(tmp_path: Path, addresses: dict[str, str]) -> None:
    old = tmp_path / "old"
    old.mkdir()
    for name in ("pg_dump", "pg_restore"):
        (old / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) 9.6'\n")
        (old / name).chmod(0o755)
    refused = run(tmp_path, addresses, "backup", str(tmp_path / "set"), "--tools", str(old))
    assert refused.exit_code == 1
    assert "install postgresql-client-" in refused.output


def _unknown(manifest: dict[str, Any]) -> None:
    manifest["parts"][0]["migrations"]["9999_of_tomorrow"] = "0" * 64


def _edited(manifest: dict[str, Any]) -> None:
    manifest["parts"][0]["migrations"]["0001_notify"] = "0" * 64


def _newer_format(manifest: dict[str, Any]) -> None:
    manifest["format"] = 2


def _other_kind(manifest: dict[str, Any]) -> None:
    manifest["parts"][0]["kind"] = "object-store"


def _newer_server(manifest: dict[str, Any]) -> None:
    manifest["parts"][0]["server"] = 99


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_unknown, "9999_of_tomorrow): install Firstbuy"),
        (_edited, "ran other text than this version has of 0001_notify"),
        (_newer_format, "of a newer version"),
        (_other_kind, "of a newer version"),
        (_newer_server, "use a server of 99 or newer"),
    ],
)
async def test_a_backup_that_this_deployment_can_not_read_is_refused(
    tmp_path: Path, folder: Path, empty: dict[str, str], change: Change, told: str
) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    refused = run(tmp_path, empty, "restore", str(folder))
    assert refused.exit_code == 1
    assert told in refused.output


@pytest.mark.parametrize("damage", ["changed", "gone", "unfinished"])
async def test_a_damaged_backup_is_refused(tmp_path: Path, folder: Path, empty: dict[str, str], damage: str) -> None:
    dump = folder / "intake.dump"
    if damage == "changed":
        content = bytearray(dump.read_bytes())
        content[-1] ^= 1
        dump.write_bytes(content)
    elif damage == "gone":
        dump.unlink()
    else:
        (folder / "manifest.json").unlink()
    refused = run(tmp_path, empty, "restore", str(folder))
    assert refused.exit_code == 1
    assert "take another" in refused.output
    assert await tables(empty["notify"]) == 0


async def test_a_database_that_is_in_use_or_not_empty_is_left_as_it_is(
    tmp_path: Path, folder: Path, empty: dict[str, str], addresses: dict[str, str]
) -> None:
    full = run(tmp_path, {**empty, "intake": addresses["intake"]}, "restore", str(folder))
    assert (full.exit_code, "the database of intake is not empty" in full.output) == (1, True)
    replica = await asyncpg.connect(empty["intake"], server_settings={"application_name": "firstbuy-intake-0"})
    try:
        used = run(tmp_path, empty, "restore", str(folder))
    finally:
        await replica.close()
    assert (used.exit_code, "firstbuy-intake-0 use the database of intake: stop" in used.output) == (1, True)


async def test_one_lost_database_is_put_back_alone(tmp_path: Path, taken: Path, own: dict[str, str]) -> None:
    restored = run(tmp_path, {"intake": own["intake"]}, "restore", str(taken), "intake")
    assert restored.exit_code == 0, restored.output
    assert await tables(own["intake"]) > 5
    assert await tables(own["notify"]) == 0


def test_a_failed_dump_leaves_nothing_behind(tmp_path: Path, real: Path, addresses: dict[str, str]) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "pg_restore").symlink_to(real / "pg_restore")
    script = f'#!/bin/sh\ncase "$*" in *intake*) echo no room >&2; exit 1;; esac\nexec {real / "pg_dump"} "$@"\n'
    (broken / "pg_dump").write_text(script)
    (broken / "pg_dump").chmod(0o755)
    failed = run(tmp_path, addresses, "backup", str(tmp_path / "set"), "--tools", str(broken))
    assert (failed.exit_code, "pg_dump failed: no room" in failed.output) == (1, True)
    assert list((tmp_path / "set").iterdir()) == []


async def test_documents_are_in_the_set_and_come_back_before_what_names_them(
    tmp_path: Path, addresses: dict[str, str], own: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    content, store, other = b"%PDF- kept", tmp_path / "store", tmp_path / "other"
    sha256 = hashlib.sha256(content).hexdigest()
    name = f"{sha256[:2]}/{sha256}.0a"
    (store / name).parent.mkdir(parents=True)
    (store / name).write_bytes(content)
    async with connected_to(addresses["intake"]) as connection:
        row = (sha256, name, len(content), "application/pdf")
        await connection.execute("INSERT INTO documents VALUES ($1, $2, $3, $4, now())", *row)
    try:
        monkeypatch.setenv("FIRSTBUY_INTAKE_DOCUMENT_STORE", str(other))
        elsewhere = run(tmp_path, addresses, "backup", str(tmp_path / "none"))
        assert (elsewhere.exit_code, "lacks 1 documents that intake names" in elsewhere.output) == (1, True)
        assert list((tmp_path / "none").iterdir()) == []
        left_out = run(tmp_path, addresses, "backup", str(tmp_path / "without"), "--without-documents")
        assert left_out.exit_code == 0, left_out.output
        monkeypatch.setenv("FIRSTBUY_INTAKE_DOCUMENT_STORE", str(store))
        taken = run(tmp_path, addresses, "backup", str(tmp_path / "set"))
        assert "documents: 1, 10 bytes" in taken.output
    finally:
        async with connected_to(addresses["intake"]) as connection:
            await connection.execute("DELETE FROM documents")
    monkeypatch.setenv("FIRSTBUY_INTAKE_DOCUMENT_STORE", str(other))
    copy = tmp_path / "set/documents" / name
    copy.write_bytes(b"%PDF- other")
    damaged = run(tmp_path, own, "restore", str(tmp_path / "set"))
    assert (damaged.exit_code, "is not as it was written" in damaged.output) == (1, True)
    assert await tables(own["intake"]) == 0
    copy.write_bytes(content)
    restored = run(tmp_path, own, "restore", str(tmp_path / "set"))
    assert "documents: 1, of which 1 were not there any more" in restored.output
    assert (other / name).read_bytes() == content
    async with connected_to(own["intake"]) as connection:
        assert await connection.fetchval("SELECT object FROM documents") == name
