"""Decides when a round is judged: its verdicts are exactly the manifest's applications, by digest, bucket by bucket."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from shared.contracts.events import EligibilityCompleted, Manifest
from shared.contracts.findings import VerdictOutcome
from shared.proof.merkle import Digest, bucket_of, digest_of

FIRST_EPOCH = 1


class VerdictLeaf(NamedTuple):
    """The leaf of a verdict on a newest version that is not withdrawn. `epoch`: the one it was judged in."""

    application: str
    version: int
    payload_hash: str
    epoch: int
    outcome: str
    findings_hash: str


@dataclass(frozen=True, slots=True)
class JudgedIn:
    """The epoch each verdict has to be of: `everybody`'s, or a later one of the application itself in `again`."""

    everybody: int = FIRST_EPOCH
    again: Mapping[str, int] = field(default_factory=dict)

    def epoch(self, application: str) -> int:
        """The epoch that this application has to be judged in."""
        return max(self.everybody, self.again.get(application, FIRST_EPOCH))


def differing(current: Sequence[VerdictLeaf], manifest: Manifest, judged_in: JudgedIn) -> list[int]:
    """Buckets whose verdicts differ from what was admitted, or are of an earlier epoch than required."""
    judged = digest_of(leaf[:3] for leaf in current)
    stale = to_judge_again(current, judged_in)
    return sorted({*judged.differing(Digest(manifest.counts, manifest.roots)), *stale})


def to_judge_again(current: Iterable[VerdictLeaf], judged_in: JudgedIn) -> set[int]:
    """Buckets with a verdict of an earlier epoch than required."""
    return {bucket_of(leaf.application) for leaf in current if leaf.epoch < judged_in.epoch(leaf.application)}


def with_pending(current: Iterable[VerdictLeaf], pending: Iterable[VerdictLeaf]) -> list[VerdictLeaf]:
    """The newest version of each application, judged or pending, in its latest epoch."""
    newest: dict[str, VerdictLeaf] = {leaf.application: leaf for leaf in current}
    for leaf in pending:
        known = newest.get(leaf.application)
        if known is None or (known.version, known.epoch) < (leaf.version, leaf.epoch):
            newest[leaf.application] = leaf
    return list(newest.values())


def parked(current: Iterable[VerdictLeaf]) -> list[str]:
    """Applications that could not be judged. A round with one of them is not complete."""
    return [leaf.application for leaf in current if leaf.outcome == VerdictOutcome.PARKED]


def completed(
    round_id: str, epoch: int, applications_root: str, current: Sequence[VerdictLeaf], now: datetime
) -> EligibilityCompleted:
    """The event that completes a round: the manifest of its verdicts, and how many are eligible."""
    digest = digest_of(current)
    eligible = sum(leaf.outcome == VerdictOutcome.ELIGIBLE for leaf in current)
    return EligibilityCompleted(
        round=round_id,
        epoch=epoch,
        applications_root=applications_root,
        verdicts=Manifest(count=digest.count, root=digest.root, counts=digest.counts, roots=digest.roots),
        eligible=eligible,
        ineligible=len(current) - eligible,
        completed_at=now,
    )
