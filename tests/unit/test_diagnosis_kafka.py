"""What `firstbuy doctor --deployment` says of brokers, topics and rights, by tables of what was found."""

from dataclasses import replace
from typing import Final

import pytest

from firstbuy.diagnosis.check import Check, State
from firstbuy.diagnosis.rights import Acl, acl_of, compare_rights
from firstbuy.diagnosis.topics import (
    KafkaFound,
    TopicFound,
    compare_brokers,
    compare_copies,
    compare_topics,
    institutions,
)
from shared.contracts.access import SERVICES, institution_grants, joining_grants, service_grants
from shared.contracts.topics import inbox, outbox, provisioned

PREFIX: Final = "firstbuy."
AUTHORIZER: Final = {"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer"}
BROKER: Final = {"auto.create.topics.enable": "false"} | AUTHORIZER
IN_STEP: Final = {"min.insync.replicas": "2"}
TOPICS: Final = {
    PREFIX + topic.name: TopicFound(topic.partitions, 3, topic.config | IN_STEP)
    for topic in (*provisioned(), inbox("kepco"), outbox("kepco"))
}
DECLARED: Final = KafkaFound({1: BROKER, 2: BROKER, 3: BROKER}, TOPICS)
ROUNDS: Final = f"{PREFIX}rounds.v1"
VERDICTS: Final = f"{PREFIX}verdicts.v1"
INBOX: Final = f"{PREFIX}institution.kepco.inbox.v1"
ACCESS: Final = f"{PREFIX}access.v1"


def wrongs(checks: list[Check]) -> list[tuple[str, str, str]]:
    return [(check.subject, check.found, check.fix) for check in checks if check.state is State.WRONG]


def with_topic(name: str, **changed: object) -> KafkaFound:
    there = replace(TOPICS.get(name, TopicFound(1, 3, IN_STEP)), **changed)  # type: ignore[arg-type]
    return replace(DECLARED, topics=TOPICS | {name: there})


def without(name: str) -> KafkaFound:
    return replace(DECLARED, topics={other: topic for other, topic in TOPICS.items() if other != name})


def test_a_cluster_as_declared_is_one_line_for_each_subject() -> None:
    checks = [
        *compare_brokers(DECLARED, secured=True),
        *compare_topics(DECLARED, PREFIX, 0),
        *compare_copies(DECLARED, PREFIX),
    ]
    assert [(check.subject, check.state) for check in checks] == [
        ("brokers", State.OK),
        ("topics", State.OK),
        ("copies", State.OK),
    ]


@pytest.mark.parametrize(
    ("found", "subject", "says", "fix"),
    [
        (without(ROUNDS), ROUNDS, "is not there", "python -m shared.kafka.provision"),
        (without(INBOX), INBOX, "is not there", "firstbuy institution onboard kepco"),
        (with_topic(VERDICTS, partitions=6), VERDICTS, "6 partitions, declared 12", "--partitions 12"),
        (with_topic(ROUNDS, partitions=2), ROUNDS, "2 partitions, declared 1", "--delete --topic firstbuy.rounds.v1"),
        (
            with_topic(ROUNDS, config={"cleanup.policy": "delete", "retention.ms": "5", "retention.bytes": "-1"}),
            ROUNDS,
            "retention.ms=5, declared -1",
            "--entity-name firstbuy.rounds.v1 --add-config retention.ms=-1",
        ),
        (
            with_topic(ACCESS, config={"cleanup.policy": "compact,delete"}),
            ACCESS,
            "cleanup.policy=compact,delete, declared compact",
            "--add-config cleanup.policy=compact",
        ),
        (
            with_topic(INBOX, config={**TOPICS[INBOX].config, "message.timestamp.type": "CreateTime"}),
            INBOX,
            "message.timestamp.type=CreateTime, declared LogAppendTime",
            "--add-config message.timestamp.type=LogAppendTime",
        ),
        (with_topic(f"{PREFIX}stray"), f"{PREFIX}stray", "nobody declared it", "--delete --topic firstbuy.stray"),
    ],
)
def test_a_topic_that_is_not_as_declared_is_named(found: KafkaFound, subject: str, says: str, fix: str) -> None:
    ((where, what, how),) = wrongs(compare_topics(found, PREFIX, 0))
    assert (where, what) == (f"topic {subject}", says)
    assert fix in how


def test_more_partitions_than_declared_are_no_fault_where_keys_spread_records() -> None:
    assert wrongs(compare_topics(with_topic(VERDICTS, partitions=48), PREFIX, 0)) == []


def test_partitions_are_as_the_deployment_chose_them() -> None:
    found = wrongs(compare_topics(DECLARED, PREFIX, 48))
    assert {what for _, what, _ in found} == {"12 partitions, declared 48", "6 partitions, declared 48"}
    assert ROUNDS not in {where.removeprefix("topic ") for where, _, _ in found}


def test_without_a_prefix_topics_of_others_are_not_judged() -> None:
    bare = {name.removeprefix(PREFIX): topic for name, topic in TOPICS.items()} | {"theirs": TopicFound(1, 1, {})}
    assert wrongs(compare_topics(replace(DECLARED, topics=bare), "", 0)) == []


@pytest.mark.parametrize(
    ("config", "secured", "says"),
    [
        (BROKER | {"auto.create.topics.enable": "true"}, True, ["auto.create.topics.enable=true"]),
        ({"auto.create.topics.enable": "false"}, True, ["no authorizer: rights are not enforced"]),
        ({"auto.create.topics.enable": "false"}, False, []),
    ],
)
def test_a_broker_that_makes_topics_or_asks_nobody_is_named(
    config: dict[str, str], secured: bool, says: list[str]
) -> None:
    found = wrongs(compare_brokers(replace(DECLARED, brokers={1: BROKER, 2: config}), secured=secured))
    assert [(where, what) for where, what, _ in found] == [("broker 2", what) for what in says]


