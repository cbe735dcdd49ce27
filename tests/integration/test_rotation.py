"""Every secret and key is replaced while services run and firms apply: no submission fails, old receipts verify."""

import asyncio
import hashlib
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx2
import pytest
from aiokafka import AIOKafkaProducer
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from faststream.kafka import KafkaBroker

from deploy.local.kafka import KafkaServer
from deploy.local.postgres import PostgresServer
from deploy.local.process import Command, Launch, Process
from deploy.local.stack import Stack
from deploy.machine_secrets import certificate, pem_of
from firstbuy.verifying.receipts import examined_receipt
from shared.contracts.access import service_user
from shared.kafka.access import Access
from shared.kafka.security import ssl_context
from shared.proof.signing import Signer
from shared.service.postgres import DatabaseAwayError, connected, open_pool
from shared.service.settings import KafkaSettings
from tests.conftest import Database, StartStack
from tests.support.consuming import until
from tests.support.restoring import apply
from tests.support.rounds import Office, clock_map

TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1"
KEYS = "/.well-known/firstbuy-keys"
IN_FILES = ("FIRSTBUY_KAFKA_SASL_PASSWORD", "FIRSTBUY_INTAKE_DATABASE_URL", "FIRSTBUY_INTAKE_OPERATOR_TOKEN_HASH")


def replaced(file: Path, text: str) -> None:
    """By rename, so that nobody reads half of it."""
    partial = file.with_suffix(".partial")
    partial.write_text(text)
    partial.rename(file)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of the services' secrets, `<replica>-<variable>`."""
    made = tmp_path / "secrets"
    made.mkdir()
    return made


@pytest.fixture
def launch(forked: Launch, folder: Path) -> Launch:
    """Services with their secrets in files."""

    def started(command: Command) -> Process:
        environment = dict(command.environment or {})
        environment.pop("FIRSTBUY_ELIGIBILITY_OPERATOR_TOKEN_HASH", None)  # intake tells it
        for name in IN_FILES:
            if (value := environment.pop(name, None)) is not None:
                file = folder / f"{command.log.stem}-{name}"
                if not file.exists():
                    file.write_text(value)
                environment[f"{name}_FILE"] = str(file)
        return forked(replace(command, environment=environment))

    return started


