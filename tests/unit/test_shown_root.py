"""The root over what the evidence shows is of the records that are written, in either depth."""

import pytest

from services.selection.domain.evidence import Depth, shown_leaf
from shared.proof.merkle import GrowingTree
from tests.support.bundles import make_round
from tests.support.forger import Record, read, shown_root

ROUND = make_round()


def root(records: list[Record]) -> str:
    tree = GrowingTree()
    for record in records:
        tree.add(shown_leaf(record))
    return tree.root.hex()


@pytest.mark.parametrize("depth", list(Depth))
def test_the_root_is_the_one_that_the_format_has(depth: Depth) -> None:
    made = read(ROUND.bundle(depth))
    assert root(made.of("request") + made.of("entry")) == shown_root(made)


@pytest.mark.parametrize(
    ("kind", "member", "value"),
    [
        ("request", "budget_won", 1),
        ("request", "region", "jeju"),
        ("entry", "price_won", 1),
        ("entry", "identity", "registry"),
        ("entry", "applicant", "another firm"),
        ("entry", "product", None),
    ],
)
def test_whatever_is_shown_otherwise_has_another_root(kind: str, member: str, value: object) -> None:
    made = read(ROUND.bundle(Depth.PUBLIC))
    before = shown_root(made)
    record = next(one for one in made.of(kind) if kind == "request" or one["awards"])
    record[member] = value
    assert root(made.of("request") + made.of("entry")) != before