@pytest.mark.parametrize(
    ("topic", "says"),
    [
        ({"copies": 2}, "2 copies, of 3"),
        ({"config": {**TOPICS[ROUNDS].config, "min.insync.replicas": "1"}}, "min.insync.replicas=1"),
        ({"config": {**TOPICS[ROUNDS].config, "min.insync.replicas": "3"}}, "min.insync.replicas=3"),
    ],
)
def test_too_few_copies_are_named_and_so_is_a_write_that_waits_for_too_few_or_all(
    topic: dict[str, object], says: str
) -> None:
    ((where, what, fix),) = wrongs(compare_copies(with_topic(ROUNDS, **topic), PREFIX))
    assert (where, what) == (f"topic {ROUNDS}", says)
    assert "kafka-" in fix


def test_copies_are_not_judged_below_three_brokers() -> None:
    (check,) = compare_copies(replace(DECLARED, brokers={1: BROKER}), PREFIX)
    assert check.state is State.NOT_ASKED


def test_institutions_are_told_by_their_topics() -> None:
    names = [INBOX, f"{PREFIX}institution.lh.outbox.v1", ROUNDS, "other.institution.x.inbox.v1", f"{INBOX}.notify.dlq"]
    assert institutions(names, PREFIX) == ["kepco", "lh"]


GIVEN: Final = frozenset(
    acl_of(grant)
    for grants in (
        *(service_grants(PREFIX, service) for service in SERVICES),
        joining_grants(PREFIX, "kepco"),
        institution_grants(PREFIX, "kepco"),
    )
    for grant in grants
)
NOTIFY: Final = "User:firstbuy.notify"
KEPCO: Final = "User:firstbuy.institution.kepco"


def test_the_rights_of_the_table_are_all_right() -> None:
    (check,) = compare_rights(GIVEN, PREFIX, ["kepco"])
    assert check.state is State.OK


@pytest.mark.parametrize(
    ("acl", "fix"),
    [
        (Acl(NOTIFY, "read", "topic", ROUNDS), "python -m shared.kafka.provision"),
        (Acl(NOTIFY, "read", "group", "firstbuy.notify.", "prefixed"), "python -m shared.kafka.provision"),
        (Acl("User:firstbuy.intake", "read", "topic", INBOX), "firstbuy institution onboard kepco"),
    ],
)
def test_a_right_that_is_missing_is_named(acl: Acl, fix: str) -> None:
    assert wrongs(compare_rights(GIVEN - {acl}, PREFIX, ["kepco"])) == [
        (f"rights of {acl.principal}", f"lacks: {acl}", fix)
    ]


def test_an_institution_that_is_suspended_lacks_nothing() -> None:
    own = Acl(KEPCO, "write", "topic", INBOX)
    assert own in GIVEN
    assert wrongs(compare_rights(GIVEN - {own}, PREFIX, ["kepco"])) == []


@pytest.mark.parametrize(
    ("acl", "fix"),
    [
        (
            Acl(NOTIFY, "write", "topic", ROUNDS),
            "--allow-principal 'User:firstbuy.notify' --operation Write --topic 'firstbuy.rounds.v1' "
            "--resource-pattern-type literal",
        ),
        (Acl(NOTIFY, "all", "topic", "firstbuy.", "prefixed"), "--operation All --topic 'firstbuy.' --resource-patt"),
        (Acl(NOTIFY, "alter", "cluster", "kafka-cluster"), "--operation Alter --cluster --resource-pattern-type liter"),
        (Acl(NOTIFY, "read", "topic", ROUNDS, permission="deny"), "--deny-principal 'User:firstbuy.notify'"),
        (Acl(NOTIFY, "read", "topic", ROUNDS, host="192.0.2.1"), "--allow-host 192.0.2.1 --operation Read"),
        (Acl(NOTIFY, "unknown", "unknown", "User:me"), "--list --principal 'User:firstbuy.notify'"),
        (Acl(NOTIFY, "write", "transactional_id", "x"), "--operation Write --transactional-id 'x'"),
        (Acl(KEPCO, "read", "topic", f"{PREFIX}institution.lh.outbox.v1"), f"--allow-principal '{KEPCO}'"),
        (Acl("User:firstbuy.institution.gone", "write", "topic", INBOX), "--operation Write"),
        (Acl("User:*", "describe_configs", "topic", ROUNDS), "--operation DescribeConfigs"),
        (Acl("User:*", "read", "topic", "first", "prefixed"), "--allow-principal 'User:*'"),
        (Acl("User:*", "read", "group", "*"), "--group '*'"),
    ],
)
def test_a_right_that_nobody_gave_is_named_with_its_removal(acl: Acl, fix: str) -> None:
    ((where, what, how),) = wrongs(compare_rights(GIVEN | {acl}, PREFIX, ["kepco"]))
    assert (where, what) == (f"rights of {acl.principal}", f"has, and no table gives it: {acl}")
    assert fix in how


@pytest.mark.parametrize(
    "acl",
    [
        Acl("User:monitoring", "describe", "topic", "*"),
        Acl("User:other.notify", "write", "topic", "other.rounds.v1"),
        Acl("User:*", "read", "topic", "other.rounds.v1"),
        Acl("User:*", "read", "topic", "other.", "prefixed"),
    ],
)
def test_rights_of_others_are_theirs(acl: Acl) -> None:
    assert wrongs(compare_rights(GIVEN | {acl}, PREFIX, ["kepco"])) == []
