"""A round as its page shows it, out of what intake says of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ConfigDict, TypeAdapter, with_config

from shared.contracts.events import Language
from shared.contracts.policy import POLICY, Policy

_TOLERANT: Final = ConfigDict(extra="ignore")


class Step(StrEnum):
    """What a round has reached, in the order of its life."""

    ANNOUNCED = "announced"
    OPEN = "open"
    FROZEN = "frozen"
    JUDGED = "judged"
    COMMITTED = "committed"
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    FINAL = "final"
    VOID = "void"


_REACHED_BY: Final = {
    "EligibilityCompleted": Step.JUDGED,
    "InputsCommitted": Step.COMMITTED,
    "SelectionProposed": Step.PROPOSED,
    "SelectionConfirmed": Step.CONFIRMED,
}


@with_config(_TOLERANT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """Something that was published of a round: a root, a seed, a confirmation."""

    type: str
    epoch: int
    body: Mapping[str, Any]


@with_config(_TOLERANT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A round in a list. Times have a zone; `now` is the programme's time when intake said this."""

    round: str
    title: str
    status: str
    opens_at: datetime
    closes_at: datetime
    now: datetime
    rehearsal: bool
    series: str | None = None

    @property
    def open(self) -> bool:
        """Whether applications are taken."""
        return self.status == Step.OPEN

    @property
    def over(self) -> bool:
        """Whether it was open, and takes nothing any more."""
        return not self.open and self.status != Step.ANNOUNCED

    def closed_for(self, time: timedelta) -> bool:
        """Whether it closed that long ago."""
        return self.over and self.now - self.closes_at > time

    def titled(self, language: Language) -> str:
        """The title in one language: what stands in brackets behind the Korean one is the English one."""
        korean, parted, english = self.title.partition(" (")
        if not parted or not english.endswith(")"):
            return self.title
        return korean if language is Language.KO else english.removesuffix(")")


@with_config(_TOLERANT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Round(Summary):
    """A round with its rules and what was published of it."""

    policy: Annotated[Policy, BeforeValidator(POLICY.validate_python)]
    milestones: tuple[Milestone, ...] = ()

    @property
    def reached(self) -> Step:
        """How far the round is."""
        published = [_REACHED_BY[each.type] for each in self.milestones if each.type in _REACHED_BY]
        order = list(Step)
        return max([Step(self.status), *published], key=order.index)

    def published(self, kind: str, name: str) -> str | None:
        """A member of the newest milestone of that kind; None before it is published."""
        found = [each for each in self.milestones if each.type == kind]
        newest = max(found, key=lambda each: each.epoch, default=None)
        value = newest.body.get(name) if newest else None
        return str(value) if value is not None else None


SUMMARIES: Final[TypeAdapter[tuple[Summary, ...]]] = TypeAdapter(tuple[Summary, ...])
ROUND: Final[TypeAdapter[Round]] = TypeAdapter(Round)


def for_home(rounds: Sequence[Summary]) -> tuple[list[Summary], list[Summary], list[Summary]]:
    """Open ones, those to come, and past ones: the first that closes, that opens, and the newest are first."""
    opened = sorted((each for each in rounds if each.open), key=lambda each: each.closes_at)
    coming = sorted((each for each in rounds if each.status == Step.ANNOUNCED), key=lambda each: each.opens_at)
    past = [each for each in rounds if not each.open and each.status != Step.ANNOUNCED]
    return opened, coming, sorted(past, key=lambda each: each.closes_at, reverse=True)
