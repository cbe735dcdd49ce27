"""Kafka rights: the one table from which users, ACLs, plans and the check against AsyncAPI are made.

A service's rights follow from `topics`; an institution's are its inbox, its outbox and consumer groups of its own. An
inbox and an outbox begin with the same words, and Kafka has no pattern for what ends a name: so services get their
rights on them one by one, as institutions join. Writing idempotently needs no right but to write.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.contracts.topics import (
    CONSUMED,
    INBOX_READER,
    READ_BACK,
    SHARED_TOPICS,
    Topic,
    dead_letters,
    inbox,
    outbox,
)

SERVICES: Final = ("intake", "eligibility", "selection", "notify")


def consumer_group(prefix: str, service: str, topic: Topic) -> str:
    """The group in which a service reads a topic: one for each, so that none waits for another's rebalance."""
    return f"{prefix}{service}.{topic.name}"


class Right(StrEnum):
    """Both include the right to see that the resource exists."""

    READ = "read"
    WRITE = "write"


class Resource(StrEnum):
    TOPIC = "topic"
    GROUP = "group"


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One ACL of a user, for any host. `prefixed`: for every resource whose name begins with `name`."""

    user: str
    right: Right
    resource: Resource
    name: str
    prefixed: bool = False


def service_user(prefix: str, service: str) -> str:
    """The Kafka user of a service."""
    return f"{prefix}{service}"


def institution_user(prefix: str, code: str) -> str:
    """The Kafka user of an institution."""
    return f"{prefix}institution.{code}"


def service_grants(prefix: str, service: str) -> set[Grant]:
    """The rights of a service before the first institution joins."""
    user = service_user(prefix, service)
    read = [*CONSUMED[service], *READ_BACK.get(service, ())]
    written = [topic for topic in SHARED_TOPICS if service in topic.writers]
    written += [dead_letters(topic.name, service) for topic in CONSUMED[service]]
    return {
        *_on_topics(user, Right.READ, prefix, read),
        *_on_topics(user, Right.WRITE, prefix, written),
        # A group's name goes on with the topic's: the dot keeps a service's groups from another's that begins alike.
        Grant(user, Right.READ, Resource.GROUP, f"{prefix}{service}.", prefixed=True),
    }


def institution_grants(prefix: str, code: str) -> set[Grant]:
    """The rights of an institution: write its inbox, read its outbox, commit offsets.

    No transactions, no shared topics.
    """
    user = institution_user(prefix, code)
    return {
        *_on_topics(user, Right.WRITE, prefix, [inbox(code)]),
        *_on_topics(user, Right.READ, prefix, [outbox(code)]),
        Grant(user, Right.READ, Resource.GROUP, f"{prefix}institution.{code}.", prefixed=True),
    }


def sending_grants(prefix: str, code: str) -> set[Grant]:
    """The rights that a suspension removes."""
    return {grant for grant in institution_grants(prefix, code) if grant.right is Right.WRITE}


def joining_grants(prefix: str, code: str) -> set[Grant]:
    """The rights of services on the two topics of an institution. They outlast the institution's own rights: what it
    sent is still read, and its notices are still written."""
    reader = service_user(prefix, INBOX_READER)
    return {
        *_on_topics(reader, Right.READ, prefix, [inbox(code), outbox(code)]),
        *_on_topics(reader, Right.WRITE, prefix, [inbox(code)]),
        *(
            grant
            for writer in outbox(code).writers
            for grant in _on_topics(service_user(prefix, writer), Right.WRITE, prefix, [outbox(code)])
        ),
    }


def _on_topics(user: str, right: Right, prefix: str, topics: Iterable[Topic]) -> set[Grant]:
    return {Grant(user, right, Resource.TOPIC, prefix + topic.name) for topic in topics}
