"""Decides when a round is judged: its verdicts are exactly the manifest's applications, by digest, bucket by bucket."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.contracts.events import EligibilityCompleted, Manifest
from shared.contracts.findings import VerdictOutcome
from shared.proof.merkle import Digest, bucket_of, digest_of

Current = tuple[str, int, str, int, str, str]
"""(id, version, payload hash, epoch judged, outcome, findings hash) of a newest version that is not withdrawn."""


FIRST_EPOCH = 1


@dataclass(frozen=True, slots=True)
class JudgedIn:
    """The epoch each verdict has to be of: `everybody`'s, or a later one of the application itself in `again`."""

    everybody: int = FIRST_EPOCH
    again: Mapping[str, int] = field(default_factory=dict)

    def epoch(self, application: str) -> int:
        """The epoch that this application has to be judged in."""
        return max(self.everybody, self.again.get(application, FIRST_EPOCH))


def differing(current: Sequence[Current], manifest: Manifest, judged_in: JudgedIn) -> list[int]:
    """Buckets whose verdicts differ from what was admitted, or are of an earlier epoch than required."""
    judged = digest_of(row[:3] for row in current)
    stale = to_judge_again(current, judged_in)
    return sorted({*judged.differing(Digest(manifest.counts, manifest.roots)), *stale})


def to_judge_again(current: Iterable[Current], judged_in: JudgedIn) -> set[int]:
    """Buckets with a verdict of an earlier epoch than required."""
    return {bucket_of(row[0]) for row in current if row[3] < judged_in.epoch(row[0])}


def with_pending(current: Iterable[Current], pending: Iterable[Current]) -> list[Current]:
    """The newest version of each application, judged or pending, in its latest epoch."""
    newest: dict[str, Current] = {row[0]: row for row in current}
    for row in pending:
        known = newest.get(row[0])
        if known is None or (known[1], known[3]) < (row[1], row[3]):
            newest[row[0]] = row
    return list(newest.values())


def parked(current: Iterable[Current]) -> list[str]:
    """Applications that could not be judged. A round with one of them is not complete."""
    return [row[0] for row in current if row[4] == VerdictOutcome.PARKED]


def completed(
    round_id: str, epoch: int, applications_root: str, current: Sequence[Current], now: datetime
) -> EligibilityCompleted:
    """The event that completes a round: the manifest of its verdicts, and how many are eligible."""
    digest = digest_of(current)
    eligible = sum(row[4] == VerdictOutcome.ELIGIBLE for row in current)
    return EligibilityCompleted(
        round=round_id,
        epoch=epoch,
        applications_root=applications_root,
        verdicts=Manifest(count=digest.count, root=digest.root, counts=digest.counts, roots=digest.roots),
        eligible=eligible,
        ineligible=len(current) - eligible,
        completed_at=now,
    )
