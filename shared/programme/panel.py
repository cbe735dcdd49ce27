"""The panel's marks as a set under one root: intake closes the set, and selection commits only the same set."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from shared.proof.merkle import digest_of


@dataclass(frozen=True, slots=True, order=True)
class PanelMark:
    """The current version of a reviewer's mark."""

    application: str
    reviewer: str
    version: int
    points: int
    conflict_of_interest: bool


def marks_root(marks: Iterable[PanelMark]) -> str:
    """The root over leaves `[application, [[reviewer, version, points, conflict of interest], …]]`, by reviewer."""
    by_application = groupby(sorted(marks), key=lambda mark: mark.application)
    return digest_of(
        (application, [[mark.reviewer, mark.version, mark.points, mark.conflict_of_interest] for mark in of_it])
        for application, of_it in by_application
    ).root
