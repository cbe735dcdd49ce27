"""Checks a stored verdict against what was published."""

from typing import Any

from services.eligibility.domain.completion import VerdictLeaf
from shared.proof.canonical import findings_hash


def sound(published: Any, leaf: VerdictLeaf) -> bool:
    """True if the published JSON of the verdict agrees with its stored leaf, and its findings make the leaf's hash."""
    stated = VerdictLeaf(*(published[name] for name in VerdictLeaf._fields))
    return stated == leaf and findings_hash(published) == leaf.findings_hash
