"""Checks applications by their round's policy before they wait to be admitted."""

import asyncio
import time
from collections import OrderedDict
from datetime import datetime
from typing import Any, Final

import structlog
from pydantic import ValidationError

from services.intake.domain.fitness import Fitness
from services.intake.domain.refused import Refused, unfit
from services.intake.domain.rounds import RoundStatus
from services.intake.storage import policies
from shared.clock import TimeMap
from shared.contracts.events import Reason
from shared.contracts.facts import ApplicationFacts
from shared.contracts.policy import POLICY
from shared.service.postgres import Connection, Pool, connected
from shared.wording.in_korean import told

_log = structlog.get_logger()
CACHED_SECONDS: Final = 60.0
AT_MOST: Final = 100


class Fitnesses:
    """Checks by the round addressed: each policy is read once a minute, however many apply, and independently of
    others."""

    def __init__(self) -> None:
        self._cache: OrderedDict[str, tuple[float, Fitness]] = OrderedDict()
        self._reading: dict[str, asyncio.Task[Fitness | None]] = {}

    async def of(self, pool: Pool, round_id: str) -> Fitness | None:
        """The checks of a round; None for an unknown one, which admission refuses.

        Takes a connection where the policy is not cached.
        """
        if fitness := self._cached(round_id):
            return fitness
        reading = self._reading.get(round_id)
        if reading is None:
            reading = asyncio.create_task(self._read_in_background(pool, round_id))
            self._reading[round_id] = reading
            reading.add_done_callback(lambda done: self._done(round_id, done))
        return await asyncio.shield(reading)  # a caller that is cancelled leaves it to the others

    async def _read_in_background(self, pool: Pool, round_id: str) -> Fitness | None:
        async with connected(pool) as connection:
            return await self.read(connection, round_id)

    def _done(self, round_id: str, done: "asyncio.Task[Fitness | None]") -> None:
        del self._reading[round_id]
        if not done.cancelled():
            done.exception()  # raised to waiting callers, if there are any

    async def read(self, connection: Connection, round_id: str) -> Fitness | None:
        """Like `of`, on the given connection."""
        if known := self._cached(round_id):
            return known
        stored = await policies.of_round(connection, round_id)
        if stored is None:
            return None
        fitness = fitness_by(round_id, stored.policy, stored.time_map)
        if fitness and stored.status is not RoundStatus.ANNOUNCED:
            self._cache[round_id] = time.monotonic() + CACHED_SECONDS, fitness
            while len(self._cache) > AT_MOST:
                self._cache.popitem(last=False)
        return fitness

    def _cached(self, round_id: str) -> Fitness | None:
        until, fitness = self._cache.get(round_id, (0.0, None))
        return fitness if until > time.monotonic() else None


def fitness_by(round_id: str, policy: dict[str, Any], clock: TimeMap) -> Fitness | None:
    """The checks of a stored policy. None where it can't be read, which stops no entry: officers see it."""
    try:
        return Fitness(POLICY.validate_python(policy), clock)
    except ValidationError as error:
        _log.error("can't read policy", round=round_id, error=str(error))
        return None


def unfit_entry(
    fitness: Fitness | None, facts: ApplicationFacts, received_at: datetime, where: str = ""
) -> Refused | None:
    """Refused with every reason why it can never count. `where`: place of the facts in the body."""
    faults = fitness.faults(facts, received_at) if fitness else ()
    if faults:
        placed = tuple(fault.model_copy(update={"pointer": where + fault.pointer}) for fault in faults)
        return unfit("invalid-fields", "It could never count in this round: see each error.", placed)
    return None


def with_warnings(answer: dict[str, Any], fitness: Fitness | None, facts: ApplicationFacts) -> dict[str, Any]:
    """The answer to an application, with remarks if there are any."""
    remarks: tuple[Reason, ...] = fitness.warnings(facts) if fitness else ()
    return answer | ({"warnings": told(remarks)} if remarks else {})
