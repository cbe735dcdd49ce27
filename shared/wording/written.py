"""Writes money, days and times for people in both languages, and other people's text on one line."""

import unicodedata
from datetime import date, datetime
from typing import Final

from shared.contracts.events import Language
from shared.programme.working_days import KST, korean_date

_TURNING_TEXT: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(text: str) -> str:
    """The text on one line: without control characters, line separators and changes of reading direction."""
    if text.isprintable():
        return " ".join(text.split())
    printable = "".join(
        " " if unicodedata.category(character) in {"Cc", "Zl", "Zp"} else character
        for character in text
        if character not in _TURNING_TEXT
    )
    return " ".join(printable.split())


def won(amount: int, language: Language) -> str:
    """An amount of money."""
    return f"{amount:,}원" if language is Language.KO else f"KRW {amount:,}"


def moment(written: str | datetime, language: Language) -> str:
    """A time to the second, in Korean time, which has no summer time."""
    when = (datetime.fromisoformat(written) if isinstance(written, str) else written).astimezone(KST)
    if language is Language.KO:
        return f"{when.year}년 {when.month}월 {when.day}일 {when:%H:%M:%S} (한국시간)"
    return f"{when.day} {when:%B %Y, %H:%M:%S} (Korean time)"


def stated_day(written: str, language: Language) -> str:
    """A day given as `YYYY-MM-DD`."""
    return day(date.fromisoformat(written), language)


def day(when: date | datetime, language: Language) -> str:
    """A day, or the Korean date of a datetime."""
    if isinstance(when, datetime):
        when = korean_date(when)
    return f"{when.year}년 {when.month}월 {when.day}일" if language is Language.KO else f"{when.day} {when:%B %Y}"
