"""Who a name stands for: an act takes two persons, and one under two spellings is one."""

import unicodedata
from typing import Final

_UNSEEN: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})


def spelled(name: str) -> str:
    """What is left of a name without capitals, widths, blanks and signs that don't show. The verifiers of evidence
    compare officers by it."""
    plain = unicodedata.normalize("NFKC", name).lower()
    return "".join(sign for sign in plain if unicodedata.category(sign) not in _UNSEEN)
