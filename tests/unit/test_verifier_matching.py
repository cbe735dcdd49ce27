"""verify.py's index of requests finds what the rule finds that looks at every request."""

from random import Random
from typing import Any

import pytest

from services.selection import verify
from services.selection.verify import Matching
from tests.support.markets import POLICY, SIZES, market, placed


def asked(pledges: dict[str, int], requests: list[dict[str, Any]]) -> Matching:
    matching = Matching(POLICY, pledges)
    for request in requests:
        matching.ask(request)
    return matching


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]} requests")
@pytest.mark.parametrize("seed", range(6))
def test_the_index_finds_what_the_rule_finds(size: tuple[int, int], seed: int) -> None:
    made = market(Random(f"{size} {seed}"), *size)  # noqa: S311 -- the same markets in every run
    assert placed(*made, by=asked) == placed(*made)


def test_what_is_not_kept_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "KEPT_AT_ONCE", 500)
    made = market(Random("kept"), 300, 400)  # noqa: S311 -- the same market in every run
    assert placed(*made, by=asked) == placed(*made)


def test_the_markets_have_every_result() -> None:
    lines, turns = placed(*market(Random("all"), 400, 600))  # noqa: S311 -- the same market in every run
    assert len({(result, reason) for result, reason, *_ in lines}) == 5
    assert {len(awards) for awards in turns} == {0, 1, 2, 3}
