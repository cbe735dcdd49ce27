"""The score: panel points plus points for the supply record, where a smaller record is worth more."""

from collections.abc import Iterable, Sequence

from shared.contracts.facts import SupplyRecord
from shared.contracts.policy import Scoring
from shared.programme.panel import PanelMark


class NoScoreStepError(ValueError):
    """No step of the policy's supply-record item fits; `check_selection` refuses such a policy beforehand."""

    code = "no-score-step"


def score(marks: Iterable[PanelMark], record: SupplyRecord | None, scoring: Scoring) -> int:
    """The whole score. Raises NoScoreStepError."""
    return panel_points(marks, scoring) + supply_record_points(record, scoring)


def panel_points(marks: Iterable[PanelMark], scoring: Scoring) -> int:
    """The mean of the marks, each capped at `panel_points`, rounded down; 0 without marks.

    Marks of reviewers with a conflict of interest do not count.
    """
    counted = [min(mark.points, scoring.panel_points) for mark in marks if not mark.conflict_of_interest]
    return sum(counted) // len(counted) if counted else 0


def supply_record_points(record: SupplyRecord | None, scoring: Scoring) -> int:
    """The points of the first step that fits. A record that was not stated fits only a step without a bound.

    Raises NoScoreStepError.
    """
    for step in scoring.supply_record:
        bound = step.record_won_at_most
        if bound is None or (record is not None and record.won <= bound):
            return step.points
    raise NoScoreStepError(f"no step of the supply-record item fits {record}")


def by_score(drawn: Iterable[int], scores: Sequence[int]) -> list[int]:
    """Sorts places by score, highest first; equal scores stay in draw order."""
    return sorted(drawn, key=lambda place: -scores[place])
