"""Registration and certificate numbers, right and wrong ones. Written without the rules' code: they must agree."""

import random
import re
import string
from typing import Final

_BUSINESS: Final = (1, 3, 7, 1, 3, 7, 1, 3, 5)
_CORPORATION_DIGITS: Final = ("81", "86", "87", "88")
_PART: Final = re.compile(r"\[(0-9|A-Z)\](?:\{(\d+)\})?|(.)")


def business_number(rng: random.Random, *, corporation: bool, right: bool = True) -> str:
    """Ten digits. A wrong one has another check digit, as a typing error gives."""
    kind = rng.choice(_CORPORATION_DIGITS) if corporation else f"{rng.randint(1, 79):02d}"
    nine = f"{rng.randint(101, 899)}{kind}{rng.randint(0, 9999):04d}"
    digits = [int(digit) for digit in nine]
    total = sum(digit * weight for digit, weight in zip(digits, _BUSINESS, strict=True)) + digits[8] * 5 // 10
    return nine + str(_check(total, rng, right=right))


def corporate_number(rng: random.Random, *, right: bool = True) -> str:
    """Thirteen digits: registry, kind, serial, check digit."""
    twelve = f"{rng.randint(1101, 2850)}11{rng.randint(0, 999_999):06d}"
    total = sum(int(digit) * (1 + place % 2) for place, digit in enumerate(twelve))
    return twelve + str(_check(total, rng, right=right))


def _check(total: int, rng: random.Random, *, right: bool) -> int:
    digit = (10 - total % 10) % 10
    return digit if right else (digit + rng.randint(1, 9)) % 10


def certificate_number(pattern: str, rng: random.Random) -> str:
    """A number the pattern matches; it may hold literals, `[0-9]` and `[A-Z]`, each `{n}` times."""
    made = "".join(
        literal or "".join(rng.choices(string.digits if span == "0-9" else string.ascii_uppercase, k=int(times or 1)))
        for span, times, literal in _PART.findall(pattern)
    )
    if re.fullmatch(pattern, made) is None:
        raise ValueError(f"numbers of the form {pattern} can't be made: only [0-9], [A-Z] and literals are known")
    return made


def wrong_certificate_number(pattern: str, rng: random.Random) -> str:
    """What somebody writes who copies a number badly; never one the pattern matches."""
    made = certificate_number(pattern, rng)
    bad = rng.choice((made.replace("-", "/"), made[:-2], f"제{made}호"))
    return bad if re.fullmatch(pattern, bad) is None else f"{made}?"
