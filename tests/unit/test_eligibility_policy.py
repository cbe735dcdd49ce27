"""A policy that can't be judged by is refused at loading, each problem by field and with its fix."""

from dataclasses import replace
from typing import Any

import pytest

from services.eligibility.domain.check import PolicyRejectedError, check_policy, require_sound
from shared.contracts.policy import Condition, Policy, Track, Waiver
from tests.data.facts import policy

H2 = policy("2018-h2")


def with_track(**changes: Any) -> Policy:
    return replace(H2, tracks=(replace(H2.tracks[0], **changes),))


def with_condition(condition: Condition) -> Policy:
    return with_track(conditions=(condition,), waivers=())


def problems(of: Policy) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.code) for problem in check_policy(of)]


@pytest.mark.parametrize("name", ["2018-h1", "2018-h2"])
def test_the_policies_we_ship_are_sound(name: str) -> None:
    assert check_policy(policy(name)) == ()


def test_a_rule_that_is_not_ours_is_named_with_those_that_are() -> None:
    (problem,) = check_policy(with_condition(Condition(rule="horoscope", legal_source="공고")))
    assert problem.pointer == "/tracks/0/conditions/0/rule"
    assert "horoscope" in problem.detail
    assert "sme-confirmation" in problem.fix


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Condition(rule="startup", legal_source="법"), ("years", "missing-parameter")),
        (Condition(rule="startup", legal_source="법", parameters={"years": "7"}), ("years", "wrong-parameter")),
        (Condition(rule="startup", legal_source="법", parameters={"years": True}), ("years", "wrong-parameter")),
        (Condition(rule="startup", legal_source="법", parameters={"years": -1}), ("years", "wrong-parameter")),
        (Condition(rule="business-number", legal_source="법", parameters={"x": 1}), ("x", "unknown-parameter")),
        (
            Condition(
                rule="sales-or-credit",
                legal_source="법",
                parameters={"sales_floor_won": 1, "credit_at_least": "Z", "credit_grades": ("A", "B")},
            ),
            ("credit_at_least", "unknown-grade"),
        ),
    ],
)
def test_parameters_are_checked(condition: Condition, expected: tuple[str, str]) -> None:
    name, code = expected
    assert problems(with_condition(condition)) == [(f"/tracks/0/conditions/0/parameters/{name}", code)]


def test_certificates_and_waivers_must_refer_to_what_is_there() -> None:
    assert problems(with_track(certificates=("nep", "medal"))) == [("/tracks/0/certificates/1", "unknown-kind")]
    assert problems(with_track(certificates=())) == [("/tracks/0/certificates", "no-accepted-kind")]
    dangling = Waiver(code="w", legal_source="공고", when=("startup",), waives=("track-cap",))
    assert problems(with_track(waivers=(dangling,))) == [("/tracks/0/waivers/0/waives/0", "waiver-without-rule")]
    circular = Waiver(code="w", legal_source="공고", when=("startup",), waives=("startup",))
    assert problems(with_track(waivers=(circular,))) == [("/tracks/0/waivers/0/waives", "waiver-of-itself")]


def test_a_pattern_that_does_not_compile_and_a_name_listed_twice_are_seen() -> None:
    broken = replace(H2.certificates[0], number_pattern="([0-9]")
    assert problems(replace(H2, certificates=(broken, *H2.certificates[1:]))) == [
        ("/certificates/0/number_pattern", "bad-pattern")
    ]
    twice: tuple[Track, ...] = (*H2.tracks, *H2.tracks)
    assert problems(replace(H2, tracks=twice)) == [("/tracks/1", "repeated-track")]


def test_the_error_lists_all_problems() -> None:
    with pytest.raises(PolicyRejectedError, match="horoscope") as error:
        require_sound(with_condition(Condition(rule="horoscope", legal_source="공고")))
    assert len(error.value.problems) == 1
