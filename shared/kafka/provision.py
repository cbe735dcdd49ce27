"""Creates the topics declared in `shared/contracts/topics.py`, with their settings. Run again, it changes nothing.

python -m shared.kafka.provision
"""

import asyncio
from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.contracts.topics import Topic, provisioned
from shared.settings import DeploymentSettings, KafkaSettings


class ProvisioningError(RuntimeError):
    """A broker refused a topic; the message has its reason."""


async def provision(topics: Iterable[Topic], kafka: KafkaSettings, prefix: str) -> list[str]:
    """Creates what is missing, returns the names created."""
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    await admin.start()
    try:
        copies = kafka.replication_factor or min(3, len((await admin.describe_cluster())["brokers"]))
        wanted = [
            NewTopic(prefix + topic.name, topic.partitions, copies, topic_configs=topic.config) for topic in topics
        ]
        there = set(await admin.list_topics())
        missing = [topic for topic in wanted if topic.name not in there]
        if not missing:
            return []
        response = await admin.create_topics(missing, timeout_ms=30_000)
    finally:
        await admin.close()
    created = []
    for name, code, *detail in response.topic_errors:
        error = for_code(code)
        if code == 0:
            created.append(name)
        elif error is not TopicAlreadyExistsError:
            raise ProvisioningError(f"topic {name}: {error.__name__} {detail}")
    return created


async def main() -> None:
    created = await provision(provisioned(), KafkaSettings(), DeploymentSettings().topic_prefix)
    print(f"created {len(created)} topics")  # noqa: T201 -- this is a command


if __name__ == "__main__":
    asyncio.run(main())
