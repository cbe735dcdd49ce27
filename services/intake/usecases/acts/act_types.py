"""What acts of every kind are made of: the terms that stand now, and what is done once two officers agree on them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.intake.domain.acts import ProposedAct
from services.intake.domain.entries import is_id
from services.intake.domain.refused import Refused, unfit
from services.intake.storage.rounds import StoredRound
from shared.clock import not_before
from shared.contracts.events import Reason
from shared.contracts.values import Actor
from shared.kafka.cloudevents import Outgoing
from shared.proof.signing import Signer
from shared.service.postgres import Connection

Terms = dict[str, Any]


def text(asked: Terms, name: str) -> str | Refused:
    """A term that is a text, or empty where it is missing. Terms come as anything."""
    value = asked.get(name, "")
    if not isinstance(value, str):
        reason = Reason(pointer=f"/terms/{name}", code="no-text", detail="it is no text", fix="write it in quotes")
        return unfit("invalid-fields", f"The term {name} is no text.", (reason,))
    return value


def ids(asked: Terms, name: str) -> list[str] | Refused:
    """A term that is a list of ids of applications; empty where it is missing."""
    value: Any = asked.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and is_id(item) for item in value):
        fix = "write a list of ids as receipts have them"
        reason = Reason(pointer=f"/terms/{name}", code="no-ids", detail="these are no ids", fix=fix)
        return unfit("invalid-fields", f"The term {name} is no list of ids.", (reason,))
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """An act that two officers agree on, about to be done in the transaction of `connection`."""

    connection: Connection
    stored: StoredRound
    act: ProposedAct
    actors: tuple[Actor, Actor]
    moment: datetime
    """Real time."""
    signer: Signer

    @property
    def now(self) -> datetime:
        """Programme time."""
        return self.stored.window.time_map.programme(self.moment)

    def after(self, *followed: str | datetime | None) -> datetime:
        """Programme time of what follows on others, whose moments may be as their events state them."""
        moments = (datetime.fromisoformat(moment) if isinstance(moment, str) else moment for moment in followed)
        return not_before(self.now, *moments)


@dataclass(frozen=True, slots=True)
class Done:
    """What an act makes true, and what the approving officer is answered beside that it is done."""

    events: Sequence[Outgoing]
    answer: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What stands now of what an act is about, and what the act will make of it, for officers to read."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    terms_now: Callable[[Connection, StoredRound, Terms], Awaitable[Terms | Refused]]
    """The terms as they stand now, which an act must name exactly."""
    carry_out: Callable[[Approved], Awaitable[Done | Refused]]
    """Whoever asks rolls back what it has written where it is refused."""
    foretell: Callable[[Connection, StoredRound, ProposedAct], Awaitable[Change | Refused]]
    """Asked only where `terms_now` has terms."""
    drawn: Set[str] = frozenset()
    """Terms that chance gave with the proposal: one that differs in them alone is the same act."""
