"""Checks a stored verdict against what was published."""

from typing import Any

from shared.proof.canonical import findings_hash


def sound(published: Any, leaf: tuple[str, int, str, int, str, str]) -> bool:
    """True if the findings make the leaf's hash and all else agrees. `leaf`: [id, version, payload hash, epoch judged,
    outcome, findings hash] as stored; `published`: the JSON of the verdict."""
    names = ("application", "version", "payload_hash", "epoch", "outcome", "findings_hash")
    return tuple(published[name] for name in names) == leaf and findings_hash(published) == leaf[5]
