"""Problems of the registries that a policy asks."""

from collections.abc import Iterator
from typing import Final

from shared.contracts.policy import Policy
from shared.contracts.registries import Registry
from shared.policies.problem import Problem, listed, repeated

_RULES: Final = {Registry.BUSINESS_STATUS: "business-active", Registry.CERTIFICATES: "certificate"}
"""The rule that judges by each registry's answers."""


def registry_problems(policy: Policy) -> Iterator[Problem]:
    """Everything that keeps registries from being asked."""
    uses = policy.registries or ()
    yield from repeated((use.registry for use in uses), "/registries", "registry")
    known = {kind.kind for kind in policy.certificates}
    for index, use in enumerate(uses):
        pointer = f"/registries/{index}/kinds"
        if use.kinds and use.registry is not Registry.CERTIFICATES:
            yield Problem(pointer, "kinds-of-none", f"{use.registry} knows no certificates", "drop kinds")
            continue
        yield from repeated(use.kinds, pointer, "kind")
        for place, kind in enumerate(use.kinds):
            if kind not in known:
                yield Problem(
                    f"{pointer}/{place}", "unknown-kind", f"{kind} is not described", f"one of {listed(known)}"
                )


def registry_remarks(policy: Policy) -> Iterator[Problem]:
    """Registries whose answers no rule uses: they cost calls, and may delay the round."""
    asked = {condition.rule for track in policy.tracks for condition in track.conditions}
    for index, use in enumerate(policy.registries or ()):
        rule = _RULES[use.registry]
        if rule not in asked:
            detail, fix = f"no track asks {rule}", f"add the condition {rule} to a track, or drop {use.registry}"
            yield Problem(f"/registries/{index}", "registry-not-judged-by", detail, fix)
