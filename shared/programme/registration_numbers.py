"""Check digits of registration numbers. They find typing errors; whether a firm exists, only a registry knows."""

from operator import mul
from typing import Final

_BUSINESS_WEIGHTS: Final = (1, 3, 7, 1, 3, 7, 1, 3, 5)
_CORPORATE_WEIGHTS: Final = (1, 2) * 6
_ZERO: Final = ord("0")


def business_check_digit(number: str) -> int:
    """`S = Σ dᵢwᵢ + ⌊5·d₉/10⌋` over the first nine digits; the check digit is `(10 − S mod 10) mod 10`."""
    digits = number.encode()
    total: int = sum(map(mul, digits, _BUSINESS_WEIGHTS)) - _ZERO * sum(_BUSINESS_WEIGHTS)
    return (10 - (total + (digits[8] - _ZERO) * 5 // 10) % 10) % 10


def corporate_check_digit(number: str) -> int:
    """Weights 1 and 2 alternate over the first twelve digits, without summing digits."""
    total: int = sum(map(mul, number.encode(), _CORPORATE_WEIGHTS)) - _ZERO * sum(_CORPORATE_WEIGHTS)
    return (10 - total % 10) % 10
