"""Users of a real Kafka: each service and each institution can do its work, and nothing else."""

import asyncio
import os
import sys
from dataclasses import dataclass

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import ClusterAuthorizationFailedError, TransactionalIdAuthorizationFailed

from deploy.local.kafka import KafkaServer
from deploy.local.replicas import provision_kafka, service_settings
from deploy.local.state import PROJECT
from firstbuy.onboarding.cluster import Cluster
from shared.contracts import topics
from shared.contracts.access import (
    SERVICES,
    institution_grants,
    institution_user,
    joining_grants,
    service_grants,
    service_user,
)
from shared.contracts.topics import inbox, outbox
from shared.kafka.access import Access, AccessRefusedError
from shared.kafka.provision import ProvisioningError, provision
from shared.service.settings import KafkaSettings
from tests.support.kafka_users import logs_in, may_create, may_read, may_write

pytestmark = [
    pytest.mark.apache_kafka,
    pytest.mark.xdist_group("access"),  # one deployment for the whole file
]
INSTITUTIONS = ("kepco", "kepco-2")
"""One's name begins with the other's."""


@dataclass(frozen=True)
class Secured:
    server: KafkaServer
    cluster: Cluster
    passwords: dict[str, str]

    @property
    def prefix(self) -> str:
        return self.cluster.prefix

    def service(self, name: str) -> KafkaSettings:
        return service_settings(self.server, self.prefix, name)

    def institution(self, code: str, password: str | None = None) -> KafkaSettings:
        return self.server.settings.as_user(self.cluster.user(code), password or self.passwords[code])

    def inbox(self, code: str) -> str:
        return self.prefix + inbox(code).name

    def outbox(self, code: str) -> str:
        return self.prefix + outbox(code).name


@pytest.fixture
def secured(request: pytest.FixtureRequest, apache_kafka_or_not_run: None, own_users: None) -> Secured:
    """Made once, where it can be."""
    made: Secured = request.getfixturevalue("deployment")
    return made


@pytest.fixture(scope="module")
async def deployment(kafka_server: KafkaServer) -> Secured:
    """All topics and users of a deployment with two institutions, and a record on each topic that is read here."""
    kafka, prefix = kafka_server.settings, "access."
    cluster = Cluster(kafka, prefix)
    await provision_kafka(kafka_server, prefix)
    await cluster.join(INSTITUTIONS)
    made = Secured(kafka_server, cluster, await cluster.first_passwords(INSTITUTIONS))
    shared = [prefix + topic.name for topic in topics.SHARED_TOPICS]
    await fill(kafka, (*shared, *map(made.inbox, INSTITUTIONS), *map(made.outbox, INSTITUTIONS)))
    return made


async def fill(kafka: KafkaSettings, names: tuple[str, ...]) -> None:
    producer = AIOKafkaProducer(acks="all", **kafka.client_arguments())
    await producer.start()
    for name in names:
        await producer.send_and_wait(name, b"{}", key=b"k", partition=0)
    await producer.stop()


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_has_just_the_rights_of_the_table(secured: Secured, service: str) -> None:
    user = service_user(secured.prefix, service)
    given = set(service_grants(secured.prefix, service))
    for code in INSTITUTIONS:
        given |= {grant for grant in joining_grants(secured.prefix, code) if grant.user == user}
    assert await Access(secured.server.settings).granted(user) == given


async def test_the_command_of_operators_provisions_and_is_safe_to_repeat(secured: Secured, topic_prefix: str) -> None:
    password = f"{topic_prefix}secret"
    environment = {"FIRSTBUY_TOPIC_PREFIX": topic_prefix, "FIRSTBUY_PROVISION_INTAKE_PASSWORD": password}

    async def said(*arguments: str) -> str:
        command = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "shared.kafka.provision", *arguments),
            env={**os.environ, **secured.server.settings.as_environment(), **environment},
            cwd=PROJECT,
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await command.communicate()
        assert command.returncode == 0
        return out.decode()

    every = len(list(topics.provisioned()))
    assert await said("--topics-only") == f"created {every} topics\n"
    user = secured.server.settings.as_user(service_user(topic_prefix, "intake"), password)
    assert not await logs_in(user)
    rights = "gave the services their rights, and 1 of them a password\n"
    assert await said() == await said() == "created 0 topics\n" + rights
    assert await logs_in(user)
    assert await may_write(user, topic_prefix + topics.APPLICATIONS.name)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_reads_what_it_consumes_in_its_own_groups(secured: Secured, service: str) -> None:
    for topic in topics.CONSUMED[service]:
        group = f"{secured.prefix}{service}.{topic.name}"
        assert await may_read(secured.service(service), secured.prefix + topic.name, group), topic.name


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_writes_its_topics_and_its_dead_letters(secured: Secured, service: str) -> None:
    written = [topic for topic in topics.SHARED_TOPICS if service in topic.writers]
    written += [topics.dead_letters(topic.name, service) for topic in topics.CONSUMED[service]]
    for topic in written:
        assert await may_write(secured.service(service), secured.prefix + topic.name), topic.name


