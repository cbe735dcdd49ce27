"""Checks the regular expressions that a policy may use for certificate numbers: they must be simple and match fast.

Python's engine backtracks, and applicants choose the input: `([0-9]+)+-` takes years on thirty digits, so one
application could hold up a round. A linear engine would add a native package to the service that decides. Certificate
numbers need so little that it suffices to count, before the round is announced, in how many ways a pattern can be tried
on the longest number. The count bounds the work, since what could make it explode (nested repetition, look-around,
back-references) multiplies it or is refused.
"""

import re
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 200
"""Most characters of a number (`Line`)."""
MOST_WAYS: Final = 50_000
"""Two unbounded repetitions fit, three do not. Measured: some milliseconds at worst."""
_CLASSES: Final = "dws"
_PUNCTUATION: Final = frozenset(r"""\.^$*+?{}[]()|-/"'#&~@!%,:;<=>_ """)
_BOUNDS: Final = re.compile(r"\{([0-9]{1,4})(,([0-9]{0,4}))?\}")


class UnreadablePatternError(ValueError):
    """It is not a regular expression, or uses more than is allowed here."""

    code = "unreadable-pattern"


class SlowPatternError(ValueError):
    """The pattern could be tried on some number in too many ways."""

    code = "slow-pattern"


@dataclass(frozen=True, slots=True)
class Extent:
    """The extent of a part: in how many ways it can be tried, and how many characters it takes at least."""

    ways: int
    least: int


_NOTHING: Final = Extent(1, 0)
_ONE: Final = Extent(1, 1)


def examine(pattern: str) -> Extent:
    """Checks a pattern. Raises UnreadablePatternError or SlowPatternError, whose messages say what to do."""
    extent = _Reader(pattern).whole()
    try:
        re.compile(pattern, re.ASCII)
    except re.error as error:
        raise UnreadablePatternError(str(error)) from error
    if extent.least > LONGEST:
        raise UnreadablePatternError(f"no number is that long: it takes {extent.least} characters of {LONGEST}")
    return extent


class _Reader:
    """Literals, `.`, `[…]`, escapes, groups, `|`, `^`, `$`, and `? * + {n} {n,} {n,m}` after one of them."""

    def __init__(self, pattern: str) -> None:
        self.text, self.at = pattern, 0

    def whole(self) -> Extent:
        extent = self._alternatives()
        if self.at < len(self.text):
            raise UnreadablePatternError(f"unbalanced ) at character {self.at + 1}")
        return extent

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _alternatives(self) -> Extent:
        extent = self._sequence()
        while self._peek() == "|":
            self.at += 1
            other = self._sequence()
            extent = Extent(_bounded(extent.ways + other.ways), min(extent.least, other.least))
        return extent

    def _sequence(self) -> Extent:
        ways, least = 1, 0
        while (sign := self._peek()) and sign not in "|)":
            part = self._repeated(self._atom())
            ways, least = _bounded(ways * part.ways), least + part.least
        return Extent(ways, least)

    def _atom(self) -> Extent:
        start, sign = self.at, self._peek()
        self.at += 1
        match sign:
            case "(":
                return self._group(start)
            case "[":
                return self._class(start)
            case "\\":
                return self._escape()
            case "^" | "$":
                return _NOTHING
            case "*" | "+" | "?":
                raise UnreadablePatternError(f"nothing to repeat before {sign} at character {start + 1}")
            case "{" | "}" | "]":
                raise UnreadablePatternError(f"{sign} at character {start + 1} stands alone: write \\{sign}")
        return _ONE

    def _group(self, start: int) -> Extent:
        if self._peek() == "?":
            if self.text[self.at : self.at + 2] != "?:":
                raise UnreadablePatternError(f"(?… at character {start + 1} is not allowed: only (…) and (?:…) are")
            self.at += 2
        extent = self._alternatives()
        if self._peek() != ")":
            raise UnreadablePatternError(f"( at character {start + 1} is not closed")
        self.at += 1
        return extent

    def _class(self, start: int) -> Extent:
        if self._peek() == "^":
            self.at += 1
        first = self.at
        while (sign := self._peek()) != "]" or self.at == first:
            if not sign or sign in "[]":
                raise UnreadablePatternError(
                    f"[ at character {start + 1} is not closed, or holds a bracket: write \\[ or \\]"
                )
            self.at += 1
            if sign in "-&|~" and self._peek() == sign:
                raise UnreadablePatternError(f"{sign}{sign} at character {self.at} may come to mean something else")
            if sign == "\\":
                self._escape()
        self.at += 1
        return _ONE

    def _escape(self) -> Extent:
        sign = self._peek()
        if not sign or (sign not in _CLASSES and sign not in _PUNCTUATION):
            raise UnreadablePatternError(f"\\{sign} is not allowed: only \\d, \\w, \\s and escaped signs are")
        self.at += 1
        return _ONE

    def _repeated(self, part: Extent) -> Extent:
        start = self.at
        bounds = self._bounds()
        if bounds is None:
            return part
        low, high = bounds
        if part.least == 0:
            raise UnreadablePatternError(f"what is repeated before character {start + 1} may be empty: bound it inside")
        if self._peek() in tuple("?*+{"):
            raise UnreadablePatternError(f"repeated twice at character {self.at + 1}: keep one of the two")
        if low > high:
            raise UnreadablePatternError(f"the bounds at character {start + 1} fall: write the lesser first")
        most = max(low, min(high, LONGEST // part.least))
        ways, power = 0, _power(part.ways, low)
        for _ in range(low, most + 1):
            ways = _bounded(ways + power)
            power *= part.ways
        return Extent(ways, part.least * low)

    def _bounds(self) -> tuple[int, int] | None:
        sign = self._peek()
        if sign in ("?", "*", "+"):
            self.at += 1
            return {"?": (0, 1), "*": (0, LONGEST), "+": (1, LONGEST)}[sign]
        if sign != "{":
            return None
        bounds = _BOUNDS.match(self.text, self.at)
        if bounds is None:
            raise UnreadablePatternError(f"{{ at character {self.at + 1} stands alone: write \\{{ or {{4}} or {{2,4}}")
        self.at = bounds.end()
        low, ranged, high = int(bounds[1]), bounds[2], bounds[3]
        return low, (int(high) if high else LONGEST) if ranged else low


def _power(ways: int, times: int) -> int:
    """`ways` to the power of `times`, refused early: the number could otherwise have thousands of digits."""
    power = 1
    for _ in range(times if ways > 1 else 0):
        power = _bounded(power * ways)
    return power


def _bounded(ways: int) -> int:
    if ways > MOST_WAYS:
        raise SlowPatternError(f"a number could be tried in more than {MOST_WAYS:,} ways")
    return ways