class Role:
    """A user of PostgreSQL that may do what the databases' owner may."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self.name = f"r{secrets.token_hex(5)}"

    async def does(self, statement: str, *arguments: str) -> None:
        connection = await asyncpg.connect(self._server.url)
        try:
            await connection.execute(statement, *arguments)
        finally:
            await connection.close()

    async def has(self, password: str) -> None:
        await self.does(f"ALTER ROLE {self.name} PASSWORD '{password}'")

    async def loses_its_connections(self) -> None:
        await self.does(TERMINATE, self.name)

    def at(self, url: str, password: str) -> str:
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=f"{self.name}:{password}@{parts.netloc.rpartition('@')[2]}"))


@pytest.fixture
async def role(postgres_server: PostgresServer) -> AsyncIterator[Role]:
    made = Role(postgres_server)
    owner = urlsplit(postgres_server.url).username
    await made.does(f"CREATE ROLE {made.name} LOGIN PASSWORD 'first' IN ROLE {owner}")
    yield made
    await made.loses_its_connections()
    await made.does(f"REASSIGN OWNED BY {made.name} TO {owner}; DROP OWNED BY {made.name}; DROP ROLE {made.name}")


class Stream:
    """Firms that apply one after another; every one must be answered 201."""

    def __init__(self, client: httpx2.AsyncClient, round_id: str) -> None:
        self._client, self._round = client, round_id
        self.receipts: list[dict[str, Any]] = []

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        stopping = asyncio.Event()

        async def flow() -> None:
            while not stopping.is_set():
                self.receipts.append(await apply(self._client, self._round, len(self.receipts)))

        task = asyncio.create_task(flow())
        try:
            yield
        finally:
            stopping.set()
            await task

    async def more(self, count: int = 5) -> list[dict[str, Any]]:
        """The next ones."""
        begin = len(self.receipts)

        async def there() -> bool:
            return len(self.receipts) >= begin + count

        await until(there, f"{count} more submissions")
        return self.receipts[begin:]


@pytest.mark.apache_kafka
async def test_no_submission_fails_while_every_secret_is_replaced(
    start_stack: StartStack, database: Database, role: Role, own_users: None, folder: Path
) -> None:
    old, new = secrets.token_bytes(32), secrets.token_bytes(32)
    signing = folder / "signing-key"
    signing.write_text(f"{old.hex()}\n")
    urls = {"intake": role.at(await database("intake"), "first"), "eligibility": await database("eligibility")}
    environment = {"FIRSTBUY_INTAKE_SIGNING_KEY_FILE": str(signing)}
    stack = await start_stack(services=tuple(urls), databases=urls, environment=environment)
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        round_id = await office.announce(rehearsal=clock_map(3600))
        await office.status(round_id, "open")
        stream = Stream(client, round_id)
        async with stream.flowing():
            await stream.more()
            await _replace_database_password(folder, role, urls["intake"])
            await stream.more()
            await _replace_kafka_password(folder, stack)
            await stream.more()
            await _replace_operator_token(folder, stack, client)
            replaced(signing, f"{old.hex()}\n{new.hex()}\n")  # published ahead
            await stream.more()
            known = {key["public_key"] for key in (await client.get(KEYS)).json()}
            assert {Signer(old).key.public, Signer(new).key.public} == known
            replaced(signing, f"{new.hex()}\n")
            *_, last = await stream.more(10)
            replaced(signing, "no key")
            await stream.more()
        assert {receipt["key_id"] for receipt in stream.receipts} == {Signer(old).key.key_id, last["key_id"]}
        assert stream.receipts[-1]["key_id"] == last["key_id"] == Signer(new).key.key_id
        keys = (await client.get(KEYS)).json()
        for receipt in stream.receipts:
            assert examined_receipt(receipt, keys).differs == []

        replaced(signing, f"{new.hex()}\n")
        await role.loses_its_connections()
        await stack.restart("intake")
        await apply(client, round_id, len(stream.receipts))


async def _replace_database_password(folder: Path, role: Role, url: str) -> None:
    """First in the file, then in PostgreSQL."""
    replaced(folder / "intake-0-FIRSTBUY_INTAKE_DATABASE_URL", role.at(url, "second"))
    await asyncio.sleep(0.5)  # submissions go on in between
    await role.has("second")


async def _replace_kafka_password(folder: Path, stack: Stack) -> None:
    password = secrets.token_urlsafe(16)
    replaced(folder / "intake-0-FIRSTBUY_KAFKA_SASL_PASSWORD", password)
    await Access(stack.kafka.settings).set_passwords({service_user(stack.topic_prefix, "intake"): password})


async def _replace_operator_token(folder: Path, stack: Stack, client: httpx2.AsyncClient) -> None:
    """Intake takes the new one at once, and tells the others."""
    token = secrets.token_urlsafe(24)
    replaced(folder / "intake-0-FIRSTBUY_INTAKE_OPERATOR_TOKEN_HASH", hashlib.sha256(token.encode()).hexdigest())
    before, after = ({"Authorization": f"Bearer {each}"} for each in (stack.operator_token, token))
    assert (await client.get("/tokens", headers=after)).status_code == 200
    assert (await client.get("/tokens", headers=before)).status_code == 401

    async def elsewhere() -> bool:
        answers = [
            (await client.get(f"{stack.url('eligibility')}/parked", headers=headers)).status_code
            for headers in (before, after)
        ]
        return answers == [401, 200]

    await until(elsewhere, "eligibility knows the new token alone")


async def test_a_database_password_may_be_in_its_file_before_the_server_has_it(database: Database, role: Role) -> None:
    url = await database()
    told = [role.at(url, "first")]
    pool = await open_pool(lambda: told[-1], 2, "a test", 2.0)
    try:
        told.append(role.at(url, "second"))
        for has in ("first", "second"):
            await role.has(has)
            await pool.expire_connections()  # the next use opens one
            async with connected(pool) as connection:
                assert await connection.fetchval("SELECT 1") == 1
        await role.has("third")
        await pool.expire_connections()
        with pytest.raises(DatabaseAwayError, match="InvalidPassword"):
            async with connected(pool):
                pass
        told.append(role.at(url, "third"))
        session = await pool.session()
        assert await session.fetchval("SELECT 1") == 1
        await session.close()
        resting = f"{role.name}_b"
        await role.does(f"CREATE ROLE {resting} LOGIN PASSWORD 'other' IN ROLE {role.name}")
        await role.does(f"ALTER ROLE {resting} SET role TO {role.name}")
        told.append(role.at(url, "other").replace(role.name, resting))
        await pool.expire_connections()
        async with connected(pool) as connection:
            users = await connection.fetchval("SELECT session_user || ' as ' || current_user")
        assert users == f"{resting} as {role.name}"
    finally:
        pool.terminate()
        await role.does(f"DROP ROLE IF EXISTS {role.name}_b")


@pytest.mark.apache_kafka
async def test_a_connection_to_kafka_takes_the_newest_password(
    kafka_server: KafkaServer, own_users: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, user = tmp_path / "password", f"u{secrets.token_hex(5)}"
    access = Access(kafka_server.settings)
    for name, value in kafka_server.settings.as_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("FIRSTBUY_KAFKA_SASL_PASSWORD")
    monkeypatch.setenv("FIRSTBUY_KAFKA_SASL_USERNAME", user)
    monkeypatch.setenv("FIRSTBUY_KAFKA_SASL_PASSWORD_FILE", str(file))
    file.write_text("first")
    settings = KafkaSettings()
    producer = AIOKafkaProducer(**settings.client_arguments())
    broker = KafkaBroker(settings.bootstrap_servers, security=settings.broker_security(), logger=None)
    replaced(file, "second")
    await access.set_passwords({user: "second"})
    try:
        await producer.start()
        await broker.start()
    finally:
        await producer.stop()
        await broker.stop()
        await access.remove_users([user])


def authority(folder: Path, name: str) -> str:
    """The certificate of one that signs `<name>.pem`, a server's. All have the same subject, as those of a machine."""
    signer, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    itself = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an authority")])
    shown = pem_of(key) + certificate("localhost", key, itself, signer, 1, ["localhost"])
    (folder / f"{name}.pem").write_text(shown)
    return certificate("an authority", signer, itself, signer, 1, ())


async def test_a_connection_trusts_the_authorities_that_the_file_has_now(tmp_path: Path) -> None:
    """The new beside the old, then the server's certificate, then the old goes."""
    certificates = {name: authority(tmp_path, name) for name in ("old", "new")}
    trusted = tmp_path / "trusted.pem"
    trusted.write_text(certificates["old"])
    context = ssl_context(str(trusted))
    assert await _greets(context, tmp_path, "old")
    assert not await _greets(context, tmp_path, "new")
    replaced(trusted, certificates["old"] + certificates["new"])
    assert await _greets(context, tmp_path, "old")
    assert await _greets(context, tmp_path, "new")
    replaced(trusted, certificates["new"])
    assert not await _greets(context, tmp_path, "old")
    replaced(trusted, "half a fi")
    assert await _greets(context, tmp_path, "new"), "a file that can't be used changes nothing"
    trusted.unlink()
    assert await _greets(context, tmp_path, "new")


async def _greets(context: ssl.SSLContext, folder: Path, name: str) -> bool:
    """Whether a client with this context trusts a server with that certificate."""
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(folder / f"{name}.pem")
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=shown)
    try:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    except ssl.SSLCertVerificationError:
        return False
    else:
        writer.close()
        return True
    finally:
        server.close()
