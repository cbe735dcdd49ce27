"""Each part of verify.py decides rightly by itself, at its bounds too."""

import pytest

from services.selection import verify
from tests.support.verifier_parts import Part, parts


@pytest.mark.parametrize("part", parts(), ids=lambda part: part[0])
def test_a_part_decides_rightly(part: Part) -> None:
    _, ask, right = part
    assert ask(verify) == right
