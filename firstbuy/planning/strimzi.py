"""The same as a plan, for clusters where others make topics and users: Strimzi's resources (v1, from Strimzi 0.49).

Strimzi takes away what a user has and its resource does not name. So a plan names all that a service may do, with every
institution there is, and is to be applied whole.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import yaml

from shared.contracts.access import (
    SERVICES,
    Grant,
    Right,
    institution_grants,
    institution_user,
    joining_grants,
    sending_grants,
    service_grants,
    service_user,
)
from shared.contracts.topics import Topic, inbox, outbox, provisioned

API: Final = "kafka.strimzi.io/v1"
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


class UnplannableError(ValueError):
    """A name that Kubernetes does not take; the message has it."""

    code = "unplannable"


def plan(
    prefix: str,
    cluster: str,
    copies: int,
    *,
    joining: Sequence[str],
    known: Iterable[str] = (),
    suspended: Iterable[str] = (),
    quota: int,
    shared: bool = False,
    partitions: int = 0,
) -> str:
    """YAML to apply. `joining`: institutions whose topics and users are in it; `known`: others that are there, so that
    services keep their rights; `shared`: the deployment's own topics too; `partitions`: of the spread ones, 0: as
    declared."""
    topics = [*(provisioned() if shared else ()), *(topic for code in joining for topic in (inbox(code), outbox(code)))]
    documents = [_topic(prefix, cluster, copies, topic, partitions) for topic in topics]
    everyone, held = sorted({*joining, *known}), set(suspended)
    at_institutions = {grant for code in everyone for grant in joining_grants(prefix, code)}
    for service in SERVICES:
        user = service_user(prefix, service)
        own = {grant for grant in at_institutions if grant.user == user}
        if shared or own:
            documents.append(_user(cluster, user, service_grants(prefix, service) | own))
    for code in joining:
        grants = institution_grants(prefix, code) - (sending_grants(prefix, code) if code in held else set())
        documents.append(_user(cluster, institution_user(prefix, code), grants, quota))
    return yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True)


def _topic(prefix: str, cluster: str, copies: int, topic: Topic, partitions: int) -> dict[str, Any]:
    spec = {
        "topicName": prefix + topic.name,
        "partitions": topic.partitioned(partitions),
        "replicas": copies,
        "config": dict(topic.config),
    }
    return _resource("KafkaTopic", cluster, _name((prefix + topic.name).lower().replace("_", "-")), spec)


def _user(cluster: str, user: str, grants: Iterable[Grant], quota: int | None = None) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "authentication": {"type": "scram-sha-512"},
        "authorization": {"type": "simple", "acls": [_acl(grant) for grant in sorted(grants)]},
    }
    if quota is not None:
        spec["quotas"] = {"producerByteRate": quota}
    return _resource("KafkaUser", cluster, _name(user), spec)


def _acl(grant: Grant) -> dict[str, Any]:
    pattern = "prefix" if grant.prefixed else "literal"
    return {
        "resource": {"type": grant.resource.value, "name": grant.name, "patternType": pattern},
        "operations": ["Read" if grant.right is Right.READ else "Write", "Describe"],
        "host": "*",
    }


def _resource(kind: str, cluster: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "labels": {"strimzi.io/cluster": cluster}}
    return {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}


def _name(name: str) -> str:
    """A user's name is its resource's, so a prefix must be one that Kubernetes takes."""
    if not _NAME.fullmatch(name):
        raise UnplannableError(
            f"{name!r} can't be the name of a Kubernetes resource: FIRSTBUY_TOPIC_PREFIX in lower case"
        )
    return name
