"""Awards in the form that leaves of results and batches contain."""

from collections.abc import Iterable, Mapping
from typing import Any


def award_leaves(awards: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
    """`[[request, quantity, won], …]` of awards as JSON."""
    return [[award["request"], award["quantity"], award["amount_won"]] for award in awards]
