"""A server needs nothing that only develops: every service starts from `requirements.lock` alone."""

import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from deploy.local.postgres import PostgresServer, drop_database
from deploy.local.process import executed
from deploy.local.state import PROJECT
from shared.contracts.access import SERVICES
from tests.conftest import StartStack

DEVELOPING = ("hypothesis", "mypy", "openpyxl", "playwright", "pytest", "ruff", "testcontainers", "watchfiles")
INSTALLER = PROJECT / ".venv-uv" / "bin" / "uv"


pytestmark = pytest.mark.xdist_group("server")  # one environment for the whole file


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment as a server or an image gets it."""
    folder = tmp_path_factory.mktemp("server")
    own = os.environ | {"VIRTUAL_ENV": str(folder), "UV_LINK_MODE": "copy", "UV_PYTHON_DOWNLOADS": "never"}
    for step in (
        ("venv", "--allow-existing", "--python", sys.executable, folder),
        ("pip", "sync", "--require-hashes", PROJECT / "requirements.lock"),
        ("pip", "install", "--no-deps", "--no-build-isolation", "--editable", PROJECT),
    ):
        subprocess.run([INSTALLER, "--quiet", *step], env=own, cwd=folder, check=True)
    return folder / "bin" / "python"


def run(server: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        [server, *arguments], capture_output=True, text=True, env=environment, cwd=server.parent, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_develops_is_not_installed_on_a_server(server: Path) -> None:
    found = f"import importlib.util as u; print([n for n in {DEVELOPING} if u.find_spec(n)])"
    assert run(server, "-c", found).strip() == "[]"


@pytest.fixture
async def made_here(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """The prefix of databases that the services' own migrations make."""
    prefix = f"t{secrets.token_hex(6)}_"
    yield prefix
    for service in SERVICES:
        await drop_database(postgres_server.url, prefix + service)


async def test_every_service_migrates_and_starts_with_what_a_server_has(
    server: Path, made_here: str, start_stack: StartStack
) -> None:
    stack = await start_stack(
        command=lambda service: (str(server), "-m", f"services.{service}"),
        launch=executed,
        databases={},
        database_prefix=made_here,
    )
    for service in SERVICES:
        await stack.wait_ready(service)


def test_operators_have_their_commands_there(server: Path) -> None:
    assert "round" in run(server, "-m", "firstbuy.cli", "--help")
    assert "--topics-only" in run(server, "-m", "shared.kafka.provision", "--help")
