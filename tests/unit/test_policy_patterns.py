"""Patterns of certificate numbers: what is taken is matched fast, whatever an applicant writes."""

import re
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.policies.patterns import LONGEST, MOST_WAYS, SlowPatternError, UnreadablePatternError, examine
from tests.support.examples import examples


@pytest.mark.parametrize(
    ("pattern", "ways", "least"),
    [
        ("EPC-[0-9]{4}-[0-9]{4}", 1, 13),
        ("제[0-9]+호", 200, 3),
        (r"(?:GS|NEP)\.\d{2,4}", 6, 5),
        ("[A-Z]{2}|[0-9]{3}", 2, 2),
        ("(?:[A-Z]{2}|[0-9]{3}){1,3}", 14, 2),
        ("[^-/]*[0-9]*x", 201 * 201, 1),
    ],
)
def test_the_ways_a_number_can_be_tried_in_are_counted(pattern: str, ways: int, least: int) -> None:
    extent = examine(pattern)
    assert (extent.ways, extent.least) == (ways, least)


@pytest.mark.parametrize(
    "pattern",
    [
        "([0-9]+)+-",
        "(a|aa)+x",
        "(?:[0-9]+[a-z]+)*",
        "[0-9]*[0-9]*[0-9]*x",
        "((((a{1,9}){1,9}){1,9}){1,9})",
        "(((((a|a)(a|a)){200}){200}){200})",
        "(?:a|a){17}",
    ],
)
def test_what_could_hold_up_judging_is_refused(pattern: str) -> None:
    with pytest.raises(SlowPatternError, match="more than 50,000 ways"):
        examine(pattern)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("[0-9", "not closed"),
        ("([0-9]", "not closed"),
        ("[0-9])", "unbalanced"),
        ("*a", "nothing to repeat"),
        ("a**", "repeated twice"),
        ("a+?", "repeated twice"),
        ("(a?){5}", "may be empty"),
        (r"(a)\1", "not allowed"),
        (r"\bA", "not allowed"),
        ("A(?=x)", "not allowed"),
        ("(?i)a", "not allowed"),
        ("a{2", "stands alone"),
        ("a}", "stands alone"),
        ("a{4,2}", "fall"),
        ("x{300}", "no number is that long"),
        ("[9-0]", "bad character range"),
        ("a\\", "not allowed"),
    ],
)
def test_what_is_no_plain_pattern_is_refused_with_a_reason(pattern: str, said: str) -> None:
    with pytest.raises(UnreadablePatternError, match=said):
        examine(pattern)


_ATOMS = st.sampled_from(["a", "b", "[ab]", "[^b]", ".", r"\d", r"\w", "-"])
_SIGNS = st.sampled_from(["", "?", "*", "+", "{2}", "{1,3}", "{0,200}", "{2,}"])
_PATTERNS = st.recursive(
    st.tuples(_ATOMS, _SIGNS).map("".join),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map("".join),
        st.tuples(st.lists(inner, min_size=1, max_size=3).map("|".join), _SIGNS).map(lambda p: f"(?:{p[0]}){p[1]}"),
    ),
    max_leaves=8,
)


@settings(max_examples=examples(300))
@given(_PATTERNS, st.sampled_from(["a" * LONGEST, "ab" * (LONGEST // 2), "a" * (LONGEST - 1) + "!", "1-" * 100]))
def test_what_is_taken_is_matched_in_a_blink(pattern: str, number: str) -> None:
    """The bound holds for any number; these are those that make an engine that backtracks try most."""
    try:
        extent = examine(pattern)
    except (SlowPatternError, UnreadablePatternError):
        return
    assert extent.ways <= MOST_WAYS
    compiled = re.compile(pattern, re.ASCII)
    begun = process_time()
    compiled.fullmatch(number)
    assert process_time() - begun < 1.0


@settings(max_examples=examples(300))
@given(st.text(alphabet="ab01[](){}|?*+,\\^$.-:d", max_size=12))
def test_what_is_taken_python_takes_too(pattern: str) -> None:
    try:
        examine(pattern)
    except (SlowPatternError, UnreadablePatternError):
        return
    re.compile(pattern, re.ASCII)
