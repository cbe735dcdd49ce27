"""The score: the panel's points and the supply-record item, under which a smaller record is worth more."""

from collections.abc import Iterable, Sequence

from shared.contracts.facts import SupplyRecord
from shared.contracts.policy import Scoring
from shared.programme.panel import PanelMark


class NoScoreStepError(ValueError):
    """The policy's supply-record item has no step for a record; `check_selection` refuses such a policy beforehand."""

    code = "no-score-step"


def score(marks: Iterable[PanelMark], record: SupplyRecord | None, scoring: Scoring) -> int:
    return panel_points(marks, scoring) + supply_record_points(record, scoring)


def panel_points(marks: Iterable[PanelMark], scoring: Scoring) -> int:
    """The mean of the marks that count, each held within `panel_points`, rounded down; 0 without any.

    Those of a reviewer with a conflict of interest do not count.
    """
    counted = [min(mark.points, scoring.panel_points) for mark in marks if not mark.conflict_of_interest]
    return sum(counted) // len(counted) if counted else 0


def supply_record_points(record: SupplyRecord | None, scoring: Scoring) -> int:
    """The first step that fits; a record that was not stated fits only the step without a bound."""
    for step in scoring.supply_record:
        bound = step.record_won_at_most
        if bound is None or (record is not None and record.won <= bound):
            return step.points
    raise NoScoreStepError(f"no step of the supply-record item fits {record}")


def by_score(drawn: Iterable[int], scores: Sequence[int]) -> list[int]:
    """Places as drawn, by score from the highest; equal scores stand as drawn."""
    return sorted(drawn, key=lambda place: -scores[place])
