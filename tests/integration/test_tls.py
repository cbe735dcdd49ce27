"""The programme over TLS: SASL_SSL to Kafka, `verify-full` to PostgreSQL, STARTTLS to the mail server; and what a
service does that must not trust what it is shown."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import httpx2
import pytest

from deploy import machine_secrets
from deploy.local.kafka_choice import UnavailableError, apache_required
from deploy.local.ports import free_port, says_ready
from deploy.local.process import Child, Command, Launch
from deploy.local.replicas import SERVICES
from deploy.local.stack import Stack
from deploy.local.state import State
from tests.conftest import not_run
from tests.support.consuming import records_of, until
from tests.support.encrypted import Certificates, encrypted_kafka, encrypted_mail, encrypted_postgres
from tests.support.rounds import PROJECT, Office, application, clock_map

pytestmark = pytest.mark.xdist_group("tls")


@dataclass(frozen=True, slots=True)
class Encrypted:
    stack: Stack
    certificates: Certificates
    mails: Path


@pytest.fixture(scope="module")
async def encrypted(
    request: pytest.FixtureRequest, state: State, forked: Launch, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Encrypted]:
    """All services, on servers of their own that take nothing in clear."""
    with State.temporary() as temporary:
        own = replace(temporary, cache=state.cache)
        certificates = Certificates.made(own.folder / "certificates")
        async with AsyncExitStack() as held:
            try:
                kafka = await held.enter_async_context(encrypted_kafka(own, certificates))
                postgres = await held.enter_async_context(encrypted_postgres(own, certificates))
            except UnavailableError as closed:
                if apache_required(os.environ):
                    raise
                not_run(request, str(closed))
            mails = own.folder / "encrypted-mails"
            port = await held.enter_async_context(encrypted_mail(mails, certificates.kafka))
            environment = {
                "SSL_CERT_FILE": str(certificates.authority),
                "FIRSTBUY_NOTIFY_SMTP_URL": f"smtp+starttls://localhost:{port}",
            }
            services = Stack.started(
                state=own, kafka=kafka, postgres=postgres, environment=environment, launch=forked, registries=False
            )
            yield Encrypted(await held.enter_async_context(services), certificates, mails)


async def test_an_application_is_judged_and_told_and_nothing_went_in_clear(encrypted: Encrypted) -> None:
    stack = encrypted.stack
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        await office.institution("kepco")
        round_id = await office.announce(rehearsal=clock_map(3600))
        await office.status(round_id, "open")
        answer = await client.post(f"/rounds/{round_id}/applications", json=application(1))
        assert answer.status_code == 201

        async def judged_and_told() -> bool:
            verdicts = await records_of(stack.kafka.settings, f"{stack.topic_prefix}verdicts.v1")
            return bool(verdicts) and bool(list(encrypted.mails.glob("*.eml")))

        await until(judged_and_told, "a verdict and a mail")
    assert "SASL_SSL" in stack.kafka.settings.security_protocol
    connection = await asyncpg.connect(stack.postgres.url)
    sessions = await connection.fetch(
        "SELECT datname, ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE client_addr IS NOT NULL"
    )
    await connection.close()
    assert {row["datname"] for row in sessions} >= {f"firstbuy_{service}" for service in SERVICES}
    assert all(row["ssl"] for row in sessions)
    assert not list(stack.mail_folder.glob("*.eml"))


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ("authority of the database", "its sslrootcert the authority's file"),
        ("name of the database", "not valid for '127.0.0.1'"),
        ("authority of Kafka", "stranger/authority.pem for this name"),
    ],
)
async def test_a_service_that_is_shown_another_certificate_is_not_ready_and_says_why(
    encrypted: Encrypted, wrong: str, named: str, tmp_path: Path, forked: Launch
) -> None:
    stack, stranger = encrypted.stack, tmp_path / "stranger"
    machine_secrets.make(machine_secrets.Folder(stranger), ("localhost",), ("localhost",), "")
    url, authority = stack.database_url("intake"), str(stranger / "authority.pem")
    kafka = stack.kafka.settings.as_environment()
    match wrong:
        case "authority of the database":
            url = url.replace(str(encrypted.certificates.authority), authority)
        case "name of the database":
            url = url.replace("@localhost:", "@127.0.0.1:")
        case _:
            kafka["FIRSTBUY_KAFKA_SSL_CA_FILE"] = authority
    port = free_port()
    environment = {
        **os.environ,
        **kafka,
        "FIRSTBUY_INTAKE_DATABASE_URL": url,
        "FIRSTBUY_INTAKE_HTTP_PORT": str(port),
        "FIRSTBUY_INTAKE_OPERATOR_TOKEN_HASH": "0" * 64,
    }
    log = tmp_path / "intake.log"
    command = Command([sys.executable, "-m", "services.intake"], log, environment, PROJECT)
    child = Child("intake-stranger", command, stack.state.records, forked)
    try:

        async def said() -> bool:
            return log.exists() and named in log.read_text()

        await until(said, "what to look at")
        assert child.running()
        assert not await says_ready(port)
    finally:
        await child.stop(5)
