"""Periods of an appeal (행정기본법 §36) in days, as notices state and intake enforces them."""

from typing import Final

FILING_DAYS: Final = 30
"""From the day of notification."""
ANSWER_DAYS: Final = 14
"""From the filing."""
EXTENSION_DAYS: Final = 10
"""Once, if an answer in time is not possible."""
