"""A round in numbers: pledges against purchases, chances against what was drawn, and why others were not selected.

Bars are drawn from the rows of the tables beside them, so that they say the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from services.portal.domain.texts import Texts

WIDTH: Final = 100
"""Of the longest bar, in units of the drawing."""
NOTHING: Final = "–"
_Values: TypeAlias = tuple[str, Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class Bar:
    """One value of a row: what it is, as it is shown, and its length."""

    name: str
    shown: str
    length: float


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a chart, and of the table that says the same."""

    label: str
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Chart:
    """Rows of bars under a title. `names`: of the bars, in their order."""

    name: str
    title: str
    names: Sequence[str]
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Numbers:
    """What services say: pledges with what became of them, chances by kind of firm, results by reason."""

    pledges: Sequence[Mapping[str, Any]]
    kinds: Sequence[Mapping[str, Any]]
    reasons: Mapping[str, int]
    selected: int


def charts_of(numbers: Numbers, texts: Texts) -> list[Chart]:
    """Those of which there is something to show."""
    found = (
        _chart("pledges", ("pledged", "awarded", "contracted"), _pledges(numbers), texts.money, texts),
        _chart("chances", ("chance", "drawn"), _chances(numbers, texts), _percent, texts),
        _chart("results", ("count",), _results(numbers, texts), lambda value: f"{value:,}", texts),
    )
    return [chart for chart in found if chart.rows]


def _pledges(numbers: Numbers) -> list[_Values]:
    ordered = sorted(numbers.pledges, key=lambda row: (-row["pledge_won"], row["institution"]))
    members = ("pledge_won", "awarded_won", "contracted_won")
    return [(row.get("institution_name") or row["institution"], [row[each] for each in members]) for row in ordered]


def _chances(numbers: Numbers, texts: Texts) -> list[_Values]:
    ordered = sorted(numbers.kinds, key=lambda row: -row["tickets"])
    return [(_kind(row, texts), [row["selected"], row["was_selected"]]) for row in ordered]


def _kind(row: Mapping[str, Any], texts: Texts) -> str:
    names = [texts(f"tickets.{name}") for name in ("startup", "first_timer") if row[name]]
    who = texts("tickets.and").join(names) or texts("tickets.everyone")
    return texts("statistics.kind", who=who, tickets=row["tickets"], count=row["standing"])


def _results(numbers: Numbers, texts: Texts) -> list[_Values]:
    selected: list[_Values] = [(texts("own.selected"), [numbers.selected])] if numbers.selected else []
    return [*selected, *((_reason(code, texts), [count]) for code, count in numbers.reasons.items())]


def _reason(code: str, texts: Texts) -> str:
    return texts(f"reason.{code}") if texts.has(f"reason.{code}") else code


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _chart(name: str, bars: Sequence[str], rows: Sequence[_Values], shown: Callable[[Any], str], texts: Texts) -> Chart:
    largest = max((value for _, values in rows for value in values if value), default=1)
    names = [texts(f"statistics.{name}_{bar}") for bar in bars]

    def bar(at: int, value: float | None) -> Bar:
        return Bar(names[at], NOTHING if value is None else shown(value), WIDTH * (value or 0) / largest)

    drawn = [Row(label, [bar(at, value) for at, value in enumerate(values)]) for label, values in rows]
    return Chart(name, texts(f"statistics.{name}"), names, drawn)
