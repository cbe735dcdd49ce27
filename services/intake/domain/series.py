"""A rolling intake: a series of rounds, called cuts. Each cut accepts entries from the moment the one before closes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count
from typing import Any, Final

from services.intake.domain.rounds import RoundStatus, RoundWindow
from shared.programme.periods import months_after
from shared.programme.working_days import KST

SERIES_LENGTH: Final = 34
"""Most characters of a series' id: its cuts' ids are longer."""
MOST_CUTS: Final = 1200
"""A century of months. A rehearsal's clock may pass that many within minutes."""


def cut_id(series: str, number: int) -> str:
    """The round id of a cut."""
    return f"{series}-{number:02d}"


@dataclass(frozen=True, slots=True)
class Cut:
    """A cut to be announced. `policy` is the series' own except for `as_of`, the day of the cut."""

    round: str
    number: int
    opens_at: datetime
    closes_at: datetime
    policy: dict[str, Any]


def next_cut(
    series: str, number: int, closes_at: datetime, announced_close: datetime, first_day: date, policy: Mapping[str, Any]
) -> Cut:
    """The cut after number `number`, which closes at `closes_at` and is judged by `policy`.

    It opens at that moment, and closes on the next monthly day of a cut, at the time of day announced for the one
    before. `first_day` is the day of the first cut: a 31st stays the last day of every month.
    """
    at = announced_close.astimezone(KST).timetz()
    days = (months_after(first_day, number_of_cuts * policy["rolling"]["every_months"]) for number_of_cuts in count(1))
    day = next(day for day in days if datetime.combine(day, at) > closes_at)
    judged_by = {**policy, "as_of": day.isoformat()}
    return Cut(cut_id(series, number + 1), number + 1, closes_at, datetime.combine(day, at), judged_by)


def cut_at(cuts: Sequence[RoundWindow], received_at: datetime) -> RoundWindow | None:
    """The cut that accepts what was received at this real moment. Where none does, the one that says why: the next, or
    else the last. `cuts` in the order they open."""
    if not cuts:
        return None
    moment = cuts[0].time_map.programme(received_at)
    standing = [cut for cut in cuts if cut.status is not RoundStatus.VOID] or cuts[-1:]
    open_or_next = [cut for cut in standing if moment < cut.closes_at]
    return open_or_next[0] if open_or_next else standing[-1]
