"""The draw: its vectors, its exact probabilities, and that nobody moves anybody."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.selection.domain.draw import HexText, Numbers, draw_key, draw_keys, in_order, seed_of, source_string
from services.selection.domain.score import NoScoreStepError, by_score, panel_points, score, supply_record_points
from services.selection.domain.tickets import NoTicketStepError, TicketGrounds, ticket_grounds, tickets
from shared.contracts.facts import SupplyRecord
from shared.contracts.findings import Finding, FindingOutcome
from shared.contracts.policy import ScoreStep, Scoring
from shared.programme.panel import PanelMark
from tests.data.facts import policy

SEED = "8f" * 32
H2 = policy("2018-h2")


def test_source_values_are_written_as_rfc_3797_does() -> None:
    values = [Numbers((9319,)), Numbers((2, 5, 12, 8, 10)), Numbers((9, 18, 26, 34, 41, 45))]
    assert source_string(values) == "9319./2.5.8.10.12./9.18.26.34.41.45./"
    assert source_string([HexText("FC18a0"), Numbers((7, 0))]) == "fc18a0/0.7./"


@pytest.mark.parametrize("value", [Numbers((-1,)), HexText("0xfc"), HexText("")])
def test_a_value_without_a_canonical_form_is_refused(value: Numbers | HexText) -> None:
    with pytest.raises(ValueError, match=r"never negative|not hexadecimal"):
        source_string([value])


def test_the_seed_is_a_hash_anyone_can_recompute() -> None:
    root = "ab" * 32
    told = b"firstbuy-seed-v1:" + root.encode() + b":9319./"
    assert seed_of(root, "9319./") == hashlib.sha256(told).hexdigest()


def test_a_key_is_the_least_of_the_numbered_tickets() -> None:
    hashes = [hashlib.sha256(f"{SEED}:a1:{k}".encode()).hexdigest() for k in (1, 2, 3)]
    assert draw_key(SEED, "a1", 3).hex() == min(hashes)
    assert draw_keys(SEED, [("a1", 1), ("a1", 3)]) == [bytes.fromhex(hashes[0]), bytes.fromhex(min(hashes))]


def test_the_least_key_comes_first_and_equal_keys_stand_by_id() -> None:
    assert in_order([b"\x02", b"\x01", b"\x02", b"\x00"], ["c", "b", "a", "d"]) == [3, 1, 2, 0]
    assert in_order([], []) == []


def draw(seed: str, tickets: Iterable[tuple[str, int]]) -> list[tuple[bytes, str]]:
    """(key, application) in draw order."""
    given = list(tickets)
    keys = draw_keys(seed, given)
    return [(keys[place], given[place][0]) for place in in_order(keys, [application for application, _ in given])]


@given(st.dictionaries(st.text("abcdef0123456789", min_size=1), st.integers(1, 6), min_size=1), st.data())
def test_adding_or_removing_one_moves_no_other(pool: dict[str, int], data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(sorted(pool)))
    rest = {application: count for application, count in pool.items() if application != gone}
    assert draw(SEED, rest.items()) == [entry for entry in draw(SEED, pool.items()) if entry[1] != gone]


def test_orders_come_up_as_often_as_weighted_sampling_without_replacement_says() -> None:
    pool = {"a": 1, "b": 2, "c": 4}
    draws = 7_000
    seen = Counter(
        tuple(application for _, application in draw(hashlib.sha256(b"%d" % n).hexdigest(), pool.items()))
        for n in range(draws)
    )
    chi_square = 0.0
    for order in permutations(pool):
        left, probability = 7, 1.0
        for application in order:
            probability *= pool[application] / left
            left -= pool[application]
        expected = draws * probability
        chi_square += (seen[order] - expected) ** 2 / expected
    # Five degrees of freedom: 20.5 is passed once in a thousand, and the seeds are fixed, so this never flickers.
    assert chi_square < 20.5


@pytest.mark.parametrize(
    ("startup", "first_timer", "record", "expected"),
    [
        (True, True, SupplyRecord(won=0, count=0), 6),
        (False, True, SupplyRecord(won=0, count=0), 5),
        (True, True, SupplyRecord(won=1, count=1), 4),
        (False, True, SupplyRecord(won=500_000_000, count=3), 3),
        (False, True, SupplyRecord(won=500_000_000, count=4), 2),
        (True, False, SupplyRecord(won=500_000_001, count=1), 1),
        (False, False, SupplyRecord(won=500_000_001, count=9), 1),
        (True, False, None, 1),
        (False, False, None, 1),
    ],
)
def test_tickets_of_2018_h2(startup: bool, first_timer: bool, record: SupplyRecord | None, expected: int) -> None:
    assert tickets(TicketGrounds(startup, first_timer, record), H2) == expected


@given(st.booleans(), st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 50))
def test_a_smaller_record_never_has_fewer_tickets(startup: bool, one: int, other: int, count: int) -> None:
    def of(won: int) -> int:
        return tickets(TicketGrounds(startup, won <= 500_000_000, SupplyRecord(won=won, count=count)), H2)

    assert of(min(one, other)) >= of(max(one, other))


def test_an_applicant_that_fits_no_step_is_an_error_not_a_zero() -> None:
    with pytest.raises(NoTicketStepError):
        tickets(TicketGrounds(False, False, None), replace(H2, tickets=H2.tickets[:-1]))


def test_standing_is_what_the_verdict_found() -> None:
    def finding(rule: str, outcome: FindingOutcome) -> Finding:
        return Finding(rule=rule, legal_source="법", outcome=outcome)

    found = (finding("startup", FindingOutcome.PASS), finding("first-timer", FindingOutcome.UNKNOWN))
    assert ticket_grounds(found, None) == TicketGrounds(startup=True, first_timer=False, record=None)


SCORING = Scoring(
    panel_points=70,
    threshold=60,
    supply_record=(
        ScoreStep(points=30, record_won_at_most=0),
        ScoreStep(points=10, record_won_at_most=100),
        ScoreStep(points=0),
    ),
)


@pytest.mark.parametrize(("won", "points"), [(0, 30), (1, 10), (100, 10), (101, 0), (None, 0)])
def test_a_smaller_record_scores_more(won: int | None, points: int) -> None:
    assert supply_record_points(None if won is None else SupplyRecord(won=won, count=1), SCORING) == points


def test_panel_points_are_the_mean_of_those_without_a_conflict() -> None:
    marks = [PanelMark("a", "r1", 1, 60, False), PanelMark("a", "r2", 1, 99, False), PanelMark("a", "r3", 1, 0, True)]
    assert panel_points(marks, SCORING) == 65
    assert panel_points([], SCORING) == 0
    assert score(reversed(marks), SupplyRecord(won=0, count=0), SCORING) == 95


def test_a_record_without_a_step_is_an_error_not_a_zero() -> None:
    with pytest.raises(NoScoreStepError):
        supply_record_points(None, Scoring(supply_record=SCORING.supply_record[:2]))


def test_equal_scores_stand_as_drawn() -> None:
    assert by_score([2, 0, 1], [90, 70, 70]) == [0, 2, 1]
