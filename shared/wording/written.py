"""How money, days and moments are written for people, in both languages; and text of others on one line."""

import unicodedata
from datetime import date, datetime
from typing import Final

from shared.contracts.events import Language
from shared.programme.working_days import KST, korean_date

_TURNING_TEXT: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(text: str) -> str:
    """No control character, no line end of any alphabet, nothing that turns the reading direction."""
    if text.isprintable():
        return " ".join(text.split())
    printable = "".join(
        " " if unicodedata.category(character) in {"Cc", "Zl", "Zp"} else character
        for character in text
        if character not in _TURNING_TEXT
    )
    return " ".join(printable.split())


def won(amount: int, language: Language) -> str:
    return f"{amount:,}원" if language is Language.KO else f"KRW {amount:,}"


def moment(written: str | datetime, language: Language) -> str:
    """To the second, in Korean time, which has no summer time."""
    when = (datetime.fromisoformat(written) if isinstance(written, str) else written).astimezone(KST)
    if language is Language.KO:
        return f"{when.year}년 {when.month}월 {when.day}일 {when:%H:%M:%S} (한국시간)"
    return f"{when.day} {when:%B %Y, %H:%M:%S} (Korean time)"


def stated_day(written: str, language: Language) -> str:
    """A day that an event states."""
    return day(date.fromisoformat(written), language)


def day(when: date | datetime, language: Language) -> str:
    """A day, or the day of a moment in Korea."""
    if isinstance(when, datetime):
        when = korean_date(when)
    return f"{when.year}년 {when.month}월 {when.day}일" if language is Language.KO else f"{when.day} {when:%B %Y}"
