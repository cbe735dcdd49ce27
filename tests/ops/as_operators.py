"""Does for a test what Strimzi's operators do on a cluster: `python -m tests.ops.as_operators SECRETS`.

It reads a list of KafkaTopic and KafkaUser, as the API server has them, and makes what they say on the broker that the
`FIRSTBUY_KAFKA_…` settings name. Passwords of users are files `USER-password` in the folder.
"""

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.contracts.access import Grant, Resource, Right
from shared.kafka.access import Access
from shared.service.settings import KafkaSettings

Document = Mapping[str, Any]


def grants_of(user: Document) -> Iterator[Grant]:
    """What each of its ACLs allows beside Describe, which reading and writing imply."""
    for acl in user["spec"]["authorization"]["acls"]:
        resource, rights = acl["resource"], set(acl["operations"]) - {"Describe"}
        for right in rights:
            yield Grant(
                user["metadata"]["name"], Right(right.lower()), Resource(resource["type"]), resource["name"],
                prefixed=resource["patternType"] == "prefix",
            )  # fmt: skip


async def make(documents: Sequence[Document], kafka: KafkaSettings, folder: Path) -> None:
    topics = [each for each in documents if each["kind"] == "KafkaTopic"]
    users = [each for each in documents if each["kind"] == "KafkaUser"]
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    await admin.start()
    try:
        wanted = [_topic(each["spec"]) for each in topics]
        answer = await admin.create_topics(wanted, timeout_ms=60_000)
        refused = [each for each in answer.topic_errors if each[1]]
        if refused:
            raise SystemExit(f"refused: {refused}")
    finally:
        await admin.close()
    access = Access(kafka)
    names = [each["metadata"]["name"] for each in users]
    await access.set_passwords({name: (folder / f"{name}-password").read_text() for name in names})
    await access.grant([grant for each in users for grant in grants_of(each)])
    print(f"{len(topics)} topics, {len(users)} users")  # noqa: T201 -- a command of its own


def _topic(spec: Document) -> NewTopic:
    """One copy of each: there is one broker."""
    config = {name: str(value) for name, value in spec["config"].items()}
    return NewTopic(spec["topicName"], spec["partitions"], 1, topic_configs=config)


if __name__ == "__main__":
    asyncio.run(make(json.load(sys.stdin)["items"], KafkaSettings(), Path(sys.argv[1])))
