"""Shards by which replicas share the inboxes."""

import hashlib
from typing import Final

SHARDS: Final = 16


def shard_of(institution: str) -> int:
    """The shard of an institution's inbox, by its code."""
    return hashlib.sha256(institution.encode()).digest()[0] % SHARDS
