"""When a round is judged: its verdicts are exactly the manifest's applications, by digest, bucket by bucket."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from shared.contracts.events import EligibilityCompleted, Manifest
from shared.contracts.findings import VerdictOutcome
from shared.merkle import Digest, digest_of

Current = tuple[str, int, str, int, str, str]
"""(id, version, payload hash, epoch judged, outcome, findings hash) of a newest version that is not withdrawn."""


def differing(current: Iterable[Current], manifest: Manifest) -> list[int]:
    """Buckets in which what was judged is not what was admitted."""
    judged = digest_of(row[:3] for row in current)
    return judged.differing(Digest(manifest.counts, manifest.roots))


def completed(
    round_id: str, epoch: int, applications_root: str, current: Sequence[Current], now: datetime
) -> EligibilityCompleted:
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
