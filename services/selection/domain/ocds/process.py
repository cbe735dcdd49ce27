"""A round's contracting process: the facts that its releases are made of."""

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
    """A published event. `came_at` (programme time) serves for events that state no time of their own."""

    event: ProcessEvent
    came_at: datetime | None = None

    @property
    def moment(self) -> datetime:
        """When the event happened, in programme time."""
        match self.event:
            case RoundAnnounced(opens_at=opens_at):
                before = opens_at - timedelta(
                    seconds=1
                )  # planning comes before the tender, whenever the event was read
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
    """`tenderers`: number of firms by commitment epoch. `demand`: the requests of the first result. `awardings` are
    grouped by occasion."""

    round: str
    title: str
    events: Sequence[DatedEvent]
    names: Names
    tenderers: Mapping[int, int]
    demand: Sequence[Demand]
    awardings: Sequence[Awarding]
    reports: Sequence[Reported]
