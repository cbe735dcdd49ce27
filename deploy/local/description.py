"""Reads what a stack wrote about itself in its state folder, for other processes' commands. It holds passwords."""

import json
from collections.abc import Mapping
from typing import Any

from deploy.local.process import Identity, identity
from deploy.local.state import State
from shared.service.settings import KafkaSettings


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
