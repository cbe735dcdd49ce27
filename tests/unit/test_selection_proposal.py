"""From entries and a seed to one root, whatever order anything is given in."""

from dataclasses import replace
from random import Random
from uuid import UUID

import pytest

from services.selection.domain.check import check_selection
from services.selection.domain.commitment import Commitment, Entry, entries_digest, pledges_root
from services.selection.domain.draw import draw_key
from services.selection.domain.matching import Result
from services.selection.domain.offers import Demand, Offer
from services.selection.domain.proposal import propose
from shared.contracts.findings import VerdictOutcome
from shared.contracts.policy import Policy, ScoreStep, TicketStep, TrackLimits
from shared.proof.canonical import canonical_json, sha256_hex
from shared.proof.merkle import merkle_root
from tests.data.facts import policy

H1, H2 = policy("2018-h1"), policy("2018-h2")
SEED = "3c" * 32
RANDOM = Random(7)  # noqa: S311 -- the same ids in every run
IDS = [str(UUID(int=RANDOM.getrandbits(128), version=4)) for _ in range(30)]
ENTRIES = [
    Entry(one, VerdictOutcome.INELIGIBLE, 0, 0)
    if n % 5 == 0
    else Entry(one, VerdictOutcome.ELIGIBLE, 1 + n % 6, 40 + n % 50)
    for n, one in enumerate(IDS)
]
OFFERS = {
    one: Offer(
        application=one,
        track="general",
        firm=f"firm-{n % 20}",
        class_code="41112201" if n % 3 else "43000000",
        price_won=1000 + 37 * n,
        capacity=3,
        delivery_days=10,
    )
    for n, one in enumerate(IDS)
}
DEMANDS = [
    Demand(request=f"lh/{n}", institution="lh", class_code=code, quantity=4, budget_won=9000)
    for n, code in enumerate(["41112201", "41112201", "43000000"])
]


def test_the_commitment_root_is_a_hash_of_all_that_decides() -> None:
    made = Commitment(
        round="2018-h2",
        epoch=1,
        applications_root="a" * 64,
        requests_root="b" * 64,
        verdicts_root="c" * 64,
        entries_root=entries_digest(ENTRIES).root,
        pledges_root=pledges_root({"lh": 1, "ex": 2}),
        policy_hash="d" * 64,
    )
    told = (
        f'{{"applications_root":"{"a" * 64}","entries_root":"{made.entries_root}","epoch":1,'
        f'"pledges_root":"{made.pledges_root}","policy_hash":"{"d" * 64}","requests_root":"{"b" * 64}",'
        f'"round":"2018-h2","verdicts_root":"{"c" * 64}"}}'
    )
    assert made.pledges_root == sha256_hex(b'[["ex",2],["lh",1]]')
    assert made.root == sha256_hex(told.encode())
    assert replace(made, epoch=2).root != made.root


def test_the_root_of_entries_covers_tickets_and_not_the_order_of_arrival() -> None:
    root = entries_digest(ENTRIES).root
    assert entries_digest(reversed(ENTRIES)).root == root
    assert entries_digest([replace(ENTRIES[0], tickets=1), *ENTRIES[1:]]).root != root


@pytest.mark.parametrize("under", [H1, H2], ids=["score", "draw"])
def test_the_selection_does_not_depend_on_the_order_of_its_inputs(under: Policy) -> None:
    one = propose(under, SEED, ENTRIES, OFFERS, DEMANDS, {"lh": 10**6})
    shuffled = Random(1)  # noqa: S311 -- the same orders in every run
    for _ in range(5):
        entries, demands = shuffled.sample(ENTRIES, len(ENTRIES)), shuffled.sample(DEMANDS, len(DEMANDS))
        offers = dict(shuffled.sample(list(OFFERS.items()), len(OFFERS)))
        assert propose(under, SEED, entries, offers, demands, {"lh": 10**6}) == one


