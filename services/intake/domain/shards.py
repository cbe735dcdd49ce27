"""Inboxes are shared out among replicas by shards of their institutions' codes."""

import hashlib
from typing import Final

SHARDS: Final = 16


def shard_of(institution: str) -> int:
    return hashlib.sha256(institution.encode()).digest()[0] % SHARDS
