"""`firstbuy doctor --deployment` on real parts: a deployment as declared is all right, and each planted fault is named
with its fix."""

import asyncio
import json
from collections.abc import AsyncIterator

import asyncpg
import httpx2
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from typer.testing import CliRunner

from deploy.local.ports import free_port
from deploy.local.replicas import provision_kafka
from deploy.local.stack import Stack
from firstbuy.cli import assembled
from firstbuy.diagnosis.outside import REGISTRIES
from shared.contracts.access import SERVICES, Grant, Resource, Right, service_user
from shared.contracts.topics import DELIVERIES, ROUNDS, dead_letters
from shared.kafka.access import Access, librdkafka_arguments
from tests.support.consuming import until
from tests.support.scraped import scraped, total
from tests.support.stacks import LastingStack

pytestmark = [
    pytest.mark.apache_kafka,
    pytest.mark.xdist_group("doctor"),  # one stack for the whole file
]
Check = dict[str, str]
POOL = "firstbuy_database_connections"


@pytest.fixture
def stack(request: pytest.FixtureRequest, apache_kafka_or_not_run: None, own_users: None) -> Stack:
    """Started once, where it can be."""
    started: Stack = request.getfixturevalue("deployment")
    return started


@pytest.fixture(scope="module")
async def deployment(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    async with lasting_stack(SERVICES) as running:
        yield running


def operator(stack: Stack) -> dict[str, str]:
    """The environment of an operator who reaches everything by its address."""
    return {
        **stack.kafka.settings.as_environment(),
        "FIRSTBUY_TOPIC_PREFIX": stack.topic_prefix,
        "FIRSTBUY_URL": f"{stack.url('intake')}/",
        **{f"FIRSTBUY_{service.upper()}_URL": stack.url(service) for service in SERVICES[1:]},
        **{f"FIRSTBUY_{service.upper()}_DATABASE_URL": stack.database_url(service) for service in SERVICES},
    }


def examined(stack: Stack, *words: str, **environment: str) -> tuple[int, list[Check]]:
    """The exit code and every check."""
    own = {"FIRSTBUY_STATE": str(stack.state.folder), **environment}
    told = CliRunner(env=own).invoke(assembled(), ["doctor", "--deployment", "--json", *words])
    checks: list[Check] = json.loads(told.stdout)
    return told.exit_code, checks


def of(checks: list[Check], state: str) -> list[str]:
    return [check["subject"] for check in checks if check["state"] == state]


async def test_a_deployment_as_declared_is_all_right(stack: Stack, client: httpx2.AsyncClient) -> None:
    async def measured() -> bool:
        pools = [total(await scraped(client, stack.url(service)), POOL, state="most") for service in SERVICES]
        return all(pools)

    await until(measured, "the connections of each service in its metrics")
    by_address = await asyncio.to_thread(examined, stack, **operator(stack))
    local = await asyncio.to_thread(examined, stack)
    named = await asyncio.to_thread(examined, stack, *(f"--from={stack.url(service)}" for service in SERVICES))
    for code, checks in (by_address, local, named):
        assert of(checks, "wrong") == []
        assert code == 0
    outside = {"mail", *REGISTRIES}
    assert set(of(by_address[1], "not asked")) == {"copies", "documents", *outside}
    assert set(of(local[1], "not asked")) == {"copies", *outside}, "the local stack says where its documents are"
    databases = {f"database of {service}" for service in SERVICES}
    assert set(of(named[1], "not asked")) == {"Kafka", "documents", *databases, *outside}
    there = set(of(by_address[1], "ok"))
    assert {"versions", "brokers", "topics", "rights", *databases} < there
    assert f"room in the server of {', '.join(sorted(SERVICES))}" in there
    for service in SERVICES:
        name = f"{service} at {stack.url(service)}"
        assert {f"{name}: {part}" for part in ("live", "ready", "clock", "certificates", "keys")} < there
    assert f"intake at {stack.url('intake')}: clock and database" in there


async def plant_in_kafka(stack: Stack) -> None:
    """What no service that runs notices: a stray topic, a lost one, another retention, too many partitions, rights too
    many and one too few."""
    prefix, access = stack.topic_prefix, Access(stack.kafka.settings)
    admin = AIOKafkaAdminClient(**stack.kafka.settings.client_arguments())
    await admin.start()
    try:
        await admin.create_topics([NewTopic(f"{prefix}stray", 1, 1)])
        await admin.delete_topics([lost(prefix)])
        short = {"retention.ms": "86400000", "cleanup.policy": "delete"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, prefix + DELIVERIES.name, short)])
        await admin.create_partitions({wide(prefix): NewPartitions(total_count=2)})
    finally:
        await admin.close()
    await access.revoke([Grant(service_user(prefix, "selection"), Right.READ, Resource.TOPIC, prefix + ROUNDS.name)])
    user = service_user(prefix, "notify")
    await access.grant([Grant(user, Right.WRITE, Resource.TOPIC, prefix + ROUNDS.name)])
    cluster = (ResourceType.BROKER, "kafka-cluster", ResourcePatternType.LITERAL)
    given = AclBinding(*cluster, f"User:{user}", "*", AclOperation.ALTER, AclPermissionType.ALLOW)
    giving = AdminClient(librdkafka_arguments(stack.kafka.settings))
    for made in giving.create_acls([given]).values():
        await asyncio.wrap_future(made)


