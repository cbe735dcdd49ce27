"""A panel's marks: read from a table, checked row by row, and searched for outliers."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median
from typing import Final

from services.intake.domain.uploads.columns import plain
from shared.contracts.events import Reason
from shared.programme.panel import PanelMark
from shared.reading import as_written

COLUMNS: Final = ("application", "reviewer", "points", "conflict_of_interest")
OUTLIER_SHARE: Final = Fraction(1, 4)
"""A mark is an outlier if it differs from the median of the others by this share of the panel's points or more."""
_POINTS_BELOW: Final = 1_000_000
_YES_NO: Final = {
    **dict.fromkeys(("", "no", "false", "0", "아니오", "아니요", "없음"), False),
    **dict.fromkeys(("yes", "true", "1", "예", "네", "있음"), True),
}
_HEADERS: Final = {
    plain(header): name
    for name, in_korean in zip(COLUMNS, ("신청 번호", "심사위원", "점수", "이해충돌"), strict=True)
    for header in (name, in_korean)
}


@dataclass(frozen=True, slots=True)
class StatedMark:
    """One row as it was sent; `at` is its place, as a JSON pointer."""

    at: str
    application: str
    reviewer: str
    points: int
    conflict_of_interest: bool = False


def column_named(header: str) -> str | None:
    """The column of a header, in either language."""
    return _HEADERS.get(plain(header))


def read_table(rows: Iterable[tuple[int, Sequence[str]]]) -> tuple[list[StatedMark], list[Reason]]:
    """The marks in numbered rows below a header of `COLUMNS`, of which the last is optional; and reasons for unreadable
    rows."""
    table = iter(rows)
    _, header = next(table, (1, ()))
    head = [column_named(name) for name in header]
    if sorted(map(str, head)) not in (sorted(COLUMNS), sorted(COLUMNS[:-1])):
        detail = f"its first line is {','.join(header)[:200]}"
        return [], [Reason(pointer="/lines/1", code="head", detail=detail, fix=f"begin with {','.join(COLUMNS)}")]
    marks: list[StatedMark] = []
    reasons: list[Reason] = []
    for number, row in table:
        at = f"/lines/{number}"
        if all(map(as_written.is_blank, row)):
            continue
        if len(row) != len(head):
            detail = f"{len(row)} cells, the head has {len(head)}"
            reasons.append(Reason(pointer=at, code="cells", detail=detail, fix="give one cell for each column"))
            continue
        cells = dict(zip(head, map(as_written.plain, row), strict=True))
        points, conflict = as_written.whole(cells["points"]), _YES_NO.get(cells.get(COLUMNS[3], "").lower())
        if isinstance(points, as_written.Wrong) or points >= _POINTS_BELOW:
            detail = f"{cells['points'][:50]!r} is no whole number"
            reasons.append(Reason(pointer=f"{at}/points", code="no-number", detail=detail, fix="give whole points"))
        elif conflict is None:
            detail, fix = f"{cells[COLUMNS[3]][:50]!r} is neither yes nor no", "write yes, no, or nothing for no"
            reasons.append(Reason(pointer=f"{at}/conflict_of_interest", code="yes-or-no", detail=detail, fix=fix))
        else:
            marks.append(StatedMark(at, cells["application"].lower(), cells["reviewer"], points, conflict))
    return marks, reasons


def faults(
    marks: Iterable[StatedMark], takes_marks: Collection[str], closed_to: Collection[str], panel_points: int
) -> list[Reason]:
    """Why rows can't be accepted. `takes_marks`: applications of the frozen set; `closed_to`: those whose marks are
    closed."""
    reasons: list[Reason] = []
    places: dict[tuple[str, str], str] = {}
    for mark in marks:
        first = places.setdefault((mark.application, mark.reviewer), mark.at)
        if first != mark.at:
            detail, fix = f"{mark.reviewer} marks it at {first} too", "leave one of the two"
            reasons.append(Reason(pointer=mark.at, code="twice", detail=detail, fix=fix))
        if mark.application not in takes_marks:
            detail, fix = "no application of the round's frozen set has this id", "see GET /rounds/{round}/scores"
            reasons.append(Reason(pointer=f"{mark.at}/application", code="unknown", detail=detail, fix=fix))
        elif mark.application in closed_to:
            detail, fix = "its marks are closed, and what was committed stays", "leave it out"
            reasons.append(Reason(pointer=f"{mark.at}/application", code="closed", detail=detail, fix=fix))
        if not 0 <= mark.points <= panel_points:
            detail, fix = f"{mark.points} points of {panel_points}", f"give 0 to {panel_points}"
            reasons.append(Reason(pointer=f"{mark.at}/points", code="out-of-range", detail=detail, fix=fix))
    return reasons


def changed(marks: Iterable[StatedMark], standing: Mapping[tuple[str, str], PanelMark]) -> list[PanelMark]:
    """Marks that are new or differ from the stored ones, each in its next version."""
    new = []
    for mark in marks:
        before = standing.get((mark.application, mark.reviewer))
        if before is None or (before.points, before.conflict_of_interest) != (mark.points, mark.conflict_of_interest):
            version = before.version + 1 if before else 1
            new.append(PanelMark(mark.application, mark.reviewer, version, mark.points, mark.conflict_of_interest))
    return new


def counted(marks: Iterable[PanelMark]) -> dict[str, list[PanelMark]]:
    """Marks by application, without those of reviewers who declared a conflict of interest."""
    by_application: dict[str, list[PanelMark]] = defaultdict(list)
    for mark in marks:
        if not mark.conflict_of_interest:
            by_application[mark.application].append(mark)
    return by_application


def outliers(marks: Sequence[PanelMark], panel_points: int) -> list[str]:
    """Reviewers whose mark is an outlier among the marks of the same application."""
    reviewers = []
    for mark in marks:
        others = [other.points for other in marks if other.reviewer != mark.reviewer]
        if others and abs(mark.points - median(others)) >= OUTLIER_SHARE * panel_points:
            reviewers.append(mark.reviewer)
    return reviewers
