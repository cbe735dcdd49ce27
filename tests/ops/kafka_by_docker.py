"""A broker by testcontainers, as `firstbuy up` and the tests take it where a Docker daemon answers; one record through
it: `python -m tests.ops.kafka_by_docker`.
"""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.kafka_docker import FromDocker
from deploy.local.state import State
from tests.support.kafka_users import logs_in, may_read, may_write


async def main() -> None:
    """Prints how it went, and ends with an error where it went otherwise."""
    road = FromDocker()
    told = await road.open()
    with State.temporary() as state:
        kafka = await road.start(state, fresh=True, report=lambda *_: None)
        try:
            admin = AIOKafkaAdminClient(**kafka.settings.client_arguments())
            await admin.start()
            try:
                await admin.create_topics([NewTopic("tried", 1, 1)])
            finally:
                await admin.close()
            written, read = await may_write(kafka.settings, "tried"), await may_read(kafka.settings, "tried")
            stranger = await logs_in(kafka.settings.as_user("admin", "another"))
        finally:
            await kafka.stop()
    print(f"{told}; Kafka {kafka.version}: written {written}, read {read}, a wrong password logs in {stranger}")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
