"""All problems of a policy, checked before a round is announced or opened under it."""

from collections.abc import Iterator

from shared.contracts.identity import IdentityLevel
from shared.contracts.policy import Policy
from shared.policies.conditions import condition_problems, condition_remarks
from shared.policies.problem import PolicyRejectedError, Problem
from shared.policies.registries import registry_problems, registry_remarks
from shared.policies.tables import table_problems, table_remarks


def problems_of(policy: Policy) -> tuple[Problem, ...]:
    """All problems. Without any, every application can be judged, and every eligible one has tickets."""
    problems = (*condition_problems(policy), *registry_problems(policy), *table_problems(policy))
    return (*problems, *_identity_problems(policy))


def remarks_of(policy: Policy) -> tuple[Problem, ...]:
    """What works but may not be intended, for a policy without problems."""
    return (*condition_remarks(policy), *registry_remarks(policy), *table_remarks(policy))


def _identity_problems(policy: Policy) -> Iterator[Problem]:
    if policy.identity is IdentityLevel.IDENTITY_PROVIDER:
        detail, fix = "no identity provider can be asked yet, so nobody could enter", "ask for registry, or for none"
        yield Problem("/identity", "no-such-provider", detail, fix)


def require_sound(policy: Policy) -> Policy:
    """The policy itself, or PolicyRejectedError with all its problems."""
    if problems := problems_of(policy):
        raise PolicyRejectedError(policy.policy, problems)
    return policy
