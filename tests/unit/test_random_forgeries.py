"""Random lies about true bundles of every kind: each is refused, or about a member that nothing binds.

`make soak` tells 20,000 a depth. A failure names its seed: `lied(true_bundle(kind, depth), Random(seed), level)`.
"""

import io
from random import Random

import pytest

from services.selection.domain.evidence import Depth
from services.selection.verify import Report, examine
from tests.support.examples import ORDINARY, SETTING, examples
from tests.support.forger import Level
from tests.support.lies import FOUND_BY_SOAK, lied, written
from tests.support.true_bundles import KINDS, true_bundle
from tests.support.unbound import bound, untold

LIES = 4 if SETTING <= ORDINARY else examples(27)
"""Of a kind, a depth and a level: in all 21,000 a depth where the setting is 1000."""


def examined(bundle: bytes, **expected: list[str]) -> Report:
    return examine(io.BytesIO(bundle), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("depth", list(Depth))
def test_true_bundles_of_every_kind_pass(kind: str, depth: Depth) -> None:
    true = true_bundle(kind, depth)
    report = examined(true.written(), **true.roots())
    assert (report.differs, written(true)) == ([], true.written())
    assert report.confirmed == (kind != "void")


@pytest.mark.soak
@pytest.mark.parametrize("level", list(Level), ids=lambda level: level.name.lower())
@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("kind", KINDS)
def test_a_lie_is_refused_or_about_what_nothing_binds(kind: str, depth: Depth, level: Level) -> None:
    true, accepted = true_bundle(kind, depth), []
    bundle, roots = true.written(), true.roots()
    for number in range(LIES):
        seed = f"{kind} {depth} {level.name} {number}"
        forged, told = lied(true, Random(seed), level)  # noqa: S311 -- the same lies in every run
        if forged == bundle or examined(forged).differs or examined(forged, **roots).differs:
            continue
        paths = untold(bundle, forged)
        if bound(true, level, paths):
            accepted.append(f"{seed}: {told}: {sorted(paths)}")
    assert accepted == []


@pytest.mark.parametrize(("kind", "depth", "level", "number", "name"), FOUND_BY_SOAK)
def test_what_a_soak_found_is_refused(kind: str, depth: Depth, level: Level, number: int, name: str) -> None:
    seed = f"{kind} {depth} {level.name} {number}"
    forged, _ = lied(true_bundle(kind, depth), Random(seed), level)  # noqa: S311 -- the lie that was found
    assert examined(forged).names == [name]


def test_what_nobody_confirmed_any_more_is_said() -> None:
    """Whoever leaves the confirmation out has a proposal."""
    true = true_bundle("draw", Depth.PUBLIC).copy()
    true.records = [record for record in true.records if record["type"] != "later"]
    assert examined(true.written()).verdict() == "sound as far as it goes, and confirmed by nobody"
