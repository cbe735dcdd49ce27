"""What of a policy selection could not work with; the checks are in `shared/policies`, for others to ask too."""

from shared.contracts.policy import Policy
from shared.policies.problem import Problem
from shared.policies.tables import table_problems

__all__ = ["Problem", "check_selection"]


def check_selection(policy: Policy) -> tuple[Problem, ...]:
    """Every problem at once, in the order of the file."""
    return tuple(table_problems(policy))
