"""A topic may repeat what it said and say it in any order: whoever reads one takes the highest version and epoch."""

import itertools
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.kafka import KafkaServer
from firstbuy.demo.account import RESULTS
from firstbuy.demo.observer import FOLLOWED, Observer
from firstbuy.simulate.recorded import recorded_round
from firstbuy.simulate.registries import recorded_answers
from services.eligibility.domain.compiled import PolicyRules
from shared.contracts import topics
from shared.contracts.policy import RegistryUse
from shared.contracts.registries import Registry
from shared.contracts.topics import Topic
from shared.kafka.cloudevents import TYPE_PREFIX, TYPE_SUFFIX
from shared.kafka.provision import provision
from shared.service.settings import KafkaSettings
from tests.data.facts import policy
from tests.support.consuming import every_record_of, records_of

GOLDEN = Path(__file__).parents[1] / "contract" / "golden"
ROUND = "2018-h2"
APPLICATION = "0b5ed0a2-6a30-4b3b-9a1f-53a5c07b9c55"
Told = tuple[Topic, str, dict[str, Any]]


def golden(name: str, **changes: Any) -> tuple[str, dict[str, Any]]:
    return name, json.loads((GOLDEN / f"{name}.v1.1.json").read_text()) | {"round": ROUND} | changes


def backwards_and_again(told: Iterable[Told]) -> list[Told]:
    """Newest first, then all of it once more in its order, then the oldest."""
    told = list(told)
    return [*reversed(told), *told, told[0]]


@pytest.fixture
def kafka(kafka_server: KafkaServer) -> KafkaSettings:
    return kafka_server.settings


async def publish(kafka: KafkaSettings, prefix: str, told: Iterable[Told], *, same_ids: bool = False) -> None:
    """Each record under an id of its own, as if nobody could know it again, or each event under one."""
    await provision({topic.name: topic for topic, *_ in told}.values(), kafka, prefix)
    numbers = itertools.count()
    producer = AIOKafkaProducer(**kafka.client_arguments())
    await producer.start()
    try:
        for topic, name, body in told:
            value = json.dumps(body).encode()
            identifier = value if same_ids else str(next(numbers)).encode()
            headers = [("ce_type", f"{TYPE_PREFIX}{name}{TYPE_SUFFIX}".encode()), ("ce_id", identifier)]
            await producer.send_and_wait(prefix + topic.name, value, key=b"one key", headers=headers)
    finally:
        await producer.stop()


async def test_the_demo_s_observer(kafka: KafkaSettings, topic_prefix: str) -> None:
    its = {"application": APPLICATION}
    told = [
        (topics.MILESTONES, *golden("InputsCommitted", epoch=1)),
        (topics.MILESTONES, *golden("InputsCommitted", epoch=2)),
        (topics.VERDICTS, *golden("ApplicationJudged", **its, version=1, epoch=1)),
        (topics.VERDICTS, *golden("ApplicationJudged", **its, version=2, epoch=1)),
        (topics.VERDICTS, *golden("ApplicationJudged", **its, version=2, epoch=2)),
        (topics.SELECTIONS, *golden("ProductNotSelected", **its, epoch=1)),
        (topics.SELECTIONS, *golden("ProductSelected", **its, epoch=2)),
        (topics.DELIVERIES, *golden("NoticeDelivered", channel="mail")),
    ]
    await provision(FOLLOWED, kafka, topic_prefix)
    await publish(kafka, topic_prefix, backwards_and_again(told))
    observer = await Observer.started(kafka.client_arguments(), topic_prefix, ROUND)
    try:
        await observer.follow(FOLLOWED)
        assert await observer.until(lambda: observer.records == 2 * len(told) + 1, 20)
        await observer.drained()
    finally:
        await observer.stop()
    seen = observer.seen(ROUND)
    assert (seen.newest("InputsCommitted") or {})["epoch"] == 2
    ((_, verdict),) = seen.standing("ApplicationJudged").values()
    assert (verdict["version"], verdict["epoch"]) == (2, 2)
    assert [name for name, _ in seen.standing(*RESULTS).values()] == ["ProductSelected"]
    assert seen.delivered == {"mail": 1}


async def test_the_simulator_s_reading_of_a_round(kafka: KafkaSettings, topic_prefix: str) -> None:
    sets = [golden("RoundFrozen", epoch=1), golden("EpochOpened", epoch=2), golden("EpochOpened", epoch=3)]
    for count, (_, body) in enumerate(sets, 100):
        body["applications"] |= {"count": count}
    told = [(topics.ROUNDS, *golden("RoundOpened")), *((topics.ROUNDS, name, body) for name, body in sets)]
    await publish(kafka, topic_prefix, backwards_and_again(told))
    _, frozen = await recorded_round(kafka, topic_prefix, ROUND)
    assert frozen == 102


async def test_the_simulator_s_reading_of_registries(kafka: KafkaSettings, topic_prefix: str) -> None:
    answers = [golden("RegistryAnswered", epoch=epoch) for epoch in (1, 2)]
    for said_at, (_, body) in zip(("2018-09-01T00:00:00Z", "2018-09-02T00:00:00Z"), answers, strict=True):
        body["answer"] |= {"said_at": said_at}
    told = [(topics.REGISTRY_ANSWERS, name, body) for name, body in answers]
    await publish(kafka, topic_prefix, backwards_and_again(told))
    uses = (RegistryUse(registry=Registry.BUSINESS_STATUS, authority="국세청 (NTS)", kinds=()),)
    rules = PolicyRules.compile(replace(policy("2018-h2"), registries=uses), "0" * 64)
    said = await recorded_answers(kafka, topic_prefix, ROUND, rules)
    ((epoch, answer),) = said.answers.values()
    assert (epoch, answer.said_at.day) == (2, 2)


async def test_the_reading_of_these_tests(kafka: KafkaSettings, topic_prefix: str) -> None:
    told = [(topics.VERDICTS, *golden("ApplicationJudged", version=version)) for version in (1, 2, 3)]
    await publish(kafka, topic_prefix, [*told, *backwards_and_again(told)], same_ids=True)
    name = topic_prefix + topics.VERDICTS.name
    assert [json.loads(record.value)["version"] for record in await records_of(kafka, name)] == [1, 2, 3]
    assert len(await every_record_of(kafka, name)) == 10
