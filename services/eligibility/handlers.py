"""Kafka: decisions about rounds, and completions that this service published itself."""

from collections.abc import Sequence

from pydantic_core import from_json

from services.eligibility.storage import registry_answers, rounds
from shared.contracts.events import (
    EligibilityCompleted,
    EpochOpened,
    RegistryWaived,
    RoundFrozen,
    RoundOpened,
    RoundVoided,
)
from shared.kafka.cloudevents import Outgoing
from shared.kafka.records import Event, events_of
from shared.kafka.step import Incoming
from shared.proof.canonical import json_hash
from shared.service.postgres import Connection


class PolicyHashError(ValueError):
    """The policy is not the one that the opening's hash was made of."""

    code = "policy-hash"


async def keep_rounds(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Stores openings, frozen sets, epochs, waived registries and void rounds. Raises PolicyHashError."""
    for event in batch:
        if not isinstance(event, Event):
            continue
        match event.body:
            case RoundOpened() as opened:
                policy = from_json(event.raw)["policy"]
                if json_hash(policy) != opened.policy_hash:
                    raise PolicyHashError(f"round {opened.round}: policy and policy_hash differ")
                await rounds.save_opened(connection, opened, policy)
            case RoundFrozen() as frozen:
                fixed = frozen.applications, frozen.frozen_at
                await rounds.save_frozen(connection, frozen.round, frozen.epoch, *fixed)
            case EpochOpened() as next_epoch:
                await rounds.save_epoch(connection, next_epoch)
            case RegistryWaived() as waived:
                await registry_answers.save_waiver(connection, waived.round, waived.registry)
            case RoundVoided() as voided:
                await rounds.save_void(connection, voided.round)
    return ()


async def keep_completions(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Stores completions that this service published before its database was emptied or restored."""
    for event in events_of(batch, EligibilityCompleted):
        await rounds.save_published_completion(connection, event.body)
    return ()
