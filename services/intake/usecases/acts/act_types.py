"""Types common to acts of every kind: terms, an approved act, and what it changes."""

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
    """A term that is a text; empty where it is missing. Terms may hold any JSON."""
    value = asked.get(name, "")
    if not isinstance(value, str):
        reason = Reason(pointer=f"/terms/{name}", code="no-text", detail="it is no text", fix="write it in quotes")
        return unfit("invalid-fields", f"The term {name} is no text.", (reason,))
    return value


def ids(asked: Terms, name: str) -> list[str] | Refused:
    """A term that is a list of application ids; empty where it is missing."""
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
        """Programme time, not before the given moments, which may be ISO 8601 texts from events."""
        moments = (datetime.fromisoformat(moment) if isinstance(moment, str) else moment for moment in followed)
        return not_before(self.now, *moments)


@dataclass(frozen=True, slots=True)
class Done:
    """The events of an act, and additions to the approving officer's answer."""

    events: Sequence[Outgoing]
    answer: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Preview:
    """The present state of an act's subject, and what the act will make of it, for officers to read."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of act does."""

    terms_now: Callable[[Connection, StoredRound, Terms], Awaitable[Terms | Refused]]
    """The terms that hold now, which an act must name exactly."""
    carry_out: Callable[[Approved], Awaitable[Done | Refused]]
    """Does the act. The caller rolls back if it is refused."""
    preview: Callable[[Connection, StoredRound, ProposedAct], Awaitable[Preview | Refused]]
    """Called only where `terms_now` returns terms."""
    drawn: Set[str] = frozenset()
    """Names of terms drawn at random: acts that differ only in them are the same act."""
