"""Brokers, topics and ACLs, as the operator's user sees them. Nothing is changed."""

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
)

from firstbuy.diagnosis.rights import Acl
from firstbuy.diagnosis.topics import KafkaFound, TopicFound
from shared.kafka.access import librdkafka_arguments
from shared.service.settings import KafkaSettings

SECONDS: Final = 10.0
"""How long an answer may take. A refused password looks like a broker that is away: both take this long."""
_AT_ONCE: Final = 200
"""Most topics of whose configuration one request asks."""
_CLUSTER: Final = "cluster"


class KafkaUnaskedError(RuntimeError):
    """Kafka can't be reached, or does not answer this user; the message has its reason."""

    code = "kafka-unasked"


class KafkaAsked:
    """Asks one cluster with one user. Every call raises KafkaUnaskedError."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._admin = AdminClient(librdkafka_arguments(kafka) | {"log_level": 0})

    async def cluster(self, prefix: str) -> KafkaFound:
        """All brokers, and the topics under the prefix."""
        try:
            metadata = await asyncio.to_thread(self._admin.list_topics, timeout=SECONDS)
        except KafkaException as error:
            raise KafkaUnaskedError(self._kafka.unreachable(error.args[0].str())) from error
        own = {
            name: topic
            for name, topic in metadata.topics.items()
            if name.startswith(prefix) and not name.startswith("__")
        }
        configs = await self._configs(ConfigResource.Type.TOPIC, sorted(own))
        brokers = await self._configs(ConfigResource.Type.BROKER, [str(number) for number in metadata.brokers])
        topics = {
            name: TopicFound(
                len(topic.partitions),
                min((len(each.replicas) for each in topic.partitions.values()), default=0),
                configs[name],
            )
            for name, topic in own.items()
        }
        return KafkaFound({int(number): config for number, config in brokers.items()}, topics)

    async def acls(self) -> set[Acl]:
        """All ACLs of the cluster."""
        every = AclBindingFilter(
            ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
        )
        (bindings,) = await self._answers([await asyncio.to_thread(self._admin.describe_acls, every)])
        return {_acl(binding) for binding in bindings}

    async def _configs(self, kind: ConfigResource.Type, names: list[str]) -> Mapping[str, Mapping[str, str]]:
        found: dict[str, Mapping[str, str]] = {}
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            asked = await asyncio.to_thread(self._admin.describe_configs, [ConfigResource(kind, name) for name in some])
            answers = await self._answers(asked.values())
            for resource, entries in zip(asked, answers, strict=True):
                found[resource.name] = {name: entry.value or "" for name, entry in entries.items()}
        return found

    async def _answers(self, futures: Iterable[Future[Any]]) -> list[Any]:
        try:
            async with asyncio.timeout(SECONDS):
                return await asyncio.gather(*map(asyncio.wrap_future, futures))
        except TimeoutError:
            raise KafkaUnaskedError(self._kafka.unreachable(f"no answer in {SECONDS:.0f} s")) from None
        except KafkaException as error:
            raise KafkaUnaskedError(str(error.args[0].str())) from error


def _acl(binding: AclBinding) -> Acl:
    """Kafka's cluster is called a broker by that client."""
    kind = binding.restype.name.lower()
    return Acl(
        binding.principal,
        binding.operation.name.lower(),
        _CLUSTER if kind == "broker" else kind,
        binding.name,
        binding.resource_pattern_type.name.lower(),
        binding.host,
        binding.permission_type.name.lower(),
    )
