"""Finds what is wrong with a policy before a round opens under it: by field, with the fix.

The checks are in `shared/policies`, since whoever announces a round runs them too; a test compares their vocabulary
with the rules of this service.
"""

from shared.contracts.policy import Policy
from shared.policies.conditions import condition_problems
from shared.policies.problem import PolicyRejectedError, Problem

__all__ = ["PolicyRejectedError", "Problem", "check_policy", "require_sound"]


def check_policy(policy: Policy) -> tuple[Problem, ...]:
    """Every problem at once, in the order of the file."""
    return tuple(condition_problems(policy))


def require_sound(policy: Policy) -> Policy:
    """The policy itself. Raises PolicyRejectedError with all its problems."""
    if problems := check_policy(policy):
        raise PolicyRejectedError(policy.policy, problems)
    return policy