def test_every_entry_has_one_line_and_the_root_covers_them_in_order() -> None:
    made = propose(H2, SEED, ENTRIES, OFFERS, DEMANDS, {"lh": 10**6})
    assert sorted(line.placement.application for line in made.lines) == sorted(IDS)
    assert made.count(Result.SELECTED) > 0
    assert sum(made.count(result) for result in Result) == len(IDS)
    leaves = [line.leaf() for line in made.lines]
    assert [line.canonical_leaf() for line in made.lines] == [canonical_json(leaf) for leaf in leaves]
    assert made.selection_root == merkle_root(canonical_json(leaf) for leaf in leaves).hex()
    standing = [leaf for leaf in leaves if leaf[2] is not None]
    assert [leaf[2] for leaf in standing] == list(range(1, 25))
    assert [leaf[3] for leaf in standing] == sorted(leaf[3] for leaf in standing)
    assert all(leaf[1:] == ["not-selected", None, None, []] for leaf in leaves[24:])


def test_a_track_of_the_policy_has_no_more_places_than_it_states() -> None:
    bounded = replace(H2, tracks=(replace(H2.tracks[0], limits=TrackLimits(places=1, reserve=2)),))
    made = propose(bounded, SEED, ENTRIES, OFFERS, DEMANDS, {"lh": 10**6})
    free = propose(H2, SEED, ENTRIES, OFFERS, DEMANDS, {"lh": 10**6})
    assert free.count(Result.SELECTED) > 1
    assert [made.count(result) for result in (Result.SELECTED, Result.RESERVE)] == [1, 2]
    assert [line.key for line in made.lines] == [line.key for line in free.lines], "the order is not touched"


def test_a_selected_leaf_reads_id_result_position_key_awards() -> None:
    alone = ENTRIES[1]
    made = propose(H2, SEED, [alone], OFFERS, DEMANDS[:1], {"lh": 10**6})
    key = draw_key(SEED, alone.application, alone.tickets).hex()
    assert made.lines[0].leaf() == [alone.application, "selected", 1, key, [["lh/0", 3, 3 * 1037]]]


def test_a_score_below_the_threshold_does_not_stand() -> None:
    low, high = Entry(IDS[1], VerdictOutcome.ELIGIBLE, 1, 59), Entry(IDS[2], VerdictOutcome.ELIGIBLE, 1, 60)
    made = propose(H1, SEED, [low, high], OFFERS, DEMANDS, {"lh": 10**6})
    assert [(line.placement.application, line.placement.reason) for line in made.lines] == [
        (high.application, None),
        (low.application, "below-threshold"),
    ]


def test_a_score_orders_before_the_draw() -> None:
    scored = [Entry(one, VerdictOutcome.ELIGIBLE, 1, 60 + n) for n, one in enumerate(IDS)]
    made = propose(H1, SEED, scored, OFFERS, DEMANDS, {"lh": 10**6})
    assert [line.placement.application for line in made.lines] == IDS[::-1]


@pytest.mark.parametrize("of", [H1, H2])
def test_the_policies_we_ship_can_be_selected_by(of: Policy) -> None:
    assert check_selection(of) == ()


def test_tables_without_an_end_or_with_dead_steps_are_named() -> None:
    assert H1.scoring is not None
    bounded = replace(H2, tickets=(TicketStep(tickets=2, startup=True),))
    dead = replace(H2, tickets=(TicketStep(tickets=2), TicketStep(tickets=1)))
    unbounded = replace(H1, scoring=replace(H1.scoring, supply_record=(ScoreStep(points=1, record_won_at_most=5),)))
    falling = replace(
        H1,
        scoring=replace(
            H1.scoring,
            supply_record=(
                ScoreStep(points=1, record_won_at_most=5),
                ScoreStep(points=1, record_won_at_most=4),
                ScoreStep(points=0),
            ),
        ),
    )
    found = [check_selection(of)[0] for of in (bounded, dead, replace(H1, scoring=None), unbounded, falling)]
    assert [(problem.pointer, problem.code) for problem in found] == [
        ("/tickets/0", "no-last-step"),
        ("/tickets/0", "unreached-step"),
        ("/scoring", "no-scoring"),
        ("/scoring/supply_record", "no-last-step"),
        ("/scoring/supply_record", "unreached-step"),
    ]
