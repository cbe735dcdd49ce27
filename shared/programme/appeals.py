"""Periods of an appeal (행정기본법 §36), in days: what notices state, and what intake holds everybody to."""

from typing import Final

FILING_DAYS: Final = 30
"""From the day the result was told."""
ANSWER_DAYS: Final = 14
"""From the filing."""
EXTENSION_DAYS: Final = 10
"""Once, where an answer in time can't be helped."""
