"""What a stack says about itself in its state folder, for other processes' commands. Holds passwords: mode 0600."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from deploy.local.process import Identity, identity
from deploy.local.state import State
from shared.settings import KafkaSettings

if TYPE_CHECKING:
    from deploy.local.stack import Stack


def describe(stack: "Stack") -> str:
    supervisor = identity(os.getpid())
    kafka, postgres = stack.kafka, stack.postgres
    document = {
        "supervisor": asdict(supervisor) if supervisor else None,
        "topic_prefix": stack.topic_prefix,
        "kafka": {
            "kind": kafka.kind,
            "version": kafka.version,
            "bootstrap_servers": kafka.bootstrap_servers,
            "own_users": kafka.own_users,
        },
        "kafka_operator": kafka.settings.as_environment(),
        "postgres": {"kind": postgres.kind, "version": postgres.version, "address": postgres.address},
        "databases": dict(stack.databases),
        "registries": stack.registries_url,
        "mail_folder": str(stack.mail_folder),
        "logs": str(stack.state.logs),
        "services": {
            service: [
                {"name": kept.name, "url": url, "pid": kept.pid, "status": kept.status, "restarts": kept.restarts}
                for kept, url in zip(ones, stack.urls(service), strict=True)
            ]
            for service, ones in stack.services.items()
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def kafka_settings(running: Mapping[str, Any]) -> KafkaSettings:
    """How the commands of whoever owns the state folder reach Kafka: as its admin."""
    return KafkaSettings.from_environment(running["kafka_operator"])


def described(state: State) -> dict[str, Any] | None:
    """Of the stack that runs on this state now; None when there is none."""
    try:
        document: dict[str, Any] = json.loads(state.description.read_text(encoding="utf-8"))
        supervisor = Identity(**document["supervisor"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return document if identity(supervisor.pid) == supervisor else None
