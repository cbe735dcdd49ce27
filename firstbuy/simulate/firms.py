"""What a policy's limit of entries for each firm would have kept out: those that came last."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from firstbuy.simulate.cases import Case, Judged
from shared.contracts.policy import Policy

Came = tuple[datetime, Case]
"""When a firm's entry came, by the round's clock, and what became of it."""


@dataclass(frozen=True, slots=True)
class Beyond:
    """Entries beyond the limits of a policy, the firms they are of, and the tickets that they would have drawn with."""

    entries: int
    firms: int
    tickets: int


def beyond(policy: Policy, firms: Iterable[Iterable[Came]], *, new: bool) -> Beyond | None:
    """None where the policy has no limit. `new`: whether tickets are those of the policy that is tried."""
    most = policy.limits.applications_per_firm
    of_tracks = {
        track.track: track.limits.applications_per_firm
        for track in policy.tracks
        if track.limits and track.limits.applications_per_firm
    }
    if most is None and not of_tracks:
        return None
    kept_out = [list(_kept_out(entries, most, of_tracks)) for entries in firms]
    judged: list[Judged] = [case.new if new else case.old for cases in kept_out for case in cases]
    return Beyond(len(judged), sum(map(bool, kept_out)), sum(result.tickets for result in judged))


def _kept_out(entries: Iterable[Came], most: int | None, of_tracks: Mapping[str, int]) -> Iterable[Case]:
    standing: Counter[str] = Counter()
    for _, case in sorted(entries, key=lambda came: came[0]):
        full = most is not None and standing.total() >= most
        if full or standing[case.track] >= of_tracks.get(case.track, standing[case.track] + 1):
            yield case
        else:
            standing[case.track] += 1
