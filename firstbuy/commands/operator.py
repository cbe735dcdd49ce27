"""Kafka as whoever runs it reaches it: for the few commands that do not speak HTTP alone."""

import asyncio
import os
from collections.abc import Coroutine
from typing import Any, TypeVar

from aiokafka.errors import KafkaError
from pydantic import ValidationError

from deploy.local.description import described, kafka_settings
from deploy.local.state import State, StateUnusableError
from firstbuy.commands.screen import fail
from shared.kafka.access import AccessRefusedError
from shared.kafka.provision import ProvisioningError
from shared.kafka.quotas import QuotaRefusedError
from shared.service.settings import DeploymentSettings, KafkaSettings

T = TypeVar("T")


def operator_kafka(url: str | None) -> tuple[KafkaSettings, str] | None:
    """The environment's Kafka where it names one, else that of the local stack that runs, and the topics' prefix. None
    where neither is there, or where `url` names another deployment than the local one."""
    try:
        if "FIRSTBUY_KAFKA_BOOTSTRAP_SERVERS" in os.environ:
            return KafkaSettings(), DeploymentSettings().topic_prefix
        running = None if url or os.environ.get("FIRSTBUY_URL") else described(State.opened())
    except (StateUnusableError, ValidationError) as error:
        fail(str(error))
    return None if running is None else (kafka_settings(running), str(running["topic_prefix"]))


def carried_out(change: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(change)
    except (AccessRefusedError, ProvisioningError, QuotaRefusedError, KafkaError) as error:
        fail(f"Kafka: {error}")