@pytest.mark.parametrize(
    ("service", "topic"),
    [("eligibility", topics.CONTACTS), ("selection", topics.CONTACTS), ("notify", topics.PURCHASE_REQUESTS)],
)
async def test_a_service_reads_nothing_it_does_not_consume(secured: Secured, service: str, topic: topics.Topic) -> None:
    assert not await may_read(secured.service(service), secured.prefix + topic.name)


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("notify", topics.ROUNDS.name),
        ("notify", inbox("kepco").name),
        ("selection", inbox("kepco").name),
        ("eligibility", topics.SELECTIONS.name),
        ("eligibility", outbox("kepco").name),
        ("selection", topics.VERDICTS.name),
        ("selection", topics.CONTACTS.name),
        ("intake", topics.VERDICTS.name),
    ],
)
async def test_a_service_writes_nothing_that_others_write(secured: Secured, service: str, name: str) -> None:
    assert not await may_write(secured.service(service), secured.prefix + name)


async def test_intake_writes_to_an_inbox_what_its_institution_uploads(secured: Secured) -> None:
    assert await may_write(secured.service("intake"), secured.inbox("kepco"))


@pytest.mark.parametrize("service", ["notify", "selection"])
async def test_no_service_but_intake_reads_an_inbox(secured: Secured, service: str) -> None:
    assert not await may_read(secured.service(service), secured.inbox("kepco"))
    assert await may_read(secured.service("intake"), secured.inbox("kepco"))


async def test_a_service_can_not_take_anothers_place_in_a_group(secured: Secured) -> None:
    group = f"{secured.prefix}eligibility.{topics.ROUNDS.name}"
    assert not await may_read(secured.service("notify"), secured.prefix + topics.ROUNDS.name, group)


async def test_a_service_can_not_make_topics_nor_give_rights(secured: Secured) -> None:
    intake = secured.service("intake")
    assert not await may_create(intake, f"{secured.prefix}institution.more.inbox.v1")
    with pytest.raises(AccessRefusedError, match="may not alter users and ACLs"):
        await Access(intake).grant(institution_grants(secured.prefix, "more"))
    with pytest.raises(AccessRefusedError, match="may not alter users and ACLs"):
        await Access(intake).set_passwords({institution_user(secured.prefix, "more"): "x" * 16})


async def test_an_institution_sends_hears_and_keeps_its_place(secured: Secured) -> None:
    kepco = secured.institution("kepco")
    assert await may_write(kepco, secured.inbox("kepco"))
    assert await may_read(kepco, secured.outbox("kepco"), f"{secured.cluster.user('kepco')}.purchasing")


async def test_an_institution_sends_idempotently(secured: Secured) -> None:
    kepco = secured.institution("kepco").client_arguments()
    producer = AIOKafkaProducer(acks="all", enable_idempotence=True, **kepco)
    await producer.start()
    await producer.send_and_wait(secured.inbox("kepco"), b"{}", key=b"k")
    await producer.stop()


async def test_an_institution_writes_no_topic_but_its_inbox(secured: Secured) -> None:
    kepco = secured.institution("kepco")
    shared = [secured.prefix + topic.name for topic in topics.SHARED_TOPICS]
    for name in (secured.inbox("kepco-2"), secured.outbox("kepco"), secured.outbox("kepco-2"), *shared):
        assert not await may_write(kepco, name), name


async def test_an_institution_reads_no_topic_but_its_outbox(secured: Secured) -> None:
    kepco = secured.institution("kepco")
    shared = [secured.prefix + topic.name for topic in topics.SHARED_TOPICS]
    names = (secured.outbox("kepco-2"), secured.inbox("kepco"), secured.inbox("kepco-2"), *shared)
    read = await asyncio.gather(*(may_read(kepco, name) for name in names))
    assert [name for name, given in zip(names, read, strict=True) if given] == []


async def test_an_institution_uses_no_group_of_others(secured: Secured) -> None:
    kepco = secured.institution("kepco")
    for group in (f"{secured.cluster.user('kepco-2')}.1", f"{secured.prefix}notify.rounds.v1", "anything"):
        assert not await may_read(kepco, secured.outbox("kepco"), group), group


