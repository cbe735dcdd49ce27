"""What is wrong with the registries a policy asks, and what is remarked on."""

from dataclasses import replace

import pytest

from shared.contracts.policy import Policy, RegistryUse
from shared.contracts.registries import Registry
from shared.policies.soundness import problems_of, remarks_of
from tests.data.facts import policy

H2 = policy("2018-h2")
STATUS = RegistryUse(registry=Registry.BUSINESS_STATUS, authority="국세청 (NTS)")
CERTIFICATES = RegistryUse(registry=Registry.CERTIFICATES, authority="국가기술표준원 (KATS)", kinds=("nep",))


def asking(*uses: RegistryUse) -> Policy:
    return replace(H2, registries=uses)


def without(rule: str) -> Policy:
    tracks = tuple(
        replace(track, conditions=tuple(each for each in track.conditions if each.rule != rule), waivers=())
        for track in H2.tracks
    )
    return replace(H2, tracks=tracks, registries=(STATUS, CERTIFICATES))


def test_a_policy_may_ask_each_registry_once() -> None:
    assert problems_of(asking(STATUS, CERTIFICATES)) == ()
    assert [(problem.pointer, problem.code) for problem in problems_of(asking(STATUS, CERTIFICATES, STATUS))] == [
        ("/registries/2", "repeated-registry")
    ]


@pytest.mark.parametrize(
    ("use", "pointer", "code"),
    [
        (replace(CERTIFICATES, kinds=("nep", "nepp")), "/registries/0/kinds/1", "unknown-kind"),
        (replace(CERTIFICATES, kinds=("nep", "nep")), "/registries/0/kinds/1", "repeated-kind"),
        (replace(STATUS, kinds=("nep",)), "/registries/0/kinds", "kinds-of-none"),
    ],
)
def test_kinds_are_those_of_the_policy(use: RegistryUse, pointer: str, code: str) -> None:
    assert [(problem.pointer, problem.code) for problem in problems_of(asking(use))] == [(pointer, code)]


@pytest.mark.parametrize(("rule", "place"), [("business-active", 0), ("certificate", 1)])
def test_a_registry_that_no_rule_judges_by_is_remarked_on(rule: str, place: int) -> None:
    found = [(remark.pointer, remark.code) for remark in remarks_of(without(rule))]
    assert (f"/registries/{place}", "registry-not-judged-by") in found
    assert not any(remark.code == "registry-not-judged-by" for remark in remarks_of(asking(STATUS, CERTIFICATES)))
