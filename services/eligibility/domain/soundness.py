"""Whether a stored verdict is what it was published as."""

from typing import Any

from shared.proof.canonical import findings_hash


def sound(published: Any, leaf: tuple[str, int, str, int, str, str]) -> bool:
    """`leaf`: [id, version, payload hash, epoch judged, outcome, findings hash] as it is stored; `published`: the JSON
    of the verdict, whose findings must make that findings hash."""
    names = ("application", "version", "payload_hash", "epoch", "outcome", "findings_hash")
    return tuple(published[name] for name in names) == leaf and findings_hash(published) == leaf[5]
