"""Quiet hours, in which patient mails wait. They are in Korean time, which has no summer time."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from shared.programme.working_days import KST

_HOURS: Final = re.compile(r"((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d)")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `begin` until `end`; over midnight if `end` is earlier."""

    begin: time
    end: time

    @classmethod
    def parse(cls, written: str) -> "QuietHours | None":
        """Parses `21:00-08:00`; None for an empty text. Raises ValueError."""
        if not written:
            return None
        match = _HOURS.fullmatch(written)
        hours = cls(*map(time.fromisoformat, match.groups())) if match else None
        if hours is None or hours.begin == hours.end:
            raise ValueError("must be two times of the day such as 21:00-08:00, or empty")
        return hours

    def until(self, now: datetime) -> datetime | None:
        """The end of the quiet hours that `now` is in; None outside them."""
        here = now.astimezone(KST)
        moment, over_midnight = here.time(), self.end < self.begin
        began, ended = moment >= self.begin, moment >= self.end
        if (ended and not began) if over_midnight else (ended or not began):
            return None
        day = here.date() + timedelta(days=1) if over_midnight and began else here.date()
        return datetime.combine(day, self.end, KST)
