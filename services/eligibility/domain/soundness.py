"""Whether a stored verdict is what it was published as."""

from typing import Any

from shared.canonical import json_hash


def sound(published: Any, leaf: tuple[str, int, str, int, str, str]) -> bool:
    """`leaf`: [id, version, payload hash, epoch judged, outcome, findings hash] as it is stored; `published`: the JSON
    of the verdict, whose findings must make that findings hash."""
    said = {
        name: published[name]
        for name in ("as_of", "findings", "nonce", "policy_hash")
        if published.get(name) is not None
    }
    names = ("application", "version", "payload_hash", "epoch", "outcome", "findings_hash")
    return tuple(published[name] for name in names) == leaf and json_hash(said) == leaf[5]
