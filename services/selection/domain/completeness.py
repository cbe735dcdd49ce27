"""When selection may begin: its verdicts and requests are exactly those that were judged and frozen, by digest."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.events import Manifest
from shared.merkle import Digest, digest_of


@dataclass(frozen=True, slots=True)
class Completeness:
    """Buckets that still differ, of verdicts and of purchase requests, and facts that have not come."""

    verdicts: tuple[int, ...]
    requests: tuple[int, ...]
    without_facts: int

    @property
    def complete(self) -> bool:
        return not (self.verdicts or self.requests or self.without_facts)


def completeness(
    verdicts: Iterable[Sequence[Any]],
    judged: Manifest,
    requests: Iterable[Sequence[Any]],
    wanted: Manifest,
    without_facts: int,
) -> Completeness:
    return Completeness(
        tuple(digest_of(verdicts).differing(_digest(judged))),
        tuple(digest_of(requests).differing(_digest(wanted))),
        without_facts,
    )


def _digest(manifest: Manifest) -> Digest:
    return Digest(manifest.counts, manifest.roots)
