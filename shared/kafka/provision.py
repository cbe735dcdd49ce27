"""Creates the topics declared in `shared/contracts/topics.py`, and, if users log in, gives each service's user the
rights of `shared/contracts/access.py`. It may be repeated.

python -m shared.kafka.provision [--topics-only]
"""

import argparse
import asyncio
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    BrokerResponseError,
    KafkaConnectionError,
    NoError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.metadata import MetadataRequest
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.contracts.access import SERVICES, service_grants, service_user
from shared.contracts.topics import Topic, provisioned
from shared.kafka.access import Access, AccessRefusedError
from shared.service.settings import DeploymentSettings, KafkaSettings
from shared.service.settings_files import Settings, UnreadableSettingError

AT_ONCE: Final = 200
"""Most topics in one request."""


class ProvisioningError(RuntimeError):
    """Kafka can't be reached, or a broker refused a topic; the message has its reason."""

    code = "kafka-provisioning"


class ProvisioningSettings(Settings):
    """Passwords of the services' users, for `python -m shared.kafka.provision` alone. The user that it works as is
    named by `FIRSTBUY_KAFKA_SASL_USERNAME`; it may create topics, and alter users and ACLs."""

    model_config = SettingsConfigDict(env_prefix="FIRSTBUY_PROVISION_", frozen=True)

    intake_password: SecretStr = Field(SecretStr(""), description="Set as intake's; empty: its user is left as it is.")
    eligibility_password: SecretStr = Field(SecretStr(""), description="Set as eligibility's, likewise.")
    selection_password: SecretStr = Field(SecretStr(""), description="Set as selection's, likewise.")
    notify_password: SecretStr = Field(SecretStr(""), description="Set as notify's, likewise.")

    def passwords(self) -> dict[str, str]:
        """The passwords that are set, by service."""
        given = {service: getattr(self, f"{service}_password").get_secret_value() for service in SERVICES}
        return {service: password for service, password in given.items() if password}


async def provision(topics: Iterable[Topic], kafka: KafkaSettings, prefix: str) -> list[str]:
    """Creates missing topics; returns their names. Raises ProvisioningError."""
    admin = await _started(kafka)
    try:
        copies = kafka.replication_factor or min(3, len((await admin.describe_cluster())["brokers"]))
        wanted = [
            NewTopic(prefix + topic.name, topic.partitioned(kafka.partitions), copies, topic_configs=topic.config)
            for topic in topics
        ]
        there = set(await admin.list_topics())
        missing = [topic for topic in wanted if topic.name not in there]
        created: list[str] = []
        for start in range(0, len(missing), AT_ONCE):
            response = await admin.create_topics(missing[start : start + AT_ONCE], timeout_ms=30_000)
            created += _created(response.topic_errors)
    finally:
        await admin.close()
    return created


def _created(results: Iterable[Sequence[object]]) -> list[str]:
    created = []
    for name, code, *detail in results:
        error = for_code(code)
        if code == 0:
            created.append(str(name))
        elif error is not TopicAlreadyExistsError:
            raise ProvisioningError(f"topic {name}: {error.__name__} {detail}")
    return created


async def remove(kafka: KafkaSettings, prefix: str) -> None:
    """Deletes every topic under the prefix, with its records; topics that the broker refuses to delete stay."""
    admin = await _started(kafka)
    try:
        under = [topic for topic in await admin.list_topics() if topic.startswith(prefix)]
        for start in range(0, len(under), AT_ONCE):
            await admin.delete_topics(under[start : start + AT_ONCE], timeout_ms=30_000)
    finally:
        await admin.close()


async def unseen(topics: Iterable[Topic], kafka: KafkaSettings, prefix: str) -> list[str]:
    """The names of topics that do not exist or that this user may not see."""
    return list(await absent([prefix + topic.name for topic in topics], kafka))


async def absent(names: Sequence[str], kafka: KafkaSettings) -> dict[str, type[BrokerResponseError]]:
    """The topics (named with prefix) that this user does not see, each with the broker's error."""
    admin = await _started(kafka)
    try:
        # `describe_topics` would make a broker with automatic creation create them, with its defaults.
        answer = await admin._send_request(MetadataRequest(list(names), allow_auto_topic_creation=False))
    finally:
        await admin.close()
    codes = {topic["topic"]: for_code(topic["error_code"]) for topic in answer.to_object()["topics"]}
    return {name: codes.get(name, UnknownTopicOrPartitionError) for name in names if codes.get(name) is not NoError}


async def provision_access(kafka: KafkaSettings, prefix: str, passwords: Mapping[str, str]) -> None:
    """Grants the services' rights, and sets the given passwords of their users. Raises AccessRefusedError."""
    access = Access(kafka)
    await access.set_passwords({service_user(prefix, service): given for service, given in passwords.items()})
    await access.grant(grant for service in SERVICES for grant in service_grants(prefix, service))


async def _started(kafka: KafkaSettings) -> AIOKafkaAdminClient:
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    try:
        await admin.start()
    except KafkaConnectionError as error:
        await admin.close()
        raise ProvisioningError(kafka.unreachable(error)) from error
    return admin


async def main(arguments: Sequence[str]) -> int:
    """Makes topics, users and rights as the declarations have them, and prints what it did."""
    parser = argparse.ArgumentParser(prog="python -m shared.kafka.provision")
    parser.add_argument("--topics-only", action="store_true", help="leave users and rights to others")
    given = parser.parse_args(arguments)
    try:
        kafka, prefix = KafkaSettings(), DeploymentSettings().topic_prefix
        created = await provision(provisioned(), kafka, prefix)
        print(f"created {len(created)} topics")  # noqa: T201 -- this is a command
        if kafka.secured and not given.topics_only:
            passwords = ProvisioningSettings().passwords()
            await provision_access(kafka, prefix, passwords)
            print(f"gave the services their rights, and {len(passwords)} of them a password")  # noqa: T201
    except (ProvisioningError, AccessRefusedError, UnreadableSettingError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
