"""Charts as inline SVG: horizontal bars, stacked or side by side. Colours are CSS classes, so that they follow the
reader's light or dark page."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from firstbuy.reports.page import scrolling

WIDTH: Final = 860
_LABEL: Final = 250
_ROW: Final = 26
_BAR: Final = 16
_VALUE: Final = 150


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a bar: its length, its CSS class, and what is said of it when pointed at."""

    length: float
    css: str
    said: str


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    parts: Sequence[Part]
    value: str
    mark: float | None = None
    """A line across the bar at this length, such as a pledge."""


def bars(chart: Sequence[Bar], *, title: str) -> str:
    """Each bar drawn to one scale, its value written behind it."""
    longest = max((max(sum(part.length for part in bar.parts), bar.mark or 0.0) for bar in chart), default=0.0) or 1.0
    room = WIDTH - _LABEL - _VALUE
    rows = [_row(bar, number, room / longest) for number, bar in enumerate(chart)]
    height = _ROW * len(chart) + 4
    said = escape(title)
    drawn = (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{said}"><title>{said}</title>{"".join(rows)}</svg>'
    )
    return scrolling(drawn, title)


def _row(bar: Bar, number: int, scale: float) -> str:
    top = number * _ROW + (_ROW - _BAR) / 2
    middle = number * _ROW + _ROW / 2 + 4
    drawn = [f'<text x="{_LABEL - 10}" y="{middle:.1f}" class="label">{escape(bar.label)}</text>']
    left = float(_LABEL)
    for part in bar.parts:
        width = part.length * scale
        if width > 0:
            drawn.append(
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{_BAR}" class="{part.css}">'
                f"<title>{escape(part.said)}</title></rect>"
            )
        left += width
    if bar.mark is not None:
        at = _LABEL + bar.mark * scale
        drawn.append(f'<path d="M{at:.1f} {top - 3:.1f}v{_BAR + 6}" class="mark"/>')
        left = max(left, at)
    drawn.append(f'<text x="{left + 8:.1f}" y="{middle:.1f}" class="value">{escape(bar.value)}</text>')
    return "".join(drawn)


def legend(entries: Sequence[tuple[str, str]]) -> str:
    """(CSS class, meaning)."""
    keys = "".join(
        f'<span><svg viewBox="0 0 12 12"><rect width="12" height="12" class="{css}"/></svg>{escape(text)}</span>'
        for css, text in entries
    )
    return f'<p class="legend">{keys}</p>'
