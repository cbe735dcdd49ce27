"""Compares names of persons: an act takes two, and one person under two spellings is one."""

import re
import unicodedata
from typing import Final

_LEFT_OUT: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})
_UNSEEN: Final = re.compile(
    "[\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u2800\\u3164\\ufe00-\\ufe0f\\uffa0\\U000e0000-\\U000e0fff]"
)
"""Invisible letters and marks (Unicode Default_Ignorable_Code_Point), and the Braille blank."""


def spelled(name: str) -> str:
    """The name without case, width, blanks and invisible characters. The verifiers of evidence compare officers by
    it."""
    plain = _UNSEEN.sub("", unicodedata.normalize("NFKC", name).lower())
    return "".join(sign for sign in plain if unicodedata.category(sign) not in _LEFT_OUT)
