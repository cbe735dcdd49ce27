"""When selection may begin: once its verdicts and requests are exactly those judged and frozen, by digest."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.events import Manifest
from shared.proof.merkle import Digest, bucket_of, digest_of


@dataclass(frozen=True, slots=True)
class Completeness:
    """What is missing: differing buckets of verdicts and requests, and judged applications without facts."""

    verdicts: tuple[int, ...]
    requests: tuple[int, ...]
    without_facts: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """True if nothing is missing."""
        return not (self.verdicts or self.requests or self.without_facts)

    @property
    def applications(self) -> tuple[int, ...]:
        """Buckets of the applications whose facts are missing."""
        return tuple(sorted({bucket_of(application) for application in self.without_facts}))


def completeness(
    verdicts: Iterable[Sequence[Any]],
    judged: Manifest,
    requests: Iterable[Sequence[Any]],
    wanted: Manifest,
    without_facts: Iterable[str],
) -> Completeness:
    """Compares the digests of verdicts and requests with the manifests that were published."""
    return Completeness(
        tuple(digest_of(verdicts).differing(_digest(judged))),
        tuple(digest_of(requests).differing(_digest(wanted))),
        tuple(without_facts),
    )


def _digest(manifest: Manifest) -> Digest:
    return Digest(manifest.counts, manifest.roots)
