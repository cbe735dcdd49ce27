"""Broker settings common to the container and the local process: one combined KRaft node, every topic with one copy."""

BROKER_SETTINGS = {
    "node.id": "1",
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "BROKER",
    "auto.create.topics.enable": "false",
    # The internal topics' defaults ask for three brokers.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "5",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    # Thousands of partitions in a small heap: without these two it dies of fetch purgatory.
    "fetch.purgatory.purge.interval.requests": "20",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "message.max.bytes": "4194304",
}

HEAP = "-Xmx512m"


def as_properties(settings: dict[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def as_environment(settings: dict[str, str]) -> dict[str, str]:
    """The Apache image reads KAFKA_NODE_ID for node.id."""
    return {f"KAFKA_{name.replace('.', '_').upper()}": value for name, value in settings.items()}
