"""When selection may begin: its verdicts and requests are exactly those that were judged and frozen, by digest."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.events import Manifest
from shared.proof.merkle import Digest, bucket_of, digest_of


@dataclass(frozen=True, slots=True)
class Completeness:
    """Buckets that still differ, of verdicts and of purchase requests, and judged applications without their facts."""

    verdicts: tuple[int, ...]
    requests: tuple[int, ...]
    without_facts: tuple[str, ...]

    @property
    def complete(self) -> bool:
        return not (self.verdicts or self.requests or self.without_facts)

    @property
    def applications(self) -> tuple[int, ...]:
        """Buckets of applications whose facts are wanted."""
        return tuple(sorted({bucket_of(application) for application in self.without_facts}))


def completeness(
    verdicts: Iterable[Sequence[Any]],
    judged: Manifest,
    requests: Iterable[Sequence[Any]],
    wanted: Manifest,
    without_facts: Iterable[str],
) -> Completeness:
    return Completeness(
        tuple(digest_of(verdicts).differing(_digest(judged))),
        tuple(digest_of(requests).differing(_digest(wanted))),
        tuple(without_facts),
    )


def _digest(manifest: Manifest) -> Digest:
    return Digest(manifest.counts, manifest.roots)
