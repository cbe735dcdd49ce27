"""What a later epoch may still change: under which seed an application draws, and how many tickets count.

A round has one seed for ever, which may be known when a later epoch is opened. So committed tickets are never raised,
and applications admitted after the first commitment draw under a value that nobody knew then.
"""

from collections.abc import Iterable, Mapping


class MissingJudgementError(LookupError):
    """A judgement that an earlier commitment rests on is missing, so no tickets can be committed."""

    code = "missing-judgement"


def drawn_under(admitted_in: int, committed: Iterable[int]) -> int:
    """The epoch of the first commitment that could include the application.

    `committed`: all epochs committed, including the one being made.
    """
    return min(epoch for epoch in committed if epoch >= admitted_in)


def tickets_committed(by_epoch: Mapping[int, int], first: int, committed: Iterable[int]) -> int:
    """The smallest number of tickets committed since `first`. `by_epoch`: tickets by the epoch of the judgement.

    Raises MissingJudgementError if a commitment since `first` has no judgement: the minimum could be too high.
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
