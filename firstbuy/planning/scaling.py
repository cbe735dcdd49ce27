"""KEDA's ScaledObjects: replicas follow what waits to be read, up to the partitions; around a close they stand still.

A group has no more consumers at work than its topic has partitions, so that is the ceiling. Before a close everything
is scaled up once, and stays so until the round is frozen: a rebalance costs seconds that nobody has then.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import yaml

from shared.contracts.access import consumer_group
from shared.contracts.topics import APPLICATIONS, SELECTIONS, VERDICTS, Topic
from shared.programme.working_days import KST

API: Final = "keda.sh/v1alpha1"
WAITING_PER_REPLICA: Final = 2_000
"""Records, as many as one step takes (`…_BATCH_RECORDS`)."""
FOLLOWED: Final[dict[str, tuple[Topic, ...]]] = {
    "intake": (VERDICTS,),
    "eligibility": (APPLICATIONS,),
    "selection": (APPLICATIONS, VERDICTS),
    "notify": (APPLICATIONS, VERDICTS, SELECTIONS),
}
"""The topics of each service whose records grow with the applications."""
BEFORE: Final = timedelta(hours=2)
AFTER: Final = timedelta(hours=1)
"""How long around a close the replicas stand still."""
PATIENCE_SECONDS: Final = 600
"""How long less must be enough before a replica is taken away."""


def scaled(
    prefix: str,
    bootstrap: str,
    partitions: int,
    least: int,
    most: int,
    closes: Sequence[datetime] = (),
) -> str:
    """YAML to apply: one ScaledObject for each service, of `least` to `most` replicas; `most` is cut to the partitions.

    `partitions`: of spread topics, 0: as declared. `closes`: rounds' closes that replicas are to stand still around.
    """
    documents = [
        _object(prefix, bootstrap, service, topics, partitions, (least, most), closes)
        for service, topics in FOLLOWED.items()
    ]
    return yaml.safe_dump_all(documents, sort_keys=False)


def _object(
    prefix: str,
    bootstrap: str,
    service: str,
    topics: Sequence[Topic],
    partitions: int,
    bounds: tuple[int, int],
    closes: Sequence[datetime],
) -> dict[str, Any]:
    least, most = bounds
    ceiling = min(most, *(topic.partitioned(partitions) for topic in topics))
    behaviour = {"scaleDown": {"stabilizationWindowSeconds": PATIENCE_SECONDS, "policies": [_one_a_minute()]}}
    return {
        "apiVersion": API,
        "kind": "ScaledObject",
        "metadata": {"name": service},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": service},
            "pollingInterval": 5,
            "cooldownPeriod": PATIENCE_SECONDS,
            "minReplicaCount": min(least, ceiling),
            "maxReplicaCount": ceiling,
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behaviour}},
            "triggers": [
                *(_lag(prefix, bootstrap, service, topic) for topic in topics),
                *([_busy()] if service == "intake" else []),
                *(_stands(close, ceiling) for close in closes),
            ],
        },
    }


def _lag(prefix: str, bootstrap: str, service: str, topic: Topic) -> dict[str, Any]:
    return {
        "type": "kafka",
        "metadata": {
            "bootstrapServers": bootstrap,
            "consumerGroup": consumer_group(prefix, service, topic),
            "topic": prefix + topic.name,
            "lagThreshold": str(WAITING_PER_REPLICA),
            "offsetResetPolicy": "earliest",
            "sasl": "scram_sha512",
            "tls": "enable",
        },
        "authenticationRef": {"name": f"kafka-{service}"},
    }


def _busy() -> dict[str, Any]:
    """Admission is HTTP, so no lag says how much of it waits."""
    return {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "60"}}


def _stands(close: datetime, replicas: int) -> dict[str, Any]:
    begins, ends = (moment.astimezone(KST) for moment in (close - BEFORE, close + AFTER))
    return {
        "type": "cron",
        "metadata": {
            "timezone": "Asia/Seoul",
            "start": _at(begins),
            "end": _at(ends),
            "desiredReplicas": str(replicas),
        },
    }


def _at(moment: datetime) -> str:
    return f"{moment.minute} {moment.hour} {moment.day} {moment.month} *"


def _one_a_minute() -> dict[str, Any]:
    return {"type": "Pods", "value": 1, "periodSeconds": 60}
