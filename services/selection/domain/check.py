"""Problems of a policy that selection could not work with. The checks themselves are in `shared/policies`."""

from shared.contracts.policy import Policy
from shared.policies.problem import Problem
from shared.policies.tables import table_problems

__all__ = ["Problem", "check_selection"]


def check_selection(policy: Policy) -> tuple[Problem, ...]:
    """All problems, in the order of the policy file."""
    return tuple(table_problems(policy))
