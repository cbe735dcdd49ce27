"""What is wrong with a policy, before a round is opened under it: by field, and how to mend it.

The checks themselves are in `shared/policies`, since whoever announces a round must be able to ask too; a test holds
their vocabulary and the rules of this service together.
"""

from shared.contracts.policy import Policy
from shared.policies.conditions import condition_problems
from shared.policies.problem import PolicyRejectedError, Problem

__all__ = ["PolicyRejectedError", "Problem", "check_policy", "require_sound"]


def check_policy(policy: Policy) -> tuple[Problem, ...]:
    """Every problem at once, in the order of the file."""
    return tuple(condition_problems(policy))


def require_sound(policy: Policy) -> Policy:
    """The policy itself, or PolicyRejectedError with all its problems."""
    if problems := check_policy(policy):
        raise PolicyRejectedError(policy.policy, problems)
    return policy
