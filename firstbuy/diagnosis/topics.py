"""Brokers and topics as found, against `shared/contracts/topics.py`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from firstbuy.diagnosis.check import Check, all_right_or, not_asked, right, wrong
from shared.contracts.topics import Topic, inbox, outbox, provisioned

PROVISION: Final = "python -m shared.kafka.provision"
REACHED: Final = '--bootstrap-server "$FIRSTBUY_KAFKA_BOOTSTRAP_SERVERS" --command-config client.properties'
"""How Kafka's own tools are pointed at the cluster."""
COPIES: Final = 3
IN_SYNC: Final = 2
_ENDINGS: Final = (".inbox.v1", ".outbox.v1")
_BROKER_CONFIG: Final = {"auto.create.topics.enable": "false"}


@dataclass(frozen=True, slots=True)
class TopicFound:
    """`copies`: of the partition that has the fewest. `config`: as in force, defaults included."""

    partitions: int
    copies: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class KafkaFound:
    """`brokers`: the configuration of each, by its id. Topics are named with the prefix."""

    brokers: Mapping[int, Mapping[str, str]]
    topics: Mapping[str, TopicFound]


def institutions(names: Iterable[str], prefix: str) -> list[str]:
    """The codes of institutions that have an inbox or an outbox among these topics."""
    found = set()
    for name in names:
        own = name.removeprefix(f"{prefix}institution.")
        for ending in _ENDINGS:
            if own != name and own.endswith(ending):
                found.add(own.removesuffix(ending))
    return sorted(found)


def compare_brokers(found: KafkaFound, *, secured: bool) -> list[Check]:
    """Settings of brokers on which the programme relies. What becomes of a topic without an ACL
    (`allow.everyone.if.no.acl.found`) is the authorizer's own, and brokers do not tell it."""
    faults = [
        wrong(
            f"broker {number}",
            f"{name}={config[name]}",
            f"set {name}={value} in the broker's configuration and restart it",
        )
        for number, config in sorted(found.brokers.items())
        for name, value in _BROKER_CONFIG.items()
        if config.get(name, value) != value
    ]
    if secured:
        faults += [
            wrong(f"broker {number}", "no authorizer: rights are not enforced", _AUTHORIZER)
            for number, config in sorted(found.brokers.items())
            if not config.get("authorizer.class.name")
        ]
    said = ", ".join(f"{name}={value}" for name, value in _BROKER_CONFIG.items())
    return all_right_or(faults, "brokers", f"{len(found.brokers)}, with {said}")


_AUTHORIZER: Final = (
    "set authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer in its configuration and "
    "restart it"
)


def compare_topics(found: KafkaFound, prefix: str, partitions: int) -> list[Check]:
    """Each declared topic, with partitions and configuration; what nobody declared. `partitions`: as
    FIRSTBUY_KAFKA_PARTITIONS."""
    wanted: dict[str, tuple[Topic, str]] = {prefix + topic.name: (topic, PROVISION) for topic in provisioned()}
    for code in institutions(found.topics, prefix):
        own = f"firstbuy institution onboard {code}"
        wanted |= {prefix + topic.name: (topic, own) for topic in (inbox(code), outbox(code))}
    faults = []
    for name, (topic, makes_it) in wanted.items():
        there = found.topics.get(name)
        if there is None:
            faults.append(wrong(f"topic {name}", "is not there", makes_it))
        else:
            faults += _partitions(name, there, topic.partitioned(partitions))
            faults += _config(name, there, topic.config)
    faults += _undeclared(found, prefix, wanted)
    return all_right_or(faults, "topics", f"{len(wanted)}, each as declared, and no other under {prefix!r}")


def _partitions(name: str, there: TopicFound, wanted: int) -> list[Check]:
    has = f"{there.partitions} partitions, declared {wanted}"
    if there.partitions < wanted:
        fix = f"between rounds, for it moves keys: kafka-topics.sh {REACHED} --alter --topic {name} --partitions"
        return [wrong(f"topic {name}", has, f"{fix} {wanted}")]
    if wanted == 1 < there.partitions:
        fix = "its order is lost and no partition can be removed: before the first round delete it (kafka-topics.sh"
        return [wrong(f"topic {name}", has, f"{fix} {REACHED} --delete --topic {name}), then {PROVISION}")]
    return []


def _config(name: str, there: TopicFound, wanted: Mapping[str, str]) -> list[Check]:
    return [
        wrong(
            f"topic {name}",
            f"{key}={there.config.get(key)}, declared {value}",
            f"kafka-configs.sh {REACHED} --alter --entity-type topics --entity-name {name} --add-config {key}={value}",
        )
        for key, value in wanted.items()
        if _parts(there.config.get(key, "")) != _parts(value)
    ]


def _parts(value: str) -> set[str]:
    return {part.strip() for part in value.split(",")}


def _undeclared(found: KafkaFound, prefix: str, wanted: Mapping[str, object]) -> list[Check]:
    if not prefix:
        return []  # everything on the cluster is under it
    return [
        wrong(
            f"topic {name}",
            "nobody declared it",
            f"look who writes it; if nobody needs it: kafka-topics.sh {REACHED} --delete --topic {name}",
        )
        for name in sorted(found.topics)
        if name.startswith(prefix) and name not in wanted
    ]


def compare_copies(found: KafkaFound, prefix: str) -> list[Check]:
    """Whether a broker may be lost without a record, and without a stop. Not judged below three brokers."""
    own = {name: topic for name, topic in sorted(found.topics.items()) if name.startswith(prefix)}
    if len(found.brokers) < COPIES:
        return [not_asked("copies", f"{len(found.brokers)} of {COPIES} brokers: to lose one may be to lose records")]
    faults = [
        wrong(
            f"topic {name}",
            f"{topic.copies} copies, of {COPIES}",
            f"name {COPIES} brokers for each of its partitions in copies.json, then kafka-reassign-partitions.sh "
            f"{REACHED} --reassignment-json-file copies.json --execute",
        )
        for name, topic in own.items()
        if topic.copies < COPIES
    ]
    faults += [
        wrong(
            f"topic {name}",
            f"min.insync.replicas={topic.config.get('min.insync.replicas')}",
            f"kafka-configs.sh {REACHED} --alter --entity-type topics --entity-name {name} "
            f"--add-config min.insync.replicas={IN_SYNC}",
        )
        for name, topic in own.items()
        if not IN_SYNC <= int(topic.config.get("min.insync.replicas", "1")) < max(COPIES, topic.copies)
    ]
    return faults or [right("copies", f"of each topic at least {COPIES}, {IN_SYNC} of them in step at each write")]
