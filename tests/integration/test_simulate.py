"""`firstbuy simulate` over a real Kafka: what it reads is what was recorded, and nothing is left behind."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from deploy.local.kafka import KafkaServer
from firstbuy.commands.simulate import replayed, sampled
from firstbuy.policy_review.checking import policy_hash
from firstbuy.simulate.recorded import NotReadableError, UnknownRoundError
from firstbuy.simulate.sample import APPLIED, ROUND, TITLE, sample_policy, sample_records
from shared.contracts import topics
from shared.contracts.policy import POLICY, Policy, RegistryUse
from shared.contracts.registries import Registry
from shared.contracts.topics import Topic
from shared.kafka.cloudevents import TYPE_PREFIX, TYPE_SUFFIX
from shared.kafka.provision import provision
from shared.service.settings import KafkaSettings
from tests.data.facts import policy
from tests.support.firstbuy_command import firstbuy

Record = tuple[str, str, bytes]
H1, H2 = policy("2018-h1"), policy("2018-h2")
GOLDEN = Path(__file__).parents[1] / "contract" / "golden"


def opened(round_id: str, of: Policy) -> Record:
    """RoundOpened as intake says it."""
    body = json.loads((GOLDEN / "RoundOpened.v1.1.json").read_text())
    stated = POLICY.dump_python(of, mode="json")
    body |= {"round": round_id, "title": TITLE, "policy": stated, "policy_hash": policy_hash(of)}
    return round_id, "RoundOpened", json.dumps(body).encode()


async def write(kafka: KafkaSettings, name: str, records: Iterable[Record]) -> None:
    producer = AIOKafkaProducer(**kafka.client_arguments())
    await producer.start()
    try:
        for key, kind, body in records:
            headers = [("ce_type", f"{TYPE_PREFIX}{kind}{TYPE_SUFFIX}".encode())]
            await producer.send(name, body, key=key.encode(), headers=headers)
    finally:
        await producer.stop()


@pytest.fixture
async def kafka(kafka_server: KafkaServer, topic_prefix: str) -> KafkaSettings:
    """With the sample recorded: reordered, repeated, among another round's."""
    settings = kafka_server.settings
    await provision((topics.ROUNDS, topics.APPLICATIONS), settings, topic_prefix)
    own = sample_policy(H1)
    await write(settings, f"{topic_prefix}rounds.v1", [opened("2018-h2", H2), opened(ROUND, own)])
    sample = list(sample_records(own))
    foreign = [(key, kind, body.replace(b'"2018-h1"', b'"2018-h2"')) for key, kind, body in sample[:60]]
    recorded = [*sample, *sample[::4], *foreign, ("x", "ApplicationSubmitted", b"?")]
    Random(3).shuffle(recorded)  # noqa: S311
    await write(settings, f"{topic_prefix}applications.v1", recorded)
    return settings


async def test_a_round_replayed_from_its_topic_is_the_round_that_was_recorded(
    kafka: KafkaSettings, topic_prefix: str
) -> None:
    results = await replayed(kafka, topic_prefix, ROUND, H2)
    expected = sampled(H2)
    assert results.unreadable == 1
    assert replace(results, records=expected.records, unreadable=0, frozen=expected.frozen) == expected
    assert results.frozen is None
    assert await replayed(kafka, topic_prefix, ROUND, H2) == results, "read again, the same"


async def test_no_group_and_no_topic_is_left_behind(kafka: KafkaSettings, topic_prefix: str) -> None:
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    await admin.start()
    try:
        before = await admin.list_consumer_groups(), sorted(await admin.list_topics())
        await replayed(kafka, topic_prefix, ROUND, H2)
        assert (await admin.list_consumer_groups(), sorted(await admin.list_topics())) == before
    finally:
        await admin.close()


async def test_versions_spread_by_added_partitions_are_still_one_application(
    kafka: KafkaSettings, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The topic has more partitions than it was declared with: nothing is settled before the end."""
    few = Topic(
        name="applications.v1",
        key="application id",
        writers=("intake",),
        events=topics.APPLICATIONS.events,
        partitions=6,
    )
    monkeypatch.setattr(topics, "APPLICATIONS", few)
    own = sample_policy(H1)
    moved = [("another key", kind, body) for _, kind, body in sample_records(own)]
    await write(kafka, f"{topic_prefix}applications.v1", moved)
    assert (await replayed(kafka, topic_prefix, ROUND, H2)).applied == APPLIED


async def test_a_round_that_was_never_opened_and_a_topic_that_is_not_there_are_named(
    kafka: KafkaSettings, topic_prefix: str
) -> None:
    with pytest.raises(UnknownRoundError, match="2018-h1, 2018-h2"):
        await replayed(kafka, topic_prefix, "2031-h1", H2)
    with pytest.raises(NotReadableError, match="prefix"):
        await replayed(kafka, "elsewhere.", ROUND, H2)


async def test_a_kafka_that_does_not_answer_is_named() -> None:
    with pytest.raises(NotReadableError, match=r"127\.0\.0\.1:9"):
        await replayed(KafkaSettings(bootstrap_servers="127.0.0.1:9"), "x.", ROUND, H2)


async def test_both_policies_are_judged_by_what_the_rounds_registries_said(
    kafka: KafkaSettings, topic_prefix: str
) -> None:
    """Everybody's number is one no registry knows, but one that was waived: only that one is in business for sure."""
    uses = (RegistryUse(registry=Registry.BUSINESS_STATUS, authority="국세청 (NTS)"),)
    own = replace(sample_policy(H1), registries=uses)
    await provision((topics.REGISTRY_ANSWERS,), kafka, topic_prefix)
    await write(kafka, f"{topic_prefix}rounds.v1", [opened(ROUND, own)])
    submitted = [json.loads(body) for _, kind, body in sample_records(own) if kind == "ApplicationSubmitted"]
    numbers = sorted({body["facts"]["applicant"]["business_number"] for body in submitted})
    said = [
        {"registry": "business-status", "subject": number, "outcome": "unknown", "said_at": "2018-05-15T00:00:00Z"}
        for number in numbers
    ]
    answers = [(ROUND, 1, each) for each in said] + [("2018-h2", 9, said[0] | {"outcome": "waived"})]
    bodies = [{"round": name, "epoch": epoch, "answer": answer} for name, epoch, answer in answers]
    records = [(body["round"], "RegistryAnswered", json.dumps(body).encode()) for body in bodies]
    await write(kafka, f"{topic_prefix}registry-answers.v1", [(str(key), kind, body) for key, kind, body in records])
    results = await replayed(kafka, topic_prefix, ROUND, H1)
    assert (results.applied, results.eligible) == (APPLIED, (0, 0))


async def test_the_command_reads_its_kafka_from_the_environment(
    kafka: KafkaSettings, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in kafka.as_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FIRSTBUY_TOPIC_PREFIX", topic_prefix)
    policies = Path(__file__).parents[2] / "deploy" / "policies"
    code, printed = await firstbuy("simulate", "--round", ROUND, "--policy", str(policies / "2018-h2.yaml"), "--json")
    assert code == 0, printed
    assert json.loads(printed)["applied"] == APPLIED
