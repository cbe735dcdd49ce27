"""Random lies about true bundles of every kind: the page finds in each what verify.py finds, by the same names.

What verify.py has to find of them: tests/unit/test_random_forgeries.py. `make soak` tells more of them.
"""

from random import Random

import pytest
from playwright.async_api import Page

from services.selection.domain.evidence import Depth
from tests.support.both_verifiers import found_by_python, in_the_browser
from tests.support.examples import ORDINARY, SETTING, examples
from tests.support.forger import Level
from tests.support.lies import FOUND_BY_SOAK, lied
from tests.support.serving import Served
from tests.support.true_bundles import KINDS, true_bundle

LIES = 1 if SETTING <= ORDINARY else examples(5)
"""Of a kind, a depth and a level."""


@pytest.mark.soak
@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("kind", KINDS)
async def test_both_verifiers_find_the_same(page: Page, served: Served, kind: str, depth: Depth) -> None:
    true = true_bundle(kind, depth)
    seeds = [(level, f"{kind} {depth} {level.name} {number}") for level in Level for number in range(LIES)]
    found_once = [(level, n) for one, of, level, n, _ in FOUND_BY_SOAK if (one, of) == (kind, depth)]
    seeds += [(level, f"{kind} {depth} {level.name} {number}") for level, number in found_once]
    lies = [lied(true, Random(seed), level) for level, seed in seeds]  # noqa: S311 -- the same lies in every run
    bundles = [true.written(), *(bundle for bundle, _ in lies)]
    found = await in_the_browser(page, served, bundles)
    expected = [found_by_python(bundle) for bundle in bundles]
    told = [("true", ""), *((seed, told) for (_, seed), (_, told) in zip(seeds, lies, strict=True))]
    assert [(lie, one) for lie, one in zip(told, found, strict=True)] == [
        (lie, one) for lie, one in zip(told, expected, strict=True)
    ]
