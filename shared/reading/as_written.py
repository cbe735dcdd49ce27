"""Reads a value as people write it: one reader per kind of value, used by forms, JSON and spreadsheets.

It ignores what keyboards, PDFs and spreadsheets leave in values that look right: character widths, dashes, blanks,
invisible characters, decomposed Korean. It never guesses: a value that is not clearly of its kind is `Wrong`, or is
returned unchanged for the contract to refuse.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import Final

_FULL_WIDTH: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " "}
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2060-\u2065\u206a-\u206f\u3164\ufeff"
    "\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
"""Invisible code points (Unicode Default_Ignorable_Code_Point), except joiners, variation selectors and those that
change the reading direction of runs."""
_INVISIBLE_IN_NUMBERS: Final = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u2060-\u2065\u206a-\u206f\u3164\ufeff"
    "\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff\u200c\u200d\ufe00-\ufe0f\u202a\u202c\u202d\u2066\u2068\u2069]"
)
"""Except those that reverse digits: without them, a number would read differently than it looks."""
_BLANK: Final = re.compile(r"[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_DASH: Final = re.compile("[\u02d7\u1806\u2010-\u2015\u2043\u2212\u2500\u2501\ufe58\ufe63\uff0d]")
_STROKE: Final = re.compile("(?<=[0-9A-Za-z ])[\u30fc\uff70\u3161\u4e00](?=[0-9A-Za-z ])")
"""Letters that people type for a dash; between letters of their own alphabet they stay."""
_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ACTING: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_CONTROL_IN_PROSE: Final = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""NUL is left to the contract, which refuses it in every text."""
_JOINER: Final = re.compile("[\u200c\u200d]")
_LOST: Final = "\ufffd"
_AS_IT_IS: Final = re.compile("[0-9A-Za-z가-힣](?:[ -~가-힣]*[!-~가-힣])?")
"""A line that needs no change: the fast path for nearly all lines."""
_PROSE_AS_IT_IS: Final = re.compile("[\n -~가-힣]*")
_CODE_AS_IT_IS: Final = re.compile("[!-~]+")
_BETWEEN_GROUPS: Final = re.compile(" ?- ?| ")
_WHOLE: Final = re.compile(r"(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.0+)?")
_SHORTENED: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+")
_DAY: Final = re.compile(
    r"([0-9]{4}) ?(?:([-./]) ?([0-9]{1,2}) ?\2 ?([0-9]{1,2})(?![0-9])(?: ?\.)?|년 ?([0-9]{1,2})월 ?([0-9]{1,2})일)"
)
_A_NUMBER: Final = re.compile(r"\s*[+-]?[0-9.]+([eE][+-]?[0-9]+)?\s*")
_LONGEST_NUMBER: Final = 40
_LONGEST_LINE: Final = 2000
"""Longer lines are left to the contract, which refuses them."""
_LONGEST_PROSE: Final = 40_000
_FOREIGN: Final = re.compile("[^\x00-\u02ff\u1100-\u11ff\u2010-\u20cf\u3131-\ua66e\uac00-\ud7ff]{31,}")
_MARKS_AT_MOST: Final = 30
"""Most combining marks on one letter, as in Unicode's stream-safe text: ordering marks takes quadratic time."""
WRITE_A_NUMBER: Final = "write digits alone, such as 120000000 or 120,000,000: no unit, no sign"
WRITE_A_DAY: Final = "write the year, the month and the day: 2018-09-14"


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a value is not of its kind. `code` is stable."""

    code: str
    detail: str
    fix: str


def shape(text: str) -> str:
    """The text without invisible characters."""
    return text if text.isascii() else _INVISIBLE.sub("", text)


def is_blank(text: str) -> bool:
    """True if nothing of the text is visible."""
    return not shape(text).strip()


def line(text: str) -> str | Wrong:
    """Reads a name or other one-line text: in NFC, stripped, without invisible characters."""
    if len(text) > _LONGEST_LINE or _AS_IT_IS.fullmatch(text):
        return text
    came, text = text, _seen(_BLANK.sub(" ", text)).strip()
    if wrong := _unfit(text, _CONTROL, "write it on one line, without control characters"):
        return wrong
    if _TURNING.search(text):
        return Wrong("turning-text", "it has signs that turn the reading direction", "write it without them")
    if came.strip() and not any(unicodedata.category(sign)[0] in "LN" for sign in text):
        return Wrong("no-letter", "no letter and no digit of it can be seen", "write it in letters or digits")
    return text


def prose(text: str) -> str | Wrong:
    """Reads a text of several lines: in NFC, without invisible characters. Blanks and line ends stay."""
    if len(text) > _LONGEST_PROSE or _PROSE_AS_IT_IS.fullmatch(text):
        return text
    if _has_many_marks(text):
        return Wrong("many-marks", f"a letter has more than {_MARKS_AT_MOST} marks", "write it in plain letters")
    text = _seen(text)
    if wrong := _unfit(text, _CONTROL_IN_PROSE, "write it without control characters"):
        return wrong
    if "\u202d" in text or "\u202e" in text:
        return Wrong("turning-text", "it has signs that turn the reading direction", "write it without them")
    return text


def _seen(text: str) -> str:
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", shape(text))
    return _JOINER.sub(lambda match: match.group() if _joins(text, match.start()) else "", text)


def _joins(text: str, at: int) -> bool:
    """True if a joiner here shapes an emoji or a letter of an alphabet that uses joiners."""
    before, after = text[max(at - 1, 0)], text[min(at + 1, len(text) - 1)]
    return all(
        ord(neighbour) > 0x2FF
        and not unicodedata.name(neighbour, "").startswith(("HANGUL", "CJK", "ZERO", "FULLWIDTH"))
        for neighbour in (before, after)
    )


def _has_many_marks(text: str) -> bool:
    for match in _FOREIGN.finditer(text):
        marks = 0
        for sign in match.group():
            marks = marks + 1 if unicodedata.combining(sign) else 0
            if marks > _MARKS_AT_MOST:
                return True
    return False


def _unfit(text: str, control: re.Pattern[str], fix: str) -> Wrong | None:
    if match := control.search(text):
        return Wrong("control-character", f"it has the control character U+{ord(match.group()):04X}", fix)
    if _LOST in text:
        detail = "some of its letters were lost when it was saved, and stand as U+FFFD"
        return Wrong("lost-letters", detail, "write those letters again, and save it as UTF-8")
    return None


def plain(text: str) -> str:
    """Reads a number or code: other widths and dashes become ASCII, and it is stripped."""
    if text.isascii() or len(text) > _LONGEST_LINE:
        return text.strip()
    text = unicodedata.normalize("NFC", _INVISIBLE_IN_NUMBERS.sub("", text)).translate(_FULL_WIDTH)
    return _STROKE.sub("-", _DASH.sub("-", _BLANK.sub(" ", text))).strip()


def digits(text: str, groups: tuple[int, ...]) -> str:
    """Reads a number written in groups with dashes or blanks, or without; returns other texts unchanged."""
    if text.isascii() and text.isdecimal():
        return text
    written = plain(text)
    parts = _BETWEEN_GROUPS.split(written)
    ends, group_ends = accumulate(map(len, parts)), set(accumulate(groups))
    whole = "".join(parts)
    fits = whole.isascii() and whole.isdecimal() and len(whole) == sum(groups) and group_ends.issuperset(ends)
    return whole if fits else written


def number_of_document(text: str) -> str | Wrong:
    """Reads the number of a certificate or confirmation, which may have letters and dashes of its own."""
    if _CODE_AS_IT_IS.fullmatch(text) and text[0].isalnum():
        return text
    written = line(plain(text) or text)
    return "-".join(map(str.strip, written.split("-"))) if isinstance(written, str) else written


def whole(text: str) -> int | Wrong:
    """Reads a whole number: digits, with or without commas between thousands."""
    written = plain(text)
    if len(written) < _LONGEST_NUMBER and _WHOLE.fullmatch(written):
        return int(written.partition(".")[0].replace(",", ""))
    detail = "this is no whole number in digits"
    if _SHORTENED.fullmatch(written):
        detail = "it is shortened, as spreadsheets show long numbers, and may have lost digits"
    return Wrong("not-a-whole-number", detail, WRITE_A_NUMBER)


def day(text: str) -> str | Wrong:
    """Reads a calendar day and returns it as `YYYY-MM-DD`. A day with a time is wrong: it depends on the time zone."""
    written = plain(text)
    if match := _DAY.fullmatch(written):
        try:
            return date(*(int(part) for part in match.group(1, 3, 4, 5, 6) if part)).isoformat()
        except ValueError:
            return Wrong("no-such-day", "there is no such day", WRITE_A_DAY)
    if _DAY.match(written):
        return timed_day("more than a day stands there, such as a time or a zone")
    return Wrong("not-a-day", "this is no date", WRITE_A_DAY)


def timed_day(detail: str) -> Wrong:
    """The error for a day with a time."""
    return Wrong("date-from-datetime-inexact", detail, "write the day alone, as it is in Korea, such as 2018-09-14")


def visible(text: str) -> str:
    """The text for messages: characters with an effect on display are written as their numbers, such as <U+202E>."""
    return (
        text
        if text.isascii() and text.isprintable()
        else _ACTING.sub(lambda match: f"<U+{ord(match.group()):04X}>", text)
    )


def is_number(text: str) -> bool:
    """True for a text that a datetime parser could take for seconds since 1970."""
    return bool(_A_NUMBER.fullmatch(plain(text)))