async def test_an_institution_makes_no_topics_and_no_transactions(secured: Secured) -> None:
    kepco = secured.institution("kepco")
    assert not await may_create(kepco, f"{secured.cluster.user('kepco')}.more.v1")
    producer = AIOKafkaProducer(transactional_id="kepco", **kepco.client_arguments())
    with pytest.raises(TransactionalIdAuthorizationFailed):
        await producer.start()
    await producer.stop()


async def test_who_has_no_user_is_told_to_check_the_password(secured: Secured) -> None:
    nobody = secured.institution("kepco", "not its password")
    assert not await logs_in(nobody)
    with pytest.raises(
        ProvisioningError, match=r"Check the address, and user 'access[.]institution[.]kepco' and its pass"
    ):
        await provision((), nobody, secured.prefix)


async def test_who_may_write_nothing_can_not_even_begin_idempotently(secured: Secured) -> None:
    access, user = Access(secured.server.settings), f"{secured.prefix}stranger"
    await access.set_passwords({user: "a password"})
    stranger = secured.server.settings.as_user(user, "a password").client_arguments()
    producer = AIOKafkaProducer(enable_idempotence=True, **stranger)
    with pytest.raises(ClusterAuthorizationFailedError):
        await producer.start()
    await producer.stop()
    await access.remove_users([user])


async def test_who_floods_is_slowed_and_nobody_else(secured: Secured) -> None:
    """By the order of what happens: a quota bounds the mean over ten seconds, so ten seconds' worth pass at once; of
    the next records each waits for the one before, and meanwhile the other sends more than it."""
    rate, at_once, slowed = 30_000, 11, 4
    await secured.cluster.join(["kepco"], quota=rate)
    flooding, other = (
        AIOKafkaProducer(acks="all", linger_ms=0, **secured.institution(code).client_arguments())
        for code in INSTITUTIONS
    )
    await asyncio.gather(flooding.start(), other.start())

    async def flood(count: int) -> None:
        for _ in range(count):
            await flooding.send_and_wait(secured.inbox("kepco"), b"x" * rate, key=b"k")

    try:
        await flood(at_once)
        flood_ends, sent = asyncio.create_task(flood(slowed)), 0
        while not flood_ends.done():
            await other.send_and_wait(secured.inbox("kepco-2"), b"{}", key=b"k")
            sent += 1
            await asyncio.sleep(0.05)
        assert sent > 2 * slowed
    finally:
        await asyncio.gather(flooding.stop(), other.stop())
        await secured.cluster.join(["kepco"])


async def test_after_a_rotation_the_password_before_is_refused(secured: Secured) -> None:
    assert await logs_in(secured.institution("kepco-2"))
    password = await secured.cluster.rotate("kepco-2")
    assert password is not None
    assert not await logs_in(secured.institution("kepco-2"))
    assert await may_write(secured.institution("kepco-2", password), secured.inbox("kepco-2"))
    secured.passwords["kepco-2"] = password


async def test_a_suspended_institution_can_not_send_and_still_hears(secured: Secured) -> None:
    kepco = secured.institution("kepco")
    await secured.cluster.suspend("kepco")
    assert not await may_write(kepco, secured.inbox("kepco"))
    assert await may_read(kepco, secured.outbox("kepco"))
    assert await may_read(secured.service("intake"), secured.inbox("kepco")), "what is in the inbox stays"
    await secured.cluster.resume("kepco")
    assert await may_write(kepco, secured.inbox("kepco"))


async def test_joining_twice_changes_nothing(secured: Secured) -> None:
    access = Access(secured.server.settings)
    before = await access.granted(secured.cluster.user("kepco"))
    await secured.cluster.join(["kepco"])
    assert await secured.cluster.first_passwords(["kepco"]) == {}
    assert await access.granted(secured.cluster.user("kepco")) == before
    assert before == institution_grants(secured.prefix, "kepco")
    assert await logs_in(secured.institution("kepco"))


async def test_who_left_is_no_user_any_more_and_its_inbox_is_still_read(secured: Secured) -> None:
    await secured.cluster.join(["gone"])
    (password,) = (await secured.cluster.first_passwords(["gone"])).values()
    gone = secured.institution("gone", password)
    assert await may_write(gone, secured.inbox("gone"))
    await secured.cluster.leave("gone")
    assert not await logs_in(gone)
    assert await Access(secured.server.settings).granted(secured.cluster.user("gone")) == set()
    assert await may_read(secured.service("intake"), secured.inbox("gone"))
    await secured.cluster.leave("gone")
