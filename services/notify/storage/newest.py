"""The newest of several changes to one row, so that a batch writes each row once."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

Row = TypeVar("Row", bound=Mapping[str, Any])


def newest(rows: Iterable[Row], key: str, moment: Callable[[Row], Any]) -> list[Row]:
    """The newest row of each `key`, in the order of keys: two replicas lock rows in one order."""
    newest: dict[str, Row] = {}
    for row in rows:
        stored = newest.get(row[key])
        if stored is None or moment(stored) < moment(row):
            newest[row[key]] = row
    return [newest[value] for value in sorted(newest)]
