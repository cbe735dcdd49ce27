"""What a later epoch may still change: who draws under which seed, and how many tickets count.

One seed per round for ever. It may be known when a later epoch is opened, so tickets once committed are never raised,
and who was admitted after the first commitment draws under a value that nobody knew then.
"""

from collections.abc import Iterable, Mapping


class MissingJudgementError(LookupError):
    """What an earlier commitment was made of is not there: no tickets can be committed without it."""

    code = "missing-judgement"


def drawn_under(admitted_in: int, committed: Iterable[int]) -> int:
    """The epoch of the first commitment an application could stand in. `committed`: epochs, with the one being made."""
    return min(epoch for epoch in committed if epoch >= admitted_in)


def tickets_committed(by_epoch: Mapping[int, int], first: int, committed: Iterable[int]) -> int:
    """The least of what was committed since `first`. `by_epoch`: the tickets of each judgement, by epoch judged.

    Raises MissingJudgementError where a commitment since `first` has none: the least of fewer could be too many.
    """
    counts = []
    for commitment in committed:
        if commitment < first:
            continue
        judged = [epoch for epoch in by_epoch if epoch <= commitment]
        if not judged:
            raise MissingJudgementError(f"nothing judged by epoch {commitment}")
        counts.append(by_epoch[max(judged)])
    return min(counts)