def lost(prefix: str) -> str:
    return prefix + dead_letters(ROUNDS.name, "notify").name


def wide(prefix: str) -> str:
    return prefix + dead_letters(ROUNDS.name, "eligibility").name


async def plant_in_databases(stack: Stack) -> None:
    """A migration that is missing, one that was another, and no published key."""
    for service, statement in (
        ("eligibility", "DELETE FROM schema_migrations WHERE name = 'shared/0004_audit_heads'"),
        ("selection", "UPDATE schema_migrations SET sha256 = 'other' WHERE name = 'shared/0004_audit_heads'"),
        ("notify", "DELETE FROM published_keys"),
    ):
        connection = await asyncpg.connect(stack.database_url(service))
        await connection.execute(statement)
        await connection.close()


async def test_each_fault_is_named_with_its_fix(stack: Stack) -> None:
    await stack.stop("selection")
    await plant_in_kafka(stack)
    await plant_in_databases(stack)
    nowhere = f"postgresql://nobody:hidden@127.0.0.1:{free_port()}/none"
    environment = operator(stack) | {"FIRSTBUY_INTAKE_DATABASE_URL": nowhere}
    code, checks = await asyncio.to_thread(examined, stack, **environment)
    prefix = stack.topic_prefix
    notify, selection = (f"User:{service_user(prefix, service)}" for service in ("notify", "selection"))
    wanted = {
        (f"selection at {stack.url('selection')}", "does not answer", "docs/runbooks.md, Service down"),
        (f"notify at {stack.url('notify')}: keys", "no list of keys", "FIRSTBUY_NOTIFY_SIGNING_KEY_FILE"),
        (f"topic {prefix}stray", "nobody declared it", f"--delete --topic {prefix}stray"),
        (f"topic {lost(prefix)}", "is not there", "python -m shared.kafka.provision"),
        (f"topic {prefix}{DELIVERIES.name}", "retention.ms=86400000", "--add-config retention.ms=315360000000"),
        (f"topic {wide(prefix)}", "2 partitions, declared 1", f"--delete --topic {wide(prefix)}"),
        (f"rights of {selection}", f"lacks: allow read on topic {prefix}{ROUNDS.name}", "shared.kafka.provision"),
        (f"rights of {notify}", f"allow write on topic {prefix}{ROUNDS.name}", "--remove --force --allow-principal"),
        (f"rights of {notify}", "allow alter on cluster kafka-cluster", "--operation Alter --cluster"),
        ("database of eligibility: migrations", "lacks shared/0004_audit_heads", "services.eligibility migrate"),
        ("database of selection: migrations", "shared/0004_audit_heads", "restore these files"),
        ("database of intake", "can't be reached", 'psql "$FIRSTBUY_INTAKE_DATABASE_URL"'),
    }
    wrong = [check for check in checks if check["state"] == "wrong"]
    for subject, found, fix in wanted:
        assert [
            check for check in wrong if check["subject"] == subject and found in check["found"] and fix in check["fix"]
        ], (subject, found, fix)
    assert {check["subject"] for check in wrong} == {subject for subject, _, _ in wanted}
    assert code == 1
    assert "hidden" not in json.dumps(checks)
    await provision_kafka(stack.kafka, prefix)
    _, after = await asyncio.to_thread(examined, stack, **environment)
    left = [check for check in after if check["state"] == "wrong"]
    mended = [check for check in wrong if "shared.kafka.provision" in check["fix"] and "--delete" not in check["fix"]]
    assert len(mended) == 2
    assert left == [check for check in wrong if check not in mended]
