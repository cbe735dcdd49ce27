"""Korean particles after names and numbers: 이/가, 은/는, 을/를, 과/와, 으로/로 depend on how the last letter is read
(Standard Korean Language Regulations; National Institute of Korean Language).

Digits are read as Korean numbers, capitals by their names, other Latin words as usually written in Hangul.
"""

import re
import unicodedata
from typing import Final

_SYLLABLES: Final = range(0xAC00, 0xD7A4)
_FINALS: Final = 28
_RIEUL: Final = 8
_READ: Final = {
    "%": "트",
    "‰": "밀",
    "+": "스",
    "&": "드",
    "℃": "도",
    "℉": "도",
    "°": "도",
    "₩": "원",
    "$": "러",
    "€": "로",
}
"""Signs that are pronounced, such as percent and plus. All others are skipped."""
_DIGITS: Final = "영일이삼사오육칠팔구"
_TENS: Final = ("", "십", "백", "천")
_MYRIADS: Final = ("", "만", "억", "조", "경", "해", "자", "양")
_NAMES: Final = {"L": "엘", "M": "엠", "N": "엔", "R": "알"}
"""The names of the other capitals end in a vowel."""
_JAMO: Final = range(0x3131, 0x3164)
_ENDINGS: Final = (
    (re.compile(r"(?:l|le)$"), "을"),
    (re.compile(r"(?:m|me|n|ne)$"), "은"),
    (re.compile(r"ng$"), "응"),
    (re.compile(r"ck$"), "윽"),
)
"""For word endings, a syllable with the same final: cable, system, line, bearing, block. Others end in a vowel."""
_LONGEST_WORD: Final = 40


def particle(text: object, pair: str) -> str:
    """The particle of `pair`, such as 이/가, that follows `text`: the first after a consonant, but 로 after ㄹ.

    Brackets, quotation marks and full stops at the end are skipped.
    """
    after_consonant, _, after_vowel = pair.partition("/")
    final = _final(str(text))
    if not final or (final == _RIEUL and after_vowel.startswith("로")):
        return after_vowel
    return after_consonant


def _final(text: str) -> int:
    """The final consonant of the last syllable as read; 0 for none."""
    ending = _said(_compatible(text))
    return (ord(ending) - _SYLLABLES.start) % _FINALS if ending and ord(ending) in _SYLLABLES else 0


def _compatible(text: str) -> str:
    """The text without trailing signs that are skipped, in normal character widths."""
    text = unicodedata.normalize("NFC", "".join(map(_usual, text[-4 * _LONGEST_WORD :])))
    end = len(text)
    while end and not (text[end - 1].isalnum() or text[end - 1] in _READ):
        end -= 1
    return text[:end]


def _usual(sign: str) -> str:
    """The usual form of a character; Roman numerals become digits."""
    if sign in _READ or ord(sign) in _JAMO:
        return sign
    return _number(sign) if unicodedata.category(sign) == "Nl" else unicodedata.normalize("NFKC", sign)


def _number(numeral: str) -> str:
    return str(int(unicodedata.numeric(numeral)))


def _said(text: str) -> str:
    """The last syllable in Hangul; empty if it can't be read."""
    last = text[-1:]
    if last in _READ:
        return _READ[last]
    if last.isdecimal():
        return _counted(re.sub(r"(?<=\d),(?=\d)", "", text))
    if last.isascii() and last.isalpha():
        return _spelled(text)
    if last and ord(last) in _JAMO:
        return "가" if last >= "ㅏ" else "을" if last == "ㄹ" else "은"
    return last


def _counted(text: str) -> str:
    digits = ""
    for character in reversed(text):
        if not character.isdecimal():
            break
        digits = str(unicodedata.decimal(character)) + digits
    significant = digits.rstrip("0")
    zeros = len(digits) - len(significant)
    if not zeros or not significant:
        return _DIGITS[int(digits[-1])]
    return _MYRIADS[min(zeros // 4, len(_MYRIADS) - 1)] or _TENS[zeros]


def _spelled(text: str) -> str:
    word = re.split(r"[^A-Za-z]", text[-_LONGEST_WORD:])[-1]
    if word[-1].isupper() or len(word) == 1:
        return _NAMES.get(word[-1].upper(), "이")
    return next((syllable for ending, syllable in _ENDINGS if ending.search(word.lower())), "이")
