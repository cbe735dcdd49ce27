"""A round's process as it is known: what its releases are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.selection.domain.ocds.awards import Awarding
from services.selection.domain.ocds.names import Names
from services.selection.domain.ocds.purchases import Reported
from services.selection.domain.offers import Demand
from shared.contracts.events import (
    InputsCommitted,
    RoundAmended,
    RoundAnnounced,
    RoundExtended,
    RoundFrozen,
    RoundOpened,
    RoundVoided,
    SelectionConfirmed,
)

ProcessEvent = (
    RoundAnnounced
    | RoundAmended
    | RoundOpened
    | RoundExtended
    | RoundFrozen
    | InputsCommitted
    | SelectionConfirmed
    | RoundVoided
)


@dataclass(frozen=True, slots=True)
class DatedEvent:
    """An event as it was published; `came_at`, in programme time, is of those that say no moment of their own."""

    event: ProcessEvent
    came_at: datetime | None = None

    @property
    def moment(self) -> datetime:
        match self.event:
            case RoundAnnounced(opens_at=opens_at):
                before = opens_at - timedelta(seconds=1)  # planning comes before the tender, whenever it was heard of
                return min(self.came_at or before, before)
            case RoundAmended(opens_at=opens_at):
                return min(self.came_at or opens_at, opens_at)
            case RoundOpened(opens_at=opens_at):
                return opens_at
            case RoundExtended(closed_at_before=closed):
                return self.came_at or closed
            case RoundFrozen(frozen_at=at) | InputsCommitted(committed_at=at):
                return at
            case SelectionConfirmed(confirmed_at=at) | RoundVoided(voided_at=at):
                return at


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """`tenderers`: firms by the epoch of a commitment; `demand`: the requests of the first result; of `awardings` those
    of one occasion stand together."""

    round: str
    title: str
    events: Sequence[DatedEvent]
    names: Names
    tenderers: Mapping[int, int]
    demand: Sequence[Demand]
    awardings: Sequence[Awarding]
    reports: Sequence[Reported]
