"""Sources of chance: when the deciding value is due, and the value of a rehearsal's source."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBERS: Final = re.compile(r"([0-9]{1,9}\.)+")
_SIGNATURE: Final = re.compile(r"([0-9a-f]{2}){32,500}")


class UnusableValueError(ValueError):
    """The source could not have given this value; the message says why."""

    code = "unusable-value"


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a source gives its values: at `anchor` and every `period_seconds` before and after."""

    period_seconds: int
    anchor: datetime = _EPOCH
    fails_after_seconds: int | None = None

    @classmethod
    def of(cls, source: Mapping[str, Any]) -> "Timetable":
        """From a source as its announcement states it."""
        anchor = datetime.fromisoformat(source["anchor"]) if source.get("anchor") else _EPOCH
        return cls(source["period_seconds"], anchor, source.get("fails_after_seconds"))

    def first_since(self, second: int) -> datetime:
        """The first value at or after a second since 1970."""
        began = int(self.anchor.timestamp())
        periods = -(-(second - began) // self.period_seconds)
        return _EPOCH + timedelta(seconds=began + periods * self.period_seconds)

    def failed_at(self, due: datetime) -> datetime:
        """When the source has failed, if the due value is not published by then."""
        return due + timedelta(seconds=self.fails_after_seconds or self.period_seconds)

    def number(self, due: datetime) -> int:
        """The number of a value, counted from 1 at the anchor; for drand its round."""
        return int((due - self.anchor).total_seconds()) // self.period_seconds + 1


def due_at(committed_at: datetime, lead_seconds: int, timetables: Sequence[Timetable]) -> datetime:
    """When the value of the last of `timetables` is due, if all before it failed.

    The first source is due at its first value a lead after the commitment, each other source at its first value after
    the one before has failed, so that nobody can choose between known values.
    """
    second = int((committed_at - _EPOCH) / timedelta(seconds=1)) + 1 + lead_seconds
    for earlier in timetables[:-1]:
        second = int(earlier.failed_at(earlier.first_since(second)).timestamp())
    return timetables[-1].first_since(second)


def drawn_numbers(value: str) -> str:
    """A lottery's value as RFC 3797 §4.1 writes it. Raises UnusableValueError with the right form."""
    groups = value.split("/")
    if groups[-1] != "" or not all(_NUMBERS.fullmatch(group) for group in groups[:-1]) or len(groups) < 2:
        raise UnusableValueError(
            "write the numbers drawn, each followed by a full stop, then a slash: 9.18.26.34.41.45./"
        )
    canonical = [sorted(int(number) for number in group.split(".")[:-1]) for group in groups[:-1]]
    written = "".join("".join(f"{number}." for number in group) + "/" for group in canonical)
    if written != value:
        raise UnusableValueError(f"write the numbers in ascending order without leading zeros: {written}")
    return written


def beacon_value(signature: str) -> str:
    """The value of a drand signature: its randomness is SHA-256 of the signature. Raises UnusableValueError."""
    if not _SIGNATURE.fullmatch(signature):
        raise UnusableValueError("give the signature in lower-case hexadecimal, as the chain publishes it")
    return f"{hashlib.sha256(bytes.fromhex(signature)).hexdigest()}/"


def rehearsed_value(seed: str, round_id: str, supplementary: int | None = None) -> str:
    """Six numbers of 1 to 45 from the rehearsal's seed, as RFC 3797 writes them: ascending, `.` behind each, then `/`.

    `supplementary`: the epoch whose new entries draw under it; None for the round's own value. The value does not
    depend on the moment, so that a disturbed and an undisturbed rehearsal end in the same roots.
    """
    what = round_id if supplementary is None else f"{round_id}:supplementary-{supplementary}"
    numbers: list[int] = []
    counter = 0
    while len(numbers) < 6:
        digest = hashlib.sha256(f"{seed}:{what}:{counter}".encode()).digest()
        number = int.from_bytes(digest, "big") % 45 + 1
        if number not in numbers:
            numbers.append(number)
        counter += 1
    return "".join(f"{number}." for number in sorted(numbers)) + "/"
